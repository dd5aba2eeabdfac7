// Command migrationgen writes the SQL that takes the last migration to today's
// ent schema, for both dialects: go run ./internal/migrationgen NAME. It needs
// an empty PostgreSQL database in MIGRATION_DATABASE_URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	entmigrate "github.com/onedoor/onedoor/ent/migrate"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "migrationgen:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(os.Args[1]) {
		return errors.New("usage: go run ./internal/migrationgen name_of_the_change")
	}
	postgres := os.Getenv("MIGRATION_DATABASE_URL")
	if postgres == "" {
		return errors.New("MIGRATION_DATABASE_URL must name an empty PostgreSQL database")
	}
	ctx := context.Background()
	for _, d := range []struct{ folder, dialect, driver, dsn string }{
		{"sqlite", dialect.SQLite, "sqlite", "file:migrationgen?mode=memory&cache=shared&_pragma=foreign_keys(1)"},
		{"postgres", dialect.Postgres, "pgx", postgres},
	} {
		if err := diff(ctx, os.Args[1], d.folder, d.dialect, d.driver, d.dsn); err != nil {
			return fmt.Errorf("%s: %w", d.folder, err)
		}
	}
	return nil
}

func diff(ctx context.Context, name, folder, dialectName, driver, dsn string) error {
	dir, err := sqltool.NewGooseDir("ent/migrate/migrations/" + folder)
	if err != nil {
		return err
	}
	conn, err := entsql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer conn.Close()
	m := entmigrate.NewSchema(entsql.OpenDB(dialectName, conn.DB()))
	err = m.NamedDiff(ctx, name,
		schema.WithDir(dir), schema.WithMigrationMode(schema.ModeReplay), schema.WithDialect(dialectName),
		schema.WithFormatter(sqltool.GooseFormatter), schema.WithErrNoPlan(true))
	if errors.Is(err, migrate.ErrNoPlan) {
		fmt.Println(folder + ": nothing to do")
		return nil
	}
	return err
}
