package graph

import (
	"context"
	"slices"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Plugins are the active versions of departments' plugins, as they run here.
type Plugins interface {
	// Status says how each is doing.
	Status() []check.Status
	// Apply makes what the registry says so, at once; every server does it of
	// itself a moment later.
	Apply(ctx context.Context) error
}

// checks lists what has been asked of plugins about a case. What a SHADOW finds
// is nobody's business.
func (r *Resolver) checks(in []check.Run) []*model.CaseCheck {
	out := make([]*model.CaseCheck, 0, len(in))
	for _, run := range in {
		if run.Mode == check.Enforce {
			out = append(out, &model.CaseCheck{Run: run, Department: r.department(run.Department)})
		}
	}
	return out
}

// plugins lists the installed versions and how they are doing.
func (r *Resolver) plugins(ctx context.Context) ([]*model.Plugin, error) {
	versions, err := r.Office.Registry.Versions(ctx)
	if err != nil {
		return nil, err
	}
	statuses := r.Plugins.Status()
	out := make([]*model.Plugin, len(versions))
	for i, v := range versions {
		out[i] = r.plugin(ctx, v, statuses)
	}
	return out, nil
}

func (r *Resolver) plugin(ctx context.Context, v check.Version, statuses []check.Status) *model.Plugin {
	var status *check.Status
	if k := slices.IndexFunc(statuses, func(s check.Status) bool { return s.Plugin.Name == v.Name && s.Plugin.Version == v.Version }); k >= 0 {
		status = &statuses[k]
	}
	who := viewer.From(ctx)
	official := !who.Anonymous() && who.Role != viewer.Applicant && who.Role != viewer.Agent
	department := r.department(v.Department)
	if department == nil { // it has left the catalogue
		department = &ent.Department{Code: v.Department, Name: v.Department}
	}
	return model.NewPlugin(v, department, status, official)
}

// activate gives a version a mode, for the central team.
func (r *Resolver) activate(ctx context.Context, in model.ActivatePluginInput) (*model.Plugin, error) {
	who := viewer.From(ctx)
	switch {
	case who.Anonymous():
		return nil, fault.New(fault.Unauthenticated, "graph.activatePlugin", "请先登录", "please sign in")
	case who.Role != viewer.Admin:
		return nil, fault.New(fault.Denied, "graph.activatePlugin", "只有平台管理员可以启用插件", "plugins are activated by an ADMIN")
	}
	policies := map[string]check.Policy{}
	for _, p := range in.Policies {
		policies[p.Check] = p.OnFailure
	}
	if _, err := r.Office.Activate(ctx, in.Name, in.Version, in.Mode, policies, who.Subject); err != nil {
		return nil, err
	}
	if err := r.Plugins.Apply(ctx); err != nil {
		return nil, err
	}
	v, err := r.Office.Find(ctx, in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	return r.plugin(ctx, v, r.Plugins.Status()), nil
}

func (r *Resolver) precheck(ctx context.Context, in model.GuideInput) (*model.Precheck, error) {
	if deref(in.Draft) != "" {
		return nil, fault.InvalidInput("graph.precheck", fault.Problem{Path: "draft", Code: "NOT_HERE", ZH: "草案请用 guide 预览", EN: "preview a draft with guide"})
	}
	p, err := r.Desk.Precheck(ctx, guide.Input{Scheme: deref(in.Scheme), Item: deref(in.Item), Facts: in.Facts, Region: deref(in.Region), AsOf: r.day(in.AsOf)})
	if err != nil {
		return nil, err
	}
	return &model.Precheck{Guide: model.NewGuide(r.Client, p.Guide), Findings: r.findings(ctx, p.Findings), Checks: r.checks(p.Checks)}, nil
}

// missingFacts gives the facts of these keys.
func (r *Resolver) missingFacts(keys []string) []*standard.Fact {
	out := make([]*standard.Fact, 0, len(keys))
	for _, key := range keys {
		if f, ok := r.book().Fact(key); ok {
			out = append(out, f)
		}
	}
	return out
}
