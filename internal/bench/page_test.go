package bench_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

const caseRow = `number state openedAt promised { dueOn remainingDays } lead { name } scheme { name } item { name }`

// pages are what people look at most.
var pages = map[string]string{
	"case page": `query($number: String!) { case(number: $number) { number state version openedAt acceptedAt facts allowed blockers { text }
		promised { dueOn remainingDays running } statutory { dueOn remainingDays } lead { name } scheme { name } item { name } region { name }
		reviews(first: 50) { edges { node { state opinion dueOn reasons { text } item { code name } department { code name } } } }
		events(last: 10) { edges { node { kind occurredAt actor role } } } } }`,
	"newest 20":        `{ cases(first: 20) { edges { node { ` + caseRow + ` } } pageInfo { hasNextPage endCursor } } }`,
	"count":            `{ cases(first: 1) { totalCount } }`,
	"newest IN_REVIEW": `{ cases(first: 20, where: {state: IN_REVIEW}) { edges { node { ` + caseRow + ` } } } }`,
	"oldest due":       `{ cases(first: 20, where: {state: IN_REVIEW}, orderBy: [{field: PROMISED_DUE_ON, direction: ASC}]) { edges { node { ` + caseRow + ` } } } }`,
	"inbox":            `{ reviews(first: 20, department: $DEPARTMENT, where: {state: OPEN}) { edges { node { state dueOn item { name } case { number state } } } } }`,
}

// BenchmarkPages shows each page to each kind of viewer: in a database with
// 100,000 cases (PostgreSQL; SQLite has a tenth of them) and in one with 1,000,
// where it must take as many SQL statements. ONEDOOR_BENCH_DATABASE names a
// database that TestGenerate has filled, to save the time of filling one.
func BenchmarkPages(b *testing.B) {
	for _, d := range []struct {
		name  string
		url   func() string
		cases int
	}{
		{"postgresql", func() string { return testservices.PostgreSQL(b) }, 100_000},
		{"sqlite", func() string { return "sqlite:" + filepath.Join(b.TempDir(), "bench.db") }, 10_000},
	} {
		b.Run(d.name, func(b *testing.B) {
			few := openPages(b, d.url(), 1000)
			many := few
			if url := os.Getenv("ONEDOOR_BENCH_DATABASE"); url != "" {
				if strings.HasPrefix(url, "sqlite:") != (d.name == "sqlite") {
					b.Skip("ONEDOOR_BENCH_DATABASE is another one")
				}
				many = openPages(b, url, 0)
			} else {
				many = openPages(b, d.url(), scaled(d.cases))
			}
			for _, page := range []string{"case page", "newest 20", "newest IN_REVIEW", "oldest due", "inbox", "count"} {
				for _, v := range many.viewers {
					b.Run(page+"/"+v.name, func(b *testing.B) { many.measure(b, few, page, v) })
				}
			}
		})
	}
}

// pageDatabase is the API over a filled database.
type pageDatabase struct {
	handler http.Handler
	db      *sql.DB
	viewers []namedViewer
}

type namedViewer struct {
	name string
	viewer.Viewer
	cases []string // numbers of some that the viewer sees
}

// openPages fills the database, unless cases is 0.
func openPages(b *testing.B, databaseURL string, cases int) pageDatabase {
	if cases > 0 {
		if _, err := generate(b.Context(), databaseURL, cases, os.Stderr); err != nil {
			b.Fatal(err)
		}
	}
	s, book, err := prepare(b.Context(), databaseURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	db, err := openSQL(databaseURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	desk := newPlayers(b.Context(), s, s, book).Desk
	desk.Now = func() time.Time { return lastWeek.AddDate(0, 0, 7) }
	d := pageDatabase{handler: graph.NewHandler(&graph.Resolver{Client: s.Client(), Desk: desk, Answers: s}, graph.Options{}), db: db}
	one := func(query string) string {
		var text sql.NullString
		if err := db.QueryRowContext(b.Context(), query).Scan(&text); err != nil {
			b.Fatalf("%s: %v", query, err)
		}
		return text.String
	}
	department := func(order string) string {
		return strings.TrimPrefix(one("SELECT department_id FROM reviews GROUP BY department_id ORDER BY COUNT(*) "+order+", department_id LIMIT 1"), "dep_")
	}
	applicant := one("SELECT applicant FROM cases WHERE accepted_at IS NOT NULL GROUP BY applicant ORDER BY COUNT(*) DESC, applicant LIMIT 1")
	agent := one("SELECT agent FROM cases WHERE agent IS NOT NULL AND accepted_at IS NOT NULL GROUP BY agent ORDER BY COUNT(*) DESC, agent LIMIT 1")
	busy, idle := department("DESC"), department("ASC")
	d.viewers = []namedViewer{
		{name: "applicant", Viewer: viewer.Viewer{Subject: applicant, Role: viewer.Applicant}},
		{name: "agent", Viewer: viewer.Viewer{Subject: agent, Role: viewer.Agent}},
		{name: "reviewer of the busiest department", Viewer: officer(busy)},
		{name: "reviewer of the idlest department", Viewer: officer(idle)},
		{name: "window", Viewer: windowClerk},
		{name: "window of a town", Viewer: viewer.Viewer{Subject: "window-02", Role: viewer.Window, Region: "cicheng-town", Within: book.Current().RegionsIn("cicheng-town")}},
	}
	for i, v := range d.viewers {
		where := map[viewer.Role]string{
			viewer.Applicant: "applicant = '" + v.Subject + "'",
			viewer.Agent:     "agent = '" + v.Subject + "'",
			viewer.Reviewer:  "id IN (SELECT case_id FROM reviews WHERE department_id = 'dep_" + v.Department + "')",
		}[v.Role]
		if where == "" {
			where = "region_id IS NULL"
		}
		rows, err := db.QueryContext(b.Context(), "SELECT number FROM cases WHERE accepted_at IS NOT NULL AND "+where+" ORDER BY query_code LIMIT 300")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var number string
			if err := rows.Scan(&number); err != nil {
				b.Fatal(err)
			}
			d.viewers[i].cases = append(d.viewers[i].cases, number)
		}
		if err := rows.Err(); err != nil || len(d.viewers[i].cases) == 0 {
			b.Fatalf("%s sees no case: %v", v.name, err)
		}
	}
	return d
}

// ask gives the answer's length and the number of SQL statements.
func (d pageDatabase) ask(ctx context.Context, v namedViewer, page string, i int) (int, int64, error) {
	query := pages[page]
	department := v.Department
	if department == "" {
		department = "samr"
	}
	query = strings.ReplaceAll(query, "$DEPARTMENT", fmt.Sprintf("%q", department))
	variables := map[string]any{}
	if page == "case page" {
		variables["number"] = v.cases[i%len(v.cases)]
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return 0, 0, err
	}
	ctx, statements := store.CountStatements(viewer.With(ctx, v.Viewer))
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, request)
	answer := recorder.Body.Bytes()
	if bytes.Contains(answer, []byte(`"errors"`)) || bytes.Contains(answer, []byte(`"case":null`)) {
		return 0, 0, fmt.Errorf("%s: %.300s", page, answer)
	}
	return len(answer), statements.Load(), nil
}

// measure reports how long one viewer waits for a page.
func (d pageDatabase) measure(b *testing.B, few pageDatabase, page string, v namedViewer) {
	var least int64
	for _, w := range few.viewers {
		for i := 0; w.name == v.name && i < 20; i++ {
			_, n, err := few.ask(b.Context(), w, page, i)
			if err != nil {
				b.Fatal(err)
			}
			least = max(least, n)
		}
	}
	var waits []time.Duration
	var statements int64
	size, i := 0, 0
	for b.Loop() {
		began := time.Now()
		n, s, err := d.ask(b.Context(), v, page, i)
		if err != nil {
			b.Fatal(err)
		}
		waits = append(waits, time.Since(began))
		size, statements = n, max(statements, s)
		i++
	}
	slices.Sort(waits)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(statements), "statements")
	b.ReportMetric(float64(least), "statements-of-1000-cases")
	b.ReportMetric(float64(size), "B-answer")
}
