package guide

import (
	"slices"

	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
)

// HeldItem is an item's standard ready to be reasoned about.
type HeldItem struct {
	Version int
	Item    item.Item
	Needed  *standard.Expr
	Clauses []*standard.Compiled
}

// HeldScheme is a joint standard ready to be reasoned about.
type HeldScheme struct {
	Version int
	Scheme  scheme.Scheme
	Applies *standard.Expr
}

// Vocabulary gives the facts that every expression of the catalogue speaks of.
func (c *Catalogue) Vocabulary() *standard.Vocabulary { return c.vocabulary }

// Departments lists the departments in the catalogue's order.
func (c *Catalogue) Departments() []district.Department {
	out := make([]district.Department, len(c.deptOrder))
	for i, code := range c.deptOrder {
		out[i] = c.departments[code]
	}
	return out
}

// RulesOf lists the district's rules of a section.
func (c *Catalogue) RulesOf(section string) []law.Rule {
	var out []law.Rule
	for _, r := range c.rules {
		if r.Section == section {
			out = append(out, r)
		}
	}
	return out
}

// RetiredValues gives the values of facts that are no answer any more on a day.
func (c *Catalogue) RetiredValues(day string) map[string][]string {
	if day < c.retired.Since {
		return nil
	}
	return c.retired.Values
}

// HeldItems lists the items with the version in force on a day. For a day before
// the first version it is the first: clauses carry their own dates, which may be
// older than the catalogue.
func (c *Catalogue) HeldItems(day string) []HeldItem {
	terms := make([]term, len(c.items))
	for i, s := range c.items {
		terms[i] = term{s.Item.Code, s.Term}
	}
	var out []HeldItem
	for _, i := range held(terms, day) {
		s := c.items[i]
		h := HeldItem{Version: s.Version, Item: s.Item, Needed: s.needed}
		for _, k := range s.clauses {
			h.Clauses = append(h.Clauses, k.Compiled)
		}
		out = append(out, h)
	}
	return out
}

// HeldSchemes lists the schemes in the same way.
func (c *Catalogue) HeldSchemes(day string) []HeldScheme {
	terms := make([]term, len(c.schemes))
	for i, s := range c.schemes {
		terms[i] = term{s.Scheme.Code, s.Term}
	}
	var out []HeldScheme
	for _, i := range held(terms, day) {
		out = append(out, HeldScheme{Version: c.schemes[i].Version, Scheme: c.schemes[i].Scheme, Applies: c.schemes[i].applies})
	}
	return out
}

type term struct {
	code string
	Term
}

// held picks one version of each code.
func held(versions []term, day string) []int {
	var out []int
	for i, v := range versions {
		first := slices.IndexFunc(versions, func(o term) bool { return o.code == v.code }) == i
		if !first {
			continue
		}
		best := -1
		for j, o := range versions {
			switch {
			case o.code != v.code:
			case o.covers(day):
				best = j
			case o.From > day && (best < 0 || !versions[best].covers(day) && o.From < versions[best].From):
				best = j
			}
		}
		if best >= 0 {
			out = append(out, best)
		}
	}
	return out
}
