package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onedoor/onedoor/internal/catalog"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"server": main})
}

// TestScripts runs the whole program as operators do. Each script finds the
// shipped pack in the folder jiangbei, and these commands beside testscript's:
//
//	replace FILE OLD NEW   change the first OLD in a file; \n is a new line
//	ready FILE             wait until the server whose stdout goes to FILE is ready
//	ask FILE               send a query to that server; its answer is stdout
//	ask-until FILE REGEXP  ask again and again, each time with success, until the
//	                       answer matches
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			return copyPack(filepath.Join(env.WorkDir, "jiangbei"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"replace":   replace,
			"ready":     ready,
			"ask":       ask,
			"ask-until": askUntil,
		},
	})
}

// copyPack writes the shipped pack into a new folder.
func copyPack(dir string) error {
	pack := catalog.Jiangbei()
	names, err := fs.Glob(pack, "*.yaml")
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(pack, name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// patience is the longest that a script waits for the server.
const patience = 15 * time.Second

// demand fails a script that uses a command wrongly.
func demand(ts *testscript.TestScript, neg bool, args []string, usage string) {
	if neg || len(args) != len(strings.Fields(usage))-1 {
		ts.Fatalf("usage: %s", usage)
	}
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	demand(ts, neg, args, "replace FILE OLD NEW")
	lines := strings.NewReplacer(`\n`, "\n")
	text, old := ts.ReadFile(args[0]), lines.Replace(args[1])
	if !strings.Contains(text, old) {
		ts.Fatalf("%s does not hold %q", args[0], old)
	}
	text = strings.Replace(text, old, lines.Replace(args[2]), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// address finds where a server says that it serves.
var address = regexp.MustCompile(`http://[0-9.]+:[0-9]+`)

func ready(ts *testscript.TestScript, neg bool, args []string) {
	demand(ts, neg, args, "ready FILE")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		said, err := os.ReadFile(ts.MkAbs(args[0]))
		url := address.FindString(string(said))
		if err != nil || url == "" {
			continue
		}
		reply, err := http.Get(url + "/readyz")
		if err != nil {
			continue
		}
		ts.Check(reply.Body.Close())
		if reply.StatusCode == http.StatusOK {
			ts.Setenv("URL", url)
			return
		}
	}
	ts.Fatalf("the server is not ready after %v", patience)
}

func ask(ts *testscript.TestScript, neg bool, args []string) {
	demand(ts, neg, args, "ask FILE")
	_, err := ts.Stdout().Write(answer(ts, args[0]))
	ts.Check(err)
}

func askUntil(ts *testscript.TestScript, neg bool, args []string) {
	demand(ts, neg, args, "ask-until FILE REGEXP")
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	last, asked, start := []byte(nil), 0, time.Now()
	for ; time.Since(start) < patience; asked++ {
		if last = answer(ts, args[0]); want.Match(last) {
			ts.Logf("%d answers, the last after %v", asked+1, time.Since(start))
			return
		}
	}
	ts.Fatalf("after %d answers still: %s", asked, last)
}

// answer asks the server once; a failed request fails the script.
func answer(ts *testscript.TestScript, file string) []byte {
	request, err := json.Marshal(map[string]string{"query": ts.ReadFile(file)})
	ts.Check(err)
	reply, err := http.Post(ts.Getenv("URL")+"/graphql", "application/json", bytes.NewReader(request))
	ts.Check(err)
	body, err := io.ReadAll(reply.Body)
	ts.Check(err)
	ts.Check(reply.Body.Close())
	if reply.StatusCode != http.StatusOK || bytes.Contains(body, []byte(`"errors"`)) {
		ts.Fatalf("%s: %s", reply.Status, body)
	}
	return body
}
