package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/plugins/internal/packtest"
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
	pack.Agrees(t, plugin(), "site-check", "land-preview", "plan-project", "rural-plan")
	for _, c := range []struct {
		id    string
		fixed map[string]any
	}{
		{"land-use", nil},
		{"land-use", map[string]any{"industry": "metal"}},
		{"control-lines", nil},
		{"control-lines", map[string]any{"industry": "construction"}},
		{"cicheng", nil},
		{"cicheng", map[string]any{"zone": "core"}},
		{"cicheng", map[string]any{"zone": "style"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			pack.NeverLaxer(t, plugin(), c.id, 1500, c.fixed)
		})
	}
}

// TestDegrees compares a degree at 30° north with the published lengths of the
// ellipsoid: 110.852 km and 96.486 km.
func TestDegrees(t *testing.T) {
	t.Parallel()
	g := newGrid(position{121, 30})
	if math.Abs(g.north-110852.4) > 1 || math.Abs(g.east-96486.3) > 1 {
		t.Errorf("a degree has %.1f m to the north and %.1f m to the east", g.north, g.east)
	}
}

var square = ring{{0, 0}, {10_000, 0}, {10_000, 10_000}, {0, 10_000}} // 10 m

func moved(r ring, x, y int64) ring {
	out := make(ring, len(r))
	for i, v := range r {
		out[i] = vertex{v.x + x, v.y + y}
	}
	return out
}

// TestSquares lays squares to each other, by hand.
func TestSquares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                  string
		other                 ring
		overlap, apart, depth float64
	}{
		{"the same", square, 100, 0, 0},
		{"half over", moved(square, 5_000, 0), 50, 0, 0},
		{"a corner over", moved(square, 7_000, 7_000), 9, 0, 3},
		{"side by side", moved(square, 10_000, 0), 0, 0, 0},
		{"corner to corner", moved(square, 10_000, 10_000), 0, 0, 0},
		{"1 mm apart", moved(square, 10_001, 0), 0, 0.001, 0},
		{"3 and 4 m apart", moved(square, 13_000, 14_000), 0, 5, 0},
		{"inside", ring{{2_000, 2_000}, {8_000, 2_000}, {8_000, 8_000}, {2_000, 8_000}}, 36, 0, 2},
		{"a cross", ring{{4_000, -10_000}, {6_000, -10_000}, {6_000, 20_000}, {4_000, 20_000}}, 20, 0, 0},
		{"clockwise", ring{{5_000, 0}, {5_000, 10_000}, {15_000, 10_000}, {15_000, 0}}, 50, 0, 0},
	} {
		if got := overlap(square, c.other); math.Abs(got-c.overlap) > 1e-6 {
			t.Errorf("%s: they have %v m² in common, want %v", c.name, got, c.overlap)
		}
		if got := distance(square, c.other); math.Abs(got-c.apart) > 1e-9 {
			t.Errorf("%s: they are %v m apart, want %v", c.name, got, c.apart)
		}
		if got := depth(square, c.other); math.Abs(got-c.depth) > 1e-9 {
			t.Errorf("%s: they reach %v m into each other, want %v", c.name, got, c.depth)
		}
	}
}

// TestOutlinesThatAreNone finds what is no simple polygon.
func TestOutlinesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]ring{
		"two points":        {{0, 0}, {1, 1}},
		"a line":            {{0, 0}, {5, 5}, {10, 10}},
		"a bow tie":         {{0, 0}, {10, 10}, {10, 0}, {0, 8}},
		"a point twice":     {{0, 0}, {0, 0}, {10, 0}, {10, 10}},
		"a spike":           {{0, 0}, {10, 0}, {20, 0}, {10, 0}, {10, 10}},
		"a spike back":      {{0, 0}, {10, 0}, {5, 0}, {5, 10}},
		"touching its side": {{0, 0}, {10, 0}, {10, 10}, {5, 0}, {0, 10}},
	} {
		if r.check() == nil {
			t.Errorf("%s is taken for a polygon", name)
		}
	}
	for name, r := range map[string]ring{
		"a square": square, "clockwise": {{0, 0}, {0, 10}, {10, 10}, {10, 0}},
		"a corner on a straight side": {{0, 0}, {5, 0}, {10, 0}, {10, 10}, {0, 10}},
	} {
		if err := r.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// star makes a polygon around a point that is seldom convex.
func star(chance *rand.Rand, x, y float64) ring {
	n := 3 + chance.IntN(9)
	out := make(ring, n)
	for i := range out {
		angle := 2 * math.Pi * (float64(i) + 0.8*chance.Float64()) / float64(n)
		far := 3_000 + 20_000*chance.Float64()
		out[i] = vertex{int64(x + far*math.Cos(angle)), int64(y + far*math.Sin(angle))}
	}
	return out
}

// TestStars compares polygons that are made up with what counting points gives, and
// with the laws that hold for any: what is in common is no more than either, is
// there if and only if they are not apart, and does not depend on which comes first.
func TestStars(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(7, 8))
	tried, apart := 0, 0
	for tried < 60 {
		r, s := star(chance, 0, 0), star(chance, 40_000*chance.Float64(), 20_000*chance.Float64())
		if r.check() != nil || s.check() != nil {
			continue
		}
		tried++
		common, away := overlap(r, s), distance(r, s)
		if back := overlap(s, r); math.Abs(common-back) > 1e-3 || math.Abs(away-distance(s, r)) > 1e-9 {
			t.Fatalf("%v, %v: it depends on the order: %v %v", r, s, common, back)
		}
		if self := overlap(r, r); math.Abs(self-r.area()) > 1e-3 {
			t.Fatalf("%v: it has %v m² in common with itself and %v m²", r, self, r.area())
		}
		if common > min(r.area(), s.area())+1e-3 {
			t.Fatalf("%v, %v: %v m² in common are more than one has", r, s, common)
		}
		if away > 0 {
			apart++
			if common > 1e-3 {
				t.Fatalf("%v, %v: %v m apart with %v m² in common", r, s, away, common)
			}
		}
		const step = 250 // mm
		counted := 0
		for x := int64(-25_000); x < 70_000; x += step {
			for y := int64(-25_000); y < 50_000; y += step {
				if p := (vertex{x, y}); r.contains(p) && s.contains(p) {
					counted++
				}
			}
		}
		if points := float64(counted) * step * step / 1e6; math.Abs(points-common) > 0.05*common+8 {
			t.Fatalf("%v, %v: %v m² in common, counted %v", r, s, common, points)
		}
	}
	if apart == 0 || apart == tried {
		t.Fatalf("%d of %d are apart: the stars prove little", apart, tried)
	}
}

// TestLines holds the embedded lines to what the program takes for granted.
func TestLines(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for _, l := range lines {
		kinds[l.kind]++
		if l.accuracy <= 0 || l.law == "" || l.article == "" || l.height.Sign() < 0 {
			t.Errorf("%s: %+v", l.id, l)
		}
		for _, p := range l.outline {
			if p[0] < west || p[0] > east || p[1] < south || p[1] > north {
				t.Errorf("%s: %v is outside of the district", l.id, p)
			}
		}
	}
	for _, kind := range []string{"core", "style", "control", "water_1", "water_2", "relics"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no line of %s", kind)
		}
	}
}

// BenchmarkWorstSite judges the largest outline that is taken.
func BenchmarkWorstSite(b *testing.B) {
	var positions []position
	for i := range mostCorners {
		angle := 2 * math.Pi * float64(i) / mostCorners
		positions = append(positions, position{121.44 + 0.01*math.Cos(angle), 29.985 + 0.01*math.Sin(angle)})
	}
	g := newGrid(position{121.44, 29.985})
	s := &site{g, g.ring(positions)}
	for b.Loop() {
		if err := s.outline.check(); err != nil {
			b.Fatal(err)
		}
		s.places()
		s.nearest("water_1", "water_2", "relics")
	}
}

// TestSamples breaks no more of the sample projects than the catalogue does.
func TestSamples(t *testing.T) {
	t.Parallel()
	var want []string
	if diff := cmp.Diff(want, packtest.Read(t).Samples(t, plugin())); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
