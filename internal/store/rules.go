package store

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/ent/delivery"
	"github.com/onedoor/onedoor/ent/deliveryattempt"
	"github.com/onedoor/onedoor/ent/endpoint"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/predicate"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
)

// restrict makes a client read only what the viewer of each query may see. It
// says in SQL what casework.Case.Sees says in Go. A part of a case is seen by
// whoever sees the case; an event from the moment that it has its place.
func restrict(settled func(context.Context), c *ent.Client) *ent.Client {
	rule := func(where func(q ent.Query, visible predicate.CaseFile)) ent.Interceptor {
		return ent.TraverseFunc(func(ctx context.Context, q ent.Query) error {
			where(q, visible(viewer.From(ctx)))
			return nil
		})
	}
	c.CaseFile.Intercept(rule(func(q ent.Query, visible predicate.CaseFile) { q.(*ent.CaseFileQuery).Where(visible) }))
	c.Review.Intercept(rule(func(q ent.Query, visible predicate.CaseFile) {
		q.(*ent.ReviewQuery).Where(review.HasCaseWith(visible))
	}))
	c.CaseMaterial.Intercept(rule(func(q ent.Query, visible predicate.CaseFile) {
		q.(*ent.CaseMaterialQuery).Where(casematerial.HasCaseWith(visible))
	}))
	own := func(where func(q ent.Query, own predicate.Endpoint)) ent.Interceptor {
		return ent.TraverseFunc(func(ctx context.Context, q ent.Query) error {
			where(q, ownWebhook(viewer.From(ctx)))
			return nil
		})
	}
	c.Endpoint.Intercept(own(func(q ent.Query, own predicate.Endpoint) { q.(*ent.EndpointQuery).Where(own) }))
	c.Delivery.Intercept(own(func(q ent.Query, own predicate.Endpoint) { q.(*ent.DeliveryQuery).Where(delivery.HasWebhookWith(own)) }))
	c.DeliveryAttempt.Intercept(own(func(q ent.Query, own predicate.Endpoint) {
		q.(*ent.DeliveryAttemptQuery).Where(deliveryattempt.HasDeliveryWith(delivery.HasWebhookWith(own)))
	}))
	c.Event.Intercept(ent.TraverseFunc(func(ctx context.Context, _ ent.Query) error {
		settled(ctx)
		return nil
	}))
	c.Event.Intercept(rule(func(q ent.Query, visible predicate.CaseFile) {
		q.(*ent.EventQuery).Where(event.SeqNotNil(), event.HasCaseWith(visible))
	}))
	// Standards under work are for those who work on them: drafting.Draft.Sees.
	c.StandardDraft.Intercept(officials(func(q ent.Query) { q.(*ent.StandardDraftQuery).Where(nothing) }))
	c.Coordination.Intercept(officials(func(q ent.Query) { q.(*ent.CoordinationQuery).Where(nothing) }))
	c.StandardEvent.Intercept(officials(func(q ent.Query) { q.(*ent.StandardEventQuery).Where(nothing) }))
	c.ImpactRun.Intercept(officials(func(q ent.Query) { q.(*ent.ImpactRunQuery).Where(nothing) }))
	return c
}

func nothing(s *sql.Selector) { s.Where(sql.False()) }

// officials hides what others may not see.
func officials(hide func(q ent.Query)) ent.Interceptor {
	return ent.TraverseFunc(func(ctx context.Context, q ent.Query) error {
		if !(&drafting.Draft{}).Sees(viewer.From(ctx)) {
			hide(q)
		}
		return nil
	})
}

// visible is the rule of casework.Case.Sees.
func visible(v viewer.Viewer) predicate.CaseFile {
	submitted := casefile.StateNEQ(casework.Draft)
	covered := casefile.Or(casefile.RegionIDIsNil(), casefile.RegionIDIn(regionIDs(v)...))
	if v.Region == "" {
		covered = func(*sql.Selector) {}
	}
	switch {
	case v.Anonymous():
	case v.Role == viewer.Applicant:
		return casefile.Applicant(v.Subject)
	case v.Role == viewer.Agent:
		return casefile.Agent(v.Subject)
	case v.Role == viewer.Reviewer:
		id := ref.Department(v.Department)
		return casefile.And(submitted, covered, casefile.Or(casefile.LeadID(id), casefile.HasReviewsWith(review.DepartmentID(id))))
	case v.Role == viewer.Window:
		return covered
	case v.Role == viewer.Coordinator, v.Role == viewer.Supervisor, v.Role == viewer.Integrator, v.Role == viewer.Admin:
		return casefile.And(submitted, covered)
	}
	return func(s *sql.Selector) { s.Where(sql.False()) }
}

// ownWebhook is the rule of webhook.Webhook.Sees.
func ownWebhook(v viewer.Viewer) predicate.Endpoint {
	switch {
	case v.Anonymous():
	case v.Role == viewer.Admin:
		return func(*sql.Selector) {}
	case v.Role == viewer.Integrator:
		return endpoint.And(endpoint.Owner(v.Subject), endpoint.Role(string(v.Role)))
	}
	return func(s *sql.Selector) { s.Where(sql.False()) }
}

func regionIDs(v viewer.Viewer) []string {
	ids := []string{ref.Region(v.Region)}
	for _, code := range v.Within {
		ids = append(ids, ref.Region(code))
	}
	return ids
}
