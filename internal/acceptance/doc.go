// Package acceptance runs the real program as processes, on SQLite and on
// PostgreSQL with Redis, and asks it over HTTP what the catalogue's golden
// samples and vectors expect. It holds tests only.
package acceptance
