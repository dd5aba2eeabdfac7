package conflict

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/standard"
)

// arc is everything that makes one item wait for another.
type arc struct {
	from, to string
	sources  []source
}

// source is one reason for an arc.
type source struct {
	when   *condition
	holds  func(p *standard.Project) bool // the same by package standard
	soft   bool
	paper  bool // stands on paper whether or not both items are needed: a claim
	zh, en string
	clause *clause
}

// arcs gathers the precedence of schemes, items, claims and clauses.
func (p *prepared) arcs(ctx context.Context) []*arc {
	index := map[[2]string]*arc{}
	var out []*arc
	add := func(from, to string, s source) {
		fromItem, toItem := p.items[from], p.items[to]
		if from == to || fromItem == nil || toItem == nil {
			return
		}
		when, holds := s.when, s.holds
		s.when = junction(all, when, p.needed[from], p.needed[to])
		s.holds = func(project *standard.Project) bool {
			return fromItem.Needed.Eval(project) == standard.True && toItem.Needed.Eval(project) == standard.True && holds(project)
		}
		a := index[[2]string{from, to}]
		if a == nil {
			a = &arc{from: from, to: to}
			index[[2]string{from, to}] = a
			out = append(out, a)
		}
		a.sources = append(a.sources, s)
	}
	yes := func(*standard.Project) bool { return true }
	for i, sc := range p.Schemes {
		for _, e := range sc.Edges {
			add(e.From, e.To, source{
				when:  p.schemes[i],
				holds: func(project *standard.Project) bool { return sc.Applies.Eval(project) == standard.True },
				soft:  e.Type != "hard",
				zh:    sc.Name + colon("：", e.Basis), en: cmp.Or(sc.NameEN, sc.Name) + colon(": ", e.Basis),
			})
		}
	}
	for _, it := range p.Items {
		for _, pre := range it.Preconditions {
			add(pre.Item, it.Code, source{
				when: &condition{shape: always}, holds: yes, soft: pre.Strength != "hard",
				zh: "事项前置条件" + colon("：", pre.Note), en: "precondition of the item" + colon(": ", pre.Note),
			})
		}
	}
	for _, e := range p.Edges {
		if p.Day != "" && e.Until != "" && e.Until < p.Day {
			continue
		}
		s := source{when: &condition{shape: always}, holds: yes, soft: e.Soft, paper: e.When == nil, zh: e.Basis, en: e.Basis}
		if e.When != nil {
			s.when = p.facts.condition(e.When)
			s.holds = func(project *standard.Project) bool { return e.When.Eval(project) == standard.True }
		}
		add(e.From, e.To, s)
	}
	for _, res := range p.Results {
		if ctx.Err() != nil {
			return nil
		}
		p.demands(res, func(to string, s source) { add(res.Item, to, s) })
	}
	slices.SortStableFunc(out, func(a, b *arc) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return out
}

// demands finds the clauses that cannot be met while the fact does not record the
// item's result.
func (p *prepared) demands(res Result, add func(to string, s source)) {
	at, ok := p.Vocabulary.Index(res.Fact)
	if !ok {
		return
	}
	dim := p.facts.dims[at]
	d := &p.space.dims[dim]
	for _, c := range p.clauses {
		if !c.binds || c.requires == nil || !c.requires.reads(dim) || c.applies.reads(dim) {
			continue
		}
		when := []*condition{c.applies}
		var without []any
		for v := d.lo(); v <= d.hi(); v++ {
			if answer := d.answer(v); answer != res.Value {
				without = append(without, answer)
				when = append(when, junction(notTrue, c.requires.with(dim, v)))
			}
		}
		if len(when) == 1 || slices.ContainsFunc(when, func(c *condition) bool { return c.shape == never }) {
			continue
		}
		zh, en := p.cite(c)
		add(c.Item, source{
			when: junction(all, when...),
			holds: func(project *standard.Project) bool {
				if c.appliesTo(project) != standard.True {
					return false
				}
				for _, answer := range without {
					changed, problems := project.With(map[string]any{res.Fact: answer})
					if len(problems) > 0 || c.Requires.Eval(changed) == standard.True {
						return false
					}
				}
				return true
			},
			zh: "条款 " + zh, en: "clause " + en, clause: c,
		})
	}
}

// with gives the condition once a dimension has a value.
func (c *condition) with(dim int, value int64) *condition {
	if !c.reads(dim) {
		return c
	}
	switch c.shape {
	case answered:
		return &condition{shape: always}
	case leaf:
		out := &condition{shape: leaf}
		shift := int64(0)
		for _, t := range c.terms {
			if int(t.Var) == dim {
				shift = t.Factor * value
				continue
			}
			out.terms = append(out.terms, t)
			out.dims = append(out.dims, int(t.Var))
		}
		if len(out.terms) == 0 {
			if inside(c.spans, shift) {
				return &condition{shape: always}
			}
			return &condition{shape: never}
		}
		slices.Sort(out.dims)
		for _, s := range c.spans {
			if s.lo > farLow {
				s.lo -= shift
			}
			if s.hi < farHigh {
				s.hi -= shift
			}
			out.spans = append(out.spans, s)
		}
		return out
	}
	kids := make([]*condition, len(c.kids))
	for i, k := range c.kids {
		kids[i] = k.with(dim, value)
	}
	return reduced(c.shape, kids...)
}

// cycles finds every elementary circle of items that wait for each other in one
// project.
func (r *run) cycles() {
	if c := r.p.byCode[r.o.Clause]; r.o.Clause != "" && (c == nil || c.requires == nil || !slices.ContainsFunc(r.p.Results, func(res Result) bool {
		at, ok := r.p.Vocabulary.Index(res.Fact)
		return ok && c.requires.reads(r.p.facts.dims[at])
	})) {
		return // the clause waits for no item
	}
	arcs := r.p.arcs(r.ctx)
	if r.o.Scheme != "" {
		for i, sc := range r.p.Schemes {
			if sc.Code == r.o.Scheme {
				arcs = within(arcs, r.p.schemes[i], sc.Applies)
			}
		}
	}
	hard := narrowed(arcs, func(s source) bool { return !s.soft })
	var found [][]*arc
	for _, part := range circles(hard) {
		found = append(found, r.circle(part, nil, r.bites)...)
	}
	for _, part := range circles(arcs) {
		r.circle(part, found, func(cycle []*arc, values []int64, dims []int) { r.soft(cycle, values, dims) })
	}
	paper := narrowed(arcs, func(s source) bool { return !s.soft && s.clause == nil })
	for _, a := range paper {
		if slices.ContainsFunc(a.sources, func(s source) bool { return s.paper }) {
			a.sources[0].paper = true
		}
		for i := range a.sources {
			a.sources[i].when = &condition{shape: always}
		}
	}
	for _, part := range circles(paper) {
		r.circle(part, found, func(cycle []*arc, _ []int64, _ []int) { r.onPaper(cycle) })
	}
}

// within keeps what waits in the projects of a scheme.
func within(arcs []*arc, applies *condition, expr *standard.Expr) []*arc {
	var out []*arc
	for _, a := range arcs {
		b := &arc{from: a.from, to: a.to}
		for _, s := range a.sources {
			holds := s.holds
			s.when = junction(all, s.when, applies)
			s.holds = func(p *standard.Project) bool { return expr.Eval(p) == standard.True && holds(p) }
			b.sources = append(b.sources, s)
		}
		out = append(out, b)
	}
	return out
}

func narrowed(arcs []*arc, keep func(source) bool) []*arc {
	var out []*arc
	for _, a := range arcs {
		b := &arc{from: a.from, to: a.to}
		for _, s := range a.sources {
			if keep(s) {
				b.sources = append(b.sources, s)
			}
		}
		if len(b.sources) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// circles gives the arcs of each strongly connected part (Tarjan).
func circles(arcs []*arc) [][]*arc {
	next := map[string][]string{}
	var nodes []string
	for _, a := range arcs {
		for _, n := range []string{a.from, a.to} {
			if _, known := next[n]; !known {
				next[n] = nil
				nodes = append(nodes, n)
			}
		}
		next[a.from] = append(next[a.from], a.to)
	}
	order, low, part := map[string]int{}, map[string]int{}, map[string]int{}
	var stack []string
	count := 0
	var visit func(n string)
	visit = func(n string) {
		order[n] = len(order) + 1
		low[n] = order[n]
		stack = append(stack, n)
		for _, m := range next[n] {
			if order[m] == 0 {
				visit(m)
				low[n] = min(low[n], low[m])
			} else if part[m] == 0 {
				low[n] = min(low[n], order[m])
			}
		}
		if low[n] == order[n] {
			count++
			for {
				m := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				part[m] = count
				if m == n {
					break
				}
			}
		}
	}
	for _, n := range nodes {
		if order[n] == 0 {
			visit(n)
		}
	}
	grouped := make([][]*arc, count+1)
	for _, a := range arcs {
		if part[a.from] == part[a.to] {
			grouped[part[a.from]] = append(grouped[part[a.from]], a)
		}
	}
	return slices.DeleteFunc(grouped, func(g []*arc) bool { return len(g) == 0 })
}

// circle enumerates the elementary circles of one strongly connected part that
// some project activates: every chosen item has a chosen arc to a chosen item.
func (r *run) circle(arcs []*arc, known [][]*arc, found func(cycle []*arc, values []int64, dims []int)) [][]*arc {
	sp := r.p.space
	e := newEncoder()
	var dims []int
	for _, a := range arcs {
		for _, s := range a.sources {
			dims = append(dims, s.when.dims...)
		}
	}
	dims = sp.closure(dims)
	f := sp.fresh(&e, dims)
	sp.demand(&e, f, dims)
	item := map[string]sat.Lit{}
	var any []sat.Lit
	for _, a := range arcs {
		if _, ok := item[a.from]; !ok {
			item[a.from] = e.Bool(false)
			any = append(any, item[a.from])
		}
	}
	chosen := make([]sat.Lit, len(arcs))
	out := map[string][]sat.Lit{}
	var nodes []string
	for i, a := range arcs {
		chosen[i] = e.Bool(false)
		var when []sat.Lit
		for _, s := range a.sources {
			when = append(when, e.truth(s.when, f).yes)
		}
		e.Add(chosen[i].Not(), e.Or(when...))
		e.Add(chosen[i].Not(), item[a.to])
		e.Add(chosen[i].Not(), item[a.from])
		if out[a.from] == nil {
			nodes = append(nodes, a.from)
		}
		out[a.from] = append(out[a.from], chosen[i])
	}
	for _, n := range nodes {
		e.Add(append(out[n], item[n].Not())...)
	}
	e.Add(any...)
	block := func(cycle []*arc) {
		var lits []sat.Lit
		for _, a := range cycle {
			i := slices.IndexFunc(arcs, func(b *arc) bool { return b.from == a.from && b.to == a.to })
			if i < 0 {
				return
			}
			lits = append(lits, chosen[i].Not())
		}
		e.Add(lits...)
	}
	for _, cycle := range known {
		block(cycle)
	}
	var all [][]*arc
	for r.ctx.Err() == nil {
		switch r.solve(&e) {
		case sat.Unknown:
			if r.ctx.Err() == nil {
				r.report(Finding{
					Kind: Cycle, Severity: Warn, Items: unique(nodes), Departments: r.p.inCharge(nodes),
					ZH: "在限定的计算量内未能判定这些事项是否（还有）互为前置", EN: "not decided within the budget whether these items wait for each other (any further)",
				})
			}
			return all
		case sat.Unsat:
			return all
		}
		var live []*arc
		for i, a := range arcs {
			if e.Holds(chosen[i]) {
				live = append(live, a)
			}
		}
		cycle := shortest(live)
		if cycle == nil {
			return all
		}
		values := sp.values(&e, f)
		all = append(all, cycle)
		found(cycle, values, dims)
		if r.full(Cycle) {
			r.more = true
			return all
		}
		block(cycle)
	}
	return all
}

// shortest gives a shortest circle, from its least item on.
func shortest(arcs []*arc) []*arc {
	next := map[string][]*arc{}
	for _, a := range arcs {
		next[a.from] = append(next[a.from], a)
	}
	var best []*arc
	for _, start := range arcs {
		via := map[string]*arc{}
		queue := []string{start.to}
		via[start.to] = start
		for len(queue) > 0 && via[start.from] == nil {
			n := queue[0]
			queue = queue[1:]
			for _, a := range next[n] {
				if via[a.to] == nil {
					via[a.to] = a
					queue = append(queue, a.to)
				}
			}
		}
		if via[start.from] == nil {
			continue
		}
		var cycle []*arc
		for n := start.from; ; n = cycle[0].from {
			cycle = append([]*arc{via[n]}, cycle...)
			if cycle[0] == start {
				break
			}
		}
		if best == nil || len(cycle) < len(best) {
			best = cycle
		}
	}
	if best == nil {
		return nil
	}
	least := 0
	for i, a := range best {
		if a.from < best[least].from {
			least = i
		}
	}
	return slices.Concat(best[least:], best[:least])
}

func (p *prepared) inCharge(items []string) []string {
	var out []string
	for _, code := range items {
		if it := p.items[code]; it != nil {
			out = append(out, it.Department)
		}
	}
	return unique(out)
}

// touches says whether a cycle is among those that the options ask about.
func (r *run) touches(cycle []*arc) bool {
	if r.o.Item != "" && !slices.ContainsFunc(cycle, func(a *arc) bool { return a.from == r.o.Item }) {
		return false
	}
	return r.o.Clause == "" || slices.ContainsFunc(cycle, func(a *arc) bool {
		return slices.ContainsFunc(a.sources, func(s source) bool { return s.clause != nil && s.clause.Code == r.o.Clause })
	})
}

// bites reports a circle of hard precedence with the project in which it bites.
func (r *run) bites(cycle []*arc, values []int64, _ []int) {
	if !r.touches(cycle) {
		return
	}
	f, ok := r.describe(cycle, values)
	if !ok {
		return
	}
	when := r.whole(cycle)
	f.Conditional = r.conditional(cycle, when)
	f.Severity = Refuse
	if f.Conditional {
		f.Severity = Warn
	}
	f.Region = r.p.space.bounds(r.region(values, when))
	f.Condition = celOf(f.Region)
	zh, en := "", ""
	if f.Conditional {
		zh, en = "在一部分项目中", " in some projects"
	}
	where, whereEN := words(f.Region)
	f.ZH = zh + "互为前置，谁也无法先办：" + f.ZH + colon("。出现于：", where)
	f.EN = "wait for each other" + en + ", so none can come first: " + f.EN + colon(". It happens where: ", whereEN)
	r.report(f)
}

// soft reports a circle that only promises can break.
func (r *run) soft(cycle []*arc, values []int64, _ []int) {
	if !r.touches(cycle) {
		return
	}
	f, ok := r.describe(cycle, values)
	if !ok {
		return
	}
	f.Severity, f.Conditional = Warn, true
	f.ZH = "互为前置，其中有可承诺或并联的一环，须由承诺打开：" + f.ZH
	f.EN = "wait for each other; one of them may be promised, and must be: " + f.EN
	r.report(f)
}

// onPaper reports a circle that departments are known to ask for, though no
// project of these standards needs all of its items.
func (r *run) onPaper(cycle []*arc) {
	if !r.touches(cycle) || !slices.ContainsFunc(cycle, func(a *arc) bool {
		return slices.ContainsFunc(a.sources, func(s source) bool { return s.paper })
	}) {
		return
	}
	f, _ := r.describe(cycle, nil)
	f.Severity, f.Conditional = Warn, true
	f.ZH = "按各部门的要求互为前置（按现行事项标准尚无项目同时需要这些事项）：" + f.ZH
	f.EN = "wait for each other by what departments ask, though no project needs all of these items by the standards: " + f.EN
	r.report(f)
}

// whole is the condition under which a project is in the circle.
func (r *run) whole(cycle []*arc) *condition {
	var parts []*condition
	for _, a := range cycle {
		var any []*condition
		for _, s := range a.sources {
			any = append(any, s.when)
		}
		parts = append(parts, junction(anyOf, any...))
	}
	return junction(all, parts...)
}

// conditional says that a project may need all items of the circle and not be in
// it, in every scheme.
func (r *run) conditional(cycle []*arc, when *condition) bool {
	needed := make([]*condition, len(cycle))
	for i, a := range cycle {
		needed[i] = r.p.needed[a.from]
	}
	out := junction(notTrue, when)
	contexts := append([]*condition{{shape: always}}, r.p.schemes...)
	for _, c := range contexts {
		if !r.meets(append(slices.Clone(needed), c)...) {
			continue
		}
		if !r.meets(append(slices.Clone(needed), c, out)...) {
			return false
		}
	}
	return true
}

// describe judges a circle by package standard and words it.
func (r *run) describe(cycle []*arc, values []int64) (Finding, bool) {
	f := Finding{Kind: Cycle, Proved: true}
	var project *standard.Project
	if values != nil {
		dims := r.p.space.closure(r.whole(cycle).dims)
		if project, f.Witness = r.project(values, dims); project == nil {
			return f, false
		}
		if !r.confirmed(project) {
			r.wrong(Cycle, "an invariant")
			return f, false
		}
	}
	var zhs, ens []string
	for _, a := range cycle {
		step := Step{From: a.from, To: a.to, Soft: true}
		for _, s := range a.sources {
			if project != nil && !s.holds(project) {
				continue
			}
			step.Soft = step.Soft && s.soft
			step.Sources = append(step.Sources, s.zh)
			if s.clause != nil {
				step.Clauses = append(step.Clauses, s.clause.Code)
				f.Clauses = append(f.Clauses, s.clause.Code)
				f.Departments = append(f.Departments, s.clause.Department)
			}
		}
		if len(step.Sources) == 0 {
			r.wrong(Cycle, a.from+" → "+a.to)
			return f, false
		}
		step.Sources = unique(step.Sources)
		f.Edges = append(f.Edges, step)
		f.Items = append(f.Items, a.from)
		zhFrom, enFrom := r.p.item(a.from)
		zhTo, enTo := r.p.item(a.to)
		zhs = append(zhs, fmt.Sprintf("“%s”先于“%s”（%s）", zhFrom, zhTo, strings.Join(step.Sources, "；")))
		ens = append(ens, fmt.Sprintf("%s before %s (%s)", enFrom, enTo, strings.Join(step.Sources, "; ")))
	}
	f.Clauses = unique(f.Clauses)
	f.Departments = unique(append(f.Departments, r.p.inCharge(f.Items)...))
	zhDept, enDept := r.p.departments(f.Departments)
	f.ZH = strings.Join(zhs, "，") + "。需协调的部门：" + zhDept
	f.EN = strings.Join(ens, ", ") + ". To be settled between: " + enDept
	return f, true
}
