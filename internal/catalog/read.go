package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
)

// maxFile bounds one file of a pack.
const maxFile = 8 << 20

// place is where an entry stands, for faults.
type place struct {
	file string
	path string // clauses[3]
	node *yaml.Node
}

// at gives the path of a field of the entry.
func (p place) at(field string) string {
	if field == "" || p.path == "" {
		return p.path
	}
	return p.path + "." + strings.ReplaceAll(field, "/", ".")
}

// line gives the line of a field of the entry ("basis/0/law"), or of the
// nearest thing around it that is there.
func (p place) line(field string) int {
	if p.node == nil {
		return 1
	}
	n := p.node
	if field != "" {
		for _, key := range strings.Split(field, "/") {
			next := child(n, key)
			if next == nil {
				break
			}
			n = next
		}
	}
	return n.Line
}

// Read reads a pack and checks all of it. It gives the pack, or Faults with
// every fault that it found.
func Read(dir fs.FS) (*Pack, error) {
	r := reader{pack: &Pack{}}
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
		r.file(dir, name)
	}
	for _, name := range []string{fileDepartments, fileRegions, fileFacts, fileItems, fileClauses, fileIndustries, fileHolidays, fileLaws} {
		if !seen[name] {
			r.faultAt(name, 1, "the pack has no such file")
		}
	}
	r.faults = append(r.faults, check(r.pack)...)
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	return r.pack, nil
}

type reader struct {
	pack   *Pack
	faults Faults
}

func (r *reader) faultAt(file string, line int, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: file, Line: line, Reason: fmt.Sprintf(format, args...)})
}

// file reads one file: each of its top keys is a list of typed entries, or
// rules.
func (r *reader) file(dir fs.FS, name string) {
	info, err := fs.Stat(dir, name)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	var text []byte
	if err == nil {
		text, err = readFile(dir, name)
	}
	var doc yaml.Node
	if err == nil {
		documents := yaml.NewDecoder(bytes.NewReader(text))
		if err = documents.Decode(&doc); errors.Is(err, io.EOF) {
			err = nil // an empty file
		}
		var more yaml.Node
		if err == nil && len(doc.Content) > 0 && documents.Decode(&more) == nil {
			r.faultAt(name, more.Line, "a second document in the file")
		}
	}
	if err != nil {
		r.yamlFaults(name, 1, err)
		return
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		r.faultAt(name, 1, "a pack's file is a mapping of lists")
		return
	}
	top := doc.Content[0]
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if seen[key.Value] {
			r.faultAt(name, key.Line, "%q stands here twice", key.Value)
			continue
		}
		seen[key.Value] = true
		r.section(name, key.Value, value)
	}
}

// readFile reads a file whatever size it says that it has: an archive may lie.
func readFile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	return text, err
}

func (r *reader) section(file, key string, value *yaml.Node) {
	p := r.pack
	switch file + " " + key {
	case fileDepartments + " departments":
		list(r, file, key, value, &p.Departments)
	case fileRegions + " regions":
		list(r, file, key, value, &p.Regions)
	case fileRegions + " zones":
		list(r, file, key, value, &p.Zones)
	case fileFacts + " facts":
		list(r, file, key, value, &p.Facts)
	case fileItems + " items":
		list(r, file, key, value, &p.Items)
	case fileClauses + " clauses":
		list(r, file, key, value, &p.Clauses)
	case fileIndustries + " industries":
		list(r, file, key, value, &p.Schemes)
	case fileLaws + " laws":
		list(r, file, key, value, &p.Laws)
	case fileHolidays + " years":
		list(r, file, key, value, &p.Years)
	case fileHolidays + " calendar":
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			r.faultAt(file, value.Line, "calendar: a code, such as CN-mainland")
		}
		p.Calendar = value.Value
	default:
		r.rules(file, key, value)
	}
}

// list reads typed entries.
func list[T any](r *reader, file, key string, value *yaml.Node, into *[]Entry[T]) {
	if value.Kind != yaml.SequenceNode {
		r.faultAt(file, value.Line, "a list of entries stands here")
		return
	}
	for i, node := range value.Content {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if node.Kind != yaml.MappingNode {
			r.faultAt(file, node.Line, "an entry is a mapping")
			continue
		}
		entry := Entry[T]{place: place{file, fmt.Sprintf("%s[%d]", key, i), node}}
		if err := node.Decode(&entry.Value); err != nil {
			r.yamlFaults(file, lineOf(node, err), err)
			var partly *yaml.TypeError
			if !errors.As(err, &partly) {
				continue
			}
		} else {
			extra, wrong, err := leftover(node, entry.Value)
			if err != nil {
				r.yamlFaults(file, node.Line, err)
			}
			for _, path := range wrong {
				field := strings.TrimPrefix(path, "/")
				r.faultAt(file, entry.place.line(field), "%s: %v cannot stand here", field, extra[path])
			}
			entry.Extra = extra
		}
		*into = append(*into, entry)
	}
}

// Where a rule came from, kept in its Extra so that an export can put it back.
const (
	ruleFile  = "file"
	ruleShape = "shape" // list: one of a list with ids; map: the section itself; value: anything else, below "value"
)

// rules reads a section for which there is no type: a list of mappings with
// ids gives a rule each, anything else is one rule.
func (r *reader) rules(file, key string, value *yaml.Node) {
	add := func(code, shape string, node *yaml.Node, body any) {
		r.pack.Rules = append(r.pack.Rules, Entry[law.Rule]{
			Value: law.Rule{Section: key, Code: code, Body: body},
			Extra: map[string]any{ruleFile: file, ruleShape: shape},
			place: place{file, key, node},
		})
	}
	var whole any
	if err := value.Decode(&whole); err != nil {
		r.yamlFaults(file, value.Line, err)
		return
	}
	whole = jsonLike(whole)
	if m, ok := whole.(map[string]any); ok {
		add(key, "map", value, m)
		return
	}
	elements, _ := whole.([]any)
	codes := map[string]bool{}
	for _, e := range elements {
		m, _ := e.(map[string]any)
		if id, ok := m["id"].(string); ok {
			codes[id] = true
		}
	}
	if len(elements) == 0 || len(codes) != len(elements) {
		add(key, "value", value, map[string]any{"value": whole})
		return
	}
	for i, e := range elements {
		m := e.(map[string]any)
		add(m["id"].(string), "list", value.Content[i], m)
	}
}

// jsonLike turns what YAML can say and JSON cannot (keys that are no strings,
// dates) into what both can.
func jsonLike(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			v[k] = jsonLike(child)
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, child := range v {
			m[fmt.Sprint(k)] = jsonLike(child)
		}
		return m
	case []any:
		for i, child := range v {
			v[i] = jsonLike(child)
		}
	case time.Time: // an unquoted date
		return v.Format(time.DateOnly)
	}
	return v
}

// lineOf gives the line of the value that a decoding error quotes, or of the
// entry.
func lineOf(entry *yaml.Node, err error) int {
	if n := quotedIn(entry, err.Error()); n != nil {
		return n.Line
	}
	return entry.Line
}

func quotedIn(n *yaml.Node, text string) *yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Value != "" && strings.Contains(text, strconv.Quote(n.Value)) {
		return n
	}
	for _, child := range n.Content {
		if found := quotedIn(child, text); found != nil {
			return found
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// yamlFaults turns the library's errors, which carry their line in the text,
// into faults.
func (r *reader) yamlFaults(file string, line int, err error) {
	texts := []string{err.Error()}
	var wrong *fault.Error
	if errors.As(err, &wrong) && len(wrong.Problems) > 0 {
		texts = []string{wrong.Problems[0].EN}
	}
	var typeErr *yaml.TypeError
	if errors.As(err, &typeErr) {
		texts = typeErr.Errors
	}
	for _, text := range texts {
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			r.faultAt(path.Base(file), n, "%s", m[2])
			continue
		}
		r.faultAt(path.Base(file), line, "%s", text)
	}
}
