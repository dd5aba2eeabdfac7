// Package migrations holds the schema's versioned SQL, one folder a dialect,
// made by `make migration name=…` and reviewed by people.
package migrations

import "embed"

// Files are the migrations.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
