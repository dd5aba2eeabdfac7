package protocol

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/internal/fault"
)

// Documents are the operations that are known by an identifier.
type Documents struct {
	// Cache remembers the operations that clients send, by the SHA-256 of their text
	// (automatic persisted queries). Only what validates gets there.
	Cache graphql.Cache[string]
	// Trusted, when it is not nil, has all operations that are served, by identifier.
	Trusted map[string]string
}

// algorithm may stand before a hash, in a list as in a request.
const algorithm = "sha256:"

// ReadTrusted reads a list of operations: a JSON object of identifiers and texts,
// as Relay's compiler and GraphQL Code Generator write it, or a manifest of
// Apollo's. An identifier of 64 hexadecimal digits is the SHA-256 of its text.
func ReadTrusted(r io.Reader) (map[string]string, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Format     string `json:"format"`
		Operations []struct{ ID, Body string }
	}
	trusted := map[string]string{}
	if json.Unmarshal(text, &manifest) == nil && manifest.Format == "apollo-persisted-query-manifest" {
		for _, op := range manifest.Operations {
			trusted[op.ID] = op.Body
		}
	} else if err := json.Unmarshal(text, &trusted); err != nil {
		return nil, fmt.Errorf("is neither an object of identifiers and operations nor a manifest of Apollo's: %w", err)
	}
	if len(trusted) == 0 {
		return nil, fmt.Errorf("has no operation")
	}
	known := make(map[string]string, len(trusted))
	for id, text := range trusted {
		id = strings.TrimPrefix(id, algorithm)
		if isSHA256(id) && id != hashOf(text) {
			return nil, fmt.Errorf("%s is not the SHA-256 of its operation", id)
		}
		known[id] = text
	}
	return known, nil
}

func isSHA256(id string) bool {
	sum, err := hex.DecodeString(id)
	return err == nil && len(sum) == sha256.Size && strings.ToLower(id) == id
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// find puts the text of a request's operation in its place. What it gives is the
// hash under which a text that turns out to be valid is to be kept.
func (d Documents) find(ctx context.Context, q *request) (keep string, _ *refusal) {
	id, refused := identifier(q)
	if refused != nil {
		return "", refused
	}
	if d.Trusted != nil {
		return "", d.trust(id, q)
	}
	switch {
	case id == "":
		return "", nil
	case !isSHA256(id):
		return "", &refusal{err: invalid("PERSISTED_QUERY", "操作的标识须为其文字的 SHA-256（64 位小写十六进制）", "an operation is identified by the SHA-256 of its text: 64 hexadecimal digits in lower case")}
	case d.Cache == nil:
		return "", unknown()
	case q.Query == "":
		var ok bool
		if q.Query, ok = d.Cache.Get(ctx, id); !ok {
			return "", unknown()
		}
		return "", nil
	case hashOf(q.Query) != id:
		return "", &refusal{err: invalid("PERSISTED_QUERY", "sha256Hash 与 query 不符", "sha256Hash is not the SHA-256 of query")}
	}
	return id, nil
}

func unknown() *refusal {
	return &refusal{err: &gqlerror.Error{Message: "PersistedQueryNotFound", Extensions: map[string]any{"code": notFound}}}
}

// trust takes only what is on the list, by its identifier or its text.
func (d Documents) trust(id string, q *request) *refusal {
	text, ok := d.Trusted[id]
	if id == "" {
		id = hashOf(q.Query)
		if text, ok = d.Trusted[id]; !ok {
			for _, known := range d.Trusted { // under an identifier of another kind
				if known == q.Query {
					text, ok = known, true
				}
			}
		}
	}
	if !ok || q.Query != "" && q.Query != text {
		return &refusal{err: &fault.Error{Code: fault.Denied, Op: "protocol", ZH: "本服务只执行登记过的操作", EN: "this server executes registered operations only",
			Problems: []fault.Problem{{Path: "query", Code: "PERSISTED_QUERY_NOT_IN_LIST", ZH: "该操作未登记", EN: "the operation is not registered"}}}}
	}
	q.Query = text
	return nil
}

// identifier gives what a request calls its operation; nothing when it has only
// the text.
func identifier(q *request) (string, *refusal) {
	wrong := func() (string, *refusal) {
		return "", &refusal{err: invalid("PERSISTED_QUERY", "extensions.persistedQuery 须为 { version: 1, sha256Hash: \"…\" }", "extensions.persistedQuery is { version: 1, sha256Hash: \"…\" }")}
	}
	if q.document != "" {
		return strings.TrimPrefix(q.document, algorithm), nil
	}
	given, ok := q.Extensions["persistedQuery"]
	if !ok || given == nil {
		return "", nil
	}
	extension, _ := given.(map[string]any)
	id, isText := extension["sha256Hash"].(string)
	if fmt.Sprint(extension["version"]) != "1" || !isText || id == "" {
		return wrong()
	}
	return id, nil
}
