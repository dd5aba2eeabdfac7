package casework_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

// last is the event that came last.
func (w *world) last() casework.Event { return w.Events[len(w.Events)-1] }

// blockers gives the kinds of what blocks the case.
func (w *world) blockers() []casework.BlockerKind {
	var kinds []casework.BlockerKind
	for _, b := range casework.Blockers(w.Case) {
		kinds = append(kinds, b.Kind)
	}
	return kinds
}

// A dissent that was asked for a supplement stays, however the supplement ends,
// until its own department answers anew: nobody releases it, and neither silence
// nor absence makes it a consent.
func TestDissentStaysWhileItIsReviewedAgain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world) error{
		"supplied": func(w *world) error { w.later(1); return w.Supply(w.by(applicant)) },
		"missed":   func(w *world) error { w.later(11); return w.MissSupplement(w.by(timer)) },
	} {
		w := inReview(t, generous())
		w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Dissent, reasons))
		w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_2", Text: "补油烟净化方案"}}, w.due()))
		w.must(end(w))
		stays := func(after string) {
			t.Helper()
			r := w.Reviews[1]
			if r.State != casework.Open || r.Opinion != casework.Dissent || cmp.Diff(reasons, r.Reasons) != "" || !r.AnsweredAt.IsZero() {
				t.Errorf("%s, %s: %s %q %v, answered at %s", name, after, r.State, r.Opinion, r.Reasons, r.AnsweredAt)
			}
		}
		stays("asked")
		wantCode(t, "released by the lead", w.ReleaseDepartment(w.by(lead), "rev_1_2", "不涉及"), fault.Conflict, "reviewReleasable")
		wantCode(t, "released by the body", w.ReleaseDepartment(w.by(body), "rev_1_2", "不涉及"), fault.Conflict, "OPEN")
		wantCode(t, "answered by another department", w.GiveOpinion(w.by(fire), "rev_1_2", casework.Consent, nil), fault.Denied, "")
		w.must(w.CallMeeting(w.by(lead), casework.ReviewMeeting, []string{"eco"}, w.today().AddDays(2)))
		w.later(2)
		w.must(w.RecordMeeting(w.by(lead), "mtg_1_1", nil))
		stays("absent")
		w.must(w.RerunChecks(w.by(eco), w.ev))
		w.on("2026-06-30")
		w.tick()
		stays("silent")
		wantCode(t, "deemed", w.DeemConsent(w.by(timer), "rev_1_2", calendar), fault.Conflict, "silenceIsConsent")
		w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
		w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
		wantCode(t, "granted before it has answered", w.Decide(w.by(lead), casework.Grant, nil), fault.Conflict, "REVIEW")
		wantCode(t, "denied before it has answered", w.Decide(w.by(lead), casework.Deny, reasons), fault.Conflict, "REVIEW")
		stays("decision refused")
		w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
		if r := w.Reviews[1]; r.State != casework.Answered || r.Opinion != casework.Consent || len(r.Reasons) > 0 || r.AnsweredAt.IsZero() {
			t.Errorf("%s, answered anew: %s %q %v", name, r.State, r.Opinion, r.Reasons)
		}
		wantCode(t, "denied where all consent", w.Decide(w.by(lead), casework.Deny, reasons), fault.Conflict, "mayDeny")
		w.must(w.Decide(w.by(lead), casework.Grant, nil))
	}
}

// Silence and absence count for co-departments alone: neither for the lead nor on
// safety of life.
func TestWhoYields(t *testing.T) {
	t.Parallel()
	needs := restaurant()
	needs[2].After = nil
	at := func(day string) *world {
		w := accepted(t, evidence(generous(), needs))
		w.on(day)
		return w
	}
	opinions := func(w *world) []casework.Opinion {
		return []casework.Opinion{w.Reviews[0].Opinion, w.Reviews[1].Opinion, w.Reviews[2].Opinion}
	}
	want := []casework.Opinion{"", casework.DeemedConsent, ""}
	w := at("2026-06-30")
	for _, id := range []string{"rev_1_1", "rev_1_3"} {
		wantCode(t, id, w.DeemConsent(w.by(timer), id, calendar), fault.Conflict, "OPEN")
	}
	w.tick()
	if diff := cmp.Diff(want, opinions(w)); diff != "" {
		t.Errorf("silent: %s", diff)
	}
	wantCode(t, "nobody yields any more", w.DeemConsent(w.by(timer), "rev_1_3", calendar), fault.Conflict, "silenceIsConsent")
	w = at("2026-03-03")
	w.must(w.CallMeeting(w.by(body), casework.ReviewMeeting, []string{"fire", "eco", "samr"}, w.today().AddDays(1)))
	w.later(1)
	w.must(w.RecordMeeting(w.by(body), "mtg_1_1", nil))
	if diff := cmp.Diff(want, opinions(w)); diff != "" {
		t.Errorf("absent: %s", diff)
	}
}

// Absence is consent only where the call left the notice that the preset asks
// for, reckoned from when the call is on record.
func TestNoticeOfAMeeting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name               string
		notice, late, away int // days of notice, between call and record, from the record to the meeting
		absence, want      bool
	}{
		{"called for the same day", 1, 0, 0, true, false},
		{"called for the next day", 1, 0, 1, true, true},
		{"three days asked, two given", 3, 0, 2, true, false},
		{"three days asked, three given", 3, 0, 3, true, true},
		{"no notice asked", 0, 0, 0, true, true},
		{"keyed in on the day of the meeting", 1, 2, 0, true, false},
		{"absence is no consent", 1, 0, 5, false, false},
	} {
		preset := generous()
		preset.MeetingNoticeDays, preset.AbsenceIsConsent = tc.notice, tc.absence
		w := inReview(t, preset)
		w.on("2026-03-05")
		w.must(w.CallMeeting(w.lateBy(lead, tc.late), casework.SiteVisit, []string{"eco"}, w.today().AddDays(tc.away)))
		w.later(tc.away)
		w.must(w.RecordMeeting(w.by(lead), "mtg_1_1", nil))
		if got := w.Reviews[1].Opinion == casework.DeemedConsent; got != tc.want || !slices.Contains(w.Meetings[0].Absent, "eco") {
			t.Errorf("%s: consents %v, absent %v", tc.name, got, w.Meetings[0].Absent)
		}
	}
}

func TestMeetingInput(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	call := func(on workday.Date, departments ...string) error {
		return w.CallMeeting(w.by(lead), casework.CoordinationMeeting, departments, on)
	}
	wantCode(t, "a department twice", call(w.due(), "eco", "fire", "eco"), fault.Invalid, "DUPLICATE")
	wantCode(t, "in 61 days", call(w.today().AddDays(61), "eco"), fault.Invalid, "TOO_LATE")
	wantCode(t, "yesterday", call(w.today().AddDays(-1), "eco"), fault.Invalid, "TOO_EARLY")
	wantCode(t, "a department not concerned", call(w.due(), "culture"), fault.Invalid, "NOT_CONCERNED")
	wantCode(t, "nobody", call(w.due()), fault.Invalid, "REQUIRED")
	w.must(call(w.today().AddDays(60), "eco", "fire"))
	w.must(w.RecordMeeting(func() casework.By { w.later(60); return w.by(lead) }(), "mtg_1_1", []string{"eco"}))
	w.must(call(w.today(), "fire", "samr"))
	wantCode(t, "present and not called", w.RecordMeeting(w.by(lead), "mtg_1_2", []string{"fire", "eco"}), fault.Invalid, "NOT_CALLED")
	if !w.Meetings[1].HeldAt.IsZero() {
		t.Error("a refused record holds the meeting")
	}
	w.must(w.RecordMeeting(w.by(lead), "mtg_1_2", []string{"samr"}))
	if diff := cmp.Diff([]string{"fire"}, w.Meetings[1].Absent); diff != "" {
		t.Error(diff)
	}
	wantCode(t, "recorded twice", w.RecordMeeting(w.by(lead), "mtg_1_2", nil), fault.Conflict, "meetingCalled")
}

// A meeting that is called off blocks no more. Nobody was absent from it, nothing
// was held.
func TestCancelMeeting(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.must(w.ChooseMode(w.by(lead), casework.MeetingMode))
	wantCode(t, "nothing is called", w.CancelMeeting(w.by(lead), "mtg_1_1", "改期"), fault.Conflict, "meetingCalled")
	w.must(w.CallMeeting(w.by(lead), casework.ReviewMeeting, []string{"eco"}, w.due()))
	w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"eco"}, w.due()))
	wantCode(t, "no reason", w.CancelMeeting(w.by(lead), "mtg_1_1", "  "), fault.Invalid, "REQUIRED")
	wantCode(t, "no such meeting", w.CancelMeeting(w.by(lead), "mtg_1_9", "改期"), fault.NotFound, "")
	wantCode(t, "a co-department", w.CancelMeeting(w.by(eco), "mtg_1_1", "改期"), fault.Denied, "")
	w.must(w.CancelMeeting(w.lateBy(lead, 0), "mtg_1_1", "改期"))
	if e := w.last(); e.Kind != string(casework.ActCancelMeeting) || cmp.Diff(map[string]any{"meeting": "mtg_1_1", "reason": "改期"}, e.Data) != "" {
		t.Errorf("%s %v", e.Kind, e.Data)
	}
	w.later(10)
	wantCode(t, "cancelled twice", w.CancelMeeting(w.by(lead), "mtg_1_1", "改期"), fault.Conflict, "HELD")
	wantCode(t, "recorded after it was cancelled", w.RecordMeeting(w.by(lead), "mtg_1_1", nil), fault.Conflict, "HELD")
	if !w.Meetings[0].HeldAt.IsZero() || len(w.Meetings[0].Absent) > 0 || w.Reviews[1].Opinion != "" {
		t.Errorf("%+v, eco %q", w.Meetings[0], w.Reviews[1].Opinion)
	}
	// A supplement does not keep a meeting from being called off.
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_1", Text: "补图"}}, w.due()))
	w.must(w.CancelMeeting(w.by(body), "mtg_1_2", "改为函询"))
	w.must(w.Supply(w.by(applicant)))
	w.must(w.CallMeeting(w.by(lead), casework.SiteVisit, []string{"eco"}, w.today())) // no second one: the first was none
	w.must(w.RecordMeeting(w.by(lead), "mtg_1_3", []string{"eco"}))
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
	w.must(w.CallMeeting(w.by(lead), casework.ReviewMeeting, []string{"samr"}, w.today()))
	w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
	both := []casework.BlockerKind{casework.BlockedByMeeting, casework.BlockedByMeeting}
	if diff := cmp.Diff(both, w.blockers()); diff != "" { // the called one, and the mode's own
		t.Error(diff)
	}
	w.must(w.CancelMeeting(w.by(lead), "mtg_1_4", "改期"))
	if diff := cmp.Diff(both[:1], w.blockers()); diff != "" {
		t.Errorf("meeting mode wants one that was held: %s", diff)
	}
	w.must(w.ChooseMode(w.by(lead), casework.CopyMode))
	if got := w.blockers(); len(got) > 0 {
		t.Errorf("still blocked by %v", got)
	}
}

// A dissent says which clause is not met, and how.
func TestDissentNeedsClauseAndText(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	clause, text := "C-FIR-001", "疏散宽度不足"
	for name, given := range map[string][]casework.Reason{
		"none":                 nil,
		"no clause":            {{Text: text}},
		"a blank clause":       {{Clause: " ", Text: text}},
		"no text":              {{Clause: clause}},
		"a blank text":         {{Clause: clause, Text: "\t　"}},
		"the second has none":  {{Clause: clause, Text: text}, {Text: text}},
		"nothing but blanks":   {{Clause: " ", Text: " "}},
		"one field in each":    {{Clause: clause}, {Text: text}},
		"a text in the second": {{Clause: clause}, {Clause: clause, Text: text}},
	} {
		wantCode(t, name, w.GiveOpinion(w.by(fire), "rev_1_1", casework.Dissent, given), fault.Invalid, "REQUIRED")
	}
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Dissent, []casework.Reason{{Clause: clause, Text: text}}))
}

// What is blank is missing.
func TestBlankTexts(t *testing.T) {
	t.Parallel()
	blank := []casework.Reason{{Clause: " ", Text: "　"}}
	received := submitted(t, evidence(generous(), restaurant()))
	w := inReview(t, generous())
	late := accepted(t, evidence(generous(), nil), "photo")
	late.later(60)
	late.must(late.MissMaterial(late.by(timer), "photo"))
	overruled := inReview(t, generous())
	overruled.must(overruled.GiveOpinion(overruled.by(fire), "rev_1_1", casework.Consent, nil))
	overruled.must(overruled.GiveOpinion(overruled.by(eco), "rev_1_2", casework.Dissent, reasons))
	overruled.must(overruled.GiveOpinion(overruled.by(lead), "rev_1_3", casework.Consent, nil))
	_, err := casework.New(w.by(window), casework.Opening{ID: "cas_1", Scheme: "catering", Applicant: "  ", Evidence: w.ev})
	denied := overruled.Decide(overruled.by(lead), casework.Deny, blank)
	overruled.must(overruled.Decide(overruled.by(lead), casework.Grant, nil))
	reasonsOwed := overruled.GiveReasons(overruled.by(lead), blank)
	revoked := overruled.Deliver(overruled.by(window))
	overruled.must(revoked)
	unknown := casework.Need{Item: "sign", Department: "city"}
	for name, err := range map[string]error{
		"applicant":        err,
		"return":           received.Return(received.by(window), blank),
		"refuse":           received.Refuse(received.by(window), casework.Refused, blank),
		"ask":              received.RequestSupplement(received.by(window), []casework.Ask{{Material: " ", Text: " "}}, received.due()),
		"revokeAcceptance": late.RevokeAcceptance(late.by(window), blank),
		"addDepartment":    w.AddDepartment(w.by(lead), unknown, nil, " "),
		"release":          w.ReleaseDepartment(w.by(lead), "rev_1_2", " "),
		"hold":             w.PlaceHold(w.by(lead), casework.DecisionMilestone, " "),
		"approver":         w.Extend(w.by(lead), casework.Extending{Days: 1, Approver: " ", Reason: "案情复杂"}, calendar),
		"reason":           w.Extend(w.by(lead), casework.Extending{Days: 1, Approver: "局长", Reason: " "}, calendar),
		"deny":             denied,
		"reasons owed":     reasonsOwed,
		"revoke":           overruled.Revoke(overruled.by(lead), blank),
		"recall":           overruled.Recall(overruled.by(lead), blank),
	} {
		wantCode(t, name, err, fault.Invalid, "REQUIRED")
	}
}

// What stops or prolongs a clock takes effect when it is recorded, whatever day
// it is dated; so does the decision.
func TestStopsTakeEffectWhenRecorded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do func(*world, casework.By) error
		at func(*world) time.Time
	}{
		"a procedure": {
			func(w *world, by casework.By) error {
				by.Actor = fire
				return w.StartSpecialProcedure(by, hearing(5))
			},
			func(w *world) time.Time { return w.Procedures[0].StartedAt },
		},
		"its pause": {
			func(w *world, by casework.By) error {
				by.Actor = fire
				return w.StartSpecialProcedure(by, hearing(5))
			},
			func(w *world) time.Time { return w.Reviews[0].PausedAt },
		},
		"a supplement": {
			func(w *world, by casework.By) error {
				return w.RequestSupplement(by, []casework.Ask{{Review: "rev_1_1", Text: "补图"}}, w.due())
			},
			func(w *world) time.Time { return w.Supplements[0].AskedAt },
		},
		"a call": {
			func(w *world, by casework.By) error {
				return w.CallMeeting(by, casework.SiteVisit, []string{"eco"}, w.due())
			},
			func(w *world) time.Time { return w.Meetings[0].CalledAt },
		},
		"a decision": {
			func(w *world, by casework.By) error {
				w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
				w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
				w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
				w.now = w.now.Add(time.Hour)
				by.RecordedAt = w.now
				w.must(w.Decide(by, casework.Grant, nil))
				if w.Decision.DecidedAt != w.DecidedAt {
					t.Errorf("decided at %s and %s", w.Decision.DecidedAt, w.DecidedAt)
				}
				return nil
			},
			func(w *world) time.Time { return w.DecidedAt },
		},
	} {
		w := inReview(t, generous())
		w.on("2026-03-06")
		by := w.lateBy(lead, 3)
		w.must(tc.do(w, by))
		if got := tc.at(w); !got.Equal(w.now) {
			t.Errorf("%s of 3 March, recorded on 6 March, is of %s", name, got)
		}
		e := w.Events[slices.IndexFunc(w.Events, func(e casework.Event) bool { return e.Late })]
		if !e.OccurredAt.Equal(by.OccurredAt) || !e.RecordedAt.Equal(w.now) {
			t.Errorf("%s: the event is of %s, recorded at %s", name, e.OccurredAt, e.RecordedAt)
		}
	}
}

// What ends a stop may be dated earlier than it is recorded, never before its
// start.
func TestEndsMayBeDatedEarlier(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	w.on("2026-03-09")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(15)))
	w.on("2026-03-20")
	wantCode(t, "ended before it began", w.EndSpecialProcedure(w.lateBy(fire, 12), "prc_1_1"), fault.Invalid, "TOO_EARLY")
	w.must(w.EndSpecialProcedure(w.lateBy(fire, 7), "prc_1_1"))
	if got := w.dueOn(); got != [2]string{"2026-04-07", "2026-04-07"} { // as ended on 13 March
		t.Errorf("due on %s", got)
	}
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_1", Text: "补图"}}, w.due()))
	w.on("2026-03-25")
	wantCode(t, "supplied before it was asked for", w.Supply(w.lateBy(applicant, 6)), fault.Invalid, "TOO_EARLY")
	w.must(w.Supply(w.lateBy(applicant, 2)))
	if got := workday.DateOf(w.Supplements[0].SuppliedAt).String(); got != "2026-03-23" {
		t.Errorf("supplied on %s", got)
	}
	// The case's clocks stood on 20 and 23 March; the department has it on 25 March.
	if got := w.dueOn(); got != [2]string{"2026-04-09", "2026-04-13"} {
		t.Errorf("due on %s", got)
	}
}

// Nobody binds a case for longer than a person would mean.
func TestCaps(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	w.on("2026-03-06")
	ask := func(by casework.By, days int) error {
		return w.RequestSupplement(by, []casework.Ask{{Review: "rev_1_2", Text: "补图"}}, w.today().AddDays(days))
	}
	wantCode(t, "91 days", ask(w.by(lead), 91), fault.Invalid, "TOO_LATE")
	wantCode(t, "today", ask(w.by(lead), 0), fault.Invalid, "TOO_EARLY")
	wantCode(t, "a day that is over when it is recorded", ask(w.lateBy(lead, 3), -1), fault.Invalid, "TOO_EARLY")
	for _, days := range []int{0, -1, 181, 1 << 40} {
		wantCode(t, "a procedure of as many days", w.StartSpecialProcedure(w.by(fire), hearing(days)), fault.Invalid, "OUT_OF_RANGE")
	}
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(180)))
	w.must(ask(w.lateBy(lead, 3), 90))
	if d := w.dates(); d.Statutory.IsZero() || d.Promised.IsZero() || w.Reviews[0].DueOn.IsZero() {
		t.Errorf("%+v, review due on %s", d, w.Reviews[0].DueOn)
	}
}

// Where the calendar does not reach the told end of a procedure, no due date is
// told; ended early, there is one again.
func TestProcedureBeyondTheCalendar(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2027-08-02", 20, 10)
	before := w.dueOn()
	w.on("2027-08-10")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(180)))
	if got := w.dueOn(); got != [2]string{} || !w.Dates.Promised.IsZero() {
		t.Errorf("due on %s, promised %s; before %s", got, w.Dates.Promised, before)
	}
	if k := w.clock(casework.StatutoryClock); !k.DueOn.IsZero() || k.Remaining != nil || !k.Explanation.Provisional {
		t.Errorf("%+v", k)
	}
	wantCode(t, "reminded of no day", w.Remind(w.by(timer), "rev_1_1"), fault.Conflict, "NOT_DUE")
	w.on("2027-08-11")
	w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
	if got := w.dueOn(); got != [2]string{"2027-09-01", "2027-09-01"} || before != [2]string{"2027-08-30", "2027-08-30"} {
		t.Errorf("ended on its second day: %s → %s", before, got)
	}
}

// Before acceptance everything is asked for at once (行政许可法 第32条第1款第4项),
// and not again before the application comes anew.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	ask := func(w *world) error {
		return w.RequestSupplement(w.by(window), []casework.Ask{{Text: "补图"}}, w.due())
	}
	for name, end := range map[string]func(*world) error{
		"supplied": func(w *world) error { return w.Supply(w.by(applicant)) },
		"missed":   func(w *world) error { w.later(11); return w.MissSupplement(w.by(timer)) },
	} {
		w := submitted(t, evidence(generous(), restaurant()))
		w.must(ask(w))
		w.must(end(w))
		if slices.Contains(casework.Allowed(w.Case, window), string(casework.ActAskSupplement)) || w.ToldAt.IsZero() {
			t.Errorf("%s: allowed %v, told at %s", name, casework.Allowed(w.Case, window), w.ToldAt)
		}
		wantCode(t, name, ask(w), fault.Conflict, "notToldBefore")
		w.must(w.Return(w.by(window), reasons))
		if !w.ToldAt.IsZero() {
			t.Errorf("%s: told at %s", name, w.ToldAt)
		}
		w.must(w.submit(w.by(applicant)))
		w.must(ask(w))
		w.must(w.Supply(w.by(applicant)))
		w.must(w.Accept(w.by(window), w.ev, nil, calendar))
		again := []casework.Ask{{Review: "rev_1_2", Text: "补图"}}
		w.must(w.RequestSupplement(w.by(lead), again, w.due())) // a department may, after acceptance
		w.must(w.Supply(w.by(applicant)))
		w.must(w.RequestSupplement(w.by(lead), again, w.due()))
		if e := w.last(); e.Data["again"] != true {
			t.Errorf("%s: %v", name, e.Data)
		}
	}
}

// A supplement asks for what the case asks for. What names no material is told
// apart.
func TestAskedMaterials(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	ask := func(asks ...casework.Ask) error {
		for i := range asks {
			asks[i].Review = "rev_1_2"
		}
		return w.RequestSupplement(w.by(lead), asks, w.due())
	}
	wantCode(t, "without a notice", ask(casework.Ask{Material: "lease", Text: "租赁合同"}), fault.Invalid, "NOT_ASKED")
	w.Notice = "N-1"
	wantCode(t, "with a notice", ask(casework.Ask{Material: "lease", Text: "租赁合同"}), fault.Invalid, "OUTSIDE_NOTICE")
	w.must(ask(casework.Ask{Material: "plan"}, casework.Ask{Text: "排烟口朝向"}, casework.Ask{Material: " ", Text: "油烟净化器型号"}))
	if diff := cmp.Diff([]string{"排烟口朝向", "油烟净化器型号"}, w.last().Data["unnamed"]); diff != "" {
		t.Error(diff)
	}
	w.must(w.Supply(w.by(applicant)))
	w.must(ask(casework.Ask{Material: "plan"}))
	if diff := cmp.Diff([]string{}, w.last().Data["unnamed"]); diff != "" {
		t.Error(diff)
	}
}

// A review on safety of life is released by the coordinating body alone.
func TestReleaseOnSafetyOfLife(t *testing.T) {
	t.Parallel()
	w := inReview(t, generous())
	wantCode(t, "the lead", w.ReleaseDepartment(w.by(lead), "rev_1_1", "不涉及"), fault.Denied, "")
	w.must(w.ReleaseDepartment(w.by(lead), "rev_1_2", "不涉及"))
	wantCode(t, "the lead, with nothing else to release", w.ReleaseDepartment(w.by(lead), "rev_1_1", "不涉及"), fault.Conflict, "reviewReleasable")
	if slices.Contains(casework.Allowed(w.Case, lead), string(casework.ActRelease)) {
		t.Error("the lead is told that it may")
	}
	wantCode(t, "the lead's own", w.ReleaseDepartment(w.by(body), "rev_1_3", "不涉及"), fault.Conflict, "WAITING")
	w.must(w.ReleaseDepartment(w.by(body), "rev_1_1", "另案办理"))
	if w.Reviews[0].State != casework.Released || w.Reviews[2].State != casework.Open {
		t.Errorf("fire %s, the lead's %s", w.Reviews[0].State, w.Reviews[2].State)
	}
}

// A scheme that has said nothing decides strictly, item by item.
func TestStrictPreset(t *testing.T) {
	t.Parallel()
	p := casework.StrictPreset()
	if !p.PartialGrant || p.MeetingNoticeDays != 1 || p.DeemedConsent || p.AbsenceIsConsent || p.Mode != casework.CopyMode {
		t.Errorf("%+v", p)
	}
}

// The decision names every dissent and every item that nobody reviews any more.
func TestDecisionNamesDissentsAndReleased(t *testing.T) {
	t.Parallel()
	needs := append(restaurant(),
		casework.Need{Item: "sign", Department: "city"}, casework.Need{Item: "drain", Department: "water", Binding: true},
		casework.Need{Item: "drain", Department: "city"}, casework.Need{Item: "gas", Department: "gasco", After: []string{"drain"}})
	for name, tc := range map[string]struct {
		outcome casework.Outcome
		want    casework.Decision
	}{
		"granted": {casework.Grant, casework.Decision{Granted: []string{"fire-check", "fume", "food-permit"}, Refused: []string{"drain", "gas"}, Overruled: []string{"rev_1_2"}}},
		"denied":  {casework.Deny, casework.Decision{Refused: []string{"drain", "gas", "fire-check", "fume", "food-permit"}, Reasons: reasons}},
	} {
		w := accepted(t, evidence(generous(), needs))
		w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
		w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Dissent, reasons))
		w.must(w.GiveOpinion(w.by(lead), "rev_1_3", casework.Consent, nil))
		w.must(w.ReleaseDepartment(w.by(lead), "rev_1_4", "无招牌"))
		w.must(w.ReleaseDepartment(w.by(lead), "rev_1_6", "重复"))
		w.must(w.GiveOpinion(w.by(casework.Actor{Subject: "he", Role: casework.RoleReviewer, Department: "water"}), "rev_1_5", casework.Dissent, reasons))
		w.must(w.Decide(w.by(lead), tc.outcome, tc.want.Reasons))
		tc.want.Outcome, tc.want.DecidedAt = tc.outcome, w.DecidedAt
		// drain is reviewed by another, gas was released by the decision itself.
		tc.want.Dissents, tc.want.Released = []string{"rev_1_2", "rev_1_5"}, []string{"sign"}
		if diff := cmp.Diff(&tc.want, w.Decision); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		e := w.Events[slices.IndexFunc(w.Events, func(e casework.Event) bool { return e.Kind == string(casework.ActDecide) })]
		if diff := cmp.Diff([]any{tc.want.Dissents, tc.want.Released}, []any{e.Data["dissents"], e.Data["released"]}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Nobody is reminded on the day on which the copy comes.
func TestNoReminderOnTheFirstDay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limit int
		days  []string // the first day without, the second with a reminder
	}{
		{1, []string{"2026-03-02", "2026-03-03"}},
		{2, []string{"2026-03-02", "2026-03-03"}},
		{3, []string{"2026-03-03", "2026-03-04"}},
	} {
		w := acceptedOn(t, "2026-03-02", tc.limit, 0)
		w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
		if got := w.dates().WakeOn.String(); got != tc.days[1] {
			t.Errorf("%d days: wakes on %s", tc.limit, got)
		}
		for i, want := range [][]string{{}, {"remindDepartment"}} {
			w.on(tc.days[i])
			if diff := cmp.Diff(want, w.tick()); diff != "" {
				t.Errorf("%d days, on %s: %s", tc.limit, tc.days[i], diff)
			}
		}
	}
	w := acceptedOn(t, "2026-03-06", 1, 0) // over a weekend
	w.must(w.GiveOpinion(w.by(eco), "rev_1_2", casework.Consent, nil))
	for day, want := range map[string][]string{"2026-03-06": {}, "2026-03-08": {}} {
		w.on(day)
		if diff := cmp.Diff(want, w.tick()); diff != "" {
			t.Errorf("%s: %s", day, diff)
		}
	}
	w.on("2026-03-09")
	if diff := cmp.Diff([]string{"remindDepartment"}, w.tick()); diff != "" {
		t.Error(diff)
	}
}

// The day of a tolerated material follows the promise. What the applicant was
// told once is not taken back when a stop ends early.
func TestToleratedMaterialFollowsThePromise(t *testing.T) {
	t.Parallel()
	w := accepted(t, evidence(generous(), restaurant()), "photo")
	photo := func() string { w.dates(); return w.Materials[1].DueOn.String() }
	if got := photo(); got != "2026-03-23" {
		t.Errorf("due on %s", got)
	}
	w.on("2026-03-09")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(5)))
	if got := photo(); got != "2026-03-30" || w.Dates.Promised.String() != got {
		t.Errorf("in a hearing of a week: due on %s, promised %s", got, w.Dates.Promised)
	}
	w.on("2026-03-10")
	w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
	if got := photo(); got != "2026-03-30" || w.Dates.Promised.String() != "2026-03-25" {
		t.Errorf("ended on its second day: due on %s, promised %s", got, w.Dates.Promised)
	}
	if w.Materials[0].DueOn != (workday.Date{}) {
		t.Errorf("the plan, which is here, is due on %s", w.Materials[0].DueOn)
	}
	w.on("2026-03-31")
	if got := w.tick(); !slices.Contains(got, "missMaterial") {
		t.Errorf("the day after: %v", got)
	}
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(5)))
	if got := photo(); got != "2026-03-30" {
		t.Errorf("missed, then due on %s", got)
	}
}

// After acceptance new facts change no reviews, but it is said what they leave
// open, and what they need that nobody reviews.
func TestChangeAfterAcceptance(t *testing.T) {
	t.Parallel()
	ev := evidence(generous(), restaurant())
	ev.Undecided = []casework.Undetermined{{Item: "gas", Missing: []string{"gas_used"}}}
	w := accepted(t, ev)
	w.must(w.ReleaseDepartment(w.by(lead), "rev_1_2", "不涉及"))
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: "rev_1_1", Text: "补图"}}, w.due()))
	anew := ev
	anew.Needs = append(restaurant(), casework.Need{Item: "gas", Department: "gasco"})
	anew.Undecided = []casework.Undetermined{{Item: "sign", Missing: []string{"sign_area"}}}
	before := len(w.Reviews)
	w.must(w.Change(w.by(applicant), map[string]any{"gas_used": true}, anew))
	want := []casework.Undetermined{{Item: "sign", Missing: []string{"sign_area"}}, {Item: "gas", Missing: []string{}}}
	if diff := cmp.Diff(want, w.Undecided); diff != "" || len(w.Reviews) != before {
		t.Errorf("%d reviews, before %d: %s", len(w.Reviews), before, diff)
	}
	if len(anew.Undecided) != 1 {
		t.Error("the evidence has been written to")
	}
	w.must(w.Change(w.by(applicant), map[string]any{"gas_used": false}, evidence(generous(), restaurant())))
	if len(w.Undecided) > 0 {
		t.Errorf("back again: %v", w.Undecided)
	}
}

// A review's own clock, with its own stops.
func TestReviewClock(t *testing.T) {
	t.Parallel()
	w := acceptedOn(t, "2026-03-02", 20, 10)
	clock := func(id string) *casework.Clock {
		k, err := w.ReviewClock(id, calendar, w.today())
		w.must(err)
		return k
	}
	if clock("rev_1_3") != nil || clock("rev_1_9") != nil {
		t.Error("a review that waits has a clock")
	}
	w.on("2026-03-09")
	w.must(w.StartSpecialProcedure(w.by(fire), hearing(5)))
	if k := clock("rev_1_1"); k.Running || k.DueOn.String() != "2026-04-07" || len(k.Pauses) != 1 || k.DueOn != k.Explanation.DueOn {
		t.Errorf("%+v", k)
	}
	w.on("2026-03-13")
	w.must(w.EndSpecialProcedure(w.by(fire), "prc_1_1"))
	w.must(w.Extend(w.by(fire), extension("rev_1_1", 2), calendar))
	w.on("2026-03-16")
	k := clock("rev_1_1")
	if !k.Running || k.DueOn.String() != "2026-04-09" || k.Limit != workdays(22) || *k.Remaining != 17 {
		t.Errorf("running %v, due on %s, %v, %d remain", k.Running, k.DueOn, k.Limit, *k.Remaining)
	}
	w.must(w.GiveOpinion(w.by(fire), "rev_1_1", casework.Consent, nil))
	w.on("2026-04-30")
	if k := clock("rev_1_1"); k.Running || *k.Remaining != 17 {
		t.Errorf("answered: running %v, %d remain", k.Running, *k.Remaining)
	}
}
