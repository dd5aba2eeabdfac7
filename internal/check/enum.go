package check

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The methods below spell the words of the public API for GraphQL, and those
// that are columns for the database's schema.

var (
	modes      = []Mode{Enforce, Shadow, Off}
	policies   = []Policy{Reject, Refer, Proceed}
	verdicts   = []Verdict{Pass, Fail, NeedsFacts, Human}
	states     = []State{Idle, Starting, Ready, Draining, Backoff, Failed, Refused}
	runStates  = []RunState{Pending, Done}
	faultCodes = []FaultCode{Down, Late, Busy, Broken, Errored, NotAsked}
)

func marshal[T ~string](w io.Writer, v T) { _, _ = io.WriteString(w, strconv.Quote(string(v))) }

func unmarshal[T ~string](v any, all []T, into *T) error {
	s, _ := v.(string)
	if !slices.Contains(all, T(s)) {
		return fmt.Errorf("%v is none of %v", v, all)
	}
	*into = T(s)
	return nil
}

// Valid says whether it is one of the policies.
func (p Policy) Valid() bool { return slices.Contains(policies, p) }

// Values lists the modes.
func (Mode) Values() []string {
	var out []string
	for _, m := range modes {
		out = append(out, string(m))
	}
	return out
}

// MarshalGQL writes it for GraphQL.
func (m Mode) MarshalGQL(w io.Writer) { marshal(w, m) }

// UnmarshalGQL reads it.
func (m *Mode) UnmarshalGQL(v any) error { return unmarshal(v, modes, m) }

// MarshalGQL writes it for GraphQL.
func (p Policy) MarshalGQL(w io.Writer) { marshal(w, p) }

// UnmarshalGQL reads it.
func (p *Policy) UnmarshalGQL(v any) error { return unmarshal(v, policies, p) }

// MarshalGQL writes it for GraphQL.
func (v Verdict) MarshalGQL(w io.Writer) { marshal(w, v) }

// UnmarshalGQL reads it.
func (v *Verdict) UnmarshalGQL(value any) error { return unmarshal(value, verdicts, v) }

// MarshalGQL writes it for GraphQL.
func (s State) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads it.
func (s *State) UnmarshalGQL(v any) error { return unmarshal(v, states, s) }

// MarshalGQL writes it for GraphQL.
func (s RunState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads it.
func (s *RunState) UnmarshalGQL(v any) error { return unmarshal(v, runStates, s) }

// MarshalGQL writes it for GraphQL.
func (c FaultCode) MarshalGQL(w io.Writer) { marshal(w, c) }

// UnmarshalGQL reads it.
func (c *FaultCode) UnmarshalGQL(v any) error { return unmarshal(v, faultCodes, c) }
