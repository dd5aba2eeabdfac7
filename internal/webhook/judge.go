package webhook

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Breaker keeps an endpoint that fails from being asked all the time.
type Breaker struct {
	Failures     int       // in a row, over all deliveries
	FailingSince time.Time // of the first of them
	OpenUntil    time.Time // nothing is sent before
}

const (
	// breakAfter failures in a row the breaker opens.
	breakAfter = 5
	// The breaker stays open for this long, doubled with each further failure.
	firstBreak = time.Minute
	lastBreak  = time.Hour
	// patience is how long a delivery is tried again that fails for a reason which
	// may pass.
	patience = 72 * time.Hour
	// disableAfter is how long an endpoint may take nothing at all.
	disableAfter = 5 * 24 * time.Hour
	// longestRetryAfter bounds what an endpoint may ask for.
	longestRetryAfter = 24 * time.Hour
)

// The pauses before a delivery is tried again, by kind of reason. A reason that
// may pass is tried again until patience ends, with the last pause repeated; a
// rejection is final after the last one: the endpoint has read it and said no,
// but may have been in the middle of an upgrade.
var (
	passing   = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}
	rejection = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}
)

// Answer is what an endpoint said, or what kept it from saying anything.
type Answer struct {
	Attempt
	RetryAfter time.Duration // as asked for; 0: not
}

// Classify gives the outcome of an HTTP status.
func Classify(status int, retryAfter time.Duration) Outcome {
	switch {
	case status >= 200 && status < 300:
		return Taken
	case status == 410:
		return Gone
	case status == 429, status == 503 && retryAfter > 0:
		return Throttled
	case status == 408, status == 425, status >= 500:
		return Erred
	}
	return Rejected
}

// Judge says what follows from an attempt, for its delivery and for the webhook.
// Chance spreads the retries, so that a crowd that failed together does not come
// back together.
func Judge(w *Webhook, d *Delivery, a Answer, chance io.Reader) error {
	now := a.At.Add(a.Took).UTC()
	d.Attempts++
	if a.Outcome == Taken {
		d.State, d.DoneAt, d.NextAt = Delivered, now, time.Time{}
		w.Breaker = Breaker{}
		return nil
	}
	if a.Outcome == Gone {
		d.State, d.DoneAt, d.NextAt = Failed, now, time.Time{}
		w.State, w.Reason = Disabled, "the endpoint answered 410 Gone"
		return nil
	}
	pauses, final := passing, now.Sub(d.Since) >= patience
	switch a.Outcome {
	case Rejected, Forbidden, Unreadable:
		pauses, final = rejection, d.Attempts > len(rejection)
	}
	wait, err := jitter(pauses[min(d.Attempts, len(pauses))-1], chance)
	if err != nil {
		return err
	}
	asked := min(a.RetryAfter, longestRetryAfter)
	wait = max(wait, asked)
	if d.NextAt = now.Add(wait); final {
		d.State, d.DoneAt, d.NextAt = Failed, now, time.Time{}
	}
	w.fail(a.Outcome, asked, now)
	return nil
}

// fail counts a failure of the endpoint. Rejecting one message says nothing about
// the next, and a selection that cannot be answered nothing about the endpoint.
func (w *Webhook) fail(o Outcome, asked time.Duration, now time.Time) {
	b := &w.Breaker
	switch o {
	case Rejected, Unreadable:
		return
	case Throttled: // it works, and says when it wants to be asked again
		if until := now.Add(max(asked, passing[0])); until.After(b.OpenUntil) {
			b.OpenUntil = until
		}
		return
	}
	if b.Failures++; b.Failures == 1 {
		b.FailingSince = now
	}
	if b.Failures >= breakAfter {
		pause := firstBreak
		for range b.Failures - breakAfter {
			if pause = min(2*pause, lastBreak); pause == lastBreak {
				break
			}
		}
		b.OpenUntil = now.Add(pause)
	}
	if now.Sub(b.FailingSince) >= disableAfter {
		w.State = Disabled
		w.Reason = fmt.Sprintf("the endpoint has taken nothing since %s: %s", b.FailingSince.Format(time.RFC3339), o)
	}
}

// jitter gives a pause between 80 % and 120 % of the one meant.
func jitter(pause time.Duration, chance io.Reader) (time.Duration, error) {
	var dice [4]byte
	if _, err := io.ReadFull(chance, dice[:]); err != nil {
		return 0, fmt.Errorf("webhook.jitter: %w", err)
	}
	part := float64(binary.BigEndian.Uint32(dice[:])) / (1 << 32)
	return time.Duration(float64(pause) * (0.8 + 0.4*part)), nil
}
