package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/onedoor/onedoor/graph/protocol"
)

// client is one end of a socket.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *site) dial(t *testing.T, headers ...string) client {
	t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(t.Context(), s.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 22)
	return client{t, conn}
}

// connect gives a client that has been let in.
func (s *site) connect(t *testing.T) client {
	t.Helper()
	c := s.dial(t)
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

func (c client) send(text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) read() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	_, text, err := c.conn.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c client) expect(messages ...string) {
	c.t.Helper()
	for _, want := range messages {
		if got := c.read(); got != want {
			c.t.Fatalf("message %s, expected %s", got, want)
		}
	}
}

// closes reads what is still to come and expects the close with its code.
func (c client) closes(code int, reason string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, _, err := c.conn.Read(ctx)
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || int(closed.Code) != code || !strings.Contains(closed.Reason, reason) {
			c.t.Fatalf("%v, expected the close %d %s", err, code, reason)
		}
		return
	}
}

const ackInit = `{"type":"connection_init"}`

// TestSocketCloses sends what a server has to close the socket for.
func TestSocketCloses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	silence := `{"id":"1","type":"subscribe","payload":{"query":"subscription { silence }"}}`
	for name, test := range map[string]struct {
		messages []string
		code     int
	}{
		"no JSON":                 {[]string{`nonsense`}, 4400},
		"no object":               {[]string{`[]`}, 4400},
		"null":                    {[]string{`null`}, 4400},
		"no type":                 {[]string{`{}`}, 4400},
		"type 7":                  {[]string{`{"type":7}`}, 4400},
		"another type":            {[]string{`{"type":"start"}`}, 4400},
		"a message of the server": {[]string{ackInit, `{"type":"connection_ack"}`}, 4400},
		"payload list":            {[]string{`{"type":"connection_init","payload":[]}`}, 4400},
		"payload text":            {[]string{`{"type":"connection_init","payload":"x"}`}, 4400},
		"ping 7":                  {[]string{`{"type":"ping","payload":7}`}, 4400},
		"subscribe first":         {[]string{silence}, 4401},
		"two introductions":       {[]string{ackInit, ackInit}, 4429},
		"no id":                   {[]string{ackInit, `{"type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400},
		"empty id":                {[]string{ackInit, `{"id":"","type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400},
		"id 7":                    {[]string{ackInit, `{"id":7,"type":"subscribe","payload":{"query":"{ hello }"}}`}, 4400},
		"no payload":              {[]string{ackInit, `{"id":"1","type":"subscribe"}`}, 4400},
		"payload null":            {[]string{ackInit, `{"id":"1","type":"subscribe","payload":null}`}, 4400},
		"no query":                {[]string{ackInit, `{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"query 7":                 {[]string{ackInit, `{"id":"1","type":"subscribe","payload":{"query":7}}`}, 4400},
		"operationName 7":         {[]string{ackInit, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","operationName":7}}`}, 4400},
		"variables list":          {[]string{ackInit, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","variables":[]}}`}, 4400},
		"extensions text":         {[]string{ackInit, `{"id":"1","type":"subscribe","payload":{"query":"{ hello }","extensions":"x"}}`}, 4400},
		"complete without id":     {[]string{ackInit, `{"type":"complete"}`}, 4400},
		"the same id":             {[]string{ackInit, silence, silence}, 4409},
		"too much":                {[]string{ackInit, `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.dial(t)
			for _, m := range test.messages {
				c.send(m)
			}
			c.closes(test.code, "")
		})
	}
	t.Run("bytes", func(t *testing.T) {
		t.Parallel()
		c := s.dial(t)
		if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte(ackInit)); err != nil {
			t.Fatal(err)
		}
		c.closes(4400, "")
	})
	t.Run("a long id", func(t *testing.T) {
		t.Parallel()
		c := s.connect(t)
		m := strings.Replace(silence, `"1"`, `"`+strings.Repeat("标", 100)+`"`, 1)
		c.send(m)
		c.send(m)
		c.closes(4409, "Subscriber for 标")
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(h *protocol.Handler) { h.InitTime = time.Millisecond })
		s.dial(t).closes(4408, "Connection initialisation timeout")
	})
	t.Run("no subprotocol", func(t *testing.T) {
		t.Parallel()
		for _, offered := range [][]string{nil, {"graphql-ws"}} {
			conn, _, err := websocket.Dial(t.Context(), s.url, &websocket.DialOptions{Subprotocols: offered})
			if err != nil {
				t.Fatal(err)
			}
			client{t, conn}.closes(4406, "")
		}
	})
	t.Run("the server stops", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		c := s.connect(t)
		c.send(silence)
		<-s.began
		go s.handler.Close(t.Context())
		c.closes(1012, "")
		until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
		if answer := s.send(t, http.MethodGet, "/?query=%7Bhello%7D", "", "Accept", "text/event-stream"); answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
			t.Errorf("a new stream while the server stops: %d", answer.status)
		}
	})
}

func TestSocketOperations(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	subscribe := func(id, query string) {
		t.Helper()
		text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
		if err != nil {
			t.Fatal(err)
		}
		c.send(string(text))
	}
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
	c.send(`{"type":"ping","payload":{"a":1}}`)
	c.expect(`{"type":"pong","payload":{"a":1}}`)
	c.send(`{"type":"pong"}`)
	subscribe("q", `{ hello }`)
	c.expect(`{"id":"q","type":"next","payload":{"data":{"hello":"world"}}}`, `{"id":"q","type":"complete"}`)
	subscribe("q", `mutation { bump }`) // an id can be used again
	c.expect(`{"id":"q","type":"next","payload":{"data":{"bump":1}}}`, `{"id":"q","type":"complete"}`)
	subscribe("s", `subscription { count(to: 2) }`)
	c.expect(`{"id":"s","type":"next","payload":{"data":{"count":1}}}`, `{"id":"s","type":"next","payload":{"data":{"count":2}}}`, `{"id":"s","type":"complete"}`)
	for _, invalid := range []string{`{ nothing }`, `{`, `{ echo }`, `subscription { refused }`, `{` + strings.Repeat("hello ", 900) + `}`} {
		subscribe("e", invalid) // an error is the last of an operation
		if m := c.read(); !strings.HasPrefix(m, `{"id":"e","type":"error","payload":[{"message":`) || !strings.Contains(m, `"code":`) {
			t.Errorf("%s: %s", invalid, m)
		}
	}
	subscribe("e", `subscription { explodes }`)
	c.expect(`{"id":"e","type":"next","payload":{"data":{"explodes":1}}}`)
	if m := c.read(); !strings.Contains(m, `"id":"e","type":"error"`) || !strings.Contains(m, "INTERNAL") {
		t.Error(m)
	}
	subscribe("b", `subscription { breaks }`)
	c.expect(`{"id":"b","type":"next","payload":{"data":{"breaks":1}}}`)
	if m := c.read(); !strings.HasPrefix(m, `{"id":"b","type":"error"`) || !strings.Contains(m, "UNAVAILABLE") {
		t.Error(m)
	}
	subscribe("p", `{ panics }`)
	if m := c.read(); !strings.HasPrefix(m, `{"id":"p","type":"error"`) || !strings.Contains(m, "INTERNAL") {
		t.Error(m)
	}
	c.send(`{"id":"nobody","type":"complete"}`)

	// What the client has ended sends nothing more, also when its id begins anew.
	subscribe("x", `subscription { silence }`)
	<-s.began
	c.send(`{"id":"x","type":"complete"}`)
	until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
	subscribe("x", `{ hello }`)
	c.expect(`{"id":"x","type":"next","payload":{"data":{"hello":"world"}}}`, `{"id":"x","type":"complete"}`)

	// A client that goes takes its operations with it.
	subscribe("y", `subscription { silence }`)
	<-s.began
	_ = c.conn.CloseNow()
	until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
}

// TestSocketRests: a subscription that has nothing rests until it is woken.
func TestSocketRests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	const subscribe = `{"id":"r","type":"subscribe","payload":{"query":"subscription { rings }"}}`
	ring := func(times int, wake func()) {
		for range times {
			s.bell <- true
		}
		wake()
	}
	c.send(subscribe)
	ring(3, <-s.resting)
	c.expect(`{"id":"r","type":"next","payload":{"data":{"rings":1}}}`, `{"id":"r","type":"next","payload":{"data":{"rings":3}}}`)
	ring(1, <-s.resting) // the fourth is for nobody
	ring(1, <-s.resting)
	c.expect(`{"id":"r","type":"next","payload":{"data":{"rings":5}}}`)

	wake := <-s.resting // once it has ended, waking brings nothing
	c.send(`{"id":"r","type":"complete"}`)
	until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
	wake()
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)

	c.send(subscribe) // also when its socket has ended meanwhile
	wake = <-s.resting
	_ = c.conn.CloseNow()
	until(t, "the end of the subscription", func() bool { return s.alive.Load() == 0 })
	wake()
}

func TestSocketBoundsItsOperations(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	for i := range 501 {
		c.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription { silence }"}}`, i))
	}
	if m := c.read(); !strings.Contains(m, `"type":"error"`) || !strings.Contains(m, "LIMITED") {
		t.Error(m)
	}
}

func TestSocketUpgrades(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) { h.Origins = []string{"https://friend.example"} })
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "graphql-transport-ws"}
	with := func(name, value string) []string {
		changed := append([]string{}, upgrade...)
		for i := 0; i < len(changed); i += 2 {
			if changed[i] == name {
				changed[i+1] = value
				return changed
			}
		}
		return append(changed, name, value)
	}
	for name, test := range map[string]struct {
		method  string
		headers []string
		status  int
	}{
		"another site":     {http.MethodGet, with("Origin", "https://evil.example"), 403},
		"no site":          {http.MethodGet, with("Origin", "null"), 403},
		"another protocol": {http.MethodGet, with("Upgrade", "h2c"), 400},
		"no key":           {http.MethodGet, with("Sec-WebSocket-Key", ""), 400},
		"another version":  {http.MethodGet, with("Sec-WebSocket-Version", "8"), 426},
		"POST":             {http.MethodPost, upgrade, 405},
	} {
		answer := s.send(t, test.method, "/", "", test.headers...)
		if answer.status != test.status {
			t.Errorf("%s: %d %s", name, answer.status, answer.text)
		}
		check(t, answer)
	}
	s.dial(t, "Origin", "https://friend.example")
	s.dial(t, "Origin", s.url)
}

// TestSocketPanics: what nobody has foreseen ends the socket, and nothing else.
func TestSocketPanics(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) {
		h.SignIn = func(context.Context, string) (context.Context, error) { panic("it panics") }
	})
	c := s.dial(t)
	c.send(`{"type":"connection_init","payload":{"Authorization":"Bearer x"}}`)
	c.closes(1011, "Internal error")
}

func TestSocketSignsIn(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := newSite(t, func(h *protocol.Handler) {
		h.AliveEvery = time.Millisecond
		h.SignIn = func(ctx context.Context, authorization string) (context.Context, error) {
			who, ok := strings.CutPrefix(authorization, "Bearer ")
			select {
			case <-over:
				ok = false
			default:
			}
			if !ok {
				return ctx, errors.New("refused")
			}
			return context.WithValue(ctx, whoKey{}, who), nil
		}
	})
	whoami := func(c client, want string) {
		t.Helper()
		c.send(`{"id":"1","type":"subscribe","payload":{"query":"{ whoami }"}}`)
		c.expect(`{"type":"connection_ack"}`, `{"id":"1","type":"next","payload":{"data":{"whoami":"`+want+`"}}}`, `{"id":"1","type":"complete"}`)
	}
	by := func(payload string, headers ...string) client {
		c := s.dial(t, headers...)
		c.send(`{"type":"connection_init","payload":` + payload + `}`)
		return c
	}
	whoami(by(`null`), "")
	whoami(by(`{"authorization":"Bearer li"}`), "li")
	whoami(by(`{"Authorization":"Bearer li"}`, "Authorization", "Bearer wang"), "li")
	by(`{"Authorization":"Basic x"}`).closes(4403, "Forbidden")
	by(`{"Authorization":7}`).closes(4403, "Forbidden")
	last := by(`null`, "Authorization", "Bearer wang")
	whoami(last, "wang")
	close(over) // the token's time is over
	last.closes(4403, "Forbidden")
}
