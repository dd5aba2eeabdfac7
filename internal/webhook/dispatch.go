package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Message is what is sent to an endpoint: a POST with the headers of Standard
// Webhooks.
type Message struct {
	URL       string
	ID        string // webhook-id
	Timestamp time.Time
	Signature string
	Body      []byte
}

const (
	// atOnce is how many messages of one webhook are on their way from one instance.
	atOnce = 8
	// leaseTime is how long a claim holds: longer than an answer to a selection and a
	// message can take together. A process that dies leaves its claims until then.
	leaseTime = 45 * time.Second
	// answerTime bounds the answer to a selection.
	answerTime = 10 * time.Second
	// settleTime bounds writing down what came of a message, also while the server
	// stops.
	settleTime = 10 * time.Second
	// laterPause is when a delivery is tried again that could not even be sent, for
	// a reason of our own.
	laterPause = 15 * time.Second
)

// Dispatcher turns events into deliveries and sends them. Any number of
// instances may run at once, and any may be killed at any moment: what was
// claimed is sent again by another, under the same id.
type Dispatcher struct {
	Keeper   Keeper
	Payloads Payloads
	Sender   Sender
	Book     *guide.Book
	Key      Key
	Now      func() time.Time // the real time, also in a sandbox: endpoints compare it with theirs
	Random   io.Reader

	mu      sync.Mutex
	lanes   map[string]bool // webhooks that are being sent to
	running sync.WaitGroup
}

// FanOut makes deliveries of all events so far.
func (d *Dispatcher) FanOut(ctx context.Context) error {
	for ctx.Err() == nil {
		book := d.Book.Current()
		seen, err := d.Keeper.FanOut(ctx, d.Now().UTC(), func(w Webhook, h Happening) bool { return w.Wants(h, book.RegionsIn) })
		if err != nil || seen == 0 {
			return err
		}
	}
	return ctx.Err()
}

// Deliver starts to send what is due, each webhook by itself, so that a slow
// endpoint keeps no other one waiting. It returns at once; see Wait.
func (d *Dispatcher) Deliver(ctx context.Context) error {
	ids, err := d.Keeper.DueWebhooks(ctx, d.Now().UTC())
	if err != nil {
		return err
	}
	for _, id := range ids {
		if d.enter(id) {
			d.running.Go(func() {
				defer d.leave(id)
				if err := d.serve(ctx, id); err != nil && ctx.Err() == nil {
					slog.ErrorContext(ctx, "deliveries of a webhook stopped; they go on soon", "webhook", id, "error", err)
				}
			})
		}
	}
	return nil
}

// Wait returns when nothing is being sent any more.
func (d *Dispatcher) Wait() { d.running.Wait() }

func (d *Dispatcher) enter(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes[id] {
		return false
	}
	if d.lanes == nil {
		d.lanes = map[string]bool{}
	}
	d.lanes[id] = true
	return true
}

func (d *Dispatcher) leave(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lanes, id)
}

// serve sends to one webhook until nothing is due or its breaker opens. A failing
// endpoint is asked with one message alone.
func (d *Dispatcher) serve(ctx context.Context, id string) error {
	for ctx.Err() == nil {
		w, err := d.Keeper.Webhook(ctx, id)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		now := d.Now().UTC()
		if w.State != Active || w.Breaker.OpenUntil.After(now) {
			return nil
		}
		limit := atOnce
		if w.Breaker.suspect() {
			limit = 1
		}
		lease, err := ref.NewKey(now, d.Random)
		if err != nil {
			return err
		}
		claimed, err := d.Keeper.ClaimDeliveries(ctx, id, lease, now, now.Add(leaseTime), limit)
		if err != nil || len(claimed) == 0 {
			return err
		}
		failed := make([]error, len(claimed))
		var sending sync.WaitGroup
		for i, c := range claimed {
			sending.Go(func() { failed[i] = d.send(ctx, w, c) })
		}
		sending.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}

// send sends one delivery and writes down what came of it.
func (d *Dispatcher) send(ctx context.Context, w Webhook, claimed Delivery) error {
	m, visible, err := d.message(ctx, w, claimed)
	var a Answer
	var unreadable *unreadableError
	switch {
	case errors.As(err, &unreadable):
		a = Answer{Attempt: Attempt{At: d.Now().UTC(), Outcome: Unreadable, Error: unreadable.text}}
	case err != nil:
		return errors.Join(err, d.settle(ctx, claimed, d.later))
	case !visible:
		return d.settle(ctx, claimed, func(_ *Webhook, del *Delivery) (*Attempt, error) {
			del.State, del.DoneAt, del.NextAt = Skipped, d.Now().UTC(), time.Time{}
			return nil, nil
		})
	default:
		a = d.Sender.Send(ctx, m)
		if ctx.Err() != nil && a.Status == 0 { // the server stops; it may have arrived or not
			return d.settle(ctx, claimed, d.later)
		}
	}
	return d.settle(ctx, claimed, func(w *Webhook, del *Delivery) (*Attempt, error) {
		return &a.Attempt, Judge(w, del, a, d.Random)
	})
}

// later puts a delivery back for a reason that is not the endpoint's.
func (d *Dispatcher) later(_ *Webhook, del *Delivery) (*Attempt, error) {
	del.NextAt = d.Now().UTC().Add(laterPause)
	return nil, nil
}

func (d *Dispatcher) settle(ctx context.Context, claimed Delivery, settle func(w *Webhook, d *Delivery) (*Attempt, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return d.Keeper.SettleDelivery(ctx, claimed, settle)
}

// unreadableError says that a selection cannot be answered as it is.
type unreadableError struct{ text string }

func (e *unreadableError) Error() string { return e.text }

// body is what a message holds.
type body struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"` // of the event
	Cursor    string          `json:"cursor"`
	Data      json.RawMessage `json:"data"`
	Errors    json.RawMessage `json:"errors,omitempty"`
}

// message answers the selection as the owner, with the regions of today, and
// signs it. false: the owner may not see the event.
func (d *Dispatcher) message(ctx context.Context, w Webhook, claimed Delivery) (Message, bool, error) {
	owner := w.Owner
	owner.Within = d.Book.Current().RegionsIn(owner.Region)
	answering, cancel := context.WithTimeout(viewer.With(viewer.WithoutOnce(ctx), owner), answerTime)
	defer cancel()
	p, visible, err := d.Payloads.Answer(answering, w.Selection, claimed.Event)
	if err != nil || !visible {
		return Message{}, false, err
	}
	if len(p.Data) == 0 || bytes.Equal(p.Data, []byte("null")) {
		return Message{}, false, &unreadableError{fmt.Sprintf("the selection cannot be answered: %.500s", p.Errors)}
	}
	text, err := json.Marshal(body{Type: p.Kind, Timestamp: p.RecordedAt.UTC(), Cursor: p.Cursor, Data: p.Data, Errors: p.Errors})
	if err != nil {
		return Message{}, false, fmt.Errorf("webhook.message: %w", err)
	}
	now := d.Now().UTC()
	signature, err := d.Key.Sign(w, claimed.ID, now, text)
	return Message{URL: w.URL, ID: claimed.ID, Timestamp: now, Signature: signature, Body: text}, true, err
}
