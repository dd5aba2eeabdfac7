package catalog_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
)

func shipped(t *testing.T) *catalog.Pack {
	t.Helper()
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

// What is spelled reads back as it was, for every standard of the shipped pack.
func TestEveryStandardReadsBack(t *testing.T) {
	t.Parallel()
	pack := shipped(t)
	codes := []string{}
	for _, e := range pack.Items {
		codes = append(codes, e.Value.Code)
	}
	for _, e := range pack.Schemes {
		codes = append(codes, e.Value.Code)
	}
	for _, code := range codes {
		content := pack.Standard(code)
		spelled, err := catalog.Spell(content)
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		_, again, err := catalog.Reread(code, spelled)
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		if drafting.DigestOf(content) != drafting.DigestOf(again) {
			t.Errorf("%s is not as it was:\n%s", code, cmp.Diff(content, again))
		}
	}
}

// A standard is judged in its place, by the rules of an import; every fault is
// named at once, below the standard.
func TestAStandardIsCheckedInItsPlace(t *testing.T) {
	t.Parallel()
	pack := shipped(t)
	spell := func(code string) map[string]any {
		spelled, err := catalog.Spell(pack.Standard(code))
		if err != nil {
			t.Fatal(err)
		}
		return spelled
	}
	first := func(spelled map[string]any, list string, i int) map[string]any {
		return spelled[list].([]any)[i].(map[string]any)
	}
	if _, _, err := catalog.ReadStandard(pack, "eia-register", spell("eia-register")); err != nil {
		t.Fatalf("as it is: %v", err)
	}
	bad := spell("eia-register")
	first(bad, "items", 0)["department"] = "nobody"
	first(bad, "items", 0)["needed_when"] = "facts.nothing == 1.0"
	bad["clauses"] = append(bad["clauses"].([]any), map[string]any{"id": "C-FIR-001", "item": "eia-register", "department": "eco", "category": "环保", "kind": "condition",
		"text": "同号", "applies_when": "true", "requires": "facts.use_area >= true", "promisable": false, "evidence": []any{}, "basis": []any{map[string]any{"law": "没有的法"}}})
	_, _, err := catalog.ReadStandard(pack, "eia-register", bad)
	n := len(pack.Standard("eia-register").Clauses)
	at := strings.NewReplacer("N", string(rune('0'+n)))
	var paths []string
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	for _, p := range f.Problems {
		paths = append(paths, p.Path)
	}
	for _, want := range []string{"items[0].department", "items[0].needed_when", at.Replace("clauses[N].requires"), at.Replace("clauses[N].basis.0.law")} {
		if !slices.Contains(paths, want) {
			t.Errorf("no problem at %s: %v", want, f)
		}
	}
	if !strings.Contains(f.Error(), "C-FIR-001 stands here twice") {
		t.Errorf("a clause of another standard was taken: %v", f)
	}
	for name, spelled := range map[string]map[string]any{
		"nothing":       {},
		"two items":     {"items": []any{first(spell("biz-reg"), "items", 0), first(spell("eia-register"), "items", 0)}},
		"another item":  spell("biz-reg"),
		"more":          {"items": spell("eia-register")["items"], "laws": []any{}},
		"no list":       {"items": "eia-register"},
		"both kinds":    {"items": spell("eia-register")["items"], "industries": spell("catering")["industries"]},
		"a foreign one": {"items": spell("eia-register")["items"], "clauses": spell("biz-reg")["clauses"], "industries": []any{}},
	} {
		_, _, err := catalog.ReadStandard(pack, "eia-register", spelled)
		if name == "a foreign one" && len(pack.Standard("biz-reg").Clauses) == 0 {
			continue
		}
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := catalog.MayEnd(pack, "biz-reg"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an item that others wait for may end: %v", err)
	}
	if err := catalog.MayEnd(pack, "catering"); err != nil {
		t.Errorf("a scheme may not end: %v", err)
	}
}

// The linked data names every standard, and what it points at is there.
func TestLinkedDataHoldsTogether(t *testing.T) {
	t.Parallel()
	pack := shipped(t)
	text, err := pack.LinkedData("https://district.example")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Context map[string]string `json:"@context"`
		Graph   []map[string]any  `json:"@graph"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Context["cpsv"] != "http://purl.org/vocab/cpsv#" {
		t.Errorf("the context is %v", doc.Context)
	}
	there, types := map[string]bool{}, map[string]int{}
	for _, n := range doc.Graph {
		there[n["@id"].(string)] = true
		if kind, ok := n["@type"].(string); ok {
			types[kind]++
		}
	}
	if types["cpsv:PublicService"] != len(pack.Items) || types["cv:BusinessEvent"] != len(pack.Schemes) || types["cv:PublicOrganisation"] != len(pack.Departments) {
		t.Errorf("the graph holds %v", types)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, ok := v["@id"].(string); ok && len(v) == 1 && !there[id] {
				t.Errorf("%s is pointed at and not there", id)
			}
			for key, child := range v {
				if prefix, _, ok := strings.Cut(key, ":"); ok && doc.Context[prefix] == "" {
					t.Errorf("%s has no context", key)
				}
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	for _, n := range doc.Graph {
		walk(n)
	}
	plain, err := pack.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var whole struct {
		Items struct {
			Items []struct{ ID string }
		}
	}
	if err := json.Unmarshal(plain, &whole); err != nil || len(whole.Items.Items) != len(pack.Items) {
		t.Errorf("the JSON holds %d items of %d: %v", len(whole.Items.Items), len(pack.Items), err)
	}
}
