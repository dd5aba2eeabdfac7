package words_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/graph/words"
)

func load(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := os.ReadDir("../schema")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.Source
	for _, file := range files {
		text, err := os.ReadFile("../schema/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: file.Name(), Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestEverythingIsDescribed finds what has no description in graph/schema and no
// meaning in words.txt: say there what it is, or here when the word stands in many
// places.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	schema := load(t)
	words.Describe(schema)
	want := func(what, description string) {
		if first, _, _ := strings.Cut(description, " "); description == "" || first[0] >= 'a' && first[0] <= 'z' {
			t.Errorf("%s is described as %q", what, description)
		}
	}
	for _, definition := range schema.Types {
		if definition.BuiltIn {
			continue
		}
		want(definition.Name, definition.Description)
		if definition.Kind == ast.Scalar && definition.Directives.ForName("specifiedBy") == nil {
			t.Errorf("nobody says where %s is specified", definition.Name)
		}
		for _, v := range definition.EnumValues {
			want(definition.Name+"."+v.Name, v.Description)
		}
		for _, f := range definition.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			want(definition.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				want(definition.Name+"."+f.Name+"."+a.Name, a.Description)
			}
		}
	}
	if unused := words.Unused(load(t)); len(unused) > 0 {
		slices.Sort(unused)
		t.Errorf("words that nothing needs: %s", unused)
	}
}
