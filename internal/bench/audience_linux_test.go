package bench_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wire is how an audience speaks to the server.
type wire struct {
	// attend sends a subscription and waits until it has begun.
	attend func(conn net.Conn, token, query string) error
	// cut gives the size of the first message in what has come, 0 when it is not
	// complete; its text, when it is an event's; and what is to be answered at once.
	cut func(come []byte) (size int, event, answer []byte)
}

// audience is many connections of one client. It lives on the processors that the
// server is measured on, so that it is as cheap as can be: one goroutine reads all
// of them into one buffer, and looks at them every lookTime: if it waited for them,
// the server would have to wake it for each.
type audience struct {
	wire  wire
	poll  int
	files []int    // descriptors, by number
	part  [][]byte // of a message whose rest has not come
}

// lookTime is how often an audience looks for what has come.
const lookTime = time.Millisecond

// gather opens so many connections with a subscription each.
func gather(b *testing.B, w wire, many int, url, token, query string) *audience {
	b.Helper()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	a := &audience{wire: w, poll: poll, files: make([]int, many), part: make([][]byte, many)}
	b.Cleanup(a.close)
	var opening sync.WaitGroup
	slots := make(chan struct{}, 50) // open so many at a time
	for i := range many {
		slots <- struct{}{}
		opening.Go(func() {
			defer func() { <-slots }()
			fd, err := open(w, strings.TrimPrefix(url, "http://"), token, query)
			if err != nil {
				b.Error(err)
			}
			a.files[i] = fd
		})
	}
	opening.Wait()
	if b.Failed() {
		b.FailNow()
	}
	for i, fd := range a.files {
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd), Pad: int32(i)}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			b.Fatal(err)
		}
	}
	return a
}

// open opens one connection. Go's own poller is not to watch it, so that it is
// given as another descriptor.
func open(w wire, host, token, query string) (fd int, _ error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := w.attend(conn, token, query); err != nil {
		return 0, err
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var duplicated error
	err = raw.Control(func(original uintptr) { fd, duplicated = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, duplicated)
}

// hear waits until everybody has got one event, the same everywhere, and appends
// when each of them came to times. It fails when one gets another.
func (a *audience) hear(b *testing.B, times []time.Time) []time.Time {
	b.Helper()
	buffer := make([]byte, 1<<16)
	ready := make([]unix.EpollEvent, 512)
	heard, last := make([]bool, len(a.files)), time.Now()
	var message []byte
	for left := len(a.files); left > 0; {
		n, err := unix.EpollWait(a.poll, ready, 0)
		switch {
		case err != nil || time.Since(last) > 30*time.Second:
			b.Fatalf("%d of %d have heard nothing: %v", left, len(a.files), err)
		case n == 0:
			time.Sleep(lookTime)
			continue
		}
		for _, e := range ready[:n] {
			i := int(e.Pad)
			begun := copy(buffer, a.part[i])
			n, err := unix.Read(int(e.Fd), buffer[begun:])
			last = time.Now()
			if err != nil || n == 0 {
				b.Fatalf("a connection was closed: %v", err)
			}
			come := buffer[:begun+n]
			for size, event, answer := a.wire.cut(come); size > 0; size, event, answer = a.wire.cut(come) {
				switch {
				case event == nil:
					if _, err := unix.Write(int(e.Fd), answer); err != nil {
						b.Fatal(err)
					}
				case heard[i]:
					b.Fatalf("somebody got one more: %q", event)
				case message == nil:
					message = bytes.Clone(event)
					fallthrough
				case bytes.Equal(event, message):
					heard[i] = true
					left--
					times = append(times, last)
				default:
					b.Fatalf("not everybody got the same: %q and %q", message, event)
				}
				come = come[size:]
			}
			a.part[i] = append(a.part[i][:0], come...)
		}
	}
	return times
}

func (a *audience) close() {
	for _, fd := range a.files {
		if fd > 0 {
			_ = unix.Close(fd) // nothing is left to say
		}
	}
	_ = unix.Close(a.poll)
}

// sockets speaks graphql-transport-ws.
var sockets = wire{attend: attendSocket, cut: func(come []byte) (int, []byte, []byte) {
	size, text, kind := cutFrame(come)
	switch kind {
	case 9: // a ping
		return size, nil, masked(10, text)
	case 1:
		return size, text, nil
	}
	return 0, nil, nil
}}

// attendSocket also asks a query: once that is answered, the subscription has been
// taken.
func attendSocket(conn net.Conn, token, query string) error {
	_, err := fmt.Fprintf(conn, "GET /graphql HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", conn.RemoteAddr(), token)
	if err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(answer.Status)
	}
	quoted, err := json.Marshal(query)
	if err != nil {
		return err
	}
	for _, m := range []string{`{"type":"connection_init"}`, fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":%s}}`, quoted), `{"id":"2","type":"subscribe","payload":{"query":"{ __typename }"}}`} {
		if _, err := conn.Write(masked(1, []byte(m))); err != nil {
			return err
		}
	}
	var texts []string
	for range 3 { // the acknowledgement, and the answer and end of the query
		header, err := r.Peek(4)
		if err != nil {
			return err
		}
		size, text, _ := cutFrame(append(header[:4:4], make([]byte, 1<<16)...))
		if text == nil {
			return fmt.Errorf("no frame: %x", header)
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(r, frame); err != nil {
			return err
		}
		texts = append(texts, string(frame))
	}
	if !strings.Contains(texts[0], "connection_ack") || !strings.Contains(texts[1], "__typename") || !strings.Contains(texts[2], "complete") {
		return fmt.Errorf("not what was asked for: %q", texts)
	}
	return nil
}

// masked is a short frame of a client, under a mask of zeros.
func masked(kind byte, text []byte) []byte {
	frame := []byte{0x80 | kind, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = binary.BigEndian.AppendUint16([]byte{0x80 | kind, 0x80 | 126}, uint16(len(text)))
	}
	return append(append(frame, 0, 0, 0, 0), text...)
}

// cutFrame gives the first frame of what has come: its size, its text and its kind;
// a size of 0 when it is not complete.
func cutFrame(come []byte) (size int, text []byte, kind byte) {
	if len(come) < 2 {
		return 0, nil, 0
	}
	begin, length := 2, int(come[1])
	if length == 126 && len(come) >= 4 {
		begin, length = 4, int(binary.BigEndian.Uint16(come[2:]))
	}
	if length > 1<<16 || len(come) < begin+length {
		return 0, nil, 0
	}
	return begin + length, come[begin : begin+length], come[0] & 0x0f
}

// serverEvents speaks graphql-sse. Every message is a chunk.
var serverEvents = wire{attend: attendEvents, cut: func(come []byte) (int, []byte, []byte) {
	size, text := cutChunk(come)
	if bytes.HasPrefix(text, []byte(":")) { // the server is alive
		text = nil
	}
	return size, text, nil
}}

func attendEvents(conn net.Conn, token, query string) error {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		conn.RemoteAddr(), token, len(body), body); err != nil {
		return err
	}
	head := make([]byte, 0, 4096)
	for !bytes.HasSuffix(head, []byte("\r\n:\n\n\r\n")) { // up to the first sign of life
		if len(head) == cap(head) {
			return fmt.Errorf("no stream of events: %s", head)
		}
		n, err := conn.Read(head[len(head):cap(head)])
		if err != nil {
			return err
		}
		head = head[:len(head)+n]
	}
	return nil
}

// cutChunk gives the first chunk of what has come: its size and its text; a size of
// 0 when it is not complete.
func cutChunk(come []byte) (size int, text []byte) {
	length, _, complete := bytes.Cut(come, []byte("\r\n"))
	n, err := strconv.ParseUint(string(length), 16, 16)
	begin := len(length) + 2
	size = begin + int(n) + 2
	if !complete || err != nil || len(come) < size {
		return 0, nil
	}
	return size, come[begin : begin+int(n)]
}
