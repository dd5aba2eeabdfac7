package store_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/workday"
)

func TestMain(m *testing.M) { testservices.Main(m) }

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// onBoth runs a test on an empty SQLite and an empty PostgreSQL database.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Parallel()
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "onedoor.db") },
		"postgresql": func(t *testing.T) string { return testservices.PostgreSQL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), url(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(t, s)
		})
	}
}

func jiangbei(t *testing.T) fstest.MapFS {
	t.Helper()
	names, err := fs.Glob(catalog.Jiangbei(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(catalog.Jiangbei(), name)
		if err != nil {
			t.Fatal(err)
		}
		m[name] = &fstest.MapFile{Data: text}
	}
	return m
}

func replace(t *testing.T, m fstest.MapFS, file, old, new string) {
	t.Helper()
	if !strings.Contains(string(m[file].Data), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	m[file] = &fstest.MapFile{Data: []byte(strings.Replace(string(m[file].Data), old, new, 1))}
}

func importPack(t *testing.T, s *store.Store, dir fs.FS, at time.Time) store.Imported {
	t.Helper()
	pack, err := catalog.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.Import(t.Context(), pack, at)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func meaning(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// oneNumber says that 5 and 5.0 are the same number.
var oneNumber = cmp.FilterValues(func(a, b any) bool {
	_, x := number(a)
	_, y := number(b)
	return x && y
}, cmp.Comparer(func(a, b any) bool {
	x, _ := number(a)
	y, _ := number(b)
	return x == y
}))

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func TestImportedAndExportedIsTheSamePack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		m := jiangbei(t)
		replace(t, m, "items.yaml", "  - id: biz-reg\n", "  - id: biz-reg\n    hotline: {number: '12345', hours: [9, 17.5]}\n")
		first := importPack(t, s, m, now)
		if first != (store.Imported{Revision: 1, Published: 83}) {
			t.Errorf("first import: %+v", first)
		}
		if again := importPack(t, s, m, now.AddDate(0, 0, 1)); again != (store.Imported{Revision: 1, Unchanged: true}) {
			t.Errorf("second import of the same pack: %+v", again)
		}
		pack, err := s.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		files, err := pack.Files()
		if err != nil {
			t.Fatal(err)
		}
		out := fstest.MapFS{}
		for name, text := range files {
			out[name] = &fstest.MapFile{Data: text}
			if diff := cmp.Diff(meaning(t, m[name].Data), meaning(t, text), oneNumber); diff != "" {
				t.Errorf("%s (-pack +export):\n%s", name, diff)
			}
		}
		if len(files) != len(m) {
			t.Errorf("%d files exported, %d imported", len(files), len(m))
		}
		if back := importPack(t, s, out, now.AddDate(0, 0, 2)); !back.Unchanged {
			t.Errorf("import of the export: %+v", back)
		}
	})
}

func guideFor(t *testing.T, s *store.Store, in guide.Input) *guide.Guide {
	t.Helper()
	c, err := s.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g, err := c.Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestANewVersionClosesTheOld(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		m := jiangbei(t)
		importPack(t, s, m, now)
		replace(t, m, "items.yaml", "      promised: 1\n", "      promised: 2\n") // biz-reg
		replace(t, m, "departments.yaml", "  - id: samr\n", "  - id: newone\n    name: 新设部门\n    role: approver\n  - id: samr\n")
		later := now.AddDate(0, 0, 7)
		done := importPack(t, s, m, later)
		if done != (store.Imported{Revision: 2, Published: 1, Closed: 1}) {
			t.Fatalf("import of one change: %+v", done)
		}
		facts := map[string]any{"industry": "catering"}
		for day, want := range map[string]int{"2009-04-01": 1, "2026-11-29": 1, "2026-11-30": 2, "2030-01-01": 2} {
			date, err := workday.ParseDate(day)
			if err != nil {
				t.Fatal(err)
			}
			g := guideFor(t, s, guide.Input{Item: "biz-reg", Facts: facts, AsOf: date})
			if got := g.Items[0].Item.Time.Promised; got != want || g.Items[0].Version != want {
				t.Errorf("%s: promised %d in version %d, want %d", day, got, g.Items[0].Version, want)
			}
		}
		// Back to the old content: a third version, for the second was in force.
		if done := importPack(t, s, jiangbei(t), later.AddDate(0, 0, 7)); done != (store.Imported{Revision: 3, Published: 1, Closed: 1}) {
			t.Errorf("import of the old content: %+v", done)
		}
	})
}

func TestAnItemThatLeavesThePackEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		m := jiangbei(t)
		importPack(t, s, m, now)
		// Retire a fact's value and an item's clause: old days still answer.
		replace(t, m, "clauses.yaml", "  - id: C-HTL-032\n", "  - id: C-HTL-932\n")
		done := importPack(t, s, m, now.AddDate(0, 0, 1))
		if done.Published != 1 || done.Closed != 1 {
			t.Fatalf("%+v", done)
		}
		c, err := s.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		facts := map[string]any{"industry": "hotel", "terror_key_target": true, "cctv": true}
		for day, want := range map[string]string{"2026-11-23": "C-HTL-032", "2026-11-24": "C-HTL-932"} {
			date, _ := workday.ParseDate(day)
			g, err := c.Compute(guide.Input{Scheme: "hotel", Facts: facts, AsOf: date})
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			for _, r := range g.Clauses {
				if strings.HasSuffix(r.Clause.Code, "32") && strings.HasPrefix(r.Clause.Code, "C-HTL") {
					found += r.Clause.Code
				}
			}
			if found != want {
				t.Errorf("%s: %q, want %q", day, found, want)
			}
		}
	})
}

func TestWhatLeftTheVocabularyIsNoAnswerAnyMore(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		m := jiangbei(t)
		importPack(t, s, m, now)
		replace(t, m, "items.yaml", `facts.investor_kind in ["foreign", "hmt"]`, `facts.investor_kind == "foreign"`)
		text := string(m["clauses.yaml"].Data)
		m["clauses.yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, `facts.investor_kind in ["foreign", "hmt"]`, `facts.investor_kind == "foreign"`))}
		replace(t, m, "facts.yaml", "      - id: hmt\n        zh: 港澳台资\n", "")
		importPack(t, s, m, now.AddDate(0, 0, 1))
		c, err := s.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in := guide.Input{Scheme: "catering", Facts: map[string]any{"investor_kind": "hmt"}, AsOf: workday.DateOf(now)}
		if _, err := c.Compute(in); err != nil {
			t.Errorf("on the day before, the value was an answer: %v", err)
		}
		in.AsOf = in.AsOf.AddDays(1)
		if _, err := c.Compute(in); err == nil || !strings.Contains(err.Error(), "UNKNOWN_VALUE") {
			t.Errorf("a value that left the pack was taken: %v", err)
		}
		for _, f := range c.Facts() {
			if f.Key == "investor_kind" && len(f.Values) != 3 {
				t.Errorf("the values offered: %v", f.Values)
			}
		}
	})
}

func TestAPackThatCannotFollowIsRefusedWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		importPack(t, s, jiangbei(t), now)
		m := jiangbei(t)
		replace(t, m, "departments.yaml", "name: 区市场监督管理局", "name: 改了名")
		replace(t, m, "facts.yaml", "    unit: 人\n", "    unit: 万人\n")
		pack, err := catalog.Read(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), pack, now); err == nil || !strings.Contains(err.Error(), "FACT_CHANGED") {
			t.Fatalf("Import gave %v", err)
		}
		if rev, err := s.Revision(t.Context()); rev != 1 || err != nil {
			t.Errorf("revision %d, %v", rev, err)
		}
		c, err := s.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := c.Department("samr"); d.Name != "区市场监督管理局" {
			t.Errorf("something of the refused pack was written: %s", d.Name)
		}
	})
}

func TestANoticeStaysAsItWasIssued(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		m := jiangbei(t)
		importPack(t, s, m, now)
		g := guideFor(t, s, guide.Input{Scheme: "catering", Facts: map[string]any{"use_area": 180}, AsOf: workday.DateOf(now)})
		n, err := guide.Issue(g, now, strings.NewReader("seven+7bytes"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SaveNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		replace(t, m, "departments.yaml", "name: 区市场监督管理局", "name: 改了名")
		replace(t, m, "items.yaml", "      promised: 1\n", "      promised: 2\n")
		importPack(t, s, m, now)
		back, err := s.Notice(context.Background(), n.Number)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(n, back); diff != "" {
			t.Errorf("(-issued +kept):\n%s", diff)
		}
		if guide.DigestOf(back.Document) != n.Digest {
			t.Error("the digest does not verify")
		}
		read, err := guide.Read(back.Document)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read.Canonical()
		if err != nil || string(again) != string(n.Document) {
			t.Errorf("the guide read back is not the guide frozen: %v", err)
		}
		if _, err := s.SaveNotice(t.Context(), n); err == nil {
			t.Error("a notice was written over")
		}
	})
}
