package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/lru"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/limit"
)

// Who tries numbers and codes is told the same whatever is wrong, and soon
// nothing at all.
func TestProgressIsNotFoundByTrying(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		id := a.office.must(a.office.Open(a.office.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "张三", Facts: map[string]any{"industry": "catering"}}))
		a.office.must(a.office.Submit(a.office.as(wang), id, casework.Order{}))
		cases, err := a.office.Cases.Load(t.Context(), []string{id})
		if err != nil {
			t.Fatal(err)
		}
		number, code := cases[0].Number, cases[0].QueryCode
		door := &limit.Doorkeeper{Limiter: limit.New(nil, time.Now), Guess: limit.Rate{Count: 6, Per: time.Hour}, Wrong: limit.Rate{Count: 2, Per: time.Hour}}
		r := *a.hooks.resolver
		r.Guesses = door
		handler := door.ByAddress(graph.NewHandler(&r, graph.Options{Documents: lru.New[string](10)}))
		ask := func(address, number, code string) (int, string) {
			body := fmt.Sprintf(`{"query": "query($n: String!, $c: String!) { progress(number: $n, code: $c) { state } }", "variables": {"n": %q, "c": %q}}`, number, code)
			request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			request.RemoteAddr = address + ":1"
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request)
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("no JSON: %s", w.Body)
			}
			return w.Code, w.Body.String()
		}
		if status, right := ask("192.0.2.1", number, code); status != 200 || !strings.Contains(right, "SUBMITTED") {
			t.Fatalf("the right code: %d %s", status, right)
		}
		_, noNumber := ask("192.0.2.1", "BJ20261123-0000000000", "AAAAAAAA")
		_, noCode := ask("192.0.2.1", number, "AAAAAAAA")
		if noNumber != noCode || noCode != `{"data":{"progress":null}}` {
			t.Errorf("it tells what is wrong: %s, %s", noNumber, noCode)
		}
		ask("192.0.2.2", number, "BBBBBBBB")
		for _, given := range []string{"CCCCCCCC", code} { // enough of this number, from anywhere
			if status, text := ask("192.0.2.3", number, given); status != 429 || !strings.Contains(text, `"LIMITED"`) {
				t.Errorf("%s: %d %s", given, status, text)
			}
		}
		for i := range 4 { // enough of this address, whatever the number
			if status, text := ask("192.0.2.1", fmt.Sprint("BJ", i), "AAAAAAAA"); (status == 429) != (i == 3) {
				t.Errorf("number %d: %d %s", i, status, text)
			}
		}
	})
}
