package conflict

import (
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/conflict/theory"
	"github.com/onedoor/onedoor/internal/standard"
)

// contradictions finds every minimal set of two or more clauses that apply to one
// project and cannot be met together in it: given facts, and the facts that say
// whether these clauses apply, stay as they are; every other fact is free.
//
// A second pass asks the same with design facts always free: a clause that a
// design brings upon itself (whoever builds a basement must …) can be avoided,
// unless another clause demands that very design. It differs only where a clause
// reads a design fact to apply.
func (r *run) contradictions(scope map[int]bool) {
	for _, avoid := range []bool{false, true} {
		for _, q := range r.p.quarrels(r.ctx, avoid) {
			if r.ctx.Err() != nil || r.full(Contradiction) {
				return
			}
			q.narrow(r, scope)
			if len(q.clauses) < 2 || avoid && !slices.ContainsFunc(q.clauses, r.p.avoidable) {
				continue
			}
			if slices.ContainsFunc(q.clauses, func(c *clause) bool { return scope[c.index] }) {
				newDispute(r, q, scope).settle()
			}
		}
		for _, q := range r.p.rivalries(r.ctx, avoid) {
			if r.ctx.Err() != nil || r.full(Contradiction) {
				return
			}
			if avoid && !slices.ContainsFunc(q.clauses, r.p.avoidable) {
				continue
			}
			if slices.ContainsFunc(q.clauses, func(c *clause) bool { return scope[c.index] }) {
				newDispute(r, q, scope).settle()
			}
		}
	}
}

// fixes says whether a dimension must stay as it is because the clause reads it
// to apply.
func (p *prepared) fixes(c *clause, dim int, avoid bool) bool {
	return c.applies.reads(dim) && !(avoid && p.space.dims[dim].fact.Role == standard.Design)
}

// avoidable says whether a design can bring the clause upon itself.
func (p *prepared) avoidable(c *clause) bool {
	return slices.ContainsFunc(c.applies.dims, func(dim int) bool { return p.space.dims[dim].fact.Role == standard.Design })
}

// demand is what a design must do about a clause: meet it, or also avoid it.
func (p *prepared) demand(c *clause, avoid bool) *condition {
	if avoid && p.avoidable(c) {
		return junction(notTrue, c.breach)
	}
	return c.requires
}

// free says whether a design may change a dimension that the clause demands
// something of.
func (p *prepared) free(c *clause, dim int, avoid bool) bool {
	return !p.space.dims[dim].given && !p.fixes(c, dim, avoid)
}

// dispute is the search in one component: project proposes a project p and a set
// of clauses that apply to it, design looks for a design q that meets them.
//
// A design found is put to the project's side as it is: propose something that
// it does not meet. None found gives a core. If the core's own clauses fix the
// facts that it needs fixed, it is a contradiction; if other clauses do, then the
// core alone fails under them, and no minimal set holds both. Either way the
// project's side must henceforth propose projects in which the core can be met
// under these fixed facts: one more copy of the facts says so exactly.
type dispute struct {
	*run
	*quarrel
	scope  map[int]bool
	dims   []int // all
	wanted []int // that requirements reach

	project encoder
	p       frame
	chosen  []sat.Lit       // by clause
	fixed   map[int]sat.Lit // by dimension: some chosen clause reads it to apply

	design encoder
	q      frame
	met    []sat.Lit // by clause
}

func newDispute(r *run, q *quarrel, scope map[int]bool) *dispute {
	d := &dispute{run: r, quarrel: q, scope: scope, project: newEncoder(), design: newEncoder(), fixed: map[int]sat.Lit{}}
	clauses, avoid := q.clauses, q.avoid
	sp := r.p.space
	var applying []int
	for i, c := range clauses {
		applying = append(applying, c.applies.dims...)
		d.wanted = append(d.wanted, d.demands[i].dims...)
	}
	applying, d.wanted = union(applying), sp.closure(d.wanted)
	d.dims = sp.closure(union(applying, d.wanted))

	e := &d.project
	d.p = sp.fresh(e, d.dims)
	sp.demand(e, d.p, d.dims)
	readers := map[int][]sat.Lit{}
	for _, dim := range d.wanted {
		if !sp.dims[dim].given && slices.ContainsFunc(clauses, func(c *clause) bool { return r.p.fixes(c, dim, avoid) }) {
			d.fixed[dim] = e.Bool(false)
		}
	}
	var asked []sat.Lit
	for _, c := range clauses {
		if d.ctx.Err() != nil {
			return d
		}
		s := e.Bool(true)
		d.chosen = append(d.chosen, s)
		e.Add(s.Not(), e.truth(c.applies, d.p).yes)
		for _, dim := range c.applies.dims {
			if fix, ok := d.fixed[dim]; ok && r.p.fixes(c, dim, avoid) {
				e.Add(s.Not(), fix)
				readers[dim] = append(readers[dim], s)
			}
		}
		if scope[c.index] {
			asked = append(asked, s)
		}
	}
	for _, dim := range d.wanted {
		if fix, ok := d.fixed[dim]; ok {
			e.Add(append(readers[dim], fix.Not())...)
		}
	}
	e.Add(asked...)
	readings := map[string][]sat.Lit{}
	for i, c := range clauses {
		if g := c.InterpretationGroup; g != "" && !q.rivals {
			for _, other := range readings[g] {
				e.Add(d.chosen[i].Not(), other.Not()) // two readings of one rule do not both bind
			}
			readings[g] = append(readings[g], d.chosen[i])
		}
	}
	d.q = sp.fresh(&d.design, d.wanted)
	sp.demand(&d.design, d.q, d.wanted)
	for _, demand := range d.demands {
		if d.ctx.Err() != nil {
			return d
		}
		d.met = append(d.met, d.design.truth(demand, d.q).yes)
	}
	return d
}

// settle runs the search to its end.
func (d *dispute) settle() {
	for i := range d.clauses {
		if d.ctx.Err() != nil {
			return
		}
		if !d.easy(i) {
			d.spare([]int{i}, nil)
		}
	}
	for {
		d.left-- // a round costs something even without a conflict, so no search is endless
		status := d.solve(&d.project)
		if status == sat.Unsat || d.ctx.Err() != nil {
			return
		}
		if status == sat.Unknown || !d.round() {
			d.undecided()
			return
		}
		if d.full(Contradiction) {
			d.more = true
			return
		}
	}
}

// easy says that a clause can be met whatever the fixed facts are, since it reads
// none of them.
func (d *dispute) easy(i int) bool {
	demand := d.demands[i]
	if len(d.run.p.space.touched(demand.dims)) > 0 {
		return false
	}
	for _, dim := range demand.dims {
		if !d.run.p.free(d.clauses[i], dim, d.avoid) {
			return false
		}
	}
	return d.meets(demand)
}

// round takes the project's proposal and answers it. It is false when the budget
// has run out.
func (d *dispute) round() bool {
	sp := d.run.p.space
	values := sp.values(&d.project, d.p)
	var set []int
	for i, s := range d.chosen {
		if d.project.Holds(s) {
			set = append(set, i)
		}
	}
	fixed := map[int]bool{}
	for _, dim := range d.wanted {
		fix, dynamic := d.fixed[dim]
		if sp.dims[dim].given || dynamic && d.project.Holds(fix) {
			fixed[dim] = true
		}
	}
	switch d.ask(set, fixed, values) {
	case sat.Unknown:
		return false
	case sat.Sat:
		d.offer(values, set, fixed)
		return true
	}
	core, ok := d.smallest(set, fixed, values)
	if !ok {
		return false
	}
	own := map[int]bool{}
	for _, dim := range d.wanted {
		if sp.dims[dim].given || fixed[dim] && slices.ContainsFunc(core, func(i int) bool { return d.run.p.fixes(d.clauses[i], dim, d.avoid) }) {
			own[dim] = true
		}
	}
	var foreign []int
	switch d.ask(core, own, values) {
	case sat.Unknown:
		return false
	case sat.Sat:
		for _, dim := range d.wanted {
			if fixed[dim] && !own[dim] {
				foreign = append(foreign, dim)
			}
		}
		for _, dim := range slices.Clone(foreign) {
			less := map[int]bool{}
			for k := range own {
				less[k] = true
			}
			for _, k := range foreign {
				if k != dim {
					less[k] = true
				}
			}
			switch d.ask(core, less, values) {
			case sat.Unknown:
				return false
			case sat.Unsat:
				foreign = slices.DeleteFunc(foreign, func(k int) bool { return k == dim })
			}
		}
	}
	asked := slices.ContainsFunc(core, func(i int) bool { return d.scope[d.clauses[i].index] })
	if len(foreign) == 0 && len(core) > 1 && asked {
		d.disagree(core, values)
	}
	d.spare(core, foreign)
	return true
}

// ask looks for a design that meets a set of clauses while some dimensions stay
// as they are.
func (d *dispute) ask(set []int, fixed map[int]bool, values []int64) sat.Status {
	var assume []sat.Lit
	for _, dim := range d.wanted {
		if fixed[dim] {
			assume = append(assume, d.pin(dim, values[dim])...)
		}
	}
	for _, i := range set {
		assume = append(assume, d.met[i])
	}
	return d.solve(&d.design, assume...)
}

// pin says that the design keeps the value of a dimension, as far as any
// requirement can tell.
func (d *dispute) pin(dim int, value int64) []sat.Lit {
	s := &d.q[dim]
	if value == absent {
		return []sat.Lit{s.known.Not()}
	}
	lits := d.design.Cell(s.terms[0].Var, value)
	if s.known != sat.True {
		lits = append(lits, s.known)
	}
	return lits
}

// smallest drops clauses from a failing set while it still fails with everything
// fixed as it was: clauses first, facts later, or the result is minimal in no
// project.
func (d *dispute) smallest(set []int, fixed map[int]bool, values []int64) ([]int, bool) {
	set = d.blamed(set)
	for k := 0; k < len(set); {
		rest := slices.Delete(slices.Clone(set), k, k+1)
		switch d.ask(rest, fixed, values) {
		case sat.Unknown:
			return nil, false
		case sat.Unsat:
			kept := d.blamed(rest)
			// Those before k were needed with more around them, so they stay.
			set = kept
			k = min(k, len(kept))
		default:
			k++
		}
	}
	return set, len(set) > 0
}

// blamed keeps the clauses of the failed core.
func (d *dispute) blamed(set []int) []int {
	core := d.design.Core()
	return slices.DeleteFunc(slices.Clone(set), func(i int) bool { return !slices.Contains(core, d.met[i]) })
}

// spare demands of the project's side that a set of clauses, if chosen, can be
// met while their own facts and the foreign ones are fixed.
func (d *dispute) spare(set []int, foreign []int) {
	sp, e := d.run.p.space, &d.project
	var wanted []int
	for _, i := range set {
		wanted = append(wanted, d.demands[i].dims...)
	}
	wanted = sp.closure(wanted)
	f := make(frame, len(sp.dims))
	for _, dim := range wanted {
		own := slices.ContainsFunc(set, func(i int) bool { return d.run.p.fixes(d.clauses[i], dim, d.avoid) })
		if sp.dims[dim].given || own || slices.Contains(foreign, dim) {
			f[dim] = d.p[dim]
		} else {
			f[dim] = sp.variable(e, dim)
		}
	}
	var clause, good []sat.Lit
	for _, i := range set {
		clause = append(clause, d.chosen[i].Not())
		good = append(good, e.truth(d.demands[i], f).yes)
	}
	for _, i := range sp.touched(wanted) {
		good = append(good, e.truth(sp.invariants[i], f).yes)
	}
	for _, dim := range foreign {
		clause = append(clause, d.fixed[dim].Not())
	}
	e.Add(append(clause, e.And(good...))...)
}

// offer puts the design to the project's side: propose something that it does not
// meet. Where a sum ties a free fact to fixed ones, the design follows them.
func (d *dispute) offer(values []int64, set []int, fixed map[int]bool) {
	sp, e := d.run.p.space, &d.project
	design := sp.values(&d.design, d.q)
	f := make(frame, len(sp.dims))
	for _, dim := range d.wanted {
		if sp.dims[dim].given {
			f[dim] = d.p[dim]
			continue
		}
		s := slot{known: sat.True, plus: design[dim]}
		if design[dim] == absent {
			s = slot{known: sat.False}
		}
		f[dim] = s
	}
	if plain := slices.Clone(f); len(d.project.Sums()) > 0 {
		bent := slices.Clone(design)
		d.follow(f, bent, set, fixed)
		for _, dim := range d.wanted {
			if fixed[dim] {
				bent[dim] = values[dim]
			}
		}
		if !d.good(bent, set) {
			f = plain
		}
	}
	for dim, fix := range d.fixed {
		f[dim].other, f[dim].fixed = &d.p[dim], fix
	}
	var clause []sat.Lit
	for i, demand := range d.demands {
		if d.ctx.Err() != nil {
			return
		}
		if met := e.truth(demand, f).yes; met != sat.True {
			clause = append(clause, e.And(d.chosen[i], met.Not()))
		}
	}
	for _, i := range sp.touched(d.wanted) {
		clause = append(clause, e.truth(sp.invariants[i], f).yes.Not())
	}
	for _, dim := range d.wanted {
		// A design that follows the project may leave its range in another one.
		if dm := &sp.dims[dim]; !dm.given && len(f[dim].terms) > 0 {
			lawful := &condition{shape: leaf, terms: terms(part(dim, 1)), spans: dm.lawful}
			clause = append(clause, e.truth(lawful, f).yes.Not())
		}
	}
	e.Add(clause...)
	for _, dim := range d.wanted {
		if design[dim] != absent {
			d.design.Hint(d.q[dim].terms[0].Var, design[dim])
		}
	}
}

// follow replaces constants of the design by what they must be at least, as a
// form over the fixed facts: the stack is 3 m higher than the highest building,
// whatever that is. A fact that sums hold from one side only goes to its end.
func (d *dispute) follow(f frame, design []int64, set []int, fixed map[int]bool) {
	sp := d.run.p.space
	var leaves []*condition
	var collect func(c *condition)
	collect = func(c *condition) {
		if c.shape == leaf && c.eval(design) == standard.True {
			leaves = append(leaves, c)
		}
		for _, k := range c.kids {
			collect(k)
		}
	}
	for _, i := range set {
		collect(d.demands[i])
	}
	for _, i := range sp.touched(d.wanted) {
		collect(sp.invariants[i])
	}
	// Constants come before sums: the highest of all lower bounds counts.
	slices.SortStableFunc(leaves, func(a, b *condition) int { return len(a.terms) - len(b.terms) })
	for _, dim := range d.wanted {
		dm := &sp.dims[dim]
		if dm.given || fixed[dim] || design[dim] == absent || dm.step == 0 {
			continue
		}
		low, high := dm.lo(), dm.hi()
		for _, s := range dm.lawful {
			if s.lo <= design[dim] && design[dim] <= s.hi {
				low, high = s.lo, s.hi
			}
		}
		var form *slot
		below, above, sums := false, false, false
		for _, l := range leaves {
			at := slices.IndexFunc(l.terms, func(t theory.Term) bool { return int(t.Var) == dim })
			if at < 0 {
				continue
			}
			total := int64(0)
			for _, t := range l.terms {
				total += t.Factor * design[t.Var]
			}
			for _, s := range l.spans {
				if total < s.lo || total > s.hi {
					continue
				}
				a := l.terms[at].Factor
				lo, hi := s.lo, s.hi // of the whole sum
				if len(l.terms) == 1 {
					low, high = max(low, lo), min(high, hi)
					continue
				}
				sums = true
				bounds := func(edge int64) (slot, int64, bool) {
					out := slot{known: sat.True}
					exact := true
					plus, value := edge, edge
					for k, t := range l.terms {
						if k == at {
							continue
						}
						value -= t.Factor * design[t.Var]
						from := &f[t.Var]
						plus -= mul(t.Factor, from.plus, &exact)
						if from.known != sat.True {
							exact = false
						}
						for _, inner := range from.terms {
							factor := -mul(t.Factor, inner.Factor, &exact)
							exact = exact && factor%a == 0
							out.terms = append(out.terms, theory.Term{Var: inner.Var, Factor: factor / a})
						}
					}
					exact = exact && plus%a == 0 && plus > farLow && plus < farHigh
					out.plus = plus / a
					return out, value, exact && value%a == 0
				}
				if a > 0 && hi < farHigh || a < 0 && lo > farLow {
					above = true
				}
				edge := lo
				if a < 0 {
					edge = hi
				}
				if edge <= farLow || edge >= farHigh {
					continue
				}
				below = true
				out, value, exact := bounds(edge)
				if exact && value/a > low || exact && form == nil && value/a >= low {
					low, form = value/a, &out
				} else if !exact {
					low = max(low, -floorDiv(-value*sign(a), abs(a)))
					form = nil
				}
			}
		}
		switch {
		case !sums:
		case below && !above:
			f[dim] = slot{known: sat.True, plus: high}
		case above && !below:
			f[dim] = slot{known: sat.True, plus: low}
		case form != nil && len(form.terms) > 0:
			f[dim] = *form
		}
		if f[dim].terms == nil && f[dim].known == sat.True {
			design[dim] = f[dim].plus
		} else if form != nil {
			design[dim] = low
		}
	}
}

func sign(a int64) int64 {
	if a < 0 {
		return -1
	}
	return 1
}

func abs(a int64) int64 { return a * sign(a) }

// good says that a design meets the clauses and is a possible project.
func (d *dispute) good(design []int64, set []int) bool {
	for _, i := range set {
		if d.demands[i].eval(design) != standard.True {
			return false
		}
	}
	sp := d.run.p.space
	for _, dim := range d.wanted {
		if design[dim] != absent && !inside(sp.dims[dim].lawful, design[dim]) {
			return false
		}
	}
	return !slices.ContainsFunc(sp.touched(d.wanted), func(i int) bool { return sp.invariants[i].eval(design) != standard.True })
}

// undecided says that the budget ran out over this component.
func (d *dispute) undecided() {
	if d.ctx.Err() != nil {
		return
	}
	zh, en := "", ""
	if len(d.clauses) <= 8 {
		zh, en = d.run.p.citeAll(d.clauses)
	}
	items, departments := involved(d.clauses)
	d.report(Finding{
		Kind: Contradiction, Severity: Warn, Clauses: codes(d.clauses), Items: items, Departments: departments,
		ZH: "在限定的计算量内未能判定这些条款是否（还有）相互矛盾" + colon("：", zh),
		EN: "not decided within the budget whether these clauses contradict each other (any further)" + colon(": ", en),
	})
}

func colon(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + text
}
