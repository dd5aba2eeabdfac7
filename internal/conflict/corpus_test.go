package conflict_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/standard"
)

// corpus is a large standard over 60 facts with planted faults, and with decoys
// that look like them. A design is known that meets every clause that is not
// planted.
type corpus struct {
	subject *conflict.Subject
	planted map[conflict.Kind][]string
	rng     *rand.Rand
	next    int
	places  int // planted faults stand in places of their own: an industry and a zone

	proved, large int // findings of the background that were proved, and that have too many kinds of project
}

const industries, zones = 24, 16

func corpusFacts() []standard.Fact {
	var facts []standard.Fact
	add := func(f standard.Fact) { facts = append(facts, f) }
	values := func(prefix string, n int) []standard.FactValue {
		var out []standard.FactValue
		for i := range n {
			out = append(out, standard.FactValue{Code: fmt.Sprintf("%s%d", prefix, i)})
		}
		return out
	}
	add(standard.Fact{Key: "industry", Kind: standard.Enum, Role: standard.Choice, Values: values("i", industries)})
	add(standard.Fact{Key: "zone", Kind: standard.Enum, Role: standard.Given, Values: values("z", zones)})
	for i := range 8 {
		add(standard.Fact{Key: fmt.Sprintf("size%d", i), Kind: standard.Number, Unit: "m2", Role: []standard.FactRole{standard.Given, standard.Choice}[i%2], Min: decimal(0), Max: decimal(100_000)})
	}
	for i := range 10 {
		add(standard.Fact{Key: fmt.Sprintf("site%d", i), Kind: standard.Bool, Role: []standard.FactRole{standard.Given, standard.Choice}[i%2]})
	}
	for i := range 16 {
		add(standard.Fact{Key: fmt.Sprintf("amount%d", i), Kind: standard.Number, Role: standard.Design, Min: decimal(0), Max: decimal(1000)})
	}
	for i := range 16 {
		add(standard.Fact{Key: fmt.Sprintf("measure%d", i), Kind: standard.Bool, Role: standard.Design})
	}
	for i := range 4 { // for what is planted
		add(standard.Fact{Key: fmt.Sprintf("width%d", i), Kind: standard.Number, Role: standard.Design, Min: decimal(0), Max: decimal(1000)})
		add(standard.Fact{Key: fmt.Sprintf("door%d", i), Kind: standard.Bool, Role: standard.Design})
	}
	return facts
}

func (c *corpus) clause(t testing.TB, category, applies, requires string) string {
	code := fmt.Sprintf("C%05d", c.next)
	c.next++
	clause := standard.Clause{
		Code: code, Item: fmt.Sprintf("item%03d", c.next%100), Department: fmt.Sprintf("d%02d", c.next%30), Category: category,
		Kind: standard.Condition, Text: "…", AppliesWhen: applies, Requires: &requires,
	}
	compiled, diagnostics := c.subject.Vocabulary.Compile(clause)
	if len(diagnostics) > 0 {
		t.Fatalf("%s => %s: %v", applies, requires, diagnostics)
	}
	c.subject.Clauses = append(c.subject.Clauses, compiled)
	return code
}

// place gives a condition that no other planted fault shares.
func (c *corpus) place() string {
	n := c.places
	c.places++
	return fmt.Sprintf(`facts.industry == "i%d" && facts.zone == "z%d"`, n%industries, n/industries%zones)
}

func (c *corpus) given() string { return c.givenOf(c.rng.IntN(4)) }

func (c *corpus) givenOf(kind int) string {
	switch kind {
	case 0:
		return fmt.Sprintf(`facts.industry == "i%d"`, c.rng.IntN(industries))
	case 1:
		return fmt.Sprintf(`facts.zone in ["z%d", "z%d"]`, c.rng.IntN(zones), c.rng.IntN(zones))
	case 2:
		return fmt.Sprintf("facts.size%d %s %d.0", c.rng.IntN(8), []string{">=", "<"}[c.rng.IntN(2)], 50*(1+c.rng.IntN(50)))
	}
	return fmt.Sprintf("%sfacts.site%d", []string{"", "!"}[c.rng.IntN(2)], c.rng.IntN(10))
}

// demand is something that the known design does: amounts of 500, every measure.
func (c *corpus) demand() string {
	if c.rng.IntN(2) == 0 {
		return fmt.Sprintf("facts.measure%d", c.rng.IntN(16))
	}
	if c.rng.IntN(2) == 0 {
		return fmt.Sprintf("facts.amount%d >= %d.0", c.rng.IntN(16), 10*c.rng.IntN(51))
	}
	return fmt.Sprintf("facts.amount%d <= %d.0", c.rng.IntN(16), 500+10*c.rng.IntN(50))
}

func (c *corpus) background(t testing.TB, category string) {
	kinds := c.rng.Perm(4)
	applies := c.givenOf(kinds[0]) + " && " + c.givenOf(kinds[1])
	if c.rng.IntN(3) == 0 {
		applies += " && (" + c.givenOf(kinds[2]) + " || " + c.givenOf(kinds[3]) + ")"
	}
	requires := c.demand()
	switch c.rng.IntN(8) {
	case 0:
		requires += " || " + c.demand()
	case 1:
		requires = c.given() + " ? " + requires + " : " + c.demand()
	case 2:
		requires += " && " + c.demand()
	}
	c.clause(t, category, applies, requires)
}

func newCorpus(t testing.TB, size int) *corpus {
	vocabulary, err := standard.NewVocabulary(corpusFacts())
	if err != nil {
		t.Fatal(err)
	}
	c := &corpus{subject: &conflict.Subject{Vocabulary: vocabulary}, planted: map[conflict.Kind][]string{}, rng: rand.New(rand.NewPCG(uint64(size), 3))}
	unit := size / 100
	plant := func(k conflict.Kind, codes ...string) { c.planted[k] = append(c.planted[k], strings.Join(codes, " ")) }
	const category = "planted"
	c.clause(t, category, "true", "facts.measure0 || !facts.measure0")
	plant(conflict.Vacuous, "C00000")
	for range unit {
		at := c.place()
		plant(conflict.Contradiction,
			c.clause(t, category, at+" && facts.site0", "facts.width0 >= 20.0"),
			c.clause(t, category, at+" && facts.size0 >= 100.0", "facts.width0 < 20.0"))
		// Decoys: one never applies with the other, or one value does for both.
		c.clause(t, category, at+" && facts.size1 < 50.0", "facts.width1 >= 20.0")
		c.clause(t, category, at+" && facts.size1 >= 50.0", "facts.width1 < 20.0")
		c.clause(t, category, at, "facts.width2 >= 20.0")
		c.clause(t, category, at, "facts.width2 <= 20.0")
	}
	for range unit / 2 {
		at := c.place()
		plant(conflict.Contradiction,
			c.clause(t, category, at, "facts.door0 || facts.door1"),
			c.clause(t, category, at, "!facts.door0"),
			c.clause(t, category, at+" && facts.site1", "!facts.door1"))
		c.clause(t, category, at, "facts.door2 || facts.door3") // a decoy of two
		c.clause(t, category, at, "!facts.door2")
	}
	for n := range unit {
		plant(conflict.Dead, c.clause(t, category, fmt.Sprintf("facts.size0 < %d.0 && facts.size0 >= %d.0", 100+n, 100+n), "facts.measure0"))
		at := c.place()
		c.clause(t, category, at+fmt.Sprintf(" && facts.size0 <= %d.0 && facts.size0 >= %d.0", 100+n, 100+n), "facts.measure0") // applies, just
	}
	for range unit / 4 {
		plant(conflict.Unfulfillable, c.clause(t, category, c.place(), "facts.width3 >= 10.0 && facts.width3 < 10.0"))
	}
	var redundant []string
	for range unit / 2 {
		at := c.place()
		redundant = append(redundant, c.clause(t, category, at+" && facts.site2", "facts.width0 >= 5.0"))
		c.clause(t, category, at, "facts.width0 >= 10.0")
		redundant = append(redundant, c.clause(t, category, at, "facts.width1 >= 5.0"))
		c.clause(t, category, at+" && facts.site3", "facts.width1 >= 8.0")
		c.clause(t, category, at+" && !facts.site3", "facts.width1 >= 7.0")
	}
	c.planted[conflict.Redundant] = redundant
	// A category that is complete but for four holes.
	holes := 0
	for i := range industries {
		for _, band := range []string{"facts.size2 < 1000.0", "facts.size2 >= 1000.0 && facts.size2 < 2000.0", "facts.size2 >= 2000.0"} {
			at := fmt.Sprintf(`facts.industry == "i%d" && `, i) + band
			if i%6 == 3 && strings.Contains(band, "&&") {
				at = strings.Replace(at, "< 2000.0", "< 1950.0", 1)
				holes++
			}
			c.clause(t, "complete", at, "facts.measure1")
		}
	}
	for c.next < size {
		c.background(t, category)
	}
	c.items(t, unit/2)
	c.subject.Departments = nil
	if c.places > industries*zones || holes != 4 {
		t.Fatalf("%d places, %d holes", c.places, holes)
	}
	return c
}

// items adds items that wait for each other: a large part without any circle,
// planted circles, and circles whose conditions exclude each other.
func (c *corpus) items(t testing.TB, circles int) {
	parse := func(src string) *standard.Expr {
		e, diagnostics := c.subject.Vocabulary.Parse(src)
		if len(diagnostics) > 0 {
			t.Fatal(diagnostics)
		}
		return e
	}
	always := parse("true")
	add := func(code string, needed *standard.Expr) string {
		c.subject.Items = append(c.subject.Items, conflict.Item{Item: item.Item{Code: code, Department: "d" + code[len(code)-1:]}, Needed: needed})
		return code
	}
	edge := func(from, to, when string) {
		c.subject.Edges = append(c.subject.Edges, conflict.Edge{From: from, To: to, When: parse(when)})
	}
	var row []string
	for n := range 100 {
		row = append(row, add(fmt.Sprintf("item%03d", n), always))
	}
	for range 3 * len(row) {
		a, b := c.rng.IntN(len(row)), c.rng.IntN(len(row))
		if a != b {
			edge(row[min(a, b)], row[max(a, b)], c.given())
		}
	}
	for n := range circles {
		var ring, decoy []string
		for k := range 2 + n%3 {
			ring = append(ring, add(fmt.Sprintf("ring%03d%d", n, k), parse(fmt.Sprintf("facts.site%d", k))))
			decoy = append(decoy, add(fmt.Sprintf("trap%03d%d", n, k), always))
		}
		for k := range ring {
			edge(ring[k], ring[(k+1)%len(ring)], fmt.Sprintf("facts.size%d >= %d.0", k, 100*n))
			when := "facts.size3 >= 500.0"
			if k == 0 {
				when = "facts.size3 < 500.0"
			}
			edge(decoy[k], decoy[(k+1)%len(decoy)], when)
		}
		c.planted[conflict.Cycle] = append(c.planted[conflict.Cycle], strings.Join(ring, " "))
	}
}

// check compares a report with what was planted: all of it, and nothing else. The
// background has clauses of its own that are redundant or always met: each is
// proved by going through every kind of project, or 5,000 of them.
func (c *corpus) check(t testing.TB, report *conflict.Report) {
	found := map[conflict.Kind][]string{}
	for _, f := range report.Findings {
		if !f.Proved {
			t.Errorf("not proved: %s", f.EN)
		}
		name := strings.Join(f.Clauses, " ")
		switch {
		case f.Kind == conflict.Cycle:
			name = strings.Join(f.Items, " ")
		case f.Kind == conflict.Gap:
			name = f.Condition
		case f.Kind == conflict.Redundant:
			name = f.Clauses[0]
			c.prove(t, f.Clauses)
		case f.Kind == conflict.Vacuous && name != "C00000":
			c.prove(t, f.Clauses)
			continue
		}
		found[f.Kind] = append(found[f.Kind], name)
	}
	for _, kind := range []conflict.Kind{conflict.Contradiction, conflict.Dead, conflict.Unfulfillable, conflict.Vacuous, conflict.Undetermined, conflict.Cycle} {
		slices.Sort(c.planted[kind])
		slices.Sort(found[kind])
		if diff := cmp.Diff(c.planted[kind], found[kind]); diff != "" {
			t.Errorf("%s (-planted +found):\n%s", kind, diff)
		}
	}
	for _, code := range c.planted[conflict.Redundant] {
		if !slices.Contains(found[conflict.Redundant], code) {
			t.Errorf("%s is redundant and was not found", code)
		}
	}
	if c.proved < 10 || c.proved < c.large {
		t.Errorf("%d findings of the background were proved, %d were too large", c.proved, c.large)
	}
	t.Logf("%d findings of the background proved, %d gone through in part", c.proved, c.large)
	var holes []string
	for _, i := range []int{3, 9, 15, 21} {
		holes = append(holes, fmt.Sprintf(`facts.industry == "i%d" && facts.size2 >= 1950.0 && facts.size2 < 2000.0`, i))
	}
	slices.Sort(holes)
	slices.Sort(found[conflict.Gap])
	if diff := cmp.Diff(holes, found[conflict.Gap]); diff != "" {
		t.Errorf("GAP (-planted +found):\n%s", diff)
	}
}

func (c *corpus) byCode(code string) *standard.Compiled {
	i, _ := slices.BinarySearchFunc(c.subject.Clauses, code, func(k *standard.Compiled, code string) int { return strings.Compare(k.Code, code) })
	return c.subject.Clauses[i]
}

var comparison = regexp.MustCompile(`facts\.(\w+)(?: (?:<|<=|>=|>|==) ([0-9.]+|"\w+")| in \[([^]]*)\])?`)

// cells gives the facts that each clause reads, and for each fact values that stand
// for all: those that it is compared with, and one between each two and beyond.
func (c *corpus) cells(clauses []*standard.Compiled) (reads [][]string, values map[string][]any) {
	values = map[string][]any{}
	add := func(fact string, more ...any) {
		for _, v := range more {
			if !slices.Contains(values[fact], v) {
				values[fact] = append(values[fact], v)
			}
		}
	}
	reads = make([][]string, len(clauses))
	for i, k := range clauses {
		for _, m := range comparison.FindAllStringSubmatch(k.AppliesWhen+" ; "+*k.Clause.Requires, -1) {
			fact, _ := c.subject.Vocabulary.Fact(m[1])
			reads[i] = append(reads[i], m[1])
			switch fact.Kind {
			case standard.Bool:
				add(m[1], true, false)
			case standard.Enum:
				add(m[1], fact.Values[len(fact.Values)-1].Code)
				for _, code := range strings.Split(m[2]+m[3], ", ") {
					add(m[1], strings.Trim(code, `"`))
				}
			default:
				at, err := strconv.ParseFloat(m[2], 64)
				if err != nil {
					panic(m[0])
				}
				add(m[1], max(0, at-1), at, at+1) // thresholds are at least 10 apart, or 1
			}
		}
	}
	return reads, values
}

func breach(k *standard.Compiled, p *standard.Project) standard.Truth {
	return k.Applies.Eval(p).And(k.Requires.Eval(p).Not())
}

// mostSteps bounds what is gone through for one finding: some are implied by
// dozens of clauses.
const mostSteps = 5_000

// prove goes through all kinds of project: whoever breaches the first clause
// breaches one of the others; alone, nobody can breach it. A part of a project that
// settles it already needs no end.
func (c *corpus) prove(t testing.TB, codes []string) {
	clauses := make([]*standard.Compiled, len(codes))
	for i, code := range codes {
		clauses[i] = c.byCode(code)
	}
	reads, values := c.cells(clauses)
	steps := 0
	var through func(p *standard.Project) bool
	through = func(p *standard.Project) bool {
		if steps++; steps > mostSteps {
			return false
		}
		count := map[string]int{} // facts that would tell, by how many clauses they are open in
		for i, k := range clauses {
			switch b := breach(k, p); {
			case i == 0 && b == standard.False, i > 0 && b == standard.True:
				return true
			case b == standard.Unknown && (i == 0 || len(count) == 0 || breach(clauses[0], p) == standard.True):
				for _, fact := range reads[i] {
					if at, _ := c.subject.Vocabulary.Index(fact); !p.Known(at) {
						count[fact]++
					}
				}
			}
		}
		open := ""
		for _, fact := range slices.Sorted(maps.Keys(count)) {
			if count[fact] > count[open] {
				open = fact
			}
		}
		if open == "" {
			t.Errorf("%v do not imply %s: %v", codes[1:], codes[0], p.Facts())
			return false
		}
		for _, v := range values[open] {
			next, problems := p.With(map[string]any{open: v})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if !through(next) {
				return false
			}
		}
		return true
	}
	empty, _ := c.subject.Vocabulary.Project(nil)
	through(empty)
	if steps > mostSteps {
		c.large++
	} else {
		c.proved++
	}
}

func TestPlanted1k(t *testing.T) {
	t.Parallel()
	c := newCorpus(t, 1000)
	c.check(t, analyse(t, c.subject, conflict.Options{MaxFindings: 20_000}))
}

func TestPlanted10k(t *testing.T) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	c := newCorpus(t, 10_000)
	c.check(t, analyse(t, c.subject, conflict.Options{MaxFindings: 20_000, Budget: conflict.Budget{Run: 1_000_000}}))
}

// usedCPU is the user time that this process has taken.
func usedCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}

func benchmarkCorpus(b *testing.B, size int) {
	c := newCorpus(b, size)
	runtime.GC()
	before := usedCPU()
	for b.Loop() {
		fresh := c.subject.With(c.subject.Clauses[0]) // nothing prepared
		if _, err := conflict.Analyse(context.Background(), fresh, conflict.Options{MaxFindings: 20_000, Budget: conflict.Budget{Run: 1_000_000}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((usedCPU()-before).Seconds()/float64(b.N), "cpu-s/op")
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		b.ReportMetric(float64(u.Maxrss)/1024, "peak-MB")
	}
}

// BenchmarkClauses1000 has a limit of 1 s.
func BenchmarkClauses1000(b *testing.B) { benchmarkCorpus(b, 1000) }

// BenchmarkClauses10000 has limits of 15 s of user CPU and 300 MB.
func BenchmarkClauses10000(b *testing.B) { benchmarkCorpus(b, 10_000) }

// BenchmarkEdited has a limit of 50 ms: one edited clause against 10,000.
func BenchmarkEdited(b *testing.B) {
	c := newCorpus(b, 10_000)
	if _, err := conflict.Analyse(context.Background(), c.subject, conflict.Options{Clause: "C00500"}); err != nil {
		b.Fatal(err)
	}
	n, before := 0, usedCPU()
	defer func() { b.ReportMetric((usedCPU()-before).Seconds()*1000/float64(b.N), "cpu-ms/op") }()
	for b.Loop() {
		n++
		old := c.subject.Clauses[5000+n%4000]
		edited := old.Clause
		edited.AppliesWhen += " && " + c.given()
		if n%10 == 0 { // against 600 others
			requires := fmt.Sprintf("facts.amount%d >= 700.0", n%16)
			edited.Requires = &requires
		}
		compiled, _ := c.subject.Vocabulary.Compile(edited)
		report, err := conflict.Analyse(context.Background(), c.subject.With(compiled), conflict.Options{Clause: edited.Code, MaxFindings: 3})
		if err != nil {
			b.Fatal(err)
		}
		if n%10 == 0 && len(report.Findings) == 0 {
			b.Fatal("the contradictions were not found")
		}
	}
}

// BenchmarkShipped has a limit of 1 s: the whole catalogue that ships.
func BenchmarkShipped(b *testing.B) {
	s := packSubject(b, today)
	for b.Loop() {
		fresh := s.With(s.Clauses[0])
		if _, err := conflict.Analyse(context.Background(), fresh, conflict.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCancelled has a limit of 50 ms: from the end of the context, somewhere
// in an analysis of 10,000 clauses, to the answer.
func BenchmarkCancelled(b *testing.B) {
	c := newCorpus(b, 10_000)
	n := 0
	var slowest, total, work time.Duration
	for b.Loop() {
		n++
		ctx, cancel := context.WithCancel(context.Background())
		var ended time.Time
		var cpu time.Duration
		timer := time.AfterFunc(time.Duration(n%40)*50*time.Millisecond, func() { ended, cpu = time.Now(), usedCPU(); cancel() })
		_, err := conflict.Analyse(ctx, c.subject.With(c.subject.Clauses[0]), conflict.Options{MaxFindings: 20_000})
		if err != nil {
			took := time.Since(ended)
			total, slowest = total+took, max(slowest, took)
			work = max(work, usedCPU()-cpu)
		}
		timer.Stop()
		cancel()
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(n), "mean-ms")
	b.ReportMetric(float64(slowest.Milliseconds()), "worst-ms")
	b.ReportMetric(float64(work.Milliseconds()), "worst-cpu-ms")
}
