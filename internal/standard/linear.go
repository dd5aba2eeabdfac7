package standard

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"cel.dev/cel-go/common/ast"
)

// linear is a sum of facts with factors, and a constant.
type linear struct {
	terms    []term
	constant Decimal
}

// term is one fact with its factor. A factor that was written out is taken to
// convert the unit.
type term struct {
	fact      int
	factor    Decimal
	converted bool
}

// unit gives the unit of a linear form: that of its terms without a factor.
func (t *translator) unit(l linear) (string, bool) {
	for _, m := range l.terms {
		if !m.converted {
			return t.vocabulary.At(m.fact).Unit, true
		}
	}
	return "", false
}

// sameUnit reports two facts that are added or compared without a conversion.
func (t *translator) sameUnit(e ast.Expr, a, b linear) bool {
	x, bound := t.unit(a)
	y, alsoBound := t.unit(b)
	if bound && alsoBound && x != y {
		t.fail(e, CodeUnitMismatch,
			fmt.Sprintf("单位不同：%q 与 %q，请乘以换算系数", x, y),
			fmt.Sprintf("the units differ: %q and %q; multiply one side by a factor", x, y))
		return false
	}
	return true
}

func (t *translator) sum(e ast.Expr, a, b linear) (linear, bool) {
	if !t.sameUnit(e, a, b) {
		return linear{}, false
	}
	total, ok := a.constant.add(b.constant)
	if !ok {
		t.failDecimal(e, ErrOverflow)
		return linear{}, false
	}
	terms := slices.Concat(a.terms, b.terms)
	if len(terms) > mostTerms {
		t.fail(e, CodeTooLarge, fmt.Sprintf("一个比较不得超过 %d 项事实", mostTerms), fmt.Sprintf("a sum has at most %d facts", mostTerms))
		return linear{}, false
	}
	return linear{terms: terms, constant: total}, true
}

func (t *translator) product(e ast.Expr, a, b linear) (linear, bool) {
	if len(a.terms) > 0 && len(b.terms) > 0 {
		t.fail(e, CodeNotSupported, "不支持事实相乘：乘数须为常数", "a product of facts is not supported: one side must be a constant")
		return linear{}, false
	}
	if len(a.terms) > 0 {
		a, b = b, a
	}
	return t.scale(e, a.constant, b, true)
}

// negate multiplies by -1, which converts no unit.
func (t *translator) negate(e ast.Expr, minusOne, l linear) (linear, bool) {
	return t.scale(e, minusOne.constant, l, false)
}

func (t *translator) scale(e ast.Expr, factor Decimal, l linear, converts bool) (linear, bool) {
	constant, err := l.constant.mul(factor)
	scaled := linear{constant: constant}
	for _, m := range l.terms {
		if err != nil {
			break
		}
		m.factor, err = m.factor.mul(factor)
		m.converted = m.converted || converts
		scaled.terms = append(scaled.terms, m)
	}
	if err != nil {
		t.failDecimal(e, err)
		return linear{}, false
	}
	return scaled, true
}

// weighted is one fact of a compiled atom.
type weighted struct {
	fact   int32
	factor int64
}

// comparison keeps a compiled atom over several facts, and both sides as they
// were written for the explanation.
type comparison struct {
	terms       []weighted
	left, right linear
	unit        string
}

// atom compiles left op right into integers: sum of factor × millionths
// against a constant. Every bound is checked here, so that no evaluation can
// overflow.
func (t *translator) atom(e ast.Expr, op operator, left, right linear, rightExpr ast.Expr) *tree {
	if t.full(e) || !t.sameUnit(e, left, right) {
		return &tree{}
	}
	constantAt := rightExpr
	if len(left.terms) == 0 {
		left, right, op = right, left, op.swap()
		constantAt = e.AsCall().Args()[0]
	}
	if len(right.terms) > 0 {
		constantAt = e
	}
	if len(left.terms)+len(right.terms) > mostTerms {
		return t.fail(e, CodeTooLarge, fmt.Sprintf("一个比较不得超过 %d 项事实", mostTerms), fmt.Sprintf("a comparison has at most %d facts", mostTerms))
	}
	facts, factors, bound := difference(left, right)
	switch len(facts) {
	case 0:
		return constantTree(op.holds(0, int64(bound.Sign())))
	case 1:
		return t.single(e, op, facts[0], factors[0], bound, constantAt)
	}
	divisor := new(big.Int).Abs(bound)
	for _, f := range factors {
		divisor.GCD(nil, nil, divisor, new(big.Int).Abs(f))
	}
	c := &comparison{left: left, right: right, unit: t.commonUnit(left, right, facts)}
	reach := new(big.Int)
	for i, f := range factors {
		f.Quo(f, divisor)
		least, greatest := t.vocabulary.At(facts[i]).reach()
		farthest := new(big.Int).SetUint64(max(magnitude(least), magnitude(greatest)))
		reach.Add(reach, farthest.Mul(farthest, new(big.Int).Abs(f)))
		c.terms = append(c.terms, weighted{fact: int32(facts[i]), factor: f.Int64()})
	}
	bound.Quo(bound, divisor)
	if !reach.IsInt64() || !fits(bound) {
		t.failDecimal(e, ErrOverflow)
		return &tree{}
	}
	return &tree{node: node{kind: sum, op: op, fact: int32(left.terms[0].fact), value: bound.Int64()}, sum: c}
}

// difference moves every fact to the left and the constants to the right. The
// factors are in millionths, the bound in millionths of millionths.
func difference(left, right linear) (facts []int, factors []*big.Int, bound *big.Int) {
	add := func(m term, sign int64) {
		f := new(big.Int).Mul(big.NewInt(int64(m.factor)), big.NewInt(sign))
		if i := slices.Index(facts, m.fact); i >= 0 {
			factors[i].Add(factors[i], f)
			return
		}
		facts, factors = append(facts, m.fact), append(factors, f)
	}
	for _, m := range left.terms {
		add(m, 1)
	}
	for _, m := range right.terms {
		add(m, -1)
	}
	for i := len(facts) - 1; i >= 0; i-- {
		if factors[i].Sign() == 0 {
			facts, factors = slices.Delete(facts, i, i+1), slices.Delete(factors, i, i+1)
		}
	}
	bound = new(big.Int).Sub(big.NewInt(int64(right.constant)), big.NewInt(int64(left.constant)))
	return facts, factors, bound.Mul(bound, big.NewInt(int64(one)))
}

// single compiles factor × fact op bound into fact op constant. The values of
// a fact lie on the grid of millionths, so rounding towards it changes nothing.
func (t *translator) single(e ast.Expr, op operator, fact int, factor, bound *big.Int, constantAt ast.Expr) *tree {
	if factor.Sign() < 0 {
		factor.Neg(factor)
		bound.Neg(bound)
		op = op.swap()
	}
	limit, rest := new(big.Int).DivMod(bound, factor, new(big.Int)) // Rounds down, as factor > 0.
	if rest.Sign() != 0 {
		switch op {
		case opEQ, opNE:
			t.failDecimal(e, ErrTooFine)
			return &tree{}
		case opLT, opGE:
			limit.Add(limit, big.NewInt(1))
		}
	}
	if !fits(limit) {
		t.failDecimal(constantAt, ErrOverflow)
		return &tree{}
	}
	f := t.vocabulary.At(fact)
	constant := Decimal(limit.Int64())
	if f.Min != nil && constant < *f.Min || f.Max != nil && constant > *f.Max {
		t.warnings = append(t.warnings, Diagnostic{
			Column: columnOf(t.info, constantAt), Code: CodeOutOfRange,
			ZH: fmt.Sprintf("常数 %s 超出“%s”的取值范围", constant, f.Label),
			EN: fmt.Sprintf("the constant %s is out of the range of %s", constant, f.Key),
		})
	}
	return &tree{node: node{kind: compare, op: op, fact: int32(fact), value: int64(constant)}}
}

// fits keeps clear of the smallest int64, which means "unanswered".
func fits(n *big.Int) bool { return n.IsInt64() && n.Int64() != math.MinInt64 }

// commonUnit is the unit of both sides: that of a term without a factor, or
// the one that all facts share.
func (t *translator) commonUnit(left, right linear, facts []int) string {
	for _, side := range []linear{left, right} {
		if unit, ok := t.unit(side); ok {
			return unit
		}
	}
	unit := t.vocabulary.At(facts[0]).Unit
	for _, i := range facts {
		if t.vocabulary.At(i).Unit != unit {
			return ""
		}
	}
	return unit
}
