package graph

import (
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

func (r *Resolver) guide(in model.GuideInput) (*guide.Guide, error) {
	return r.Book.Current().Compute(guide.Input{
		Scheme: deref(in.Scheme), Item: deref(in.Item), Facts: in.Facts, Region: deref(in.Region), AsOf: r.day(in.AsOf),
	})
}

func (r *Resolver) noticeView(n guide.Notice, g *guide.Guide) *model.Notice {
	if g == nil {
		return nil
	}
	return &model.Notice{Number: n.Number, IssuedAt: n.IssuedAt, Digest: n.Digest, Guide: model.NewGuide(r.Client, g), Document: string(n.Document)}
}

func (r *Resolver) deadline(in model.DeadlineInput) (*workday.Deadline, error) {
	calendar, ok := r.Book.Current().Calendar(deref(in.Calendar))
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
