package casework

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

// Dates are the days that follow from a case's budgets, its ledger of stops and
// extensions, and a calendar. They are found anew with every change and are
// kept only so that work on them can be looked up; they decide nothing.
type Dates struct {
	Calendar  string       `json:"calendar,omitempty"` // the version by which they were found
	AcceptBy  workday.Date `json:"accept_by,omitzero"` // the last day on which the window may stay silent
	Promised  workday.Date `json:"promised,omitzero"`
	Statutory workday.Date `json:"statutory,omitzero"`
	WakeOn    workday.Date `json:"wake_on,omitzero"` // the first day on which a timer has work; zero: none
}

// ClockBasis says whose limit a clock counts.
type ClockBasis string

// The two clocks of a case (承诺时限 and 法定时限).
const (
	PromisedClock  ClockBasis = "PROMISED"
	StatutoryClock ClockBasis = "STATUTORY"
)

// Clock is one of the two clocks as it stands on a day.
type Clock struct {
	Limit       workday.Limit   // extensions included
	Pauses      []workday.Pause // days that do not count
	Running     bool
	DueOn       workday.Date     // zero: not accepted yet, no limit, or no calendar for it
	Remaining   *int             // in the limit's unit; negative when overdue; nil without DueOn
	Explanation workday.Deadline // empty without a limit
}

// limit gives a clock's budget, extensions included. An extension (行政许可法 第42条)
// moves the statutory limit; what the district has promised stays promised.
func (c *Case) limit(basis ClockBasis) workday.Limit {
	if basis == PromisedClock {
		return c.Promised
	}
	l := c.Statutory
	l.Amount += c.extended("")
	return l
}

// extended sums the days by which a review's limit, or with "" the case's, has
// been prolonged.
func (c *Case) extended(review string) int {
	days := 0
	for _, x := range c.Extensions {
		if x.Review == review {
			days += x.Days
		}
	}
	return days
}

// Clock gives one of the case's clocks on a day. It starts on acceptance and
// stands from the decision or the withdrawal on. Before acceptance the explanation is what it
// would be if the case were accepted on that day.
func (c *Case) Clock(basis ClockBasis, cal *workday.Calendar, today workday.Date) (Clock, error) {
	k := Clock{Limit: c.limit(basis)}
	start := today
	if c.accepted() {
		start = c.startsOn(c.AcceptedAt, today)
		k.Pauses = c.pauses(cal, today)
	}
	if k.Limit.Amount <= 0 {
		return k, nil
	}
	var err error
	if k.Explanation, err = explained(cal, start, k.Limit, k.Pauses); err != nil {
		return k, err
	}
	if !c.accepted() || k.Explanation.DueOn.IsZero() {
		return k, nil
	}
	day := today
	switch {
	case !c.DecidedAt.IsZero():
		day = workday.DateOf(c.DecidedAt)
	case c.ended():
		day = workday.DateOf(c.RecordedAt) // withdrawn, the last that happened to it
	}
	k.DueOn = k.Explanation.DueOn
	k.Running = !c.ended() && !c.stopped() && !slices.ContainsFunc(k.Pauses, func(p workday.Pause) bool { return !today.Before(p.From) && !today.After(p.To) })
	if n, err := cal.Count(day, k.DueOn, countable(k.Limit.Unit), k.Pauses); err == nil {
		k.Remaining = &n
	}
	return k, nil
}

// countable gives the unit in which what remains is told: hours in days.
func countable(u workday.Unit) workday.Unit {
	if u == workday.UnitDay || u == workday.UnitHour {
		return workday.UnitDay
	}
	return workday.UnitWorkday
}

// explained is a deadline; where the calendar ends before it, the days that are
// known, without a due date. Other faults are errors.
func explained(cal *workday.Calendar, start workday.Date, l workday.Limit, pauses []workday.Pause) (workday.Deadline, error) {
	d, err := cal.Deadline(start, l, pauses)
	var f *fault.Error
	if !errors.As(err, &f) || !slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return p.Code == "NO_CALENDAR" }) {
		return d, err
	}
	return workday.Deadline{Provisional: true, Days: []workday.DayExplained{{Date: start,
		Reason: "期限届满所在年份尚无日历：" + f.Problems[0].ZH, ReasonEN: "no calendar for the year in which it ends: " + f.Problems[0].EN}}}, nil
}

// ended says that nothing runs any more: decided, refused or withdrawn.
func (c *Case) ended() bool {
	switch c.State {
	case Draft, Submitted, Supplementing, Accepted, InReview:
		return false
	}
	return true
}

// pauses is the ledger of the whole case: each special procedure (行政许可法
// 第45条) and each supplement after acceptance stops both clocks. An open one
// counts to its told end, or to today when that is later: ended early, it gives
// the days back.
func (c *Case) pauses(cal *workday.Calendar, today workday.Date) []workday.Pause {
	all := c.stopPauses(c.AcceptedAt, today)
	for _, p := range c.Procedures {
		all = append(all, p.pause(cal, today))
	}
	for _, s := range c.Supplements {
		if !s.AskedAt.Before(c.AcceptedAt) {
			all = append(all, s.pause(today))
		}
	}
	return all
}

// reason names the procedure as an explanation of days does.
func (p SpecialProcedure) reason() string {
	return procedureNames[p.Kind] + " " + string(p.Kind) + " " + p.ID
}

var procedureNames = map[ProcedureKind]string{
	Hearing: "听证", Bidding: "招标", Auction: "拍卖", Inspection: "检验", Test: "检测", Quarantine: "检疫",
	Appraisal: "鉴定", ExpertReview: "专家评审", Publicity: "公示",
}

func (p SpecialProcedure) pause(cal *workday.Calendar, today workday.Date) workday.Pause {
	out := workday.Pause{From: workday.DateOf(p.StartedAt), To: workday.DateOf(p.EndedAt), Reason: p.reason()}
	if p.EndedAt.IsZero() {
		out.To = latest(p.plannedEnd(cal), today, out.From)
	}
	return out
}

// plannedEnd is the last day of the time told: the day of the start is its first.
func (p SpecialProcedure) plannedEnd(cal *workday.Calendar) workday.Date {
	end, _, err := cal.DueOn(workday.DateOf(p.StartedAt).AddDays(-1), workday.Limit{Amount: p.Days, Unit: workday.UnitWorkday})
	if err != nil { // the calendar does not reach so far, and so no due date can be told
		return workday.DateOf(p.StartedAt).AddDays(workday.MaxDays)
	}
	return end
}

func (s Supplement) reason() string { return "补正 SUPPLEMENT " + s.ID }

func (s Supplement) pause(today workday.Date) workday.Pause {
	out := workday.Pause{From: workday.DateOf(s.AskedAt), Reason: s.reason()}
	for _, end := range []time.Time{s.SuppliedAt, s.MissedAt, s.DroppedAt} {
		if !end.IsZero() {
			out.To = workday.DateOf(end)
			return out
		}
	}
	out.To = latest(s.DueOn, today, out.From)
	return out
}

func latest(days ...workday.Date) workday.Date {
	return slices.MaxFunc(days, workday.Date.Compare)
}

// reviewPauses are the stops of a review's own clock.
func (c *Case) reviewPauses(r *Review, cal *workday.Calendar, today workday.Date) []workday.Pause {
	pauses := append(slices.Clone(r.Pauses), c.stopPauses(r.OpenedAt, today)...)
	if r.State != Paused {
		return pauses
	}
	for _, p := range c.Procedures {
		if p.Review == r.ID && p.EndedAt.IsZero() {
			pauses = append(pauses, p.pause(cal, today))
		}
	}
	for _, s := range c.Supplements {
		if s.Open() && slices.ContainsFunc(s.Asks, func(a Ask) bool { return a.Review == r.ID }) {
			p := s.pause(today)
			p.From = workday.DateOf(r.PausedAt) // a dissent asks: since it was given
			pauses = append(pauses, p)
		}
	}
	return pauses
}

// reviewDeadline is the end of a review's own limit: its step.
func (c *Case) reviewDeadline(r *Review, cal *workday.Calendar, today workday.Date) (workday.Deadline, error) {
	l := r.Limit
	l.Amount += c.extended(r.ID)
	return explained(cal, c.startsOn(r.OpenedAt, today), l, c.reviewPauses(r, cal, today))
}

// ReviewClock gives the clock of a review's own limit on a day; nil until it
// opens, and where it has no limit.
func (c *Case) ReviewClock(id string, cal *workday.Calendar, today workday.Date) (*Clock, error) {
	i := c.review(id)
	if i < 0 || c.Reviews[i].OpenedAt.IsZero() || c.Reviews[i].Limit.Amount <= 0 {
		return nil, nil
	}
	r := &c.Reviews[i]
	k := &Clock{Limit: r.Limit, Running: r.State == Open && !c.stopped()}
	k.Limit.Amount += c.extended(r.ID)
	k.Pauses = c.reviewPauses(r, cal, today)
	var err error
	if k.Explanation, err = c.reviewDeadline(r, cal, today); err != nil {
		return nil, err
	}
	k.DueOn = k.Explanation.DueOn
	day := today
	if !r.AnsweredAt.IsZero() {
		day = workday.DateOf(r.AnsweredAt)
	}
	if n, err := cal.Count(day, k.DueOn, countable(k.Limit.Unit), k.Pauses); err == nil && !k.DueOn.IsZero() {
		k.Remaining = &n
	}
	return k, nil
}

// Moved is a date that a new calendar moved.
type Moved struct {
	What string       `json:"what"` // PROMISED, STATUTORY, ACCEPT, or the id of a review
	From workday.Date `json:"from,omitzero"`
	To   workday.Date `json:"to,omitzero"`
}

// Recalculate finds every date anew. It changes nothing but the dates and gives
// those that differ. The dates of what has ended stay.
func (c *Case) Recalculate(cal *workday.Calendar, today workday.Date) ([]Moved, error) {
	var moved []Moved
	var failed error
	due := func(what string, at *workday.Date, day workday.Date, err error) {
		failed = cmp.Or(failed, err)
		if err == nil && *at != day {
			moved = append(moved, Moved{What: what, From: *at, To: day})
			*at = day
		}
	}
	switch {
	case c.State == Submitted && c.Preset.AcceptWithin.Amount > 0:
		d, err := explained(cal, workday.DateOf(c.ReceivedAt), c.Preset.AcceptWithin, nil)
		due("ACCEPT", &c.Dates.AcceptBy, d.DueOn, err)
	default:
		c.Dates.AcceptBy = workday.Date{}
	}
	if c.accepted() && !c.ended() {
		promised, err := c.Clock(PromisedClock, cal, today)
		due(string(PromisedClock), &c.Dates.Promised, promised.DueOn, err)
		statutory, err := c.Clock(StatutoryClock, cal, today)
		due(string(StatutoryClock), &c.Dates.Statutory, statutory.DueOn, err)
	}
	if c.accepted() && !c.ended() {
		for i := range c.Materials { // tolerated: until the promised limit of the case
			if m := &c.Materials[i]; m.awaited() && m.MissedAt.IsZero() {
				due(m.ID, &m.DueOn, latest(m.DueOn, c.Dates.Promised), nil)
			}
		}
	}
	for i := range c.Reviews {
		r := &c.Reviews[i]
		switch {
		case r.State == Waiting, r.Limit.Amount <= 0:
			r.DueOn = workday.Date{}
		case r.State == Open, r.State == Paused:
			d, err := c.reviewDeadline(r, cal, today)
			due(r.ID, &r.DueOn, d.DueOn, err)
		} // answered or released: the day by which it was due stays
	}
	c.Dates.Calendar = cal.Version()
	c.Dates.WakeOn = c.wakeOn(cal, today)
	return moved, failed
}

// wakeOn finds the first day on which a timer has something to do.
func (c *Case) wakeOn(cal *workday.Calendar, today workday.Date) workday.Date {
	var first workday.Date
	at := func(day workday.Date) {
		if !day.IsZero() && (first.IsZero() || day.Before(first)) {
			first = day
		}
	}
	after := func(day workday.Date) {
		if !day.IsZero() {
			at(day.AddDays(1))
		}
	}
	if c.State == Submitted && silent.Holds(c, Actor{}) {
		after(c.Dates.AcceptBy)
	}
	if c.ended() {
		return first
	}
	for _, s := range c.Supplements {
		if s.Open() {
			after(s.DueOn)
		}
	}
	for i := range c.Reviews {
		r := &c.Reviews[i]
		if r.State == Open && !r.DueOn.IsZero() {
			if r.remindable() {
				at(r.remindOn(cal))
			}
			if c.deemable(r) {
				after(r.DueOn)
			}
		}
	}
	if c.stopped() { // the dates move on with every day
		after(today)
	}
	for _, p := range c.Procedures {
		if p.EndedAt.IsZero() { // past its told time, the dates move on with every day
			after(latest(p.plannedEnd(cal), today))
		}
	}
	for _, m := range c.Materials {
		if m.awaited() && m.MissedAt.IsZero() {
			after(m.DueOn)
		}
	}
	return first
}

// deemable says whether a review's silence is consent.
func (c *Case) deemable(r *Review) bool {
	return c.Preset.DeemedConsent && !c.stopped() && r.Department != c.Lead && r.yields()
}

// remindOn is the last working day before a review is due, one working day being
// left, and never the day on which it opened.
func (r *Review) remindOn(cal *workday.Calendar) workday.Date {
	opened := workday.DateOf(r.OpenedAt)
	for d, n := r.DueOn.AddDays(-1), 0; n < 30 && d.After(opened); d, n = d.AddDays(-1), n+1 {
		if work, err := cal.IsWorkday(d); err != nil {
			break
		} else if work {
			return d
		}
	}
	return r.DueOn
}

// Tick does what the timers owe on the day of by: acceptance and consent by
// silence, missed supplements and materials, reminders. It says whether there
// was anything; what it has done once it does not do again.
func (c *Case) Tick(by By, cal *workday.Calendar) (bool, error) {
	did := false
	for range 1000 { // each step moves the case on; more steps than that is a fault of ours
		step, err := c.tick(by, cal)
		if err != nil || !step {
			return did, err
		}
		did = true
	}
	return did, fmt.Errorf("casework.Tick: %s does not come to rest", c.ID)
}

func (c *Case) tick(by By, cal *workday.Calendar) (bool, error) {
	today := by.day()
	if _, err := c.Recalculate(cal, today); err != nil {
		return false, err
	}
	if due := c.Dates.WakeOn; due.IsZero() || due.After(today) {
		return false, nil
	}
	past := func(day workday.Date) bool { return !day.IsZero() && today.After(day) }
	if c.State == Submitted && past(c.Dates.AcceptBy) && silent.Holds(c, by.Actor) {
		return true, c.DeemAccepted(by, cal)
	}
	if c.State == Supplementing && past(c.Supplements[len(c.Supplements)-1].DueOn) {
		return true, c.MissSupplement(by)
	}
	for _, m := range c.Materials {
		if m.awaited() && m.MissedAt.IsZero() && past(m.DueOn) {
			return true, c.MissMaterial(by, m.Code)
		}
	}
	for i := range c.Reviews {
		r := &c.Reviews[i]
		if r.State != Open || r.DueOn.IsZero() {
			continue
		}
		if c.deemable(r) && past(r.DueOn) {
			return true, c.DeemConsent(by, r.ID, cal)
		}
		if r.remindable() && !today.Before(r.remindOn(cal)) {
			return true, c.Remind(by, r.ID)
		}
	}
	return false, nil
}

// Remind notes that a review's limit has one working day left, or less.
func (c *Case) Remind(by By, id string) error {
	t, err := c.begin(by, ActRemind, "")
	if err != nil {
		return err
	}
	k := c.review(id)
	if k < 0 || !c.Reviews[k].remindable() {
		return c.conflict(by.Actor, t.Action, problem("review", "NOT_DUE", "没有将到期的审查", "no review is due soon"))
	}
	r := &c.Reviews[k]
	r.RemindedAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"review": r.ID, "department": r.Department, "dueOn": r.DueOn.String()})
	return nil
}

// MoveDates finds the dates anew by a calendar that has changed and records what
// it moved. Nothing moved leaves no event; a draft has no dates, and those of an
// ended case stay.
func (c *Case) MoveDates(by By, cal *workday.Calendar) error {
	if c.State == Draft || c.ended() {
		_, err := c.Recalculate(cal, by.day())
		return err
	}
	t, err := c.begin(by, ActMoveDates, "")
	if err != nil {
		return err
	}
	old := c.Dates.Calendar
	moved, err := c.Recalculate(cal, by.day())
	if err != nil || len(moved) == 0 {
		return err
	}
	c.commit(by, t, map[string]any{"moved": moved, "calendar": c.Dates.Calendar, "before": old})
	return nil
}

// Extending prolongs a limit by days in its unit: a review's, or with no review
// the statutory one of the case.
type Extending struct {
	Review   string
	Days     int
	Approver string // the head of the organ, or of the government at that level
	Reason   string // told to the applicant
}

// Extend prolongs a limit, within what the law allows in all and before the
// limit has run out (行政许可法 第42条).
func (c *Case) Extend(by By, in Extending, cal *workday.Calendar) error {
	t, err := c.begin(by, ActExtend, "")
	if err != nil {
		return err
	}
	var r *Review
	limit, most := c.Statutory, c.Extendable
	if in.Review != "" {
		if r, err = c.own(by, t.Action, in.Review); err != nil {
			return err
		}
		if !r.running() {
			return c.inReviewState(by, t.Action, r)
		}
		limit, most = r.Limit, r.Extendable
	} else if !TheLead.is(c, by.Actor) {
		return fault.New(fault.Denied, "casework."+string(t.Action), "整个办件的期限由主办部门报请延长", "the limit of the whole case is prolonged by the lead")
	}
	if limit.Amount <= 0 {
		return c.conflict(by.Actor, t.Action, problem("limit", "NO_LIMIT", "没有期限", "there is no limit"))
	}
	var found []fault.Problem
	if in.Days <= 0 {
		found = append(found, problem("days", "OUT_OF_RANGE", "须为正数", "must be positive"))
	} else if left := most - c.extended(in.Review); in.Days > left {
		found = append(found, problem("days", "OVER_CAP", fmt.Sprintf("依法至多延长 %d，尚余 %d", most, left), fmt.Sprintf("the law allows %d in all, %d are left", most, left)))
	}
	if blank(in.Approver) {
		found = append(found, required("approver"))
	}
	if blank(in.Reason) {
		found = append(found, required("reason"))
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	var due workday.Date
	if r != nil {
		d, err := c.reviewDeadline(r, cal, workday.DateOf(by.RecordedAt))
		if err != nil {
			return err
		}
		due = d.DueOn
	} else {
		k, err := c.Clock(StatutoryClock, cal, workday.DateOf(by.RecordedAt))
		if err != nil {
			return err
		}
		due = k.DueOn
	}
	if !due.IsZero() && workday.DateOf(by.RecordedAt).After(due) {
		return c.conflict(by.Actor, t.Action, problem("dueOn", "LIMIT_PASSED", "期限已于 "+due.String()+" 届满", "the limit ran out on "+due.String()))
	}
	if r != nil {
		r.RemindedAt = time.Time{} // of the old day
	}
	c.Extensions = append(c.Extensions, Extension{Review: in.Review, Days: in.Days, Approver: in.Approver, Reason: in.Reason, ExtendedAt: by.occurred().UTC()})
	c.commit(by, t, map[string]any{"review": in.Review, "days": in.Days, "approver": in.Approver, "reason": in.Reason})
	return nil
}
