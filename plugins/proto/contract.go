// Package proto holds the contract between the platform and departments' plugins.
package proto

import _ "embed" // the contract

// Contract is the text of the contract, for those who write plugins in a language
// without generated code.
//
//go:embed onedoor/plugin/v1/checker.proto
var Contract string
