package casework

import (
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/workday"
)

// Case is one application on its way (办件). Only the commands change it; each
// raises Version by one and appends what happened to Events.
type Case struct {
	Number      string // 申办流水号; empty while DRAFT
	State       CaseState
	Version     int
	Scheme      string
	Item        string // for a single-item case
	Lead        string // the lead department (主办)
	Applicant   string // the applicant's subject
	Region      string
	Notice      string           // number of the notice that the applicant holds
	Materials   []guide.Material // what the notice asks for
	Facts       map[string]any
	Needs       []Need // the items to be reviewed, known from the guide
	Standards   []Pin  // the versions accepted under
	Preset      Preset
	OpenedAt    time.Time
	ReceivedAt  time.Time // of the application, or of the last supplement before acceptance
	AcceptedAt  time.Time // deemed acceptance: the receipt
	Tolerated   []string  // SECONDARY materials that may come later
	Reviews     []Review
	Supplements []Supplement
	Procedures  []SpecialProcedure
	Holds       []Hold
	Meetings    []Meeting
	Decision    *Decision
	Duties      []Duty
	Events      []Event
}

// Need is an item that some department has to review.
type Need struct {
	Item         string
	Department   string
	Lead         bool
	Binding      bool // its dissent refuses the item; otherwise ADVISORY
	SafetyOfLife bool // judges clauses on safety of life: silence is never consent
	After        []string
	Limit        workday.Limit // zero: none
}

// Pin names the version of a standard that the case is judged under.
type Pin struct {
	Code    string
	Version int
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
	Department   string
	Lead         bool
	Binding      bool
	SafetyOfLife bool
	State        ReviewState
	Opinion      Opinion
	Reasons      []Reason
	After        []string // codes of the items whose results it waits for
	Limit        workday.Limit
	CopySentAt   time.Time // the copy notice (抄告)
	CopyOpenedAt time.Time
	OpenedAt     time.Time // its clock starts then
	PausedAt     time.Time // while PAUSED
	AnsweredAt   time.Time
	Pauses       []workday.Pause // ended ones
}

func (r Review) copyUnopened() bool { return r.State != Released && r.CopyOpenedAt.IsZero() }

// mayAnswer: an open review, or one whose superior has now spoken.
func (r Review) mayAnswer() bool {
	return r.State == Open || r.State == Answered && r.Opinion == ConsentPendingSuperior
}

// mayAsk: an unanswered review, or a dissent that a supplement could cure. Who
// has consented has nothing more to ask.
func (r Review) mayAsk() bool { return r.State == Open || r.State == Answered && r.Opinion == Dissent }

// releasable: an answer, a dissent above all, is not made undone by a release.
func (r Review) releasable() bool { return !r.Lead && (r.State == Open || r.State == Waiting) }

// DueOn is the day on which the review's limit ends. Paused days do not count
// (行政许可法 第45条).
func (r Review) DueOn(cal *workday.Calendar) (workday.Deadline, error) {
	return cal.Deadline(workday.DateOf(r.OpenedAt), r.Limit, r.Pauses)
}

// Supplement is the one consolidated request (一次性补正).
type Supplement struct {
	ID         string
	Asks       []Ask
	DueOn      workday.Date
	AskedAt    time.Time
	SuppliedAt time.Time
	MissedAt   time.Time
	DroppedAt  time.Time // the case was withdrawn
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
	ID        string
	Review    string
	Kind      ProcedureKind
	Days      int // the time needed, told to the applicant in writing
	Basis     law.Basis
	StartedAt time.Time
	EndedAt   time.Time
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
	ID        string
	Milestone Milestone
	Reason    string
	PlacedBy  Actor
	PlacedAt  time.Time
	LiftedAt  time.Time
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
	ID          string
	Kind        MeetingKind
	Departments []string
	On          workday.Date
	CalledAt    time.Time
	HeldAt      time.Time
	Absent      []string
}

// Decision is the joint decision of the lead.
type Decision struct {
	Outcome   Outcome
	Granted   []string // items
	Refused   []string
	Overruled []string // ids of ADVISORY dissents
	Reasons   []Reason
	DecidedAt time.Time
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
	Kind   DutyKind
	Since  workday.Date
	Within workday.Limit
	DoneAt time.Time
}

// DueOn is the day on which the duty must be done.
func (d Duty) DueOn(cal *workday.Calendar) (workday.Deadline, error) {
	return cal.Deadline(d.Since, d.Within, nil)
}

// Event is one thing that happened. Kind is the action's name, or one of the
// consequences. Late says that it was keyed in on a later day than it happened.
type Event struct {
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
)

func (c *Case) accepted() bool { return !c.AcceptedAt.IsZero() }

// review gives the index of a review, -1 when it is not there.
func (c *Case) review(id string) int {
	return slices.IndexFunc(c.Reviews, func(r Review) bool { return r.ID == id })
}

// duty gives the index of a duty that is not done, or -1.
func (c *Case) duty(kind DutyKind) int {
	return slices.IndexFunc(c.Duties, func(d Duty) bool { return d.Kind == kind && d.DoneAt.IsZero() })
}
