package term_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/onedoor/onedoor/plugins/internal/term"
)

func read(t *testing.T, from, to string) term.Term {
	t.Helper()
	var out term.Term
	if err := json.Unmarshal([]byte(`{"from": "`+from+`", "to": "`+to+`"}`), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		days     int64
	}{
		{"2026-03-01", "2026-03-01", 1},
		{"2028-02-28", "2028-03-01", 3}, // a leap year
		{"2026-02-28", "2026-03-01", 2},
		{"2026-03-01", "2026-03-30", 30},
	} {
		period := read(t, test.from, test.to)
		if period.Days() != test.days || period.Problem() != "" {
			t.Errorf("%s to %s: %d days, %q", test.from, test.to, period.Days(), period.Problem())
		}
		for day, want := range map[time.Time]bool{
			period.From.AddDate(0, 0, -1): false, period.From.Time: true, period.To.Time: true, period.To.AddDate(0, 0, 1): false,
		} {
			if period.Has(day) != want {
				t.Errorf("%s to %s has %s: %v", test.from, test.to, day.Format(time.DateOnly), !want)
			}
		}
	}
}

func TestMonths(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from   string
		months int
		last   string
	}{
		{"2026-03-01", 3, "2026-06-01"},
		{"2026-08-31", 3, "2026-11-30"}, // November has no 31st
		{"2026-11-30", 3, "2027-02-28"},
		{"2027-11-30", 3, "2028-02-29"},
		{"2028-02-29", 36, "2031-02-28"},
		{"2028-02-29", 48, "2032-02-29"},
		{"2026-10-15", 3, "2027-01-15"},
	} {
		period := read(t, test.from, test.last)
		if got := period.Last(test.months).String(); got != test.last || !period.Within(test.months) {
			t.Errorf("%d months from %s last until %s, want %s", test.months, test.from, got, test.last)
		}
		period.To = term.Day{Time: period.To.AddDate(0, 0, 1)}
		if period.Within(test.months) {
			t.Errorf("%s to %s is within %d months", period.From, period.To, test.months)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"2026-02-30"`, `"2026-2-3"`, `20260203`, `null`, `""`} {
		var d term.Day
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s is read as %s", text, d)
		}
	}
	if read(t, "2026-03-02", "2026-03-01").Problem() == "" || (term.Term{}).Problem() == "" {
		t.Error("a term that ends before it begins, or has no days, is no problem")
	}
}
