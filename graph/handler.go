package graph

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/internal/fault"
)

// maxTokens bounds the text of one operation.
const maxTokens = 10_000

// NewHandler serves the API over HTTP: POST and GET. Documents remembers
// operations by their hash (automatic persisted queries).
func NewHandler(r *Resolver, documents graphql.Cache[string]) http.Handler {
	return Serve(generated.NewExecutableSchema(generated.Config{Resolvers: r}), documents)
}

// Serve is NewHandler for any resolvers of the schema.
func Serve(schema graphql.ExecutableSchema, documents graphql.Cache[string]) http.Handler {
	srv := handler.New(schema)
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.SetParserTokenLimit(maxTokens)
	srv.Use(extension.Introspection{})
	srv.Use(extension.AutomaticPersistedQuery{Cache: documents})
	srv.Use(pageCap{})
	srv.SetErrorPresenter(present)
	srv.SetRecoverFunc(func(_ context.Context, v any) error {
		return &fault.Error{Code: fault.Internal, Op: "graphql", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: fmt.Errorf("panic: %v", v)}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		srv.ServeHTTP(w, req.WithContext(WithLanguage(req.Context(), req.Header.Get("Accept-Language"))))
	})
}

// pageCap refuses pages of more than maxPage, and pages from both ends, wherever
// in the operation.
type pageCap struct{}

// ExtensionName names the extension.
func (pageCap) ExtensionName() string { return "PageCap" }

// Validate accepts every schema.
func (pageCap) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext looks at every page size before anything runs.
func (pageCap) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	seen := map[string]bool{}
	if err := checkPages(op.Operation.SelectionSet, op.Variables, seen); err != nil {
		return gqlerror.WrapIfUnwrapped(err)
	}
	return nil
}

func checkPages(set ast.SelectionSet, variables map[string]any, seen map[string]bool) error {
	for _, selection := range set {
		var inner ast.SelectionSet
		switch s := selection.(type) {
		case *ast.Field:
			asked := 0
			for _, name := range []string{"first", "last"} {
				arg := s.Arguments.ForName(name)
				if arg == nil || arg.Value == nil {
					continue
				}
				v, err := arg.Value.Value(variables)
				if err != nil || v == nil {
					continue // the executor says what is wrong with it
				}
				n, err := strconv.Atoi(fmt.Sprint(v))
				if err == nil && n > maxPage {
					return tooMany(s.Alias+"."+name, n)
				}
				asked++
			}
			if asked == 2 {
				return fault.InvalidInput("graph.page", fault.Problem{Path: s.Alias, Code: "BOTH_ENDS",
					ZH: "first 和 last 只能给出一个", EN: "give either first or last, not both"})
			}
			inner = s.SelectionSet
		case *ast.InlineFragment:
			inner = s.SelectionSet
		case *ast.FragmentSpread:
			if seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			inner = s.Definition.SelectionSet
		}
		if err := checkPages(inner, variables, seen); err != nil {
			return err
		}
	}
	return nil
}
