package protocol

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/onedoor/onedoor/internal/fault"
)

// What a document may hold. Validation compares every field with every other one
// of its name, so the bound on fields is what keeps it cheap.
const (
	MaxTokens     = 10_000  // of the text
	maxText       = 100_000 // bytes of the text
	maxDepth      = 16      // fields within fields
	maxFields     = 800     // fields and fragments, as written and when all fragments are put in their places
	maxAliases    = 50
	maxDirectives = 50
	maxDocument   = 10 // operations
	maxFragments  = 200
	maxMutations  = 20 // changes in one mutation
)

// measure refuses a document that would cost too much to validate, before it is.
// One that does not parse is left to the executor, which says where.
func (h *Handler) measure(ctx context.Context, text string) *refusal {
	if len(text) > maxText {
		return tooMuch("TEXT_TOO_LONG", fmt.Sprintf("查询最多 %d 字节", maxText), fmt.Sprintf("a query has at most %d bytes", maxText))
	}
	if h.Known != nil {
		if _, ok := h.Known.Get(ctx, text); ok {
			return nil
		}
	}
	if refused := halfCharacter(text); refused != nil {
		return refused
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, MaxTokens)
	if err != nil || document == nil {
		return nil
	}
	if len(document.Operations)+len(document.Fragments) == 0 {
		return unparsable("a document holds an operation", 1, 1)
	}
	if len(document.Fragments) > maxFragments {
		return tooMuch("TOO_MANY_FRAGMENTS", fmt.Sprintf("一份文档最多 %d 个片段", maxFragments), fmt.Sprintf("a document has at most %d fragments", maxFragments))
	}
	m := measurer{fragments: map[string]*measured{}, definitions: document.Fragments}
	if len(document.Operations) > maxDocument {
		return tooMuch("TOO_MANY_OPERATIONS", fmt.Sprintf("一份文档最多 %d 个操作", maxDocument), fmt.Sprintf("a document has at most %d operations", maxDocument))
	}
	var most measured
	for _, op := range document.Operations {
		m.directives += len(op.Directives)
		for _, v := range op.VariableDefinitions {
			m.directives += len(v.Directives)
		}
		of := m.set(op.SelectionSet)
		most.grow(of)
		if op.Operation == ast.Mutation && of.top > maxMutations {
			return tooMuch("TOO_MANY_MUTATIONS", fmt.Sprintf("一次最多 %d 个变更", maxMutations), fmt.Sprintf("a mutation holds at most %d changes", maxMutations))
		}
	}
	for _, f := range document.Fragments {
		m.directives += len(f.Directives)
		most.grow(*m.fragment(f.Name))
	}
	switch {
	case most.depth > maxDepth:
		return tooMuch("TOO_DEEP", fmt.Sprintf("查询嵌套超过 %d 层", maxDepth), fmt.Sprintf("the query is nested deeper than %d fields", maxDepth))
	case most.fields > maxFields || m.written > maxFields:
		return tooMuch("TOO_MANY_FIELDS", fmt.Sprintf("查询最多 %d 个字段（片段展开后计）", maxFields), fmt.Sprintf("a query has at most %d fields, counted where fragments are spread", maxFields))
	case m.aliases > maxAliases:
		return tooMuch("TOO_MANY_ALIASES", fmt.Sprintf("查询最多 %d 个别名", maxAliases), fmt.Sprintf("a query has at most %d aliases", maxAliases))
	case m.directives > maxDirectives:
		return tooMuch("TOO_MANY_DIRECTIVES", fmt.Sprintf("查询最多 %d 个指令", maxDirectives), fmt.Sprintf("a query has at most %d directives", maxDirectives))
	case h.Hidden && m.introspects:
		return &refusal{err: fault.New(fault.Denied, "protocol", "本服务不提供自省；接口定义随文档发布", "introspection is off; the schema is published with the documentation")}
	}
	return nil
}

// surrogate is an escape that may be half of a character.
var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// halfCharacter refuses a text with an escape of half a character, which the
// parser takes and replaces.
func halfCharacter(text string) *refusal {
	if !surrogate.MatchString(text) {
		return nil
	}
	tokens := lexer.New(&ast.Source{Input: text})
	for range MaxTokens {
		token, err := tokens.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			break
		}
		if token.Kind == lexer.String && strings.ContainsRune(token.Value, utf8.RuneError) {
			return unparsable("a text holds half of a surrogate pair", token.Pos.Line, token.Pos.Column)
		}
	}
	return nil
}

// unparsable is a document that the grammar does not have and the parser takes.
func unparsable(message string, line, column int) *refusal {
	return &refusal{parse: true, errs: []error{&gqlerror.Error{Message: message,
		Locations: []gqlerror.Location{{Line: line, Column: column}}, Extensions: map[string]any{"code": errcode.ParseFailed}}}}
}

// Measure refuses a document, which comes by another way than a request, by the
// same bounds.
func Measure(ctx context.Context, text string) error {
	if refused := (&Handler{}).measure(ctx, text); refused != nil {
		return errors.Join(refused.all()...)
	}
	return nil
}

func tooMuch(code, zh, en string) *refusal {
	return &refusal{err: fault.InvalidInput("graph.limits", fault.Problem{Code: code, ZH: zh, EN: en})}
}

// measured is what a selection holds when its fragments are put in their places.
type measured struct {
	depth, fields int
	top           int // fields at its own level
}

func (m *measured) grow(other measured) {
	m.depth, m.fields = max(m.depth, other.depth), max(m.fields, other.fields)
}

// enough is more than any bound, and keeps sums from overflowing.
const enough = 1_000_000

// measurer measures a document. Each fragment is measured once, however often it
// is spread; one that spreads itself counts as empty, and validation refuses it.
type measurer struct {
	definitions                  ast.FragmentDefinitionList
	fragments                    map[string]*measured
	written, aliases, directives int
	introspects                  bool
}

func (m *measurer) set(set ast.SelectionSet) measured {
	var sum measured
	for _, selection := range set {
		m.written++
		var one measured
		switch s := selection.(type) {
		case *ast.Field:
			m.directives += len(s.Directives)
			if s.Alias != s.Name {
				m.aliases++
			}
			if s.Name == "__schema" || s.Name == "__type" {
				m.introspects = true
			}
			below := m.set(s.SelectionSet)
			one = measured{depth: below.depth + 1, fields: below.fields + 1, top: 1}
		case *ast.InlineFragment:
			m.directives += len(s.Directives)
			one = m.set(s.SelectionSet)
		case *ast.FragmentSpread:
			m.directives += len(s.Directives)
			one = *m.fragment(s.Name)
		}
		sum.depth = max(sum.depth, one.depth)
		sum.fields = min(sum.fields+one.fields, enough)
		sum.top = min(sum.top+one.top, enough)
	}
	return sum
}

func (m *measurer) fragment(name string) *measured {
	if known := m.fragments[name]; known != nil {
		return known
	}
	m.fragments[name] = &measured{}
	if definition := m.definitions.ForName(name); definition != nil {
		of := m.set(definition.SelectionSet)
		m.fragments[name] = &of
	}
	return m.fragments[name]
}
