package casework_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/workday"
)

var (
	applicant = casework.Actor{Subject: "zhang", Role: casework.RoleApplicant}
	agent     = casework.Actor{Subject: "li", Role: casework.RoleAgent, OnBehalfOf: "zhang", Mandate: "WT-1"}
	window    = casework.Actor{Subject: "wang", Role: casework.RoleWindow}
	lead      = casework.Actor{Subject: "zhao", Role: casework.RoleReviewer, Department: "samr"}
	fire      = casework.Actor{Subject: "chen", Role: casework.RoleReviewer, Department: "fire"}
	eco       = casework.Actor{Subject: "wu", Role: casework.RoleReviewer, Department: "eco"}
	body      = casework.Actor{Subject: "qian", Role: casework.RoleCoordinator}
	timer     = casework.Actor{Subject: "platform", Role: casework.RoleTimer}
	shanghai  = time.FixedZone("CST", 8*3600)
	begin     = time.Date(2026, time.March, 2, 10, 0, 0, 0, shanghai)
	reasons   = []casework.Reason{{Clause: "C-FIR-001", Text: "疏散宽度不足"}}
	calendar  = mustCalendar()
	// moved is the calendar of a later notice: Wednesday 4 March is a day off.
	moved = mustCalendar(workday.NewDate(2026, time.March, 4))
)

// mustCalendar reads the shipped calendar, with some more days off.
func mustCalendar(off ...workday.Date) *workday.Calendar {
	var pack struct{ Years []workday.Year }
	readPack("holidays.yaml", &pack)
	for i := range pack.Years {
		for _, day := range off {
			if day.Year() == pack.Years[i].Year {
				pack.Years[i].Off = append(pack.Years[i].Off, workday.Holiday{Date: day, Name: "临时放假"})
			}
		}
	}
	c, err := workday.NewCalendar("test", pack.Years)
	if err != nil {
		panic(err)
	}
	return c
}

func readPack(name string, into any) {
	text, err := os.ReadFile("../catalog/packs/jiangbei/" + name)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		panic(err)
	}
}

// world is a case and the time it is.
type world struct {
	t interface{ Fatalf(string, ...any) }
	*casework.Case
	now time.Time
	ev  casework.Evidence
}

func (w *world) by(a casework.Actor) casework.By {
	w.now = w.now.Add(time.Minute)
	return casework.By{Actor: a, RecordedAt: w.now}
}

// lateBy keys in what happened some days ago.
func (w *world) lateBy(a casework.Actor, days int) casework.By {
	by := w.by(a)
	by.OccurredAt = by.RecordedAt.AddDate(0, 0, -days)
	return by
}

func (w *world) later(days int) { w.now = w.now.AddDate(0, 0, days) }

// on goes to the morning of a day.
func (w *world) on(day string) {
	at, err := time.ParseInLocation(time.DateOnly, day, shanghai)
	w.must(err)
	w.now = at.Add(9 * time.Hour)
}

func (w *world) today() workday.Date { return workday.DateOf(w.now) }

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatalf("%v", err)
	}
}

// dates finds the dates anew, as the desk does after every command.
func (w *world) dates() casework.Dates {
	_, err := w.Recalculate(calendar, w.today())
	w.must(err)
	return w.Dates
}

// tick runs the timers and gives the kinds of the events that they left.
func (w *world) tick() []string {
	before := len(w.Events)
	_, err := w.Tick(w.by(timer), calendar)
	w.must(err)
	kinds := []string{}
	for _, e := range w.Events[before:] {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func workdays(n int) workday.Limit { return workday.Limit{Amount: n, Unit: workday.UnitWorkday} }

// generous takes silence and absence for consent.
func generous() casework.Preset {
	p := casework.StrictPreset()
	p.DeemedConsent, p.AbsenceIsConsent = true, true
	return p
}

// restaurant: at once fire (BINDING, safety of life) and environment (ADVISORY),
// then the food permit of the lead behind fire.
func restaurant() []casework.Need {
	return []casework.Need{
		{Item: "fire-check", Department: "fire", Binding: true, SafetyOfLife: true, Limit: workdays(5), Extendable: 10},
		{Item: "fume", Department: "eco", Limit: workdays(5), Extendable: 10},
		{Item: "food-permit", Department: "samr", Lead: true, After: []string{"fire-check"}, Limit: workdays(5), Extendable: 10},
	}
}

// evidence promises 15 working days of the 45 of joint handling. The photo may
// come later, and the fire brigade's result is passed inside.
func evidence(preset casework.Preset, needs []casework.Need) casework.Evidence {
	return casework.Evidence{
		Lead: "samr", Needs: needs, Preset: preset, Standards: []casework.Pin{{Code: "catering", Version: 1}},
		Promised: workdays(15), Statutory: workdays(45), Extendable: 15,
		Checks: []check.Run{pending("exits", check.Enforce, check.Refer, "C-FIR-002")},
		Materials: []casework.Material{
			{Code: "plan", Name: "平面图", Source: guide.FromApplicant},
			{Code: "photo", Name: "门头照片", Source: guide.FromApplicant, Tolerable: true},
			{Code: "fire-result", Name: "消防安全检查意见书", Source: guide.FromInside},
		},
	}
}

func open(t interface{ Fatalf(string, ...any) }, ev casework.Evidence) *world {
	w := &world{t: t, now: begin, ev: ev}
	c, err := casework.New(w.by(applicant), casework.Opening{
		ID: "cas_1", Scheme: "catering", Applicant: "zhang", Agent: "li", Mandate: "WT-1", Evidence: ev,
	})
	w.must(err)
	w.Case = c
	return w
}

func submitted(t interface{ Fatalf(string, ...any) }, ev casework.Evidence) *world {
	w := open(t, ev)
	w.must(w.submit(w.by(applicant)))
	return w
}

func (w *world) submit(by casework.By) error { return w.Submit(by, "BJ-1", "CODE", w.ev) }

// accepted is on its way since Monday 2 March 2026; tolerate may come later.
func accepted(t interface{ Fatalf(string, ...any) }, ev casework.Evidence, tolerate ...string) *world {
	w := submitted(t, ev)
	w.must(w.Accept(w.by(window), ev, tolerate, calendar))
	return w
}

func inReview(t interface{ Fatalf(string, ...any) }, preset casework.Preset) *world {
	return accepted(t, evidence(preset, restaurant()))
}

func (w *world) id(pick func(casework.Review) bool) string {
	for _, r := range w.Reviews {
		if pick(r) {
			return r.ID
		}
	}
	return "rev_1_0"
}

// awaited gives the code of a tolerated paper that has not come, or "plan".
func (w *world) awaited() string {
	for _, m := range w.Materials {
		if !m.DueOn.IsZero() && !m.Given() {
			return m.Code
		}
	}
	return "plan"
}

// called gives a meeting that is still to be recorded.
func (w *world) called() casework.Meeting {
	for _, m := range w.Meetings {
		if m.HeldAt.IsZero() && m.CancelledAt.IsZero() {
			return m
		}
	}
	return casework.Meeting{ID: "mtg_1_0"}
}

func (w *world) due() workday.Date { return w.today().AddDays(10) }

func stop(kind casework.StopKind) casework.StopInput {
	return casework.StopInput{Kind: kind, Reason: "申请人在涉诉", Basis: law.Basis{Law: "本区规则"}}
}

// errIdle says that a timer had nothing to do, which is no fault.
var errIdle = errors.New("nothing to do")

// attempt is one way to try an action: with input that fits as far as any does.
type attempt struct {
	action casework.Action
	to     casework.CaseState
	actor  casework.Actor
	try    func(w *world, by casework.By) error
}

func attempts() []attempt {
	running := func(r casework.Review) bool { return r.State == casework.Open || r.State == casework.Paused }
	var all []attempt
	add := func(action casework.Action, to casework.CaseState, a casework.Actor, try func(*world, casework.By) error) {
		all = append(all, attempt{action, to, a, try})
	}
	for _, a := range []casework.Actor{applicant, agent} {
		add(casework.ActChange, "", a, func(w *world, by casework.By) error {
			return w.Change(by, map[string]any{"seats": 40}, w.ev)
		})
		add(casework.ActSubmit, "", a, func(w *world, by casework.By) error { return w.submit(by) })
		add(casework.ActWithdraw, "", a, func(w *world, by casework.By) error { return w.Withdraw(by, "不办了") })
		add(casework.ActAttach, "", a, func(w *world, by casework.By) error {
			return w.Attach(by, casework.AttachInput{Material: w.awaited(), File: casework.File{Name: "a.pdf", SHA256: "00"}})
		})
		add(casework.ActSupply, "", a, func(w *world, by casework.By) error { return w.Supply(by) })
	}
	add(casework.ActAccept, "", window, func(w *world, by casework.By) error {
		return w.Accept(by, w.ev, nil, calendar)
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
		add(casework.ActExtend, "", a, func(w *world, by casework.By) error {
			in := casework.Extending{Days: 1, Approver: "局长", Reason: "案情复杂"}
			if a != lead {
				in.Review = w.id(mine(running))
			}
			return w.Extend(by, in, calendar)
		})
		add(casework.ActRerun, "", a, func(w *world, by casework.By) error { return w.RerunChecks(by, w.ev) })
		isOpen := mine(func(r casework.Review) bool { return r.State == casework.Open })
		add(casework.ActStartProcedure, "", a, func(w *world, by casework.By) error {
			return w.StartSpecialProcedure(by, casework.ProcedureInput{Review: w.id(isOpen), Kind: casework.Hearing, Days: 20})
		})
		add(casework.ActEndProcedure, "", a, func(w *world, by casework.By) error {
			for _, p := range w.Procedures {
				if p.EndedAt.IsZero() && w.id(func(r casework.Review) bool { return r.ID == p.Review && r.Department == a.Department }) != "rev_1_0" {
					return w.EndSpecialProcedure(by, p.ID)
				}
			}
			return w.EndSpecialProcedure(by, "prc_1_0")
		})
	}
	for _, a := range []casework.Actor{lead, body, window} {
		add(casework.ActRepin, "", a, func(w *world, by casework.By) error {
			ev := w.ev
			ev.Standards = []casework.Pin{{Code: "catering", Version: 99}}
			return w.Repin(by, ev, "新标准更有利于申请人")
		})
	}
	add(casework.ActAddDepartment, "", lead, func(w *world, by casework.By) error {
		return w.AddDepartment(by, casework.Need{Item: "extra", Department: "dept-" + string(rune('a'+len(w.Reviews)))}, nil, "另有职责")
	})
	for _, a := range []casework.Actor{lead, body} {
		add(casework.ActRelease, "", a, func(w *world, by casework.By) error {
			return w.ReleaseDepartment(by, w.id(func(r casework.Review) bool {
				return !r.Lead && r.Opinion != casework.Dissent && (r.State == casework.Open || r.State == casework.Waiting) && (!r.SafetyOfLife || a == body)
			}), "不涉及")
		})
	}
	add(casework.ActCallMeeting, "", lead, func(w *world, by casework.By) error {
		called := []string{"samr"}
		for _, r := range w.Reviews {
			if r.State != casework.Released && !slices.Contains(called, r.Department) {
				called = append(called, r.Department)
			}
		}
		return w.CallMeeting(by, casework.ReviewMeeting, called, workday.DateOf(by.RecordedAt).AddDays(1))
	})
	add(casework.ActRecordMeeting, "", lead, func(w *world, by casework.By) error {
		m := w.called()
		return w.RecordMeeting(by, m.ID, m.Departments[:min(1, len(m.Departments))])
	})
	add(casework.ActCancelMeeting, "", lead, func(w *world, by casework.By) error {
		return w.CancelMeeting(by, w.called().ID, "改为函询")
	})
	for _, kind := range []casework.StopKind{casework.Suspend, casework.Interrupt} {
		add(casework.ActStopClock, "", lead, func(w *world, by casework.By) error { return w.StopClock(by, stop(kind)) })
	}
	add(casework.ActResumeClock, "", lead, func(w *world, by casework.By) error { return w.ResumeClock(by) })
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
		return w.LiftHold(by, "hld_1_0")
	})
	add(casework.ActDecide, casework.Granted, lead, func(w *world, by casework.By) error { return w.Decide(by, casework.Grant, nil) })
	add(casework.ActDecide, casework.Denied, lead, func(w *world, by casework.By) error { return w.Decide(by, casework.Deny, reasons) })
	add(casework.ActGiveReasons, "", lead, func(w *world, by casework.By) error { return w.GiveReasons(by, reasons) })
	add(casework.ActDeliver, "", window, func(w *world, by casework.By) error { return w.Deliver(by) })
	add(casework.ActChooseMode, "", lead, func(w *world, by casework.By) error { return w.ChooseMode(by, casework.MeetingMode) })
	add(casework.ActReturn, "", window, func(w *world, by casework.By) error { return w.Return(by, reasons) })
	add(casework.ActRecall, "", lead, func(w *world, by casework.By) error { return w.Recall(by, reasons) })
	add(casework.ActRevokeAcceptance, "", window, func(w *world, by casework.By) error { return w.RevokeAcceptance(by, reasons) })
	add(casework.ActRevoke, "", lead, func(w *world, by casework.By) error { return w.Revoke(by, reasons) })
	add(casework.ActDeemAccepted, "", timer, func(w *world, by casework.By) error {
		return w.DeemAccepted(by, calendar)
	})
	add(casework.ActDeemConsent, "", timer, func(w *world, by casework.By) error {
		return w.DeemConsent(by, w.id(func(r casework.Review) bool {
			return r.State == casework.Open && r.Opinion == "" && !r.Lead && !r.SafetyOfLife
		}), calendar)
	})
	add(casework.ActMissMaterial, "", timer, func(w *world, by casework.By) error { return w.MissMaterial(by, w.awaited()) })
	add(casework.ActRemind, "", timer, func(w *world, by casework.By) error {
		return w.Remind(by, w.id(func(r casework.Review) bool {
			return r.State == casework.Open && !r.DueOn.IsZero() && r.RemindedAt.IsZero()
		}))
	})
	add(casework.ActMoveDates, "", timer, func(w *world, by casework.By) error {
		version := w.Version
		if err := w.MoveDates(by, moved); err != nil || w.Version > version {
			return err
		}
		return errIdle
	})
	add(casework.ActRecordChecks, "", timer, func(w *world, by casework.By) error {
		version := w.Version
		if err := w.Land(by, answers(w.Checks), nil, nil); err != nil || w.Version > version {
			return err
		}
		return errIdle
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
