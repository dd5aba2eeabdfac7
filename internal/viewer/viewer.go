// Package viewer says who is acting, and by which request.
package viewer

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Role is the role in which somebody acts.
type Role string

// The roles of the public API, as tokens carry them.
const (
	Applicant   Role = "APPLICANT"
	Agent       Role = "AGENT" // 全程员
	Window      Role = "WINDOW"
	Reviewer    Role = "REVIEWER"
	Coordinator Role = "COORDINATOR"
	Legal       Role = "LEGAL"
	Quality     Role = "QUALITY"
	Supervisor  Role = "SUPERVISOR"
	Integrator  Role = "INTEGRATOR"
	Admin       Role = "ADMIN"
)

// Roles lists them all.
var Roles = []Role{Applicant, Agent, Window, Reviewer, Coordinator, Legal, Quality, Supervisor, Integrator, Admin}

// Valid says whether the role is one of Roles.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// MarshalGQL writes the role for GraphQL.
func (r Role) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(r))) }

// UnmarshalGQL reads a role.
func (r *Role) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	if *r = Role(s); !r.Valid() {
		return fmt.Errorf("%v is none of %v", v, Roles)
	}
	return nil
}

// NeedsDepartment says whether who acts in the role acts for a department.
func (r Role) NeedsDepartment() bool { return r == Reviewer }

// Viewer is who is acting. The zero value is an anonymous one.
type Viewer struct {
	Subject    string // who, as the issuer of the token names them
	Role       Role
	Department string   // code
	Region     string   // code; empty: the whole district
	Within     []string // codes of the region and of all that lies in it
}

// Covers says whether a region lies in the viewer's own. What has no region is
// the whole district's, and so every official's.
func (v Viewer) Covers(region string) bool {
	return v.Region == "" || region == "" || region == v.Region || slices.Contains(v.Within, region)
}

// Anonymous says that nobody has signed in.
func (v Viewer) Anonymous() bool { return v.Subject == "" }

// Once makes a request safe to retry: the effect of a key is had once, and the
// same key with another request is refused.
type Once struct {
	Key     string // the client's Idempotency-Key, within the viewer's own keys
	Request string // SHA-256 of the request, in hex
}

type (
	viewerKey struct{}
	onceKey   struct{}
)

// With gives a context in which v acts.
func With(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// From gives who acts; the anonymous viewer when nobody has been named.
func From(ctx context.Context) Viewer {
	v, _ := ctx.Value(viewerKey{}).(Viewer)
	return v
}

// WithOnce gives a context whose effect is had once.
func WithOnce(ctx context.Context, o Once) context.Context {
	return context.WithValue(ctx, onceKey{}, o)
}

// OnceFrom gives the key of the request; false when it has none.
func OnceFrom(ctx context.Context) (Once, bool) {
	o, ok := ctx.Value(onceKey{}).(Once)
	return o, ok
}

// WithoutOnce gives a context for work that the platform does of itself.
func WithoutOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, nil)
}
