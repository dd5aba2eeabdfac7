package plugintest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Verdict is what became of a rule.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "PASS"
	Fail Verdict = "FAIL"
	Skip Verdict = "SKIP" // it could not be asked; Detail says why
)

// Report says what a plugin keeps to.
type Report struct {
	Plugin  string   `json:"plugin"`
	Version string   `json:"version"`
	Results []Result `json:"results"`
}

// Result is what became of one rule.
type Result struct {
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Verdict Verdict       `json:"verdict"`
	Detail  string        `json:"detail,omitempty"` // what was seen
	Do      string        `json:"do,omitempty"`     // what to do about it
	Took    time.Duration `json:"took_ns"`
}

// OK says whether no rule was broken.
func (r *Report) OK() bool { return r.count(Fail) == 0 }

func (r *Report) count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict == v {
			n++
		}
	}
	return n
}

// WriteText writes a line a rule, and below it what to do.
func (r *Report) WriteText(w io.Writer) error {
	var out strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&out, "%s  %-22s %s\n", result.Verdict, result.Rule, result.Title)
		if result.Detail != "" {
			fmt.Fprintf(&out, "      %s\n", strings.ReplaceAll(strings.TrimRight(result.Detail, "\n"), "\n", "\n      "))
		}
		if result.Do != "" {
			fmt.Fprintf(&out, "      → %s\n", result.Do)
		}
	}
	fmt.Fprintf(&out, "%s %s: %d passed, %d failed, %d skipped\n", r.Plugin, r.Version, r.count(Pass), r.count(Fail), r.count(Skip))
	_, err := io.WriteString(w, out.String())
	return err
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// The parts of JUnit's XML that its readers agree on.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit's XML, for CI.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: r.Plugin + " " + r.Version, Tests: len(r.Results), Failures: r.count(Fail), Skipped: r.count(Skip)}
	for _, result := range r.Results {
		c := junitCase{Class: r.Plugin, Name: result.Rule + ": " + result.Title, Time: fmt.Sprintf("%.3f", result.Took.Seconds())}
		switch result.Verdict {
		case Fail:
			c.Failure = &junitMessage{result.Do, result.Detail}
		case Skip:
			c.Skipped = &junitMessage{Message: result.Detail}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
