package casework_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
)

// stages bring a case into every state, some in several ways, so that every row
// of the table is walked.
func stages() map[string]func(t *testing.T) *world {
	draft := func(t *testing.T) *world { return open(t, evidence(generous(), restaurant())) }
	received := func(t *testing.T) *world { return submitted(t, evidence(generous(), restaurant())) }
	noNeeds := evidence(generous(), nil)
	instant := func(t *testing.T) *world { return submitted(t, noNeeds) }
	done := func(t *testing.T) *world { return accepted(t, noNeeds) }
	review := func(t *testing.T) *world { return inReview(t, generous()) }
	tolerant := func(t *testing.T) *world { return accepted(t, evidence(generous(), restaurant()), "photo") }
	busy := func(t *testing.T) *world {
		w := review(t)
		w.must(w.StartSpecialProcedure(w.by(fire), casework.ProcedureInput{Review: "rev_1_1", Kind: casework.Hearing, Days: 20}))
		w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"eco"}, w.due().AddDays(-10)))
		w.must(w.PlaceHold(w.by(lead), casework.DecisionMilestone, "核实"))
		w.must(w.AddDepartment(w.by(lead), casework.Need{Item: "sign", Department: "city", Limit: restaurant()[0].Limit}, nil, "招牌"))
		return w
	}
	asked := func(from func(*testing.T) *world, id string) func(*testing.T) *world {
		return func(t *testing.T) *world {
			w := from(t)
			who := lead
			if id == "" {
				who = window
			}
			w.must(w.RequestSupplement(w.by(who), []casework.Ask{{Review: id, Text: "补图"}}, w.due()))
			return w
		}
	}
	answered := func(dissents bool) func(*testing.T) *world {
		return func(t *testing.T) *world {
			w := review(t)
			w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
			opinion := casework.Consent
			if dissents {
				opinion = casework.Dissent
			}
			w.must(w.GiveOpinion(w.by(eco), "rev_1_2", opinion, reasons))
			w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
			return w
		}
	}
	then := func(from func(*testing.T) *world, next ...func(*world) error) func(*testing.T) *world {
		return func(t *testing.T) *world {
			w := from(t)
			for _, do := range next {
				w.must(do(w))
			}
			return w
		}
	}
	grant := func(w *world) error { return w.Decide(w.by(lead), casework.Grant, nil) }
	deny := func(w *world) error { return w.Decide(w.by(lead), casework.Deny, reasons) }
	hold := func(w *world) error { return w.PlaceHold(w.by(lead), casework.DeliveryMilestone, "核实") }
	dissentAsked := func(w *world) error {
		return w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_2", Text: "补图"}}, w.due())
	}
	missed := func(w *world) error {
		w.later(60)
		return w.MissMaterial(w.by(timer), "photo")
	}
	stopped := func(kind casework.StopKind) func(*world) error {
		return func(w *world) error { return w.StopClock(w.by(lead), stop(kind)) }
	}
	deliver := func(w *world) error { return w.Deliver(w.by(window)) }
	return map[string]func(*testing.T) *world{
		"ACCEPTED, suspended":       then(done, stopped(casework.Suspend)),
		"IN_REVIEW, interrupted":    then(review, stopped(casework.Interrupt)),
		"SUPPLEMENTING, suspended":  asked(then(review, stopped(casework.Suspend)), "rev_1_2"),
		"IN_REVIEW, dissents again": then(answered(true), dissentAsked, func(w *world) error { return w.Supply(w.by(applicant)) }),
		"DRAFT":                     draft, "SUBMITTED": received, "SUBMITTED, no needs": instant,
		"SUPPLEMENTING before acceptance": asked(received, ""),
		"SUPPLEMENTING after acceptance":  asked(review, "rev_1_2"),
		"SUPPLEMENTING, much open":        asked(busy, "rev_1_4"),
		"ACCEPTED":                        done,
		"ACCEPTED, on hold":               then(done, func(w *world) error { return w.PlaceHold(w.by(lead), casework.DecisionMilestone, "核实") }),
		"IN_REVIEW":                       review, "IN_REVIEW, much open": busy,
		"IN_REVIEW, all consent":   answered(false),
		"IN_REVIEW, advisory":      answered(true),
		"GRANTED":                  then(answered(false), grant),
		"GRANTED over a dissent":   then(answered(true), grant),
		"GRANTED, on hold":         then(answered(false), grant, hold),
		"DENIED":                   then(answered(true), deny),
		"DENIED, on hold":          then(answered(true), deny, hold),
		"DELIVERED":                then(answered(false), grant, deliver),
		"DELIVERED over a dissent": then(answered(true), grant, deliver),
		"DELIVERED, denied":        then(answered(true), deny, deliver),
		"REFUSED":                  then(received, func(w *world) error { return w.Refuse(w.by(window), casework.Refused, reasons) }),
		"NOT_REQUIRED":             then(received, func(w *world) error { return w.Refuse(w.by(window), casework.NotRequired, reasons) }),
		"WITHDRAWN":                then(busy, func(w *world) error { return w.Withdraw(w.by(applicant), "") }),
		"ACCEPTED, tolerated":      func(t *testing.T) *world { return accepted(t, noNeeds, "photo") },
		"ACCEPTED, missed":         then(func(t *testing.T) *world { return accepted(t, noNeeds, "photo") }, missed),
		"IN_REVIEW, missed":        then(tolerant, missed),
		"IN_REVIEW, tolerated":     tolerant,
		"SUPPLEMENTING, tolerated": asked(tolerant, "rev_1_2"),
		"DRAFT, returned":          then(received, func(w *world) error { return w.Return(w.by(window), reasons) }),
		"REVOKED, recalled":        then(answered(false), grant, func(w *world) error { return w.Recall(w.by(lead), reasons) }),
		"REVOKED":                  then(answered(false), grant, func(w *world) error { return w.Revoke(w.by(lead), reasons) }),
	}
}

func frozen(t interface{ Fatalf(string, ...any) }, c *casework.Case) string {
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}

// Every action in every state either follows a row of the table or is refused
// as a CONFLICT that says state, action and what is allowed, and changes nothing.
func TestWalk(t *testing.T) {
	t.Parallel()
	type step struct {
		From   casework.CaseState
		Action casework.Action
		To     casework.CaseState
	}
	walked := map[step]bool{}
	seen := map[casework.CaseState]bool{}
	for name, stage := range stages() {
		for _, a := range attempts() {
			w := stage(t)
			w.dates()
			w.later(60)
			from, version := w.State, w.Version
			seen[from] = true
			by := w.by(a.actor)
			allowed := casework.Allowed(w.Case, a.actor)
			before := frozen(t, w.Case)
			err := a.try(w, by)
			if errors.Is(err, errIdle) {
				continue
			}
			if err == nil {
				walked[step{from, a.action, w.State}] = true
				if w.Version != version+1 || !slices.Contains(allowed, string(a.action)) {
					t.Errorf("%s: %s applied: version %d to %d, allowed %v", name, a.action, version, w.Version, allowed)
				}
				continue
			}
			if after := frozen(t, w.Case); after != before {
				t.Errorf("%s: %s was refused and changed the case:\n%s", name, a.action, cmp.Diff(before, after))
			}
			var f *fault.Error
			if !errors.As(err, &f) {
				t.Errorf("%s: %s: %v is no fault", name, a.action, err)
				continue
			}
			if slices.Contains(allowed, string(a.action)) && a.to == "" && !has(err, "LIMIT_PASSED") {
				t.Errorf("%s: %s is allowed to %s and failed: %v", name, a.action, a.actor.Subject, err)
			}
			if f.Code == fault.Denied && (a.actor.Role == casework.RoleReviewer || a.actor.Role == casework.RoleWindow) {
				continue // a department without a review here, or an action that is the window's in another state
			}
			if f.Code != fault.Conflict {
				t.Errorf("%s: %s: %v", name, a.action, err)
				continue
			}
			if diff := cmp.Diff([]any{string(from), version, allowed, "casework." + string(a.action)}, []any{f.State, f.Version, f.Allowed, f.Op}); diff != "" {
				t.Errorf("%s: %s: %s", name, a.action, diff)
			}
		}
	}
	for _, row := range casework.Table {
		if !walked[step{row.From, row.Action, row.To}] {
			t.Errorf("no walk of %s %s → %s", row.From, row.Action, row.To)
		}
		delete(walked, step{row.From, row.Action, row.To})
	}
	// What is left has been walked twice by two rows, or is not in the table.
	for s := range walked {
		if !slices.ContainsFunc(casework.Table, func(row casework.Transition) bool { return step{row.From, row.Action, row.To} == s }) {
			t.Errorf("%v is not in the table", s)
		}
	}
	for _, s := range casework.CaseStates {
		if !seen[s] {
			t.Errorf("no case was %s", s)
		}
	}
}
