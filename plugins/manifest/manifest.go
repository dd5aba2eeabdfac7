// Package manifest is what a department signs: plugin.yaml, which says who a
// plugin is, which programs it is made of, what it checks and in which words it
// speaks. The digests of the programs of all platforms stand in it, so that one
// signature made offline with the department's own key vouches for all of them.
//
// The package starts nothing and knows no clock.
package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// Any is the platform of a script, which is the same program everywhere.
const Any = "any"

// Manifest is a plugin.yaml that was read whole and without a fault.
type Manifest struct {
	Name       string // unique in the district: "parking"
	Version    string // semantic: "1.4.0"
	Department string // the code of the department that answers for it, and whose key signs

	// Programs holds the SHA-256, hex, of the program for each platform:
	// "linux/amd64", or Any for a script. It is empty until the plugin is built;
	// such a manifest cannot be signed.
	Programs map[string]string

	// Interpreter runs the program of a script: "node", "python3". It is empty for a
	// native program. The operator says where the interpreter is.
	Interpreter string

	Checks    []Check
	Resources Resources
	Messages  map[string]check.Text // with gaps: "{need}"; "{{" is a brace
}

// Check is what a check is given and what it judges. See check.Check.
type Check struct {
	ID            string
	Clauses       []string
	Facts         []string
	OptionalFacts []string
	Materials     []string
	Contents      []string
	OnFailure     check.Policy // wished by the department; the central team decides
	Pure          bool
}

// Resources are what a plugin wishes to have. Zero leaves it to the host, which
// may always give less.
type Resources struct {
	MemoryMiB    int
	Concurrency  int           // calls at once
	Queue        int           // calls that wait for their turn
	CallTimeout  time.Duration // of one call
	StartTimeout time.Duration // from the launch to the first answer
	IdleAfter    time.Duration // without a call, until it is stopped
}

// Program gives the digest of the program for this platform, if there is one.
func (m *Manifest) Program() (digest string, ok bool) {
	_, digest, ok = m.program()
	return digest, ok
}

// program gives the platform besides.
func (m *Manifest) program() (platform, digest string, ok bool) {
	for _, platform := range []string{runtime.GOOS + "/" + runtime.GOARCH, Any} {
		if digest, ok := m.Programs[platform]; ok {
			return platform, digest, true
		}
	}
	return "", "", false
}

// FileName is the name of a platform's program in a package: "parking-linux-amd64".
func (m *Manifest) FileName(platform string) string {
	return m.Name + "-" + strings.ReplaceAll(platform, "/", "-")
}

// Agrees says everywhere that what the running plugin says about itself is not
// what was signed, or gives nil.
func (m *Manifest) Agrees(d *pb.DescribeResponse) error {
	var found []error
	differ := func(what string, signed, said any) {
		a, b := quoted(signed), quoted(said)
		if a != b {
			found = append(found, fmt.Errorf("%s: %s has %s, the program says %s", what, File, a, b))
		}
	}
	differ("name", m.Name, d.GetName())
	differ("version", m.Version, d.GetVersion())
	differ("department", m.Department, d.GetDepartment())
	said := map[string]*pb.CheckSpec{}
	for _, spec := range d.GetChecks() {
		if said[spec.GetId()] != nil {
			found = append(found, fmt.Errorf("check %s: the program has it twice", spec.GetId()))
		}
		said[spec.GetId()] = spec
	}
	for _, c := range m.Checks {
		at := "check " + c.ID
		spec := said[c.ID]
		if spec == nil {
			found = append(found, fmt.Errorf("%s: the program does not have it", at))
			continue
		}
		delete(said, c.ID)
		needs := needsOf(spec)
		differ(at+": clauses", sorted(c.Clauses), sorted(spec.GetClauses()))
		differ(at+": facts", sorted(c.Facts), sorted(needs.facts))
		differ(at+": optional_facts", sorted(c.OptionalFacts), sorted(needs.optional))
		differ(at+": materials", sorted(c.Materials), sorted(needs.materials))
		differ(at+": contents", sorted(c.Contents), sorted(needs.contents))
		differ(at+": on_failure", c.OnFailure, policies[wire.Policy(spec.GetOnFailure())])
		differ(at+": pure", c.Pure, spec.GetPure())
	}
	for _, id := range slices.Sorted(maps.Keys(said)) {
		found = append(found, fmt.Errorf("check %s: it is not in %s", id, File))
	}
	return errors.Join(found...)
}

var policies = map[pb.FailurePolicy]check.Policy{
	pb.FailurePolicy_FAILURE_POLICY_REJECT:  check.Reject,
	pb.FailurePolicy_FAILURE_POLICY_REFER:   check.Refer,
	pb.FailurePolicy_FAILURE_POLICY_PROCEED: check.Proceed,
}

type needs struct{ facts, optional, materials, contents []string }

func needsOf(spec *pb.CheckSpec) (n needs) {
	for _, f := range spec.GetFacts() {
		if f.GetOptional() {
			n.optional = append(n.optional, f.GetKey())
		} else {
			n.facts = append(n.facts, f.GetKey())
		}
	}
	for _, m := range spec.GetMaterials() {
		if m.GetContent() {
			n.contents = append(n.contents, m.GetCode())
		} else {
			n.materials = append(n.materials, m.GetCode())
		}
	}
	return n
}

// quoted writes a value so that no two values look the same.
func quoted(v any) string {
	if b, ok := v.(bool); ok {
		return fmt.Sprint(b)
	}
	return fmt.Sprintf("%q", v)
}

func sorted(codes []string) []string { return slices.Sorted(slices.Values(codes)) }

// Render words a message of a finding. A key or a gap that has nothing to fill it
// is an error, never an empty text; so is a value that would change how the text
// around it reads.
func (m *Manifest) Render(key string, params map[string]string) (check.Text, error) {
	text, ok := m.Messages[key]
	if !ok {
		return check.Text{}, fmt.Errorf("%s has no message %q", File, key)
	}
	var found []error
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if strings.ContainsFunc(params[name], disturbing) {
			found = append(found, fmt.Errorf("message %s: the value of {%s} holds a control character", key, name))
		}
	}
	fill := func(text string) string {
		var out strings.Builder
		pieces, err := parseText(text)
		if err != nil {
			found = append(found, fmt.Errorf("message %s: %w", key, err))
		}
		for _, p := range pieces {
			value, known := p.text, true
			if p.gap {
				value, known = params[p.text]
			}
			if !known {
				found = append(found, fmt.Errorf("message %s: {%s} has no value", key, p.text))
			}
			out.WriteString(value)
		}
		return out.String()
	}
	out := check.Text{ZH: fill(text.ZH), EN: fill(text.EN)}
	if len(found) > 0 {
		slices.SortFunc(found, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
		found = slices.CompactFunc(found, func(a, b error) bool { return a.Error() == b.Error() }) // a gap is in both languages
		return check.Text{}, errors.Join(found...)
	}
	return out, nil
}

// disturbing are characters by which a value could look like more than a value:
// new lines, and those that turn the direction of what follows.
func disturbing(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u2028' || r == '\u2029'
}

// piece is a part of a message: a text, or the name of a gap.
type piece struct {
	text string
	gap  bool
}

// parseText takes a message apart: {name} is a gap, {{ and }} are braces.
func parseText(text string) ([]piece, error) {
	var found []piece
	var plain strings.Builder
	for text != "" {
		at := strings.IndexAny(text, "{}")
		if at < 0 {
			plain.WriteString(text)
			break
		}
		plain.WriteString(text[:at])
		text = text[at:]
		if strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "}}") {
			plain.WriteByte(text[0])
			text = text[2:]
			continue
		}
		name, rest, closed := strings.Cut(text[1:], "}")
		if text[0] == '}' || !closed || !gapPattern.MatchString(name) {
			return nil, errors.New(`a brace that is no gap such as {need}; write {{ or }} for a brace`)
		}
		if plain.Len() > 0 {
			found = append(found, piece{text: plain.String()})
			plain.Reset()
		}
		found = append(found, piece{name, true})
		text = rest
	}
	if plain.Len() > 0 {
		found = append(found, piece{text: plain.String()})
	}
	return found, nil
}

// gapsOf gives the names of a message's gaps, sorted, each once.
func gapsOf(found []piece) []string {
	var names []string
	for _, p := range found {
		if p.gap {
			names = append(names, p.text)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
