package conflict

import (
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
)

// single looks at every clause alone.
func (r *run) single(scope map[int]bool) {
	for _, c := range r.p.clauses {
		if r.ctx.Err() != nil {
			return
		}
		if scope[c.index] {
			r.one(c)
		}
	}
}

// one judges a clause by itself: does it apply anywhere, can it be met, can it
// fail, can it always be judged?
func (r *run) one(c *clause) {
	e := r.fresh()
	dims := c.applies.dims
	if c.requires != nil {
		dims = union(dims, c.requires.dims)
	}
	dims = r.p.space.closure(dims)
	f := r.p.space.fresh(e, dims)
	r.p.space.demand(e, f, dims)
	applies := e.truth(c.applies, f)
	zh, en := r.p.cite(c)
	undecided := func(k Kind) {
		if r.wants(k) {
			r.report(Finding{
				Kind: k, Severity: Warn, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
				ZH: "在限定的计算量内未能判定：" + zh, EN: "not decided within the budget: " + en,
			})
		}
	}
	found := func(k Kind, s Severity, witness bool, zhText, enText string) {
		if !r.wants(k) {
			return
		}
		finding := Finding{
			Kind: k, Severity: s, Proved: true, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
			ZH: fmt.Sprintf(zhText, zh), EN: fmt.Sprintf(enText, en),
		}
		if witness {
			values := r.p.space.values(e, f)
			project, facts := r.project(values, dims)
			if project == nil {
				return
			}
			applies, met := c.appliesTo(project), standard.Unknown
			if c.Requires != nil {
				met = c.Requires.Eval(project)
			}
			bad := applies != standard.True
			if k == Undetermined {
				bad = applies != standard.Unknown && !(applies == standard.True && met == standard.Unknown)
			}
			if bad || k == Unfulfillable && met == standard.True || k == Vacuous && met != standard.True {
				r.wrong(k, c.Code)
				return
			}
			finding.Witness = facts
		}
		r.report(finding)
	}
	switch r.solve(e, applies.yes) {
	case sat.Unknown:
		undecided(Dead)
		return
	case sat.Unsat:
		found(Dead, Refuse, false, "条款对任何项目都不适用：%s", "the clause applies to no project: %s")
		return
	}
	if c.requires == nil {
		r.open(e, applies, pair{sat.True, sat.False}, undecided, found)
		return
	}
	met := e.truth(c.requires, f)
	// "false" written out is a prohibition, and a prohibition that follows from
	// what it applies to is one too; anything else must be possible to meet.
	if c.binds && c.requires.shape != never {
		status := r.solve(e, applies.yes, met.yes)
		if status == sat.Unsat && c.Kind == standard.Prohibition {
			status = r.solve(e, met.yes)
		}
		switch status {
		case sat.Unknown:
			undecided(Unfulfillable)
		case sat.Unsat:
			if r.solve(e, applies.yes) == sat.Sat {
				found(Unfulfillable, Refuse, true, "没有项目能满足这一条款：%s", "no project can meet the clause: %s")
			}
		}
	}
	switch r.solve(e, applies.yes, met.yes.Not()) {
	case sat.Unknown:
		undecided(Vacuous)
	case sat.Unsat:
		if r.solve(e, applies.yes) == sat.Sat {
			found(Vacuous, Warn, true, "条款凡适用必已满足，不起作用：%s", "the clause is always met where it applies: %s")
		}
	}
	r.open(e, applies, met, undecided, found)
}

// open looks for a project for which the clause cannot be judged although every
// fact is answered but those that some condition asks about (has).
func (r *run) open(e *encoder, applies, met pair, undecided func(Kind), found func(Kind, Severity, bool, string, string)) {
	unclear := e.Or(
		e.And(applies.yes.Not(), applies.no.Not()),
		e.And(applies.yes, met.yes.Not(), met.no.Not()),
	)
	if unclear == sat.False {
		return
	}
	switch r.solve(e, unclear) {
	case sat.Unknown:
		undecided(Undetermined)
	case sat.Sat:
		found(Undetermined, Warn, true,
			"有的事实可以不填，条款对这样的项目无法判断：%s", "a fact that may stay unanswered leaves the clause undecided: %s")
	}
}

// project makes a project for package standard out of values, with the answers.
// It is nil, and the run fails, when they are no lawful answers.
func (r *run) project(values []int64, dims []int) (*standard.Project, map[string]any) {
	facts := r.p.space.facts(values, dims)
	project, problems := r.p.Vocabulary.Project(facts)
	if len(problems) > 0 {
		r.wrong(Kind("WITNESS"), problems[0].Path)
		return nil, nil
	}
	return project, facts
}

// wrong records that a witness did not hold when package standard judged it: the
// analysis itself is at fault, and nothing of it may be believed.
func (r *run) wrong(k Kind, what string) {
	if r.err == nil {
		r.err = &fault.Error{
			Code: fault.Internal, Op: "conflict.Analyse",
			ZH: "分析结果未通过复核", EN: "a result did not stand its check",
			Err: fmt.Errorf("conflict: %s of %s does not hold in its witness", k, what),
		}
	}
}

// confirmed says whether a project keeps every invariant.
func (r *run) confirmed(project *standard.Project) bool {
	return !slices.ContainsFunc(r.p.Invariants, func(i Invariant) bool { return i.Expr.Eval(project) == standard.False })
}
