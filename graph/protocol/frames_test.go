package protocol_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/fault"
)

// frame is a frame of a client, masked.
func frame(first byte, text string) string {
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b := []byte{first}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	for i := range len(text) {
		b = append(b, text[i]^mask[i%4])
	}
	return string(b)
}

// raw is a socket of which the test sees every byte.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// raw opens a socket, and sends frames in the same breath.
func (s *site) raw(t *testing.T, frames ...string) raw {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, graphql-transport-ws\r\n\r\n"+strings.Join(frames, ""))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || answer.Header.Get("Sec-WebSocket-Protocol") != "graphql-transport-ws" { // RFC 6455, 1.3
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	return raw{t, conn, in}
}

// next reads a frame of the server: its first byte and its text. At the end of the
// connection both are nothing.
func (r raw) next() (byte, string) {
	r.t.Helper()
	var b [8]byte
	if _, err := io.ReadFull(r.in, b[:2]); err == io.EOF { //nolint:errorlint // it is this very value
		return 0, ""
	} else if err != nil {
		r.t.Fatal(err)
	}
	first, size := b[0], uint64(b[1]) // a server masks nothing
	switch size {
	case 126:
		_, _ = io.ReadFull(r.in, b[:2])
		size = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		_, _ = io.ReadFull(r.in, b[:8])
		size = binary.BigEndian.Uint64(b[:])
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r.in, text); err != nil {
		r.t.Fatal(err)
	}
	if first == 0x88 && len(text) > 1 {
		return first, fmt.Sprint(binary.BigEndian.Uint16(text))
	}
	return first, string(text)
}

// TestFrames sends frames as clients may, and as they may not.
func TestFrames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const text, more, ping, pong, bye = 0x81, 0x80, 0x89, 0x8A, 0x88
	init, ack := frame(text, ackInit), `81 {"type":"connection_ack"}`
	code := func(n uint16) string { return string(binary.BigEndian.AppendUint16(nil, n)) }
	large := strings.Repeat("x", 600<<10)
	for name, test := range map[string]struct {
		frames []string
		want   []string // first bytes in hexadecimal, and texts; then the connection ends
	}{
		"a message in parts":          {[]string{frame(0x01, `{"type":`), frame(0x00, ``), frame(more, `"connection_init"}`), frame(bye, "")}, []string{ack, "88 1000"}},
		"a ping between parts":        {[]string{frame(0x01, `{"type":`), frame(ping, "are you there"), frame(more, `"connection_init"}`), frame(bye, code(1001)+"bye")}, []string{"8a are you there", ack, "88 1001"}},
		"a pong that nobody asked":    {[]string{frame(pong, "x"), init, frame(bye, code(4000))}, []string{ack, "88 4000"}},
		"an empty ping":               {[]string{frame(ping, ""), frame(bye, "")}, []string{"8a ", "88 1000"}},
		"nothing after a close":       {[]string{frame(bye, ""), init}, []string{"88 1000"}},
		"an answer of more than 125":  {[]string{init, frame(text, `{"type":"ping","payload":{"x":"`+large[:300]+`"}}`), frame(bye, "")}, []string{ack, `81 {"type":"pong","payload":{"x":"` + large[:300] + `"}}`, "88 1000"}},
		"an answer of more than 64 K": {[]string{init, frame(text, `{"type":"ping","payload":{"x":"`+large+`"}}`), frame(bye, "")}, []string{ack, `81 {"type":"pong","payload":{"x":"` + large + `"}}`, "88 1000"}},
		"not masked":                  {[]string{"\x81\x02{}"}, []string{"88 1002"}},
		"a reserved bit":              {[]string{frame(0xC1, ackInit)}, []string{"88 1002"}},
		"an unknown kind":             {[]string{frame(0x83, "")}, []string{"88 1002"}},
		"an unknown control":          {[]string{frame(0x8B, "")}, []string{"88 1002"}},
		"a ping in parts":             {[]string{frame(0x09, "x")}, []string{"88 1002"}},
		"a long ping":                 {[]string{frame(ping, strings.Repeat("x", 126))}, []string{"88 1002"}},
		"a part of nothing":           {[]string{frame(more, ackInit)}, []string{"88 1002"}},
		"a message within another":    {[]string{frame(0x01, `{`), init}, []string{"88 1002"}},
		"a close of one byte":         {[]string{frame(bye, "x")}, []string{"88 1002"}},
		"a close that is never sent":  {[]string{frame(bye, code(1005))}, []string{"88 1002"}},
		"a close that is not UTF-8":   {[]string{frame(bye, code(1000)+"\xff")}, []string{"88 1002"}},
		"too much in parts":           {[]string{frame(0x01, large), frame(more, large)}, []string{"88 1009"}},
		"a size beyond all":           {[]string{"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff1234"}, []string{"88 1009"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := s.raw(t, test.frames...)
			var got []string
			for first, text := r.next(); first != 0; first, text = r.next() {
				got = append(got, fmt.Sprintf("%x %s", first, text))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSocketIsLookedAfter: a client is asked again and again whether it is there.
func TestSocketIsLookedAfter(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(h *protocol.Handler) { h.AliveEvery = time.Millisecond })
	r := s.raw(t, frame(0x81, ackInit))
	for _, want := range []byte{0x81, 0x89, 0x89} { // the acknowledgement, and pings
		if got, text := r.next(); got != want {
			t.Fatalf("%x %s, expected %x", got, text, want)
		}
	}
}

// TestStreamsAreBounded lets everybody have one stream.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	open := make(chan map[string]int, 1)
	open <- map[string]int{}
	s := newSite(t, func(h *protocol.Handler) {
		h.SignIn = func(ctx context.Context, authorization string) (context.Context, error) {
			return context.WithValue(ctx, whoKey{}, authorization), nil
		}
		h.Enter = func(ctx context.Context) (func(), error) {
			who, _ := ctx.Value(whoKey{}).(string)
			now := <-open
			defer func() { open <- now }()
			if now[who] > 0 {
				return nil, fault.New(fault.Limited, "test", "太多", "too many")
			}
			now[who]++
			return sync.OnceFunc(func() { now := <-open; now[who]--; open <- now }), nil
		}
	})
	first := s.dial(t)
	refused := func(what string, headers ...string) {
		t.Helper()
		answer := s.send(t, http.MethodGet, "/?query=%7Bhello%7D", "", headers...)
		if answer.status != http.StatusTooManyRequests || answer.header.Get("Retry-After") == "" || !strings.Contains(answer.text, "LIMITED") {
			t.Errorf("%s: %d %v %s", what, answer.status, answer.header, answer.text)
		}
	}
	refused("events", "Accept", "text/event-stream")
	refused("a socket", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")

	first.send(`{"type":"connection_init","payload":{"Authorization":"li"}}`) // and is nobody's any more
	first.expect(`{"type":"connection_ack"}`)
	second := s.dial(t)
	second.send(`{"type":"connection_init","payload":{"Authorization":"li"}}`)
	second.closes(1013, "Too many streams")
	_ = first.conn.CloseNow()
	until(t, "the end of both", func() bool { now := <-open; defer func() { open <- now }(); return now[""] == 0 && now["li"] == 0 })
	if answer := s.send(t, http.MethodGet, "/?query=%7Bhello%7D", "", "Accept", "text/event-stream"); !strings.Contains(answer.text, "world") {
		t.Errorf("after they have gone: %d %s", answer.status, answer.text)
	}
	until(t, "the end of the events", func() bool { now := <-open; defer func() { open <- now }(); return now[""] == 0 })
}
