package workday

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/onedoor/onedoor/internal/fault"
)

// Unit is what a time limit is counted in.
type Unit string

// The units. Days and hours without "work" are natural ones.
const (
	UnitWorkday  Unit = "WORKDAY"
	UnitDay      Unit = "DAY"
	UnitWorkHour Unit = "WORK_HOUR"
	UnitHour     Unit = "HOUR"
)

// perDay is how many of a unit make one day. A working day has 8 hours by
// 国务院关于职工工作时间的规定 第3条.
var perDay = map[Unit]int{UnitWorkday: 1, UnitDay: 1, UnitWorkHour: 8, UnitHour: 24}

// Valid tells whether the unit is one of the four.
func (u Unit) Valid() bool { return perDay[u] > 0 }

// countsWorkdays tells whether only working days count.
func (u Unit) countsWorkdays() bool { return u == UnitWorkday || u == UnitWorkHour }

// MarshalGQL writes the unit for GraphQL.
func (u Unit) MarshalGQL(w io.Writer) {
	_, _ = io.WriteString(w, strconv.Quote(string(u))) // gqlgen leaves no way to report it
}

// UnmarshalGQL reads a unit given by a client.
func (u *Unit) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	if !Unit(s).Valid() {
		return fault.InvalidInput("workday.Unit", unknownUnit(Unit(s)))
	}
	*u = Unit(s)
	return nil
}

// Limit is a time limit as the law or a promise states it, e.g. 20 WORKDAY.
type Limit struct {
	Amount int
	Unit   Unit
}

// MaxDays is the longest limit, ten years. Anything longer is a typing error.
const MaxDays = 3660

// days gives the limit in whole days, a begun day counting as a whole one.
func (l Limit) days() int { return (l.Amount + perDay[l.Unit] - 1) / perDay[l.Unit] }

// check finds what is wrong with the limit.
func (l Limit) check() []fault.Problem {
	var problems []fault.Problem
	if !l.Unit.Valid() {
		problems = append(problems, unknownUnit(l.Unit))
	}
	if l.Amount < 0 {
		problems = append(problems, fault.Problem{Path: "amount", Code: "NEGATIVE_AMOUNT",
			ZH: fmt.Sprintf("期限不能为负数：%d", l.Amount),
			EN: fmt.Sprintf("a time limit cannot be negative: %d", l.Amount)})
	}
	if most := MaxDays * max(1, perDay[l.Unit]); l.Amount > most {
		problems = append(problems, fault.Problem{Path: "amount", Code: "AMOUNT_TOO_LARGE",
			ZH: fmt.Sprintf("期限%d过长，最多为%d", l.Amount, most),
			EN: fmt.Sprintf("a time limit of %d is too long; the most is %d", l.Amount, most)})
	}
	return problems
}

// Pause is a stretch of days that do not count, both ends included: a hearing,
// a test, an expert review and so on (行政许可法 第45条).
type Pause struct {
	From, To Date
	Reason   string
}

// checkPauses finds what is wrong with the pauses. They may overlap.
func checkPauses(pauses []Pause) []fault.Problem {
	var problems []fault.Problem
	for i, p := range pauses {
		path := fmt.Sprintf("pauses[%d].", i)
		problems = append(problems, checkDate(path+"from", p.From)...)
		problems = append(problems, checkDate(path+"to", p.To)...)
		if !p.From.IsZero() && !p.To.IsZero() && p.To.Before(p.From) {
			problems = append(problems, fault.Problem{Path: path + "to", Code: "ENDS_BEFORE_START",
				ZH: fmt.Sprintf("停止计算的止日%s早于起日%s", p.To, p.From),
				EN: fmt.Sprintf("the pause ends on %s, before it starts on %s", p.To, p.From)})
		}
		if strings.TrimSpace(p.Reason) == "" {
			problems = append(problems, fault.Problem{Path: path + "reason", Code: "MISSING_REASON",
				ZH: "停止计算须说明理由", EN: "a pause needs a reason"})
		}
	}
	return problems
}

// pausedBy names the pauses that d lies in, each reason once, and is "" when d
// lies in none.
func pausedBy(pauses []Pause, d Date) string {
	var reasons []string
	for _, p := range pauses {
		if !d.Before(p.From) && !d.After(p.To) && !slices.Contains(reasons, p.Reason) {
			reasons = append(reasons, p.Reason)
		}
	}
	return strings.Join(reasons, "、")
}

// checkDate finds a missing date.
func checkDate(path string, d Date) []fault.Problem {
	if !d.IsZero() {
		return nil
	}
	return []fault.Problem{{Path: path, Code: "MISSING_DATE", ZH: "缺少日期", EN: "the date is missing"}}
}

func unknownUnit(u Unit) fault.Problem {
	return fault.Problem{Path: "unit", Code: "UNKNOWN_UNIT",
		ZH: fmt.Sprintf("未知的期限单位%q，应为 WORKDAY、DAY、WORK_HOUR 或 HOUR", string(u)),
		EN: fmt.Sprintf("unknown unit %q; it is one of WORKDAY, DAY, WORK_HOUR, HOUR", string(u))}
}
