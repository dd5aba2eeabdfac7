package store

import (
	"strings"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
	"github.com/onedoor/onedoor/internal/workday"
)

// Mapping between rows and the core's values, and nothing else.

// deref and pointer turn SQL's NULL into "" and back.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// nonNil makes sure that a list column holds a list.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func departmentOf(row *ent.Department) district.Department {
	return district.Department{Code: row.Code, Name: row.Name, NameEN: row.NameEn, Role: row.Role, Duties: row.Duties, Note: row.Note}
}

func regionOf(row *ent.Region) district.Region {
	r := district.Region{Code: row.Code, Name: row.Name, Kind: row.Kind, Confidence: row.Confidence, Note: row.Note}
	if parent := row.Edges.Parent; parent != nil {
		r.Parent = &parent.Code
	}
	return r
}

func zoneOf(row *ent.Zone) district.Zone {
	z := district.Zone{Code: row.Code, Name: row.Name, NameEN: row.NameEn, Basis: row.Basis, Confidence: row.Confidence}
	if region := row.Edges.Region; region != nil {
		z.Region = &region.Code
	}
	return z
}

// itemOf needs the row's department and materials loaded.
func itemOf(row *ent.ItemVersion) item.Item {
	it := item.Item{
		Code: row.Code, Name: row.Name, NameEN: row.NameEn, Department: row.Edges.Department.Code,
		Type: row.Type, Level: row.Level, Basis: row.Basis, Time: row.Time, NeededWhen: row.NeededWhen,
		Preconditions: row.Preconditions, Obligations: row.Obligations, StopsClock: row.StopsClock,
		Result: row.Result, Fee: row.Fee, FilingDue: row.FilingDue, Commitment: row.Commitment,
		Note: row.Note, Confidence: row.Confidence, Source: row.Source, Verified: row.Verified,
		Materials: []item.Material{},
	}
	for _, m := range row.Edges.Materials {
		it.Materials = append(it.Materials, item.Material{ID: m.PackID, Name: m.Name, Source: item.Source(m.BroughtBy), Tolerable: m.Tolerable})
	}
	return it
}

func createItem(c *ent.ItemVersionClient, e catalog.Entry[item.Item], version, position int) *ent.ItemVersionCreate {
	it := e.Value
	return c.Create().SetID(ref.Item(it.Code, version)).SetPosition(position).SetExtra(e.Extra).
		SetCode(it.Code).SetVersion(version).SetName(it.Name).SetNameEn(it.NameEN).SetKind(it.Kind()).SetType(it.Type).
		SetLevel(it.Level).SetBasis(nonNil(it.Basis)).SetTime(it.Time).SetNeededWhen(it.NeededWhen).
		SetPreconditions(nonNil(it.Preconditions)).SetObligations(nonNil(it.Obligations)).SetStopsClock(nonNil(it.StopsClock)).
		SetResult(it.Result).SetFee(it.Fee).SetFilingDue(it.FilingDue).SetCommitment(it.Commitment).SetNote(it.Note).
		SetConfidence(it.Confidence).SetSource(it.Source).SetVerified(it.Verified).
		SetStandardID(ref.ItemStandard(it.Code, version)).SetDepartmentID(ref.Department(it.Department))
}

func createMaterial(c *ent.ItemMaterialClient, it item.Item, version, n int) *ent.ItemMaterialCreate {
	m := it.Materials[n]
	return c.Create().SetID(ref.Material(it.Code, version, n)).SetPosition(n).SetCode(m.Code()).SetPackID(m.ID).
		SetName(m.Name).SetBroughtBy(string(m.Source)).SetTolerable(m.Tolerable).SetItemID(ref.Item(it.Code, version))
}

// clauseOf needs the row's department loaded.
func clauseOf(row *ent.Clause, itemCode string) standard.Clause {
	return standard.Clause{
		Code: row.Code, Item: itemCode, Department: row.Edges.Department.Code, Category: row.Category,
		Kind: standard.ClauseKind(strings.ToUpper(row.Kind)), Text: row.Text, TextEN: row.TextEn,
		AppliesWhen: row.Applies, Requires: row.Requires, Manual: deref(row.Manual), Evidence: row.Evidence,
		Promisable: row.Promisable, Basis: row.Basis, Level: row.Level, Confidence: row.Confidence,
		Effective:           standard.Effective{From: deref(row.EffectiveFrom), To: deref(row.EffectiveTo)},
		InterpretationGroup: deref(row.InterpretationGroup), Verified: row.Verified, Rulings: row.Rulings,
	}
}

func createClause(c *ent.ClauseClient, e catalog.Entry[standard.Clause], version, position int) *ent.ClauseCreate {
	cl := e.Value
	create := c.Create().SetID(ref.Clause(cl.Code, cl.Item, version)).SetPosition(position).SetExtra(e.Extra).
		SetCode(cl.Code).SetCategory(cl.Category).SetKind(strings.ToLower(string(cl.Kind))).SetText(cl.Text).SetTextEn(cl.TextEN).
		SetApplies(cl.AppliesWhen).SetNillableRequires(cl.Requires).SetNillableManual(pointer(cl.Manual)).
		SetEvidence(nonNil(cl.Evidence)).SetPromisable(cl.Promisable).SetBasis(nonNil(cl.Basis)).SetLevel(cl.Level).
		SetConfidence(cl.Confidence).SetVerified(cl.Verified).
		SetNillableEffectiveFrom(pointer(cl.Effective.From)).SetNillableEffectiveTo(pointer(cl.Effective.To)).
		SetNillableInterpretationGroup(pointer(cl.InterpretationGroup)).
		SetStandardID(ref.ItemStandard(cl.Item, version)).SetDepartmentID(ref.Department(cl.Department))
	if len(cl.Rulings) > 0 {
		create.SetRulings(cl.Rulings)
	}
	return create
}

// schemeOf needs the row's lead loaded.
func schemeOf(row *ent.SchemeVersion) scheme.Scheme {
	return scheme.Scheme{
		Code: row.Code, Name: row.Name, NameEN: row.NameEn, AppliesWhen: row.AppliesWhen, Lead: row.Edges.Lead.Code,
		Assisting: row.Assisting, Intake: row.Intake, Coordinator: row.Coordinator, Clock: row.Clock, Stages: row.Stages,
		Items: row.Entries, Edges: row.Precedence, Zoning: row.Zoning, AskFirst: row.AskFirst,
		RegionScope: row.RegionScope, Note: row.Note,
	}
}

func createScheme(c *ent.SchemeVersionClient, e catalog.Entry[scheme.Scheme], version, position int) *ent.SchemeVersionCreate {
	s := e.Value
	return c.Create().SetID(ref.Scheme(s.Code, version)).SetPosition(position).SetExtra(e.Extra).
		SetCode(s.Code).SetVersion(version).SetName(s.Name).SetNameEn(s.NameEN).SetAppliesWhen(s.AppliesWhen).
		SetAssisting(nonNil(s.Assisting)).SetIntake(nonNil(s.Intake)).SetCoordinator(s.Coordinator).SetClock(s.Clock).
		SetStages(nonNil(s.Stages)).SetEntries(nonNil(s.Items)).SetPrecedence(nonNil(s.Edges)).SetZoning(nonNil(s.Zoning)).
		SetAskFirst(nonNil(s.AskFirst)).SetRegionScope(s.RegionScope).SetNote(s.Note).
		SetStandardID(ref.JointStandard(s.Code, version)).SetLeadID(ref.Department(s.Lead))
}

func lawOf(row *ent.CitedLaw) law.Law {
	return law.Law{Name: row.Name, Status: row.Checked, Where: row.Places}
}

// instant, day and their ways back turn NULL into the zero value.
func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func instantPointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func day(s *string) workday.Date {
	if s == nil {
		return workday.Date{}
	}
	d, _ := workday.ParseDate(*s) // we wrote it
	return d
}

func dayPointer(d workday.Date) *string {
	if d.IsZero() {
		return nil
	}
	return pointer(d.String())
}

// set writes a value, or NULL for none.
func set[T any](v *T, write func(T), none func()) {
	if v == nil {
		none()
		return
	}
	write(*v)
}

// caseOf makes a case of its row; its reviews and materials come beside it.
func caseOf(row *ent.CaseFile) *casework.Case {
	c := &casework.Case{
		ID: row.ID, Number: deref(row.Number), QueryCode: row.QueryCode, State: row.State, Version: row.Version,
		Applicant: row.Applicant, Agent: deref(row.Agent), Notice: deref(row.NoticeNumber), Facts: row.Facts,
		Lead: ref.Code(row.LeadID), Dossier: row.Dossier,
		Dates:    casework.Dates{Calendar: row.Calendar, AcceptBy: day(row.AcceptBy), Promised: day(row.PromisedDueOn), Statutory: day(row.StatutoryDueOn), WakeOn: day(row.WakeOn)},
		OpenedAt: row.OpenedAt.UTC(), ReceivedAt: instant(row.ReceivedAt), AcceptedAt: instant(row.AcceptedAt), DecidedAt: instant(row.DecidedAt),
		EventCount: row.EventCount, RecordedAt: row.RecordedAt.UTC(),
	}
	if row.SchemeID != nil {
		c.Scheme = ref.Code(*row.SchemeID)
	}
	if row.ItemID != nil {
		c.Item = ref.Code(*row.ItemID)
	}
	if row.RegionID != nil {
		c.Region = ref.Code(*row.RegionID)
	}
	return c
}

// setCase writes all that may change in a case's own row.
func setCase(m *ent.CaseFileMutation, c *casework.Case) {
	set(pointer(c.Number), m.SetNumber, m.ClearNumber)
	set(pointer(c.QueryCode), m.SetQueryCode, m.ClearQueryCode)
	m.SetState(c.State)
	m.SetVersion(c.Version)
	set(pointer(c.Agent), m.SetAgent, m.ClearAgent)
	set(pointer(c.Notice), m.SetNoticeNumber, m.ClearNoticeNumber)
	m.SetFacts(c.Facts)
	m.SetLeadID(ref.Department(c.Lead))
	m.SetDossier(c.Dossier)
	version := func(code string) int {
		for _, p := range c.Standards {
			if p.Code == code {
				return p.Version
			}
		}
		return 0
	}
	if c.Scheme != "" {
		m.SetSchemeID(ref.Scheme(c.Scheme, version(c.Scheme)))
	}
	if c.Item != "" {
		m.SetItemID(ref.Item(c.Item, version(c.Item)))
	}
	if c.Region != "" {
		m.SetRegionID(ref.Region(c.Region))
	}
	m.SetOpenedAt(c.OpenedAt)
	set(instantPointer(c.ReceivedAt), m.SetReceivedAt, m.ClearReceivedAt)
	set(instantPointer(c.AcceptedAt), m.SetAcceptedAt, m.ClearAcceptedAt)
	set(instantPointer(c.DecidedAt), m.SetDecidedAt, m.ClearDecidedAt)
	m.SetRecordedAt(c.RecordedAt)
	m.SetEventCount(c.EventCount)
	m.SetCalendar(c.Dates.Calendar)
	set(dayPointer(c.Dates.AcceptBy), m.SetAcceptBy, m.ClearAcceptBy)
	set(dayPointer(c.Dates.Promised), m.SetPromisedDueOn, m.ClearPromisedDueOn)
	set(dayPointer(c.Dates.Statutory), m.SetStatutoryDueOn, m.ClearStatutoryDueOn)
	set(dayPointer(c.Dates.WakeOn), m.SetWakeOn, m.ClearWakeOn)
	set(instantPointer(c.ChecksAt()), m.SetChecksAt, m.ClearChecksAt)
}

func reviewOf(row *ent.Review) casework.Review {
	r := casework.Review{
		ID: row.ID, Item: ref.Code(row.ItemID), Version: ref.Version(row.ItemID), Department: ref.Code(row.DepartmentID),
		Lead: row.Lead, Binding: row.Binding, SafetyOfLife: row.SafetyOfLife, State: row.State, Reasons: row.Reasons, After: row.After,
		CopySentAt: row.CopySentAt.UTC(), CopyOpenedAt: instant(row.CopyOpenedAt), OpenedAt: instant(row.OpenedAt),
		AnsweredAt: instant(row.AnsweredAt), DueOn: day(row.DueOn), Findings: row.Findings, Ledger: row.Ledger,
	}
	if row.Opinion != nil {
		r.Opinion = *row.Opinion
	}
	return r
}

func createReview(c *ent.ReviewClient, caseID string, position int, r casework.Review) *ent.ReviewCreate {
	create := c.Create().SetID(r.ID).SetCaseID(caseID).SetPosition(position).
		SetItemID(ref.Item(r.Item, r.Version)).SetDepartmentID(ref.Department(r.Department)).
		SetLead(r.Lead).SetBinding(r.Binding).SetSafetyOfLife(r.SafetyOfLife).SetState(r.State).
		SetReasons(nonNil(r.Reasons)).SetAfter(nonNil(r.After)).SetCopySentAt(r.CopySentAt).SetCopyReceivedAt(r.CopySentAt).
		SetNillableCopyOpenedAt(instantPointer(r.CopyOpenedAt)).SetNillableOpenedAt(instantPointer(r.OpenedAt)).
		SetNillableAnsweredAt(instantPointer(r.AnsweredAt)).SetNillableDueOn(dayPointer(r.DueOn)).
		SetLedger(r.Ledger).SetFindings(nonNil(r.Findings))
	if r.Opinion != "" {
		create.SetOpinion(r.Opinion)
	}
	return create
}

func caseMaterialOf(row *ent.CaseMaterial) casework.Material {
	m := casework.Material{
		ID: row.ID, Code: row.Code, Name: row.Name, Source: guide.MaterialSource(row.Source), From: row.FromItems, Tolerable: row.Tolerable,
		File: row.File, AttachedBy: deref(row.AttachedBy), AttachedAt: instant(row.AttachedAt), OnPaper: row.OnPaper,
		DueOn: day(row.DueOn), MissedAt: instant(row.MissedAt),
	}
	if row.Trust != nil {
		m.Trust = *row.Trust
	}
	return m
}

func createCaseMaterial(c *ent.CaseMaterialClient, caseID string, position int, m casework.Material) *ent.CaseMaterialCreate {
	create := c.Create().SetID(m.ID).SetCaseID(caseID).SetPosition(position).SetCode(m.Code).SetName(m.Name).
		SetSource(string(m.Source)).SetFromItems(nonNil(m.From)).SetTolerable(m.Tolerable).SetNillableAttachedBy(pointer(m.AttachedBy)).
		SetNillableAttachedAt(instantPointer(m.AttachedAt)).SetOnPaper(m.OnPaper).SetNillableDueOn(dayPointer(m.DueOn)).
		SetNillableMissedAt(instantPointer(m.MissedAt))
	if m.File != nil {
		create.SetFile(m.File)
	}
	if m.Trust != "" {
		create.SetTrust(m.Trust)
	}
	return create
}

func createEvent(c *ent.EventClient, caseID string, e casework.Event) *ent.EventCreate {
	return c.Create().SetID(e.ID).SetCaseID(caseID).SetPosition(e.Position).SetKind(e.Kind).
		SetOccurredAt(e.OccurredAt).SetRecordedAt(e.RecordedAt).SetLate(e.Late).
		SetActor(e.Actor.Subject).SetRole(string(e.Actor.Role)).SetNillableDepartment(pointer(e.Actor.Department)).
		SetNillableOnBehalfOf(pointer(e.Actor.OnBehalfOf)).SetNillableMandate(pointer(e.Actor.Mandate)).SetData(e.Data)
}

// draftOf makes a draft of its row.
func draftOf(row *ent.StandardDraft) *drafting.Draft {
	d := &drafting.Draft{
		ID: row.ID, Kind: drafting.Kind(row.Kind), Code: row.Code, Base: row.BaseVersion, State: row.State, Version: row.Version,
		Department: ref.Code(row.DepartmentID), Reason: row.Reason, Content: row.Content, Digest: row.Digest, Coordination: deref(row.CoordinationID),
		Dossier: row.Dossier, EffectiveFrom: day(row.EffectiveFrom), DraftedAt: row.DraftedAt.UTC(), RecordedAt: row.RecordedAt.UTC(), EventCount: row.EventCount,
	}
	if row.PublishedVersion != nil {
		d.PublishedVersion = *row.PublishedVersion
	}
	return d
}

// setDraft writes all that may change in a draft's row.
func setDraft(m *ent.StandardDraftMutation, d *drafting.Draft) {
	m.SetState(d.State)
	m.SetVersion(d.Version)
	m.SetReason(d.Reason)
	m.SetContent(d.Content)
	m.SetDigest(d.Digest)
	m.SetDossier(d.Dossier)
	set(pointer(d.Coordination), m.SetCoordinationID, m.ClearCoordinationID)
	set(dayPointer(d.EffectiveFrom), m.SetEffectiveFrom, m.ClearEffectiveFrom)
	if d.PublishedVersion > 0 {
		m.SetPublishedVersion(d.PublishedVersion)
	}
	m.SetRecordedAt(d.RecordedAt)
	m.SetEventCount(d.EventCount)
}

func coordinationOf(row *ent.Coordination) *drafting.Coordination {
	return &drafting.Coordination{
		ID: row.ID, Number: row.Number, State: row.State, Version: row.Version, Lead: ref.Code(row.LeadID), Parties: row.Parties, Reason: row.Reason,
		Finding: row.Finding, Found: row.Found, Analysis: row.Analysis, Draft: deref(row.Draft), Minutes: row.Minutes,
		OpenedAt: row.OpenedAt.UTC(), RuledAt: instant(row.RuledAt), RecordedAt: row.RecordedAt.UTC(), EventCount: row.EventCount,
	}
}

func createStandardEvent(c *ent.StandardEventClient, e casework.Event) *ent.StandardEventCreate {
	return c.Create().SetID(e.ID).SetPosition(e.Position).SetKind(e.Kind).SetOccurredAt(e.OccurredAt).SetRecordedAt(e.RecordedAt).SetLate(e.Late).
		SetActor(e.Actor.Subject).SetRole(string(e.Actor.Role)).SetNillableDepartment(pointer(e.Actor.Department)).SetData(e.Data)
}

func runOf(row *ent.ImpactRun) *drafting.Run {
	return &drafting.Run{
		ID: row.ID, Draft: row.DraftID, Digest: row.Digest, Code: row.Code, Version: row.StandardVersion, Content: row.Content, State: row.State,
		Total: row.Total, Stride: row.Stride, Seen: row.Seen, Judged: row.Judged, Cursor: row.Cursor, Flips: row.Flips, Flipped: row.Flipped,
		AskedBy: row.AskedBy, AskedAt: row.AskedAt.UTC(), EndedAt: instant(row.EndedAt), Recorded: row.RecordedAt.UTC(),
	}
}

func setRun(m *ent.ImpactRunMutation, r *drafting.Run) {
	m.SetState(r.State)
	m.SetSeen(r.Seen)
	m.SetJudged(r.Judged)
	m.SetCursor(r.Cursor)
	m.SetFlips(nonNil(r.Flips))
	m.SetFlipped(r.Flipped)
	m.SetRecordedAt(r.Recorded)
	set(instantPointer(r.EndedAt), m.SetEndedAt, m.ClearEndedAt)
}

func webhookOf(row *ent.Endpoint) webhook.Webhook {
	return webhook.Webhook{
		ID: row.ID, URL: row.URL, Selection: row.Selection, State: row.State, Reason: deref(row.Reason), Secrets: row.Secrets, Cursor: row.Cursor,
		Filter:    webhook.Filter{Kinds: row.Kinds, Department: deref(row.Department), Region: deref(row.Region), Scheme: deref(row.Scheme), OwnCases: row.OwnCases},
		Owner:     viewer.Viewer{Subject: row.Owner, Role: viewer.Role(row.Role), Department: deref(row.OwnerDepartment), Region: deref(row.OwnerRegion)},
		Breaker:   webhook.Breaker{Failures: row.Failures, FailingSince: instant(row.FailingSince), OpenUntil: instant(row.OpenUntil)},
		CreatedAt: row.CreatedAt.UTC(),
	}
}

// setWebhook writes all that may change in a webhook.
func setWebhook(m *ent.EndpointMutation, w webhook.Webhook) {
	m.SetURL(w.URL)
	m.SetKinds(nonNil(w.Filter.Kinds))
	set(pointer(w.Filter.Department), m.SetDepartment, m.ClearDepartment)
	set(pointer(w.Filter.Region), m.SetRegion, m.ClearRegion)
	set(pointer(w.Filter.Scheme), m.SetScheme, m.ClearScheme)
	m.SetOwnCases(w.Filter.OwnCases)
	m.SetSelection(w.Selection)
	m.SetState(w.State)
	set(pointer(w.Reason), m.SetReason, m.ClearReason)
	m.SetSecrets(nonNil(w.Secrets))
	m.SetCursor(w.Cursor)
	m.SetFailures(w.Breaker.Failures)
	set(instantPointer(w.Breaker.FailingSince), m.SetFailingSince, m.ClearFailingSince)
	set(instantPointer(w.Breaker.OpenUntil), m.SetOpenUntil, m.ClearOpenUntil)
}
