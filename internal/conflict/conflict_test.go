package conflict_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
)

// world makes a subject out of facts and lines "code: applies => requires".
func world(t testing.TB, facts []standard.Fact, lines ...string) *conflict.Subject {
	t.Helper()
	v, err := standard.NewVocabulary(facts)
	if err != nil {
		t.Fatal(err)
	}
	s := &conflict.Subject{Vocabulary: v}
	for _, line := range lines {
		s.Clauses = append(s.Clauses, compile(t, v, line))
	}
	return s
}

func compile(t testing.TB, v *standard.Vocabulary, line string) *standard.Compiled {
	t.Helper()
	code, rest, _ := strings.Cut(line, ": ")
	applies, requires, _ := strings.Cut(rest, " => ")
	c := standard.Clause{Code: code, Item: "item", Department: "d-" + code, Category: "category", Kind: standard.Condition, AppliesWhen: applies, Requires: &requires}
	compiled, diagnostics := v.Compile(c)
	if len(diagnostics) > 0 {
		t.Fatalf("%s: %v", line, diagnostics)
	}
	return compiled
}

func number(key string, role standard.FactRole, least, greatest int64) standard.Fact {
	return standard.Fact{Key: key, Kind: standard.Number, Role: role, Min: decimal(least), Max: decimal(greatest)}
}

func whole(key string, role standard.FactRole, least, greatest int64) standard.Fact {
	f := number(key, role, least, greatest)
	f.Kind = standard.Int
	return f
}

func boolean(key string, role standard.FactRole) standard.Fact {
	return standard.Fact{Key: key, Kind: standard.Bool, Role: role}
}

func only(t testing.TB, s *conflict.Subject, k conflict.Kind) []string {
	t.Helper()
	return foundSets(analyse(t, s, conflict.Options{Kinds: []conflict.Kind{k}}), k)
}

// TestRoles shows what each role means for a contradiction.
func TestRoles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"one design fact, two demands", []string{"A: true => facts.width >= 20.0", "B: facts.old => facts.width < 20.0"}, []string{"A B"}},
		{"an integer between two integers", []string{"A: true => facts.doors > 3", "B: true => facts.doors < 4"}, []string{"A B"}},
		{"a choice that nobody reads to apply is free", []string{"A: true => facts.beds <= 14", "B: true => facts.beds >= 20"}, []string{"A B"}},
		{"a choice that fixes a demand makes one clause fail, not two", []string{"A: facts.beds >= 20 => facts.alarm", "B: true => facts.beds <= 14"}, nil},
		{"a given fact cannot be changed, so one clause alone fails", []string{"A: true => facts.old", "B: true => !facts.old"}, nil},
		{"a given fact closes a way out", []string{"A: true => facts.alarm || facts.old", "B: true => !facts.alarm"}, []string{"A B"}},
		{"three together", []string{"A: true => facts.alarm || facts.stairs", "B: true => !facts.alarm", "C: true => !facts.stairs"}, []string{"A B C"}},
		{"they never apply together", []string{"A: facts.old => facts.alarm", "B: !facts.old => !facts.alarm"}, nil},
		{"sums tie facts together", []string{"A: true => facts.width >= facts.height + 3.0", "B: true => facts.width <= facts.limit"}, []string{"A B"}},
		{"what a design brings upon itself can be avoided", []string{"A: facts.stairs => facts.alarm", "B: true => !facts.alarm"}, []string{"A B"}},
		{"unless another clause demands that design", []string{"A: facts.stairs => facts.doors >= 2", "B: facts.stairs => facts.doors < 2", "C: true => facts.stairs"}, []string{"A B", "A B C"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := world(t, []standard.Fact{
				number("width", standard.Design, 0, 1000), number("height", standard.Given, 0, 100), number("limit", standard.Given, 0, 100),
				whole("doors", standard.Design, 0, 9), whole("beds", standard.Choice, 0, 99),
				boolean("old", standard.Given), boolean("alarm", standard.Design), boolean("stairs", standard.Design),
			}, c.lines...)
			if diff := cmp.Diff(c.want, only(t, s, conflict.Contradiction)); diff != "" {
				t.Errorf("contradictions (-want +found):\n%s", diff)
			}
		})
	}
}

// TestPrecedenceOfLaw shows that an overriding clause ends a contradiction, that a
// chosen reading does, and that a clause counts only in its time.
func TestPrecedenceOfLaw(t *testing.T) {
	t.Parallel()
	facts := []standard.Fact{number("width", standard.Design, 0, 1000), boolean("old", standard.Given)}
	lines := []string{"General: true => facts.width >= 20.0", "Special: facts.old => facts.width < 20.0"}
	s := world(t, facts, lines...)
	if got := only(t, s, conflict.Contradiction); len(got) != 1 {
		t.Fatal(got)
	}
	s = world(t, facts, lines...)
	s.Overrides = []conflict.Override{{Clause: "Special", Over: "General", Basis: "立法法 第103条"}}
	if got := only(t, s, conflict.Contradiction); len(got) != 0 {
		t.Errorf("an overridden clause contradicts: %v", got)
	}
	// A strict and a lenient reading do not contradict each other; a reading's
	// contradiction warns until the district has chosen.
	s = world(t, facts, append(lines, "Lenient: facts.old => facts.width < 30.0")...)
	s.Clauses[1].InterpretationGroup, s.Clauses[2].InterpretationGroup = "width", "width"
	report := analyse(t, s, conflict.Options{})
	for _, f := range report.Findings {
		if f.Kind == conflict.Contradiction && (f.Severity != conflict.Warn || !slices.Equal(f.Readings, []string{"Lenient", "Special"})) {
			t.Errorf("%s %v", f.Severity, f.Readings)
		}
	}
	if got := foundSets(report, conflict.Duplicate); !slices.Equal(got, []string{"Lenient Special"}) {
		t.Errorf("readings: %v", got)
	}
	// Two that nobody can keep at once do, and warn too.
	s = world(t, facts, "Short: facts.old => facts.width <= 30.0", "Long: facts.old => facts.width >= 90.0", "Other: true => facts.width >= 20.0")
	s.Clauses[0].InterpretationGroup, s.Clauses[1].InterpretationGroup = "width", "width"
	report = analyse(t, s, conflict.Options{})
	if got := foundSets(report, conflict.Contradiction); !slices.Equal(got, []string{"Long Short"}) || report.Findings[0].Severity != conflict.Warn {
		t.Errorf("readings that exclude each other: %v", report.Findings)
	}
	s = world(t, facts, append(lines, "Lenient: facts.old => facts.width < 30.0")...)
	s.Clauses[1].InterpretationGroup, s.Clauses[2].InterpretationGroup = "width", "width"
	chosen := world(t, facts, lines...)
	chosen.Clauses = s.Clauses
	chosen.Readings = map[string]string{"width": "Lenient"}
	report = analyse(t, chosen, conflict.Options{})
	if got := foundSets(report, conflict.Contradiction); len(got) != 0 {
		t.Errorf("the chosen reading leaves 20 to 30 m: %v", got)
	}
	if got := foundSets(report, conflict.Duplicate); len(got) != 0 {
		t.Errorf("readings after the choice: %v", got)
	}
	s = world(t, facts, lines...)
	s.Clauses[1].Effective.To, s.Day = "2009-04-30", "2009-05-01"
	if got := only(t, s, conflict.Contradiction); len(got) != 0 {
		t.Errorf("a clause of old contradicts: %v", got)
	}
}

// TestSumsEnd is a search over an unbounded family of projects: each design does
// for one height only, unless it follows the height.
func TestSumsEnd(t *testing.T) {
	t.Parallel()
	s := world(t, []standard.Fact{
		number("width", standard.Design, 0, 1_000_000), number("height", standard.Given, 0, 1_000_000), number("limit", standard.Given, 0, 1_000_000),
		boolean("alarm", standard.Design),
	},
		"A: true => facts.width >= 8.0 && facts.width >= facts.height + 3.0",
		"B: true => facts.width <= facts.limit || facts.alarm",
		"C: facts.height < 5000.0 => !facts.alarm")
	report := analyse(t, s, conflict.Options{Kinds: []conflict.Kind{conflict.Contradiction}})
	if got := foundSets(report, conflict.Contradiction); !slices.Equal(got, []string{"A B C"}) || !report.Findings[0].Proved {
		t.Errorf("%v", got)
	}
}

// pigeonStandard gives ten pigeons nine holes, no two the same.
func pigeonStandard(t testing.TB) *conflict.Subject {
	var facts []standard.Fact
	for p := range 11 {
		f := standard.Fact{Key: fmt.Sprintf("pigeon%d", p), Kind: standard.Enum, Role: standard.Design}
		for h := range 10 {
			f.Values = append(f.Values, standard.FactValue{Code: fmt.Sprintf("hole%d", h)})
		}
		facts = append(facts, f)
	}
	var lines []string
	for p := range 11 {
		for q := range p {
			var parts []string
			for h := range 10 {
				parts = append(parts, fmt.Sprintf(`(facts.pigeon%d != "hole%d" || facts.pigeon%d != "hole%d")`, p, h, q, h))
			}
			lines = append(lines, fmt.Sprintf("P%02d%02d: true => %s", p, q, strings.Join(parts, " && ")))
		}
	}
	return world(t, facts, lines...)
}

// TestAHardQuestionAmongEasyOnes hides pigeons in holes among the facts of the
// shipped catalogue: what is found by the way costs little each, and yet the run
// ends within its budget and says what it leaves open.
func TestAHardQuestionAmongEasyOnes(t *testing.T) {
	t.Parallel()
	s := packSubject(t, today)
	var facts []string
	for _, f := range s.Vocabulary.Facts() {
		if f.Kind == standard.Bool {
			facts = append(facts, "facts."+f.Key)
		}
	}
	const pigeons, holes = 9, 8
	add := func(code, requires string) {
		c, diagnostics := s.Vocabulary.Compile(standard.Clause{
			Code: code, Item: "eia-register", Department: "eco", Kind: standard.Condition, Text: "…", AppliesWhen: `facts.industry == "catering"`, Requires: &requires,
		})
		if len(diagnostics) > 0 {
			t.Fatal(diagnostics)
		}
		s.Clauses = append(s.Clauses, c)
	}
	for p := range pigeons {
		add(fmt.Sprintf("X-%d", p), strings.Join(facts[p*holes:(p+1)*holes], " || "))
		for q := range p {
			for h := range holes {
				add(fmt.Sprintf("X-%d-%d-%d", p, q, h), fmt.Sprintf("!(%s && %s)", facts[p*holes+h], facts[q*holes+h]))
			}
		}
	}
	report := analyse(t, s, conflict.Options{Kinds: []conflict.Kind{conflict.Contradiction}, Budget: conflict.Budget{Run: 4_000}})
	if !slices.ContainsFunc(report.Findings, func(f conflict.Finding) bool { return !f.Proved }) {
		t.Error("nothing is said to be undecided")
	}
}

// TestUndecided shows that what is not decided within the budget is said, stops
// publication and asks for a person.
func TestUndecided(t *testing.T) {
	t.Parallel()
	report := analyse(t, pigeonStandard(t), conflict.Options{Kinds: []conflict.Kind{conflict.Contradiction}, Budget: conflict.Budget{Query: 300, Run: 1000}})
	if len(report.Findings) != 1 || report.Findings[0].Proved || len(report.Findings[0].Clauses) != 55 {
		t.Fatalf("%+v", report.Findings)
	}
	if held := conflict.Gate(report); len(held) != 1 {
		t.Errorf("the gate lets it pass: %v", held)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := pigeonStandard(t)
	done := make(chan error)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := conflict.Analyse(ctx, s, conflict.Options{Budget: conflict.Budget{Query: 1 << 40, Run: 1 << 40}})
		done <- err
	}()
	<-started
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// The subject is as good as new.
	report := analyse(t, s, conflict.Options{Kinds: []conflict.Kind{conflict.Dead}})
	if len(report.Findings) != 0 {
		t.Error(report.Findings)
	}
}

// TestHostileExpressions shows what never reaches a solver.
func TestHostileExpressions(t *testing.T) {
	t.Parallel()
	v, err := standard.NewVocabulary([]standard.Fact{
		whole("staff", standard.Given, 0, 100_000), number("area", standard.Given, 0, 500_000), boolean("b", standard.Given),
		{Key: "zone", Kind: standard.Enum, Role: standard.Given, Values: []standard.FactValue{{Code: "a"}, {Code: "b"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for src, code := range map[string]string{
		"facts.staff > 9223372036854775807 + 1":                            standard.CodeOverflow,
		"facts.area == 0.0000001":                                          standard.CodeTooFine,
		"facts.area * 9000000000000.0 > facts.staff * 1":                   "",
		"facts.zone in [" + strings.Repeat(`"a", `, 1500) + `"b"]`:         standard.CodeTooLarge,
		strings.Repeat("!(", 40) + "facts.b" + strings.Repeat(")", 40):     standard.CodeTooLarge,
		strings.TrimSuffix(strings.Repeat("facts.b && ", 400), " && "):     standard.CodeTooLarge,
		strings.Repeat("facts.area + ", 9) + "facts.area > 1.0 && facts.b": standard.CodeTooLarge,
		strings.TrimSuffix(strings.Repeat("facts.b || ", 2000), " || "):    standard.CodeTooLarge,
		"facts.area * facts.area > 1.0":                                    standard.CodeNotSupported,
		"facts.area > " + strings.Repeat("9", 40) + ".0":                   standard.CodeOverflow,
	} {
		requires := "true"
		_, diagnostics := v.Compile(standard.Clause{Code: "X", Kind: standard.Condition, AppliesWhen: src, Requires: &requires})
		if len(diagnostics) == 0 || code != "" && !slices.ContainsFunc(diagnostics, func(d standard.Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%.60s: want %s, got %v", src, code, diagnostics)
		}
	}
}

// TestFarNumbers works at the edge of what a number may be.
func TestFarNumbers(t *testing.T) {
	t.Parallel()
	s := world(t, []standard.Fact{
		{Key: "x", Kind: standard.Number, Role: standard.Design}, {Key: "y", Kind: standard.Number, Role: standard.Design}, whole("n", standard.Design, 0, 1_000_000_000_000),
	},
		"A: true => facts.x >= 999999999999.0 && facts.x + facts.y <= 0.0",
		"B: true => facts.y >= -999999999998.0",
		"C: true => facts.n >= 1000000000000",
		"D: true => facts.n < 1000000000000",
		"E: facts.x > 1000000000000.0 => facts.n > 0")
	report := analyse(t, s, conflict.Options{})
	if got := foundSets(report, conflict.Contradiction); !slices.Equal(got, []string{"A B", "C D"}) {
		t.Errorf("contradictions %v", got)
	}
	if got := foundSets(report, conflict.Dead); !slices.Equal(got, []string{"E"}) {
		t.Errorf("dead %v", got)
	}
}

// TestGate shows what refuses publication, and what a ruling lets pass.
func TestGate(t *testing.T) {
	t.Parallel()
	s := world(t, []standard.Fact{number("width", standard.Design, 0, 1000), boolean("old", standard.Given)},
		"A: true => facts.width >= 20.0", "B: facts.old => facts.width < 20.0",
		"Dead: facts.width > 10.0 && facts.width < 5.0 => facts.old",
		"Never: facts.old => facts.width > 10.0 && facts.width < 5.0",
		"Always: true => facts.width >= 0.0",
		"Loose: true => facts.width >= 5.0")
	report := analyse(t, s, conflict.Options{})
	held := func(accepted ...conflict.Accepted) []string {
		var out []string
		for _, f := range conflict.Gate(report, accepted...) {
			out = append(out, string(f.Kind)+" "+strings.Join(f.Clauses, " "))
		}
		return out
	}
	want := []string{"CONTRADICTION A B", "DEAD Dead", "UNFULFILLABLE Never"}
	if diff := cmp.Diff(want, held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], held(conflict.Accepted{Kind: conflict.Contradiction, Clauses: []string{"B", "A"}})); diff != "" {
		t.Errorf("held after a ruling (-want +got):\n%s", diff)
	}
	warned := map[conflict.Kind]bool{}
	for _, f := range report.Findings {
		if f.Severity == conflict.Warn {
			warned[f.Kind] = true
		}
	}
	if !warned[conflict.Vacuous] || !warned[conflict.Redundant] {
		t.Errorf("warned of %v only", warned)
	}
}

// TestDeterministic runs many analyses of one subject side by side: all reports
// have the same bytes, and so has that of the same subject made again.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	s := packSubject(t, today)
	reports := make([]*conflict.Report, 12)
	var all sync.WaitGroup
	for i := range reports {
		all.Go(func() {
			subject := s
			if i%2 == 1 {
				subject = packSubject(t, today)
			}
			if i%3 == 0 {
				// Something else goes on at the same time.
				_, _ = conflict.Analyse(context.Background(), s, conflict.Options{Clause: s.Clauses[i].Code})
			}
			reports[i], _ = conflict.Analyse(context.Background(), subject, conflict.Options{})
		})
	}
	all.Wait()
	first, err := reports[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports[1:] {
		text, _ := r.JSON()
		if !bytes.Equal(first, text) || r.Digest != reports[0].Digest || len(r.Digest) != 64 {
			t.Fatalf("another report: %s, %s", r.Digest, reports[0].Digest)
		}
	}
}

// names gives what a report found, without witnesses and words.
func names(r *conflict.Report) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Kind != conflict.Gap {
			clauses := f.Clauses
			if f.Kind == conflict.Redundant {
				clauses = clauses[:1]
			}
			out = append(out, fmt.Sprint(f.Kind, f.Proved, clauses, f.Items))
		}
	}
	slices.Sort(out)
	return out
}

// TestSameMeaning rewrites standards without changing what they mean: the order of
// the clauses, double negations, an edit that is undone.
func TestSameMeaning(t *testing.T) {
	t.Parallel()
	for seed := range uint64(120) {
		s := newSmall(t, 50_000+seed)
		if len(s.projects) == 0 {
			continue
		}
		want := names(analyse(t, s.subject, conflict.Options{}))
		other := &conflict.Subject{
			Vocabulary: s.vocabulary, Invariants: s.subject.Invariants, Overrides: s.subject.Overrides,
			Items: s.subject.Items, Edges: slices.Clone(s.subject.Edges), Clauses: slices.Clone(s.subject.Clauses),
		}
		rng := rand.New(rand.NewPCG(seed, 9))
		rng.Shuffle(len(other.Clauses), func(i, j int) { other.Clauses[i], other.Clauses[j] = other.Clauses[j], other.Clauses[i] })
		rng.Shuffle(len(other.Edges), func(i, j int) { other.Edges[i], other.Edges[j] = other.Edges[j], other.Edges[i] })
		for i, c := range other.Clauses {
			clause := c.Clause
			clause.AppliesWhen = "!!(" + clause.AppliesWhen + ")"
			if clause.Requires != nil {
				requires := "!(!(" + *clause.Requires + "))"
				clause.Requires = &requires
			}
			other.Clauses[i], _ = s.vocabulary.Compile(clause)
		}
		if diff := cmp.Diff(want, names(analyse(t, other, conflict.Options{}))); diff != "" {
			t.Fatalf("seed %d: rewritten (-before +after):\n%s", seed, diff)
		}
		if r, err := conflict.Diff(context.Background(), s.subject, other, conflict.Options{}); err != nil || len(r.Findings) > 0 {
			t.Fatalf("seed %d: a rewrite is not silent: %+v %v", seed, r, err)
		}
	}
}

// TestEdited compares a clause as an editor has it, which reuses what is prepared,
// with the same standard made anew; and the question about one clause with the
// whole.
func TestEdited(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		s := newSmall(t, 90_000+seed)
		if len(s.projects) == 0 {
			continue
		}
		before := analyse(t, s.subject, conflict.Options{})
		n := s.rng.IntN(len(s.subject.Clauses))
		edited := s.clause(t, n)
		quick := s.subject.With(edited)
		fresh := &conflict.Subject{
			Vocabulary: s.vocabulary, Invariants: s.subject.Invariants, Overrides: s.subject.Overrides,
			Items: s.subject.Items, Edges: s.subject.Edges, Clauses: slices.Clone(s.subject.Clauses),
		}
		fresh.Clauses[n] = edited
		whole := names(analyse(t, fresh, conflict.Options{}))
		if diff := cmp.Diff(whole, names(analyse(t, quick, conflict.Options{}))); diff != "" {
			t.Fatalf("seed %d: edited (-anew +edited):\n%s", seed, diff)
		}
		code := edited.Code
		var mine []string
		for _, name := range whole {
			if !strings.HasPrefix(name, "CYCLE") && strings.Contains(name, code) && !strings.HasPrefix(name, "DUPLICATE") {
				mine = append(mine, name)
			}
		}
		var asked []string
		for _, name := range names(analyse(t, quick, conflict.Options{Clause: code})) {
			if !strings.HasPrefix(name, "CYCLE") && !strings.HasPrefix(name, "DUPLICATE") {
				asked = append(asked, name)
			}
		}
		if diff := cmp.Diff(mine, asked); diff != "" {
			t.Fatalf("seed %d: about %s (-whole +asked):\n%s", seed, code, diff)
		}
		// Another clause never takes a contradiction away.
		more := s.subject.With(s.clause(t, 40))
		after := foundSets(analyse(t, more, conflict.Options{}), conflict.Contradiction)
		for _, core := range foundSets(before, conflict.Contradiction) {
			if !slices.Contains(after, core) {
				t.Fatalf("seed %d: %s is gone after a clause was added", seed, core)
			}
		}
	}
}

func TestThresholds(t *testing.T) {
	t.Parallel()
	facts := []standard.Fact{number("area", standard.Choice, 0, 10_000), boolean("alarm", standard.Design), boolean("food", standard.Choice)}
	steps := func(lines ...string) []conflict.Finding {
		s := world(t, facts, lines...)
		for _, c := range s.Clauses {
			c.Department = "fire"
		}
		var out []conflict.Finding
		for _, f := range analyse(t, s, conflict.Options{Kinds: []conflict.Kind{conflict.Gap}}).Findings {
			if len(f.Clauses) > 0 {
				out = append(out, f)
			}
		}
		return out
	}
	found := steps("A: facts.food && facts.area < 500.0 => facts.alarm", "B: facts.area > 500.0 && facts.food => facts.alarm")
	if len(found) != 1 || found[0].Condition != "facts.area == 500.0 && facts.food" || !slices.Equal(found[0].Clauses, []string{"A", "B"}) {
		t.Errorf("500 itself is left out: %+v", found)
	}
	if found := steps("A: facts.food && facts.area <= 500.0 => facts.alarm", "B: facts.area > 500.0 && facts.food => facts.alarm"); len(found) != 0 {
		t.Errorf("nothing is left out: %+v", found)
	}
	if found := steps("A: facts.food && facts.area < 500.0 => facts.alarm", "B: facts.area > 500.0 && facts.food => facts.alarm", "C: facts.area == 500.0 => facts.alarm"); len(found) != 0 {
		t.Errorf("a third clause takes 500: %+v", found)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	s := packSubject(t, today)
	// A cellar restaurant without a gas main: only an all-electric kitchen is left.
	facts := map[string]any{"industry": "catering", "floor_lowest": -1, "floor_highest": -1, "floor_area": 200, "produces_fume": false, "serves_food": true}
	settled, err := conflict.Settle(context.Background(), s, conflict.Trial{
		Facts: facts, Vary: map[string][]any{"fuel": {"lpg", "alcohol", "solid", "electric"}}, Clauses: []string{"C-FIR-004", "C-ENV-013"},
	}, conflict.Options{})
	if err != nil || fmt.Sprint(settled.Choice) != "map[fuel:electric]" {
		t.Errorf("%+v %v", settled, err)
	}
	_, err = conflict.Settle(context.Background(), s, conflict.Trial{Facts: map[string]any{"nothing": 1}, Vary: map[string][]any{"fuel": {"coal dust"}, "nope": nil}}, conflict.Options{})
	var wrong *fault.Error
	if !errors.As(err, &wrong) || len(wrong.Problems) != 3 {
		t.Errorf("all problems at once: %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := conflict.Analyse(context.Background(), packSubject(t, today), conflict.Options{Kinds: []conflict.Kind{"ODD"}, Scheme: "x", Item: "y", Clause: "z"})
	var wrong *fault.Error
	if !errors.As(err, &wrong) || wrong.Code != fault.Invalid || len(wrong.Problems) != 4 {
		t.Errorf("all problems at once: %v", err)
	}
	whole := analyse(t, packSubject(t, today), conflict.Options{})
	hotel := analyse(t, packSubject(t, today), conflict.Options{Scheme: "hotel"})
	if len(hotel.Findings) == 0 || len(hotel.Findings) >= len(whole.Findings) {
		t.Errorf("%d findings of the hotel scheme, %d in all", len(hotel.Findings), len(whole.Findings))
	}
	few := analyse(t, packSubject(t, today), conflict.Options{MaxFindings: 1})
	if !few.More {
		t.Error("it is not said that there are more")
	}
}
