package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/workday"
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
	verb, format, asOf := args[0], "yaml", ""
	c, rest, err := parseConfig("catalog "+verb, args[1:], getenv, stderr, func(flags *flag.FlagSet) {
		if verb == "export" {
			flags.StringVar(&format, "format", format, "yaml (the files of a pack), json, or jsonld (linked data by CPSV-AP)")
			flags.StringVar(&asOf, "as-of", "", "the standards in force on a day, 2026-11-25; else all that has not ended")
		}
	})
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
		return exportCatalog(ctx, c, dir, format, asOf, stdout)
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

func exportCatalog(ctx context.Context, c config, dir, format, asOf string, stdout io.Writer) error {
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	pack, err := exported(ctx, s, asOf)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	switch format {
	case "yaml":
		files, err = pack.Files()
	case "json":
		files["catalogue.json"], err = pack.JSON()
	case "jsonld":
		files["catalogue.jsonld"], err = pack.LinkedData("urn:onedoor")
	default:
		err = fmt.Errorf("there is no format %q: yaml, json or jsonld", format)
	}
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

// exported gives the catalogue as a pack: all that has not ended, or what is in
// force on a day.
func exported(ctx context.Context, s *store.Store, asOf string) (*catalog.Pack, error) {
	if asOf == "" {
		return s.Export(ctx)
	}
	day, err := workday.ParseDate(asOf)
	if err != nil {
		return nil, err
	}
	return s.ExportOn(ctx, day)
}

// serveCatalogue serves the published catalogue as open data: JSON, linked data
// (CPSV-AP in JSON-LD), or a ZIP of the YAML pack; of today, or of a day asOf.
func serveCatalogue(s *store.Store, today func() workday.Date) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		day := today()
		if asOf := r.URL.Query().Get("asOf"); asOf != "" {
			var err error
			if day, err = workday.ParseDate(asOf); err != nil {
				http.Error(w, "asOf is no day such as 2026-11-25", http.StatusBadRequest)
				return
			}
		}
		pack, err := s.ExportOn(r.Context(), day)
		if fault.CodeOf(err) == fault.NotFound {
			http.Error(w, "no catalogue on "+day.String(), http.StatusNotFound)
			return
		}
		var text []byte
		kind := "application/json"
		if err == nil {
			switch path.Ext(r.URL.Path) {
			case ".jsonld":
				kind = "application/ld+json"
				text, err = pack.LinkedData("https://" + r.Host)
			case ".zip":
				kind = "application/zip"
				text, err = zipped(pack)
			default:
				text, err = pack.JSON()
			}
		}
		if err != nil {
			slog.ErrorContext(r.Context(), "catalogue not served", "error", err)
			http.Error(w, "the database does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256(text))
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Access-Control-Allow-Origin", "*") // open data
		w.Header().Set("Content-Type", kind)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(text)
	})
}

// zipped gives the files of a pack in a ZIP.
func zipped(pack *catalog.Pack) ([]byte, error) {
	files, err := pack.Files()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
