package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/viewer"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	operation := func(query, name, variables string, file graphql.Upload) *graphql.OperationContext {
		op := &graphql.OperationContext{RawQuery: query, OperationName: name}
		if err := json.Unmarshal([]byte(variables), &op.Variables); err != nil {
			t.Fatal(err)
		}
		if file.File != nil {
			op.Variables["files"] = []any{file}
		}
		return op
	}
	print := func(op *graphql.OperationContext) string {
		t.Helper()
		f, err := graph.Fingerprint(op)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	plan := upload("plan.pdf", "a plan")
	first := print(operation("mutation", "m", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, plan))
	if text, err := io.ReadAll(plan.File); err != nil || string(text) != "a plan" {
		t.Errorf("the file is not at its beginning any more: %q %v", text, err)
	}
	if same := print(operation("mutation", "m", `{"b": null, "a": {"y": [1, 2], "x": 1}}`, upload("plan.pdf", "a plan"))); same != first {
		t.Error("the order of variables makes another request")
	}
	for what, op := range map[string]*graphql.OperationContext{
		"query":   operation("mutation ", "m", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, upload("plan.pdf", "a plan")),
		"name":    operation("mutation", "n", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, upload("plan.pdf", "a plan")),
		"value":   operation("mutation", "m", `{"a": {"x": 2, "y": [1, 2]}, "b": null}`, upload("plan.pdf", "a plan")),
		"list":    operation("mutation", "m", `{"a": {"x": 1, "y": [2, 1]}, "b": null}`, upload("plan.pdf", "a plan")),
		"file":    operation("mutation", "m", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, upload("other.pdf", "a plan")),
		"content": operation("mutation", "m", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, upload("plan.pdf", "b plan")),
		"no file": operation("mutation", "m", `{"a": {"x": 1, "y": [1, 2]}, "b": null}`, graphql.Upload{}),
	} {
		if print(op) == first {
			t.Errorf("another %s is the same request", what)
		}
	}
}

// TestRequestsHaveTheirEffectOnce sends mutations again under their key.
func TestRequestsHaveTheirEffectOnce(t *testing.T) {
	const opens = `mutation($facts: FactSet!) { openCase(input: {item: "biz-reg", facts: $facts}) { case { id version } } }`
	variables := json.RawMessage(`{"facts": {"industry": "catering"}}`)
	li := viewer.Viewer{Subject: "li-once", Role: viewer.Applicant}
	onBoth(t, func(t *testing.T, a api) {
		count := func(v viewer.Viewer) string {
			answer, _ := a.askAs(t, v, `{ cases { totalCount } }`, nil)
			return strings.Fields(answer)[6]
		}
		first, _ := a.askAs(t, li, opens, variables, "Idempotency-Key", "k-1")
		if strings.Contains(first, "errors") {
			t.Fatal(first)
		}
		var again sync.WaitGroup
		for range 4 {
			again.Go(func() {
				if answer, _ := a.askAs(t, li, opens, variables, "Idempotency-Key", "k-1"); answer != first {
					t.Errorf("the answer of a retry is another:\n%s\n%s", first, answer)
				}
			})
		}
		again.Wait()
		if n := count(li); n != "1" {
			t.Errorf("%s cases were opened", n)
		}
		if answer, _ := a.askAs(t, li, opens, json.RawMessage(`{"facts": {}}`), "Idempotency-Key", "k-1"); !strings.Contains(answer, "CONFLICT") || !strings.Contains(answer, "KEY_REUSED") {
			t.Errorf("another request under the key: %s", answer)
		}
		other := viewer.Viewer{Subject: "wu-once", Role: viewer.Applicant}
		if answer, _ := a.askAs(t, other, opens, variables, "Idempotency-Key", "k-1"); answer == first || strings.Contains(answer, "errors") {
			t.Errorf("another's key: %s", answer)
		}
		if answer, _ := a.askAs(t, li, opens, variables, "Idempotency-Key", "k-2"); answer == first {
			t.Error("another key is another request")
		}
		for _, bad := range []string{"", "a b", "é", strings.Repeat("k", 256)} {
			if answer, _ := a.askAs(t, li, opens, variables, "Idempotency-Key", bad); !strings.Contains(answer, "BAD_IDEMPOTENCY_KEY") {
				t.Errorf("key %q: %s", bad, answer)
			}
		}
		if answer, _ := a.askAs(t, li, `{ viewer { subject } }`, nil, "Idempotency-Key", "a b"); strings.Contains(answer, "errors") {
			t.Errorf("a query reads the key: %s", answer)
		}
	})
}

// TestEachFieldHasItsEffectOnce: where one field of a request fails, the retry
// gives the others what they had.
func TestEachFieldHasItsEffectOnce(t *testing.T) {
	const both = `mutation {
		a: openCase(input: {item: "biz-reg", facts: {}}) { case { id } }
		b: openCase(input: {item: "biz-reg", facts: {}}) { case { id } }
		c: withdrawCase(input: {case: "cas_none"}) { case { id } }
	}`
	li := viewer.Viewer{Subject: "li-fields", Role: viewer.Applicant}
	onBoth(t, func(t *testing.T, a api) {
		for range 3 {
			a.askAs(t, li, both, nil, "Idempotency-Key", "k")
		}
		if answer, _ := a.askAs(t, li, `{ cases { totalCount } }`, nil); !strings.Contains(answer, `"totalCount": 2`) {
			t.Errorf("the two openings of one request were had more or less than once: %s", answer)
		}
	})
}

func TestNoticesAreIssuedOnce(t *testing.T) {
	const issue = `mutation { issueNotice(input: {item: "biz-reg", facts: {}}) { notice { number digest } } }`
	onBoth(t, func(t *testing.T, a api) {
		first, _ := a.ask(t, issue, nil)
		second, _ := a.ask(t, issue, nil)
		if first == second {
			t.Error("two requests without a key give one notice")
		}
		kept, _ := a.askAs(t, viewer.Viewer{}, issue, nil, "Idempotency-Key", "n")
		again, _ := a.askAs(t, viewer.Viewer{}, issue, nil, "Idempotency-Key", "n")
		if kept != again || strings.Contains(kept, "errors") {
			t.Errorf("a retry is issued another notice:\n%s\n%s", kept, again)
		}
	})
}

// TestFilesComeOnce attaches a file, twice under one key.
func TestFilesComeOnce(t *testing.T) {
	const query = `mutation($case: String!, $code: String!, $file: Upload!) {
		attachMaterial(input: {case: $case, material: $code, file: $file}) { case { version } material { code trust file { name size } } } }`
	onBoth(t, func(t *testing.T, a api) {
		id := a.office.must(a.office.Open(a.office.as(ouyang), casework.OpenInput{Item: "biz-reg"}))
		send := func(name, text string) string {
			operations, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"case": id, "code": a.office.material(id), "file": nil}})
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			_ = form.WriteField("operations", string(operations))
			_ = form.WriteField("map", `{"0": ["variables.file"]}`)
			part, err := form.CreateFormFile("0", name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(part, text)
			_ = form.Close()
			request := httptest.NewRequestWithContext(a.office.as(ouyang), http.MethodPost, "/graphql", &body)
			request.Header.Set("Content-Type", form.FormDataContentType())
			request.Header.Set("GraphQL-Require-Preflight", "1")
			request.Header.Set("Idempotency-Key", "f")
			recorder := httptest.NewRecorder()
			a.handler.ServeHTTP(recorder, request)
			return recorder.Body.String()
		}
		first := send("plan.pdf", "a plan")
		if !strings.Contains(first, `"case":{"version":2}`) || !strings.Contains(first, `"file":{"name":"plan.pdf","size":6}`) {
			t.Fatal(first)
		}
		if again := send("plan.pdf", "a plan"); again != first {
			t.Errorf("a retry is answered otherwise: %s", again)
		}
		if other := send("plan.pdf", "b plan"); !strings.Contains(other, "KEY_REUSED") {
			t.Errorf("another file under the same key: %s", other)
		}
	})
}
