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

// TestMoreStovesNeedNoLess adds stoves to kitchens: the basic stoves never fall,
// and neither does the purification that is due.
func TestMoreStovesNeedNoLess(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(5, 6))
	due := func(count sdk.Decimal) sdk.Decimal {
		var least sdk.Decimal
		for _, size := range sizes {
			if count.AtLeast(size.least) && (size.below.Sign() == 0 || count.Less(size.below)) {
				least = size.efficiency
			}
		}
		return least
	}
	for range 200 {
		var stoves []stove
		var before sdk.Decimal
		for range 12 {
			power := sdk.Whole(chance.Int64N(4000) + 1).Div(sdk.Whole(10))
			hood := sdk.Whole(chance.Int64N(30) + 1).Div(sdk.Whole(10))
			stoves = append(stoves, stove{Power: &power, Hood: &hood})
			now := basicStoves(stoves)
			if now.Less(before) || due(now).Less(due(before)) {
				t.Fatalf("%v stoves need less than %v", now, before)
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
