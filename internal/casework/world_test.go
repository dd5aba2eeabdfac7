package casework_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/workday"
)

var (
	applicant = casework.Actor{Subject: "zhang", Role: casework.RoleApplicant}
	agent     = casework.Actor{Subject: "li", Role: casework.RoleAgent, OnBehalfOf: "zhang", Mandate: "M-1"}
	window    = casework.Actor{Subject: "wang", Role: casework.RoleWindow}
	lead      = casework.Actor{Subject: "zhao", Role: casework.RoleReviewer, Department: "samr"}
	fire      = casework.Actor{Subject: "chen", Role: casework.RoleReviewer, Department: "fire"}
	eco       = casework.Actor{Subject: "wu", Role: casework.RoleReviewer, Department: "eco"}
	timer     = casework.Actor{Subject: "platform", Role: casework.RoleTimer}
	shanghai  = time.FixedZone("CST", 8*3600)
	begin     = time.Date(2026, time.March, 2, 10, 0, 0, 0, shanghai)
	reasons   = []casework.Reason{{Clause: "C-FIR-001", Text: "疏散宽度不足"}}
	calendar  = mustCalendar()
)

func mustCalendar() *workday.Calendar {
	text, err := os.ReadFile("../catalog/packs/jiangbei/holidays.yaml")
	if err != nil {
		panic(err)
	}
	var pack struct {
		Calendar string         `yaml:"calendar"`
		Years    []workday.Year `yaml:"years"`
	}
	if err := yaml.Unmarshal(text, &pack); err != nil {
		panic(err)
	}
	c, err := workday.NewCalendar("test", pack.Years)
	if err != nil {
		panic(err)
	}
	return c
}

// world is a case and the day it is.
type world struct {
	t interface{ Fatalf(string, ...any) }
	*casework.Case
	now    time.Time
	preset casework.Preset
}

func (w *world) by(a casework.Actor) casework.By {
	w.now = w.now.Add(time.Hour)
	return casework.By{Actor: a, RecordedAt: w.now}
}

func (w *world) later(days int) { w.now = w.now.AddDate(0, 0, days) }

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatalf("%v", err)
	}
}

// preset is generous: silence and absence are consent.
func generous() casework.Preset {
	p := casework.StrictPreset()
	p.DeemedConsent, p.AbsenceIsConsent = true, true
	return p
}

// restaurant: the licence, then at once fire (BINDING, safety of life) and
// environment (ADVISORY), then the food permit of the lead behind fire.
func restaurant() []casework.Need {
	limit := workday.Limit{Amount: 5, Unit: workday.UnitWorkday}
	return []casework.Need{
		{Item: "fire-check", Department: "fire", Binding: true, SafetyOfLife: true, Limit: limit},
		{Item: "fume", Department: "eco", Limit: limit},
		{Item: "food-permit", Department: "samr", Lead: true, After: []string{"fire-check"}, Limit: limit},
	}
}

func open(t interface{ Fatalf(string, ...any) }, preset casework.Preset, needs []casework.Need) *world {
	w := &world{t: t, now: begin, preset: preset}
	c, err := casework.New(w.by(applicant), casework.Opening{Scheme: "catering", Lead: "samr", Applicant: "zhang", Needs: needs})
	w.must(err)
	w.Case = c
	return w
}

func inReview(t interface{ Fatalf(string, ...any) }, preset casework.Preset) *world {
	w := open(t, preset, restaurant())
	w.must(w.Submit(w.by(applicant), "JB-1"))
	w.must(w.Accept(w.by(window), casework.Acceptance{Preset: preset}))
	return w
}

func (w *world) id(pick func(casework.Review) bool) string {
	for _, r := range w.Reviews {
		if pick(r) {
			return r.ID
		}
	}
	return "R0"
}

func (w *world) due() workday.Date { return workday.DateOf(w.now).AddDays(10) }

// attempt is one way to try an action: with input that fits as far as any does.
type attempt struct {
	action casework.Action
	to     casework.CaseState
	actor  casework.Actor
	try    func(w *world, by casework.By) error
}

func attempts() []attempt {
	var all []attempt
	add := func(action casework.Action, to casework.CaseState, a casework.Actor, try func(*world, casework.By) error) {
		all = append(all, attempt{action, to, a, try})
	}
	for _, a := range []casework.Actor{applicant, agent} {
		add(casework.ActChange, "", a, func(w *world, by casework.By) error {
			return w.Change(by, map[string]any{"seats": 40}, w.Needs)
		})
		add(casework.ActSubmit, "", a, func(w *world, by casework.By) error { return w.Submit(by, "JB-1") })
		add(casework.ActWithdraw, "", a, func(w *world, by casework.By) error { return w.Withdraw(by, "不办了") })
		add(casework.ActSupply, "", a, func(w *world, by casework.By) error { return w.Supply(by) })
	}
	add(casework.ActAccept, "", window, func(w *world, by casework.By) error {
		return w.Accept(by, casework.Acceptance{Preset: w.preset})
	})
	for _, to := range []casework.CaseState{casework.Refused, casework.NotRequired} {
		add(casework.ActRefuse, to, window, func(w *world, by casework.By) error { return w.Refuse(by, to, reasons) })
	}
	for _, a := range []casework.Actor{window, lead} {
		add(casework.ActAskSupplement, "", a, func(w *world, by casework.By) error {
			ask := casework.Ask{Text: "补平面图"}
			if w.State != casework.Submitted {
				ask.Review = w.id(func(r casework.Review) bool {
					return r.State == casework.Open || r.State == casework.Answered && r.Opinion == casework.Dissent
				})
			}
			return w.RequestSupplement(by, []casework.Ask{ask}, w.due())
		})
	}
	for _, a := range []casework.Actor{lead, fire, eco} {
		mine := func(pick func(casework.Review) bool) func(casework.Review) bool {
			return func(r casework.Review) bool { return r.Department == a.Department && pick(r) }
		}
		add(casework.ActOpenCopy, "", a, func(w *world, by casework.By) error {
			return w.OpenCopyNotice(by, w.id(mine(func(r casework.Review) bool { return r.CopyOpenedAt.IsZero() && r.State != casework.Released })))
		})
		for _, o := range []casework.Opinion{casework.Consent, casework.Dissent} {
			add(casework.ActOpinion, "", a, func(w *world, by casework.By) error {
				return w.GiveOpinion(by, w.id(mine(func(r casework.Review) bool {
					return r.State == casework.Open || r.State == casework.Answered && r.Opinion == casework.ConsentPendingSuperior
				})), o, reasons)
			})
		}
		isOpen := mine(func(r casework.Review) bool { return r.State == casework.Open })
		add(casework.ActStartProcedure, "", a, func(w *world, by casework.By) error {
			return w.StartSpecialProcedure(by, casework.ProcedureInput{Review: w.id(isOpen), Kind: casework.Hearing, Days: 20})
		})
		add(casework.ActEndProcedure, "", a, func(w *world, by casework.By) error {
			for _, p := range w.Procedures {
				if p.EndedAt.IsZero() && w.id(func(r casework.Review) bool { return r.ID == p.Review && r.Department == a.Department }) != "R0" {
					return w.EndSpecialProcedure(by, p.ID)
				}
			}
			return w.EndSpecialProcedure(by, "P0")
		})
	}
	add(casework.ActAddDepartment, "", lead, func(w *world, by casework.By) error {
		return w.AddDepartment(by, casework.Need{Item: "extra", Department: "dept-" + string(rune('a'+len(w.Reviews)))}, "另有职责")
	})
	add(casework.ActRelease, "", lead, func(w *world, by casework.By) error {
		return w.ReleaseDepartment(by, w.id(func(r casework.Review) bool {
			return !r.Lead && (r.State == casework.Open || r.State == casework.Waiting)
		}), "不涉及")
	})
	add(casework.ActCallMeeting, "", lead, func(w *world, by casework.By) error {
		return w.CallMeeting(by, casework.ReviewMeeting, []string{"samr"}, workday.DateOf(by.RecordedAt))
	})
	add(casework.ActRecordMeeting, "", lead, func(w *world, by casework.By) error {
		for _, m := range w.Meetings {
			if m.HeldAt.IsZero() {
				return w.RecordMeeting(by, m.ID, []string{"samr"})
			}
		}
		return w.RecordMeeting(by, "M0", nil)
	})
	add(casework.ActPlaceHold, "", lead, func(w *world, by casework.By) error {
		if w.State == casework.Granted || w.State == casework.Denied {
			return w.PlaceHold(by, casework.DeliveryMilestone, "核实")
		}
		return w.PlaceHold(by, casework.DecisionMilestone, "核实")
	})
	add(casework.ActLiftHold, "", lead, func(w *world, by casework.By) error {
		for _, h := range w.Holds {
			if h.LiftedAt.IsZero() {
				return w.LiftHold(by, h.ID)
			}
		}
		return w.LiftHold(by, "H0")
	})
	add(casework.ActDecide, casework.Granted, lead, func(w *world, by casework.By) error { return w.Decide(by, casework.Grant, nil) })
	add(casework.ActDecide, casework.Denied, lead, func(w *world, by casework.By) error { return w.Decide(by, casework.Deny, reasons) })
	add(casework.ActGiveReasons, "", lead, func(w *world, by casework.By) error { return w.GiveReasons(by, reasons) })
	add(casework.ActDeliver, "", window, func(w *world, by casework.By) error { return w.Deliver(by) })
	add(casework.ActRevoke, "", lead, func(w *world, by casework.By) error { return w.Revoke(by, reasons) })
	add(casework.ActDeemAccepted, "", timer, func(w *world, by casework.By) error {
		return w.DeemAccepted(by, casework.Acceptance{Preset: w.preset}, calendar)
	})
	add(casework.ActDeemConsent, "", timer, func(w *world, by casework.By) error {
		return w.DeemConsent(by, w.id(func(r casework.Review) bool { return r.State == casework.Open && !r.SafetyOfLife }), calendar)
	})
	add(casework.ActMissSupplement, "", timer, func(w *world, by casework.By) error { return w.MissSupplement(by) })
	return all
}

func TestEveryActionIsAttempted(t *testing.T) {
	t.Parallel()
	for _, action := range casework.Actions {
		if !slices.ContainsFunc(attempts(), func(a attempt) bool { return a.action == action }) {
			t.Errorf("nobody attempts %s", action)
		}
	}
}
