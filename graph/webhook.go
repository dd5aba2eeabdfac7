package graph

import (
	"context"
	"strconv"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/delivery"
	"github.com/onedoor/onedoor/ent/endpoint"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/webhook"
)

// cursorAt is the cursor of a place among all events.
func cursorAt(seq int64) *entgql.Cursor[string] {
	return &entgql.Cursor[string]{ID: strconv.FormatInt(seq, 10)}
}

func webhookInput(in model.CreateWebhookInput) webhook.Input {
	out := webhook.Input{URL: in.URL, Selection: in.Selection, Filter: webhook.Filter{
		Kinds: in.Kinds, Department: deref(in.Department), Region: deref(in.Region), Scheme: deref(in.Scheme), OwnCases: in.OwnCases,
	}}
	if in.After != nil {
		if out.After = in.After.ID; out.After == "" {
			out.After = "?" // a cursor of nothing is not "from now on"
		}
	}
	return out
}

func webhookChange(in model.UpdateWebhookInput) webhook.Change {
	given := func(o graphql.Omittable[*string], into *string) {
		if v, ok := o.ValueOK(); ok {
			*into = deref(v)
		}
	}
	return webhook.Change{URL: in.URL, Kinds: in.Kinds, Selection: in.Selection, State: in.State, Filter: func(f *webhook.Filter) {
		given(in.Department, &f.Department)
		given(in.Region, &f.Region)
		given(in.Scheme, &f.Scheme)
		if in.OwnCases != nil {
			f.OwnCases = *in.OwnCases
		}
	}}
}

// webhook reads a webhook after its command.
func (r *Resolver) webhook(ctx context.Context, id string, err error) (*ent.Endpoint, error) {
	if err != nil {
		return nil, err
	}
	row, err := r.Client.Endpoint.Query().Where(endpoint.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, fault.New(fault.NotFound, "graph.webhook", "没有这个 webhook", "there is no such webhook")
	}
	return row, err
}

// delivery reads a delivery after its command.
func (r *Resolver) delivery(ctx context.Context, id string, err error) (*ent.Delivery, error) {
	if err != nil {
		return nil, err
	}
	return r.Client.Delivery.Query().Where(delivery.ID(id)).Only(ctx)
}

func webhookSecrets(in []webhook.Secret) []*model.WebhookSecret {
	out := make([]*model.WebhookSecret, len(in))
	for i, s := range in {
		out[i] = &model.WebhookSecret{CreatedAt: s.CreatedAt, ExpiresAt: model.Instant(s.ExpiresAt)}
	}
	return out
}
