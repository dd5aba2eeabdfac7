package graph

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/notice"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
)

// batch reads things by key. Whoever reads a page says which keys may be asked
// for; the first that is brings all of them at once, so that a page takes as
// many statements as one thing, whatever the order in which fields are resolved.
type batch[V any] struct {
	read func(ctx context.Context, keys []string) (map[string]V, error)

	mu       sync.Mutex
	expected []string
	found    map[string]V
}

// expect says that a key may be asked for.
func (b *batch[V]) expect(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, key)
}

// get gives what a key names. What is not there is NOT_FOUND.
func (b *batch[V]) get(ctx context.Context, key string) (V, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.found[key]; ok {
		return v, nil
	}
	keys := append(slices.Clone(b.expected), key)
	slices.Sort(keys)
	found, err := b.read(ctx, slices.Compact(keys))
	if err != nil {
		var none V
		return none, err
	}
	b.expected = nil
	if b.found == nil {
		b.found = map[string]V{}
	}
	maps.Copy(b.found, found)
	v, ok := b.found[key]
	if !ok {
		return v, fault.New(fault.NotFound, "graph.batch", "没有这个对象", "there is no such thing")
	}
	return v, nil
}

// batches gives each root field its own: what a mutation changes, the next one
// reads anew.
type batches struct{ r *Resolver }

// shared is what the fields below one root field read together.
type shared struct {
	cases   batch[*casework.Case]
	notices batch[*model.Notice]
}

type sharedKey struct{}

func sharedIn(ctx context.Context) *shared { return ctx.Value(sharedKey{}).(*shared) }

// ExtensionName names the extension.
func (batches) ExtensionName() string { return "Batches" }

// Validate accepts every schema.
func (batches) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptRootField begins a root field.
func (b batches) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	return next(b.begin(ctx))
}

func (b batches) begin(ctx context.Context) context.Context {
	return context.WithValue(ctx, sharedKey{}, &shared{
		cases:   batch[*casework.Case]{read: b.r.readCases},
		notices: batch[*model.Notice]{read: b.r.readNotices},
	})
}

func (r *Resolver) readCases(ctx context.Context, ids []string) (map[string]*casework.Case, error) {
	cases, err := r.Desk.Cases.Load(ctx, ids)
	found := make(map[string]*casework.Case, len(cases))
	for _, c := range cases {
		found[c.ID] = c
	}
	return found, err
}

func (r *Resolver) readNotices(ctx context.Context, numbers []string) (map[string]*model.Notice, error) {
	rows, err := r.Client.Notice.Query().Where(notice.NumberIn(numbers...)).All(ctx)
	found := make(map[string]*model.Notice, len(rows))
	for _, row := range rows {
		g, err := guide.Read(row.Document)
		if err != nil {
			return nil, err
		}
		n := guide.Notice{Number: row.Number, IssuedAt: row.IssuedAt, Digest: row.Digest, Document: row.Document}
		found[row.Number] = r.noticeView(n, g)
	}
	return found, err
}

// expectCase says that fields of a case may be asked for.
func expectCase(ctx context.Context, row *ent.CaseFile) {
	if row == nil {
		return
	}
	s := sharedIn(ctx)
	s.cases.expect(row.ID)
	if row.NoticeNumber != nil {
		s.notices.expect(*row.NoticeNumber)
	}
}

// expectNode says that fields of a node's case may be asked for.
func expectNode(ctx context.Context, n ent.Noder) {
	switch n := n.(type) {
	case *ent.CaseFile:
		expectCase(ctx, n)
	case *ent.Review:
		sharedIn(ctx).cases.expect(ref.CaseOf(n.ID))
		expectCase(ctx, n.Edges.Case)
	case *ent.CaseMaterial:
		expectCase(ctx, n.Edges.Case)
	case *ent.Event:
		expectCase(ctx, n.Edges.Case)
	}
}

// expectCasesOf says that fields of the cases of a page of reviews may be asked
// for.
func expectCasesOf(ctx context.Context, page *ent.ReviewConnection) {
	for _, e := range page.Edges {
		expectCase(ctx, e.Node.Edges.Case)
		sharedIn(ctx).cases.expect(ref.CaseOf(e.Node.ID))
	}
}
