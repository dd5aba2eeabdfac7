package standard_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"cel.dev/cel-go/cel"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/standard"
)

// today is the day on which the pack's samples were computed.
const today = "2026-11-23"

type sample struct {
	ID       string         `yaml:"id"`
	Scheme   string         `yaml:"scheme"`
	Facts    map[string]any `yaml:"facts"`
	Expected struct {
		NeededItems       []string `yaml:"needed_items"`
		NeededOutside     []string `yaml:"needed_outside_scheme"`
		ApplicableClauses int      `yaml:"applicable_clauses"`
		FailedClauses     []string `yaml:"failed_clauses"`
	} `yaml:"expected"`
}

type pack struct {
	vocabulary *standard.Vocabulary
	clauses    []standard.Clause
	compiled   []*standard.Compiled
	items      []struct {
		ID         string `yaml:"id"`
		NeededWhen string `yaml:"needed_when"`
	}
	schemes []scheme
	samples []sample
}

type scheme struct {
	ID          string `yaml:"id"`
	AppliesWhen string `yaml:"applies_when"`
	Items       []struct {
		Item string `yaml:"item"`
	} `yaml:"items"`
}

// thePack is the real pack, read once.
var thePack = sync.OnceValues(func() (*pack, error) {
	p := &pack{}
	read := func(name, key string, to any) error {
		text, err := os.ReadFile(filepath.Join("..", "catalog", "packs", "jiangbei", name))
		if err != nil {
			return err
		}
		var nodes map[string]yaml.Node
		if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&nodes); err != nil {
			return err
		}
		node := nodes[key]
		return node.Decode(to)
	}
	var facts []standard.Fact
	for _, file := range []struct {
		name, key string
		to        any
	}{
		{"facts.yaml", "facts", &facts},
		{"clauses.yaml", "clauses", &p.clauses},
		{"items.yaml", "items", &p.items},
		{"industries.yaml", "industries", &p.schemes},
		{"samples.yaml", "samples", &p.samples},
	} {
		if err := read(file.name, file.key, file.to); err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
	}
	var err error
	if p.vocabulary, err = standard.NewVocabulary(facts); err != nil {
		return nil, err
	}
	for _, c := range p.clauses {
		compiled, diagnostics := p.vocabulary.Compile(c)
		if len(diagnostics) > 0 {
			return nil, fmt.Errorf("%s: %+v", c.Code, diagnostics)
		}
		p.compiled = append(p.compiled, compiled)
	}
	return p, nil
})

func loadPack(t testing.TB) *pack {
	t.Helper()
	p, err := thePack()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// expressions lists every expression of the pack, each once.
func (p *pack) expressions() []string {
	var all []string
	for _, c := range p.clauses {
		all = append(all, c.AppliesWhen)
		if c.Requires != nil {
			all = append(all, *c.Requires)
		}
	}
	for _, i := range p.items {
		all = append(all, i.NeededWhen)
	}
	for _, s := range p.schemes {
		all = append(all, s.AppliesWhen)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// parsed parses every expression of the pack.
func (p *pack) parsed(t testing.TB) []*standard.Expr {
	t.Helper()
	var all []*standard.Expr
	for _, src := range p.expressions() {
		e, diagnostics := p.vocabulary.Parse(src)
		if len(diagnostics) > 0 {
			t.Errorf("%s: %+v", src, diagnostics)
			continue
		}
		all = append(all, e)
	}
	return all
}

// project answers a sample's facts and fills the others with their defaults.
func (p *pack) project(t testing.TB, s sample) *standard.Project {
	t.Helper()
	facts := map[string]any{}
	for _, f := range p.vocabulary.Facts() {
		if f.Default != nil {
			facts[f.Key] = f.Default
		}
		// The default of one fact, "no limit was set", lies above its maximum.
		if number, ok := f.Default.(float64); ok && f.Max != nil {
			if d, err := standard.ParseDecimal(fmt.Sprint(number)); err == nil && d > *f.Max {
				facts[f.Key] = *f.Max
			}
		}
	}
	for key, value := range s.Facts {
		facts[key] = value
	}
	project, problems := p.vocabulary.Project(facts)
	if len(problems) > 0 {
		t.Fatalf("%s: %+v", s.ID, problems)
	}
	return project
}

func TestPackParses(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	if got := len(p.parsed(t)); got < 300 {
		t.Errorf("only %d expressions", got)
	}
	if got, want := p.vocabulary.Len(), 299; got != want {
		t.Errorf("got %d facts, want %d", got, want)
	}
	if got, want := len(p.compiled), 283; got != want {
		t.Errorf("got %d clauses, want %d", got, want)
	}
}

func TestPackConstantsAreInRange(t *testing.T) {
	t.Parallel()
	for _, e := range loadPack(t).parsed(t) {
		if diagnostics := e.OutOfRange(); len(diagnostics) > 0 {
			t.Errorf("%s: %+v", e, diagnostics)
		}
	}
}

func TestPackClausesRoundTrip(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	text, err := yaml.Marshal(p.clauses)
	if err != nil {
		t.Fatal(err)
	}
	var again []standard.Clause
	if err := yaml.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.clauses, again); diff != "" {
		t.Error(diff)
	}
	text, err = yaml.Marshal(p.vocabulary.Facts())
	if err != nil {
		t.Fatal(err)
	}
	var facts []standard.Fact
	if err := yaml.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	// A whole default may come back as an int, which is the same number.
	ignoreDefault := cmp.FilterPath(func(path cmp.Path) bool { return path.Last().String() == ".Default" }, cmp.Ignore())
	if diff := cmp.Diff(p.vocabulary.Facts(), facts, ignoreDefault); diff != "" {
		t.Error(diff)
	}
}

// TestSamples checks the golden projects of the pack. The counts of
// applicable clauses take every kind of clause, advice and rules included, in
// force on the day.
func TestSamples(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	for _, s := range p.samples {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			project := p.project(t, s)
			applicable := 0
			var failed, ignored []string
			for _, c := range p.compiled {
				r := c.Evaluate(project)
				if !c.InForce(today) || r.Applies != standard.True {
					continue
				}
				applicable++
				switch {
				case r.Met != standard.False:
				case c.Kind == standard.Advice:
					ignored = append(ignored, c.Code)
				default:
					failed = append(failed, c.Code)
				}
			}
			if applicable != s.Expected.ApplicableClauses {
				t.Errorf("%d clauses apply, want %d", applicable, s.Expected.ApplicableClauses)
			}
			if len(ignored) > 0 {
				t.Logf("advice that applies and is not met: %v", ignored)
			}
			if diff := cmp.Diff(sorted(s.Expected.FailedClauses), sorted(failed)); diff != "" {
				t.Errorf("failed clauses: %s", diff)
			}
			at := slices.IndexFunc(p.schemes, func(x scheme) bool { return x.ID == s.Scheme })
			inScheme := map[string]bool{}
			for _, i := range p.schemes[at].Items {
				inScheme[i.Item] = true
			}
			var needed []string
			for _, item := range p.items {
				e, diagnostics := p.vocabulary.Parse(item.NeededWhen)
				if len(diagnostics) > 0 {
					t.Fatal(diagnostics)
				}
				if inScheme[item.ID] && e.Eval(project) == standard.True {
					needed = append(needed, item.ID)
				}
			}
			if diff := cmp.Diff(sorted(s.Expected.NeededItems), sorted(needed)); diff != "" {
				t.Errorf("needed items: %s", diff)
			}
		})
	}
}

func sorted(s []string) []string {
	s = append([]string{}, s...)
	slices.Sort(s)
	return s
}

// randomFacts answers every fact, numbers near the thresholds of the pack.
// NUMBER facts get whole multiples of a half, which binary floats hold exactly.
func randomFacts(v *standard.Vocabulary, r *rand.Rand) map[string]any {
	facts := map[string]any{}
	thresholds := []float64{0, 1, 2, 3, 5, 6, 8, 10, 15, 20, 24, 30, 50, 60, 75, 80, 100, 120, 150, 200, 300, 500, 1000, 2000, 2500, 3000, 5000, 10000, 100000}
	for _, f := range v.Facts() {
		switch f.Kind {
		case standard.Bool:
			facts[f.Key] = r.IntN(2) == 1
		case standard.Enum:
			facts[f.Key] = f.Values[r.IntN(len(f.Values))].Code
		default:
			step := 0.5
			if f.Kind == standard.Int {
				step = 1
			}
			n := thresholds[r.IntN(len(thresholds))] + step*float64(r.IntN(3)-1)
			n = max(n, number(f.Min, -1e6))
			facts[f.Key] = min(n, number(f.Max, 1e6))
		}
	}
	return facts
}

func number(d *standard.Decimal, otherwise float64) float64 {
	if d == nil {
		return otherwise
	}
	return float64(*d) / 1e6
}

// TestAgreesWithCEL compares every expression of the pack with CEL's own
// runtime on complete projects.
func TestAgreesWithCEL(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	env, err := cel.NewEnv(cel.Variable("facts", cel.MapType(cel.StringType, cel.DynType)))
	if err != nil {
		t.Fatal(err)
	}
	expressions := append(p.expressions(),
		`!(facts.use_area < 20.0 || facts.zone == "core") == facts.gas_alarm`,
		`(facts.zone == "core" ? 2.0 : 3.0) * -facts.kitchen_area + 5.5 < facts.use_area - (facts.pool ? 1.0 : 0.0)`,
		`!(facts.seats + 3 > facts.rooms * 2 ? facts.pool : !facts.elevator)`,
		`!(facts.zone in ["core", "style"]) && "hotel" != facts.industry`,
		`3.0 * facts.use_area > 100.0 && -3.0 * facts.use_area <= -100.0 && 7 != facts.seats`,
	)
	type pair struct {
		ours *standard.Expr
		cel  cel.Program
	}
	var pairs []pair
	for _, src := range expressions {
		e, diagnostics := p.vocabulary.Parse(src)
		if len(diagnostics) > 0 {
			t.Fatalf("%s: %+v", src, diagnostics)
		}
		ast, issues := env.Compile(src)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		program, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, pair{e, program})
	}
	r := rand.New(rand.NewPCG(1, 1))
	decided := map[standard.Truth]int{}
	for range 300 {
		facts := randomFacts(p.vocabulary, r)
		project, problems := p.vocabulary.Project(facts)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, f := range p.vocabulary.Facts() {
			if n, ok := facts[f.Key].(float64); ok && f.Kind == standard.Int {
				facts[f.Key] = int64(n)
			}
		}
		for _, x := range pairs {
			got := x.ours.Eval(project)
			value, _, err := x.cel.Eval(map[string]any{"facts": facts})
			if err != nil {
				t.Fatalf("%s: %v", x.ours, err)
			}
			if want := standard.TruthOf(value.Value() == true); got != want {
				t.Fatalf("%s: got %s, CEL says %s; facts %v", x.ours, got, want, facts)
			}
			decided[got]++
		}
	}
	t.Logf("%d expressions, results %v", len(pairs), decided)
}

// TestPartialProjects checks that a decided result on a partial project holds
// in its completions, that facts are missing exactly when the result is
// Unknown, and that every result has its reasons.
func TestPartialProjects(t *testing.T) {
	t.Parallel()
	p := loadPack(t)
	expressions := p.parsed(t)
	for _, src := range []string{
		`facts.pool == facts.elevator`,
		`facts.pool != (facts.seats > 3 ? facts.elevator : true)`,
		`facts.use_area >= (facts.pool ? 10.0 : facts.elevator ? 20.0 : facts.floor_area)`,
	} {
		e, diagnostics := p.vocabulary.Parse(src)
		if len(diagnostics) > 0 {
			t.Fatal(diagnostics)
		}
		expressions = append(expressions, e)
	}
	r := rand.New(rand.NewPCG(2, 2))
	counts := map[standard.Truth]int{}
	for range 60 {
		facts := randomFacts(p.vocabulary, r)
		known := map[string]any{}
		for _, f := range p.vocabulary.Facts() {
			if r.IntN(2) == 0 {
				known[f.Key] = facts[f.Key]
			}
		}
		partial, problems := p.vocabulary.Project(known)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var completions []*standard.Project
		for range 8 {
			complete := randomFacts(p.vocabulary, r)
			for key, value := range known {
				complete[key] = value
			}
			project, _ := p.vocabulary.Project(complete)
			completions = append(completions, project)
		}
		for _, e := range expressions {
			got := e.Eval(partial)
			counts[got]++
			missing := e.Missing(partial, nil)
			if (len(missing) > 0) != (got == standard.Unknown) {
				t.Fatalf("%s: %s, missing %v", e, got, missing)
			}
			for _, i := range missing {
				if partial.Known(i) {
					t.Fatalf("%s: fact %d is known", e, i)
				}
			}
			reasons := e.Explain(partial)
			if len(reasons) == 0 {
				t.Fatalf("%s: no reasons", e)
			}
			for _, reason := range reasons {
				if got == standard.Unknown && reason.Truth != standard.Unknown {
					t.Fatalf("%s: UNKNOWN because of %+v", e, reason)
				}
				if reason.ZH == "" || reason.EN == "" || bytes.Contains([]byte(reason.ZH+reason.EN), []byte("%!")) {
					t.Fatalf("%s: bad words %+v", e, reason)
				}
			}
			if got == standard.Unknown {
				continue
			}
			for _, complete := range completions {
				if later := e.Eval(complete); later != got {
					t.Fatalf("%s: %s on the partial project, %s on a completion", e, got, later)
				}
			}
		}
	}
	t.Logf("results %v", counts)
}
