package graph_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/viewer"
)

// answerOf sends a query as a stranger and gives the status and the answer.
func answerOf(t *testing.T, h http.Handler, query string, headers ...string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(viewer.With(t.Context(), viewer.Viewer{}), http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestProductionShowsNoSchema(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	resolver := &graph.Resolver{Client: a.office.store.Client(), Desk: a.office.Desk, Answers: a.office.store}
	for name, test := range map[string]struct {
		query   string
		suggest bool
	}{
		"type":     {`{ __type(name: "Query") { name } }`, false},
		"schema":   {`query IntrospectionQuery { __schema { queryType { name } } }`, false},
		"field":    {`{ itemz { totalCount } }`, true},
		"argument": {`{ item(codes: "x") { name } }`, true},
		"enum":     {`{ items(orderBy: [{field: CODES, direction: ASC}]) { totalCount } }`, true},
		"leaf":     {`{ item(code: "x") }`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, open := answerOf(t, a.handler, test.query)
			if test.suggest && !strings.Contains(open, "Did you mean") || !test.suggest && status != http.StatusOK {
				t.Errorf("in development: %d %s", status, open)
			}
			status, hidden := answerOf(t, graph.NewHandler(resolver, graph.Options{Production: true}), test.query)
			if status < 400 || strings.Contains(hidden, "Did you mean") || strings.Contains(hidden, `"data"`) {
				t.Errorf("in production: %d %s", status, hidden)
			}
		})
	}
	if status, text := answerOf(t, graph.NewHandler(resolver, graph.Options{Production: true}), `{ __typename items { totalCount } }`); status != http.StatusOK || strings.Contains(text, "errors") {
		t.Errorf("a query in production: %d %s", status, text)
	}
}

func TestNothingIsDeferred(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	if status, text := answerOf(t, a.handler, `{ ... @defer { items { totalCount } } }`); status != http.StatusBadRequest || !strings.Contains(text, "@defer") {
		t.Errorf("%d %s", status, text)
	}
	if _, text := answerOf(t, a.handler, `{ __schema { directives { name } } }`); strings.Contains(text, "defer") || !strings.Contains(text, "oneOf") {
		t.Errorf("the schema offers it: %s", text)
	}
}

// TestOurFaultsAreMasked breaks the database.
func TestOurFaultsAreMasked(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	a.office.store.Close()
	status, text := answerOf(t, a.handler, `{ items { totalCount } }`, "X-Request-Id", "request-77")
	var answer struct {
		Errors []struct {
			Message    string
			Path       []any
			Locations  []any
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusOK || len(answer.Errors) != 1 || strings.Contains(text, "sql") || strings.Contains(text, "database") {
		t.Fatalf("%d %s", status, text)
	}
	if e := answer.Errors[0]; e.Extensions.Code != "INTERNAL" && e.Extensions.Code != "UNAVAILABLE" || len(e.Path) != 1 || len(e.Locations) != 1 ||
		e.Extensions.Code == "INTERNAL" && e.Extensions.RequestID != "request-77" {
		t.Errorf("%s", text)
	}
}

// TestVariablesAreOfTheirTypes sends values that the library takes for something
// else: they are refused before anything runs, each with its place.
func TestVariablesAreOfTheirTypes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	const limit = `query($input: DeadlineInput!) { deadline(input: $input) { dueOn } }`
	for name, test := range map[string]struct{ query, variables, path string }{
		"text for an Int":         {`query($n: Int) { items(first: $n) { totalCount } }`, `{"n": "1"}`, "n"},
		"number for a String":     {`query($c: String!) { item(code: $c) { code } }`, `{"c": 1}`, "c"},
		"fraction for an ID":      {`query($i: ID!) { node(id: $i) { id } }`, `{"i": 1.5}`, "i"},
		"enum in lower case":      {`query($u: LimitUnit!) { deadline(input: {start: "2026-01-05", amount: 1, unit: $u}) { dueOn } }`, `{"u": "day"}`, "u"},
		"number in a list":        {`query($k: [String!]) { facts(keys: $k) { key } }`, `{"k": ["use_area", 1]}`, "k[1]"},
		"number for a list":       {`query($k: [String!]) { facts(keys: $k) { key } }`, `{"k": 1}`, "k[0]"},
		"text within an input":    {limit, `{"input": {"start": "2026-01-05", "amount": "5", "unit": "DAY"}}`, "amount"},
		"fraction within":         {limit, `{"input": {"start": "2026-01-05", "amount": 1.5, "unit": "DAY"}}`, "amount"},
		"number deep in an input": {limit, `{"input": {"start": "2026-01-05", "amount": 5, "unit": "DAY", "pauses": [{"from": "2026-01-06", "to": "2026-01-06", "reason": 7}]}}`, "pauses[0].reason"},
		"a day that is none":      {`query($d: Date) { items(asOf: $d) { totalCount } }`, `{"d": "2026-02-30"}`, "d"},
		"number for a day within": {limit, `{"input": {"start": 20260105, "amount": 5, "unit": "DAY"}}`, "start"},
		"text for facts":          {`query($f: FactSet!) { guide(input: {item: "biz-reg", facts: $f}) { digest } }`, `{"f": "none"}`, "f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, _ := a.ask(t, test.query, json.RawMessage(test.variables))
			if !strings.Contains(answer, `"path": "`+test.path+`"`) || !strings.Contains(answer, "INVALID") || strings.Contains(answer, `"data"`) {
				t.Error(answer)
			}
		})
	}
	for name, variables := range map[string]string{"whole": `{"n": 3.0}`, "with an exponent": `{"n": 3e0}`, "a default": `{}`, "null": `{"n": null}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if answer, _ := a.ask(t, `query($n: Int = 3) { items(first: $n) { totalCount } }`, json.RawMessage(variables)); strings.Contains(answer, "errors") {
				t.Error(answer)
			}
		})
	}
}

func TestASubscriptionHasOneRootField(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	for query, want := range map[string]string{
		`subscription { catalogEvents { id } }`:                                                             "SUBSCRIPTION", // it needs a stream
		`subscription { catalogEvents { id } catalogEvents { kind } }`:                                      "SUBSCRIPTION",
		`subscription { a: catalogEvents { id } b: catalogEvents { id } }`:                                  "one field at its root",
		`subscription { a: catalogEvents { id } ...B } fragment B on Subscription { catalogEvents { id } }`: "one field at its root",
		`subscription { ... { a: catalogEvents { id } } caseEvents(number: "x") { id } }`:                   "one field at its root",
		`subscription { __typename }`:                                                                       "one field at its root",
	} {
		if _, answer := answerOf(t, a.handler, query, "Accept-Language", "en"); !strings.Contains(answer, want) {
			t.Errorf("%s: %s, expected %s", query, answer, want)
		}
	}
}

// TestAnErrorIsNotLargerThanItsRequest sends facts that nobody knows.
func TestAnErrorIsNotLargerThanItsRequest(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "sqlite:"+filepath.Join(t.TempDir(), "onedoor.db"))
	facts := map[string]int{}
	for i := range 900 {
		facts["unknown_"+strings.Repeat("x", i%10)+string(rune('a'+i%26))+string(rune('a'+i/26%26))] = i
	}
	variables, err := json.Marshal(map[string]any{"f": facts})
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := a.ask(t, `query($f: FactSet!) { guide(input: {item: "biz-reg", facts: $f}) { digest } }`, variables)
	if n := strings.Count(answer, "UNKNOWN_FACT"); n != 100 {
		t.Errorf("%d problems in %d bytes", n, len(answer))
	}
	facts["one_more"], facts["and_more"] = 1, 1
	for i := range 200 {
		facts["more_"+string(rune('a'+i%26))+string(rune('a'+i/26))] = i
	}
	if variables, err = json.Marshal(map[string]any{"f": facts}); err != nil {
		t.Fatal(err)
	}
	if answer, _ := a.ask(t, `query($f: FactSet!) { guide(input: {item: "biz-reg", facts: $f}) { digest } }`, variables); !strings.Contains(answer, "LIST_TOO_LONG") {
		t.Errorf("%.300s", answer)
	}
}
