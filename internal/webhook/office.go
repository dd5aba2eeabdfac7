package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Keeper keeps webhooks, their deliveries and the attempts. What it is given is
// kept whole or not at all. A webhook or delivery that is not there is NOT_FOUND.
// Where the context carries a viewer.Once whose effect was had before,
// CreateWebhook, UpdateWebhook, DeleteWebhook and Redeliver do nothing and
// succeed.
type Keeper interface {
	// CreateWebhook keeps a new webhook and gives its identity, or that of the one
	// that the same request made before.
	CreateWebhook(ctx context.Context, w Webhook) (id string, err error)
	// Webhook reads one.
	Webhook(ctx context.Context, id string) (Webhook, error)
	// CountWebhooks counts the webhooks of a subject.
	CountWebhooks(ctx context.Context, subject string) (int, error)
	// UpdateWebhook locks a webhook, lets change alter it, and keeps what it has
	// become.
	UpdateWebhook(ctx context.Context, id string, change func(w *Webhook) error) error
	// DeleteWebhook deletes a webhook with its deliveries, if may agrees.
	DeleteWebhook(ctx context.Context, id string, may func(w Webhook) error) error
	// DueAtOnce makes all that is PENDING for a webhook due.
	DueAtOnce(ctx context.Context, webhook string) error
	// Redeliver makes a delivery PENDING as of now, if may agrees.
	Redeliver(ctx context.Context, delivery string, now time.Time, may func(w Webhook) error) error
	// LastSeq is the place of the last event; 0 without any.
	LastSeq(ctx context.Context) (int64, error)

	// WebhookIDs lists the webhooks of everybody in the order of their identities, the
	// next after one.
	WebhookIDs(ctx context.Context, after string, limit int) (ids []string, err error)

	// FanOut makes deliveries of the next events that ACTIVE webhooks have not met yet
	// and want, PENDING as of now, and moves their cursors on in the same commits. An
	// event that has a delivery already makes it PENDING again. It gives how many
	// events it has looked at, for each webhook; 0: there is nothing to do.
	FanOut(ctx context.Context, now time.Time, wants func(w Webhook, h Happening) bool) (seen int, err error)
	// DueWebhooks lists the ACTIVE webhooks whose breakers are closed and that have
	// deliveries to be sent.
	DueWebhooks(ctx context.Context, now time.Time) ([]Due, error)
	// ClaimDeliveries claims deliveries of a webhook that are due and that nobody
	// else has claimed, those first that have been due for the longest. No two are of
	// one case, and none has an earlier one of its case PENDING. A claim ends at until, or
	// when the delivery is settled.
	ClaimDeliveries(ctx context.Context, webhook, lease string, now, until time.Time, limit int) ([]Delivery, error)
	// RenewClaim makes a claim end at until, unless somebody else has the delivery by
	// now, or it is settled.
	RenewClaim(ctx context.Context, claimed Delivery, until time.Time) (ours bool, err error)
	// SettleDeliveries ends claims on deliveries of one webhook, in one commit: it lets
	// each alter the webhook and the delivery, and keeps what they have become with the
	// attempts. It may ask twice: what is done the second time counts. A delivery that
	// somebody else has by now is left alone.
	SettleDeliveries(ctx context.Context, all ...Settling) error
	// ForgetDeliveries deletes deliveries that were done before.
	ForgetDeliveries(ctx context.Context, before time.Time) error
}

// Due is a webhook that has something to be sent.
type Due struct {
	ID      string
	Failing bool // its endpoint did, the last time
}

// Settling is what becomes of a delivery that was claimed, and of its webhook. The
// attempt is nil when there was none.
type Settling struct {
	Claimed Delivery
	Settle  func(w *Webhook, d *Delivery) (*Attempt, error)
}

// Payload is a selection answered on one event.
type Payload struct {
	Kind       string
	RecordedAt time.Time
	Cursor     string
	Data       json.RawMessage // null: it could not be answered
	Errors     json.RawMessage // empty: none
}

// Payloads answers selections of GraphQL on events.
type Payloads interface {
	// Check gives what is wrong with a selection.
	Check(ctx context.Context, selection string) []fault.Problem
	// Answer answers a selection on an event, as the viewer of ctx. false: there is no
	// such event that the viewer may see. What is away is UNAVAILABLE.
	Answer(ctx context.Context, selection, event string) (Payload, bool, error)
}

// Sender reaches endpoints.
type Sender interface {
	// Check says what is wrong with a target.
	Check(ctx context.Context, url string) []fault.Problem
	// Send sends a message and tells what came of it.
	Send(ctx context.Context, m Message) Answer
}

// Office takes the commands on webhooks. It holds nothing.
type Office struct {
	Keeper   Keeper
	Payloads Payloads
	Sender   Sender
	Book     *guide.Book
	Keys     Keys
	Now      func() time.Time
	Random   io.Reader
}

const (
	maxWebhooks  = 50 // of one subject
	maxURL       = 2000
	maxSelection = 10_000
	maxOverlap   = 7 * 24 * time.Hour
)

// Kinds lists the kinds of events.
func Kinds() []string {
	kinds := slices.Clone(casework.Consequences)
	for _, a := range casework.Actions {
		kinds = append(kinds, string(a))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// Input is what a subscriber asks for.
type Input struct {
	URL       string
	Filter    Filter
	Selection string
	After     string // a cursor; empty: from now on
}

// Create makes a webhook and gives its identity and its secret.
func (o *Office) Create(ctx context.Context, in Input) (id, secret string, err error) {
	v, err := subscriber(ctx, "webhook.createWebhook")
	if err != nil {
		return "", "", err
	}
	w := Webhook{URL: in.URL, Filter: in.Filter, Selection: in.Selection, Owner: v, State: Active}
	problems := o.check(ctx, w)
	last, err := o.Keeper.LastSeq(ctx)
	if err != nil {
		return "", "", err
	}
	w.Cursor = last
	if in.After != "" {
		var p []fault.Problem
		w.Cursor, p = place(in.After, last)
		problems = append(problems, p...)
	}
	if n, err := o.Keeper.CountWebhooks(ctx, v.Subject); err != nil {
		return "", "", err
	} else if n >= maxWebhooks {
		problems = append(problems, fault.Problem{Code: "TOO_MANY", ZH: fmt.Sprintf("每个订阅者最多 %d 个 webhook", maxWebhooks), EN: fmt.Sprintf("a subscriber has at most %d webhooks", maxWebhooks)})
	}
	if len(problems) > 0 {
		return "", "", fault.InvalidInput("webhook.createWebhook", problems...)
	}
	now := o.Now().UTC()
	key, err := ref.NewKey(now, o.Random)
	if err != nil {
		return "", "", err
	}
	w.ID, w.CreatedAt = ref.Webhook(key), now
	first, err := o.Keys.NewSecret(w.ID, now, o.Random)
	if err != nil {
		return "", "", err
	}
	w.Secrets = []Secret{first}
	if id, err = o.Keeper.CreateWebhook(ctx, w); err != nil {
		return "", "", err
	}
	secret, err = o.reveal(ctx, id)
	return id, secret, err
}

// Change is what an update alters; nil: as it is.
type Change struct {
	URL       *string
	Kinds     []string
	Filter    func(f *Filter) // the other filters
	Selection *string
	State     *State
}

// Update alters a webhook. One that is ACTIVE again asks its endpoint at once.
func (o *Office) Update(ctx context.Context, id string, c Change) error {
	const op = "webhook.updateWebhook"
	w, err := o.own(ctx, op, id)
	if err != nil {
		return err
	}
	apply := func(w *Webhook) {
		if c.URL != nil {
			w.URL, w.Breaker = *c.URL, Breaker{}
		}
		if c.Kinds != nil {
			w.Filter.Kinds = c.Kinds
		}
		if c.Filter != nil {
			c.Filter(&w.Filter)
		}
		if c.Selection != nil {
			w.Selection = *c.Selection
		}
		if c.State != nil {
			w.State, w.Reason = *c.State, ""
			if *c.State == Active {
				w.Breaker = Breaker{}
			}
		}
	}
	apply(&w)
	problems := o.check(ctx, w)
	if c.State != nil && *c.State == Disabled {
		problems = append(problems, fault.Problem{Path: "state", Code: "BAD_STATE", ZH: "只能为 ACTIVE 或 PAUSED", EN: "is ACTIVE or PAUSED"})
	}
	if len(problems) > 0 {
		return fault.InvalidInput(op, problems...)
	}
	err = o.Keeper.UpdateWebhook(ctx, id, func(w *Webhook) error {
		apply(w)
		return may(ctx, op)(*w)
	})
	if again := c.URL != nil || c.State != nil && *c.State == Active; err != nil || !again {
		return err
	}
	return o.Keeper.DueAtOnce(ctx, id)
}

// Rotate makes a new secret and gives it. The one before stays valid for overlap.
func (o *Office) Rotate(ctx context.Context, id string, overlap time.Duration) (secret string, err error) {
	const op = "webhook.rotateWebhookSecret"
	if _, err := o.own(ctx, op, id); err != nil {
		return "", err
	}
	if overlap < 0 || overlap > maxOverlap {
		return "", fault.InvalidInput(op, fault.Problem{Path: "overlapHours", Code: "OUT_OF_RANGE", ZH: "须为 0 至 168 小时", EN: "is 0 to 168 hours"})
	}
	now := o.Now().UTC()
	next, err := o.Keys.NewSecret(id, now, o.Random)
	if err != nil {
		return "", err
	}
	err = o.Keeper.UpdateWebhook(ctx, id, func(w *Webhook) error {
		w.Rotate(next, overlap, now)
		return may(ctx, op)(*w)
	})
	if err != nil {
		return "", err
	}
	return o.reveal(ctx, id)
}

// Delete deletes a webhook with its deliveries.
func (o *Office) Delete(ctx context.Context, id string) error {
	const op = "webhook.deleteWebhook"
	if _, err := subscriber(ctx, op); err != nil {
		return err
	}
	return o.Keeper.DeleteWebhook(ctx, id, may(ctx, op))
}

// Redeliver sends one delivery again.
func (o *Office) Redeliver(ctx context.Context, delivery string) error {
	const op = "webhook.redeliver"
	if _, err := subscriber(ctx, op); err != nil {
		return err
	}
	return o.Keeper.Redeliver(ctx, delivery, o.Now().UTC(), may(ctx, op))
}

// Replay goes back in the log of events.
func (o *Office) Replay(ctx context.Context, id, after string) error {
	const op = "webhook.replayWebhook"
	if _, err := subscriber(ctx, op); err != nil {
		return err
	}
	last, err := o.Keeper.LastSeq(ctx)
	if err != nil {
		return err
	}
	cursor, problems := place(after, last)
	if len(problems) > 0 {
		return fault.InvalidInput(op, problems...)
	}
	return o.Keeper.UpdateWebhook(ctx, id, func(w *Webhook) error {
		w.Cursor = min(cursor, w.Cursor) // to go forward would lose events
		return may(ctx, op)(*w)
	})
}

// check says what is wrong with a webhook.
func (o *Office) check(ctx context.Context, w Webhook) []fault.Problem {
	var found []fault.Problem
	add := func(path, code, zh, en string) {
		found = append(found, fault.Problem{Path: path, Code: code, ZH: zh, EN: en})
	}
	if len(w.URL) > maxURL {
		add("url", "TOO_LONG", fmt.Sprintf("最多 %d 个字符", maxURL), fmt.Sprintf("has at most %d characters", maxURL))
	} else {
		for _, p := range o.Sender.Check(ctx, w.URL) {
			add("url", p.Code, p.ZH, p.EN)
		}
	}
	known := Kinds()
	for i, kind := range w.Filter.Kinds {
		if !slices.Contains(known, kind) {
			add(fmt.Sprintf("kinds[%d]", i), "UNKNOWN_KIND", "没有事件类型 "+kind, "there is no kind of event "+kind)
		}
	}
	book := o.Book.Current()
	if d := w.Filter.Department; d != "" {
		if _, ok := book.Department(d); !ok {
			add("department", "UNKNOWN_DEPARTMENT", "没有部门 "+d, "there is no department "+d)
		}
	}
	if r := w.Filter.Region; r != "" && len(book.RegionsIn(r)) == 0 {
		add("region", "UNKNOWN_REGION", "没有区域 "+r, "there is no region "+r)
	}
	if s := w.Filter.Scheme; s != "" && !book.HasScheme(s) {
		add("scheme", "UNKNOWN_SCHEME", "没有联合审批方案 "+s, "there is no scheme "+s)
	}
	if len(w.Selection) > maxSelection {
		add("selection", "TOO_LONG", fmt.Sprintf("最多 %d 个字节", maxSelection), fmt.Sprintf("has at most %d bytes", maxSelection))
		return found
	}
	for _, p := range o.Payloads.Check(ctx, w.Selection) {
		add("selection", p.Code, p.ZH, p.EN)
	}
	return found
}

// place reads a cursor.
func place(cursor string, last int64) (int64, []fault.Problem) {
	n, err := strconv.ParseInt(strings.TrimSpace(cursor), 10, 64)
	if err != nil || n < 0 || n > last {
		return 0, []fault.Problem{{Path: "after", Code: "BAD_CURSOR", ZH: "游标不是事件的 cursor", EN: "is no cursor of an event"}}
	}
	return n, nil
}

// subscriber gives who may have webhooks.
func subscriber(ctx context.Context, op string) (viewer.Viewer, error) {
	v := viewer.From(ctx)
	switch {
	case v.Anonymous():
		return v, fault.New(fault.Unauthenticated, op, "请先登录", "please sign in")
	case v.Role != viewer.Integrator && v.Role != viewer.Admin:
		return v, fault.New(fault.Denied, op, "只有 INTEGRATOR 或 ADMIN 可以使用 webhook", "webhooks are for an INTEGRATOR or ADMIN")
	}
	return v, nil
}

// Sees says whether a viewer may see a webhook, and so change it.
func (w Webhook) Sees(v viewer.Viewer) bool {
	return v.Role == viewer.Admin || v.Role == viewer.Integrator && w.Owner.Role == v.Role && w.Owner.Subject == v.Subject
}

// may refuses who may not see a webhook, as if it were not there.
func may(ctx context.Context, op string) func(w Webhook) error {
	v := viewer.From(ctx)
	return func(w Webhook) error {
		if !w.Sees(v) {
			return notFound(op)
		}
		return nil
	}
}

func notFound(op string) error {
	return fault.New(fault.NotFound, op, "没有这个 webhook", "there is no such webhook")
}

// own reads a webhook of the viewer.
func (o *Office) own(ctx context.Context, op, id string) (Webhook, error) {
	if _, err := subscriber(ctx, op); err != nil {
		return Webhook{}, err
	}
	w, err := o.Keeper.Webhook(ctx, id)
	if err != nil {
		return Webhook{}, err
	}
	return w, may(ctx, op)(w)
}

func (o *Office) reveal(ctx context.Context, id string) (string, error) {
	w, err := o.Keeper.Webhook(ctx, id)
	if err != nil {
		return "", err
	}
	return o.Keys.Reveal(w)
}
