package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/fault"
)

const sdl = `
scalar Upload
type Query {
	hello: String
	echo(text: String!): String!
	whoami: String!
	fails: String
	panics: String
	waits: String
	deep: Query
}
type Mutation {
	bump: Int!
	upload(file: Upload!): String!
	uploads(files: [Upload!]!): String!
}
type Subscription {
	"1 to a number."
	count(to: Int!): Int!
	"Nothing, until the client goes."
	silence: Int!
	"One number, and then the source breaks."
	breaks: Int!
	"One number, and then the source panics."
	explodes: Int!
	"It takes for ever to begin."
	stalls: Int!
	"How often the bell has rung, the odd times only."
	rings: Int!
	"Refused before its first event."
	refused: Int!
}`

// world executes operations on a small schema, as the generated executor would.
type world struct {
	schema *ast.Schema
	bumps  atomic.Int64 // changes made
	alive  atomic.Int64 // subscriptions that have not ended
	began  chan string  // names of the fields that wait

	bell    chan bool   // it rings
	resting chan func() // what wakes the subscriptions to it
}

func newWorld() *world {
	return &world{schema: gqlparser.MustLoadSchema(&ast.Source{Input: sdl}), began: make(chan string, 1000), bell: make(chan bool, 100), resting: make(chan func(), 100)}
}

func (w *world) Schema() *ast.Schema { return w.schema }

func (w *world) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

type whoKey struct{}

func (w *world) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		return w.subscribe(ctx, op)
	}
	return graphql.OneShot(w.run(ctx, op))
}

func (w *world) run(ctx context.Context, op *graphql.OperationContext) *graphql.Response {
	data, errs := w.fields(ctx, op, op.Operation.Name, op.Operation.SelectionSet)
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return &graphql.Response{Data: text, Errors: errs}
}

func (w *world) fields(ctx context.Context, op *graphql.OperationContext, parent string, set ast.SelectionSet) (map[string]any, gqlerror.List) {
	data := map[string]any{}
	var errs gqlerror.List
	for _, f := range graphql.CollectFields(op, set, nil) {
		value, err := w.field(ctx, op, f)
		if err != nil {
			errs = append(errs, present(ctx, gqlerror.WrapPath(ast.Path{ast.PathName(f.Alias)}, err)))
		}
		data[f.Alias] = value
	}
	return data, errs
}

func (w *world) field(ctx context.Context, op *graphql.OperationContext, f graphql.CollectedField) (any, error) {
	args := f.ArgumentMap(op.Variables)
	switch f.Name {
	case "__typename":
		return f.ObjectDefinition.Name, nil
	case "__type", "deep":
		return nil, nil
	case "__schema":
		return map[string]any{}, nil
	case "hello":
		return "world", nil
	case "echo":
		return args["text"], nil
	case "whoami":
		who, _ := ctx.Value(whoKey{}).(string)
		return who, nil
	case "fails":
		return nil, errors.New("it fails")
	case "panics":
		panic("it panics")
	case "waits":
		w.began <- f.Name
		<-ctx.Done()
		return nil, ctx.Err()
	case "bump":
		return w.bumps.Add(1), nil
	case "upload":
		return describe(args["file"]), nil
	case "uploads":
		var all []string
		for _, file := range args["files"].([]any) {
			all = append(all, describe(file))
		}
		return strings.Join(all, " "), nil
	}
	return nil, fmt.Errorf("there is no %s", f.Name)
}

func describe(file any) string {
	u, ok := file.(graphql.Upload)
	if !ok {
		return fmt.Sprintf("%T", file)
	}
	text, err := io.ReadAll(u.File)
	return fmt.Sprintf("%s:%d:%s:%v", u.Filename, u.Size, text, err)
}

func (w *world) subscribe(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	field := op.Operation.SelectionSet[0].(*ast.Field)
	if field.Name == "refused" {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, fault.New(fault.Denied, "test", "不许", "it is refused"))}})
	}
	w.alive.Add(1)
	context.AfterFunc(ctx, func() { w.alive.Add(-1) })
	if field.Name == "stalls" { // before it begins
		w.began <- field.Name
		<-ctx.Done()
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, ctx.Err())}})
	}
	to := -1
	if field.Name == "count" {
		to, _ = strconv.Atoi(fmt.Sprint(field.ArgumentMap(op.Variables)["to"]))
	}
	if field.Name == "silence" {
		w.began <- field.Name
	}
	return protocol.Streams(ctx, &numbers{w: w, field: field, to: to})
}

// numbers counts.
type numbers struct {
	w     *world
	field *ast.Field
	n, to int
}

func (s *numbers) Next(ctx context.Context) (*graphql.Response, error) {
	switch {
	case s.field.Name == "silence":
		<-ctx.Done()
		return nil, ctx.Err()
	case s.field.Name == "explodes" && s.n == 1:
		panic("it explodes")
	case s.field.Name == "breaks" && s.n == 1:
		return nil, fault.New(fault.Unavailable, "test", "断了", "it broke")
	case s.n == s.to:
		return nil, io.EOF
	case s.field.Name == "rings":
		select {
		case <-s.w.bell:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.n++; s.field.Name == "rings" && s.n%2 == 0 {
		return nil, nil // for nobody
	}
	separator := ":"
	if s.field.Alias == "lines" {
		separator = ":\r\n"
	}
	return &graphql.Response{Data: fmt.Appendf(nil, "{%q%s%d}", s.field.Alias, separator, s.n)}, nil
}

func (s *numbers) Rest(_ context.Context, wake func()) bool {
	if s.field.Name != "rings" || len(s.w.bell) > 0 {
		return false
	}
	s.w.resting <- wake
	return true
}

// present gives errors their codes, as graph/present.go does at more length.
func present(_ context.Context, err error) *gqlerror.Error {
	out := gqlerror.WrapIfUnwrapped(err)
	code := fault.Invalid
	var f *fault.Error
	if errors.As(err, &f) {
		code, out.Message = f.Code, f.EN
		var kinds []string
		for _, p := range f.Problems {
			kinds = append(kinds, p.Code)
			out.Message = p.EN
		}
		out.Extensions = map[string]any{"code": string(code), "problems": kinds}
	} else if out.Extensions["code"] != "PERSISTED_QUERY_NOT_FOUND" {
		out.Extensions = map[string]any{"code": string(code)}
	}
	return out
}

// site is a server of the small schema.
type site struct {
	*world
	handler *protocol.Handler
	url     string
}

func newSite(t *testing.T, change ...func(*protocol.Handler)) *site {
	t.Helper()
	w := newWorld()
	known := lru.New[*ast.QueryDocument](100)
	exec := executor.New(w)
	exec.SetQueryCache(known)
	exec.SetParserTokenLimit(protocol.MaxTokens)
	exec.SetErrorPresenter(present)
	h := &protocol.Handler{Exec: exec, Known: known, Documents: protocol.Documents{Cache: lru.New[string](100)}}
	for _, c := range change {
		c(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(func() { h.Close(t.Context()) })
	return &site{w, h, server.URL}
}

// reply is an answer of the server.
type reply struct {
	status int
	header http.Header
	text   string
}

// send sends a request; headers come in pairs.
func (s *site) send(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// until waits for what has to come.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never came: %s", what)
		}
	}
}

const (
	asJSON  = "application/json"
	asGraph = "application/graphql-response+json"
)
