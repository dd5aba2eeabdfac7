package identity

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Middleware puts who acts into a request's context. A request without an
// Authorization header is an anonymous one; a header that is wrong is refused
// here, never taken for none, and next does not see the request. Tokens are
// judged on the real clock, also where the platform's dates are not.
func Middleware(verify Verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers, signedIn := r.Header["Authorization"]
		if !signedIn {
			next.ServeHTTP(w, r)
			return
		}
		token, ok := bearer(headers)
		if !ok {
			refuse(w, r, unauthenticated("Authorization 头须写作“Bearer 令牌”；匿名访问请去掉此头",
				"write the header as Authorization: Bearer TOKEN, or leave it out to be anonymous"))
			return
		}
		v, err := verify(token, time.Now())
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	})
}

// SignIn gives the context with who acts by an Authorization header's value: what
// Middleware does for a request, for a connection that carries many.
func SignIn(verify Verifier) func(ctx context.Context, authorization string) (context.Context, error) {
	return func(ctx context.Context, authorization string) (context.Context, error) {
		token, ok := bearer([]string{authorization})
		if !ok {
			return ctx, notOurs()
		}
		v, err := verify(token, time.Now())
		if err != nil {
			return ctx, err
		}
		return viewer.With(ctx, v), nil
	}
}

// bearer reads the token from the one Authorization header (RFC 6750, 2.1).
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.Trim(token, " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsAny(token, " \t,")
}

// refuse answers 401 in the form of a GraphQL error. It speaks to users itself,
// as graph/present.go does, because the request does not get that far.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Unauthenticated {
		f = notOurs() // a verifier that breaks its contract; its words stay inside
	}
	message := f.ZH
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "en") {
		message = f.EN
	}
	type extensions struct {
		Code     fault.Code `json:"code"`
		Op       string     `json:"op"`
		Problems []struct{} `json:"problems"`
	}
	type graphError struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	body := struct {
		Errors []graphError `json:"errors"`
	}{[]graphError{{message, extensions{f.Code, f.Op, []struct{}{}}}}}
	h := w.Header()
	h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}
