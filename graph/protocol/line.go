package protocol

import (
	"net"
	"sync"
	"time"
)

const (
	// headRoom is what stands before a frame or a chunk at most, in bytes.
	headRoom = 10
	// closeTime is how long a client may take to go after it was told.
	closeTime = 5 * time.Second
)

// line is a connection that a stream has taken over from HTTP. Who writes sees to
// it that nobody else does.
type line struct {
	conn  net.Conn
	timed time.Time // when the time for writing was last set
}

// buffers are for messages to be put together in. Each begins with headRoom.
var buffers = sync.Pool{New: func() any { b := make([]byte, headRoom, 1024); return &b }}

// write writes what fill appends, after the head for its size. A client that takes
// too long to read it loses the connection.
func (l *line) write(head func(to []byte, size int) []byte, fill func(to []byte) []byte) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	*buffer = fill((*buffer)[:headRoom])
	before := head((*buffer)[:0:headRoom], len(*buffer)-headRoom)
	begin := headRoom - len(before)
	copy((*buffer)[begin:], before)
	if now := time.Now(); now.Sub(l.timed) > writeTime/10 { // it costs too much to be done for each
		l.timed = now
		_ = l.conn.SetWriteDeadline(now.Add(writeTime))
	}
	if _, err := l.conn.Write((*buffer)[begin:]); err != nil {
		_ = l.conn.Close() // who reads from it ends the stream
	}
}

// hangUp says that nothing more is written. Who reads then waits for the client to
// go.
func (l *line) hangUp() {
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // a client waits for the server to go first
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(closeTime))
}
