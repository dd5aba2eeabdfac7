package standard

import (
	"maps"
	"slices"
	"sync"
)

// Expr is a compiled condition over the facts of one vocabulary. It is
// safe for use by many goroutines; nothing that it says ever changes.
type Expr struct {
	vocabulary *Vocabulary
	source     string
	nodes      []node // a node, then its children, one after the other
	sets       []valueSet
	sums       []comparison
	facts      []int
	warnings   []Diagnostic
	demands    sync.Map // leaf → demand: the words for what its leaves need
}

// node is one step of an expression. There is no NOT: negations are pushed
// into the operators when the expression is compiled.
type node struct {
	kind  kind
	op    operator
	fact  int32 // the fact that a leaf judges; of a sum, the first one written
	end   int32 // the index behind the last node below this one
	extra int32 // the index of the set or the sum
	value int64 // the constant that a leaf compares with
}

type kind uint8

const (
	constant kind = iota // value 1 holds, 0 does not
	compare              // fact op value: a number, a boolean or one enum value
	member               // fact is (not) in a set of enum values
	answered             // the fact is answered (value 1) or not (value 0)
	sum                  // a weighted sum of facts op value
	and
	or
	choose // condition ? yes : no
)

type operator uint8

const (
	opEQ operator = iota
	opNE
	opLT
	opGE
	opLE
	opGT
	opIn
	opNotIn
	opAnswered
)

var operatorNames = [...]string{"==", "!=", "<", ">=", "<=", ">", "IN", "NOT_IN", "ANSWERED"}

// String gives the operator's public name.
func (o operator) String() string {
	return operatorNames[o]
}

// not gives the operator that holds exactly when o does not. Opposites stand
// side by side in the list above.
func (o operator) not() operator { return o ^ 1 }

// swap gives the operator for the sides the other way round.
func (o operator) swap() operator {
	switch o {
	case opLT:
		return opGT
	case opGT:
		return opLT
	case opLE:
		return opGE
	case opGE:
		return opLE
	}
	return o
}

func (o operator) holds(a, b int64) bool {
	switch o {
	case opEQ:
		return a == b
	case opNE:
		return a != b
	case opLT:
		return a < b
	case opGE:
		return a >= b
	case opLE:
		return a <= b
	}
	return a > b
}

// valueSet is a set of enum values, as bits and in the order written.
type valueSet struct {
	bits   [mostValues / 64]uint64
	values []int
}

func (s *valueSet) add(value int) {
	if value >= 0 && !s.has(int64(value)) {
		s.bits[value>>6] |= 1 << (value & 63)
		s.values = append(s.values, value)
	}
}

func (s *valueSet) has(value int64) bool {
	return s.bits[value>>6]>>(value&63)&1 == 1
}

// append lays a tree out flat.
func (e *Expr) append(t *tree) {
	at := len(e.nodes)
	n := t.node
	if t.set != nil {
		n.extra = int32(len(e.sets))
		e.sets = append(e.sets, *t.set)
	}
	if t.sum != nil {
		n.extra = int32(len(e.sums))
		e.sums = append(e.sums, *t.sum)
	}
	e.nodes = append(e.nodes, n)
	for _, kid := range t.kids {
		e.append(kid)
	}
	e.nodes[at].end = int32(len(e.nodes))
}

func (e *Expr) collectFacts() {
	read := make(map[int]bool)
	for i := range e.nodes {
		e.eachFact(&e.nodes[i], func(fact int) { read[fact] = true })
	}
	e.facts = slices.Sorted(maps.Keys(read))
}

// eachFact visits the facts that a leaf judges.
func (e *Expr) eachFact(n *node, visit func(fact int)) {
	switch n.kind {
	case compare, member, answered:
		visit(int(n.fact))
	case sum:
		for _, m := range e.sums[n.extra].terms {
			visit(int(m.fact))
		}
	}
}

// String gives the source text.
func (e *Expr) String() string { return e.source }

// Facts lists the indexes of the facts that the expression reads, in order.
func (e *Expr) Facts() []int { return slices.Clone(e.facts) }

// OutOfRange warns of constants that a fact can never reach.
func (e *Expr) OutOfRange() []Diagnostic { return slices.Clone(e.warnings) }

// Eval judges the project. An unanswered fact is Unknown, never its default.
// Eval does not allocate. A project of another vocabulary is a fault of the
// program, and panics.
func (e *Expr) Eval(p *Project) Truth {
	e.mustMatch(p)
	return e.eval(0, p.values)
}

func (e *Expr) mustMatch(p *Project) {
	if p.vocabulary != e.vocabulary {
		panic("standard: the project and the expression have different vocabularies")
	}
}

func (e *Expr) eval(i int32, values []int64) Truth {
	n := &e.nodes[i]
	switch n.kind {
	case compare:
		v := values[n.fact]
		if v == unanswered {
			return Unknown
		}
		return TruthOf(n.op.holds(v, n.value))
	case member:
		v := values[n.fact]
		if v == unanswered {
			return Unknown
		}
		return TruthOf(e.sets[n.extra].has(v) == (n.op == opIn))
	case and:
		result := True
		for kid := i + 1; kid < n.end; kid = e.nodes[kid].end {
			switch e.eval(kid, values) {
			case False:
				return False
			case Unknown:
				result = Unknown
			}
		}
		return result
	case or:
		result := False
		for kid := i + 1; kid < n.end; kid = e.nodes[kid].end {
			switch e.eval(kid, values) {
			case True:
				return True
			case Unknown:
				result = Unknown
			}
		}
		return result
	case choose:
		condition, yes, no := e.branches(i)
		switch e.eval(condition, values) {
		case True:
			return e.eval(yes, values)
		case False:
			return e.eval(no, values)
		}
		if t := e.eval(yes, values); t == e.eval(no, values) {
			return t
		}
		return Unknown
	case sum:
		total := int64(0)
		for _, m := range e.sums[n.extra].terms {
			v := values[m.fact]
			if v == unanswered {
				return Unknown
			}
			total += m.factor * v
		}
		return TruthOf(n.op.holds(total, n.value))
	case answered:
		return TruthOf((values[n.fact] != unanswered) == (n.value == 1))
	}
	return TruthOf(n.value == 1)
}

// branches gives the three parts of a choice.
func (e *Expr) branches(i int32) (condition, yes, no int32) {
	condition = i + 1
	yes = e.nodes[condition].end
	return condition, yes, e.nodes[yes].end
}

// Missing appends the unanswered facts that an Unknown result still depends
// on, each once. There are none when the result is decided.
func (e *Expr) Missing(p *Project, to []int) []int {
	e.mustMatch(p)
	start := len(to)
	e.unknownLeaves(0, p.values, false, func(i int32, _ bool) {
		e.eachFact(&e.nodes[i], func(fact int) {
			if !p.Known(fact) && !slices.Contains(to[start:], fact) {
				to = append(to, fact)
			}
		})
	})
	return to
}

// unknownLeaves visits the leaves that keep node i from being decided.
// Steering leaves stand in the condition of a choice: they are not required
// themselves.
func (e *Expr) unknownLeaves(i int32, values []int64, steering bool, visit func(i int32, steering bool)) {
	if e.eval(i, values) != Unknown {
		return
	}
	n := &e.nodes[i]
	switch n.kind {
	case and, or:
		for kid := i + 1; kid < n.end; kid = e.nodes[kid].end {
			e.unknownLeaves(kid, values, steering, visit)
		}
	case choose:
		condition, yes, no := e.branches(i)
		decided := e.eval(condition, values)
		e.unknownLeaves(condition, values, true, visit)
		if decided != False {
			e.unknownLeaves(yes, values, steering, visit)
		}
		if decided != True {
			e.unknownLeaves(no, values, steering, visit)
		}
	default:
		visit(i, steering)
	}
}

// Implied gives the facts that the expression fixes when it is true: the
// parts "fact == constant" of a conjunction, and bare booleans. Project reads
// them back.
func (e *Expr) Implied() map[string]any {
	implied := make(map[string]any)
	fix := func(n *node) {
		if n.kind == compare && n.op == opEQ {
			f := e.vocabulary.At(int(n.fact))
			implied[f.Key] = f.answer(n.value)
		}
	}
	root := &e.nodes[0]
	fix(root)
	if root.kind == and {
		for kid := int32(1); kid < root.end; kid = e.nodes[kid].end {
			fix(&e.nodes[kid])
		}
	}
	return implied
}
