package conflict

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/standard"
)

// reference gives a project that breaches as little as possible: a good place to
// look for projects that breach one clause only.
func (p *prepared) reference(ctx context.Context) []int64 {
	p.shared.lock.Lock()
	defer p.shared.lock.Unlock()
	if p.shared.reference != nil {
		return p.shared.reference
	}
	sp := p.space
	values := sp.home
	e := newEncoder()
	var dims []int
	for _, c := range p.clauses {
		if c.binds && c.breach != nil {
			dims = append(dims, c.breach.dims...)
		}
	}
	dims = sp.closure(union(dims))
	f := sp.fresh(&e, dims)
	sp.demand(&e, f, dims)
	for _, c := range p.clauses {
		if ctx.Err() != nil {
			return values
		}
		if c.binds && c.breach != nil {
			e.Add(e.truth(c.breach, f).yes.Not())
		}
	}
	if e.Solve(ctx, sat.Budget{Conflicts: defaultQuery, Steps: mostSteps}) == sat.Sat {
		values = sp.values(&e, f)
	}
	if ctx.Err() == nil { // or the next analysis would begin elsewhere
		p.shared.reference = values
	}
	return values
}

// breachIndex is empty when the context has ended; nobody believes results then.
func (p *prepared) breachIndex(ctx context.Context) *index {
	p.shared.lock.Lock()
	defer p.shared.lock.Unlock()
	if p.shared.index != nil {
		return p.shared.index
	}
	made := newIndex(ctx, p.space, p.clauses)
	if ctx.Err() != nil {
		return &index{}
	}
	p.shared.index = made
	return made
}

// redundant finds clauses that others imply: whoever breaches the clause breaches
// one of these too.
func (r *run) redundant(scope map[int]bool) {
	for _, c := range r.p.clauses {
		if r.ctx.Err() != nil || r.full(Redundant) {
			return
		}
		if !scope[c.index] || !c.binds || c.breach == nil {
			continue
		}
		implying, status := r.implied(c, r.p, c.breach, c.applies)
		zh, en := r.p.cite(c)
		switch status {
		case sat.Unknown:
			if r.ctx.Err() != nil {
				return
			}
			r.report(Finding{
				Kind: Redundant, Severity: Warn, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
				ZH: "在限定的计算量内未能判定其他条款是否已含此条款：" + zh, EN: "not decided within the budget whether others imply the clause: " + en,
			})
		case sat.Unsat:
			f := Finding{Kind: Redundant, Severity: Warn, Proved: true, Clauses: append([]string{c.Code}, codes(implying.clauses)...)}
			f.Items, f.Departments = involved(append([]*clause{c}, implying.clauses...))
			if f.Witness = r.redundancyWitness(c, implying); f.Witness == nil {
				return
			}
			zhBy, enBy := r.p.citeAll(implying.clauses)
			f.ZH = fmt.Sprintf("条款多余：%s 已为以下条款所含：%s", zh, zhBy)
			f.EN = fmt.Sprintf("the clause is redundant: %s is implied by %s", en, enBy)
			r.report(f)
		}
	}
}

// redundancyWitness gives a project to which the clause applies and that keeps
// the implying clauses, as package standard judges: it keeps the clause too.
func (r *run) redundancyWitness(c *clause, by implication) map[string]any {
	dims := c.breach.dims
	for _, i := range by.clauses {
		dims = union(dims, i.breach.dims)
	}
	project, facts := r.project(by.values, r.p.space.closure(dims))
	if project == nil {
		return nil
	}
	ok := c.appliesTo(project) == standard.True && c.Requires.Eval(project) == standard.True
	for _, i := range by.clauses {
		ok = ok && !(i.appliesTo(project) == standard.True && i.Requires.Eval(project) != standard.True)
	}
	if !ok {
		r.wrong(Redundant, c.Code)
		return nil
	}
	return facts
}

// implication is a set of clauses one of which is breached by whoever breaches
// something, with a project in which nothing is.
type implication struct {
	clauses []*clause
	values  []int64
	dims    []int
}

// addAtOnce bounds the clauses that one counterexample brings in.
const addAtOnce = 4

// mostBranches bounds the sets that are tried when a first one contradicts itself.
const mostBranches = 64

// implied asks whether everybody in breach must breach a clause of pool too. Sat:
// no, and the model breaches nothing of the pool. Unsat: yes, by a minimal set
// that can be kept where the clause applies. Neither the clause itself counts (self)
// nor a reading that the district has not chosen. Without self every clause of the
// pool counts.
func (r *run) implied(self *clause, pool *prepared, breach, applies *condition) (implication, sat.Status) {
	sp := r.p.space
	reference := pool.reference(r.ctx)
	e := r.fresh()
	f := make(frame, len(sp.dims))
	var have []int
	grow := func(dims []int) {
		dims = sp.closure(dims)
		for _, d := range dims {
			if f[d].terms == nil {
				f[d] = sp.variable(e, d)
				e.Hint(f[d].terms[0].Var, reference[d])
				have = append(have, d)
			}
		}
		sp.demand(e, f, dims)
	}
	grow(union(breach.dims, applies.dims))
	inBreach, applying := e.truth(breach, f).yes, e.truth(applies, f).yes
	kept := map[int]sat.Lit{} // by clause: it is not breached
	var order []int
	assume := func(set []int) []sat.Lit {
		out := make([]sat.Lit, 0, len(set)+1)
		for _, i := range set {
			out = append(out, kept[i])
		}
		return out
	}
	values := func() []int64 {
		v := sp.values(e, f)
		for d := range v {
			if f[d].terms == nil {
				v[d] = reference[d]
			}
		}
		return v
	}
	// search finds a minimal implying set without the banned clauses.
	search := func(banned []int) ([]int, sat.Status) {
		for {
			set := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return slices.Contains(banned, i) })
			status := r.solve(e, append(assume(set), inBreach)...)
			if status == sat.Unknown {
				return nil, status
			}
			if status == sat.Unsat {
				core := e.Core()
				set = slices.DeleteFunc(set, func(i int) bool { return !slices.Contains(core, kept[i]) })
				for k := 0; k < len(set); {
					rest := slices.Delete(slices.Clone(set), k, k+1)
					switch r.solve(e, append(assume(rest), inBreach)...) {
					case sat.Unknown:
						return nil, sat.Unknown
					case sat.Unsat:
						set = rest
					default:
						k++
					}
				}
				return set, sat.Unsat
			}
			v := values()
			added := 0
			for _, c := range pool.breached(r.ctx, v) {
				i := c.index
				if self != nil && (c == self || len(pool.readings(c)) > 0) || slices.Contains(banned, i) || kept[i] != 0 || !c.breaches(v) {
					continue
				}
				grow(c.breach.dims)
				kept[i] = e.truth(c.breach, f).yes.Not()
				if kept[i] == sat.True {
					continue
				}
				order = append(order, i)
				if added++; added == addAtOnce {
					break
				}
			}
			if added == 0 {
				return nil, sat.Sat
			}
		}
	}
	if self == nil {
		_, status := search(nil)
		if status == sat.Sat {
			return implication{values: values()}, status
		}
		return implication{}, status
	}
	branches := 0
	var explore func(banned []int) (implication, sat.Status)
	explore = func(banned []int) (implication, sat.Status) {
		if branches++; branches > mostBranches {
			return implication{}, sat.Unknown
		}
		set, status := search(banned)
		if status == sat.Sat {
			return implication{values: values(), dims: slices.Sorted(slices.Values(have))}, sat.Sat
		}
		if status == sat.Unknown {
			return implication{}, status
		}
		if len(set) == 0 {
			return implication{}, sat.Sat // nothing is ever in breach: that is another finding
		}
		switch r.solve(e, append(assume(set), applying)...) {
		case sat.Unknown:
			return implication{}, sat.Unknown
		case sat.Sat:
			out := implication{values: values(), dims: slices.Sorted(slices.Values(have))}
			for _, i := range set {
				out.clauses = append(out.clauses, pool.clauses[i])
			}
			slices.SortFunc(out.clauses, func(a, b *clause) int { return a.index - b.index })
			return out, sat.Unsat
		}
		// The set contradicts itself wherever the clause applies, so it implies
		// anything. Any other set lacks one of its clauses.
		for _, i := range set {
			if out, status := explore(append(slices.Clone(banned), i)); status != sat.Sat {
				return out, status
			}
		}
		return implication{}, sat.Sat
	}
	return explore(nil)
}
