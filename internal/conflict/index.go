package conflict

import (
	"math/bits"
	"slices"

	"github.com/onedoor/onedoor/internal/standard"
)

// index finds the clauses that a project breaches among thousands: each breach is
// a few boxes, and for every cell of every dimension a row of bits says which
// boxes reach into it. It may name too many (sums are taken for true), never too
// few; the caller judges.
type index struct {
	owner []int // clause of each box
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
func newIndex(sp *space, clauses []*clause) *index {
	x := &index{}
	var boxes []box
	for _, c := range clauses {
		if c.breach == nil || !c.binds {
			continue
		}
		list, ok := dnf(c.breach, false)
		if !ok {
			list = []box{{}}
		}
		for _, b := range list {
			boxes = append(boxes, b)
			x.owner = append(x.owner, c.index)
		}
	}
	x.words = (len(boxes) + 63) / 64
	edges := map[int][]int64{}
	for _, b := range boxes {
		for dim, spans := range b {
			for _, s := range spans {
				if s.lo > farLow {
					edges[dim] = append(edges[dim], s.lo)
				}
				if s.hi < farHigh {
					edges[dim] = append(edges[dim], s.hi+1)
				}
			}
		}
	}
	for dim := range sp.dims {
		list := edges[dim]
		if list == nil {
			continue
		}
		slices.Sort(list)
		list = slices.Compact(list)
		for len(list) >= mostCells { // every other edge goes
			kept := list[:0]
			for i := 1; i < len(list); i += 2 {
				kept = append(kept, list[i])
			}
			list = kept
		}
		row := indexRow{dim: dim, edges: list}
		from := int64(farLow)
		for i := 0; i <= len(list); i++ {
			to := int64(farHigh)
			if i < len(list) {
				to = list[i] - 1
			}
			cell := make([]uint64, x.words)
			for n, b := range boxes {
				spans, bounded := b[dim]
				if !bounded || slices.ContainsFunc(spans, func(s span) bool { return s.lo <= to && from <= s.hi }) {
					cell[n/64] |= 1 << (n % 64)
				}
			}
			row.cells = append(row.cells, cell)
			from = to + 1
		}
		x.rows = append(x.rows, row)
	}
	return x
}

// breached lists clauses that the values may breach, each once, in order.
func (x *index) breached(values []int64) []int {
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
	var out []int
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

// breaches judges a clause by the analysis' own evaluation.
func (c *clause) breaches(values []int64) bool { return c.breach.eval(values) == standard.True }
