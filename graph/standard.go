package graph

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/standardversion"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// maxPack bounds the ZIP of a catalogue pack.
const maxPack = 16 << 20

// preview gives the catalogue to compute a guide by: that in force, or with a
// draft.
func (r *Resolver) preview(ctx context.Context, draft *string, asOf *workday.Date) (*guide.Catalogue, error) {
	if deref(draft) == "" {
		return r.book(), nil
	}
	return r.Drafting.Preview(ctx, *draft, r.day(asOf))
}

func (r *Resolver) analysis(ctx context.Context, in model.AnalysisInput) (*model.Analysis, error) {
	q := drafting.Question{Scheme: deref(in.Scheme), Item: deref(in.Item), Clause: deref(in.Clause), Draft: deref(in.Draft), AsOf: r.day(in.AsOf)}
	for _, k := range in.Kinds {
		q.Kinds = append(q.Kinds, conflict.Kind(k))
	}
	if in.Edit != nil {
		edits := edits([]*model.ClauseEditInput{in.Edit})
		q.Edit = &edits[0]
	}
	a, err := r.Drafting.Analyse(ctx, q)
	if err != nil {
		return nil, err
	}
	return &model.Analysis{Digest: a.Digest, Revision: a.Revision, AsOf: a.Day, Findings: r.found(a.Book, a.Day, a.Findings), More: a.More}, nil
}

// held are the items of a catalogue as of a day, to show what an analysis names.
type held struct {
	r    *Resolver
	list []guide.HeldItem
}

func (r *Resolver) held(book *guide.Catalogue, day workday.Date) held {
	return held{r, book.HeldItems(day.String())}
}

func (h held) items(codes []string) []*ent.ItemVersion {
	out := []*ent.ItemVersion{}
	for _, i := range h.list {
		if slices.Contains(codes, i.Item.Code) {
			out = append(out, model.ItemRow(h.r.Client, &i.Item, i.Version, h.r.department(i.Item.Department)))
		}
	}
	return out
}

func (h held) clauses(codes []string) []*ent.Clause {
	out := []*ent.Clause{}
	for _, i := range h.list {
		for _, k := range i.Clauses {
			if slices.Contains(codes, k.Code) {
				out = append(out, model.ClauseRow(h.r.Client, &k.Clause, i.Version, h.r.department(k.Department)))
			}
		}
	}
	return out
}

// found shows findings with their clauses, items and departments as they stand in
// the catalogue that was analysed.
func (r *Resolver) found(book *guide.Catalogue, day workday.Date, in []drafting.Found) []*model.AnalysisFinding {
	held := r.held(book, day)
	out := make([]*model.AnalysisFinding, len(in))
	for i := range in {
		f := &in[i]
		v := &model.AnalysisFinding{
			ID: f.ID, Kind: model.AnalysisKind(f.Kind), Severity: model.AnalysisSeverity(f.Severity), Proved: f.Proved,
			Clauses: held.clauses(f.Clauses), Items: held.items(f.Items), Departments: r.departments(f.Departments),
			Category: optional(f.Category), Scheme: optional(f.Scheme), Conditional: f.Conditional, Witness: f.Witness, Condition: optional(f.Condition),
			Resolutions: make([]map[string]any, len(f.Resolutions)), Edges: make([]*model.AnalysisEdge, len(f.Edges)), Text: f.ZH, TextEn: f.EN,
		}
		for n, res := range f.Resolutions {
			v.Resolutions[n] = res.Facts
		}
		for n, e := range f.Edges {
			v.Edges[n] = &model.AnalysisEdge{From: e.From, To: e.To, Soft: e.Soft, Sources: e.Sources}
		}
		if f.Ruling != nil {
			cited := f.Ruling.Ruling.Cited()
			v.Ruling = &cited
		}
		out[i] = v
	}
	return out
}

func (r *Resolver) wayOut(ctx context.Context, in model.WayOutInput) (*model.WayOut, error) {
	plan := drafting.Plan{Scheme: deref(in.Scheme), Facts: in.Facts, Free: map[string][]any{}, Clauses: in.Clauses, Draft: deref(in.Draft), AsOf: r.day(in.AsOf)}
	for _, fact := range slices.Sorted(maps.Keys(in.Free)) {
		among, ok := in.Free[fact].([]any)
		if !ok {
			return nil, fault.InvalidInput("graph.wayOut", fault.Problem{Path: "input.free." + fact, Code: "BAD_VALUE", ZH: "请列出可选的值；空列表为任意", EN: "give a list of values to choose among; an empty one is any"})
		}
		plan.Free[fact] = among
	}
	w, err := r.Drafting.WayOut(ctx, plan)
	if err != nil {
		return nil, err
	}
	out := &model.WayOut{Proved: w.Proved, AsOf: w.Day, Choice: w.Choice, Faults: make([]*model.WayOutFault, len(w.Cores)), Resolutions: make([]map[string]any, len(w.Resolutions))}
	held := r.held(w.Book, w.Day)
	for i, core := range w.Cores {
		out.Faults[i] = &model.WayOutFault{Clauses: held.clauses(core.Clauses), Departments: r.departments(core.Departments)}
	}
	for i, res := range w.Resolutions {
		out.Resolutions[i] = res.Facts
	}
	return out, nil
}

func (r *Resolver) standardDiff(ctx context.Context, in model.StandardDiffInput) (*model.StandardDiff, error) {
	c := drafting.Compare{Code: deref(in.Standard), Draft: deref(in.Draft)}
	if in.From != nil {
		c.From = *in.From
	}
	if in.To != nil {
		c.To = *in.To
	}
	d, err := r.Drafting.Diff(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &model.StandardDiff{Digest: d.Digest, Changes: changes(d.Changes), Effects: make([]*model.StandardEffect, len(d.Effects))}
	for i, f := range d.Effects {
		out.Effects[i] = &model.StandardEffect{Kind: model.EffectKind(f.Kind), Proved: f.Proved, Clauses: f.Clauses, Items: f.Items,
			Witness: f.Witness, Condition: optional(f.Condition), Text: f.ZH, TextEn: f.EN}
	}
	return out, nil
}

func changes(in []drafting.Change) []*model.StandardChange {
	out := make([]*model.StandardChange, len(in))
	for i, c := range in {
		out[i] = &model.StandardChange{Kind: c.Kind, Subject: c.Subject, Field: optional(c.Field), Before: optional(c.Before), After: optional(c.After), Text: c.ZH, TextEn: c.EN}
	}
	return out
}

// draftChanges says what a draft changes.
func (r *Resolver) draftChanges(ctx context.Context, row *ent.StandardDraft) ([]*model.StandardChange, error) {
	before := drafting.Held{}
	if row.BaseVersion > 0 {
		var err error
		if before, err = r.Drafting.Catalog.Version(ctx, row.Code, row.BaseVersion); err != nil {
			return nil, err
		}
	}
	in, err := r.Drafting.InWords(before.Content, row.Content)
	return changes(in), err
}

// versionChanges says what a version changes against the one before it.
func (r *Resolver) versionChanges(ctx context.Context, row *ent.StandardVersion) ([]*model.StandardChange, error) {
	after, err := r.Drafting.Catalog.Version(ctx, row.Code, row.Version)
	if err != nil {
		return nil, err
	}
	before, err := r.Drafting.Catalog.Version(ctx, row.Code, row.Version-1)
	if err != nil {
		return nil, err
	}
	in, err := r.Drafting.InWords(before.Content, after.Content)
	return changes(in), err
}

// standardState says how a version stands on a day.
func (r *Resolver) standardState(ctx context.Context, row *ent.StandardVersion, asOf *workday.Date) (model.StandardState, error) {
	day := r.day(asOf).String()
	never := row.EffectiveFrom != nil && row.EffectiveTo != nil && *row.EffectiveTo <= *row.EffectiveFrom // another came before it
	switch {
	case never:
	case row.EffectiveFrom != nil && *row.EffectiveFrom > day:
		return model.StandardStateScheduled, nil
	case row.EffectiveTo == nil || *row.EffectiveTo > day:
		return model.StandardStateInForce, nil
	}
	later, err := r.Client.StandardVersion.Query().Where(standardversion.Kind(row.Kind), standardversion.Code(row.Code), standardversion.VersionGT(row.Version)).Exist(ctx)
	if err != nil || !later {
		return model.StandardStateRepealed, err
	}
	return model.StandardStateSuperseded, nil
}

// edits reads edits of clauses in the spelling of a pack.
func edits(in []*model.ClauseEditInput) []drafting.Edit {
	out := make([]drafting.Edit, len(in))
	for i, e := range in {
		fields := map[string]any{}
		for key, value := range map[string]*string{
			"item": e.Item, "department": e.Department, "category": e.Category, "kind": e.Kind, "text": e.Text, "text_en": e.TextEn,
			"applies_when": e.AppliesWhen, "manual": e.Manual, "interpretation_group": e.InterpretationGroup,
		} {
			if value != nil {
				fields[key] = *value
			}
		}
		if e.Promisable != nil {
			fields["promisable"] = *e.Promisable
		}
		if e.Evidence != nil {
			fields["evidence"] = e.Evidence
		}
		if e.Basis != nil {
			var list []map[string]any
			for _, b := range e.Basis {
				entry := map[string]any{"law": b.Law}
				if b.Article != nil {
					entry["article"] = *b.Article
				}
				list = append(list, entry)
			}
			fields["basis"] = list
		}
		if e.EffectiveFrom != nil || e.EffectiveTo != nil {
			term := map[string]any{}
			if e.EffectiveFrom != nil {
				term["from"] = e.EffectiveFrom.String()
			}
			if e.EffectiveTo != nil {
				term["to"] = e.EffectiveTo.String()
			}
			fields["effective"] = term
		}
		out[i] = drafting.Edit{Clause: e.Clause, Remove: e.Remove != nil && *e.Remove, Fields: fields}
		if requires, given := e.Requires.ValueOK(); given {
			out[i].Requires = &requires
		}
	}
	return out
}

func (r *Resolver) draftStandard(ctx context.Context, in model.DraftStandardInput) (*ent.StandardDraft, error) {
	id, err := r.Drafting.Write(ctx, order(in.ExpectedVersion, in.OccurredAt), drafting.Writing{
		Code: deref(in.Standard), Draft: deref(in.Draft), Reason: in.Reason, Content: in.Content, YAML: deref(in.Yaml),
		Edits: edits(in.Clauses), Fields: in.Fields, Repeal: in.Repeal != nil && *in.Repeal,
	})
	return r.draftRow(ctx, id, err)
}

// draftRow reads a draft anew after a command.
func (r *Resolver) draftRow(ctx context.Context, id string, err error) (*ent.StandardDraft, error) {
	if err != nil {
		return nil, err
	}
	return r.Client.StandardDraft.Get(ctx, id)
}

func (r *Resolver) coordinationRow(ctx context.Context, id string, err error) (*ent.Coordination, error) {
	if err != nil {
		return nil, err
	}
	return r.Client.Coordination.Get(ctx, id)
}

func (r *Resolver) runRow(ctx context.Context, id string, err error) (*ent.ImpactRun, error) {
	if err != nil {
		return nil, err
	}
	return r.Client.ImpactRun.Get(ctx, id)
}

func (r *Resolver) reviewStandard(ctx context.Context, in model.ReviewStandardInput) (*ent.StandardDraft, error) {
	review := drafting.ReviewInput{Kind: in.Kind, Outcome: in.Outcome, Note: deref(in.Note)}
	for _, o := range in.Objections {
		review.Objections = append(review.Objections, drafting.Objection{Ground: o.Ground, Clause: deref(o.Clause), Text: o.Text, Basis: basis(o.Basis)})
	}
	id, err := r.Drafting.ReviewDraft(ctx, in.Draft, order(in.ExpectedVersion, in.OccurredAt), review)
	return r.draftRow(ctx, id, err)
}

func (r *Resolver) publishStandard(ctx context.Context, in model.PublishStandardInput) (*model.PublishStandardPayload, error) {
	from := workday.Date{}
	if in.EffectiveFrom != nil {
		from = *in.EffectiveFrom
	}
	look, err := r.Drafting.Publish(ctx, in.Draft, order(in.ExpectedVersion, in.OccurredAt), from)
	row, err := r.draftRow(ctx, in.Draft, err)
	if err != nil {
		return nil, err
	}
	out := &model.PublishStandardPayload{Draft: row, Warnings: r.found(look.Book, r.day(in.EffectiveFrom), look.Warnings)}
	if row.PublishedVersion != nil {
		out.Standard, err = r.Client.StandardVersion.Query().
			Where(standardversion.Kind(row.Kind), standardversion.Code(row.Code), standardversion.Version(*row.PublishedVersion)).Only(ctx)
	}
	return out, err
}

func (r *Resolver) publishGate(ctx context.Context, id string) (*model.PublishGate, error) {
	draft, err := r.Drafting.Draft(ctx, id)
	if err != nil {
		return nil, err
	}
	look, err := r.Drafting.Gate(ctx, draft, r.today())
	if err != nil {
		return nil, err
	}
	return &model.PublishGate{Open: len(look.Refusals) == 0, Digest: look.Gate.Analysis,
		Refusals: r.found(look.Book, r.today(), look.Refusals), Warnings: r.found(look.Book, r.today(), look.Warnings)}, nil
}

// refusals are what stood in the way at the last look.
func (r *Resolver) refusals(row *ent.StandardDraft) []*model.AnalysisFinding {
	if row.Dossier.Gate == nil {
		return []*model.AnalysisFinding{}
	}
	var in []drafting.Found
	for _, f := range row.Dossier.Gate.Refusals {
		in = append(in, drafting.Found{Finding: f, ID: drafting.FindingID(f)})
	}
	return r.found(r.book(), r.today(), in)
}

func reviewsOf(row *ent.StandardDraft) []*model.StandardReview {
	out := make([]*model.StandardReview, len(row.Dossier.Reviews))
	for i, v := range row.Dossier.Reviews {
		out[i] = &model.StandardReview{Kind: v.Kind, Outcome: v.Outcome, By: v.By, At: v.At, Digest: v.Digest, Note: optional(v.Note), Objections: []*model.ReviewObjection{}}
		for _, o := range v.Objections {
			view := &model.ReviewObjection{Ground: o.Ground, Clause: optional(o.Clause), Text: o.Text}
			if o.Basis.Law != "" {
				view.Basis = &o.Basis
			}
			out[i].Objections = append(out[i].Objections, view)
		}
	}
	return out
}

func actor(ctx context.Context) casework.Actor {
	v := viewer.From(ctx)
	return casework.Actor{Subject: v.Subject, Role: v.Role, Department: v.Department}
}

func flips(in []drafting.Flip) []*model.ImpactFlip {
	verdict := func(v drafting.Verdict) *drafting.Verdict {
		if v == "" {
			return nil
		}
		return &v
	}
	out := make([]*model.ImpactFlip, len(in))
	for i, f := range in {
		out[i] = &model.ImpactFlip{Number: f.Number, Case: f.Case, Before: f.Before, After: f.After, Clauses: []*model.ImpactClause{},
			Needed: texts(f.Needed), Dropped: texts(f.Dropped), Papers: texts(f.Papers), Spared: texts(f.Spared)}
		for _, k := range f.Clauses {
			out[i].Clauses = append(out[i].Clauses, &model.ImpactClause{Clause: k.Clause, Before: verdict(k.Before), After: verdict(k.After)})
		}
	}
	return out
}

// texts gives a list that is never null.
func texts(in []string) []string { return append([]string{}, in...) }

func progressOf(row *ent.ImpactRun) float64 {
	switch {
	case row.State == drafting.RunDone || row.Total == 0:
		return 1
	case row.Seen >= row.Total:
		return 0.99 // cases that were closed meanwhile
	}
	return float64(row.Seen) / float64(row.Total)
}

func (r *Resolver) importCatalog(ctx context.Context, in model.ImportCatalogInput) (*model.ImportCatalogPayload, error) {
	archive, err := io.ReadAll(io.LimitReader(in.Pack.File, maxPack+1))
	if err != nil {
		return nil, fmt.Errorf("graph.importCatalog: %w", err)
	}
	if len(archive) > maxPack {
		return nil, fault.InvalidInput("graph.importCatalog", fault.Problem{Path: "pack", Code: "TOO_LARGE",
			ZH: fmt.Sprintf("不得超过 %d MiB", maxPack>>20), EN: fmt.Sprintf("is larger than %d MiB", maxPack>>20)})
	}
	done, err := r.Drafting.Import(ctx, archive, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &model.ImportCatalogPayload{Applied: !in.DryRun && !done.Unchanged, Unchanged: done.Unchanged, Revision: done.Revision, Published: done.Published, Closed: done.Closed}, nil
}

// Coordination.

func (r *Resolver) openCoordination(ctx context.Context, in model.OpenCoordinationInput) (*ent.Coordination, error) {
	id, err := r.Drafting.Open(ctx, order(nil, in.OccurredAt), drafting.OpenInput{
		Finding: in.Finding, Draft: deref(in.Draft), Lead: deref(in.Lead), Parties: in.Parties, Reason: deref(in.Reason)})
	return r.coordinationRow(ctx, id, err)
}

func (r *Resolver) ruleCoordination(ctx context.Context, in model.RuleCoordinationInput) (*model.RuleCoordinationPayload, error) {
	id, made, err := r.Drafting.Rule(ctx, strings.TrimSpace(in.Coordination), order(in.ExpectedVersion, in.OccurredAt), drafting.Ruling{
		Kind: in.Kind, Clause: deref(in.Clause), To: deref(in.To), When: deref(in.When), Demand: deref(in.Demand), Item: deref(in.Item), Before: deref(in.Before),
		Scheme: deref(in.Scheme), Zone: deref(in.Zone), Text: in.Text, TextEN: deref(in.TextEn), Basis: bases(in.Basis),
	})
	row, err := r.coordinationRow(ctx, id, err)
	if err != nil {
		return nil, err
	}
	out := &model.RuleCoordinationPayload{Coordination: row, Drafts: []*ent.StandardDraft{}}
	if len(made) == 0 && row.Minutes.Ruling != nil { // a request that is sent again
		made = row.Minutes.Ruling.Drafts
	}
	for _, draft := range made {
		d, err := r.Client.StandardDraft.Get(ctx, draft)
		if err != nil {
			return nil, err
		}
		out.Drafts = append(out.Drafts, d)
	}
	return out, nil
}

func bases(in []*model.LegalBasisInput) []law.Basis {
	out := []law.Basis{}
	for _, b := range in {
		out = append(out, basis(b))
	}
	return out
}

func pointersTo(in []law.Basis) []*law.Basis { return pointers(in) }

func (r *Resolver) findingOf(row *ent.Coordination) *model.AnalysisFinding {
	f := drafting.Found{Finding: row.Finding, ID: row.Found}
	if row.Minutes.Ruling != nil {
		f.Ruling = &drafting.Coordination{Minutes: row.Minutes}
	}
	return r.found(r.book(), r.today(), []drafting.Found{f})[0]
}

func (r *Resolver) positions(row *ent.Coordination) []*model.CoordinationPosition {
	out := make([]*model.CoordinationPosition, len(row.Minutes.Positions))
	for i, p := range row.Minutes.Positions {
		out[i] = &model.CoordinationPosition{Department: r.department(p.Department), Text: p.Text, Basis: pointersTo(p.Basis), By: p.By, At: p.At}
	}
	return out
}

func (r *Resolver) coordinationMeetings(row *ent.Coordination) []*model.CoordinationMeetingRecord {
	out := make([]*model.CoordinationMeetingRecord, len(row.Minutes.Meetings))
	for i, m := range row.Minutes.Meetings {
		out[i] = &model.CoordinationMeetingRecord{On: m.On, Present: r.departments(m.Present), Minutes: optional(m.Minutes), HeldAt: model.Instant(m.HeldAt)}
	}
	return out
}

func rulingOf(v *drafting.Ruling) *model.CoordinationRuling {
	if v == nil {
		return nil
	}
	return &model.CoordinationRuling{
		Number: v.Number, Kind: v.Kind, Clause: optional(v.Clause), To: optional(v.To), When: optional(v.When), Demand: optional(v.Demand), Item: optional(v.Item),
		Before: optional(v.Before), Scheme: optional(v.Scheme), Zone: optional(v.Zone), Text: v.Text, TextEn: optional(v.TextEN), Basis: pointersTo(v.Basis), Dated: v.Dated, By: v.By,
	}
}

func earlier(in []drafting.Ruling) []*model.CoordinationRuling {
	out := make([]*model.CoordinationRuling, len(in))
	for i := range in {
		out[i] = rulingOf(&in[i])
	}
	return out
}

// gone says whether the analysis of now finds it no more.
func (r *Resolver) gone(ctx context.Context, row *ent.Coordination) (bool, error) {
	c, err := r.Drafting.Coordination(ctx, row.ID)
	if err != nil {
		return false, err
	}
	gone, _, err := r.Drafting.Gone(ctx, c)
	return gone, err
}

// coordinationAllowed lists what the viewer may do now.
func coordinationAllowed(ctx context.Context, row *ent.Coordination) []string {
	c := &drafting.Coordination{State: row.State, Lead: ref.Code(row.LeadID), Parties: row.Parties, Minutes: row.Minutes}
	return c.Allowed(actor(ctx))
}

func draftAllowed(ctx context.Context, row *ent.StandardDraft) []string {
	d := &drafting.Draft{State: row.State, Department: ref.Code(row.DepartmentID), Content: row.Content, Digest: row.Digest, Dossier: row.Dossier}
	if row.CoordinationID != nil {
		d.Coordination = *row.CoordinationID
	}
	return d.Allowed(actor(ctx))
}
