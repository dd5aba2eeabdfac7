package protocol

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/internal/fault"
)

func storageAway(err error) error {
	return &fault.Error{Code: fault.Unavailable, Op: "protocol", ZH: "文件暂时不能接收，请稍后再试", EN: "files cannot be taken at the moment; try again later", Err: err}
}

// Stream is what a subscription is answered from.
type Stream interface {
	// Next waits for the next answer, which others may get too; nil: what has come is
	// not for the client. An error ends the subscription, and its client is told;
	// io.EOF: it is over.
	Next(ctx context.Context) (*graphql.Response, error)
	// Rest is for who does not want to wait in Next: wake is called once, when there
	// is something to ask it for, and asks for it. False: there is something already.
	Rest(ctx context.Context, wake func()) bool
}

type streamKey struct{}

// Streams has a subscription answered from a stream, until ctx ends. It is what the
// executable schema gives for one that is not refused.
func Streams(ctx context.Context, s Stream) graphql.ResponseHandler {
	*ctx.Value(streamKey{}).(*Stream) = s
	return graphql.OneShot(nil)
}

// dispatch begins an operation, which respond answers, or stream, when that is not
// nil.
func (h *Handler) dispatch(ctx context.Context, op *graphql.OperationContext) (respond graphql.ResponseHandler, stream Stream, _ context.Context) {
	respond, ctx = h.Exec.DispatchOperation(context.WithValue(ctx, streamKey{}, &stream), op)
	return respond, stream, ctx
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
	results := h.run(opCtx, op)
	alive := time.NewTicker(h.aliveEvery())
	defer alive.Stop()
	for out.err == nil {
		select {
		case r, more := <-results:
			switch {
			case ctx.Err() != nil:
				return
			case !more:
				out.complete()
				return
			case r.err != nil:
				out.next(h.refused(ctx, &refusal{err: r.err}))
			default:
				out.next(r.response)
			}
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

// result is an answer of an operation, or why it has ended.
type result struct {
	response *graphql.Response
	err      error
}

// run executes an operation and gives what comes of it one by one. The channel
// closes when there is no more; whoever stops reading cancels ctx.
func (h *Handler) run(ctx context.Context, op *graphql.OperationContext) <-chan result {
	results := make(chan result)
	give := func(r result) bool {
		select {
		case results <- r:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(results)
		defer func() {
			if v := recover(); v != nil {
				give(result{err: panicked(v)})
			}
		}()
		respond, stream, ctx := h.dispatch(ctx, op)
		if stream == nil { // it is refused
			give(result{response: respond(ctx)})
			return
		}
		for {
			response, err := stream.Next(ctx)
			if errors.Is(err, io.EOF) || (response != nil || err != nil) && !give(result{response, err}) || err != nil {
				return
			}
		}
	}()
	return results
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
