package store

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/clause"
	"github.com/onedoor/onedoor/ent/region"
	"github.com/onedoor/onedoor/ent/standardversion"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Imported tells what an import did.
type Imported = drafting.Imported

// errDry ends the transaction of an import that only says what it would do.
var errDry = errors.New("a dry run")

// ImportPack imports a pack that comes as a ZIP, its files at the top or in one
// folder.
func (s *Store) ImportPack(ctx context.Context, archive []byte, now time.Time, dryRun bool) (Imported, error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return Imported{}, fault.InvalidInput("store.ImportPack", fault.Problem{Path: "pack", Code: "BAD_ZIP", ZH: "不是可读的 ZIP：" + err.Error(), EN: "is no ZIP that can be read: " + err.Error()})
	}
	dir := fs.FS(files)
	if found, err := fs.Glob(dir, "*.yaml"); err == nil && len(found) == 0 {
		if found, err = fs.Glob(dir, "*/*.yaml"); err == nil && len(found) > 0 {
			if dir, err = fs.Sub(dir, path.Dir(found[0])); err != nil {
				return Imported{}, fmt.Errorf("store.ImportPack: %w", err)
			}
		}
	}
	pack, err := catalog.Read(dir)
	if err != nil {
		return Imported{}, catalog.Problems(err)
	}
	return s.importPack(ctx, pack, now, dryRun)
}

// Import makes the pack the catalogue, all of it or nothing. A standard whose
// content differs gets a new version in force from day, and its old version ends
// there; what is the same stays untouched. The first import is in force since
// ever, for there is no older word.
func (s *Store) Import(ctx context.Context, pack *catalog.Pack, now time.Time) (Imported, error) {
	return s.importPack(ctx, pack, now, false)
}

func (s *Store) importPack(ctx context.Context, pack *catalog.Pack, now time.Time, dryRun bool) (Imported, error) {
	im := importer{ctx: ctx, pack: pack, day: workday.DateOf(now).String(), now: now}
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		im.c = tx.Client()
		err := im.run()
		if err == nil && dryRun {
			err = errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		return im.done, nil
	}
	if ent.IsConstraintError(err) {
		return Imported{}, &fault.Error{Code: fault.Conflict, Op: "store.Import",
			ZH: "另一个导入正在进行，请重试", EN: "another import got in first; try again", Err: err}
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return Imported{}, err
	}
	if err != nil {
		return Imported{}, fmt.Errorf("store.Import: %w", err)
	}
	return im.done, nil
}

type importer struct {
	ctx   context.Context
	c     *ent.Client
	pack  *catalog.Pack
	day   string
	now   time.Time
	first bool
	done  Imported
}

func (im *importer) run() error {
	digest := digestOf(im.pack)
	last, err := lastRevision(im.ctx, im.c)
	switch {
	case err != nil:
		return err
	case last == nil:
		im.first = true
		im.done.Revision = 1
	case last.Digest == digest:
		im.done = Imported{Revision: last.ID, Unchanged: true}
		return nil
	default:
		im.done.Revision = last.ID + 1
	}
	// The row comes first: of two imports at once its key lets one through.
	err = im.c.Revision.Create().SetID(im.done.Revision).SetDigest(digest).SetEffectiveFrom(im.day).SetImportedAt(im.now.UTC()).Exec(im.ctx)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		im.facts, im.departments, im.regions, im.zones, im.laws, im.calendar, im.rules, im.standards,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	// What was written must load: nobody is left with a catalogue that no server
	// can serve.
	src, err := loadSource(im.ctx, im.c)
	if err != nil {
		return err
	}
	_, err = guide.Compile(*src)
	return err
}

// digestOf gives the SHA-256 of a value's JSON, in hex.
func digestOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // packs are made of plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// bulk is how many rows one INSERT carries; SQLite allows 32,766 values in one.
const bulk = 200

func inBulk[T any](all []T, exec func([]T) error) error {
	for len(all) > 0 {
		n := min(bulk, len(all))
		if err := exec(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (im *importer) facts() error {
	rows, err := im.c.Fact.Query().All(im.ctx)
	if err != nil {
		return err
	}
	old := make(map[string]*ent.Fact, len(rows))
	for _, row := range rows {
		old[row.Key] = row
	}
	var create []*ent.FactCreate
	for i, e := range im.pack.Facts {
		row := old[e.Value.Key]
		if row == nil {
			create = append(create, im.c.Fact.Create().SetID(ref.Fact(e.Value.Key)).SetPosition(i).SetExtra(e.Extra).
				SetKey(e.Value.Key).SetDefinition(e.Value))
			continue
		}
		delete(old, e.Value.Key)
		if row.Definition.Kind != e.Value.Kind || row.Definition.Unit != e.Value.Unit {
			return fault.InvalidInput("store.Import", fault.Problem{
				Path: "facts." + e.Value.Key, Code: "FACT_CHANGED",
				ZH: fmt.Sprintf("要素 %s 的类型或单位变了：已发布的条款以原义使用它，请另立新要素", e.Value.Key),
				EN: fmt.Sprintf("fact %s changes its type or unit: published clauses use it as it was; give the new one an id of its own", e.Value.Key),
			})
		}
		err := im.c.Fact.UpdateOne(row).SetPosition(i).SetExtra(e.Extra).SetDefinition(e.Value).
			SetRetiredValues(retiredValues(row, e.Value)).SetRetired(false).Exec(im.ctx)
		if err != nil {
			return err
		}
	}
	for _, row := range old {
		if err := im.c.Fact.UpdateOne(row).SetRetired(true).Exec(im.ctx); err != nil {
			return err
		}
	}
	return inBulk(create, func(b []*ent.FactCreate) error { return im.c.Fact.CreateBulk(b...).Exec(im.ctx) })
}

// retiredValues gives the values that the fact once had and has no more.
func retiredValues(row *ent.Fact, now standard.Fact) []standard.FactValue {
	has := map[string]bool{}
	for _, v := range now.Values {
		has[v.Code] = true
	}
	retired := []standard.FactValue{}
	for _, list := range [][]standard.FactValue{row.Definition.Values, row.RetiredValues} {
		for _, v := range list {
			if !has[v.Code] {
				has[v.Code] = true
				retired = append(retired, v)
			}
		}
	}
	return retired
}

func (im *importer) departments() error {
	ids, err := im.c.Department.Query().IDs(im.ctx)
	if err != nil {
		return err
	}
	old := setOf(ids)
	for i, e := range im.pack.Departments {
		d, id := e.Value, ref.Department(e.Value.Code)
		if old[id] {
			delete(old, id)
			err = im.c.Department.UpdateOneID(id).SetPosition(i).SetExtra(e.Extra).SetRetired(false).
				SetName(d.Name).SetNameEn(d.NameEN).SetRole(d.Role).SetDuties(d.Duties).SetNote(d.Note).Exec(im.ctx)
		} else {
			err = im.c.Department.Create().SetID(id).SetPosition(i).SetExtra(e.Extra).SetCode(d.Code).
				SetName(d.Name).SetNameEn(d.NameEN).SetRole(d.Role).SetDuties(d.Duties).SetNote(d.Note).Exec(im.ctx)
		}
		if err != nil {
			return err
		}
	}
	for id := range old {
		if err := im.c.Department.UpdateOneID(id).SetRetired(true).Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) regions() error {
	ids, err := im.c.Region.Query().IDs(im.ctx)
	if err != nil {
		return err
	}
	old := setOf(ids)
	for i, e := range im.pack.Regions {
		r, id := e.Value, ref.Region(e.Value.Code)
		if old[id] {
			delete(old, id)
			err = im.c.Region.UpdateOneID(id).SetPosition(i).SetExtra(e.Extra).SetRetired(false).
				SetName(r.Name).SetKind(r.Kind).SetConfidence(r.Confidence).SetNote(r.Note).ClearParent().Exec(im.ctx)
		} else {
			err = im.c.Region.Create().SetID(id).SetPosition(i).SetExtra(e.Extra).SetCode(r.Code).
				SetName(r.Name).SetKind(r.Kind).SetConfidence(r.Confidence).SetNote(r.Note).Exec(im.ctx)
		}
		if err != nil {
			return err
		}
	}
	for id := range old {
		if err := im.c.Region.UpdateOneID(id).SetRetired(true).Exec(im.ctx); err != nil {
			return err
		}
	}
	// Parents come last: a child may stand before its parent in the pack.
	children := map[string][]string{}
	for _, e := range im.pack.Regions {
		if e.Value.Parent != nil {
			children[*e.Value.Parent] = append(children[*e.Value.Parent], ref.Region(e.Value.Code))
		}
	}
	for parent, ids := range children {
		if err := im.c.Region.Update().Where(region.IDIn(ids...)).SetParentID(ref.Region(parent)).Exec(im.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) zones() error {
	if _, err := im.c.Zone.Delete().Exec(im.ctx); err != nil {
		return err
	}
	var create []*ent.ZoneCreate
	for i, e := range im.pack.Zones {
		z := e.Value
		row := im.c.Zone.Create().SetID(ref.Zone(z.Code)).SetPosition(i).SetExtra(e.Extra).SetCode(z.Code).
			SetName(z.Name).SetNameEn(z.NameEN).SetBasis(z.Basis).SetConfidence(z.Confidence)
		if z.Region != nil {
			row.SetRegionID(ref.Region(*z.Region))
		}
		create = append(create, row)
	}
	return inBulk(create, func(b []*ent.ZoneCreate) error { return im.c.Zone.CreateBulk(b...).Exec(im.ctx) })
}

func (im *importer) laws() error {
	if _, err := im.c.CitedLaw.Delete().Exec(im.ctx); err != nil {
		return err
	}
	var create []*ent.CitedLawCreate
	for i, e := range im.pack.Laws {
		create = append(create, im.c.CitedLaw.Create().SetID(ref.Law(e.Value.Name)).SetPosition(i).SetExtra(e.Extra).
			SetName(e.Value.Name).SetChecked(e.Value.Status).SetPlaces(nonNil(e.Value.Where)))
	}
	return inBulk(create, func(b []*ent.CitedLawCreate) error { return im.c.CitedLaw.CreateBulk(b...).Exec(im.ctx) })
}

func (im *importer) calendar() error {
	if _, err := im.c.CalendarYear.Delete().Exec(im.ctx); err != nil {
		return err
	}
	var create []*ent.CalendarYearCreate
	for i, e := range im.pack.Years {
		create = append(create, im.c.CalendarYear.Create().SetID(ref.CalendarYear(im.pack.Calendar, e.Value.Year)).
			SetPosition(i).SetExtra(e.Extra).SetCalendar(im.pack.Calendar).SetYear(e.Value.Year).SetNotice(e.Value))
	}
	return inBulk(create, func(b []*ent.CalendarYearCreate) error { return im.c.CalendarYear.CreateBulk(b...).Exec(im.ctx) })
}

func (im *importer) rules() error {
	if _, err := im.c.PolicyRule.Delete().Exec(im.ctx); err != nil {
		return err
	}
	var create []*ent.PolicyRuleCreate
	for i, e := range im.pack.Rules {
		body, _ := e.Value.Body.(map[string]any)
		create = append(create, im.c.PolicyRule.Create().SetID(ref.Rule(e.Value.Section, e.Value.Code)).SetPosition(i).
			SetExtra(e.Extra).SetSection(e.Value.Section).SetCode(e.Value.Code).SetBody(body))
	}
	return inBulk(create, func(b []*ent.PolicyRuleCreate) error { return im.c.PolicyRule.CreateBulk(b...).Exec(im.ctx) })
}

// The two kinds of standards, as rows spell them.
const (
	kindItem  = "ITEM"
	kindJoint = "JOINT"
)

// standards publishes what is new or different and ends what is gone.
func (im *importer) standards() error {
	latest, err := im.latest()
	if err != nil {
		return err
	}
	clauses := map[string][]catalog.Entry[standard.Clause]{}
	clausePosition := map[string]int{}
	for i, e := range im.pack.Clauses {
		clauses[e.Value.Item] = append(clauses[e.Value.Item], e)
		clausePosition[e.Value.Code] = i
	}
	e := edition{ctx: im.ctx, c: im.c}
	if !im.first {
		e.from, e.published = &im.day, &im.now
	}
	for i, entry := range im.pack.Items {
		code := entry.Value.Code
		digest := itemDigest(entry, clauses[code])
		version, isNew, err := im.version(latest, kindItem, code, digest)
		if err != nil {
			return err
		}
		if !isNew {
			if err := im.reposition(code, version, i, clauses[code], clausePosition); err != nil {
				return err
			}
			continue
		}
		e.item(entry, clauses[code], version, i, i, clausePosition, digest)
	}
	for i, entry := range im.pack.Schemes {
		version, isNew, err := im.version(latest, kindJoint, entry.Value.Code, digestOf(entry))
		if err != nil {
			return err
		}
		if !isNew {
			err := im.c.SchemeVersion.UpdateOneID(ref.Scheme(entry.Value.Code, version)).SetPosition(i).Exec(im.ctx)
			if err != nil {
				return err
			}
			continue
		}
		e.scheme(entry, version, len(im.pack.Items)+i, i)
	}
	for _, row := range latest { // what the pack no longer has
		if row.EffectiveTo == nil {
			if err := im.end(row); err != nil {
				return err
			}
		}
	}
	im.done.Published = len(e.standards)
	return e.insert()
}

// itemDigest is the digest of a single-item standard's content.
func itemDigest(e catalog.Entry[item.Item], clauses []catalog.Entry[standard.Clause]) string {
	return digestOf(struct {
		Item    catalog.Entry[item.Item]
		Clauses []catalog.Entry[standard.Clause]
	}{e, clauses})
}

// edition is the versions of standards that are published together.
type edition struct {
	ctx       context.Context
	c         *ent.Client
	from      *string // nil: since ever
	published *time.Time
	reason    *string

	standards []*ent.StandardVersionCreate
	items     []*ent.ItemVersionCreate
	materials []*ent.ItemMaterialCreate
	clauses   []*ent.ClauseCreate
	schemes   []*ent.SchemeVersionCreate
}

func (e *edition) standard(id, kind, code string, version, position int, digest string) {
	e.standards = append(e.standards, e.c.StandardVersion.Create().SetID(id).SetPosition(position).SetKind(kind).SetCode(code).SetVersion(version).SetDigest(digest).
		SetNillableEffectiveFrom(e.from).SetNillablePublishedAt(e.published).SetNillableReason(e.reason))
}

// item adds a version of a single-item standard. at says where its clauses stand.
func (e *edition) item(entry catalog.Entry[item.Item], clauses []catalog.Entry[standard.Clause], version, position, itemPosition int, at map[string]int, digest string) {
	code := entry.Value.Code
	e.standard(ref.ItemStandard(code, version), kindItem, code, version, position, digest)
	e.items = append(e.items, createItem(e.c.ItemVersion, entry, version, itemPosition))
	for n := range entry.Value.Materials {
		e.materials = append(e.materials, createMaterial(e.c.ItemMaterial, entry.Value, version, n))
	}
	for _, k := range clauses {
		e.clauses = append(e.clauses, createClause(e.c.Clause, k, version, at[k.Value.Code]))
	}
}

// scheme adds a version of a joint standard.
func (e *edition) scheme(entry catalog.Entry[scheme.Scheme], version, position, schemePosition int) {
	code := entry.Value.Code
	e.standard(ref.JointStandard(code, version), kindJoint, code, version, position, digestOf(entry))
	e.schemes = append(e.schemes, createScheme(e.c.SchemeVersion, entry, version, schemePosition))
}

// insert writes all of it.
func (e *edition) insert() error {
	for _, insert := range []func() error{
		func() error {
			return inBulk(e.standards, func(b []*ent.StandardVersionCreate) error { return e.c.StandardVersion.CreateBulk(b...).Exec(e.ctx) })
		},
		func() error {
			return inBulk(e.items, func(b []*ent.ItemVersionCreate) error { return e.c.ItemVersion.CreateBulk(b...).Exec(e.ctx) })
		},
		func() error {
			return inBulk(e.materials, func(b []*ent.ItemMaterialCreate) error { return e.c.ItemMaterial.CreateBulk(b...).Exec(e.ctx) })
		},
		func() error {
			return inBulk(e.clauses, func(b []*ent.ClauseCreate) error { return e.c.Clause.CreateBulk(b...).Exec(e.ctx) })
		},
		func() error {
			return inBulk(e.schemes, func(b []*ent.SchemeVersionCreate) error { return e.c.SchemeVersion.CreateBulk(b...).Exec(e.ctx) })
		},
	} {
		if err := insert(); err != nil {
			return err
		}
	}
	return nil
}

// latest gives the newest version of every standard, by kind and code.
func (im *importer) latest() (map[string]*ent.StandardVersion, error) {
	rows, err := im.c.StandardVersion.Query().Order(standardversion.ByVersion()).All(im.ctx)
	if err != nil {
		return nil, err
	}
	latest := make(map[string]*ent.StandardVersion, len(rows))
	for _, row := range rows {
		latest[row.Kind+" "+row.Code] = row
	}
	return latest, nil
}

// version says which version of a standard has this content. A new one ends the
// one before it. What is dealt with leaves latest.
func (im *importer) version(latest map[string]*ent.StandardVersion, kind, code, digest string) (version int, isNew bool, err error) {
	row := latest[kind+" "+code]
	delete(latest, kind+" "+code)
	switch {
	case row == nil:
		return 1, true, nil
	case row.EffectiveTo == nil && row.Digest == digest:
		return row.Version, false, nil
	case row.EffectiveTo == nil:
		err = im.end(row)
	}
	return row.Version + 1, true, err
}

func (im *importer) end(row *ent.StandardVersion) error {
	im.done.Closed++
	return endStandard(im.ctx, im.c, row.Kind, row.Code, im.day)
}

// endStandard ends on a day every version that would go on beyond it: the one in
// force, and one that is still to come.
func endStandard(ctx context.Context, c *ent.Client, kind, code, day string) error {
	return c.StandardVersion.Update().
		Where(standardversion.Kind(kind), standardversion.Code(code), standardversion.Or(standardversion.EffectiveToIsNil(), standardversion.EffectiveToGT(day))).
		SetEffectiveTo(day).Exec(ctx)
}

// reposition moves an unchanged standard to where it stands in the pack now.
func (im *importer) reposition(code string, version, position int, clauses []catalog.Entry[standard.Clause], at map[string]int) error {
	err := im.c.StandardVersion.UpdateOneID(ref.ItemStandard(code, version)).SetPosition(position).Exec(im.ctx)
	if err != nil {
		return err
	}
	if err := im.c.ItemVersion.UpdateOneID(ref.Item(code, version)).SetPosition(position).Exec(im.ctx); err != nil {
		return err
	}
	for _, cl := range clauses {
		err := im.c.Clause.Update().Where(clause.ID(ref.Clause(cl.Value.Code, code, version)), clause.PositionNEQ(at[cl.Value.Code])).
			SetPosition(at[cl.Value.Code]).Exec(im.ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
