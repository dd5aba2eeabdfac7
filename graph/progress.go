package graph

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/workday"
)

// mask hides a name: of two characters the first stays (张*), of more the first
// and the last (欧**明).
func mask(name string) string {
	runes := []rune(strings.TrimSpace(name))
	switch n := len(runes); n {
	case 0:
		return ""
	case 1:
		return "*"
	case 2:
		return string(runes[0]) + "*"
	default:
		return string(runes[0]) + strings.Repeat("*", n-2) + string(runes[n-1])
	}
}

// Guesses bounds how often somebody may try a code for a number.
type Guesses interface {
	// May is LIMITED when whoever sends the request of ctx has tried too often, or
	// anybody this number.
	May(ctx context.Context, number string) error
	// Missed says that the number, or its code, was wrong.
	Missed(ctx context.Context, number string)
}

// missTime is how long a wrong number or code takes to be answered: longer than
// any look-up, so that the time does not tell which of the two was wrong.
const missTime = 150 * time.Millisecond

// progress gives what the public may know of a case to who has its number and
// its query code; nil unless both are right, told after the same time whatever
// was wrong.
func (r *Resolver) progress(ctx context.Context, number, code string) (*model.Progress, error) {
	number = strings.TrimSpace(number)
	if r.Guesses != nil {
		if err := r.Guesses.May(ctx, number); err != nil {
			return nil, err
		}
	}
	told := time.NewTimer(missTime)
	defer told.Stop()
	p, err := r.progressOf(ctx, number, code)
	if p != nil || err != nil {
		return p, err
	}
	if r.Guesses != nil {
		r.Guesses.Missed(ctx, number)
	}
	select {
	case <-told.C:
	case <-ctx.Done():
	}
	return nil, nil
}

// progressOf reads past what the viewer may see: the code is the permission.
func (r *Resolver) progressOf(ctx context.Context, number, code string) (*model.Progress, error) {
	id, err := r.Desk.Cases.Numbered(ctx, number)
	if err != nil || id == "" {
		return nil, err
	}
	found, err := r.Desk.Cases.Load(ctx, []string{id})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	c := found[0]
	given := strings.ToUpper(strings.TrimSpace(code))
	if c.QueryCode == "" || subtle.ConstantTimeCompare([]byte(given), []byte(c.QueryCode)) == 0 {
		return nil, nil
	}
	promised, err := r.clockOf(c, casework.PromisedClock)
	if err != nil {
		return nil, err
	}
	p := r.progressView(c)
	p.PromisedDueOn = promised.DueOn
	return p, nil
}

func (r *Resolver) progressView(c *casework.Case) *model.Progress {
	day := r.today()
	if !c.AcceptedAt.IsZero() {
		day = workday.DateOf(c.AcceptedAt)
	}
	p := &model.Progress{
		Number: c.Number, State: c.State, Name: r.nameOf(c, day), Applicant: mask(c.Applicant),
		ReceivedOn: model.DayOf(c.ReceivedAt), AcceptedOn: model.DayOf(c.AcceptedAt),
		Steps: make([]*model.ProgressStep, len(c.Reviews)),
	}
	for i, review := range c.Reviews {
		p.Steps[i] = &model.ProgressStep{Item: r.itemName(review.Item, day), Department: review.Department, State: review.State}
		if d, ok := r.book().Department(review.Department); ok {
			p.Steps[i].Department = d.Name
		}
	}
	return p
}

// nameOf gives the name of what is applied for.
func (r *Resolver) nameOf(c *casework.Case, day workday.Date) string {
	if c.Scheme == "" {
		return r.itemName(c.Item, day)
	}
	for _, pin := range c.Standards {
		if s, ok := r.book().Scheme(pin.Code, pin.Version); ok && pin.Code == c.Scheme {
			return s.Name
		}
	}
	return c.Scheme
}

// itemName gives the name of an item, or its code where it is none any more.
func (r *Resolver) itemName(code string, day workday.Date) string {
	if it, _, ok := r.book().Item(code, day); ok {
		return it.Name
	}
	return code
}
