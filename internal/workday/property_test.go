package workday_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/onedoor/onedoor/internal/workday"
)

// The draws stay inside the years of the calendar: the latest start, the longest
// limit and three pauses end before 2027 does.
var (
	starts = rapid.Custom(func(t *rapid.T) workday.Date {
		return workday.NewDate(2024, time.January, 1).AddDays(rapid.IntRange(0, 900).Draw(t, "day"))
	})
	amounts = rapid.IntRange(0, 120)
)

// drawPauses draws up to three pauses that begin at or after start.
func drawPauses(t *rapid.T, start workday.Date) []workday.Pause {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) workday.Pause {
		from := start.AddDays(rapid.IntRange(0, 60).Draw(t, "after"))
		return workday.Pause{From: from, To: from.AddDays(rapid.IntRange(0, 20).Draw(t, "length")), Reason: "听证"}
	}), 0, 3).Draw(t, "pauses")
}

func deadline(t *rapid.T, c *workday.Calendar, start workday.Date, amount int, unit workday.Unit, pauses []workday.Pause) workday.Deadline {
	d, err := c.Deadline(start, workday.Limit{Amount: amount, Unit: unit}, pauses)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Counting the days up to a deadline gives the limit back.
func TestCountInvertsDeadline(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	rapid.Check(t, func(t *rapid.T) {
		start, amount := starts.Draw(t, "start"), amounts.Draw(t, "amount")
		pauses := drawPauses(t, start)
		due := deadline(t, c, start, amount, workday.UnitWorkday, pauses).DueOn
		forth, err := c.Count(start, due, workday.UnitWorkday, pauses)
		if err != nil || forth != amount {
			t.Fatalf("%s + %d is due on %s, but Count gives %d, %v", start, amount, due, forth, err)
		}
		back, err := c.Count(due, start, workday.UnitWorkday, pauses)
		if err != nil || back != -amount {
			t.Fatalf("counted backwards: want %d, got %d, %v", -amount, back, err)
		}
	})
}

// A pause moves the due date by exactly the working days that it covers.
func TestPauseMovesByWorkdaysCovered(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	rapid.Check(t, func(t *rapid.T) {
		start, amount := starts.Draw(t, "start"), rapid.IntRange(1, 120).Draw(t, "amount")
		from := start.AddDays(rapid.IntRange(-10, 60).Draw(t, "after"))
		pause := workday.Pause{From: from, To: from.AddDays(rapid.IntRange(0, 40).Draw(t, "length")), Reason: "检测"}
		due := deadline(t, c, start, amount, workday.UnitWorkday, []workday.Pause{pause}).DueOn
		covered := 0
		for d := start.AddDays(1); !d.After(due); d = d.AddDays(1) {
			works, err := c.IsWorkday(d)
			if err != nil {
				t.Fatal(err)
			}
			if works && !d.Before(pause.From) && !d.After(pause.To) {
				covered++
			}
		}
		if want := deadline(t, c, start, amount+covered, workday.UnitWorkday, nil).DueOn; due != want {
			t.Fatalf("the pause covers %d working days: want %s, got %s", covered, want, due)
		}
	})
}

// A longer limit ends later; natural days may roll over to the same day.
func TestDeadlineIsMonotone(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	rapid.Check(t, func(t *rapid.T) {
		start, amount := starts.Draw(t, "start"), amounts.Draw(t, "amount")
		pauses := drawPauses(t, start)
		due := func(amount int, unit workday.Unit) workday.Date {
			return deadline(t, c, start, amount, unit, pauses).DueOn
		}
		if !due(amount, workday.UnitWorkday).Before(due(amount+1, workday.UnitWorkday)) {
			t.Fatal("one working day more does not end later")
		}
		if due(amount, workday.UnitDay).After(due(amount+1, workday.UnitDay)) {
			t.Fatal("one natural day more ends earlier")
		}
		if due(8*amount, workday.UnitWorkHour) != due(amount, workday.UnitWorkday) {
			t.Fatal("eight working hours are not a working day")
		}
	})
}

// A deadline explains every day from the start to the due date, and numbers the
// days that count without a gap up to the limit.
func TestEveryDayIsExplained(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	rapid.Check(t, func(t *rapid.T) {
		start, amount := starts.Draw(t, "start"), amounts.Draw(t, "amount")
		unit := rapid.SampledFrom([]workday.Unit{workday.UnitWorkday, workday.UnitDay}).Draw(t, "unit")
		d := deadline(t, c, start, amount, unit, drawPauses(t, start))
		number := 0
		for i, day := range d.Days {
			if day.Counts {
				number++
			}
			if day.Date != start.AddDays(i) || day.Reason == "" || day.ReasonEN == "" || day.Source == "" ||
				day.Counts != (day.Number == number && number > 0 && day.Number > 0) {
				t.Fatalf("day %d is not explained: %+v", i, day)
			}
		}
		if last := d.Days[len(d.Days)-1]; last.Date != d.DueOn || number != amount {
			t.Fatalf("%d days count and the last one is %s; want %d and %s", number, last.Date, amount, d.DueOn)
		}
	})
}

func TestDateRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := workday.NewDate(1, time.January, 1)
		n := rapid.IntRange(0, 3652058).Draw(t, "day") // 9999-12-31 is the last
		d := first.AddDays(n)
		parsed, err := workday.ParseDate(d.String())
		if err != nil || parsed != d || d.Sub(first) != n {
			t.Fatalf("%s reads back as %s, %v", d, parsed, err)
		}
		std, err := time.Parse("2006-01-02", d.String())
		if err != nil || std.Weekday() != d.Weekday() || std.Year() != d.Year() {
			t.Fatalf("%s is a %s of %d, not a %s", d, std.Weekday(), std.Year(), d.Weekday())
		}
	})
}

func BenchmarkDeadline20Workdays(b *testing.B) {
	c := mustCalendar(b)
	start := workday.NewDate(2026, time.September, 18)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Deadline(start, workday.Limit{Amount: 20, Unit: workday.UnitWorkday}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
