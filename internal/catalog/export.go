package catalog

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Files writes the pack back: file name → YAML. What Read read is what Files
// writes, fields that our types lack included; comments are not kept.
func (p *Pack) Files() (map[string][]byte, error) {
	w := writer{tops: map[string]*yaml.Node{}}
	write(&w, fileDepartments, "departments", p.Departments)
	write(&w, fileRegions, "regions", p.Regions)
	write(&w, fileRegions, "zones", p.Zones)
	write(&w, fileFacts, "facts", p.Facts)
	write(&w, fileItems, "items", p.Items)
	write(&w, fileClauses, "clauses", p.Clauses)
	write(&w, fileIndustries, "industries", p.Schemes)
	write(&w, fileLaws, "laws", p.Laws)
	w.put(fileHolidays, "calendar", p.Calendar)
	write(&w, fileHolidays, "years", p.Years)
	for _, rule := range p.Rules {
		file, _ := rule.Extra[ruleFile].(string)
		body := rule.Value.Body
		switch rule.Extra[ruleShape] {
		case "list":
			w.append(file, rule.Value.Section, body)
		case "value":
			m, _ := body.(map[string]any)
			w.put(file, rule.Value.Section, m["value"])
		default:
			w.put(file, rule.Value.Section, body)
		}
	}
	return w.bytes()
}

type writer struct {
	tops map[string]*yaml.Node
	err  error
}

func write[T any](w *writer, file, key string, entries []Entry[T]) {
	seq := &yaml.Node{Kind: yaml.SequenceNode}
	for _, e := range entries {
		node, err := restore(e.Value, e.Extra)
		if err != nil {
			w.err = fmt.Errorf("%s: %s: %w", file, key, err)
			return
		}
		seq.Content = append(seq.Content, node)
	}
	w.set(file, key, seq)
}

func (w *writer) put(file, key string, v any) {
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		w.err = err
		return
	}
	w.set(file, key, &node)
}

func (w *writer) append(file, key string, v any) {
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		w.err = err
		return
	}
	if top := w.tops[file]; top != nil {
		if seq := child(top, key); seq != nil {
			seq.Content = append(seq.Content, &node)
			return
		}
	}
	w.set(file, key, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{&node}})
}

func (w *writer) set(file, key string, value *yaml.Node) {
	if file == "" {
		w.err = fmt.Errorf("%s: a rule without its file", key)
		return
	}
	if w.tops[file] == nil {
		w.tops[file] = &yaml.Node{Kind: yaml.MappingNode}
	}
	top := w.tops[file]
	top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

func (w *writer) bytes() (map[string][]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	files := make(map[string][]byte, len(w.tops))
	for name, top := range w.tops {
		var buf bytes.Buffer
		enc := yaml.NewEncoder(&buf)
		enc.SetIndent(2)
		if err := enc.Encode(top); err != nil {
			return nil, err
		}
		files[name] = buf.Bytes()
	}
	return files, nil
}
