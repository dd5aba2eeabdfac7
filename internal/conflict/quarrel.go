package conflict

import (
	"context"
	"maps"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
)

// quarrel is a group of clauses that could contradict each other: what they demand
// is linked through facts that a design can change.
type quarrel struct {
	avoid   bool
	rivals  bool // two readings of one rule, asked whether both can be kept
	clauses []*clause
	demands []*condition  // by clause: what is left of its demand
	pure    map[int]int64 // facts of which one value does for everybody
}

// peace is what nobody argues about: a free fact that no clause reads to apply,
// and of which one value meets every demand, has that value in a best design, so
// its demands are met and need no search.
type peace struct {
	pure map[int]int64
	left []*condition // by clause: what is left of its demand; nil for one without
}

func (p *prepared) peace(ctx context.Context, avoid bool) *peace {
	n := 0
	if avoid {
		n = 1
	}
	p.shared.lock.Lock()
	base := p.shared.peace[n]
	p.shared.lock.Unlock()
	if base != nil {
		if kept := p.keepsPeace(base, avoid); kept != nil {
			return kept
		}
	}
	made := p.makePeace(ctx, avoid)
	if len(p.edited) == 0 && ctx.Err() == nil {
		p.shared.lock.Lock()
		p.shared.peace[n] = made
		p.shared.lock.Unlock()
	}
	return made
}

// keepsPeace gives the peace of the subject that was edited when the edited
// clauses can live with it.
func (p *prepared) keepsPeace(base *peace, avoid bool) *peace {
	out := &peace{pure: base.pure, left: slices.Clone(base.left)}
	for _, c := range p.edited {
		out.left[c.index] = nil
		if !c.binds || c.requires == nil {
			continue
		}
		demand := p.demand(c, avoid)
		w := wishes{at: make([][]span, len(p.space.dims)), argued: make([]bool, len(p.space.dims))}
		w.collect(demand, true)
		for _, dim := range demand.dims {
			if value, pure := base.pure[dim]; pure && (w.argued[dim] || w.at[dim] != nil && !inside(w.at[dim], value)) {
				return nil
			}
		}
		for _, dim := range c.applies.dims {
			if _, pure := base.pure[dim]; pure {
				return nil
			}
		}
		for _, dim := range demand.dims {
			if value, pure := base.pure[dim]; pure {
				demand = demand.with(dim, value)
			}
		}
		out.left[c.index] = demand
	}
	return out
}

func (p *prepared) makePeace(ctx context.Context, avoid bool) *peace {
	read := make([]bool, len(p.space.dims))
	out := &peace{pure: map[int]int64{}, left: make([]*condition, len(p.clauses))}
	for i, c := range p.clauses {
		if c.binds && c.requires != nil {
			out.left[i] = p.demand(c, avoid)
			for _, dim := range c.applies.dims {
				read[dim] = true
			}
		}
	}
	for {
		w := wishes{at: make([][]span, len(p.space.dims)), argued: slices.Clone(read)}
		for dim := range w.argued {
			d := &p.space.dims[dim]
			w.argued[dim] = w.argued[dim] || d.given || len(d.linked) > 0
		}
		for _, c := range out.left {
			if c != nil && ctx.Err() == nil {
				w.collect(c, true)
			}
		}
		var settled []int
		for dim, spans := range w.at {
			d := &p.space.dims[dim]
			if _, known := out.pure[dim]; known || spans == nil || w.argued[dim] {
				continue
			}
			if spans = intersect(spans, d.lawful); len(spans) == 0 {
				continue
			}
			value := spans[0].lo
			if inside(spans, d.hint) {
				value = d.hint
			}
			out.pure[dim] = value
			settled = append(settled, dim)
		}
		if len(settled) == 0 || ctx.Err() != nil {
			return out
		}
		for i, c := range out.left {
			for _, dim := range settled {
				if c != nil && c.reads(dim) {
					c = c.with(dim, out.pure[dim])
				}
			}
			out.left[i] = c
		}
	}
}

// quarrels groups the clauses about which there is no peace.
func (p *prepared) quarrels(ctx context.Context, avoid bool) []*quarrel {
	made := p.peace(ctx, avoid)
	group := make([]int, len(p.space.dims))
	for i := range group {
		group[i] = i
	}
	var root func(i int) int
	root = func(i int) int {
		if group[i] != i {
			group[i] = root(group[i])
		}
		return group[i]
	}
	join := func(dims []int, free func(d int) bool) int {
		first := -1
		for _, d := range dims {
			if !free(d) {
				continue
			}
			if first < 0 {
				first = d
			} else {
				group[root(d)] = root(first)
			}
		}
		return first
	}
	for _, i := range p.invariants {
		join(i.dims, func(d int) bool { return !p.space.dims[d].given })
	}
	first := make([]int, len(p.clauses))
	for i, c := range p.clauses {
		first[i] = -1
		if made.left[i] != nil {
			first[i] = join(made.left[i].dims, func(d int) bool { return p.free(c, d, avoid) })
		}
	}
	at := map[int]int{}
	var out []*quarrel
	for i, c := range p.clauses {
		if first[i] < 0 {
			continue
		}
		g := root(first[i])
		if _, known := at[g]; !known {
			at[g] = len(out)
			out = append(out, &quarrel{avoid: avoid, pure: made.pure})
		}
		q := out[at[g]]
		q.clauses, q.demands = append(q.clauses, c), append(q.demands, made.left[i])
	}
	return slices.DeleteFunc(out, func(q *quarrel) bool { return len(q.clauses) < 2 })
}

// rivalries pairs the readings of a rule among which the district has not chosen.
// Beside other clauses only one of them binds; but two that nobody can keep at once
// are more than a strict and a lenient one.
func (p *prepared) rivalries(ctx context.Context, avoid bool) []*quarrel {
	made := p.peace(ctx, avoid)
	var out []*quarrel
	for _, group := range slices.Sorted(maps.Keys(p.groups)) {
		for i, a := range p.groups[group] {
			for _, b := range p.groups[group][i+1:] {
				if x, y := made.left[a.index], made.left[b.index]; x != nil && y != nil {
					out = append(out, &quarrel{avoid: avoid, rivals: true, clauses: []*clause{a, b}, demands: []*condition{x, y}, pure: made.pure})
				}
			}
		}
	}
	return out
}

// wishes gathers what all clauses together want of each dimension.
type wishes struct {
	at     [][]span // by dimension: the values that meet every demand
	argued []bool   // by dimension: the wishes cannot be told apart like this
}

func (w *wishes) collect(c *condition, positive bool) {
	switch c.shape {
	case leaf:
		if len(c.terms) > 1 {
			for _, dim := range c.dims {
				w.argued[dim] = true
			}
			return
		}
		dim, spans := int(c.terms[0].Var), c.spans
		if !positive {
			spans = complement(spans)
		}
		if w.at[dim] == nil {
			w.at[dim] = slices.Clone(spans)
		} else {
			w.at[dim] = intersect(w.at[dim], spans)
		}
		if len(w.at[dim]) == 0 {
			w.argued[dim] = true
		}
	case answered:
		w.argued[c.dims[0]] = true
	case not, notTrue:
		w.collect(c.kids[0], !positive)
	case choose:
		for _, dim := range c.kids[0].dims {
			w.argued[dim] = true
		}
		w.collect(c.kids[1], positive)
		w.collect(c.kids[2], positive)
	default:
		for _, k := range c.kids {
			w.collect(k, positive)
		}
	}
}

// narrow keeps the clauses that can apply together with the one that is asked
// about: a contradiction with it needs one project for all.
func (q *quarrel) narrow(r *run, scope map[int]bool) {
	if r.o.Clause == "" {
		return
	}
	i := slices.IndexFunc(q.clauses, func(c *clause) bool { return scope[c.index] })
	if i < 0 {
		return
	}
	asked := q.clauses[i]
	boxes, small := dnf(asked.applies, false)
	together := func(c *clause) bool {
		if c == asked {
			return true
		}
		if others, ok := dnf(c.applies, false); ok && small && !slices.ContainsFunc(boxes, func(a box) bool {
			return slices.ContainsFunc(others, func(b box) bool { _, meets := meet(a, b); return meets })
		}) {
			return false
		}
		_, status := r.find(asked.applies, c.applies)
		return status != sat.Unsat
	}
	kept := &quarrel{avoid: q.avoid, pure: q.pure}
	for k, c := range q.clauses {
		if together(c) {
			kept.clauses, kept.demands = append(kept.clauses, c), append(kept.demands, q.demands[k])
		}
	}
	*q = *kept
}
