package guide

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// SiteCheck is the item in which a clause is judged when its own item is not
// needed for the project.
const SiteCheck = "site-check"

// Input asks for a guide: either Scheme or Item.
type Input struct {
	Scheme string
	Item   string
	Facts  map[string]any
	Region string
	AsOf   workday.Date
	Pins   map[string]int // code of a scheme or item → the version to judge by, instead of the one in force
}

// Compute answers what a project needs. Wrong input is INVALID with a problem
// for each fault; an unanswered fact is never an error and never its default.
func (c *Catalogue) Compute(in Input) (*Guide, error) {
	q, err := c.question(in)
	if err != nil {
		return nil, err
	}
	g := &Guide{Region: in.Region, AsOf: in.AsOf, Facts: q.project.Facts()}
	if q.scheme != nil {
		s := q.scheme.Scheme
		g.Scheme = &SchemeRef{Code: s.Code, Version: q.scheme.Version, Name: s.Name, Clock: s.Clock}
		g.Zoning = q.zoning()
	} else {
		g.Item = q.single.Item.Code
	}
	q.items(g)
	q.clauses(g)
	q.order(g)
	g.Materials = materials(g.needed())
	g.Obligations = obligations(g)
	g.Schedule = c.schedule(g, q.stages())
	for _, r := range g.needed() {
		g.FeeYuan += r.Item.Fee.Amount
	}
	g.Missing = q.missing()
	q.excerpts(g)
	return g, nil
}

// needed gives the items that are certainly needed, in their order.
func (g *Guide) needed() []*ItemResult {
	in := make([]*ItemResult, 0, len(g.Items))
	for i := range g.Items {
		if g.Items[i].Needed == standard.True {
			in = append(in, &g.Items[i])
		}
	}
	return in
}

// question is an Input understood: who is asked about, on what day, with which
// facts. It collects which facts are missing and how much each decides.
type question struct {
	c       *Catalogue
	day     string
	scheme  *jointStandard // nil for a single item
	single  *itemStandard  // nil for a scheme
	project *standard.Project
	inForce []*itemStandard
	needed  map[string]standard.Truth // item → needed
	asked   []bool                    // fact → something depends on it
	decides []int                     // fact → how many open predicates it is part of
	named   []bool                    // fact → a reason names it
	buffer  []int                     // facts, reused
}

func (c *Catalogue) question(in Input) (*question, error) {
	var problems []fault.Problem
	bad := func(path, code, zh, en string) {
		problems = append(problems, fault.Problem{Path: path, Code: code, ZH: zh, EN: en})
	}
	day := in.AsOf.String()
	q := &question{c: c, day: day, inForce: c.itemsOn(day, in.Pins), needed: map[string]standard.Truth{}}
	switch {
	case in.Scheme != "" && in.Item != "":
		bad("scheme", "BOTH", "方案和事项只能给出一个", "give either a scheme or an item, not both")
	case in.Scheme == "" && in.Item == "":
		bad("scheme", "NEITHER", "请给出方案或事项", "give a scheme or an item")
	case in.Scheme != "":
		if q.scheme = c.schemeOn(in.Scheme, day, in.Pins); q.scheme == nil {
			bad("scheme", "UNKNOWN_SCHEME", fmt.Sprintf("%s 没有方案 %q", day, in.Scheme), fmt.Sprintf("no scheme %q on %s", in.Scheme, day))
		}
	default:
		for _, s := range q.inForce {
			if s.Item.Code == in.Item {
				q.single = s
			}
		}
		if q.single == nil {
			bad("item", "UNKNOWN_ITEM", fmt.Sprintf("%s 没有事项 %q", day, in.Item), fmt.Sprintf("no item %q on %s", in.Item, day))
		}
	}
	facts := in.Facts
	if q.scheme != nil {
		facts = implied(q.scheme.applies, facts)
	}
	project, faults := c.vocabulary.Project(facts)
	problems = append(problems, faults...)
	problems = append(problems, c.retired.problems(facts, day)...)
	if _, ok := c.regions[in.Region]; in.Region != "" && !ok {
		bad("region", "UNKNOWN_REGION", fmt.Sprintf("没有区域 %q", in.Region), fmt.Sprintf("no region %q", in.Region))
	} else if zone, _ := facts[scheme.ZoneFact].(string); ok {
		if z := c.zones[zone]; z.Region != nil && !c.inside(in.Region, *z.Region) && !c.inside(*z.Region, in.Region) {
			bad("region", "ZONE_ELSEWHERE", fmt.Sprintf("%s 不在 %s", z.Name, c.regions[in.Region].Name),
				fmt.Sprintf("zone %s does not lie in region %s", zone, in.Region))
		}
	}
	if len(problems) == 0 && q.scheme != nil && q.scheme.applies.Eval(project) == standard.False {
		bad("facts", "SCHEME_MISMATCH", fmt.Sprintf("项目不属于%s", q.scheme.Scheme.Name),
			fmt.Sprintf("scheme %s is not for this project: it is for %s", in.Scheme, q.scheme.Scheme.AppliesWhen))
	}
	if len(problems) > 0 {
		return nil, fault.InvalidInput("guide.Compute", problems...)
	}
	q.project = project
	n := c.vocabulary.Len()
	q.asked, q.decides, q.named = make([]bool, n), make([]int, n), make([]bool, n)
	return q, nil
}

// implied adds the facts that the choice of the scheme itself states (its
// industry). That is no default: who asks for the catering scheme says that it
// is catering.
func implied(applies *standard.Expr, facts map[string]any) map[string]any {
	stated := applies.Implied()
	for k := range stated {
		if _, ok := facts[k]; ok {
			delete(stated, k)
		}
	}
	if len(stated) == 0 {
		return facts
	}
	for k, v := range facts {
		stated[k] = v
	}
	return stated
}

// open notes the facts on which an undetermined predicate depends. Deciding
// says that the predicate itself is what is asked next.
func (q *question) open(e *standard.Expr, deciding bool) []string {
	q.buffer = e.Missing(q.project, q.buffer[:0])
	keys := make([]string, len(q.buffer))
	for i, fact := range q.buffer {
		q.asked[fact] = true
		if deciding {
			q.decides[fact]++
		}
		keys[i] = q.c.vocabulary.At(fact).Key
	}
	return keys
}

func (q *question) items(g *Guide) {
	for _, s := range q.inForce {
		q.needed[s.Item.Code] = s.needed.Eval(q.project)
	}
	result := func(s *itemStandard, stage string) ItemResult {
		truth := q.needed[s.Item.Code]
		if truth == standard.Unknown {
			q.open(s.needed, true)
		}
		return ItemResult{
			Item: &s.Item, Version: s.Version, Needed: truth, Stage: stage,
			After: []string{}, AfterOrPromised: []string{},
			Because: q.reasons(s.needed), encoded: s.encoded,
		}
	}
	g.Items, g.Outside = make([]ItemResult, 0, 32), []ItemResult{}
	if q.single != nil {
		g.Items = append(g.Items, result(q.single, ""))
		return
	}
	byCode := make(map[string]*itemStandard, len(q.inForce))
	for _, s := range q.inForce {
		byCode[s.Item.Code] = s
	}
	for _, entry := range q.scheme.Scheme.Items {
		if s := byCode[entry.Item]; s != nil {
			g.Items = append(g.Items, result(s, entry.Stage))
			delete(byCode, entry.Item)
		}
	}
	for _, s := range q.inForce {
		if byCode[s.Item.Code] != nil && q.needed[s.Item.Code] != standard.False {
			g.Outside = append(g.Outside, result(s, ""))
		}
	}
}

func (q *question) clauses(g *Guide) {
	g.Clauses = make([]ClauseResult, 0, 64)
	for _, s := range q.inForce {
		if q.single != nil && s != q.single {
			continue
		}
		for _, k := range s.clauses {
			if !k.InForce(q.day) {
				continue
			}
			verdict := k.Evaluate(q.project)
			applies := verdict.Applies
			if applies == standard.False {
				continue
			}
			r := ClauseResult{
				Clause: &k.Clause, Version: s.Version, Applies: applies, Manual: k.Requires == nil,
				JudgedIn: q.judgedIn(s.Item.Code),
				Because:  q.reasons(k.Applies),
				Missing:  []string{}, encoded: k.encoded,
			}
			for _, ruling := range k.Rulings {
				r.Because = append(r.Because, ruled(ruling))
			}
			if applies == standard.Unknown {
				r.Missing = q.open(k.Applies, true)
			}
			if r.Manual {
				r.Reasons = []Reason{{ZH: manualText(k.Manual, "须由工作人员判断"), EN: "an officer must judge it"}}
			} else {
				r.Met = met(k.Kind, applies, verdict.Met)
				for _, key := range q.open(k.Requires, applies == standard.True) {
					if !slices.Contains(r.Missing, key) {
						r.Missing = append(r.Missing, key)
					}
				}
				r.Reasons = q.reasons(k.Requires)
			}
			g.Clauses = append(g.Clauses, r)
		}
	}
}

// ruled cites a coordinating body's ruling on the clause.
func ruled(r law.Ruling) Reason {
	return Reason{
		ZH: fmt.Sprintf("按协调裁定 %s（%s）：%s", r.Number, r.Dated, r.Text),
		EN: fmt.Sprintf("by ruling %s (%s): %s", r.Number, r.Dated, cmp.Or(r.TextEN, r.Text)),
	}
}

// met says what may be said about a demand. While it is open whether the clause
// applies at all, nothing has failed yet; and advice, which demands nothing,
// cannot be failed. The reasons tell in both cases what there is.
func met(kind standard.ClauseKind, applies, requires standard.Truth) standard.Truth {
	if requires == standard.False && (applies != standard.True || kind == standard.Advice) {
		return standard.Unknown
	}
	return requires
}

func manualText(manual, otherwise string) string {
	if manual != "" {
		return manual
	}
	return otherwise
}

func (q *question) judgedIn(code string) string {
	if q.single != nil || q.needed[code] == standard.True {
		return code
	}
	if _, ok := q.needed[SiteCheck]; ok {
		return SiteCheck
	}
	return code
}

func (q *question) reasons(e *standard.Expr) []Reason {
	explained := e.Explain(q.project)
	out := make([]Reason, len(explained))
	for i, r := range explained {
		out[i] = Reason{Operator: r.Operator, Needed: r.Needed, Actual: r.Actual, ZH: r.ZH, EN: r.EN}
		if r.Fact >= 0 {
			out[i].Fact = q.c.vocabulary.At(r.Fact).Key
			q.named[r.Fact] = true
		}
	}
	return out
}

func (q *question) zoning() *Zoning {
	z := &Zoning{Verdict: "UNKNOWN", Clauses: []string{}}
	fact, ok := q.c.vocabulary.Index(scheme.ZoneFact)
	if !ok {
		return z
	}
	if !q.project.Known(fact) {
		q.asked[fact] = true
		q.decides[fact]++
		return z
	}
	z.Zone, _ = q.project.Facts()[scheme.ZoneFact].(string)
	for _, v := range q.scheme.Scheme.Zoning {
		if v.Zone == z.Zone {
			z.Verdict, z.Reason = strings.ToUpper(v.Verdict), v.Reason
			z.Clauses = append(z.Clauses, v.Clauses...)
		}
	}
	return z
}

// missing gives the facts that something depends on, the most deciding first:
// the one that is part of the most open predicates, then the one that the
// scheme asks first, then the order of the vocabulary.
func (q *question) missing() []string {
	var facts []int
	for f, asked := range q.asked {
		if asked {
			facts = append(facts, f)
			q.named[f] = true
		}
	}
	rank := func(f int) int {
		if q.scheme != nil {
			if r, ok := q.scheme.askRank[q.c.vocabulary.At(f).Key]; ok {
				return r
			}
		}
		return len(q.asked)
	}
	sort.SliceStable(facts, func(i, j int) bool {
		a, b := facts[i], facts[j]
		if q.decides[a] != q.decides[b] {
			return q.decides[a] > q.decides[b]
		}
		return rank(a) < rank(b)
	})
	keys := make([]string, len(facts))
	for i, f := range facts {
		keys[i] = q.c.vocabulary.At(f).Key
	}
	return keys
}

// excerpts puts into the guide the departments and facts that it names.
func (q *question) excerpts(g *Guide) {
	used := map[string]bool{}
	for _, r := range g.Items {
		used[r.Item.Department] = true
	}
	for _, r := range g.Outside {
		used[r.Item.Department] = true
	}
	for _, r := range g.Clauses {
		used[r.Clause.Department] = true
	}
	for _, code := range q.c.deptOrder {
		if used[code] {
			g.Departments = append(g.Departments, q.c.departments[code])
		}
	}
	named := 0
	for _, is := range q.named {
		if is {
			named++
		}
	}
	g.Vocabulary = make([]*standard.Fact, 0, named)
	g.encodedFacts = make([][]byte, 0, named)
	for f, named := range q.named {
		if named {
			g.Vocabulary = append(g.Vocabulary, q.c.vocabulary.At(f))
			g.encodedFacts = append(g.encodedFacts, q.c.encoded[f])
		}
	}
}

// obligations are the duties of the needed items and of the clauses that are
// duties, each once.
func obligations(g *Guide) []string {
	out := []string{}
	seen := map[string]bool{}
	add := func(text string) {
		if text != "" && !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	for _, r := range g.needed() {
		for _, text := range r.Item.Obligations {
			add(text)
		}
		if r.Item.FilingDue != "" {
			add(r.Item.Name + "：" + r.Item.FilingDue)
		}
	}
	for _, r := range g.Clauses {
		if r.Clause.Kind == standard.Obligation && r.Applies == standard.True {
			add(r.Clause.Text)
		}
	}
	return out
}

// materials merges the papers of the needed items: one paper once.
func materials(needed []*ItemResult) []Material {
	out := []Material{}
	at := map[string]int{}
	for _, r := range needed {
		for _, m := range r.Item.Materials {
			i, ok := at[m.Code()]
			if !ok {
				i = len(out)
				at[m.Code()] = i
				out = append(out, Material{Code: m.Code(), Name: m.Name, Source: FromLicenseStore, From: []string{}, Tolerable: true})
			}
			merged := &out[i]
			merged.Items = append(merged.Items, r.Item.Code)
			merged.Tolerable = merged.Tolerable && m.Tolerable
			if m.Source != item.Shared && merged.Source == FromLicenseStore {
				merged.Source = FromApplicant
			}
			for _, giver := range needed {
				if giver.Item.Code != r.Item.Code && gives(giver.Item.Result, m) && !slices.Contains(merged.From, giver.Item.Code) {
					merged.Source = FromInside
					merged.From = append(merged.From, giver.Item.Code)
				}
			}
		}
	}
	return out
}

// gives says that a result is the material that another item asks for. The pack
// names results in full and materials for short (消防安全检查意见书), so for what is
// fetched from data sharing one name within the other is enough.
func gives(r item.Result, m item.Material) bool {
	if r.Name == m.Name {
		return true
	}
	return m.Source == item.Shared && (strings.Contains(r.Name, m.Name) || strings.Contains(m.Name, r.Name))
}
