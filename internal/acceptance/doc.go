// Package acceptance runs the real program as processes, on SQLite and on
// PostgreSQL with Redis, and asks it over HTTP what the catalogue's golden
// samples and vectors expect: guides, deadlines and whole lives of cases, also
// while the server is killed and the database is away. It holds tests only.
//
// `make soak` kills the server for as long as it takes to handle many cases.
package acceptance
