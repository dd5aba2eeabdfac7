package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"github.com/onedoor/onedoor/internal/fault"
)

// subprotocol is the one that is spoken on sockets.
const subprotocol = "graphql-transport-ws"

// The codes with which a socket is closed.
const (
	closeRestart       websocket.StatusCode = 1012 // the server stops; come again
	closeBadMessage    websocket.StatusCode = 4400
	closeUnauthorized  websocket.StatusCode = 4401 // an operation before the introduction
	closeForbidden     websocket.StatusCode = 4403
	closeNoSubprotocol websocket.StatusCode = 4406
	closeInitTimeout   websocket.StatusCode = 4408
	closeDuplicate     websocket.StatusCode = 4409
	closeTooManyInits  websocket.StatusCode = 4429
)

// isUpgrade says whether a request asks for another protocol on its connection.
func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// serveSocket serves a WebSocket until it ends.
func (h *Handler) serveSocket(w http.ResponseWriter, r *http.Request) {
	if refused := h.checkUpgrade(r); refused != nil {
		h.refuse(w, r, form{}, refused)
		return
	}
	closing, ok := h.begin()
	if !ok {
		h.refuse(w, r, form{}, stopping())
		return
	}
	defer h.streams.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true}) // the origin was checked
	if err != nil {
		return // it has been answered
	}
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeNoSubprotocol, "Subprotocol not acceptable")
		return
	}
	conn.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	headers := r.Header.Clone()
	headers.Del("Idempotency-Key") // it is of one request, and a socket carries many
	s := &socket{
		h: h, conn: conn, ctx: ctx, acting: ctx, cancel: cancel, headers: headers,
		authorization: r.Header.Get("Authorization"),
		introduced:    make(chan struct{}), running: map[string]*running{},
	}
	var after sync.WaitGroup
	after.Go(func() { s.lookAfter(closing) })
	s.read()
	cancel()
	after.Wait()
	s.operations.Wait()
	_ = conn.CloseNow()
}

// checkUpgrade refuses what cannot become a WebSocket, and pages of other sites.
func (h *Handler) checkUpgrade(r *http.Request) *refusal {
	has := func(name, token string) bool {
		for _, part := range strings.Split(strings.Join(r.Header.Values(name), ","), ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
		return false
	}
	switch {
	case r.Method != http.MethodGet:
		return &refusal{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {http.MethodGet}}, err: invalid("METHOD", "WebSocket 由 GET 开始", "a WebSocket begins with GET")}
	case !has("Upgrade", "websocket") || !has("Connection", "upgrade") || !r.ProtoAtLeast(1, 1):
		return badRequest("UPGRADE", "只能升级为 websocket", "a connection can become a websocket only")
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

// socket is a connection that speaks graphql-transport-ws.
type socket struct {
	h       *Handler
	conn    *websocket.Conn
	ctx     context.Context // ends with the socket
	cancel  context.CancelFunc
	headers http.Header

	greeted    bool          // a connection_init has come
	introduced chan struct{} // closed when it was accepted

	mu            sync.Mutex      // of what follows, and of the order in which messages go out
	acting        context.Context // ctx with who acts, once the client has introduced itself
	authorization string
	running       map[string]*running
	closed        bool
	operations    sync.WaitGroup
}

// running is one operation of a socket.
type running struct{ cancel context.CancelFunc }

// message is one message, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// close ends the socket with a code, once.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return
	}
	for len(reason) > 123 || !utf8.ValidString(reason) { // what a close frame holds
		reason = reason[:min(len(reason)-1, 123)]
	}
	_ = s.conn.Close(code, reason)
	s.cancel()
}

// send writes a message; s.mu is held. A client that does not read loses the
// connection, and comes again when it does.
func (s *socket) send(m message) {
	if s.closed {
		return
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // its parts are JSON
	}
	s.write(text)
}

func (s *socket) write(text []byte) {
	ctx, cancel := context.WithTimeout(s.ctx, writeTime)
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, text) != nil {
		s.cancel()
	}
}

// lookAfter ends a socket that does not introduce itself, has gone, whose token is
// over, or whose server stops.
func (s *socket) lookAfter(closing <-chan struct{}) {
	late := time.NewTimer(s.h.initTime())
	defer late.Stop()
	alive := time.NewTicker(s.h.aliveEvery())
	defer alive.Stop()
	introduced := s.introduced
	var gone chan error // of the ping that is on its way
	for {
		select {
		case <-late.C:
			s.close(closeInitTimeout, "Connection initialisation timeout")
			return
		case <-introduced:
			late.Stop()
			introduced = nil
		case <-alive.C:
			if introduced == nil && s.signedOut() {
				s.close(closeForbidden, "Forbidden")
				return
			}
			if gone == nil {
				gone = make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(s.ctx, writeTime)
					defer cancel()
					gone <- s.conn.Ping(ctx)
				}()
			}
		case err := <-gone:
			if gone = nil; err != nil {
				s.cancel()
				_ = s.conn.CloseNow()
				return
			}
		case <-closing:
			s.close(closeRestart, "Service restart")
			return
		case <-s.ctx.Done():
			return
		}
	}
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

// read takes the client's messages until the socket ends.
func (s *socket) read() {
	for {
		kind, text, err := s.conn.Read(s.ctx)
		if err != nil {
			return
		}
		m, problem := readMessage(kind, text)
		if problem != "" {
			s.close(closeBadMessage, problem)
			return
		}
		if code, reason := s.take(m); code != 0 {
			s.close(code, reason)
			return
		}
	}
}

// readMessage reads a message, or says what is wrong with it.
func readMessage(kind websocket.MessageType, text []byte) (message, string) {
	var fields map[string]json.RawMessage
	if kind != websocket.MessageText || checkJSON(text, "message") != nil || json.Unmarshal(text, &fields) != nil || fields == nil {
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
func (s *socket) take(m message) (websocket.StatusCode, string) {
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
			delete(s.running, m.ID)
			op.cancel()
		}
	case "subscribe":
		return s.subscribe(m)
	}
	return 0, ""
}

// introduce signs the client in, by the authorization in its introduction or in
// the request that opened the socket.
func (s *socket) introduce(payload json.RawMessage) (websocket.StatusCode, string) {
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
		s.acting = acting
	}
	s.send(message{Type: "connection_ack"})
	close(s.introduced)
	return 0, ""
}

// subscribe begins an operation.
func (s *socket) subscribe(m message) (websocket.StatusCode, string) {
	select {
	case <-s.introduced:
	default:
		return closeUnauthorized, "Unauthorized"
	}
	var object map[string]json.RawMessage
	q := &request{RawParams: graphql.RawParams{Headers: s.headers}}
	q.ReadTime.Start = graphql.Now()
	if json.Unmarshal(m.Payload, &object) != nil {
		return closeBadMessage, `"subscribe" message expects the 'payload' property to be an object`
	}
	if refused := s.h.fill(q, object); refused != nil {
		return closeBadMessage, `"subscribe" message expects a 'payload' with a 'query': ` + words(refused.err)
	}
	q.ReadTime.End = graphql.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[m.ID] != nil {
		return closeDuplicate, fmt.Sprintf("Subscriber for %s already exists", m.ID)
	}
	if len(s.running) >= maxOperations {
		s.send(message{ID: m.ID, Type: "error", Payload: s.errorsOf(s.h.refused(s.acting, &refusal{err: fault.New(fault.Limited, "protocol",
			fmt.Sprintf("一个连接同时最多 %d 个操作", maxOperations), fmt.Sprintf("a connection has at most %d operations at once", maxOperations))}))})
		return 0, ""
	}
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(s.acting))
	op := &running{cancel: cancel}
	s.running[m.ID] = op
	s.operations.Go(func() {
		defer cancel()
		s.serve(ctx, m.ID, op, q)
	})
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

// serve executes an operation and sends what it gives. Nothing is sent once the
// client has ended it, also not when its id has begun to mean another one.
func (s *socket) serve(ctx context.Context, id string, op *running, q *request) {
	last := func(m *message) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running[id] == op {
			delete(s.running, id)
			if m != nil {
				s.send(*m)
			}
		}
	}
	refuse := func(refused *refusal) {
		last(&message{ID: id, Type: "error", Payload: s.errorsOf(s.h.refused(ctx, refused))})
	}
	defer func() {
		if v := recover(); v != nil {
			refuse(&refusal{err: panicked(v)})
		}
	}()
	prepared, refused := s.h.prepare(ctx, q)
	if refused != nil {
		refuse(refused)
		return
	}
	ctx, done := s.h.limited(ctx, prepared)
	defer done()
	failed := &failure{}
	next, ctx := s.h.Exec.DispatchOperation(context.WithValue(ctx, failureKey{}, failed), prepared)
	for response := next(ctx); response != nil; response = next(ctx) {
		if response.Data == nil { // refused before its first field
			last(&message{ID: id, Type: "error", Payload: s.errorsOf(response)})
			return
		}
		text := nextMessage(id, body(response))
		s.mu.Lock()
		mine := s.running[id] == op
		if mine && !s.closed {
			s.write(text)
		}
		s.mu.Unlock()
		if !mine {
			return
		}
	}
	switch {
	case failed.err != nil:
		refuse(&refusal{err: failed.err})
	case context.Cause(ctx) != nil && s.ctx.Err() == nil && fault.CodeOf(context.Cause(ctx)) == fault.Unavailable:
		refuse(&refusal{err: context.Cause(ctx)})
	default:
		last(&message{ID: id, Type: "complete"})
	}
}

// nextMessage is a message with an answer, whose text is taken as it is.
func nextMessage(id string, answer []byte) []byte {
	return fmt.Appendf(nil, `{"id":%s,"type":"next","payload":%s}`, toJSON(id), answer)
}

func (s *socket) errorsOf(response *graphql.Response) json.RawMessage {
	return toJSON(response.Errors)
}
