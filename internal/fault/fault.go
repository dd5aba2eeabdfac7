// Package fault is the one error vocabulary of onedoor. Every room returns
// *Error for what a caller can act on; graph/present.go alone turns it into
// words for users.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of fault it is. The list is append-only: clients switch
// on it.
type Code string

// The codes of the public API, in the order of the contract.
const (
	Invalid         Code = "INVALID"         // the request is wrong; Problems say where
	NotFound        Code = "NOT_FOUND"       // not there, or not visible to this viewer
	Denied          Code = "DENIED"          // this viewer may not do it
	Unauthenticated Code = "UNAUTHENTICATED" // nobody has logged in
	Conflict        Code = "CONFLICT"        // the state does not allow it
	Stale           Code = "STALE"           // somebody else changed the thing first
	Limited         Code = "LIMITED"         // too many or too costly requests
	Unavailable     Code = "UNAVAILABLE"     // a part that is needed does not answer; try again
	Internal        Code = "INTERNAL"        // our own fault
)

// Problem is one fault in an input: where it is, what kind it is, and what to
// do about it in Chinese and English.
type Problem struct {
	Path string `json:"path"` // below the input, e.g. "facts.use_area"
	Code string `json:"code"` // e.g. "UNKNOWN_FACT"
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// Error is a fault with its code. Op names the operation ("guide.Compute"),
// ZH and EN are for users, Err is for the log and never shown.
type Error struct {
	Code     Code
	Op       string
	ZH, EN   string
	Problems []Problem
	Err      error

	// Of a refused command on a thing with a life: where it stands, its version,
	// and what the actor may do instead.
	State   string
	Version int
	Allowed []string
}

// Error implements error, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Op, e.Code)
	if e.EN != "" {
		b.WriteString(": " + e.EN)
	}
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "; %s: %s: %s", p.Path, p.Code, p.EN)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a fault with its message in Chinese and English.
func New(code Code, op, zh, en string) *Error {
	return &Error{Code: code, Op: op, ZH: zh, EN: en}
}

// InvalidInput makes an INVALID fault that carries every problem found.
func InvalidInput(op string, problems ...Problem) *Error {
	return &Error{Code: Invalid, Op: op, ZH: "输入有误", EN: "the input is not valid", Problems: problems}
}

// CodeOf gives the code of the outermost fault in err, INTERNAL when err is no
// fault, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return Internal
}
