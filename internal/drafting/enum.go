package drafting

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The methods below spell the words of the public API for GraphQL, and those
// that are columns for the database's schema.

func values[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

func marshal[T ~string](w io.Writer, v T) { _, _ = io.WriteString(w, strconv.Quote(string(v))) }

func unmarshal[T ~string](v any, all []T, into *T) error {
	s, _ := v.(string)
	if !slices.Contains(all, T(s)) {
		return fmt.Errorf("%v is none of %v", v, all)
	}
	*into = T(s)
	return nil
}

// Values lists the states.
func (State) Values() []string { return values(States) }

// MarshalGQL writes the state.
func (s State) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *State) UnmarshalGQL(v any) error { return unmarshal(v, States, s) }

// Values lists the states.
func (CoordinationState) Values() []string { return values(CoordinationStates) }

// MarshalGQL writes the state.
func (s CoordinationState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *CoordinationState) UnmarshalGQL(v any) error { return unmarshal(v, CoordinationStates, s) }

// Values lists the states.
func (RunState) Values() []string { return values(runStates) }

// MarshalGQL writes the state.
func (s RunState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *RunState) UnmarshalGQL(v any) error { return unmarshal(v, runStates, s) }

// MarshalGQL writes the kind.
func (k ReviewKind) MarshalGQL(w io.Writer) { marshal(w, k) }

// UnmarshalGQL reads a kind.
func (k *ReviewKind) UnmarshalGQL(v any) error {
	return unmarshal(v, []ReviewKind{QualityReview, LegalityReview}, k)
}

// MarshalGQL writes the outcome.
func (o Outcome) MarshalGQL(w io.Writer) { marshal(w, o) }

// UnmarshalGQL reads an outcome.
func (o *Outcome) UnmarshalGQL(v any) error { return unmarshal(v, []Outcome{Pass, Return}, o) }

// MarshalGQL writes the ground.
func (g Ground) MarshalGQL(w io.Writer) { marshal(w, g) }

// UnmarshalGQL reads a ground.
func (g *Ground) UnmarshalGQL(v any) error { return unmarshal(v, grounds, g) }

// MarshalGQL writes the kind.
func (k RulingKind) MarshalGQL(w io.Writer) { marshal(w, k) }

// UnmarshalGQL reads a kind.
func (k *RulingKind) UnmarshalGQL(v any) error { return unmarshal(v, RulingKinds, k) }

// MarshalGQL writes the verdict.
func (v Verdict) MarshalGQL(w io.Writer) { marshal(w, v) }

// UnmarshalGQL reads a verdict.
func (v *Verdict) UnmarshalGQL(in any) error { return unmarshal(in, []Verdict{Fine, Fails, Open}, v) }
