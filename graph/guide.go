package graph

import (
	"context"

	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/workday"
)

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (r *Resolver) guide(ctx context.Context, in model.GuideInput) (*guide.Guide, error) {
	book, err := r.preview(ctx, in.Draft, in.AsOf)
	if err != nil {
		return nil, err
	}
	return book.Compute(guide.Input{
		Scheme: deref(in.Scheme), Item: deref(in.Item), Facts: in.Facts, Region: deref(in.Region), AsOf: r.day(in.AsOf),
	})
}

// issue freezes a guide as a notice. A request that is sent again gets the
// notice of the first time.
func (r *Resolver) issue(ctx context.Context, g *guide.Guide) (*model.Notice, error) {
	n, err := guide.Issue(g, r.Desk.Now(), r.Desk.Random)
	if err != nil {
		return nil, err
	}
	number, err := r.Desk.Notices.SaveNotice(ctx, n)
	if err != nil {
		return nil, err
	}
	if number != n.Number {
		return r.notice(ctx, number)
	}
	return r.noticeView(n, g), nil
}

func (r *Resolver) notice(ctx context.Context, number string) (*model.Notice, error) {
	n, err := r.Desk.Notices.Notice(ctx, number)
	if err != nil {
		return nil, err
	}
	g, err := guide.Read(n.Document)
	if err != nil {
		return nil, err
	}
	return r.noticeView(n, g), nil
}

func (r *Resolver) noticeView(n guide.Notice, g *guide.Guide) *model.Notice {
	return &model.Notice{Number: n.Number, IssuedAt: n.IssuedAt, Digest: n.Digest, Guide: model.NewGuide(r.Client, g), Document: string(n.Document)}
}

func (r *Resolver) deadline(in model.DeadlineInput) (*workday.Deadline, error) {
	calendar, ok := r.book().Calendar(deref(in.Calendar))
	if !ok {
		return nil, fault.InvalidInput("graph.deadline", fault.Problem{Path: "calendar", Code: "UNKNOWN_CALENDAR",
			ZH: "没有日历 " + deref(in.Calendar), EN: "there is no calendar " + deref(in.Calendar)})
	}
	pauses := make([]workday.Pause, len(in.Pauses))
	for i, p := range in.Pauses {
		pauses[i] = workday.Pause{From: p.From, To: p.To, Reason: p.Reason}
	}
	d, err := calendar.Deadline(in.Start, workday.Limit{Amount: in.Amount, Unit: in.Unit}, pauses)
	if err != nil {
		return nil, err
	}
	return &d, nil
}
