package drafting

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
)

// patch is what a ruling changes: standards as the pack spells them.
type patch struct {
	d       *Desk
	ctx     context.Context
	under   *Draft // under which the finding was found; it is patched itself
	codes   []string
	spelled map[string]map[string]any
	named   []string // clauses of the finding
	whole   bool     // the clause gives way everywhere
}

// open gives a standard as it is spelled: under the draft, or in force.
func (p *patch) open(code string) (map[string]any, error) {
	if s, ok := p.spelled[code]; ok {
		return s, nil
	}
	content := Content{}
	if p.under != nil && p.under.Code == code {
		content = p.under.Content
	} else {
		held, err := p.d.Catalog.InForce(p.ctx, code)
		if err != nil {
			return nil, err
		}
		content = held.Content
	}
	if content.Empty() {
		return nil, invalid(ActRule, problem("standard", "UNKNOWN_STANDARD", "没有标准 "+code, "there is no standard "+code))
	}
	s, err := p.d.Catalog.Spell(content)
	if err != nil {
		return nil, err
	}
	p.codes = append(p.codes, code)
	p.spelled[code] = s
	return s, nil
}

// clause gives a clause as it is spelled, and its standard's code.
func (p *patch) clause(path, code string) (map[string]any, string, error) {
	items := []string{}
	if p.under != nil && p.under.Content.clause(code) != nil {
		items = append(items, p.under.Code)
	}
	for _, h := range p.d.Book.Current().HeldItems(p.d.today().String()) {
		for _, k := range h.Clauses {
			if k.Code == code {
				items = append(items, h.Item.Code)
			}
		}
	}
	for _, standard := range items {
		s, err := p.open(standard)
		if err != nil {
			return nil, "", err
		}
		clauses, _ := s["clauses"].([]any)
		if k := indexOf(clauses, code); k >= 0 {
			return clauses[k].(map[string]any), standard, nil
		}
	}
	return nil, "", invalid(ActRule, problem(path, "UNKNOWN_CLAUSE", "没有条款 "+code, "there is no clause "+code))
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// cite puts the ruling on a clause.
func cite(clause map[string]any, r Ruling) {
	ruling := map[string]any{"number": r.Number, "kind": string(r.Kind), "dated": r.Dated, "text": r.Text}
	if r.TextEN != "" {
		ruling["text_en"] = r.TextEN
	}
	var basis []any
	for _, b := range r.Basis {
		entry := map[string]any{"law": b.Law}
		if b.Article != "" {
			entry["article"] = b.Article
		}
		basis = append(basis, entry)
	}
	ruling["basis"] = basis
	before, _ := clause["rulings"].([]any)
	clause["rulings"] = append(slices.Clone(before), ruling)
}

// remove takes a clause out of a standard that is open.
func (p *patch) remove(standard, code string) {
	s := p.spelled[standard]
	clauses := s["clauses"].([]any)
	k := indexOf(clauses, code)
	s["clauses"] = slices.Delete(slices.Clone(clauses), k, k+1)
}

// apply changes what the ruling says.
func (p *patch) apply(r Ruling) error {
	switch r.Kind {
	case Yields, Exception, AlternativePath:
		clause, standard, err := p.clause("clause", r.Clause)
		if err != nil {
			return err
		}
		switch r.Kind {
		case Yields:
			to, _, err := p.clause("to", r.To)
			if err != nil {
				return err
			}
			if p.whole {
				cite(to, r)
				p.remove(standard, r.Clause)
				return nil
			}
			clause["applies_when"] = fmt.Sprintf("(%s) && !(%s)", text(clause, "applies_when"), text(to, "applies_when"))
			cite(to, r)
		case Exception:
			clause["applies_when"] = fmt.Sprintf("(%s) && !(%s)", text(clause, "applies_when"), r.When)
		default:
			if text(clause, "requires") == "" {
				return invalid(ActRule, problem("clause", "MANUAL", "由人判断的条款没有可替代的要求", "a clause that a person judges demands nothing that could be met otherwise"))
			}
			clause["requires"] = fmt.Sprintf("(%s) || (%s)", text(clause, "requires"), r.Demand)
		}
		cite(clause, r)
	case Merge:
		_, standard, err := p.clause("clause", r.Clause)
		if err != nil {
			return err
		}
		into, _, err := p.clause("to", r.To)
		if err != nil {
			return err
		}
		if r.Demand != "" {
			into["requires"] = r.Demand
		}
		cite(into, r)
		p.remove(standard, r.Clause)
	case JointMinutes:
		if r.Clause != "" {
			clause, _, err := p.clause("clause", r.Clause)
			if err != nil {
				return err
			}
			clause["requires"] = nil
			clause["manual"] = "联合会审纪要：" + r.Text
			cite(clause, r)
		}
		return p.soften(r)
	case Siting:
		s, err := p.open(r.Scheme)
		if err != nil {
			return err
		}
		entries, _ := s["industries"].([]any)
		if len(entries) != 1 {
			return invalid(ActRule, problem("scheme", "UNKNOWN_SCHEME", "没有方案 "+r.Scheme, "there is no scheme "+r.Scheme))
		}
		scheme := entries[0].(map[string]any)
		clauses := []any{}
		for _, code := range p.named {
			clauses = append(clauses, code)
		}
		verdict := map[string]any{"zone": r.Zone, "verdict": "forbidden", "reason": "裁定 " + r.Number + "：" + r.Text, "clauses": clauses}
		zoning, _ := scheme["zoning"].([]any)
		zoning = slices.Clone(zoning)
		at := slices.IndexFunc(zoning, func(z any) bool { m, _ := z.(map[string]any); return m["zone"] == r.Zone })
		if at < 0 {
			at, zoning = len(zoning), append(zoning, nil)
		}
		zoning[at] = verdict
		scheme["zoning"] = zoning
	}
	return nil
}

// soften makes a precedence one that joint minutes take the place of: in the
// item's own standard and in the schemes that have it.
func (p *patch) soften(r Ruling) error {
	if r.Before == "" {
		return nil
	}
	note := "裁定 " + r.Number + "：" + r.Text
	day := p.d.today().String()
	for _, h := range p.d.Book.Current().HeldItems(day) {
		if h.Item.Code != r.Item {
			continue
		}
		for _, pre := range h.Item.Preconditions {
			if pre.Item != r.Before || pre.Strength != "hard" {
				continue
			}
			s, err := p.open(r.Item)
			if err != nil {
				return err
			}
			items, _ := s["items"].([]any)
			list, _ := items[0].(map[string]any)["preconditions"].([]any)
			for _, e := range list {
				if m, _ := e.(map[string]any); m["item"] == r.Before {
					m["strength"], m["note"] = "soft", note
				}
			}
		}
	}
	for _, h := range p.d.Book.Current().HeldSchemes(day) {
		for i, e := range h.Scheme.Edges {
			if e.From != r.Before || e.To != r.Item || e.Type != "hard" {
				continue
			}
			s, err := p.open(h.Scheme.Code)
			if err != nil {
				return err
			}
			schemes, _ := s["industries"].([]any)
			edges, _ := schemes[0].(map[string]any)["edges"].([]any)
			if i < len(edges) {
				m, _ := edges[i].(map[string]any)
				m["type"], m["note"] = "soft", note
			}
		}
	}
	return nil
}

// Rule rules on a coordination and makes the drafts that patch the standards. It
// is refused when the analysis would still find the conflict afterwards; a ruling
// on siting leaves it and says where such projects do not go.
func (d *Desk) Rule(ctx context.Context, name string, o casework.Order, r Ruling) (string, []string, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return "", nil, err
	}
	seen, err := d.Coordination(ctx, name)
	if err != nil {
		return "", nil, err
	}
	// What goes wrong here is told by the store, which first looks whether the
	// request has had its effect before.
	r.Number, r.Dated = seen.Number, d.today().String()
	made, wrong := d.patches(ctx, by, seen, r)
	var ids []string
	err = d.Shelf.Rule(ctx, seen.ID, func(c *Coordination, locked *Draft) ([]*Draft, error) {
		if wrong != nil {
			return nil, wrong
		}
		if c.Version != seen.Version {
			return nil, moved()
		}
		var fresh []*Draft
		ids = nil
		for _, m := range made {
			if m.of == nil {
				fresh = append(fresh, m.draft)
				ids = append(ids, m.draft.ID)
				continue
			}
			if locked == nil || locked.Digest != m.of.Digest || locked.Version != m.of.Version {
				return nil, moved()
			}
			if err := locked.patched(by, c.ID, m.content, reasonOf(r)); err != nil {
				return nil, err
			}
			ids = append(ids, locked.ID)
		}
		r.Drafts = ids
		return fresh, c.Rule(by, r)
	})
	if err != nil {
		return "", nil, err
	}
	if wrong == nil && len(made) == 0 { // nothing to publish: the ruling itself settles it
		if err := d.settle(viewer.WithoutOnce(ctx), seen.ID); err != nil {
			return "", nil, err
		}
	}
	return seen.ID, ids, nil
}

// patches makes the drafts of a ruling.
func (d *Desk) patches(ctx context.Context, by casework.By, c *Coordination, r Ruling) ([]madeDraft, error) {
	if err := c.MayRule(by, r); err != nil {
		return nil, err
	}
	if err := d.replaceable(ctx, c); err != nil {
		return nil, err
	}
	under, err := d.under(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &patch{d: d, ctx: ctx, under: under, spelled: map[string]map[string]any{}, named: c.Finding.Clauses}
	if err := p.apply(r); err != nil {
		return nil, err
	}
	made, err := d.patched(ctx, by, c, r, p)
	if errors.Is(err, errNothingLeft) {
		p = &patch{d: d, ctx: ctx, under: under, spelled: map[string]map[string]any{}, named: c.Finding.Clauses, whole: true}
		if err := p.apply(r); err != nil {
			return nil, err
		}
		return d.patched(ctx, by, c, r, p)
	}
	return made, err
}

// errNothingLeft says that a clause which gives way to another would apply to no
// project any more, and so has to go.
var errNothingLeft = errors.New("the clause gives way everywhere")

// under gives the draft under which a finding was found while it is one; nil where
// the finding is one of what is in force.
func (d *Desk) under(ctx context.Context, c *Coordination) (*Draft, error) {
	if c.Draft == "" {
		return nil, nil
	}
	draft, err := d.Shelf.Draft(ctx, c.Draft)
	if err != nil || draft.State == Published || draft.State == Withdrawn {
		return nil, err
	}
	return draft, nil
}

// occurs says that a conflict happens to projects of a scheme in a zone: nothing
// is settled by siting others elsewhere.
func (d *Desk) occurs(ctx context.Context, c *Coordination, r Ruling, under *Draft) error {
	if len(c.Finding.Clauses) == 0 {
		return nil
	}
	p := &patch{d: d, ctx: ctx, under: under, spelled: map[string]map[string]any{}}
	s, err := p.open(r.Scheme)
	if err != nil {
		return err
	}
	entries, _ := s["industries"].([]any)
	if len(entries) != 1 {
		return invalid(ActRule, problem("scheme", "UNKNOWN_SCHEME", "没有方案 "+r.Scheme, "there is no scheme "+r.Scheme))
	}
	p.codes, p.spelled = nil, map[string]map[string]any{}
	there := fmt.Sprintf("(%s) && facts.zone == %q", text(entries[0].(map[string]any), "applies_when"), r.Zone)
	for _, code := range c.Finding.Clauses {
		clause, _, err := p.clause("clause", code)
		if err != nil {
			return err
		}
		clause["applies_when"] = fmt.Sprintf("(%s) && %s", text(clause, "applies_when"), there)
	}
	book, _, err := d.applied(ctx, p)
	if err != nil {
		return err
	}
	found, err := d.analysed(ctx, book, []conflict.Kind{c.Finding.Kind}, nil)
	if err != nil || slices.ContainsFunc(found, c.stands) {
		return err
	}
	return invalid(ActRule, problem("zone", "NOT_THERE", "该冲突不发生在方案 "+r.Scheme+" 的功能区 "+r.Zone, "the conflict does not happen to projects of "+r.Scheme+" in "+r.Zone))
}

func reasonOf(r Ruling) string { return "裁定 " + r.Number + "：" + r.Text }

// replaceable says that no draft of an earlier ruling is still under way.
func (d *Desk) replaceable(ctx context.Context, c *Coordination) error {
	if c.Ruling == nil {
		return nil
	}
	for _, id := range c.Ruling.Drafts {
		draft, err := d.Shelf.Draft(ctx, id)
		if err != nil {
			return err
		}
		if draft.State != Withdrawn && draft.State != Published {
			f := fault.New(fault.Conflict, "drafting.ruleCoordination", "前一裁定的草案尚未撤回或发布："+id, "a draft of the earlier ruling is still under way: "+id)
			f.State, f.Version = string(c.State), c.Version
			return f
		}
	}
	return nil
}

// madeDraft is one standard that a ruling patches: a new draft, or the draft under
// which the finding was found.
type madeDraft struct {
	draft   *Draft
	of      *Draft
	content Content
}

// reading is one standard as a patch leaves it.
type reading struct {
	code    string
	kind    Kind
	held    Held
	content Content
}

// applied reads what a patch has changed, and gives the catalogue of today with it.
func (d *Desk) applied(ctx context.Context, p *patch) (*guide.Catalogue, []reading, error) {
	var read []reading
	var contents []Content
	book, day := d.Book.Current(), d.today().String()
	if p.under != nil && p.spelled[p.under.Code] == nil { // as it is
		var err error
		if book, err = with(book, p.under.Content, p.under.Code, p.under.Base+1, day); err != nil {
			return nil, nil, err
		}
	}
	for _, code := range p.codes {
		kind, content, err := d.Catalog.Read(ctx, code, p.spelled[code], contents...)
		if err != nil {
			return nil, nil, err
		}
		held, err := d.Catalog.InForce(ctx, code)
		if err != nil {
			return nil, nil, err
		}
		if book, err = with(book, content, code, held.Version+1, day); err != nil {
			return nil, nil, err
		}
		contents = append(contents, content)
		read = append(read, reading{code, kind, held, content})
	}
	return book, read, nil
}

// analysed finds what is wrong with a catalogue as of today that nobody will ask
// about again.
func (d *Desk) analysed(ctx context.Context, book *guide.Catalogue, kinds []conflict.Kind, rulings []*Coordination) ([]conflict.Finding, error) {
	subject, err := subjectOf(book, d.today().String(), rulings)
	if err != nil {
		return nil, err
	}
	leave, err := d.analyses.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	report, err := conflict.Analyse(ctx, subject, conflict.Options{Kinds: kinds})
	if err != nil {
		return nil, err
	}
	return report.Findings, nil
}

// patched reads the patches, sees that they settle the finding and make no other
// that could not be published, and makes drafts.
func (d *Desk) patched(ctx context.Context, by casework.By, c *Coordination, r Ruling, p *patch) ([]madeDraft, error) {
	book, read, err := d.applied(ctx, p)
	if err != nil {
		return nil, err
	}
	var out []madeDraft
	for _, m := range read {
		if p.under != nil && p.under.Code == m.code {
			out = append(out, madeDraft{of: p.under, content: m.content})
			continue
		}
		if DigestOf(m.content) == DigestOf(m.held.Content) {
			continue
		}
		key, err := ref.NewKey(by.RecordedAt, d.Random)
		if err != nil {
			return nil, err
		}
		draft, err := New(by, Proposal{ID: ref.Draft(key), Kind: m.kind, Code: m.code, Base: m.held.Version, Before: m.held.Content, Content: m.content, Reason: reasonOf(r), Coordination: c.ID})
		if err != nil {
			return nil, err
		}
		out = append(out, madeDraft{draft: draft, content: m.content})
	}
	if r.Kind == Siting {
		return out, d.occurs(ctx, c, r, p.under)
	}
	underID := ""
	if p.under != nil {
		underID = p.under.ID
	}
	before, err := d.view(ctx, underID, d.today())
	if err != nil {
		return nil, err
	}
	ruled := *c
	ruled.Ruling = &r
	kinds := slices.Clone(refusing)
	if !slices.Contains(kinds, c.Finding.Kind) {
		kinds = append(kinds, c.Finding.Kind)
	}
	after, err := d.analysed(ctx, book, kinds, append(slices.Clone(before.rulings), &ruled))
	if err != nil {
		return nil, err
	}
	stood, err := d.analyses.report(ctx, before, conflict.Options{Kinds: refusing})
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, f := range stood.Findings {
		known[FindingID(f)] = true
	}
	for _, f := range after {
		switch {
		case c.stands(f):
			return nil, invalid(ActRule, problem("kind", "NOT_SETTLED", "按此裁定修订后冲突仍在："+f.ZH, "with these patches the conflict would remain: "+f.EN))
		case f.Kind == conflict.Dead && r.Kind == Yields && !p.whole && slices.Contains(f.Clauses, r.Clause):
			return nil, errNothingLeft
		}
	}
	var found []fault.Problem
	for _, f := range after {
		if f.Severity == conflict.Refuse && !known[FindingID(f)] {
			found = append(found, problem("kind", "NEW_CONFLICT", "按此裁定修订后不能发布："+f.ZH, "with these patches nothing could be published: "+f.EN))
		}
	}
	return out, invalid(ActRule, found...)
}

// patched replaces the content by what a ruling makes of it, whatever its state:
// both reviews are had anew.
func (d *Draft) patched(by casework.By, coordination string, content Content, reason string) error {
	d.Content, d.Digest, d.Reason, d.Gate, d.Coordination = content, DigestOf(content), reason, nil, coordination
	if !d.drafted(by.Actor.Subject) {
		d.Drafters = append(d.Drafters, by.Actor.Subject)
	}
	d.note(by, ActRule, InDraft, map[string]any{"digest": d.Digest, "reason": reason, "coordination": coordination})
	return nil
}

// stands says that a finding is still what a coordination is about. What refused
// publication and only warns now, such as a circle that joint minutes have
// opened, stands no more; what could not be decided does.
func (c *Coordination) stands(f conflict.Finding) bool {
	if !f.Proved {
		return f.Kind == c.Finding.Kind && slices.Equal(f.Clauses, c.Finding.Clauses) && slices.Equal(f.Items, c.Finding.Items)
	}
	return FindingID(f) == c.Found && (f.Severity == conflict.Refuse || c.Finding.Severity != conflict.Refuse)
}

// settle ends a coordination whose patches are published when its finding is
// gone. A patch that was withdrawn leaves it ruled.
func (d *Desk) settle(ctx context.Context, id string) error {
	c, err := d.Shelf.Coordination(ctx, id)
	if err != nil || c.State != CoordinationRuled {
		return err
	}
	for _, draft := range c.Ruling.Drafts {
		p, err := d.Shelf.Draft(ctx, draft)
		if err != nil || p.State != Published {
			return err
		}
	}
	gone, digest, err := d.Gone(ctx, c)
	if err != nil || !gone && c.Ruling.Kind != Siting {
		return err
	}
	by := casework.By{Actor: casework.Actor{Subject: "onedoor", Role: casework.RoleTimer}, RecordedAt: d.Now()}
	return d.Shelf.UpdateCoordination(ctx, id, func(c *Coordination) error {
		if c.State != CoordinationRuled {
			return nil
		}
		return c.Settle(by, digest)
	})
}

// Gone says whether the analysis does not find what a coordination is about any
// more: in what is in force on the day on which the last patch counts, with the
// draft that it was found under while that is no more than a draft.
func (d *Desk) Gone(ctx context.Context, c *Coordination) (bool, string, error) {
	day := d.today()
	if c.Ruling != nil {
		for _, id := range c.Ruling.Drafts {
			if p, err := d.Shelf.Draft(ctx, id); err == nil && p.EffectiveFrom.String() > day.String() && !p.EffectiveFrom.IsZero() {
				day = p.EffectiveFrom
			}
		}
	}
	rulings, err := d.Shelf.Rulings(ctx)
	if err != nil {
		return false, "", err
	}
	v := view{book: d.Book.Current(), day: day, rulings: rulings}
	under, err := d.under(ctx, c)
	if err != nil {
		return false, "", err
	}
	if under != nil {
		if v.book, err = with(v.book, under.Content, under.Code, under.Base+1, day.String()); err != nil {
			return false, "", err
		}
		v.variant = under.Digest
	}
	report, err := d.analyses.report(ctx, v, conflict.Options{Kinds: []conflict.Kind{c.Finding.Kind}})
	if err != nil {
		return false, "", err
	}
	for _, f := range report.Findings {
		if c.stands(f) {
			return false, report.Digest, nil
		}
	}
	return true, report.Digest, nil
}
