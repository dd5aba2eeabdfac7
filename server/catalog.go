package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/store"
)

// migrate brings the schema up to date.
func migrate(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, _, err := parseConfig("migrate", args, getenv, stderr)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "the schema is up to date")
	return nil
}

// catalogCommand runs catalog validate, import and export.
func catalogCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("catalog validate, import or export?")
	}
	verb := args[0]
	c, rest, err := parseConfig("catalog "+verb, args[1:], getenv, stderr)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("usage: server catalog %s [flags] DIR", verb)
	}
	dir := rest[0]
	switch verb {
	case "validate":
		pack, err := readPack(dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: no fault in %d items, %d clauses, %d schemes\n", dir, len(pack.Items), len(pack.Clauses), len(pack.Schemes))
		return nil
	case "import":
		return importCatalog(ctx, c, dir, stdout)
	case "export":
		return exportCatalog(ctx, c, dir, stdout)
	}
	return fmt.Errorf("there is no catalog %s: validate, import or export", verb)
}

func readPack(dir string) (*catalog.Pack, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", dir)
	}
	pack, err := catalog.Read(os.DirFS(dir))
	var faults catalog.Faults
	if errors.As(err, &faults) {
		return nil, fmt.Errorf("%w\n%s: faults: %d; nothing applied", faults, dir, len(faults))
	}
	return pack, err
}

func importCatalog(ctx context.Context, c config, dir string, stdout io.Writer) error {
	pack, err := readPack(dir)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	done, err := s.Import(ctx, pack, time.Now())
	if err != nil {
		return err
	}
	if done.Unchanged {
		fmt.Fprintf(stdout, "nothing changed: revision %d has all of it\n", done.Revision)
		return nil
	}
	fmt.Fprintf(stdout, "revision %d: %d standards published, %d ended\n", done.Revision, done.Published, done.Closed)
	tellServers(ctx, c, done.Revision)
	return nil
}

func exportCatalog(ctx context.Context, c config, dir string, stdout io.Writer) error {
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	pack, err := s.Export(ctx)
	if err != nil {
		return err
	}
	files, err := pack.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%d files in %s\n", len(files), dir)
	return nil
}
