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
	// leaseTime is how long a claim holds. It is renewed while its message is on the
	// way, so that it ends soon after its server has, and not before. The clocks of
	// servers may differ by less than what is left when it is renewed.
	leaseTime  = 10 * time.Second
	renewEvery = leaseTime / 4
	// answerTime bounds the answer to a selection.
	answerTime = 10 * time.Second
	// settleTime bounds writing down what came of a message, also while the server
	// stops.
	settleTime = 10 * time.Second
	// stopTime is what messages that are on their way get when the server stops.
	stopTime = 4 * time.Second
	// laterPause is when a delivery is tried again that could not even be sent, for
	// a reason of our own.
	laterPause = 15 * time.Second
)

// How many messages are on their way from one instance at most. Endpoints that keep
// us waiting or fail have their places among their like, and so have those that
// this instance has not asked yet: however many there are, they keep no endpoint
// waiting that is prompt.
const (
	promptPlaces  = 256
	unknownPlaces = 64
	doubtedPlaces = 64
	promptTime    = 2 * time.Second // who answers within is prompt
	ofPrompt      = 8               // at once, of one webhook
	ofSlow        = 2
	ofUnknown     = 1
	ofFailing     = 1
)

// Dispatcher turns events into deliveries and sends them. Any number of
// instances may run at once, and any may be killed at any moment: what was
// claimed is sent again by another, under the same id.
type Dispatcher struct {
	Keeper   Keeper
	Payloads Payloads
	Sender   Sender
	Book     *guide.Book
	Keys     Keys
	Now      func() time.Time // the real time, also in a sandbox: endpoints compare it with theirs
	Random   io.Reader

	start                    sync.Once
	prompt, unknown, doubted places
	running                  sync.WaitGroup

	mu    sync.Mutex
	lanes map[string]*lane         // webhooks that are being sent to
	took  map[string]time.Duration // by webhook: how long its endpoint let us wait for its last answer
}

func (d *Dispatcher) init() {
	d.start.Do(func() {
		d.prompt, d.unknown, d.doubted = make(places, promptPlaces), make(places, unknownPlaces), make(places, doubtedPlaces)
		d.lanes, d.took = map[string]*lane{}, map[string]time.Duration{}
	})
}

// Work makes deliveries of all events so far, and starts to send what is due. A
// webhook that has many events to catch up with keeps no delivery waiting.
func (d *Dispatcher) Work(ctx context.Context) error {
	for {
		seen, err := d.FanOut(ctx)
		if err := errors.Join(err, d.Deliver(ctx)); err != nil || seen == 0 {
			return err
		}
	}
}

// FanOut makes deliveries of the next events, some for each webhook, and gives how
// many it has looked at; 0: there are no more.
func (d *Dispatcher) FanOut(ctx context.Context) (seen int, err error) {
	book := d.Book.Current()
	known := map[string][]string{}
	within := func(region string) []string {
		regions, ok := known[region]
		if !ok {
			regions = book.RegionsIn(region)
			known[region] = regions
		}
		return regions
	}
	return d.Keeper.FanOut(ctx, d.Now().UTC(), func(w Webhook, h Happening) bool { return w.Wants(h, within) })
}

// Deliver starts to send what is due, each webhook by itself. It returns at once;
// see Wait.
func (d *Dispatcher) Deliver(ctx context.Context) error {
	d.init()
	due, err := d.Keeper.DueWebhooks(ctx, d.Now().UTC())
	if err != nil {
		return err
	}
	for _, webhook := range due {
		l, is := d.lane(webhook.ID)
		if !is {
			d.running.Go(func() {
				if err := d.serve(ctx, l, webhook.Failing); err != nil && ctx.Err() == nil {
					slog.ErrorContext(ctx, "deliveries of a webhook stopped; they go on soon", "webhook", l.webhook, "error", err)
				}
			})
		}
	}
	return nil
}

// Wait returns when nothing is being sent any more.
func (d *Dispatcher) Wait() { d.running.Wait() }

// lane is a webhook that is being sent to.
type lane struct {
	webhook string
	more    chan struct{} // of one: something has become due
}

// lane gives the lane of a webhook and whether it is served already, and then has
// been told to look again.
func (d *Dispatcher) lane(webhook string) (l *lane, is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l, is = d.lanes[webhook]; is {
		select {
		case l.more <- struct{}{}:
		default:
		}
		return l, true
	}
	l = &lane{webhook: webhook, more: make(chan struct{}, 1)}
	d.lanes[webhook] = l
	return l, false
}

// leave ends a lane, unless something has become due meanwhile; anyway: even then,
// since whoever looks next finds it.
func (d *Dispatcher) leave(l *lane, anyway bool) (left bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-l.more:
		if !anyway {
			return false
		}
	default:
	}
	delete(d.lanes, l.webhook)
	return true
}

// places bound how many messages are on their way.
type places chan struct{}

// take takes up to n places that are free, and with wait at least one.
func (p places) take(ctx context.Context, n int, wait bool) (taken int) {
	if n > 0 && wait {
		select {
		case p <- struct{}{}:
			taken++
		case <-ctx.Done():
			return 0
		}
	}
	for ; taken < n; taken++ {
		select {
		case p <- struct{}{}:
		default:
			return taken
		}
	}
	return taken
}

func (p places) free(n int) {
	for range n {
		<-p
	}
}

// pace says where the messages of a webhook have their places, and how many may be
// on their way at once.
func (d *Dispatcher) pace(webhook string, failing bool) (places, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	took, known := d.took[webhook]
	switch {
	case failing:
		return d.doubted, ofFailing
	case !known:
		return d.unknown, ofUnknown
	case took > promptTime:
		return d.doubted, ofSlow
	}
	return d.prompt, ofPrompt
}

// serve sends to one webhook until nothing is due or its breaker opens. What has
// been answered meanwhile is settled together: one commit, however many.
func (d *Dispatcher) serve(ctx context.Context, l *lane, failing bool) (err error) {
	answers := make(chan sent, ofPrompt)
	sending := 0
	for err == nil && ctx.Err() == nil {
		var claimed int
		if claimed, failing, err = d.claim(ctx, l.webhook, failing, sending, answers); err != nil {
			break
		}
		sending += claimed
		switch {
		case claimed > 0: // until no more may be claimed
		case sending > 0:
			select {
			case first := <-answers:
				var n int
				n, err = d.settle(ctx, first, answers)
				sending -= n
			case <-l.more:
			}
		case d.leave(l, false):
			return nil
		}
	}
	for sending > 0 {
		n, failed := d.settle(ctx, <-answers, answers)
		sending, err = sending-n, errors.Join(err, failed)
	}
	d.leave(l, true)
	return err
}

// sent is a delivery that has been sent, or could not be.
type sent struct {
	Settling
	failed error // a reason of our own
}

// settle writes down what came of a delivery, and of those that have been sent by
// now, and gives how many these are.
func (d *Dispatcher) settle(ctx context.Context, first sent, more <-chan sent) (n int, err error) {
	all, failed := []Settling{first.Settling}, []error{first.failed}
	for {
		select {
		case next := <-more:
			all, failed = append(all, next.Settling), append(failed, next.failed)
			continue
		default:
		}
		break
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return len(all), errors.Join(append(failed, d.Keeper.SettleDeliveries(ctx, all...))...)
}

// claim claims what may be sent to a webhook beside what is being sent, and sends
// it; each tells when it has been sent.
func (d *Dispatcher) claim(ctx context.Context, id string, failing bool, sending int, done chan<- sent) (claimed int, fails bool, err error) {
	places, atOnce := d.pace(id, failing)
	taken := places.take(ctx, atOnce-sending, sending == 0)
	defer func() { places.free(taken - claimed) }()
	if taken == 0 {
		return 0, failing, nil
	}
	w, err := d.Keeper.Webhook(ctx, id)
	if fault.CodeOf(err) == fault.NotFound {
		d.mu.Lock()
		delete(d.took, id)
		d.mu.Unlock()
		return 0, false, nil
	}
	if err != nil {
		return 0, failing, err
	}
	now := d.Now().UTC()
	fails = w.Breaker.Failures > 0
	if w.State != Active || w.Breaker.OpenUntil.After(now) || fails && sending > 0 {
		return 0, fails, nil
	}
	if fails {
		places.free(taken - 1)
		taken = 1 // a failing endpoint is asked with one message alone
	}
	lease, err := ref.NewKey(now, d.Random)
	if err != nil {
		return 0, fails, err
	}
	due, err := d.Keeper.ClaimDeliveries(ctx, id, lease, now, now.Add(leaseTime), taken)
	if err != nil {
		return 0, fails, err
	}
	for _, c := range due {
		d.running.Go(func() {
			defer places.free(1)
			done <- d.send(ctx, w, c)
		})
	}
	return len(due), fails, nil
}

// send sends one delivery and says what follows from it.
func (d *Dispatcher) send(ctx context.Context, w Webhook, claimed Delivery) sent {
	sending, end := d.hold(ctx, claimed)
	defer end()
	m, visible, err := d.message(sending, w, claimed)
	var a Answer
	var unreadable *unreadableError
	switch {
	case errors.As(err, &unreadable):
		a = Answer{Attempt: Attempt{At: d.Now().UTC(), Outcome: Unreadable, Error: unreadable.text}}
	case err != nil:
		return sent{Settling{claimed, d.after(laterPause)}, err}
	case !visible:
		return sent{Settling{claimed, func(_ *Webhook, del *Delivery) (*Attempt, error) {
			del.State, del.DoneAt, del.NextAt = Skipped, d.Now().UTC(), time.Time{}
			return nil, nil
		}}, nil}
	default:
		a = d.Sender.Send(sending, m)
		d.mu.Lock()
		d.took[w.ID] = a.Took
		d.mu.Unlock()
		if sending.Err() != nil && a.Status == 0 { // it may have arrived or not
			return sent{Settling{claimed, d.after(0)}, nil}
		}
	}
	return sent{Settling{claimed, func(w *Webhook, del *Delivery) (*Attempt, error) {
		return &a.Attempt, Judge(w, del, a, d.Random)
	}}, nil}
}

// hold keeps a claim while its message is on the way: the context that it gives
// ends with the claim, and soon after the server has been told to stop.
func (d *Dispatcher) hold(ctx context.Context, claimed Delivery) (context.Context, context.CancelFunc) {
	sending, end := context.WithCancel(context.WithoutCancel(ctx))
	d.running.Go(func() {
		defer end()
		renew, expiry := time.NewTicker(renewEvery), time.NewTimer(leaseTime-renewEvery) // before it ends for others
		defer renew.Stop()
		defer expiry.Stop()
		told := ctx.Done()
		var stop <-chan time.Time
		for {
			select {
			case <-sending.Done():
				return
			case <-told:
				told, stop = nil, time.After(stopTime)
			case <-stop:
				return
			case <-expiry.C:
				return
			case <-renew.C:
				asking, cancel := context.WithTimeout(sending, renewEvery/2)
				ours, err := d.Keeper.RenewClaim(asking, claimed, d.Now().UTC().Add(leaseTime))
				cancel()
				if err == nil && !ours { // somebody else has it now
					return
				}
				if err == nil {
					expiry.Reset(leaseTime - 2*renewEvery) // it was renewed before the answer
				}
			}
		}
	})
	return sending, end
}

// after puts a delivery back for a reason that is not the endpoint's.
func (d *Dispatcher) after(pause time.Duration) func(*Webhook, *Delivery) (*Attempt, error) {
	return func(_ *Webhook, del *Delivery) (*Attempt, error) {
		del.NextAt = d.Now().UTC().Add(pause)
		return nil, nil
	}
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
	signature, err := d.Keys.Sign(w, claimed.ID, now, text)
	return Message{URL: w.URL, ID: claimed.ID, Timestamp: now, Signature: signature, Body: text}, true, err
}
