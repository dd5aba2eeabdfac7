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

// leftover gives what raw says and typed does not.
func leftover(raw *yaml.Node, typed any) (map[string]any, error) {
	var node yaml.Node
	if err := node.Encode(typed); err != nil {
		return nil, err
	}
	ours, err := flatten(&node)
	if err != nil {
		return nil, err
	}
	theirs, err := flatten(raw)
	if err != nil {
		return nil, err
	}
	var extra map[string]any
	put := func(path string, v any) {
		if extra == nil {
			extra = map[string]any{}
		}
		extra[path] = v
	}
	for path, v := range theirs {
		if mine, ok := ours[path]; !ok || !same(mine, v) {
			put(path, v)
		}
	}
	var absent []any
	for path := range ours {
		if _, ok := theirs[path]; !ok && !hasBelow(theirs, path) {
			absent = append(absent, path)
		}
	}
	if len(absent) > 0 {
		sort.Slice(absent, func(i, j int) bool { return absent[i].(string) < absent[j].(string) })
		put(absentKey, absent)
	}
	return extra, nil
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

// flatten gives the leaves of a node: scalars, empty lists and empty maps.
func flatten(n *yaml.Node) (map[string]any, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	leaves := map[string]any{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if len(v) == 0 {
				leaves[path] = v
			}
			for k, child := range v {
				walk(path+"/"+escape.Replace(k), child)
			}
		case []any:
			if len(v) == 0 {
				leaves[path] = v
			}
			for i, child := range v {
				walk(path+"/"+strconv.Itoa(i), child)
			}
		default:
			leaves[path] = v
		}
	}
	walk("", jsonLike(v))
	return leaves, nil
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

func hasBelow(leaves map[string]any, path string) bool {
	for p := range leaves {
		if strings.HasPrefix(p, path+"/") {
			return true
		}
	}
	return false
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
		if next.Kind == yaml.ScalarNode { // typed null where the pack has more
			*next = *container(path[1])
		}
		return set(next, path[1:], value)
	}
	if len(path) > 1 {
		inner := container(path[1])
		if err := set(inner, path[1:], value); err != nil {
			return err
		}
		value = inner
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

// container makes the list or mapping that a next path element asks for.
func container(key string) *yaml.Node {
	if _, err := strconv.Atoi(key); err == nil {
		return &yaml.Node{Kind: yaml.SequenceNode}
	}
	return &yaml.Node{Kind: yaml.MappingNode}
}
