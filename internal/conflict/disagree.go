package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/standard"
)

// disagree reports a contradiction after package standard has judged it: every
// clause applies to the witness, each set with one clause fewer has a design that
// meets it, and none of the designs tried meets all.
func (d *dispute) disagree(core []int, values []int64) {
	sp := d.run.p.space
	var clauses []*clause
	var dims []int
	for _, i := range core {
		clauses = append(clauses, d.clauses[i])
		dims = append(dims, d.clauses[i].breach.dims...)
	}
	slices.SortFunc(clauses, func(a, b *clause) int { return cmp.Compare(a.Code, b.Code) })
	key := strings.Join(codes(clauses), " ")
	if d.said[key] {
		return
	}
	d.said[key] = true
	dims = sp.closure(dims)
	fixed := map[int]bool{}
	var kept, free []int
	for _, dim := range union(dims, d.wanted) {
		stays := sp.dims[dim].given || slices.ContainsFunc(clauses, func(c *clause) bool { return d.run.p.fixes(c, dim, d.avoid) })
		fixed[dim] = stays
		switch _, own := slices.BinarySearch(dims, dim); {
		case own && stays:
			kept = append(kept, dim)
		case own:
			free = append(free, dim)
		}
	}
	values = d.plain(core, fixed, values)
	project, facts := d.run.project(values, dims)
	if project == nil {
		return
	}
	if !d.confirmed(project) {
		d.wrong(Contradiction, "an invariant")
		return
	}
	for _, c := range clauses {
		if c.appliesTo(project) != standard.True {
			d.wrong(Contradiction, c.Code)
			return
		}
	}
	for k := range core {
		rest := slices.Delete(slices.Clone(core), k, k+1)
		if d.ask(rest, fixed, values) != sat.Sat {
			return // out of budget: the search says so itself
		}
		design := sp.values(&d.design, d.q)
		for _, dim := range kept {
			design[dim] = values[dim]
		}
		for dim, value := range d.pure {
			design[dim] = value
		}
		met, _ := d.run.project(design, dims)
		if met == nil {
			return
		}
		for _, i := range rest {
			if !d.keeps(d.clauses[i], met) {
				d.wrong(Contradiction, d.clauses[i].Code)
				return
			}
		}
	}
	if d.refuted(clauses, project, values, free) { // by designs of our own
		d.wrong(Contradiction, strings.Join(codes(clauses), " "))
		return
	}

	f := Finding{Kind: Contradiction, Severity: Refuse, Proved: true, Clauses: codes(clauses), Witness: facts}
	f.Items, f.Departments = involved(clauses)
	for _, dim := range kept {
		f.Fixed = append(f.Fixed, sp.dims[dim].fact.Key)
	}
	for _, c := range clauses {
		for _, other := range d.run.p.readings(c) {
			f.Readings = append(f.Readings, other.Code)
			f.Severity = Warn
		}
	}
	f.Readings = unique(f.Readings)
	f.Resolutions = d.resolutions(clauses, values)
	zh, en := d.run.p.citeAll(clauses)
	zhDept, enDept := d.run.p.departments(f.Departments)
	zhFacts, enFacts := sp.words(values, kept)
	f.ZH = fmt.Sprintf("对同一项目同时适用而无法同时满足：%s。例如项目：%s。需协调的部门：%s", zh, zhFacts, zhDept)
	f.EN = fmt.Sprintf("apply to one project and cannot be met together: %s. For example a project with %s. To be settled between: %s", en, enFacts, enDept)
	if len(f.Readings) > 0 {
		f.ZH += "。其中有区里尚未选定的口径：" + strings.Join(f.Readings, "、")
		f.EN += ". The district has not chosen among these readings: " + strings.Join(f.Readings, ", ")
	}
	if len(f.Resolutions) > 0 {
		var zhs, ens []string
		for _, r := range f.Resolutions {
			zhs, ens = append(zhs, r.ZH), append(ens, r.EN)
		}
		f.ZH += "。可行的出路：" + strings.Join(zhs, "；或者 ")
		f.EN += ". Ways out: " + strings.Join(ens, "; or ")
	}
	d.report(f)
}

// keeps says by package standard whether a design does what is demanded of it.
func (d *dispute) keeps(c *clause, design *standard.Project) bool {
	return c.Requires.Eval(design) == standard.True || d.avoid && c.appliesTo(design) != standard.True
}

// plain moves the witness towards defaults and round numbers as long as it stays
// a witness.
func (d *dispute) plain(core []int, fixed map[int]bool, values []int64) []int64 {
	sp := d.run.p.space
	holds := func(values []int64) bool {
		for _, i := range core {
			if d.clauses[i].applies.eval(values) != standard.True {
				return false
			}
		}
		for _, c := range sp.invariants {
			if c.eval(values) == standard.False {
				return false
			}
		}
		for k := range core {
			if d.ask(slices.Delete(slices.Clone(core), k, k+1), fixed, values) != sat.Sat {
				return false
			}
		}
		return d.ask(core, fixed, values) == sat.Unsat
	}
	values = slices.Clone(values)
	for range 2 {
		for _, dim := range d.dims {
			dm := &sp.dims[dim]
			old := values[dim]
			if old == absent || old == dm.hint {
				continue
			}
			try := []int64{dm.hint}
			if dm.fact.Kind == standard.Number || dm.fact.Kind == standard.Int {
				try = append(try, 0)
				for unit := int64(1_000_000_000_000); unit >= 1; unit /= 10 {
					if v := floorDiv(old, unit) * unit; v != 0 && v != old {
						try = append(try, v)
					}
				}
			}
			for _, v := range try {
				if !inside(dm.lawful, v) {
					continue
				}
				if values[dim] = v; holds(values) {
					break
				}
				values[dim] = old
			}
		}
	}
	return values
}

// mostTrials bounds the designs that the check of a contradiction tries.
const mostTrials = 1_000

// refuted tries designs around every threshold with package standard alone and
// says whether one meets all clauses.
func (d *dispute) refuted(clauses []*clause, project *standard.Project, values []int64, free []int) bool {
	sp := d.run.p.space
	var leaves []*condition
	var collect func(c *condition)
	collect = func(c *condition) {
		if c.shape == leaf {
			leaves = append(leaves, c)
		}
		for _, k := range c.kids {
			collect(k)
		}
	}
	for _, c := range clauses {
		collect(c.breach)
	}
	tries := make([][]int64, len(free))
	total := 1
	for n, dim := range free {
		dm := &sp.dims[dim]
		try := []int64{dm.lo(), dm.hi()}
		for _, l := range leaves {
			for _, t := range l.terms {
				if int(t.Var) != dim {
					continue
				}
				rest := int64(0)
				for _, o := range l.terms {
					if int(o.Var) != dim && values[o.Var] != absent {
						rest += o.Factor * values[o.Var]
					}
				}
				for _, s := range l.spans {
					for _, edge := range []int64{s.lo, s.hi} {
						if edge > farLow && edge < farHigh {
							at := floorDiv((edge-rest)*sign(t.Factor), abs(t.Factor))
							try = append(try, at-1, at, at+1)
						}
					}
				}
			}
		}
		slices.Sort(try)
		try = slices.DeleteFunc(slices.Compact(try), func(v int64) bool { return !inside(dm.lawful, v) })
		tries[n] = try
		total = min(total*max(1, len(try)), mostTrials*1000)
	}
	stride := max(1, total/mostTrials)
	for trial := 0; trial < total; trial += stride {
		facts := map[string]any{}
		rest := trial
		for n, dim := range free {
			if len(tries[n]) > 0 {
				facts[sp.dims[dim].fact.Key] = sp.dims[dim].answer(tries[n][rest%len(tries[n])])
				rest /= len(tries[n])
			}
		}
		design, problems := project.With(facts)
		if len(problems) > 0 {
			continue
		}
		if d.confirmed(design) && !slices.ContainsFunc(clauses, func(c *clause) bool { return !d.keeps(c, design) }) {
			return true
		}
	}
	return false
}

const (
	mostResolutions = 3
	mostChanges     = 4
)

// resolutions finds small sets of choice and design facts whose change ends the
// contradiction: a clause is met, or applies no more. What makes the project the
// trade that it is stays.
func (r *run) resolutions(clauses []*clause, values []int64) []Resolution {
	sp := r.p.space
	e := r.fresh()
	var dims []int
	for _, c := range clauses {
		dims = append(dims, c.breach.dims...)
	}
	dims = sp.closure(dims)
	f := sp.fresh(e, dims)
	sp.demand(e, f, dims)
	for _, c := range clauses {
		e.Add(e.truth(c.breach, f).yes.Not())
	}
	for i := range f {
		if f[i].terms == nil {
			f[i] = slot{plus: values[i], known: sat.True}
			if values[i] == absent {
				f[i] = slot{known: sat.False}
			}
		}
	}
	// A way out must not run into a clause that was kept before.
	barred := func(model []int64) bool {
		found := false
		for _, c := range r.p.breached(r.ctx, model) {
			if c.breaches(model) && !c.breaches(values) {
				e.Add(e.truth(c.breach, f).yes.Not())
				found = true
			}
		}
		return found
	}
	type soft struct {
		dim  int
		same sat.Lit
	}
	var keep []soft
	for _, dim := range dims {
		s := &f[dim]
		same := sat.Lit(s.known).Not()
		if values[dim] != absent {
			v := s.terms[0].Var
			e.Hint(v, values[dim])
			same = e.And(s.known, e.GE(v, values[dim]), e.LE(v, values[dim]))
		}
		trade := slices.ContainsFunc(r.p.schemes, func(c *condition) bool { return c.reads(dim) })
		if sp.dims[dim].given || trade {
			e.Add(same)
			continue
		}
		keep = append(keep, soft{dim, same})
	}
	// The applicant would rather change a design than a choice.
	slices.SortStableFunc(keep, func(a, b soft) int {
		return cmp.Compare(roleRank(sp.dims[a.dim].fact.Role), roleRank(sp.dims[b.dim].fact.Role))
	})
	var out []Resolution
	for range 8 * mostResolutions {
		var assume, changed []sat.Lit
		var moved []int
		model := []int64(nil)
		for _, k := range keep {
			switch r.solve(e, append(slices.Clone(assume), k.same)...) {
			case sat.Unknown:
				return out
			case sat.Sat:
				assume = append(assume, k.same)
				model = sp.values(e, f)
			default:
				changed = append(changed, k.same)
				moved = append(moved, k.dim)
			}
		}
		if model == nil || r.solve(e, assume...) != sat.Sat || len(changed) == 0 {
			return out
		}
		if model = sp.values(e, f); barred(model) {
			continue
		}
		if len(moved) <= mostChanges {
			project, _ := r.project(model, dims)
			if project == nil {
				return out
			}
			for _, c := range clauses {
				if c.appliesTo(project) == standard.True && c.Requires.Eval(project) != standard.True {
					r.wrong(Contradiction, "a resolution of "+c.Code)
					return out
				}
			}
			slices.Sort(moved)
			zh, en := sp.words(model, moved)
			out = append(out, Resolution{Facts: sp.facts(model, moved), ZH: zh, EN: en})
			if len(out) == mostResolutions {
				return out
			}
		}
		if len(moved) == 1 && sp.dims[moved[0]].fact.Kind == standard.Enum {
			// Its other values are other ways out.
			v, value := f[moved[0]].terms[0].Var, model[moved[0]]
			changed = append(changed, e.And(e.GE(v, value), e.LE(v, value)).Not())
		}
		e.Add(changed...)
	}
	return out
}

func roleRank(role standard.FactRole) int {
	return slices.Index([]standard.FactRole{standard.Given, standard.Choice, standard.Design}, role)
}
