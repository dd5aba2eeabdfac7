package main

import (
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
	for _, c := range []struct {
		id    string
		fixed map[string]any
	}{
		{"category", map[string]any{"industry": "metal"}},
		{"category", map[string]any{"industry": "recycling"}},
		{"category", map[string]any{"industry": "construction"}},
		{"category", map[string]any{"industry": "repair"}},
		{"fume", map[string]any{"industry": "catering", "produces_fume": true}},
		{"fume", nil},
		{"outlet", nil},
		{"noise", map[string]any{"industry": "catering"}},
		{"noise", map[string]any{"industry": "metal"}},
		{"noise", nil},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			pack.NeverLaxer(t, plugin(), c.id, 1000, c.fixed)
		})
	}
}

// TestMoreStovesNeedNoLess adds stoves to kitchens: the size never falls, and a
// larger size never needs less purification.
func TestMoreStovesNeedNoLess(t *testing.T) {
	t.Parallel()
	for i := range sizes[1:] {
		if a, b := sizes[i], sizes[i+1]; !a.efficiency.Less(b.efficiency) || !a.stoves.Less(b.stoves) || !a.power.Less(b.power) || !a.hood.Less(b.hood) {
			t.Errorf("%v is not below %v", a, b)
		}
	}
	chance := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var stoves []stove
		before := -1
		for n := range 12 {
			power := sdk.Whole(chance.Int64N(2000) + 1).Div(sdk.Whole(10))
			hood := sdk.Whole(chance.Int64N(12) + 1).Div(sdk.Whole(10))
			stoves = append(stoves, stove{Power: &power, Hood: &hood})
			allPower, allHoods := together(stoves)
			now := sizeBy(sdk.Whole(int64(n)), allPower, allHoods)
			if now < before {
				t.Fatalf("with one more stove the size fell from %d to %d", before, now)
			}
			before = now
		}
	}
}

// TestDistances measures from points to a square and to a wall, by hand.
func TestDistances(t *testing.T) {
	t.Parallel()
	at := func(x, y string) point { return point{sdk.Dec(x), sdk.Dec(y)} }
	square := target{Outline: []point{at("0", "0"), at("10", "0"), at("10", "10"), at("0", "10")}}
	for _, c := range []struct {
		from    point
		squared string
	}{
		{at("5", "5"), "0"},
		{at("10", "5"), "0"},
		{at("13", "14"), "25"},    // the corner
		{at("5", "-0.1"), "0.01"}, // the wall
		{at("-3", "5"), "9"},
	} {
		if got := square.squaredFrom(c.from); !got.Equal(sdk.Dec(c.squared)) {
			t.Errorf("from %v: %v, want %s", c.from, got, c.squared)
		}
	}
	for squared, want := range map[string]string{"0": "0", "400": "20", "399.999999": "19.99", "2": "1.41", "8000000000000": "2828427.12"} {
		if got := root(sdk.Dec(squared)); !got.Equal(sdk.Dec(want)) {
			t.Errorf("the root of %s is %v, want %s", squared, got, want)
		}
	}
}

// TestSamples breaks no more of the sample projects than the catalogue does.
func TestSamples(t *testing.T) {
	t.Parallel()
	want := []string{"S02 C-ENV-007 PURIFIED_TOO_LITTLE", "S02 C-ENV-010 OUTLET_TOO_NEAR"}
	if diff := cmp.Diff(want, packtest.Read(t).Samples(t, plugin())); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
