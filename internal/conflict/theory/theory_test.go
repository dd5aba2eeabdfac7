package theory_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/conflict/theory"
)

var background = context.Background()

// atom is "sum of factor × variable ≤ bound", or its opposite.
type atom struct {
	factors []int64
	bound   int64
	opposed bool
}

func (a atom) holds(values []int64) bool {
	sum := int64(0)
	for i, f := range a.factors {
		sum += f * values[i]
	}
	return (sum <= a.bound) != a.opposed
}

// TestLinear compares random systems of sums under and/or with enumeration.
func TestLinear(t *testing.T) {
	t.Parallel()
	solved, failed := 0, 0
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n, top := 2+rng.IntN(2), int64(3+rng.IntN(4))
		s := theory.New()
		var vars []theory.Var
		for range n {
			vars = append(vars, s.Int(-1, top, 0, 1))
		}
		var atoms [][2]atom
		one := func() (atom, sat.Lit) {
			a := atom{bound: int64(rng.IntN(14)) - 5, opposed: rng.IntN(2) == 0}
			var terms []theory.Term
			for i := range vars {
				f := int64(rng.IntN(7)) - 3
				a.factors = append(a.factors, f)
				terms = append(terms, theory.Term{Var: vars[i], Factor: f})
			}
			form, ok := s.Sum(terms)
			if !ok {
				t.Fatal("overflow")
			}
			l := s.SumLE(form, a.bound)
			if a.opposed {
				l = l.Not()
			}
			return a, l
		}
		for range 1 + rng.IntN(6) {
			a, x := one()
			b, y := one()
			s.Add(s.Or(x, y))
			atoms = append(atoms, [2]atom{a, b})
		}
		ok := func(values []int64) bool {
			for _, pair := range atoms {
				if !pair[0].holds(values) && !pair[1].holds(values) {
					return false
				}
			}
			return true
		}
		want := false
		values := make([]int64, n)
		var fill func(i int)
		fill = func(i int) {
			if i == n {
				want = want || ok(values)
				return
			}
			for values[i] = -1; values[i] <= top; values[i]++ {
				fill(i + 1)
			}
		}
		fill(0)
		got := s.Solve(background, sat.Budget{})
		if got == sat.Unknown || (got == sat.Sat) != want {
			t.Fatalf("seed %d: %v, enumeration says %v", seed, got, want)
		}
		if got == sat.Sat {
			solved++
			for i := range vars {
				values[i] = s.Value(vars[i])
			}
			if !ok(values) {
				t.Fatalf("seed %d: %v solves nothing", seed, values)
			}
		} else {
			failed++
		}
	}
	if solved < 100 || failed < 100 {
		t.Errorf("%d solved, %d failed: too tame", solved, failed)
	}
}

// TestLargeRanges decides over ranges that no enumeration reaches.
func TestLargeRanges(t *testing.T) {
	t.Parallel()
	const far = int64(1e17)
	sum := func(s *theory.Solver, terms ...theory.Term) theory.Form {
		f, ok := s.Sum(terms)
		if !ok {
			t.Fatal("overflow")
		}
		return f
	}
	s := theory.New()
	x, y, z := s.Int(0, far, 0, 1), s.Int(0, far, 0, 1), s.Int(0, far, 0, 1)
	less := func(a, b theory.Var) sat.Lit { // a < b
		return s.SumLE(sum(s, theory.Term{Var: a, Factor: 1}, theory.Term{Var: b, Factor: -1}), -1)
	}
	s.Add(less(x, y))
	s.Add(less(y, z))
	if got := s.Solve(background, sat.Budget{}); got != sat.Sat || s.Value(x) >= s.Value(y) || s.Value(y) >= s.Value(z) {
		t.Errorf("x < y < z: %v", got)
	}
	if got := s.Solve(background, sat.Budget{}, less(z, x)); got != sat.Unsat {
		t.Errorf("a circle of less-than: %v", got)
	}
	// 2x - 2y is never odd.
	even := sum(s, theory.Term{Var: x, Factor: 2}, theory.Term{Var: y, Factor: -2})
	if got := s.Solve(background, sat.Budget{}, s.SumLE(even, 1), s.SumLE(even, 0).Not()); got != sat.Unsat {
		t.Errorf("an odd difference of even numbers: %v", got)
	}
	if _, ok := s.Sum([]theory.Term{{Var: x, Factor: 1 << 60}, {Var: y, Factor: 3}}); ok {
		t.Error("a sum that overflows was taken")
	}
}

// TestNearest shows which value a free number gets: the hint, or a round one.
func TestNearest(t *testing.T) {
	t.Parallel()
	s := theory.New()
	x := s.Int(0, 100_000_000, 50_000_000, 1_000_000)
	for _, c := range []struct {
		assume sat.Lit
		want   int64
	}{
		{sat.True, 50_000_000},
		{s.GE(x, 60_500_001), 61_000_000},
		{s.LE(x, 20_499_999), 20_000_000},
	} {
		if got := s.Solve(background, sat.Budget{}, c.assume); got != sat.Sat || s.Value(x) != c.want {
			t.Errorf("%v: %d, want %d", got, s.Value(x), c.want)
		}
	}
}
