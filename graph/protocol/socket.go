package protocol

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/internal/fault"
)

// subprotocol is the one that is spoken on sockets.
const subprotocol = "graphql-transport-ws"

// socketKey is the extension that stands for the header Idempotency-Key, which the
// operations of a socket cannot have.
const socketKey = "idempotencyKey"

// The codes with which a socket is closed.
const (
	closeNormal        = 1000
	closeProtocolError = 1002
	closeTooLarge      = 1009
	closeInternal      = 1011
	closeRestart       = 1012 // the server stops; come again
	closeTooMany       = 1013 // who introduces himself has too many sockets; come again later
	closeBadMessage    = 4400
	closeUnauthorized  = 4401 // an operation before the introduction
	closeForbidden     = 4403
	closeNoSubprotocol = 4406
	closeInitTimeout   = 4408
	closeDuplicate     = 4409
	closeTooManyInits  = 4429
)

// isUpgrade says whether a request asks for another protocol on its connection.
func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// serveSocket begins to serve a WebSocket.
func (h *Handler) serveSocket(w http.ResponseWriter, r *http.Request) {
	if refused := h.checkUpgrade(r); refused != nil {
		h.refuse(w, r, form{}, refused)
		return
	}
	closing, leave, refused := h.begin(r.Context())
	if refused != nil {
		h.refuse(w, r, form{}, refused)
		return
	}
	conn, ours, err := upgrade(w, r)
	if err != nil {
		leave()
		h.streams.Done()
		return // nobody is there to be answered
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the request ends here, with all that it takes
	s := &socket{
		h: h, frames: conn, ctx: ctx, acting: ctx, cancel: cancel, leave: leave,
		authorization: r.Header.Get("Authorization"), running: map[string]*running{},
	}
	go func() {
		defer h.streams.Done()
		defer func() { s.leave() }() // it may be another by then
		s.serve(closing, ours)
	}()
}

// unless ends the socket when what it is deferred in panics: nobody else stands
// between that and the end of the process.
func (s *socket) unless() {
	if v := recover(); v != nil {
		s.h.refused(s.ctx, &refusal{err: panicked(v)}) // it says so in the log
		s.close(closeInternal, "Internal error")
	}
}

// serve serves a socket until it ends. What has to happen meanwhile is done by
// timers: an idle socket has one goroutine, and so has one whose subscriptions rest.
func (s *socket) serve(closing context.Context, ours bool) {
	s.heard.Store(time.Now().UnixNano())
	stop := context.AfterFunc(closing, func() { s.close(closeRestart, "Service restart") })
	s.timer = time.AfterFunc(s.h.initTime(), func() { s.close(closeInitTimeout, "Connection initialisation timeout") })
	if ours {
		s.read()
	} else {
		s.close(closeNoSubprotocol, "Subprotocol not acceptable")
	}
	stop()
	s.cancel()
	s.frames.end()
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.mu.Unlock()
	s.operations.Wait()
}

// checkUpgrade refuses what cannot become a WebSocket, and pages of other sites.
func (h *Handler) checkUpgrade(r *http.Request) *refusal {
	has := func(name, token string) bool {
		return offered(r.Header, name, func(word string) bool { return strings.EqualFold(word, token) })
	}
	switch {
	case r.Method != http.MethodGet:
		return &refusal{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {http.MethodGet}}, err: invalid("METHOD", "WebSocket 由 GET 开始", "a WebSocket begins with GET")}
	case !has("Upgrade", "websocket") || !has("Connection", "upgrade") || !r.ProtoAtLeast(1, 1):
		return badRequest("UPGRADE", "只能升级为 websocket", "a connection can become a websocket only")
	case !isNonce(r.Header.Values("Sec-WebSocket-Key")):
		return badRequest("UPGRADE", "Sec-WebSocket-Key 须为 16 字节的 base64", "Sec-WebSocket-Key is 16 bytes in base64")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return &refusal{status: http.StatusUpgradeRequired, header: http.Header{"Sec-WebSocket-Version": {"13"}, "Upgrade": {"websocket"}},
			err: invalid("UPGRADE", "WebSocket 版本须为 13", "the WebSocket version is 13")}
	}
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(origins) == 1 && !Permits(h.Origins, origins[0], r.Host) {
		return &refusal{status: http.StatusForbidden, err: fault.New(fault.Denied, "protocol", "不接受来自该网站的连接", "connections from that site are not taken")}
	}
	return nil
}

// isNonce says whether a key is what the WebSocket protocol asks for.
func isNonce(keys []string) bool {
	if len(keys) != 1 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0]))
	return err == nil && len(key) == 16
}

// socket is a connection that speaks graphql-transport-ws.
type socket struct {
	h      *Handler
	frames *frames
	ctx    context.Context // ends with the socket
	cancel context.CancelFunc

	leave   func()       // of Handler.Enter
	greeted bool         // a connection_init has come
	heard   atomic.Int64 // when anything came last, in nanoseconds
	timer   *time.Timer  // until the introduction has been accepted, and then until the socket is looked after

	mu            sync.Mutex      // of what follows, and of the order in which messages go out
	acting        context.Context // ctx with who acts, once the client has introduced itself
	authorization string
	introduced    bool // a connection_init has been accepted
	running       map[string]*running
	closed        bool
	operations    sync.WaitGroup
}

// message is one message, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// close ends the socket with a code, once.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.frames.close(code, reason)
		s.cancel()
	}
}

// send writes a message; s.mu is held.
func (s *socket) send(m message) {
	if !s.closed {
		s.frames.write(frameText, func(to []byte) []byte { return append(to, toJSON(m)...) })
	}
}

// lookAfter ends a socket whose client has gone or whose token is over, and looks
// again later.
func (s *socket) lookAfter() {
	defer s.unless()
	if s.signedOut() {
		s.close(closeForbidden, "Forbidden")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if time.Since(time.Unix(0, s.heard.Load())) > s.h.aliveEvery()+writeTime {
		_ = s.frames.conn.Close() // nobody is there to be told
		return
	}
	s.frames.write(framePing, func(to []byte) []byte { return to })
	s.timer.Reset(s.h.aliveEvery())
}

// signedOut says whether who is signed in is not any more.
func (s *socket) signedOut() bool {
	s.mu.Lock()
	authorization := s.authorization
	s.mu.Unlock()
	if s.h.SignIn == nil || authorization == "" {
		return false
	}
	_, err := s.h.SignIn(s.ctx, authorization)
	return err != nil
}

// read takes what the client sends until the socket ends.
func (s *socket) read() {
	defer s.unless()
	for s.ctx.Err() == nil {
		kind, text, err := s.frames.read()
		if b, ok := isBroken(err); ok {
			s.close(b.code, b.reason)
		}
		if err != nil {
			return
		}
		s.heard.Store(time.Now().UnixNano())
		if kind == framePong {
			continue
		}
		var code int
		var reason string
		taken := make(chan struct{})
		go func() { // its stack grows, by signing in and the like; this one stays small for as long as the socket lives
			defer close(taken)
			code, reason = s.takeFrame(kind, text)
		}()
		if <-taken; code != 0 {
			s.close(code, reason)
			return
		}
	}
}

// takeFrame does what a frame asks for. A code ends the socket.
func (s *socket) takeFrame(kind byte, text []byte) (code int, reason string) {
	defer s.unless()
	switch kind {
	case framePing:
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.frames.write(framePong, func(to []byte) []byte { return append(to, text...) })
		}
		return 0, ""
	case frameClose:
		code, err := codeOfClose(text)
		if b, ok := isBroken(err); ok {
			return b.code, b.reason
		}
		return code, ""
	}
	m, problem := readMessage(kind, text)
	if problem != "" {
		return closeBadMessage, problem
	}
	return s.take(m)
}

// readMessage reads a message, or says what is wrong with it.
func readMessage(kind byte, text []byte) (message, string) {
	var fields map[string]json.RawMessage
	if kind != frameText || checkJSON(text, "message") != nil || json.Unmarshal(text, &fields) != nil || fields == nil {
		return message{}, "Invalid message: it is one JSON object"
	}
	var m message
	if json.Unmarshal(fields["type"], &m.Type) != nil || m.Type == "" {
		return message{}, "Invalid message: 'type' is missing or no string"
	}
	m.Payload = fields["payload"]
	isObject := len(m.Payload) > 0 && m.Payload[0] == '{'
	isNull := m.Payload == nil || string(m.Payload) == "null"
	switch m.Type {
	case "connection_init", "ping", "pong":
		if !isObject && !isNull {
			return message{}, fmt.Sprintf("%q message expects the 'payload' property to be an object or nothing", m.Type)
		}
	case "subscribe", "complete":
		if json.Unmarshal(fields["id"], &m.ID) != nil || m.ID == "" {
			return message{}, fmt.Sprintf("%q message expects the 'id' property to be a string that is not empty", m.Type)
		}
		if m.Type == "subscribe" && !isObject {
			return message{}, `"subscribe" message expects the 'payload' property to be an object`
		}
	default:
		return message{}, "Invalid message: there is no such type"
	}
	if isNull {
		m.Payload = nil
	}
	return m, ""
}

// take does what a message asks for. A code ends the socket.
func (s *socket) take(m message) (int, string) {
	switch m.Type {
	case "connection_init":
		if s.greeted {
			return closeTooManyInits, "Too many initialisation requests"
		}
		s.greeted = true
		return s.introduce(m.Payload)
	case "ping":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.send(message{Type: "pong", Payload: m.Payload})
	case "complete":
		s.mu.Lock()
		defer s.mu.Unlock()
		if op := s.running[m.ID]; op != nil {
			op.forget()
		}
	case "subscribe":
		return s.subscribe(m)
	}
	return 0, ""
}

// introduce signs the client in, by the authorization in its introduction or in
// the request that opened the socket.
func (s *socket) introduce(payload json.RawMessage) (int, string) {
	var given map[string]any
	if payload != nil && json.Unmarshal(payload, &given) != nil {
		return closeBadMessage, `"connection_init" message expects the 'payload' property to be an object or nothing`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, value := range given {
		text, isText := value.(string)
		if !strings.EqualFold(name, "Authorization") {
			continue
		}
		if !isText || text == "" {
			return closeForbidden, "Forbidden"
		}
		s.authorization = text
	}
	if s.h.SignIn != nil && s.authorization != "" {
		acting, err := s.h.SignIn(s.ctx, s.authorization)
		if err != nil {
			return closeForbidden, "Forbidden"
		}
		s.leave()
		leave, err := s.h.enter(acting) // as who it is now
		if err != nil {
			return closeTooMany, "Too many streams"
		}
		s.acting, s.leave = acting, leave
	}
	if !s.timer.Stop() { // too late
		return 0, ""
	}
	s.send(message{Type: "connection_ack"})
	s.introduced = true
	s.timer = time.AfterFunc(s.h.aliveEvery(), s.lookAfter)
	return 0, ""
}

// subscribe begins an operation.
func (s *socket) subscribe(m message) (int, string) {
	s.mu.Lock()
	introduced := s.introduced
	s.mu.Unlock()
	if !introduced {
		return closeUnauthorized, "Unauthorized"
	}
	var object map[string]json.RawMessage
	q := &request{} // without headers: those of the handshake are of no operation
	q.ReadTime.Start = graphql.Now()
	if json.Unmarshal(m.Payload, &object) != nil {
		return closeBadMessage, `"subscribe" message expects the 'payload' property to be an object`
	}
	if refused := s.h.fill(q, object); refused != nil {
		return closeBadMessage, `"subscribe" message expects a 'payload' with a 'query': ` + words(refused.err)
	}
	if key, given := q.Extensions[socketKey]; given {
		text, _ := key.(string) // what is none is refused as an empty one
		q.Headers = http.Header{"Idempotency-Key": {text}}
	}
	q.ReadTime.End = graphql.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[m.ID] != nil {
		return closeDuplicate, fmt.Sprintf("Subscriber for %s already exists", m.ID)
	}
	if len(s.running) >= maxOperations {
		s.send(message{ID: m.ID, Type: "error", Payload: toJSON(s.h.refused(s.acting, &refusal{err: fault.New(fault.Limited, "protocol",
			fmt.Sprintf("一个连接同时最多 %d 个操作", maxOperations), fmt.Sprintf("a connection has at most %d operations at once", maxOperations))}).Errors)})
		return 0, ""
	}
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(s.acting))
	o := &running{s: s, id: m.ID, begin: fmt.Appendf(nil, `{"id":%s,"type":"next","payload":`, toJSON(m.ID)), ctx: ctx, cancel: cancel}
	s.running[m.ID] = o
	s.operations.Go(func() { o.execute(q) })
	return 0, ""
}

// words gives a refusal's words in English, for the reason of a close.
func words(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && len(f.Problems) > 0 {
		return f.Problems[0].EN
	}
	return "it is not valid"
}

// running is one operation of a socket. Nothing of it is sent once the client has
// ended it, also not when its id has begun to mean another one.
type running struct {
	s      *socket
	id     string
	begin  []byte          // of each message with an answer, which follows
	ctx    context.Context // ends with the operation
	cancel context.CancelFunc
	over   bool // under the socket's lock
}

// forget ends the operation; the socket's lock is held.
func (o *running) forget() {
	o.over = true
	delete(o.s.running, o.id)
	o.cancel()
}

// finish ends the operation with its last message.
func (o *running) finish(last message) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if !o.over {
		last.ID = o.id
		o.s.send(last)
		o.forget()
	}
}

func (o *running) refuse(refused *refusal) { o.fail(o.s.h.refused(o.ctx, refused)) }

func (o *running) fail(response *graphql.Response) {
	o.finish(message{Type: "error", Payload: toJSON(response.Errors)})
}

// unless ends the operation when what it calls panics.
func (o *running) unless() {
	if v := recover(); v != nil {
		o.refuse(&refusal{err: panicked(v)})
	}
}

// execute begins the operation. What it gives is sent by a goroutine of its own:
// the stack of this one has grown, and a subscription waits for long.
func (o *running) execute(q *request) {
	defer o.unless()
	h := o.s.h
	prepared, refused := h.prepare(o.ctx, q)
	if refused != nil {
		o.refuse(refused)
		return
	}
	ctx, done := h.limited(o.ctx, prepared)
	respond, stream, ctx := h.dispatch(ctx, prepared)
	o.s.operations.Go(func() {
		defer done()
		defer o.unless()
		if stream == nil {
			o.answer(ctx, respond(ctx))
			return
		}
		follow(ctx, stream, o)
	})
}

// answer sends the one answer of an operation.
func (o *running) answer(ctx context.Context, response *graphql.Response) {
	cause := context.Cause(ctx)
	switch {
	case response == nil && o.ctx.Err() == nil && fault.CodeOf(cause) == fault.Unavailable: // its time is over
		o.refuse(&refusal{err: cause})
	case response != nil && response.Data == nil: // refused before its first field
		o.fail(response)
	case response == nil || o.next(response):
		o.finish(message{Type: "complete"})
	}
}

// end tells the client that the operation is over, or why it has to end.
func (o *running) end(err error) {
	if errors.Is(err, io.EOF) {
		o.finish(message{Type: "complete"})
		return
	}
	o.refuse(&refusal{err: err})
}

// goOn counts what goes on for the operation, unless the socket has ended.
func (o *running) goOn() bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if !o.s.closed {
		o.s.operations.Add(1)
	}
	return !o.s.closed
}

func (o *running) done() { o.s.operations.Done() }

// next sends an answer; false when the client has ended the operation.
func (o *running) next(response *graphql.Response) bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if o.over || o.s.closed {
		return false
	}
	o.s.frames.write(frameText, func(to []byte) []byte {
		return append(appendBody(append(to, o.begin...), response), '}')
	})
	return true
}
