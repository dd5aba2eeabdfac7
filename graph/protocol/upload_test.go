package protocol_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/graph/protocol"
)

const boundary = "----x"

// part is one part of a form; a file when it has a file name.
type part struct{ name, file, text string }

func formOf(parts ...part) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q", boundary, p.name)
		if p.file != "" {
			fmt.Fprintf(&b, "; filename=\"%s\"\r\nContent-Type: text/plain", p.file)
		}
		fmt.Fprintf(&b, "\r\n\r\n%s\r\n", p.text)
	}
	return b.String() + "--" + boundary + "--\r\n"
}

func TestUploads(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) { h.Origins = []string{"https://friend.example"} })
	const one = `{"query":"mutation($f: Upload!) { upload(file: $f) }","variables":{"f":null}}`
	const two = `{"query":"mutation($f: [Upload!]!) { uploads(files: $f) }","variables":{"f":[null,null]}}`
	ops := func(text string) part { return part{"operations", "", text} }
	places := func(text string) part { return part{"map", "", text} }
	file := part{"0", "a.txt", "alpha"}
	many := `{"query":"mutation($f: [Upload!]!) { uploads(files: $f) }","variables":{"f":[null` + strings.Repeat(",null", 20) + `]}}`
	var all []string
	for i := range 21 {
		all = append(all, fmt.Sprintf(`"variables.f.%d"`, i))
	}
	for name, test := range map[string]struct {
		form   string
		status int
		text   string
	}{
		"a file":                {formOf(ops(one), places(`{"0":["variables.f"]}`), file), 200, `"a.txt:5:alpha:\u003cnil\u003e"`},
		"two files":             {formOf(ops(two), places(`{"0":["variables.f.0"],"b":["variables.f.1"]}`), file, part{"b", "b.txt", "beta"}), 200, "a.txt:5:alpha:\\u003cnil\\u003e b.txt:4:beta"},
		"one in two places":     {formOf(ops(two), places(`{"0":["variables.f.0","variables.f.1"]}`), file), 200, "a.txt:5:alpha:\\u003cnil\\u003e a.txt:5:alpha"},
		"an empty file":         {formOf(ops(one), places(`{"0":["variables.f"]}`), part{"0", "a.txt", ""}), 200, "a.txt:0:"},
		"a path for a name":     {formOf(ops(one), places(`{"0":["variables.f"]}`), part{"0", `..\\..\\x\\a.txt`, "alpha"}), 200, `"a.txt:5`},
		"another path":          {formOf(ops(one), places(`{"0":["variables.f"]}`), part{"0", `/etc/a.txt`, "alpha"}), 200, `"a.txt:5`},
		"no file at all":        {formOf(ops(`{"query":"{ hello }"}`), places(`{}`)), 200, "world"},
		"no operations":         {formOf(places(`{"0":["variables.f"]}`), file), 400, "MULTIPART"},
		"no map":                {formOf(ops(one), file), 400, "MULTIPART"},
		"map first":             {formOf(places(`{}`), ops(one)), 400, "MULTIPART"},
		"nothing":               {formOf(), 400, "MULTIPART"},
		"not a form":            {"nonsense", 400, "MULTIPART"},
		"cut off":               {formOf(ops(one), places(`{"0":["variables.f"]}`), file)[:330], 400, "MULTIPART"},
		"operations no JSON":    {formOf(ops(`{`), places(`{}`)), 400, "JSON"},
		"operations a batch":    {formOf(ops(`[`+one+`]`), places(`{"0":["0.variables.f"]}`), file), 400, "BATCH"},
		"map no JSON":           {formOf(ops(one), places(`{`), file), 400, "JSON"},
		"map a list":            {formOf(ops(one), places(`[]`), file), 400, "MULTIPART"},
		"map null":              {formOf(ops(one), places(`null`), file), 400, "MULTIPART"},
		"map of texts":          {formOf(ops(one), places(`{"0":"variables.f"}`), file), 400, "MULTIPART"},
		"map of numbers":        {formOf(ops(one), places(`{"0":[7]}`), file), 400, "MULTIPART"},
		"no path":               {formOf(ops(one), places(`{"0":[]}`), file), 400, "MULTIPART"},
		"a path elsewhere":      {formOf(ops(one), places(`{"0":["query"]}`), file), 400, "MULTIPART"},
		"only variables":        {formOf(ops(one), places(`{"0":["variables"]}`), file), 400, "MULTIPART"},
		"a path to nothing":     {formOf(ops(one), places(`{"0":["variables.g"]}`), file), 400, "MULTIPART"},
		"a path through null":   {formOf(ops(one), places(`{"0":["variables.f.x"]}`), file), 400, "MULTIPART"},
		"a number in an object": {formOf(ops(one), places(`{"0":["variables.0"]}`), file), 400, "MULTIPART"},
		"a name in a list":      {formOf(ops(two), places(`{"0":["variables.f.x"]}`), file), 400, "MULTIPART"},
		"outside the list":      {formOf(ops(two), places(`{"0":["variables.f.9"]}`), file), 400, "MULTIPART"},
		"before the list":       {formOf(ops(two), places(`{"0":["variables.f.-1"]}`), file), 400, "MULTIPART"},
		"no variables":          {formOf(ops(`{"query":"{ hello }"}`), places(`{"0":["variables.f"]}`), file), 400, "MULTIPART"},
		"a place that is taken": {formOf(ops(`{"query":"{ hello }","variables":{"f":"x"}}`), places(`{"0":["variables.f"]}`), file), 400, "MULTIPART"},
		"one place twice":       {formOf(ops(one), places(`{"0":["variables.f","variables.f"]}`), file), 400, "MULTIPART"},
		"a file is missing":     {formOf(ops(one), places(`{"0":["variables.f"]}`)), 400, "MULTIPART"},
		"a file too many":       {formOf(ops(one), places(`{"0":["variables.f"]}`), file, part{"1", "b.txt", "b"}), 400, "MULTIPART"},
		"a file twice":          {formOf(ops(one), places(`{"0":["variables.f"]}`), file, file), 400, "MULTIPART"},
		"too many places":       {formOf(ops(many), places(`{"0":[`+strings.Join(all, ",")+`]}`), file), 413, "TOO_MANY_FILES"},
		"operations too large":  {formOf(ops(`{"query":"{ hello } #`+strings.Repeat("x", 1<<20)+`"}`), places(`{}`)), 413, "TOO_LARGE"},
		"invalid":               {formOf(ops(`{"query":"mutation($f: Upload!) { upload }","variables":{"f":null}}`), places(`{"0":["variables.f"]}`), file), 400, "errors"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.send(t, http.MethodPost, "/", test.form, "Content-Type", "multipart/form-data; boundary="+boundary, "GraphQL-Require-Preflight", "1", "Accept", asGraph)
			if answer.status != test.status || !strings.Contains(answer.text, test.text) {
				t.Errorf("%d %s, expected %d and %s", answer.status, answer.text, test.status, test.text)
			}
			check(t, answer)
		})
	}
	good := formOf(ops(one), places(`{"0":["variables.f"]}`), file)
	for _, test := range []struct {
		headers []string
		status  int
	}{
		{nil, 403},
		{[]string{"Apollo-Require-Preflight", "true"}, 200},
		{[]string{"X-Apollo-Operation-Name", "Upload"}, 200},
		{[]string{"Idempotency-Key", "k"}, 200},
		{[]string{"GraphQL-Require-Preflight", ""}, 403},
		{[]string{"Authorization", "Bearer x"}, 403},
		{[]string{"Authorization", "Bearer x", "GraphQL-Require-Preflight", "1", "Origin", "https://evil.example"}, 403},
		{[]string{"GraphQL-Require-Preflight", "1", "Origin", "https://evil.example"}, 403},
		{[]string{"GraphQL-Require-Preflight", "1", "Origin", "https://friend.example"}, 200},
		{[]string{"Origin", "https://friend.example"}, 403},
	} {
		answer := s.send(t, http.MethodPost, "/", good, append([]string{"Content-Type", "multipart/form-data; boundary=" + boundary}, test.headers...)...)
		if answer.status != test.status {
			t.Errorf("%v: %d %s", test.headers, answer.status, answer.text)
		}
	}
}

// TestUploadsLeaveNothing looks for files that stayed on disk.
func TestUploadsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newSite(t)
	for _, form := range []string{
		formOf(part{"operations", "", `{"query":"mutation($f: Upload!) { upload(file: $f) }","variables":{"f":null}}`}, part{"map", "", `{"0":["variables.f"]}`}, part{"0", "a", "x"}),
		formOf(part{"operations", "", `{"query":"{ nothing }","variables":{"f":null,"g":null}}`}, part{"map", "", `{"0":["variables.f"],"1":["variables.g"]}`}, part{"0", "a", "x"}),
	} {
		s.send(t, http.MethodPost, "/", form, "Content-Type", "multipart/form-data; boundary="+boundary, "GraphQL-Require-Preflight", "1")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
