package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/onedoor/onedoor/graph/words"
)

// sdlFile is the schema as clients see it: what code generators and compilers
// read, and what is compared with the last released one.
const sdlFile = "clients/schema.graphql"

// generateSDL writes the whole schema into one file, without the directives that
// are for gqlgen only.
func generateSDL() error {
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	if err := cfg.LoadSchema(); err != nil {
		return err
	}
	for name := range cfg.Schema.Directives {
		if forGqlgen(name) {
			delete(cfg.Schema.Directives, name)
		}
	}
	for _, definition := range cfg.Schema.Types {
		definition.Directives = forClients(definition.Directives)
		for _, field := range definition.Fields {
			field.Directives = forClients(field.Directives)
			for _, argument := range field.Arguments {
				argument.Directives = forClients(argument.Directives)
			}
		}
		for _, value := range definition.EnumValues {
			value.Directives = forClients(value.Directives)
		}
	}
	words.Describe(cfg.Schema)
	var text bytes.Buffer
	text.WriteString("# Code generated from graph/schema by internal/codegen; DO NOT EDIT.\n\n")
	formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatSchema(cfg.Schema)
	if err := os.WriteFile(sdlFile, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("the SDL: %w", err)
	}
	return nil
}

func forGqlgen(directive string) bool { return strings.HasPrefix(directive, "go") }

func forClients(all ast.DirectiveList) ast.DirectiveList {
	var kept ast.DirectiveList
	for _, directive := range all {
		if !forGqlgen(directive.Name) {
			kept = append(kept, directive)
		}
	}
	return kept
}
