package catalog_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/catalog"
)

// files gives the shipped pack as a map, for tests that spoil it.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	pack := catalog.Jiangbei()
	names, err := fs.Glob(pack, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(pack, name)
		if err != nil {
			t.Fatal(err)
		}
		m[name] = &fstest.MapFile{Data: text}
	}
	return m
}

// replace changes one place in one file.
func replace(t *testing.T, m fstest.MapFS, file, old, new string) {
	t.Helper()
	text := string(m[file].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	m[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, new, 1))}
}

func meaning(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// oneNumber says that 5 and 5.0 are the same number.
var oneNumber = cmp.FilterValues(func(a, b any) bool {
	_, x := number(a)
	_, y := number(b)
	return x && y
}, cmp.Comparer(func(a, b any) bool {
	x, _ := number(a)
	y, _ := number(b)
	return x == y
}))

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func TestExportGivesThePackBack(t *testing.T) {
	t.Parallel()
	m := files(t)
	// Fields that the model does not know, at the top, in an entry and deep in it.
	replace(t, m, "items.yaml", "      promised: 1\n", "      promised: 1\n      remark: 当场\n      steps: [a, b, c, d, e, f, g, h, i, j, k, l]\n")
	replace(t, m, "items.yaml", "  - id: biz-reg\n", "  - id: biz-reg\n    hotline: {number: '12345', hours: [9, 17]}\n    remark: {'1': a, '3': b}\n")
	replace(t, m, "facts.yaml", "facts:\n", "edition: 3\nfacts:\n")
	pack, err := catalog.Read(m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pack.Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(m) {
		t.Errorf("%d files written, %d read", len(out), len(m))
	}
	for name, text := range out {
		if diff := cmp.Diff(meaning(t, m[name].Data), meaning(t, text), oneNumber); diff != "" {
			t.Errorf("%s (-pack +export):\n%s", name, diff)
		}
	}
}

func TestEveryFaultHasItsLine(t *testing.T) {
	t.Parallel()
	m := files(t)
	replace(t, m, "items.yaml", "department: samr", "department: nobody")
	replace(t, m, "items.yaml", "needed_when: facts.industry != \"construction\"", "needed_when: facts.industri != \"construction\"")
	replace(t, m, "clauses.yaml", "facts.title_use == \"residential\"", "facts.title_use == \"residentiel\"")
	replace(t, m, "clauses.yaml", "requires: facts.temp_use_years <= 5", "requires: facts.temp_use_years <= \"5\"")
	replace(t, m, "industries.yaml", "lead: samr", "lead: nobody")
	replace(t, m, "regions.yaml", "parent: '330205'", "parent: atlantis")
	replace(t, m, "clauses.yaml", "law: 民法典", "law: 没有这部法")
	pack, err := catalog.Read(m)
	var faults catalog.Faults
	if pack != nil || !errors.As(err, &faults) {
		t.Fatalf("Read gave %v, %v; wanted faults", pack, err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.String())
	}
	want := []string{
		`clauses.yaml:15: applies_when: column 20: `,
		`clauses.yaml:24: "没有这部法" is not in laws.yaml`,
		`clauses.yaml:53: requires: column 22: `,
		`industries.yaml:8: lead: "nobody" is no department`,
		`items.yaml:12: department: "nobody" is no department`,
		`items.yaml:23: needed_when: column 1: `,
		`regions.yaml:16: parent: "atlantis" is no region`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault %d is\n  %s\nwant\n  %s…", i, got[i], want[i])
		}
	}
}

// TestNothingHidesAnotherFault mixes faults of reading, of values and of
// references: one report has them all.
func TestNothingHidesAnotherFault(t *testing.T) {
	t.Parallel()
	m := files(t)
	replace(t, m, "clauses.yaml", "promisable: false", "promisable: maybe")
	replace(t, m, "clauses.yaml", "promisable: false", "promisable: null")
	replace(t, m, "items.yaml", "      statutory: 3\n", "      statutory: 2.7\n")
	replace(t, m, "items.yaml", "facts.industry != \"construction\"", "facts.industri != \"construction\"")
	replace(t, m, "facts.yaml", "    default: domestic\n", "    default: martian\n")
	replace(t, m, "departments.yaml", "  - id: samr\n", "  - id: gab\n")
	replace(t, m, "industries.yaml", "      - zone: style\n", "      - zone: core\n")
	m["laws.yaml"] = &fstest.MapFile{Data: append(m["laws.yaml"].Data, "---\nlaws: []\n"...)}
	_, err := catalog.Read(m)
	if err == nil {
		t.Fatal("a faulty pack was read")
	}
	for _, want := range []string{
		"clauses.yaml:20: cannot unmarshal", "promisable: <nil> cannot stand here", "time/statutory: 2.7 cannot stand here",
		"fact investor_kind: the default is wrong", "gab stands here twice", "department: \"samr\" is no department",
		"core has a verdict already", "a second document in the file",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	if t.Failed() {
		t.Logf("%.3000s", err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"no YAML":         {"items.yaml", "items:\n  - id: a\n b: c\n", "items.yaml:"},
		"wrong type":      {"departments.yaml", "departments:\n  - id: [a]\n", "departments.yaml:2: cannot unmarshal"},
		"no list":         {"laws.yaml", "laws: {}\n", "laws.yaml:1: a list of entries stands here"},
		"twice":           {"laws.yaml", "laws: []\nlaws: []\n", "laws.yaml:"},
		"empty":           {"laws.yaml", "", "laws.yaml:1: a pack's file is a mapping of lists"},
		"entry no object": {"laws.yaml", "laws:\n  - 1\n", "laws.yaml:2: an entry is a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := files(t)
			m[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			_, err := catalog.Read(m)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Read gave %v, want %q", err, c.want)
			}
		})
	}
	m := files(t)
	delete(m, "clauses.yaml")
	if _, err := catalog.Read(m); err == nil || err.Error() != "clauses.yaml:1: the pack has no such file" {
		t.Errorf("without clauses.yaml: %v", err)
	}
}
