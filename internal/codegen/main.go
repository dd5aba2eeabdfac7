// Command codegen writes all generated code: ent from ent/schema, then gqlgen
// from graph/schema, then the schema in one file for clients, then protobuf from
// plugins/proto. Run it through `go generate .` or `make gen`; with `sdl` or
// `protobuf` it writes that part only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "codegen:", err)
		os.Exit(1)
	}
}

// packOrder makes every list that has positions come in their order unless the
// client asks for another: the order of the pack, or of the case.
func packOrder(_ *gen.Graph, schema *ast.Schema) error {
	for _, object := range schema.Types {
		for _, field := range object.Fields {
			arg := field.Arguments.ForName("orderBy")
			if arg == nil || arg.Type.Elem == nil {
				continue
			}
			by := schema.Types[schema.Types[arg.Type.Elem.NamedType].Fields.ForName("field").Type.Name()]
			if by.EnumValues.ForName("POSITION") == nil {
				continue
			}
			order := &ast.Value{Kind: ast.ObjectValue, Children: ast.ChildValueList{
				{Name: "direction", Value: &ast.Value{Kind: ast.EnumValue, Raw: "ASC"}},
				{Name: "field", Value: &ast.Value{Kind: ast.EnumValue, Raw: "POSITION"}},
			}}
			arg.DefaultValue = &ast.Value{Kind: ast.ListValue, Children: ast.ChildValueList{{Value: order}}}
		}
	}
	return nil
}

// instants names the type of an instant as the hand-written schema does.
func instants(_ *gen.Graph, schema *ast.Schema) error {
	delete(schema.Types, "Time")
	for _, object := range schema.Types {
		for _, field := range object.Fields {
			t := field.Type
			for t.Elem != nil {
				t = t.Elem
			}
			if t.NamedType == "Time" {
				t.NamedType = "DateTime"
			}
		}
	}
	return nil
}

// amendments are what entgql's pagination and filters lack.
var amendments = map[string][][2]string{
	// An order by a column that may be NULL: as it is made, a page that ends with a
	// NULL is followed by nothing. See template/nulls.tmpl.
	"ent/gql_pagination.go": {
		{"entgql.MultiCursorsPredicate(", "cursorPredicates("},
		{"query.Order(o.Field.toTerm(direction.OrderTermOption()))", "query.Order(o.Field.toTerm(direction.OrderTermOption(), nullsLargest(o.Field.column)))"},
		// The page's information: as it is made, it costs a count, and without edges there is
		// a next page whenever there is anything at all, and no cursor. The rows tell both,
		// but those of a page of none.
		{"if hasCollectedField(ctx, totalCountField) || hasCollectedField(ctx, pageInfoField) {", "if hasCollectedField(ctx, totalCountField) || (first != nil && *first == 0) || (last != nil && *last == 0) {"},
		{"ignoredEdges := !hasCollectedField(ctx, edgesField)", "ignoredEdges := !hasCollectedField(ctx, edgesField) && !hasCollectedField(ctx, pageInfoField)"},
		{"b.Ident(o.Field.column).Pad().WriteString(string(direction))", "b.Ident(o.Field.column).Pad().WriteString(string(direction) + nullsOf(o.Field.column, direction))"},
	},
	// One node that is not there is a null in the list, as one of many is; as it is
	// made, it fails the whole answer.
	"ent/gql_node.go": {
		{"case 1:\n\t\tnoder, err := c.Noder(ctx, ids[0], opts...)\n\t\tif err != nil {\n\t\t\treturn nil, err\n\t\t}\n\t\treturn []Noder{noder}, nil\n\tcase 0:", "case 0:"},
	},
	// The default order of a nested list that is asked for without any argument.
	"ent/gql_collection.go": {
		{"if field == nil || field.Arguments == nil {", "if field == nil {"},
		{"if hasCollectedField(ctx, append(path, totalCountField)...) || hasCollectedField(ctx, append(path, pageInfoField)...) {", "if hasCollectedField(ctx, append(path, totalCountField)...) || (args.first != nil && *args.first == 0) || (args.last != nil && *args.last == 0) {"},
		{"ignoredEdges := !hasCollectedField(ctx, append(path, edgesField)...)", "ignoredEdges := !hasCollectedField(ctx, append(path, edgesField)...) && !hasCollectedField(ctx, append(path, pageInfoField)...)"},
	},
}

// emptyLists are filters by a list: nothing is in an empty one. As they are made,
// an empty list filters nothing, and who may see nothing is shown everything.
var emptyLists = regexp.MustCompile(`if len\((i\.\w+In)\) > 0 \{`)

func amendFilters() error {
	const file = "ent/gql_where_input.go"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !emptyLists.Match(text) {
		return fmt.Errorf("%s has no filter by a list: does entgql write them otherwise now?", file)
	}
	return os.WriteFile(file, emptyLists.ReplaceAll(text, []byte("if $1 != nil {")), 0o644)
}

func amend() error {
	for file, changes := range amendments {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text := string(content)
		for _, change := range changes {
			if !strings.Contains(text, change[0]) {
				return fmt.Errorf("%s has no %q: does entgql do it itself now?", file, change[0])
			}
			text = strings.ReplaceAll(text, change[0], change[1])
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run writes all code, or the part that is asked for.
func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "sdl":
		return generateSDL()
	case len(args) == 1 && args[0] == "protobuf":
	case len(args) > 0:
		return fmt.Errorf("unknown arguments %q: nothing, sdl or protobuf", args)
	default:
		if err := generateGraph(); err != nil {
			return err
		}
	}
	if err := generateProto(ctx); err != nil {
		return fmt.Errorf("protobuf: %w", err)
	}
	return nil
}

// generateGraph writes the store, the read types of the API and its executor.
func generateGraph() error {
	graphql, err := entgql.NewExtension(
		entgql.WithSchemaGenerator(),
		entgql.WithSchemaPath("graph/schema/ent.graphql"),
		entgql.WithConfigPath("gqlgen.yml"),
		entgql.WithWhereInputs(true),
		entgql.WithSchemaHook(packOrder, instants),
	)
	if err != nil {
		return err
	}
	err = entc.Generate("./ent/schema", &gen.Config{
		Features: []gen.Feature{gen.FeatureVersionedMigration, gen.FeatureLock, gen.FeatureUpsert},
	}, entc.Extensions(graphql), entc.TemplateDir("./internal/codegen/template"))
	if err != nil {
		return fmt.Errorf("ent: %w", err)
	}
	if err := errors.Join(amend(), amendFilters()); err != nil {
		return fmt.Errorf("ent: %w", err)
	}
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	if err := api.Generate(cfg); err != nil {
		return fmt.Errorf("gqlgen: %w", err)
	}
	return generateSDL()
}
