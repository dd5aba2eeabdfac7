package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

var (
	now      = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	reviewer = viewer.Viewer{Subject: "王审", Role: viewer.Reviewer, Department: "samr", Region: "330205"}
)

func open(t *testing.T, dir string) *identity.Issuer {
	t.Helper()
	issuer, err := identity.OpenIssuer(dir)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func mint(t *testing.T, issuer *identity.Issuer, v viewer.Viewer, at time.Time) string {
	t.Helper()
	token, err := issuer.Mint(v, at, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestMintedTokensAreVerified(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	minter, verifier := open(t, dir), open(t, dir)
	want := []viewer.Viewer{reviewer}
	for _, role := range viewer.Roles {
		if !role.NeedsDepartment() {
			want = append(want, viewer.Viewer{Subject: "li", Role: role})
		}
	}
	for _, v := range want {
		got, err := verifier.Verify(mint(t, minter, v, now), now)
		if err != nil {
			t.Errorf("%s: %v", v.Role, err)
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.Role, diff)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	issuer := open(t, t.TempDir())
	read := func(part int, token string) map[string]any {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	token := mint(t, issuer, reviewer, now)
	if diff := cmp.Diff(map[string]any{"alg": "EdDSA", "typ": "JWT"}, read(0, token)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	claims := read(1, token)
	id, _ := claims["jti"].(string)
	delete(claims, "jti")
	want := map[string]any{
		"iss": "onedoor-dev", "aud": []any{"onedoor"}, "sub": "王审", "role": "REVIEWER", "department": "samr", "region": "330205",
		"iat": float64(now.Unix()), "exp": float64(now.Add(time.Hour).Unix()),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if other := read(1, mint(t, issuer, reviewer, now))["jti"]; id == "" || other == id {
		t.Errorf("the ids of two tokens are %q and %q", id, other)
	}
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	issuer := open(t, t.TempDir())
	for name, c := range map[string]struct {
		v        viewer.Viewer
		lifetime time.Duration
	}{
		"no subject":    {viewer.Viewer{Subject: " ", Role: viewer.Window}, time.Hour},
		"no role":       {viewer.Viewer{Subject: "li"}, time.Hour},
		"unknown role":  {viewer.Viewer{Subject: "li", Role: "window"}, time.Hour},
		"no department": {viewer.Viewer{Subject: "li", Role: viewer.Reviewer}, time.Hour},
		"no lifetime":   {reviewer, 0},
		"no whole time": {reviewer, time.Second - 1},
		"too long":      {viewer.Viewer{Subject: strings.Repeat("x", 8<<10), Role: viewer.Window}, time.Hour},
	} {
		if token, err := issuer.Mint(c.v, now, c.lifetime); token != "" || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %q, %v", name, token, err)
		}
	}
}

func TestVerifyAtInstants(t *testing.T) {
	t.Parallel()
	issuer := open(t, t.TempDir())
	token := mint(t, issuer, reviewer, now)
	for after, reason := range map[time.Duration]string{
		-31 * time.Second:             "not valid yet",
		-30 * time.Second:             "",
		0:                             "",
		time.Hour + 29*time.Second:    "",
		time.Hour + 30*time.Second:    "has expired; get a new token",
		365 * 24 * time.Hour:          "has expired; get a new token",
		-365 * 24 * time.Hour:         "not valid yet",
		time.Hour - time.Nanosecond:   "",
		-30*time.Second + time.Second: "",
	} {
		_, err := issuer.Verify(token, now.Add(after))
		switch {
		case reason == "" && err != nil:
			t.Errorf("after %v: %v", after, err)
		case reason != "":
			checkRefusal(t, after.String(), token, err, reason)
		}
	}
}

// checkRefusal expects a fault with a reason, words in both languages, and
// nothing of the token.
func checkRefusal(t *testing.T, name, token string, err error, reason string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Unauthenticated || f.Op != "identity.Verify" {
		t.Errorf("%s: got %v", name, err)
		return
	}
	if f.ZH == "" || !strings.Contains(f.EN, reason) {
		t.Errorf("%s: said %q, %q, not %q", name, f.ZH, f.EN, reason)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part[:8]) {
			t.Errorf("%s: the error holds the token: %v", name, err)
		}
	}
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuer := open(t, dir)
	key := keyOf(t, dir)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	strangerJWK, err := jwk.Import(stranger.Public())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	claims := func(changes map[string]any) []byte {
		all := map[string]any{
			"iss": "onedoor-dev", "aud": "onedoor", "sub": "li", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
			"role": "REVIEWER", "department": "samr",
		}
		maps.Copy(all, changes)
		maps.DeleteFunc(all, func(_ string, value any) bool { return value == "absent" })
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	type headers = map[string]any
	sign := func(alg jwa.SignatureAlgorithm, key any, header headers, payload []byte) string {
		h := jws.NewHeaders()
		for name, value := range header {
			if err := h.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		var option jws.SignOption = jws.WithKey(alg, key, jws.WithProtectedHeaders(h))
		if alg == jwa.NoSignature() {
			option = jws.WithInsecureNoSignature()
		}
		token, err := jws.Sign(payload, option)
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	}
	ours := func(changes map[string]any) string { return sign(jwa.EdDSA(), key, nil, claims(changes)) }
	// raw signs with our key under a header that the library would not write.
	raw := func(header string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims(nil))
		return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
	}
	good := ours(nil)
	if _, err := issuer.Verify(good, now); err != nil {
		t.Fatalf("the token that the forged ones differ from: %v", err)
	}
	if _, err := issuer.Verify(raw(`{"alg":"EdDSA"}`), now); err != nil {
		t.Fatalf("the raw token that the forged ones differ from: %v", err)
	}
	if _, err := issuer.Verify(ours(map[string]any{"aud": []string{"another", "onedoor"}, "nbf": now.Add(20 * time.Second).Unix()}), now); err != nil {
		t.Errorf("one of several audiences, and nbf within the leeway: %v", err)
	}
	parts := strings.Split(good, ".")
	otherClaims := base64.RawURLEncoding.EncodeToString(claims(map[string]any{"role": "ADMIN"}))

	const damaged, elsewhere = "the token is damaged, or not signed by", "was not issued for this platform"
	for name, c := range map[string]struct{ token, reason string }{
		"empty":                  {"", damaged},
		"blank":                  {" ", damaged},
		"dots":                   {"..", damaged},
		"nonsense":               {"a.b.c", damaged},
		"claims alone":           {string(claims(nil)), damaged},
		"truncated":              {good[:len(good)-20], damaged},
		"no signature":           {parts[0] + "." + parts[1] + ".", damaged},
		"two parts":              {parts[0] + "." + parts[1], damaged},
		"four parts":             {good + "." + parts[2], damaged},
		"claims exchanged":       {parts[0] + "." + otherClaims + "." + parts[2], damaged},
		"wrong key":              {sign(jwa.EdDSA(), stranger, nil, claims(nil)), damaged},
		"wrong key, enclosed":    {sign(jwa.EdDSA(), stranger, headers{"jwk": strangerJWK}, claims(nil)), damaged},
		"alg none":               {sign(jwa.NoSignature(), nil, nil, claims(nil)), damaged},
		"alg none, signed":       {raw(`{"alg":"none"}`), damaged},
		"alg HS256, signed":      {raw(`{"alg":"HS256"}`), damaged},
		"alg missing":            {raw(`{"typ":"JWT"}`), damaged},
		"HS256 by public key":    {sign(jwa.HS256(), []byte(key.Public().(ed25519.PublicKey)), nil, claims(nil)), damaged},
		"HS256 by public PEM":    {sign(jwa.HS256(), publicPEM, nil, claims(nil)), damaged},
		"unknown extension":      {raw(`{"alg":"EdDSA","crit":["x"],"x":1}`), damaged},
		"JSON form":              {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, damaged},
		"claims are no object":   {sign(jwa.EdDSA(), key, nil, []byte(`["role"]`)), damaged},
		"claims are null":        {sign(jwa.EdDSA(), key, nil, []byte(`null`)), ""},
		"token in a token":       {sign(jwa.EdDSA(), key, headers{"cty": "JWT"}, []byte(good)), damaged},
		"9 KiB":                  {ours(map[string]any{"region": strings.Repeat("3", 9<<10*3/4)}), "longer than 8 KiB"},
		"9 KiB of nothing":       {strings.Repeat("x", 9<<10), "longer than 8 KiB"},
		"expired":                {ours(map[string]any{"exp": now.Add(-time.Hour).Unix()}), "has expired"},
		"never expires":          {ours(map[string]any{"exp": "absent"}), "lacks its issuer, audience or expiry"},
		"expiry is no time":      {ours(map[string]any{"exp": []int{1}}), damaged},
		"future nbf":             {ours(map[string]any{"nbf": now.Add(time.Hour).Unix()}), "not valid yet"},
		"future iat":             {ours(map[string]any{"iat": now.Add(time.Hour).Unix()}), "not valid yet"},
		"wrong aud":              {ours(map[string]any{"aud": "another"}), elsewhere},
		"no aud":                 {ours(map[string]any{"aud": "absent"}), elsewhere},
		"wrong iss":              {ours(map[string]any{"iss": "onedoor"}), elsewhere},
		"no iss":                 {ours(map[string]any{"iss": "absent"}), ""},
		"no sub":                 {ours(map[string]any{"sub": "absent"}), "subject is missing"},
		"empty sub":              {ours(map[string]any{"sub": ""}), "subject is missing"},
		"null sub":               {ours(map[string]any{"sub": nil}), "subject is missing"},
		"no role":                {ours(map[string]any{"role": "absent"}), "role is none of APPLICANT, AGENT,"},
		"unknown role":           {ours(map[string]any{"role": "GOD"}), "role is none of APPLICANT, AGENT,"},
		"role in small letters":  {ours(map[string]any{"role": "admin"}), "role is none of APPLICANT, AGENT,"},
		"role is a list":         {ours(map[string]any{"role": []string{"ADMIN"}}), damaged},
		"reviewer of nothing":    {ours(map[string]any{"department": "absent"}), "department is missing"},
		"reviewer of a blank":    {ours(map[string]any{"department": " "}), "department is missing"},
		"department is a number": {ours(map[string]any{"department": 7}), damaged},
	} {
		v, err := issuer.Verify(c.token, now)
		checkRefusal(t, name, c.token, err, c.reason)
		if !v.Anonymous() {
			t.Errorf("%s: %v acts", name, v)
		}
	}
}

// keyOf reads an issuer's key as another program would.
func keyOf(t *testing.T, dir string) ed25519.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "identity.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		t.Fatalf("the key file is no PEM of one PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PrivateKey)
}

func TestOpenIssuerAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	const n = 20
	tokens, errs := make([]string, n), make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			var issuer *identity.Issuer
			if issuer, errs[i] = identity.OpenIssuer(dir); errs[i] == nil {
				tokens[i], errs[i] = issuer.Mint(reviewer, now, time.Hour)
			}
		})
	}
	close(start)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	last := open(t, dir)
	for i, token := range tokens {
		if _, err := last.Verify(token, now); err != nil {
			t.Errorf("issuer %d has another key: %v", i, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "identity.key" {
		t.Errorf("the folder holds %v", entries)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the key's mode is %v", info.Mode())
	}
}

func TestOpenIssuerRefuses(t *testing.T) {
	t.Parallel()
	_, good, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key crypto.PrivateKey) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	for name, c := range map[string]struct {
		text   []byte
		mode   os.FileMode
		reason string
	}{
		"empty":              {nil, 0o600, `holds no PEM block "PRIVATE KEY"`},
		"no PEM":             {[]byte("secret"), 0o600, `holds no PEM block "PRIVATE KEY"`},
		"cut off":            {pkcs8(good)[:60], 0o600, `holds no PEM block "PRIVATE KEY"`},
		"another block":      {[]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), 0o600, `holds no PEM block "PRIVATE KEY"`},
		"no key":             {[]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600, "holds no PKCS#8 key"},
		"another kind":       {pkcs8(other), 0o600, "holds a key that is not Ed25519"},
		"readable by all":    {pkcs8(good), 0o644, "other users may read or change it (mode 0644); chmod 600 it"},
		"readable by group":  {pkcs8(good), 0o640, "other users may read or change it (mode 0640); chmod 600 it"},
		"changeable by some": {pkcs8(good), 0o620, "other users may read or change it (mode 0620); chmod 600 it"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "identity.key")
		if err := errors.Join(os.WriteFile(path, c.text, 0o600), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		checkOneLine(t, name, dir, path, c.reason)
		if text, err := os.ReadFile(path); err != nil || string(text) != string(c.text) {
			t.Errorf("%s: the file was changed", name)
		}
	}

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "identity.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	checkOneLine(t, "a folder", dir, dir, "is not a file")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checkOneLine(t, "data is a file", file, file, "not a directory")
}

// checkOneLine expects OpenIssuer to refuse in a line that names the place.
func checkOneLine(t *testing.T, name, dir, place, reason string) {
	t.Helper()
	_, err := identity.OpenIssuer(dir)
	if err == nil {
		t.Errorf("%s: opened", name)
		return
	}
	text := err.Error()
	if !strings.Contains(text, place) || !strings.Contains(text, reason) || strings.Contains(text, "\n") {
		t.Errorf("%s: said %q, not %q", name, text, reason)
	}
}
