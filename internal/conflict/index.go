package conflict

import (
	"context"
	"math/bits"
	"slices"

	"github.com/onedoor/onedoor/internal/standard"
)

// index finds the clauses that a project breaches among thousands: each breach is
// a few boxes, and for every cell of every dimension a row of bits says which
// boxes reach into it. It may name too many (sums are taken for true), never too
// few; the caller judges.
type index struct {
	owner []*clause // of each box
	words int
	rows  []indexRow // by dimension that some box bounds
}

type indexRow struct {
	dim   int
	edges []int64 // cell i ends before edges[i]
	cells [][]uint64
}

const (
	mostBoxes = 64 // of one breach; more are one box without bounds
	mostCells = 64 // of one dimension; more are merged
)

type box map[int][]span

// newIndex indexes the breaches of clauses; clauses without one are left out.
func newIndex(ctx context.Context, sp *space, clauses []*clause) *index {
	x := &index{}
	var boxes []box
	for _, c := range clauses {
		if ctx.Err() != nil {
			return x
		}
		if c.breach == nil || !c.binds {
			continue
		}
		list, ok := dnf(c.breach, false)
		if !ok {
			list = []box{{}}
		}
		for _, b := range list {
			boxes = append(boxes, b)
			x.owner = append(x.owner, c)
		}
	}
	x.words = (len(boxes) + 63) / 64
	type bounded struct {
		box   int
		spans []span
	}
	byDim := make([][]bounded, len(sp.dims))
	for n, b := range boxes {
		for dim, spans := range b {
			byDim[dim] = append(byDim[dim], bounded{n, spans})
		}
	}
	for dim, list := range byDim {
		if list == nil || ctx.Err() != nil {
			continue
		}
		var edges []int64
		free := make([]uint64, x.words)
		for i := range free {
			free[i] = ^uint64(0)
		}
		for _, b := range list {
			free[b.box/64] &^= 1 << (b.box % 64)
			for _, s := range b.spans {
				if s.lo > farLow {
					edges = append(edges, s.lo)
				}
				if s.hi < farHigh {
					edges = append(edges, s.hi+1)
				}
			}
		}
		slices.Sort(edges)
		edges = slices.Compact(edges)
		for len(edges) >= mostCells { // every other edge goes
			kept := edges[:0]
			for i := 1; i < len(edges); i += 2 {
				kept = append(kept, edges[i])
			}
			edges = kept
		}
		row := indexRow{dim: dim, edges: edges}
		for range len(edges) + 1 {
			row.cells = append(row.cells, slices.Clone(free))
		}
		cellOf := func(v int64) int {
			i, found := slices.BinarySearch(edges, v)
			if found {
				i++
			}
			return i
		}
		for _, b := range list {
			for _, s := range b.spans {
				for i := cellOf(s.lo); i <= cellOf(s.hi); i++ {
					row.cells[i][b.box/64] |= 1 << (b.box % 64)
				}
			}
		}
		x.rows = append(x.rows, row)
	}
	return x
}

// breached lists clauses that the values may breach, each once, in order.
func (x *index) breached(values []int64) []*clause {
	hits := make([]uint64, x.words)
	for i := range hits {
		hits[i] = ^uint64(0)
	}
	for _, row := range x.rows {
		v := values[row.dim]
		if v == absent {
			continue
		}
		i, found := slices.BinarySearch(row.edges, v)
		if found {
			i++
		}
		for w, word := range row.cells[i] {
			hits[w] &= word
		}
	}
	var out []*clause
	for w, word := range hits {
		for word != 0 {
			n := w*64 + bits.TrailingZeros64(word)
			word &= word - 1
			if n < len(x.owner) && (len(out) == 0 || out[len(out)-1] != x.owner[n]) {
				out = append(out, x.owner[n])
			}
		}
	}
	return out
}

// dnf writes a condition, or its negation, as boxes that cover it. It is false
// when there are too many.
func dnf(c *condition, negated bool) ([]box, bool) {
	switch c.shape {
	case always, never:
		if (c.shape == always) == negated {
			return nil, true
		}
		return []box{{}}, true
	case answered:
		return []box{{}}, true
	case leaf:
		if len(c.terms) > 1 {
			return []box{{}}, true
		}
		spans := c.spans
		if negated {
			spans = complement(spans)
		}
		if len(spans) == 0 {
			return nil, true
		}
		return []box{{int(c.terms[0].Var): spans}}, true
	case not, notTrue:
		return dnf(c.kids[0], !negated)
	case choose:
		if _, ok := dnf(c.kids[0], false); !ok {
			return nil, false
		}
		q, y, n := c.kids[0], c.kids[1], c.kids[2]
		yes, ok := cross(dnfs{{q, false}, {y, negated}})
		no, ok2 := cross(dnfs{{q, true}, {n, negated}})
		both, ok3 := cross(dnfs{{y, negated}, {n, negated}})
		out := slices.Concat(yes, no, both)
		return out, ok && ok2 && ok3 && len(out) <= mostBoxes
	}
	if (c.shape == all) != negated {
		var parts dnfs
		for _, k := range c.kids {
			parts = append(parts, signed{k, negated})
		}
		return cross(parts)
	}
	var out []box
	for _, k := range c.kids {
		list, ok := dnf(k, negated)
		if !ok || len(out)+len(list) > mostBoxes {
			return nil, false
		}
		out = append(out, list...)
	}
	return out, true
}

type signed struct {
	c       *condition
	negated bool
}

type dnfs []signed

// cross joins conditions that must all hold.
func cross(parts dnfs) ([]box, bool) {
	out := []box{{}}
	for _, p := range parts {
		list, ok := dnf(p.c, p.negated)
		if !ok || len(out)*len(list) > mostBoxes {
			return nil, false
		}
		var next []box
		for _, a := range out {
			for _, b := range list {
				if j, ok := meet(a, b); ok {
					next = append(next, j)
				}
			}
		}
		out = next
	}
	return out, true
}

func meet(a, b box) (box, bool) {
	out := make(box, len(a)+len(b))
	for d, s := range a {
		out[d] = s
	}
	for d, s := range b {
		if t, known := out[d]; known {
			if s = intersect(s, t); len(s) == 0 {
				return nil, false
			}
		}
		out[d] = s
	}
	return out, true
}

// breached lists the clauses that values may breach: by the index, and those that
// an editor has changed since it was made.
func (p *prepared) breached(ctx context.Context, values []int64) []*clause {
	out := slices.DeleteFunc(p.breachIndex(ctx).breached(values), func(c *clause) bool { return p.clauses[c.index] != c })
	for _, c := range p.edited {
		if c.binds && c.breach != nil {
			out = append(out, c)
		}
	}
	return out
}

// breaches judges a clause by the analysis' own evaluation.
func (c *clause) breaches(values []int64) bool { return c.breach.eval(values) == standard.True }
