package protocol_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/graph/protocol"
)

const asEvents = "text/event-stream"

// events asks for a subscription as a stream of events; headers come in pairs.
func (s *site) events(ctx context.Context, t *testing.T, query string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", asEvents)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// withoutComments gives the events of a stream.
func withoutComments(stream string) string {
	events := slices.DeleteFunc(strings.Split(stream, "\n\n"), func(e string) bool { return e == ":" })
	return strings.Join(events, "\n\n")
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := func(query string) []string {
		return []string{http.MethodPost, "/", `{"query":"` + query + `"}`, "Content-Type", asJSON, "Accept", asEvents}
	}
	get := func(query string) []string {
		return []string{http.MethodGet, "/?query=" + url.QueryEscape(query), "", "Accept", asEvents}
	}
	const end = "event: complete\ndata:\n\n"
	for name, test := range map[string]struct {
		request []string
		stream  string
	}{
		"subscription":          {post("subscription { count(to: 2) }"), "event: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\n" + end},
		"data of several lines": {post("subscription { lines: count(to: 1) }"), "event: next\ndata: {\"data\":{\"lines\":1}}\n\n" + end},
		"subscription by GET":   {get("subscription { count(to: 1) }"), "event: next\ndata: {\"data\":{\"count\":1}}\n\n" + end},
		"query":                 {post("{ hello }"), "event: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\n" + end},
		"query by GET":          {get("{ hello }"), "event: next\ndata: {\"data\":{\"hello\":\"world\"}}\n\n" + end},
		"mutation":              {post("mutation { bump }"), "event: next\ndata: {\"data\":{\"bump\":1}}\n\n" + end},
		"refused":               {post("subscription { refused }"), "event: next\ndata: {\"errors\":[{\"message\":\"it is refused\",\"extensions\":{\"code\":\"DENIED\",\"problems\":null}}]}\n\n" + end},
		"breaks":                {post("subscription { breaks }"), "event: next\ndata: {\"data\":{\"breaks\":1}}\n\nevent: next\ndata: {\"errors\":[{\"message\":\"it broke\",\"extensions\":{\"code\":\"UNAVAILABLE\",\"problems\":null}}]}\n\n" + end},
		"explodes":              {post("subscription { explodes }"), "event: next\ndata: {\"data\":{\"explodes\":1}}\n\nevent: next\ndata: {\"errors\":[{\"message\":\"internal error; please try again later\",\"extensions\":{\"code\":\"INTERNAL\",\"problems\":null}}]}\n\n" + end},
		"panics":                {post("{ panics }"), "event: next\ndata: {\"errors\":[{\"message\":\"internal error; please try again later\",\"extensions\":{\"code\":\"INTERNAL\",\"problems\":null}}]}\n\n" + end},
		"invalid":               {get("{"), "~event: next\ndata: {\"errors\":[{"},
		"accepting JSON better": {[]string{http.MethodPost, "/", `{"query":"subscription { count(to: 1) }"}`, "Content-Type", asJSON, "Accept", asGraph + ", " + asJSON + ", " + asEvents}, "event: next\ndata: {\"data\":{\"count\":1}}\n\n" + end},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.send(t, test.request[0], test.request[1], test.request[2], test.request[3:]...)
			if answer.status != http.StatusOK || answer.header.Get("Content-Type") != asEvents+"; charset=utf-8" || !strings.Contains(answer.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%d %v", answer.status, answer.header)
			}
			got := withoutComments(answer.text)
			if part, isPart := strings.CutPrefix(test.stream, "~"); isPart {
				if !strings.HasPrefix(got, part) || !strings.HasSuffix(got, end) {
					t.Error(got)
				}
			} else if diff := cmp.Diff(test.stream, got); diff != "" {
				t.Errorf("stream (-want +got):\n%s", diff)
			}
		})
	}
	for name, test := range map[string]struct {
		request []string
		status  int
	}{
		"mutation by GET": {get("mutation { bump }"), 405},
		"broken JSON":     {[]string{http.MethodPost, "/", `{`, "Content-Type", asJSON, "Accept", asEvents}, 400},
		"no query":        {[]string{http.MethodGet, "/", ``, "Accept", asEvents}, 400},
		"PUT":             {[]string{http.MethodPut, "/", ``, "Accept", asEvents}, 405},
	} {
		answer := s.send(t, test.request[0], test.request[1], test.request[2], test.request[3:]...)
		if answer.status != test.status {
			t.Errorf("%s: %d %s", name, answer.status, answer.text)
		}
		check(t, answer)
	}
}

// TestEventsEnd looks at streams that end otherwise than by their source.
func TestEventsEnd(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, s *site, ctx context.Context, headers ...string) *http.Response {
		t.Helper()
		answer, err := http.DefaultClient.Do(s.events(ctx, t, "subscription { silence }", headers...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		<-s.began
		return answer
	}
	rest := func(answer *http.Response) string {
		var b strings.Builder
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			b.WriteString(lines.Text() + "\n")
		}
		return withoutComments(b.String())
	}
	ended := func(t *testing.T, s *site) {
		t.Helper()
		until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
	}
	t.Run("the client goes", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		ctx, cancel := context.WithCancel(t.Context())
		open(t, s, ctx)
		cancel()
		ended(t, s)
	})
	t.Run("the server stops", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		answer := open(t, s, t.Context())
		s.handler.Close(t.Context())
		if text := rest(answer); strings.Contains(text, "complete") {
			t.Errorf("the client will not come again: %s", text)
		}
		ended(t, s)
	})
	t.Run("the token is over", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(h *protocol.Handler) {
			h.AliveEvery = time.Millisecond
			h.SignIn = func(ctx context.Context, _ string) (context.Context, error) { return ctx, errors.New("over") }
		})
		if text := rest(open(t, s, t.Context(), "Authorization", "Bearer x")); !strings.Contains(text, `"message":"over"`) || !strings.Contains(text, "complete") {
			t.Error(text)
		}
		ended(t, s)
	})
	t.Run("it is kept alive", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(h *protocol.Handler) { h.AliveEvery = time.Millisecond })
		lines := bufio.NewScanner(open(t, s, t.Context()).Body)
		for comments := 0; comments < 3; {
			if !lines.Scan() {
				t.Fatal(lines.Err())
			}
			if lines.Text() == ":" {
				comments++
			}
		}
	})
}

// TestEventsRest: a stream that has nothing rests until it is woken.
func TestEventsRest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := http.DefaultClient.Do(s.events(ctx, t, "subscription { rings }"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	expect := func(want string) {
		t.Helper()
		for lines.Scan() {
			if text, isData := strings.CutPrefix(lines.Text(), "data: "); isData {
				if text != want {
					t.Errorf("got %s, not %s", text, want)
				}
				return
			}
		}
		t.Fatal("the stream has ended")
	}
	wake := <-s.resting
	for range 3 {
		s.bell <- true
	}
	wake()
	expect(`{"data":{"rings":1}}`)
	expect(`{"data":{"rings":3}}`)
	wake = <-s.resting
	cancel()
	until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
	wake() // for nobody
}

// TestEventsBegin looks at streams that are given up before they have begun.
func TestEventsBegin(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, s *site, ctx context.Context) <-chan reply {
		t.Helper()
		r := s.events(ctx, t, "subscription { stalls }")
		got := make(chan reply, 1)
		go func() {
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				got <- reply{}
				return
			}
			defer answer.Body.Close()
			text, _ := io.ReadAll(answer.Body)
			got <- reply{answer.StatusCode, answer.Header, string(text)}
		}()
		<-s.began
		return got
	}
	ended := func(t *testing.T, s *site) {
		t.Helper()
		until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
		s.handler.Close(t.Context())
	}
	t.Run("the client goes", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		ctx, cancel := context.WithCancel(t.Context())
		begin(t, s, ctx)
		cancel()
		ended(t, s)
	})
	t.Run("the server stops", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		got := begin(t, s, t.Context())
		s.handler.Close(t.Context())
		if answer := <-got; answer.status != http.StatusServiceUnavailable || strings.Contains(answer.text, "complete") {
			t.Errorf("the client will not come again: %v", answer)
		}
		ended(t, s)
	})
}

// TestEventsAreCounted: each stream counts from its beginning to its end, once,
// however it ends.
func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"completes": "subscription { count(to: 2) }", "breaks": "subscription { breaks }", "explodes": "subscription { explodes }",
		"refused": "subscription { refused }", "invalid": "subscription { nothing }", "query": "{ hello }", "panics": "{ panics }", "mutation": "mutation { bump }",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(name+" by "+method, func(t *testing.T) {
				t.Parallel()
				var entered, left atomic.Int64
				s := newSite(t, func(h *protocol.Handler) {
					h.Enter = func(context.Context) (func(), error) {
						entered.Add(1)
						return sync.OnceFunc(func() { left.Add(1) }), nil
					}
				})
				s.send(t, method, "/?query="+url.QueryEscape(query), "", "Accept", asEvents)
				s.handler.Close(t.Context()) // which waits for it
				if entered.Load() != 1 || left.Load() != 1 {
					t.Errorf("entered %d times, left %d times", entered.Load(), left.Load())
				}
				until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
			})
		}
	}
}

// TestEventsOnTheWire asks by HTTP/1.1, which has chunks; by HTTP/1.0, which has
// none, as nginx does by default; and by HEAD.
func TestEventsOnTheWire(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for request, want := range map[string]string{
		"GET /?query=subscription%7Bcount(to:1)%7D HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\nGET / HTTP/1.1\r\n\r\n": "3\r\n:\n\n\r\n28\r\nevent: next\ndata: {\"data\":{\"count\":1}}\n\n\r\n17\r\nevent: complete\ndata:\n\n\r\n0\r\n\r\n",
		"GET /?query=subscription%7Bcount(to:2)%7D HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n":                                  ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n",
		"HEAD /?query=subscription%7Bcount(to:2)%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/event-stream\r\n\r\n": "",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(text), "\r\n\r\n")
		if !strings.Contains(head, " 200 OK\r\n") || !strings.Contains(head, "Content-Type: text/event-stream") || !strings.Contains(head, "Connection: close") {
			t.Error(head)
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
	}
	until(t, "the end of the subscriptions", func() bool { return s.alive.Load() == 0 })
}
