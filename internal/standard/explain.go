package standard

import (
	"math/big"
	"slices"
	"strings"
)

// Reason is one fact's part in a judgement, in law's terms.
type Reason struct {
	Fact     int    `json:"fact"`             // index; -1 when no fact is judged
	Operator string `json:"operator"`         // == != < <= > >= IN NOT_IN ANSWERED
	Needed   string `json:"needed"`           // plain values in the fact's unit: "20", "core, style", "true"
	Actual   string `json:"actual,omitempty"` // "" when unanswered
	Truth    Truth  `json:"truth"`
	ZH       string `json:"zh"`
	EN       string `json:"en"`
}

// Explain says why Eval gives its result: for True what makes it so, for
// False everything that fails, for Unknown what is still to be answered.
// Reasons come in the order of the text, each once.
func (e *Expr) Explain(p *Project) []Reason {
	e.mustMatch(p)
	x := explainer{Expr: e, values: p.values}
	if e.eval(0, p.values) == Unknown {
		e.unknownLeaves(0, p.values, false, func(i int32, steering bool) {
			r := x.reason(e.nodes[i])
			if steering {
				x.onlyDepends(&r, &e.nodes[i])
			}
			x.add(r)
		})
	} else {
		x.walk(0, false)
	}
	if len(x.reasons) > 1 {
		// A constant "true" says nothing beside other reasons.
		x.reasons = slices.DeleteFunc(x.reasons, func(r Reason) bool { return r.Fact < 0 && r.Truth == True })
	}
	return x.reasons
}

// onlyDepends words an open condition that steers: nothing is demanded of it.
func (x *explainer) onlyDepends(r *Reason, n *node) {
	r.ZH, r.EN = "", ""
	x.eachFact(n, func(fact int) {
		if r.ZH == "" && x.values[fact] == unanswered {
			f := x.vocabulary.At(fact)
			r.ZH = chinese.label(f) + chinese.depends
			r.EN = english.label(f) + english.depends
		}
	})
}

type explainer struct {
	*Expr
	values  []int64
	reasons []Reason
}

// walk explains a decided node or, for a condition that steers elsewhere, its
// negation: a condition that is false is a circumstance, not a failure.
func (x *explainer) walk(i int32, negated bool) {
	n := x.nodes[i]
	truth := x.eval(i, x.values)
	switch n.kind {
	case and, or:
		// An AND that is true and an OR that is false need all their children,
		// which all have the same truth. A false AND shows every child that
		// fails. A true OR shows its first true child; as a condition that
		// steers, so does a false AND.
		for kid := i + 1; kid < n.end; kid = x.nodes[kid].end {
			if x.eval(kid, x.values) != truth {
				continue
			}
			x.walk(kid, negated)
			oneIsEnough := n.kind == or && truth == True && !negated || n.kind == and && truth == False && negated
			if oneIsEnough {
				return
			}
		}
	case choose:
		condition, yes, no := x.branches(i)
		decided := x.eval(condition, x.values)
		if decided != Unknown {
			x.walk(condition, decided == False)
		}
		if decided != False {
			x.walk(yes, negated)
		}
		if decided != True {
			x.walk(no, negated)
		}
	default:
		x.add(x.reason(x.negate(n, negated)))
	}
}

// negate turns a leaf into its opposite.
func (x *explainer) negate(n node, negated bool) node {
	switch {
	case !negated:
	case n.kind == constant, n.kind == answered:
		n.value = 1 - n.value
	case n.kind == compare && x.vocabulary.At(int(n.fact)).Kind == Bool:
		n.value = 1 - n.value // "x is not true" reads worse than "x is false".
	default:
		n.op = n.op.not()
	}
	return n
}

func (x *explainer) add(r Reason) {
	if !slices.Contains(x.reasons, r) {
		x.reasons = append(x.reasons, r)
	}
}

// reason words one leaf.
func (x *explainer) reason(n node) Reason {
	if n.kind == constant {
		if n.value == 1 {
			return Reason{Fact: -1, Operator: "==", Needed: "true", Truth: True, ZH: "一律适用", EN: "always required"}
		}
		return Reason{Fact: -1, Operator: "==", Needed: "true", Actual: "false", Truth: False, ZH: "法律禁止", EN: "forbidden by law"}
	}
	if n.kind == sum {
		return x.sumReason(n)
	}
	f := x.vocabulary.At(int(n.fact))
	value := x.values[n.fact]
	r := Reason{Fact: int(n.fact), Operator: n.op.String()}
	if value != unanswered {
		r.Actual = plainText(f, value)
	}
	switch n.kind {
	case answered:
		r.Needed = truthText(n.value == 1)
		r.Truth = TruthOf((value != unanswered) == (n.value == 1))
		r.ZH, r.EN = chinese.answered(f, value), english.answered(f, value)
		return r
	case member:
		if value != unanswered {
			r.Truth = TruthOf(x.sets[n.extra].has(value) == (n.op == opIn))
		}
	default:
		if value != unanswered {
			r.Truth = TruthOf(n.op.holds(value, n.value))
		}
	}
	d := x.demand(n, f)
	r.Needed = d.plain
	actualZH, actualEN := "", ""
	if value != unanswered {
		actualZH, actualEN = chinese.value(f, value), english.value(f, value)
	}
	r.ZH = chinese.sentence(r.Truth, chinese.label(f), actualZH, d.zh)
	r.EN = english.sentence(r.Truth, english.label(f), actualEN, d.en)
	return r
}

// demand is what a leaf needs, in words: the same for every project.
type demand struct{ plain, zh, en string }

// demand words what a leaf needs, once for each wording that is asked for.
func (x *explainer) demand(n node, f *Fact) demand {
	key := leaf{n.op, n.fact, n.extra, n.value}
	if d, ok := x.demands.Load(key); ok {
		return d.(demand)
	}
	needed := []int64{n.value}
	if n.kind == member {
		needed = needed[:0]
		for _, v := range x.sets[n.extra].values {
			needed = append(needed, int64(v))
		}
	}
	var plain, zh, en []string
	for _, v := range needed {
		plain = append(plain, plainText(f, v))
		zh = append(zh, chinese.value(f, v))
		en = append(en, english.value(f, v))
	}
	numeric := f.Kind == Number || f.Kind == Int
	d := demand{
		plain: strings.Join(plain, ", "),
		zh:    chinese.phrase(numeric, n.op, strings.Join(zh, "、")),
		en:    english.phrase(numeric, n.op, strings.Join(en, ", ")),
	}
	x.demands.Store(key, d)
	return d
}

// leaf tells the demands of one expression apart.
type leaf struct {
	op          operator
	fact, extra int32
	value       int64
}

// sumReason words a comparison of several facts: both sides as written, with
// what they come to.
func (x *explainer) sumReason(n node) Reason {
	c := &x.sums[n.extra]
	left, leftKnown := x.total(c.left)
	right, rightKnown := x.total(c.right)
	r := Reason{
		Fact: int(n.fact), Operator: n.op.String(),
		Needed: chinese.side(x.vocabulary, c.right), Actual: left,
	}
	if leftKnown && rightKnown {
		total := int64(0)
		for _, m := range c.terms {
			total += m.factor * x.values[m.fact]
		}
		r.Truth = TruthOf(n.op.holds(total, n.value))
	}
	say := func(w *words) string {
		actual, needed := "", w.side(x.vocabulary, c.right)
		if leftKnown {
			actual = withUnit(left, c.unit)
		}
		switch {
		case len(c.right.terms) == 0:
			needed = withUnit(needed, c.unit)
		case rightKnown:
			needed += equals(c.right) + withUnit(right, c.unit)
		}
		if r.Truth == Unknown && leftKnown {
			// Only the other side is open, so that is what must be answered.
			phrase := w.phrase(true, n.op.swap(), w.side(x.vocabulary, c.left)+equals(c.left)+actual)
			return w.sentence(Unknown, w.side(x.vocabulary, c.right), "", phrase)
		}
		label := w.side(x.vocabulary, c.left)
		if r.Truth != Unknown && !isFact(c.left) {
			label += w.equals
		}
		return w.sentence(r.Truth, label, actual, w.phrase(true, n.op, needed))
	}
	r.ZH, r.EN = say(&chinese), say(&english)
	return r
}

// isFact says whether a side is one fact as it is.
func isFact(l linear) bool {
	return len(l.terms) == 1 && l.terms[0].factor == one && l.constant == 0
}

// equals joins a side with its value: a lone fact needs no equals sign.
func equals(l linear) string {
	if isFact(l) {
		return " "
	}
	return " = "
}

// total computes one side exactly.
func (x *explainer) total(l linear) (string, bool) {
	total := new(big.Int).Mul(big.NewInt(int64(l.constant)), big.NewInt(int64(one)))
	for _, m := range l.terms {
		v := x.values[m.fact]
		if v == unanswered {
			return "", false
		}
		total.Add(total, new(big.Int).Mul(big.NewInt(int64(m.factor)), big.NewInt(v)))
	}
	text := new(big.Rat).SetFrac(total, big.NewInt(int64(one)*int64(one))).FloatString(12)
	return strings.TrimRight(strings.TrimRight(text, "0"), "."), true
}

// plainText gives a value as the public API writes it.
func plainText(f *Fact, value int64) string {
	switch f.Kind {
	case Bool:
		return truthText(value == 1)
	case Enum:
		return f.Values[value].Code
	}
	return Decimal(value).String()
}

func truthText(holds bool) string {
	if holds {
		return "true"
	}
	return "false"
}

func withUnit(number, unit string) string {
	if unit == "" {
		return number
	}
	return number + " " + unit
}

// words is how one language speaks of facts. Sentences are put together from
// fixed parts, since a guide words hundreds of them.
type words struct {
	label                func(*Fact) string
	valueLabel           func(FactValue) string
	yes, no              string
	is                   string // between a label and its value
	meets, fails, closed string // a judged leaf: label is actual meets phrase closed
	open                 string // an open leaf: label open phrase
	wasAnswered, isOpen  string
	depends, equals      string // equals: between several facts and what they come to
	numbers, values      [len(operatorNames)]around
}

// around is what stands before and after the needed value.
type around struct{ before, after string }

var chinese = words{
	label:      func(f *Fact) string { return f.Label },
	valueLabel: func(v FactValue) string { return v.Label },
	yes:        "是", no: "否", is: " ",
	meets: "（符合：", fails: "（不符合：须", closed: "）", open: " 尚未填写，须",
	wasAnswered: "（已填写）", isOpen: " 尚未填写", depends: " 尚未填写，判断取决于此", equals: " =",
	numbers: [...]around{
		opEQ: {"等于 ", ""}, opNE: {"不等于 ", ""}, opLT: {"小于 ", ""}, opLE: {"不超过 ", ""}, opGT: {"大于 ", ""}, opGE: {"不少于 ", ""}, opAnswered: {},
	},
	values: [...]around{
		opEQ: {"为", ""}, opNE: {"不为", ""}, opIn: {"为", "之一"}, opNotIn: {"不为", ""}, opAnswered: {},
	},
}

var english = words{
	label: func(f *Fact) string {
		if f.LabelEN == "" {
			return f.Key
		}
		return f.LabelEN
	},
	valueLabel: func(v FactValue) string {
		if v.LabelEN == "" {
			return v.Code
		}
		return v.LabelEN
	},
	yes: "yes", no: "no", is: ": ",
	meets: " (meets: ", fails: " (fails: must be ", closed: ")", open: ": not answered yet, must be ",
	wasAnswered: " (answered)", isOpen: ": not answered yet", depends: ": not answered yet, the result depends on it",
	numbers: [...]around{
		opEQ: {"equal to ", ""}, opNE: {"other than ", ""}, opLT: {"less than ", ""}, opLE: {"at most ", ""}, opGT: {"more than ", ""}, opGE: {"at least ", ""}, opAnswered: {},
	},
	values: [...]around{
		opEQ: {}, opNE: {"other than ", ""}, opIn: {"one of ", ""}, opNotIn: {"none of ", ""}, opAnswered: {},
	},
}

// value words one value of a fact.
func (w *words) value(f *Fact, value int64) string {
	switch f.Kind {
	case Bool:
		if value == 1 {
			return w.yes
		}
		return w.no
	case Enum:
		return w.valueLabel(f.Values[value])
	}
	return withUnit(Decimal(value).String(), f.Unit)
}

// phrase words what is needed.
func (w *words) phrase(numeric bool, op operator, needed string) string {
	parts := &w.values[op]
	if numeric {
		parts = &w.numbers[op]
	}
	return parts.before + needed + parts.after
}

// sentence words a judged or open leaf.
func (w *words) sentence(t Truth, label, actual, phrase string) string {
	switch t {
	case True:
		return label + w.is + actual + w.meets + phrase + w.closed
	case False:
		return label + w.is + actual + w.fails + phrase + w.closed
	}
	return label + w.open + phrase
}

func (w *words) answered(f *Fact, value int64) string {
	if value == unanswered {
		return w.label(f) + w.isOpen
	}
	return w.label(f) + w.is + w.value(f, value) + w.wasAnswered
}

// side words one side of a comparison of several facts.
func (w *words) side(v *Vocabulary, l linear) string {
	var text strings.Builder
	add := func(d Decimal, part string) {
		switch {
		case text.Len() == 0 && d < 0:
			text.WriteString("-")
		case text.Len() > 0 && d < 0:
			text.WriteString(" - ")
		case text.Len() > 0:
			text.WriteString(" + ")
		}
		text.WriteString(part)
	}
	for _, m := range l.terms {
		part := w.label(v.At(m.fact))
		if m.factor != one && m.factor != -one {
			part += " × " + strings.TrimPrefix(m.factor.String(), "-")
		}
		add(m.factor, part)
	}
	if l.constant != 0 || len(l.terms) == 0 {
		add(l.constant, strings.TrimPrefix(l.constant.String(), "-"))
	}
	return text.String()
}
