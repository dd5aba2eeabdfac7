// Package model holds the API's types: those that gqlgen makes from the schema,
// and the few that would otherwise bind to a row.
package model

import "time"

// Notice is a frozen guide as the API shows it; ent's Notice is only its row.
type Notice struct {
	Number   string
	IssuedAt time.Time
	Digest   string
	Guide    *Guide
	Document string
}
