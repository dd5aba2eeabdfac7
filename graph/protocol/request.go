package protocol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/internal/fault"
)

// request is one request of GraphQL, however it came.
type request struct {
	graphql.RawParams
	document string   // an identifier in place of the text
	files    []string // on disk, until the request is done
	open     []io.Closer
}

func (q *request) close() {
	for _, f := range q.open {
		_ = f.Close()
	}
	for _, name := range q.files {
		_ = os.Remove(name)
	}
}

// read reads a request.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	q := &request{RawParams: graphql.RawParams{Headers: r.Header}}
	q.ReadTime.Start = graphql.Now()
	var refused *refusal
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		refused = h.readURL(q, r)
	case http.MethodPost:
		refused = h.readPost(q, w, r)
	default:
		refused = &refusal{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {allowed}},
			err: invalid("METHOD", "请用 GET 或 POST", "use GET or POST")}
	}
	q.ReadTime.End = graphql.Now()
	return q, refused
}

// taken are the forms in which a request may be posted.
const taken = "application/json, multipart/form-data"

func (h *Handler) readPost(q *request, w http.ResponseWriter, r *http.Request) *refusal {
	unsupported := func(zh, en string) *refusal {
		return &refusal{status: http.StatusUnsupportedMediaType, header: http.Header{"Accept": {taken}, "Accept-Post": {taken}, "Accept-Encoding": {"identity"}},
			err: invalid("MEDIA_TYPE", zh, en)}
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || len(r.Header.Values("Content-Type")) != 1 {
		return unsupported("请给出 Content-Type：application/json", "say Content-Type: application/json")
	}
	if charset, ok := parameters["charset"]; ok && !isUTF8(charset) {
		return unsupported("请求须为 UTF-8", "a request is in UTF-8")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unsupported("请求不得压缩", "a request is not compressed")
	}
	switch kind {
	case "application/json":
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return cutOff(err)
		}
		return h.readJSON(q, text)
	case "multipart/form-data":
		return h.readForm(q, w, r, parameters["boundary"])
	}
	return unsupported("Content-Type 须为 application/json 或 multipart/form-data", "Content-Type is application/json or multipart/form-data")
}

// cutOff is a body that could not be read to its end.
func cutOff(err error) *refusal {
	switch {
	case tooLarge(err):
		return &refusal{status: http.StatusRequestEntityTooLarge, header: http.Header{"Connection": {"close"}}, err: invalid("TOO_LARGE", "请求太大", "the request is too large")}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, header: http.Header{"Connection": {"close"}}, err: invalid("TOO_SLOW", "请求来得太慢", "the request came too slowly")}
	}
	return badRequest("BODY", "请求没有读完", "the request could not be read to its end")
}

// maxURL bounds the query of an address, in bytes. Headers have a bound of their
// own, and what is beyond both gets a 431 from the server.
const maxURL = 32 << 10

// readURL reads a request from the query of its address.
func (h *Handler) readURL(q *request, r *http.Request) *refusal {
	if len(r.URL.RawQuery) > maxURL {
		return &refusal{status: http.StatusRequestURITooLong, err: invalid("URL_TOO_LONG", "地址太长，请用 POST", "the address is too long; use POST")}
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("URL", "地址的查询部分无法解析", "the query of the address cannot be read")
	}
	object := map[string]json.RawMessage{}
	for _, name := range []string{"query", "operationName", "documentId", "variables", "extensions"} {
		switch given := values[name]; {
		case len(given) > 1:
			return badRequest("URL", name+" 只能给出一次", name+" is given once only")
		case len(given) == 0 || given[0] == "" && name != "query":
		case !utf8.ValidString(given[0]):
			return badRequest("NOT_UTF8", name+" 不是 UTF-8", name+" is not UTF-8")
		case name == "variables" || name == "extensions":
			if refused := checkJSON([]byte(given[0]), name); refused != nil {
				return refused
			}
			object[name] = json.RawMessage(given[0])
		default:
			object[name] = toJSON(given[0])
		}
	}
	return h.fill(q, object)
}

// readJSON reads a request from its body.
func (h *Handler) readJSON(q *request, text []byte) *refusal {
	if refused := checkJSON(text, "body"); refused != nil {
		return refused
	}
	var object map[string]json.RawMessage
	switch first := bytes.TrimLeft(text, " \t\r\n"); first[0] {
	case '{':
		if err := json.Unmarshal(text, &object); err != nil {
			return badRequest("JSON", "请求不是 JSON", "the request is not JSON")
		}
	case '[':
		return h.misshapen("BATCH", "一次请求只含一个操作，不接受批量", "one request holds one operation; batches are not taken")
	default:
		return h.misshapen("NOT_AN_OBJECT", "请求须为 JSON 对象", "the request is a JSON object")
	}
	return h.fill(q, object)
}

// checkJSON refuses what is not one JSON value in UTF-8.
func checkJSON(text []byte, what string) *refusal {
	switch {
	case !utf8.Valid(text):
		return badRequest("NOT_UTF8", what+" 不是 UTF-8", what+" is not UTF-8")
	case !json.Valid(text):
		return badRequest("JSON", what+" 不是 JSON", what+" is not JSON")
	case hasLoneSurrogate(text):
		return badRequest("NOT_UTF8", what+" 含有不成对的代理字符", what+" holds half of a surrogate pair")
	}
	return nil
}

// hasLoneSurrogate finds an escape in JSON that is half a character.
func hasLoneSurrogate(text []byte) bool {
	high := false // the last escape was the first half
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		i++
		if text[i] != 'u' {
			if high {
				return true
			}
			continue
		}
		v, _ := strconv.ParseUint(string(text[i+1:i+5]), 16, 16)
		i += 4
		isHigh, isLow := v>>10 == 0xD800>>10, v>>10 == 0xDC00>>10
		if high != isLow {
			return true
		}
		high = isHigh
	}
	return high
}

// fill takes the parameters of a request. Names count as they are spelled; others
// are left alone.
func (h *Handler) fill(q *request, object map[string]json.RawMessage) *refusal {
	texts := []struct {
		name string
		to   *string
	}{{"query", &q.Query}, {"operationName", &q.OperationName}, {"documentId", &q.document}}
	for _, t := range texts {
		if raw := object[t.name]; raw != nil && json.Unmarshal(raw, t.to) != nil {
			return h.misshapen("WRONG_TYPE", t.name+" 须为文字", t.name+" is a string")
		}
	}
	maps := []struct {
		name string
		to   *map[string]any
	}{{"variables", &q.Variables}, {"extensions", &q.Extensions}}
	for _, m := range maps {
		raw := object[m.name]
		if raw == nil {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if decoder.Decode(m.to) != nil {
			return h.misshapen("WRONG_TYPE", m.name+" 须为 JSON 对象", m.name+" is a JSON object")
		}
	}
	for name, value := range q.Variables {
		q.Variables[name] = plainNumbers(value)
	}
	// An empty text is one, and does not parse.
	hasQuery := object["query"] != nil && !bytes.Equal(object["query"], []byte("null"))
	if !hasQuery && q.document == "" && q.Extensions["persistedQuery"] == nil {
		return h.misshapen("NO_QUERY", "缺少 query", "query is missing")
	}
	return nil
}

// exactDigits are as many as a float keeps.
const exactDigits = 15

// plainNumbers writes whole numbers without a fraction: to JSON, 3.0 and 3e0 are
// the number 3, and an Int takes it.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = plainNumbers(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = plainNumbers(inner)
		}
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") || len(v) > exactDigits {
			return v
		}
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return json.Number(strconv.FormatInt(int64(f), 10))
		}
	}
	return value
}

// prepare gives the operation of a request that may be executed. Nothing has been
// validated before the request was measured.
func (h *Handler) prepare(ctx context.Context, q *request) (*graphql.OperationContext, *refusal) {
	keep, refused := h.Documents.find(ctx, q)
	if refused != nil {
		return nil, refused
	}
	if refused := h.measure(ctx, q.Query); refused != nil {
		return nil, refused
	}
	op, errs := h.Exec.CreateOperationContext(ctx, &q.RawParams)
	if len(errs) > 0 {
		refused := &refusal{}
		for _, e := range errs {
			refused.errs = append(refused.errs, e)
			refused.parse = refused.parse || e.Extensions["code"] == errcode.ParseFailed
		}
		return nil, refused
	}
	if keep != "" {
		h.Documents.Cache.Add(ctx, keep, q.Query)
	}
	return op, nil
}

// limited bounds the time of queries and mutations. A subscription ends when its
// client does.
func (h *Handler) limited(ctx context.Context, op *graphql.OperationContext) (context.Context, context.CancelFunc) {
	if op.Operation.Operation == ast.Subscription {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, h.answerTime(), fault.New(fault.Unavailable, "protocol", "未能及时处理", "no answer in time"))
}
