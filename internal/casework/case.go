package casework

import (
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/workday"
)

// Case is one application on its way (办件). Only the commands change it; each
// raises Version by one and appends what happened to Events.
type Case struct {
	ID        string
	Number    string // 申办流水号; empty until it is submitted for the first time
	QueryCode string // with the number, shows the applicant's progress to who has both
	State     CaseState
	Version   int
	Scheme    string
	Item      string // for a single-item case
	Lead      string // the lead department (主办)
	Applicant string // the applicant's subject
	Agent     string // the subject of the agent (全程员) who acts for the applicant
	Region    string
	Notice    string // number of the notice that the applicant holds
	Facts     map[string]any
	Dossier
	Dates     Dates
	Materials []Material // what the guide asks for
	Reviews   []Review

	OpenedAt   time.Time
	ReceivedAt time.Time // of the application, or of the last supplement before acceptance
	AcceptedAt time.Time // deemed acceptance: the receipt
	DecidedAt  time.Time

	Receipts   []check.Receipt // of the plugins' calls that this command recorded
	Events     []Event         // that this command appended; those before are kept
	EventCount int             // all events, those before too
	RecordedAt time.Time       // of the last event
}

// Dossier is what a case holds beside its papers and reviews. It is kept as one
// value: nothing in it is looked up alone.
type Dossier struct {
	Mandate     string             `json:"mandate,omitempty"`   // by what the agent may act
	Needs       []Need             `json:"needs,omitempty"`     // the items to be reviewed, known from the guide; reviews after acceptance
	Undecided   []Undetermined     `json:"undecided,omitempty"` // items of which it is open whether they are needed
	Standards   []Pin              `json:"standards,omitempty"` // the versions judged under; accepted under, once accepted
	JudgedOn    workday.Date       `json:"judged_on,omitzero"`  // by whose law, once moved to other versions; zero: that of acceptance
	Preset      Preset             `json:"preset"`
	Promised    workday.Limit      `json:"promised"` // of the whole case
	Statutory   workday.Limit      `json:"statutory"`
	Extendable  int                `json:"extendable,omitempty"` // by how much the law lets the statutory limit be prolonged
	Supplements []Supplement       `json:"supplements,omitempty"`
	Procedures  []SpecialProcedure `json:"procedures,omitempty"`
	Stops       []Stop             `json:"stops,omitempty"`
	Extensions  []Extension        `json:"extensions,omitempty"`
	Holds       []Hold             `json:"holds,omitempty"`
	Meetings    []Meeting          `json:"meetings,omitempty"`
	Checks      []check.Run        `json:"checks,omitempty"` // of departments' plugins
	Decision    *Decision          `json:"decision,omitempty"`
	Duties      []Duty             `json:"duties,omitempty"`
	ToldAt      time.Time          `json:"told_at,omitzero"`      // the one request for supplements before acceptance
	EndedBy     Action             `json:"ended_by,omitempty"`    // what ended it: withdrawCase, revokeCase and recallCase are kept apart
	PaperCount  int                `json:"paper_count,omitempty"` // all materials that it ever had
}

// Undetermined is an item of which it is open whether the project needs it,
// because these facts are missing. It is no review; the lead may still add it.
type Undetermined struct {
	Item    string   `json:"item"`
	Missing []string `json:"missing_facts"`
}

// Need is an item that some department has to review.
type Need struct {
	Item         string        `json:"item"`
	Version      int           `json:"version"` // of its standard
	Department   string        `json:"department"`
	Lead         bool          `json:"lead,omitempty"`
	Binding      bool          `json:"binding,omitempty"`        // its dissent refuses the item; otherwise ADVISORY
	SafetyOfLife bool          `json:"safety_of_life,omitempty"` // judges clauses on safety of life: silence is never consent
	After        []string      `json:"after,omitempty"`
	Limit        workday.Limit `json:"limit"` // zero: none
	Extendable   int           `json:"extendable,omitempty"`
	Findings     []Finding     `json:"findings,omitempty"`
}

// Pin names the version of a standard that the case is judged under.
type Pin struct {
	Code    string `json:"code"`
	Version int    `json:"version"`
}

// Reason is one ground of an opinion or decision: the clause, or a text.
type Reason struct {
	Clause string `json:"clause,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Review is one item of the case in one department (审查).
type Review struct {
	ID           string
	Item         string
	Version      int // of the item's standard
	Department   string
	Lead         bool
	Binding      bool
	SafetyOfLife bool
	State        ReviewState
	Opinion      Opinion
	Reasons      []Reason
	After        []string  // codes of the items whose results it waits for
	CopySentAt   time.Time // the copy notice (抄告); in the department's inbox at once
	CopyOpenedAt time.Time
	OpenedAt     time.Time // its clock starts then
	AnsweredAt   time.Time
	DueOn        workday.Date // zero: no limit, or no clock yet
	Findings     []Finding
	Ledger
}

// Ledger is what a review's clock is reckoned from: budget and stops.
type Ledger struct {
	Limit      workday.Limit   `json:"limit"`
	Extendable int             `json:"extendable,omitempty"` // by how much the law lets the limit be prolonged
	Pauses     []workday.Pause `json:"pauses,omitempty"`     // ended ones
	PausedAt   time.Time       `json:"paused_at,omitzero"`   // while PAUSED
	RemindedAt time.Time       `json:"reminded_at,omitzero"` // that it is due soon
}

// consents says that the department's answer is a consent, given or deemed.
func (r Review) consents() bool {
	return r.State == Answered && (r.Opinion == Consent || r.Opinion == DeemedConsent)
}

func (r Review) copyUnopened() bool { return r.State != Released && r.CopyOpenedAt.IsZero() }

// mayAnswer: an open review, or one whose superior has now spoken.
func (r Review) mayAnswer() bool {
	return r.State == Open || r.State == Answered && r.Opinion == ConsentPendingSuperior
}

// running: its clock has started and nobody has answered.
func (r Review) running() bool { return r.State == Open || r.State == Paused }

// remindable: its limit runs and nobody has been reminded of it.
func (r Review) remindable() bool {
	return r.State == Open && !r.DueOn.IsZero() && r.RemindedAt.IsZero()
}

// mayAsk: an unanswered review, or a dissent that a supplement could cure. Who
// has consented has nothing more to ask.
func (r Review) mayAsk() bool { return r.State == Open || r.State == Answered && r.Opinion == Dissent }

// releasable: an answer, a dissent above all, is not made undone by a release.
func (r Review) releasable() bool {
	return !r.Lead && r.Opinion != Dissent && (r.State == Open || r.State == Waiting)
}

// yields says that silence or absence could be taken for consent: of a
// co-department that has said nothing yet, and never on safety of life.
func (r Review) yields() bool {
	return r.State == Open && r.Opinion == "" && !r.Lead && !r.SafetyOfLife
}

// Supplement is the one consolidated request (一次性补正).
type Supplement struct {
	ID         string       `json:"id"`
	Asks       []Ask        `json:"asks"`
	DueOn      workday.Date `json:"due_on"`
	AskedAt    time.Time    `json:"asked_at"`
	SuppliedAt time.Time    `json:"supplied_at,omitzero"`
	MissedAt   time.Time    `json:"missed_at,omitzero"`
	DroppedAt  time.Time    `json:"dropped_at,omitzero"` // the case was withdrawn
}

// Open says that the applicant still has to supply.
func (s Supplement) Open() bool {
	return s.SuppliedAt.IsZero() && s.MissedAt.IsZero() && s.DroppedAt.IsZero()
}

// Ask is one thing asked for. Review is empty before acceptance, when the window
// asks.
type Ask struct {
	Review   string `json:"review,omitempty"`
	Material string `json:"material,omitempty"` // code
	Text     string `json:"text"`
}

// ProcedureKind is a procedure whose time does not count (行政许可法 第45条).
type ProcedureKind string

// The special procedures. PUBLICITY (公示) is not in the list of 第45条: it has
// to name the law that demands it.
const (
	Hearing      ProcedureKind = "HEARING"
	Bidding      ProcedureKind = "BIDDING"
	Auction      ProcedureKind = "AUCTION"
	Inspection   ProcedureKind = "INSPECTION"
	Test         ProcedureKind = "TEST"
	Quarantine   ProcedureKind = "QUARANTINE"
	Appraisal    ProcedureKind = "APPRAISAL"
	ExpertReview ProcedureKind = "EXPERT_REVIEW"
	Publicity    ProcedureKind = "PUBLICITY"
)

var procedureKinds = []ProcedureKind{Hearing, Bidding, Auction, Inspection, Test, Quarantine, Appraisal, ExpertReview, Publicity}

// SpecialProcedure stops the clock of one review (特别程序).
type SpecialProcedure struct {
	ID        string        `json:"id"`
	Review    string        `json:"review"`
	Kind      ProcedureKind `json:"kind"`
	Days      int           `json:"days"` // the working days needed, told to the applicant in writing
	Basis     law.Basis     `json:"basis"`
	StartedAt time.Time     `json:"started_at"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}

// Extension prolongs a limit (行政许可法 第42条): who approved it and why, of
// which the applicant is told. Review is empty for the whole case.
type Extension struct {
	Review     string    `json:"review,omitempty"`
	Days       int       `json:"days"` // in the unit of the limit
	Approver   string    `json:"approver"`
	Reason     string    `json:"reason"`
	ExtendedAt time.Time `json:"extended_at"`
}

// Milestone is what a hold blocks.
type Milestone string

// The milestones that can be held.
const (
	DecisionMilestone Milestone = "DECISION"
	DeliveryMilestone Milestone = "DELIVERY"
)

// Hold keeps a case from a milestone until who placed it lifts it.
type Hold struct {
	ID        string    `json:"id"`
	Milestone Milestone `json:"milestone"`
	Reason    string    `json:"reason"`
	PlacedBy  Actor     `json:"placed_by"`
	PlacedAt  time.Time `json:"placed_at"`
	LiftedAt  time.Time `json:"lifted_at,omitzero"`
}

// mayLift: the same role of the same department.
func (h Hold) mayLift(a Actor) bool {
	return h.PlacedBy.Role == a.Role && h.PlacedBy.Department == a.Department
}

// MeetingKind is a joint review meeting (会审), a coordination meeting (联席会议) or
// a joint site visit (联合踏勘).
type MeetingKind string

// The kinds of meeting.
const (
	ReviewMeeting       MeetingKind = "REVIEW_MEETING"
	CoordinationMeeting MeetingKind = "COORDINATION_MEETING"
	SiteVisit           MeetingKind = "SITE_VISIT"
)

// Meeting is called with all the departments in one slot; an absent one cannot
// have a second site visit.
type Meeting struct {
	ID          string       `json:"id"`
	Kind        MeetingKind  `json:"kind"`
	Departments []string     `json:"departments"`
	On          workday.Date `json:"on"`
	CalledAt    time.Time    `json:"called_at"`
	HeldAt      time.Time    `json:"held_at,omitzero"`
	CancelledAt time.Time    `json:"cancelled_at,omitzero"`
	Absent      []string     `json:"absent,omitempty"`
}

func (m Meeting) open() bool { return m.HeldAt.IsZero() && m.CancelledAt.IsZero() }

// Decision is the joint decision of the lead.
type Decision struct {
	Outcome   Outcome   `json:"outcome"`
	Granted   []string  `json:"granted,omitempty"` // items
	Refused   []string  `json:"refused,omitempty"`
	Overruled []string  `json:"overruled,omitempty"` // ids of ADVISORY dissents
	Dissents  []string  `json:"dissents,omitempty"`  // ids of all reviews that dissent: they are attached
	Released  []string  `json:"released,omitempty"`  // items that nobody reviews any more: neither granted nor refused
	Reasons   []Reason  `json:"reasons,omitempty"`
	DecidedAt time.Time `json:"decided_at"`
}

// DutyKind is what the lead owes after the decision.
type DutyKind string

// The duties.
const (
	OwesReasons  DutyKind = "WRITTEN_REASONS"
	OwesDelivery DutyKind = "DELIVERY"
)

// Duty is owed from a day on, within a limit.
type Duty struct {
	Kind   DutyKind      `json:"kind"`
	Since  workday.Date  `json:"since"`
	Within workday.Limit `json:"within"`
	DoneAt time.Time     `json:"done_at,omitzero"`
}

// DueOn is the day on which the duty must be done.
func (d Duty) DueOn(cal *workday.Calendar) (workday.Deadline, error) {
	return cal.Deadline(d.Since, d.Within, nil)
}

// Event is one thing that happened. Kind is the action's name, or one of the
// consequences. Late says that it was keyed in on a later day than it happened.
type Event struct {
	ID         string
	Position   int // in its case, from 1 on without a gap
	Kind       string
	OccurredAt time.Time
	RecordedAt time.Time
	Actor      Actor
	Late       bool
	Data       map[string]any
}

// The kinds of event that follow from a command.
const (
	EventOpened         = "openCase"
	EventReviewWaits    = "reviewWaits"
	EventReviewOpened   = "reviewOpened"
	EventReviewReleased = "reviewReleased"
	EventDeemedConsent  = "reviewDeemedConsent"
	EventDutyOwed       = "dutyOwed"
	EventResultPassed   = "resultPassed"
)

// Consequences lists the kinds of event that no command of its own leaves.
var Consequences = []string{EventOpened, EventReviewWaits, EventReviewOpened, EventReviewReleased, EventDeemedConsent, EventDutyOwed, EventResultPassed}

func (c *Case) accepted() bool { return !c.AcceptedAt.IsZero() }

// material gives the index of a material, -1 when the case has none such.
func (c *Case) material(code string) int {
	return slices.IndexFunc(c.Materials, func(m Material) bool { return m.Code == code })
}

// review gives the index of a review, -1 when it is not there.
func (c *Case) review(id string) int {
	return slices.IndexFunc(c.Reviews, func(r Review) bool { return r.ID == id })
}

// duty gives the index of a duty that is not done, or -1.
func (c *Case) duty(kind DutyKind) int {
	return slices.IndexFunc(c.Duties, func(d Duty) bool { return d.Kind == kind && d.DoneAt.IsZero() })
}
