// Command codegen writes all generated code: ent from ent/schema, then gqlgen
// from graph/schema. Run it through `go generate .` or `make gen`.
package main

import (
	"fmt"
	"os"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "codegen:", err)
		os.Exit(1)
	}
}

// packOrder makes every list come in the order of the pack unless the client
// asks for another.
func packOrder(_ *gen.Graph, schema *ast.Schema) error {
	for _, object := range schema.Types {
		for _, field := range object.Fields {
			arg := field.Arguments.ForName("orderBy")
			if arg == nil || arg.Type.Elem == nil {
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

func run() error {
	graphql, err := entgql.NewExtension(
		entgql.WithSchemaGenerator(),
		entgql.WithSchemaPath("graph/schema/ent.graphql"),
		entgql.WithConfigPath("gqlgen.yml"),
		entgql.WithWhereInputs(true),
		entgql.WithSchemaHook(packOrder),
	)
	if err != nil {
		return err
	}
	err = entc.Generate("./ent/schema", &gen.Config{
		Features: []gen.Feature{gen.FeatureVersionedMigration, gen.FeatureLock},
	}, entc.Extensions(graphql), entc.TemplateDir("./internal/codegen/template"))
	if err != nil {
		return fmt.Errorf("ent: %w", err)
	}
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	if err := api.Generate(cfg); err != nil {
		return fmt.Errorf("gqlgen: %w", err)
	}
	return nil
}
