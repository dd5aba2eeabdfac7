package casework

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/guide"
)

// CheckNotRun is the code of the finding that refers clauses to an officer
// because the check that judges them could not be run.
const CheckNotRun = "CHECK_NOT_RUN"

// A check that failed is tried again after these pauses: short at first, since
// most faults are restarts, and never so seldom that a day of its clock is lost.
const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
)

func retryAfter(attempts int) time.Duration {
	wait := firstRetry
	for range attempts - 1 {
		wait = min(2*wait, lastRetry)
	}
	return wait
}

// asks are the checks of active plugins that judge a clause of these needs: a
// clause that applies, or may.
func asks(needs []Need, active []check.Plugin) []check.Run {
	judged := map[string]bool{}
	for _, n := range needs {
		for _, f := range n.Findings {
			judged[f.Clause] = true
		}
	}
	var runs []check.Run
	for _, p := range active {
		for _, k := range p.Checks {
			if !slices.ContainsFunc(k.Clauses, func(code string) bool { return judged[code] }) {
				continue
			}
			runs = append(runs, check.Run{
				Source:     check.Source{Plugin: p.Name, Version: p.Version, Digest: p.Digest, Unsigned: p.Unsigned},
				Department: p.Department, Check: k.ID, Clauses: k.Clauses, Mode: p.Mode, Policy: k.Policy, State: check.Pending,
			})
		}
	}
	return runs
}

// ask makes checks pending, at once.
func (c *Case) ask(by By, runs []check.Run) {
	for _, r := range runs {
		r.NextAt = by.RecordedAt.UTC()
		if k := c.run(r.Plugin, r.Check, r.Mode); k >= 0 {
			c.Checks[k] = r
		} else {
			c.Checks = append(c.Checks, r)
		}
	}
}

// askAgain makes all checks pending: what they were given has changed.
func (c *Case) askAgain(by By) {
	for i := range c.Checks {
		r := &c.Checks[i]
		r.State, r.Attempts, r.NextAt, r.Fault = check.Pending, 0, by.RecordedAt.UTC(), nil
	}
}

// run gives the index of a run, -1 when it is not there.
func (c *Case) run(plugin, id string, mode check.Mode) int {
	return slices.IndexFunc(c.Checks, func(r check.Run) bool { return r.Plugin == plugin && r.Check == id && r.Mode == mode })
}

// ChecksAt is when the first check that is still to be run is due; zero when
// none is. A draft is not checked, and nothing after the decision.
func (c *Case) ChecksAt() time.Time {
	var first time.Time
	if c.State != Submitted && c.State != Supplementing && c.State != InReview {
		return first
	}
	for _, r := range c.Checks {
		if r.State == check.Pending && (first.IsZero() || r.NextAt.Before(first)) {
			first = r.NextAt
		}
	}
	return first
}

// due lists the runs that are due at a time.
func (c *Case) due(now time.Time) []check.Run {
	if c.ChecksAt().IsZero() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Checks), func(r check.Run) bool { return r.State != check.Pending || r.NextAt.After(now) })
}

// Land puts what checks have found into the reviews that are not answered, and
// into the needs before acceptance. A check that could not be run stays pending:
// by its policy its clauses are an officer's meanwhile (REFER, and REJECT once
// the application is taken), or the case goes on without them (PROCEED). Neither
// moves a date. A finding whose clause nobody judges in this case is dropped.
//
// dropped are runs whose check is not active any more: nothing is waited for.
// A further failure of the same kind under the same policy, and what a SHADOW finds, changes nothing of
// the case: it leaves no event.
func (c *Case) Land(by By, results []check.Result, dropped []check.Run, receipts []check.Receipt) error {
	t, err := c.begin(by, ActRecordChecks, "")
	if err != nil {
		return err
	}
	now := by.RecordedAt.UTC()
	var told []map[string]any
	for _, r := range results {
		k := c.run(r.Plugin, r.Check, r.Mode)
		if k < 0 || c.Checks[k].State != check.Pending {
			continue
		}
		run := &c.Checks[k]
		again := r.Fault != nil && run.Fault != nil && run.Fault.Code == r.Fault.Code && run.Policy == r.Policy
		run.Source, run.Policy, run.RanAt, run.Receipt, run.Findings = r.Source, r.Policy, now, r.Receipt, nil
		run.Fault = r.Fault
		if r.Fault != nil {
			run.Attempts++
			run.NextAt = now.Add(retryAfter(run.Attempts))
		} else {
			run.State, run.Attempts, run.NextAt = check.Done, 0, time.Time{}
		}
		if r.Mode == check.Shadow {
			run.Findings = r.Findings
			continue
		}
		if again {
			continue
		}
		c.place(*run, r.Findings)
		entry := map[string]any{"plugin": r.Plugin, "version": r.Version, "digest": r.Digest, "check": r.Check, "state": run.State}
		if r.Fault != nil {
			entry["fault"], entry["policy"] = r.Fault.Code, r.Policy
		}
		told = append(told, entry)
	}
	for _, r := range dropped {
		if k := c.run(r.Plugin, r.Check, r.Mode); k >= 0 {
			c.Checks = slices.Delete(c.Checks, k, k+1)
			if r.Mode == check.Shadow {
				continue // what stands there is of the version in force
			}
			r.Fault = nil // nobody is referred to any more
			c.place(r, nil)
			told = append(told, map[string]any{"plugin": r.Plugin, "version": r.Version, "check": r.Check, "state": "DROPPED"})
		}
	}
	c.Receipts = append(c.Receipts, receipts...)
	if len(told) > 0 {
		c.commit(by, t, map[string]any{"checks": told})
	}
	return nil
}

// place replaces what a check has found before. Of a run that failed, the policy
// speaks.
func (c *Case) place(run check.Run, found []check.Finding) {
	if run.State == check.Pending && run.Fault != nil && run.Policy != check.Proceed {
		for _, code := range run.Clauses {
			found = append(found, check.Finding{Clause: code, Verdict: Human, Code: CheckNotRun})
		}
	}
	for i := range c.Needs {
		c.Needs[i].Findings = placed(c.Needs[i].Findings, run, found)
	}
	for i := range c.Reviews {
		if r := &c.Reviews[i]; r.State != Answered && r.State != Released {
			r.Findings = placed(r.Findings, run, found)
		}
	}
}

// placed gives the findings of a review with those of a run beside the clauses'
// own, in the order of the clauses.
func placed(findings []Finding, run check.Run, found []check.Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		if f.Source != nil && f.Source.Plugin == run.Plugin && f.Check == run.Check {
			continue
		}
		out = append(out, f)
		if f.Source != nil {
			continue
		}
		for _, n := range found {
			if n.Clause != f.Clause {
				continue
			}
			source := run.Source
			out = append(out, Finding{
				Clause: f.Clause, Item: f.Item, Version: f.Version, Verdict: n.Verdict, Code: n.Code,
				Message: Text(n.Message), Remedy: Text(n.Remedy), Basis: n.Basis, Missing: n.MissingFacts, Papers: n.MissingMaterials,
				Check: run.Check, Source: &source, Receipt: run.Receipt,
			})
		}
	}
	if out == nil {
		out = []Finding{}
	}
	return out
}

// questionOf is what plugins are asked about a project: the facts of its guide,
// in canonical form.
func questionOf(g *guide.Guide, book *guide.Catalogue) check.Question {
	q := check.Question{Day: g.AsOf}
	for _, key := range slices.Sorted(maps.Keys(g.Facts)) {
		if fact, ok := book.Fact(key); ok {
			q.Facts = append(q.Facts, check.Fact{Key: key, Kind: fact.Kind, Value: g.Facts[key]})
		}
	}
	return q
}

// asked groups runs into what each plugin is asked.
func asked(runs []check.Run) []check.Ask {
	var out []check.Ask
	for _, r := range runs {
		k := slices.IndexFunc(out, func(a check.Ask) bool { return a.Plugin == r.Plugin && a.Digest == r.Digest })
		if k < 0 {
			k = len(out)
			out = append(out, check.Ask{Plugin: r.Plugin, Digest: r.Digest})
		}
		out[k].Checks = append(out[k].Checks, r.Check)
	}
	slices.SortFunc(out, func(a, b check.Ask) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Digest, b.Digest))
	})
	return out
}
