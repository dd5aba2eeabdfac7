package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/internal/fault"
)

const (
	// maxErrors bounds the errors of an answer. Those of a request with the same
	// words are one, with all their places.
	maxErrors = 20
	// maxFieldErrors bounds those of an execution: nodes gives one for each.
	maxFieldErrors = 100
)

// notFound is the code by which clients know that they must send an operation's
// text (automatic persisted queries).
const notFound = "PERSISTED_QUERY_NOT_FOUND"

// answer writes what an execution has given. An answer without data is that of a
// request that was refused before its first field.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, f form, response *graphql.Response) {
	if response == nil { // the client has gone, or its time is over
		h.refuse(w, r, f, &refusal{status: http.StatusServiceUnavailable, err: noAnswer()})
		return
	}
	status := http.StatusOK
	switch {
	case response.Data == nil:
		status = h.statusOf(f, codeOf(response.Errors), false)
	case h.Draft && len(response.Errors) > 0:
		status = statusPartialSuccess
	}
	h.write(w, r, f, status, body(response))
}

func noAnswer() error {
	return fault.New(fault.Unavailable, "protocol", "未能及时处理，请重试", "no answer in time; try again")
}

// statusPartialSuccess is of the newer draft: executed, with errors.
const statusPartialSuccess = 294

// codeOf gives the code of an answer's first error.
func codeOf(errs gqlerror.List) fault.Code {
	if len(errs) == 0 {
		return fault.Invalid
	}
	return fault.Code(fmt.Sprint(errs[0].Extensions["code"]))
}

// statusOf gives the status of a request of GraphQL that is not executed. Older
// clients trust nothing but a 200.
func (h *Handler) statusOf(f form, code fault.Code, parse bool) int {
	if f.media != graphJSON && !h.Draft {
		return http.StatusOK
	}
	switch code {
	case notFound:
		return http.StatusNotFound
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	if h.Draft && !parse {
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadRequest
}

// refuse answers a request that is not executed.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, f form, refused *refusal) {
	response := h.refused(r.Context(), refused)
	status := refused.status
	if status == 0 {
		status = h.statusOf(f, codeOf(response.Errors), refused.parse)
	}
	maps.Copy(w.Header(), refused.header)
	h.write(w, r, f, status, body(response))
}

// refused is the answer to what is not executed, in the words for users.
func (h *Handler) refused(ctx context.Context, refused *refusal) *graphql.Response {
	return h.Exec.DispatchError(ctx, merge(refused.all()))
}

// merge makes one error of those with the same words, so that a small request
// cannot ask for a large answer.
func merge(errs []error) gqlerror.List {
	var list gqlerror.List
	seen := map[string]*gqlerror.Error{}
	for _, err := range errs {
		e := gqlerror.WrapIfUnwrapped(err)
		before := seen[e.Message]
		switch {
		case before != nil && e.Err == nil:
			if len(before.Locations) < maxErrors {
				before.Locations = append(before.Locations, e.Locations...)
			}
		case len(list) < maxErrors:
			seen[e.Message] = e
			list = append(list, e)
		}
	}
	return list
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, f form, status int, text []byte) {
	media := plainJSON
	switch {
	case f.media == graphJSON:
		media = graphJSON
	case h.Draft && f.media == plainJSON && status >= 300: // an older client trusts no other answer, and so is told what it is
		media = graphJSON
	}
	header := w.Header()
	header.Set("Content-Type", media+"; charset=utf-8")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // a client that is gone needs no answer
	}
}

// body is the text of an answer.
func body(response *graphql.Response) []byte {
	return appendBody(make([]byte, 0, len(response.Data)+64), response)
}

// appendBody appends the text of an answer. The data is written as it is: the
// executor has made JSON of it.
func appendBody(to []byte, response *graphql.Response) []byte {
	to = append(to, '{')
	separator := ""
	part := func(name string, value []byte) {
		to = append(append(append(to, separator...), name...), value...)
		separator = ","
	}
	if errs := response.Errors; len(errs) > 0 {
		part(`"errors":`, toJSON(errs[:min(len(errs), maxFieldErrors)]))
	}
	if response.Data != nil {
		part(`"data":`, response.Data)
	}
	if len(response.Extensions) > 0 {
		part(`"extensions":`, toJSON(response.Extensions))
	}
	return append(to, '}')
}

func toJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // errors and extensions are made of plain values
	}
	return text
}

// tooLarge says whether a body was cut off because of its size.
func tooLarge(err error) bool {
	var cut *http.MaxBytesError
	return errors.As(err, &cut) || err != nil && strings.Contains(err.Error(), "http: request body too large")
}
