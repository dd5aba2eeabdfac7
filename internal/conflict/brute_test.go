package conflict_test

import (
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/standard"
)

// small is a random small standard and every project that it can have.
type small struct {
	rng        *rand.Rand
	vocabulary *standard.Vocabulary
	subject    *conflict.Subject
	projects   []*standard.Project // those that keep the invariants
	ordinals   [][]int             // by project and fact: the number of its value
	optional   map[string]bool
}

func decimal(n int64) *standard.Decimal {
	d := standard.Decimal(n * 1_000_000)
	return &d
}

// vocabularies are six small facts in several distributions of roles.
var vocabularies = sync.OnceValue(func() []*standard.Vocabulary {
	var out []*standard.Vocabulary
	roles := []standard.FactRole{standard.Given, standard.Choice, standard.Design}
	for n := range 8 {
		rng := rand.New(rand.NewPCG(uint64(n), 7))
		role := func() standard.FactRole { return roles[rng.IntN(3)] }
		facts := []standard.Fact{
			{Key: "b", Kind: standard.Bool, Role: role()},
			{Key: "c", Kind: standard.Bool, Role: standard.Design},
			{Key: "e", Kind: standard.Enum, Role: role(), Values: []standard.FactValue{{Code: "x"}, {Code: "y"}, {Code: "z"}}},
			{Key: "i", Kind: standard.Int, Role: role(), Min: decimal(0), Max: decimal(3)},
			{Key: "j", Kind: standard.Int, Role: standard.Design, Min: decimal(0), Max: decimal(3)},
			{Key: "k", Kind: standard.Int, Role: role(), Min: decimal(0), Max: decimal(2), Default: 5},
		}
		v, err := standard.NewVocabulary(facts)
		if err != nil {
			panic(err)
		}
		out = append(out, v)
	}
	return out
})

func (s *small) leaf() string {
	number := func() string { return []string{"facts.i", "facts.j", "facts.k"}[s.rng.IntN(3)] }
	operator := func() string { return []string{"<=", ">=", "<", ">", "==", "!="}[s.rng.IntN(6)] }
	switch s.rng.IntN(12) {
	case 0, 1:
		return "facts.b"
	case 2, 3:
		return "facts.c"
	case 4, 5:
		return fmt.Sprintf("facts.e %s %q", []string{"==", "!="}[s.rng.IntN(2)], []string{"x", "y", "z"}[s.rng.IntN(3)])
	case 6:
		return `facts.e in ["x", "z"]`
	case 7:
		return fmt.Sprintf("facts.i + %d * facts.j %s %d", 1+s.rng.IntN(2), operator(), s.rng.IntN(6))
	case 8:
		return fmt.Sprintf("facts.j - facts.k %s %d", operator(), s.rng.IntN(4)-1)
	}
	return fmt.Sprintf("%s %s %d", number(), operator(), s.rng.IntN(4))
}

func (s *small) expr(depth int) string {
	if depth == 0 || s.rng.IntN(3) == 0 {
		if s.rng.IntN(4) == 0 {
			return "!(" + s.leaf() + ")"
		}
		return s.leaf()
	}
	a, b := s.expr(depth-1), s.expr(depth-1)
	switch s.rng.IntN(7) {
	case 0, 1, 2:
		return "(" + a + ") && (" + b + ")"
	case 3, 4, 5:
		return "(" + a + ") || (" + b + ")"
	}
	return "(" + s.leaf() + ") ? (" + a + ") : (" + b + ")"
}

func (s *small) parse(t testing.TB, src string) *standard.Expr {
	e, diagnostics := s.vocabulary.Parse(src)
	if len(diagnostics) > 0 {
		t.Fatalf("%s: %v", src, diagnostics)
	}
	return e
}

func (s *small) clause(t testing.TB, n int) *standard.Compiled {
	applies := s.expr(1)
	if s.rng.IntN(4) == 0 {
		applies = "true"
	}
	if s.rng.IntN(12) == 0 {
		s.optional["b"] = true
		applies = "has(facts.b) && (" + applies + ")"
	}
	c := standard.Clause{
		Code: fmt.Sprintf("C%d", n), Item: fmt.Sprintf("item%d", s.rng.IntN(3)), Department: fmt.Sprintf("d%d", s.rng.IntN(3)),
		Category: fmt.Sprintf("k%d", s.rng.IntN(2)), Kind: standard.Condition, Text: "…", AppliesWhen: applies,
	}
	if s.rng.IntN(10) > 0 {
		requires := s.expr(1 + s.rng.IntN(2))
		c.Requires = &requires
	}
	if s.rng.IntN(12) == 0 {
		c.InterpretationGroup = "g"
	}
	compiled, diagnostics := s.vocabulary.Compile(c)
	if len(diagnostics) > 0 {
		t.Fatalf("%v: %v", c, diagnostics)
	}
	return compiled
}

func newSmall(t testing.TB, seed uint64) *small {
	rng := rand.New(rand.NewPCG(seed, 1))
	all := vocabularies()
	s := &small{rng: rng, vocabulary: all[rng.IntN(len(all))], optional: map[string]bool{}}
	s.subject = &conflict.Subject{Vocabulary: s.vocabulary}
	for n := range 3 + rng.IntN(4) {
		s.subject.Clauses = append(s.subject.Clauses, s.clause(t, n))
	}
	if rng.IntN(3) == 0 {
		s.subject.Invariants = append(s.subject.Invariants, conflict.Invariant{Code: "I", Expr: s.parse(t, s.expr(1))})
	}
	if rng.IntN(4) == 0 {
		s.subject.Overrides = append(s.subject.Overrides, conflict.Override{Clause: "C0", Over: "C1"})
	}
	s.items(t)
	s.enumerate(t)
	return s
}

// items adds four items that may wait for each other.
func (s *small) items(t testing.TB) {
	for n := range 4 {
		needed := "true"
		if s.rng.IntN(3) > 0 {
			needed = s.expr(1)
		}
		s.subject.Items = append(s.subject.Items, conflict.Item{
			Item:   item.Item{Code: fmt.Sprintf("item%d", n), Department: fmt.Sprintf("d%d", n), NeededWhen: needed},
			Needed: s.parse(t, needed),
		})
	}
	for range 3 + s.rng.IntN(5) {
		a, b := s.rng.IntN(4), s.rng.IntN(4)
		if a == b {
			continue
		}
		s.subject.Edges = append(s.subject.Edges, conflict.Edge{
			From: fmt.Sprintf("item%d", a), To: fmt.Sprintf("item%d", b), Soft: s.rng.IntN(4) == 0, When: s.parse(t, s.expr(1)),
		})
	}
}

// enumerate lists all projects, the facts that has() asks about also unanswered.
func (s *small) enumerate(t testing.TB) {
	values := map[string][]any{
		"b": {false, true}, "c": {false, true}, "e": {"x", "y", "z"},
		"i": {0, 1, 2, 3}, "j": {0, 1, 2, 3}, "k": {0, 1, 2, 5},
	}
	facts, ordinals := map[string]any{}, make([]int, 6)
	var fill func(keys []string)
	fill = func(keys []string) {
		if len(keys) == 0 {
			p, problems := s.vocabulary.Project(facts)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			for _, i := range s.subject.Invariants {
				if i.Expr.Eval(p) != standard.True {
					return
				}
			}
			s.projects = append(s.projects, p)
			s.ordinals = append(s.ordinals, slices.Clone(ordinals))
			return
		}
		at := 6 - len(keys)
		for n, v := range values[keys[0]] {
			facts[keys[0]], ordinals[at] = v, n+1
			fill(keys[1:])
		}
		delete(facts, keys[0])
		if ordinals[at] = 0; s.optional[keys[0]] {
			fill(keys[1:])
		}
	}
	fill([]string{"b", "c", "e", "i", "j", "k"})
}

// applies judges a clause with its overriding clauses.
func (s *small) applies(c *standard.Compiled, p *standard.Project) standard.Truth {
	t := c.Applies.Eval(p)
	for _, o := range s.subject.Overrides {
		if o.Over == c.Code {
			t = t.And(s.byCode(o.Clause).Applies.Eval(p).Not())
		}
	}
	return t
}

func (s *small) byCode(code string) *standard.Compiled {
	i := slices.IndexFunc(s.subject.Clauses, func(c *standard.Compiled) bool { return c.Code == code })
	return s.subject.Clauses[i]
}

func (s *small) breached(c *standard.Compiled, p *standard.Project) bool {
	return c.Requires != nil && s.applies(c, p) == standard.True && c.Requires.Eval(p) != standard.True
}

func (s *small) some(holds func(*standard.Project) bool) bool {
	return slices.ContainsFunc(s.projects, holds)
}

// reads lists the facts that decide whether a clause applies.
func (s *small) reads(c *standard.Compiled) map[int]bool {
	out := map[int]bool{}
	for _, f := range c.Applies.Facts() {
		out[f] = true
	}
	for _, o := range s.subject.Overrides {
		if o.Over == c.Code {
			for _, f := range s.byCode(o.Clause).Applies.Facts() {
				out[f] = true
			}
		}
	}
	return out
}

func (s *small) rivals(a, b *standard.Compiled) bool {
	return a.InterpretationGroup != "" && a.InterpretationGroup == b.InterpretationGroup
}

// contradictions lists the minimal sets by the definition, project by project.
func (s *small) contradictions() []string {
	var clauses []*standard.Compiled
	for _, c := range s.subject.Clauses {
		if c.Requires != nil {
			clauses = append(clauses, c)
		}
	}
	found := map[string]bool{}
	for _, avoid := range []bool{false, true} {
		design := func(f int) bool { return s.vocabulary.At(f).Role == standard.Design }
		does := make([]int, len(s.projects)) // by project: the clauses whose demand it does
		applying := make([]int, len(s.projects))
		for k, p := range s.projects {
			for n, c := range clauses {
				avoidable := false
				for f := range s.reads(c) {
					avoidable = avoidable || design(f)
				}
				if c.Requires.Eval(p) == standard.True || avoid && avoidable && s.applies(c, p) != standard.True {
					does[k] |= 1 << n
				}
				if s.applies(c, p) == standard.True {
					applying[k] |= 1 << n
				}
			}
		}
		for set := 1; set < 1<<len(clauses); set++ {
			if bits.OnesCount(uint(set)) < 2 {
				continue
			}
			var codes []string
			var members []*standard.Compiled
			fixed := map[int]bool{}
			clash := false
			for n, c := range clauses {
				if set>>n&1 == 0 {
					continue
				}
				for _, m := range members {
					clash = clash || s.rivals(c, m)
				}
				members, codes = append(members, c), append(codes, c.Code)
				for f := range s.reads(c) {
					if !avoid || !design(f) {
						fixed[f] = true
					}
				}
			}
			if clash && len(codes) > 2 {
				continue // beside other clauses only one reading binds
			}
			for f := range s.vocabulary.Len() {
				if s.vocabulary.At(f).Role == standard.Given {
					fixed[f] = true
				}
			}
			keys := make([]int, len(s.projects))
			masks := map[int][]int{}
			for k := range s.projects {
				for f := range s.vocabulary.Len() {
					keys[k] *= 8
					if fixed[f] {
						keys[k] += s.ordinals[k][f]
					}
				}
				if mask := does[k] & set; !slices.Contains(masks[keys[k]], mask) {
					masks[keys[k]] = append(masks[keys[k]], mask)
				}
			}
			can := func(key, set int) bool {
				return slices.ContainsFunc(masks[key], func(m int) bool { return m&set == set })
			}
			for k := range s.projects {
				if applying[k]&set != set || can(keys[k], set) {
					continue
				}
				minimal := true
				for n := range clauses {
					if set>>n&1 == 1 && !can(keys[k], set&^(1<<n)) {
						minimal = false
					}
				}
				if minimal {
					found[strings.Join(codes, " ")] = true
					break
				}
			}
		}
	}
	var out []string
	for k := range found {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// cycles lists the elementary circles that some project activates: with hard
// precedence only, and with promises.
func (s *small) cycles() []string {
	type arc struct{ from, to string }
	sources := map[arc][]conflict.Edge{}
	needed := map[string]*standard.Expr{}
	for _, it := range s.subject.Items {
		needed[it.Code] = it.Needed
	}
	for _, e := range s.subject.Edges {
		sources[arc{e.From, e.To}] = append(sources[arc{e.From, e.To}], e)
	}
	active := func(a arc, p *standard.Project, soft bool) bool {
		return needed[a.from].Eval(p) == standard.True && needed[a.to].Eval(p) == standard.True &&
			slices.ContainsFunc(sources[a], func(e conflict.Edge) bool { return (soft || !e.Soft) && e.When.Eval(p) == standard.True })
	}
	var out []string
	var path []string
	var walk func(n string)
	walk = func(n string) {
		path = append(path, n)
		for m := range needed {
			if len(sources[arc{n, m}]) == 0 {
				continue
			}
			if m == path[0] && len(path) > 1 {
				for _, soft := range []bool{false, true} {
					bites := s.some(func(p *standard.Project) bool {
						for i, from := range path {
							if !active(arc{from, path[(i+1)%len(path)]}, p, soft) {
								return false
							}
						}
						return true
					})
					if bites {
						out = append(out, fmt.Sprint(path, soft))
						break
					}
				}
			} else if m > path[0] && !slices.Contains(path, m) {
				walk(m)
			}
		}
		path = path[:len(path)-1]
	}
	for n := range needed {
		walk(n)
	}
	slices.Sort(out)
	return out
}

func foundSets(r *conflict.Report, k conflict.Kind) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Kind == k {
			out = append(out, strings.Join(f.Clauses, " "))
		}
	}
	slices.Sort(out)
	return out
}

// TestBruteForce compares every analysis with the enumeration of all projects of
// random small standards: sums, optional facts, invariants, overriding clauses,
// readings and a default out of range included.
func TestBruteForce(t *testing.T) {
	t.Parallel()
	const shards = 8
	first, standards := 0, 1200
	if n, err := strconv.Atoi(os.Getenv("ONEDOOR_STANDARDS")); err == nil { // more, and others, by night
		first, standards = 1200, n
	}
	counts := make([]map[string]int, shards)
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			counts[shard] = map[string]int{}
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := first + shard; seed < first+standards; seed += shards {
					compareWithBruteForce(t, uint64(seed), counts[shard])
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	})
	total := map[string]int{}
	for _, c := range counts {
		for k, n := range c {
			total[k] += n
		}
	}
	for _, kind := range append(slices.Clone(conflict.Kinds), "CORE 3", conflict.NewlyRefused, conflict.NewlyAllowed, conflict.NewlyNeeded, conflict.NotNeeded) {
		if total[string(kind)] < 10 {
			t.Errorf("only %d of %s: the standards are too tame to prove anything", total[string(kind)], kind)
		}
	}
	t.Log(total)
}

func compareWithBruteForce(t *testing.T, seed uint64, counts map[string]int) {
	s := newSmall(t, seed)
	if len(s.projects) == 0 {
		if _, err := conflict.Analyse(context.Background(), s.subject, conflict.Options{}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("invariants that nothing keeps: %v", err)
		}
		return
	}
	report := analyse(t, s.subject, conflict.Options{})
	for _, f := range report.Findings {
		counts[string(f.Kind)]++
		if !f.Proved {
			t.Errorf("not proved: %+v", f)
		}
		if f.Kind == conflict.Contradiction && len(f.Clauses) > 2 {
			counts["CORE 3"]++
		}
	}
	if diff := cmp.Diff(s.contradictions(), foundSets(report, conflict.Contradiction)); diff != "" {
		t.Errorf("contradictions (-brute force +analysis):\n%s", diff)
	}
	var cycles []string
	for _, f := range report.Findings {
		if f.Kind == conflict.Cycle {
			soft := slices.ContainsFunc(f.Edges, func(e conflict.Step) bool { return e.Soft })
			cycles = append(cycles, fmt.Sprint(f.Items, soft))
		}
	}
	slices.Sort(cycles)
	if diff := cmp.Diff(s.cycles(), cycles); diff != "" {
		t.Errorf("cycles (-brute force +analysis):\n%s", diff)
	}
	s.compareSingles(t, report)
	s.compareGaps(t, report)
	s.compareRedundancy(t, report)
	s.compareDiff(t, counts)
}

func (s *small) compareSingles(t *testing.T, report *conflict.Report) {
	var want []string
	for _, c := range s.subject.Clauses {
		applies := func(p *standard.Project) bool { return s.applies(c, p) == standard.True }
		met := func(p *standard.Project) bool { return c.Requires.Eval(p) == standard.True }
		if !s.some(applies) {
			want = append(want, "DEAD "+c.Code)
			continue
		}
		if c.Requires != nil {
			if !s.some(func(p *standard.Project) bool { return applies(p) && met(p) }) {
				want = append(want, "UNFULFILLABLE "+c.Code)
			}
			if !s.some(func(p *standard.Project) bool { return applies(p) && !met(p) }) {
				want = append(want, "VACUOUS "+c.Code)
			}
		}
		if s.some(func(p *standard.Project) bool {
			return s.applies(c, p) == standard.Unknown || c.Requires != nil && applies(p) && c.Requires.Eval(p) == standard.Unknown
		}) {
			want = append(want, "UNDETERMINED "+c.Code)
		}
	}
	var got []string
	for _, f := range report.Findings {
		switch f.Kind {
		case conflict.Dead, conflict.Unfulfillable, conflict.Vacuous, conflict.Undetermined:
			got = append(got, string(f.Kind)+" "+f.Clauses[0])
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("single clauses (-brute force +analysis):\n%s", diff)
	}
}

// compareGaps checks that there is a gap exactly when some project is left out,
// that regions hold only such projects, and that few regions hold all of them.
func (s *small) compareGaps(t *testing.T, report *conflict.Report) {
	for _, category := range []string{"k0", "k1"} {
		var covering []*standard.Compiled
		for _, c := range s.subject.Clauses {
			if c.Category == category {
				covering = append(covering, c)
			}
		}
		alive := slices.ContainsFunc(covering, func(c *standard.Compiled) bool {
			return s.some(func(p *standard.Project) bool { return s.applies(c, p) == standard.True })
		})
		if !alive {
			continue
		}
		var regions []*standard.Expr
		for _, f := range report.Findings {
			if f.Kind == conflict.Gap && f.Category == category && len(f.Clauses) == 0 {
				condition := f.Condition
				if condition == "" {
					condition = "true"
				}
				regions = append(regions, s.parse(t, condition))
			}
		}
		for _, p := range s.projects {
			covered := slices.ContainsFunc(covering, func(c *standard.Compiled) bool { return s.applies(c, p) == standard.True })
			inRegion := slices.ContainsFunc(regions, func(e *standard.Expr) bool { return e.Eval(p) == standard.True })
			if covered && inRegion {
				t.Errorf("gap of %s holds a project that is covered: %v in %v", category, p.Facts(), regions)
				return
			}
			if !covered && !inRegion && len(regions) < 4 {
				t.Errorf("gap of %s: %v is in none of %v", category, p.Facts(), regions)
				return
			}
		}
	}
}

// compareRedundancy tries all sets of other clauses.
func (s *small) compareRedundancy(t *testing.T, report *conflict.Report) {
	open := map[string]int{}
	for _, c := range s.subject.Clauses {
		open[c.InterpretationGroup]++
	}
	for _, j := range s.subject.Clauses {
		if j.Requires == nil {
			continue
		}
		var pool []*standard.Compiled
		for _, c := range s.subject.Clauses {
			if c != j && c.Requires != nil && (c.InterpretationGroup == "" || open[c.InterpretationGroup] < 2) {
				pool = append(pool, c)
			}
		}
		implies := func(set int) bool {
			breached := false
			for _, p := range s.projects {
				if !s.breached(j, p) {
					continue
				}
				breached = true
				if !slices.ContainsFunc(pool, func(c *standard.Compiled) bool { return set>>slices.Index(pool, c)&1 == 1 && s.breached(c, p) }) {
					return false
				}
			}
			return breached
		}
		kept := func(set int) bool {
			return s.some(func(p *standard.Project) bool {
				return s.applies(j, p) == standard.True && !slices.ContainsFunc(pool, func(c *standard.Compiled) bool {
					return set>>slices.Index(pool, c)&1 == 1 && s.breached(c, p)
				})
			})
		}
		want := false
		for set := 1; set < 1<<len(pool) && !want; set++ {
			want = implies(set) && kept(set)
		}
		got := slices.IndexFunc(report.Findings, func(f conflict.Finding) bool { return f.Kind == conflict.Redundant && f.Clauses[0] == j.Code })
		if want != (got >= 0) {
			t.Errorf("redundancy of %s: brute force says %v", j.Code, want)
			continue
		}
		if got < 0 {
			continue
		}
		set := 0
		for _, code := range report.Findings[got].Clauses[1:] {
			set |= 1 << slices.IndexFunc(pool, func(c *standard.Compiled) bool { return c.Code == code })
		}
		if !implies(set) || !kept(set) {
			t.Errorf("%v does not imply %s", report.Findings[got].Clauses[1:], j.Code)
		}
		for n := range pool {
			if set>>n&1 == 1 && implies(set&^(1<<n)) {
				t.Errorf("%v implies %s without %s", report.Findings[got].Clauses[1:], j.Code, pool[n].Code)
			}
		}
	}
}

// compareDiff changes some clauses and items and compares what the change means.
func (s *small) compareDiff(t *testing.T, counts map[string]int) {
	after := *s
	next := &conflict.Subject{Vocabulary: s.vocabulary, Invariants: s.subject.Invariants, Overrides: s.subject.Overrides}
	next.Clauses, next.Items = slices.Clone(s.subject.Clauses), slices.Clone(s.subject.Items)
	after.subject, after.optional = next, map[string]bool{}
	for range 2 {
		n := s.rng.IntN(len(next.Clauses))
		next.Clauses[n] = after.clause(t, n)
	}
	n := s.rng.IntN(len(next.Items))
	next.Items[n].Needed = s.parse(t, s.expr(1))
	asked := func(c *standard.Compiled) bool { return strings.Contains(c.AppliesWhen, "has(") }
	if !slices.ContainsFunc(s.subject.Clauses, asked) && slices.ContainsFunc(next.Clauses, asked) {
		s.optional, s.projects, s.ordinals = map[string]bool{"b": true}, nil, nil
		s.enumerate(t)
	}
	after.projects = s.projects
	report, err := conflict.Diff(context.Background(), s.subject, next, conflict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mirrored, err := conflict.Diff(context.Background(), next, s.subject, conflict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := func(r *conflict.Report) []string {
		var out []string
		for _, f := range r.Findings {
			if f.Kind != conflict.NewlyApplies && f.Kind != conflict.AppliesNoMore {
				out = append(out, fmt.Sprint(f.Kind, f.Clauses, f.Items))
			}
		}
		slices.Sort(out)
		return out
	}
	var want []string
	inOrder := func(s *small, p *standard.Project) bool {
		return !slices.ContainsFunc(s.subject.Clauses, func(c *standard.Compiled) bool { return s.breached(c, p) })
	}
	compare := func(now, was *small, kind conflict.Kind) {
		for _, c := range now.subject.Clauses {
			if s.some(func(p *standard.Project) bool { return now.breached(c, p) && inOrder(was, p) }) {
				want = append(want, fmt.Sprint(kind, []string{c.Code}, []string{c.Item}))
				counts[string(kind)]++
			}
		}
	}
	compare(&after, s, conflict.NewlyRefused)
	compare(s, &after, conflict.NewlyAllowed)
	for i, it := range next.Items {
		was := s.subject.Items[i].Needed
		if s.some(func(p *standard.Project) bool {
			return it.Needed.Eval(p) == standard.True && was.Eval(p) != standard.True
		}) {
			want = append(want, fmt.Sprint(conflict.NewlyNeeded, []string{}, []string{it.Code}))
			counts[string(conflict.NewlyNeeded)]++
		}
		if s.some(func(p *standard.Project) bool {
			return was.Eval(p) == standard.True && it.Needed.Eval(p) != standard.True
		}) {
			want = append(want, fmt.Sprint(conflict.NotNeeded, []string{}, []string{it.Code}))
			counts[string(conflict.NotNeeded)]++
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(report)); diff != "" {
		t.Errorf("change of meaning (-brute force +analysis):\n%s", diff)
	}
	var mirror []string
	swap := strings.NewReplacer(
		string(conflict.NewlyRefused), string(conflict.NewlyAllowed), string(conflict.NewlyAllowed), string(conflict.NewlyRefused),
		string(conflict.NotNeeded), string(conflict.NewlyNeeded), string(conflict.NewlyNeeded), string(conflict.NotNeeded))
	for _, name := range names(mirrored) {
		mirror = append(mirror, swap.Replace(name))
	}
	slices.Sort(mirror)
	if diff := cmp.Diff(names(report), mirror); diff != "" {
		// The item of a clause may have changed with it.
		strip := func(list []string) []string {
			var out []string
			for _, name := range list {
				out = append(out, strings.Join(strings.SplitAfter(name, "]")[:1], ""))
			}
			slices.Sort(out)
			return out
		}
		if d := cmp.Diff(strip(names(report)), strip(mirror)); d != "" {
			t.Errorf("the other way round (-forth +back):\n%s", d)
		}
	}
	same, err := conflict.Diff(context.Background(), s.subject, s.subject, conflict.Options{})
	if err != nil || len(same.Findings) > 0 {
		t.Errorf("a version differs from itself: %v %v", same, err)
	}
}
