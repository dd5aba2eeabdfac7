package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
)

// Version is one installed version of a plugin, as the registry keeps it. What
// was signed never changes.
type Version struct {
	Name       string
	Version    string
	Department string
	Checks     []Check // their Policy is the department's wish
	Programs   map[string]Program
	Manifest   []byte // what was signed
	Signature  []byte // empty: unsigned, in development

	InstalledAt time.Time
	InstalledBy string
	Mode        Mode
	Policies    map[string]Policy // as approved by the central team, by check
	ActivatedAt time.Time         // zero: never
	ActivatedBy string
}

// Program is the program for one platform: its SHA-256 in hex, and where the
// store of files keeps it.
type Program struct {
	Digest string `json:"digest"`
	File   string `json:"file"`
}

// Registry keeps the versions of plugins. At most one version of a name is
// ENFORCE, and at most one SHADOW.
type Registry interface {
	// Install keeps a version, OFF. The same version again is nothing new when it
	// is the same, and CONFLICT when it differs.
	Install(ctx context.Context, v Version) error
	// Versions lists all, by name, the newest installed first.
	Versions(ctx context.Context) ([]Version, error)
	// SetMode changes the mode of a version, and turns off the version that had the
	// mode before, in one commit. A version that is not there is NOT_FOUND.
	SetMode(ctx context.Context, a Activation) error
	// Activations lists the changes of a name, the latest first.
	Activations(ctx context.Context, name string) ([]Activation, error)
	// Changes is a number that grows with every change of a mode.
	Changes(ctx context.Context) (int, error)
}

// Activation is one change of the mode of a version.
type Activation struct {
	Name, Version string
	Mode          Mode
	Policies      map[string]Policy
	At            time.Time
	By            string
}

// Catalogue is what the standards in force know: whose a clause is, and whether
// there is a fact.
type Catalogue interface {
	ClauseDepartment(code string) (department string, known bool)
	HasFact(key string) bool
}

// Activate says what it takes to give a version a mode. policies overrides what
// the department has wished; each check that is asked gets one: to activate is to
// approve. A plugin judges nothing that the public standards do not tell: every
// clause must be in the catalogue, and the department's own.
func Activate(v Version, mode Mode, policies map[string]Policy, book Catalogue, at time.Time, by string) (Activation, error) {
	var found []fault.Problem
	add := func(path, code, zh, en string) {
		found = append(found, fault.Problem{Path: path, Code: code, ZH: zh, EN: en})
	}
	a := Activation{Name: v.Name, Version: v.Version, Mode: mode, At: at.UTC(), By: by, Policies: map[string]Policy{}}
	for _, c := range v.Checks {
		a.Policies[c.ID] = c.Policy
		if !c.Policy.Valid() {
			a.Policies[c.ID] = Refer
		}
	}
	for id, p := range policies {
		if _, known := a.Policies[id]; !known {
			add("policies."+id, "UNKNOWN_CHECK", "插件没有核验 "+id, "the plugin has no check "+id)
		}
		if !p.Valid() {
			add("policies."+id, "UNKNOWN", fmt.Sprintf("须为 %v 之一", policies), fmt.Sprintf("is one of %v", policies))
		}
		a.Policies[id] = p
	}
	if mode == Off {
		return a, invalid(found)
	}
	for _, c := range v.Checks {
		for _, code := range c.Clauses {
			switch whose, known := book.ClauseDepartment(code); {
			case !known:
				add("checks."+c.ID+".clauses", "UNKNOWN_CLAUSE", "目录中没有条款 "+code+"：未公布的要求不得核验", "the catalogue has no clause "+code+": what is not published is not checked")
			case whose != v.Department:
				add("checks."+c.ID+".clauses", "FOREIGN_CLAUSE", "条款 "+code+" 属于部门 "+whose, "the clause "+code+" is judged by "+whose)
			}
		}
		for _, key := range slices.Concat(c.Facts, c.OptionalFacts) {
			if !book.HasFact(key) {
				add("checks."+c.ID+".facts", "UNKNOWN_FACT", "没有要素 "+key, "there is no fact "+key)
			}
		}
	}
	return a, invalid(found)
}

func invalid(found []fault.Problem) error {
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b fault.Problem) int { return slices.Compare([]string{a.Path, a.EN}, []string{b.Path, b.EN}) })
	return fault.InvalidInput("check.Activate", found...)
}

// Office gives versions their modes, for the central team.
type Office struct {
	Registry  Registry
	Catalogue func() Catalogue // in force now
	Now       func() time.Time
}

// Find finds an installed version.
func (o *Office) Find(ctx context.Context, name, version string) (Version, error) {
	all, err := o.Registry.Versions(ctx)
	if err != nil {
		return Version{}, err
	}
	k := slices.IndexFunc(all, func(v Version) bool { return v.Name == name && v.Version == version })
	if k < 0 {
		return Version{}, fault.New(fault.NotFound, "check.Find", fmt.Sprintf("没有安装插件 %s %s", name, version), fmt.Sprintf("the plugin %s %s is not installed", name, version))
	}
	return all[k], nil
}

// Activate gives a version a mode.
func (o *Office) Activate(ctx context.Context, name, version string, mode Mode, policies map[string]Policy, by string) (Activation, error) {
	v, err := o.Find(ctx, name, version)
	if err != nil {
		return Activation{}, err
	}
	a, err := Activate(v, mode, policies, o.Catalogue(), o.Now(), by)
	if err != nil {
		return Activation{}, err
	}
	return a, o.Registry.SetMode(ctx, a)
}

// Rollback enforces the version that was enforced before, under the policies
// that were approved then.
func (o *Office) Rollback(ctx context.Context, name, by string) (Activation, error) {
	history, err := o.Registry.Activations(ctx, name)
	if err != nil {
		return Activation{}, err
	}
	before, ok := Previous(history)
	if !ok {
		return Activation{}, fault.New(fault.Conflict, "check.Rollback", "插件 "+name+" 没有可回退的版本", "no version of "+name+" was enforced before; activate one by its number")
	}
	return o.Activate(ctx, name, before.Version, Enforce, before.Policies, by)
}

// Previous finds to which version a rollback of a name goes: the one that was
// enforced before the one that is.
func Previous(history []Activation) (Activation, bool) {
	current := ""
	for _, a := range history {
		switch {
		case a.Mode != Enforce:
		case current == "":
			current = a.Version
		case a.Version != current:
			return a, true
		}
	}
	return Activation{}, false
}
