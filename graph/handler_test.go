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
