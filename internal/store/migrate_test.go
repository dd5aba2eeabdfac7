package store_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/store"
)

// TestMigrationsAreTheSchema fails when ent/schema has moved on and no migration
// was written: run `make migration name=…`.
func TestMigrationsAreTheSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		var drift bytes.Buffer
		if err := s.Client().Schema.WriteTo(t.Context(), &drift); err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(strings.NewReplacer("BEGIN;", "", "COMMIT;", "").Replace(drift.String()))
		if text != "" {
			t.Errorf("the database differs from ent/schema by:\n%s", text)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("migrating twice: %v", err)
		}
	})
}
