package protocol

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/internal/fault"
)

func storageAway(err error) error {
	return &fault.Error{Code: fault.Unavailable, Op: "protocol", ZH: "文件暂时不能接收，请稍后再试", EN: "files cannot be taken at the moment; try again later", Err: err}
}

type sourceKey struct{}

// source is what the source of a subscription tells the transport.
type source struct {
	err     error // why it has ended; written before it ends and read after
	waits   bool  // the transport's: it waits for the source whenever that has nothing
	rest    func(ctx context.Context, wake func()) bool
	skipped bool
}

// Fail says why a subscription ends before its time; its client is told. It is
// called before the source of the subscription is closed.
func Fail(ctx context.Context, err error) {
	if s, ok := ctx.Value(sourceKey{}).(*source); ok {
		s.err = err
	}
}

// Rests says that nobody has to wait for the source of a subscription: rest has
// wake called, once, when there is something to ask it for, and is false when
// there is already; wake asks for it, and lasts as long as that. It is called when
// the subscription begins.
func Rests(ctx context.Context, rest func(ctx context.Context, wake func()) bool) {
	if s, ok := ctx.Value(sourceKey{}).(*source); ok && !s.waits {
		s.rest = rest
	}
}

// Skip says that what the source of a subscription had is not for the client: the
// nil that follows is not its end. False: the source is to wait for something
// that is.
func Skip(ctx context.Context) bool {
	s, ok := ctx.Value(sourceKey{}).(*source)
	if !ok || s.rest == nil {
		return false
	}
	s.skipped = true
	return true
}

// serveEvents answers as a stream of events, also what is not executed: a browser
// shows a program nothing of an answer with another status.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, q *request) {
	closing, leave, refused := h.begin(r.Context())
	if refused != nil {
		h.refuse(w, r, form{}, refused)
		return
	}
	defer h.streams.Done()
	defer leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	authorization := r.Header.Get("Authorization")
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(noDeadline) // nothing more is read
	op, refused := h.prepare(ctx, q)
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
		out.next(h.refused(ctx, refused))
		out.complete()
		return
	}
	out.alive() // the client knows that it is connected
	opCtx, done := h.limited(ctx, op)
	defer done()
	from := &source{waits: true}
	opCtx = context.WithValue(opCtx, sourceKey{}, from)
	responses := h.run(opCtx, op)
	alive := time.NewTicker(h.aliveEvery())
	defer alive.Stop()
	for out.err == nil {
		select {
		case response, more := <-responses:
			if more {
				out.next(response)
				continue
			}
			if ctx.Err() != nil {
				return
			}
			if from.err != nil {
				out.next(h.refused(ctx, &refusal{err: from.err}))
			}
			out.complete()
			return
		case <-alive.C:
			out.alive()
			if h.SignIn != nil && authorization != "" {
				if _, err := h.SignIn(ctx, authorization); err != nil {
					out.next(h.refused(ctx, &refusal{err: err}))
					out.complete()
					return
				}
			}
		case <-closing.Done(): // without complete: the client comes again
			return
		case <-ctx.Done():
			return
		}
	}
}

func stopping() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}},
		err: fault.New(fault.Unavailable, "protocol", "服务正在停止，请重新连接", "the server is stopping; connect again")}
}

// run executes an operation and gives its responses one by one. The channel
// closes when there are no more; whoever stops reading cancels ctx.
func (h *Handler) run(ctx context.Context, op *graphql.OperationContext) <-chan *graphql.Response {
	responses := make(chan *graphql.Response)
	go func() {
		defer close(responses)
		defer func() {
			if v := recover(); v != nil {
				Fail(ctx, panicked(v))
			}
		}()
		next, ctx := h.Exec.DispatchOperation(ctx, op)
		for response := next(ctx); response != nil; response = next(ctx) {
			select {
			case responses <- response:
			case <-ctx.Done():
				return
			}
		}
	}()
	return responses
}

// eventWriter writes events until one cannot be written.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (e *eventWriter) write(text string) {
	if e.err != nil {
		return
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(writeTime)) // not every writer has one
	if _, e.err = e.w.Write([]byte(text)); e.err == nil {
		e.err = e.control.Flush()
	}
}

// next writes an answer on one line: in JSON, the ends of lines are white space.
func (e *eventWriter) next(response *graphql.Response) {
	e.write("event: next\ndata: " + strings.NewReplacer("\n", "", "\r", "").Replace(string(body(response))) + "\n\n")
}

// complete has an empty data line: without one, browsers drop the event.
func (e *eventWriter) complete() { e.write("event: complete\ndata:\n\n") }

func (e *eventWriter) alive() { e.write(":\n\n") }
