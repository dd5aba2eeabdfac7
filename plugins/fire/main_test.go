package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/plugins/internal/packtest"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	plugintest.Golden(t, plugin(), "testdata")
}

func TestConform(t *testing.T) {
	t.Parallel()
	packtest.Conform(t, plugin())
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	pack := packtest.Read(t)
	pack.Agrees(t, plugin())
	for id, fixed := range map[string]map[string]any{
		"exits": nil, "systems": nil, "homestay": nil,
		"evacuation": {"industry": "catering"}, // without a plan, as a small restaurant is judged
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			pack.NeverLaxer(t, plugin(), id, 2000, fixed)
		})
	}
}

// TestMorePeopleNeedNoLess makes plans up and lets the people in them grow: the
// load never falls, and a plan that fails does not pass with more people.
func TestMorePeopleNeedNoLess(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(3, 4))
	uses := []string{"song_dance", "video_hall", "dance_hall", "exhibition", "hall", "other"}
	dec := func(least, most int64) *sdk.Decimal {
		d := sdk.Whole(least*10 + chance.Int64N((most-least)*10)).Div(sdk.Whole(10))
		return &d
	}
	for range 300 {
		s := storey{Storey: 1 + chance.Int64N(4), Area: dec(50, 900)}
		for i := range 1 + chance.IntN(4) {
			persons := chance.Int64N(60)
			r := room{
				Name: fmt.Sprint(i), Use: uses[chance.IntN(len(uses))], Area: dec(5, 200), Persons: &persons,
				Farthest: dec(0, 20), ToExit: dec(0, 40), Position: []string{"between", "side", "end"}[chance.IntN(3)],
			}
			for range 1 + chance.IntN(2) {
				r.Doors = append(r.Doors, door{Width: dec(1, 2)})
			}
			s.Rooms = append(s.Rooms, r)
		}
		for range 1 + chance.IntN(3) {
			s.Exits = append(s.Exits, exit{Kind: "stair", Width: dec(1, 3)})
		}
		few, failedBefore := verdicts(t, storey2plan(s))
		for i := range s.Rooms {
			more := *s.Rooms[i].Persons + chance.Int64N(200)
			s.Rooms[i].Persons = &more
		}
		many, failedAfter := verdicts(t, storey2plan(s))
		if many < few || failedAfter < failedBefore {
			t.Fatalf("with more people the load went from %d to %d, the failures from %d to %d", few, many, failedBefore, failedAfter)
		}
	}
}

func storey2plan(s storey) *plan { return &plan{Storeys: []storey{s}} }

// verdicts judges a plan in a building of which all is known.
func verdicts(t *testing.T, p *plan) (load int64, failed int) {
	t.Helper()
	if problem := p.problem(); problem != "" {
		t.Fatal(problem)
	}
	check := sdk.Check{ID: "x", Clauses: []string{clauseExits}, OptionalFacts: append(evacuationCheck().OptionalFacts, "industry")}
	check.Run = func(_ context.Context, c *sdk.Case) []sdk.Finding {
		j := judge{c: c}
		j.plan(p)
		failed = len(j.failed)
		return []sdk.Finding{sdk.Pass(clauseExits)}
	}
	packtest.Ask(t, sdk.Plugin{Name: "x", Version: "1.0.0", Department: "fire", Checks: []sdk.Check{check}}, map[string]any{
		"industry": sdk.Choice("catering"), "storeys_total": int64(4), "building_height": sdk.Dec("15"), "fire_rating": int64(2),
		"sprinkler": false, "ent_kind": sdk.Choice("none"), "bathing_kind": sdk.Choice("none"),
	})
	for i := range p.Storeys {
		load += p.Storeys[i].load()
	}
	return load, failed
}

// FuzzPlan looks for forms that break the check: whatever is sent, it answers.
func FuzzPlan(f *testing.F) {
	f.Add(`{"storeys":[{"storey":1,"area":100,"rooms":[{"name":"a","use":"hall","area":50,"persons":20,"doors":[{"width":1}],"farthest":5,"to_exit":0,"position":"between"}],"exits":[{"name":"e","kind":"door","width":1.2}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var p plan
		if json.Unmarshal([]byte(text), &p) == nil && p.problem() == "" {
			for i := range p.Storeys {
				p.through(&p.Storeys[i])
			}
		}
	})
}

// TestSamples breaks no more of the sample projects than the catalogue does.
func TestSamples(t *testing.T) {
	t.Parallel()
	var want []string
	if diff := cmp.Diff(want, packtest.Read(t).Samples(t, plugin())); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
