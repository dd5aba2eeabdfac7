package casework_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/onedoor/onedoor/internal/casework"
)

func live(r casework.Review) bool {
	return r.State == casework.Open || r.State == casework.Paused || r.State == casework.Waiting
}

// The rules of domain.md section 4 hold over every history.
func TestHistories(t *testing.T) {
	t.Parallel()
	all := attempts()
	rapid.Check(t, func(t *rapid.T) {
		preset := generous()
		preset.DeemedConsent = rapid.Bool().Draw(t, "deemed")
		preset.PartialGrant = rapid.Bool().Draw(t, "partial")
		preset.Mode = rapid.SampledFrom([]casework.Mode{casework.CopyMode, casework.MeetingMode}).Draw(t, "mode")
		var w *world
		if rapid.Bool().Draw(t, "new") {
			w = open(t, evidence(preset, restaurant()))
		} else {
			w = accepted(t, evidence(preset, restaurant()), rapid.SampledFrom([][]string{nil, {"photo"}}).Draw(t, "tolerate")...)
		}
		steps := rapid.IntRange(5, 60).Draw(t, "steps")
		for range steps {
			w.later(rapid.IntRange(0, 4).Draw(t, "days"))
			if rapid.IntRange(0, 4).Draw(t, "tick") == 0 {
				tick(t, w)
			}
			// Prefer what is allowed; ending the case early teaches little.
			choice := slices.DeleteFunc(slices.Clone(all), func(a attempt) bool {
				return a.action == casework.ActWithdraw && w.Version < 12 || !slices.Contains(casework.Allowed(w.Case, a.actor), string(a.action))
			})
			if len(choice) == 0 || rapid.IntRange(0, 5).Draw(t, "wild") == 0 {
				choice = all
			}
			a := choice[rapid.IntRange(0, len(choice)-1).Draw(t, "attempt")]
			was, frozenBefore := clone(w), frozen(t, w.Case)
			by := w.by(a.actor)
			if late := rapid.IntRange(0, 9).Draw(t, "late"); late > 6 {
				by.OccurredAt = by.RecordedAt.AddDate(0, 0, 6-late)
			}
			err := a.try(w, by)
			if errors.Is(err, errIdle) {
				continue // no event; the dates may be those of the other calendar
			}
			if err != nil {
				if frozen(t, w.Case) != frozenBefore {
					t.Fatalf("%s was refused and changed the case: %v", a.action, err)
				}
				continue
			}
			holds(t, a, was, w.Case)
			settle(t, w)
		}
	})
}

// tick runs the timers: they end nothing, and leave nothing for a second run.
func tick(t *rapid.T, w *world) {
	was := clone(w)
	did, err := w.Tick(w.by(timer), calendar)
	if err != nil {
		t.Fatalf("tick: %v", err)
	}
	if did != (w.Version > was.Version) {
		t.Fatalf("tick: did %v, version %d to %d", did, was.Version, w.Version)
	}
	kinds := []string{}
	for _, e := range w.Events[len(was.Events):] {
		kinds = append(kinds, e.Kind)
	}
	if did {
		holds(t, attempt{action: casework.Action(kinds[0]), actor: timer}, was, w.Case)
	}
	if again := w.tick(); len(again) > 0 {
		t.Fatalf("the second run of the timers after %v: %v", kinds, again)
	}
	settle(t, w)
}

// settle finds the dates: always possible, and once is enough.
func settle(t *rapid.T, w *world) {
	w.dates()
	if again, err := w.Recalculate(calendar, w.today()); err != nil || len(again) > 0 {
		t.Fatalf("found anew, the dates differ: %v, %v", again, err)
	}
	for _, basis := range []casework.ClockBasis{casework.PromisedClock, casework.StatutoryClock} {
		k, err := w.Clock(basis, calendar, w.today())
		if err != nil {
			t.Fatalf("%s: %v", basis, err)
		}
		if w.AcceptedAt.IsZero() == !k.DueOn.IsZero() {
			t.Fatalf("%s is due on %q, accepted %s", basis, k.DueOn, w.AcceptedAt)
		}
	}
	for _, r := range w.Reviews {
		if r.PausedAt.IsZero() != (r.State != casework.Paused) {
			t.Fatalf("%s is %s and paused at %s", r.ID, r.State, r.PausedAt)
		}
		if running := r.State == casework.Open || r.State == casework.Paused; running && r.Limit.Amount > 0 && r.DueOn.IsZero() {
			t.Fatalf("%s is %s without a due date", r.ID, r.State)
		}
	}
}

func clone(w *world) *casework.Case {
	c := *w.Case
	c.Reviews = slices.Clone(c.Reviews)
	c.Supplements = slices.Clone(c.Supplements)
	c.Procedures = slices.Clone(c.Procedures)
	c.Holds = slices.Clone(c.Holds)
	c.Meetings = slices.Clone(c.Meetings)
	c.Materials = slices.Clone(c.Materials)
	c.Extensions = slices.Clone(c.Extensions)
	return &c
}

func holds(t *rapid.T, a attempt, was, is *casework.Case) {
	if is.Version <= was.Version || is.Version != was.Version+1 && a.actor.Role != casework.RoleTimer { // a tick is many steps
		t.Fatalf("%s: version %d to %d", a.action, was.Version, is.Version)
	}
	if len(is.Events) <= len(was.Events) || is.Events[len(was.Events)].Kind != string(a.action) {
		t.Fatalf("%s left no event of its own", a.action)
	}
	for i := 1; i < len(is.Events); i++ {
		if is.Events[i].RecordedAt.Before(is.Events[i-1].RecordedAt) {
			t.Fatalf("event %d is recorded before event %d", i, i-1)
		}
	}
	switch is.State {
	case casework.Granted, casework.Denied, casework.Withdrawn, casework.Delivered, casework.Revoked:
		if slices.ContainsFunc(is.Reviews, live) {
			t.Fatalf("a %s case has an open review", is.State)
		}
	}
	// Never a decision while a required review, hold, procedure or supplement is
	// open. This asks the case itself, not Blockers.
	if a.action == casework.ActDecide {
		binding := func(item string) bool {
			return slices.ContainsFunc(was.Reviews, func(r casework.Review) bool {
				return r.Item == item && r.Binding && r.State == casework.Answered && r.Opinion == casework.Dissent
			})
		}
		for _, r := range was.Reviews {
			if r.State == casework.Open || r.State == casework.Paused || r.State == casework.Waiting && !slices.ContainsFunc(r.After, binding) {
				t.Fatalf("decided while %s was %s", r.ID, r.State)
			}
			if r.State == casework.Answered && r.Opinion == casework.ConsentPendingSuperior {
				t.Fatalf("decided while %s waits for its superior", r.ID)
			}
		}
		for _, s := range was.Supplements {
			if s.Open() {
				t.Fatalf("decided while supplement %s was open", s.ID)
			}
		}
		for _, p := range was.Procedures {
			if p.EndedAt.IsZero() {
				t.Fatalf("decided while procedure %s was open", p.ID)
			}
		}
		for _, m := range was.Materials {
			if !m.DueOn.IsZero() && !m.Given() && (is.State == casework.Granted || m.MissedAt.IsZero()) {
				t.Fatalf("%s while %s had not come", is.State, m.Code)
			}
		}
		for _, h := range was.Holds {
			if h.LiftedAt.IsZero() && h.Milestone == casework.DecisionMilestone {
				t.Fatalf("decided while on hold %s", h.ID)
			}
		}
		for _, item := range is.Decision.Granted {
			if binding(item) {
				t.Fatalf("%s was granted over a binding dissent", item)
			}
		}
	}
	// After a supplement only the department that asked reviews again; a missed
	// one goes back to it.
	if is.Version == was.Version+1 && (a.action == casework.ActSupply || a.action == casework.ActMissSupplement) {
		asks := was.Supplements[len(was.Supplements)-1].Asks
		for i, r := range was.Reviews {
			asked := slices.ContainsFunc(asks, func(ask casework.Ask) bool { return ask.Review == r.ID })
			if asked != (r.State != is.Reviews[i].State) || asked && is.Reviews[i].State != casework.Open {
				t.Fatalf("after the supplement %s went from %s to %s, asked %v", r.ID, r.State, is.Reviews[i].State, asked)
			}
		}
	}
	// Nothing closes by itself: a timer opens cases and answers for the silent, it ends nothing.
	if a.actor.Role == casework.RoleTimer {
		switch is.State {
		case casework.Submitted, casework.InReview, casework.Accepted, casework.Supplementing:
		default:
			t.Fatalf("%s by the timer made the case %s", a.action, is.State)
		}
	}
	for i, r := range is.Reviews {
		if (r.SafetyOfLife || r.Lead) && r.Opinion == casework.DeemedConsent {
			t.Fatalf("%s is on safety of life or the lead's, and was deemed to consent", r.ID)
		}
		// A dissent stays until its own department answers anew, whatever it was
		// asked for since.
		if i < len(was.Reviews) && was.Reviews[i].Opinion == casework.Dissent {
			anew := a.action == casework.ActOpinion && a.actor.Department == r.Department
			if !anew && (r.Opinion != casework.Dissent || !slices.Equal(r.Reasons, was.Reviews[i].Reasons)) {
				t.Fatalf("%s by %s made the dissent of %s %q", a.action, a.actor.Subject, r.ID, r.Opinion)
			}
			if a.action == casework.ActRelease && r.State == casework.Released {
				t.Fatalf("the dissent of %s was released away", r.ID)
			}
		}
		if i < len(was.Reviews) && was.Reviews[i].State == casework.Waiting && r.State == casework.Open &&
			slices.ContainsFunc(is.Reviews, func(p casework.Review) bool { return slices.Contains(r.After, p.Item) && live(p) }) {
			t.Fatalf("%s opened before its precondition", r.ID)
		}
	}
}
