package casework_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/workday"
)

func wantCode(t *testing.T, what string, err error, want fault.Code, problem string) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: %q, want %q: %v", what, got, want, err)
		return
	}
	var f *fault.Error
	if problem == "" || !errors.As(err, &f) {
		return
	}
	for _, p := range f.Problems {
		if p.Code == problem {
			return
		}
	}
	t.Errorf("%s: no problem %s in %v", what, problem, err)
}

func TestOpinionInput(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	wantCode(t, "dissent without reasons", w.GiveOpinion(w.by(fire), "R1", casework.Dissent, nil), fault.Invalid, "REQUIRED")
	wantCode(t, "dissent with an empty reason", w.GiveOpinion(w.by(fire), "R1", casework.Dissent, []casework.Reason{{}}), fault.Invalid, "REQUIRED")
	wantCode(t, "deemed consent by hand", w.GiveOpinion(w.by(fire), "R1", casework.DeemedConsent, nil), fault.Invalid, "NOT_TO_BE_GIVEN")
	wantCode(t, "another department's review", w.GiveOpinion(w.by(fire), "R2", casework.Consent, nil), fault.Denied, "")
	by := w.by(fire)
	by.Version = 1
	wantCode(t, "an old version", w.GiveOpinion(by, "R1", casework.Consent, nil), fault.Stale, "3")
	w.must(w.GiveOpinion(w.by(fire), "R1", casework.ConsentPendingSuperior, nil))
	if w.Reviews[2].State != casework.Waiting {
		t.Errorf("food-permit is %s before the superior has spoken", w.Reviews[2].State)
	}
	w.must(w.GiveOpinion(w.by(fire), "R1", casework.Consent, nil))
	if w.Reviews[2].State != casework.Open {
		t.Errorf("food-permit is %s after the result", w.Reviews[2].State)
	}
}

// Silence for 5 working days accepts the case as of the day of receipt
// (行政许可法 第32条): received on Monday 2 March, until Monday 9 March.
func TestDeemAccepted(t *testing.T) {
	t.Parallel()
	w := open(t, generous(), restaurant())
	w.must(w.Submit(w.by(applicant), "JB-1"))
	w.later(7)
	wantCode(t, "on the last day", w.DeemAccepted(w.by(timer), casework.Acceptance{Preset: w.preset}, calendar), fault.Conflict, "NOT_DUE")
	w.later(1)
	w.must(w.DeemAccepted(w.by(timer), casework.Acceptance{Preset: w.preset}, calendar))
	if got := workday.DateOf(w.AcceptedAt).String(); w.State != casework.InReview || got != "2026-03-02" {
		t.Errorf("%s as of %s", w.State, got)
	}
}

// A hearing from 9 to 27 March moves the end of 20 working days to 21 April
// (rules.yaml, scenario 听证停表).
func TestHearingMovesTheDueDate(t *testing.T) {
	t.Parallel()
	needs := restaurant()
	needs[0].Limit.Amount = 20
	w := open(t, generous(), needs)
	w.must(w.Submit(w.by(applicant), "JB-1"))
	w.must(w.Accept(w.by(window), casework.Acceptance{Preset: w.preset}))
	w.later(7)
	w.must(w.StartSpecialProcedure(w.by(fire), casework.ProcedureInput{Review: "R1", Kind: casework.Hearing, Days: 15}))
	w.later(18)
	w.must(w.EndSpecialProcedure(w.by(fire), "P1"))
	d, err := w.Reviews[0].DueOn(calendar)
	if err != nil || d.DueOn.String() != "2026-04-21" {
		t.Errorf("due on %s, %v", d.DueOn, err)
	}
	wantCode(t, "a site visit does not stop the clock", w.StartSpecialProcedure(w.by(fire), casework.ProcedureInput{Review: "R1", Kind: "SITE_VISIT", Days: 2}), fault.Invalid, "UNKNOWN")
}

func TestSupplementKeepsToTheNotice(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.Notice = "N-1"
	w.Materials = []guide.Material{{Code: "plan", Source: guide.FromApplicant}, {Code: "fire-result", Source: guide.FromInside}}
	ask := func(material string) error {
		return w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "R2", Material: material}}, w.due())
	}
	wantCode(t, "outside the notice", ask("photo"), fault.Invalid, "OUTSIDE_NOTICE")
	wantCode(t, "passed inside", ask("fire-result"), fault.Invalid, "INTERNAL_RESULT")
	w.must(ask("plan"))
	wantCode(t, "a second one", ask("plan"), fault.Conflict, "SUPPLEMENTING")
	wantCode(t, "missed too early", w.MissSupplement(w.by(timer)), fault.Conflict, "NOT_DUE")
}

func TestAbsenceAndLateEntry(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	today := workday.DateOf(w.now)
	w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"fire", "eco", "samr"}, today))
	w.later(1)
	by := w.by(lead)
	by.OccurredAt = by.RecordedAt.Add(-24 * time.Hour)
	w.must(w.RecordMeeting(by, "M1", []string{"samr"}))
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
	_, err := casework.New(w.by(applicant), casework.Opening{Scheme: "catering", Lead: "samr", Applicant: "zhang", Needs: []casework.Need{
		{Item: "a", Department: "x", After: []string{"b"}}, {Item: "b", Department: "y", After: []string{"a"}},
	}})
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
	w.must(w.GiveOpinion(w.by(fire), "R1", casework.Consent, nil))
	w.must(w.GiveOpinion(w.by(eco), "R2", casework.Dissent, reasons))
	wantCode(t, "too early", w.Decide(w.by(lead), casework.Grant, nil), fault.Conflict, "REVIEW")
	w.must(w.GiveOpinion(w.by(lead), "R3", casework.Consent, nil))
	w.must(w.Decide(w.by(lead), casework.Grant, nil))
	d, err := w.Duties[1].DueOn(calendar)
	if err != nil || w.Duties[1].Kind != casework.OwesReasons || d.DueOn.String() != "2026-03-16" {
		t.Errorf("%s due on %s, %v", w.Duties[1].Kind, d.DueOn, err)
	}
}
