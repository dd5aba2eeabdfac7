package store

import (
	"context"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/calendaryear"
	"github.com/onedoor/onedoor/ent/citedlaw"
	"github.com/onedoor/onedoor/ent/clause"
	"github.com/onedoor/onedoor/ent/department"
	"github.com/onedoor/onedoor/ent/fact"
	"github.com/onedoor/onedoor/ent/itemmaterial"
	"github.com/onedoor/onedoor/ent/itemversion"
	"github.com/onedoor/onedoor/ent/policyrule"
	"github.com/onedoor/onedoor/ent/predicate"
	"github.com/onedoor/onedoor/ent/region"
	"github.com/onedoor/onedoor/ent/revision"
	"github.com/onedoor/onedoor/ent/schemeversion"
	"github.com/onedoor/onedoor/ent/standardversion"
	"github.com/onedoor/onedoor/ent/zone"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Revision gives the number of the last import that changed the catalogue; 0
// means that there is no catalogue yet.
func (s *Store) Revision(ctx context.Context) (int, error) {
	last, err := lastRevision(ctx, s.client)
	if err != nil || last == nil {
		return 0, err
	}
	return last.ID, nil
}

// lastRevision gives the row of the last import, or nil.
func lastRevision(ctx context.Context, c *ent.Client) (*ent.Revision, error) {
	last, err := c.Revision.Query().Order(revision.ByID(entsql.OrderDesc())).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store.Revision: %w", err)
	}
	return last, nil
}

// Catalogue loads the catalogue, every version of it, compiled.
func (s *Store) Catalogue(ctx context.Context) (*guide.Catalogue, error) {
	src, err := loadSource(ctx, s.client)
	if err != nil {
		return nil, fmt.Errorf("store.Catalogue: %w", err)
	}
	return guide.Compile(*src)
}

func loadSource(ctx context.Context, c *ent.Client) (*guide.Source, error) {
	last, err := lastRevision(ctx, c)
	if err != nil {
		return nil, err
	}
	l := loader{ctx: ctx, c: c}
	src := &guide.Source{Retired: guide.Retired{Facts: map[string]bool{}, Values: map[string][]string{}}}
	if last != nil {
		src.Revision, src.Retired.Since = last.ID, last.EffectiveFrom
		src.Edition = fmt.Sprintf("%d-%.16s-%d", last.ID, last.Digest, last.ImportedAt.UnixMicro())
	}
	for _, row := range l.departments(true) {
		src.Departments = append(src.Departments, departmentOf(row))
	}
	for _, row := range l.regions() {
		src.Regions = append(src.Regions, regionOf(row))
	}
	for _, row := range l.zones() {
		src.Zones = append(src.Zones, zoneOf(row))
	}
	for _, row := range l.facts(true) {
		f := row.Definition
		if row.Retired {
			src.Retired.Facts[f.Key] = true
		}
		for _, v := range row.RetiredValues {
			f.Values = append(f.Values, v)
			src.Retired.Values[f.Key] = append(src.Retired.Values[f.Key], v.Code)
		}
		src.Facts = append(src.Facts, f)
	}
	for _, row := range l.standards() {
		term := guide.Term{From: deref(row.EffectiveFrom), To: deref(row.EffectiveTo)}
		if row.Edges.Scheme != nil {
			src.Schemes = append(src.Schemes, guide.JointStandard{Version: row.Version, Term: term, Scheme: schemeOf(row.Edges.Scheme)})
			continue
		}
		in := guide.ItemStandard{Version: row.Version, Term: term, Item: itemOf(row.Edges.Item)}
		for _, cl := range row.Edges.Clauses {
			in.Clauses = append(in.Clauses, clauseOf(cl, row.Code))
		}
		src.Items = append(src.Items, in)
	}
	for _, row := range l.rules() {
		src.Rules = append(src.Rules, law.Rule{Section: row.Section, Code: row.Code, Body: row.Body})
	}
	years := l.years()
	if l.err != nil {
		return nil, l.err
	}
	if len(years) > 0 {
		var notices []workday.Year
		for _, row := range years {
			notices = append(notices, row.Notice)
		}
		calendar, err := workday.NewCalendar(years[0].Calendar, notices)
		if err != nil {
			return nil, err
		}
		src.Calendar = calendar
	}
	return src, nil
}

// loader reads rows in the order of the pack and keeps the first error.
type loader struct {
	ctx context.Context
	c   *ent.Client
	err error
}

func kept[T any](l *loader, rows []T, err error) []T {
	if l.err == nil {
		l.err = err
	}
	return rows
}

func (l *loader) departments(retired bool) []*ent.Department {
	q := l.c.Department.Query().Order(department.ByPosition(), department.ByCode())
	if !retired {
		q.Where(department.Retired(false))
	}
	rows, err := q.All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) regions() []*ent.Region {
	rows, err := l.c.Region.Query().Where(region.Retired(false)).WithParent().Order(region.ByPosition()).All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) zones() []*ent.Zone {
	rows, err := l.c.Zone.Query().Where(zone.Retired(false)).WithRegion().Order(zone.ByPosition()).All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) facts(retired bool) []*ent.Fact {
	q := l.c.Fact.Query().Order(fact.ByRetired(), fact.ByPosition(), fact.ByKey())
	if !retired {
		q.Where(fact.Retired(false))
	}
	rows, err := q.All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) standards() []*ent.StandardVersion {
	rows, err := l.c.StandardVersion.Query().
		WithItem(func(q *ent.ItemVersionQuery) {
			q.WithDepartment().WithMaterials(func(q *ent.ItemMaterialQuery) { q.Order(itemmaterial.ByPosition()) })
		}).
		WithScheme(func(q *ent.SchemeVersionQuery) { q.WithLead() }).
		WithClauses(func(q *ent.ClauseQuery) { q.WithDepartment().Order(clause.ByPosition()) }).
		Order(standardversion.ByPosition(), standardversion.ByCode(), standardversion.ByVersion()).All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) years() []*ent.CalendarYear {
	rows, err := l.c.CalendarYear.Query().Order(calendaryear.ByPosition()).All(l.ctx)
	return kept(l, rows, err)
}

func (l *loader) rules() []*ent.PolicyRule {
	rows, err := l.c.PolicyRule.Query().Order(policyrule.ByPosition()).All(l.ctx)
	return kept(l, rows, err)
}

// Export gives the catalogue as a pack: what the last import read and what was
// published since, also what is still to come into force.
func (s *Store) Export(ctx context.Context) (*catalog.Pack, error) {
	return s.export(ctx, standardversion.EffectiveToIsNil())
}

// ExportOn gives the catalogue as a pack with the standards that are in force on
// a day. What has no versions, such as laws and rules, is as it is now.
func (s *Store) ExportOn(ctx context.Context, day workday.Date) (*catalog.Pack, error) {
	d := day.String()
	return s.export(ctx, standardversion.And(
		standardversion.Or(standardversion.EffectiveFromIsNil(), standardversion.EffectiveFromLTE(d)),
		standardversion.Or(standardversion.EffectiveToIsNil(), standardversion.EffectiveToGT(d)),
	))
}

func (s *Store) export(ctx context.Context, which predicate.StandardVersion) (*catalog.Pack, error) {
	l := loader{ctx: ctx, c: s.client}
	p := &catalog.Pack{}
	for _, row := range l.departments(false) {
		p.Departments = append(p.Departments, catalog.Entry[district.Department]{Value: departmentOf(row), Extra: row.Extra})
	}
	for _, row := range l.regions() {
		p.Regions = append(p.Regions, catalog.Entry[district.Region]{Value: regionOf(row), Extra: row.Extra})
	}
	for _, row := range l.zones() {
		p.Zones = append(p.Zones, catalog.Entry[district.Zone]{Value: zoneOf(row), Extra: row.Extra})
	}
	for _, row := range l.facts(false) {
		p.Facts = append(p.Facts, catalog.Entry[standard.Fact]{Value: row.Definition, Extra: row.Extra})
	}
	items, err := s.client.ItemVersion.Query().Where(itemversion.HasStandardWith(which)).
		WithDepartment().WithMaterials(func(q *ent.ItemMaterialQuery) { q.Order(itemmaterial.ByPosition()) }).
		Order(itemversion.ByPosition()).All(ctx)
	for _, row := range kept(&l, items, err) {
		p.Items = append(p.Items, catalog.Entry[item.Item]{Value: itemOf(row), Extra: row.Extra})
	}
	clauses, err := s.client.Clause.Query().Where(clause.HasStandardWith(which)).
		WithDepartment().WithStandard().Order(clause.ByPosition()).All(ctx)
	for _, row := range kept(&l, clauses, err) {
		p.Clauses = append(p.Clauses, catalog.Entry[standard.Clause]{Value: clauseOf(row, row.Edges.Standard.Code), Extra: row.Extra})
	}
	schemes, err := s.client.SchemeVersion.Query().Where(schemeversion.HasStandardWith(which)).
		WithLead().Order(schemeversion.ByPosition()).All(ctx)
	for _, row := range kept(&l, schemes, err) {
		p.Schemes = append(p.Schemes, catalog.Entry[scheme.Scheme]{Value: schemeOf(row), Extra: row.Extra})
	}
	laws, err := s.client.CitedLaw.Query().Order(citedlaw.ByPosition()).All(ctx)
	for _, row := range kept(&l, laws, err) {
		p.Laws = append(p.Laws, catalog.Entry[law.Law]{Value: lawOf(row), Extra: row.Extra})
	}
	for _, row := range l.years() {
		p.Calendar = row.Calendar
		p.Years = append(p.Years, catalog.Entry[workday.Year]{Value: row.Notice, Extra: row.Extra})
	}
	for _, row := range l.rules() {
		p.Rules = append(p.Rules, catalog.Entry[law.Rule]{Value: law.Rule{Section: row.Section, Code: row.Code, Body: row.Body}, Extra: row.Extra})
	}
	if l.err != nil {
		return nil, fmt.Errorf("store.Export: %w", l.err)
	}
	if len(p.Items) == 0 {
		return nil, fault.New(fault.NotFound, "store.Export", "还没有目录", "there is no catalogue yet")
	}
	return p, nil
}
