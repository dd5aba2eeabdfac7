package standard

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// translator turns a parsed CEL tree into a tree of ours. It collects every
// fault and goes on, so its results only count when there is no fault. It
// leaves plain type errors to CEL's checker.
type translator struct {
	vocabulary *Vocabulary
	info       *ast.SourceInfo
	faults     []Diagnostic
	warnings   []Diagnostic
	made       int // nodes made so far, against expressions that multiply
}

// tree is a node before it is laid out flat.
type tree struct {
	node
	kids []*tree
	set  *valueSet
	sum  *comparison
}

func (t *translator) fail(at ast.Expr, code, zh, en string) *tree {
	t.faults = append(t.faults, Diagnostic{Column: columnOf(t.info, at), Code: code, ZH: zh, EN: en})
	return &tree{}
}

// reported says whether a fault is known for this very operator.
func (t *translator) reported(e ast.Expr) bool {
	column := columnOf(t.info, e)
	return slices.ContainsFunc(t.faults, func(d Diagnostic) bool { return d.Column == column })
}

// full says, once, that the expression multiplies beyond the limit.
func (t *translator) full(at ast.Expr) bool {
	t.made++
	if t.made == mostCompiled+1 {
		t.fail(at, CodeTooLarge, "表达式展开后过大", "the expression is too large once it is worked out")
	}
	return t.made > mostCompiled
}

// reportUnknownFacts finds every fact that is not in the vocabulary.
func (t *translator) reportUnknownFacts(root ast.Expr) {
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		key, ok := factKey(e)
		if !ok {
			return
		}
		if _, known := t.vocabulary.Index(key); !known {
			zh, en := t.vocabulary.unknownFact(key, len(t.faults) < 20)
			// It stands in front of what the checker says at the same column.
			t.faults = append([]Diagnostic{{Column: columnOf(t.info, e), Code: CodeUnknownFact, ZH: zh, EN: en}}, t.faults...)
		}
	}))
}

// factKey gives the key of "facts.key".
func factKey(e ast.Expr) (string, bool) {
	if e.Kind() != ast.SelectKind {
		return "", false
	}
	operand := e.AsSelect().Operand()
	if operand.Kind() != ast.IdentKind || operand.AsIdent() != "facts" {
		return "", false
	}
	return e.AsSelect().FieldName(), true
}

// fact gives the index of the fact that e reads, and false for anything else.
func (t *translator) fact(e ast.Expr) (int, bool) {
	key, ok := factKey(e)
	if !ok || e.AsSelect().IsTestOnly() {
		return 0, false
	}
	return t.vocabulary.Index(key)
}

// enum gives the index of the enum fact that e reads.
func (t *translator) enum(e ast.Expr) (int, bool) {
	i, ok := t.fact(e)
	return i, ok && t.vocabulary.At(i).Kind == Enum
}

// condition translates a boolean expression, or its negation. Negations are
// pushed down into the operators, so the tree has none.
func (t *translator) condition(e ast.Expr, negated bool) *tree {
	if t.full(e) {
		return &tree{}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return constantTree(bool(b) != negated)
		}
	case ast.SelectKind:
		return t.factCondition(e, negated)
	case ast.CallKind:
		return t.call(e, negated)
	}
	return t.unsupported(e)
}

func (t *translator) unsupported(e ast.Expr) *tree {
	return t.fail(e, CodeNotSupported, "此处须为条件：事实的比较、&&、||、!、?:、in、has",
		"a condition is expected here: comparisons of facts, &&, ||, !, ?:, in, has")
}

func constantTree(holds bool) *tree {
	return &tree{node: node{kind: constant, value: boolValue(holds)}}
}

// factCondition translates has(facts.x) and a bare boolean fact.
func (t *translator) factCondition(e ast.Expr, negated bool) *tree {
	key, ok := factKey(e)
	if !ok {
		return t.unsupported(e)
	}
	i, ok := t.vocabulary.Index(key)
	switch {
	case !ok:
		return &tree{} // Reported already.
	case e.AsSelect().IsTestOnly():
		return &tree{node: node{kind: answered, op: opAnswered, fact: int32(i), value: boolValue(!negated)}}
	case t.vocabulary.At(i).Kind != Bool:
		return t.fail(e, CodeWrongType, "此处须为条件，而“"+key+"”不是是否类事实", "a condition is expected here, and "+key+" is not a boolean fact")
	}
	return &tree{node: node{kind: compare, op: opEQ, fact: int32(i), value: boolValue(!negated)}}
}

func (t *translator) call(e ast.Expr, negated bool) *tree {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalNot:
		return t.condition(args[0], !negated)
	case operators.LogicalAnd:
		return t.junction(and, args, negated)
	case operators.LogicalOr:
		return t.junction(or, args, negated)
	case operators.Conditional:
		return chooseTree(t.condition(args[0], false), t.condition(args[1], negated), t.condition(args[2], negated))
	case operators.In:
		return t.membership(e, negated)
	}
	if op, ok := comparisons[call.FunctionName()]; ok {
		return t.comparison(e, op, negated)
	}
	return t.fail(e, CodeNotSupported, "不支持此运算或函数："+clip(call.FunctionName()), "this operator or function is not supported: "+clip(call.FunctionName()))
}

var comparisons = map[string]operator{
	operators.Equals: opEQ, operators.NotEquals: opNE,
	operators.Less: opLT, operators.LessEquals: opLE,
	operators.Greater: opGT, operators.GreaterEquals: opGE,
}

// junction makes an AND or OR and takes in children of the same kind.
func (t *translator) junction(k kind, args []ast.Expr, negated bool) *tree {
	if negated {
		k = and + or - k
	}
	joined := &tree{node: node{kind: k}}
	for _, arg := range args {
		kid := t.condition(arg, negated)
		if kid.kind == k {
			joined.kids = append(joined.kids, kid.kids...)
		} else {
			joined.kids = append(joined.kids, kid)
		}
	}
	return joined
}

func chooseTree(condition, yes, no *tree) *tree {
	return &tree{node: node{kind: choose}, kids: []*tree{condition, yes, no}}
}

// comparison translates == != < <= > >= by what is compared.
func (t *translator) comparison(e ast.Expr, op operator, negated bool) *tree {
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if t.reported(e) {
		return &tree{} // The sides do not go together, so each alone would only be misjudged.
	}
	if negated {
		op = op.not()
	}
	_, leftEnum := t.enum(left)
	_, rightEnum := t.enum(right)
	equality := op == opEQ || op == opNE
	switch {
	case leftEnum && rightEnum:
		return t.fail(e, CodeNotSupported, "不能比较两个枚举事实", "two enum facts cannot be compared")
	case leftEnum && equality:
		return t.enumEquality(left, right, op)
	case rightEnum && equality:
		return t.enumEquality(right, left, op)
	case leftEnum || rightEnum:
		return t.fail(e, CodeNotSupported, "枚举只能用 ==、!=、in", "an enum takes only ==, != and in")
	case equality && (t.isCondition(left) || t.isCondition(right)):
		return t.boolEquality(left, right, op)
	}
	return t.numbers(e, op, left, right)
}

// enumEquality translates facts.zone == "core".
func (t *translator) enumEquality(fact, literal ast.Expr, op operator) *tree {
	i, _ := t.enum(fact)
	value := t.enumValue(i, literal)
	return &tree{node: node{kind: compare, op: op, fact: int32(i), value: int64(value)}}
}

// enumValue reads a literal that must be a value of the enum fact.
func (t *translator) enumValue(fact int, literal ast.Expr) int {
	f := t.vocabulary.At(fact)
	code, ok := literalOf(literal).(types.String)
	if !ok {
		t.fail(literal, CodeWrongType, "此处须为文字常量，可选："+f.codes(), "a string literal is expected here, one of "+f.codes())
		return 0
	}
	value, ok := f.value(string(code))
	if !ok {
		t.fail(literal, CodeUnknownValue,
			fmt.Sprintf("“%s”没有取值 %q，可选：%s", f.Label, clip(string(code)), f.codes()),
			fmt.Sprintf("%q is no value of %s: %s", clip(string(code)), f.Key, f.codes()))
	}
	return value
}

func literalOf(e ast.Expr) any {
	if e.Kind() != ast.LiteralKind {
		return nil
	}
	return e.AsLiteral()
}

// membership translates facts.zone in ["core", "style"].
func (t *translator) membership(e ast.Expr, negated bool) *tree {
	args := e.AsCall().Args()
	i, ok := t.enum(args[0])
	if !ok || args[1].Kind() != ast.ListKind {
		return t.fail(e, CodeNotSupported, "in 只用于枚举事实与文字列表", "in takes an enum fact and a list of strings")
	}
	set := &valueSet{}
	for _, element := range args[1].AsList().Elements() {
		set.add(t.enumValue(i, element))
	}
	op := opIn
	if negated {
		op = opNotIn
	}
	switch len(set.values) {
	case 0:
		return t.fail(e, CodeNotSupported, "列表为空", "the list is empty")
	case 1:
		single := opEQ
		if negated {
			single = opNE
		}
		return &tree{node: node{kind: compare, op: single, fact: int32(i), value: int64(set.values[0])}}
	}
	return &tree{node: node{kind: member, op: op, fact: int32(i)}, set: set}
}

// isCondition says whether e is boolean, judged by its outermost operator.
func (t *translator) isCondition(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		_, ok := e.AsLiteral().(types.Bool)
		return ok
	case ast.SelectKind:
		i, ok := t.fact(e)
		return e.AsSelect().IsTestOnly() || ok && t.vocabulary.At(i).Kind == Bool
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		if name == operators.Conditional {
			return t.isCondition(e.AsCall().Args()[1])
		}
		_, comparing := comparisons[name]
		return comparing || name == operators.LogicalAnd || name == operators.LogicalOr ||
			name == operators.LogicalNot || name == operators.In
	}
	return false
}

// boolEquality translates a == b as (a ? b : !b).
func (t *translator) boolEquality(left, right ast.Expr, op operator) *tree {
	different := op == opNE
	if b, ok := literalOf(left).(types.Bool); ok {
		return t.condition(right, bool(b) == different)
	}
	if b, ok := literalOf(right).(types.Bool); ok {
		return t.condition(left, bool(b) == different)
	}
	return chooseTree(t.condition(left, false), t.condition(right, different), t.condition(right, !different))
}

// numbers translates a comparison of numbers. A number that depends on a
// condition turns the comparison into that condition's choice of comparisons.
func (t *translator) numbers(e ast.Expr, op operator, left, right ast.Expr) *tree {
	l, r := t.number(left), t.number(right)
	if l == nil || r == nil || !t.pairable(e, l, r) {
		return &tree{}
	}
	return pairs(l, r, func(a, b linear) *tree { return t.atom(e, op, a, b, right) },
		chooseTree)
}

// number is a linear form, or a choice between two numbers.
type number struct {
	linear    linear
	condition *tree // nil for a linear form
	yes, no   *number
	pieces    int
}

// number translates a numeric expression, or gives nil after a fault.
func (t *translator) number(e ast.Expr) *number {
	if t.full(e) {
		return nil
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return t.literal(e)
	case ast.SelectKind:
		if i, ok := t.fact(e); ok {
			if k := t.vocabulary.At(i).Kind; k == Number || k == Int {
				return plain(linear{terms: []term{{fact: i, factor: one}}})
			}
		}
		if key, ok := factKey(e); ok {
			if _, known := t.vocabulary.Index(key); !known {
				return nil // Reported already.
			}
		}
	case ast.CallKind:
		return t.arithmetic(e)
	}
	t.fail(e, CodeWrongType, "此处须为数值", "a number is expected here")
	return nil
}

func plain(l linear) *number { return &number{linear: l, pieces: 1} }

func (t *translator) literal(e ast.Expr) *number {
	var d Decimal
	var err error
	switch v := e.AsLiteral().(type) {
	case types.Int:
		d, _, err = decimalOf(int64(v))
	case types.Double:
		d, err = decimalOfFloat(float64(v))
	default:
		t.fail(e, CodeWrongType, "此处须为数值", "a number is expected here")
		return nil
	}
	if err != nil {
		t.failDecimal(e, err)
		return nil
	}
	return plain(linear{constant: d})
}

func (t *translator) failDecimal(at ast.Expr, err error) {
	if errors.Is(err, ErrTooFine) {
		t.fail(at, CodeTooFine, "小数不得超过六位", "a constant must not be finer than 0.000001")
		return
	}
	t.fail(at, CodeOverflow, "数值过大", "the number is too large")
}

func (t *translator) arithmetic(e ast.Expr) *number {
	args := e.AsCall().Args()
	name := e.AsCall().FunctionName()
	switch name {
	case "double":
		if len(args) == 1 && !e.AsCall().IsMemberFunction() {
			return t.number(args[0])
		}
	case operators.Conditional:
		condition, yes, no := t.condition(args[0], false), t.number(args[1]), t.number(args[2])
		if yes == nil || no == nil {
			return nil
		}
		return &number{condition: condition, yes: yes, no: no, pieces: yes.pieces + no.pieces}
	case operators.Negate:
		return t.combine(e, plain(linear{constant: -one}), t.number(args[0]), t.negate)
	case operators.Add:
		return t.combine(e, t.number(args[0]), t.number(args[1]), t.sum)
	case operators.Subtract:
		right := t.combine(e, plain(linear{constant: -one}), t.number(args[1]), t.negate)
		return t.combine(e, t.number(args[0]), right, t.sum)
	case operators.Multiply:
		return t.combine(e, t.number(args[0]), t.number(args[1]), t.product)
	case operators.Divide:
		t.fail(e, CodeNotSupported, "不支持除法：请把除数乘到另一边", "division is not supported: multiply the other side instead")
		return nil
	}
	t.fail(e, CodeNotSupported, "数值只支持 +、-、乘以常数、?: 和 double()："+clip(name), "a number takes only +, -, a constant factor, ?: and double(): "+clip(name))
	return nil
}

// pairable limits the choices of two numbers taken together.
func (t *translator) pairable(e ast.Expr, a, b *number) bool {
	if a.pieces*b.pieces <= mostPieces {
		return true
	}
	t.fail(e, CodeTooLarge, fmt.Sprintf("一个比较中的数值选择不得超过 %d 种", mostPieces), fmt.Sprintf("one comparison has at most %d choices of numbers", mostPieces))
	return false
}

// combine applies a rule of arithmetic to every pair of linear forms.
func (t *translator) combine(e ast.Expr, a, b *number, rule func(ast.Expr, linear, linear) (linear, bool)) *number {
	if a == nil || b == nil || !t.pairable(e, a, b) {
		return nil
	}
	sound := true
	result := pairs(a, b, func(x, y linear) *number {
		l, ok := rule(e, x, y)
		sound = sound && ok
		return plain(l)
	}, func(condition *tree, yes, no *number) *number {
		return &number{condition: condition, yes: yes, no: no, pieces: yes.pieces + no.pieces}
	})
	if !sound {
		return nil
	}
	return result
}

// pairs lifts the choices out of two numbers: leaf sees every pair of linear
// forms, and choice joins what leaf made of the two sides of a condition.
func pairs[T any](a, b *number, leaf func(x, y linear) T, choice func(condition *tree, yes, no T) T) T {
	switch {
	case a.condition != nil:
		return choice(a.condition, pairs(a.yes, b, leaf, choice), pairs(a.no, b, leaf, choice))
	case b.condition != nil:
		return choice(b.condition, pairs(a, b.yes, leaf, choice), pairs(a, b.no, leaf, choice))
	}
	return leaf(a.linear, b.linear)
}
