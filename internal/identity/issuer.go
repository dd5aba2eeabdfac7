package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// issuerName is the local issuer in its tokens.
const issuerName = "onedoor-dev"

// Issuer is the local one, for development: who can read its key can act as
// anybody.
type Issuer struct {
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	signed  *lru.Cache[string, jwt.Token] // tokens whose signature has been verified
}

// maxSigned is how many tokens need not have their signature verified again.
const maxSigned = 8192

// OpenIssuer reads the issuer's key from identity.key in a folder, and makes
// both on first use. All issuers of a folder have one key, also those that are
// opened at the same instant by different processes.
func OpenIssuer(dir string) (*Issuer, error) {
	private, err := openKey(dir)
	if err != nil {
		return nil, fmt.Errorf("identity.OpenIssuer: %w", err)
	}
	signed, err := lru.New[string, jwt.Token](maxSigned)
	if err != nil {
		return nil, fmt.Errorf("identity.OpenIssuer: %w", err)
	}
	return &Issuer{private: private, public: private.Public().(ed25519.PublicKey), signed: signed}, nil
}

// Mint makes a token by which v acts from now on for a lifetime, counted in
// whole seconds. It makes none that Verify would refuse: that is an INVALID
// fault.
func (i *Issuer) Mint(v viewer.Viewer, now time.Time, lifetime time.Duration) (string, error) {
	const op = "identity.Mint"
	if zh, en := refusal(v); en != "" {
		return "", fault.New(fault.Invalid, op, "令牌"+zh, "the token's "+en)
	}
	if lifetime < time.Second {
		return "", fault.New(fault.Invalid, op, "令牌的有效期至少须为 1 秒", "the token's lifetime is shorter than a second")
	}
	claims := jwt.NewBuilder().
		Issuer(issuerName).
		Audience([]string{Audience}).
		Subject(v.Subject).
		IssuedAt(now).
		Expiration(now.Add(lifetime)).
		JwtID(rand.Text()).
		Claim("role", string(v.Role))
	if v.Department != "" {
		claims.Claim("department", v.Department)
	}
	if v.Region != "" {
		claims.Claim("region", v.Region)
	}
	token, err := claims.Build()
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.EdDSA(), i.private))
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	if len(signed) > maxToken {
		return "", fault.New(fault.Invalid, op, "令牌超过 8 KiB，请缩短持有人、部门或区域", "the token is longer than 8 KiB; shorten its subject, department or region")
	}
	return string(signed), nil
}

// Verify judges a token of this issuer. It is a Verifier.
func (i *Issuer) Verify(token string, now time.Time) (viewer.Viewer, error) {
	if len(token) > maxToken {
		return viewer.Viewer{}, unauthenticated("令牌超过 8 KiB，请重新获取令牌", "the token is longer than 8 KiB; get a new token")
	}
	signed, known := i.signed.Get(token)
	if !known {
		var err error
		if signed, err = i.read(token); err != nil {
			return viewer.Viewer{}, notOurs() // the library's words may quote the token
		}
		i.signed.Add(strings.Clone(token), signed) // without the header that it is a part of
	}
	return judge(signed, issuerName, now)
}

// read verifies a token's signature. The algorithm is ours to choose: a header that
// names another is refused, and so is one with extensions (crit, b64). Keys in the
// header are not looked at.
func (i *Issuer) read(token string) (jwt.Token, error) {
	claims, err := jws.VerifyCompactFast(i.public, []byte(token), jwa.EdDSA())
	if err != nil {
		return nil, err
	}
	signed := jwt.New()
	return signed, json.Unmarshal(claims, signed)
}
