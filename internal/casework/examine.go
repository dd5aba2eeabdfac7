package casework

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/viewer"
)

// RunChecks runs the checks of departments' plugins that are due: those that a
// command has asked for and could not run at once, and those that failed before.
// It can be run at any moment, by any number of instances. It gives the number of
// cases that it has looked after.
func (d *Desk) RunChecks(ctx context.Context) (int, error) {
	return each(func(limit int) ([]string, error) { return d.Cases.ChecksDue(ctx, d.Now(), limit) },
		func(id string) error { return d.examine(ctx, id) })
}

// examine runs the due checks of a case outside of any transaction, and lands
// what they find in one. When the case has changed meanwhile they are run again:
// they were asked about another case.
func (d *Desk) examine(ctx context.Context, id string) error {
	ctx = viewer.WithoutOnce(ctx)
	for range 10 {
		found, err := d.Cases.Load(ctx, []string{id})
		if err != nil || len(found) == 0 {
			return err
		}
		seen := found[0]
		due := seen.due(d.Now())
		if len(due) == 0 {
			return nil
		}
		results, gone, receipts := d.run(ctx, seen, due)
		err = d.Cases.Update(ctx, id, func(c *Case) error {
			by := By{Actor: platform, RecordedAt: d.Now()}
			switch {
			case c.Version != seen.Version:
				return errMoved
			case len(c.due(by.RecordedAt)) == 0: // another instance was faster
				return nil
			}
			return c.Land(by, results, gone, receipts)
		})
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return nil // it keeps changing; the checks stay due
}

// run asks the plugins what is due. What is not active here is a fault at first:
// this instance may not know of an activation yet. Only what stays away is gone.
func (d *Desk) run(ctx context.Context, seen *Case, due []check.Run) (results []check.Result, gone []check.Run, receipts []check.Receipt) {
	book := d.Book.Current()
	g, err := book.Compute(seen.question(seen.Facts, d.today()))
	if err != nil { // there is nothing that could be asked
		return faulty(due, check.Fault{Code: check.Errored, Detail: err.Error()}), nil, nil
	}
	live, absent := renewed(due, d.Checks.Active())
	results, receipts = d.Checks.Run(ctx, d.questionAbout(seen, questionOf(g, book)), asked(live))
	var waits []check.Run
	for _, r := range absent {
		if r.Attempts < absentFor {
			waits = append(waits, r)
		} else {
			gone = append(gone, r)
		}
	}
	return append(results, faulty(waits, check.Fault{Code: check.NotAsked, Detail: "no active version has it"})...), gone, receipts
}

// absentFor is how often a check is looked for in vain before it is given up: with
// the pauses between, far longer than an instance takes to follow an activation.
const absentFor = 3

// faulty gives every run the same fault.
func faulty(runs []check.Run, fault check.Fault) []check.Result {
	var out []check.Result
	for _, r := range runs {
		out = append(out, check.Result{Source: r.Source, Mode: r.Mode, Policy: r.Policy, Check: r.Check, Clauses: r.Clauses, Fault: &fault})
	}
	return out
}

// renewed gives the runs with the versions that are active now, and those that
// nothing active can run.
func renewed(runs []check.Run, active []check.Plugin) (live, absent []check.Run) {
	for _, r := range runs {
		k := slices.IndexFunc(active, func(p check.Plugin) bool {
			return p.Name == r.Plugin && p.Mode == r.Mode && slices.ContainsFunc(p.Checks, func(k check.Check) bool { return k.ID == r.Check })
		})
		if k < 0 {
			absent = append(absent, r)
			continue
		}
		r.Version, r.Digest = active[k].Version, active[k].Digest
		live = append(live, r)
	}
	return live, absent
}

// questionAbout adds to a question what is the case's own: its name, chance, and
// the files that have been handed in.
func (d *Desk) questionAbout(c *Case, q check.Question) check.Question {
	sum := sha256.Sum256([]byte(c.ID))
	q.CaseRef, q.Seed = c.ID, binary.BigEndian.Uint64(sum[:])
	for _, m := range c.Materials {
		if m.File == nil {
			continue
		}
		key := m.File.Key
		q.Materials = append(q.Materials, check.Material{
			Code: m.Code, Name: m.File.Name, Type: m.File.Type, Size: m.File.Size, SHA256: m.File.SHA256, Trust: string(m.Trust),
			Open: func(ctx context.Context) (io.ReadCloser, error) { return d.Files.Open(ctx, key) },
		})
	}
	slices.SortFunc(q.Materials, func(a, b check.Material) int { return cmp.Compare(a.Code, b.Code) })
	return q
}

// demand runs the checks without which a submission is not taken (REJECT). What
// they find is no reason to refuse it; that they cannot be run is.
func (d *Desk) demand(ctx context.Context, seen *Case, ev Evidence) error {
	runs := slices.DeleteFunc(slices.Clone(ev.Checks), func(r check.Run) bool { return r.Policy != check.Reject || r.Mode != check.Enforce })
	if len(runs) == 0 {
		return nil
	}
	results, _ := d.Checks.Run(ctx, d.questionAbout(seen, ev.Question), asked(runs))
	var found []fault.Problem
	for _, r := range results {
		if r.Fault != nil {
			name := r.Plugin + "/" + r.Check
			found = append(found, problem("checks."+name, string(r.Fault.Code), "核验 "+name+" 暂不能进行", "the check "+name+" cannot be run now"))
		}
	}
	if len(found) == 0 {
		return nil
	}
	f := fault.New(fault.Unavailable, "casework.submitCase", "部门核验暂不能进行，申请未收取，请稍后再交", "a department's check cannot be run now; the application was not taken, submit it again later")
	f.Problems = found
	return f
}

// Prechecked is what would be found about a project that is no case: by the
// clauses, and by departments' plugins.
type Prechecked struct {
	Guide    *guide.Guide
	Findings []Finding
	Checks   []check.Run
}

// Precheck judges a project without a case. Nothing is kept. A check that cannot
// be run speaks by its policy, as it would in a case.
func (d *Desk) Precheck(ctx context.Context, in guide.Input) (Prechecked, error) {
	book := d.Book.Current()
	g, err := book.Compute(in)
	if err != nil {
		return Prechecked{}, err
	}
	findings := make([]Finding, len(g.Clauses))
	for i := range g.Clauses {
		findings[i] = finding(&g.Clauses[i])
	}
	all := []Need{{Findings: findings}}
	c := &Case{State: Submitted, Dossier: Dossier{Needs: all}}
	by := By{Actor: platform, RecordedAt: d.Now()}
	active := slices.DeleteFunc(slices.Clone(d.Checks.Active()), func(p check.Plugin) bool { return p.Mode != check.Enforce })
	c.ask(by, asks(all, active))
	if len(c.Checks) > 0 {
		results, _ := d.Checks.Run(ctx, questionOf(g, book), asked(c.Checks))
		if err := c.Land(by, results, nil, nil); err != nil {
			return Prechecked{}, err
		}
	}
	return Prechecked{Guide: g, Findings: c.Needs[0].Findings, Checks: c.Checks}, nil
}

// Compared is what a version of a plugin would change in past cases.
type Compared struct {
	Cases   int // that it was asked about
	Unasked int // of these, could not be judged: a fault
	Changed []Change
}

// Change is one case of which the outcome differs: the clause's verdict as it was
// found then, and as it would be found now.
type Change struct {
	Case, Number, Check, Clause string
	Before, After               check.Verdict
	Code                        string // of the new finding
}

// Compare asks a candidate about past cases, the newest first, as they were
// judged: same facts, files, day and standards. Where no plugin has judged a
// clause, its own predicate has. progress is told after each case.
func (d *Desk) Compare(ctx context.Context, candidate check.Runner, ids []string, progress func(done int)) (Compared, error) {
	var out Compared
	for len(ids) > 0 {
		batch := ids[:min(len(ids), atOnce)]
		ids = ids[len(batch):]
		cases, err := d.Cases.Load(ctx, batch)
		if err != nil {
			return out, err
		}
		for _, c := range cases {
			if err := d.compare(ctx, candidate, c, &out); err != nil {
				return out, err
			}
			progress(out.Cases)
		}
	}
	return out, nil
}

func (d *Desk) compare(ctx context.Context, candidate check.Runner, c *Case, out *Compared) error {
	book := d.Book.Current()
	g, err := book.Compute(c.question(c.Facts, d.today()))
	if err != nil {
		return err
	}
	var before []Finding
	for _, n := range c.Needs {
		before = append(before, n.Findings...)
	}
	for _, r := range c.Reviews {
		before = append(before, r.Findings...)
	}
	runs := asks([]Need{{Findings: before}}, candidate.Active())
	if len(runs) == 0 {
		return ctx.Err()
	}
	out.Cases++
	results, _ := candidate.Run(ctx, d.questionAbout(c, questionOf(g, book)), asked(runs))
	failed := false
	for _, r := range results {
		if r.Fault != nil {
			failed = true
			continue
		}
		for _, f := range r.Findings {
			was, judged := verdictOf(before, r.Plugin, f.Clause)
			if judged && was != f.Verdict {
				out.Changed = append(out.Changed, Change{Case: c.ID, Number: Named(c.ID, c.Number), Check: r.Check, Clause: f.Clause, Before: was, After: f.Verdict, Code: f.Code})
			}
		}
	}
	if failed {
		out.Unasked++
	}
	return ctx.Err()
}

// verdictOf is what has been found of a clause: by the plugin, else by the
// clause's own predicate.
func verdictOf(findings []Finding, plugin, clause string) (verdict check.Verdict, judged bool) {
	for _, f := range findings {
		switch {
		case f.Clause != clause:
		case f.Source != nil && f.Source.Plugin == plugin && f.Code != CheckNotRun:
			return f.Verdict, true
		case f.Source == nil:
			verdict, judged = f.Verdict, true
		}
	}
	return verdict, judged
}
