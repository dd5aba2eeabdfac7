package check_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
)

// book knows two clauses and a fact.
type book struct{}

func (book) ClauseDepartment(code string) (string, bool) {
	department, ok := map[string]string{"C-FIR-002": "fire", "C-ENV-001": "eco"}[code]
	return department, ok
}
func (book) HasFact(key string) bool { return key == "exits" }

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func fire(checks ...check.Check) check.Version {
	return check.Version{Name: "fire", Version: "1.0.0", Department: "fire", Checks: checks}
}

func TestActivate(t *testing.T) {
	t.Parallel()
	exits := check.Check{ID: "exits", Clauses: []string{"C-FIR-002"}, Facts: []string{"exits"}, Policy: check.Proceed}
	for name, tc := range map[string]struct {
		version  check.Version
		mode     check.Mode
		policies map[string]check.Policy
		want     map[string]check.Policy
		problems []string
	}{
		"as the department wishes":     {fire(exits), check.Enforce, nil, map[string]check.Policy{"exits": check.Proceed}, nil},
		"as the central team decides":  {fire(exits), check.Shadow, map[string]check.Policy{"exits": check.Reject}, map[string]check.Policy{"exits": check.Reject}, nil},
		"nothing wished is REFER":      {fire(check.Check{ID: "exits", Clauses: []string{"C-FIR-002"}}), check.Enforce, nil, map[string]check.Policy{"exits": check.Refer}, nil},
		"a clause that nobody told":    {fire(check.Check{ID: "x", Clauses: []string{"C-X"}}), check.Enforce, nil, nil, []string{"checks.x.clauses UNKNOWN_CLAUSE"}},
		"a clause of others":           {fire(check.Check{ID: "x", Clauses: []string{"C-ENV-001"}}), check.Shadow, nil, nil, []string{"checks.x.clauses FOREIGN_CLAUSE"}},
		"a fact that there is not":     {fire(check.Check{ID: "x", Clauses: []string{"C-FIR-002"}, OptionalFacts: []string{"y"}}), check.Enforce, nil, nil, []string{"checks.x.facts UNKNOWN_FACT"}},
		"a policy of no check, no one": {fire(exits), check.Enforce, map[string]check.Policy{"y": "STRICT"}, nil, []string{"policies.y UNKNOWN", "policies.y UNKNOWN_CHECK"}},
		"off is always possible":       {fire(check.Check{ID: "x", Clauses: []string{"C-X"}, Policy: check.Refer}), check.Off, nil, map[string]check.Policy{"x": check.Refer}, nil},
	} {
		a, err := check.Activate(tc.version, tc.mode, tc.policies, book{}, at, "central")
		var f *fault.Error
		var problems []string
		if errors.As(err, &f) {
			for _, p := range f.Problems {
				problems = append(problems, p.Path+" "+p.Code)
			}
		}
		if diff := cmp.Diff(tc.problems, problems); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if err == nil {
			if diff := cmp.Diff(check.Activation{Name: "fire", Version: "1.0.0", Mode: tc.mode, Policies: tc.want, At: at, By: "central"}, a); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestPrevious(t *testing.T) {
	t.Parallel()
	is := func(version string, mode check.Mode) check.Activation {
		return check.Activation{Name: "fire", Version: version, Mode: mode}
	}
	for name, tc := range map[string]struct {
		history []check.Activation // the latest first
		want    string
	}{
		"never activated":             {nil, ""},
		"one alone":                   {[]check.Activation{is("1", check.Enforce)}, ""},
		"the one before":              {[]check.Activation{is("2", check.Enforce), is("1", check.Off), is("1", check.Enforce)}, "1"},
		"a shadow is none":            {[]check.Activation{is("3", check.Shadow), is("2", check.Enforce), is("1", check.Enforce)}, "1"},
		"the same twice is one":       {[]check.Activation{is("2", check.Enforce), is("2", check.Enforce), is("1", check.Enforce)}, "1"},
		"turned off, it goes back to": {[]check.Activation{is("2", check.Off), is("2", check.Enforce), is("1", check.Enforce)}, "1"},
	} {
		if a, ok := check.Previous(tc.history); a.Version != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: %q", name, a.Version)
		}
	}
}
