package manifest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// File is the name of the manifest in a package.
const File = "plugin.yaml"

// The limits of a manifest, beside those of the contract.
const (
	maxFile     = 1 << 20 // bytes
	maxMessages = 4096
	maxMessage  = 4096 // bytes of one text
	mostFaults  = 100  // that are told at once
)

// The bounds of what a plugin may wish for.
const (
	minMemoryMiB = 96   // below it no program of Go starts
	maxMemoryMiB = 4096 // one plugin of fifty must not fill the machine
	maxCalls     = wire.MaxStreams - 2
	maxQueue     = 1024
)

var (
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	keyPattern      = regexp.MustCompile(`^[a-z][a-z0-9]*([-_.][a-z0-9]+)*$`)
	codePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`) // of a department, as in the catalogue
	gapPattern      = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	versionPattern  = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	platformPattern = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9]+$`)
)

// maxName bounds the names that become part of file names, and a version.
const maxName = 64

// IsName says whether a text can be the name of a plugin.
func IsName(s string) bool { return namePattern.MatchString(s) && len(s) <= maxName }

// IsDepartment says whether a text can be the code of a department.
func IsDepartment(s string) bool { return codePattern.MatchString(s) && len(s) <= maxName }

var interpreters = []string{"node", "python3"}

// Fault is something wrong in a manifest.
type Fault struct {
	Line   int
	Reason string
}

func (f Fault) String() string { return fmt.Sprintf("%s:%d: %s", File, f.Line, f.Reason) }

// Faults is everything that is wrong in a manifest, by line, up to a number that
// people still read. It is the error of Parse.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Parse reads a plugin.yaml. It gives the manifest, or Faults with everything that
// is wrong. A field that is not known is wrong: what was signed is all understood.
func Parse(data []byte) (*Manifest, error) {
	r := &reader{}
	top, err := document(data)
	if err != nil {
		return nil, err
	}
	m := r.manifest(top)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return a.Line - b.Line })
		return nil, r.faults
	}
	return m, nil
}

// yamlLine finds the line in an error of the YAML library.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// document reads the only document of a file.
func document(data []byte) (*yaml.Node, error) {
	if len(data) > maxFile {
		return nil, Faults{{1, fmt.Sprintf("the file is larger than %d KiB", maxFile>>10)}}
	}
	if !utf8.Valid(data) {
		return nil, Faults{{1, "the file is not UTF-8"}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		reason, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
		if at := yamlLine.FindStringSubmatch(err.Error()); at != nil {
			line, _ = strconv.Atoi(at[1])
			reason = strings.TrimPrefix(err.Error(), at[0])
		}
		return nil, Faults{{line, reason}}
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, Faults{{1, "a manifest is a list of fields: name, version, department, checks …"}}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, Faults{{max(more.Line, 1), "something stands behind the end of the document"}}
	}
	return doc.Content[0], nil
}

type reader struct{ faults Faults }

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	switch {
	case len(r.faults) < mostFaults:
		r.faults = append(r.faults, Fault{n.Line, fmt.Sprintf(format, args...)})
	case len(r.faults) == mostFaults:
		r.faults = append(r.faults, Fault{n.Line, "and more: correct these first"})
	}
}

func (r *reader) manifest(top *yaml.Node) *Manifest {
	m := &Manifest{}
	var programs, interpreter, checks *yaml.Node
	r.fields(top, "", fields{
		"name": func(n *yaml.Node) {
			m.Name = r.matching(n, "name", maxName, namePattern, "lower-case letters, digits and hyphens")
		},
		"version": func(n *yaml.Node) {
			m.Version = r.matching(n, "version", maxName, versionPattern, "a semantic version such as 1.4.0")
		},
		"department": func(n *yaml.Node) {
			m.Department = r.matching(n, "department", maxName, codePattern, "a department's code")
		},
		"programs": func(n *yaml.Node) {
			programs, m.Programs = n, map[string]string{}
			r.each(n, "programs", func(platform, digest *yaml.Node) { m.Programs[platform.Value] = r.digest(digest, platform.Value) })
		},
		"interpreter": func(n *yaml.Node) {
			interpreter = n
			if m.Interpreter = r.text(n, "interpreter", maxName); m.Interpreter != "" && !slices.Contains(interpreters, m.Interpreter) {
				r.fault(n, "interpreter: %q is none of %s; leave it out for a native program", clip(m.Interpreter), strings.Join(interpreters, ", "))
			}
		},
		"checks":    func(n *yaml.Node) { checks, m.Checks = n, r.checks(n) },
		"resources": func(n *yaml.Node) { m.Resources = r.resources(n) },
		"messages":  func(n *yaml.Node) { m.Messages = r.messages(n) },
	})
	r.needed(top, "", "name", "version", "department", "checks")
	if checks != nil && checks.Kind == yaml.SequenceNode && len(checks.Content) == 0 {
		r.fault(checks, "checks: there is none")
	}
	for _, platform := range slices.Sorted(maps.Keys(m.Programs)) {
		switch {
		case interpreter != nil && platform != Any:
			r.fault(programs, "programs: %s: a script has one program, for %q", clip(platform), Any)
		case interpreter == nil && platform == Any:
			r.fault(programs, "programs: %q is for scripts: say which interpreter", Any)
		}
	}
	return m
}

func (r *reader) digest(n *yaml.Node, platform string) string {
	if platform != Any && !platformPattern.MatchString(platform) {
		r.fault(n, "programs: %q is no platform such as linux/amd64", clip(platform))
	}
	text := r.text(n, "programs: "+clip(platform), 64)
	sum, err := hex.DecodeString(text)
	if text != "" && (err != nil || len(sum) != 32 || strings.ToLower(text) != text) {
		r.fault(n, "programs: %s: not a SHA-256 of 64 small hexadecimal digits", clip(platform))
	}
	return text
}

func (r *reader) checks(n *yaml.Node) []Check {
	var out []Check
	seen := map[string]bool{}
	for _, item := range r.list(n, "checks", wire.MaxDeclared) {
		c := Check{OnFailure: check.Refer, Pure: true}
		at := "checks"
		if id := child(item, "id"); id != nil && id.Kind == yaml.ScalarNode && id.Value != "" {
			at = "check " + clip(id.Value)
		}
		codes := func(into *[]string, name string, most int) func(*yaml.Node) {
			return func(n *yaml.Node) { *into = r.codes(n, at+": "+name, most) }
		}
		r.fields(item, at+": ", fields{
			"id": func(n *yaml.Node) {
				c.ID = r.matching(n, at+": id", wire.MaxCode, keyPattern, "lower-case letters and digits, joined by -, _ or .")
				if seen[c.ID] {
					r.fault(n, "%s: it is there twice", at)
				}
				seen[c.ID] = true
			},
			"clauses":        codes(&c.Clauses, "clauses", wire.MaxClauses),
			"facts":          codes(&c.Facts, "facts", wire.MaxNeeded),
			"optional_facts": codes(&c.OptionalFacts, "optional_facts", wire.MaxNeeded),
			"materials":      codes(&c.Materials, "materials", wire.MaxNeeded),
			"contents":       codes(&c.Contents, "contents", wire.MaxNeeded),
			"on_failure": func(n *yaml.Node) {
				c.OnFailure = check.Policy(r.text(n, at+": on_failure", wire.MaxCode))
				if !slices.Contains([]check.Policy{check.Reject, check.Refer, check.Proceed}, c.OnFailure) {
					r.fault(n, "%s: on_failure: %q is none of REJECT, REFER, PROCEED", at, clip(string(c.OnFailure)))
				}
			},
			"pure": func(n *yaml.Node) { c.Pure = r.boolean(n, at+": pure") },
		})
		if item.Kind != yaml.MappingNode {
			continue
		}
		r.needed(item, at+": ", "id", "clauses")
		if clauses := child(item, "clauses"); clauses != nil && clauses.Kind == yaml.SequenceNode && len(clauses.Content) == 0 {
			r.fault(clauses, "%s: it judges no clause", at)
		}
		r.apart(item, at, "facts", c.Facts, "optional_facts", c.OptionalFacts)
		r.apart(item, at, "materials", c.Materials, "contents", c.Contents)
		out = append(out, c)
	}
	return out
}

// apart says what stands in two lists of which it may be in one.
func (r *reader) apart(item *yaml.Node, at, one string, in []string, other string, also []string) {
	for _, code := range in {
		if slices.Contains(also, code) {
			r.fault(child(item, other), "%s: %q stands in %s and in %s", at, clip(code), one, other)
		}
	}
}

func (r *reader) resources(n *yaml.Node) (out Resources) {
	number := func(into *int, name string, least, most int) func(*yaml.Node) {
		return func(n *yaml.Node) { *into = r.number(n, "resources: "+name, least, most) }
	}
	duration := func(into *time.Duration, name string, least, most time.Duration) func(*yaml.Node) {
		return func(n *yaml.Node) { *into = r.duration(n, "resources: "+name, least, most) }
	}
	r.fields(n, "resources: ", fields{
		"memory_mib":    number(&out.MemoryMiB, "memory_mib", minMemoryMiB, maxMemoryMiB),
		"concurrency":   number(&out.Concurrency, "concurrency", 1, maxCalls),
		"queue":         number(&out.Queue, "queue", 1, maxQueue),
		"call_timeout":  duration(&out.CallTimeout, "call_timeout", 10*time.Millisecond, time.Minute),
		"start_timeout": duration(&out.StartTimeout, "start_timeout", time.Second, time.Minute),
		"idle_after":    duration(&out.IdleAfter, "idle_after", 10*time.Second, 24*time.Hour),
	})
	return out
}

func (r *reader) messages(n *yaml.Node) map[string]check.Text {
	out := map[string]check.Text{}
	r.each(n, "messages", func(key, value *yaml.Node) {
		if !keyPattern.MatchString(key.Value) || len(key.Value) > wire.MaxCode {
			r.fault(key, "messages: the key %q is not lower-case letters and digits, joined by -, _ or .", clip(key.Value))
		}
		what := "message " + clip(key.Value)
		var text check.Text
		gaps := map[string][]string{}
		language := func(into *string, name string) func(*yaml.Node) {
			return func(n *yaml.Node) {
				*into = r.text(n, what+": "+name, maxMessage)
				found, err := parseText(*into)
				if err != nil {
					r.fault(n, "%s: %s: %v", what, name, err)
					return
				}
				if gaps[name] = gapsOf(found); len(gaps[name]) > wire.MaxParams {
					r.fault(n, "%s: %s: more than %d gaps", what, name, wire.MaxParams)
				}
			}
		}
		r.fields(value, what+": ", fields{"zh": language(&text.ZH, "zh"), "en": language(&text.EN, "en")})
		r.needed(value, what+": ", "zh", "en")
		zh, en := gaps["zh"], gaps["en"]
		if len(gaps) == 2 && !slices.Equal(zh, en) {
			r.fault(key, "%s: the gaps are %s in zh and %s in en", what, braces(zh), braces(en))
		}
		out[key.Value] = text
	})
	if len(out) > maxMessages {
		r.fault(n, "messages: more than %d", maxMessages)
	}
	return out
}

func braces(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "{" + strings.Join(names, "} {") + "}"
}

// fields are what a mapping may hold, and how each is read.
type fields map[string]func(*yaml.Node)

// fields reads a mapping of known fields.
func (r *reader) fields(n *yaml.Node, at string, known fields) {
	r.each(n, strings.TrimSuffix(at, ": "), func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if !ok {
			r.fault(key, "%sthere is no field %q; there are %s", at, clip(key.Value), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		read(value)
	})
}

// each reads a mapping, each key once.
func (r *reader) each(n *yaml.Node, at string, read func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s: fields with values belong here", at)
		return
	}
	prefix := strings.TrimPrefix(at+": ", ": ") // the top has no name
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Value == "" {
			r.fault(key, "%sa field without a name", prefix)
			continue
		}
		if seen[key.Value] {
			r.fault(key, "%s%q is there twice", prefix, clip(key.Value))
			continue
		}
		seen[key.Value] = true
		read(key, value)
	}
}

func (r *reader) needed(n *yaml.Node, at string, names ...string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, name := range names {
		if child(n, name) == nil {
			r.fault(n, "%s%s is missing", at, name)
		}
	}
}

func child(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func (r *reader) list(n *yaml.Node, at string, most int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s: a list belongs here", at)
		return nil
	}
	if len(n.Content) > most {
		r.fault(n, "%s: more than %d", at, most)
		return nil
	}
	return n.Content
}

// text reads a scalar as it is written; an alias or a null is none.
func (r *reader) text(n *yaml.Node, at string, most int) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Style&yaml.TaggedStyle != 0 {
		r.fault(n, "%s: a text belongs here", at)
		return ""
	}
	if strings.TrimSpace(n.Value) == "" {
		r.fault(n, "%s: it is empty", at)
		return ""
	}
	if len(n.Value) > most {
		r.fault(n, "%s: longer than %d bytes", at, most)
		return ""
	}
	return n.Value
}

func (r *reader) matching(n *yaml.Node, at string, most int, pattern *regexp.Regexp, form string) string {
	text := r.text(n, at, most)
	if text != "" && !pattern.MatchString(text) {
		r.fault(n, "%s: %q is not %s", at, clip(text), form)
	}
	return text
}

func (r *reader) codes(n *yaml.Node, at string, most int) []string {
	var out []string
	for _, item := range r.list(n, at, most) {
		code := r.text(item, at, wire.MaxCode)
		if code != "" && slices.Contains(out, code) {
			r.fault(item, "%s: %q is there twice", at, clip(code))
		}
		out = append(out, code)
	}
	return out
}

func (r *reader) boolean(n *yaml.Node, at string) bool {
	switch n.Value {
	case "true":
		return true
	case "false":
		return false
	}
	r.fault(n, "%s: true or false belongs here", at)
	return false
}

func (r *reader) number(n *yaml.Node, at string, least, most int) int {
	text := r.text(n, at, wire.MaxCode)
	number, err := strconv.Atoi(text)
	if text != "" && (err != nil || number < least || number > most) {
		r.fault(n, "%s: %q is no whole number from %d to %d", at, clip(text), least, most)
	}
	return number
}

func (r *reader) duration(n *yaml.Node, at string, least, most time.Duration) time.Duration {
	text := r.text(n, at, wire.MaxCode)
	d, err := time.ParseDuration(text)
	if text != "" && (err != nil || d < least || d > most) {
		r.fault(n, "%s: %q is no time from %v to %v, such as 2s", at, clip(text), least, most)
	}
	return d
}

// clip shortens what somebody else has written.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
