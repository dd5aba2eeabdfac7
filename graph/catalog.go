package graph

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/ent/citedlaw"
	"github.com/onedoor/onedoor/ent/clause"
	"github.com/onedoor/onedoor/ent/coordination"
	"github.com/onedoor/onedoor/ent/delivery"
	"github.com/onedoor/onedoor/ent/deliveryattempt"
	"github.com/onedoor/onedoor/ent/department"
	"github.com/onedoor/onedoor/ent/endpoint"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/impactrun"
	"github.com/onedoor/onedoor/ent/itemmaterial"
	"github.com/onedoor/onedoor/ent/itemversion"
	"github.com/onedoor/onedoor/ent/policyrule"
	"github.com/onedoor/onedoor/ent/predicate"
	"github.com/onedoor/onedoor/ent/region"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/ent/schemeversion"
	"github.com/onedoor/onedoor/ent/standarddraft"
	"github.com/onedoor/onedoor/ent/standardevent"
	"github.com/onedoor/onedoor/ent/standardversion"
	"github.com/onedoor/onedoor/ent/zone"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// day gives the day asked for, or today in the district.
func (r *Resolver) day(asOf *workday.Date) workday.Date {
	if asOf != nil {
		return *asOf
	}
	return r.today()
}

// inForce keeps the versions that are in force on a day.
func inForce(day workday.Date) predicate.StandardVersion {
	d := day.String()
	return func(s *sql.Selector) {
		from, to := s.C(standardversion.FieldEffectiveFrom), s.C(standardversion.FieldEffectiveTo)
		s.Where(sql.And(
			sql.Or(sql.IsNull(from), sql.LTE(from, d)),
			sql.Or(sql.IsNull(to), sql.GT(to, d)),
		))
	}
}

// absent turns "not found" into null.
func absent[T any](row T, err error) (T, error) {
	if ent.IsNotFound(err) {
		var none T
		return none, nil
	}
	return row, err
}

// tableOf finds the table of an identity by its prefix. An identity of no known
// type is looked for among the departments, where it is not.
func tableOf(_ context.Context, id string) (string, error) {
	table, ok := map[string]string{
		"dep": department.Table, "reg": region.Table, "zon": zone.Table, "law": citedlaw.Table, "rul": policyrule.Table,
		"itm": itemversion.Table, "sch": schemeversion.Table, "std": standardversion.Table, "jst": standardversion.Table,
		"cls": clause.Table, "mat": itemmaterial.Table,
		"drf": standarddraft.Table, "crd": coordination.Table, "imp": impactrun.Table, "sev": standardevent.Table,
		"cas": casefile.Table, ref.Review: review.Table, ref.Paper: casematerial.Table, ref.Event: event.Table,
		"whk": endpoint.Table, "dlv": delivery.Table, "att": deliveryattempt.Table,
	}[ref.Prefix(id)]
	if !ok {
		return department.Table, nil
	}
	return table, nil
}

func decimal(d *standard.Decimal) *float64 {
	if d == nil {
		return nil
	}
	f := float64(*d) / 1e6
	return &f
}

// optional turns the empty string into null.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func limitsOf(t item.Time) *model.ItemLimits {
	unit := workday.UnitWorkday
	if t.Unit == item.CalendarDays {
		unit = workday.UnitDay
	}
	return &model.ItemLimits{Unit: unit, Statutory: t.Statutory, Promised: t.Promised, Extension: t.Extension}
}

// facts gives the vocabulary, or the facts of these keys.
func (r *Resolver) facts(keys []string) ([]*standard.Fact, error) {
	facts := r.book().Facts()
	if keys == nil {
		return facts, nil
	}
	var problems []fault.Problem
	out := make([]*standard.Fact, 0, len(keys))
	for i, key := range keys {
		at := slices.IndexFunc(facts, func(f *standard.Fact) bool { return f.Key == key })
		if at < 0 {
			problems = append(problems, fault.Problem{Path: fmt.Sprintf("keys[%d]", i), Code: standard.CodeUnknownFact,
				ZH: fmt.Sprintf("没有要素 %q", key), EN: fmt.Sprintf("there is no fact %q", key)})
			continue
		}
		out = append(out, facts[at])
	}
	if len(problems) > 0 {
		return nil, fault.InvalidInput("graph.facts", problems...)
	}
	return out, nil
}

func (r *Resolver) department(code string) *ent.Department {
	if d, ok := r.book().Department(code); ok {
		return model.DepartmentRow(r.Client, d)
	}
	return nil
}

func (r *Resolver) departments(codes []string) []*ent.Department {
	out := []*ent.Department{}
	for _, code := range codes {
		if d := r.department(code); d != nil {
			out = append(out, d)
		}
	}
	return out
}

// item gives the version of an item that is in force today.
func (r *Resolver) item(code string) *ent.ItemVersion {
	it, version, ok := r.book().Item(code, r.day(nil))
	if !ok {
		return nil
	}
	return model.ItemRow(r.Client, &it, version, r.department(it.Department))
}

func (r *Resolver) preconditions(in []item.Precondition) []*model.Precondition {
	out := []*model.Precondition{}
	for _, p := range in {
		if it := r.item(p.Item); it != nil {
			out = append(out, &model.Precondition{Item: it, Hard: p.Strength == item.Hard, Note: optional(p.Note)})
		}
	}
	return out
}

func (r *Resolver) schemeItems(s *ent.SchemeVersion) []*model.SchemeItem {
	stages := map[string]*scheme.Stage{}
	for i := range s.Stages {
		stages[s.Stages[i].Code] = &s.Stages[i]
	}
	out := []*model.SchemeItem{}
	for _, e := range s.Entries {
		if it := r.item(e.Item); it != nil {
			out = append(out, &model.SchemeItem{Item: it, Stage: stages[e.Stage]})
		}
	}
	return out
}

func (r *Resolver) precedence(edges []scheme.Edge) []*model.Precedence {
	out := []*model.Precedence{}
	for _, e := range edges {
		from, to := r.item(e.From), r.item(e.To)
		if from != nil && to != nil {
			out = append(out, &model.Precedence{From: from, To: to, Hard: e.Type == item.Hard, Basis: optional(e.Basis), Note: optional(e.Note)})
		}
	}
	return out
}

func zonings(in []scheme.Zoning) []*model.Zoning {
	out := make([]*model.Zoning, len(in))
	for i, z := range in {
		out[i] = model.NewZoning(z)
	}
	return out
}

// window is what a client asked of a page.
type window struct{ first, last *int }

const (
	defaultPage = 20
	maxPage     = 100
)

// orDefault gives the first page of the usual size to who asked for none.
func (w window) orDefault() window {
	if w.first == nil && w.last == nil {
		size := defaultPage
		w.first = &size
	}
	return w
}

func tooMany(path string, n int) error {
	return fault.InvalidInput("graph.page", fault.Problem{Path: path, Code: "PAGE_TOO_LARGE",
		ZH: fmt.Sprintf("一次最多 %d 个，要了 %d 个", maxPage, n), EN: fmt.Sprintf("at most %d at once, not %d", maxPage, n)})
}
