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
	draft := func(t *testing.T) *world { return open(t, generous(), restaurant()) }
	submitted := func(t *testing.T) *world {
		w := draft(t)
		w.must(w.Submit(w.by(applicant), "JB-1"))
		return w
	}
	instant := func(t *testing.T) *world {
		w := open(t, generous(), nil)
		w.must(w.Submit(w.by(applicant), "JB-1"))
		return w
	}
	accepted := func(t *testing.T) *world {
		w := instant(t)
		w.must(w.Accept(w.by(window), casework.Acceptance{Preset: w.preset}))
		return w
	}
	review := func(t *testing.T) *world { return inReview(t, generous()) }
	busy := func(t *testing.T) *world {
		w := review(t)
		w.must(w.StartSpecialProcedure(w.by(fire), casework.ProcedureInput{Review: "R1", Kind: casework.Hearing, Days: 20}))
		w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"eco"}, w.due().AddDays(-10)))
		w.must(w.PlaceHold(w.by(lead), casework.DecisionMilestone, "核实"))
		w.must(w.AddDepartment(w.by(lead), casework.Need{Item: "sign", Department: "city", Limit: restaurant()[0].Limit}, "招牌"))
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
			w.must(w.GiveOpinion(w.by(fire), "R1", casework.Consent, nil))
			opinion := casework.Consent
			if dissents {
				opinion = casework.Dissent
			}
			w.must(w.GiveOpinion(w.by(eco), "R2", opinion, reasons))
			w.must(w.GiveOpinion(w.by(lead), "R3", casework.Consent, nil))
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
	deliver := func(w *world) error { return w.Deliver(w.by(window)) }
	return map[string]func(*testing.T) *world{
		"DRAFT": draft, "SUBMITTED": submitted, "SUBMITTED, no needs": instant,
		"SUPPLEMENTING before acceptance": asked(submitted, ""),
		"SUPPLEMENTING after acceptance":  asked(review, "R2"),
		"SUPPLEMENTING, much open":        asked(busy, "R4"),
		"ACCEPTED":                        accepted,
		"ACCEPTED, on hold":               then(accepted, func(w *world) error { return w.PlaceHold(w.by(lead), casework.DecisionMilestone, "核实") }),
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
		"REFUSED":                  then(submitted, func(w *world) error { return w.Refuse(w.by(window), casework.Refused, reasons) }),
		"NOT_REQUIRED":             then(submitted, func(w *world) error { return w.Refuse(w.by(window), casework.NotRequired, reasons) }),
		"WITHDRAWN":                then(busy, func(w *world) error { return w.Withdraw(w.by(applicant), "") }),
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
			w.later(60)
			from, version := w.State, w.Version
			seen[from] = true
			by := w.by(a.actor)
			allowed := casework.Allowed(w.Case, a.actor)
			before := frozen(t, w.Case)
			err := a.try(w, by)
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
			if slices.Contains(allowed, string(a.action)) && a.to == "" {
				t.Errorf("%s: %s is allowed to %s and failed: %v", name, a.action, a.actor.Subject, err)
			}
			if f.Code == fault.Denied && (a.actor.Role == casework.RoleReviewer || a.actor.Role == casework.RoleWindow) {
				continue // a department without a review here, or an action that is the window's in another state
			}
			if f.Code != fault.Conflict {
				t.Errorf("%s: %s: %v", name, a.action, err)
				continue
			}
			var state, action string
			listed := []string{}
			for _, p := range f.Problems {
				switch p.Path {
				case "state":
					state = p.Code
				case "action":
					action = p.Code
				case "allowed":
					listed = append(listed, p.Code)
				}
			}
			if diff := cmp.Diff([]any{string(from), string(a.action), allowed}, []any{state, action, listed}); diff != "" {
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
