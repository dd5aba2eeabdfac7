package standard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
)

func TestTruthTables(t *testing.T) {
	t.Parallel()
	all := []standard.Truth{standard.False, standard.Unknown, standard.True} // In Kleene's order.
	for i, a := range all {
		if got, want := a.Not(), all[2-i]; got != want {
			t.Errorf("not %s is %s", a, got)
		}
		for j, b := range all {
			if got, want := a.And(b), all[min(i, j)]; got != want {
				t.Errorf("%s and %s is %s", a, b, got)
			}
			if got, want := a.Or(b), all[max(i, j)]; got != want {
				t.Errorf("%s or %s is %s", a, b, got)
			}
		}
		var again standard.Truth
		text, _ := a.MarshalText()
		if err := again.UnmarshalText(text); err != nil || again != a {
			t.Errorf("%s came back as %s: %v", a, again, err)
		}
		var gql bytes.Buffer
		a.MarshalGQL(&gql)
		if got, want := gql.String(), `"`+a.String()+`"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := again.UnmarshalGQL(a.String()); err != nil || again != a {
			t.Errorf("%s came back as %s: %v", a, again, err)
		}
	}
	var truth standard.Truth
	if truth.UnmarshalText([]byte("true")) == nil || truth.UnmarshalGQL(1) == nil {
		t.Error("a wrong name was accepted")
	}
}

func TestKindAndRoleNames(t *testing.T) {
	t.Parallel()
	var kind standard.FactKind
	if err := kind.UnmarshalGQL("ENUM"); err != nil || kind != standard.Enum {
		t.Errorf("%s: %v", kind, err)
	}
	if kind.UnmarshalGQL("enum") == nil || kind.UnmarshalGQL(3) == nil {
		t.Error("a wrong kind was accepted")
	}
	var role standard.FactRole
	if err := role.UnmarshalGQL("DESIGN"); err != nil || role != standard.Design {
		t.Errorf("%s: %v", role, err)
	}
	var gql bytes.Buffer
	kind.MarshalGQL(&gql)
	role.MarshalGQL(&gql)
	if got := gql.String(); got != `"ENUM""DESIGN"` {
		t.Error(got)
	}
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "0e9999999999999999999": "0", "1.2": "1.2", "180": "180", "180.0": "180", "-0.5": "-0.5",
		"1e3": "1000", "1E+3": "1000", "12.5e-1": "1.25", "0.000001": "0.000001", "1.0000000": "1", "1e-6": "0.000001", "10e-7": "0.000001",
		"0000000000000000000000000001": "1", "9223372036854.775807": "9223372036854.775807", "-9223372036854.775807": "-9223372036854.775807",
	} {
		got, err := standard.ParseDecimal(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": standard.ErrSyntax, "-": standard.ErrSyntax, "+1": standard.ErrSyntax, ".5": standard.ErrSyntax, "5.": standard.ErrSyntax,
		"1e": standard.ErrSyntax, "1e+-3": standard.ErrSyntax, "1_000": standard.ErrSyntax, "0x10": standard.ErrSyntax, "NaN": standard.ErrSyntax,
		"1.2.3": standard.ErrSyntax, " 1": standard.ErrSyntax, "１": standard.ErrSyntax,
		"0.0000001": standard.ErrTooFine, "1e-7": standard.ErrTooFine, "1e-99999999999999999999": standard.ErrTooFine,
		"1e13": standard.ErrOverflow, "9223372036854.775808": standard.ErrOverflow, "1e99999999999999999999": standard.ErrOverflow,
	} {
		if got, err := standard.ParseDecimal(text); !errors.Is(err, want) {
			t.Errorf("%q: got %s, %v; want %v", text, got, err, want)
		}
	}
}

func TestDecimalRoundTrips(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		want := standard.Decimal(r.Int64N(math.MaxInt64) >> r.IntN(60))
		if r.IntN(2) == 0 {
			want = -want
		}
		var fromText, fromJSON, fromYAML standard.Decimal
		fromText, err := standard.ParseDecimal(want.String())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(want)
		if err == nil {
			err = json.Unmarshal(text, &fromJSON)
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err = yaml.Marshal(want)
		if err == nil {
			err = yaml.Unmarshal(text, &fromYAML)
		}
		if err != nil || fromText != want || fromJSON != want || fromYAML != want {
			t.Fatalf("%d: %d %d %d %v", want, fromText, fromJSON, fromYAML, err)
		}
	}
}

func TestNewVocabularyFaults(t *testing.T) {
	t.Parallel()
	low, high := standard.Decimal(1), standard.Decimal(2)
	far := standard.Decimal(2e18)
	ok := standard.Fact{Kind: standard.Bool, Role: standard.Given}
	fact := func(key string, change func(*standard.Fact)) standard.Fact {
		f := ok
		f.Key = key
		change(&f)
		return f
	}
	values := func(codes ...string) []standard.FactValue {
		var all []standard.FactValue
		for _, c := range codes {
			all = append(all, standard.FactValue{Code: c})
		}
		return all
	}
	_, err := standard.NewVocabulary([]standard.Fact{
		fact("fine", func(f *standard.Fact) {}),
		fact("fine", func(f *standard.Fact) {}),
		fact("Bad", func(f *standard.Fact) {}),
		fact("kind", func(f *standard.Fact) { f.Kind = "TEXT" }),
		fact("role", func(f *standard.Fact) { f.Role = "" }),
		fact("empty", func(f *standard.Fact) { f.Kind = standard.Enum }),
		fact("twice", func(f *standard.Fact) { f.Kind, f.Values = standard.Enum, values("a", "a") }),
		fact("many", func(f *standard.Fact) {
			f.Kind, f.Values = standard.Enum, values(strings.Split(strings.Repeat("a", 257), "")...)
		}),
		fact("range", func(f *standard.Fact) { f.Kind, f.Min, f.Max = standard.Number, &high, &low }),
		fact("far", func(f *standard.Fact) { f.Kind, f.Max = standard.Number, &far }),
		fact("bounded", func(f *standard.Fact) { f.Max = &high }),
		fact("default_bool", func(f *standard.Fact) { f.Default = "no" }),
		fact("default_enum", func(f *standard.Fact) { f.Kind, f.Values, f.Default = standard.Enum, values("a"), "b" }),
		fact("default_int", func(f *standard.Fact) { f.Kind, f.Default = standard.Int, 1.5 }),
	})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		t.Fatal(err)
	}
	var got []string
	for _, p := range f.Problems {
		if line := p.Path + " " + p.Code; len(got) == 0 || got[len(got)-1] != line {
			got = append(got, line)
		}
	}
	want := []string{
		"fine DUPLICATE", "Bad BAD_KEY", "kind UNKNOWN_KIND", "role UNKNOWN_ROLE", "empty NO_VALUES", "twice DUPLICATE_VALUE",
		"many TOO_LARGE", "many DUPLICATE_VALUE", "range MIN_ABOVE_MAX", "far OUT_OF_RANGE", "bounded UNEXPECTED_RANGE",
		"default_bool WRONG_DEFAULT", "default_enum WRONG_DEFAULT", "default_int WRONG_DEFAULT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := standard.NewVocabulary(make([]standard.Fact, 4097)); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestVocabularyIsACopy(t *testing.T) {
	t.Parallel()
	given := facts()
	v, err := standard.NewVocabulary(given)
	if err != nil {
		t.Fatal(err)
	}
	given[0].Key = "changed"
	given[8].Values[0].Code = "changed"
	v.Facts()[1].Key = "changed"
	if diff := cmp.Diff(facts(), v.Facts()); diff != "" {
		t.Error(diff)
	}
	i, ok := v.Index("zone")
	if f, found := v.Fact("zone"); !ok || !found || v.At(i) != f || v.Len() != 10 {
		t.Error("zone is not found")
	}
	if _, ok := v.Fact("nosuch"); ok {
		t.Error("nosuch is found")
	}
}

func TestProjectFaults(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"use_area 1":     {"180", "WRONG_TYPE"},
		"use_area 2":     {nil, "WRONG_TYPE"},
		"use_area 3":     {true, "WRONG_TYPE"},
		"use_area 4":     {-1, "OUT_OF_RANGE"},
		"use_area 5":     {500000.1, "OUT_OF_RANGE"},
		"use_area 6":     {json.Number("0.0000001"), "TOO_FINE"},
		"use_area 7":     {json.Number("1e400"), "OUT_OF_RANGE"},
		"use_area 8":     {json.Number("x"), "WRONG_TYPE"},
		"use_area 9":     {math.NaN(), "WRONG_TYPE"},
		"use_area 10":    {math.Inf(1), "WRONG_TYPE"},
		"use_area 11":    {math.MaxFloat64, "OUT_OF_RANGE"},
		"use_area 12":    {[]any{1}, "WRONG_TYPE"},
		"use_area 13":    {map[string]any{}, "WRONG_TYPE"},
		"ratio 1":        {int64(math.MinInt64), "OUT_OF_RANGE"},
		"ratio 2":        {1.1e12, "OUT_OF_RANGE"},
		"seats 1":        {5.5, "NOT_AN_INTEGER"},
		"seats 2":        {json.Number("5.0000001"), "NOT_AN_INTEGER"},
		"seats 3":        {json.Number("100000000000000000000"), "OUT_OF_RANGE"},
		"flue 1":         {"true", "WRONG_TYPE"},
		"flue 2":         {1, "WRONG_TYPE"},
		"zone 1":         {"cor", "UNKNOWN_VALUE"},
		"zone 2":         {0, "WRONG_TYPE"},
		"zone 3":         {"", "UNKNOWN_VALUE"},
		"usearea 1":      {1, "UNKNOWN_FACT"},
		"use_area\xff 1": {1, "UNKNOWN_FACT"},
	} {
		key, _, _ := strings.Cut(name, " ")
		project, problems := v.Project(map[string]any{key: test.value, "computers": 3})
		if project != nil || len(problems) != 1 || problems[0].Code != test.want || problems[0].Path != "facts."+key {
			t.Errorf("%s: got %+v, want %s", name, problems, test.want)
		}
	}
	_, problems := v.Project(map[string]any{"zone": "x", "seat": 1, "height": 301, "unlike_anything": 1})
	want := []fault.Problem{
		{Path: "facts.height", Code: "OUT_OF_RANGE", ZH: "烟囱高度：须在 0 与 300 之间", EN: "stack height: must lie between 0 and 300"},
		{Path: "facts.seat", Code: "UNKNOWN_FACT", ZH: "没有这项事实：seat，是否指 seats", EN: "there is no fact seat, did you mean seats"},
		{Path: "facts.unlike_anything", Code: "UNKNOWN_FACT", ZH: "没有这项事实：unlike_anything", EN: "there is no fact unlike_anything"},
		{Path: "facts.zone", Code: "UNKNOWN_VALUE", ZH: `功能区：没有取值 "x"，可选：core, style, commercial`, EN: `zone: "x" is none of core, style, commercial`},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
}

func TestProjectFacts(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	project, problems := v.Project(map[string]any{
		"use_area": json.Number("1.80e2"), "kitchen_area": 0.1, "height": int64(3), "seats": json.Number("5.0"), "flue": false, "zone": "style",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := json.Marshal(project.Facts())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"flue":false,"height":3,"kitchen_area":0.1,"seats":5,"use_area":180,"zone":"style"}`, string(got)); diff != "" {
		t.Error(diff)
	}
	again, problems := v.Project(project.Facts())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(project.Facts(), again.Facts()); diff != "" {
		t.Error(diff)
	}
	if i, _ := v.Index("homestay"); project.Known(i) || project.Value(i) != nil {
		t.Error("homestay is answered")
	}
	pinned, problems := project.With(map[string]any{"homestay": true, "zone": "core"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	zone, _ := v.Index("zone")
	if pinned.Value(zone) != "core" || project.Value(zone) != "style" {
		t.Error("With changes the wrong project")
	}
}

func TestClauses(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	requires := "facts.height >= 15.0"
	clause := standard.Clause{Code: "C-1", Kind: standard.Condition, AppliesWhen: `facts.zone == "core"`, Requires: &requires}
	compiled, diagnostics := v.Compile(clause)
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	clause.Requires = nil
	manual, diagnostics := v.Compile(clause)
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	for _, test := range []struct {
		facts          map[string]any
		want, byPerson standard.Result
	}{
		{nil, standard.Result{}, standard.Result{}},
		{map[string]any{"zone": "style", "height": 1}, standard.Result{Applies: standard.False}, standard.Result{Applies: standard.False}},
		{map[string]any{"zone": "core"}, standard.Result{Applies: standard.True}, standard.Result{Applies: standard.True, Manual: true}},
		{map[string]any{"zone": "core", "height": 1}, standard.Result{Applies: standard.True, Met: standard.False}, standard.Result{Applies: standard.True, Manual: true}},
		{map[string]any{"height": 15}, standard.Result{Met: standard.True}, standard.Result{}},
	} {
		project, problems := v.Project(test.facts)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if diff := cmp.Diff([]standard.Result{test.want, test.byPerson}, []standard.Result{compiled.Evaluate(project), manual.Evaluate(project)}); diff != "" {
			t.Errorf("%v: %s", test.facts, diff)
		}
	}
	wrong := "facts.height >= 15"
	_, diagnostics = v.Compile(standard.Clause{Kind: "WISH", AppliesWhen: "facts.nosuch", Requires: &wrong})
	var got []string
	for _, d := range diagnostics {
		got = append(got, d.Field+" "+d.Code)
	}
	if diff := cmp.Diff([]string{"kind UNKNOWN_KIND", "applies_when UNKNOWN_FACT", "requires WRONG_TYPE"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestInForce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to, on string
		want         bool
	}{
		{"", "", "2026-11-23", true},
		{"2026-11-23", "", "2026-11-23", true},
		{"2026-11-24", "", "2026-11-23", false},
		{"", "2026-11-23", "2026-11-23", true},
		{"", "2026-11-22", "2026-11-23", false},
		{"2009-03-01", "2025-01-19", "2024-02-29", true},
	} {
		c := standard.Clause{Effective: standard.Effective{From: test.from, To: test.to}}
		if got := c.InForce(test.on); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}
