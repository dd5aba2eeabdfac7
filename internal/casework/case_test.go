package casework_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/workday"
)

// has says whether a fault has a problem with a code.
func has(err error, code string) bool {
	var f *fault.Error
	return errors.As(err, &f) && slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return p.Code == code })
}

func wantCode(t *testing.T, what string, err error, want fault.Code, problem string) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: %q, want %q: %v", what, got, want, err)
		return
	}
	if problem != "" && !has(err, problem) {
		t.Errorf("%s: no problem %s in %v", what, problem, err)
	}
}

func TestOpinionInput(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	wantCode(t, "dissent without reasons", w.GiveOpinion(w.by(fire), "rev_1_1", casework.Dissent, nil), fault.Invalid, "REQUIRED")
	wantCode(t, "dissent with an empty reason", w.GiveOpinion(w.by(fire), "rev_1_1", casework.Dissent, []casework.Reason{{}}), fault.Invalid, "REQUIRED")
	wantCode(t, "deemed consent by hand", w.GiveOpinion(w.by(fire), "rev_1_1", casework.DeemedConsent, nil), fault.Invalid, "NOT_TO_BE_GIVEN")
	wantCode(t, "another department's review", w.GiveOpinion(w.by(fire), "rev_1_2", casework.Consent, nil), fault.Denied, "")
	by := w.by(fire)
	by.Version = 1
	wantCode(t, "an old version", w.GiveOpinion(by, "rev_1_1", casework.Consent, nil), fault.Stale, "STALE")
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.ConsentPendingSuperior, nil))
	if w.Reviews[2].State != casework.Waiting {
		t.Errorf("food-permit is %s before the superior has spoken", w.Reviews[2].State)
	}
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	if w.Reviews[2].State != casework.Open {
		t.Errorf("food-permit is %s after the result", w.Reviews[2].State)
	}
}

// Silence for 5 working days accepts the case as of the day of receipt
// (行政许可法 第32条): received on Monday 2 March, until Monday 9 March.
func TestDeemAccepted(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	w.later(7)
	wantCode(t, "on the last day", w.DeemAccepted(w.by(timer), calendar), fault.Conflict, "NOT_DUE")
	w.later(1)
	w.must(w.DeemAccepted(w.by(timer), calendar))
	if got := workday.DateOf(w.AcceptedAt).String(); w.State != casework.InReview || got != "2026-03-02" {
		t.Errorf("%s as of %s", w.State, got)
	}
}

func TestSupplementKeepsToTheNotice(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.Notice = "N-1"
	ask := func(material string) error {
		return w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_2", Material: material}}, w.due())
	}
	wantCode(t, "outside the notice", ask("lease"), fault.Invalid, "OUTSIDE_NOTICE")
	wantCode(t, "passed inside", ask("fire-result"), fault.Invalid, "INTERNAL_RESULT")
	w.must(ask("plan"))
	wantCode(t, "a second one", ask("plan"), fault.Conflict, "")
	wantCode(t, "missed too early", w.MissSupplement(w.by(timer)), fault.Conflict, "NOT_DUE")
}

func TestAbsenceAndLateEntry(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"fire", "eco", "samr"}, w.today().AddDays(1)))
	w.later(2)
	by := w.by(lead)
	by.OccurredAt = by.RecordedAt.Add(-24 * time.Hour)
	w.must(w.RecordMeeting(by, "mtg_1_1", []string{"samr"}))
	if w.Reviews[0].State != casework.Open || w.Reviews[1].Opinion != casework.DeemedConsent {
		t.Errorf("fire %s, eco %s", w.Reviews[0].State, w.Reviews[1].Opinion)
	}
	if e := w.Events[len(w.Events)-1]; !e.Late || e.Kind != casework.EventDeemedConsent {
		t.Errorf("%s late %v", e.Kind, e.Late)
	}
	wantCode(t, "a second visit", w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"fire"}, w.due()), fault.Invalid, "SECOND_VISIT")
}

func TestMutualPreconditions(t *testing.T) {
	t.Parallel()
	w := &world{t: t, now: begin}
	_, err := casework.New(w.by(applicant), casework.Opening{ID: "cas_1", Scheme: "catering", Applicant: "zhang", Evidence: casework.Evidence{Lead: "samr", Needs: []casework.Need{
		{Item: "a", Department: "x", After: []string{"b"}}, {Item: "b", Department: "y", After: []string{"a"}},
	}}})
	wantCode(t, "a and b", err, fault.Invalid, "CYCLE")
}

func TestJoint(t *testing.T) {
	t.Parallel()
	answer := func(id, item string, o casework.Opinion, binding bool) casework.Review {
		return casework.Review{ID: id, Item: item, State: casework.Answered, Opinion: o, Binding: binding}
	}
	behind := casework.Review{ID: "R2", Item: "b", State: casework.Waiting, After: []string{"a"}, Binding: true}
	for _, tc := range []struct {
		name    string
		reviews []casework.Review
		partial bool
		want    casework.Verdict
	}{
		{"no reviews: the lead's alone", nil, false, casework.Verdict{Grant: true, Deny: true}},
		{"all consent: must be granted", []casework.Review{answer("R1", "a", casework.Consent, true), answer("R2", "b", casework.DeemedConsent, false)}, false,
			casework.Verdict{Grant: true, Grantable: []string{"a", "b"}}},
		{"an advisory dissent leaves both ways", []casework.Review{answer("R1", "a", casework.Dissent, false)}, false,
			casework.Verdict{Grant: true, Deny: true, Grantable: []string{"a"}, Overruling: []string{"R1"}}},
		{"a binding dissent refuses its item and those behind", []casework.Review{answer("R1", "a", casework.Dissent, true), behind, answer("R3", "c", casework.Consent, true)}, false,
			casework.Verdict{Deny: true, Grantable: []string{"c"}, Refused: []string{"a", "b"}}},
		{"the rest may be granted where the preset says so", []casework.Review{answer("R1", "a", casework.Dissent, true), behind, answer("R3", "c", casework.Consent, true)}, true,
			casework.Verdict{Grant: true, Deny: true, Grantable: []string{"c"}, Refused: []string{"a", "b"}}},
		{"recusal and superiors settle nothing", []casework.Review{answer("R1", "a", casework.Recused, true), answer("R2", "b", casework.ConsentPendingSuperior, false)}, false,
			casework.Verdict{Unsettled: []string{"R1", "R2"}, Grantable: []string{"a", "b"}}},
	} {
		if diff := cmp.Diff(tc.want, casework.Joint(tc.reviews, casework.Preset{PartialGrant: tc.partial})); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// Overruling an ADVISORY dissent owes written reasons within 10 working days.
func TestOverruling(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Dissent, reasons))
	wantCode(t, "too early", w.Decide(w.by(lead), casework.Grant, nil), fault.Conflict, "REVIEW")
	w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
	w.must(w.Decide(w.by(lead), casework.Grant, nil))
	d, err := w.Duties[1].DueOn(calendar)
	if err != nil || w.Duties[1].Kind != casework.OwesReasons || d.DueOn.String() != "2026-03-16" {
		t.Errorf("%s due on %s, %v", w.Duties[1].Kind, d.DueOn, err)
	}
}

// A result that another item of the case gives is passed inside as soon as its
// item is consented to, once, and names who gave it.
func TestResultsPassInside(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.Materials = append(w.Materials, casework.Material{Code: "fire-result", Source: guide.FromInside, From: []string{"fire-check"}})
	paper := func() casework.Material { return w.Materials[len(w.Materials)-1] }
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
	if !paper().AttachedAt.IsZero() {
		t.Error("the result is there before its item is consented to")
	}
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	if p := paper(); p.AttachedAt.IsZero() || p.AttachedBy != "fire" || p.Trust != casework.TrustA {
		t.Errorf("%+v", p)
	}
	w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
	passed := 0
	for _, e := range w.Events {
		if e.Kind == casework.EventResultPassed {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("passed %d times", passed)
	}
}
