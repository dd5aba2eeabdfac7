package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
)

// What follows reads, checks and writes one standard as a pack spells it: `items`
// with its one item and `clauses`, or `industries` with its one scheme.

// fileOf says in which file of a pack a list of a standard stands.
var fileOf = map[string]string{"items": fileItems, "clauses": fileClauses, "industries": fileIndustries}

// Spell gives a content as a pack spells it.
func Spell(c drafting.Content) (map[string]any, error) {
	text, err := YAML(c)
	if err != nil {
		return nil, err
	}
	return Parse(string(text))
}

// YAML gives a content as the YAML of a pack.
func YAML(c drafting.Content) ([]byte, error) {
	top := &yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, entries ...*yaml.Node) {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.SequenceNode, Content: entries})
	}
	if c.Item != nil {
		node, err := restore(c.Item.Value, c.Item.Extra)
		if err != nil {
			return nil, fmt.Errorf("catalog.YAML: %w", err)
		}
		put("items", node)
		var clauses []*yaml.Node
		for _, k := range c.Clauses {
			if node, err = restore(k.Value, k.Extra); err != nil {
				return nil, fmt.Errorf("catalog.YAML: %w", err)
			}
			clauses = append(clauses, node)
		}
		put("clauses", clauses...)
	}
	if c.Scheme != nil {
		node, err := restore(c.Scheme.Value, c.Scheme.Extra)
		if err != nil {
			return nil, fmt.Errorf("catalog.YAML: %w", err)
		}
		put("industries", node)
	}
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(top); err != nil {
		return nil, fmt.Errorf("catalog.YAML: %w", err)
	}
	return text.Bytes(), nil
}

// Parse reads YAML or JSON as plain data, without judging it.
func Parse(text string) (map[string]any, error) {
	var data map[string]any
	if err := yaml.Unmarshal([]byte(text), &data); err != nil {
		return nil, fault.InvalidInput("catalog.Parse", fault.Problem{Path: "yaml", Code: "BAD_YAML", ZH: "YAML 无法读取：" + err.Error(), EN: "the YAML cannot be read: " + err.Error()})
	}
	if data == nil {
		data = map[string]any{}
	}
	m, _ := jsonLike(data).(map[string]any)
	return m, nil
}

// Standard gives the content of a standard in a pack; nothing when it has none
// such.
func (p *Pack) Standard(code string) drafting.Content {
	var c drafting.Content
	for _, e := range p.Items {
		if e.Value.Code == code {
			c.Item = &drafting.Entry[item.Item]{Value: e.Value, Extra: e.Extra}
		}
	}
	for _, e := range p.Clauses {
		if e.Value.Item == code {
			c.Clauses = append(c.Clauses, drafting.Entry[standard.Clause]{Value: e.Value, Extra: e.Extra})
		}
	}
	for _, e := range p.Schemes {
		if e.Value.Code == code {
			c.Scheme = &drafting.Entry[scheme.Scheme]{Value: e.Value, Extra: e.Extra}
		}
	}
	return c
}

// put puts a content into the pack, in the place of the standard of its code.
func (p *Pack) put(code string, c drafting.Content, clauses []Entry[standard.Clause], items []Entry[item.Item], schemes []Entry[scheme.Scheme]) {
	p.Items, p.Schemes = placed(p.Items, items, func(e Entry[item.Item]) bool { return e.Value.Code == code }), placed(p.Schemes, schemes, func(e Entry[scheme.Scheme]) bool { return e.Value.Code == code })
	if c.Scheme == nil {
		p.Clauses = placed(p.Clauses, clauses, func(e Entry[standard.Clause]) bool { return e.Value.Item == code })
	}
}

// placed puts entries where those that is finds stand, or at the end.
func placed[T any](all, entries []Entry[T], is func(Entry[T]) bool) []Entry[T] {
	at := slices.IndexFunc(all, is)
	if at < 0 {
		at = len(all)
	}
	return slices.Insert(slices.DeleteFunc(slices.Clone(all), is), at, entries...)
}

// parts reads what is spelled; its faults are those of form.
func parts(code string, spelled map[string]any) (*reader, drafting.Kind, drafting.Content, error) {
	text, err := json.Marshal(spelled)
	if err != nil {
		return nil, "", drafting.Content{}, fmt.Errorf("catalog.ReadStandard: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil { // JSON is YAML
		return nil, "", drafting.Content{}, fmt.Errorf("catalog.ReadStandard: %w", err)
	}
	r := reader{pack: &Pack{}}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i].Value, top.Content[i+1]
		file, known := fileOf[key]
		if !known {
			r.faults = append(r.faults, Fault{Path: key, Reason: fmt.Sprintf("%q is not part of a standard: items and clauses, or industries", key)})
			continue
		}
		r.section(file, key, value)
	}
	wrong := func(path, format string, args ...any) {
		r.faults = append(r.faults, Fault{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	kind := drafting.ItemKind
	switch {
	case len(r.pack.Items) == 1 && len(r.pack.Schemes) == 0:
		if got := r.pack.Items[0].Value.Code; got != code {
			wrong("items[0].id", "%q is not the standard's code, %q", got, code)
		}
		for i, e := range r.pack.Clauses {
			if e.Value.Item != code {
				wrong(fmt.Sprintf("clauses[%d].item", i), "%q is another item's: %q has its own standard", e.Value.Code, e.Value.Item)
			}
		}
	case len(r.pack.Items) == 0 && len(r.pack.Schemes) == 1 && len(r.pack.Clauses) == 0:
		kind = drafting.JointKind
		if got := r.pack.Schemes[0].Value.Code; got != code {
			wrong("industries[0].id", "%q is not the standard's code, %q", got, code)
		}
	default:
		wrong("items", "a standard is one item with its clauses, or one industry")
	}
	content := drafting.Content{}
	for _, e := range r.pack.Items {
		content.Item = &drafting.Entry[item.Item]{Value: e.Value, Extra: e.Extra}
	}
	for _, e := range r.pack.Clauses {
		content.Clauses = append(content.Clauses, drafting.Entry[standard.Clause]{Value: e.Value, Extra: e.Extra})
	}
	for _, e := range r.pack.Schemes {
		content.Scheme = &drafting.Entry[scheme.Scheme]{Value: e.Value, Extra: e.Extra}
	}
	return &r, kind, content, nil
}

// Reread gives a content as reading it gives it, without judging it.
func Reread(code string, spelled map[string]any) (drafting.Kind, drafting.Content, error) {
	r, kind, content, err := parts(code, spelled)
	if err != nil {
		return "", drafting.Content{}, err
	}
	return kind, content, problems("catalog.Reread", r.faults)
}

// ReadStandard reads a standard and checks it in its place in a pack whose
// faults, if it has any, are not the standard's: by the same rules as an import
// checks a whole pack. Others that change with it stand in their new form. Every
// problem is INVALID, at once.
func ReadStandard(inForce *Pack, code string, spelled map[string]any, changed ...drafting.Content) (drafting.Kind, drafting.Content, error) {
	r, kind, content, err := parts(code, spelled)
	if err != nil {
		return "", drafting.Content{}, err
	}
	if len(r.faults) == 0 {
		merged := *inForce
		for _, other := range changed {
			merged.putContent(other)
		}
		merged.put(code, content, r.pack.Clauses, r.pack.Items, r.pack.Schemes)
		r.faults = news(check(&merged), inForce)
	}
	return kind, content, problems("catalog.ReadStandard", r.faults)
}

// ReadClause reads one clause of a standard and checks it in its place in a pack
// by the rules of an import, in a fraction of the time of ReadStandard: what else
// the standard says is not judged. What is spelled holds the item and the clause.
func ReadClause(inForce *Pack, code string, spelled map[string]any) (standard.Clause, error) {
	const op = "catalog.ReadClause"
	r, _, _, err := parts(code, spelled)
	if err != nil {
		return standard.Clause{}, err
	}
	if len(r.faults) > 0 {
		return standard.Clause{}, problems(op, r.faults)
	}
	if n := len(r.pack.Clauses); n != 1 {
		return standard.Clause{}, fmt.Errorf("%s: %d clauses", op, n)
	}
	read := r.pack.Clauses[0]
	merged := *inForce
	merged.Clauses = placed(merged.Clauses, r.pack.Clauses, func(e Entry[standard.Clause]) bool {
		return e.Value.Item == code && e.Value.Code == read.Value.Code
	})
	if !slices.ContainsFunc(merged.Items, func(e Entry[item.Item]) bool { return e.Value.Code == code }) {
		merged.Items = append(slices.Clone(merged.Items), r.pack.Items...) // an item that is itself a draft
	}
	c := checker{pack: &merged}
	c.codes()
	c.vocabulary()
	c.clause(read)
	elsewhere := func(f Fault) bool { return f.Path == "" }
	return read.Value, problems(op, slices.DeleteFunc(c.faults, elsewhere))
}

// putContent puts what was read before into a pack.
func (p *Pack) putContent(c drafting.Content) {
	var clauses []Entry[standard.Clause]
	for _, k := range c.Clauses {
		clauses = append(clauses, Entry[standard.Clause]{Value: k.Value, Extra: k.Extra})
	}
	switch {
	case c.Item != nil:
		p.put(c.Item.Value.Code, c, clauses, []Entry[item.Item]{{Value: c.Item.Value, Extra: c.Item.Extra}}, nil)
	case c.Scheme != nil:
		p.put(c.Scheme.Value.Code, c, nil, nil, []Entry[scheme.Scheme]{{Value: c.Scheme.Value, Extra: c.Scheme.Extra}})
	}
}

// news gives the faults that the pack did not have before.
func news(now Faults, before *Pack) Faults {
	elsewhere := func(f Fault) bool { return f.Path == "" }
	if !slices.ContainsFunc(now, elsewhere) {
		return now
	}
	old := check(before)
	return slices.DeleteFunc(now, func(f Fault) bool {
		return elsewhere(f) && slices.ContainsFunc(old, func(o Fault) bool { return o.Reason == f.Reason })
	})
}

// MayEnd says whether a standard can be taken out of a pack: nothing else may
// need it.
func MayEnd(inForce *Pack, code string) error {
	gone := inForce.Standard(code)
	if gone.Empty() {
		return fault.InvalidInput("catalog.MayEnd", fault.Problem{Path: "standard", Code: "UNKNOWN_STANDARD", ZH: "没有标准 " + code, EN: "there is no standard " + code})
	}
	merged := *inForce
	merged.put(code, gone, nil, nil, nil)
	return problems("catalog.MayEnd", news(check(&merged), inForce))
}

// problems makes an INVALID fault of faults.
func problems(op string, faults Faults) error {
	if len(faults) == 0 {
		return nil
	}
	var found []fault.Problem
	for _, f := range faults.sorted() {
		path := f.Path
		if path == "" {
			path = strings.TrimSuffix(f.File, ".yaml")
		}
		found = append(found, fault.Problem{Path: path, Code: "BAD_STANDARD", ZH: "标准有误：" + f.Reason, EN: f.Reason})
	}
	return fault.InvalidInput(op, found...)
}

// Problems makes the faults of a whole pack an INVALID fault with file and line;
// another error stays as it is.
func Problems(err error) error {
	var faults Faults
	if !errors.As(err, &faults) {
		return err
	}
	var found []fault.Problem
	for _, f := range faults {
		found = append(found, fault.Problem{Path: fmt.Sprintf("%s:%d", f.File, f.Line), Code: "BAD_PACK", ZH: "目录有误：" + f.Reason, EN: f.Reason})
	}
	return fault.InvalidInput("catalog.Read", found...)
}
