// Package protocol speaks GraphQL over HTTP, over server-sent events and over
// WebSocket. It reads requests, refuses what is malformed or too much before
// anything is validated, and writes answers in the form that was asked for. What
// an operation does is the executor's.
//
// It follows GraphQL over HTTP, the graphql-transport-ws protocol and the
// distinct connections mode of GraphQL over SSE, rule by rule.
package protocol

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/internal/fault"
)

const (
	// maxOperations bounds the operations that run on one socket at once.
	maxOperations = 500
	// maxMessage bounds one message of a socket, in bytes.
	maxMessage = 1 << 20
	// maxUpload bounds a request with files, in bytes: the largest file that is
	// taken, and the text around it.
	maxUpload = 51 << 20
	// writeTime is how long a client may take to read one message of a stream.
	writeTime = 10 * time.Second
)

// Handler serves GraphQL at one address. The zero values of the times are
// replaced by the usual ones.
type Handler struct {
	Exec      graphql.GraphExecutor
	Documents Documents
	// Known holds the documents that have been validated: they are not measured
	// again. Nil: every document is measured.
	Known graphql.Cache[*ast.QueryDocument]
	// Hidden refuses introspection.
	Hidden bool
	// Draft answers with the status codes of the newer draft of GraphQL over HTTP:
	// 422 for what does not validate, 4xx also to older clients, 294 for a part.
	Draft bool
	// Origins are the origins of other sites that browsers may come from, such as
	// https://example.org; an asterisk is every one.
	Origins []string
	// SignIn reads the authorization of a connection, which may be empty, and gives
	// the context with who acts. It is asked again while a stream lives, so that it
	// ends with its token. Nil: the context is that of the request.
	SignIn func(ctx context.Context, authorization string) (context.Context, error)
	// Enter counts a stream for who is behind a context, until leave is called: when
	// it opens, and anew when somebody introduces himself on it. Its error is LIMITED
	// when they have too many open. To call leave again does nothing. Nil: there is
	// no limit.
	Enter func(ctx context.Context) (leave func(), err error)
	// Public knows the answers that everybody gets; nil: others are to keep none.
	Public Public

	InitTime   time.Duration // how long a socket may take to introduce itself
	AliveEvery time.Duration // how often a stream is looked after
	AnswerTime time.Duration // the longest that a query or mutation may take

	mu      sync.Mutex
	closing context.Context // ends when streams have to
	close   context.CancelFunc
	streams sync.WaitGroup
}

func orDefault(d, usual time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return usual
}

func (h *Handler) initTime() time.Duration   { return orDefault(h.InitTime, 5*time.Second) }
func (h *Handler) aliveEvery() time.Duration { return orDefault(h.AliveEvery, 12*time.Second) }
func (h *Handler) answerTime() time.Duration { return orDefault(h.AnswerTime, 30*time.Second) }

// open gives what ends when streams have to; h.mu is held.
func (h *Handler) open() context.Context {
	if h.closing == nil {
		h.closing, h.close = context.WithCancel(context.Background())
	}
	return h.closing
}

// begin counts a stream, unless there are too many or the server is stopping.
// closing ends when the stream has to. When it has ended, leave is called, and
// streams is told.
func (h *Handler) begin(ctx context.Context) (closing context.Context, leave func(), _ *refusal) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, nil, &refusal{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"10"}}, err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open().Err() != nil {
		leave()
		return nil, nil, stopping()
	}
	h.streams.Add(1)
	return h.closing, leave, nil
}

func (h *Handler) enter(ctx context.Context) (leave func(), _ error) {
	if h.Enter == nil {
		return func() {}, nil
	}
	return h.Enter(ctx)
}

// Close tells every stream to come again to another server, and waits until they
// have ended or ctx has.
func (h *Handler) Close(ctx context.Context) {
	h.mu.Lock()
	h.open()
	h.close()
	h.mu.Unlock()
	ended := make(chan struct{})
	go func() { h.streams.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

type requestIDKey struct{}

// RequestID gives the name of a request in the log and in its answer's header
// X-Request-Id.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// nameRequest takes the name that a proxy has given to a request, or makes one.
func nameRequest(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	plain := func(c rune) bool {
		return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if 8 <= len(id) && len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool { return !plain(c) }) {
		return id
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	return hex.EncodeToString(random[:])
}

const allowed = "GET, HEAD, POST, OPTIONS"

// IsStream says whether a request asks for a stream, which has no end that a
// server could wait for.
func IsStream(r *http.Request) bool {
	return isUpgrade(r) || readAccept(r.Header).of(eventStream).q > 0
}

// ServeHTTP answers one request, or begins to serve a stream.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := nameRequest(r)
	r = r.WithContext(graphql.StartOperationTrace(context.WithValue(r.Context(), requestIDKey{}, id)))
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler { //nolint:errorlint // it is this very value
				panic(v)
			}
			h.refuse(w, r, form{}, &refusal{status: http.StatusInternalServerError, err: panicked(v)})
		}
	}()
	if isUpgrade(r) {
		h.serveSocket(w, r)
		return
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Add("Vary", "Accept, Accept-Language, Authorization")
	f, refused := negotiate(r, h.Draft)
	if refused != nil {
		h.refuse(w, r, f, refused)
		return
	}
	words, perhapsPublic := h.wordsOf(r, f)
	if perhapsPublic {
		if page, ok := h.Public.Find(r.Context(), words); ok {
			writePage(w, r, f, page)
			return
		}
	}
	q, refused := h.read(w, r)
	defer q.close()
	if refused != nil {
		h.refuse(w, r, f, refused)
		return
	}
	if f.media == eventStream {
		h.serveEvents(w, r, q)
		return
	}
	op, problem := h.prepare(r.Context(), q)
	if problem == nil && op.Operation.Operation == ast.Subscription && f.events {
		h.serveEvents(w, r, q)
		return
	}
	if problem == nil && op.Operation.Operation == ast.Subscription {
		problem = &refusal{err: invalid("SUBSCRIPTION", "订阅须用 WebSocket（graphql-transport-ws）或 Accept: text/event-stream",
			"a subscription needs WebSocket (graphql-transport-ws) or Accept: text/event-stream")}
	}
	if problem == nil {
		problem = onlyRead(r, op.Operation)
	}
	if problem != nil {
		h.refuse(w, r, f, problem)
		return
	}
	ctx, done := h.limited(r.Context(), op)
	defer done()
	respond, ctx := h.Exec.DispatchOperation(ctx, op)
	response := respond(ctx)
	if perhapsPublic && response != nil && len(response.Errors) == 0 {
		if page, ok := h.Public.Keep(ctx, op, words, body(response)); ok {
			writePage(w, r, f, page)
			return
		}
	}
	h.answer(w, r, f, response)
}

// onlyRead refuses to change anything by a method that promises not to.
func onlyRead(r *http.Request, op *ast.OperationDefinition) *refusal {
	if r.Method == http.MethodPost || op.Operation != ast.Mutation {
		return nil
	}
	return &refusal{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {http.MethodPost}},
		err: invalid("METHOD", "GET 只能查询，变更请用 POST", "GET is for queries only; send a mutation by POST")}
}

// Permits says whether a browser may come from an origin to a host: its own
// always, and those of the list.
func Permits(origins []string, origin, host string) bool {
	if slices.Contains(origins, "*") || slices.ContainsFunc(origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// panicked is the fault of what nobody has foreseen.
func panicked(v any) error {
	return &fault.Error{Code: fault.Internal, Op: "protocol", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: fmt.Errorf("panic: %v", v)}
}

// refusal is why a request is not executed.
type refusal struct {
	// status of a request that is not one of GraphQL over HTTP; zero for one that
	// is, whose status depends on the form of the answer.
	status int
	header http.Header
	err    error   // of ours,
	errs   []error // or of the executor
	parse  bool    // the document could not be parsed
}

func (f *refusal) all() []error {
	if f.err != nil {
		return []error{f.err}
	}
	return f.errs
}

// invalid is a request that is wrong in one way.
func invalid(code, zh, en string) error {
	return fault.InvalidInput("protocol", fault.Problem{Code: code, ZH: zh, EN: en})
}

func badRequest(code, zh, en string) *refusal {
	return &refusal{status: http.StatusBadRequest, err: invalid(code, zh, en)}
}

// misshapen is a request whose parameters are of a wrong kind.
func (h *Handler) misshapen(code, zh, en string) *refusal {
	refused := badRequest(code, zh, en)
	if h.Draft {
		refused.status = http.StatusUnprocessableEntity
	}
	return refused
}
