package graph

import (
	"context"
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/internal/fault"
)

// maxTokens bounds the text of one operation.
const maxTokens = 10_000

// maxUpload bounds a request with a file, in bytes: the largest file that is
// taken, and the text around it.
const maxUpload = 51 << 20

// NewHandler serves the API over HTTP: POST, GET, and POST of files. Documents
// remembers operations by their hash (automatic persisted queries).
func NewHandler(r *Resolver, documents graphql.Cache[string]) http.Handler {
	return Serve(generated.NewExecutableSchema(generated.Config{Resolvers: r}), documents, once{r.Answers}, batches{r})
}

// Serve is NewHandler for any resolvers of the schema.
func Serve(schema graphql.ExecutableSchema, documents graphql.Cache[string], more ...graphql.HandlerExtension) http.Handler {
	srv := handler.New(schema)
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.AddTransport(transport.MultipartForm{MaxUploadSize: maxUpload, MaxMemory: 1}) // every file through the disk
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.SetParserTokenLimit(maxTokens)
	srv.Use(extension.Introspection{})
	srv.Use(extension.AutomaticPersistedQuery{Cache: documents})
	srv.Use(limits{})
	for _, extension := range more {
		srv.Use(extension)
	}
	srv.SetErrorPresenter(present)
	srv.SetRecoverFunc(func(_ context.Context, v any) error {
		return &fault.Error{Code: fault.Internal, Op: "graphql", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: fmt.Errorf("panic: %v", v)}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		srv.ServeHTTP(w, req.WithContext(WithLanguage(req.Context(), req.Header.Get("Accept-Language"))))
	})
}
