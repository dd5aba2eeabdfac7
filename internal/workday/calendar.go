// Package workday counts the days of the law: which days are working days, when
// a time limit ends, and why. It does no input or output and never asks what
// time it is.
package workday

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
)

// The laws that the explanations cite.
const (
	lawLicence82   = "行政许可法 第82条"         // limits count working days, without public holidays
	lawLicence45   = "行政许可法 第45条"         // hearings, tests, reviews and the like do not count
	lawWorkTime7   = "国务院关于职工工作时间的规定 第7条" // state organs rest on Saturday and Sunday
	lawCivil200    = "民法典 第200条"          // periods run by the Gregorian calendar
	lawCivil201    = "民法典 第201条"          // the day itself does not count
	lawCivil203    = "民法典 第203条"          // a period that ends on a day off ends on the day after
	limitZeroBasis = "期限规定本身"             // a limit of nothing ends at once; no law needs to say so
)

// Status tells how sure a year's calendar is.
type Status string

// A year is PROVISIONAL until the State Council has published its notice.
const (
	Official    Status = "OFFICIAL"
	Provisional Status = "PROVISIONAL"
)

// UnmarshalText reads a status in upper or lower case.
func (s *Status) UnmarshalText(text []byte) error {
	status := Status(strings.ToUpper(string(text)))
	if !status.valid() {
		return fault.InvalidInput("workday.Status", unknownStatus("status", Status(text)))
	}
	*s = status
	return nil
}

func (s Status) valid() bool { return s == Official || s == Provisional }

// Holiday is a day that a notice takes off or makes a working day, and the
// festival it belongs to.
type Holiday struct {
	Date Date   `yaml:"date" json:"date"`
	Name string `yaml:"name" json:"name"`
}

// Year is one year's notice: the days off, and the weekend days worked in
// return (调休). All other days follow the week.
type Year struct {
	Year          int       `yaml:"year" json:"year"`
	Status        Status    `yaml:"status" json:"status"`
	Source        string    `yaml:"source" json:"source"`
	StatutoryDays int       `yaml:"statutory_days" json:"statutory_days"`
	Off           []Holiday `yaml:"off" json:"off"`
	Work          []Holiday `yaml:"work" json:"work"`
}

// Day tells whether a day is a working day and why.
type Day struct {
	Date             Date
	Workday          bool
	Reason, ReasonEN string
	Source           string // the law or notice behind the reason
	Provisional      bool   // the year's notice has not been published
}

// Calendar knows the working days of the years it was given. It does not
// change; a new notice makes a new Calendar.
type Calendar struct {
	code    string
	years   map[int]Year
	special map[Date]Day // the days that the notices name
	version string
}

// NewCalendar checks the years and makes a calendar of them. It reports every
// problem at once.
func NewCalendar(code string, years []Year) (*Calendar, error) {
	c := &Calendar{code: code, years: map[int]Year{}, special: map[Date]Day{}}
	var problems []fault.Problem
	for i, y := range years {
		path := fmt.Sprintf("years[%d]", i)
		if _, twice := c.years[y.Year]; twice {
			problems = append(problems, fault.Problem{Path: path + ".year", Code: "DUPLICATE_YEAR",
				ZH: fmt.Sprintf("%d年重复", y.Year), EN: fmt.Sprintf("the year %d is given twice", y.Year)})
			continue
		}
		if !y.Status.valid() {
			problems = append(problems, unknownStatus(path+".status", y.Status))
		}
		c.years[y.Year] = y.clone()
		for j, h := range y.Off {
			problems = append(problems, c.add(fmt.Sprintf("%s.off[%d].date", path, j), y, h, false)...)
		}
		for j, h := range y.Work {
			problems = append(problems, c.add(fmt.Sprintf("%s.work[%d].date", path, j), y, h, true)...)
		}
	}
	if len(problems) > 0 {
		return nil, fault.InvalidInput("workday.NewCalendar", problems...)
	}
	text, err := json.Marshal(c.Years())
	if err != nil {
		return nil, fmt.Errorf("workday.NewCalendar: %w", err)
	}
	sum := sha256.Sum256(text)
	c.version = code + "@" + hex.EncodeToString(sum[:6])
	return c, nil
}

// add takes one day of a notice into the calendar, or tells why not.
func (c *Calendar) add(path string, y Year, h Holiday, work bool) []fault.Problem {
	problem := func(code, zh, en string) []fault.Problem {
		return []fault.Problem{{Path: path, Code: code, ZH: h.Date.String() + zh, EN: h.Date.String() + " " + en}}
	}
	if h.Date.IsZero() {
		return checkDate(path, h.Date)
	}
	if h.Date.Year() != y.Year {
		return problem("OUTSIDE_YEAR", fmt.Sprintf("不在%d年内", y.Year), fmt.Sprintf("is not in %d", y.Year))
	}
	if before, known := c.special[h.Date]; known {
		if before.Workday != work {
			return problem("OFF_AND_WORK", "既放假又上班", "is both off and worked")
		}
		return problem("DUPLICATE_DATE", "重复", "is given twice")
	}
	if work && !isWeekend(h.Date) {
		return problem("WORK_CHANGES_NOTHING", "本来就是工作日，不需调休", "is a working day anyway")
	}
	day := Day{Date: h.Date, Workday: work, Source: y.Source, Provisional: y.Status == Provisional}
	name := cmp.Or(h.Name, "节假日")
	if work {
		day.Reason, day.ReasonEN = "调休上班（"+name+"）", "make-up working day ("+english(name)+")"
	} else {
		day.Reason, day.ReasonEN = name+"放假", english(name)+" holiday"
	}
	c.special[h.Date] = day
	return nil
}

// Code names the calendar, e.g. CN-mainland.
func (c *Calendar) Code() string { return c.code }

// Version names the calendar with a digest of what it says, so that who kept a
// date can tell whether the calendar has changed since.
func (c *Calendar) Version() string {
	return c.version
}

// Years gives the years of the calendar in order.
func (c *Calendar) Years() []Year {
	years := make([]Year, 0, len(c.years))
	for _, n := range c.yearNumbers() {
		years = append(years, c.years[n].clone())
	}
	return years
}

// On tells whether d is a working day and why. A year without a calendar is an
// error, never silently Monday to Friday.
func (c *Calendar) On(d Date) (Day, error) {
	if day, ok := c.special[d]; ok {
		return day, nil
	}
	if d.IsZero() {
		return Day{}, fault.InvalidInput("workday.On", checkDate("date", d)...)
	}
	year, ok := c.years[d.Year()]
	if !ok {
		return Day{}, fault.InvalidInput("workday.On", fault.Problem{Path: "date", Code: "NO_CALENDAR",
			ZH: fmt.Sprintf("%s：日历%s没有该年的安排，已有年份：%v", d, c.code, c.yearNumbers()),
			EN: fmt.Sprintf("%s: calendar %s does not have that year; it has %v", d, c.code, c.yearNumbers())})
	}
	day := Day{Date: d, Workday: true, Reason: "工作日", ReasonEN: "working day",
		Source: lawLicence82, Provisional: year.Status == Provisional}
	if isWeekend(d) {
		day.Workday, day.Source = false, lawWorkTime7
		day.Reason, day.ReasonEN = "周六", "Saturday"
		if d.Weekday() == time.Sunday {
			day.Reason, day.ReasonEN = "周日", "Sunday"
		}
	}
	return day, nil
}

// IsWorkday tells whether d is a working day.
func (c *Calendar) IsWorkday(d Date) (bool, error) {
	day, err := c.On(d)
	return day.Workday, err
}

func (c *Calendar) yearNumbers() []int { return slices.Sorted(maps.Keys(c.years)) }

func (y Year) clone() Year {
	y.Off, y.Work = slices.Clone(y.Off), slices.Clone(y.Work)
	return y
}

func isWeekend(d Date) bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }

// festivals are the festivals of 全国年节及纪念日放假办法 第2条.
var festivals = strings.NewReplacer(
	"元旦", "New Year's Day", "春节", "Spring Festival", "清明节", "Qingming Festival",
	"劳动节", "Labour Day", "端午节", "Dragon Boat Festival", "中秋节", "Mid-Autumn Festival",
	"国庆节", "National Day", "节假日", "public", "、", " and ")

// english gives the English name of a festival; a name it does not know stays Chinese.
func english(name string) string { return festivals.Replace(name) }

func unknownStatus(path string, s Status) fault.Problem {
	return fault.Problem{Path: path, Code: "UNKNOWN_STATUS",
		ZH: fmt.Sprintf("未知状态%q，应为 OFFICIAL 或 PROVISIONAL", string(s)),
		EN: fmt.Sprintf("unknown status %q; it is OFFICIAL or PROVISIONAL", string(s))}
}
