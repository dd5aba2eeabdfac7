package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/onedoor/onedoor/plugins/sdk"
)

//go:embed lines.geojson
var linesFile []byte

// line is a control line of the district: a polygon with what it is for.
type line struct {
	id, kind     string
	law, article string
	accuracy     float64     // m: how exact the line is
	height       sdk.Decimal // m: the most of buildings; 0 says nothing
	outline      []position
}

// lines are those that ship. They are illustrative (see the file's note), which
// each message says that rests on them.
var lines = mustReadLines(linesFile)

// mustReadLines reads the embedded file. A fault of it is one of the program: it
// does not start.
func mustReadLines(text []byte) []line {
	var file struct {
		Features []struct {
			Properties struct {
				ID       string      `json:"id"`
				Kind     string      `json:"kind"`
				Law      string      `json:"law"`
				Article  string      `json:"article"`
				Accuracy float64     `json:"accuracy_m"`
				Height   sdk.Decimal `json:"height_m"`
			} `json:"properties"`
			Geometry struct {
				Coordinates [][]position `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		panic(err)
	}
	var out []line
	for _, f := range file.Features {
		p := f.Properties
		corners := f.Geometry.Coordinates[0]
		l := line{p.ID, p.Kind, p.Law, p.Article, p.Accuracy, p.Height, corners[:len(corners)-1]}
		if err := newGrid(l.outline[0]).ring(l.outline).check(); err != nil {
			panic(p.ID + ": " + err.Error())
		}
		out = append(out, l)
	}
	return out
}

const siteSection = "nrp.site/1"

// feature is the section nrp.site/1: a GeoJSON Feature with a Polygon of one ring.
type feature struct {
	Type       string `json:"type"`
	Properties struct {
		CRS string `json:"crs"` // CGCS2000 or WGS84
	} `json:"properties"`
	Geometry struct {
		Type        string        `json:"type"`
		Coordinates [][][]float64 `json:"coordinates"`
	} `json:"geometry"`
}

// The frame in which a site of the district lies, in degrees, and its size.
const (
	west, east   = 121.2, 121.8
	south, north = 29.8, 30.2
	mostCorners  = 500
	mostArea     = 10_000_000 // m²
)

// The materials in which a site's outline can be, in the order in which they are
// looked at: the site check's sketch, the red-line drawing, and the design, which
// has another name for a project on collective land.
var siteMaterials = []string{"场所位置和平面示意图", "红线图", townDesign, villageDesign}

const (
	townDesign    = "设计方案（施工图）"
	villageDesign = "设计方案"
)

// site is the project's outline on its own grid.
type site struct {
	grid    grid
	outline ring
}

// siteOf reads the outline from the first material that has it. Its fault is that of
// the material which is best: a faulty form, else a drawing, else none.
func siteOf(c *sdk.Case) (*site, *sdk.FormFault) {
	var worst *sdk.FormFault
	for _, code := range siteMaterials {
		var f feature
		fault := c.Form(code, siteSection, &f)
		if fault == nil {
			s, problem := f.site()
			if problem == "" {
				return s, nil
			}
			fault = sdk.InvalidForm(code, siteSection+": "+problem)
		}
		if rank := map[sdk.FormKind]int{sdk.FormMissing: 1, sdk.FormNone: 2, sdk.FormInvalid: 3}; worst == nil || rank[fault.Kind] > rank[worst.Kind] {
			worst = fault
		}
	}
	return nil, worst
}

// site gives the outline, or the first thing that is wrong with it.
func (f *feature) site() (*site, string) {
	switch {
	case f.Type != "Feature" || f.Geometry.Type != "Polygon":
		return nil, "a Feature with a Polygon"
	case f.Properties.CRS != "CGCS2000" && f.Properties.CRS != "WGS84":
		return nil, "properties.crs: CGCS2000 or WGS84 (no shifted map coordinates)"
	case len(f.Geometry.Coordinates) != 1:
		return nil, "geometry.coordinates: one ring, without holes"
	}
	corners := f.Geometry.Coordinates[0]
	if len(corners) < 4 || len(corners) > mostCorners+1 {
		return nil, fmt.Sprintf("geometry.coordinates: 3 to %d corners, the first again at the end", mostCorners)
	}
	var positions []position
	var middle position
	for i, p := range corners {
		if len(p) != 2 || p[0] < west || p[0] > east || p[1] < south || p[1] > north {
			return nil, fmt.Sprintf("geometry.coordinates[0][%d]: [longitude, latitude] in degrees, within the district", i)
		}
		positions = append(positions, position{p[0], p[1]})
	}
	last := len(positions) - 1
	if positions[0] != positions[last] {
		return nil, "geometry.coordinates: the first corner again at the end"
	}
	positions = positions[:last]
	for _, p := range positions {
		middle[0] += p[0] / float64(last)
		middle[1] += p[1] / float64(last)
	}
	g := newGrid(middle)
	outline := g.ring(positions)
	if err := outline.check(); err != nil {
		return nil, err.Error()
	}
	if area := outline.area(); area < 1 || area > mostArea {
		return nil, "the site has 1 m² to 10 km²"
	}
	return &site{g, outline}, ""
}

// reach says how a site lies to a line.
type reach int

const (
	outside reach = iota
	onLine        // it touches the line, or reaches over it by less than the line is exact
	within        // some of it lies within for certain
)

// lies says how a site lies to a line, what area it has within, and how far it is.
// A site counts as within when it reaches in deeper than the line is exact, or with
// more than a strip of that width all around it could have.
func (s *site) lies(l *line) (r reach, area, away float64) {
	outline := s.grid.ring(l.outline)
	away = distance(s.outline, outline)
	area = overlap(s.outline, outline)
	switch {
	case away > l.accuracy:
		return outside, 0, away
	case depth(s.outline, outline) > l.accuracy || area > l.accuracy*s.outline.perimeter():
		return within, area, 0
	}
	return onLine, area, away
}

// metres words a length or an area for people, with one digit after the point.
func metres(n float64) string { return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) }

// far words a distance that may be long: above 1 km the grid is not exact to the
// metre, and nobody asks.
func far(n float64) string {
	if n > 1000 {
		n = math.Round(n/100) * 100
	}
	return metres(n)
}
