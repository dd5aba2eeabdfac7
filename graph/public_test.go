package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

// caching gives the API over the same office with answers that are kept.
func (a api) caching(t *testing.T, redisURL string, more ...func(*graph.Caching)) api {
	t.Helper()
	hints, err := cache.Open(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hints.Close)
	c := graph.Caching{Pages: cache.NewPages(hints), Age: time.Minute}
	for _, set := range more {
		set(&c)
	}
	resolver := &graph.Resolver{Client: a.office.store.Client(), Desk: a.office.Desk, Answers: a.office.store, Drafting: a.office.drafts}
	return api{handler: graph.NewHandler(resolver, graph.Options{Documents: cache.Documents{Cache: hints}, Caching: c}), office: a.office}
}

// get asks by GET as somebody.
func (a api) get(t *testing.T, v viewer.Viewer, query string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return a.getWith(t, v, query, nil, headers...)
}

func (a api) getWith(t *testing.T, v viewer.Viewer, query string, variables json.RawMessage, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	values := url.Values{"query": {query}}
	if variables != nil {
		values.Set("variables", string(variables))
	}
	r := httptest.NewRequestWithContext(viewer.With(t.Context(), v), http.MethodGet, "/graphql?"+values.Encode(), nil)
	if !v.Anonymous() {
		r.Header.Set("Authorization", "Bearer "+v.Subject)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

// TestKeptAnswersAreThoseMadeAnew asks each golden query with and without
// caching, as its viewer and as nobody, by POST and by GET, again and again, of
// two servers that share a Redis. Every answer is the same to the byte.
func TestKeptAnswersAreThoseMadeAnew(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden queries: %v", err)
	}
	onBoth(t, func(t *testing.T, a api) {
		a.office.clock.set(now, 0)
		redisURL := testservices.Redis(t)
		kept := []api{a.caching(t, cache.Embedded), a.caching(t, redisURL), a.caching(t, redisURL)}
		pages := 0
		for _, file := range files {
			g := readGolden(t, file)
			for _, v := range slices.Compact([]string{g.viewer.Subject, ""}) {
				who := viewer.Viewer{}
				if v != "" {
					who = g.viewer
				}
				if strings.Contains(g.query, "mutation") {
					continue
				}
				want, _ := a.askAs(t, who, g.query, g.variables)
				plain := a.getWith(t, who, g.query, g.variables)
				for round := range 3 {
					for i, k := range kept {
						got, statements := k.askAs(t, who, g.query, g.variables)
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s as %q, round %d, server %d (-anew +kept):\n%s", file, v, round, i, diff)
						}
						byGet := k.getWith(t, who, g.query, g.variables)
						if byGet.Code != plain.Code || !bytes.Equal(byGet.Body.Bytes(), plain.Body.Bytes()) {
							t.Errorf("%s as %q, round %d, server %d by GET: %d %s", file, v, round, i, byGet.Code, byGet.Body)
						}
						isPage := byGet.Header().Get("ETag") != ""
						if isPage && round == 0 {
							pages++
						}
						if isPage && statements > 0 && round > 0 {
							t.Errorf("%s: a kept answer took %d statements", file, statements)
						}
						if isPage && (who.Subject != "" || strings.Contains(byGet.Body.String(), `"errors"`)) || isPage == strings.Contains(byGet.Header().Get("Cache-Control"), "no-store") {
							t.Errorf("%s as %q: %v", file, v, byGet.Header())
						}
					}
				}
			}
		}
		if pages < 3*15 {
			t.Errorf("%d pages of 3 servers: too few to tell anything", pages)
		}
	})
}

// TestNothingOfViewersIsPublic walks from the fields whose answers are kept to all
// that they lead to.
func TestNothingOfViewersIsPublic(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	catalogue := []string{"Boolean", "Clause", "ClauseConnection", "ClauseEdge", "ClauseResult", "Cursor", "Date", "DateTime", "DayExplained", "Deadline", "Department", "DepartmentConnection", "DepartmentEdge",
		"Fact", "FactSet", "FactValue", "Float", "Guide", "GuideItem", "GuideMaterial", "ID", "Int", "Item", "ItemCommitment", "ItemConnection", "ItemEdge", "ItemLimits", "ItemMaterial", "ItemMaterialConnection", "ItemMaterialEdge",
		"ItemResult", "JSON", "Law", "LawConnection", "LawEdge", "LegalBasis", "Money", "PageInfo", "PolicyRule", "PolicyRuleConnection", "PolicyRuleEdge", "Precedence", "Precondition", "Reason", "Region", "Ruling", "RegionConnection", "RegionEdge",
		"Schedule", "ScheduleStage", "Scheme", "SchemeClock", "SchemeConnection", "SchemeEdge", "SchemeItem", "Stage", "Standard", "StandardChange", "StandardConnection", "StandardEdge", "String", "Zone", "ZoneConnection", "ZoneEdge", "Zoning"}
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		definition := schema.Types[name]
		if definition.Kind == ast.Enum {
			return
		}
		if definition.Kind == ast.Interface || definition.Kind == ast.Union {
			t.Errorf("%s may lead anywhere", name)
		}
		if !slices.Contains(catalogue, name) {
			t.Errorf("%s is reached from a public field: does it depend on who asks, or on a case? If not, add it here", name)
		}
		for _, f := range definition.Fields {
			walk(f.Type.Name())
		}
	}
	for _, f := range schema.Query.Fields {
		if graph.IsPublicField(f.Name) {
			walk(f.Type.Name())
		}
	}
	for _, private := range []string{"Case", "Review", "Event", "Viewer", "Plugin", "Notice"} {
		if seen[private] {
			t.Errorf("%s is public", private)
		}
	}
	if !seen["Guide"] || !seen["Clause"] {
		t.Error("the walk has gone nowhere")
	}
}

// TestPagesOverHTTP looks at what others are told about keeping.
func TestPagesOverHTTP(t *testing.T) {
	t.Parallel()
	plain := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	a := plain.caching(t, cache.Embedded)
	a.office.clock.set(now, 0)
	const items = `{ items(first: 3) { edges { node { code name } } } }`
	first := a.get(t, viewer.Viewer{}, items)
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || tag == "" || first.Header().Get("Cache-Control") != "public, max-age=60, must-revalidate" {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	for _, on := range []string{"Accept", "Accept-Language", "Authorization"} {
		if !strings.Contains(first.Header().Get("Vary"), on) {
			t.Errorf("Vary: %s", first.Header().Get("Vary"))
		}
	}
	if first.Header().Get("Content-Length") != fmt.Sprint(first.Body.Len()) || first.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%v", first.Header())
	}
	for _, given := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		again := a.get(t, viewer.Viewer{}, items, "If-None-Match", given)
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("ETag") != tag || again.Header().Get("Cache-Control") == "" || again.Header().Get("Content-Type") != "" {
			t.Errorf("If-None-Match %s: %d %v %s", given, again.Code, again.Header(), again.Body)
		}
	}
	if other := a.get(t, viewer.Viewer{}, items, "If-None-Match", `"other"`); other.Code != http.StatusOK || other.Body.String() != first.Body.String() {
		t.Errorf("%d %s", other.Code, other.Body)
	}
	another := a.get(t, viewer.Viewer{}, items, "Accept", "application/graphql-response+json")
	if another.Header().Get("ETag") == tag || another.Header().Get("ETag") == "" || another.Header().Get("Content-Type") != "application/graphql-response+json; charset=utf-8" || another.Body.String() != first.Body.String() {
		t.Errorf("another type: %v", another.Header())
	}

	// What nobody else may keep.
	for name, w := range map[string]*httptest.ResponseRecorder{
		"signed in":     a.get(t, wang, items),
		"of the viewer": a.get(t, viewer.Viewer{}, `{ viewer { subject } }`),
		"of cases":      a.get(t, viewer.Viewer{}, `{ items(first: 1) { totalCount } cases { totalCount } }`),
		"in a fragment": a.get(t, viewer.Viewer{}, `query { ...f } fragment f on Query { ... { cases { totalCount } } }`),
		"a node":        a.get(t, viewer.Viewer{}, `{ node(id: "dep_samr") { id } }`),
		"an error":      a.get(t, viewer.Viewer{}, `{ guide(input: {scheme: "nothing", facts: {}}) { digest } }`),
		"no operation":  a.get(t, viewer.Viewer{}, `{`),
		"the schema":    a.get(t, viewer.Viewer{}, `{ __schema { queryType { name } } }`),
		"a mutation":    a.get(t, viewer.Viewer{}, `mutation { issueNotice(input: {scheme: "catering", facts: {}}) { notice { number } } }`),
	} {
		if w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		if w.Code == http.StatusNotModified {
			t.Errorf("%s: not modified", name)
		}
	}
	if w := a.get(t, wang, items, "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("signed in, with a tag: %d", w.Code)
	}

	if _, statements := a.askAs(t, wang, items, nil); statements == 0 {
		t.Error("who has signed in gets what was kept")
	}

	// A day ends at midnight in Shanghai, and its answers with it.
	const today = `{ guide(input: {scheme: "catering", facts: {}}) { asOf } }`
	midnight := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		90 * time.Second:         "public, max-age=60, must-revalidate",
		10500 * time.Millisecond: "public, max-age=10, must-revalidate",
		time.Millisecond:         "public, no-cache",
	} {
		a.office.clock.set(midnight.Add(-left), 0)
		if w := a.get(t, viewer.Viewer{}, today); w.Header().Get("Cache-Control") != want || !strings.Contains(w.Body.String(), "2026-11-23") {
			t.Errorf("%v before midnight: %s %s", left, w.Header().Get("Cache-Control"), w.Body)
		}
	}
	a.office.clock.set(midnight, 0)
	if w := a.get(t, viewer.Viewer{}, today); !strings.Contains(w.Body.String(), "2026-11-24") {
		t.Errorf("at midnight: %s", w.Body)
	}
}

// interrupted lets something happen before a text is made, or after it.
type interrupted struct {
	*cache.Pages
	before, after func()
}

func (i *interrupted) Get(ctx context.Context, key string, life time.Duration, work func(context.Context) ([]byte, bool)) ([]byte, bool) {
	return i.Pages.Get(ctx, key, life, func(ctx context.Context) ([]byte, bool) {
		i.before()
		text, keep := work(ctx)
		i.after()
		return text, keep
	})
}

// TestNothingOldIsKeptAsNew has an import come while an answer is made: at its
// beginning, and between its making and its keeping. Nobody gets that answer
// after the import, from this server or another.
func TestNothingOldIsKeptAsNew(t *testing.T) {
	const all = `{ $: departments(first: 100) { edges { node { name } } } guide(input: {scheme: "catering", facts: {}}) { clauses { clause { department { name } } } } }`
	onBoth(t, func(t *testing.T, a api) {
		a.office.clock.set(now, 0)
		redisURL := testservices.Redis(t)
		nothing := func() {}
		slow := &interrupted{before: nothing, after: nothing}
		first := a.caching(t, redisURL, func(c *graph.Caching) { slow.Pages, c.Pages = c.Pages.(*cache.Pages), slow })
		second := a.caching(t, redisURL)
		d := a.office.Desk
		behindAnew := api{office: &office{t: t, store: a.office.store, clock: a.office.clock,
			Desk: &casework.Desk{Cases: d.Cases, Notices: d.Notices, Files: d.Files, Checks: d.Checks, Book: guide.NewBook(d.Book.Current()), Now: d.Now, Random: d.Random}}}
		behind := behindAnew.caching(t, redisURL) // has a book of its own, which nobody brings up to date
		behindAnew.handler = graph.NewHandler(&graph.Resolver{Client: a.office.store.Client(), Desk: behindAnew.office.Desk, Answers: a.office.store}, graph.Options{})
		for round, at := range []*func(){&slow.before, &slow.after} {
			name := fmt.Sprintf("市场监管局 %d", round)
			names := strings.Replace(all, "$", fmt.Sprint("round", round), 1) // that nobody has asked before
			var once sync.Once
			*at = func() { once.Do(func() { a.office.publish(name) }) }
			old, _ := first.ask(t, names, nil)
			*at = nothing
			if strings.Contains(old, name) != (round == 0) {
				t.Errorf("round %d: an answer that was made while the import came", round)
			}
			if round == 0 {
				late, _ := behind.ask(t, names, nil)
				if want, _ := behindAnew.ask(t, names, nil); late != want {
					t.Errorf("a server that has not read the import got what is of neither:\n%s", cmp.Diff(want, late))
				}
			}
			want, _ := a.ask(t, names, nil)
			if !strings.Contains(want, name) {
				t.Fatalf("the import has not come: %.500s", want)
			}
			for i, server := range []api{first, second, first} {
				if got, _ := server.ask(t, names, nil); got != want {
					t.Errorf("round %d, server %d: not what is made anew:\n%s", round, i, cmp.Diff(want, got))
				}
			}
		}
	})
}

// publish imports the pack with another name of a department, and has the book
// read it.
func (o *office) publish(name string) {
	o.t.Helper()
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		o.t.Fatal(err)
	}
	for i := range pack.Departments {
		if pack.Departments[i].Value.Code == "samr" {
			pack.Departments[i].Value.Name = name
		}
	}
	if _, err := o.store.Import(context.Background(), pack, now); err != nil {
		o.t.Error(err)
	}
	c, err := o.store.Catalogue(context.Background())
	if err != nil {
		o.t.Error(err)
		return
	}
	o.Book.Replace(c)
}

// TestNothingIsGivenInDoubt has news of an import that has not been read yet.
func TestNothingIsGivenInDoubt(t *testing.T) {
	t.Parallel()
	plain := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	doubted := false
	a := plain.caching(t, cache.Embedded, func(c *graph.Caching) { c.Doubted = func() bool { return doubted } })
	a.office.clock.set(now, 0)
	const items = `{ items(first: 3) { edges { node { code name } } } }`
	statements := func() int64 {
		_, n := a.ask(t, items, nil)
		return n
	}
	if statements() == 0 || statements() != 0 {
		t.Error("it is not kept")
	}
	a.get(t, viewer.Viewer{}, items)
	doubted = true
	if statements() == 0 {
		t.Error("it is given in doubt")
	}
	if w := a.get(t, viewer.Viewer{}, items); w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("others may keep it: %v", w.Header())
	}
	doubted = false
	if statements() != 0 {
		t.Error("it is not given any more")
	}
}
