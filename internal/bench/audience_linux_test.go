package bench_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// audience is many WebSockets of one client. It lives on the processors that the
// server is measured on, so that it is as cheap as can be: one goroutine reads all
// sockets into one buffer, and looks at them every lookTime: if it waited for them,
// the server would have to wake it for each.
type audience struct {
	poll  int
	files []int // descriptors, by number
	part  [][]byte // of a frame whose rest has not come
}

// lookTime is how often an audience looks for what has come.
const lookTime = time.Millisecond

// gather opens so many sockets, has them introduced and sends a message on each.
// Then it asks a query on each: once that is answered, the message has been taken.
func gather(b *testing.B, many int, url, token, message string) *audience {
	b.Helper()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	a := &audience{poll: poll, files: make([]int, many), part: make([][]byte, many)}
	b.Cleanup(a.close)
	var opening sync.WaitGroup
	slots := make(chan struct{}, 50) // open so many at a time
	for i := range many {
		slots <- struct{}{}
		opening.Go(func() {
			defer func() { <-slots }()
			if a.files[i], err = attend(strings.TrimPrefix(url, "http://"), token, message); err != nil {
				b.Error(err)
			}
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

// attend opens one socket. Go's own poller is not to watch it, so that it is given
// as another descriptor.
func attend(host, token, message string) (fd int, _ error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /graphql HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", host, token)
	if err != nil {
		return 0, err
	}
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return 0, errors.New(answer.Status)
	}
	for _, m := range []string{`{"type":"connection_init"}`, message, `{"id":"2","type":"subscribe","payload":{"query":"{ __typename }"}}`} {
		if _, err := conn.Write(masked(1, []byte(m))); err != nil {
			return 0, err
		}
	}
	var texts []string
	for range 3 { // the acknowledgement, and the answer and end of the query
		header, err := r.Peek(4)
		if err != nil {
			return 0, err
		}
		size, text, _ := cut(append(header[:4:4], make([]byte, 1<<16)...))
		if text == nil {
			return 0, fmt.Errorf("no frame: %x", header)
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(r, frame); err != nil {
			return 0, err
		}
		texts = append(texts, string(frame))
	}
	if !strings.Contains(texts[0], "connection_ack") || !strings.Contains(texts[1], "__typename") || !strings.Contains(texts[2], "complete") {
		return 0, fmt.Errorf("not what was asked for: %q", texts)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var duplicated error
	err = raw.Control(func(original uintptr) { fd, duplicated = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, duplicated)
}

// masked is a short frame of a client, under a mask of zeros.
func masked(kind byte, text []byte) []byte {
	frame := []byte{0x80 | kind, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = binary.BigEndian.AppendUint16([]byte{0x80 | kind, 0x80 | 126}, uint16(len(text)))
	}
	return append(append(frame, 0, 0, 0, 0), text...)
}

// cut gives the first frame of what has come: its size, its text and its kind; a
// size of 0 when it is not complete.
func cut(come []byte) (size int, text []byte, kind byte) {
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

// hear waits until every socket has got one message, the same everywhere, and
// appends when each of them came to times. It fails when one gets another.
func (a *audience) hear(b *testing.B, times []time.Time) (message []byte, _ []time.Time) {
	b.Helper()
	buffer := make([]byte, 1<<16)
	ready := make([]unix.EpollEvent, 512)
	heard, last := make([]bool, len(a.files)), time.Now()
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
				b.Fatalf("a socket was closed: %v", err)
			}
			come := buffer[:begun+n]
			for size, text, kind := cut(come); size > 0; size, text, kind = cut(come) {
				switch {
				case kind == 9: // a ping
					if _, err := unix.Write(int(e.Fd), masked(10, text)); err != nil {
						b.Fatal(err)
					}
				case kind != 1 || heard[i]:
					b.Fatalf("somebody got one more: %d %q", kind, text)
				case message == nil:
					message = bytes.Clone(text)
					fallthrough
				case bytes.Equal(text, message):
					heard[i] = true
					left--
					times = append(times, last)
				default:
					b.Fatalf("not everybody got the same: %q and %q", message, text)
				}
				come = come[size:]
			}
			a.part[i] = append(a.part[i][:0], come...)
		}
	}
	return message, times
}

// tell sends a message on every socket.
func (a *audience) tell(b *testing.B, message string) {
	b.Helper()
	for _, fd := range a.files {
		if _, err := unix.Write(fd, masked(1, []byte(message))); err != nil {
			b.Fatal(err)
		}
	}
}

func (a *audience) close() {
	for _, fd := range a.files {
		if fd > 0 {
			_ = unix.Close(fd) // nothing is left to say
		}
	}
	_ = unix.Close(a.poll)
}
