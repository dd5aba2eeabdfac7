package graph

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/fault"
)

// persistedQueryNotFound is the code by which clients know that they must send
// an operation's text (automatic persisted queries).
const persistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

type languageKey struct{}

// WithLanguage notes the language of a request's messages, from its
// Accept-Language header: English when it is asked for first, Chinese otherwise.
func WithLanguage(ctx context.Context, acceptLanguage string) context.Context {
	english := strings.HasPrefix(strings.ToLower(strings.TrimSpace(acceptLanguage)), "en")
	return context.WithValue(ctx, languageKey{}, english)
}

func inLanguage(ctx context.Context, zh, en string) string {
	if english, _ := ctx.Value(languageKey{}).(bool); english {
		return en
	}
	return zh
}

// problem is how a fault.Problem reads in an answer.
type problem struct {
	Path      string `json:"path"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	MessageEN string `json:"messageEn"`
}

// present is the one place where errors become words for users. What is not a
// fault is our own and stays in the log.
func present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)
	var f *fault.Error
	switch {
	case argumentsFailed(ctx) && len(badScalars(ctx)) > 0:
		f = fault.InvalidInput("graphql", badScalars(ctx)...)
	case !errors.As(err, &f):
		f = foreign(ctx, out)
	case argumentsFailed(ctx) && len(f.Problems) == 1: // an enum knows what is wrong, and the executor where
		p := f.Problems[0]
		p.Path = argumentPath(out)
		f = fault.InvalidInput(f.Op, p)
	}
	if f.Code == fault.Internal {
		slog.ErrorContext(ctx, "request failed", "request", protocol.RequestID(ctx), "op", f.Op, "path", out.Path.String(), "error", err)
	}
	if f.Code == fault.Unavailable {
		slog.WarnContext(ctx, "something needed does not answer", "request", protocol.RequestID(ctx), "op", f.Op, "path", out.Path.String(), "error", err)
	}
	told := f.Problems[:min(len(f.Problems), maxProblems)]
	problems := make([]problem, len(told))
	for i, p := range told {
		problems[i] = problem{Path: p.Path, Code: p.Code, Message: inLanguage(ctx, p.ZH, p.EN), MessageEN: p.EN}
	}
	out.Err = nil
	if field := graphql.GetFieldContext(ctx); field != nil { // where the answer has a null, and where that was asked for
		if argumentsFailed(ctx) {
			out.Path = field.Path()
		}
		if at := field.Field.Field; len(out.Locations) == 0 && at != nil && at.Position != nil {
			out.Locations = []gqlerror.Location{{Line: at.Position.Line, Column: at.Position.Column}}
		}
	}
	if code, _ := out.Extensions["code"].(string); code == persistedQueryNotFound {
		return out // the protocol's own words: the client sends the text next
	}
	out.Message = inLanguage(ctx, f.ZH, f.EN)
	if len(problems) > 0 && len(problems) <= 3 {
		var texts []string
		for _, p := range problems {
			texts = append(texts, strings.TrimPrefix(p.Path+": ", ": ")+p.Message)
		}
		out.Message += inLanguage(ctx, "：", ": ") + strings.Join(texts, inLanguage(ctx, "；", "; "))
	}
	out.Extensions = map[string]any{"code": string(f.Code), "op": f.Op, "problems": problems}
	if id := protocol.RequestID(ctx); id != "" && f.Code == fault.Internal {
		out.Extensions["requestId"] = id // by which the log has the cause
	}
	if f.State != "" || f.Version != 0 { // of a refused command
		allowed := f.Allowed
		if allowed == nil {
			allowed = []string{}
		}
		out.Extensions["state"], out.Extensions["version"], out.Extensions["allowed"] = f.State, f.Version, allowed
	}
	return out
}

const (
	// maxWords bounds what an error repeats of the request, in bytes.
	maxWords = 500
	// maxProblems bounds the problems of an error, so that a request of many faults
	// cannot ask for an answer that is larger than itself.
	maxProblems = 100
)

// anotherValue is what the library says of a number that it could not read: the
// value in it is another one.
var anotherValue = regexp.MustCompile(`^cannot use value \S+ as `)

// foreign reads an error that is not ours: of the request's text, of its
// arguments, or of a library.
func foreign(ctx context.Context, e *gqlerror.Error) *fault.Error {
	code, _ := e.Extensions["code"].(string)
	e.Message = anotherValue.ReplaceAllString(e.Message, "cannot use this number as ")
	if len(e.Message) > maxWords {
		e.Message = strings.ToValidUTF8(e.Message[:maxWords], "") + "…"
	}
	switch {
	case ctx.Err() != nil: // whatever was interrupted, it was for this
		return &fault.Error{Code: fault.Unavailable, Op: "graphql", ZH: "未能及时处理，请重试", EN: "no answer in time; try again", Err: e}
	case strings.Contains(e.Message, "empty predicate"):
		return fault.InvalidInput("graphql", fault.Problem{Path: "where", Code: "EMPTY_FILTER", ZH: "where 里有空的条件", EN: "where holds an empty condition"})
	case code == "NOT_FOUND":
		return &fault.Error{Code: fault.NotFound, Op: "graphql", ZH: "没有这个对象", EN: e.Message}
	case code == errcode.ValidationFailed, code == errcode.ParseFailed, code == "INVALID_PAGINATION", argumentsFailed(ctx):
		if code == "" {
			code = "BAD_ARGUMENT"
		}
		return fault.InvalidInput("graphql", fault.Problem{Path: argumentPath(e), Code: code, ZH: e.Message, EN: e.Message})
	case graphql.GetFieldContext(ctx) == nil: // before any field: the request itself
		return fault.InvalidInput("graphql", fault.Problem{Code: "BAD_REQUEST", ZH: e.Message, EN: e.Message})
	case code != "" && e.Err == nil: // another refusal of the executor, such as a limit
		return fault.InvalidInput("graphql", fault.Problem{Path: e.Path.String(), Code: code, ZH: e.Message, EN: e.Message})
	}
	return &fault.Error{Code: fault.Internal, Op: "graphql", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: e}
}

// argumentPath gives the place of a wrong argument below its field and its
// input, as the core's own problems do: start, pauses[0].from.
func argumentPath(e *gqlerror.Error) string {
	path := e.Path
	if len(path) > 1 {
		path = path[1:]
	}
	if len(path) > 1 && path[0] == ast.PathName("input") {
		path = path[1:]
	}
	return path.String()
}

// argumentsFailed says that a field's arguments could not be read.
func argumentsFailed(ctx context.Context) bool {
	field := graphql.GetFieldContext(ctx)
	return field != nil && field.Field.Field != nil && len(field.Field.Arguments) > 0 && field.Args == nil
}
