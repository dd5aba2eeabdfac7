// Package sat decides propositional formulas: an incremental solver with
// learning, assumptions, failed cores and budgets. It never panics, never exits
// the process and reads no clock: what it cannot decide within its budget, or
// before its context ends, it calls Unknown.
package sat

import (
	"context"
	"slices"
)

// Lit is a variable or its negation. The zero value is True.
type Lit int32

// The constants. Variable 0 is always true.
const (
	True  Lit = 0
	False Lit = 1
)

// Not gives the opposite.
func (l Lit) Not() Lit { return l ^ 1 }

func (l Lit) variable() int32 { return int32(l) >> 1 }

// Status is the answer of Solve. The zero value is Unknown.
type Status uint8

// The answers.
const (
	Unknown Status = iota // out of budget, or the context has ended
	Sat
	Unsat
)

// Budget bounds one call of Solve: conflicts and assigned literals. Zero means
// no limit.
type Budget struct {
	Conflicts, Steps int64
}

// Solver keeps clauses and decides them again and again; it only ever grows
// until Reset. It is not safe for use by several goroutines.
type Solver struct {
	mem     []Lit // clauses: header (size), lbd (learnt) or -1, literals
	learnts []int32
	watches [][]watch
	values  []int8 // by literal: 1 true, -1 false, 0 open
	level   []int32
	reason  []int32 // clause or -1
	trail   []Lit
	limits  []int32 // where each level begins in the trail
	head    int

	activity []float64
	bump     float64
	heap     []int32
	place    []int32 // in the heap, or -1
	phase    []bool

	seen     []bool
	learnt   []Lit
	model    []int8 // by variable
	core     []Lit
	bad      bool // the clauses contradict each other
	wasted   int
	Steps    int64 // literals assigned in all calls
	Conflict int64 // conflicts of all calls
}

type watch struct {
	clause  int32
	blocker Lit
}

const noReason = -1

// New gives a solver that knows only that True holds.
func New() *Solver {
	s := &Solver{}
	s.Reset()
	return s
}

// Reset forgets everything and keeps the memory.
func (s *Solver) Reset() {
	for i := range s.watches {
		s.watches[i] = s.watches[i][:0]
	}
	s.mem, s.learnts, s.values = s.mem[:0], s.learnts[:0], s.values[:0]
	s.level, s.reason, s.trail, s.limits, s.head = s.level[:0], s.reason[:0], s.trail[:0], s.limits[:0], 0
	s.activity, s.heap, s.place, s.phase = s.activity[:0], s.heap[:0], s.place[:0], s.phase[:0]
	s.seen, s.model, s.core = s.seen[:0], s.model[:0], s.core[:0]
	s.bump, s.bad, s.wasted = 1, false, 0
	s.NewVar(true)
	s.assign(True, noReason)
}

// Vars is the number of variables.
func (s *Solver) Vars() int { return len(s.level) }

// NewVar makes a variable and gives it as a literal. The phase is what the
// solver tries first.
func (s *Solver) NewVar(phase bool) Lit {
	v := int32(len(s.level))
	s.level = append(s.level, 0)
	s.reason = append(s.reason, noReason)
	s.values = append(s.values, 0, 0)
	s.activity = append(s.activity, 0)
	s.phase = append(s.phase, phase)
	s.seen = append(s.seen, false)
	s.place = append(s.place, -1)
	for len(s.watches) < 2*len(s.level) {
		s.watches = append(s.watches, nil)
	}
	s.push(v)
	return Lit(v << 1)
}

// Prefer sets what is tried first for a literal.
func (s *Solver) Prefer(l Lit) {
	if v := l.variable(); int(v) < len(s.phase) {
		s.phase[v] = l&1 == 0
	}
}

// Add demands that one of the literals holds. Literals of variables that do not
// exist are ignored as false.
func (s *Solver) Add(lits ...Lit) {
	if s.bad {
		return
	}
	s.backtrack(0)
	clause := s.learnt[:0]
	for _, l := range lits {
		if l < 0 || int(l.variable()) >= len(s.level) || s.values[l] < 0 || slices.Contains(clause, l) {
			continue
		}
		if s.values[l] > 0 || slices.Contains(clause, l.Not()) {
			s.learnt = clause[:0]
			return
		}
		clause = append(clause, l)
	}
	s.learnt = clause[:0]
	switch len(clause) {
	case 0:
		s.bad = true
	case 1:
		s.assign(clause[0], noReason)
		s.bad = s.propagate() >= 0
	default:
		s.attach(clause, -1)
	}
}

func (s *Solver) attach(lits []Lit, lbd Lit) int32 {
	at := int32(len(s.mem))
	s.mem = append(s.mem, Lit(len(lits)), lbd)
	s.mem = append(s.mem, lits...)
	s.watches[lits[0].Not()] = append(s.watches[lits[0].Not()], watch{at, lits[1]})
	s.watches[lits[1].Not()] = append(s.watches[lits[1].Not()], watch{at, lits[0]})
	return at
}

func (s *Solver) lits(clause int32) []Lit {
	return s.mem[clause+2 : clause+2+int32(s.mem[clause])]
}

func (s *Solver) assign(l Lit, reason int32) {
	s.values[l], s.values[l.Not()] = 1, -1
	v := l.variable()
	s.level[v], s.reason[v] = int32(len(s.limits)), reason
	s.trail = append(s.trail, l)
}

// propagate gives a clause that fails, or -1.
func (s *Solver) propagate() int32 {
	for s.head < len(s.trail) {
		p := s.trail[s.head]
		s.head++
		s.Steps++
		list := s.watches[p]
		kept := 0
		for i := 0; i < len(list); i++ {
			w := list[i]
			if s.values[w.blocker] > 0 {
				list[kept] = w
				kept++
				continue
			}
			lits := s.lits(w.clause)
			if lits[0] == p.Not() {
				lits[0], lits[1] = lits[1], lits[0]
			}
			first := lits[0]
			if first != w.blocker && s.values[first] > 0 {
				list[kept] = watch{w.clause, first}
				kept++
				continue
			}
			moved := false
			for k := 2; k < len(lits); k++ {
				if s.values[lits[k]] >= 0 {
					lits[1], lits[k] = lits[k], lits[1]
					s.watches[lits[1].Not()] = append(s.watches[lits[1].Not()], watch{w.clause, first})
					moved = true
					break
				}
			}
			if moved {
				continue
			}
			list[kept] = watch{w.clause, first}
			kept++
			if s.values[first] < 0 {
				kept += copy(list[kept:], list[i+1:])
				s.watches[p] = list[:kept]
				s.head = len(s.trail)
				return w.clause
			}
			s.assign(first, w.clause)
		}
		s.watches[p] = list[:kept]
	}
	return -1
}

func (s *Solver) backtrack(level int) {
	if len(s.limits) <= level {
		return
	}
	for i := len(s.trail) - 1; i >= int(s.limits[level]); i-- {
		l := s.trail[i]
		v := l.variable()
		s.values[l], s.values[l.Not()] = 0, 0
		s.phase[v] = l&1 == 0
		if s.place[v] < 0 {
			s.push(v)
		}
	}
	s.trail = s.trail[:s.limits[level]]
	s.limits = s.limits[:level]
	s.head = len(s.trail)
}

// analyze learns a clause from a failing one and gives the level to go back to.
func (s *Solver) analyze(clause int32) int {
	s.learnt = append(s.learnt[:0], 0)
	open, at, p := 0, len(s.trail)-1, Lit(-1)
	current := int32(len(s.limits))
	for {
		for _, q := range s.lits(clause) {
			v := q.variable()
			if q == p || s.seen[v] || s.level[v] == 0 {
				continue
			}
			s.seen[v] = true
			s.raise(v)
			if s.level[v] == current {
				open++
			} else {
				s.learnt = append(s.learnt, q)
			}
		}
		for !s.seen[s.trail[at].variable()] {
			at--
		}
		p = s.trail[at]
		at--
		clause = s.reason[p.variable()]
		s.seen[p.variable()] = false
		open--
		if open == 0 {
			break
		}
	}
	s.learnt[0] = p.Not()
	all := slices.Clone(s.learnt)
	kept := s.learnt[:1]
	for _, q := range all[1:] {
		if !s.implied(q) {
			kept = append(kept, q)
		}
	}
	for _, q := range all {
		s.seen[q.variable()] = false
	}
	s.learnt = kept
	back := 0
	for i := 1; i < len(kept); i++ {
		if l := int(s.level[kept[i].variable()]); l > back {
			back = l
			kept[1], kept[i] = kept[i], kept[1]
		}
	}
	return back
}

// implied says that the other learnt literals imply this one already.
func (s *Solver) implied(q Lit) bool {
	reason := s.reason[q.variable()]
	if reason < 0 {
		return false
	}
	for _, r := range s.lits(reason) {
		v := r.variable()
		if v != q.variable() && !s.seen[v] && s.level[v] > 0 {
			return false
		}
	}
	return true
}

func (s *Solver) raise(v int32) {
	s.activity[v] += s.bump
	if s.activity[v] > 1e100 {
		for i := range s.activity {
			s.activity[i] *= 1e-100
		}
		s.bump *= 1e-100
	}
	if s.place[v] >= 0 {
		s.up(int(s.place[v]))
	}
}

// Solve searches for an assignment in which all assumptions hold.
func (s *Solver) Solve(ctx context.Context, budget Budget, assume ...Lit) Status {
	s.core = s.core[:0]
	s.backtrack(0)
	if s.bad {
		return Unsat
	}
	for _, l := range assume {
		if l < 0 || int(l.variable()) >= len(s.level) {
			s.core = append(s.core, l)
			return Unsat
		}
	}
	startConflicts, startSteps := s.Conflict, s.Steps
	nextLook, round := s.Steps, int64(0)
	restartAt := s.Conflict + 100*luby(round)
	mostLearnts := 4000 + len(s.learnts)/2
	for {
		if clause := s.propagate(); clause >= 0 {
			s.Conflict++
			if len(s.limits) == 0 {
				s.bad = true
				return Unsat
			}
			back := s.analyze(clause)
			s.backtrack(back)
			if len(s.learnt) == 1 {
				s.assign(s.learnt[0], noReason)
			} else {
				c := s.attach(s.learnt, Lit(s.levels(s.learnt)))
				s.learnts = append(s.learnts, c)
				s.assign(s.learnt[0], c)
			}
			s.bump /= 0.95
			if budget.Conflicts > 0 && s.Conflict-startConflicts >= budget.Conflicts {
				s.backtrack(0)
				return Unknown
			}
			continue
		}
		if s.Steps >= nextLook {
			nextLook = s.Steps + 20_000
			if ctx.Err() != nil || budget.Steps > 0 && s.Steps-startSteps >= budget.Steps {
				s.backtrack(0)
				return Unknown
			}
		}
		if s.Conflict >= restartAt {
			round++
			restartAt = s.Conflict + 100*luby(round)
			s.backtrack(0)
			if len(s.learnts) > mostLearnts {
				s.reduce()
				mostLearnts += 500
			}
			if ctx.Err() != nil {
				return Unknown
			}
		}
		next := Lit(-1)
		for next < 0 && len(s.limits) < len(assume) {
			l := assume[len(s.limits)]
			switch {
			case s.values[l] > 0:
				s.limits = append(s.limits, int32(len(s.trail)))
			case s.values[l] < 0:
				s.failed(l)
				s.backtrack(0)
				return Unsat
			default:
				next = l
			}
		}
		if next < 0 {
			for next < 0 && len(s.heap) > 0 {
				if v := s.pop(); s.values[v<<1] == 0 {
					next = Lit(v << 1)
					if !s.phase[v] {
						next++
					}
				}
			}
			if next < 0 {
				s.model = s.model[:0]
				for v := range s.level {
					s.model = append(s.model, s.values[v<<1])
				}
				s.backtrack(0)
				return Sat
			}
		}
		s.limits = append(s.limits, int32(len(s.trail)))
		s.assign(next, noReason)
	}
}

// failed collects the assumptions that make l false.
func (s *Solver) failed(l Lit) {
	s.core = append(s.core[:0], l)
	if s.level[l.variable()] == 0 {
		return
	}
	s.seen[l.variable()] = true
	for i := len(s.trail) - 1; i >= int(s.limits[0]); i-- {
		q := s.trail[i]
		v := q.variable()
		if !s.seen[v] {
			continue
		}
		s.seen[v] = false
		if s.reason[v] < 0 {
			if q != l {
				s.core = append(s.core, q)
			}
			continue
		}
		for _, r := range s.lits(s.reason[v]) {
			if s.level[r.variable()] > 0 && r.variable() != v {
				s.seen[r.variable()] = true
			}
		}
	}
	s.seen[l.variable()] = false
}

// Value tells whether a literal holds in the last model. A variable made since
// then is false.
func (s *Solver) Value(l Lit) bool {
	v := int(l.variable())
	holds := v >= 0 && v < len(s.model) && s.model[v] > 0
	return holds == (l&1 == 0)
}

// Core gives the assumptions of the last Unsat that already cannot hold
// together; none when the clauses alone contradict each other.
func (s *Solver) Core() []Lit { return slices.Clone(s.core) }

func (s *Solver) levels(lits []Lit) int {
	n := 0
	for i, l := range lits {
		fresh := true
		for _, m := range lits[:i] {
			if s.level[m.variable()] == s.level[l.variable()] {
				fresh = false
				break
			}
		}
		if fresh {
			n++
		}
		if n > 30 {
			break
		}
	}
	return n
}

// reduce drops the worse half of what was learnt. The trail is at level 0.
func (s *Solver) reduce() {
	order := slices.Clone(s.learnts)
	slices.SortStableFunc(order, func(a, b int32) int {
		if d := int(s.mem[a+1] - s.mem[b+1]); d != 0 {
			return d
		}
		return int(s.mem[a] - s.mem[b])
	})
	locked := make(map[int32]bool, len(s.trail))
	for _, l := range s.trail {
		if r := s.reason[l.variable()]; r >= 0 {
			locked[r] = true
		}
	}
	drop := make(map[int32]bool)
	for _, c := range order[len(order)/2:] {
		if s.mem[c+1] > 2 && !locked[c] {
			drop[c] = true
			s.wasted += int(s.mem[c]) + 2
		}
	}
	s.learnts = slices.DeleteFunc(s.learnts, func(c int32) bool { return drop[c] })
	for i := range s.watches {
		s.watches[i] = slices.DeleteFunc(s.watches[i], func(w watch) bool { return drop[w.clause] })
	}
	if s.wasted > len(s.mem)/2 {
		s.compact()
	}
}

// compact gives the memory of dropped clauses back.
func (s *Solver) compact() {
	moved := make(map[int32]int32)
	var fresh []Lit
	move := func(c int32) int32 {
		at, ok := moved[c]
		if !ok {
			at = int32(len(fresh))
			fresh = append(fresh, s.mem[c:c+2+int32(s.mem[c])]...)
			moved[c] = at
		}
		return at
	}
	for i := range s.watches {
		for j := range s.watches[i] {
			s.watches[i][j].clause = move(s.watches[i][j].clause)
		}
	}
	for i, c := range s.learnts {
		s.learnts[i] = move(c)
	}
	for _, l := range s.trail {
		if r := s.reason[l.variable()]; r >= 0 {
			s.reason[l.variable()] = move(r)
		}
	}
	s.mem, s.wasted = fresh, 0
}

// luby is the sequence 1 1 2 1 1 2 4 … that spaces restarts.
func luby(i int64) int64 {
	size, power := int64(1), int64(1)
	for size < i+1 {
		size, power = 2*size+1, power*2
	}
	for size-1 != i {
		size, power = (size-1)/2, power/2
		i %= size
	}
	return power
}

// The heap holds the open variables, the most active first, ties by number.

func (s *Solver) before(a, b int32) bool {
	return s.activity[a] > s.activity[b] || s.activity[a] == s.activity[b] && a < b
}

func (s *Solver) push(v int32) {
	s.place[v] = int32(len(s.heap))
	s.heap = append(s.heap, v)
	s.up(len(s.heap) - 1)
}

func (s *Solver) pop() int32 {
	top := s.heap[0]
	last := s.heap[len(s.heap)-1]
	s.heap = s.heap[:len(s.heap)-1]
	s.place[top] = -1
	if len(s.heap) > 0 {
		s.heap[0] = last
		s.place[last] = 0
		s.down(0)
	}
	return top
}

func (s *Solver) up(i int) {
	v := s.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(v, s.heap[parent]) {
			break
		}
		s.heap[i] = s.heap[parent]
		s.place[s.heap[i]] = int32(i)
		i = parent
	}
	s.heap[i] = v
	s.place[v] = int32(i)
}

func (s *Solver) down(i int) {
	v := s.heap[i]
	for {
		kid := 2*i + 1
		if kid >= len(s.heap) {
			break
		}
		if kid+1 < len(s.heap) && s.before(s.heap[kid+1], s.heap[kid]) {
			kid++
		}
		if !s.before(s.heap[kid], v) {
			break
		}
		s.heap[i] = s.heap[kid]
		s.place[s.heap[i]] = int32(i)
		i = kid
	}
	s.heap[i] = v
	s.place[v] = int32(i)
}
