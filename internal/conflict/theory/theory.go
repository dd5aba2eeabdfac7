// Package theory decides formulas over bounded integers: order encoding on top
// of package sat, gates with sharing, and exact linear arithmetic that is
// checked only for the assignments that the search proposes.
package theory

import (
	"context"
	"math/big"
	"slices"
	"sort"

	"github.com/onedoor/onedoor/internal/conflict/sat"
)

// Var is an integer variable of a Solver.
type Var int32

// Term is a variable with its factor in a sum.
type Term struct {
	Var    Var
	Factor int64
}

// Solver decides formulas. Everything that is added stays until Reset.
type Solver struct {
	sat     *sat.Solver
	ints    []integer
	sums    map[string]Var // by normalised terms
	linear  []Var          // the sums, in order
	gates   map[uint64][]gate
	scratch []sat.Lit
	splits  int
}

// integer is a variable with its order encoding: le[i] means value ≤ at[i]. A
// sum is an integer with terms.
type integer struct {
	lo, hi int64
	hint   int64
	unit   int64
	at     []int64
	le     []sat.Lit
	terms  []Term
	summed bool // stands in a sum
	value  int64
}

type gate struct {
	inputs []sat.Lit
	out    sat.Lit
}

// New gives an empty solver.
func New() *Solver {
	return &Solver{sat: sat.New(), sums: map[string]Var{}, gates: map[uint64][]gate{}}
}

// Reset forgets everything and keeps the memory.
func (s *Solver) Reset() {
	s.sat.Reset()
	s.ints, s.linear, s.splits = s.ints[:0], s.linear[:0], 0
	clear(s.sums)
	clear(s.gates)
}

// Size is the number of propositional variables.
func (s *Solver) Size() int { return s.sat.Vars() }

// Bool makes a propositional variable.
func (s *Solver) Bool(phase bool) sat.Lit { return s.sat.NewVar(phase) }

// Int makes an integer between lo and hi, both inclusive. The search tries the
// hint first; a value elsewhere is a multiple of the unit, a power of ten, where
// one fits.
func (s *Solver) Int(lo, hi, hint, unit int64) Var {
	if n := len(s.ints); n < cap(s.ints) {
		s.ints = s.ints[:n+1]
		x := &s.ints[n]
		*x = integer{lo: lo, hi: hi, hint: hint, unit: unit, at: x.at[:0], le: x.le[:0]}
	} else {
		s.ints = append(s.ints, integer{lo: lo, hi: hi, hint: hint, unit: unit})
	}
	return Var(len(s.ints) - 1)
}

// Hint changes what the search tries first for a variable.
func (s *Solver) Hint(v Var, hint int64) {
	x := &s.ints[v]
	x.hint = hint
	for i, c := range x.at {
		if hint <= c {
			s.sat.Prefer(x.le[i])
		} else {
			s.sat.Prefer(x.le[i].Not())
		}
	}
}

// LE gives the literal "v ≤ c".
func (s *Solver) LE(v Var, c int64) sat.Lit {
	x := &s.ints[v]
	if c >= x.hi {
		return sat.True
	}
	if c < x.lo {
		return sat.False
	}
	i, found := slices.BinarySearch(x.at, c)
	if found {
		return x.le[i]
	}
	l := s.sat.NewVar(x.hint <= c)
	x.at = slices.Insert(x.at, i, c)
	x.le = slices.Insert(x.le, i, l)
	if i > 0 {
		s.sat.Add(x.le[i-1].Not(), l)
	}
	if i+1 < len(x.le) {
		s.sat.Add(l.Not(), x.le[i+1])
	}
	return l
}

// GE gives the literal "v ≥ c".
func (s *Solver) GE(v Var, c int64) sat.Lit {
	if x := &s.ints[v]; c <= x.lo {
		return sat.True
	}
	return s.LE(v, c-1).Not()
}

// Range gives the bounds of a variable.
func (s *Solver) Range(v Var) (lo, hi int64) { return s.ints[v].lo, s.ints[v].hi }

// Sum gives a variable that equals the sum of the terms, and what is left of a
// bound on that sum when it is written as a bound on the variable: sum ≤ c means
// v ≤ div(c). It is false when the sum could overflow.
func (s *Solver) Sum(terms []Term) (form Form, ok bool) {
	merged := make([]Term, 0, len(terms))
	sorted := slices.Clone(terms)
	slices.SortStableFunc(sorted, func(a, b Term) int { return int(a.Var - b.Var) })
	for _, t := range sorted {
		if n := len(merged); n > 0 && merged[n-1].Var == t.Var {
			sum := merged[n-1].Factor + t.Factor
			if (t.Factor > 0) == (sum < merged[n-1].Factor) && t.Factor != 0 {
				return Form{}, false
			}
			merged[n-1].Factor = sum
			continue
		}
		merged = append(merged, t)
	}
	merged = slices.DeleteFunc(merged, func(t Term) bool { return t.Factor == 0 })
	if len(merged) == 0 {
		return Form{constant: true}, true
	}
	divisor := int64(0)
	for _, t := range merged {
		if t.Factor == -1<<63 {
			return Form{}, false
		}
		divisor = gcd(divisor, max(t.Factor, -t.Factor))
	}
	sign := int64(1)
	if merged[0].Factor < 0 {
		sign = -1
	}
	for i := range merged {
		merged[i].Factor = sign * merged[i].Factor / divisor
	}
	form = Form{divisor: divisor, flipped: sign < 0}
	if len(merged) == 1 { // the factor is 1 now
		form.v = merged[0].Var
		return form, true
	}
	key := make([]byte, 0, 16*len(merged))
	for _, t := range merged {
		key = appendInt(appendInt(key, int64(t.Var)), t.Factor)
	}
	v, known := s.sums[string(key)]
	if !known {
		lo, hi := new(big.Int), new(big.Int)
		hint := new(big.Int)
		for _, t := range merged {
			x := &s.ints[t.Var]
			a, b := x.lo, x.hi
			if t.Factor < 0 {
				a, b = b, a
			}
			lo.Add(lo, product(t.Factor, a))
			hi.Add(hi, product(t.Factor, b))
			hint.Add(hint, product(t.Factor, x.hint))
		}
		if !small(lo) || !small(hi) || !small(hint) {
			return Form{}, false
		}
		v = s.Int(lo.Int64(), hi.Int64(), hint.Int64(), 1)
		s.ints[v].terms = merged
		for _, t := range merged {
			s.ints[t.Var].summed = true
		}
		s.sums[string(key)] = v
		s.linear = append(s.linear, v)
	}
	form.v = v
	return form, true
}

// Form is a sum that has a variable: sum = ± divisor × variable.
type Form struct {
	v        Var
	divisor  int64
	flipped  bool
	constant bool // the sum is 0
}

// SumLE gives the literal "sum ≤ c".
func (s *Solver) SumLE(f Form, c int64) sat.Lit {
	switch {
	case f.constant:
		if c >= 0 {
			return sat.True
		}
		return sat.False
	case f.flipped: // -d·v ≤ c  ⇔  v ≥ ceil(-c/d) = -floor(c/d)
		return s.GE(f.v, -floorDiv(c, f.divisor))
	}
	return s.LE(f.v, floorDiv(c, f.divisor))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }

// small keeps far enough from the edge that bounds can be moved by one.
func small(n *big.Int) bool { return n.BitLen() < 63 }

func appendInt(to []byte, n int64) []byte {
	for range 8 {
		to = append(to, byte(n))
		n >>= 8
	}
	return to
}

// Add demands that one of the literals holds.
func (s *Solver) Add(lits ...sat.Lit) { s.sat.Add(lits...) }

// Prefer sets what is tried first.
func (s *Solver) Prefer(l sat.Lit) { s.sat.Prefer(l) }

// Or gives a literal that holds exactly when one of the literals does.
func (s *Solver) Or(lits ...sat.Lit) sat.Lit {
	s.scratch = s.scratch[:0]
	for _, l := range lits {
		s.scratch = append(s.scratch, l.Not())
	}
	return s.and(s.scratch).Not()
}

// And gives a literal that holds exactly when all of the literals do.
func (s *Solver) And(lits ...sat.Lit) sat.Lit {
	s.scratch = append(s.scratch[:0], lits...)
	return s.and(s.scratch)
}

// and may change its argument.
func (s *Solver) and(in []sat.Lit) sat.Lit {
	slices.Sort(in)
	kept := in[:0]
	for _, l := range in {
		switch {
		case l == sat.True || len(kept) > 0 && kept[len(kept)-1] == l:
			continue
		case l == sat.False || len(kept) > 0 && kept[len(kept)-1] == l.Not():
			return sat.False
		}
		kept = append(kept, l)
	}
	switch len(kept) {
	case 0:
		return sat.True
	case 1:
		return kept[0]
	}
	hash := uint64(14695981039346656037)
	for _, l := range kept {
		hash = (hash ^ uint64(uint32(l))) * 1099511628211
	}
	for _, g := range s.gates[hash] {
		if slices.Equal(g.inputs, kept) {
			return g.out
		}
	}
	inputs := slices.Clone(kept)
	out := s.sat.NewVar(true)
	s.gates[hash] = append(s.gates[hash], gate{inputs, out})
	all := make([]sat.Lit, 0, len(inputs)+1)
	for _, l := range inputs {
		s.sat.Add(out.Not(), l)
		all = append(all, l.Not())
	}
	s.sat.Add(append(all, out)...)
	return out
}

// Choose gives "condition ? yes : no".
func (s *Solver) Choose(condition, yes, no sat.Lit) sat.Lit {
	if yes == no {
		return yes
	}
	return s.And(s.Or(condition.Not(), yes), s.Or(condition, no))
}

// mostSplits bounds how often one call of Solve may cut a fractional solution.
const mostSplits = 2000

// Solve searches for an assignment of booleans and integers. Unknown means that
// the budget or the context has run out.
func (s *Solver) Solve(ctx context.Context, budget sat.Budget, assume ...sat.Lit) sat.Status {
	began := s.sat.Conflict
	for range mostSplits {
		left := budget
		if budget.Conflicts > 0 {
			left.Conflicts = budget.Conflicts - (s.sat.Conflict - began)
			if left.Conflicts <= 0 {
				return sat.Unknown
			}
		}
		status := s.sat.Solve(ctx, left, assume...)
		if status != sat.Sat {
			return status
		}
		switch s.settle(ctx) {
		case settled:
			return sat.Sat
		case hopeless:
			return sat.Unknown
		}
	}
	return sat.Unknown
}

// Holds tells whether a literal holds in the last model.
func (s *Solver) Holds(l sat.Lit) bool { return s.sat.Value(l) }

// Value gives an integer's value in the last model.
func (s *Solver) Value(v Var) int64 { return s.ints[v].value }

// Core gives the assumptions that failed.
func (s *Solver) Core() []sat.Lit { return s.sat.Core() }

// Cell gives the interval between two neighbouring bounds of the encoding in
// which the value lies, with the literals that say so. For a variable that
// stands in a sum the interval is the value itself: a sum tells all values apart.
func (s *Solver) Cell(v Var, value int64) []sat.Lit {
	x := &s.ints[v]
	if x.summed {
		return literals(s.GE(v, value), s.LE(v, value))
	}
	i := sort.Search(len(x.at), func(i int) bool { return x.at[i] >= value })
	var out []sat.Lit
	if i > 0 {
		out = append(out, x.le[i-1].Not())
	}
	if i < len(x.at) {
		out = append(out, x.le[i])
	}
	return out
}

func literals(lits ...sat.Lit) []sat.Lit {
	return slices.DeleteFunc(lits, func(l sat.Lit) bool { return l == sat.True })
}

// bounds gives the interval of a variable in the last propositional model.
func (s *Solver) bounds(x *integer) (lo, hi int64) {
	lo, hi = x.lo, x.hi
	i := sort.Search(len(x.le), func(i int) bool { return s.sat.Value(x.le[i]) })
	if i > 0 {
		lo = x.at[i-1] + 1
	}
	if i < len(x.at) {
		hi = x.at[i]
	}
	return lo, hi
}

// Conflicts is the number of conflicts of all calls of Solve.
func (s *Solver) Conflicts() int64 { return s.sat.Conflict }

// Steps is the number of literals assigned in all calls of Solve.
func (s *Solver) Steps() int64 { return s.sat.Steps }

// Sums lists the variables that stand for sums.
func (s *Solver) Sums() []Var { return s.linear }

// Meaning gives the interval that a literal of a variable's encoding stands for.
func (s *Solver) Meaning(v Var, l sat.Lit) (lo, hi int64) {
	x := &s.ints[v]
	lo, hi = x.lo, x.hi
	for i, le := range x.le {
		switch l {
		case le:
			hi = x.at[i]
		case le.Not():
			lo = x.at[i] + 1
		}
	}
	return lo, hi
}
