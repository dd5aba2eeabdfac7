package workday_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

// TestScripts runs testdata/*.txt. README.md tells how to write a case.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range runScript(file, string(text)) {
				t.Error(err)
			}
		})
	}
}

// TestScriptErrors checks that a wrong script fails, and says where.
func TestScriptErrors(t *testing.T) {
	t.Parallel()
	script := strings.Join([]string{
		"works 2026-01-04",
		"calendar CN-mainland",
		"due 2026-01-02 + 1 WORKDAY = 2026-01-05",
		"due 2026-12-31 + 1 WORKDAY = 2027-01-04",
		"due 2026-01-02 + 1 WORKDAY = 2026-01-04",
		"  counts 2026-01-04 2",
		"  skips 2026-01-03 国庆节",
		"count 2026-06-01..2026-06-30 WORKDAY = 21",
		"works 2026-01-03",
		"rests 2026-01-03 春节",
		"fail due 2028-01-03 + 5 WORKDAY : BAD_DATE",
		"fail due 2026-01-02 + 1 WORKDAY : NO_CALENDAR",
		"nonsense",
		"due 2026-01-02 + 1 WORKDAY = 2026-01-04",
		"  nonsense",
	}, "\n")
	var lines []string
	for _, err := range runScript("x.txt", script) {
		lines = append(lines, strings.Join(strings.SplitN(err.Error(), ":", 3)[:2], ":"))
	}
	want := []string{"x.txt:1", "x.txt:3", "x.txt:4", "x.txt:6", "x.txt:7", "x.txt:8", "x.txt:9",
		"x.txt:10", "x.txt:11", "x.txt:12", "x.txt:13", "x.txt:15"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("the lines that fail (-want +got):\n%s", diff)
	}
}

// A line of a script, its words, and the indented lines that belong to it.
type line struct {
	number  int
	words   []string
	details []line
}

// runScript runs a script and gives one error, with file and line, per line that
// does not hold.
func runScript(file, text string) []error {
	var lines []line
	for i, raw := range strings.Split(text, "\n") {
		l := line{number: i + 1, words: strings.Fields(raw)}
		switch {
		case len(l.words) == 0 || strings.HasPrefix(l.words[0], "#"):
		case raw != strings.TrimLeft(raw, " \t") && len(lines) > 0:
			last := &lines[len(lines)-1]
			last.details = append(last.details, l)
		default:
			lines = append(lines, l)
		}
	}
	s := &script{file: file}
	for _, l := range lines {
		s.run(l)
	}
	return s.errs
}

type script struct {
	file     string
	calendar *workday.Calendar
	errs     []error
}

func (s *script) errorf(l line, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s:%d: %s", s.file, l.number, fmt.Sprintf(format, args...)))
}

// run runs one line with its details.
func (s *script) run(l line) {
	if l.words[0] == "calendar" && len(l.words) == 2 {
		c, err := loadCalendar()
		if err != nil || c.Code() != l.words[1] {
			s.errorf(l, "cannot load calendar %s: %v", l.words[1], err)
			return
		}
		s.calendar = c
		return
	}
	if s.calendar == nil {
		s.errorf(l, "there is no calendar line before it")
		return
	}
	switch l.words[0] {
	case "due", "count":
		s.question(l)
	case "works", "rests":
		s.days(l)
	case "fail":
		s.fail(l)
	default:
		s.errorf(l, "unknown word %q", l.words[0])
	}
}

// question runs "due" and "count" lines: the answer stands after "=".
func (s *script) question(l line) {
	question, want, _ := strings.Cut(strings.Join(l.words, " "), " = ")
	got, deadline, err := s.ask(strings.Fields(question), l.details)
	if err != nil {
		s.errorf(l, "%v", err)
		return
	}
	if got != want {
		s.errorf(l, "want %s, got %s", want, got)
		return
	}
	provisional := false
	for _, detail := range l.details {
		switch detail.words[0] {
		case "pause":
		case "provisional":
			provisional = true
		case "counts", "skips":
			if err := explained(deadline, detail.words); err != nil {
				s.errorf(detail, "%v", err)
			}
		default:
			s.errorf(detail, "unknown word %q", detail.words[0])
		}
	}
	if provisional != deadline.Provisional {
		s.errorf(l, "provisional: want %v, got %v", provisional, deadline.Provisional)
	}
}

// ask puts "due START [+ N UNIT]" or "count FROM..TO UNIT", with the pauses in
// the details, to the calendar.
func (s *script) ask(words []string, details []line) (string, workday.Deadline, error) {
	var none workday.Deadline
	var pauses []workday.Pause
	for _, d := range details {
		if d.words[0] != "pause" || len(d.words) < 2 {
			continue
		}
		from, to, err := dateRange(d.words[1])
		if err != nil {
			return "", none, err
		}
		pauses = append(pauses, workday.Pause{From: from, To: to, Reason: strings.Join(d.words[2:], " ")})
	}
	switch {
	case len(words) == 0:
		return "", none, errors.New("there is no question")
	case words[0] == "due" && len(words) == 5 && words[2] == "+":
		start, err := date(words[1])
		if err != nil {
			return "", none, err
		}
		amount, err := strconv.Atoi(words[3])
		if err != nil {
			return "", none, err
		}
		limit := workday.Limit{Amount: amount, Unit: workday.Unit(words[4])}
		d, err := s.calendar.Deadline(start, limit, pauses)
		return d.DueOn.String(), d, err
	case words[0] == "count" && len(words) == 3:
		from, to, err := dateRange(words[1])
		if err != nil {
			return "", none, err
		}
		n, err := s.calendar.Count(from, to, workday.Unit(words[2]), pauses)
		return strconv.Itoa(n), none, err
	case words[0] == "works" && len(words) == 2:
		on, err := date(words[1])
		if err != nil {
			return "", none, err
		}
		_, err = s.calendar.On(on)
		return "", none, err
	}
	return "", none, fmt.Errorf("cannot read %q", strings.Join(words, " "))
}

// explained checks "counts DATE NUMBER [REASON]" or "skips DATE [REASON]".
func explained(d workday.Deadline, words []string) error {
	for _, day := range d.Days {
		if len(words) < 2 || day.Date.String() != words[1] {
			continue
		}
		got := []string{"skips", day.Date.String()}
		if day.Counts {
			got = []string{"counts", day.Date.String(), strconv.Itoa(day.Number)}
		}
		reason := strings.Join(words[min(len(got), len(words)):], " ")
		if !strings.HasPrefix(strings.Join(words, " ")+" ", strings.Join(got, " ")+" ") || !strings.Contains(day.Reason, reason) {
			return fmt.Errorf("got %s %s", strings.Join(got, " "), day.Reason)
		}
		if day.ReasonEN == "" || day.Source == "" {
			return fmt.Errorf("%s has no English reason or no source", day.Date)
		}
		return nil
	}
	return fmt.Errorf("the deadline does not explain that day")
}

// days checks "works DATES [REASON]" or "rests DATES [REASON]".
func (s *script) days(l line) {
	if len(l.words) < 2 {
		s.errorf(l, "the date is missing")
		return
	}
	from, to, err := dateRange(l.words[1])
	if err != nil {
		s.errorf(l, "%v", err)
		return
	}
	reason := strings.Join(l.words[2:], " ")
	provisional := len(l.details) == 1 && l.details[0].words[0] == "provisional"
	for d := from; !d.After(to); d = d.AddDays(1) {
		day, err := s.calendar.On(d)
		switch {
		case err != nil:
			s.errorf(l, "%v", err)
		case day.Workday != (l.words[0] == "works") || !strings.Contains(day.Reason, reason):
			s.errorf(l, "%s: workday %v, %s", d, day.Workday, day.Reason)
		case day.Provisional != provisional:
			s.errorf(l, "provisional: want %v, got %v", provisional, day.Provisional)
		}
	}
}

// fail runs "fail QUESTION : CODE CODE...", where the codes are those of all
// problems in order.
func (s *script) fail(l line) {
	question, want, _ := strings.Cut(strings.Join(l.words[1:], " "), " : ")
	_, _, err := s.ask(strings.Fields(question), l.details)
	if got := problemCodes(err); got != want {
		s.errorf(l, "want %s, got %s (%v)", want, got, err)
	}
}

// problemCodes gives the codes of the problems of an INVALID fault.
func problemCodes(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		return fmt.Sprintf("no INVALID fault: %v", err)
	}
	var codes []string
	for _, p := range f.Problems {
		if p.Path == "" || p.ZH == "" || p.EN == "" {
			return fmt.Sprintf("a problem without path or text: %v", p)
		}
		codes = append(codes, p.Code)
	}
	return strings.Join(codes, " ")
}

// date reads a date; "-" is no date.
func date(s string) (workday.Date, error) {
	if s == "-" {
		return workday.Date{}, nil
	}
	return workday.ParseDate(s)
}

// dateRange reads FROM..TO, or one date for both.
func dateRange(s string) (from, to workday.Date, err error) {
	first, last, two := strings.Cut(s, "..")
	if !two {
		last = first
	}
	if from, err = date(first); err != nil {
		return from, to, err
	}
	to, err = date(last)
	return from, to, err
}

// loadCalendar reads the calendar that onedoor ships.
func loadCalendar() (*workday.Calendar, error) {
	text, err := os.ReadFile("../catalog/packs/jiangbei/holidays.yaml")
	if err != nil {
		return nil, err
	}
	var file struct {
		Calendar string
		Years    []workday.Year
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	return workday.NewCalendar(file.Calendar, file.Years)
}
