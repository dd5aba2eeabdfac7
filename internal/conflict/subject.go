// Package conflict finds what is wrong with standards taken together: clauses
// that contradict each other, items that wait for each other, gaps, clauses that
// do nothing, and what a new version means. It is exact over the language of
// package standard; what it cannot decide within its budget it says. See
// README.md for the definitions.
package conflict

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
)

// Subject is what is analysed: the standards as of a day. It is read by many
// and must not be changed after the first analysis.
type Subject struct {
	Vocabulary  *standard.Vocabulary
	Day         string // clauses in force on this day count; "" takes all
	Departments []district.Department
	Clauses     []*standard.Compiled
	Items       []Item
	Schemes     []Scheme
	Edges       []Edge            // precedence beyond the schemes' and the items' own
	Results     []Result          // facts that record another item's result
	Overrides   []Override        // which clause gives way to which
	Readings    map[string]string // interpretation group → the clause that the district chose
	Invariants  []Invariant
	Retired     map[string][]string // fact → values that are no answer any more

	lock     sync.Mutex
	prepared *prepared
	base     *Subject           // for a clause as an editor has it: the subject that it changes
	edit     *standard.Compiled // the clause
}

// Item is an approval item and when it is needed.
type Item struct {
	item.Item
	Needed *standard.Expr
}

// Scheme is a joint standard and when it applies.
type Scheme struct {
	scheme.Scheme
	Applies *standard.Expr
}

// Edge says that From must be finished before To can be. When is nil for "in
// every project that needs both". To is the last day on which it stands, "" for
// open.
type Edge struct {
	From, To string
	When     *standard.Expr
	Soft     bool // may be promised: no circle of itself
	Until    string
	Basis    string
}

// Result says that a fact, when it has the value, records that the item was
// granted: a clause that demands it waits for the item.
type Result struct {
	Fact  string
	Value any
	Item  string
}

// Override says that a clause takes the place of another wherever both apply:
// the special before the general, the later before the earlier, the higher before
// the lower.
type Override struct {
	Clause, Over string
	Basis        string
}

// Invariant is what holds of every real project, whatever a standard says.
type Invariant struct {
	Code   string
	Expr   *standard.Expr
	ZH, EN string
}

// Sections of a catalogue's rules that speak to the analysis.
const (
	SectionResults    = "results"    // fact, value, item: what a fact records; without item, a value that no item gives
	SectionOverrides  = "overrides"  // clause, over, basis
	SectionInvariants = "invariants" // cel, zh, en
	SectionReadings   = "readings"   // group, clause: the reading that the district chose
	SectionConflicts  = "conflicts"  // edges: from, to, claim, effective_to
)

// From takes the subject out of a catalogue as of a day.
func From(c *guide.Catalogue, day string) (*Subject, error) {
	s := &Subject{Vocabulary: c.Vocabulary(), Day: day, Departments: c.Departments(), Readings: map[string]string{}, Retired: c.RetiredValues(day)}
	for _, h := range c.HeldItems(day) {
		s.Items = append(s.Items, Item{h.Item, h.Needed})
		s.Clauses = append(s.Clauses, h.Clauses...)
	}
	for _, h := range c.HeldSchemes(day) {
		s.Schemes = append(s.Schemes, Scheme{h.Scheme, h.Applies})
	}
	for _, r := range c.RulesOf(SectionResults) {
		body, _ := r.Body.(map[string]any)
		fact, _ := body["fact"].(string)
		code, _ := body["item"].(string)
		s.Results = append(s.Results, Result{Fact: fact, Value: body["value"], Item: code})
	}
	for _, r := range c.RulesOf(SectionOverrides) {
		body, _ := r.Body.(map[string]any)
		s.Overrides = append(s.Overrides, Override{Clause: text(body, "clause"), Over: text(body, "over"), Basis: text(body, "basis")})
	}
	for _, r := range c.RulesOf(SectionReadings) {
		body, _ := r.Body.(map[string]any)
		s.Readings[text(body, "group")] = text(body, "clause")
	}
	for _, r := range c.RulesOf(SectionInvariants) {
		body, _ := r.Body.(map[string]any)
		expr, diagnostics := s.Vocabulary.Parse(text(body, "cel"))
		if len(diagnostics) > 0 {
			return nil, fmt.Errorf("conflict.From: invariant %s: column %d: %s", r.Code, diagnostics[0].Column, diagnostics[0].EN)
		}
		s.Invariants = append(s.Invariants, Invariant{Code: r.Code, Expr: expr, ZH: text(body, "zh"), EN: text(body, "en")})
	}
	for _, r := range c.RulesOf(SectionConflicts) {
		s.Edges = append(s.Edges, claimed(r)...)
	}
	return s, nil
}

// claimed gives the precedence that departments are known to ask for, as the
// pack's list of known conflicts records it.
func claimed(r law.Rule) []Edge {
	body, _ := r.Body.(map[string]any)
	list, _ := body["edges"].([]any)
	var out []Edge
	for _, e := range list {
		edge, _ := e.(map[string]any)
		out = append(out, Edge{
			From: text(edge, "from"), To: text(edge, "to"),
			Until: text(edge, "effective_to"), Basis: text(edge, "claim"),
		})
	}
	return out
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// With gives the subject with one clause put in the place of that with its code,
// or added: a clause as an editor has it.
func (s *Subject) With(c *standard.Compiled) *Subject {
	next := &Subject{
		Vocabulary: s.Vocabulary, Day: s.Day, Departments: s.Departments, Items: s.Items, Schemes: s.Schemes,
		Edges: s.Edges, Results: s.Results, Overrides: s.Overrides, Readings: s.Readings, Invariants: s.Invariants, Retired: s.Retired,
		Clauses: slices.Clone(s.Clauses), base: s, edit: c,
	}
	at := slices.IndexFunc(next.Clauses, func(o *standard.Compiled) bool { return o.Code == c.Code })
	if at < 0 {
		next.Clauses = append(next.Clauses, c)
	} else {
		next.Clauses[at] = c
	}
	return next
}

// clause is a clause prepared for the analysis.
type clause struct {
	*standard.Compiled
	index    int
	applies  *condition // the clause's own, and no overriding clause applies
	requires *condition // nil: nothing for the analysis to judge
	over     []*clause  // the clauses that override it
	breach   *condition // applies, and requires is not true
	binds    bool       // the applicant must meet it
}

// binding says that a clause of this kind demands something of the applicant.
func binding(k standard.ClauseKind) bool {
	return k == standard.Condition || k == standard.Prohibition || k == standard.Mitigation || k == standard.Obligation
}

// prepared is a subject translated for the solvers.
type prepared struct {
	*Subject
	space      *space
	facts      *translation
	clauses    []*clause
	byCode     map[string]*clause
	needed     map[string]*condition // by item
	schemes    []*condition          // by scheme
	items      map[string]*Item
	invariants []*condition
	names      map[string]district.Department
	groups     map[string][]*clause // interpretation groups with more than one reading in force

	edited []*clause // not in the index yet
	shared *shared
}

// shared is what is made once for a subject and the edits of it.
type shared struct {
	lock      sync.Mutex
	index     *index
	reference []int64
	peace     [2]*peace // without and with avoiding
}

// with gives what is prepared with one clause changed, in a fraction of the time.
// It is nil when the change reaches further than the clause itself.
func (p *prepared) with(s *Subject) *prepared {
	old := p.byCode[s.edit.Code]
	asks := false // has() changes which facts may stay unanswered
	for _, c := range []*standard.Compiled{s.edit, compiledOf(old)} {
		if c == nil {
			continue
		}
		for _, e := range []*standard.Expr{c.Applies, c.Requires} {
			if e != nil {
				tree := e.Tree()
				markOptional(&tree, func(int) { asks = true })
			}
		}
	}
	overriding := slices.ContainsFunc(s.Overrides, func(o Override) bool { return o.Clause == s.edit.Code || o.Over == s.edit.Code })
	counts := slices.Contains(s.inForce([]*standard.Compiled{s.edit}), s.edit)
	if asks || overriding || !counts || old == nil || old.InterpretationGroup != s.edit.InterpretationGroup || old.InterpretationGroup != "" {
		return nil
	}
	q := &prepared{
		Subject: s, space: p.space, facts: p.facts, clauses: slices.Clone(p.clauses), byCode: maps.Clone(p.byCode),
		needed: p.needed, schemes: p.schemes, items: p.items, invariants: p.invariants, names: p.names, groups: p.groups,
		shared: p.shared,
	}
	c := p.facts.clause(s.edit, old.index)
	q.clauses[c.index], q.byCode[c.Code] = c, c
	q.edited = append(slices.DeleteFunc(slices.Clone(p.edited), func(o *clause) bool { return o.Code == c.Code }), c)
	return q
}

func compiledOf(c *clause) *standard.Compiled {
	if c == nil {
		return nil
	}
	return c.Compiled
}

// clause translates a clause.
func (t *translation) clause(compiled *standard.Compiled, index int) *clause {
	c := &clause{Compiled: compiled, index: index, binds: binding(compiled.Kind)}
	c.applies = t.condition(compiled.Applies)
	if compiled.Requires != nil {
		c.requires = t.condition(compiled.Requires)
		c.breach = junction(all, c.applies, junction(notTrue, c.requires))
	}
	return c
}

// prepare translates the subject once. The error is the context's: nothing is
// kept then.
func (s *Subject) prepare(ctx context.Context) (*prepared, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.prepared != nil {
		return s.prepared, nil
	}
	if s.base != nil {
		base, err := s.base.prepare(ctx)
		if err != nil {
			return nil, err
		}
		if s.prepared = base.with(s); s.prepared != nil {
			return s.prepared, nil
		}
	}
	space, facts := newSpace(ctx, s.everyExpr(), s.Vocabulary)
	space.retire(s.Retired)
	made := s.translate(ctx, space, facts[0])
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.prepared = made
	return made, nil
}

func (s *Subject) everyExpr() []*standard.Expr {
	var out []*standard.Expr
	for _, c := range s.Clauses {
		out = append(out, c.Applies)
		if c.Requires != nil {
			out = append(out, c.Requires)
		}
	}
	for _, i := range s.Items {
		out = append(out, i.Needed)
	}
	for _, sc := range s.Schemes {
		out = append(out, sc.Applies)
	}
	for _, i := range s.Invariants {
		out = append(out, i.Expr)
	}
	for _, e := range s.Edges {
		if e.When != nil {
			out = append(out, e.When)
		}
	}
	return out
}

// inForce lists the clauses that count.
func (s *Subject) inForce(clauses []*standard.Compiled) []*standard.Compiled {
	var out []*standard.Compiled
	for _, c := range clauses {
		if s.Day != "" && !c.InForce(s.Day) {
			continue
		}
		if chosen := s.Readings[c.InterpretationGroup]; c.InterpretationGroup != "" && chosen != "" && chosen != c.Code {
			continue
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b *standard.Compiled) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

func (s *Subject) translate(ctx context.Context, sp *space, facts *translation) *prepared {
	p := &prepared{
		Subject: s, space: sp, facts: facts,
		byCode: map[string]*clause{}, needed: map[string]*condition{}, items: map[string]*Item{},
		names: map[string]district.Department{}, groups: map[string][]*clause{}, shared: &shared{},
	}
	for _, d := range s.Departments {
		p.names[d.Code] = d
	}
	for _, compiled := range s.inForce(s.Clauses) {
		if ctx.Err() != nil {
			return nil
		}
		c := facts.clause(compiled, len(p.clauses))
		p.clauses = append(p.clauses, c)
		p.byCode[c.Code] = c
		if g := c.InterpretationGroup; g != "" {
			p.groups[g] = append(p.groups[g], c)
		}
	}
	for g, readings := range p.groups {
		if len(readings) < 2 {
			delete(p.groups, g)
		}
	}
	own := make([]*condition, len(p.clauses))
	for i, c := range p.clauses {
		own[i] = c.applies
	}
	for _, o := range s.Overrides {
		by, over := p.byCode[o.Clause], p.byCode[o.Over]
		if by == nil || over == nil || by == over || slices.Contains(over.over, by) {
			continue
		}
		over.over = append(over.over, by)
		over.applies = junction(all, over.applies, junction(not, own[by.index]))
		if over.requires != nil {
			over.breach = junction(all, over.applies, junction(notTrue, over.requires))
		}
	}
	for i := range s.Items {
		it := &s.Items[i]
		p.items[it.Code] = it
		p.needed[it.Code] = facts.condition(it.Needed)
	}
	for _, sc := range s.Schemes {
		p.schemes = append(p.schemes, facts.condition(sc.Applies))
	}
	for _, i := range s.Invariants {
		p.invariants = append(p.invariants, facts.condition(i.Expr))
	}
	sp.relate(p.invariants)
	return p
}

// readings gives the other readings of a clause's rule that are in force while
// the district has not chosen.
func (p *prepared) readings(c *clause) []*clause {
	if c.InterpretationGroup == "" {
		return nil
	}
	return p.groups[c.InterpretationGroup]
}

// applies judges with package standard alone whether a clause applies, its
// overriding clauses considered.
func (c *clause) appliesTo(project *standard.Project) standard.Truth {
	t := c.Applies.Eval(project)
	for _, by := range c.over {
		t = t.And(by.Applies.Eval(project).Not())
	}
	return t
}
