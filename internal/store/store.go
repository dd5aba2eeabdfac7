// Package store keeps everything in SQL through ent. It is the only writer: the
// rooms of the core decide, store remembers in short transactions.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite" // and the driver "sqlite"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/fault"
)

// Store is an open database.
type Store struct {
	client  *ent.Client // sees everything; for the store itself
	reader  *ent.Client // sees what the viewer may see
	dialect string
	path    string // of the SQLite file
	write   *sql.DB
	read    *sql.DB
	pool    *pgxpool.Pool // of write, on PostgreSQL
	migrate func(context.Context) error
	close   func()

	sequencer *sequencer
	exported  exported
}

// Open opens the database that the URL names: sqlite:PATH or postgres://…. It
// does not change the schema; see Migrate.
func Open(ctx context.Context, databaseURL string) (*Store, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("store.Open: DATABASE_URL is no URL: %w", err)
	}
	switch u.Scheme {
	case "sqlite":
		return openSQLite(strings.TrimPrefix(strings.TrimPrefix(databaseURL, "sqlite:"), "//"))
	case "postgres", "postgresql":
		return openPostgres(ctx, databaseURL)
	}
	return nil, fmt.Errorf("store.Open: DATABASE_URL begins with sqlite: or postgres://, not %q", u.Scheme)
}

// sqliteDSN asks for a write-ahead log that is on disk when a commit returns,
// real foreign keys, and sortable UTC times.
func sqliteDSN(path string, more ...string) string {
	pragmas := append([]string{
		"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_txlock=immediate", "_time_format=sqlite", "_timezone=UTC",
	}, more...)
	return "file:" + path + "?" + strings.Join(pragmas, "&")
}

// openSQLite opens one connection for writing, which makes writers queue fairly
// instead of failing as busy, and a pool that can only read.
func openSQLite(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("store.Open: %w", err)
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, "_pragma=foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("store.Open: %w", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteDSN(path, "_pragma=foreign_keys(1)", "_pragma=query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("store.Open: %w", err)
	}
	read.SetMaxOpenConns(8)
	s := &Store{dialect: dialect.SQLite, path: path, write: write, read: read}
	// A rebuilt table would cascade into its children: migrations run with foreign
	// keys off and are checked afterwards.
	s.migrate = func(ctx context.Context) error {
		db, err := sql.Open("sqlite", sqliteDSN(path, "_pragma=foreign_keys(0)"))
		if err != nil {
			return err
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if err := up(ctx, dialect.SQLite, db); err != nil {
			return err
		}
		return checkForeignKeys(ctx, db)
	}
	s.close = func() { _ = read.Close(); _ = write.Close() }
	s.use(split{Driver: entsql.OpenDB(dialect.SQLite, write), read: entsql.OpenDB(dialect.SQLite, read)})
	return s, nil
}

func openPostgres(ctx context.Context, databaseURL string) (*Store, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("store.Open: %w", err)
	}
	if !strings.Contains(databaseURL, "pool_max_conns") { // pgxpool's own default is 4
		config.MaxConns = max(config.MaxConns, 16)
	}
	// The planner thinks the row rules costly; compiling them takes longer than
	// they run. What else speaks PostgreSQL's protocol may not know the setting.
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, _ = c.Exec(ctx, "SET jit = off")
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("store.Open: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	s := &Store{dialect: dialect.Postgres, write: db, read: db, pool: pool}
	s.migrate = func(ctx context.Context) error { return up(ctx, dialect.Postgres, db) }
	s.close = func() { _ = db.Close(); pool.Close() }
	s.use(entsql.OpenDB(dialect.Postgres, db))
	return s, nil
}

// split reads from one pool and writes through another.
type split struct {
	dialect.Driver
	read dialect.Driver
}

// Query runs a statement that only reads. (ent writes RETURNING statements on
// SQLite through Query too; those begin with INSERT or UPDATE.)
func (s split) Query(ctx context.Context, query string, args, v any) error {
	if strings.HasPrefix(query, "SELECT") || strings.HasPrefix(query, "WITH") {
		return s.read.Query(ctx, query, args, v)
	}
	return s.Driver.Query(ctx, query, args, v)
}

// counterKey carries the counter of CountStatements.
type counterKey struct{}

// CountStatements gives a context in which every SQL statement that is sent is
// counted, for budgets in tests and for measurements.
func CountStatements(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, counterKey{}, n), n
}

// counted counts the statements of a driver.
type counted struct{ dialect.Driver }

func count(ctx context.Context) {
	if n, ok := ctx.Value(counterKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}

// Query counts and runs a statement with rows.
func (c counted) Query(ctx context.Context, query string, args, v any) error {
	count(ctx)
	return c.Driver.Query(ctx, query, args, v)
}

// Exec counts and runs a statement without rows.
func (c counted) Exec(ctx context.Context, query string, args, v any) error {
	count(ctx)
	return c.Driver.Exec(ctx, query, args, v)
}

// readAway makes of a read whose database does not answer a fault that says so:
// the API reads through ent, and gets its errors as they are.
func readAway(next ent.Querier) ent.Querier {
	return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
		v, err := next.Query(ctx, q)
		if err != nil && away(err) {
			err = unavailable("store.read", err)
		}
		return v, err
	})
}

// away says that an error comes from a database that is not there, is full or
// overloaded, or from a connection that broke.
func away(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) && len(state.SQLState()) == 5 {
		switch state.SQLState()[:2] {
		case "08", "53", "57", "58": // connection, resources, operator, system (PostgreSQL, appendix A)
			return true
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff { // sqlite.org/rescode.html: the primary of an extended code
		case 5, 7, 9, 10, 13, 14: // BUSY, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN
			return true
		}
		return false
	}
	var wire net.Error
	return errors.As(err, &wire) || pgconn.SafeToRetry(err) ||
		slices.ContainsFunc([]error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded, context.Canceled},
			func(cause error) bool { return errors.Is(err, cause) })
}

// Tx counts the statements of a transaction too.
func (c counted) Tx(ctx context.Context) (dialect.Tx, error) {
	tx, err := c.Driver.Tx(ctx)
	return countedTx{tx}, err
}

// countedTx counts the statements of a transaction.
type countedTx struct{ dialect.Tx }

// Query counts and runs a statement with rows.
func (c countedTx) Query(ctx context.Context, query string, args, v any) error {
	count(ctx)
	return c.Tx.Query(ctx, query, args, v)
}

// Exec counts and runs a statement without rows.
func (c countedTx) Exec(ctx context.Context, query string, args, v any) error {
	count(ctx)
	return c.Tx.Exec(ctx, query, args, v)
}

// Client gives the client for reading, which shows each viewer what that viewer
// may see; the API resolves through it.
func (s *Store) Client() *ent.Client { return s.reader }

func (s *Store) use(drv dialect.Driver) {
	s.sequencer = newSequencer(s.Sequence)
	s.client = ent.NewClient(ent.Driver(counted{drv}))
	s.reader = restrict(s.sequencer.settled, ent.NewClient(ent.Driver(counted{drv})))
	s.reader.Intercept(ent.InterceptFunc(readAway))
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return &fault.Error{Code: fault.Unavailable, Op: "store.Ping", ZH: "数据库不可用", EN: "the database does not answer", Err: err}
	}
	return nil
}

// Close closes the database.
func (s *Store) Close() {
	s.sequencer.close()
	s.close()
}

// inTx runs fn in one transaction: all of it, or nothing.
func (s *Store) inTx(ctx context.Context, fn func(tx *ent.Tx) error) error {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
