package catalog

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The pack may hold fields that our types lack. They are kept as a flat map
// from JSON pointer to value ("/time/remark" → "…"), beside the typed entry,
// and an export puts them back. absentKey lists the fields that our types write
// and the pack left out.
const absentKey = "absent"

// leftover gives what raw says and typed does not, and the paths of values that
// our types cannot hold: a fraction where a whole number stands, or a null
// where a value must.
func leftover(raw *yaml.Node, typed any) (extra map[string]any, wrong []string, err error) {
	var node yaml.Node
	if err := node.Encode(typed); err != nil {
		return nil, nil, err
	}
	var ours, theirs any
	if err := node.Decode(&ours); err != nil {
		return nil, nil, err
	}
	if err := raw.Decode(&theirs); err != nil {
		return nil, nil, err
	}
	d := difference{extra: map[string]any{}}
	d.walk("", jsonLike(theirs), jsonLike(ours))
	if len(d.absent) > 0 {
		sort.Slice(d.absent, func(i, j int) bool { return d.absent[i].(string) < d.absent[j].(string) })
		d.extra[absentKey] = d.absent
	}
	if len(d.extra) == 0 {
		d.extra = nil
	}
	sort.Strings(d.wrong)
	return d.extra, d.wrong, nil
}

type difference struct {
	extra  map[string]any
	absent []any
	wrong  []string
}

func (d *difference) walk(path string, theirs, ours any) {
	switch theirs := theirs.(type) {
	case map[string]any:
		if ours, ok := ours.(map[string]any); ok {
			d.maps(path, theirs, ours)
			return
		}
	case []any:
		if ours, ok := ours.([]any); ok {
			for i, v := range theirs {
				at := path + "/" + strconv.Itoa(i)
				if i < len(ours) {
					d.walk(at, v, ours[i])
				} else {
					d.extra[at] = v
				}
			}
			return
		}
	}
	if same(theirs, ours) {
		return
	}
	_, numbers := number(theirs)
	_, ours2 := number(ours)
	if theirs == nil && ours != nil && !isEmptyList(ours) || numbers && ours2 {
		d.wrong = append(d.wrong, path)
	}
	d.extra[path] = theirs
}

func (d *difference) maps(path string, theirs, ours map[string]any) {
	for key, v := range theirs {
		at := path + "/" + escape.Replace(key)
		if mine, ok := ours[key]; ok {
			d.walk(at, v, mine)
		} else {
			d.extra[at] = v
		}
	}
	for key := range ours {
		if _, ok := theirs[key]; !ok {
			d.absent = append(d.absent, path+"/"+escape.Replace(key))
		}
	}
}

func isEmptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

// restore gives the entry as the pack had it: typed, without what was absent,
// with what was left over.
func restore(typed any, extra map[string]any) (*yaml.Node, error) {
	var node yaml.Node
	if err := node.Encode(typed); err != nil {
		return nil, err
	}
	absent, _ := extra[absentKey].([]any)
	for _, path := range absent {
		remove(&node, split(path.(string)))
	}
	paths := make([]string, 0, len(extra))
	for path := range extra {
		if path != absentKey {
			paths = append(paths, path)
		}
	}
	sort.Slice(paths, func(i, j int) bool { return inOrder(paths[i], paths[j]) })
	for _, path := range paths {
		var value yaml.Node
		if err := value.Encode(extra[path]); err != nil {
			return nil, err
		}
		if err := set(&node, split(path), &value); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return &node, nil
}

var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
)

func split(path string) []string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, p := range parts {
		parts[i] = unescape.Replace(p)
	}
	return parts
}

// inOrder sorts paths so that the elements of a list keep their order.
func inOrder(a, b string) bool {
	x, y := split(a), split(b)
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] == y[i] {
			continue
		}
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM == nil && errN == nil {
			return m < n
		}
		return x[i] < y[i]
	}
	return len(x) < len(y)
}

// same compares leaves; 5 and 5.0 are the same number.
func same(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// child finds the value of a key of a mapping or an index of a list.
func child(n *yaml.Node, key string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	case yaml.AliasNode:
		return child(n.Alias, key)
	}
	return nil
}

func remove(n *yaml.Node, path []string) {
	for len(path) > 1 {
		if n = child(n, path[0]); n == nil {
			return
		}
		path = path[1:]
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == path[0] {
			n.Content = append(n.Content[:i], n.Content[i+2:]...)
			return
		}
	}
}

func set(n *yaml.Node, path []string, value *yaml.Node) error {
	if next := child(n, path[0]); next != nil {
		if len(path) == 1 {
			*next = *value
			return nil
		}
		return set(next, path[1:], value)
	}
	if len(path) > 1 {
		return fmt.Errorf("there is no %s to put it in", path[0])
	}
	switch n.Kind {
	case yaml.MappingNode:
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}, value)
	case yaml.SequenceNode:
		n.Content = append(n.Content, value)
	default:
		return fmt.Errorf("nothing can stand below a plain value")
	}
	return nil
}
