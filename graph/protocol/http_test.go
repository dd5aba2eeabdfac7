package protocol_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onedoor/onedoor/graph/protocol"
)

// TestRequests sends requests and looks at the status, the form and the words of
// the answers, in the usual mode and in that of the newer draft.
func TestRequests(t *testing.T) {
	t.Parallel()
	post := func(body string, headers ...string) []string {
		return append([]string{http.MethodPost, "/", body, "Content-Type", "application/json"}, headers...)
	}
	get := func(query string, headers ...string) []string {
		return append([]string{http.MethodGet, "/?" + query, ""}, headers...)
	}
	const hello = `{"query":"{ hello }"}`
	surrogates := `{"query":"{ echo(text: \"\ud83d\") }"}`
	tests := map[string]struct {
		request []string
		status  int
		draft   int    // status of the newer draft, when it is another
		media   string // asJSON when empty
		text    string // the whole answer, or a part of it after "~"
	}{
		"query":                 {request: post(hello), status: 200, text: `{"data":{"hello":"world"}}`},
		"query accepting graph": {request: post(hello, "Accept", asGraph), status: 200, media: asGraph, text: `{"data":{"hello":"world"}}`},
		"nulls":                 {request: post(`{"query":"{ hello }","variables":null,"operationName":null,"extensions":null}`), status: 200, text: `{"data":{"hello":"world"}}`},
		"empty operation name":  {request: post(`{"query":"{ hello }","operationName":""}`), status: 200, text: `{"data":{"hello":"world"}}`},
		"variables":             {request: post(`{"query":"query($t: String!) { echo(text: $t) }","variables":{"t":"<&> 餐饮"}}`), status: 200, text: "~餐饮"},
		"other members":         {request: post(`{"query":"{ hello }","Query":7,"id":1}`), status: 200, text: `{"data":{"hello":"world"}}`},
		"operation name":        {request: post(`{"query":"query a { hello } query b { b: hello }","operationName":"b"}`), status: 200, text: `{"data":{"b":"world"}}`},
		"pair of surrogates":    {request: post(`{"query":"{ echo(text: \"\ud83c\udfca\") }"}`), status: 200, text: "~🏊"},
		"GET":                   {request: get("query=" + url.QueryEscape("query($t: String!) { echo(text: $t) }") + "&variables=" + url.QueryEscape(`{"t":"a"}`)), status: 200, text: `{"data":{"echo":"a"}}`},
		"GET operation null":    {request: get("query=" + url.QueryEscape("query null { hello }") + "&operationName=null"), status: 200, text: `{"data":{"hello":"world"}}`},
		"GET nothing named":     {request: get("query=" + url.QueryEscape("{ hello }") + "&operationName=&variables=&extensions="), status: 200, text: `{"data":{"hello":"world"}}`},
		"HEAD":                  {request: []string{http.MethodHead, "/?query=%7Bhello%7D", ""}, status: 200},
		"mutation":              {request: post(`{"query":"mutation { bump }"}`), status: 200, text: `{"data":{"bump":1}}`},

		"field error":               {request: post(`{"query":"{ hello fails }"}`), status: 200, draft: 294, text: `~"data":{"fails":null,"hello":"world"}`},
		"field error, older":        {request: post(`{"query":"{ hello fails }"}`, "Accept", asJSON), status: 200, draft: 294, text: `~"data":{`},
		"parse error, older":        {request: post(`{"query":"{"}`, "Accept", asJSON), status: 200, draft: 400, text: "~errors"},
		"field error, graph":        {request: post(`{"query":"{ hello fails }"}`, "Accept", asGraph), status: 200, draft: 294, media: asGraph, text: `~"data":{`},
		"parse error":               {request: post(`{"query":"{"}`), status: 200, draft: 400, text: "~errors"},
		"parse error, graph":        {request: post(`{"query":"{"}`, "Accept", asGraph), status: 400, media: asGraph, text: "~locations"},
		"validation error":          {request: post(`{"query":"{ nothing }"}`), status: 200, draft: 422, text: "~nothing"},
		"validation error, graph":   {request: post(`{"query":"{ nothing }"}`, "Accept", asGraph), status: 400, draft: 422, media: asGraph, text: "~nothing"},
		"coercion error":            {request: post(`{"query":"query($t: String!) { echo(text: $t) }"}`), status: 200, draft: 422, text: "~errors"},
		"coercion error, graph":     {request: post(`{"query":"query($t: String!) { echo(text: $t) }"}`, "Accept", asGraph), status: 400, draft: 422, media: asGraph, text: "~errors"},
		"unknown operation, graph":  {request: post(`{"query":"query a { hello }","operationName":"b"}`, "Accept", asGraph), status: 400, draft: 422, media: asGraph, text: "~not found"},
		"two operations, graph":     {request: post(`{"query":"query a { hello } query b { hello }"}`, "Accept", asGraph), status: 400, draft: 422, media: asGraph, text: "~not found"},
		"subscription":              {request: post(`{"query":"subscription { count(to: 1) }"}`), status: 200, draft: 422, text: "~SUBSCRIPTION"},
		"subscription, graph":       {request: post(`{"query":"subscription { count(to: 1) }"}`, "Accept", asGraph), status: 400, draft: 422, media: asGraph, text: "~SUBSCRIPTION"},
		"subscription by GET":       {request: get("query=" + url.QueryEscape("subscription { count(to: 1) }")), status: 200, draft: 422, text: "~SUBSCRIPTION"},
		"mutation by GET":           {request: get("query=" + url.QueryEscape("mutation { bump }")), status: 405, text: "~METHOD"},
		"mutation by GET, graph":    {request: get("query="+url.QueryEscape("mutation { bump }"), "Accept", asGraph), status: 405, media: asGraph, text: "~METHOD"},
		"mutation by GET, selected": {request: get("operationName=m&query=" + url.QueryEscape("query q { hello } mutation m { bump }")), status: 405, text: "~METHOD"},

		"no body":               {request: post(``), status: 400, text: "~JSON"},
		"broken JSON":           {request: post(`{"query": "x`), status: 400, text: "~JSON"},
		"more after the JSON":   {request: post(hello + `{}`), status: 400, text: "~JSON"},
		"a batch":               {request: post(`[` + hello + `]`), status: 400, draft: 422, text: "~BATCH"},
		"empty query":           {request: post(`{"query":""}`), status: 200, draft: 400, text: "~holds an operation"},
		"empty query, graph":    {request: post(`{"query":"#"}`, "Accept", asGraph), status: 400, media: asGraph, text: "~holds an operation"},
		"GET empty query":       {request: get("query="), status: 200, draft: 400, text: "~holds an operation"},
		"half a pair, escaped":  {request: post(`{"query":"{ echo(text: \"\\ud83d\") }"}`, "Accept", asGraph), status: 400, media: asGraph, text: "~surrogate"},
		"a pair, escaped":       {request: post(`{"query":"{ echo(text: \"\\ud83c\\udfca\") }"}`), status: 200, text: "~🏊"},
		"half a pair, raw":      {request: post(`{"query":"{ echo(text: \"\"\"\\ud83d\"\"\") }"}`), status: 200, text: `~\\ud83d`},
		"a long address":        {request: get("query=%7Bhello%7D%23" + strings.Repeat("x", 33<<10)), status: 414, text: "~URL_TOO_LONG"},
		"a text":                {request: post(`"{ hello }"`), status: 400, draft: 422, text: "~NOT_AN_OBJECT"},
		"null":                  {request: post(`null`), status: 400, draft: 422, text: "~NOT_AN_OBJECT"},
		"no query":              {request: post(`{}`), status: 400, draft: 422, text: "~NO_QUERY"},
		"Query":                 {request: post(`{"Query":"{ hello }"}`), status: 400, draft: 422, text: "~NO_QUERY"},
		"query null":            {request: post(`{"query":null}`), status: 400, draft: 422, text: "~NO_QUERY"},
		"query 7":               {request: post(`{"query":7}`), status: 400, draft: 422, text: "~WRONG_TYPE"},
		"operationName 7":       {request: post(`{"query":"{ hello }","operationName":7}`), status: 400, draft: 422, text: "~WRONG_TYPE"},
		"variables list":        {request: post(`{"query":"{ hello }","variables":[1]}`), status: 400, draft: 422, text: "~WRONG_TYPE"},
		"variables text":        {request: post(`{"query":"{ hello }","variables":"{}"}`), status: 400, draft: 422, text: "~WRONG_TYPE"},
		"extensions false":      {request: post(`{"query":"{ hello }","extensions":false}`), status: 400, draft: 422, text: "~WRONG_TYPE"},
		"latin1":                {request: post("{\"query\":\"{ echo(text: \\\"\xe9\\\") }\"}"), status: 400, text: "~NOT_UTF8"},
		"half a character":      {request: post(surrogates), status: 400, text: "~NOT_UTF8"},
		"halves the wrong way":  {request: post(`{"query":"{ echo(text: \"\udfca\ud83c\") }"}`), status: 400, text: "~NOT_UTF8"},
		"GET nothing":           {request: get(""), status: 400, draft: 422, text: "~NO_QUERY"},
		"GET twice":             {request: get("query=%7Bhello%7D&query=%7Bhello%7D"), status: 400, text: "~URL"},
		"GET bad escape":        {request: get("query=%zz"), status: 400, text: "~URL"},
		"GET variables no JSON": {request: get("query=%7Bhello%7D&variables=x"), status: 400, text: "~JSON"},
		"GET variables 7":       {request: get("query=%7Bhello%7D&variables=7"), status: 400, draft: 422, text: "~WRONG_TYPE"},

		"no Content-Type":     {request: []string{http.MethodPost, "/", hello}, status: 415, text: "~MEDIA_TYPE"},
		"text/plain":          {request: []string{http.MethodPost, "/", hello, "Content-Type", "text/plain"}, status: 415, text: "~MEDIA_TYPE"},
		"a form":              {request: []string{http.MethodPost, "/", "query=%7Bhello%7D", "Content-Type", "application/x-www-form-urlencoded"}, status: 415, text: "~MEDIA_TYPE"},
		"application/graphql": {request: []string{http.MethodPost, "/", "{ hello }", "Content-Type", "application/graphql"}, status: 415, text: "~MEDIA_TYPE"},
		"another charset":     {request: []string{http.MethodPost, "/", hello, "Content-Type", "application/json; charset=iso-8859-1"}, status: 415, text: "~MEDIA_TYPE"},
		"utf-8 named":         {request: []string{http.MethodPost, "/", hello, "Content-Type", `application/json; charset="UTF-8"`}, status: 200, text: `{"data":{"hello":"world"}}`},
		"compressed":          {request: post(hello, "Content-Encoding", "gzip"), status: 415, text: "~MEDIA_TYPE"},
		"PUT":                 {request: []string{http.MethodPut, "/", hello, "Content-Type", "application/json"}, status: 405, text: "~METHOD"},
		"DELETE":              {request: []string{http.MethodDelete, "/", ""}, status: 405, text: "~METHOD"},
		"OPTIONS":             {request: []string{http.MethodOptions, "/", ""}, status: 204, text: ""},
		"only HTML":           {request: post(hello, "Accept", "text/html"), status: 406, text: "~NOT_ACCEPTABLE"},
		"JSON refused":        {request: post(hello, "Accept", "application/json;q=0"), status: 406, text: "~NOT_ACCEPTABLE"},
		"another encoding":    {request: post(hello, "Accept", "application/json; charset=utf-16"), status: 406, text: "~NOT_ACCEPTABLE"},
		"multipart answers":   {request: post(hello, "Accept", "multipart/mixed"), status: 406, text: "~NOT_ACCEPTABLE"},
	}
	for _, draft := range []bool{false, true} {
		t.Run(fmt.Sprintf("draft %v", draft), func(t *testing.T) {
			t.Parallel()
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := newSite(t, func(h *protocol.Handler) { h.Draft = draft })
					answer := s.send(t, test.request[0], test.request[1], test.request[2], test.request[3:]...)
					status, media := test.status, test.media
					if draft && test.draft != 0 {
						status = test.draft
					}
					if media == "" {
						media = asJSON
					}
					if draft && (status >= 300 || !slices.Contains(test.request, "Accept")) {
						media = asGraph // is what they get who say nothing, and every refusal
					}
					if answer.status != status {
						t.Errorf("status %d, expected %d: %s", answer.status, status, answer.text)
					}
					if kind := answer.header.Get("Content-Type"); kind != media+"; charset=utf-8" && answer.status != http.StatusNoContent && answer.status != http.StatusNotAcceptable {
						t.Errorf("Content-Type %q, expected %s", kind, media)
					}
					if part, isPart := strings.CutPrefix(test.text, "~"); isPart && !strings.Contains(answer.text, part) || !isPart && answer.text != test.text {
						t.Errorf("answer %s, expected %s", answer.text, test.text)
					}
					check(t, answer)
				})
			}
		})
	}
}

// check is what every answer has to be.
func check(t *testing.T, answer reply) {
	t.Helper()
	for status, headers := range map[int][]string{405: {"Allow"}, 415: {"Accept", "Accept-Post"}, 204: {"Allow"}} {
		for _, name := range headers {
			if answer.status == status && answer.header.Get(name) == "" {
				t.Errorf("%d without %s", status, name)
			}
		}
	}
	if answer.header.Get("X-Request-Id") == "" {
		t.Error("the request has no name")
	}
	if answer.text == "" {
		return
	}
	var body struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(answer.text), &body); err != nil {
		t.Fatalf("no JSON: %v: %s", err, answer.text)
	}
	if answer.status >= 400 && strings.Contains(answer.text, `"data"`) {
		t.Errorf("%d with data: %s", answer.status, answer.text)
	}
	for _, e := range body.Errors {
		if e.Message == "" || e.Extensions.Code == "" {
			t.Errorf("an error without words or code: %s", answer.text)
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for accept, want := range map[string]string{
		"":                                 asJSON,
		" ":                                asJSON,
		"*/*":                              asJSON,
		"application/*":                    asJSON,
		"application/json":                 asJSON,
		asGraph:                            asGraph,
		asGraph + ", application/json":     asGraph,
		"application/json, " + asGraph:     asJSON,
		asGraph + ";q=0.5, */*":            asJSON,
		asGraph + ";q=0.5, */*;q=0.1":      asGraph,
		"application/json;q=0, */*":        asGraph,
		"text/html, */*;q=0.1":             asJSON,
		asGraph + ";q=nonsense, " + asJSON: asJSON,
		`text/html;x="a,b", ` + asGraph + `;q=0.2, application/json;q=0.1`: asGraph,
		asGraph + `; charset=utf-8, application/json; charset=utf-8`:       asGraph,
		asGraph + `, application/json, text/event-stream, multipart/mixed`: asGraph,
		`text/event-stream;q=0.1, application/json`:                        asJSON,
	} {
		headers := []string{"Content-Type", asJSON}
		if accept != "" {
			headers = append(headers, "Accept", accept)
		} else {
			headers = append(headers, "User-Agent", "x")
		}
		answer := s.send(t, http.MethodPost, "/", `{"query":"{ hello }"}`, headers...)
		if got, _, _ := strings.Cut(answer.header.Get("Content-Type"), ";"); got != want || answer.status != http.StatusOK {
			t.Errorf("Accept: %s is answered %d as %s, expected %s", accept, answer.status, got, want)
		}
	}
}

// TestMeasure sends documents that are too much, and some that are nearly.
func TestMeasure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	doubling := func(levels int) string {
		var b strings.Builder
		b.WriteString("query { ...F0 }")
		for i := range levels {
			fmt.Fprintf(&b, " fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
		}
		fmt.Fprintf(&b, " fragment F%d on Query { hello }", levels)
		return b.String()
	}
	aliases := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d: hello ", i)
		}
		return "{" + b.String() + "}"
	}
	for name, test := range map[string]struct{ query, problem string }{
		"nearly too deep":        {strings.Repeat("{ deep ", 15) + "{ hello }" + strings.Repeat("}", 15), ""},
		"too deep":               {strings.Repeat("{ deep ", 16) + "{ hello }" + strings.Repeat("}", 16), "TOO_DEEP"},
		"too deep by fragments":  {"{ ...A } fragment A on Query { deep { deep { deep { deep { deep { deep { deep { deep { ...B } } } } } } } } } fragment B on Query { deep { deep { deep { deep { deep { deep { deep { deep { deep { hello } } } } } } } } } }", "TOO_DEEP"},
		"many fields":            {"{" + strings.Repeat("hello ", 800) + "}", ""},
		"too many fields":        {"{" + strings.Repeat("hello ", 801) + "}", "TOO_MANY_FIELDS"},
		"too many fragments":     {"{" + strings.Repeat("...{hello}", 401) + "}", "TOO_MANY_FIELDS"},
		"doubling fragments":     {doubling(9), ""},
		"too many doubled":       {doubling(26), "TOO_MANY_FIELDS"},
		"too many named":         {"{ hello }" + strings.Repeat(" fragment A on Query { hello }", 201), "TOO_MANY_FRAGMENTS"},
		"circular":               {"{ ...A } fragment A on Query { deep { ...A } }", "GRAPHQL"},
		"many aliases":           {aliases(50), ""},
		"too many aliases":       {aliases(51), "TOO_MANY_ALIASES"},
		"too many directives":    {"{ hello " + strings.Repeat("@skip(if: false) ", 51) + "}", "TOO_MANY_DIRECTIVES"},
		"too many operations":    {strings.Repeat("query q { hello } ", 11), "TOO_MANY_OPERATIONS"},
		"too many mutations":     {"mutation {" + strings.Repeat("bump ", 21) + "}", "TOO_MANY_MUTATIONS"},
		"mutations in fragments": {"mutation { ...A ...A ...A } fragment A on Mutation { bump bump bump bump bump bump bump }", "TOO_MANY_MUTATIONS"},
		"too long":               {"{ hello } #" + strings.Repeat("x", 100_000), "TEXT_TOO_LONG"},
		"too many tokens":        {"{ hello(a: [" + strings.Repeat("1 ", 10_001) + "]) }", "GRAPHQL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := json.Marshal(map[string]string{"query": test.query})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time, a valid document is known
				answer := s.send(t, http.MethodPost, "/", string(body), "Content-Type", asJSON, "Accept", asGraph)
				refused := answer.status == http.StatusBadRequest
				switch test.problem {
				case "":
					if answer.status != http.StatusOK || strings.Contains(answer.text, "errors") {
						t.Errorf("%d %s", answer.status, answer.text)
					}
				case "GRAPHQL": // the executor's own refusal
					if !refused {
						t.Errorf("%d %s", answer.status, answer.text)
					}
				default:
					if !refused || !strings.Contains(answer.text, test.problem) {
						t.Errorf("%d %s, expected %s", answer.status, answer.text, test.problem)
					}
				}
			}
		})
	}
}

// TestErrorsStaySmall sends what is wrong in many places.
func TestErrorsStaySmall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var different strings.Builder
	for i := range 700 {
		fmt.Fprintf(&different, "f%d ", i)
	}
	for name, query := range map[string]string{
		"unknown directives": "{ hello " + strings.Repeat("@aa ", 50) + "}",
		"unknown fields":     "{" + different.String() + "}",
	} {
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		answer := s.send(t, http.MethodPost, "/", string(body), "Content-Type", asJSON)
		if n := strings.Count(answer.text, `"message"`); n == 0 || n > 20 || len(answer.text) > 5000 {
			t.Errorf("%s: %d errors in %d bytes", name, n, len(answer.text))
		}
	}
	answer := s.send(t, http.MethodPost, "/", `{"query":`+strings.Repeat("x", 1_000_000), "Content-Type", asJSON)
	if answer.status != http.StatusBadRequest || len(answer.text) > 1000 {
		t.Errorf("broken JSON comes back: %d, %d bytes", answer.status, len(answer.text))
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ask := func(query, hash string) reply {
		t.Helper()
		body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
		if query != "" {
			body["query"] = query
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return s.send(t, http.MethodPost, "/", string(text), "Content-Type", asJSON, "Accept", asGraph)
	}
	expect := func(what string, answer reply, status int, text string) {
		t.Helper()
		if answer.status != status || !strings.Contains(answer.text, text) {
			t.Errorf("%s: %d %s, expected %d and %s", what, answer.status, answer.text, status, text)
		}
	}
	const query = `{ hello }`
	expect("a miss", ask("", hashOf(query)), 404, `"message":"PersistedQueryNotFound"`)
	expect("another hash", ask(query, hashOf("x")), 400, "PERSISTED_QUERY")
	expect("still a miss", ask("", hashOf(query)), 404, "PERSISTED_QUERY_NOT_FOUND")
	expect("registration", ask(query, hashOf(query)), 200, "world")
	expect("a hit", ask("", hashOf(query)), 200, "world")
	by := url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"` + hashOf(query) + `"}}`)
	expect("a hit by GET", s.send(t, http.MethodGet, "/?extensions="+by, ""), 200, "world")
	expect("a hit by documentId", s.send(t, http.MethodGet, "/?documentId=sha256:"+hashOf(query), ""), 200, "world")
	expect("a miss for older clients", s.send(t, http.MethodGet, "/?documentId=sha256:"+hashOf("y"), "", "Accept", asJSON), 200, "PERSISTED_QUERY_NOT_FOUND")
	for _, invalid := range []string{`{ nothing }`, `{`, `{ echo }`} {
		expect("an invalid document", ask(invalid, hashOf(invalid)), 400, "errors")
		expect("is not kept", ask("", hashOf(invalid)), 404, "PERSISTED_QUERY_NOT_FOUND")
	}
	const change = `mutation { bump }`
	expect("a mutation", ask(change, hashOf(change)), 200, "bump")
	expect("a mutation by GET", s.send(t, http.MethodGet, "/?documentId=sha256:"+hashOf(change), ""), 405, "METHOD")
	for _, wrong := range []string{`{"version":2,"sha256Hash":"` + hashOf(query) + `"}`, `{"version":1}`, `7`, `{"version":1,"sha256Hash":7}`, `{"version":1,"sha256Hash":"abc"}`} {
		answer := s.send(t, http.MethodPost, "/", `{"query":"{ hello }","extensions":{"persistedQuery":`+wrong+`}}`, "Content-Type", asJSON, "Accept", asGraph)
		expect(wrong, answer, 400, "PERSISTED_QUERY")
	}
}

func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const query, other = `{ hello }`, `{ whoami }`
	trusted, err := protocol.ReadTrusted(strings.NewReader(fmt.Sprintf(`{%q: %q, "relay-id": %q}`, hashOf(query), query, other)))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(h *protocol.Handler) { h.Documents.Trusted = trusted })
	for body, want := range map[string]int{
		fmt.Sprintf(`{"query":%q}`, query):                       200,
		fmt.Sprintf(`{"query":%q}`, other):                       200,
		fmt.Sprintf(`{"documentId":"sha256:%s"}`, hashOf(query)): 200,
		`{"documentId":"relay-id"}`:                              200,
		fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, hashOf(query)): 200,
		`{"query":"{hello}"}`:                           403,
		`{"query":"{ __typename }"}`:                    403,
		`{"documentId":"nobody"}`:                       403,
		`{"documentId":"relay-id","query":"{ hello }"}`: 403,
		fmt.Sprintf(`{"query":"{hello}","extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, hashOf("{hello}")): 403,
	} {
		answer := s.send(t, http.MethodPost, "/", body, "Content-Type", asJSON, "Accept", asGraph)
		if answer.status != want {
			t.Errorf("%s: %d %s, expected %d", body, answer.status, answer.text, want)
		}
	}
	manifest := fmt.Sprintf(`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":%q,"name":"q","type":"query","body":%q}]}`, hashOf(query), query)
	if got, err := protocol.ReadTrusted(strings.NewReader(manifest)); err != nil || got[hashOf(query)] != query {
		t.Errorf("a manifest gives %v %v", got, err)
	}
	// GraphQL Code Generator names the algorithm before the hash.
	generated := fmt.Sprintf(`{"sha256:%s": %q}`, hashOf(query), query)
	if got, err := protocol.ReadTrusted(strings.NewReader(generated)); err != nil || got[hashOf(query)] != query {
		t.Errorf("a list of GraphQL Code Generator gives %v %v", got, err)
	}
	for _, wrong := range []string{fmt.Sprintf(`{"sha256:%s":"{ other }"}`, hashOf(query)), ``, `[]`, `{}`, `{"a":1}`, fmt.Sprintf(`{%q:"{ other }"}`, hashOf(query))} {
		if _, err := protocol.ReadTrusted(strings.NewReader(wrong)); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) { h.Hidden = true })
	for query, want := range map[string]int{
		`{ __typename hello }`:            200,
		`{ __schema { types { name } } }`: 403,
		`{ hello ...A } fragment A on Query { __type(name: "Query") { name } }`: 403,
		`{ ... on Query { x: __schema { types { name } } } }`:                   403,
	} {
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		if answer := s.send(t, http.MethodPost, "/", string(body), "Content-Type", asJSON, "Accept", asGraph); answer.status != want {
			t.Errorf("%s: %d %s", query, answer.status, answer.text)
		}
	}
}

func TestRequestsAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for given, kept := range map[string]bool{"abcdefgh-1": true, "short": false, "with space in it": false, strings.Repeat("x", 65): false} {
		got := s.send(t, http.MethodGet, "/?query=%7Bhello%7D", "", "X-Request-Id", given).header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestAnswersAreBoundedInTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) { h.AnswerTime = time.Millisecond })
	answer := s.send(t, http.MethodPost, "/", `{"query":"{ waits }"}`, "Content-Type", asJSON)
	if !strings.Contains(answer.text, "errors") {
		t.Errorf("%d %s", answer.status, answer.text)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.send(t, http.MethodPost, "/", `{"query":"{ panics }"}`, "Content-Type", asJSON)
	if answer.status != http.StatusInternalServerError || !strings.Contains(answer.text, "INTERNAL") || strings.Contains(answer.text, "it panics") {
		t.Errorf("%d %s", answer.status, answer.text)
	}
}
