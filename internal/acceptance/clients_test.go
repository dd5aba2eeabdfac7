package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

var updateExamples = flag.Bool("update-examples", false, "write the answers of docs/examples anew")

// TestSchema compares the SDL of clients/ with the last released one, and with what
// the server says of itself.
func TestSchema(t *testing.T) {
	t.Parallel()
	run := testservices.Node(t, "../../clients/audit")
	in := start(t, settings["embedded"](t))
	t.Log(run("schema.mjs", "../released.graphql", "../schema.graphql", "../breaks.txt", in.url+"/graphql"))

	// The check finds a break: a listed one that it does not find is an error.
	today, err := os.ReadFile("../../clients/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	other, breaks := filepath.Join(t.TempDir(), "other.graphql"), filepath.Join(t.TempDir(), "breaks.txt")
	for file, text := range map[string]string{
		other:  strings.Replace(string(today), "queryCode: String!", "queryCode: String", 1),
		breaks: "# Why.\nFIELD_CHANGED_KIND: Receipt.queryCode changed type from String! to String.\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("schema.mjs", "../schema.graphql", other, breaks)
}

// TestTypeScript has code generators and compilers read the SDL, and Apollo Client,
// urql and Relay use the server.
func TestTypeScript(t *testing.T) {
	t.Parallel()
	run := testservices.Node(t, "../../clients/typescript")
	run("build.mjs")
	in := start(t, settings["embedded"](t))
	token := in.as(t, applicant("zhang-san")).token
	for _, script := range []string{"quickstart", "apollo", "urql", "relay"} {
		t.Logf("%s:\n%s", script, run("dist/"+script+".mjs", in.url+"/graphql", token))
	}

	// Clients that follow a case while the server is killed lose nothing.
	restart := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.process.kill()
		if err := in.process.start(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	defer restart.Close()
	t.Logf("follow:\n%s", run("dist/follow.mjs", in.url+"/graphql", token, restart.URL))

	// A server that serves the operations of this client only.
	list := filepath.Join(t.TempDir(), "documents.json")
	text := run("-p", `require("fs").readFileSync("src/gql/persisted-documents.json", "utf8")`)
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := start(t, settings["embedded"](t), "-trusted-documents", list)
	t.Logf("trusted:\n%s", run("dist/trusted.mjs", closed.url+"/graphql", closed.as(t, applicant("zhang-san")).token))
}

// TestGoClient runs the client in Go, which is a module of its own.
func TestGoClient(t *testing.T) {
	t.Parallel()
	in := start(t, settings["embedded"](t))
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-url", in.url+"/graphql", "-token", in.as(t, applicant("li-si")).token)
	cmd.Dir = "../../clients/go"
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "event submitCase at ") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// example is an operation of docs/examples. What it needs to run stands in its
// comments: who asks, and what of the answer later examples need.
type example struct {
	name, text string
	variables  map[string]any
	who        viewer.Viewer
	keeps      [][2]string // name, path in the data
	file       string      // the variable that takes one
	stream     bool
}

var (
	exampleAs    = regexp.MustCompile(`(?m)^# As: ([A-Z]+)(?: of (\w+))?$`)
	exampleKeeps = regexp.MustCompile(`(?m)^# Keeps: (\w+) = ([\w.]+)$`)
	exampleFile  = regexp.MustCompile(`(?m)^# File: (\w+)$`)
)

func readExample(t *testing.T, path string, kept map[string]string) example {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := example{name: strings.TrimSuffix(filepath.Base(path), ".graphql"), text: string(text)}
	if as := exampleAs.FindStringSubmatch(e.text); as != nil {
		e.who = viewer.Viewer{Subject: "example-" + strings.ToLower(as[1]), Role: viewer.Role(as[1]), Department: as[2]}
	}
	for _, keeps := range exampleKeeps.FindAllStringSubmatch(e.text, -1) {
		e.keeps = append(e.keeps, [2]string{keeps[1], keeps[2]})
	}
	if file := exampleFile.FindStringSubmatch(e.text); file != nil {
		e.file = file[1]
	}
	e.stream = strings.Contains(e.text, "\nsubscription ")
	variables, err := os.ReadFile(strings.TrimSuffix(path, ".graphql") + ".variables.json")
	if os.IsNotExist(err) {
		return e
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range kept {
		variables = bytes.ReplaceAll(variables, []byte(`"{`+name+`}"`), encode(t, value))
	}
	if err := json.Unmarshal(variables, &e.variables); err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return e
}

// answer sends the example as its kind is sent, and gives what came first.
func (e example) answer(t *testing.T, c client) answer {
	t.Helper()
	r := operation(t, e.text, e.variables)
	switch {
	case e.file != "":
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_ = form.WriteField("operations", string(r.body)) // a buffer takes everything
		_ = form.WriteField("map", fmt.Sprintf(`{"file":["variables.%s"]}`, e.file))
		part, _ := form.CreateFormFile("file", "paper.pdf")
		_, _ = part.Write(pdf(e.name))
		_ = form.Close()
		r = request{contentType: form.FormDataContentType(), body: body.Bytes()}
	case e.stream:
		return e.firstEvent(t, c, r.body)
	}
	return c.send(t, r)
}

// firstEvent follows until something comes.
func (e example) firstEvent(t *testing.T, c client, body []byte) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			a := answer{body: []byte(text)}
			if err := json.Unmarshal(a.body, &a); err != nil {
				t.Fatalf("%s: %v: %s", e.name, err, text)
			}
			return a
		}
	}
	t.Fatalf("%s: %s, and nothing came", e.name, resp.Status)
	return answer{}
}

// TestExamples runs docs/examples one after the other against a sandbox, and
// compares the shape of the answers with those that stand beside them: identities
// and days are others each time, and the catalogue grows.
func TestExamples(t *testing.T) {
	t.Parallel()
	const folder = "../../docs/examples"
	paths, err := filepath.Glob(filepath.Join(folder, "*.graphql"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	reference, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	in := start(t, settings["embedded"](t), "--sandbox")
	awaitSeeds(t, in)
	kept := map[string]string{}
	for _, path := range paths {
		e := readExample(t, path, kept)
		if !bytes.Contains(reference, []byte("(examples/"+e.name+".graphql)")) {
			t.Errorf("docs/api.md does not link %s", e.name)
		}
		a := e.answer(t, in.as(t, e.who))
		if len(a.Errors) > 0 {
			t.Fatalf("%s: %s", e.name, a.body)
		}
		if e.who.Anonymous() && strings.Contains(e.text, "\nquery ") { // as docs/api.md begins, by GET
			to := "/graphql?" + url.Values{"query": {e.text}, "variables": {string(encode(t, e.variables))}}.Encode()
			if resp, text := in.exchange(t, http.MethodGet, to, nil); resp.StatusCode != http.StatusOK || strings.Contains(text, `"errors"`) {
				t.Errorf("%s by GET: %s %.300s", e.name, resp.Status, text)
			}
		}
		var got any
		if err := json.Unmarshal(a.Data, &got); err != nil {
			t.Fatalf("%s: %v: %s", e.name, err, a.body)
		}
		for _, k := range e.keeps {
			value, ok := at(got, k[1]).(string)
			if !ok {
				t.Fatalf("%s: there is no %s in %s", e.name, k[1], a.body)
			}
			kept[k[0]] = value
		}
		beside := filepath.Join(folder, e.name+".answer.json")
		if *updateExamples {
			var text bytes.Buffer
			if err := json.Indent(&text, a.Data, "", "  "); err != nil {
				t.Fatal(err)
			}
			text.WriteByte('\n')
			if err := os.WriteFile(beside, text.Bytes(), 0o644); err != nil { //nolint:gosec // a document
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(beside)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%s: %v", beside, err)
		}
		for _, problem := range differences(want, got) {
			t.Errorf("%s: %s", e.name, problem)
		}
	}
	left, err := fs.Glob(os.DirFS(folder), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		operation, _, _ := strings.Cut(name, ".")
		if _, err := os.Stat(filepath.Join(folder, operation+".graphql")); err != nil {
			t.Errorf("%s belongs to no example", name)
		}
	}
}

// at gives what is at a path of names and positions.
func at(value any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// shape gives for each place of an answer what kinds of values are there; the
// elements of a list are one place.
func shape(path string, value any, into map[string][]string) map[string][]string {
	kind := "null"
	switch v := value.(type) {
	case map[string]any:
		kind = "object"
		for name, inner := range v {
			shape(path+"."+name, inner, into)
		}
	case []any:
		kind = "list"
		for _, inner := range v {
			shape(path+"[]", inner, into)
		}
	case string, float64, bool:
		kind = fmt.Sprintf("%T", v)
	}
	if !slices.Contains(into[path], kind) {
		into[path] = append(into[path], kind)
	}
	return into
}

// differences are the places where an answer has another shape than the one
// beside the example: it lacks a place, has one too many, or another kind of value.
func differences(want, got any) []string {
	var found []string
	wanted, has := shape("data", want, map[string][]string{}), shape("data", got, map[string][]string{})
	for path := range wanted {
		if has[path] == nil {
			found = append(found, path+" is not there")
		}
	}
	for path, kinds := range has {
		for _, kind := range kinds {
			if !slices.Contains(wanted[path], kind) {
				found = append(found, fmt.Sprintf("%s is a %s, expected %v", path, kind, wanted[path]))
			}
		}
	}
	slices.Sort(found)
	return found
}
