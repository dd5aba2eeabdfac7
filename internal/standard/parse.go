package standard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// Codes of diagnostics and of problems with answers.
const (
	CodeSyntax       = "SYNTAX"
	CodeTooLarge     = "TOO_LARGE"
	CodeUnknownFact  = "UNKNOWN_FACT"
	CodeUnknownName  = "UNKNOWN_NAME"
	CodeUnknownValue = "UNKNOWN_VALUE"
	CodeWrongType    = "WRONG_TYPE"
	CodeNotAnInteger = "NOT_AN_INTEGER"
	CodeNotSupported = "NOT_SUPPORTED"
	CodeUnitMismatch = "UNIT_MISMATCH"
	CodeTooFine      = "TOO_FINE"
	CodeOverflow     = "OVERFLOW"
	CodeOutOfRange   = "OUT_OF_RANGE"
)

// Diagnostic is one fault in the text of an expression. Column counts the
// code points of the whole text from 1. Field names the field of the clause
// that holds the text; Parse leaves it empty.
type Diagnostic struct {
	Field  string `json:"field,omitempty"`
	Column int    `json:"column"`
	Code   string `json:"code"`
	ZH     string `json:"zh"`
	EN     string `json:"en"`
}

// Limits against hostile texts.
const (
	mostCodePoints = 4096
	mostDepth      = 32
	mostNodes      = 512
	mostElements   = 256
	mostTerms      = 8
	mostPieces     = 64   // of a number that depends on conditions
	mostCompiled   = 4096 // nodes of the compiled tree
)

// factsType is the CEL type of the variable "facts": an object with one field
// per fact.
const factsType = "Facts"

// provider adds that type to the standard ones.
type provider struct {
	types.Provider
	vocabulary *Vocabulary
}

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if name != factsType {
		return p.Provider.FindStructType(name)
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(factsType)), true
}

func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name != factsType {
		return p.Provider.FindStructFieldType(name, field)
	}
	f, ok := p.vocabulary.Fact(field)
	if !ok {
		return nil, false
	}
	celTypes := map[FactKind]*types.Type{
		Number: types.DoubleType, Int: types.IntType, Bool: types.BoolType, Enum: types.StringType,
	}
	return &types.FieldType{Type: celTypes[f.Kind]}, true
}

// newEnv makes the CEL environment that parses and type-checks.
func newEnv(v *Vocabulary) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	return cel.NewEnv(
		cel.CustomTypeProvider(provider{Provider: registry, vocabulary: v}),
		cel.ClearMacros(),
		cel.Macros(cel.HasMacro),
		cel.Variable("facts", cel.ObjectType(factsType)),
	)
}

// Parse compiles the text of a condition. CEL only parses and checks it; what
// is kept is a small typed tree. With diagnostics there is no expression.
func (v *Vocabulary) Parse(src string) (*Expr, []Diagnostic) {
	if d := checkText(src); d != nil {
		return nil, []Diagnostic{*d}
	}
	parsed, issues := v.env.Parse(src)
	if issues.Err() != nil {
		return nil, tidy(celDiagnostics(src, nil, issues, CodeSyntax))
	}
	tree := parsed.NativeRep()
	if d := checkSize(tree); d != nil {
		return nil, []Diagnostic{*d}
	}
	t := &translator{vocabulary: v, info: tree.SourceInfo()}
	_, issues = v.env.Check(parsed)
	root := t.condition(tree.Expr(), false)
	if issues.Err() != nil {
		// The checker speaks for types; of the translator's findings those stay that
		// the checker cannot make, such as an unknown value of an enum.
		t.faults = slices.DeleteFunc(t.faults, func(d Diagnostic) bool { return d.Code == CodeWrongType || d.Code == CodeNotSupported })
		t.faults = append(celDiagnostics(src, tree, issues, CodeWrongType), t.faults...)
	}
	t.reportUnknownFacts(tree.Expr())
	if len(t.faults) > 0 {
		return nil, tidy(t.faults)
	}
	e := &Expr{vocabulary: v, source: src, warnings: tidy(t.warnings)}
	e.append(root)
	e.collectFacts()
	return e, nil
}

// checkText refuses what the parser need not see.
func checkText(src string) *Diagnostic {
	if len(src) > mostCodePoints*utf8.UTFMax || utf8.RuneCountInString(src) > mostCodePoints {
		return &Diagnostic{
			Column: mostCodePoints + 1, Code: CodeTooLarge,
			ZH: fmt.Sprintf("表达式不得超过 %d 个字符", mostCodePoints),
			EN: fmt.Sprintf("an expression has at most %d characters", mostCodePoints),
		}
	}
	if strings.TrimSpace(src) == "" {
		return &Diagnostic{Column: 1, Code: CodeSyntax, ZH: "表达式为空", EN: "the expression is empty"}
	}
	column := 0
	for at, r := range src {
		column++
		_, size := utf8.DecodeRuneInString(src[at:])
		broken := r == utf8.RuneError && size == 1
		control := r < ' ' && r != '\t' && r != '\n' && r != '\r'
		if broken || control {
			return &Diagnostic{
				Column: column, Code: CodeSyntax,
				ZH: "含有无效字符", EN: "this is not a valid character",
			}
		}
	}
	return nil
}

// checkSize limits the parsed tree.
func checkSize(tree *ast.AST) *Diagnostic {
	var found *Diagnostic
	report := func(column int, zh, en string, most int) {
		if found == nil {
			found = &Diagnostic{Column: column, Code: CodeTooLarge, ZH: fmt.Sprintf(zh, most), EN: fmt.Sprintf(en, most)}
		}
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ListKind && e.AsList().Size() > mostElements {
			report(columnOf(tree.SourceInfo(), e), "列表不得超过 %d 项", "a list has at most %d elements", mostElements)
		}
	}))
	if ast.NodeCount(tree) > mostNodes {
		report(1, "表达式不得超过 %d 个节点", "an expression has at most %d nodes", mostNodes)
	}
	if ast.Heights(tree)[tree.Expr().ID()]+1 > mostDepth {
		report(1, "表达式嵌套不得超过 %d 层", "an expression is at most %d levels deep", mostDepth)
	}
	return found
}

// columnOf gives the column of a node. A fact's column is where "facts"
// stands, an operator's where the operator stands.
func columnOf(info *ast.SourceInfo, e ast.Expr) int {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	at, _ := info.GetOffsetRange(e.ID())
	return int(at.Start) + 1
}

// celDiagnostics turns CEL's own issues into ours; tree is nil for the
// parser's. Unknown facts are left to reportUnknownFacts, which knows the
// nearest name.
func celDiagnostics(src string, tree *ast.AST, issues *cel.Issues, code string) []Diagnostic {
	columns := make(map[int64]int)
	if tree != nil {
		ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			columns[e.ID()] = columnOf(tree.SourceInfo(), e)
		}))
	}
	var found []Diagnostic
	for _, issue := range issues.Errors() {
		d := Diagnostic{Column: columns[issue.ExprID], Code: code, EN: issue.Message}
		if d.Column == 0 {
			d.Column = textColumn(src, issue.Location.Line(), issue.Location.Column())
		}
		switch {
		case strings.HasPrefix(issue.Message, "undefined field"):
			continue
		case strings.HasPrefix(issue.Message, "undeclared reference"):
			d.Code, d.ZH = CodeUnknownName, "没有这个名称或函数"
			d.EN, _, _ = strings.Cut(issue.Message, " (in container")
		case strings.HasPrefix(issue.Message, "invalid int literal"), strings.HasPrefix(issue.Message, "invalid double literal"):
			d.Code, d.ZH = CodeOverflow, "数值过大"
		case strings.Contains(issue.Message, "(double, int)"), strings.Contains(issue.Message, "(int, double)"):
			d.ZH = "小数与整数不能混用：常数写成 20.0，整数事实写成 double(…)"
			d.EN += "; write a constant as 20.0, and an integer fact as double(…)"
		case code == CodeSyntax:
			d.ZH = "语法错误"
		default:
			d.ZH = "类型不符"
		}
		d.EN = clip256(d.EN)
		found = append(found, d)
	}
	return found
}

// clip256 keeps the message of a parser short.
func clip256(s string) string {
	if len(s) <= 256 {
		return s
	}
	return strings.ToValidUTF8(s[:256], "") + "…"
}

// textColumn turns a line and a 0-based column into a column of the whole text.
func textColumn(src string, line, column int) int {
	before := 0
	for _, text := range strings.SplitAfter(src, "\n")[:max(0, min(line-1, strings.Count(src, "\n")))] {
		before += utf8.RuneCountInString(text)
	}
	return before + max(0, column) + 1
}

// tidy sorts by column and keeps the first diagnostic of each column: later
// ones are consequences of it.
func tidy(found []Diagnostic) []Diagnostic {
	slices.SortStableFunc(found, func(a, b Diagnostic) int { return cmp.Compare(a.Column, b.Column) })
	return slices.CompactFunc(found, func(a, b Diagnostic) bool { return a.Column == b.Column })
}
