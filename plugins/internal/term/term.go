// Package term holds the days of contracts, leases and permits as e-forms write
// them, and counts them as the law does.
package term

import (
	"errors"
	"time"
)

// Day is a day. The zero value is none.
type Day struct{ time.Time }

var errDay = errors.New("a day is not YYYY-MM-DD")

// UnmarshalJSON reads "2026-03-02".
func (d *Day) UnmarshalJSON(text []byte) error {
	day, err := time.Parse(`"`+time.DateOnly+`"`, string(text))
	if err != nil {
		return errDay
	}
	d.Time = day
	return nil
}

// String gives the day as a form writes it.
func (d Day) String() string { return d.Format(time.DateOnly) }

// Term is the days from the first to the last, both included.
type Term struct {
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Problem says what is wrong with the term, or nothing.
func (t Term) Problem() string {
	switch {
	case t.From.IsZero() || t.To.IsZero():
		return "from, to: a day is missing"
	case t.To.Before(t.From.Time):
		return "from, to: it ends before it begins"
	}
	return ""
}

// Has says whether a day is within the term.
func (t Term) Has(day time.Time) bool { return !day.Before(t.From.Time) && !day.After(t.To.Time) }

// Days counts the days, the first and the last included.
func (t Term) Days() int64 { return int64(t.To.Sub(t.From.Time).Hours())/24 + 1 }

// Within says whether the term is no longer than some months.
func (t Term) Within(months int) bool { return !t.To.After(t.Last(months).Time) }

// Last gives the last day of so many months from the first day: the corresponding
// day, for the first day does not count (民法典 第201条), or the last day of the month
// where that has no such day (第202条).
func (t Term) Last(months int) Day {
	first := time.Date(t.From.Year(), t.From.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, months, 0)
	last := first.AddDate(0, 1, -1)
	return Day{first.AddDate(0, 0, min(t.From.Day(), last.Day())-1)}
}
