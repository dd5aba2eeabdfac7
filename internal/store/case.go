package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/ent/idempotencykey"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

var _ casework.Cases = (*Store)(nil)

// Create keeps a new case with its events.
func (s *Store) Create(ctx context.Context, c *casework.Case) (string, error) {
	id, err := s.once(ctx, "store.Create", c.ID, s.blind, func(tx *ent.Client) error {
		create := tx.CaseFile.Create().SetID(c.ID)
		setCase(create.Mutation(), c)
		create.SetApplicant(c.Applicant)
		if err := create.Exec(ctx); err != nil {
			return err
		}
		return saveParts(ctx, tx, c, nil, nil)
	})
	if err == nil {
		s.sequencer.committed()
	}
	return id, err
}

// Update locks a case, changes it, and keeps what has become of it in one
// commit.
func (s *Store) Update(ctx context.Context, id string, change func(c *casework.Case) error) error {
	_, err := s.once(ctx, "store.Update", id, s.inClient, func(tx *ent.Client) error {
		q := tx.CaseFile.Query().Where(casefile.ID(id))
		if s.dialect == dialect.Postgres { // on SQLite the transaction is the lock
			q.ForUpdate()
		}
		row, err := q.Only(ctx)
		if ent.IsNotFound(err) {
			return fault.New(fault.NotFound, "store.Update", "没有这个办件", "there is no such case")
		}
		if err != nil {
			return err
		}
		found, err := assemble(ctx, tx, []*ent.CaseFile{row})
		if err != nil {
			return err
		}
		c := found[0]
		reviews, papers := slices.Clone(c.Reviews), slices.Clone(c.Materials)
		if err := change(c); err != nil {
			return err
		}
		update := tx.CaseFile.Update().Where(casefile.ID(id), casefile.Version(row.Version)) // UpdateOneID would read the row again
		setCase(update.Mutation(), c)
		n, err := update.Save(ctx)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d cases %s have version %d", n, id, row.Version)
		}
		if err != nil {
			return err
		}
		return saveParts(ctx, tx, c, reviews, papers)
	})
	if err == nil {
		s.sequencer.committed()
	}
	return err
}

// saveParts writes the reviews and materials that differ from those before, and
// the new events, each kind in one statement.
func saveParts(ctx context.Context, tx *ent.Client, c *casework.Case, reviews []casework.Review, papers []casework.Material) error {
	var changed []*ent.ReviewCreate
	for i, r := range c.Reviews {
		if i >= len(reviews) || !reflect.DeepEqual(r, reviews[i]) {
			changed = append(changed, createReview(tx.Review, c.ID, i+1, r))
		}
	}
	if len(changed) > 0 {
		var err error
		if create := tx.Review.CreateBulk(changed...); len(reviews) == 0 {
			err = create.Exec(ctx)
		} else {
			err = create.OnConflict(replacing(reviewColumns)...).Exec(ctx)
		}
		if err != nil {
			return err
		}
	}
	var attached []*ent.CaseMaterialCreate
	kept := map[string]bool{}
	for i, m := range c.Materials {
		kept[m.ID] = true
		if i >= len(papers) || !reflect.DeepEqual(m, papers[i]) {
			attached = append(attached, createCaseMaterial(tx.CaseMaterial, c.ID, i+1, m))
		}
	}
	var gone []string
	for _, m := range papers {
		if !kept[m.ID] {
			gone = append(gone, m.ID)
		}
	}
	if len(gone) > 0 {
		if _, err := tx.CaseMaterial.Delete().Where(casematerial.IDIn(gone...)).Exec(ctx); err != nil {
			return err
		}
	}
	err := inBulk(attached, func(b []*ent.CaseMaterialCreate) error {
		create := tx.CaseMaterial.CreateBulk(b...)
		if len(papers) == 0 {
			return create.Exec(ctx)
		}
		return create.OnConflict(replacing(paperColumns)...).Exec(ctx)
	})
	if err != nil {
		return err
	}
	if err := saveReceipts(ctx, tx, c); err != nil {
		return err
	}
	var events []*ent.EventCreate
	for _, e := range c.Events {
		events = append(events, createEvent(tx.Event, c.ID, e))
	}
	return inBulk(events, func(b []*ent.EventCreate) error { return tx.Event.CreateBulk(b...).Exec(ctx) })
}

// The columns of a review and of a paper that change in its life.
var (
	reviewColumns = []string{review.FieldState, review.FieldOpinion, review.FieldReasons, review.FieldAfter, review.FieldCopyOpenedAt,
		review.FieldOpenedAt, review.FieldAnsweredAt, review.FieldDueOn, review.FieldLedger, review.FieldFindings}
	paperColumns = []string{casematerial.FieldPosition, casematerial.FieldSource, casematerial.FieldFromItems, casematerial.FieldTolerable, casematerial.FieldFile,
		casematerial.FieldTrust, casematerial.FieldAttachedBy, casematerial.FieldAttachedAt, casematerial.FieldOnPaper,
		casematerial.FieldDueOn, casematerial.FieldMissedAt}
)

// replacing makes an insert write over the row of the same identity. It names
// the columns itself, so that a value that has gone becomes NULL.
func replacing(columns []string) []entsql.ConflictOption {
	return []entsql.ConflictOption{entsql.ConflictColumns("id"), entsql.ResolveWith(func(u *entsql.UpdateSet) {
		for _, column := range columns {
			u.SetExcluded(column)
		}
	})}
}

// assemble reads the parts of cases: two statements, however many cases.
func assemble(ctx context.Context, c *ent.Client, rows []*ent.CaseFile) ([]*casework.Case, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	reviews, err := c.Review.Query().Where(review.CaseIDIn(ids...)).Order(review.ByPosition()).All(ctx)
	if err != nil {
		return nil, err
	}
	papers, err := c.CaseMaterial.Query().Where(casematerial.CaseIDIn(ids...)).Order(casematerial.ByPosition()).All(ctx)
	if err != nil {
		return nil, err
	}
	cases, at := make([]*casework.Case, len(rows)), make(map[string]*casework.Case, len(rows))
	for i, row := range rows {
		cases[i] = caseOf(row)
		at[row.ID] = cases[i]
	}
	for _, r := range reviews {
		at[r.CaseID].Reviews = append(at[r.CaseID].Reviews, reviewOf(r))
	}
	for _, m := range papers {
		at[m.CaseID].Materials = append(at[m.CaseID].Materials, caseMaterialOf(m))
	}
	return cases, nil
}

// Load reads cases in the order of their identities.
func (s *Store) Load(ctx context.Context, ids []string) ([]*casework.Case, error) {
	rows, err := s.client.CaseFile.Query().Where(casefile.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, unavailable("store.Load", err)
	}
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(rows, func(a, b *ent.CaseFile) int { return place[a.ID] - place[b.ID] })
	cases, err := assemble(ctx, s.client, rows)
	if err != nil {
		return nil, unavailable("store.Load", err)
	}
	return cases, nil
}

// Numbered finds the case with a number.
func (s *Store) Numbered(ctx context.Context, number string) (string, error) {
	id, err := s.client.CaseFile.Query().Where(casefile.Number(number)).OnlyID(ctx)
	if ent.IsNotFound(err) {
		return "", nil
	}
	return id, unavailable("store.Numbered", err)
}

// Due lists cases on which a timer has work on the day.
func (s *Store) Due(ctx context.Context, today workday.Date, limit int) ([]string, error) {
	ids, err := s.client.CaseFile.Query().Where(casefile.WakeOnLTE(today.String())).
		Order(casefile.ByWakeOn(), casefile.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.Due", err)
}

// ChecksDue lists cases that have checks to be run by now.
func (s *Store) ChecksDue(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := s.client.CaseFile.Query().Where(casefile.ChecksAtLTE(now.UTC())).
		Order(casefile.ByChecksAt(), casefile.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.ChecksDue", err)
}

// Outdated lists living cases whose dates were found by another calendar.
func (s *Store) Outdated(ctx context.Context, calendar string, limit int) ([]string, error) {
	ids, err := s.client.CaseFile.Query().
		Where(casefile.StateIn(casework.Submitted, casework.Supplementing, casework.Accepted, casework.InReview), casefile.CalendarNEQ(calendar)).
		Order(casefile.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.Outdated", err)
}

// unavailable is the fault of a database that did not do what it was asked;
// nothing has been changed.
func unavailable(op string, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return &fault.Error{Code: fault.Unavailable, Op: op, ZH: "数据库暂不可用，未作任何更改，请重试", EN: "the database is not available; nothing was changed, try again", Err: err}
}

// had says that a request has had its effect before; result is what it made.
type had struct{ result string }

func (h *had) Error() string { return "had its effect before: " + h.result }

// once runs fn in one transaction. Where the context has a key, the key is
// written in the same commit; where it is there already, fn's effect is not had
// again, and the result of the first time is given.
func (s *Store) once(ctx context.Context, op, result string, in transaction, fn func(tx *ent.Client) error) (string, error) {
	o, keyed := viewer.OnceFrom(ctx)
	err := in(ctx, func(tx *ent.Client) error {
		if keyed {
			err := tx.IdempotencyKey.Create().SetID(o.Key).SetRequest(o.Request).SetResult(result).SetCreatedAt(time.Now().UTC()).Exec(ctx)
			if ent.IsConstraintError(err) {
				return &had{}
			}
			if err != nil {
				return err
			}
		}
		return fn(tx)
	})
	var before *had
	var refused *pgconn.PgError
	if keyed && errors.As(err, &refused) && refused.Code == "23505" && refused.TableName == idempotencykey.Table {
		err = &had{}
	}
	if errors.As(err, &before) {
		row, err := s.key(ctx, op, o)
		if err != nil || row == nil {
			return "", unavailable(op, errors.Join(err, errors.New("the key has gone")))
		}
		return row.Result, nil
	}
	if err != nil {
		return "", unavailable(op, err)
	}
	return result, nil
}

// key reads a key; nil when it is not there. Another request under the same key
// is a CONFLICT.
func (s *Store) key(ctx context.Context, op string, o viewer.Once) (*ent.IdempotencyKey, error) {
	row, err := s.client.IdempotencyKey.Get(ctx, o.Key)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(op, err)
	}
	if row.Request != o.Request {
		f := fault.New(fault.Conflict, op, "此 Idempotency-Key 已用于另一请求", "this Idempotency-Key was used for another request")
		f.Problems = []fault.Problem{{Path: "Idempotency-Key", Code: "KEY_REUSED", ZH: "请换一个键", EN: "use another key"}}
		return nil, f
	}
	return row, nil
}

// Answer gives the whole answer that a request has had; nil when there is none.
func (s *Store) Answer(ctx context.Context, o viewer.Once) ([]byte, error) {
	row, err := s.key(ctx, "store.Answer", o)
	if err != nil || row == nil {
		return nil, err
	}
	return row.Answer, nil
}

// SaveAnswer keeps the whole answer of a request. The first one stays.
func (s *Store) SaveAnswer(ctx context.Context, o viewer.Once, answer []byte) error {
	err := s.client.IdempotencyKey.Create().SetID(o.Key).SetRequest(o.Request).SetAnswer(answer).SetCreatedAt(time.Now().UTC()).Exec(ctx)
	if ent.IsConstraintError(err) {
		return nil
	}
	return unavailable("store.SaveAnswer", err)
}

// ForgetKeys throws away the keys of requests that nobody will retry any more.
func (s *Store) ForgetKeys(ctx context.Context, before time.Time) error {
	_, err := s.client.IdempotencyKey.Delete().Where(idempotencykey.CreatedAtLT(before.UTC())).Exec(ctx)
	return unavailable("store.ForgetKeys", err)
}

// LastRecorded is when the last event of any case was recorded; the zero time
// when there is no case.
func (s *Store) LastRecorded(ctx context.Context) (time.Time, error) {
	row, err := s.client.CaseFile.Query().Select(casefile.FieldRecordedAt).Order(casefile.ByRecordedAt(entsql.OrderDesc())).First(ctx)
	if ent.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, unavailable("store.LastRecorded", err)
	}
	return row.RecordedAt.UTC(), nil
}

// sequenceSQL numbers what has no number. Within a case, events are in order of
// their recording already.
const sequenceSQL = `UPDATE events SET seq = numbered.seq FROM (
	SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM events) + ROW_NUMBER() OVER (ORDER BY recorded_at, case_id, position) AS seq
	FROM events WHERE seq IS NULL
) AS numbered WHERE events.id = numbered.id`

// sequenceLock is the advisory lock of the one instance that sequences.
const sequenceLock = 0x6f6e65646f6f72 // "onedoor"

// Sequence gives events that have no place yet their place among all.
func (s *Store) Sequence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var err error
	if s.pool == nil { // on SQLite the write is the lock
		_, err = s.write.ExecContext(ctx, sequenceSQL)
	} else {
		// Sent together they are one transaction and take one round trip; the
		// numbering looks at the rows when it has the lock. They are not prepared: a
		// plan from when the table was small would read all of it for ever.
		_, err = s.pool.Exec(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d); %s", sequenceLock, sequenceSQL), pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		return fmt.Errorf("store.Sequence: %w", err)
	}
	return nil
}
