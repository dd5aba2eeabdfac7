// Package model holds the API's types: those that gqlgen makes from the schema,
// and the views of a guide below, which build a field when a query asks for it.
package model

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Guide is a computed or frozen guide as the API shows it. Everything in it
// comes from the guide itself, so that a frozen one never changes.
type Guide struct {
	client      *ent.Client
	g           *guide.Guide
	facts       map[string]*standard.Fact
	departments map[string]*ent.Department
	items       map[string]*ent.ItemVersion
	digest      func() (string, error) // computed once, when asked for
}

// NewGuide makes the view of a guide.
func NewGuide(client *ent.Client, g *guide.Guide) *Guide {
	v := &Guide{
		client:      client,
		g:           g,
		digest:      sync.OnceValues(g.Digest),
		facts:       make(map[string]*standard.Fact, len(g.Vocabulary)),
		departments: make(map[string]*ent.Department, len(g.Departments)),
		items:       make(map[string]*ent.ItemVersion, len(g.Items)+len(g.Outside)),
	}
	for _, f := range g.Vocabulary {
		v.facts[f.Key] = f
	}
	for _, d := range g.Departments {
		v.departments[d.Code] = DepartmentRow(client, d)
	}
	for _, list := range [][]guide.ItemResult{g.Items, g.Outside} {
		for i := range list {
			it := list[i].Item
			v.items[it.Code] = ItemRow(client, it, list[i].Version, v.departments[it.Department])
		}
	}
	return v
}

func (v *Guide) itemsOf(codes []string) []*ent.ItemVersion {
	out := make([]*ent.ItemVersion, len(codes))
	for i, code := range codes {
		out[i] = v.items[code]
	}
	return out
}

func (v *Guide) factsOf(keys []string) []*standard.Fact {
	out := make([]*standard.Fact, len(keys))
	for i, key := range keys {
		out[i] = v.facts[key]
	}
	return out
}

func (v *Guide) reasons(in []guide.Reason, basis []law.Basis) []*Reason {
	all := make([]Reason, len(in))
	out := make([]*Reason, len(in))
	for i := range in {
		r := &in[i]
		all[i] = Reason{Fact: v.facts[r.Fact], Text: r.ZH, TextEn: r.EN, Basis: basis,
			Operator: text(&r.Operator), Needed: text(&r.Needed), Actual: text(&r.Actual)}
		out[i] = &all[i]
	}
	return out
}

// text turns the empty string into null.
func text(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}

// Complete says that nothing depends on a missing fact.
func (v *Guide) Complete() bool { return v.g.Complete() }

// AsOf is the day for which it was judged.
func (v *Guide) AsOf() workday.Date { return v.g.AsOf }

// Facts are the facts judged.
func (v *Guide) Facts() map[string]any { return v.g.Facts }

// Region is where the project is.
func (v *Guide) Region() *string { return text(&v.g.Region) }

// Items gives the scheme's items whose need is one of those asked for.
func (v *Guide) Items(needed []standard.Truth) []*GuideItem { return v.itemResults(v.g.Items, needed) }

// Outside gives the items that the scheme has not.
func (v *Guide) Outside() []*GuideItem {
	return v.itemResults(v.g.Outside, []standard.Truth{standard.True, standard.Unknown})
}

func (v *Guide) itemResults(in []guide.ItemResult, needed []standard.Truth) []*GuideItem {
	out := make([]*GuideItem, 0, len(in))
	for i := range in {
		if slices.Contains(needed, in[i].Needed) {
			out = append(out, &GuideItem{v: v, r: &in[i]})
		}
	}
	return out
}

// Clauses gives the clauses that concern the project, or may.
func (v *Guide) Clauses() []*ClauseResult {
	all := make([]ClauseResult, len(v.g.Clauses))
	out := make([]*ClauseResult, len(v.g.Clauses))
	for i := range v.g.Clauses {
		all[i] = ClauseResult{v: v, r: &v.g.Clauses[i]}
		out[i] = &all[i]
	}
	return out
}

// Materials gives the papers, each once.
func (v *Guide) Materials() []*GuideMaterial {
	out := make([]*GuideMaterial, len(v.g.Materials))
	for i, m := range v.g.Materials {
		out[i] = &GuideMaterial{Code: m.Code, Name: m.Name, Source: string(m.Source),
			Items: v.itemsOf(m.Items), From: v.itemsOf(m.From), Tolerable: m.Tolerable}
	}
	return out
}

// Obligations are the applicant's duties.
func (v *Guide) Obligations() []string { return v.g.Obligations }

// MissingFacts is what to ask, the most deciding first.
func (v *Guide) MissingFacts() []*standard.Fact { return v.factsOf(v.g.Missing) }

// NextQuestion is the fact that decides most.
func (v *Guide) NextQuestion() *standard.Fact {
	if len(v.g.Missing) == 0 {
		return nil
	}
	return v.facts[v.g.Missing[0]]
}

// Zoning is what the zoning says.
func (v *Guide) Zoning() *Zoning {
	z := v.g.Zoning
	if z == nil {
		return nil
	}
	return &Zoning{Zone: text(&z.Zone), Verdict: z.Verdict, Reason: text(&z.Reason), Clauses: z.Clauses}
}

// Schedule is the time that the needed items take.
func (v *Guide) Schedule() *Schedule {
	s := v.g.Schedule
	out := &Schedule{
		CriticalPath: v.itemsOf(s.CriticalPath), PromisedWorkdays: s.PromisedWorkdays, StatutoryWorkdays: s.StatutoryWorkdays,
		PromisedSum: s.PromisedSum, StatutorySum: s.StatutorySum, Estimated: s.Estimated, Provisional: s.Provisional,
	}
	if v.g.Scheme != nil {
		out.Joint = &v.g.Scheme.Clock
	}
	if !s.PromisedDueOn.IsZero() {
		out.PromisedDueOn = &s.PromisedDueOn
	}
	if !s.StatutoryDueOn.IsZero() {
		out.StatutoryDueOn = &s.StatutoryDueOn
	}
	for _, st := range s.Stages {
		out.Stages = append(out.Stages, &ScheduleStage{Code: st.Code, Name: st.Name, Items: v.itemsOf(st.Items)})
	}
	return out
}

// Fee is the sum of the needed items' fees.
func (v *Guide) Fee() *Money { return Yuan(v.g.FeeYuan) }

// Digest is the SHA-256 of the canonical answer.
func (v *Guide) Digest() (string, error) { return v.digest() }

// GuideItem is the view of an item's result.
type GuideItem struct {
	v *Guide
	r *guide.ItemResult
}

// Item is the version of the item.
func (i *GuideItem) Item() *ent.ItemVersion { return i.v.items[i.r.Item.Code] }

// Needed says whether the project needs it.
func (i *GuideItem) Needed() standard.Truth { return i.r.Needed }

// Stage is the code of the scheme's stage.
func (i *GuideItem) Stage() *string { return text(&i.r.Stage) }

// After gives what must be finished first.
func (i *GuideItem) After() []*ent.ItemVersion { return i.v.itemsOf(i.r.After) }

// AfterOrPromised gives what may be promised or run in parallel.
func (i *GuideItem) AfterOrPromised() []*ent.ItemVersion { return i.v.itemsOf(i.r.AfterOrPromised) }

// PromisedDays is the district's promise in the item's unit.
func (i *GuideItem) PromisedDays() *int { return &i.r.Item.Time.Promised }

// StatutoryDays is the law's limit in the item's unit.
func (i *GuideItem) StatutoryDays() *int { return &i.r.Item.Time.Statutory }

// Because says why.
func (i *GuideItem) Because() []*Reason { return i.v.reasons(i.r.Because, i.r.Item.Basis) }

// ClauseResult is the view of a clause's result.
type ClauseResult struct {
	v *Guide
	r *guide.ClauseResult
}

// Clause is the clause in its version.
func (c *ClauseResult) Clause() *ent.Clause {
	return ClauseRow(c.v.client, c.r.Clause, c.r.Version, c.v.departments[c.r.Clause.Department])
}

// Applies says whether the clause concerns the project.
func (c *ClauseResult) Applies() standard.Truth { return c.r.Applies }

// Met says whether the project meets it.
func (c *ClauseResult) Met() standard.Truth { return c.r.Met }

// Manual says that an officer must judge it.
func (c *ClauseResult) Manual() bool { return c.r.Manual }

// Promisable says that it may be met by a commitment.
func (c *ClauseResult) Promisable() bool { return c.r.Clause.Promisable }

// Binding says that the applicant must meet it: advice binds nobody, and a rule
// of classification or procedure binds the authority.
func (c *ClauseResult) Binding() bool {
	return c.r.Clause.Kind != standard.Advice && c.r.Clause.Kind != standard.Rule
}

// JudgedIn is the code of the item in which it is judged.
func (c *ClauseResult) JudgedIn() string { return c.r.JudgedIn }

// Because says why it applies.
func (c *ClauseResult) Because() []*Reason { return c.v.reasons(c.r.Because, c.r.Clause.Basis) }

// Reasons says what it demands and what there is.
func (c *ClauseResult) Reasons() []*Reason { return c.v.reasons(c.r.Reasons, c.r.Clause.Basis) }

// MissingFacts gives the facts on which it depends.
func (c *ClauseResult) MissingFacts() []*standard.Fact { return c.v.factsOf(c.r.Missing) }

// Reason is one why in law's terms.
type Reason struct {
	Fact                     *standard.Fact
	Operator, Needed, Actual *string
	Text, TextEn             string
	Basis                    []law.Basis
}

// GuideMaterial is a paper of the project.
type GuideMaterial struct {
	Code, Name, Source string
	Items, From        []*ent.ItemVersion
	Tolerable          bool
}

// Zoning is a verdict of the zoning.
type Zoning struct {
	Zone    *string
	Verdict string
	Reason  *string
	Clauses []string
}

// Schedule is the time that the needed items take.
type Schedule struct {
	Stages            []*ScheduleStage
	CriticalPath      []*ent.ItemVersion
	PromisedWorkdays  int
	StatutoryWorkdays int
	PromisedSum       int
	StatutorySum      int
	Joint             *scheme.Clock
	Estimated         bool
	PromisedDueOn     *workday.Date
	StatutoryDueOn    *workday.Date
	Provisional       bool
}

// ScheduleStage is a stage with its needed items.
type ScheduleStage struct {
	Code, Name string
	Items      []*ent.ItemVersion
}

// Notice is a frozen guide as the API shows it.
type Notice struct {
	Number   string
	IssuedAt time.Time
	Digest   string
	Guide    *Guide
	Document string
}

// Yuan makes money of whole yuan.
func Yuan(amount int) *Money { return &Money{Amount: fmt.Sprintf("%d.00", amount), Currency: "CNY"} }

// NewZoning makes the view of a scheme's verdict on a zone.
func NewZoning(z scheme.Zoning) *Zoning {
	return &Zoning{Zone: &z.Zone, Verdict: strings.ToUpper(z.Verdict), Reason: text(&z.Reason), Clauses: z.Clauses}
}
