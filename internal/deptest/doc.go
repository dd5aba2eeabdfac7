// Package deptest keeps the import rules of the architecture: which folder may know
// which. It holds tests only; .golangci.yml says the same to the editor.
package deptest
