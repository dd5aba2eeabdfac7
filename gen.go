// Package onedoor holds the generation order of the project: ent reads
// ent/schema and writes the store and the read types of the API, gqlgen reads
// graph/schema and writes the executor and the schema in one file for clients,
// protobuf reads plugins/proto and writes plugins/internal/pb. Run `make gen`;
// `make verify` fails when a generated file differs.
package onedoor

//go:generate go run ./internal/codegen
