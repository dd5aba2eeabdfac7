package store_test

import (
	"maps"
	"testing"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/store"
)

// From the window's word to open reviews in six departments it takes as many
// statements in a store full of cases as in an empty one.
func TestStatementsOfACommandAreConstant(t *testing.T) {
	facts := maps.Clone(cityEx)
	facts["ad_large"] = true
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		accept := func() int64 {
			t.Helper()
			id := o.must(o.Open(as(t, zhang), casework.OpenInput{Scheme: "catering", Facts: facts}))
			o.must(o.Submit(as(t, zhang), id, casework.Order{}))
			ctx, statements := store.CountStatements(as(t, wang))
			o.must(o.Accept(ctx, id, casework.Order{}, nil))
			if c := o.load(id); c.State != casework.InReview || len(c.Reviews) != 6 {
				t.Fatalf("%s with %d reviews", c.State, len(c.Reviews))
			}
			return statements.Load()
		}
		first := accept()
		for range 50 {
			o.accepted()
			for range 3 {
				o.must(o.Open(as(t, zhang), casework.OpenInput{Scheme: "catering", Facts: facts}))
			}
		}
		if after := accept(); after != first || first == 0 {
			t.Errorf("%d statements in an empty store, %d in one with 200 cases", first, after)
		}
	})
}
