package webhook

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The methods below spell the words of the public API for GraphQL and for the
// database's schema.

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
func (State) Values() []string { return values(states) }

// MarshalGQL writes the state.
func (s State) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *State) UnmarshalGQL(v any) error { return unmarshal(v, states, s) }

// Values lists the states.
func (DeliveryState) Values() []string { return values(deliveryStates) }

// MarshalGQL writes the state.
func (s DeliveryState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *DeliveryState) UnmarshalGQL(v any) error { return unmarshal(v, deliveryStates, s) }

// Values lists the outcomes.
func (Outcome) Values() []string { return values(outcomes) }

// MarshalGQL writes the outcome.
func (o Outcome) MarshalGQL(w io.Writer) { marshal(w, o) }

// UnmarshalGQL reads an outcome.
func (o *Outcome) UnmarshalGQL(v any) error { return unmarshal(v, outcomes, o) }
