package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// The clauses on video.
const (
	hotelVideo  = "C-HTL-007"
	noRoomVideo = "C-HTL-008"
	terrorVideo = "C-HTL-032"
	venueVideo  = "C-ENT-015"
	noBathVideo = "C-BTH-013"
)

// The days for which footage is kept.
var (
	ordinaryDays = sdk.Whole(30) // 公共安全视频图像信息系统管理条例 第17条, 娱乐场所管理条例 第15条
	terrorDays   = sdk.Whole(90) // 反恐怖主义法 第32条
)

// What must be seen, and where nothing may be.
var (
	hotelSeen   = []string{"exit", "lobby", "passage"} // DB33/T 669 A.1.5; the clause
	venueSeen   = []string{"exit", "passage"}          // 娱乐场所管理条例 第15条: main passages
	placesKnown = []string{"exit", "lobby", "passage", "lift", "cashier", "car_park", "guest_room", "private_room", "bath", "changing_room", "toilet", "other"}
	// 公共安全视频图像信息系统管理条例 第8条: rooms of hotels and private rooms of
	// places that serve food, baths, toilets, changing rooms.
	unseen     = []string{"guest_room", "private_room", "bath", "changing_room", "toilet"}
	bathUnseen = []string{"bath", "changing_room", "toilet"}
)

const (
	videoPaper   = "备案信息表"
	videoSection = "police.video/1"
)

// videoFiling is the section police.video/1 of the filing of a video system (条例 第14条: places, number and kind
// of devices, retention).
type videoFiling struct {
	Recorder struct {
		CapacityGB sdk.Decimal `json:"capacity_gb"` // usable, 10⁹ bytes
		HoursADay  sdk.Decimal `json:"hours_a_day"` // for which is recorded
	} `json:"recorder"`
	Places []struct {
		ID   string `json:"id"`
		Kind string `json:"kind"`
	} `json:"places"` // every exit, lobby and passage, and where else a camera is
	Cameras []camera `json:"cameras"`
}

type camera struct {
	At   string      `json:"at"`   // id of the place
	Kbps sdk.Decimal `json:"kbps"` // 1000 bits a second, as recorded
}

const mostPlaces = 2000

// problem says the first thing that the form does not say as its schema asks.
func (f *videoFiling) problem() string {
	if len(f.Places) == 0 || len(f.Places) > mostPlaces || len(f.Cameras) > mostPlaces {
		return fmt.Sprintf("places, cameras: 1 to %d places, at most as many cameras", mostPlaces)
	}
	ids := map[string]bool{}
	for i, p := range f.Places {
		if p.ID == "" || ids[p.ID] || !slices.Contains(placesKnown, p.Kind) {
			return fmt.Sprintf("places[%d]: an id that stands once, and a kind of the schema", i)
		}
		ids[p.ID] = true
	}
	for i, c := range f.Cameras {
		if !ids[c.At] || c.Kbps.Sign() <= 0 {
			return fmt.Sprintf("cameras[%d]: at a place of the form, with more than 0 kbps", i)
		}
	}
	if f.Recorder.HoursADay.Sign() <= 0 || sdk.Whole(24).Less(f.Recorder.HoursADay) || f.Recorder.CapacityGB.Sign() <= 0 {
		return "recorder: a capacity above 0, and above 0 to 24 hours a day"
	}
	return ""
}

// days gives how many days of footage the recorder holds.
func (f *videoFiling) days() (days sdk.Decimal, any bool) {
	kbps := sdk.Whole(0)
	for _, c := range f.Cameras {
		kbps = kbps.Add(c.Kbps)
	}
	if kbps.Sign() == 0 {
		return kbps, false
	}
	bitsADay := kbps.Mul(sdk.Whole(1000)).Mul(f.Recorder.HoursADay).Mul(sdk.Whole(3600))
	return f.Recorder.CapacityGB.Mul(sdk.Whole(8_000_000_000)).Div(bitsADay), true
}

// count gives how many places of some kinds there are, and how many of them no
// camera sees.
func (f *videoFiling) count(kinds []string) (all, blind int) {
	for _, p := range f.Places {
		if !slices.Contains(kinds, p.Kind) {
			continue
		}
		all++
		if !slices.ContainsFunc(f.Cameras, func(c camera) bool { return c.At == p.ID }) {
			blind++
		}
	}
	return all, blind
}

// video judges the places of cameras and computes from the recorder's capacity for
// how many days it keeps footage, which the catalogue's predicates take from the
// applicant.
func video() sdk.Check {
	return sdk.Check{
		ID: "video", Clauses: []string{hotelVideo, noRoomVideo, terrorVideo, venueVideo, noBathVideo},
		Facts:         []string{"industry", "cctv"},
		OptionalFacts: []string{"ent_kind", "terror_key_target", "cctv_days", "camera_in_room"},
		Contents:      []string{videoPaper},
		Run:           runVideo,
	}
}

func runVideo(_ context.Context, c *sdk.Case) []sdk.Finding {
	var out, asked []sdk.Finding
	exempt := func(clause string) { out = append(out, sdk.NotApplicable(clause)) }
	missing := func(clause string, t sdk.Truth) { out = append(out, sdk.NeedsFacts(clause, t.Missing()...)) }
	var seen []videoClause
	industry, has := c.Choice("industry"), c.Bool("cctv")

	if industry == "hotel" {
		seen = append(seen, videoClause{hotelVideo, hotelSeen, ordinaryDays, []citation.Citation{videoKept, farmInns}})
	} else {
		exempt(hotelVideo)
	}
	switch sings := c.Is("ent_kind", "ktv", "dance"); {
	case sings.Yes():
		seen = append(seen, videoClause{venueVideo, venueSeen, ordinaryDays, []citation.Citation{entVideo}})
	case sings.No():
		exempt(venueVideo)
	default:
		missing(venueVideo, sings)
	}
	// The clause speaks of key targets that have a system.
	switch target := sdk.All(sdk.That(has), c.Holds("terror_key_target")); {
	case target.Yes():
		seen = append(seen, videoClause{terrorVideo, nil, terrorDays, []citation.Citation{terrorKept}})
	case target.No():
		exempt(terrorVideo)
	default:
		missing(terrorVideo, target)
	}
	var banned []bannedClause
	if slices.Contains([]string{"hotel", "bathing", "catering"}, industry) {
		banned = append(banned, bannedClause{noRoomVideo, unseen})
	} else {
		exempt(noRoomVideo)
	}
	if industry == "bathing" {
		banned = append(banned, bannedClause{noBathVideo, bathUnseen})
	} else {
		exempt(noBathVideo)
	}

	var open []string
	for _, s := range seen {
		open = append(open, s.clause)
	}
	for _, b := range banned {
		open = append(open, b.clause)
	}
	if !has { // there is no filing to read
		for _, s := range seen {
			asked = append(asked, citation.Back(sdk.Fail(s.clause, "NO_VIDEO").Say("video.none").Advise("video.install"), s.law...))
		}
		for _, b := range banned {
			asked = append(asked, b.judgeStated(c))
		}
		return append(out, asked...)
	}
	if len(open) == 0 {
		return out
	}
	var form videoFiling
	if fault := c.Form(videoPaper, videoSection, &form); fault != nil {
		return append(out, fault.Findings(open...)...)
	}
	if problem := form.problem(); problem != "" {
		return append(out, sdk.InvalidForm(videoPaper, videoSection+": "+problem).Findings(open...)...)
	}
	for _, s := range seen {
		asked = append(asked, s.judge(c, &form)...)
	}
	for _, b := range banned {
		asked = append(asked, b.judge(c, &form))
	}
	return append(out, asked...)
}

// videoClause asks that places are seen and footage is kept.
type videoClause struct {
	clause string
	kinds  []string
	days   sdk.Decimal
	law    []citation.Citation
}

func (v videoClause) judge(c *sdk.Case, f *videoFiling) []sdk.Finding {
	var out []sdk.Finding
	for _, kind := range v.kinds {
		all, blind := f.count([]string{kind})
		if all == 0 {
			out = append(out, citation.Back(sdk.Human(v.clause, "PLACES_NOT_LISTED").Say("video.not_listed."+kind), v.law...))
		}
		if blind > 0 {
			out = append(out, citation.Back(sdk.Fail(v.clause, "PLACES_UNSEEN").
				Say("video.unseen."+kind, "blind", blind, "all", all).Advise("video.add"), v.law...))
		}
	}
	held, any := f.days()
	stated, isStated := c.OptionalInt("cctv_days")
	switch {
	case !any:
		out = append(out, citation.Back(sdk.Fail(v.clause, "NO_VIDEO").Say("video.none").Advise("video.install"), v.law...))
	case held.Less(v.days):
		out = append(out, citation.Back(sdk.Fail(v.clause, "KEPT_TOO_SHORT").
			Say("video.capacity", "days", sdk.Whole(held.Mul(sdk.Whole(10)).Floor()).Div(sdk.Whole(10)), "need", v.days).
			Advise("video.enlarge", "gb", f.needed(v.days)), v.law...))
	case isStated && sdk.Whole(stated).Less(v.days):
		out = append(out, citation.Back(sdk.Fail(v.clause, "KEPT_TOO_SHORT").
			Say("video.setting", "days", stated, "need", v.days).Advise("video.set", "need", v.days), v.law...))
	case !isStated:
		// The recorder can; whether it is set so, nobody has said.
		out = append(out, citation.Back(sdk.NeedsFacts(v.clause, "cctv_days"), v.law...))
	}
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(v.clause)}
	}
	return out
}

// needed gives the capacity in whole GB that some days take.
func (f *videoFiling) needed(days sdk.Decimal) int64 {
	held, _ := f.days()
	return f.Recorder.CapacityGB.Mul(days).Div(held).Ceil()
}

// bannedClause forbids cameras at places.
type bannedClause struct {
	clause string
	kinds  []string
}

// judge goes by the filing, and by what was answered where that is worse.
func (b bannedClause) judge(c *sdk.Case, f *videoFiling) sdk.Finding {
	all, blind := f.count(b.kinds)
	if seen := all - blind; seen > 0 {
		return citation.Back(sdk.Fail(b.clause, "CAMERA_IN_PRIVATE").Say("video.private", "places", seen).Advise("video.remove"), videoForbidden)
	}
	if c.Holds("camera_in_room").Yes() {
		return b.judgeStated(c)
	}
	return sdk.Pass(b.clause)
}

// judgeStated goes by what was answered.
func (b bannedClause) judgeStated(c *sdk.Case) sdk.Finding {
	return sdk.Judge(b.clause, sdk.That(true), c.Holds("camera_in_room").Not(), func() sdk.Finding {
		return citation.Back(sdk.Fail(b.clause, "CAMERA_IN_PRIVATE").Say("video.private_stated").Advise("video.remove"), videoForbidden)
	})
}
