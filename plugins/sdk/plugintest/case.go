package plugintest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// Case is a golden case: a question and the findings that it must get. It is
// read from YAML that a lawyer can write:
//
//	day: 2026-03-02
//	facts: {floor_area: 200.5, storeys: 2, sprinklers: true, use: restaurant}
//	materials:
//	  floor-plan: {name: plan.pdf, type: application/pdf, trust: C, content: "%PDF-1.7 …"}
//	want:
//	  exit-width:
//	    - verdict: FAIL
//	      clause: FIRE-EXIT-02
//	      code: EXIT_TOO_NARROW
//	      message: {key: exit.too_narrow, need: "0.9"}
//	      basis: [GB 55037-2022 第7.1.4条]
//
// A number with a point is a NUMBER, one without an INT, yes and no are true and
// false, and a word is an ENUM's value. What stands in want is all that is
// compared: a key that is left out is not looked at.
type Case struct {
	Name      string              `yaml:"-"`
	Day       string              `yaml:"day"`
	Seed      uint64              `yaml:"seed,omitempty"`
	Checks    []string            `yaml:"checks,omitempty"` // those of want, unless there are more
	Facts     yaml.Node           `yaml:"facts,omitempty"`
	Materials map[string]Material `yaml:"materials,omitempty"`
	Want      map[string][]Want   `yaml:"want,omitempty"`
}

// Material is a file of a case. Its size and digest are those of the content.
type Material struct {
	Name    string `yaml:"name"`
	Type    string `yaml:"type"`
	Trust   string `yaml:"trust,omitempty"` // A to D; D when it is left out
	Content string `yaml:"content,omitempty"`
}

// Want is a finding that must be there, or, with Error alone, the kind of failure.
type Want struct {
	Verdict          string            `yaml:"verdict,omitempty"`
	Clause           string            `yaml:"clause,omitempty"`
	Code             string            `yaml:"code,omitempty"`
	Message          map[string]string `yaml:"message,omitempty,flow"` // key, and the parameters by name
	Basis            []string          `yaml:"basis,omitempty"`        // "law article"
	Remedy           map[string]string `yaml:"remedy,omitempty,flow"`
	UsedFacts        []string          `yaml:"used_facts,omitempty,flow"`
	UsedMaterials    []string          `yaml:"used_materials,omitempty,flow"`
	MissingFacts     []string          `yaml:"missing_facts,omitempty,flow"`
	MissingMaterials []string          `yaml:"missing_materials,omitempty,flow"`
	Error            string            `yaml:"error,omitempty"`
}

// messageKey is where the key of a message stands among its parameters.
const messageKey = "key"

// ReadCases reads every *.yaml of a folder, in the order of the names.
func ReadCases(dir string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var cases []Case
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		c, err := ParseCase(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Name = strings.TrimSuffix(filepath.Base(name), ".yaml")
		cases = append(cases, c)
	}
	return cases, nil
}

// ParseCase reads one case. A key that is not known is an error.
func ParseCase(text []byte) (Case, error) {
	var c Case
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, err
	}
	if c.Day == "" {
		c.Day = "2026-01-05"
	}
	if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
		return c, fmt.Errorf("day: %q is no YYYY-MM-DD", c.Day)
	}
	_, err := c.facts()
	return c, err
}

// facts reads the typed facts, in the order of their keys.
func (c *Case) facts() ([]*pb.Fact, error) {
	if c.Facts.IsZero() {
		return nil, nil
	}
	if c.Facts.Kind != yaml.MappingNode {
		return nil, errors.New("facts: a list of keys with values is needed")
	}
	var facts []*pb.Fact
	for i := 0; i+1 < len(c.Facts.Content); i += 2 {
		f, err := fact(c.Facts.Content[i].Value, c.Facts.Content[i+1])
		if err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
	slices.SortFunc(facts, func(a, b *pb.Fact) int { return strings.Compare(a.Key, b.Key) })
	return facts, nil
}

func fact(key string, n *yaml.Node) (*pb.Fact, error) {
	f := &pb.Fact{Key: key}
	switch n.ShortTag() {
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		f.Value = &pb.Fact_Boolean{Boolean: v}
	case "!!int":
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("facts: %s: %w", key, err)
		}
		f.Value = &pb.Fact_Integer{Integer: v}
	case "!!float":
		whole, fraction, _ := strings.Cut(n.Value, ".")
		text := strings.TrimSuffix(whole+"."+strings.TrimRight(fraction, "0"), ".")
		if !wire.IsNumber(text) {
			return nil, fmt.Errorf("facts: %s: %q is no number with at most six places", key, n.Value)
		}
		f.Value = &pb.Fact_Number{Number: text}
	case "!!str":
		f.Value = &pb.Fact_Choice{Choice: n.Value}
	default:
		return nil, fmt.Errorf("facts: %s: %q is no number, word, true or false", key, n.Value)
	}
	return f, nil
}

// request writes the question, with the materials' contents below dir. It asks
// the checks of the case, or all of them.
func (c *Case) request(dir string, all []string) (*pb.CheckRequest, error) {
	facts, err := c.facts()
	if err != nil {
		return nil, err
	}
	r := &pb.CheckRequest{CaseRef: "golden", Day: c.Day, Seed: c.Seed, Checks: slices.Clone(c.Checks), Facts: facts}
	for _, id := range slices.Sorted(maps.Keys(c.Want)) {
		if !slices.Contains(r.Checks, id) {
			r.Checks = append(r.Checks, id)
		}
	}
	if len(r.Checks) == 0 {
		r.Checks = slices.Clone(all)
	}
	for _, code := range slices.Sorted(maps.Keys(c.Materials)) {
		m := c.Materials[code]
		sum := sha256.Sum256([]byte(m.Content))
		trust, known := pb.Trust_value["TRUST_"+m.Trust]
		if !known && m.Trust != "" {
			return nil, fmt.Errorf("materials: %s: the trust %q is none of A, B, C, D", code, m.Trust)
		}
		out := &pb.Material{
			Code: code, Name: m.Name, Type: m.Type, Size: int64(len(m.Content)), Sha256: sum[:],
			Trust: wire.Trust(pb.Trust(trust)),
		}
		if dir != "" {
			out.Path = fmt.Sprintf("material-%x", sum[:8])
			if err := os.WriteFile(filepath.Join(dir, out.Path), []byte(m.Content), 0o400); err != nil && !os.IsPermission(err) {
				return nil, err
			}
		}
		r.Materials = append(r.Materials, out)
	}
	return r, nil
}

// declared keeps of a question what its checks have declared, as a host does.
func declared(r *pb.CheckRequest, d *pb.DescribeResponse) *pb.CheckRequest {
	facts, contents := map[string]bool{}, map[string]bool{} // contents: whether a declared material is opened
	for _, spec := range d.GetChecks() {
		if !slices.Contains(r.GetChecks(), spec.GetId()) {
			continue
		}
		for _, f := range spec.GetFacts() {
			facts[f.GetKey()] = true
		}
		for _, m := range spec.GetMaterials() {
			contents[m.GetCode()] = contents[m.GetCode()] || m.GetContent()
		}
	}
	out := proto.CloneOf(r)
	out.Facts = slices.DeleteFunc(out.Facts, func(f *pb.Fact) bool { return !facts[f.GetKey()] })
	out.Materials = slices.DeleteFunc(out.Materials, func(m *pb.Material) bool {
		opened, known := contents[m.GetCode()]
		if !opened {
			m.Path = ""
		}
		return !known
	})
	return out
}

// got reads an answer in the words of Want.
func got(r *pb.CheckResponse) map[string][]Want {
	out := map[string][]Want{}
	for _, result := range r.GetResults() {
		if e := result.GetError(); e != nil {
			code := strings.TrimPrefix(wire.ErrorCode(e.GetCode()).String(), "CHECK_ERROR_CODE_")
			out[result.GetCheck()] = []Want{{Error: code}}
			continue
		}
		findings := []Want{}
		for _, f := range result.GetFindings() {
			w := Want{
				Verdict: strings.TrimPrefix(wire.Verdict(f.GetVerdict()).String(), "VERDICT_"),
				Clause:  f.GetClause(), Code: f.GetCode(),
				Message: messageOf(f.GetMessage()), Remedy: messageOf(f.GetRemedy()),
				UsedFacts: f.GetUsed().GetFacts(), UsedMaterials: f.GetUsed().GetMaterials(),
				MissingFacts: f.GetMissingFacts(), MissingMaterials: f.GetMissingMaterials(),
			}
			for _, b := range f.GetBasis() {
				w.Basis = append(w.Basis, b.GetLaw()+" "+b.GetArticle())
			}
			findings = append(findings, w)
		}
		out[result.GetCheck()] = findings
	}
	return out
}

func messageOf(m *pb.Message) map[string]string {
	if m == nil {
		return nil
	}
	out := map[string]string{messageKey: m.GetKey()}
	maps.Copy(out, m.GetParams())
	return out
}

// limitTo keeps of a finding what the wanted one speaks of.
func (w Want) limitTo(want Want) Want {
	if want.Error != "" {
		return Want{Error: w.Error}
	}
	if want.Message == nil {
		w.Message = nil
	}
	if want.Basis == nil {
		w.Basis = nil
	}
	if want.Remedy == nil {
		w.Remedy = nil
	}
	if want.UsedFacts == nil {
		w.UsedFacts = nil
	}
	if want.UsedMaterials == nil {
		w.UsedMaterials = nil
	}
	if want.MissingFacts == nil {
		w.MissingFacts = nil
	}
	if want.MissingMaterials == nil {
		w.MissingMaterials = nil
	}
	if want.Code == "" {
		w.Code = ""
	}
	return w
}

// differences says where an answer is not what the case wants, or nothing.
func (c *Case) differences(response *pb.CheckResponse) string {
	have := got(response)
	limited := map[string][]Want{}
	for id, want := range c.Want {
		for i, w := range have[id] {
			if i < len(want) {
				w = w.limitTo(want[i])
			}
			limited[id] = append(limited[id], w)
		}
		if len(limited[id]) == 0 && len(want) == 0 {
			limited[id] = want
		}
	}
	wanted, found := text(c.Want), text(limited)
	if wanted == found {
		return ""
	}
	return "want:\n" + indent(wanted) + "got:\n" + indent(found)
}

func text(v any) string {
	out, err := yaml.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") + "\n"
}

// ask asks with a deadline.
func ask(ctx context.Context, conn grpc.ClientConnInterface, r *pb.CheckRequest, within time.Duration) (*pb.CheckResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return pb.NewCheckerClient(conn).Check(ctx, r)
}
