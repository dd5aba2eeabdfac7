package casework_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

// clock gives a clock of the case as it stands today.
func (w *world) clock(basis casework.ClockBasis) casework.Clock {
	k, err := w.Clock(basis, calendar, w.today())
	w.must(err)
	return k
}

// dueOn gives the days on which the statutory clock and the first review end.
func (w *world) dueOn() [2]string {
	return [2]string{w.dates().Statutory.String(), w.Reviews[0].DueOn.String()}
}

// acceptedOn is accepted on a day, with limits of the law for the whole case and
// for the fire brigade's review.
func acceptedOn(t *testing.T, day string, limit, extendable int) *world {
	needs := restaurant()
	needs[0].Limit, needs[0].Extendable = workdays(limit), extendable
	ev := evidence(generous(), needs)
	ev.Statutory, ev.Extendable = workdays(limit), extendable
	w := open(t, ev)
	w.on(day)
	w.must(w.submit(w.by(applicant)))
	w.must(w.Accept(w.by(window), ev, nil, calendar))
	return w
}

func hearing(days int) casework.ProcedureInput {
	return casework.ProcedureInput{Review: "rev_1_1", Kind: casework.Hearing, Days: days}
}

func extension(review string, days int) casework.Extending {
	return casework.Extending{Review: review, Days: days, Approver: "区消防大队负责人", Reason: "案情复杂"}
}

// The scenarios of the catalogue (rules.yaml), played with the commands.
func TestScenarios(t *testing.T) {
	t.Parallel()
	var rules struct {
		TestVectors struct {
			Scenarios []struct {
				Name, Accepted, Due string
				ExtendedDue         string `yaml:"extended_due"`
				Statutory           int
				Pauses              []struct{ From, To workday.Date }
			}
		} `yaml:"test_vectors"`
	}
	readPack("rules.yaml", &rules)
	if len(rules.TestVectors.Scenarios) < 3 {
		t.Fatal("the catalogue has no scenarios")
	}
	extendable := map[int]int{20: 10, 45: 15} // 行政许可法 第42条
	for _, s := range rules.TestVectors.Scenarios {
		w := acceptedOn(t, s.Accepted, s.Statutory, extendable[s.Statutory])
		for _, p := range s.Pauses {
			days, err := calendar.Count(p.From.AddDays(-1), p.To, workday.UnitWorkday, nil)
			w.must(err)
			w.on(p.From.String())
			w.must(w.StartSpecialProcedure(w.by(fire), hearing(days)))
			if got := w.dueOn(); got != [2]string{s.Due, s.Due} {
				t.Errorf("%s: once told that it takes %d days, due on %s, want %s", s.Name, days, got, s.Due)
			}
			w.on(p.To.String())
			w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
		}
		if got := w.dueOn(); got != [2]string{s.Due, s.Due} {
			t.Errorf("%s: due on %s, want %s", s.Name, got, s.Due)
		}
		if s.ExtendedDue == "" {
			continue
		}
		w.must(w.Extend(w.by(lead), extension("", extendable[s.Statutory]), calendar))
		w.must(w.Extend(w.by(fire), extension("rev_1_1", extendable[s.Statutory]), calendar))
		if got := w.dueOn(); got != [2]string{s.ExtendedDue, s.ExtendedDue} {
			t.Errorf("%s: extended, due on %s, want %s", s.Name, got, s.ExtendedDue)
		}
	}
}

// A hearing that was told to take 15 days and ends on its fifth gives ten back;
// one that takes longer moves the date with every day.
func TestSuspensionFollowsWhatHappens(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	w.on("2026-03-09")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(15)))
	if k := w.clock(casework.StatutoryClock); k.Running || k.Remaining == nil || *k.Remaining != 16 {
		t.Errorf("in the hearing: running %v, remaining %v", k.Running, k.Remaining)
	}
	w.on("2026-03-13")
	w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
	if got := w.dueOn(); got != [2]string{"2026-04-07", "2026-04-07"} {
		t.Errorf("ended on its fifth day: due on %s", got)
	}
	w.on("2026-03-16")
	if k := w.clock(casework.StatutoryClock); !k.Running || *k.Remaining != 15 {
		t.Errorf("after the hearing: running %v, remaining %d", k.Running, *k.Remaining)
	}
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(1)))
	w.on("2026-03-18")
	if got := w.dueOn(); got != [2]string{"2026-04-10", "2026-04-10"} {
		t.Errorf("told one day and not ended on the third: due on %s", got)
	}
	w.tick()
	if got := w.dates().WakeOn.String(); got != "2026-03-19" {
		t.Errorf("a date that moves with every day is looked at on %s", got)
	}
}

// A date explains itself: every day, whether it counts, and why.
func TestExplanation(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	w.on("2026-03-09")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(15)))
	x := w.clock(casework.StatutoryClock).Explanation
	counted, paused := 0, 0
	for i, day := range x.Days {
		if want := workday.NewDate(2026, time.March, 2).AddDays(i); day.Date != want || day.Reason == "" || day.ReasonEN == "" || day.Source == "" {
			t.Fatalf("day %d: %+v", i, day)
		}
		if day.Counts {
			counted++
			if day.Number != counted {
				t.Errorf("%s is number %d, want %d", day.Date, day.Number, counted)
			}
		}
		if strings.Contains(day.Reason, "HEARING prc_1_1") && day.Source == "行政许可法 第45条" {
			paused++
		}
	}
	if counted != 20 || paused != 15 || x.Days[len(x.Days)-1].Date != x.DueOn {
		t.Errorf("%d days count and %d are paused up to %s", counted, paused, x.DueOn)
	}
}

// After acceptance a supplement stops both clocks of the case, and the clock of
// the review that asked, by exactly its days.
func TestSupplementStopsTheClock(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	if got := w.dueOn(); got != [2]string{"2026-03-30", "2026-03-30"} {
		t.Fatalf("due on %s", got)
	}
	promised := w.Dates.Promised.String()
	w.on("2026-03-04")
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_1", Material: "plan"}}, workday.NewDate(2026, time.March, 10)))
	if got := w.dueOn(); got != [2]string{"2026-04-07", "2026-04-07"} || promised != "2026-03-23" || w.Dates.Promised.String() != "2026-03-30" {
		t.Errorf("asked for until 10 March: due on %s, promised %s → %s", got, promised, w.Dates.Promised)
	}
	if eco := w.Reviews[1].DueOn.String(); eco != "2026-03-09" {
		t.Errorf("the review that asked nothing is due on %s", eco)
	}
	w.on("2026-03-06")
	w.must(w.Supply(w.by(applicant)))
	if got := w.dueOn(); got != [2]string{"2026-04-02", "2026-04-02"} || w.clock(casework.StatutoryClock).Running {
		t.Errorf("supplied on the third day: due on %s", got)
	}
	w.later(1)
	if !w.clock(casework.StatutoryClock).Running {
		t.Error("the clock stands on the day after")
	}
	// A missed one goes back to who asked, and nothing ends.
	w.on("2026-03-09")
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_1", Text: "补图"}}, workday.NewDate(2026, time.March, 11)))
	w.on("2026-03-11")
	if got := w.tick(); len(got) > 1 || w.State != casework.Supplementing { // eco is reminded of or silent
		t.Errorf("on the last day %v", got)
	}
	w.on("2026-03-12")
	if diff := cmp.Diff([]string{"missSupplement", casework.EventReviewOpened}, w.tick()); diff != "" {
		t.Error(diff)
	}
	if w.State != casework.InReview || w.Reviews[0].State != casework.Open || w.Reviews[0].DueOn.String() != "2026-04-09" {
		t.Errorf("%s, review %s due on %s", w.State, w.Reviews[0].State, w.Reviews[0].DueOn)
	}
}

// A supplement before acceptance is no stop: no clock runs yet.
func TestSupplementBeforeAcceptance(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	w.must(w.RequestSupplement(w.by(window), []casework.Ask{{Material: "plan"}}, w.due()))
	if d := w.dates(); !d.AcceptBy.IsZero() || d.WakeOn != w.due().AddDays(1) {
		t.Errorf("asked: %+v", d)
	}
	w.on("2026-03-05")
	w.must(w.Supply(w.by(applicant)))
	if got := w.dates().AcceptBy.String(); got != "2026-03-12" {
		t.Errorf("received anew on 5 March, to be accepted by %s", got)
	}
	w.must(w.Accept(w.by(window), w.ev, nil, calendar))
	if k := w.clock(casework.PromisedClock); len(k.Pauses) > 0 || k.DueOn.String() != "2026-03-26" {
		t.Errorf("due on %s with %v", k.DueOn, k.Pauses)
	}
}

// Silence for 5 working days accepts the case as of the day of receipt. The
// departments had no copy before: their own limits start now.
func TestTickDeemsAccepted(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	w.on("2026-03-09")
	if got := w.tick(); len(got) > 0 {
		t.Errorf("on the last day %v", got)
	}
	w.on("2026-03-10")
	want := []string{"deemAccepted", casework.EventReviewWaits, casework.EventReviewWaits, casework.EventReviewWaits, casework.EventReviewOpened, casework.EventReviewOpened}
	if diff := cmp.Diff(want, w.tick()); diff != "" {
		t.Error(diff)
	}
	if got := workday.DateOf(w.AcceptedAt).String(); got != "2026-03-02" || w.dates().Promised.String() != "2026-03-23" {
		t.Errorf("accepted as of %s, promised by %s", got, w.Dates.Promised)
	}
	if got := w.Reviews[1].DueOn.String(); got != "2026-03-17" {
		t.Errorf("copied on 10 March, the review is due on %s", got)
	}
	if got := w.tick(); len(got) > 0 {
		t.Errorf("a second run: %v", got)
	}
}

// Once the window has told that something is missing there is no silence, until
// the application comes anew.
func TestMissedSupplementEndsTheSilence(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	w.must(w.RequestSupplement(w.by(window), []casework.Ask{{Material: "plan"}}, workday.NewDate(2026, time.March, 4)))
	w.on("2026-03-05")
	if diff := cmp.Diff([]string{"missSupplement"}, w.tick()); diff != "" {
		t.Error(diff)
	}
	w.on("2026-03-31")
	if got := w.tick(); len(got) > 0 || !w.dates().WakeOn.IsZero() {
		t.Errorf("told and not supplied: %v, wakes on %s", got, w.Dates.WakeOn)
	}
	w.must(w.Return(w.by(window), reasons))
	if d := w.dates(); !d.AcceptBy.IsZero() || !d.WakeOn.IsZero() || !w.ReceivedAt.IsZero() || w.State != casework.Draft {
		t.Errorf("returned: %+v", d)
	}
	w.on("2026-04-01")
	w.must(w.Submit(w.by(applicant), "BJ-2", "OTHER", w.ev))
	if w.Number != "BJ-1" || w.QueryCode != "CODE" || w.dates().AcceptBy.String() != "2026-04-09" {
		t.Errorf("submitted again: %s %s, to be accepted by %s", w.Number, w.QueryCode, w.Dates.AcceptBy)
	}
	w.on("2026-04-10")
	if got := w.tick(); len(got) == 0 || got[0] != "deemAccepted" {
		t.Errorf("silent since the new receipt: %v", got)
	}
}

// Silence is consent where the preset says so, never on safety of life, and what
// it opens has its own limit. A department is reminded once of each due date.
func TestSilence(t *testing.T) {
	t.Parallel()
	needs := restaurant()
	needs[2].After = []string{"fume"} // the lead waits for the environment, and so does the city
	needs = append(needs, casework.Need{Item: "sign", Department: "city", After: []string{"fume"}, Limit: workdays(5)})
	w := accepted(t, evidence(generous(), needs))
	if got := w.dates().WakeOn.String(); got != "2026-03-06" {
		t.Errorf("wakes on %s", got)
	}
	for _, step := range []struct {
		day  string
		want []string
	}{
		{"2026-03-05", []string{}},
		{"2026-03-06", []string{"remindDepartment", "remindDepartment"}}, // due on Monday, one working day left
		{"2026-03-07", []string{}},
		{"2026-03-09", []string{}},
		{"2026-03-10", []string{"deemConsent", casework.EventReviewOpened, casework.EventReviewOpened}},
		{"2026-03-16", []string{"remindDepartment", "remindDepartment"}},
		{"2026-03-18", []string{"deemConsent"}},
		{"2026-06-30", []string{}},
	} {
		w.on(step.day)
		if diff := cmp.Diff(step.want, w.tick()); diff != "" {
			t.Errorf("%s: %s", step.day, diff)
		}
		if got := w.tick(); len(got) > 0 {
			t.Errorf("%s again: %v", step.day, got)
		}
	}
	if r := w.Reviews[0]; r.State != casework.Open || r.Opinion != "" {
		t.Errorf("on safety of life: %s %s", r.State, r.Opinion)
	}
	if r := w.Reviews[2]; r.State != casework.Open || r.Opinion != "" || r.DueOn.String() != "2026-03-17" {
		t.Errorf("the lead's own: %s %s, due on %s", r.State, r.Opinion, r.DueOn)
	}
	if r := w.Reviews[3]; r.Opinion != casework.DeemedConsent || r.DueOn.String() != "2026-03-17" {
		t.Errorf("opened by silence: %s, due on %s", r.Opinion, r.DueOn)
	}
	strict := accepted(t, evidence(casework.StrictPreset(), restaurant()))
	strict.on("2026-06-30")
	if diff := cmp.Diff([]string{"remindDepartment", "remindDepartment"}, strict.tick()); diff != "" {
		t.Errorf("a strict preset: %s", diff)
	}
}

// New findings may put a review on safety of life, after which silence is no
// consent; none take it off.
func TestSafetyOfLifeIsJudgedAnew(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	needs := restaurant()
	needs[0].SafetyOfLife, needs[1].SafetyOfLife = false, true
	w.must(w.RerunChecks(w.by(lead), casework.Evidence{Needs: needs}))
	w.on("2026-06-30")
	w.tick()
	if w.Reviews[0].State != casework.Open || w.Reviews[1].State != casework.Open {
		t.Errorf("fire %s, eco %s", w.Reviews[0].State, w.Reviews[1].State)
	}
}

func TestReminderOfANewDay(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
	reminder := []string{"remindDepartment"}
	for _, step := range []struct {
		day  string
		do   func() error
		want []string
	}{
		{"2026-03-27", nil, reminder},
		{"2026-03-30", func() error { return w.Extend(w.by(fire), extension("rev_1_1", 2), calendar) }, []string{}},
		{"2026-03-31", nil, reminder}, // due on 1 April
		{"2026-04-01", func() error { return w.StartSpecialProcedure(w.by(fire), hearing(3)) }, []string{}},
		{"2026-04-03", func() error { return w.EndSpecialProcedure(w.by(fire), "prc_1_1") }, reminder}, // due on 7 April, the next working day
		{"2026-04-07", nil, []string{}},
	} {
		w.on(step.day)
		if step.do != nil {
			w.must(step.do())
		}
		if diff := cmp.Diff(step.want, w.tick()); diff != "" {
			t.Errorf("%s: %s", step.day, diff)
		}
	}
}

// A tolerated material has its own clock, the promised limit at most. Missed, it
// blocks the grant and ends nothing; it may still come.
func TestToleratedMaterial(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	tolerate := func(codes ...string) error { return w.Accept(w.by(window), w.ev, codes, calendar) }
	wantCode(t, "a key material", tolerate("plan"), fault.Invalid, "KEY_MATERIAL")
	wantCode(t, "a result that is passed inside", tolerate("fire-result"), fault.Invalid, "KEY_MATERIAL")
	wantCode(t, "what is not asked for", tolerate("lease"), fault.Invalid, "NOT_ASKED")
	wantCode(t, "twice", tolerate("photo", "photo"), fault.Invalid, "DUPLICATE")
	w.ev.Promised = workday.Limit{}
	wantCode(t, "no promise", tolerate("photo"), fault.Invalid, "NO_LIMIT")
	w.ev.Promised = workdays(15)
	w.ev.Materials[1].Tolerable = false // the evidence of today counts, not that of the draft
	wantCode(t, "tolerable no more", tolerate("photo"), fault.Invalid, "KEY_MATERIAL")
	w.ev.Materials[1].Tolerable = true
	w.must(tolerate("photo"))
	if plan, photo := w.Materials[0], w.Materials[1]; !plan.OnPaper || photo.OnPaper || photo.DueOn != w.dates().Promised || photo.DueOn.String() != "2026-03-23" {
		t.Errorf("plan on paper %v, photo by %s, promised %s", plan.OnPaper, photo.DueOn, w.Dates.Promised)
	}
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(5)))
	w.later(4)
	w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
	if d := w.dates(); d.Promised.String() != "2026-03-27" || w.Materials[1].DueOn != d.Promised {
		t.Errorf("the paper is due on %s, the case promised by %s", w.Materials[1].DueOn, d.Promised)
	}
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Dissent, reasons))
	w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
	wantCode(t, "grant while awaited", w.Decide(w.by(lead), casework.Grant, nil), fault.Conflict, "MATERIAL")
	wantCode(t, "deny while awaited", w.Decide(w.by(lead), casework.Deny, reasons), fault.Conflict, "MATERIAL")
	wantCode(t, "missed too early", w.MissMaterial(w.by(timer), "photo"), fault.Conflict, "NOT_DUE")
	w.on("2026-03-27")
	if got := w.tick(); slices.Contains(got, "missMaterial") {
		t.Errorf("on the last day %v", got)
	}
	w.on("2026-03-28")
	if diff := cmp.Diff([]string{"missMaterial"}, w.tick()); diff != "" {
		t.Error(diff)
	}
	if got := w.tick(); len(got) > 0 || w.State != casework.InReview {
		t.Errorf("missed: %v, %s", got, w.State)
	}
	wantCode(t, "grant after it was missed", w.Decide(w.by(lead), casework.Grant, nil), fault.Conflict, "MATERIAL")
	if allowed := casework.Allowed(w.Case, lead); !strings.Contains(strings.Join(allowed, " "), "decideCase") {
		t.Errorf("a dissent may be followed by a denial, allowed are %v", allowed)
	}
	w.must(w.Attach(w.by(applicant), casework.AttachInput{Material: "photo", File: casework.File{Name: "p.jpg"}}))
	wantCode(t, "a second one", w.Attach(w.by(applicant), casework.AttachInput{Material: "photo"}), fault.Conflict, "materialAwaited")
	w.must(w.Decide(w.by(lead), casework.Grant, nil))
}

// A notice that takes a day off says what it moved, and leaves no event where it
// moved nothing.
func TestMoveDates(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.dates()
	old, version := w.Dates.Calendar, w.Version
	w.must(w.MoveDates(w.by(timer), calendar))
	if w.Version != version {
		t.Error("the same calendar has moved something")
	}
	w.must(w.MoveDates(w.by(timer), moved))
	day := func(month time.Month, n int) workday.Date { return workday.NewDate(2026, month, n) }
	want := map[string]any{
		"before": old, "calendar": moved.Version(), "moved": []casework.Moved{
			{What: "PROMISED", From: day(3, 23), To: day(3, 24)},
			{What: "STATUTORY", From: day(5, 8), To: day(5, 9)},
			{What: "rev_1_1", From: day(3, 9), To: day(3, 10)},
			{What: "rev_1_2", From: day(3, 9), To: day(3, 10)},
		},
	}
	e := w.Events[len(w.Events)-1]
	if diff := cmp.Diff(want, e.Data); diff != "" || e.Kind != "moveDates" || w.Version != version+1 {
		t.Errorf("%s, version %d to %d: %s", e.Kind, version, w.Version, diff)
	}
	if w.Dates.Calendar != moved.Version() || w.Dates.Promised != day(3, 24) || w.Reviews[0].DueOn != day(3, 10) {
		t.Errorf("%+v", w.Dates)
	}
	w.must(w.Withdraw(w.by(applicant), ""))
	before := w.Dates
	w.must(w.MoveDates(w.by(timer), calendar))
	if w.Dates.Promised != before.Promised || w.Dates.Calendar != calendar.Version() || w.Events[len(w.Events)-1].Kind == "moveDates" {
		t.Errorf("withdrawn: %+v", w.Dates)
	}
}

// A limit that ends in a year without a calendar has no due date, and so no
// timer; the year's calendar brings it.
func TestYearWithoutCalendar(t *testing.T) {
	t.Parallel()
	w := open(t, evidence(generous(), restaurant()))
	w.on("2027-12-30")
	w.must(w.submit(w.by(applicant)))
	if d := w.dates(); !d.AcceptBy.IsZero() || !d.WakeOn.IsZero() {
		t.Errorf("received: %+v", d)
	}
	w.on("2028-02-01")
	if got := w.tick(); len(got) > 0 {
		t.Errorf("received: %v", got)
	}
	wantCode(t, "no date until which to tolerate", w.Accept(w.by(window), w.ev, []string{"photo"}, calendar), fault.Invalid, "NO_CALENDAR")
	w.must(w.Accept(w.by(window), w.ev, nil, calendar))
	if d := w.dates(); !d.Promised.IsZero() || !d.Statutory.IsZero() || !w.Reviews[0].DueOn.IsZero() {
		t.Errorf("accepted: %+v", d)
	}
	k := w.clock(casework.StatutoryClock)
	if !k.DueOn.IsZero() || k.Remaining != nil || len(k.Explanation.Days) != 1 || !k.Explanation.Provisional {
		t.Errorf("%+v", k)
	}
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(5)))
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_2", Text: "补图"}}, w.due()))
	w.later(60)
	if diff := cmp.Diff([]string{"missSupplement", casework.EventReviewOpened}, w.tick()); diff != "" {
		t.Error(diff)
	}
	wantCode(t, "silence", w.DeemConsent(w.by(timer), "rev_1_2", calendar), fault.Conflict, "NO_CALENDAR")
	wantCode(t, "a reminder", w.Remind(w.by(timer), "rev_1_2"), fault.Conflict, "")
	w.must(w.Extend(w.by(lead), extension("", 1), calendar))
}

func TestExtend(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	with := func(by casework.Actor, change func(*casework.Extending)) error {
		in := extension("rev_1_1", 5)
		change(&in)
		return w.Extend(w.by(by), in, calendar)
	}
	wantCode(t, "no days", with(fire, func(in *casework.Extending) { in.Days = 0 }), fault.Invalid, "OUT_OF_RANGE")
	wantCode(t, "over the cap", with(fire, func(in *casework.Extending) { in.Days = 11 }), fault.Invalid, "OVER_CAP")
	wantCode(t, "no approver", with(fire, func(in *casework.Extending) { in.Approver = " " }), fault.Invalid, "REQUIRED")
	wantCode(t, "no reason", with(fire, func(in *casework.Extending) { in.Reason = "　" }), fault.Invalid, "REQUIRED")
	wantCode(t, "another department's", with(eco, func(*casework.Extending) {}), fault.Denied, "")
	wantCode(t, "the whole case by a co-department", with(fire, func(in *casework.Extending) { in.Review = "" }), fault.Denied, "")
	wantCode(t, "no such review", with(fire, func(in *casework.Extending) { in.Review = "rev_1_9" }), fault.NotFound, "")
	w.must(with(fire, func(*casework.Extending) {}))
	wantCode(t, "over the cap together", with(fire, func(in *casework.Extending) { in.Days = 6 }), fault.Invalid, "OVER_CAP")
	if got := w.dueOn(); got != [2]string{"2026-03-30", "2026-04-07"} {
		t.Errorf("due on %s", got)
	}
	promised := w.Dates.Promised
	w.must(with(lead, func(in *casework.Extending) { in.Review = "" }))
	if got := w.dueOn(); got != [2]string{"2026-04-07", "2026-04-07"} || w.Dates.Promised != promised {
		t.Errorf("due on %s, promised %s → %s", got, promised, w.Dates.Promised)
	}
	// Approved on an earlier day and keyed in before the limit has run out.
	w.on("2026-04-07")
	w.must(w.Extend(w.lateBy(lead, 3), extension("", 4), calendar))
	if e := w.Events[len(w.Events)-1]; !e.Late || w.dueOn()[0] != "2026-04-13" {
		t.Errorf("late %v, due on %s", e.Late, w.dueOn())
	}
	w.on("2026-04-14")
	one := func(in *casework.Extending) { in.Days = 1 }
	wantCode(t, "a review that is overdue", with(fire, one), fault.Conflict, "LIMIT_PASSED")
	wantCode(t, "a case that is overdue", with(lead, func(in *casework.Extending) { in.Review, in.Days = "", 1 }), fault.Conflict, "LIMIT_PASSED")
	wantCode(t, "dated when the case was not", w.Extend(w.lateBy(lead, 1), extension("", 1), calendar), fault.Conflict, "LIMIT_PASSED")
	wantCode(t, "dated when the review was not", w.Extend(w.lateBy(fire, 10), extension("rev_1_1", 1), calendar), fault.Conflict, "LIMIT_PASSED")
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	wantCode(t, "an answered review", with(fire, func(*casework.Extending) {}), fault.Conflict, "limitRuns")

	needs := restaurant()
	needs[0].Limit = workday.Limit{}
	w = accepted(t, evidence(generous(), needs))
	wantCode(t, "a review without a limit", with(fire, func(*casework.Extending) {}), fault.Conflict, "NO_LIMIT")
}

// From the decision or the withdrawal on the clocks stand, and the dates stay.
func TestClocksStand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		remaining int
		end       func(*world) error
	}{
		{"decided", 11, func(w *world) error {
			w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
			w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
			w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
			return w.Decide(w.by(lead), casework.Grant, nil)
		}},
		{"withdrawn", 11, func(w *world) error { return w.Withdraw(w.by(applicant), "") }},
		{"withdrawn in a hearing of one day, keyed in late", 12, func(w *world) error {
			by := w.by(applicant)
			w.must(w.StartSpecialProcedure(w.by(fire), hearing(3)))
			w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_2", Text: "补图"}}, w.due()))
			by.OccurredAt, by.RecordedAt = by.RecordedAt.AddDate(0, 0, -2), w.now
			return w.Withdraw(by, "")
		}},
	} {
		w := inReview(t, generous())
		w.on("2026-03-06")
		w.dates()
		w.must(tc.end(w))
		dates := w.dates()
		w.on("2027-03-05")
		k := w.clock(casework.PromisedClock)
		if k.Running || k.Remaining == nil || *k.Remaining != tc.remaining {
			t.Errorf("%s: running %v, remaining %v", tc.name, k.Running, *k.Remaining)
		}
		if diff := cmp.Diff(dates, w.dates()); diff != "" || !dates.WakeOn.IsZero() || dates.Promised.String() != "2026-03-23" {
			t.Errorf("%s: %v %s", tc.name, dates, diff)
		}
		if got := w.tick(); len(got) > 0 {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// No limit is no date, and no fault.
func TestNoLimit(t *testing.T) {
	t.Parallel()
	needs := restaurant()
	needs[1].Limit = workday.Limit{}
	ev := evidence(generous(), needs)
	ev.Promised = workday.Limit{}
	w := accepted(t, ev)
	if d := w.dates(); !d.Promised.IsZero() || d.Statutory.IsZero() || !w.Reviews[1].DueOn.IsZero() {
		t.Errorf("%+v", d)
	}
	if k := w.clock(casework.PromisedClock); k.Running || !k.DueOn.IsZero() || len(k.Explanation.Days) > 0 {
		t.Errorf("%+v", k)
	}
	wantCode(t, "silence", w.DeemConsent(w.by(timer), "rev_1_2", calendar), fault.Conflict, "NO_LIMIT")
}

// A late entry costs no department its time: its clock starts when the copy or
// the result reaches it. The clocks of the case start on the day itself.
func TestLateEntriesAndClocks(t *testing.T) {
	t.Parallel()
	w := submitted(t, evidence(generous(), restaurant()))
	w.on("2026-03-09")
	by := w.by(window)
	by.OccurredAt = by.RecordedAt.AddDate(0, 0, -6)
	w.must(w.Accept(by, w.ev, nil, calendar))
	if got := w.dates().Promised.String(); got != "2026-03-24" || w.Reviews[0].DueOn.String() != "2026-03-16" {
		t.Errorf("accepted on 3 March, keyed in on 9 March: promised by %s, review due on %s", got, w.Reviews[0].DueOn)
	}
	w.on("2026-03-13")
	by = w.by(fire)
	by.OccurredAt = by.RecordedAt.AddDate(0, 0, -3)
	w.must(w.GiveOpinion(by, "rev_1_1", casework.Consent, nil))
	w.dates()
	if r := w.Reviews[2]; r.State != casework.Open || r.DueOn.String() != "2026-03-20" || w.Events[len(w.Events)-1].Late {
		t.Errorf("behind a late entry: %s, due on %s", r.State, r.DueOn)
	}
	by = w.by(lead)
	by.OccurredAt = begin.Add(time.Hour) // after the receipt
	wantCode(t, "before the acceptance", w.PlaceHold(by, casework.DecisionMilestone, "核实"), fault.Invalid, "TOO_EARLY")
}
