package conflict

import (
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
)

// quarrel is a group of clauses that could contradict each other: what they demand
// is linked through facts that a design can change.
type quarrel struct {
	avoid   bool
	clauses []*clause
	demands []*condition  // by clause: what is left of its demand
	pure    map[int]int64 // facts of which one value does for everybody
}

// quarrels finds the groups. First it drops what nobody argues about: a free fact
// that no clause reads to apply, and of which one value meets every demand, has
// that value in a best design, so its demands are met and need no search.
func (p *prepared) quarrels(avoid bool) []*quarrel {
	var clauses []*clause
	read := make([]bool, len(p.space.dims))
	for _, c := range p.clauses {
		if c.binds && c.requires != nil {
			clauses = append(clauses, c)
			for _, dim := range c.applies.dims {
				read[dim] = true
			}
		}
	}
	left := make([]*condition, len(clauses))
	for i, c := range clauses {
		left[i] = p.demand(c, avoid)
	}
	pure := map[int]int64{}
	for {
		w := wishes{at: make([][]span, len(p.space.dims)), argued: slices.Clone(read)}
		for dim := range w.argued {
			d := &p.space.dims[dim]
			w.argued[dim] = w.argued[dim] || d.given || len(d.linked) > 0
		}
		for _, c := range left {
			w.collect(c, true)
		}
		found := false
		for dim, spans := range w.at {
			d := &p.space.dims[dim]
			if _, known := pure[dim]; known || spans == nil || w.argued[dim] {
				continue
			}
			if spans = intersect(spans, d.lawful); len(spans) == 0 {
				continue
			}
			value := spans[0].lo
			if inside(spans, d.hint) {
				value = d.hint
			}
			pure[dim], found = value, true
			w.settled = append(w.settled, dim)
		}
		if !found {
			break
		}
		for i, c := range left {
			for _, dim := range w.settled {
				if c.reads(dim) {
					left[i] = left[i].with(dim, pure[dim])
				}
			}
		}
	}

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
	first := make([]int, len(clauses))
	for i, c := range clauses {
		first[i] = join(left[i].dims, func(d int) bool { return p.free(c, d, avoid) })
	}
	at := map[int]int{}
	var out []*quarrel
	for i, c := range clauses {
		if first[i] < 0 {
			continue
		}
		g := root(first[i])
		if _, known := at[g]; !known {
			at[g] = len(out)
			out = append(out, &quarrel{avoid: avoid, pure: pure})
		}
		q := out[at[g]]
		q.clauses, q.demands = append(q.clauses, c), append(q.demands, left[i])
	}
	return slices.DeleteFunc(out, func(q *quarrel) bool { return len(q.clauses) < 2 })
}

// wishes gathers what all clauses together want of each dimension.
type wishes struct {
	at      [][]span // by dimension: the values that meet every demand
	argued  []bool   // by dimension: the wishes cannot be told apart like this
	settled []int
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
