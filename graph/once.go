package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Answers keeps the answers to requests that may be sent again.
type Answers interface {
	// Answer gives the whole answer that a request has had; nil when it has had
	// none. A key that was used for another request is a CONFLICT.
	Answer(ctx context.Context, o viewer.Once) (answer []byte, err error)
	// SaveAnswer keeps the whole answer of a request; the first one stays.
	SaveAnswer(ctx context.Context, o viewer.Once, answer []byte) error
}

// keyHeader is the header by which a client says that it may send a mutation
// again: its effect is had once, and the answer is that of the first time.
const keyHeader = "Idempotency-Key"

// maxKey bounds a client's key.
const maxKey = 255

// saveTime is how long the answer may take to be kept, also when the client has
// gone already.
const saveTime = 5 * time.Second

// once makes mutations with a key safe to send again. The effect of each root
// field is the store's to have once; here the whole answer is given again.
type once struct{ answers Answers }

type onceIn struct{}

// ExtensionName names the extension.
func (once) ExtensionName() string { return "Once" }

// Validate accepts every schema.
func (once) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation gives the answer that the request had before, or keeps the
// one that it has now.
func (e once) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	values := op.Headers.Values(keyHeader)
	if op.Operation.Operation != ast.Mutation || len(values) == 0 {
		return next(ctx)
	}
	o, err := onceOf(op, viewer.From(ctx), values)
	if err != nil {
		return refused(ctx, err)
	}
	before, err := e.answers.Answer(ctx, o)
	if err != nil {
		return refused(ctx, err)
	}
	if before != nil {
		return graphql.OneShot(&graphql.Response{Data: before})
	}
	respond := next(context.WithValue(ctx, onceIn{}, o))
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		if response != nil && len(response.Errors) == 0 && !showsSecret(op.Operation) {
			e.save(ctx, o, response.Data)
		}
		return response
	}
}

// InterceptRootField gives each root field a key of its own.
func (once) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if o, ok := ctx.Value(onceIn{}).(viewer.Once); ok {
		o.Key += " " + graphql.GetRootFieldContext(ctx).Field.Alias
		ctx = viewer.WithOnce(ctx, o)
	}
	return next(ctx)
}

// showsSecret says that an answer tells a secret, which is not kept in clear: who
// sends the request again has it read anew.
func showsSecret(op *ast.OperationDefinition) bool {
	var shows func(set ast.SelectionSet) bool
	shows = func(set ast.SelectionSet) bool {
		return slices.ContainsFunc(set, func(s ast.Selection) bool {
			switch s := s.(type) {
			case *ast.Field:
				return s.Name == "createWebhook" || s.Name == "rotateWebhookSecret"
			case *ast.InlineFragment:
				return shows(s.SelectionSet)
			case *ast.FragmentSpread:
				return shows(s.Definition.SelectionSet)
			}
			return false
		})
	}
	return shows(op.SelectionSet)
}

// save keeps an answer. Without it, a request that is sent again reads its
// answer anew, which differs only in what has changed since.
func (e once) save(ctx context.Context, o viewer.Once, answer []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	if err := e.answers.SaveAnswer(ctx, o, answer); err != nil {
		slog.WarnContext(ctx, "an answer to a request with an Idempotency-Key is not kept", "error", err)
	}
}

func refused(ctx context.Context, err error) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, err)}})
}

// onceOf reads the key of a request. Keys are the viewer's own: nobody meets
// another's. The client's key has no space, and the names are quoted, so that no
// two are spelled the same.
func onceOf(op *graphql.OperationContext, v viewer.Viewer, values []string) (viewer.Once, error) {
	if len(values) != 1 || !isKey(values[0]) {
		return viewer.Once{}, fault.InvalidInput("graph.once", fault.Problem{Path: keyHeader, Code: "BAD_IDEMPOTENCY_KEY",
			ZH: fmt.Sprintf("须为 1 至 %d 个可见 ASCII 字符，且只给一个", maxKey), EN: fmt.Sprintf("is one key of 1 to %d visible ASCII characters", maxKey)})
	}
	request, err := fingerprint(op)
	if err != nil {
		return viewer.Once{}, err
	}
	return viewer.Once{Key: fmt.Sprintf("%q %s %q %s", v.Subject, v.Role, v.Department, values[0]), Request: request}, nil
}

func isKey(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= maxKey
}

// fingerprint is the SHA-256 of what is asked: the operation's text and name, and
// its variables, in which a file counts by its name and content.
func fingerprint(op *graphql.OperationContext) (string, error) {
	variables, err := withoutFiles(op.Variables)
	if err != nil {
		return "", fmt.Errorf("graph.fingerprint: %w", err)
	}
	text, err := json.Marshal([]any{op.RawQuery, op.OperationName, variables}) // the keys of objects in order
	if err != nil {
		return "", fmt.Errorf("graph.fingerprint: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// withoutFiles puts the name and SHA-256 of each file in its place, and leaves
// the files at their beginning.
func withoutFiles(v any) (any, error) {
	switch v := v.(type) {
	case graphql.Upload:
		hash := sha256.New()
		if _, err := io.Copy(hash, v.File); err != nil {
			return nil, err
		}
		_, err := v.File.Seek(0, io.SeekStart)
		return map[string]string{"name": v.Filename, "sha256": hex.EncodeToString(hash.Sum(nil))}, err
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			var err error
			if out[key], err = withoutFiles(value); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			var err error
			if out[i], err = withoutFiles(value); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}
