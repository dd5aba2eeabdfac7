package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/onedoor/onedoor/internal/testservices"
)

// asked is what everybody gets: a page of the catalogue, and a guide.
const asked = `{ departments(first: 50) { edges { node { code name } } } guide(input: {scheme: "catering", facts: {}}) { asOf digest clauses { clause { code department { name } } } } }`

// page asks by GET, with headers in pairs.
func (in instance) page(ctx context.Context, query string, headers ...string) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, in.url+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, string(text), err
}

func (in instance) mustPage(t *testing.T, query string, headers ...string) (*http.Response, string) {
	t.Helper()
	answer, text, err := in.page(t.Context(), query, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return answer, text
}

// renamed copies the pack with another name of a department.
func renamed(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pack")
	if err := os.CopyFS(dir, os.DirFS(pack)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "departments.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const before = "区市场监督管理局"
	if !bytes.Contains(text, []byte(before)) {
		t.Fatalf("%s does not name %s", file, before)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(before), []byte(name)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTwoServersServeOneCatalogue imports by a third process while two servers on
// one database and one Redis have answers kept: both serve the new, with the same
// bytes and the same tag, and a client that has kept the old learns of it.
func TestTwoServersServeOneCatalogue(t *testing.T) {
	t.Parallel()
	env := []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + testservices.PostgreSQL(t), "REDIS_URL=" + testservices.Redis(t)}
	one, two := start(t, env), start(t, env)
	first, text := one.mustPage(t, asked)
	tag := first.Header.Get("ETag")
	for range 2 {
		for _, in := range []instance{one, two} {
			answer, same := in.mustPage(t, asked)
			if same != text || answer.Header.Get("ETag") != tag || answer.Header.Get("Cache-Control") == "no-store" {
				t.Errorf("%v %.300s", answer.Header, same)
			}
			if again, _ := in.mustPage(t, asked, "If-None-Match", tag); again.StatusCode != http.StatusNotModified {
				t.Errorf("status %d", again.StatusCode)
			}
		}
	}
	for round := range 3 {
		name := fmt.Sprintf("市场监管局第 %d 名", round)
		one.command(t, "catalog", "import", renamed(t, name))
		var texts [2]string
		for i, in := range []instance{two, one} {
			eventually(t, "served", func() bool {
				answer, now := in.mustPage(t, asked, "If-None-Match", tag)
				texts[i] = now
				// A department is named in the page and in the clauses; what is whole has no
				// other name of it.
				return answer.StatusCode == http.StatusOK && strings.Count(now, "市场监管局第") == strings.Count(now, name) && strings.Contains(now, `"clause":{"code"`) && strings.Contains(now, name) && !strings.Contains(now, "区市场监督管理局")
			})
		}
		if texts[0] != texts[1] {
			t.Errorf("round %d: the servers differ:\n%.500s\n%.500s", round, texts[0], texts[1])
		}
	}
}

// TestRedisAwayUnderLoad kills Redis and starts it again, empty, while clients ask
// two servers for what is kept and for what is not: every answer is right, none is
// an error, and an import is served all the same.
func TestRedisAwayUnderLoad(t *testing.T) {
	t.Parallel()
	redis, redisURL := testservices.OwnRedis(t)
	env := []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + testservices.PostgreSQL(t), "REDIS_URL=" + redisURL}
	servers := []instance{start(t, env), start(t, env)}
	const other = `{ deadline(input: {start: "2026-11-23", amount: %d, unit: DAY}) { dueOn } }`
	_, kept := servers[0].mustPage(t, asked)
	const amounts = 20
	var expected [amounts]string
	for amount := range expected {
		if _, expected[amount] = servers[0].mustPage(t, fmt.Sprintf(other, amount)); !strings.Contains(expected[amount], `"dueOn":"202`) {
			t.Fatal(expected[amount])
		}
	}
	var answers atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for who := range 6 {
		all.Go(func() {
			for i := who; ctx.Err() == nil && !t.Failed(); i++ {
				query, want := asked, kept
				if amount := i % amounts; i%3 == 0 { // in words that nobody has used before
					query, want = fmt.Sprintf("query n%d ", i)+fmt.Sprintf(other, amount), expected[amount]
				}
				answer, text, err := servers[i%2].page(ctx, query)
				if ctx.Err() != nil {
					return
				}
				if err != nil || answer.StatusCode != http.StatusOK || text != want && !(query == asked && strings.Contains(text, "改名局")) {
					t.Errorf("%v: %.300s, expected %.300s", err, text, want)
					return
				}
				answers.Add(1)
			}
		})
	}
	more := func() {
		t.Helper()
		until := answers.Load() + 300
		eventually(t, "answered", func() bool { return answers.Load() > until || t.Failed() })
	}
	for range 2 {
		more()
		redis.Stop()
		more()
		redis.Start(t)
	}
	redis.Stop()
	servers[0].command(t, "catalog", "import", renamed(t, "改名局"))
	for _, in := range servers {
		eventually(t, "served without Redis", func() bool {
			_, text := in.mustPage(t, asked)
			return strings.Contains(text, "改名局")
		})
	}
	redis.Start(t)
	more()
	cancel()
	all.Wait()
}

// TestStopping tells a server to stop while a client is on its way with a
// request: it is no longer ready, serves for the delay, ends streams, answers the
// request, and ends.
func TestStopping(t *testing.T) {
	t.Parallel()
	in := start(t, []string{"ONEDOOR_DATA=" + t.TempDir()}, "-stop-delay", "2s")
	// A request whose second half comes after the server was told to stop.
	c, err := net.Dial("tcp", strings.TrimPrefix(in.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := `{"query":"{ departments { totalCount } }"}`
	if _, err := fmt.Fprintf(c, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10]); err != nil {
		t.Fatal(err)
	}
	socket, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(in.url, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := socket.Read(t.Context()); err != nil || !strings.Contains(string(text), "connection_ack") {
		t.Fatalf("%s %v", text, err)
	}
	if err := in.process.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no longer ready", func() bool { return in.status(t, "/readyz") == http.StatusServiceUnavailable })
	if alive := in.status(t, "/healthz"); alive != http.StatusOK {
		t.Errorf("alive: %d", alive)
	}
	if answer, text := in.mustPage(t, asked); answer.StatusCode != http.StatusOK || !strings.Contains(text, `"data"`) {
		t.Errorf("within the delay: %d %.300s", answer.StatusCode, text)
	}
	for {
		if _, _, err := socket.Read(t.Context()); err != nil {
			if code := websocket.CloseStatus(err); code != websocket.StatusServiceRestart {
				t.Errorf("the socket was closed with %d: %v", code, err)
			}
			break
		}
	}
	// The delay is over when nobody is let in any more.
	eventually(t, "closed", func() bool {
		d, err := net.Dial("tcp", strings.TrimPrefix(in.url, "http://"))
		if err == nil {
			_ = d.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if _, err := io.WriteString(c, body[10:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), `"totalCount":`) {
		t.Errorf("%d %s %v", answer.StatusCode, text, err)
	}
	<-in.process.exited
	if in.process.result != nil {
		t.Errorf("%v\n%s", in.process.result, in.process.lastWords())
	}
}

// TestStoppedTwice tells a server twice: it ends without waiting for anybody.
func TestStoppedTwice(t *testing.T) {
	t.Parallel()
	in := start(t, []string{"ONEDOOR_DATA=" + t.TempDir()}, "-stop-delay", "60s")
	_ = in.process.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, "no longer ready", func() bool { return in.status(t, "/readyz") == http.StatusServiceUnavailable })
	_ = in.process.cmd.Process.Signal(syscall.SIGTERM)
	<-in.process.exited
	if in.process.result == nil || !strings.Contains(in.process.lastWords(), "told to stop twice") {
		t.Errorf("%v: %s", in.process.result, in.process.lastWords())
	}
	in.process.result = nil // as it should
}
