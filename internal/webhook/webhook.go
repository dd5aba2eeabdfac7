// Package webhook tells integrators what happens: who has asked for which
// events, when a message is sent, how it is signed, when it is sent again and
// when it is given up.
package webhook

import (
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/viewer"
)

// State is where a webhook stands.
type State string

// The states of a webhook.
const (
	// Active: events become deliveries, and deliveries are sent.
	Active State = "ACTIVE"
	// Paused by its owner: nothing is sent. Events wait in the log; when it is
	// ACTIVE again it goes on where it stood.
	Paused State = "PAUSED"
	// Disabled by the platform: the endpoint said that it is gone, or did not take
	// anything for days. As PAUSED; its owner makes it ACTIVE again.
	Disabled State = "DISABLED"
)

var states = []State{Active, Paused, Disabled}

// DeliveryState is where the delivery of one event to one webhook stands.
type DeliveryState string

// The states of a delivery.
const (
	// Pending: to be sent at NextAt, once all earlier deliveries of its case to the
	// same webhook are settled.
	Pending DeliveryState = "PENDING"
	// Delivered: the endpoint has answered with success.
	Delivered DeliveryState = "DELIVERED"
	// Failed: given up. Only redeliver or a replay makes it PENDING again.
	Failed DeliveryState = "FAILED"
	// Skipped: the subscriber may not see the event any more; nothing was sent.
	Skipped DeliveryState = "SKIPPED"
)

var deliveryStates = []DeliveryState{Pending, Delivered, Failed, Skipped}

// Outcome is what came of one attempt.
type Outcome string

// The outcomes of an attempt, and what follows from each (see Judge).
const (
	Taken       Outcome = "TAKEN"       // 2xx
	Rejected    Outcome = "REJECTED"    // another 3xx or 4xx: the endpoint will not take it as it is
	Gone        Outcome = "GONE"        // 410: the endpoint wants nothing any more
	Throttled   Outcome = "THROTTLED"   // 429, or 503 with Retry-After
	Erred       Outcome = "ERRED"       // 408, 425, 5xx
	Late        Outcome = "LATE"        // no answer in time
	Unreachable Outcome = "UNREACHABLE" // no connection: name, network, TLS
	Forbidden   Outcome = "FORBIDDEN"   // the target is one that the operator does not allow
	Unreadable  Outcome = "UNREADABLE"  // the selection cannot be answered any more
)

var outcomes = []Outcome{Taken, Rejected, Gone, Throttled, Erred, Late, Unreachable, Forbidden, Unreadable}

// Webhook is a subscription: which events go where, as whom and in what form.
type Webhook struct {
	ID        string
	URL       string
	Filter    Filter
	Selection string // of GraphQL, on Event
	Owner     viewer.Viewer
	State     State
	Reason    string // why it is DISABLED
	Secrets   []Secret
	Cursor    int64 // the place of the last event that has become a delivery, or was not wanted
	Breaker   Breaker
	CreatedAt time.Time
}

// Filter says which events are wanted. What is empty filters nothing.
type Filter struct {
	Kinds      []string
	Department string // that leads the case or reviews in it
	Region     string // the case's, or one that it lies in
	Scheme     string
	OwnCases   bool // the subscriber is the applicant or the agent
}

// Happening is what a filter looks at in an event.
type Happening struct {
	Kind        string
	Case        string
	Departments []string // the lead's, and those that review
	Region      string
	Scheme      string
	Applicant   string
	Agent       string
	Submitted   bool // it happened with the first submission or later, and the case is no draft now
}

// Wants says whether an event becomes a delivery. Within are the regions of the
// filter's region. A draft is nobody's business but the applicant's.
func (w Webhook) Wants(h Happening, within func(region string) []string) bool {
	owner := w.Owner
	owner.Within = within(owner.Region)
	if !h.Submitted || !owner.Covers(h.Region) {
		return false
	}
	f := w.Filter
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, h.Kind),
		f.Department != "" && !slices.Contains(h.Departments, f.Department),
		f.Region != "" && f.Region != h.Region && !slices.Contains(within(f.Region), h.Region),
		f.Scheme != "" && f.Scheme != h.Scheme,
		f.OwnCases && owner.Subject != h.Applicant && owner.Subject != h.Agent:
		return false
	}
	return true
}

// Delivery is one event on its way to one webhook. Its identity is the message's
// (webhook-id), the same in every attempt.
type Delivery struct {
	ID       string
	Webhook  string
	Event    string
	Kind     string
	Case     string
	Seq      int64 // the event's place among all
	State    DeliveryState
	Attempts int       // made so far, since it is PENDING
	NextAt   time.Time // while PENDING
	Since    time.Time // PENDING since; the patience for it is counted from here
	DoneAt   time.Time
	Lease    string // of the worker that has claimed it
}

// Attempt is one time that a delivery was sent, or was to be.
type Attempt struct {
	At      time.Time
	Took    time.Duration
	Outcome Outcome
	Status  int // of HTTP; 0: there was no answer
	Error   string
}
