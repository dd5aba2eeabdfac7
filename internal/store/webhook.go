package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/delivery"
	"github.com/onedoor/onedoor/ent/deliveryattempt"
	"github.com/onedoor/onedoor/ent/endpoint"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/predicate"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
)

var _ webhook.Keeper = (*Store)(nil)

const (
	// fanOutBatch is how many events a webhook meets in one commit, and fanOutRows how
	// many deliveries one commit makes at most.
	fanOutBatch = 200
	fanOutRows  = 5000
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

// WebhookIDs lists the webhooks of everybody.
func (s *Store) WebhookIDs(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := s.client.Endpoint.Query().Where(endpoint.IDGT(after)).Order(endpoint.ByID()).Limit(limit).IDs(ctx)
	return ids, unavailable("store.WebhookIDs", err)
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
		// What waits behind it is due again when it is.
		if err := tx.Delivery.Update().Where(behind(row.WebhookID, row.CaseID, row.Seq), delivery.NextAtGT(now.UTC())).SetNextAt(now.UTC()).Exec(ctx); err != nil {
			return err
		}
		return tx.Delivery.UpdateOneID(id).SetState(webhook.Pending).SetAttemptCount(0).SetNextAt(now.UTC()).SetSince(now.UTC()).
			ClearDoneAt().ClearLease().ClearLeaseUntil().Exec(ctx)
	})
	return err
}

// behind are the deliveries that wait for one of their case.
func behind(webhook, caseID string, seq int64) predicate.Delivery {
	return delivery.And(delivery.WebhookID(webhook), delivery.CaseID(caseID), delivery.SeqGT(seq), delivery.NextAtNotNil())
}

// DueAtOnce makes due what is PENDING for a webhook: as of when it became so, which
// is in the past.
func (s *Store) DueAtOnce(ctx context.Context, id string) error {
	count(ctx)
	_, err := s.write.ExecContext(ctx, "UPDATE webhook_deliveries SET next_at = since WHERE webhook_id = $1 AND next_at > since", id)
	return unavailable("store.DueAtOnce", err)
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

// FanOut makes deliveries of new events. Webhooks that stand at the same place, as
// nearly all do, meet their next events together, however many they are.
func (s *Store) FanOut(ctx context.Context, now time.Time, wants func(w webhook.Webhook, h webhook.Happening) bool) (int, error) {
	const op = "store.FanOut"
	last, err := s.LastSeq(ctx)
	if err != nil {
		return 0, err
	}
	rows, err := s.client.Endpoint.Query().Where(endpoint.StateEQ(webhook.Active), endpoint.CursorLT(last), notFull).
		Order(endpoint.ByCursor(), endpoint.ByID()).Select(endpoint.FieldID, endpoint.FieldCursor).All(ctx)
	if err != nil {
		return 0, unavailable(op, err)
	}
	seen := 0
	for len(rows) > 0 {
		cursor := rows[0].Cursor
		n := slices.IndexFunc(rows, func(r *ent.Endpoint) bool { return r.Cursor != cursor })
		if n < 0 {
			n = len(rows)
		}
		met, err := s.meet(ctx, rows[:n], now, wants)
		if err != nil {
			return seen, unavailable(op, err)
		}
		seen, rows = seen+met, rows[n:]
	}
	return seen, nil
}

// notFull leaves out the webhooks that have as many deliveries waiting as they may.
func notFull(q *entsql.Selector) {
	q.Where(entsql.ExprP(fmt.Sprintf("NOT EXISTS (SELECT 1 FROM %s d WHERE d.webhook_id = %s AND d.next_at IS NOT NULL LIMIT 1 OFFSET %d)", delivery.Table, q.C(endpoint.FieldID), maxPending-1)))
}

// meet gives webhooks that stand at the same place their next events.
func (s *Store) meet(ctx context.Context, rows []*ent.Endpoint, now time.Time, wants func(w webhook.Webhook, h webhook.Happening) bool) (seen int, err error) {
	events, err := s.client.Event.Query().Where(event.SeqGT(rows[0].Cursor)).Order(event.BySeq()).Limit(fanOutBatch).
		Select(event.FieldID, event.FieldSeq, event.FieldKind, event.FieldCaseID, event.FieldPosition).All(ctx)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	happenings, err := happeningsOf(ctx, s.client, events)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(rows, max(1, min(500, fanOutRows/len(events)))) {
		n, err := s.fanOut(ctx, some, events, happenings, now, wants)
		if err != nil {
			return seen, err
		}
		seen += n * len(events)
	}
	return seen, nil
}

// fanOut gives some webhooks that stand before events these events. Those that have
// been moved on or stopped meanwhile are left out.
func (s *Store) fanOut(ctx context.Context, some []*ent.Endpoint, events []*ent.Event, happenings []webhook.Happening, now time.Time, wants func(w webhook.Webhook, h webhook.Happening) bool) (met int, err error) {
	ids := make([]string, len(some))
	for i, row := range some {
		ids[i] = row.ID
	}
	err = s.inClient(ctx, func(tx *ent.Client) error {
		q := tx.Endpoint.Query().Where(endpoint.IDIn(ids...), endpoint.StateEQ(webhook.Active), endpoint.Cursor(some[0].Cursor)).Order(endpoint.ByID())
		if s.dialect == dialect.Postgres { // on SQLite the transaction is the lock
			q.ForUpdate()
		}
		rows, err := q.All(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		var made []*ent.DeliveryCreate
		for i, row := range rows {
			w := webhookOf(row)
			for j, e := range events {
				if wants(w, happenings[j]) {
					made = append(made, tx.Delivery.Create().SetID(ref.Delivery(w.ID, *e.Seq)).SetWebhookID(w.ID).SetEventID(e.ID).SetKind(e.Kind).SetCaseID(e.CaseID).
						SetSeq(*e.Seq).SetState(webhook.Pending).SetAttemptCount(0).SetNextAt(now.UTC()).SetSince(now.UTC()))
				}
			}
			ids[i] = row.ID
		}
		again := replacing([]string{delivery.FieldState, delivery.FieldAttemptCount, delivery.FieldNextAt, delivery.FieldSince, delivery.FieldDoneAt, delivery.FieldLease, delivery.FieldLeaseUntil})
		if err := inBulk(made, func(b []*ent.DeliveryCreate) error {
			return tx.Delivery.CreateBulk(b...).OnConflict(again...).Exec(ctx)
		}); err != nil {
			return err
		}
		met = len(rows)
		return tx.Endpoint.Update().Where(endpoint.IDIn(ids[:met]...)).SetCursor(*events[len(events)-1].Seq).Exec(ctx)
	})
	return met, err
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
func (s *Store) DueWebhooks(ctx context.Context, now time.Time) ([]webhook.Due, error) {
	now = now.UTC()
	rows, err := s.client.Endpoint.Query().Where(endpoint.StateEQ(webhook.Active),
		endpoint.Or(endpoint.OpenUntilIsNil(), endpoint.OpenUntilLTE(now)),
		endpoint.HasDeliveriesWith(delivery.NextAtLTE(now), delivery.Or(delivery.LeaseUntilIsNil(), delivery.LeaseUntilLTE(now))),
	).Order(endpoint.ByID()).Select(endpoint.FieldID, endpoint.FieldFailures).All(ctx)
	due := make([]webhook.Due, len(rows))
	for i, row := range rows {
		due[i] = webhook.Due{ID: row.ID, Failing: row.Failures > 0}
	}
	return due, unavailable("store.DueWebhooks", err)
}

// claimSQL claims deliveries of one webhook ($3). Where an earlier one of its case is
// PENDING, also one that somebody else is sending, a delivery waits: the first of
// each case are looked at, 64 of them, as others may be claiming too. (Those that are
// PENDING have a next_at, and no others: so do the partial indexes read it.) Each
// part is an array, done once, whatever a database believes of how much waits: as
// joins, 2,000 that wait took 190 ms when it believed in few, and 30 were claimed
// for a LIMIT of one when it believed in one.
const claimSQL = `UPDATE webhook_deliveries SET lease = $1, lease_until = $2 WHERE id = ANY (ARRAY(
	SELECT d.id FROM webhook_deliveries d
	WHERE d.id = ANY (ARRAY(
		SELECT f.id FROM (
			SELECT id, next_at, seq, lease_until, row_number() OVER (PARTITION BY case_id ORDER BY seq) AS place
			FROM webhook_deliveries WHERE webhook_id = $3 AND next_at IS NOT NULL
		) f
		WHERE f.place = 1 AND f.next_at <= $4 AND (f.lease_until IS NULL OR f.lease_until <= $4)
		ORDER BY f.next_at, f.seq LIMIT 64
	)) AND d.next_at <= $4 AND (d.lease_until IS NULL OR d.lease_until <= $4)
	ORDER BY d.next_at, d.seq LIMIT $5 FOR UPDATE OF d SKIP LOCKED
)) RETURNING id, event_id, kind, case_id, seq, attempt_count, next_at, since`

// claimSQLite is claimSQL in the words of SQLite, where who writes is alone.
var claimSQLite = strings.NewReplacer("= ANY (ARRAY(", "IN (", "\t)) AND", "\t) AND", "\n)) RETURNING", "\n) RETURNING", " FOR UPDATE OF d SKIP LOCKED", "", "$", "?").Replace(claimSQL)

// ClaimDeliveries claims what is due.
func (s *Store) ClaimDeliveries(ctx context.Context, id, lease string, now, until time.Time, limit int) ([]webhook.Delivery, error) {
	const op = "store.ClaimDeliveries"
	query := claimSQL
	if s.dialect == dialect.SQLite {
		query = claimSQLite
	}
	count(ctx)
	rows, err := s.write.QueryContext(ctx, query, lease, until.UTC(), id, now.UTC(), limit)
	if err != nil {
		return nil, unavailable(op, err)
	}
	defer rows.Close()
	var claimed []webhook.Delivery
	for rows.Next() {
		var event sql.NullString
		d := webhook.Delivery{Webhook: id, State: webhook.Pending, Lease: lease}
		if err := rows.Scan(&d.ID, &event, &d.Kind, &d.Case, &d.Seq, &d.Attempts, &d.NextAt, &d.Since); err != nil {
			return nil, unavailable(op, err)
		}
		d.Event, d.NextAt, d.Since = event.String, d.NextAt.UTC(), d.Since.UTC()
		claimed = append(claimed, d)
	}
	slices.SortFunc(claimed, func(a, b webhook.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return claimed, unavailable(op, rows.Err())
}

// RenewClaim makes a claim end later.
func (s *Store) RenewClaim(ctx context.Context, claimed webhook.Delivery, until time.Time) (bool, error) {
	n, err := s.client.Delivery.Update().Where(claim(claimed)).SetLeaseUntil(until.UTC()).Save(ctx)
	return n == 1, unavailable("store.RenewClaim", err)
}

// claim is the delivery, as long as the claim on it holds. Nothing else changes in
// it meanwhile.
func claim(claimed webhook.Delivery) predicate.Delivery {
	return delivery.And(delivery.ID(claimed.ID), delivery.Lease(claimed.Lease), delivery.StateEQ(webhook.Pending))
}

// EndClaims ends all claims. It is for the start of the only process that may serve
// a database: who had them is dead.
func (s *Store) EndClaims(ctx context.Context) error {
	if s.dialect == dialect.Postgres {
		return nil
	}
	err := s.client.Delivery.Update().Where(delivery.NextAtNotNil(), delivery.LeaseNotNil()).ClearLease().ClearLeaseUntil().Exec(ctx)
	return unavailable("store.EndClaims", err)
}

// SettleDeliveries ends claims. Most change nothing in their webhook: then it is not
// locked, and others of its deliveries need not wait.
func (s *Store) SettleDeliveries(ctx context.Context, all ...webhook.Settling) error {
	const op = "store.SettleDeliveries"
	if len(all) == 0 {
		return nil
	}
	ctx = viewer.WithoutOnce(ctx)
	id := all[0].Claimed.Webhook
	w, err := s.Webhook(ctx, id)
	if err == nil {
		var standing bool
		var ends []ended
		if ends, standing, err = settled(ctx, s.client, &w, all); err == nil && standing {
			err = s.inClient(ctx, func(tx *ent.Client) error { return endClaims(ctx, tx, ends) })
			return unavailable(op, err)
		}
	}
	if err == nil {
		err = s.inClient(ctx, func(tx *ent.Client) error {
			w, err := s.lockWebhook(ctx, tx, op, id)
			if err != nil {
				return err
			}
			ends, standing, err := settled(ctx, tx, &w, all)
			if err == nil && !standing {
				err = saveWebhook(ctx, tx, w)
			}
			if err != nil {
				return err
			}
			return endClaims(ctx, tx, ends)
		})
	}
	if fault.CodeOf(err) == fault.NotFound { // deleted, with its deliveries
		return nil
	}
	return unavailable(op, err)
}

// ended is what a delivery was when it was claimed, and what it has become.
type ended struct {
	claimed, now webhook.Delivery
	attempt      *webhook.Attempt
}

// settled lets those settle whose claims still hold, and says whether their webhook
// stands as it did.
func settled(ctx context.Context, c *ent.Client, w *webhook.Webhook, all []webhook.Settling) (ends []ended, standing bool, err error) {
	held, err := c.Delivery.Query().Where(claims(all)).IDs(ctx)
	if err != nil {
		return nil, false, err
	}
	before := *w
	for _, one := range all {
		if !slices.Contains(held, one.Claimed.ID) {
			continue // somebody else has it now
		}
		e := ended{claimed: one.Claimed, now: one.Claimed}
		if e.attempt, err = one.Settle(w, &e.now); err != nil {
			return nil, false, err
		}
		ends = append(ends, e)
	}
	return ends, w.State == before.State && w.Reason == before.Reason && w.Breaker == before.Breaker, nil
}

func claims(all []webhook.Settling) predicate.Delivery {
	each := make([]predicate.Delivery, len(all))
	for i, one := range all {
		each[i] = claim(one.Claimed)
	}
	return delivery.Or(each...)
}

// endClaims keeps what deliveries have become, with their attempts, where the claims
// still hold.
func endClaims(ctx context.Context, tx *ent.Client, ends []ended) error {
	var attempted []ended
	var ids []string
	for _, e := range ends {
		d := e.now
		update := tx.Delivery.Update().Where(claim(e.claimed)).SetState(d.State).SetAttemptCount(d.Attempts).ClearLease().ClearLeaseUntil()
		set(instantPointer(d.NextAt), update.Mutation().SetNextAt, update.Mutation().ClearNextAt)
		set(instantPointer(d.DoneAt), update.Mutation().SetDoneAt, update.Mutation().ClearDoneAt)
		n, err := update.Save(ctx)
		if err != nil {
			return err
		}
		if n == 0 { // somebody else has it now
			continue
		}
		// What waits behind it is not due before it is, so that nobody looks at it in vain.
		if d.State == webhook.Pending {
			if err := tx.Delivery.Update().Where(behind(d.Webhook, d.Case, d.Seq), delivery.NextAtLT(d.NextAt.UTC())).SetNextAt(d.NextAt.UTC()).Exec(ctx); err != nil {
				return err
			}
		}
		if e.attempt != nil {
			attempted, ids = append(attempted, e), append(ids, d.ID)
		}
	}
	if len(attempted) == 0 {
		return nil
	}
	var before []struct {
		Delivery string `json:"delivery_id"`
		Position int    `json:"max"`
	}
	if err := tx.DeliveryAttempt.Query().Where(deliveryattempt.DeliveryIDIn(ids...)).GroupBy(deliveryattempt.FieldDeliveryID).
		Aggregate(ent.Max(deliveryattempt.FieldPosition)).Scan(ctx, &before); err != nil {
		return err
	}
	last := map[string]int{}
	for _, b := range before {
		last[b.Delivery] = b.Position
	}
	made := make([]*ent.DeliveryAttemptCreate, len(attempted))
	for i, e := range attempted {
		position, a := last[e.now.ID]+1, e.attempt
		made[i] = tx.DeliveryAttempt.Create().SetID(ref.Attempt(e.now.ID, position)).SetDeliveryID(e.now.ID).SetPosition(position).SetAt(a.At.UTC()).
			SetTook(int(a.Took.Milliseconds())).SetOutcome(a.Outcome).SetNillableError(pointer(a.Error))
		if a.Status != 0 {
			made[i].SetStatus(a.Status)
		}
	}
	return tx.DeliveryAttempt.CreateBulk(made...).Exec(ctx)
}

// ForgetDeliveries deletes deliveries that were done long ago.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time) error {
	_, err := s.client.Delivery.Delete().Where(delivery.DoneAtLT(before.UTC())).Exec(ctx)
	return unavailable("store.ForgetDeliveries", err)
}
