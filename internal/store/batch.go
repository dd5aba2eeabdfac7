package store

import (
	"context"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"

	"github.com/onedoor/onedoor/ent"
)

// transaction runs fn in one transaction: all of it, or nothing.
type transaction func(ctx context.Context, fn func(c *ent.Client) error) error

// inClient is inTx for what needs no more than a client.
func (s *Store) inClient(ctx context.Context, fn func(c *ent.Client) error) error {
	return s.inTx(ctx, func(tx *ent.Tx) error { return fn(tx.Client()) })
}

// blind is inTx for what only inserts rows that are new. On PostgreSQL all that
// fn writes is sent at once when fn is done: one round trip, in which the server
// commits too. What goes wrong is told then, as the server's own error.
func (s *Store) blind(ctx context.Context, fn func(c *ent.Client) error) error {
	if s.pool == nil {
		return s.inClient(ctx, fn)
	}
	var inserts collector
	if err := fn(ent.NewClient(ent.Driver(counted{&inserts}))); err != nil {
		return err
	}
	return s.pool.SendBatch(ctx, &inserts.Batch).Close() // without a BEGIN a batch is a transaction
}

// collector keeps what ent would send to PostgreSQL.
type collector struct{ pgx.Batch }

// Exec keeps an insert.
func (c *collector) Exec(_ context.Context, query string, args, _ any) error {
	c.Queue(query, args.([]any)...)
	return nil
}

// Query keeps an insert that would tell identities, which the rows have already.
func (c *collector) Query(_ context.Context, query string, args, v any) error {
	c.Queue(query, args.([]any)...)
	v.(*entsql.Rows).ColumnScanner = noRows{}
	return nil
}

// Tx is the transaction that the batch is.
func (c *collector) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(c), nil }

// Close has nothing to close.
func (c *collector) Close() error { return nil }

// Dialect is PostgreSQL's.
func (c *collector) Dialect() string { return dialect.Postgres }

// noRows are the rows of a statement that has not been sent.
type noRows struct{ entsql.ColumnScanner }

// Next has no row.
func (noRows) Next() bool { return false }

// Err has no error.
func (noRows) Err() error { return nil }

// Close has nothing to close.
func (noRows) Close() error { return nil }
