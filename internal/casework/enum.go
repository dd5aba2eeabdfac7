package casework

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The methods below spell the words of the public API for GraphQL, and
// those that are columns for the database's schema.

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
func (CaseState) Values() []string { return values(CaseStates) }

// MarshalGQL writes the state.
func (s CaseState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *CaseState) UnmarshalGQL(v any) error { return unmarshal(v, CaseStates, s) }

// Values lists the states.
func (ReviewState) Values() []string { return values(ReviewStates) }

// MarshalGQL writes the state.
func (s ReviewState) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads a state.
func (s *ReviewState) UnmarshalGQL(v any) error { return unmarshal(v, ReviewStates, s) }

// Opinions lists the opinions in the order of the contract.
var Opinions = []Opinion{Consent, Dissent, ConsentPendingSuperior, DeemedConsent, Recused}

// Values lists the opinions.
func (Opinion) Values() []string { return values(Opinions) }

// MarshalGQL writes the opinion.
func (o Opinion) MarshalGQL(w io.Writer) { marshal(w, o) }

// UnmarshalGQL reads an opinion.
func (o *Opinion) UnmarshalGQL(v any) error { return unmarshal(v, Opinions, o) }

var (
	meetingKinds = []MeetingKind{ReviewMeeting, CoordinationMeeting, SiteVisit}
	milestones   = []Milestone{DecisionMilestone, DeliveryMilestone}
	outcomes     = []Outcome{Grant, Deny}
	modes        = []Mode{CopyMode, MeetingMode}
	dutyKinds    = []DutyKind{OwesReasons, OwesDelivery}
	stopKinds    = []StopKind{Suspend, Interrupt}
	trustGrades  = []Trust{TrustA, TrustB, TrustC, TrustD}
	blockerKinds = []BlockerKind{BlockedByState, BlockedByReview, BlockedBySuperior, BlockedByRecusal, BlockedBySupplement, BlockedByProcedure, BlockedByHold, BlockedByMeeting, BlockedByMaterial, BlockedByStop}
)

// MarshalGQL writes it for GraphQL.
func (p ProcedureKind) MarshalGQL(w io.Writer) { marshal(w, p) }

// UnmarshalGQL reads it.
func (p *ProcedureKind) UnmarshalGQL(v any) error { return unmarshal(v, procedureKinds, p) }

// MarshalGQL writes it for GraphQL.
func (m MeetingKind) MarshalGQL(w io.Writer) { marshal(w, m) }

// UnmarshalGQL reads it.
func (m *MeetingKind) UnmarshalGQL(v any) error { return unmarshal(v, meetingKinds, m) }

// MarshalGQL writes it for GraphQL.
func (m Milestone) MarshalGQL(w io.Writer) { marshal(w, m) }

// UnmarshalGQL reads it.
func (m *Milestone) UnmarshalGQL(v any) error { return unmarshal(v, milestones, m) }

// MarshalGQL writes it for GraphQL.
func (o Outcome) MarshalGQL(w io.Writer) { marshal(w, o) }

// UnmarshalGQL reads it.
func (o *Outcome) UnmarshalGQL(v any) error { return unmarshal(v, outcomes, o) }

// MarshalGQL writes it for GraphQL.
func (m Mode) MarshalGQL(w io.Writer) { marshal(w, m) }

// UnmarshalGQL reads it.
func (m *Mode) UnmarshalGQL(v any) error { return unmarshal(v, modes, m) }

// MarshalGQL writes it for GraphQL.
func (b BlockerKind) MarshalGQL(w io.Writer) { marshal(w, b) }

// UnmarshalGQL reads it.
func (b *BlockerKind) UnmarshalGQL(v any) error { return unmarshal(v, blockerKinds, b) }

// MarshalGQL writes it for GraphQL.
func (d DutyKind) MarshalGQL(w io.Writer) { marshal(w, d) }

// UnmarshalGQL reads it.
func (d *DutyKind) UnmarshalGQL(v any) error { return unmarshal(v, dutyKinds, d) }

// Values lists the grades.
func (Trust) Values() []string { return values(trustGrades) }

// MarshalGQL writes it for GraphQL.
func (t Trust) MarshalGQL(w io.Writer) { marshal(w, t) }

// UnmarshalGQL reads it.
func (t *Trust) UnmarshalGQL(v any) error { return unmarshal(v, trustGrades, t) }

// MarshalGQL writes it for GraphQL.
func (s StopKind) MarshalGQL(w io.Writer) { marshal(w, s) }

// UnmarshalGQL reads it.
func (s *StopKind) UnmarshalGQL(v any) error { return unmarshal(v, stopKinds, s) }
