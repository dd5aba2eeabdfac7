package graph

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/graph/words"
	"github.com/onedoor/onedoor/internal/fault"
)

// Options are what the operator decides about the API.
type Options struct {
	// Documents remembers operations by their hash (automatic persisted queries).
	Documents graphql.Cache[string]
	// Trusted, when it is not nil, has all operations that are served.
	Trusted map[string]string
	// Production shows nobody the schema: no introspection, no suggestions.
	Production bool
	// Draft uses the status codes of the newer draft of GraphQL over HTTP.
	Draft bool
	// Origins are the other sites whose pages may use the API.
	Origins []string
	// SignIn gives the context with who acts by an authorization; nil where only the
	// request's own context counts.
	SignIn func(ctx context.Context, authorization string) (context.Context, error)
	// Enter counts the streams of an address and of who is signed in; see
	// protocol.Handler. Nil: there is no limit.
	Enter func(ctx context.Context) (leave func(), err error)
	// Caching is how answers are kept that everybody gets.
	Caching Caching
}

// Handler serves the API. Close ends its streams.
type Handler struct{ *protocol.Handler }

// ServeHTTP answers a request in its language.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Handler.ServeHTTP(w, r.WithContext(WithLanguage(r.Context(), r.Header.Get("Accept-Language"))))
}

// NewHandler serves the API over HTTP, server-sent events and WebSocket.
func NewHandler(r *Resolver, o Options) Handler {
	everybody := public{r, o.Caching}
	h := Serve(live{generated.NewExecutableSchema(generated.Config{Resolvers: r, Schema: schema()}), r}, o, once{r.Answers}, batches{r}, everybody)
	h.Public = everybody
	return h
}

// schema is the schema as it is served: with a description of everything, and without
// what the executor knows and we do not offer: the parts of an answer that comes in
// parts get lost for who takes one answer, and what tells the generator how to write
// Go is nothing for clients.
var schema = sync.OnceValue(func() *ast.Schema {
	s := *generated.NewExecutableSchema(generated.Config{}).Schema()
	s.Directives = maps.Clone(s.Directives)
	for _, name := range []string{"defer", "goField", "goModel"} {
		delete(s.Directives, name)
	}
	words.Describe(&s)
	return &s
})

// Serve is NewHandler for any resolvers of the schema.
func Serve(schema graphql.ExecutableSchema, o Options, more ...graphql.HandlerExtension) Handler {
	known := documents{lru.New[*ast.QueryDocument](maxKnown)}
	exec := executor.New(schema)
	exec.SetQueryCache(known)
	exec.SetParserTokenLimit(protocol.MaxTokens)
	exec.SetDefaultRulesFn(func() *rules.Rules { return validation(o.Production) })
	exec.SetDisableSuggestion(o.Production)
	if !o.Production {
		exec.Use(extension.Introspection{})
	}
	exec.Use(limits{})
	for _, extension := range more {
		exec.Use(extension)
	}
	exec.SetErrorPresenter(present)
	exec.SetRecoverFunc(func(_ context.Context, v any) error {
		return &fault.Error{Code: fault.Internal, Op: "graphql", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: fmt.Errorf("panic: %v", v)}
	})
	return Handler{&protocol.Handler{
		Exec:      exec,
		Documents: protocol.Documents{Cache: o.Documents, Trusted: o.Trusted},
		Known:     known,
		Hidden:    o.Production,
		Draft:     o.Draft,
		Origins:   o.Origins,
		SignIn:    o.SignIn,
		Enter:     o.Enter,
	}}
}

// What validated documents are kept, so that nobody can fill the memory with them.
const (
	maxKnown     = 300
	maxKnownText = 16 << 10 // bytes
)

// documents keeps validated documents, but not large ones.
type documents struct{ *lru.LRU[*ast.QueryDocument] }

// Add implements graphql.Cache.
func (d documents) Add(ctx context.Context, text string, document *ast.QueryDocument) {
	if len(text) <= maxKnownText {
		d.LRU.Add(ctx, text, document)
	}
}

// validation are the rules of validation. Quiet ones do not tell the names of the
// schema to who guesses at them. (The executor changes two more itself.)
func validation(quiet bool) *rules.Rules {
	r := rules.NewDefaultRules()
	r.RemoveRule(rules.SingleFieldSubscriptionsRule.Name)
	r.AddRule(oneRootField.Name, oneRootField.RuleFunc)
	if !quiet {
		return r
	}
	for suggesting, quiet := range map[string]core.Rule{
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		r.RemoveRule(suggesting)
		r.AddRule(quiet.Name, quiet.RuleFunc)
	}
	return r
}

// oneRootField refuses a subscription with two fields at its root, or with one that
// is no event. The library's rule takes one field under two names for one.
var oneRootField = core.Rule{Name: "OneRootField", RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
	observers.OnOperation(func(_ *core.Walker, op *ast.OperationDefinition) {
		if op.Operation != ast.Subscription {
			return
		}
		var first *ast.Field
		walked := map[string]bool{}
		var walk func(set ast.SelectionSet)
		walk = func(set ast.SelectionSet) {
			for _, selection := range set {
				switch s := selection.(type) {
				case *ast.Field:
					if first == nil {
						first = s
					}
					if s.Alias != first.Alias || strings.HasPrefix(s.Name, "__") {
						addError(core.Message("a subscription has one field at its root, which is an event"), core.At(s.Position))
					}
				case *ast.InlineFragment:
					walk(s.SelectionSet)
				case *ast.FragmentSpread:
					if !walked[s.Name] && s.Definition != nil {
						walked[s.Name] = true
						walk(s.Definition.SelectionSet)
					}
				}
			}
		}
		walk(op.SelectionSet)
	})
}}
