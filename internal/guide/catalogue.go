package guide

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Source is a catalogue as the store keeps it, every version included.
type Source struct {
	Revision    int    // changes with every import that changed something
	Edition     string // names that import among all, of other databases too
	Departments []district.Department
	Regions     []district.Region
	Zones       []district.Zone
	Facts       []standard.Fact
	Items       []ItemStandard
	Schemes     []JointStandard
	Calendar    *workday.Calendar // the district's own; nil when there is none
	Rules       []law.Rule        // the district's
	Retired     Retired
}

// Retired tells what the vocabulary keeps only for versions of old: from Since
// on it is no answer any more.
type Retired struct {
	Since  string              // day of the last import
	Facts  map[string]bool     // by key
	Values map[string][]string // fact → values
}

// problems finds answers that are retired on a day.
func (r *Retired) problems(facts map[string]any, day string) []fault.Problem {
	if day < r.Since {
		return nil
	}
	var problems []fault.Problem
	for _, key := range slices.Sorted(maps.Keys(facts)) {
		value, _ := facts[key].(string)
		switch {
		case r.Facts[key]:
			problems = append(problems, fault.Problem{Path: "facts." + key, Code: standard.CodeUnknownFact,
				ZH: "要素 " + key + " 已停用", EN: "fact " + key + " is no longer in use"})
		case value != "" && slices.Contains(r.Values[key], value):
			problems = append(problems, fault.Problem{Path: "facts." + key, Code: standard.CodeUnknownValue,
				ZH: key + " 的取值 " + value + " 已停用", EN: "value " + value + " of " + key + " is no longer in use"})
		}
	}
	return problems
}

// Term is the time in which a version is in force: from From, before To. Empty
// means open.
type Term struct{ From, To string }

func (t Term) covers(day string) bool {
	return (t.From == "" || t.From <= day) && (t.To == "" || day < t.To)
}

// ItemStandard is one version of a single-item standard.
type ItemStandard struct {
	Version int
	Term    Term
	Item    item.Item
	Clauses []standard.Clause
}

// JointStandard is one version of a joint standard.
type JointStandard struct {
	Version int
	Term    Term
	Scheme  scheme.Scheme
}

// Catalogue is a Source compiled: every predicate parsed, ready to answer. It
// never changes; a new import makes a new one.
type Catalogue struct {
	Revision    int
	Edition     string
	vocabulary  *standard.Vocabulary
	encoded     [][]byte // the vocabulary's facts in canonical JSON
	departments map[string]district.Department
	deptOrder   []string
	regions     map[string]district.Region
	zones       map[string]district.Zone
	items       []*itemStandard
	schemes     []*jointStandard
	calendar    *workday.Calendar
	rules       []law.Rule
	retired     Retired
}

type itemStandard struct {
	ItemStandard
	needed  *standard.Expr
	clauses []compiledClause
	encoded []byte // Item in canonical JSON
}

type compiledClause struct {
	*standard.Compiled
	encoded []byte // Clause in canonical JSON
}

type jointStandard struct {
	JointStandard
	applies *standard.Expr
	askRank map[string]int // fact → place in ask_first
	stage   map[string]string
}

// Compile makes a catalogue from what the store keeps.
func Compile(src Source) (*Catalogue, error) {
	vocabulary, err := standard.NewVocabulary(src.Facts)
	if err != nil {
		return nil, fmt.Errorf("guide.Compile: %w", err)
	}
	c := &Catalogue{
		Revision:    src.Revision,
		Edition:     src.Edition,
		vocabulary:  vocabulary,
		departments: make(map[string]district.Department, len(src.Departments)),
		regions:     make(map[string]district.Region, len(src.Regions)),
		zones:       make(map[string]district.Zone, len(src.Zones)),
		calendar:    src.Calendar,
		rules:       src.Rules,
		retired:     src.Retired,
	}
	for _, d := range src.Departments {
		c.departments[d.Code] = d
		c.deptOrder = append(c.deptOrder, d.Code)
	}
	for _, r := range src.Regions {
		c.regions[r.Code] = r
	}
	for _, z := range src.Zones {
		c.zones[z.Code] = z
	}
	for i := range vocabulary.Len() {
		encoded, err := plainJSON(vocabulary.At(i))
		if err != nil {
			return nil, fmt.Errorf("guide.Compile: %w", err)
		}
		c.encoded = append(c.encoded, encoded)
	}
	for _, s := range src.Items {
		compiled, err := c.compileItem(s)
		if err != nil {
			return nil, err
		}
		c.items = append(c.items, compiled)
	}
	for _, s := range src.Schemes {
		joint, err := c.compileScheme(s)
		if err != nil {
			return nil, err
		}
		c.schemes = append(c.schemes, joint)
	}
	return c, nil
}

func (c *Catalogue) parse(what, text string) (*standard.Expr, error) {
	expr, diagnostics := c.vocabulary.Parse(text)
	if len(diagnostics) > 0 {
		return nil, fmt.Errorf("guide.Compile: %s: column %d: %s", what, diagnostics[0].Column, diagnostics[0].EN)
	}
	return expr, nil
}

func (c *Catalogue) compileItem(s ItemStandard) (*itemStandard, error) {
	needed, err := c.parse(s.Item.Code+": needed_when", s.Item.NeededWhen)
	if err != nil {
		return nil, err
	}
	compiled := &itemStandard{ItemStandard: s, needed: needed}
	if compiled.encoded, err = plainJSON(s.Item); err != nil {
		return nil, fmt.Errorf("guide.Compile: %s: %w", s.Item.Code, err)
	}
	for _, clause := range s.Clauses {
		k, diagnostics := c.vocabulary.Compile(clause)
		if len(diagnostics) > 0 {
			d := diagnostics[0]
			return nil, fmt.Errorf("guide.Compile: %s: %s: column %d: %s", clause.Code, d.Field, d.Column, d.EN)
		}
		encoded, err := plainJSON(clause)
		if err != nil {
			return nil, fmt.Errorf("guide.Compile: %s: %w", clause.Code, err)
		}
		compiled.clauses = append(compiled.clauses, compiledClause{k, encoded})
	}
	return compiled, nil
}

func (c *Catalogue) compileScheme(s JointStandard) (*jointStandard, error) {
	applies, err := c.parse(s.Scheme.Code+": applies_when", s.Scheme.AppliesWhen)
	if err != nil {
		return nil, err
	}
	joint := &jointStandard{JointStandard: s, applies: applies, askRank: map[string]int{}, stage: map[string]string{}}
	for i, key := range s.Scheme.AskFirst {
		joint.askRank[key] = i
	}
	for _, entry := range s.Scheme.Items {
		joint.stage[entry.Item] = entry.Stage
	}
	return joint, nil
}

// WithItem gives the catalogue in which this version is in force from its day
// on, in the place of every other version of that item: a draft as if it were
// published. The catalogue itself stays as it is.
func (c *Catalogue) WithItem(s ItemStandard) (*Catalogue, error) {
	compiled, err := c.compileItem(s)
	if err != nil {
		return nil, err
	}
	next := c.Without(s.Item.Code, s.Term.From)
	at := slices.IndexFunc(next.items, func(o *itemStandard) bool { return o.Item.Code == s.Item.Code })
	if at < 0 {
		at = len(next.items)
	}
	next.items = slices.Insert(next.items, at, compiled)
	return next, nil
}

// WithScheme is WithItem for a joint standard.
func (c *Catalogue) WithScheme(s JointStandard) (*Catalogue, error) {
	joint, err := c.compileScheme(s)
	if err != nil {
		return nil, err
	}
	next := c.Without(s.Scheme.Code, s.Term.From)
	at := slices.IndexFunc(next.schemes, func(o *jointStandard) bool { return o.Scheme.Code == s.Scheme.Code })
	if at < 0 {
		at = len(next.schemes)
	}
	next.schemes = slices.Insert(next.schemes, at, joint)
	return next, nil
}

// Without gives the catalogue in which a standard ends on a day.
func (c *Catalogue) Without(code, day string) *Catalogue {
	next := *c
	next.items, next.schemes = slices.Clone(c.items), slices.Clone(c.schemes)
	for i, o := range next.items {
		if o.Item.Code == code && (o.Term.To == "" || o.Term.To > day) {
			ended := *o
			ended.Term.To = max(day, "0")
			next.items[i] = &ended
		}
	}
	for i, o := range next.schemes {
		if o.Scheme.Code == code && (o.Term.To == "" || o.Term.To > day) {
			ended := *o
			ended.Term.To = max(day, "0")
			next.schemes[i] = &ended
		}
	}
	return &next
}

// Facts are the facts that may be asked for today, in their order.
func (c *Catalogue) Facts() []*standard.Fact {
	facts := make([]*standard.Fact, 0, c.vocabulary.Len())
	for i := range c.vocabulary.Len() {
		f := c.vocabulary.At(i)
		if c.retired.Facts[f.Key] {
			continue
		}
		if retired := c.retired.Values[f.Key]; len(retired) > 0 {
			now := *f
			now.Values = slices.DeleteFunc(slices.Clone(f.Values), func(v standard.FactValue) bool { return slices.Contains(retired, v.Code) })
			f = &now
		}
		facts = append(facts, f)
	}
	return facts
}

// Department finds a department by its code.
func (c *Catalogue) Department(code string) (district.Department, bool) {
	d, ok := c.departments[code]
	return d, ok
}

// Calendar finds a working calendar by its code; the empty code means the
// district's own.
func (c *Catalogue) Calendar(code string) (*workday.Calendar, bool) {
	if c.calendar == nil || code != "" && code != c.calendar.Code() {
		return nil, false
	}
	return c.calendar, true
}

// Item gives the version of an item that is in force on a day.
func (c *Catalogue) Item(code string, day workday.Date) (item.Item, int, bool) {
	for _, s := range c.items {
		if s.Item.Code == code && s.Term.covers(day.String()) {
			return s.Item, s.Version, true
		}
	}
	return item.Item{}, 0, false
}

// counts says whether a version is the one to judge by: the pinned one, or else
// the one in force on the day.
func counts(pins map[string]int, code string, version int, term Term, day string) bool {
	if pin, ok := pins[code]; ok {
		return pin == version
	}
	return term.covers(day)
}

func (c *Catalogue) itemsOn(day string, pins map[string]int) []*itemStandard {
	in := make([]*itemStandard, 0, len(c.items))
	for _, s := range c.items {
		if counts(pins, s.Item.Code, s.Version, s.Term, day) {
			in = append(in, s)
		}
	}
	return in
}

func (c *Catalogue) schemeOn(code, day string, pins map[string]int) *jointStandard {
	for _, s := range c.schemes {
		if s.Scheme.Code == code && counts(pins, code, s.Version, s.Term, day) {
			return s
		}
	}
	return nil
}

// Scheme gives a version of a scheme.
func (c *Catalogue) Scheme(code string, version int) (scheme.Scheme, bool) {
	for _, s := range c.schemes {
		if s.Scheme.Code == code && s.Version == version {
			return s.Scheme, true
		}
	}
	return scheme.Scheme{}, false
}

// Clause gives a clause of a version of an item's standard.
func (c *Catalogue) Clause(item string, version int, code string) (*standard.Clause, bool) {
	for _, s := range c.items {
		if s.Item.Code != item || s.Version != version {
			continue
		}
		for i := range s.Clauses {
			if s.Clauses[i].Code == code {
				return &s.Clauses[i], true
			}
		}
	}
	return nil, false
}

// HasClause says whether any version of any standard has a clause of this code.
func (c *Catalogue) HasClause(code string) bool {
	return slices.ContainsFunc(c.items, func(s *itemStandard) bool {
		return slices.ContainsFunc(s.Clauses, func(k standard.Clause) bool { return k.Code == code })
	})
}

// ClauseDepartment says whose a clause is, in the newest version that has it.
func (c *Catalogue) ClauseDepartment(code string) (string, bool) {
	department, newest := "", 0
	for _, s := range c.items {
		for _, k := range s.Clauses {
			if k.Code == code && s.Version > newest {
				department, newest = k.Department, s.Version
			}
		}
	}
	return department, newest > 0
}

// Fact finds a fact by its key, a retired one too.
func (c *Catalogue) Fact(key string) (*standard.Fact, bool) { return c.vocabulary.Fact(key) }

// HasFact says whether there is a fact of this key.
func (c *Catalogue) HasFact(key string) bool {
	_, ok := c.vocabulary.Fact(key)
	return ok
}

// Rule gives one of the district's rules, e.g. how a scheme decides jointly.
func (c *Catalogue) Rule(section, code string) (law.Rule, bool) {
	for _, r := range c.rules {
		if r.Section == section && r.Code == code {
			return r, true
		}
	}
	return law.Rule{}, false
}

// RegionsIn lists the regions that lie in one, itself included.
func (c *Catalogue) RegionsIn(code string) []string {
	if _, ok := c.regions[code]; !ok {
		return nil
	}
	var in []string
	for r := range c.regions {
		if c.inside(r, code) {
			in = append(in, r)
		}
	}
	slices.Sort(in)
	return in
}

// inside says that region a lies in region b, or is it.
func (c *Catalogue) inside(a, b string) bool {
	for a != b {
		r := c.regions[a]
		if r.Parent == nil {
			return false
		}
		a = *r.Parent
	}
	return true
}

// HasScheme says whether there is or was a scheme with the code.
func (c *Catalogue) HasScheme(code string) bool {
	return slices.ContainsFunc(c.schemes, func(s *jointStandard) bool { return s.Scheme.Code == code })
}
