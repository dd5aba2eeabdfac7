package standard_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/standard"
)

// facts is a small vocabulary for tests.
func facts() []standard.Fact {
	d := func(text string) *standard.Decimal {
		n, err := standard.ParseDecimal(text)
		if err != nil {
			panic(err)
		}
		return &n
	}
	return []standard.Fact{
		{Key: "use_area", Label: "使用面积", LabelEN: "use area", Kind: standard.Number, Role: standard.Given, Unit: "m2", Min: d("0"), Max: d("500000")},
		{Key: "kitchen_area", Label: "厨房面积", LabelEN: "kitchen area", Kind: standard.Number, Role: standard.Design, Unit: "m2", Min: d("0"), Max: d("10000")},
		{Key: "height", Label: "烟囱高度", LabelEN: "stack height", Kind: standard.Number, Role: standard.Design, Unit: "m", Min: d("0"), Max: d("300")},
		{Key: "ratio", Label: "容积率", LabelEN: "plot ratio", Kind: standard.Number, Role: standard.Design},
		{Key: "seats", Label: "座位", LabelEN: "seats", Kind: standard.Int, Role: standard.Choice, Unit: "座", Min: d("0"), Max: d("10000")},
		{Key: "computers", Label: "计算机", LabelEN: "computers", Kind: standard.Int, Role: standard.Choice, Unit: "台", Min: d("0"), Max: d("10000")},
		{Key: "flue", Label: "专用烟道", LabelEN: "dedicated flue", Kind: standard.Bool, Role: standard.Design},
		{Key: "homestay", Label: "民宿", LabelEN: "homestay", Kind: standard.Bool, Role: standard.Choice},
		{Key: "zone", Label: "功能区", LabelEN: "zone", Kind: standard.Enum, Role: standard.Given, Values: []standard.FactValue{
			{Code: "core", Label: "核心区", LabelEN: "core area"}, {Code: "style", Label: "风貌区"}, {Code: "commercial", Label: "商业区"},
		}},
		{Key: "nature", Label: "性质", LabelEN: "nature", Kind: standard.Enum, Role: standard.Given, Values: []standard.FactValue{
			{Code: "new", Label: "新建"}, {Code: "core", Label: "核心"},
		}},
	}
}

func vocabulary(t testing.TB) *standard.Vocabulary {
	t.Helper()
	v, err := standard.NewVocabulary(facts())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t testing.TB, v *standard.Vocabulary, src string) *standard.Expr {
	t.Helper()
	e, diagnostics := v.Parse(src)
	if len(diagnostics) > 0 {
		t.Fatalf("%s: %+v", src, diagnostics)
	}
	return e
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	for src, want := range map[string][]string{
		// Text.
		"":                        {"1 SYNTAX"},
		" \n":                     {"1 SYNTAX"},
		"facts.flue &&":           {"14 SYNTAX"},
		"facts.flue\x00":          {"11 SYNTAX"},
		"facts.zone == \"中\xff\"": {"17 SYNTAX"},
		"facts.flue\n&& )":        {"15 SYNTAX"},
		// Names.
		"facts.usearea >= 1.0":                   {"1 UNKNOWN_FACT"},
		"has(facts.usearea)":                     {"5 UNKNOWN_FACT"},
		"facts.flue && facts.nosuch && facts.no": {"15 UNKNOWN_FACT", "31 UNKNOWN_FACT"},
		"flue":                                   {"1 UNKNOWN_NAME"},
		"facts.zone.exists(x, true)":             {"18 UNKNOWN_NAME", "19 UNKNOWN_NAME"},
		"cel.bind(x, 1, true)":                   {"1 UNKNOWN_NAME", "9 UNKNOWN_NAME", "10 UNKNOWN_NAME"},
		// Types.
		"facts.use_area >= 20":                     {"16 WRONG_TYPE"},
		"facts.seats >= 20.0":                      {"13 WRONG_TYPE"},
		"facts.flue == 3":                          {"12 WRONG_TYPE"},
		"facts.use_area":                           {"1 WRONG_TYPE"},
		"facts.use_area && true":                   {"1 WRONG_TYPE"},
		"1.0":                                      {"1 NOT_SUPPORTED"},
		"facts.use_area + 1.0":                     {"16 NOT_SUPPORTED"},
		`facts.zone in ["core", 3]`:                {"24 WRONG_TYPE"},
		"facts.flue ? 1.0 : 2.0":                   {"14 NOT_SUPPORTED", "20 NOT_SUPPORTED"},
		"facts.zone.core":                          {"1 WRONG_TYPE"},
		"facts.flue == null":                       {"12 WRONG_TYPE"},
		"facts.use_area >= (facts.flue ? 1.0 : 2)": {"31 WRONG_TYPE"},
		// Outside the fragment.
		"facts.use_area / 2.0 >= 1.0":                   {"16 NOT_SUPPORTED"},
		"facts.seats % 2 == 0":                          {"13 NOT_SUPPORTED"},
		"facts.use_area * facts.kitchen_area >= 1.0":    {"16 NOT_SUPPORTED"},
		"int(facts.use_area) > 3":                       {"4 NOT_SUPPORTED"},
		"size(facts.zone) > 3":                          {"5 NOT_SUPPORTED"},
		`facts.zone.matches("c.*")`:                     {"19 NOT_SUPPORTED"},
		`facts.zone.startsWith("c")`:                    {"22 NOT_SUPPORTED"},
		`facts.zone + "x" == "corex"`:                   {"1 WRONG_TYPE", "14 WRONG_TYPE", "21 WRONG_TYPE"},
		`facts.zone < "core"`:                           {"12 NOT_SUPPORTED"},
		`facts.zone == facts.nature`:                    {"12 NOT_SUPPORTED"},
		`facts.zone in []`:                              {"12 NOT_SUPPORTED"},
		`facts.seats in [1, 2]`:                         {"13 NOT_SUPPORTED"},
		`"core" in ["core"]`:                            {"8 NOT_SUPPORTED"},
		`facts == facts`:                                {"1 WRONG_TYPE", "10 WRONG_TYPE"},
		`Facts{flue: true}.flue`:                        {"6 NOT_SUPPORTED"},
		`"core" == "core"`:                              {"1 WRONG_TYPE", "11 WRONG_TYPE"},
		`facts.zone == (facts.flue ? "core" : "style")`: {"27 WRONG_TYPE"},
		// Enum values.
		`facts.zone == "cor"`:                                    {"15 UNKNOWN_VALUE"},
		`"cor" != facts.zone`:                                    {"1 UNKNOWN_VALUE"},
		`facts.zone in ["core", "new", "style", "x"]`:            {"24 UNKNOWN_VALUE", "40 UNKNOWN_VALUE"},
		`facts.nosuch && facts.zone == "x" && facts.seats > 1.0`: {"1 UNKNOWN_FACT", "31 UNKNOWN_VALUE", "50 WRONG_TYPE"},
		// Units.
		"facts.use_area >= facts.height":                      {"16 UNIT_MISMATCH"},
		"facts.use_area + facts.height >= 3.0":                {"16 UNIT_MISMATCH"},
		"facts.use_area >= double(facts.computers)":           {"16 UNIT_MISMATCH"},
		"facts.use_area >= -facts.height":                     {"16 UNIT_MISMATCH"},
		"facts.use_area >= (facts.flue ? facts.height : 3.0)": {"16 UNIT_MISMATCH"},
		"2.0 * (facts.use_area + facts.height) >= 3.0":        {"23 UNIT_MISMATCH"},
		"facts.height > facts.ratio":                          {"14 UNIT_MISMATCH"},
		// Numbers.
		"facts.use_area > 0.0000001":                        {"18 TOO_FINE"},
		"facts.use_area * 0.001 * 0.0001 > 0.0":             {"24 TOO_FINE"},
		"facts.use_area * 3.0 == 1.0":                       {"22 TOO_FINE"},
		"facts.seats > 9223372036854775807 + 1":             {"15 OVERFLOW"},
		"facts.seats > 9223372036854775808":                 {"15 OVERFLOW"},
		"facts.seats > -9223372036854775808":                {"15 OVERFLOW"},
		"facts.use_area > 1e300":                            {"18 OVERFLOW"},
		"facts.use_area > 1e999":                            {"18 OVERFLOW"},
		"facts.seats * 4000000000 * 4000000000 > 1":         {"26 OVERFLOW"},
		"facts.seats + 9000000000000 + 9000000000000 > 1":   {"29 OVERFLOW"},
		"facts.seats > 9000000000000 + 9000000000000":       {"29 OVERFLOW"},
		"facts.ratio * 100.0 > facts.use_area":              {"21 OVERFLOW"},
		"facts.ratio + 7.0 * facts.height * 0.000001 > 1.0": {"45 OVERFLOW"},
		"facts.use_area * 0.000001 > 9000000000000.0":       {"29 OVERFLOW"},
		// Limits.
		strings.Repeat("(", 3000) + "true":                                                                      {"1 SYNTAX"},
		"facts.zone in [" + strings.Repeat(`"core",`, 256) + `"core"]`:                                          {"15 TOO_LARGE"},
		strings.Repeat("facts.flue && ", 200) + "true":                                                          {"1 TOO_LARGE"},
		strings.Repeat("facts.flue ? true : (", 40) + "true" + strings.Repeat(")", 40):                          {"1 TOO_LARGE"},
		"0.0" + strings.Repeat(" + facts.height", 9) + " > 1.0":                                                 {"125 TOO_LARGE"},
		"facts.height" + strings.Repeat(" + facts.height", 4) + " > 1.0" + strings.Repeat(" - facts.height", 4): {"74 TOO_LARGE"},
		"0.0" + strings.Repeat(" + (facts.flue ? 1.0 : 2.0)", 7) + " > facts.height":                            {"167 TOO_LARGE"},
		strings.Repeat("facts.flue == (", 20) + "facts.homestay" + strings.Repeat(")", 20):                      {"297 TOO_LARGE"},
		strings.Repeat("x", 4097):    {"4097 TOO_LARGE"},
		strings.Repeat("中", 100_000): {"4097 TOO_LARGE"},
	} {
		start := time.Now()
		e, diagnostics := v.Parse(src)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.60q took %s", src, took)
		}
		var got []string
		for _, d := range diagnostics {
			got = append(got, fmt.Sprint(d.Column, " ", d.Code))
			if d.ZH == "" || d.EN == "" || len(d.EN) > 400 {
				t.Errorf("%.60q: words are missing or long: %+v", src, d)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || e != nil {
			t.Errorf("%.80q: %s%+v", src, diff, diagnostics)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	for _, src := range []string{
		"facts.use_area >= 2.0 * double(facts.computers)",
		"2.0 * double(facts.computers) <= facts.use_area",
		"facts.use_area >= facts.kitchen_area + 3.0",
		"-facts.height < -3.0 && 3 > facts.seats - -2",
		"(facts.flue ? 2.0 : 3.0) * facts.use_area > 1.0",
		"facts.height * 1e3 >= 1e6",
		"facts.flue == facts.homestay && has(facts.zone) != true",
		"facts.zone in [" + strings.Repeat(`"core",`, 255) + `"core"]`,
		"true", "1.0 < 2.0",
		strings.Repeat("(", 100) + "facts.flue" + strings.Repeat(")", 100),
		strings.Repeat("!", 4000) + "facts.flue",
		"facts.height" + strings.Repeat(" + facts.height", 7) + " > 1.0",
		"// 注释\nfacts.flue",
	} {
		if e := parse(t, v, src); e.String() != src {
			t.Errorf("the source of %q is %q", src, e)
		}
	}
}

func TestDiagnosticWords(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	_, got := v.Parse(`facts.usearea > 1.0 && facts.zone == "cor"`)
	want := []standard.Diagnostic{
		{Column: 1, Code: "UNKNOWN_FACT", ZH: "没有这项事实：usearea，是否指 use_area", EN: "there is no fact usearea, did you mean use_area"},
		{Column: 38, Code: "UNKNOWN_VALUE", ZH: `“功能区”没有取值 "cor"，可选：core, style, commercial`, EN: `"cor" is no value of zone: core, style, commercial`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutOfRange(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	for src, want := range map[string]string{
		"facts.height > 300.0":               "[]",
		"facts.flue && facts.height > 301.0": "[30]",
		"-1 < facts.seats":                   "[1]",
		"facts.height * 2.0 > 700.0":         "[22]",
		"facts.height > 1.0 + facts.height":  "[]",
		"facts.ratio > 1e9":                  "[]",
		"facts.height + 1.0 > 500.0 + 1.0":   "[28]",
	} {
		columns := []int{}
		for _, d := range parse(t, v, src).OutOfRange() {
			columns = append(columns, d.Column)
		}
		if got := fmt.Sprint(columns); got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

func TestEval(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	project, problems := v.Project(map[string]any{
		"use_area": json.Number("180"), "kitchen_area": 60.1, "seats": 5.0, "computers": 90, "flue": true, "zone": "core",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for src, want := range map[string]standard.Truth{
		"facts.use_area >= 180.0":                            standard.True,
		"facts.use_area > 179.999999":                        standard.True,
		"facts.kitchen_area == 60.1":                         standard.True,
		"facts.kitchen_area * 3.0 == 180.3":                  standard.True, // A double says 180.29999999999998.
		"facts.kitchen_area + 0.2 == 60.3":                   standard.True,
		"facts.kitchen_area * 2.995 >= facts.use_area":       standard.False,
		"facts.use_area >= 2.0 * double(facts.computers)":    standard.True,
		"facts.use_area * 3.0 >= 100.0":                      standard.True,
		"3 * facts.seats > 14 && 3 * facts.seats < 16":       standard.True,
		"-facts.seats * 3 < -14":                             standard.True,
		"facts.seats - facts.seats == 0":                     standard.True,
		"facts.height - facts.height == 0.0":                 standard.True,
		"facts.height > 1.0":                                 standard.Unknown,
		"facts.height > 1.0 || facts.flue":                   standard.True,
		"facts.height > 1.0 && !facts.flue":                  standard.False,
		"facts.homestay ? facts.flue : facts.use_area > 1.0": standard.True,
		"facts.homestay ? facts.flue : facts.height > 1.0":   standard.Unknown,
		"facts.use_area > (facts.homestay ? 10.0 : 20.0)":    standard.True,
		"facts.use_area > (facts.homestay ? 10.0 : 200.0)":   standard.Unknown,
		"has(facts.height)":                                  standard.False,
		"!has(facts.height) && has(facts.zone)":              standard.True,
		`facts.zone in ["core", "style"]`:                    standard.True,
		`!(facts.zone in ["core", "style"])`:                 standard.False,
		`facts.zone != "core"`:                               standard.False,
		`facts.nature == "new"`:                              standard.Unknown,
		"facts.flue == facts.homestay":                       standard.Unknown,
		"facts.flue != false":                                standard.True,
		"true":                                               standard.True, "false": standard.False, "2.0 < 1.0": standard.False,
	} {
		e := parse(t, v, src)
		if got := e.Eval(project); got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
		if !strings.Contains(src, "?") {
			if got := parse(t, v, "!("+src+")").Eval(project); got != want.Not() {
				t.Errorf("!(%s): got %s, want %s", src, got, want.Not())
			}
		}
	}
}

func TestEvalRefusesAnotherVocabulary(t *testing.T) {
	t.Parallel()
	e := parse(t, vocabulary(t), "facts.flue")
	project, _ := vocabulary(t).Project(nil)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	e.Eval(project)
}

func TestMissing(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	project, _ := v.Project(map[string]any{"flue": false, "use_area": 10})
	for src, want := range map[string]string{
		"facts.flue && facts.height > 1.0":                            "",
		"facts.flue || facts.height > 1.0":                            "height",
		"facts.height > 1.0 && facts.height < 9.0 && facts.seats > 1": "height seats",
		"facts.kitchen_area + facts.use_area > 3.0":                   "kitchen_area",
		"facts.flue ? facts.homestay : facts.seats > 1":               "seats",
		"facts.homestay ? facts.flue : facts.seats > 1":               "homestay seats",
		"(facts.seats > 1 && facts.flue) || facts.zone == \"core\"":   "zone",
		"has(facts.height)":                                           "",
	} {
		var keys []string
		for _, i := range parse(t, v, src).Missing(project, nil) {
			keys = append(keys, v.At(i).Key)
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
	if got := parse(t, v, "facts.height > 1.0").Missing(project, []int{2}); len(got) != 2 {
		t.Errorf("a fact that was there already must be appended: %v", got)
	}
}

func TestImpliedAndFacts(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	e := parse(t, v, `facts.zone == "core" && (facts.seats == 5 && !facts.flue) && facts.homestay && facts.height > 3.0`)
	want := map[string]any{"zone": "core", "seats": standard.Decimal(5_000_000), "flue": false, "homestay": true}
	if diff := cmp.Diff(want, e.Implied()); diff != "" {
		t.Error(diff)
	}
	project, problems := v.Project(e.Implied())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(want, project.Facts()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{2, 4, 6, 7, 8}, e.Facts()); diff != "" {
		t.Error(diff)
	}
	if got := parse(t, v, `facts.flue || facts.homestay`).Implied(); len(got) != 0 {
		t.Errorf("a disjunction implies nothing: %v", got)
	}
	if got := parse(t, v, `facts.zone in ["style"]`).Implied()["zone"]; got != "style" {
		t.Errorf("got %v", got)
	}
}

func TestEvaluateDoesNotAllocate(t *testing.T) { // AllocsPerRun forbids a parallel test.
	p := loadPack(t)
	complete := p.project(t, p.samples[0])
	partial, _ := p.vocabulary.Project(p.samples[0].Facts)
	missing := make([]int, 0, 1000)
	if allocations := testing.AllocsPerRun(10, func() {
		for _, c := range p.compiled {
			c.Evaluate(complete)
			c.Evaluate(partial)
			missing = c.Applies.Missing(partial, missing[:0])
		}
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func FuzzParse(f *testing.F) {
	v := vocabulary(f)
	p := loadPack(f)
	for i, src := range p.expressions() {
		if i%20 == 0 {
			f.Add(src)
		}
	}
	for _, src := range []string{
		"", "\x00", "\xff\xfe", `facts.zone in ["core","style"] && !facts.homestay`, "facts.seats > 9223372036854775807 + 1",
		"facts.use_area >= (facts.flue ? 1.0 : facts.homestay ? 2.0 : -3.5e2) * 2.0", `"\u0000" == facts.zone`, "facts.flue == (facts.homestay == true)",
		strings.Repeat("(", 4000), strings.Repeat("[", 4000), strings.Repeat("-", 4000) + "1", strings.Repeat("a.", 2000) + "b",
		strings.Repeat("facts.flue?", 300), strings.Repeat("{1:", 1000), strings.Repeat("1+", 2000) + "1", strings.Repeat("\"", 4000),
		strings.Repeat("x", 100_000), "facts.flue ? 1 : 2", "facts.?flue", "has(facts)", "has(facts.flue.x)", "has(has(facts.flue))", "facts.`use_area` > 1.0",
		"facts.zone in facts.zone", "facts.zone in {\"core\": 1}", "double() > 1.0", "double(facts.seats, 1) > 1.0", "facts.seats.double() > 1.0", "!facts.seats", "-facts.flue",
		"double(\"1\") > facts.height", "facts.height > double(true)", "dyn(facts.flue)", "dyn(facts.seats) > 1.0", "[facts.seats][0] > 1", "b\"x\" == b\"x\"", "1u < 2u",
	} {
		f.Add(src)
	}
	empty, _ := v.Project(nil)
	full, problems := v.Project(map[string]any{
		"use_area": 500000, "kitchen_area": 10000, "height": 300, "ratio": 1e12, "seats": 10000, "computers": 10000,
		"flue": true, "homestay": false, "zone": "style", "nature": "new",
	})
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		e, diagnostics := v.Parse(src)
		if took := time.Since(start); took > 3*time.Second {
			t.Fatalf("Parse took %s", took)
		}
		if (e == nil) != (len(diagnostics) > 0) {
			t.Fatalf("expression %v with %+v", e, diagnostics)
		}
		for _, d := range diagnostics {
			if d.Column < 1 || d.Code == "" || !utf8.ValidString(d.ZH+d.EN) {
				t.Fatalf("%+v", d)
			}
		}
		if e == nil {
			return
		}
		for _, p := range []*standard.Project{empty, full} {
			truth := e.Eval(p)
			if missing := e.Missing(p, nil); (len(missing) > 0) != (truth == standard.Unknown) {
				t.Fatalf("%s, missing %v", truth, missing)
			}
			e.Explain(p)
			e.Implied()
		}
	})
}
