// Package words says what the words of the schema mean where graph/schema does not
// say more: one word is one idea wherever it stands, and so it is told once.
package words

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed words.txt
var text string

// meanings are what words.txt says, by type, Type.field, Type.field.argument, name or
// value.
var meanings = func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if word, meaning, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(word, "#") {
			all[word] = meaning
		}
	}
	return all
}()

// cursor is where Cursor, which the generator writes, is specified.
const cursor = "https://relay.dev/graphql/connections.htm#sec-Cursor"

// Describe gives a description to everything in a schema that has none, and says of
// what the generator has written what it leaves out.
func Describe(schema *ast.Schema) {
	describe(schema, func(string) {})
	if c := schema.Types["Cursor"]; c != nil && c.Directives.ForName("specifiedBy") == nil {
		c.Description = "A place in a list, as the server gave it: it says nothing to anybody else."
		c.Directives = append(c.Directives, &ast.Directive{Name: "specifiedBy", Definition: schema.Directives["specifiedBy"], ParentDefinition: c, Location: ast.LocationScalar,
			Arguments: ast.ArgumentList{{Name: "url", Value: &ast.Value{Kind: ast.StringValue, Raw: cursor}}}})
	}
}

// Unused gives the words that nothing in a schema needs.
func Unused(schema *ast.Schema) []string {
	used := map[string]bool{}
	describe(schema, func(word string) { used[word] = true })
	var unused []string
	for word := range meanings {
		if !used[word] {
			unused = append(unused, word)
		}
	}
	return unused
}

func describe(schema *ast.Schema, use func(word string)) {
	// fill takes the first of the words that has a meaning, or else what is said by convention.
	fill := func(description *string, convention string, words ...string) {
		if *description != "" {
			return
		}
		*description = convention
		for _, word := range words {
			if meaning := meanings[word]; meaning != "" {
				use(word)
				*description = meaning
				return
			}
		}
	}
	for _, t := range schema.Types {
		if t.BuiltIn || strings.HasPrefix(t.Name, "__") {
			continue
		}
		fill(&t.Description, typeByName(schema, t.Name), t.Name)
		for _, v := range t.EnumValues {
			convention := ""
			if strings.HasSuffix(t.Name, "OrderField") {
				convention = fmt.Sprintf("By `%s`.", camel(v.Name))
			}
			fill(&v.Description, convention, t.Name+"."+v.Name, v.Name)
		}
		for _, f := range t.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			if strings.HasSuffix(t.Name, "WhereInput") {
				if strings.HasSuffix(f.Description, " predicates") { // what the generator calls a group of them
					f.Description = ""
				}
				fill(&f.Description, predicate(t, f.Name))
				continue
			}
			fill(&f.Description, fieldByName(t.Name, f.Name), t.Name+"."+f.Name, f.Name)
			for _, a := range f.Arguments {
				fill(&a.Description, "", t.Name+"."+f.Name+"."+a.Name, a.Name)
			}
		}
	}
}

// typeByName says what types are that are named by a convention.
func typeByName(schema *ast.Schema, name string) string {
	command := func(suffix string) (string, bool) {
		verb, ok := strings.CutSuffix(name, suffix)
		if !ok || verb == "" {
			return "", false
		}
		verb = strings.ToLower(verb[:1]) + verb[1:]
		return verb, schema.Mutation != nil && schema.Mutation.Fields.ForName(verb) != nil
	}
	if verb, ok := command("Payload"); ok {
		return fmt.Sprintf("What `%s` answers.", verb)
	}
	if verb, ok := command("Input"); ok {
		return fmt.Sprintf("What `%s` takes.", verb)
	}
	for suffix, meaning := range map[string]string{
		"Connection": "A page of a list of %s.", "Edge": "One place of a page: %s, and its cursor.", "OrderField": "What a list of %s can be ordered by.", "Order": "An order of a list of %s.",
	} {
		if of, ok := strings.CutSuffix(name, suffix); ok && of != "" {
			return fmt.Sprintf(meaning, of)
		}
	}
	return ""
}

// fieldByName says what the fields of pages and orders are.
func fieldByName(of, name string) string {
	for suffix, fields := range map[string]map[string]string{
		"Connection": {"edges": "The places of this page.", "pageInfo": "Whether there is more, and from where.", "totalCount": "How many there are on all pages."},
		"Edge":       {"node": "What is here.", "cursor": "This place, for `after` and `before`."},
		"Order":      {"direction": "Which way.", "field": "By what."},
	} {
		if strings.HasSuffix(of, suffix) && fields[name] != "" {
			return fields[name]
		}
	}
	return ""
}

// predicate says what a condition of a filter asks, by the end of its name. The longer
// ends come first.
func predicate(filter *ast.Definition, name string) string {
	switch name {
	case "not":
		return "This does not hold."
	case "and":
		return "All of these hold."
	case "or":
		return "One of these holds."
	}
	if edge, ok := strings.CutSuffix(name, "With"); ok && filter.Fields.ForName(edge) != nil {
		return "There is one for which these hold."
	}
	if strings.HasPrefix(name, "has") && filter.Fields.ForName(name+"With") != nil {
		return "There is one at all, or none."
	}
	for _, end := range []struct{ suffix, meaning string }{
		{"ContainsFold", "`%s` contains this text, whatever the case of its letters."}, {"EqualFold", "`%s` is this text, whatever the case of its letters."}, {"Contains", "`%s` contains this text."},
		{"HasPrefix", "`%s` begins with this text."}, {"HasSuffix", "`%s` ends with this text."}, {"IsNil", "`%s` is not there."}, {"NotNil", "`%s` is there."},
		{"NotIn", "`%s` is none of these."}, {"NEQ", "`%s` is not this."}, {"GTE", "`%s` is this or more."}, {"LTE", "`%s` is this or less."}, {"GT", "`%s` is more than this."}, {"LT", "`%s` is less than this."}, {"In", "`%s` is one of these."},
	} {
		if of, ok := strings.CutSuffix(name, end.suffix); ok && filter.Fields.ForName(of) != nil {
			return fmt.Sprintf(end.meaning, of)
		}
	}
	return fmt.Sprintf("`%s` is this.", name)
}

// camel writes a name in capitals as that of a field: OPENED_AT as openedAt.
func camel(name string) string {
	parts := strings.Split(strings.ToLower(name), "_")
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}
