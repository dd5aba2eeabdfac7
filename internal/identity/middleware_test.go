package identity_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

// who answers who acts.
var who = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	v := viewer.From(r.Context())
	_, _ = fmt.Fprintf(w, "%s %s %s %s", v.Subject, v.Role, v.Department, v.Region)
})

func send(handler http.Handler, language string, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	issuer := open(t, t.TempDir())
	handler := identity.Middleware(issuer.Verify, who)
	token := mint(t, issuer, reviewer, time.Now())
	old := mint(t, issuer, reviewer, time.Now().Add(-24*time.Hour))
	const acts = "王审 REVIEWER samr 330205"

	for name, c := range map[string]struct {
		authorization []string
		want          string
	}{
		"nobody":        {nil, "   "},
		"somebody":      {[]string{"Bearer " + token}, acts},
		"small letters": {[]string{"bearer " + token}, acts},
		"two blanks":    {[]string{"Bearer  " + token}, acts},
	} {
		w := send(handler, "", c.authorization...)
		if w.Code != http.StatusOK || w.Body.String() != c.want {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}

	const (
		headerZH = "Authorization 头须写作“Bearer 令牌”；匿名访问请去掉此头"
		headerEN = "write the header as Authorization: Bearer TOKEN, or leave it out to be anonymous"
		tokenZH  = "令牌已损坏，或不是由本平台认可的签发方签发，请重新获取令牌"
	)
	for name, c := range map[string]struct {
		language      string
		authorization []string
		message       string
	}{
		"empty header":     {"", []string{""}, headerZH},
		"another scheme":   {"zh-CN,en;q=0.5", []string{"Basic YTpi"}, headerZH},
		"no scheme":        {"en", []string{token}, headerEN},
		"no token":         {"en-GB", []string{"Bearer "}, headerEN},
		"scheme alone":     {" EN", []string{"Bearer"}, headerEN},
		"two tokens":       {"", []string{"Bearer " + token + " " + token}, headerZH},
		"a list":           {"", []string{"Bearer " + token + ",Basic"}, headerZH},
		"two headers":      {"", []string{"Bearer " + token, "Bearer " + token}, headerZH},
		"bad token":        {"", []string{"Bearer x.y.z"}, tokenZH},
		"expired":          {"", []string{"Bearer " + old}, "令牌已过期，请重新获取令牌"},
		"expired, English": {"en-US,zh;q=0.5", []string{"Bearer " + old}, "the token has expired; get a new token"},
	} {
		checkRefused(t, name, send(handler, c.language, c.authorization...), c.message)
	}

	broken := func(string, time.Time) (viewer.Viewer, error) { return reviewer, errors.New("inner words") }
	checkRefused(t, "broken verifier", send(identity.Middleware(broken, who), "", "Bearer x"), tokenZH)
}

func checkRefused(t *testing.T, name string, w *httptest.ResponseRecorder, message string) {
	t.Helper()
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%s: answered %d", name, w.Code)
	}
	wantHeader := http.Header{
		"Www-Authenticate": {`Bearer error="invalid_token"`},
		"Content-Type":     {"application/json; charset=utf-8"},
		"Cache-Control":    {"no-store"},
	}
	if diff := cmp.Diff(wantHeader, w.Header()); diff != "" {
		t.Errorf("%s: headers (-want +got):\n%s", name, diff)
	}
	body := `{"errors":[{"message":"` + message + `","extensions":{"code":"UNAUTHENTICATED","op":"identity.Verify","problems":[]}}]}` + "\n"
	if diff := cmp.Diff(body, w.Body.String()); diff != "" {
		t.Errorf("%s: body (-want +got):\n%s", name, diff)
	}
}
