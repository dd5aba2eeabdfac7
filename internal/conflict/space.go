package conflict

import (
	"context"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/conflict/theory"
	"github.com/onedoor/onedoor/internal/standard"
)

// dimension is a fact as the analysis sees it: an integer in steps of its grid.
// Booleans are 0 and 1, enum values their index.
type dimension struct {
	fact     *standard.Fact
	step     int64  // millionths in one step
	lawful   []span // the answers that a project can hold
	hint     int64  // the default, or a small value
	optional bool   // some condition asks whether it is answered
	given    bool   // no design changes it
	codes    []string
	linked   []int // indexes of the invariants that reach it
}

func (d *dimension) lo() int64 { return d.lawful[0].lo }
func (d *dimension) hi() int64 { return d.lawful[len(d.lawful)-1].hi }

// space is the set of all projects: one dimension for each fact.
type space struct {
	dims       []dimension
	invariants []*condition
	home       []int64 // a project that keeps the invariants, near the defaults
}

// newSpace makes the projects that all vocabularies can hold, and the
// translation of each vocabulary's expressions. A fact that a later vocabulary
// gave another type is another fact.
func newSpace(ctx context.Context, exprs []*standard.Expr, vocabularies ...*standard.Vocabulary) (*space, []*translation) {
	sp := &space{}
	type identity struct {
		key  string
		kind standard.FactKind
	}
	index := map[identity]int{}
	var out []*translation
	for n, v := range vocabularies {
		t := &translation{space: sp, dims: make([]int, v.Len()), values: make([][]int, v.Len())}
		for i := range v.Len() {
			f := v.At(i)
			d := newDimension(f)
			id := identity{f.Key, f.Kind}
			at, known := index[id]
			if known && n > 0 {
				old := &sp.dims[at]
				var shared []span
				for k, code := range f.Values {
					j := slices.Index(old.codes, code.Code)
					if j < 0 {
						j = len(old.codes)
						old.codes = append(old.codes, code.Code)
					} else {
						shared = append(shared, span{int64(j), int64(j)})
					}
					t.values[i] = append(t.values[i], j)
					_ = k
				}
				if f.Kind != standard.Enum {
					shared = intersect(old.lawful, d.lawful)
				}
				if len(shared) > 0 {
					old.lawful = tidy(shared)
				}
				old.fact = f
				old.given = d.given
				t.dims[i] = at
				continue
			}
			at = len(sp.dims)
			index[id] = at
			sp.dims = append(sp.dims, d)
			t.dims[i] = at
			for k := range f.Values {
				t.values[i] = append(t.values[i], k)
			}
		}
		out = append(out, t)
	}
	for i := range sp.dims {
		d := &sp.dims[i]
		if !inside(d.lawful, d.hint) {
			d.hint = d.lo()
		}
	}
	for _, e := range exprs {
		if ctx.Err() != nil {
			break // the caller sees it too
		}
		tree := e.Tree()
		markOptional(&tree, func(fact int) {
			for n, v := range vocabularies {
				if v.Owns(e) {
					sp.dims[out[n].dims[fact]].optional = true
				}
			}
		})
	}
	return sp, out
}

// retire takes values away that are no answer any more. A fact keeps at least one.
func (sp *space) retire(values map[string][]string) {
	for i := range sp.dims {
		d := &sp.dims[i]
		var kept []span
		for v, code := range d.codes {
			if !slices.Contains(values[d.fact.Key], code) && inside(d.lawful, int64(v)) {
				kept = append(kept, span{int64(v), int64(v)})
			}
		}
		if len(kept) == 0 {
			continue
		}
		if d.lawful = tidy(kept); !inside(d.lawful, d.hint) {
			d.hint = d.lo()
		}
	}
}

func newDimension(f *standard.Fact) dimension {
	d := dimension{fact: f, step: 1, given: f.Role == standard.Given}
	if f.Kind == standard.Int {
		d.step = grid
	}
	least, greatest, beyond := f.Reach()
	d.lawful = []span{{-floorDiv(-least, d.step), floorDiv(greatest, d.step)}}
	if beyond != nil {
		d.lawful = tidy(append(d.lawful, span{*beyond / d.step, *beyond / d.step}))
	}
	if value, ok := f.DefaultValue(); ok {
		d.hint = value / d.step
	}
	for _, v := range f.Values {
		d.codes = append(d.codes, v.Code)
	}
	return d
}

func markOptional(n *standard.Node, mark func(fact int)) {
	if n.Kind == standard.NodeAnswered {
		mark(n.Fact)
	}
	for i := range n.Kids {
		markOptional(&n.Kids[i], mark)
	}
}

func intersect(a, b []span) []span {
	var out []span
	for _, x := range a {
		for _, y := range b {
			if lo, hi := max(x.lo, y.lo), min(x.hi, y.hi); lo <= hi {
				out = append(out, span{lo, hi})
			}
		}
	}
	return out
}

// relate tells every dimension which invariants its value may touch: those that
// read it, and those that they are chained to.
func (sp *space) relate(invariants []*condition) {
	sp.invariants = invariants
	group := make([]int, len(sp.dims))
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
	for _, c := range invariants {
		for _, d := range c.dims[min(1, len(c.dims)):] {
			group[root(d)] = root(c.dims[0])
		}
	}
	members := map[int][]int{}
	for i, c := range invariants {
		if len(c.dims) > 0 {
			members[root(c.dims[0])] = append(members[root(c.dims[0])], i)
		}
	}
	sp.home = make([]int64, len(sp.dims))
	for i := range sp.dims {
		sp.dims[i].linked = members[root(i)]
		sp.home[i] = sp.dims[i].hint
	}
	if len(invariants) == 0 {
		return
	}
	e := newEncoder()
	var dims []int
	for _, c := range invariants {
		dims = append(dims, c.dims...)
	}
	dims = union(dims)
	f := sp.fresh(&e, dims)
	sp.demand(&e, f, dims)
	// Without an answer the defaults stay; the analysis asks again and says so.
	if e.Solve(context.Background(), sat.Budget{Conflicts: defaultQuery, Steps: mostSteps}) == sat.Sat {
		sp.home = sp.values(&e, f)
	}
}

// touched gives the invariants that the dimensions are chained to.
func (sp *space) touched(dims []int) []int {
	var out []int
	for _, d := range dims {
		for _, i := range sp.dims[d].linked {
			if !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return out
}

// closure adds the dimensions of the invariants that the given ones touch.
func (sp *space) closure(dims []int) []int {
	out := slices.Clone(dims)
	for _, i := range sp.touched(dims) {
		out = append(out, sp.invariants[i].dims...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// union sorts and joins sets of dimensions.
func union(sets ...[]int) []int {
	out := slices.Concat(sets...)
	slices.Sort(out)
	return slices.Compact(out)
}

// fresh makes a frame with variables of its own for some dimensions. Its
// variables hold lawful answers; invariants are demanded by the caller.
func (sp *space) fresh(e *encoder, dims []int) frame {
	f := make(frame, len(sp.dims))
	for _, d := range dims {
		f[d] = sp.variable(e, d)
	}
	return f
}

func (sp *space) variable(e *encoder, dim int) slot {
	d := &sp.dims[dim]
	unit := int64(1)
	if d.fact.Kind == standard.Number {
		unit = grid
	}
	v := e.Int(d.lo(), d.hi(), d.hint, unit)
	if len(d.lawful) > 1 {
		var lits []sat.Lit
		for _, s := range d.lawful {
			lits = append(lits, e.And(e.GE(v, s.lo), e.LE(v, s.hi)))
		}
		e.Add(lits...)
	}
	known := sat.True
	if d.optional {
		known = e.Bool(true)
	}
	return slot{terms: []theory.Term{{Var: v, Factor: 1}}, known: known}
}

// demand asserts the invariants that the dimensions touch on a frame.
func (sp *space) demand(e *encoder, f frame, dims []int) {
	for _, i := range sp.touched(dims) {
		e.Add(e.truth(sp.invariants[i], f).yes)
	}
}

// values reads a frame of plain variables back from the last model; dimensions
// without a variable stay at home.
func (sp *space) values(e *encoder, f frame) []int64 {
	out := make([]int64, len(sp.dims))
	for i := range out {
		s := &f[i]
		switch {
		case s.terms == nil && s.known == 0 && s.plus == 0 && s.other == nil:
			out[i] = sp.home[i]
		case !e.Holds(s.known):
			out[i] = absent
		default:
			out[i] = s.plus
			for _, t := range s.terms {
				out[i] += t.Factor * e.Value(t.Var)
			}
		}
	}
	return out
}

// facts writes the values of some dimensions as answers.
func (sp *space) facts(values []int64, dims []int) map[string]any {
	out := make(map[string]any, len(dims))
	for _, i := range dims {
		if d := &sp.dims[i]; values[i] != absent {
			out[d.fact.Key] = d.answer(values[i])
		}
	}
	return out
}

func (d *dimension) answer(value int64) any {
	switch d.fact.Kind {
	case standard.Bool:
		return value == 1
	case standard.Enum:
		return d.codes[value]
	}
	return standard.Decimal(value * d.step)
}
