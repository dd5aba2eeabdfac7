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
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

// TestAudits has graphql-http's audits and the checks of clients/audit look at the
// whole program: as it is usually served, by the newer draft, and in production.
func TestAudits(t *testing.T) {
	t.Parallel()
	run := testservices.Node(t, "../../clients/audit")
	for mode, flags := range map[string][]string{"usual": nil, "draft": {"-http-draft"}, "production": {"-production"}} {
		in := start(t, settings["embedded"](t), flags...)
		args := []string{in.url + "/graphql", "--mode", mode, "--token", in.as(t, applicant("zhang-san")).token}
		if runtime.GOOS == "linux" { // where a process tells what it takes
			args = append(args, "--pid", strconv.Itoa(in.process.cmd.Process.Pid))
		}
		t.Logf("%s:\n%s", mode, run("blackbox.mjs", args...))
		if mode != "usual" {
			continue
		}
		if out := run("audit.mjs", in.url+"/graphql"); !strings.Contains(out, `{"passed":61,"failed":0}`) {
			t.Error(out)
		}
	}
}

// exchange sends a request; headers come in pairs.
func (in instance) exchange(t *testing.T, method, path string, body []byte, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, in.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// raw sends bytes as they are and gives what comes back until the end.
func (in instance) raw(t *testing.T, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(in.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Log(err) // it may have been refused before its end
	}
	answer, _ := io.ReadAll(bufio.NewReader(conn))
	return string(answer)
}

const asksNothing = `{"query":"{ __typename }"}`

// TestHostileRequests sends what a server must refuse, cheaply and in its form.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	in := start(t, settings["embedded"](t), "-origins", "https://friend.example")
	expect := func(what string, status int, answer *http.Response, text string) {
		t.Helper()
		if answer.StatusCode != status || status >= 400 && (!strings.Contains(text, `"code":`) || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json")) || len(text) > 2000 {
			t.Errorf("%s: %d %s %.300s, expected %d", what, answer.StatusCode, answer.Header.Get("Content-Type"), text, status)
		}
	}
	large := []byte(`{"query":"{ __typename }","x":"` + strings.Repeat("x", 2<<20) + `"}`)
	answer, text := in.exchange(t, http.MethodPost, "/graphql", large, "Content-Type", "application/json")
	expect("a large body", 413, answer, text)
	answer, text = in.exchange(t, http.MethodPost, "/graphql", large, "Content-Type", "application/json", "Accept", "text/event-stream")
	expect("a large body for a stream", 413, answer, text)
	answer, text = in.exchange(t, http.MethodPost, "/graphql", []byte("nonsense"), "Content-Type", "multipart/form-data; boundary=x", "GraphQL-Require-Preflight", "1")
	expect("a broken form", 400, answer, text)
	answer, text = in.exchange(t, http.MethodPost, "/graphql", []byte("nonsense"), "Content-Type", "multipart/form-data; boundary=x")
	expect("a form of another site", 403, answer, text)
	answer, text = in.exchange(t, http.MethodPost, "/graphql", []byte(asksNothing), "Content-Type", "application/json", "Authorization", "Bearer nonsense")
	expect("a bad token", 401, answer, text)
	answer, text = in.exchange(t, http.MethodDelete, "/graphql", nil)
	expect("DELETE", 405, answer, text)

	if got := in.raw(t, "GET /graphql HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("large headers: %.200s", got)
	}
	// With two lengths, what follows may be no request at all.
	two := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(asksNothing), len(asksNothing), asksNothing)
	if got := in.raw(t, two+"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); strings.Count(got, "HTTP/1.1 ") != 1 {
		t.Errorf("the second request was answered: %s", got)
	}

	// Pages of other sites.
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,authorization"}
	for origin, allowed := range map[string]string{"https://friend.example": "https://friend.example", "https://evil.example": "", "null": ""} {
		answer, _ := in.exchange(t, http.MethodOptions, "/graphql", nil, append(preflight, "Origin", origin)...)
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != allowed || answer.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %d, allowed %q", origin, answer.StatusCode, got)
		}
		answer, _ = in.exchange(t, http.MethodPost, "/graphql", []byte(asksNothing), "Content-Type", "application/json", "Origin", origin)
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("%s: the answer allows %q", origin, got)
		}
	}
}

// TestProduction serves the registered operations, and nobody the schema.
func TestProduction(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "trusted.json")
	if err := os.WriteFile(list, []byte(`{"typename": "{ __typename }"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	in := start(t, settings["embedded"](t), "-production", "-trusted-documents", list, "-http-draft")
	for body, want := range map[string]int{
		asksNothing:                            200,
		`{"documentId":"typename"}`:            200,
		`{"query":"{ items { totalCount } }"}`: 403,
	} {
		if answer, text := in.exchange(t, http.MethodPost, "/graphql", []byte(body), "Content-Type", "application/json"); answer.StatusCode != want {
			t.Errorf("%s: %d %s", body, answer.StatusCode, text)
		}
	}
}

// TestSocket signs in on a socket, asks, gets two and no third, and is told to
// come again when the server stops.
func TestSocket(t *testing.T) {
	t.Parallel()
	in := start(t, settings["embedded"](t), "--limit-subject-streams=2", "--limit-address-streams=5")
	token, err := in.issuer.Mint(viewer.Viewer{Subject: "li", Role: viewer.Applicant}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dial := func(header http.Header) (conn *websocket.Conn, status int) {
		conn, answer, err := websocket.Dial(ctx, in.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
		if answer == nil {
			t.Fatal(err)
		}
		if err == nil {
			t.Cleanup(func() { _ = conn.CloseNow() })
		}
		return conn, answer.StatusCode
	}
	open := func() *websocket.Conn {
		t.Helper()
		conn, status := dial(nil)
		if conn == nil {
			t.Fatalf("not opened: %d", status)
		}
		return conn
	}
	send := func(conn *websocket.Conn, text string) {
		t.Helper()
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(conn *websocket.Conn) string {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return fmt.Sprintf("closed %d", websocket.CloseStatus(err))
		}
		return string(text)
	}
	stranger := open()
	send(stranger, `{"type":"connection_init","payload":{"Authorization":"Bearer nonsense"}}`)
	if got := read(stranger); got != "closed 4403" {
		t.Errorf("a bad token: %s", got)
	}
	conn := open()
	send(conn, `{"type":"connection_init","payload":{"Authorization":"Bearer `+token+`"}}`)
	send(conn, `{"id":"1","type":"subscribe","payload":{"query":"{ viewer { subject } }"}}`)
	for _, want := range []string{`{"type":"connection_ack"}`, `{"id":"1","type":"next","payload":{"data":{"viewer":{"subject":"li"}}}}`, `{"id":"1","type":"complete"}`} {
		if got := read(conn); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	li := http.Header{"Authorization": {"Bearer " + token}}
	second, _ := dial(li)
	if third, status := dial(li); second == nil || third != nil || status != http.StatusTooManyRequests {
		t.Errorf("li gets a third: %d", status)
	}
	third := open()
	send(third, `{"type":"connection_init","payload":{"Authorization":"Bearer `+token+`"}}`)
	if got := read(third); got != "closed 1013" {
		t.Errorf("li gets a third after all: %s", got)
	}
	all := []*websocket.Conn{second}
	for range 4 { // of five, two are open
		next, status := dial(nil)
		if next == nil {
			if status != http.StatusTooManyRequests {
				t.Errorf("refused with %d", status)
			}
			break
		}
		all = append(all, next)
	}
	if len(all) > 4 {
		t.Error("an address gets a sixth")
	}
	for _, c := range all {
		_ = c.CloseNow()
	}
	go func() { _ = in.process.stop() }()
	if got := read(conn); got != "closed 1012" {
		t.Errorf("the server stopped: %s", got)
	}
}
