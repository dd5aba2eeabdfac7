package workday_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

func TestParseDateRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-1-2", "26-01-02",
		"2026/01/02", "20260102", " 2026-01-02", "2026-01-02 ", "2026-01-02T00:00:00Z", "0000-01-01", "-001-01-01",
		"10000-01-01", "２０２６-01-02", "明天"} {
		if d, err := workday.ParseDate(s); problemCodes(err) != "BAD_DATE" || !d.IsZero() {
			t.Errorf("%q is read as %s, %v", s, d, err)
		}
	}
}

func TestDateOfIsShanghai(t *testing.T) {
	t.Parallel()
	got := []string{
		workday.DateOf(time.Date(2026, 11, 22, 15, 59, 59, 0, time.UTC)).String(),
		workday.DateOf(time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)).String(),
		workday.DateOf(time.Time{}).String(),
	}
	if diff := cmp.Diff([]string{"2026-11-22", "2026-11-23", ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDateOrder(t *testing.T) {
	t.Parallel()
	a, b := workday.NewDate(2024, time.February, 28), workday.NewDate(2024, time.March, 1)
	if !a.Before(b) || a.After(b) || a.Compare(b) != -1 || b.Sub(a) != 2 || a.AddDays(2) != b || a.Year() != 2024 {
		t.Errorf("%s and %s are out of order", a, b)
	}
	if none := (workday.Date{}); none.AddDays(5) != none || none.Year() != 0 || none.String() != "" {
		t.Error("no date does not stay no date")
	}
}

func TestDateEncodings(t *testing.T) {
	t.Parallel()
	want := workday.NewDate(2026, time.November, 23)

	var fromJSON struct{ D, None workday.Date }
	text, err := json.Marshal(map[string]any{"D": want, "None": workday.Date{}})
	if err != nil || string(text) != `{"D":"2026-11-23","None":""}` {
		t.Errorf("JSON is %s, %v", text, err)
	}
	if err := json.Unmarshal(text, &fromJSON); err != nil || fromJSON.D != want || !fromJSON.None.IsZero() {
		t.Errorf("JSON reads back as %v, %v", fromJSON, err)
	}
	if err := json.Unmarshal([]byte(`{"D":"2026-02-30"}`), &fromJSON); problemCodes(err) != "BAD_DATE" {
		t.Errorf("an impossible date in JSON gives %v", err)
	}

	var gql bytes.Buffer
	want.MarshalGQL(&gql)
	workday.Date{}.MarshalGQL(&gql)
	workday.UnitWorkHour.MarshalGQL(&gql)
	if gql.String() != `"2026-11-23"null"WORK_HOUR"` {
		t.Errorf("GraphQL is %s", &gql)
	}
	var d workday.Date
	if err := d.UnmarshalGQL("2026-11-23"); err != nil || d != want {
		t.Errorf("GraphQL reads %s, %v", d, err)
	}
	for _, v := range []any{nil, "", 20261123, "2026-02-30"} {
		if err := d.UnmarshalGQL(v); problemCodes(err) != "BAD_DATE" || d != want {
			t.Errorf("GraphQL reads %v as %s, %v", v, d, err)
		}
	}
	var u workday.Unit
	if err := u.UnmarshalGQL("HOUR"); err != nil || u != workday.UnitHour {
		t.Errorf("GraphQL reads the unit %s, %v", u, err)
	}
	for _, v := range []any{nil, "", "workday", 1} {
		if err := u.UnmarshalGQL(v); problemCodes(err) != "UNKNOWN_UNIT" {
			t.Errorf("GraphQL reads %v as a unit: %v", v, err)
		}
	}

	for _, src := range []any{"2026-11-23", []byte("2026-11-23"), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)} {
		if err := d.Scan(src); err != nil || d != want {
			t.Errorf("SQL reads %v as %s, %v", src, d, err)
		}
	}
	if v, err := want.Value(); err != nil || v != "2026-11-23" {
		t.Errorf("SQL stores %v, %v", v, err)
	}
	if v, err := (workday.Date{}).Value(); err != nil || v != nil {
		t.Errorf("SQL stores no date as %v, %v", v, err)
	}
	if err := d.Scan(nil); err != nil || !d.IsZero() {
		t.Errorf("SQL reads NULL as %s, %v", d, err)
	}
	for _, src := range []any{42, "2026-02-30", []byte("x")} {
		if err := d.Scan(src); err == nil {
			t.Errorf("SQL reads %v as %s", src, d)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	var s workday.Status
	for _, text := range []string{"official", "Official", "OFFICIAL"} {
		if err := s.UnmarshalText([]byte(text)); err != nil || s != workday.Official {
			t.Errorf("%s is read as %s, %v", text, s, err)
		}
	}
	if err := s.UnmarshalText([]byte("draft")); problemCodes(err) != "UNKNOWN_STATUS" {
		t.Error(err)
	}
}

func TestOn(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	const notice2026 = "https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm"
	off, makeUp := workday.NewDate(2026, time.October, 1), workday.NewDate(2026, time.September, 20)
	sunday, provisional := workday.NewDate(2026, time.November, 22), workday.NewDate(2027, time.March, 1)
	var got []workday.Day
	for _, d := range []workday.Date{off, makeUp, sunday, provisional} {
		day, err := c.On(d)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, day)
	}
	want := []workday.Day{
		{Date: off, Reason: "国庆节放假", ReasonEN: "National Day holiday", Source: notice2026},
		{Date: makeUp, Workday: true, Reason: "调休上班（国庆节）", ReasonEN: "make-up working day (National Day)", Source: notice2026},
		{Date: sunday, Reason: "周日", ReasonEN: "Sunday", Source: "国务院关于职工工作时间的规定 第7条"},
		{Date: provisional, Workday: true, Reason: "工作日", ReasonEN: "working day", Source: "行政许可法 第82条", Provisional: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := c.On(workday.Date{}); problemCodes(err) != "MISSING_DATE" {
		t.Error(err)
	}
}

func TestNoCalendarTellsTheYears(t *testing.T) {
	t.Parallel()
	_, err := mustCalendar(t).On(workday.NewDate(2028, time.January, 3))
	want := fault.InvalidInput("workday.On", fault.Problem{Path: "date", Code: "NO_CALENDAR",
		ZH: "2028-01-03：日历CN-mainland没有该年的安排，已有年份：[2024 2025 2026 2027]",
		EN: "2028-01-03: calendar CN-mainland does not have that year; it has [2024 2025 2026 2027]"})
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
}

func TestNewCalendarReportsEveryProblem(t *testing.T) {
	t.Parallel()
	day := func(year int, month time.Month, day int) workday.Holiday {
		return workday.Holiday{Date: workday.NewDate(year, month, day), Name: "元旦"}
	}
	_, err := workday.NewCalendar("X", []workday.Year{
		{Year: 2026, Status: "DRAFT",
			Off:  []workday.Holiday{day(2026, 1, 1), day(2026, 1, 1), day(2025, 12, 31), {Name: "春节"}, day(2026, 1, 4)},
			Work: []workday.Holiday{day(2026, 1, 4), day(2026, 1, 5), day(2026, 1, 10), day(2026, 1, 10)}},
		{Year: 2026, Status: workday.Official},
	})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, p := range f.Problems {
		got = append(got, p.Path+" "+p.Code)
	}
	want := []string{
		"years[0].status UNKNOWN_STATUS",
		"years[0].off[1].date DUPLICATE_DATE",
		"years[0].off[2].date OUTSIDE_YEAR",
		"years[0].off[3].date MISSING_DATE",
		"years[0].work[0].date OFF_AND_WORK",
		"years[0].work[1].date WORK_CHANGES_NOTHING",
		"years[0].work[3].date DUPLICATE_DATE",
		"years[1].year DUPLICATE_YEAR",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCalendarDoesNotChange(t *testing.T) {
	t.Parallel()
	years := []workday.Year{{Year: 2026, Status: workday.Official,
		Off: []workday.Holiday{{Date: workday.NewDate(2026, time.January, 1)}}}}
	c, err := workday.NewCalendar("X", years)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Years()
	years[0].Off[0].Name = "changed"
	c.Years()[0].Off[0].Name = "changed"
	if diff := cmp.Diff(want, c.Years()); diff != "" {
		t.Error(diff)
	}
	if day, err := c.On(workday.NewDate(2026, time.January, 1)); err != nil || day.Reason != "节假日放假" {
		t.Errorf("a day off without a name: %v, %v", day, err)
	}
}

func TestDueOnAgreesWithDeadline(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t)
	for _, l := range []workday.Limit{{Amount: 0, Unit: workday.UnitWorkday}, {Amount: 20, Unit: workday.UnitWorkday},
		{Amount: 30, Unit: workday.UnitDay}, {Amount: 60, Unit: workday.UnitDay}, {Amount: 9, Unit: workday.UnitWorkHour}} {
		for d := workday.NewDate(2026, 1, 1); d.Before(workday.NewDate(2026, 12, 31)); d = d.AddDays(7) {
			full, err := c.Deadline(d, l, nil)
			if err != nil {
				t.Fatal(err)
			}
			due, provisional, err := c.DueOn(d, l)
			if err != nil || due != full.DueOn || provisional != full.Provisional {
				t.Errorf("%s + %v: DueOn gives %s %v %v, Deadline %s %v", d, l, due, provisional, err, full.DueOn, full.Provisional)
			}
		}
	}
}
