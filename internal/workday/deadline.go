package workday

import (
	"fmt"

	"github.com/onedoor/onedoor/internal/fault"
)

// Deadline is the day on which a time limit ends, and how it was found.
type Deadline struct {
	DueOn       Date
	Provisional bool           // a day after the start lies in a year without its notice
	Days        []DayExplained // the start day and every day up to DueOn
}

// DayExplained tells whether a day counts towards a limit and why.
type DayExplained struct {
	Date             Date
	Counts           bool
	Number           int // the running number of a day that counts, otherwise 0
	Reason, ReasonEN string
	Source           string // the law or notice behind the reason
}

// Deadline finds the day on which a limit ends that starts running on start.
//
//   - The start day does not count (民法典 第201条).
//   - WORKDAY counts working days (行政许可法 第82条); WORK_HOUR does too, 8
//     hours to the day, a begun day being a whole one.
//   - DAY counts natural days; a last day that is not a working day is put off
//     to the next one (民法典 第203条). HOUR counts 24 hours to the natural day,
//     a begun day being a whole one, and is not put off.
//   - Days inside a pause do not count (行政许可法 第45条).
//   - A limit of 0 ends on the start day, whatever day that is.
func (c *Calendar) Deadline(start Date, l Limit, pauses []Pause) (Deadline, error) {
	problems := checkDate("start", start)
	problems = append(problems, l.check()...)
	problems = append(problems, checkPauses(pauses)...)
	if len(problems) > 0 {
		return Deadline{}, fault.InvalidInput("workday.Deadline", problems...)
	}
	if l.Amount == 0 {
		return Deadline{DueOn: start, Days: []DayExplained{{Date: start, Reason: "期限为零，当日届满",
			ReasonEN: "a limit of zero ends on the day itself", Source: limitZeroBasis}}}, nil
	}

	out := Deadline{Days: []DayExplained{{Date: start, Reason: "当日不计",
		ReasonEN: "the day itself does not count", Source: lawCivil201}}}
	err := c.walk(start, l, pauses, func(x DayExplained, provisional bool) {
		out.DueOn = x.Date
		out.Provisional = out.Provisional || provisional
		out.Days = append(out.Days, x)
	})
	if err != nil {
		return Deadline{}, err
	}
	return out, nil
}

// DueOn is Deadline without pauses and without the list of days.
func (c *Calendar) DueOn(start Date, l Limit) (due Date, provisional bool, err error) {
	if problems := append(checkDate("start", start), l.check()...); len(problems) > 0 {
		return Date{}, false, fault.InvalidInput("workday.DueOn", problems...)
	}
	due = start
	err = c.walk(start, l, nil, func(x DayExplained, p bool) {
		due = x.Date
		provisional = provisional || p
	})
	if err != nil {
		return Date{}, false, err
	}
	return due, provisional, nil
}

// walk visits every day after start up to the one on which the limit ends.
func (c *Calendar) walk(start Date, l Limit, pauses []Pause, visit func(x DayExplained, provisional bool)) error {
	if l.Amount == 0 {
		return nil
	}
	number, days := 0, l.days()
	for d := start.AddDays(1); ; d = d.AddDays(1) {
		day, err := c.On(d)
		if err != nil {
			return err
		}
		paused := pausedBy(pauses, d)
		x := explain(day, l.Unit, paused, number == days)
		if x.Counts {
			number++
			x.Number = number
		}
		visit(x, day.Provisional)
		// Only natural days can be used up on a day that does not end the period.
		endsHere := l.Unit != UnitDay || (day.Workday && paused == "")
		if number == days && endsHere {
			return nil
		}
	}
}

// explain tells what a day does for a limit. A pause is named only where it
// costs something: a day that would not count anyway keeps its own reason.
// usedUp means that all natural days have been counted before and the end is
// being put off.
func explain(day Day, unit Unit, paused string, usedUp bool) DayExplained {
	x := DayExplained{Date: day.Date, Reason: day.Reason, ReasonEN: day.ReasonEN, Source: day.Source}
	switch {
	case unit.countsWorkdays() && !day.Workday:
		// The calendar's own reason stands.
	case usedUp && !day.Workday:
		x.Reason, x.ReasonEN, x.Source = "顺延："+day.Reason, "put off: "+day.ReasonEN, lawCivil203
	case paused != "":
		x.Reason, x.ReasonEN, x.Source = "停止计算："+paused, "paused: "+paused, lawLicence45
	case usedUp:
		x.Reason, x.ReasonEN, x.Source = "顺延至本工作日届满", "put off to end on this working day", lawCivil203
	case unit.countsWorkdays():
		x.Counts = true
	default:
		x.Counts = true
		x.Reason, x.ReasonEN, x.Source = "自然日", "natural day", lawCivil200
		if !day.Workday {
			x.Reason, x.ReasonEN = "自然日（"+day.Reason+"）", "natural day ("+day.ReasonEN+")"
		}
	}
	return x
}

// Count gives the number of days after from, up to and including to, that count
// in the unit and are not paused. It is negative when to is before from. Only
// WORKDAY and DAY can be counted; only WORKDAY needs the calendar.
func (c *Calendar) Count(from, to Date, unit Unit, pauses []Pause) (int, error) {
	problems := append(checkDate("from", from), checkDate("to", to)...)
	if unit != UnitWorkday && unit != UnitDay {
		problems = append(problems, fault.Problem{Path: "unit", Code: "UNKNOWN_UNIT",
			ZH: fmt.Sprintf("不能按%q计数，应为 WORKDAY 或 DAY", string(unit)),
			EN: fmt.Sprintf("cannot count in %q; use WORKDAY or DAY", string(unit))})
	}
	problems = append(problems, checkPauses(pauses)...)
	if len(problems) > 0 {
		return 0, fault.InvalidInput("workday.Count", problems...)
	}
	if to.Before(from) {
		n, err := c.Count(to, from, unit, pauses)
		return -n, err
	}
	n := 0
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		counts := true
		if unit == UnitWorkday {
			var err error
			if counts, err = c.IsWorkday(d); err != nil {
				return 0, err
			}
		}
		if counts && pausedBy(pauses, d) == "" {
			n++
		}
	}
	return n, nil
}
