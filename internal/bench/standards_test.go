package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

func standardsDesk(b *testing.B) (*drafting.Desk, context.Context) {
	b.Helper()
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "onedoor.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	if _, err := s.Import(b.Context(), pack, now); err != nil {
		b.Fatal(err)
	}
	c, err := s.Catalogue(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return &drafting.Desk{Shelf: s, Catalog: s, Cases: s, Book: guide.NewBook(c), Now: func() time.Time { return now }, Random: rand.Reader},
		viewer.With(b.Context(), viewer.Viewer{Subject: "qian", Role: viewer.Legal})
}

// BenchmarkAnalysisOfAnEdit is `analysis(input: {edit})` as an editor asks it: the
// shipped catalogue with one clause that is new every time, contradictions.
func BenchmarkAnalysisOfAnEdit(b *testing.B) {
	d, ctx := standardsDesk(b)
	n := 0
	for b.Loop() {
		n++
		requires := fmt.Sprintf("facts.use_area >= %d.0", n%900+1)
		r := &requires
		if _, err := d.Analyse(ctx, drafting.Question{Kinds: []conflict.Kind{conflict.Contradiction, conflict.Dead}, Edit: &drafting.Edit{Clause: "C-ENV-004", Requires: &r}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms-each(limit≤50)")
}

// BenchmarkWholeAnalysis is `analysis` of everything, of another day every time so
// that nothing is remembered.
func BenchmarkWholeAnalysis(b *testing.B) {
	d, ctx := standardsDesk(b)
	n := 0
	for b.Loop() {
		n++
		if _, err := d.Analyse(ctx, drafting.Question{AsOf: workday.NewDate(2026, 11, 23).AddDays(n)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms-each(limit≤1000)")
}
