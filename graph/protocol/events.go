package protocol

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/internal/fault"
)

func storageAway(err error) error {
	return &fault.Error{Code: fault.Unavailable, Op: "protocol", ZH: "文件暂时不能接收，请稍后再试", EN: "files cannot be taken at the moment; try again later", Err: err}
}

func stopping() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}},
		err: fault.New(fault.Unavailable, "protocol", "服务正在停止，请重新连接", "the server is stopping; connect again")}
}

// serveEvents answers as a stream of events, also what is not executed: a browser
// shows a program nothing of an answer with another status.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, q *request) {
	closing, leave, refused := h.begin(r.Context())
	if refused != nil {
		h.refuse(w, r, form{}, refused)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the request ends here, with all that it takes
	ended := func() {
		cancel()
		leave()
		h.streams.Done()
	}
	isTaken := false
	defer func() {
		if !isTaken {
			ended()
		}
	}()
	op, refused := h.prepare(r.Context(), q)
	if refused == nil {
		if notHere := onlyRead(r, op.Operation); notHere != nil {
			h.refuse(w, r, form{}, notHere)
			return
		}
	}
	header := w.Header()
	header.Set("Content-Type", eventStream+"; charset=utf-8")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no") // of nginx
	if refused != nil {
		writeEvents(w, r, h.refused(r.Context(), refused))
		return
	}
	if op.Operation.Operation != ast.Subscription {
		response, _, _ := h.start(r.Context(), op)
		writeEvents(w, r, response)
		return
	}
	// Until the connection is taken over, HTTP knows when the client goes.
	gone, stops := context.AfterFunc(r.Context(), cancel), context.AfterFunc(closing, cancel)
	defer gone()
	defer stops()
	response, stream, ctx := h.start(ctx, op)
	switch {
	case closing.Err() != nil:
		h.refuse(w, r, form{}, stopping())
		return
	case ctx.Err() != nil:
		return // the client has gone
	case stream == nil || r.Method == http.MethodHead:
		writeEvents(w, r, response)
		return
	}
	header.Set("Connection", "close")
	w.WriteHeader(http.StatusOK)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			slog.ErrorContext(ctx, "no stream of events: its connection cannot be taken over", "error", err)
		}
		return
	}
	isTaken = true
	s := &events{h: h, line: line{conn: conn}, isChunked: r.ProtoAtLeast(1, 1), authorization: r.Header.Get("Authorization"), ctx: ctx, cancel: cancel, leave: leave}
	go func() {
		defer ended()
		s.serve(closing, stream)
	}()
}

// start begins an operation, and gives its answer when that is one.
func (h *Handler) start(ctx context.Context, op *graphql.OperationContext) (response *graphql.Response, stream Stream, _ context.Context) {
	defer func() {
		if v := recover(); v != nil {
			response, stream = h.refused(ctx, &refusal{err: panicked(v)}), nil
		}
	}()
	ctx, done := h.limited(ctx, op)
	defer done()
	respond, stream, ctx := h.dispatch(ctx, op)
	if stream != nil {
		return nil, stream, ctx
	}
	if response = respond(ctx); response == nil {
		response = h.refused(ctx, &refusal{err: noAnswer()})
	}
	return response, nil, ctx
}

// writeEvents answers with the one event of what is no stream.
func writeEvents(w http.ResponseWriter, r *http.Request, response *graphql.Response) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // not every writer has one
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(appendNext(nil, response), complete...)) // a client that is gone needs no answer
	}
}

const (
	// complete has an empty data line: without one, browsers drop the event.
	complete = "event: complete\ndata:\n\n"
	alive    = ":\n\n"
)

// appendNext appends an answer, on one line: in JSON, the ends of lines are white
// space.
func appendNext(to []byte, response *graphql.Response) []byte {
	to = append(to, "event: next\ndata: "...)
	begin := len(to)
	to = appendBody(to, response)
	if bytes.ContainsAny(to[begin:], "\r\n") {
		to = append(to[:begin], bytes.Map(func(c rune) rune {
			if c == '\r' || c == '\n' {
				return -1
			}
			return c
		}, to[begin:])...)
	}
	return append(to, "\n\n"...)
}

// events is a stream of server-sent events. Like a socket, it has one goroutine
// while nothing happens.
type events struct {
	h             *Handler
	line          line
	isChunked     bool // HTTP/1.0 has no chunks
	authorization string
	ctx           context.Context // ends with the stream
	cancel        context.CancelFunc
	leave         func() // of Handler.Enter

	mu     sync.Mutex // of what follows, and of the order in which events go out
	timer  *time.Timer
	closed bool
	going  sync.WaitGroup
}

// serve serves a stream until it ends, by itself or since the client has gone.
func (s *events) serve(closing context.Context, stream Stream) {
	stop := context.AfterFunc(closing, func() { s.close(nil) })
	s.mu.Lock()
	s.send([]byte(alive)) // the client knows that it is connected
	s.timer = time.AfterFunc(s.h.aliveEvery(), s.lookAfter)
	s.mu.Unlock()
	s.going.Go(func() { follow(s.ctx, stream, s) })
	var ignored [64]byte
	for {
		if _, err := s.line.conn.Read(ignored[:]); err != nil {
			break
		}
	}
	stop()
	s.cancel()
	_ = s.line.conn.Close()
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.mu.Unlock()
	s.going.Wait()
}

// send writes events; s.mu is held.
func (s *events) send(text []byte) {
	if !s.closed {
		s.write(func(to []byte) []byte { return append(to, text...) })
	}
}

// write writes a chunk with what fill appends.
func (s *events) write(fill func(to []byte) []byte) {
	if !s.isChunked {
		s.line.write(func(to []byte, _ int) []byte { return to }, fill)
		return
	}
	s.line.write(func(to []byte, size int) []byte {
		return append(strconv.AppendUint(to, uint64(size-len("\r\n")), 16), "\r\n"...)
	}, func(to []byte) []byte { return append(fill(to), "\r\n"...) })
}

// close ends the stream with its last events, once. Without any, its client comes
// again.
func (s *events) close(last []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if len(last) > 0 {
		s.send(last)
	}
	s.closed = true
	if s.isChunked {
		s.line.write(func(to []byte, _ int) []byte { return to }, func(to []byte) []byte { return append(to, "0\r\n\r\n"...) })
	}
	s.line.hangUp()
	s.cancel()
	s.leave() // also when its client takes its time to go
}

// lookAfter ends a stream whose token is over, and looks again later. A client that
// has gone is not written to for long.
func (s *events) lookAfter() {
	defer func() {
		if v := recover(); v != nil { // nobody else stands between that and the end of the process
			s.end(panicked(v))
		}
	}()
	if s.h.SignIn != nil && s.authorization != "" {
		if _, err := s.h.SignIn(s.ctx, s.authorization); err != nil {
			s.end(err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.send([]byte(alive))
		s.timer.Reset(s.h.aliveEvery())
	}
}

func (s *events) next(response *graphql.Response) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.write(func(to []byte) []byte { return appendNext(to, response) })
	}
	return !s.closed
}

func (s *events) end(err error) {
	var last []byte
	if !errors.Is(err, io.EOF) {
		last = appendNext(nil, s.h.refused(s.ctx, &refusal{err: err}))
	}
	s.close(append(last, complete...))
}

func (s *events) goOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.going.Add(1)
	}
	return !s.closed
}

func (s *events) done() { s.going.Done() }
