package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
)

// One process serves a SQLite file, any number a PostgreSQL.
func TestServe(t *testing.T) {
	t.Parallel()
	for url, alone := range map[string]bool{"sqlite:" + filepath.Join(t.TempDir(), "o.db"): true, testservices.PostgreSQL(t): false} {
		open := func() *store.Store {
			t.Helper()
			s, err := store.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		one, two := open(), open()
		if err := one.Serve(); err != nil {
			t.Fatal(err)
		}
		if err := two.Serve(); (err != nil) != alone || alone && !strings.Contains(err.Error(), "another process serves") {
			t.Errorf("%s: the second: %v", url, err)
		}
		one.Close()
		if err := two.Serve(); err != nil {
			t.Errorf("%s: the first is gone: %v", url, err)
		}
		two.Close()
	}
}
