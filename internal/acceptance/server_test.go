package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/testservices"
)

func TestMain(m *testing.M) { testservices.Main(m) }

const pack = "../catalog/packs/jiangbei"

// program builds the server once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "onedoor-acceptance")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "server")
	out, err := exec.Command("go", "build", "-o", path, "../../server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// instance is a running server and the settings that it runs with.
type instance struct {
	url string
	env []string
}

// onBoth runs a test against the embedded default and against PostgreSQL with Redis.
func onBoth(t *testing.T, test func(t *testing.T, in instance)) {
	t.Parallel()
	for name, env := range map[string]func(t *testing.T) []string{
		"embedded": func(t *testing.T) []string { return []string{"ONEDOOR_DATA=" + t.TempDir()} },
		"postgresql+redis": func(t *testing.T) []string {
			return []string{"DATABASE_URL=" + testservices.PostgreSQL(t), "REDIS_URL=" + testservices.Redis(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, env(t)))
		})
	}
}

var address = regexp.MustCompile(`http://[0-9.:]+`)

// start starts the program and waits until it is ready.
func start(t *testing.T, env []string) instance {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server did not stop cleanly: %v\n%s", err, stderr.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server said nothing: %v\n%s", err, stderr.String())
	}
	in := instance{url: address.FindString(line), env: env}
	resp, err := http.Get(in.url + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("not ready: %v %v", resp, err)
	}
	_ = resp.Body.Close()
	return in
}

// command runs the program once with the instance's settings.
func (in instance) command(t *testing.T, args ...string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), in.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// ask sends an operation and decodes its data.
func (in instance) ask(t *testing.T, query string, variables any, data any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) > 0 {
		t.Fatalf("%s", answer.Errors)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		t.Fatal(err)
	}
}
