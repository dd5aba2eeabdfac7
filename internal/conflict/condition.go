package conflict

import (
	"math"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/conflict/theory"
	"github.com/onedoor/onedoor/internal/standard"
)

// grid is the step of integer facts in millionths.
const grid = 1_000_000

// absent marks a fact that is not answered.
const absent = math.MinInt64

// span is a closed interval.
type span struct{ lo, hi int64 }

const (
	farLow  = math.MinInt64 / 2
	farHigh = math.MaxInt64 / 2
)

type shape uint8

const (
	always shape = iota
	never
	leaf     // the sum of terms lies in one of the spans
	answered // the fact of the first term is answered
	all
	anyOf
	choose  // condition, yes, no
	not     // Kleene's: unknown stays unknown
	notTrue // false or unknown
)

// condition is an expression prepared for the analysis. It never changes.
type condition struct {
	shape shape
	terms []theory.Term // of a leaf; Var is the index of a dimension
	spans []span
	kids  []*condition
	dims  []int // sorted
}

// part is one fact of a leaf.
func part(dim int, factor int64) theory.Term {
	return theory.Term{Var: theory.Var(dim), Factor: factor}
}

func (c *condition) reads(dim int) bool {
	_, found := slices.BinarySearch(c.dims, dim)
	return found
}

func (c *condition) constant() bool { return c.shape == always || c.shape == never }

func junction(s shape, kids ...*condition) *condition {
	c := &condition{shape: s, kids: kids}
	for _, k := range kids {
		c.dims = append(c.dims, k.dims...)
	}
	slices.Sort(c.dims)
	c.dims = slices.Compact(c.dims)
	return c
}

// translation maps one vocabulary's facts to dimensions.
type translation struct {
	dims   []int   // by fact
	values [][]int // by fact, of enums: index → index among the dimension's codes
	space  *space
}

// condition translates an expression.
func (t *translation) condition(e *standard.Expr) *condition {
	tree := e.Tree()
	return t.node(&tree)
}

func (t *translation) node(n *standard.Node) *condition {
	switch n.Kind {
	case standard.NodeAnd, standard.NodeOr, standard.NodeChoose:
		kids := make([]*condition, len(n.Kids))
		for i := range n.Kids {
			kids[i] = t.node(&n.Kids[i])
		}
		return junction(map[standard.NodeKind]shape{
			standard.NodeAnd: all, standard.NodeOr: anyOf, standard.NodeChoose: choose,
		}[n.Kind], kids...)
	case standard.NodeAnswered:
		dim := t.dims[n.Fact]
		c := &condition{shape: answered, terms: []theory.Term{part(dim, 1)}, dims: []int{dim}}
		if n.Value == 0 {
			return junction(not, c)
		}
		return c
	case standard.NodeCompare:
		dim := t.dims[n.Fact]
		d := &t.space.dims[dim]
		value := n.Value
		if d.fact.Kind == standard.Enum {
			value = int64(t.values[n.Fact][n.Value])
		}
		return &condition{
			shape: leaf, terms: []theory.Term{part(dim, 1)}, dims: []int{dim},
			spans: stepped(spansOf(n.Operator, value), d.step),
		}
	case standard.NodeMember:
		dim := t.dims[n.Fact]
		c := &condition{shape: leaf, terms: []theory.Term{part(dim, 1)}, dims: []int{dim}}
		for _, v := range n.Values {
			value := int64(t.values[n.Fact][v])
			c.spans = append(c.spans, span{value, value})
		}
		c.spans = tidy(c.spans)
		if n.Operator == "NOT_IN" {
			c.spans = complement(c.spans)
		}
		return c
	case standard.NodeSum:
		c := &condition{shape: leaf, spans: spansOf(n.Operator, n.Value)}
		for _, term := range n.Terms {
			dim := t.dims[term.Fact]
			c.terms = append(c.terms, part(dim, term.Factor*t.space.dims[dim].step))
			c.dims = append(c.dims, dim)
		}
		slices.Sort(c.dims)
		return c
	}
	if n.Value == 1 {
		return &condition{shape: always}
	}
	return &condition{shape: never}
}

// spansOf gives the values for which "value operator bound" holds.
func spansOf(operator string, bound int64) []span {
	switch operator {
	case "==":
		return []span{{bound, bound}}
	case "!=":
		return complement([]span{{bound, bound}})
	case "<":
		return []span{{farLow, bound - 1}}
	case "<=":
		return []span{{farLow, bound}}
	case ">":
		return []span{{bound + 1, farHigh}}
	}
	return []span{{bound, farHigh}}
}

// stepped turns spans of millionths into spans of steps.
func stepped(spans []span, step int64) []span {
	if step == 1 {
		return spans
	}
	var out []span
	for _, s := range spans {
		lo, hi := int64(farLow), int64(farHigh)
		if s.lo > farLow {
			lo = -floorDiv(-s.lo, step)
		}
		if s.hi < farHigh {
			hi = floorDiv(s.hi, step)
		}
		if lo <= hi {
			out = append(out, span{lo, hi})
		}
	}
	return tidy(out)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// tidy sorts spans and joins neighbours.
func tidy(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		if a.lo < b.lo {
			return -1
		}
		return 1
	})
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

func complement(spans []span) []span {
	var out []span
	from := int64(farLow)
	for _, s := range spans {
		if s.lo > from {
			out = append(out, span{from, s.lo - 1})
		}
		from = s.hi + 1
	}
	if from <= farHigh {
		out = append(out, span{from, farHigh})
	}
	return out
}

func inside(spans []span, v int64) bool {
	for _, s := range spans {
		if s.lo <= v && v <= s.hi {
			return true
		}
	}
	return false
}

// eval judges values by dimension. It only steers the search: what is reported
// is judged by package standard.
func (c *condition) eval(values []int64) standard.Truth {
	switch c.shape {
	case always:
		return standard.True
	case never:
		return standard.False
	case leaf:
		total := int64(0)
		for _, t := range c.terms {
			v := values[t.Var]
			if v == absent {
				return standard.Unknown
			}
			total += t.Factor * v
		}
		return standard.TruthOf(inside(c.spans, total))
	case answered:
		return standard.TruthOf(values[c.terms[0].Var] != absent)
	case not:
		return c.kids[0].eval(values).Not()
	case notTrue:
		return standard.TruthOf(c.kids[0].eval(values) != standard.True)
	case all:
		result := standard.True
		for _, k := range c.kids {
			switch k.eval(values) {
			case standard.False:
				return standard.False
			case standard.Unknown:
				result = standard.Unknown
			}
		}
		return result
	case anyOf:
		result := standard.False
		for _, k := range c.kids {
			switch k.eval(values) {
			case standard.True:
				return standard.True
			case standard.Unknown:
				result = standard.Unknown
			}
		}
		return result
	}
	yes := c.kids[1].eval(values)
	switch c.kids[0].eval(values) {
	case standard.True:
		return yes
	case standard.False:
		return c.kids[2].eval(values)
	}
	if yes == c.kids[2].eval(values) {
		return yes
	}
	return standard.Unknown
}

// slot is what stands for a dimension in a formula: a linear form over solver
// variables, or a choice of two of them.
type slot struct {
	terms []theory.Term
	plus  int64
	known sat.Lit // whether the fact is answered
	fixed sat.Lit // with other: fixed ? other : this
	other *slot
}

// frame is one copy of the facts: a project, or a design for it.
type frame []slot

// pair is a condition in a formula: the literal that it is true, and that it is
// false; neither holds when it is unknown.
type pair struct{ yes, no sat.Lit }

// encoder writes conditions into a solver.
type encoder struct {
	*theory.Solver
	failed bool // a sum could overflow; what was asked is undecided
}

// truth encodes a condition over a frame.
func (e *encoder) truth(c *condition, f frame) pair {
	switch c.shape {
	case always:
		return pair{sat.True, sat.False}
	case never:
		return pair{sat.False, sat.True}
	case leaf:
		return e.leaf(c, f, 0)
	case answered:
		known := e.known(&f[c.terms[0].Var])
		return pair{known, known.Not()}
	case not:
		p := e.truth(c.kids[0], f)
		return pair{p.no, p.yes}
	case notTrue:
		p := e.truth(c.kids[0], f)
		return pair{p.yes.Not(), p.yes}
	case choose:
		q, y, n := e.truth(c.kids[0], f), e.truth(c.kids[1], f), e.truth(c.kids[2], f)
		if q.no == q.yes.Not() && y.no == y.yes.Not() && n.no == n.yes.Not() {
			yes := e.Choose(q.yes, y.yes, n.yes)
			return pair{yes, yes.Not()}
		}
		return pair{
			e.Or(e.And(q.yes, y.yes), e.And(q.no, n.yes), e.And(y.yes, n.yes)),
			e.Or(e.And(q.yes, y.no), e.And(q.no, n.no), e.And(y.no, n.no)),
		}
	}
	yes := make([]sat.Lit, len(c.kids))
	no := make([]sat.Lit, len(c.kids))
	exact := true
	for i, k := range c.kids {
		p := e.truth(k, f)
		yes[i], no[i] = p.yes, p.no
		exact = exact && p.no == p.yes.Not()
	}
	if c.shape == all {
		l := e.And(yes...)
		if exact {
			return pair{l, l.Not()}
		}
		return pair{l, e.Or(no...)}
	}
	l := e.Or(yes...)
	if exact {
		return pair{l, l.Not()}
	}
	return pair{l, e.And(no...)}
}

func (e *encoder) known(s *slot) sat.Lit {
	if s.other == nil {
		return s.known
	}
	return e.Choose(s.fixed, s.other.known, s.known)
}

// leaf encodes a comparison; from says which of its facts may still be a choice
// of two slots.
func (e *encoder) leaf(c *condition, f frame, from int) pair {
	for i := from; i < len(c.terms); i++ {
		s := &f[c.terms[i].Var]
		if s.other == nil {
			continue
		}
		// One of both: encode each side with the choice made.
		whole := *s
		*s = *whole.other
		yes := e.leaf(c, f, i+1)
		s.terms, s.plus, s.known, s.other = whole.terms, whole.plus, whole.known, nil
		no := e.leaf(c, f, i+1)
		*s = whole
		out := pair{yes: e.Choose(whole.fixed, yes.yes, no.yes)}
		if yes.no == yes.yes.Not() && no.no == no.yes.Not() {
			out.no = out.yes.Not()
		} else {
			out.no = e.Choose(whole.fixed, yes.no, no.no)
		}
		return out
	}
	known := sat.True
	var terms []theory.Term
	plus := int64(0)
	exact := true
	for _, t := range c.terms {
		s := &f[t.Var]
		if s.known != sat.True {
			known = e.And(known, s.known)
		}
		plus += mul(t.Factor, s.plus, &exact)
		exact = exact && farLow < plus && plus < farHigh
		for _, inner := range s.terms {
			terms = append(terms, theory.Term{Var: inner.Var, Factor: mul(t.Factor, inner.Factor, &exact)})
		}
	}
	holds := sat.False
	switch {
	case known == sat.False:
		return pair{sat.False, sat.False}
	case len(terms) == 0:
		if inside(c.spans, plus) {
			holds = sat.True
		}
	default:
		form, ok := e.Sum(terms)
		if !ok || !exact || plus <= farLow || plus >= farHigh {
			e.failed = true
			return pair{sat.False, sat.False}
		}
		var parts []sat.Lit
		for _, s := range c.spans {
			up, down := sat.True, sat.True
			if s.hi < farHigh {
				up = e.SumLE(form, s.hi-plus)
			}
			if s.lo > farLow {
				down = e.SumLE(form, s.lo-plus-1).Not()
			}
			parts = append(parts, e.And(up, down))
		}
		holds = e.Or(parts...)
	}
	if known == sat.True {
		return pair{holds, holds.Not()}
	}
	return pair{e.And(known, holds), e.And(known, holds.Not())}
}

// mul multiplies, or says that the product is not exact.
func mul(a, b int64, exact *bool) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	p := a * b
	if p/b != a || p <= farLow || p >= farHigh {
		*exact = false
		return 0
	}
	return p
}

func newEncoder() encoder { return encoder{Solver: theory.New()} }

// terms makes the terms of a leaf.
func terms(list ...theory.Term) []theory.Term { return list }

// reduced is a junction without its decided parts.
func reduced(s shape, kids ...*condition) *condition {
	yes, no := &condition{shape: always}, &condition{shape: never}
	switch s {
	case not, notTrue:
		switch kids[0].shape {
		case always:
			return no
		case never:
			return yes
		}
	case choose:
		switch {
		case kids[0].shape == always:
			return kids[1]
		case kids[0].shape == never:
			return kids[2]
		case kids[1].constant() && kids[1].shape == kids[2].shape:
			return kids[1]
		}
	case all, anyOf:
		neutral, decisive := always, never
		if s == anyOf {
			neutral, decisive = never, always
		}
		var kept []*condition
		for _, k := range kids {
			if k.shape == decisive {
				return k
			}
			if k.shape != neutral {
				kept = append(kept, k)
			}
		}
		switch len(kept) {
		case 0:
			return &condition{shape: neutral}
		case 1:
			return kept[0]
		}
		kids = kept
	}
	return junction(s, kids...)
}
