// Package packtest holds a plugin that ships against the catalogue that ships:
// it judges only clauses of its department, asks only for facts of the vocabulary
// and for materials of the clauses' items, and never passes what the catalogue's
// own condition fails.
package packtest

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// Pack is the catalogue that ships.
type Pack struct {
	vocabulary *standard.Vocabulary
	clauses    map[string]*standard.Compiled
	items      map[string]item.Item
}

// Read reads it.
func Read(t testing.TB) *Pack {
	t.Helper()
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		t.Fatal(err)
	}
	p := &Pack{clauses: map[string]*standard.Compiled{}, items: map[string]item.Item{}}
	var facts []standard.Fact
	for _, f := range pack.Facts {
		facts = append(facts, f.Value)
	}
	if p.vocabulary, err = standard.NewVocabulary(facts); err != nil {
		t.Fatal(err)
	}
	for _, it := range pack.Items {
		p.items[it.Value.Code] = it.Value
	}
	for _, c := range pack.Clauses {
		compiled, diagnostics := p.vocabulary.Compile(c.Value)
		if len(diagnostics) > 0 {
			t.Fatal(diagnostics)
		}
		p.clauses[c.Value.Code] = compiled
	}
	return p
}

// Facts is the vocabulary, for plugintest.Conform.
func (p *Pack) Facts() []plugintest.Fact {
	var out []plugintest.Fact
	for _, f := range p.vocabulary.Facts() {
		fact := plugintest.Fact{Key: f.Key, Kind: string(f.Kind)}
		for _, v := range f.Values {
			fact.Choices = append(fact.Choices, v.Code)
		}
		out = append(out, fact)
	}
	return out
}

// Agrees fails the test where a plugin speaks of what the catalogue does not have.
// A material belongs to the item of one of its check's clauses, or to one of the
// items named besides.
func (p *Pack) Agrees(t *testing.T, plugin sdk.Plugin, besides ...string) {
	t.Helper()
	for _, check := range plugin.Checks {
		materials := map[string]bool{}
		take := func(code string) {
			for _, m := range p.items[code].Materials {
				materials[m.Code()] = true
			}
		}
		for _, code := range besides {
			take(code)
		}
		for _, code := range check.Clauses {
			clause, ok := p.clauses[code]
			if !ok {
				t.Errorf("%s: the catalogue has no clause %s", check.ID, code)
				continue
			}
			if clause.Department != plugin.Department {
				t.Errorf("%s: the clause %s is of %s, not of %s", check.ID, code, clause.Department, plugin.Department)
			}
			take(clause.Item)
		}
		for _, key := range slices.Concat(check.Facts, check.OptionalFacts) {
			if _, ok := p.vocabulary.Fact(key); !ok {
				t.Errorf("%s: there is no fact %s", check.ID, key)
			}
		}
		for _, code := range slices.Concat(check.Materials, check.Contents) {
			if !materials[code] {
				t.Errorf("%s: no item of its clauses asks for the material %s", check.ID, code)
			}
		}
	}
}

// NeverLaxer asks a check about many projects that are made up around the numbers
// of its clauses, and fails where it passes what the catalogue's condition fails,
// or says that a clause does not apply where the catalogue says that it does. Each
// fact is left out now and then; fixed ones have the value that is given.
func (p *Pack) NeverLaxer(t *testing.T, plugin sdk.Plugin, id string, rounds int, fixed map[string]any) {
	t.Helper()
	check := plugin.Checks[slices.IndexFunc(plugin.Checks, func(c sdk.Check) bool { return c.ID == id })]
	client := pb.NewCheckerClient(plugintest.Start(t, plugin, ""))
	chance := rand.New(rand.NewPCG(1, 2))
	keys := slices.Sorted(slices.Values(slices.Concat(check.Facts, check.OptionalFacts)))
	numbers := p.numbers(check.Clauses)
	judged := map[pb.Verdict]int{}
	for range rounds {
		facts := maps.Clone(fixed)
		if facts == nil {
			facts = map[string]any{}
		}
		request := &pb.CheckRequest{Day: "2026-01-05", Checks: []string{id}}
		for _, key := range keys {
			f, _ := p.vocabulary.Fact(key)
			value, given := facts[key]
			if !given {
				if chance.IntN(12) == 0 {
					continue
				}
				value = made(chance, f, numbers)
				facts[key] = value
			}
			request.Facts = append(request.Facts, wireFact(key, f.Kind, value))
		}
		project, problems := p.vocabulary.Project(facts)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		response, err := client.Check(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if fault := response.GetResults()[0].GetError(); fault != nil {
			t.Fatalf("%v: %v", facts, fault)
		}
		for _, f := range response.GetResults()[0].GetFindings() {
			judged[f.GetVerdict()]++
			plain := p.clauses[f.GetClause()].Evaluate(project)
			lax := f.GetVerdict() == pb.Verdict_VERDICT_PASS && plain.Applies == standard.True && (plain.Met == standard.False || f.GetCode() == "NOT_APPLICABLE")
			if lax {
				t.Fatalf("%s: the check says %s, the catalogue applies %s, met %s\n%v", f.GetClause(), f.GetCode(), plain.Applies, plain.Met, facts)
			}
		}
	}
	if judged[pb.Verdict_VERDICT_PASS] == 0 || judged[pb.Verdict_VERDICT_FAIL] == 0 {
		t.Fatalf("the projects prove little: %v", judged)
	}
}

// Samples asks a plugin about the catalogue's sample projects, with the defaults
// that the samples are reckoned with and without any material, and gives what it
// fails in each, as "sample clause code", sorted. It fails the test where a clause
// that a sample breaks is passed.
func (p *Pack) Samples(t *testing.T, plugin sdk.Plugin) []string {
	t.Helper()
	text, err := fs.ReadFile(catalog.Jiangbei(), "samples.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Samples []struct {
			ID       string         `yaml:"id"`
			Facts    map[string]any `yaml:"facts"`
			Expected struct {
				Failed []string `yaml:"failed_clauses"`
			} `yaml:"expected"`
		} `yaml:"samples"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	client := pb.NewCheckerClient(plugintest.Start(t, plugin, ""))
	var failed []string
	for _, sample := range file.Samples {
		given := map[string]any{}
		for _, f := range p.vocabulary.Facts() {
			if f.Default != nil {
				given[f.Key] = f.Default
			}
		}
		maps.Copy(given, sample.Facts)
		project, problems := p.vocabulary.Project(given)
		if len(problems) > 0 {
			t.Fatal(sample.ID, problems)
		}
		facts := project.Facts()
		for _, check := range plugin.Checks {
			request := &pb.CheckRequest{Day: "2026-01-05", Checks: []string{check.ID}}
			for _, key := range slices.Sorted(slices.Values(slices.Concat(check.Facts, check.OptionalFacts))) {
				if value, known := facts[key]; known {
					f, _ := p.vocabulary.Fact(key)
					request.Facts = append(request.Facts, wireFact(key, f.Kind, value))
				}
			}
			response, err := client.Check(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range response.GetResults()[0].GetFindings() {
				switch f.GetVerdict() {
				case pb.Verdict_VERDICT_FAIL:
					failed = append(failed, strings.Join([]string{sample.ID, f.GetClause(), f.GetCode()}, " "))
				case pb.Verdict_VERDICT_PASS:
					if slices.Contains(sample.Expected.Failed, f.GetClause()) {
						t.Errorf("%s breaks %s, and %s passes it", sample.ID, f.GetClause(), check.ID)
					}
				}
			}
		}
	}
	slices.Sort(failed)
	return slices.Compact(failed)
}

// numbers are those that clauses compare with.
func (p *Pack) numbers(clauses []string) []string {
	var out []string
	for _, code := range clauses {
		c := p.clauses[code]
		text := c.AppliesWhen
		if c.Clause.Requires != nil {
			text += " " + *c.Clause.Requires
		}
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
			if _, err := standard.ParseDecimal(word); err == nil {
				out = append(out, word)
			}
		}
	}
	return append(out, "1")
}

// made makes a value of a fact: exactly one of the numbers, or beside it.
func made(chance *rand.Rand, f *standard.Fact, numbers []string) any {
	switch f.Kind {
	case standard.Bool:
		return chance.IntN(2) == 0
	case standard.Enum:
		return f.Values[chance.IntN(len(f.Values))].Code
	}
	n, err := standard.ParseDecimal(numbers[chance.IntN(len(numbers))])
	if err != nil {
		panic(err) // numbers has read it
	}
	steps := []string{"0", "0.1", "-0.1", "1", "-1", "20"}
	if f.Kind == standard.Int {
		steps = []string{"0", "1", "-1", "2"}
	}
	step, err := standard.ParseDecimal(steps[chance.IntN(len(steps))])
	if err != nil {
		panic(err)
	}
	n += step
	if f.Min != nil {
		n = max(n, *f.Min)
	}
	if f.Max != nil {
		n = min(n, *f.Max)
	}
	if f.Kind == standard.Int && !n.IsInteger() {
		return standard.Decimal(n / 1_000_000 * 1_000_000)
	}
	return n
}

func wireFact(key string, kind standard.FactKind, value any) *pb.Fact {
	f := &pb.Fact{Key: key}
	switch v := value.(type) {
	case bool:
		f.Value = &pb.Fact_Boolean{Boolean: v}
	case string:
		f.Value = &pb.Fact_Choice{Choice: v}
	case standard.Decimal:
		f.Value = &pb.Fact_Number{Number: v.String()}
		if kind == standard.Int {
			whole, err := strconv.ParseInt(v.String(), 10, 64)
			if err != nil {
				panic(err)
			}
			f.Value = &pb.Fact_Integer{Integer: whole}
		}
	}
	return f
}

// Ask asks the only check of a plugin once, with facts as in sdk.Question.
func Ask(t testing.TB, plugin sdk.Plugin, facts map[string]any) *pb.CheckResult {
	t.Helper()
	request := &pb.CheckRequest{Day: "2026-01-05", Checks: []string{plugin.Checks[0].ID}}
	for key, value := range facts {
		f := &pb.Fact{Key: key}
		switch v := value.(type) {
		case sdk.Decimal:
			f.Value = &pb.Fact_Number{Number: v.String()}
		case int64:
			f.Value = &pb.Fact_Integer{Integer: v}
		case bool:
			f.Value = &pb.Fact_Boolean{Boolean: v}
		case sdk.Choice:
			f.Value = &pb.Fact_Choice{Choice: string(v)}
		default:
			t.Fatalf("%s: %T is no fact", key, value)
		}
		request.Facts = append(request.Facts, f)
	}
	response, err := pb.NewCheckerClient(plugintest.Start(t, plugin, "")).Check(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if fault := response.GetResults()[0].GetError(); fault != nil {
		t.Fatal(fault)
	}
	return response.GetResults()[0]
}

// Manifest reads the plugin.yaml beside a test and fails where it does not say
// what the program says.
func Manifest(t testing.TB, plugin sdk.Plugin) *manifest.Manifest {
	t.Helper()
	text, err := os.ReadFile(manifest.File)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	description, err := pb.NewCheckerClient(plugintest.Start(t, plugin, "")).Describe(t.Context(), &pb.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Agrees(description); err != nil {
		t.Error(err)
	}
	return m
}

// Conform asks the conformance suite with all that is at hand: the vocabulary that
// ships, the manifest's texts and the golden cases. It renders every message of
// the cases' findings in both languages besides, and fails on a text of the
// manifest that no golden case shows.
func Conform(t *testing.T, plugin sdk.Plugin) {
	t.Helper()
	cases, err := plugintest.ReadCases("testdata")
	if err != nil {
		t.Fatal(err)
	}
	m := Manifest(t, plugin)
	dir := t.TempDir()
	report := plugintest.Conform(t.Context(), plugintest.Start(t, plugin, dir), plugintest.Options{
		Facts: Read(t).Facts(), Messages: slices.Sorted(maps.Keys(m.Messages)), Cases: cases, Dir: dir, Repeat: 20,
	})
	for _, r := range report.Results {
		if r.Verdict != plugintest.Pass {
			t.Errorf("%s %s: %s", r.Verdict, r.Rule, r.Detail)
		}
	}
	shown := map[string]bool{}
	for _, c := range cases {
		for _, wants := range c.Want {
			for _, want := range wants {
				for _, message := range []map[string]string{want.Message, want.Remedy} {
					if message == nil {
						continue
					}
					params := maps.Clone(message)
					delete(params, "key")
					shown[message["key"]] = true
					if _, err := m.Render(message["key"], params); err != nil {
						t.Errorf("case %s: %v", c.Name, err)
					}
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Messages)) {
		if !shown[key] {
			t.Errorf("no golden case shows the message %s", key)
		}
	}
}
