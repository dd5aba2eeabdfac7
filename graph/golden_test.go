package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/bus"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

var update = flag.Bool("update", false, "rewrite the answers and budgets in testdata from SQLite")

func TestMain(m *testing.M) {
	flag.Parse()
	testservices.Main(m)
}

// now is a Monday morning in the district.
var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// api is the API over a database that holds the shipped pack and a few cases.
type api struct {
	handler http.Handler
	office  *office
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, a api)) {
	t.Parallel()
	databases := map[string]func(t *testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "onedoor.db") },
		"postgresql": func(t *testing.T) string { return testservices.PostgreSQL(t) },
	}
	if *update {
		delete(databases, "postgresql")
	}
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newAPI(t, url(t)))
		})
	}
}

func newAPI(t *testing.T, databaseURL string) api {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), pack, now); err != nil {
		t.Fatal(err)
	}
	catalogue, err := s.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, s, guide.NewBook(catalogue))
	o.play()
	events := &bus.Hub{Log: s, Load: s.Load, Wake: s.Placed()}
	published := &bus.Hub{Log: store.Revisions{Store: s}, Load: s.Load}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { events.Run(ctx) })
	running.Go(func() { published.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	resolver := &graph.Resolver{Client: s.Client(), Desk: o.Desk, Answers: s, Events: events, Published: published}
	return api{graph.NewHandler(resolver, graph.Options{Documents: lru.New[string](100)}), o}
}

// ask gives the answer to nobody in particular, indented, and how many SQL
// statements it took.
func (a api) ask(t *testing.T, query string, variables json.RawMessage) (string, int64) {
	t.Helper()
	return a.askAs(t, viewer.Viewer{}, query, variables)
}

// askAs asks as somebody. The headers come in pairs.
func (a api) askAs(t *testing.T, v viewer.Viewer, query string, variables json.RawMessage, headers ...string) (string, int64) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	ctx, statements := store.CountStatements(viewer.With(t.Context(), v))
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, request)
	var answer bytes.Buffer
	if err := json.Indent(&answer, recorder.Body.Bytes(), "", "  "); err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, recorder.Body)
	}
	return answer.String() + "\n", statements.Load()
}

// golden is a query with the answer and the number of SQL statements expected.
type golden struct {
	file      string
	archive   *txtar.Archive
	viewer    viewer.Viewer
	query     string
	variables json.RawMessage
	budget    int64
	answer    string
}

// The sections of a golden file.
const (
	viewerPart    = "viewer" // ROLE subject [department]; may be left out
	queryPart     = "query.graphql"
	variablesPart = "variables.json" // may be left out
	budgetPart    = "budget"
	answerPart    = "answer.json"
)

func readGolden(t *testing.T, file string) golden {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{file: file, archive: archive}
	for _, part := range archive.Files {
		text := string(part.Data)
		switch part.Name {
		case viewerPart:
			who := append(strings.Fields(text), "", "")
			g.viewer = viewer.Viewer{Role: viewer.Role(who[0]), Subject: who[1], Department: who[2]}
			if !g.viewer.Role.Valid() {
				t.Fatalf("%s: there is no role %s", file, who[0])
			}
		case queryPart:
			g.query = text
		case variablesPart:
			g.variables = part.Data
		case budgetPart:
			if g.budget, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		case answerPart:
			g.answer = text
		default:
			t.Fatalf("%s: there is no section %s", file, part.Name)
		}
	}
	if g.query == "" {
		t.Fatalf("%s has no %s", file, queryPart)
	}
	return g
}

func (g golden) rewrite(t *testing.T, answer string, statements int64) {
	t.Helper()
	var parts []txtar.File
	for _, part := range g.archive.Files {
		if part.Name != budgetPart && part.Name != answerPart {
			parts = append(parts, part)
		}
	}
	parts = append(parts,
		txtar.File{Name: budgetPart, Data: fmt.Appendln(nil, statements)},
		txtar.File{Name: answerPart, Data: []byte(answer)})
	g.archive.Files = parts
	if err := os.WriteFile(g.file, txtar.Format(g.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGolden asks every query in testdata. An answer that changes is a change of
// the public API: look at it before `go test ./graph -run Golden -update`.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden queries: %v", err)
	}
	onBoth(t, func(t *testing.T, a api) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				g := readGolden(t, file)
				answer, statements := a.askAs(t, g.viewer, g.query, g.variables)
				if *update {
					g.rewrite(t, answer, statements)
					return
				}
				if diff := cmp.Diff(g.answer, answer); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if statements != g.budget {
					t.Errorf("%d SQL statements, the budget is exactly %d", statements, g.budget)
				}
			})
		}
	})
}

// TestStatementsDoNotGrowWithThePage asks for a short and a long page: no list
// may send a statement for each of its entries.
func TestStatementsDoNotGrowWithThePage(t *testing.T) {
	const pages = `query($n: Int!) { %s }`
	queries := map[string]string{
		"items": `items(first: $n) { totalCount edges { node { code limits { promised } preconditions { item { code } }
			department { name } materials { edges { node { name } } } standard { version clauses { edges { node { code department { name } } } } } } } }`,
		"standards": `standards(first: $n) { edges { node { code item { name department { name } } scheme { name lead { name } }
			clauses { totalCount edges { node { code } } } } } }`,
		"schemes":     `schemes(first: $n) { edges { node { code lead { name } assisting { name } items { item { code department { name } } } precedence { from { code } to { code } } } } }`,
		"regions":     `regions(first: $n) { edges { node { code parent { name } children { totalCount edges { node { code } } } zones { edges { node { code } } } } } }`,
		"zones":       `zones(first: $n) { edges { node { code region { name parent { name } } } } }`,
		"departments": `departments(first: $n) { edges { node { code name } } }`,
		"cases": `cases(first: $n) { totalCount edges { node { number state allowed blockers { text } promised { dueOn explanation { provisional } } statutory { remainingDays }
			undetermined { item { code } } standards { code } notice { number } scheme { name } item { name } lead { name } region { name }
			materials(first: 3) { edges { node { name file { name } } } } events(last: 2) { edges { node { kind cursor } } } } } }`,
		"reviews": `reviews(first: $n, department: "samr") { edges { node { state dueOn clock { limit { amount } } findings { message clause { department { name } } }
			item { name } department { name } case { number allowed lead { name } } } } }`,
	}
	onBoth(t, func(t *testing.T, a api) {
		a.office.crowd(55)
		for name, query := range queries {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				count := func(n int) int64 {
					answer, statements := a.askAs(t, wang, fmt.Sprintf(pages, query), json.RawMessage(fmt.Sprintf(`{"n": %d}`, n)))
					if strings.Contains(answer, `"errors"`) {
						t.Fatal(answer)
					}
					if got := strings.Count(answer, "\n          \"node\": {"); got < 2 || got > n {
						t.Fatalf("%d entries on a page of %d", got, n)
					}
					return statements
				}
				if short, long := count(5), count(50); short != long || short == 0 {
					t.Errorf("a page of 5 takes %d statements, a page of 50 takes %d", short, long)
				}
			})
		}
	})
}
