package protocol

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the WebSocket protocol asks for it; nothing is secured by it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of frames of a WebSocket (RFC 6455, 5.2).
const (
	frameMore   byte = 0x0 // goes on with a message
	frameText   byte = 0x1
	frameBinary byte = 0x2
	frameClose  byte = 0x8 // from here on, control frames
	framePing   byte = 0x9
	framePong   byte = 0xA
)

const (
	// smallBuffer is what a socket reads into, in bytes. It is idle most of the time
	// and should take little; what is longer is read into its own place.
	smallBuffer = 256
	// maxControl bounds what a control frame holds, in bytes.
	maxControl = 125
)

// frames is the server's end of a WebSocket (RFC 6455), without extensions. One
// goroutine reads; who writes sees to it that nobody else does.
type frames struct {
	line
	in *bufio.Reader

	kind    byte // of the message of which a part has come; frameMore: of none
	message bytes.Buffer
}

// broken is how a client has broken the protocol, and the code to close with.
type broken struct {
	code   int
	reason string
}

func (b *broken) Error() string { return b.reason }

// offered says whether a header, whose values are lists, has a word.
func offered(header http.Header, name string, same func(word string) bool) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(header.Values(name), ","), ","), func(part string) bool { return same(strings.TrimSpace(part)) })
}

// upgrade makes a WebSocket of a request that has been checked, and says whether
// it speaks our subprotocol. On an error the connection is of no more use.
func upgrade(w http.ResponseWriter, r *http.Request) (_ *frames, ours bool, _ error) {
	accept := sha1.Sum([]byte(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	header := w.Header()
	header.Set("Upgrade", "websocket")
	header.Set("Connection", "Upgrade")
	header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(accept[:]))
	if ours = offered(r.Header, "Sec-WebSocket-Protocol", func(word string) bool { return word == subprotocol }); ours {
		header.Set("Sec-WebSocket-Protocol", subprotocol)
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffers, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, false, err
	}
	early, err := buffers.Peek(buffers.Reader.Buffered()) // frames that came with the request
	if err != nil {
		_ = conn.Close() // it is of no use
		return nil, false, err
	}
	source := io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	return &frames{line: line{conn: conn}, in: bufio.NewReaderSize(source, smallBuffer)}, ours, nil
}

// read gives the next message, or the next control frame: they come between the
// parts of a message too. The text is the caller's. An error that is a *broken is
// the client's doing.
func (f *frames) read() (kind byte, text []byte, err error) {
	for {
		kind, last, size, mask, err := f.readHeader()
		if err != nil {
			return 0, nil, err
		}
		if kind >= frameClose {
			text := make([]byte, size)
			if _, err := io.ReadFull(f.in, text); err != nil {
				return 0, nil, err
			}
			unmask(text, mask)
			return kind, text, nil
		}
		if (kind == frameMore) == (f.kind == frameMore) {
			return 0, nil, &broken{closeProtocolError, "A message begins before the last has ended, or goes on without having begun"}
		}
		if kind != frameMore {
			f.kind = kind
		}
		begun := f.message.Len()
		if size > uint64(maxMessage-begun) {
			return 0, nil, &broken{closeTooLarge, "Message too big"}
		}
		if _, err := io.CopyN(&f.message, f.in, int64(size)); err != nil { //nolint:gosec // it is small
			return 0, nil, err
		}
		unmask(f.message.Bytes()[begun:], mask)
		if last {
			kind, text := f.kind, f.message.Bytes()
			f.kind, f.message = frameMore, bytes.Buffer{}
			return kind, text, nil
		}
	}
}

func (f *frames) readHeader() (kind byte, last bool, size uint64, mask [4]byte, err error) {
	var b [8]byte
	if _, err = io.ReadFull(f.in, b[:2]); err != nil {
		return
	}
	kind, last, size = b[0]&0x0F, b[0]&0x80 != 0, uint64(b[1]&0x7F)
	isControl := kind >= frameClose
	switch {
	case b[0]&0x70 != 0:
		err = &broken{closeProtocolError, "A reserved bit is set"}
	case b[1]&0x80 == 0:
		err = &broken{closeProtocolError, "A client masks its frames"}
	case kind > framePong || kind > frameBinary && !isControl:
		err = &broken{closeProtocolError, "There is no such kind of frame"}
	case isControl && (!last || size > maxControl):
		err = &broken{closeProtocolError, "A control frame is short, and whole"}
	case size == 126:
		_, err = io.ReadFull(f.in, b[:2])
		size = uint64(binary.BigEndian.Uint16(b[:]))
	case size == 127:
		_, err = io.ReadFull(f.in, b[:8])
		size = binary.BigEndian.Uint64(b[:])
	}
	if err == nil {
		_, err = io.ReadFull(f.in, mask[:])
	}
	return
}

func unmask(text []byte, mask [4]byte) {
	for i := range text {
		text[i] ^= mask[i&3]
	}
}

// write writes a frame with what fill appends.
func (f *frames) write(kind byte, fill func(to []byte) []byte) {
	f.line.write(func(to []byte, size int) []byte {
		to = append(to, 0x80|kind)
		switch {
		case size <= maxControl:
			return append(to, byte(size))
		case size < 1<<16:
			return binary.BigEndian.AppendUint16(append(to, 126), uint16(size))
		}
		return binary.BigEndian.AppendUint64(append(to, 127), uint64(size))
	}, fill)
}

// close tells the client why the socket ends. Who reads then waits for it to go.
func (f *frames) close(code int, reason string) {
	for len(reason) > maxControl-2 || !utf8.ValidString(reason) {
		reason = reason[:min(len(reason)-1, maxControl-2)]
	}
	f.write(frameClose, func(to []byte) []byte { return append(binary.BigEndian.AppendUint16(to, uint16(code)), reason...) })
	f.hangUp()
}

// end closes the connection. What the client has sent meanwhile is read first:
// otherwise the close would be lost on its way.
func (f *frames) end() {
	_ = f.conn.SetReadDeadline(time.Now().Add(closeTime))
	_, _ = io.Copy(io.Discard, f.conn)
	_ = f.conn.Close()
}

// codeOfClose reads the code with which a client closes, and gives the one to
// answer with.
func codeOfClose(text []byte) (int, error) {
	if len(text) == 0 {
		return closeNormal, nil
	}
	if len(text) > 1 {
		code := int(binary.BigEndian.Uint16(text))
		known := 1000 <= code && code <= 1014 && code != 1004 && code != 1005 && code != 1006
		if (known || 3000 <= code && code < 5000) && utf8.Valid(text[2:]) {
			return code, nil
		}
	}
	return 0, &broken{closeProtocolError, "There is no such close"}
}

// isBroken gives how the client has broken the protocol.
func isBroken(err error) (*broken, bool) {
	var b *broken
	return b, errors.As(err, &b)
}
