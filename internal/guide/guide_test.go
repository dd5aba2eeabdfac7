package guide_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// source reads the shipped pack without a database.
func source(t testing.TB) guide.Source {
	t.Helper()
	read := func(name string, into any) {
		text, err := os.ReadFile("../catalog/packs/jiangbei/" + name)
		if err == nil {
			err = yaml.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var departments struct{ Departments []district.Department }
	var regions struct {
		Regions []district.Region
		Zones   []district.Zone
	}
	var facts struct{ Facts []standard.Fact }
	var items struct{ Items []item.Item }
	var clauses struct{ Clauses []standard.Clause }
	var schemes struct{ Industries []scheme.Scheme }
	var holidays struct {
		Calendar string
		Years    []workday.Year
	}
	read("departments.yaml", &departments)
	read("regions.yaml", &regions)
	read("facts.yaml", &facts)
	read("items.yaml", &items)
	read("clauses.yaml", &clauses)
	read("industries.yaml", &schemes)
	read("holidays.yaml", &holidays)
	calendar, err := workday.NewCalendar(holidays.Calendar, holidays.Years)
	if err != nil {
		t.Fatal(err)
	}
	src := guide.Source{Revision: 1, Departments: departments.Departments, Regions: regions.Regions, Zones: regions.Zones, Facts: facts.Facts, Calendar: calendar}
	for _, it := range items.Items {
		s := guide.ItemStandard{Version: 1, Item: it}
		for _, c := range clauses.Clauses {
			if c.Item == it.Code {
				s.Clauses = append(s.Clauses, c)
			}
		}
		src.Items = append(src.Items, s)
	}
	for _, s := range schemes.Industries {
		src.Schemes = append(src.Schemes, guide.JointStandard{Version: 1, Scheme: s})
	}
	return src
}

func catalogue(t testing.TB) *guide.Catalogue {
	t.Helper()
	c, err := guide.Compile(source(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var day = workday.NewDate(2026, time.November, 23)

func compute(t *testing.T, c *guide.Catalogue, in guide.Input) *guide.Guide {
	t.Helper()
	if in.AsOf.IsZero() {
		in.AsOf = day
	}
	g, err := c.Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestCanonicalIsPlainJSON holds the hand-written encoder against
// encoding/json, for guides that use every field.
func TestCanonicalIsPlainJSON(t *testing.T) {
	t.Parallel()
	src := source(t)
	src.Items[0].Item.Note = "a \"quote\", a <tag> & a \u2028 separator"
	c, err := guide.Compile(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []guide.Input{
		{Scheme: "catering"},
		{Scheme: "hotel", Facts: map[string]any{"zone": "core", "rooms": 12, "floor_area": 1200.5}, Region: "cicheng-town"},
		{Item: "food-permit", Facts: map[string]any{"use_area": json.Number("180.25")}},
	} {
		g := compute(t, c, in)
		got, err := g.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(g); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(want.String()), string(got)); diff != "" {
			t.Errorf("%+v (-encoding/json +canonical):\n%.2000s", in, diff)
		}
		back, err := guide.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Canonical()
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("%+v: a guide read back is another: %v", in, err)
		}
		if other, _ := compute(t, c, in).Canonical(); !bytes.Equal(got, other) {
			t.Errorf("%+v: the same question has two answers", in)
		}
	}
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	for name, test := range map[string]struct {
		in   guide.Input
		want []string
	}{
		"neither":        {guide.Input{}, []string{"scheme NEITHER"}},
		"both":           {guide.Input{Scheme: "catering", Item: "biz-reg"}, []string{"scheme BOTH"}},
		"unknown scheme": {guide.Input{Scheme: "circus"}, []string{"scheme UNKNOWN_SCHEME"}},
		"unknown item":   {guide.Input{Item: "licence-to-kill"}, []string{"item UNKNOWN_ITEM"}},
		"unknown region": {guide.Input{Scheme: "catering", Region: "atlantis"}, []string{"region UNKNOWN_REGION"}},
		"zone elsewhere": {guide.Input{Scheme: "catering", Region: "waitan", Facts: map[string]any{"zone": "core"}}, []string{"region ZONE_ELSEWHERE"}},
		"other industry": {guide.Input{Scheme: "catering", Facts: map[string]any{"industry": "hotel"}}, []string{"facts SCHEME_MISMATCH"}},
		"all at once": {
			guide.Input{Scheme: "circus", Region: "atlantis", Facts: map[string]any{
				"nosuch": 1, "use_area": -1, "seats": 1.5, "zone": "moon", "has_guard": "yes", "floor_area": "big", "stoves": json.Number("0.0000001"),
			}},
			[]string{"facts.floor_area WRONG_TYPE", "facts.has_guard WRONG_TYPE", "facts.nosuch UNKNOWN_FACT", "facts.seats NOT_AN_INTEGER",
				"facts.stoves TOO_FINE", "facts.use_area OUT_OF_RANGE", "facts.zone UNKNOWN_VALUE", "region UNKNOWN_REGION", "scheme UNKNOWN_SCHEME"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.AsOf = day
			_, err := c.Compute(test.in)
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != fault.Invalid {
				t.Fatalf("Compute gave %v", err)
			}
			got := map[string]bool{}
			for _, p := range f.Problems {
				got[p.Path+" "+p.Code] = true
				if p.ZH == "" || p.EN == "" {
					t.Errorf("%s says nothing", p.Path)
				}
			}
			want := map[string]bool{}
			for _, p := range test.want {
				want[p] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClausesByDate(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	has := func(g *guide.Guide, code string) bool {
		for _, r := range g.Clauses {
			if r.Clause.Code == code {
				return true
			}
		}
		return false
	}
	facts := map[string]any{"cctv": true, "cctv_days": 31}
	for date, want := range map[string]bool{"2025-03-31": false, "2025-04-01": true, "2026-11-23": true} {
		on, err := workday.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		if got := has(compute(t, c, guide.Input{Scheme: "hotel", Facts: facts, AsOf: on}), "C-HTL-031"); got != want {
			t.Errorf("C-HTL-031 on %s: %v, want %v", date, got, want)
		}
	}
}

func TestMaterialsOfOneProject(t *testing.T) {
	t.Parallel()
	g := compute(t, catalogue(t), guide.Input{Scheme: "hotel", Facts: map[string]any{"homestay": false, "floor_area": 900, "serves_food": true, "use_area": 800}})
	seen := map[string]guide.Material{}
	for _, m := range g.Materials {
		if _, twice := seen[m.Code]; twice {
			t.Errorf("%s is asked for twice", m.Code)
		}
		seen[m.Code] = m
	}
	licence := seen["营业执照"]
	if licence.Source != guide.FromInside || !cmp.Equal(licence.From, []string{"biz-reg"}) || len(licence.Items) < 2 {
		t.Errorf("the business licence, which biz-reg gives and several items need: %+v", licence)
	}
	// Alone, an item needs the licence from outside.
	for _, m := range compute(t, catalogue(t), guide.Input{Item: "hotel-special", Facts: map[string]any{"industry": "hotel", "homestay": false}}).Materials {
		if m.Code == "营业执照" && m.Source != guide.FromLicenseStore {
			t.Errorf("for one item alone: %+v", m)
		}
	}
}

func TestOrderAndSchedule(t *testing.T) {
	t.Parallel()
	g := compute(t, catalogue(t), guide.Input{Scheme: "entertainment", Facts: map[string]any{
		"ent_kind": "netcafe", "zone": "commercial", "floor_area": 240, "use_area": 200, "construction_cost": 0, "gross_floor_area": 0,
	}})
	at := map[string]int{}
	for i, r := range g.Items {
		at[r.Item.Code] = i
		for _, before := range append(append([]string{}, r.After...), r.AfterOrPromised...) {
			if at[before] >= i {
				t.Errorf("%s stands before %s", r.Item.Code, before)
			}
		}
	}
	s := g.Schedule
	if want := []string{"biz-reg", "net-prep", "net-security", "net-permit"}; !cmp.Equal(s.CriticalPath, want) {
		t.Errorf("critical path %v, want %v", s.CriticalPath, want)
	}
	sum := 0
	days := map[string]int{}
	for _, r := range g.Items {
		if r.Needed == standard.True {
			sum += r.Item.Time.Promised
			days[r.Item.Code] = r.Item.Time.Promised
		}
	}
	path := 0
	for _, code := range s.CriticalPath {
		path += days[code]
	}
	if s.PromisedSum != sum || s.PromisedWorkdays != path || path >= sum {
		t.Errorf("promised %d of %d days, want %d of %d", s.PromisedWorkdays, s.PromisedSum, path, sum)
	}
	calendar, _ := catalogue(t).Calendar("")
	due, _, err := calendar.DueOn(day, workday.Limit{Amount: path, Unit: workday.UnitWorkday})
	if err != nil || s.PromisedDueOn != due {
		t.Errorf("promised by %s, want %s (%v)", s.PromisedDueOn, due, err)
	}
	// Without a calendar for the year there is no date, and the answer stands.
	old := compute(t, catalogue(t), guide.Input{Scheme: "entertainment", AsOf: workday.NewDate(2009, time.April, 1)})
	if !old.Schedule.PromisedDueOn.IsZero() {
		t.Errorf("a date in a year without calendar: %s", old.Schedule.PromisedDueOn)
	}
}

func TestAdviceAndTheUndecidedDoNotFail(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	g := compute(t, c, guide.Input{Scheme: "catering"})
	for _, r := range g.Clauses {
		if r.Met == standard.False && (r.Applies != standard.True || r.Clause.Kind == standard.Advice) {
			t.Errorf("%s fails though it applies %s and is %s", r.Clause.Code, r.Applies, r.Clause.Kind)
		}
	}
	if g.Zoning.Verdict != "UNKNOWN" || g.Complete() {
		t.Errorf("without a zone: %+v", g.Zoning)
	}
	if z := compute(t, c, guide.Input{Scheme: "catering", Facts: map[string]any{"zone": "mixed"}}).Zoning; z.Verdict != "RESTRICTED" || len(z.Clauses) != 2 {
		t.Errorf("in a mixed zone: %+v", z)
	}
}
