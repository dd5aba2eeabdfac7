package geodesic_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onedoor/onedoor/plugins/internal/geodesic"
)

type (
	point = geodesic.Point
	shape = geodesic.Shape
)

// degrees reads degrees, minutes and seconds.
func degrees(d, m, s float64) float64 { return d + m/60 + s/3600 }

// vincenty is the inverse formula of Vincenty (1975), another way than the
// package's, exact to a tenth of a millimetre.
func vincenty(p, q point) float64 {
	const a, f = 6378137.0, 1 / 298.257222101
	const b = a * (1 - f)
	u1, u2 := math.Atan((1-f)*math.Tan(p.Lat*math.Pi/180)), math.Atan((1-f)*math.Tan(q.Lat*math.Pi/180))
	l := (q.Lon - p.Lon) * math.Pi / 180
	lambda := l
	for range 200 {
		sinL, cosL := math.Sincos(lambda)
		x := math.Cos(u2) * sinL
		y := math.Cos(u1)*math.Sin(u2) - math.Sin(u1)*math.Cos(u2)*cosL
		sinS := math.Hypot(x, y)
		if sinS == 0 {
			return 0
		}
		cosS := math.Sin(u1)*math.Sin(u2) + math.Cos(u1)*math.Cos(u2)*cosL
		sigma := math.Atan2(sinS, cosS)
		sinA := math.Cos(u1) * math.Cos(u2) * sinL / sinS
		cos2A := 1 - sinA*sinA
		cos2M := cosS - 2*math.Sin(u1)*math.Sin(u2)/cos2A
		c := f / 16 * cos2A * (4 + f*(4-3*cos2A))
		last := lambda
		lambda = l + (1-c)*f*sinA*(sigma+c*sinS*(cos2M+c*cosS*(-1+2*cos2M*cos2M)))
		if math.Abs(lambda-last) < 1e-14 {
			uSq := cos2A * (a*a - b*b) / (b * b)
			ka := 1 + uSq/16384*(4096+uSq*(-768+uSq*(320-175*uSq)))
			kb := uSq / 1024 * (256 + uSq*(-128+uSq*(74-47*uSq)))
			delta := kb * sinS * (cos2M + kb/4*(cosS*(-1+2*cos2M*cos2M)-kb/6*cos2M*(-3+4*sinS*sinS)*(-3+4*cos2M*cos2M)))
			return b * ka * (sigma - delta)
		}
	}
	panic("no end")
}

// TestVincenty proves the ruler with which the package is measured, by the line
// of the Geocentric Datum of Australia's technical manual: Flinders Peak to
// Buninyong, 54 972.271 m on GRS80.
func TestVincenty(t *testing.T) {
	t.Parallel()
	flinders := point{degrees(144, 25, 29.52440), -degrees(37, 57, 3.72030)}
	buninyong := point{degrees(143, 55, 35.38390), -degrees(37, 39, 10.15610)}
	if got := vincenty(flinders, buninyong); math.Abs(got-54972.271) > 0.001 {
		t.Errorf("%.4f m, want 54972.271", got)
	}
}

func TestDistanceIsExactToACentimetre(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(3, 4))
	worst := 0.0
	for range 20_000 {
		p := point{73 + chance.Float64()*62, 3 + chance.Float64()*50}
		q := point{p.Lon + (chance.Float64()-0.5)*0.13, p.Lat + (chance.Float64()-0.5)*0.13}
		want := vincenty(p, q)
		if want > geodesic.Reach {
			continue
		}
		worst = max(worst, math.Abs(geodesic.Distance(shape{p}, shape{q})-want))
	}
	if worst > 0.01 || worst == 0 {
		t.Errorf("the worst of 20 000 lines is off by %.4f m", worst)
	}
	t.Logf("worst: %.4f m", worst)
}

// at gives the point so many metres east and north of Cicheng.
func at(east, north float64) point {
	const lon, lat = 121.4500, 29.9800
	const mLon, mLat = 96505.0, 110860.0 // metres a degree there, roughly
	return point{lon + east/mLon, lat + north/mLat}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	square := shape{at(0, 0), at(100, 0), at(100, 100), at(0, 100)}
	for _, test := range []struct {
		name string
		a, b shape
		want float64
	}{
		{"a gate and a gate", shape{at(0, 0)}, shape{at(300, 400)}, 500},
		{"the same gate", shape{at(0, 0)}, shape{at(0, 0)}, 0},
		{"the side of an area, not a corner", square, shape{at(50, 150)}, 50},
		{"the last side of an area", square, shape{at(-30, 50)}, 30},
		{"a gate within an area", square, shape{at(50, 50)}, 0},
		{"an area within an area", square, shape{at(40, 40), at(60, 40), at(60, 60)}, 0},
		{"a wall across an area", square, shape{at(-50, 50), at(150, 50)}, 0},
		{"a wall beside an area", square, shape{at(-50, 120), at(150, 120)}, 20},
		{"two areas", square, shape{at(200, 0), at(300, 0), at(250, 100)}, 100},
	} {
		for _, order := range [][2]shape{{test.a, test.b}, {test.b, test.a}} {
			if got := geodesic.Distance(order[0], order[1]); math.Abs(got-test.want) > 0.5 {
				t.Errorf("%s: %.2f m, want %.0f", test.name, got, test.want)
			}
		}
	}
	if got := geodesic.Area(square); math.Abs(got-10_000) > 50 {
		t.Errorf("area %.1f, want about 10000", got)
	}
	if got := geodesic.Area(shape{at(0, 0), at(9, 9)}); got != 0 {
		t.Errorf("a line has the area %v", got)
	}
}
