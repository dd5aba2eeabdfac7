// Package standard judges typed project facts by the conditions of the
// departments' standards. It owns the vocabulary of facts, the expression
// language of the conditions, and the explanation of every judgement.
package standard

import (
	"fmt"
	"io"
	"strconv"
)

// Truth is a value of Kleene's three-valued logic. The zero value is Unknown:
// what nobody has answered is not decided.
type Truth uint8

// The three values.
const (
	Unknown Truth = iota
	False
	True
)

// TruthOf gives the truth of a decided condition.
func TruthOf(holds bool) Truth {
	if holds {
		return True
	}
	return False
}

// Not is True for False, False for True, and Unknown for Unknown.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

// And is False as soon as one side is False, whatever the other side is.
func (t Truth) And(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == True && u == True:
		return True
	}
	return Unknown
}

// Or is True as soon as one side is True, whatever the other side is.
func (t Truth) Or(u Truth) Truth {
	return t.Not().And(u.Not()).Not()
}

// String gives the name that the public API uses.
func (t Truth) String() string {
	switch t {
	case True:
		return "TRUE"
	case False:
		return "FALSE"
	}
	return "UNKNOWN"
}

// MarshalText writes the name.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the name.
func (t *Truth) UnmarshalText(text []byte) error {
	switch string(text) {
	case "TRUE":
		*t = True
	case "FALSE":
		*t = False
	case "UNKNOWN":
		*t = Unknown
	default:
		return fmt.Errorf("standard: %q is no truth", clip(string(text)))
	}
	return nil
}

// MarshalGQL writes the quoted name.
func (t Truth) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(t.String())) }

// UnmarshalGQL reads the name.
func (t *Truth) UnmarshalGQL(v any) error {
	name, ok := v.(string)
	if !ok {
		return fmt.Errorf("standard: a truth is a name, not %T", v)
	}
	return t.UnmarshalText([]byte(name))
}

// clip shortens what a user sent, so that a message stays a message.
func clip(s string) string {
	const most = 64
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
