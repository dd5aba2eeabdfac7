package casework

import (
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/workday"
)

// StopKind tells the two ways to stop a whole case apart. Both need a basis in
// law: what the law does not let stop, runs.
type StopKind string

// The kinds of stop.
const (
	Suspend   StopKind = "SUSPEND"   // 中止: the days do not count, then the clocks go on
	Interrupt StopKind = "INTERRUPT" // 中断: then the clocks start anew
)

// Stop stops all clocks of a case until it is resumed. Nothing can be decided
// meanwhile.
type Stop struct {
	ID        string    `json:"id"`
	Kind      StopKind  `json:"kind"`
	Reason    string    `json:"reason"` // told to the applicant
	Basis     law.Basis `json:"basis"`
	StoppedAt time.Time `json:"stopped_at"`
	ResumedAt time.Time `json:"resumed_at,omitzero"`
}

func (s Stop) open() bool { return s.ResumedAt.IsZero() }

func (c *Case) stopped() bool { return slices.ContainsFunc(c.Stops, Stop.open) }

// pause is what a suspension costs; lifted early, it gives the days back.
func (s Stop) pause(today workday.Date) workday.Pause {
	p := workday.Pause{From: workday.DateOf(s.StoppedAt), To: today, Reason: "中止 SUSPEND " + s.Reason}
	if !s.open() {
		p.To = workday.DateOf(s.ResumedAt)
	}
	p.To = latest(p.From, p.To)
	return p
}

// stopPauses are the suspensions from an instant on.
func (c *Case) stopPauses(since time.Time, today workday.Date) []workday.Pause {
	var all []workday.Pause
	for _, s := range c.Stops {
		if s.Kind == Suspend && (s.open() || s.ResumedAt.After(since)) {
			p := s.pause(today)
			p.From = latest(p.From, workday.DateOf(since))
			all = append(all, p)
		}
	}
	return all
}

// startsOn is the day from which a clock that began at an instant is counted: an
// interruption lets it start anew; while one is open, on the day itself.
func (c *Case) startsOn(began time.Time, today workday.Date) workday.Date {
	start := workday.DateOf(began)
	for _, s := range c.Stops {
		switch {
		case s.Kind != Interrupt:
		case s.open():
			start = latest(start, today)
		case s.ResumedAt.After(began):
			start = latest(start, workday.DateOf(s.ResumedAt))
		}
	}
	return start
}

// StopInput stops the clocks of a case.
type StopInput struct {
	Kind   StopKind
	Reason string
	Basis  law.Basis
}

// StopClock suspends or interrupts the whole case, from the moment on which it
// is recorded.
func (c *Case) StopClock(by By, in StopInput) error {
	t, err := c.begin(by, ActStopClock, "")
	if err != nil {
		return err
	}
	var found []fault.Problem
	if in.Kind != Suspend && in.Kind != Interrupt {
		found = append(found, problem("kind", "UNKNOWN", "须为 SUSPEND 或 INTERRUPT", "is SUSPEND or INTERRUPT"))
	}
	if blank(in.Reason) {
		found = append(found, required("reason"))
	}
	if blank(in.Basis.Law) {
		found = append(found, required("basis"))
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	s := Stop{ID: ref.Part(ref.Stop, c.ID, len(c.Stops)+1), Kind: in.Kind, Reason: in.Reason, Basis: in.Basis, StoppedAt: by.RecordedAt.UTC()}
	c.Stops = append(c.Stops, s)
	c.commit(by, t, map[string]any{"stop": s.ID, "kind": s.Kind, "reason": s.Reason, "basis": s.Basis})
	return nil
}

// ResumeClock lets the clocks go on.
func (c *Case) ResumeClock(by By) error {
	t, err := c.begin(by, ActResumeClock, "")
	if err != nil {
		return err
	}
	s := &c.Stops[slices.IndexFunc(c.Stops, Stop.open)]
	s.ResumedAt = later(by.RecordedAt.UTC(), s.StoppedAt)
	for i := range c.Reviews { // their days have moved: they are reminded of anew
		c.Reviews[i].RemindedAt = time.Time{}
	}
	c.commit(by, t, map[string]any{"stop": s.ID, "kind": s.Kind})
	return nil
}
