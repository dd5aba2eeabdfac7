package sat_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onedoor/onedoor/internal/conflict/sat"
)

var background = context.Background()

// satisfiable tries every assignment. Literal 2v is variable v; variable 0 is true.
func satisfiable(vars int, clauses [][]sat.Lit, assume []sat.Lit) bool {
	holds := func(a int, l sat.Lit) bool { return (a>>(l>>1)&1 == 1) == (l&1 == 0) }
	for a := 1; a < 1<<(vars+1); a += 2 {
		ok := true
		for _, c := range clauses {
			ok = ok && slices.ContainsFunc(c, func(l sat.Lit) bool { return holds(a, l) })
		}
		for _, l := range assume {
			ok = ok && holds(a, l)
		}
		if ok {
			return true
		}
	}
	return false
}

// TestEnumeration compares incremental rounds with enumeration: models hold,
// cores are among the assumptions and fail by themselves, and the solver answers
// the same when it is asked again.
func TestEnumeration(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		vars := 3 + rng.IntN(7)
		s := sat.New()
		for range vars {
			s.NewVar(rng.IntN(2) == 0)
		}
		literal := func() sat.Lit { return sat.Lit(2*(1+rng.IntN(vars)) + rng.IntN(2)) }
		var clauses [][]sat.Lit
		for range 6 {
			for range 1 + rng.IntN(2*vars) {
				var c []sat.Lit
				for range 1 + rng.IntN(4) { // duplicates and opposites included
					c = append(c, literal())
				}
				clauses = append(clauses, c)
				s.Add(c...)
			}
			for range 2 {
				var assume []sat.Lit
				for range rng.IntN(4) {
					assume = append(assume, literal())
				}
				want := satisfiable(vars, clauses, assume)
				switch got := s.Solve(background, sat.Budget{}, assume...); {
				case got == sat.Unknown:
					t.Fatalf("seed %d: no answer", seed)
				case (got == sat.Sat) != want:
					t.Fatalf("seed %d: %v, enumeration says %v", seed, got, want)
				case got == sat.Sat:
					for _, c := range append(slices.Clone(clauses), nil) {
						if c != nil && !slices.ContainsFunc(c, s.Value) {
							t.Fatalf("seed %d: the model fails %v", seed, c)
						}
					}
					for _, l := range assume {
						if !s.Value(l) {
							t.Fatalf("seed %d: the model fails assumption %v", seed, l)
						}
					}
				default:
					core := s.Core()
					for _, l := range core {
						if !slices.Contains(assume, l) {
							t.Fatalf("seed %d: core %v of %v", seed, core, assume)
						}
					}
					if satisfiable(vars, clauses, core) {
						t.Fatalf("seed %d: core %v can hold", seed, core)
					}
				}
			}
		}
	}
}

// TestSolveAgainAfterUnsat is the sequence on which another library ends the
// process.
func TestSolveAgainAfterUnsat(t *testing.T) {
	t.Parallel()
	s := sat.New()
	a, b, c := s.NewVar(false), s.NewVar(false), s.NewVar(false)
	s.Add(a.Not(), b.Not())
	if got := s.Solve(background, sat.Budget{}); got != sat.Sat {
		t.Fatal(got)
	}
	s.Add(a, c)
	s.Add(a, c.Not())
	s.Add(b, c)
	s.Add(b, c.Not())
	for range 3 {
		if got := s.Solve(background, sat.Budget{}, c); got != sat.Unsat {
			t.Fatal(got)
		}
		if got := s.Solve(background, sat.Budget{}); got != sat.Unsat {
			t.Fatal(got)
		}
		if len(s.Core()) > 0 {
			t.Fatal(s.Core())
		}
	}
}

func TestOddInput(t *testing.T) {
	t.Parallel()
	s := sat.New()
	a := s.NewVar(true)
	s.Add(a, a, a)
	s.Add(a, a.Not())
	s.Add(sat.True)
	s.Add(sat.False, a)
	if got := s.Solve(background, sat.Budget{}, a, a, sat.True); got != sat.Sat || !s.Value(a) || !s.Value(sat.True) || s.Value(sat.False) {
		t.Error(got)
	}
	if got := s.Solve(background, sat.Budget{}, a.Not(), a); got != sat.Unsat {
		t.Error(got)
	}
	// Literals that were never made are false wherever they stand.
	if got := s.Solve(background, sat.Budget{}, sat.Lit(1000)); got != sat.Unsat {
		t.Error(got)
	}
	s.Add(sat.Lit(1000), sat.Lit(-5), a)
	if got := s.Solve(background, sat.Budget{}); got != sat.Sat {
		t.Error(got)
	}
	s.Add()
	if got := s.Solve(background, sat.Budget{}); got != sat.Unsat {
		t.Error(got)
	}
	s.Reset()
	if got := s.Solve(background, sat.Budget{}); got != sat.Sat || s.Vars() != 1 {
		t.Error(got, s.Vars())
	}
}

// pigeons puts n pigeons into n-1 holes.
func pigeons(n int) *sat.Solver {
	s := sat.New()
	in := make([][]sat.Lit, n)
	for p := range in {
		for range n - 1 {
			in[p] = append(in[p], s.NewVar(false))
		}
		s.Add(in[p]...)
	}
	for h := range n - 1 {
		for p := range in {
			for q := range p {
				s.Add(in[p][h].Not(), in[q][h].Not())
			}
		}
	}
	return s
}

func TestPigeons(t *testing.T) {
	t.Parallel()
	if got := pigeons(6).Solve(background, sat.Budget{}); got != sat.Unsat {
		t.Error(got)
	}
	s := pigeons(12)
	if got := s.Solve(background, sat.Budget{Conflicts: 500}); got != sat.Unknown {
		t.Errorf("within 500 conflicts: %v", got)
	}
	if s.Conflict > 500 {
		t.Errorf("%d conflicts", s.Conflict)
	}
	if got := s.Solve(background, sat.Budget{Steps: 100_000}); got != sat.Unknown {
		t.Errorf("within 100,000 steps: %v", got)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(background)
	s := pigeons(14)
	started := make(chan struct{})
	done := make(chan sat.Status)
	go func() {
		close(started)
		done <- s.Solve(ctx, sat.Budget{})
	}()
	<-started
	cancel()
	if got := <-done; got != sat.Unknown {
		t.Error(got)
	}
}
