package standard

import "slices"

// NodeKind says what a step of an expression does.
type NodeKind uint8

// The kinds of step. There is no NOT: negations are pushed into the operators
// when an expression is compiled.
const (
	NodeConstant NodeKind = iota // Value 1 holds, 0 does not
	NodeCompare                  // one fact Operator Value
	NodeMember                   // one fact is (not) among Values
	NodeAnswered                 // one fact is answered (Value 1) or not (Value 0)
	NodeSum                      // the sum of Terms Operator Value
	NodeAnd
	NodeOr
	NodeChoose // Kids: condition, yes, no
)

// Node is one step of an expression, for those who reason about expressions
// instead of evaluating them. Facts are indexes of the vocabulary; values are
// stored as in a project: numbers in millionths, booleans 0 or 1, enum values
// their index. A sum is an integer: a factor times millionths.
type Node struct {
	Kind     NodeKind
	Operator string // == != < >= <= > IN NOT_IN, as Reason spells them
	Fact     int
	Value    int64
	Values   []int64
	Terms    []Term
	Kids     []Node
}

// Term is one fact of a sum with its whole factor.
type Term struct {
	Fact   int
	Factor int64
}

// Tree gives the expression as a tree of its own; changing it changes nothing.
func (e *Expr) Tree() Node { return e.tree(0) }

func (e *Expr) tree(i int32) Node {
	n := &e.nodes[i]
	out := Node{Kind: NodeConstant, Value: n.value}
	switch n.kind {
	case compare:
		out = Node{Kind: NodeCompare, Operator: n.op.String(), Fact: int(n.fact), Value: n.value}
	case member:
		out = Node{Kind: NodeMember, Operator: n.op.String(), Fact: int(n.fact)}
		for _, v := range e.sets[n.extra].values {
			out.Values = append(out.Values, int64(v))
		}
		slices.Sort(out.Values)
	case answered:
		out = Node{Kind: NodeAnswered, Operator: n.op.String(), Fact: int(n.fact), Value: n.value}
	case sum:
		out = Node{Kind: NodeSum, Operator: n.op.String(), Value: n.value}
		for _, m := range e.sums[n.extra].terms {
			out.Terms = append(out.Terms, Term{Fact: int(m.fact), Factor: m.factor})
		}
	case and, or, choose:
		out = Node{Kind: NodeAnd}
		switch n.kind {
		case or:
			out.Kind = NodeOr
		case choose:
			out.Kind = NodeChoose
		}
		for kid := i + 1; kid < n.end; kid = e.nodes[kid].end {
			out.Kids = append(out.Kids, e.tree(kid))
		}
	}
	return out
}

// Reach gives the least and the greatest answer that a project can hold, in
// millionths, and the default when it lies outside of the range: that one value
// is a lawful answer too. Booleans reach from 0 to 1, an enum to its last index.
func (f *Fact) Reach() (least, greatest int64, beyond *int64) {
	switch f.Kind {
	case Bool:
		return 0, 1, nil
	case Enum:
		return 0, int64(len(f.Values) - 1), nil
	}
	low, high := f.bounds()
	if d, ok := f.defaultNumber(); ok && (d < low || d > high) {
		outside := int64(d)
		beyond = &outside
	}
	return int64(low), int64(high), beyond
}

// DefaultValue gives the default in the stored form, and false when there is
// none.
func (f *Fact) DefaultValue() (int64, bool) {
	if f.Default == nil {
		return 0, false
	}
	value, problem := f.read(f.Default)
	return value, problem == nil
}

// Answer gives the public form of a stored value: a Decimal, a string or a bool.
func (f *Fact) Answer(value int64) any { return f.answer(value) }

// Owns says whether an expression was compiled for this vocabulary.
func (v *Vocabulary) Owns(e *Expr) bool { return e.vocabulary == v }

// NumberText gives a stored number as the API writes it.
func NumberText(value int64) string { return Decimal(value).String() }
