// Package identity says who is acting: it reads the bearer token of a request,
// and mints tokens for development.
package identity

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Audience is whom tokens are for.
const Audience = "onedoor"

const (
	maxToken = 8 << 10          // bytes
	leeway   = 30 * time.Second // by which the clocks of issuer and platform may differ
)

// Verifier judges a token at an instant and says who acts by it: never the
// anonymous viewer. Every error is an UNAUTHENTICATED fault, fit for the user's
// eyes, that does not hold the token. (*Issuer).Verify is one; that of an OIDC
// issuer will be another, and its work after the signature is judge's.
type Verifier func(token string, now time.Time) (viewer.Viewer, error)

// unauthenticated makes the fault of a token that is refused.
func unauthenticated(zh, en string) *fault.Error {
	return fault.New(fault.Unauthenticated, "identity.Verify", zh, en)
}

func notOurs() *fault.Error {
	return unauthenticated("令牌已损坏，或不是由本平台认可的签发方签发，请重新获取令牌",
		"the token is damaged, or not signed by an issuer that this platform trusts; get a new token")
}

// judge reads a token whose signature has been verified.
func judge(token jwt.Token, issuer string, now time.Time) (viewer.Viewer, error) {
	err := jwt.Validate(token,
		jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })),
		jwt.WithAcceptableSkew(leeway),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey),
	)
	switch {
	case err == nil:
	case errors.Is(err, jwt.TokenExpiredError()):
		return viewer.Viewer{}, unauthenticated("令牌已过期，请重新获取令牌", "the token has expired; get a new token")
	case errors.Is(err, jwt.TokenNotYetValidError()), errors.Is(err, jwt.InvalidIssuedAtError()):
		return viewer.Viewer{}, unauthenticated("令牌尚未生效，请稍后再试，或校准签发方的时钟",
			"the token is not valid yet; try again later, or set the issuer's clock right")
	case errors.Is(err, jwt.InvalidIssuerError()), errors.Is(err, jwt.InvalidAudienceError()):
		return viewer.Viewer{}, unauthenticated("令牌不是为本平台签发的，请获取本平台的令牌",
			"the token was not issued for this platform; get one that is")
	default: // a claim is missing
		return viewer.Viewer{}, unauthenticated("令牌缺少签发方、受众或有效期，请重新获取令牌",
			"the token lacks its issuer, audience or expiry; get a new token")
	}
	v, ok := viewerOf(token)
	if !ok {
		return viewer.Viewer{}, notOurs()
	}
	if zh, en := refusal(v); en != "" {
		return viewer.Viewer{}, unauthenticated("令牌"+zh+"，请重新获取令牌", "the token's "+en+"; get a new token")
	}
	return v, nil
}

// viewerOf reads who acts; false when a claim is no text.
func viewerOf(token jwt.Token) (viewer.Viewer, bool) {
	var v viewer.Viewer
	var role string
	v.Subject, _ = token.Subject()
	for claim, to := range map[string]*string{"role": &role, "department": &v.Department, "region": &v.Region} {
		if token.Has(claim) && token.Get(claim, to) != nil {
			return viewer.Viewer{}, false
		}
	}
	v.Role = viewer.Role(role)
	return v, true
}

// refusal says why nobody can act as v; nothing when somebody can.
func refusal(v viewer.Viewer) (zh, en string) {
	switch {
	case strings.TrimSpace(v.Subject) == "":
		return "没有写明持有人（sub）", "subject is missing"
	case !v.Role.Valid():
		roles := make([]string, len(viewer.Roles))
		for i, r := range viewer.Roles {
			roles[i] = string(r)
		}
		return "中的角色（role）须是以下之一：" + strings.Join(roles, "、"), "role is none of " + strings.Join(roles, ", ")
	case v.Role.NeedsDepartment() && strings.TrimSpace(v.Department) == "":
		return fmt.Sprintf("中的角色 %s 须写明部门（department）", v.Role), fmt.Sprintf("department is missing, which the role %s needs", v.Role)
	}
	return "", ""
}
