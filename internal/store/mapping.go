package store

import (
	"strings"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
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

func createMaterial(c *ent.MaterialClient, it item.Item, version, n int) *ent.MaterialCreate {
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
		InterpretationGroup: deref(row.InterpretationGroup), Verified: row.Verified,
	}
}

func createClause(c *ent.ClauseClient, e catalog.Entry[standard.Clause], version, position int) *ent.ClauseCreate {
	cl := e.Value
	return c.Create().SetID(ref.Clause(cl.Code, cl.Item, version)).SetPosition(position).SetExtra(e.Extra).
		SetCode(cl.Code).SetCategory(cl.Category).SetKind(strings.ToLower(string(cl.Kind))).SetText(cl.Text).SetTextEn(cl.TextEN).
		SetApplies(cl.AppliesWhen).SetNillableRequires(cl.Requires).SetNillableManual(pointer(cl.Manual)).
		SetEvidence(nonNil(cl.Evidence)).SetPromisable(cl.Promisable).SetBasis(nonNil(cl.Basis)).SetLevel(cl.Level).
		SetConfidence(cl.Confidence).SetVerified(cl.Verified).
		SetNillableEffectiveFrom(pointer(cl.Effective.From)).SetNillableEffectiveTo(pointer(cl.Effective.To)).
		SetNillableInterpretationGroup(pointer(cl.InterpretationGroup)).
		SetStandardID(ref.ItemStandard(cl.Item, version)).SetDepartmentID(ref.Department(cl.Department))
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
