package casework_test

import (
	"testing"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/workday"
)

var stopBasis = law.Basis{Law: "某法", Article: "第9条"}

// due gives the day on which the statutory limit ends.
func (w *world) statutory() (casework.Clock, string) {
	k, err := w.Clock(casework.StatutoryClock, calendar, workday.DateOf(w.now))
	w.must(err)
	return k, k.DueOn.String()
}

// A suspension moves the due date by the days that it lasts; an interruption
// lets the limit begin anew on the day on which the clock is resumed.
func TestStops(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind casework.StopKind
		want func(accepted, resumed workday.Date) workday.Date
	}{
		{casework.Suspend, func(accepted, _ workday.Date) workday.Date {
			d, err := calendar.Deadline(accepted, workday.Limit{Amount: 45, Unit: workday.UnitWorkday},
				[]workday.Pause{{From: accepted.AddDays(7), To: accepted.AddDays(14), Reason: "x"}})
			if err != nil {
				t.Fatal(err)
			}
			return d.DueOn
		}},
		{casework.Interrupt, func(_, resumed workday.Date) workday.Date {
			d, err := calendar.Deadline(resumed, workday.Limit{Amount: 45, Unit: workday.UnitWorkday}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return d.DueOn
		}},
	} {
		w := inReview(t, generous())
		w.Statutory = workday.Limit{Amount: 45, Unit: workday.UnitWorkday}
		accepted := workday.DateOf(w.AcceptedAt)
		w.later(7)
		wantCode(t, "without a basis", w.StopClock(w.by(lead), casework.StopInput{Kind: tc.kind, Reason: "等待判决"}), fault.Invalid, "REQUIRED")
		wantCode(t, "by a co-department", w.StopClock(w.by(eco), casework.StopInput{Kind: tc.kind, Reason: "等待判决", Basis: stopBasis}), fault.Denied, "")
		w.must(w.StopClock(w.by(lead), casework.StopInput{Kind: tc.kind, Reason: "等待判决", Basis: stopBasis}))
		wantCode(t, "twice", w.StopClock(w.by(lead), casework.StopInput{Kind: tc.kind, Reason: "等待判决", Basis: stopBasis}), fault.Conflict, "clockNotStopped")
		if k, _ := w.statutory(); k.Running {
			t.Errorf("%s: the clock runs", tc.kind)
		}
		blocked := false
		for _, b := range casework.Blockers(w.Case) {
			blocked = blocked || b.Kind == casework.BlockedByStop
		}
		if !blocked {
			t.Errorf("%s does not block the decision", tc.kind)
		}
		w.later(7)
		if did, err := w.Tick(w.by(timer), calendar); err != nil || w.Reviews[1].Opinion != "" {
			t.Errorf("%s: silence counted while the clock stood: %v %v", tc.kind, did, err)
		}
		w.must(w.ResumeClock(w.by(lead)))
		resumed := workday.DateOf(w.now)
		w.later(3)
		k, got := w.statutory()
		if want := tc.want(accepted, resumed).String(); got != want || !k.Running {
			t.Errorf("%s: due on %s, want %s; running %v", tc.kind, got, want, k.Running)
		}
		d, err := w.ReviewClock(w.Reviews[0].ID, calendar, workday.DateOf(w.now))
		if err != nil || d == nil || d.DueOn.IsZero() {
			t.Fatalf("%s: the review has no clock: %v", tc.kind, err)
		}
		if _, err := w.Recalculate(calendar, workday.DateOf(w.now)); err != nil || w.Reviews[0].DueOn != d.DueOn {
			t.Errorf("%s: the review is due on %s, its clock says %s; %v", tc.kind, w.Reviews[0].DueOn, d.DueOn, err)
		}
	}
}
