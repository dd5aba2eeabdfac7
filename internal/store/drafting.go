package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/clause"
	"github.com/onedoor/onedoor/ent/coordination"
	"github.com/onedoor/onedoor/ent/impactrun"
	"github.com/onedoor/onedoor/ent/itemmaterial"
	"github.com/onedoor/onedoor/ent/itemversion"
	"github.com/onedoor/onedoor/ent/schemeversion"
	"github.com/onedoor/onedoor/ent/standarddraft"
	"github.com/onedoor/onedoor/ent/standardversion"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
)

var (
	_ drafting.Shelf   = (*Store)(nil)
	_ drafting.Catalog = (*Store)(nil)
)

func noDraft(op string) error {
	return fault.New(fault.NotFound, op, "没有这个草案或协调", "there is no such draft or coordination")
}

// CreateDraft keeps a new draft with its events.
func (s *Store) CreateDraft(ctx context.Context, d *drafting.Draft) (string, error) {
	return s.once(ctx, "store.CreateDraft", d.ID, s.inClient, func(tx *ent.Client) error { return createDraft(ctx, tx, d) })
}

func createDraft(ctx context.Context, tx *ent.Client, d *drafting.Draft) error {
	create := tx.StandardDraft.Create().SetID(d.ID).SetKind(string(d.Kind)).SetCode(d.Code).SetBaseVersion(d.Base).
		SetDepartmentID(ref.Department(d.Department)).SetDraftedAt(d.DraftedAt)
	setDraft(create.Mutation(), d)
	if err := create.Exec(ctx); err != nil {
		return err
	}
	return draftEvents(ctx, tx, d)
}

func draftEvents(ctx context.Context, tx *ent.Client, d *drafting.Draft) error {
	var events []*ent.StandardEventCreate
	for _, e := range d.Events {
		events = append(events, createStandardEvent(tx.StandardEvent, e).SetDraftID(d.ID))
	}
	d.Events = nil
	return inBulk(events, func(b []*ent.StandardEventCreate) error { return tx.StandardEvent.CreateBulk(b...).Exec(ctx) })
}

// lockDraft reads a draft and keeps others from changing it.
func (s *Store) lockDraft(ctx context.Context, tx *ent.Client, id string) (*drafting.Draft, error) {
	q := tx.StandardDraft.Query().Where(standarddraft.ID(id))
	if s.dialect == dialect.Postgres { // on SQLite the transaction is the lock
		q.ForUpdate()
	}
	row, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, noDraft("store.Draft")
	}
	if err != nil {
		return nil, err
	}
	return draftOf(row), nil
}

func saveDraft(ctx context.Context, tx *ent.Client, d *drafting.Draft) error {
	update := tx.StandardDraft.UpdateOneID(d.ID)
	setDraft(update.Mutation(), d)
	if err := update.Exec(ctx); err != nil {
		return err
	}
	return draftEvents(ctx, tx, d)
}

// UpdateDraft locks a draft, changes it, and keeps what has become of it.
func (s *Store) UpdateDraft(ctx context.Context, id string, change func(d *drafting.Draft) error) error {
	_, err := s.once(ctx, "store.UpdateDraft", id, s.inClient, func(tx *ent.Client) error {
		d, err := s.lockDraft(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		return saveDraft(ctx, tx, d)
	})
	return err
}

// Draft reads a draft without its events.
func (s *Store) Draft(ctx context.Context, id string) (*drafting.Draft, error) {
	row, err := s.client.StandardDraft.Query().Where(standarddraft.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, noDraft("store.Draft")
	}
	if err != nil {
		return nil, unavailable("store.Draft", err)
	}
	return draftOf(row), nil
}

// PublishDraft publishes a draft: its version, the end of the one before, and the
// revision by which servers know, in one commit.
func (s *Store) PublishDraft(ctx context.Context, id string, now time.Time, change func(d *drafting.Draft, last drafting.Last) error) error {
	_, err := s.once(ctx, "store.PublishDraft", id, s.inClient, func(tx *ent.Client) error {
		last, err := lastRevision(ctx, tx)
		if err != nil {
			return err
		}
		if last == nil {
			return fault.New(fault.Conflict, "store.PublishDraft", "还没有目录", "there is no catalogue yet")
		}
		d, err := s.lockDraft(ctx, tx, id)
		if err != nil {
			return err
		}
		rows, err := tx.StandardVersion.Query().Where(standardversion.Kind(string(d.Kind)), standardversion.Code(d.Code)).Order(standardversion.ByVersion()).All(ctx)
		if err != nil {
			return err
		}
		stands := drafting.Last{Revision: last.ID, Next: 1}
		for _, row := range rows {
			stands.Next = row.Version + 1
			if row.EffectiveTo == nil {
				stands.Open = row.Version
			}
		}
		if err := change(d, stands); err != nil {
			return err
		}
		if err := saveDraft(ctx, tx, d); err != nil {
			return err
		}
		// The row comes first: of two publications at once its key lets one through.
		// Words are retired by imports alone, so the day is that of the last one.
		err = tx.Revision.Create().SetID(last.ID + 1).SetDigest(digestOf(d.ID + d.Digest)).SetEffectiveFrom(last.EffectiveFrom).SetImportedAt(now.UTC()).Exec(ctx)
		if err != nil {
			return err
		}
		if stands.Open > 0 {
			if err := endStandard(ctx, tx, string(d.Kind), d.Code, d.EffectiveFrom.String()); err != nil {
				return err
			}
		}
		if !d.Content.Empty() {
			if err := publishContent(ctx, tx, d, rows, now.UTC()); err != nil {
				return err
			}
		}
		src, err := loadSource(ctx, tx)
		if err != nil {
			return err
		}
		_, err = guide.Compile(*src)
		return err
	})
	if ent.IsConstraintError(errors.Unwrap(err)) || ent.IsConstraintError(err) {
		return &fault.Error{Code: fault.Conflict, Op: "store.PublishDraft", ZH: "另一次发布或导入正在进行，请重试", EN: "another publication or import got in first; try again", Err: err}
	}
	return err
}

// publishContent writes a draft's content as a version, where the one before it
// stands in the catalogue's order.
func publishContent(ctx context.Context, tx *ent.Client, d *drafting.Draft, before []*ent.StandardVersion, now time.Time) error {
	from := d.EffectiveFrom.String()
	e := edition{ctx: ctx, c: tx, from: &from, published: &now, reason: &d.Reason}
	position := 0
	if len(before) > 0 {
		position = before[len(before)-1].Position
	} else if last, err := tx.StandardVersion.Query().Order(standardversion.ByPosition(entsql.OrderDesc())).First(ctx); err == nil {
		position = last.Position + 1
	}
	if d.Content.Scheme != nil {
		at := position
		if row, err := tx.SchemeVersion.Query().Where(schemeversion.Code(d.Code)).Order(schemeversion.ByVersion(entsql.OrderDesc())).First(ctx); err == nil {
			at = row.Position
		}
		e.scheme(catalog.Entry[scheme.Scheme]{Value: d.Content.Scheme.Value, Extra: d.Content.Scheme.Extra}, d.PublishedVersion, position, at)
		return e.insert()
	}
	itemAt := position
	if row, err := tx.ItemVersion.Query().Where(itemversion.Code(d.Code)).Order(itemversion.ByVersion(entsql.OrderDesc())).First(ctx); err == nil {
		itemAt = row.Position
	}
	at, last := map[string]int{}, 0
	rows, err := tx.Clause.Query().Where(clause.HasStandardWith(standardversion.Code(d.Code))).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		at[row.Code] = row.Position
		last = max(last, row.Position)
	}
	var clauses []catalog.Entry[standard.Clause]
	for _, k := range d.Content.Clauses {
		if _, known := at[k.Value.Code]; !known {
			last++
			at[k.Value.Code] = last
		}
		clauses = append(clauses, catalog.Entry[standard.Clause]{Value: k.Value, Extra: k.Extra})
	}
	entry := catalog.Entry[item.Item]{Value: d.Content.Item.Value, Extra: d.Content.Item.Extra}
	e.item(entry, clauses, d.PublishedVersion, position, itemAt, at, itemDigest(entry, clauses))
	return e.insert()
}

// CreateCoordination keeps a new coordination with its events.
func (s *Store) CreateCoordination(ctx context.Context, c *drafting.Coordination) (string, error) {
	return s.once(ctx, "store.CreateCoordination", c.ID, s.inClient, func(tx *ent.Client) error {
		err := tx.Coordination.Create().SetID(c.ID).SetNumber(c.Number).SetState(c.State).SetVersion(c.Version).SetLeadID(ref.Department(c.Lead)).
			SetParties(nonNil(c.Parties)).SetReason(c.Reason).SetFinding(c.Finding).SetFound(c.Found).SetAnalysis(c.Analysis).SetNillableDraft(pointer(c.Draft)).
			SetMinutes(c.Minutes).SetOpenedAt(c.OpenedAt).SetRecordedAt(c.RecordedAt).SetEventCount(c.EventCount).Exec(ctx)
		if err != nil {
			return err
		}
		return coordinationEvents(ctx, tx, c)
	})
}

func coordinationEvents(ctx context.Context, tx *ent.Client, c *drafting.Coordination) error {
	var events []*ent.StandardEventCreate
	for _, e := range c.Events {
		events = append(events, createStandardEvent(tx.StandardEvent, e).SetCoordinationID(c.ID))
	}
	c.Events = nil
	return inBulk(events, func(b []*ent.StandardEventCreate) error { return tx.StandardEvent.CreateBulk(b...).Exec(ctx) })
}

func (s *Store) lockCoordination(ctx context.Context, tx *ent.Client, id string) (*drafting.Coordination, error) {
	q := tx.Coordination.Query().Where(coordination.ID(id))
	if s.dialect == dialect.Postgres {
		q.ForUpdate()
	}
	row, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, noDraft("store.Coordination")
	}
	if err != nil {
		return nil, err
	}
	return coordinationOf(row), nil
}

func saveCoordination(ctx context.Context, tx *ent.Client, c *drafting.Coordination) error {
	update := tx.Coordination.UpdateOneID(c.ID).SetState(c.State).SetVersion(c.Version).SetMinutes(c.Minutes).SetRecordedAt(c.RecordedAt).SetEventCount(c.EventCount)
	m := update.Mutation()
	set(instantPointer(c.RuledAt), m.SetRuledAt, m.ClearRuledAt)
	if err := update.Exec(ctx); err != nil {
		return err
	}
	return coordinationEvents(ctx, tx, c)
}

// UpdateCoordination locks a coordination, changes it, and keeps it.
func (s *Store) UpdateCoordination(ctx context.Context, id string, change func(c *drafting.Coordination) error) error {
	_, err := s.once(ctx, "store.UpdateCoordination", id, s.inClient, func(tx *ent.Client) error {
		c, err := s.lockCoordination(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(c); err != nil {
			return err
		}
		return saveCoordination(ctx, tx, c)
	})
	return err
}

// Coordination reads a coordination by its identity or number.
func (s *Store) Coordination(ctx context.Context, name string) (*drafting.Coordination, error) {
	row, err := s.client.Coordination.Query().Where(coordination.Or(coordination.ID(name), coordination.Number(name))).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, noDraft("store.Coordination")
	}
	if err != nil {
		return nil, unavailable("store.Coordination", err)
	}
	return coordinationOf(row), nil
}

// Rule keeps a ruling with the drafts that it has made.
func (s *Store) Rule(ctx context.Context, id string, change func(c *drafting.Coordination, under *drafting.Draft) ([]*drafting.Draft, error)) error {
	_, err := s.once(ctx, "store.Rule", id, s.inClient, func(tx *ent.Client) error {
		c, err := s.lockCoordination(ctx, tx, id)
		if err != nil {
			return err
		}
		var under *drafting.Draft
		if c.Draft != "" {
			if under, err = s.lockDraft(ctx, tx, c.Draft); err != nil {
				return err
			}
		}
		made, err := change(c, under)
		if err != nil {
			return err
		}
		if err := saveCoordination(ctx, tx, c); err != nil {
			return err
		}
		if under != nil && len(under.Events) > 0 {
			if err := saveDraft(ctx, tx, under); err != nil {
				return err
			}
		}
		for _, d := range made {
			if err := createDraft(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// Rulings lists the coordinations that are ruled on.
func (s *Store) Rulings(ctx context.Context) ([]*drafting.Coordination, error) {
	rows, err := s.client.Coordination.Query().Where(coordination.StateIn(drafting.CoordinationRuled, drafting.CoordinationSettled)).
		Order(coordination.ByRuledAt(), coordination.ByID()).All(ctx)
	if err != nil {
		return nil, unavailable("store.Rulings", err)
	}
	out := make([]*drafting.Coordination, len(rows))
	for i, row := range rows {
		out[i] = coordinationOf(row)
	}
	return out, nil
}

// CreateRun keeps a new impact run.
func (s *Store) CreateRun(ctx context.Context, r *drafting.Run) (string, error) {
	return s.once(ctx, "store.CreateRun", r.ID, s.inClient, func(tx *ent.Client) error {
		create := tx.ImpactRun.Create().SetID(r.ID).SetDraftID(r.Draft).SetDigest(r.Digest).SetCode(r.Code).SetStandardVersion(r.Version).
			SetContent(r.Content).SetTotal(r.Total).SetStride(r.Stride).SetAskedBy(r.AskedBy).SetAskedAt(r.AskedAt)
		setRun(create.Mutation(), r)
		return create.Exec(ctx)
	})
}

// UpdateRun locks an impact run, changes it, and keeps it.
func (s *Store) UpdateRun(ctx context.Context, id string, change func(r *drafting.Run) error) error {
	_, err := s.once(ctx, "store.UpdateRun", id, s.inClient, func(tx *ent.Client) error {
		q := tx.ImpactRun.Query().Where(impactrun.ID(id))
		if s.dialect == dialect.Postgres {
			q.ForUpdate()
		}
		row, err := q.Only(ctx)
		if ent.IsNotFound(err) {
			return noDraft("store.Run")
		}
		if err != nil {
			return err
		}
		r := runOf(row)
		if err := change(r); err != nil {
			return err
		}
		update := tx.ImpactRun.UpdateOneID(id)
		setRun(update.Mutation(), r)
		return update.Exec(ctx)
	})
	return err
}

// Run reads an impact run.
func (s *Store) Run(ctx context.Context, id string) (*drafting.Run, error) {
	row, err := s.client.ImpactRun.Query().Where(impactrun.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, noDraft("store.Run")
	}
	if err != nil {
		return nil, unavailable("store.Run", err)
	}
	return runOf(row), nil
}

// Unfinished lists impact runs that have not ended.
func (s *Store) Unfinished(ctx context.Context, limit int) ([]string, error) {
	ids, err := s.client.ImpactRun.Query().Where(impactrun.EndedAtIsNil()).Order(impactrun.ByAskedAt(), impactrun.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.Unfinished", err)
}

// closed are the states of a decided case.
var closed = []casework.CaseState{casework.Granted, casework.Denied, casework.Delivered, casework.Revoked}

// Closed lists decided cases after one.
func (s *Store) Closed(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := s.client.CaseFile.Query().Where(casefile.StateIn(closed...), casefile.IDGT(after)).Order(casefile.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.Closed", err)
}

// CountClosed counts decided cases.
func (s *Store) CountClosed(ctx context.Context) (int, error) {
	n, err := s.client.CaseFile.Query().Where(casefile.StateIn(closed...)).Count(ctx)
	return n, unavailable("store.CountClosed", err)
}

// InForce gives the version of a standard that has not ended.
func (s *Store) InForce(ctx context.Context, code string) (drafting.Held, error) {
	return s.held(ctx, standardversion.Code(strings.TrimSpace(code)), standardversion.EffectiveToIsNil())
}

// Version gives any version of a standard.
func (s *Store) Version(ctx context.Context, code string, version int) (drafting.Held, error) {
	return s.held(ctx, standardversion.Code(code), standardversion.Version(version))
}

func (s *Store) held(ctx context.Context, where ...func(*entsql.Selector)) (drafting.Held, error) {
	q := s.client.StandardVersion.Query().
		WithItem(func(q *ent.ItemVersionQuery) {
			q.WithDepartment().WithMaterials(func(q *ent.ItemMaterialQuery) { q.Order(itemmaterial.ByPosition()) })
		}).
		WithScheme(func(q *ent.SchemeVersionQuery) { q.WithLead() }).
		WithClauses(func(q *ent.ClauseQuery) { q.WithDepartment().Order(clause.ByPosition()) })
	for _, w := range where {
		q.Where(w)
	}
	row, err := q.Order(standardversion.ByKind()).First(ctx)
	if ent.IsNotFound(err) {
		return drafting.Held{}, nil
	}
	if err != nil {
		return drafting.Held{}, unavailable("store.InForce", err)
	}
	h := drafting.Held{Kind: drafting.Kind(row.Kind), Version: row.Version}
	if row.Edges.Scheme != nil {
		h.Content.Scheme = &drafting.Entry[scheme.Scheme]{Value: schemeOf(row.Edges.Scheme), Extra: row.Edges.Scheme.Extra}
		return h, nil
	}
	h.Content.Item = &drafting.Entry[item.Item]{Value: itemOf(row.Edges.Item), Extra: row.Edges.Item.Extra}
	for _, k := range row.Edges.Clauses {
		h.Content.Clauses = append(h.Content.Clauses, drafting.Entry[standard.Clause]{Value: clauseOf(k, row.Code), Extra: k.Extra})
	}
	// As it was read from a pack, so that it compares equal to what is read again.
	spelled, err := catalog.Spell(h.Content)
	if err == nil {
		_, h.Content, err = catalog.Reread(row.Code, spelled)
	}
	if err != nil {
		return drafting.Held{}, fmt.Errorf("store.InForce: %w", err)
	}
	return h, nil
}

// Spell gives a content as the pack spells it.
func (*Store) Spell(c drafting.Content) (map[string]any, error) { return catalog.Spell(c) }

// YAML gives a content as the YAML of a pack.
func (*Store) YAML(c drafting.Content) ([]byte, error) { return catalog.YAML(c) }

// Parse reads YAML or JSON as plain data.
func (*Store) Parse(text string) (map[string]any, error) { return catalog.Parse(text) }

// Read checks a standard as an import would.
func (s *Store) Read(ctx context.Context, code string, spelled map[string]any, changed ...drafting.Content) (drafting.Kind, drafting.Content, error) {
	pack, err := s.inForce(ctx)
	if err != nil {
		return "", drafting.Content{}, err
	}
	return catalog.ReadStandard(pack, code, spelled, changed...)
}

// ReadClause checks one clause as an import would.
func (s *Store) ReadClause(ctx context.Context, code string, spelled map[string]any) (standard.Clause, error) {
	pack, err := s.inForce(ctx)
	if err != nil {
		return standard.Clause{}, err
	}
	return catalog.ReadClause(pack, code, spelled)
}

// MayEnd says whether a standard can be taken away.
func (s *Store) MayEnd(ctx context.Context, code string) error {
	pack, err := s.inForce(ctx)
	if err != nil {
		return err
	}
	return catalog.MayEnd(pack, code)
}

// exported is the catalogue of a revision as a pack, which nobody changes.
type exported struct {
	sync.Mutex
	revision int
	pack     *catalog.Pack
}

// inForce gives the catalogue as Export does, read again only when it has changed.
func (s *Store) inForce(ctx context.Context) (*catalog.Pack, error) {
	revision, err := s.Revision(ctx) // before the pack, which is never older than it
	if err != nil {
		return nil, err
	}
	s.exported.Lock()
	pack := s.exported.pack
	if s.exported.revision != revision {
		pack = nil
	}
	s.exported.Unlock()
	if pack != nil {
		return pack, nil
	}
	if pack, err = s.Export(ctx); err != nil {
		return nil, err
	}
	s.exported.Lock()
	defer s.exported.Unlock()
	s.exported.revision, s.exported.pack = revision, pack
	return pack, nil
}
