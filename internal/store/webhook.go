package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/delivery"
	"github.com/onedoor/onedoor/ent/deliveryattempt"
	"github.com/onedoor/onedoor/ent/endpoint"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
)

var _ webhook.Keeper = (*Store)(nil)

const (
	// fanOutBatch is how many events a webhook meets in one commit.
	fanOutBatch = 200
	// maxPending is how many deliveries of a webhook wait at most; further events
	// wait in the log.
	maxPending = 5000
)

// CreateWebhook keeps a new webhook.
func (s *Store) CreateWebhook(ctx context.Context, w webhook.Webhook) (string, error) {
	return s.once(ctx, "store.CreateWebhook", w.ID, s.inClient, func(tx *ent.Client) error {
		create := tx.Endpoint.Create().SetID(w.ID).SetOwner(w.Owner.Subject).SetRole(string(w.Owner.Role)).
			SetNillableOwnerDepartment(pointer(w.Owner.Department)).SetNillableOwnerRegion(pointer(w.Owner.Region)).SetCreatedAt(w.CreatedAt.UTC())
		setWebhook(create.Mutation(), w)
		return create.Exec(ctx)
	})
}

func noWebhook(op string, err error) error {
	if ent.IsNotFound(err) {
		return fault.New(fault.NotFound, op, "没有这个 webhook", "there is no such webhook")
	}
	return unavailable(op, err)
}

// Webhook reads a webhook.
func (s *Store) Webhook(ctx context.Context, id string) (webhook.Webhook, error) {
	row, err := s.client.Endpoint.Get(ctx, id)
	if err != nil {
		return webhook.Webhook{}, noWebhook("store.Webhook", err)
	}
	return webhookOf(row), nil
}

// CountWebhooks counts the webhooks of a subject.
func (s *Store) CountWebhooks(ctx context.Context, subject string) (int, error) {
	n, err := s.client.Endpoint.Query().Where(endpoint.Owner(subject)).Count(ctx)
	return n, unavailable("store.CountWebhooks", err)
}

// lockWebhook reads a webhook that nobody else changes until the commit.
func (s *Store) lockWebhook(ctx context.Context, tx *ent.Client, op, id string) (webhook.Webhook, error) {
	q := tx.Endpoint.Query().Where(endpoint.ID(id))
	if s.dialect == dialect.Postgres { // on SQLite the transaction is the lock
		q.ForUpdate()
	}
	row, err := q.Only(ctx)
	if err != nil {
		return webhook.Webhook{}, noWebhook(op, err)
	}
	return webhookOf(row), nil
}

func saveWebhook(ctx context.Context, tx *ent.Client, w webhook.Webhook) error {
	update := tx.Endpoint.Update().Where(endpoint.ID(w.ID))
	setWebhook(update.Mutation(), w)
	return update.Exec(ctx)
}

// UpdateWebhook locks a webhook, changes it and keeps it.
func (s *Store) UpdateWebhook(ctx context.Context, id string, change func(w *webhook.Webhook) error) error {
	const op = "store.UpdateWebhook"
	_, err := s.once(ctx, op, id, s.inClient, func(tx *ent.Client) error {
		w, err := s.lockWebhook(ctx, tx, op, id)
		if err != nil {
			return err
		}
		if err := change(&w); err != nil {
			return err
		}
		return saveWebhook(ctx, tx, w)
	})
	return err
}

// DeleteWebhook deletes a webhook; its deliveries and their attempts go with it.
func (s *Store) DeleteWebhook(ctx context.Context, id string, may func(w webhook.Webhook) error) error {
	const op = "store.DeleteWebhook"
	_, err := s.once(ctx, op, id, s.inClient, func(tx *ent.Client) error {
		w, err := s.lockWebhook(ctx, tx, op, id)
		if err != nil {
			return err
		}
		if err := may(w); err != nil {
			return err
		}
		return tx.Endpoint.DeleteOneID(id).Exec(ctx)
	})
	return err
}

// Redeliver makes a delivery PENDING.
func (s *Store) Redeliver(ctx context.Context, id string, now time.Time, may func(w webhook.Webhook) error) error {
	const op = "store.Redeliver"
	_, err := s.once(ctx, op, id, s.inClient, func(tx *ent.Client) error {
		row, err := tx.Delivery.Get(ctx, id)
		if ent.IsNotFound(err) {
			return fault.New(fault.NotFound, op, "没有这个投递", "there is no such delivery")
		}
		if err != nil {
			return err
		}
		w, err := s.lockWebhook(ctx, tx, op, row.WebhookID)
		if err != nil {
			return err
		}
		if may(w) != nil {
			return fault.New(fault.NotFound, op, "没有这个投递", "there is no such delivery")
		}
		return tx.Delivery.UpdateOneID(id).SetState(webhook.Pending).SetAttemptCount(0).SetNextAt(now.UTC()).SetSince(now.UTC()).
			ClearDoneAt().ClearLease().ClearLeaseUntil().Exec(ctx)
	})
	return err
}

// LastSeq is the place of the last event.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	s.sequencer.settled(ctx)
	row, err := s.client.Event.Query().Where(event.SeqNotNil()).Order(ent.Desc(event.FieldSeq)).Select(event.FieldSeq).First(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable("store.LastSeq", err)
	}
	return *row.Seq, nil
}

// FanOut makes deliveries of new events.
func (s *Store) FanOut(ctx context.Context, now time.Time, wants func(w webhook.Webhook, h webhook.Happening) bool) (int, error) {
	const op = "store.FanOut"
	active, err := s.client.Endpoint.Query().Where(endpoint.StateEQ(webhook.Active)).Order(endpoint.ByID()).All(ctx)
	if err != nil || len(active) == 0 {
		return 0, unavailable(op, err)
	}
	last, err := s.LastSeq(ctx)
	if err != nil {
		return 0, err
	}
	seen := 0
	for _, row := range active {
		if row.Cursor >= last {
			continue
		}
		pending, err := s.client.Delivery.Query().Where(delivery.WebhookID(row.ID), delivery.NextAtNotNil()).Limit(maxPending).Count(ctx)
		if err != nil {
			return seen, unavailable(op, err)
		}
		if pending >= maxPending {
			continue
		}
		n, err := s.fanOut(ctx, row.ID, now, wants)
		if err != nil {
			return seen, unavailable(op, err)
		}
		seen += n
	}
	return seen, nil
}

// fanOut gives one webhook its next events, unless another instance is doing it.
func (s *Store) fanOut(ctx context.Context, id string, now time.Time, wants func(w webhook.Webhook, h webhook.Happening) bool) (int, error) {
	n := 0
	err := s.inClient(ctx, func(tx *ent.Client) error {
		q := tx.Endpoint.Query().Where(endpoint.ID(id), endpoint.StateEQ(webhook.Active))
		if s.dialect == dialect.Postgres {
			q.ForUpdate(entsql.WithLockAction(entsql.SkipLocked))
		}
		row, err := q.Only(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		events, err := tx.Event.Query().Where(event.SeqGT(row.Cursor)).Order(event.BySeq()).Limit(fanOutBatch).
			Select(event.FieldID, event.FieldSeq, event.FieldKind, event.FieldCaseID, event.FieldPosition).All(ctx)
		if err != nil || len(events) == 0 {
			return err
		}
		happenings, err := happeningsOf(ctx, tx, events)
		if err != nil {
			return err
		}
		w := webhookOf(row)
		var made []*ent.DeliveryCreate
		for i, e := range events {
			if wants(w, happenings[i]) {
				made = append(made, tx.Delivery.Create().SetID(ref.Delivery(id, *e.Seq)).SetWebhookID(id).SetEventID(e.ID).SetKind(e.Kind).SetCaseID(e.CaseID).
					SetSeq(*e.Seq).SetState(webhook.Pending).SetAttemptCount(0).SetNextAt(now.UTC()).SetSince(now.UTC()))
			}
		}
		again := replacing([]string{delivery.FieldState, delivery.FieldAttemptCount, delivery.FieldNextAt, delivery.FieldSince, delivery.FieldDoneAt, delivery.FieldLease, delivery.FieldLeaseUntil})
		if err := inBulk(made, func(b []*ent.DeliveryCreate) error {
			return tx.Delivery.CreateBulk(b...).OnConflict(again...).Exec(ctx)
		}); err != nil {
			return err
		}
		n = len(events)
		return tx.Endpoint.UpdateOneID(id).SetCursor(*events[n-1].Seq).Exec(ctx)
	})
	return n, err
}

// happeningsOf reads what filters look at, in three statements.
func happeningsOf(ctx context.Context, tx *ent.Client, events []*ent.Event) ([]webhook.Happening, error) {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.CaseID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rows, err := tx.CaseFile.Query().Where(casefile.IDIn(ids...)).
		Select(casefile.FieldID, casefile.FieldState, casefile.FieldLeadID, casefile.FieldRegionID, casefile.FieldSchemeID, casefile.FieldApplicant, casefile.FieldAgent).All(ctx)
	if err != nil {
		return nil, err
	}
	cases := make(map[string]*webhook.Happening, len(rows))
	for _, row := range rows {
		h := &webhook.Happening{Case: row.ID, Departments: []string{ref.Code(row.LeadID)}, Applicant: row.Applicant, Agent: deref(row.Agent), Submitted: row.State != casework.Draft}
		if row.RegionID != nil {
			h.Region = ref.Code(*row.RegionID)
		}
		if row.SchemeID != nil {
			h.Scheme = ref.Code(*row.SchemeID)
		}
		cases[row.ID] = h
	}
	reviews, err := tx.Review.Query().Where(review.CaseIDIn(ids...)).Select(review.FieldCaseID, review.FieldDepartmentID).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range reviews {
		h := cases[r.CaseID]
		h.Departments = append(h.Departments, ref.Code(r.DepartmentID))
	}
	submissions, err := tx.Event.Query().Where(event.CaseIDIn(ids...), event.Kind(string(casework.ActSubmit))).
		Select(event.FieldCaseID, event.FieldPosition).All(ctx)
	if err != nil {
		return nil, err
	}
	first := map[string]int{}
	for _, e := range submissions {
		if at, ok := first[e.CaseID]; !ok || e.Position < at {
			first[e.CaseID] = e.Position
		}
	}
	out := make([]webhook.Happening, len(events))
	for i, e := range events {
		out[i] = *cases[e.CaseID]
		out[i].Kind = e.Kind
		at, ok := first[e.CaseID]
		out[i].Submitted = out[i].Submitted && ok && at <= e.Position
	}
	return out, nil
}

// DueWebhooks lists the webhooks that have something to be sent.
func (s *Store) DueWebhooks(ctx context.Context, now time.Time) ([]string, error) {
	now = now.UTC()
	ids, err := s.client.Endpoint.Query().Where(endpoint.StateEQ(webhook.Active),
		endpoint.Or(endpoint.OpenUntilIsNil(), endpoint.OpenUntilLTE(now)),
		endpoint.HasDeliveriesWith(delivery.NextAtLTE(now), delivery.Or(delivery.LeaseUntilIsNil(), delivery.LeaseUntilLTE(now))),
	).Order(endpoint.ByID()).IDs(ctx)
	return ids, unavailable("store.DueWebhooks", err)
}

// claimSQL claims deliveries of one webhook. Where an earlier one of its case is
// PENDING, also one that somebody else is sending, a delivery waits. (Those that
// are PENDING have a next_at, and no others: so do the partial indexes read it.)
const claimSQL = `UPDATE webhook_deliveries SET lease = %[1]s, lease_until = %[2]s WHERE id IN (
	SELECT d.id FROM webhook_deliveries d
	WHERE d.webhook_id = %[3]s AND d.next_at <= %[4]s AND (d.lease_until IS NULL OR d.lease_until <= %[4]s)
	AND NOT EXISTS (SELECT 1 FROM webhook_deliveries p WHERE p.webhook_id = d.webhook_id AND p.case_id = d.case_id AND p.seq < d.seq AND p.next_at IS NOT NULL)
	ORDER BY d.seq LIMIT %[5]s %[6]s
)`

// ClaimDeliveries claims what is due.
func (s *Store) ClaimDeliveries(ctx context.Context, id, lease string, now, until time.Time, limit int) ([]webhook.Delivery, error) {
	const op = "store.ClaimDeliveries"
	query := fmt.Sprintf(claimSQL, "$1", "$2", "$3", "$4", "$5", "FOR UPDATE OF d SKIP LOCKED")
	if s.dialect == dialect.SQLite {
		query = fmt.Sprintf(claimSQL, "?1", "?2", "?3", "?4", "?5", "")
	}
	count(ctx)
	result, err := s.write.ExecContext(ctx, query, lease, until.UTC(), id, now.UTC(), limit)
	if err != nil {
		return nil, unavailable(op, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, unavailable(op, err)
	}
	rows, err := s.client.Delivery.Query().Where(delivery.WebhookID(id), delivery.NextAtNotNil(), delivery.Lease(lease)).Order(delivery.BySeq()).All(ctx)
	if err != nil {
		return nil, unavailable(op, err)
	}
	claimed := make([]webhook.Delivery, len(rows))
	for i, row := range rows {
		claimed[i] = deliveryOf(row)
	}
	return claimed, nil
}

// SettleDelivery ends a claim.
func (s *Store) SettleDelivery(ctx context.Context, claimed webhook.Delivery, settle func(w *webhook.Webhook, d *webhook.Delivery) (*webhook.Attempt, error)) error {
	const op = "store.SettleDelivery"
	err := s.inClient(viewer.WithoutOnce(ctx), func(tx *ent.Client) error {
		w, err := s.lockWebhook(ctx, tx, op, claimed.Webhook)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		q := tx.Delivery.Query().Where(delivery.ID(claimed.ID), delivery.Lease(claimed.Lease), delivery.StateEQ(webhook.Pending))
		if s.dialect == dialect.Postgres {
			q.ForUpdate()
		}
		row, err := q.Only(ctx)
		if ent.IsNotFound(err) {
			return nil // somebody else has it now
		}
		if err != nil {
			return err
		}
		d, before := deliveryOf(row), w
		a, err := settle(&w, &d)
		if err != nil {
			return err
		}
		if before.State != w.State || before.Reason != w.Reason || before.Breaker != w.Breaker {
			if err := saveWebhook(ctx, tx, w); err != nil {
				return err
			}
		}
		update := tx.Delivery.UpdateOneID(d.ID).SetState(d.State).SetAttemptCount(d.Attempts).ClearLease().ClearLeaseUntil()
		set(instantPointer(d.NextAt), update.Mutation().SetNextAt, update.Mutation().ClearNextAt)
		set(instantPointer(d.DoneAt), update.Mutation().SetDoneAt, update.Mutation().ClearDoneAt)
		if err := update.Exec(ctx); err != nil || a == nil {
			return err
		}
		n, err := tx.DeliveryAttempt.Query().Where(deliveryattempt.DeliveryID(d.ID)).Count(ctx)
		if err != nil {
			return err
		}
		create := tx.DeliveryAttempt.Create().SetID(ref.Attempt(d.ID, n+1)).SetDeliveryID(d.ID).SetPosition(n + 1).SetAt(a.At.UTC()).
			SetTook(int(a.Took.Milliseconds())).SetOutcome(a.Outcome).SetNillableError(pointer(a.Error))
		if a.Status != 0 {
			create.SetStatus(a.Status)
		}
		return create.Exec(ctx)
	})
	return unavailable(op, err)
}

// ForgetDeliveries deletes deliveries that were done long ago.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time) error {
	_, err := s.client.Delivery.Delete().Where(delivery.DoneAtLT(before.UTC())).Exec(ctx)
	return unavailable("store.ForgetDeliveries", err)
}
