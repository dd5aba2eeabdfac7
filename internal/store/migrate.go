package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/onedoor/onedoor/ent/migrate/migrations"
)

// Migrate brings the database's schema up to date.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("store.Migrate: %w", err)
	}
	return nil
}

func up(ctx context.Context, name string, db *sql.DB) error {
	folder, err := fs.Sub(migrations.Files, folders[name])
	if err != nil {
		return err
	}
	gooseDialect := goose.DialectSQLite3
	var options []goose.ProviderOption
	if name == dialect.Postgres {
		gooseDialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker() // several servers may start at once
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(gooseDialect, db, folder, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

var folders = map[string]string{dialect.SQLite: "sqlite", dialect.Postgres: "postgres"}

// checkForeignKeys finds rows whose parent is gone.
func checkForeignKeys(ctx context.Context, db *sql.DB) error {
	var table, parent string
	var row, fk sql.NullInt64
	err := db.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &fk)
	switch err {
	case sql.ErrNoRows:
		return nil
	case nil:
		return fmt.Errorf("row %d of %s has no parent in %s", row.Int64, table, parent)
	}
	return err
}
