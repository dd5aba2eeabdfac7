package conflict

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
)

// Kind says what was found.
type Kind string

// The kinds of finding of one subject.
const (
	Contradiction Kind = "CONTRADICTION" // clauses that apply together and cannot be met together
	Cycle         Kind = "CYCLE"         // items that wait for each other
	Gap           Kind = "GAP"           // projects that a category, or a chain of thresholds, leaves out
	Dead          Kind = "DEAD"          // a clause that applies to no project
	Unfulfillable Kind = "UNFULFILLABLE" // a condition that no project can meet
	Vacuous       Kind = "VACUOUS"       // a condition that is always met
	Undetermined  Kind = "UNDETERMINED"  // a clause that cannot be judged for some project
	Redundant     Kind = "REDUNDANT"     // a clause that others imply
	Duplicate     Kind = "DUPLICATE"     // a paper or a visit asked for twice, a rule that stands there twice
)

// Kinds lists the kinds in the order of a report.
var Kinds = []Kind{Contradiction, Cycle, Gap, Dead, Unfulfillable, Vacuous, Undetermined, Redundant, Duplicate}

// The kinds of finding of two versions.
const (
	NewlyRefused  Kind = "NEWLY_REFUSED" // projects that were in order, and breach the clause now
	NewlyAllowed  Kind = "NEWLY_ALLOWED" // projects that breached the clause, and are in order now
	NewlyNeeded   Kind = "NEWLY_NEEDED"  // projects that need the item now
	NotNeeded     Kind = "NO_LONGER_NEEDED"
	NewlyApplies  Kind = "NEWLY_APPLIES" // projects to which the clause applies now
	AppliesNoMore Kind = "NO_LONGER_APPLIES"
)

// Severity says what a finding means for publication.
type Severity string

// The severities.
const (
	Refuse Severity = "REFUSE" // stands in the way of publication
	Warn   Severity = "WARN"
)

// Finding is one result. With Proved false nothing was shown: the budget ran out
// over the clauses and items named, and a person must look.
type Finding struct {
	Kind        Kind           `json:"kind"`
	Severity    Severity       `json:"severity"`
	Proved      bool           `json:"proved"`
	Clauses     []string       `json:"clauses"`
	Items       []string       `json:"items"`
	Departments []string       `json:"departments"` // those that must talk
	Category    string         `json:"category,omitempty"`
	Scheme      string         `json:"scheme,omitempty"`
	Conditional bool           `json:"conditional,omitempty"` // of a cycle: it bites in some of the projects that need its items
	Witness     map[string]any `json:"witness,omitempty"`     // a project for which it happens
	Fixed       []string       `json:"fixed,omitempty"`       // of a contradiction: the facts that no design may change
	Region      []Bound        `json:"region,omitempty"`      // every project within these bounds is such a one
	Condition   string         `json:"condition,omitempty"`   // the region as an expression
	Resolutions []Resolution   `json:"resolutions,omitempty"`
	Edges       []Step         `json:"edges,omitempty"`    // of a cycle, in order
	Readings    []string       `json:"readings,omitempty"` // readings of one rule between which the district has not chosen
	ZH          string         `json:"zh"`
	EN          string         `json:"en"`
}

// Resolution is a set of choice and design facts that would clear a finding.
type Resolution struct {
	Facts map[string]any `json:"facts"`
	ZH    string         `json:"zh"`
	EN    string         `json:"en"`
}

// Step is one precedence of a cycle and where it comes from.
type Step struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Soft    bool     `json:"soft,omitempty"`
	Sources []string `json:"sources"`
	Clauses []string `json:"clauses,omitempty"`
}

// Bound is what a region demands of one fact.
type Bound struct {
	Fact string `json:"fact"`
	CEL  string `json:"cel"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// Report is the result of an analysis: the same subject gives the same bytes.
type Report struct {
	Day      string    `json:"day,omitempty"`
	Findings []Finding `json:"findings"`
	More     bool      `json:"more,omitempty"` // there are more than were asked for
	Digest   string    `json:"-"`              // SHA-256 of JSON
}

// JSON gives the canonical bytes that the digest is made of.
func (r *Report) JSON() ([]byte, error) { return json.Marshal(r) }

func (r *Report) seal() error {
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, list := range []*[]string{&f.Clauses, &f.Items, &f.Departments} {
			if *list == nil {
				*list = []string{}
			}
		}
		f.Departments = unique(f.Departments)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)),
			cmp.Compare(a.Kind, b.Kind),
			slices.Compare(a.Clauses, b.Clauses), slices.Compare(a.Items, b.Items),
			cmp.Compare(a.Category, b.Category), cmp.Compare(a.Scheme, b.Scheme),
			cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.EN, b.EN),
		)
	})
	bytes, err := r.JSON()
	if err != nil {
		return &fault.Error{Code: fault.Internal, Op: "conflict.Report", Err: err}
	}
	sum := sha256.Sum256(bytes)
	r.Digest = hex.EncodeToString(sum[:])
	return nil
}

func unique(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// Budget bounds the search: conflicts of one query and of the whole run, which may
// also assign no more than 1,000 literals for each. What is not decided by then is
// reported as not proved.
type Budget struct {
	Query, Run int64
}

// Options narrow an analysis. The zero value analyses everything.
type Options struct {
	Kinds                []Kind
	Scheme, Item, Clause string // only what touches it
	Budget               Budget
	MaxFindings          int // of each kind; 0 means 500
}

const (
	defaultQuery       = 8_000
	defaultRun         = 40_000
	defaultMaxFindings = 500
)

// run is one analysis under way.
type run struct {
	ctx   context.Context
	p     *prepared
	o     Options
	left  int64 // conflicts
	steps int64 // assigned literals
	out   []Finding
	more  bool
	tool  encoder // of small questions, emptied for each
	used  map[Kind]int
	said  map[string]bool // contradictions by their clauses
	err   error           // the analysis contradicted package standard
}

func newRun(ctx context.Context, p *prepared, o Options) *run {
	if o.Budget.Query <= 0 {
		o.Budget.Query = defaultQuery
	}
	if o.Budget.Run <= 0 {
		o.Budget.Run = defaultRun
	}
	if o.MaxFindings <= 0 {
		o.MaxFindings = defaultMaxFindings
	}
	return &run{ctx: ctx, p: p, o: o, left: o.Budget.Run, steps: stepsPerConflict * o.Budget.Run, tool: newEncoder(), used: map[Kind]int{}, said: map[string]bool{}}
}

// mostSteps bounds the assigned literals of one query.
const mostSteps = 20_000_000

// stepsPerConflict bounds the assigned literals of a run: where many easy queries
// hide a hard one, conflicts alone would let it go on for minutes.
const stepsPerConflict = 1_000

// solve asks a solver within the budget.
func (r *run) solve(e *encoder, assume ...sat.Lit) sat.Status {
	if r.ctx.Err() != nil || r.left <= 0 || r.steps <= 0 || e.failed {
		return sat.Unknown
	}
	conflicts, steps := e.Conflicts(), e.Steps()
	status := e.Solve(r.ctx, sat.Budget{Conflicts: min(r.o.Budget.Query, r.left), Steps: min(mostSteps, r.steps)}, assume...)
	r.left -= e.Conflicts() - conflicts
	r.steps -= e.Steps() - steps
	return status
}

// report keeps a finding, up to the limit of its kind.
func (r *run) report(f Finding) {
	if r.full(f.Kind) {
		r.more = true
		return
	}
	r.used[f.Kind]++
	r.out = append(r.out, f)
}

func (r *run) full(k Kind) bool { return r.used[k] >= r.o.MaxFindings }

func (r *run) wants(k Kind) bool { return len(r.o.Kinds) == 0 || slices.Contains(r.o.Kinds, k) }

// Analyse finds what is wrong with the standards of a subject. The error is the
// context's, or an INVALID fault for options that name nothing.
func Analyse(ctx context.Context, s *Subject, o Options) (*Report, error) {
	if err := o.check(s); err != nil {
		return nil, err
	}
	p, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	r := newRun(ctx, p, o)
	if ctx.Err() == nil && !r.meets(p.invariants...) {
		return nil, fault.New(fault.Invalid, "conflict.Analyse", "不变条件自相矛盾，没有项目能满足", "the invariants contradict each other: no project keeps them")
	}
	scope := r.scope()
	if r.wants(Dead) || r.wants(Unfulfillable) || r.wants(Vacuous) || r.wants(Undetermined) {
		r.single(scope)
	}
	if r.wants(Contradiction) {
		r.contradictions(scope)
	}
	if r.wants(Cycle) {
		r.cycles()
	}
	if r.wants(Gap) {
		r.gaps(scope)
	}
	if r.wants(Redundant) {
		r.redundant(scope)
	}
	if r.wants(Duplicate) {
		r.duplicates(scope)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	report := &Report{Day: s.Day, Findings: r.out, More: r.more}
	if report.Findings == nil {
		report.Findings = []Finding{}
	}
	if err := report.seal(); err != nil {
		return nil, err
	}
	return report, nil
}

func (o *Options) check(s *Subject) error {
	var problems []fault.Problem
	report := func(path, code, zh, en string) {
		problems = append(problems, fault.Problem{Path: path, Code: code, ZH: zh, EN: en})
	}
	for _, k := range o.Kinds {
		if !slices.Contains(Kinds, k) {
			report("kinds", "UNKNOWN_KIND", "没有这种分析："+clip(string(k)), "there is no such analysis: "+clip(string(k)))
		}
	}
	if o.Scheme != "" && !slices.ContainsFunc(s.Schemes, func(sc Scheme) bool { return sc.Code == o.Scheme }) {
		report("scheme", "UNKNOWN_SCHEME", "没有这个联合审批方案："+clip(o.Scheme), "there is no such scheme: "+clip(o.Scheme))
	}
	if o.Item != "" && !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Code == o.Item }) {
		report("item", "UNKNOWN_ITEM", "没有这个事项："+clip(o.Item), "there is no such item: "+clip(o.Item))
	}
	if o.Clause != "" && !slices.ContainsFunc(s.Clauses, func(c *standard.Compiled) bool { return c.Code == o.Clause }) {
		report("clause", "UNKNOWN_CLAUSE", "没有这个条款："+clip(o.Clause), "there is no such clause: "+clip(o.Clause))
	}
	if len(problems) > 0 {
		return fault.InvalidInput("conflict.Analyse", problems...)
	}
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// scope lists the clauses that the options ask about: a finding counts when one
// of its clauses is in it.
func (r *run) scope() map[int]bool {
	in := map[int]bool{}
	var members []string
	var applies *condition
	for i, sc := range r.p.Schemes {
		if sc.Code == r.o.Scheme {
			applies = r.p.schemes[i]
			for _, e := range sc.Items {
				members = append(members, e.Item)
			}
		}
	}
	for _, c := range r.p.clauses {
		switch {
		case r.o.Clause != "" && c.Code != r.o.Clause:
		case r.o.Item != "" && c.Item != r.o.Item:
		case applies != nil && !slices.Contains(members, c.Item) && !r.meets(applies, c.applies):
		default:
			in[c.index] = true
		}
	}
	return in
}

// meets says whether two conditions can hold together; when that is not decided
// it is taken for possible.
func (r *run) meets(conditions ...*condition) bool {
	_, status := r.find(conditions...)
	return status != sat.Unsat
}

// find looks for a project in which all conditions hold.
func (r *run) find(conditions ...*condition) ([]int64, sat.Status) {
	if r.ctx.Err() != nil {
		return nil, sat.Unknown
	}
	e := r.fresh()
	var dims []int
	for _, c := range conditions {
		dims = append(dims, c.dims...)
	}
	dims = r.p.space.closure(dims)
	f := r.p.space.fresh(e, dims)
	r.p.space.demand(e, f, dims)
	for _, c := range conditions {
		if r.ctx.Err() != nil {
			return nil, sat.Unknown
		}
		e.Add(e.truth(c, f).yes)
	}
	status := r.solve(e)
	if status != sat.Sat {
		return nil, status
	}
	return r.p.space.values(e, f), status
}

// fresh gives the run's tool, emptied.
func (r *run) fresh() *encoder {
	r.tool.Reset()
	r.tool.failed = false
	return &r.tool
}

// Accepted says that the district has ruled on a finding: these clauses, or
// these items of a cycle, may stand together.
type Accepted struct {
	Kind    Kind
	Clauses []string
	Items   []string
}

// Gate gives the findings that refuse publication: those of severity REFUSE for
// which no ruling was accepted, and contradictions and cycles that could not be
// decided, since those need a person.
func Gate(r *Report, accepted ...Accepted) []Finding {
	var out []Finding
	for _, f := range r.Findings {
		undecided := !f.Proved && (f.Kind == Contradiction || f.Kind == Cycle)
		if f.Severity != Refuse && !undecided {
			continue
		}
		ruled := slices.ContainsFunc(accepted, func(a Accepted) bool {
			if a.Kind == Cycle && f.Kind == Cycle {
				return slices.Equal(unique(a.Items), unique(f.Items))
			}
			return a.Kind == f.Kind && slices.Equal(unique(a.Clauses), unique(f.Clauses))
		})
		if !ruled {
			out = append(out, f)
		}
	}
	return out
}

// The words of findings.

// cite names a clause with its law, article and department.
func (p *prepared) cite(c *clause) (zh, en string) {
	d := p.names[c.Department]
	var laws []string
	for _, b := range c.Basis {
		laws = append(laws, "《"+b.Law+"》"+b.Article)
	}
	zhDept, enDept := cmp.Or(d.Name, c.Department), cmp.Or(d.NameEN, d.Name, c.Department)
	zh = fmt.Sprintf("%s（%s，%s）“%s”", c.Code, zhDept, cmp.Or(strings.Join(laws, "、"), "未注明依据"), c.Text)
	en = fmt.Sprintf("%s (%s, %s)", c.Code, enDept, cmp.Or(strings.Join(laws, ", "), "no basis given"))
	if c.TextEN != "" {
		en += " “" + c.TextEN + "”"
	}
	return zh, en
}

func (p *prepared) citeAll(clauses []*clause) (zh, en string) {
	var zhs, ens []string
	for _, c := range clauses {
		z, e := p.cite(c)
		zhs, ens = append(zhs, z), append(ens, e)
	}
	return strings.Join(zhs, "；"), strings.Join(ens, "; ")
}

func (p *prepared) department(code string) (zh, en string) {
	d := p.names[code]
	return cmp.Or(d.Name, code), cmp.Or(d.NameEN, d.Name, code)
}

func (p *prepared) departments(codes []string) (zh, en string) {
	var zhs, ens []string
	for _, code := range unique(codes) {
		z, e := p.department(code)
		zhs, ens = append(zhs, z), append(ens, e)
	}
	return strings.Join(zhs, "、"), strings.Join(ens, ", ")
}

func (p *prepared) item(code string) (zh, en string) {
	it := p.items[code]
	if it == nil {
		return code, code
	}
	return cmp.Or(it.Name, code), cmp.Or(it.NameEN, it.Name, code)
}

// words tells the values of some dimensions.
func (sp *space) words(values []int64, dims []int) (zh, en string) {
	var zhs, ens []string
	for _, i := range dims {
		d := &sp.dims[i]
		z, e := d.value(values[i])
		zhs = append(zhs, d.fact.Label+" "+z)
		ens = append(ens, cmp.Or(d.fact.LabelEN, d.fact.Key)+" "+e)
	}
	return strings.Join(zhs, "，"), strings.Join(ens, ", ")
}

func (d *dimension) value(v int64) (zh, en string) {
	if v == absent {
		return "未填写", "not answered"
	}
	switch d.fact.Kind {
	case standard.Bool:
		if v == 1 {
			return "是", "yes"
		}
		return "否", "no"
	case standard.Enum:
		code := d.codes[v]
		for _, known := range d.fact.Values {
			if known.Code == code {
				return cmp.Or(known.Label, code), cmp.Or(known.LabelEN, code)
			}
		}
		return code, code
	}
	number := standard.Decimal(v * d.step).String()
	if d.fact.Unit != "" {
		number += " " + d.fact.Unit
	}
	return number, number
}

func codes(clauses []*clause) []string {
	out := make([]string, len(clauses))
	for i, c := range clauses {
		out[i] = c.Code
	}
	return out
}

func involved(clauses []*clause) (items, departments []string) {
	for _, c := range clauses {
		items = append(items, c.Item)
		departments = append(departments, c.Department)
	}
	return unique(items), unique(departments)
}
