package host_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/internal/pbtest"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// TestEveryFieldOfARequestIsWritten fails when somebody adds a field to the
// contract, or a kind of fact to the core, and forgets it in the host.
func TestEveryFieldOfARequestIsWritten(t *testing.T) {
	t.Parallel()
	values := map[standard.FactKind]any{
		standard.Number: decimal("0.5"), standard.Int: decimal("-12"), standard.Bool: true, standard.Enum: "brick",
	}
	q := check.Question{CaseRef: "case-7", Day: day, Seed: 7, Materials: materials(map[string]string{"plan": "the plan"})}
	c := manifest.Check{ID: "all", Contents: []string{"plan"}}
	for _, kind := range slices.Sorted(maps.Keys(values)) {
		q.Facts = append(q.Facts, check.Fact{Key: strings.ToLower(string(kind)), Kind: kind, Value: values[kind]})
		c.Facts = append(c.Facts, strings.ToLower(string(kind)))
	}
	r, contents, err := host.RequestOf("odd", q, []manifest.Check{c})
	if err != nil {
		t.Fatal(err)
	}
	if forgotten := pbtest.Empty(r); len(forgotten) > 0 {
		t.Errorf("not written: %v", forgotten)
	}
	written := map[string]bool{}
	for _, f := range r.Facts {
		written[string(f.ProtoReflect().WhichOneof(f.ProtoReflect().Descriptor().Oneofs().ByName("value")).Name())] = true
	}
	for kind := range pbtest.Oneofs(&pb.Fact{}) {
		if !written[kind] {
			t.Errorf("no fact is written as %s", kind)
		}
	}
	if len(contents) != 1 || r.Facts[2].GetInteger() != -12 || r.Facts[3].GetNumber() != "0.5" || r.Materials[0].GetTrust() != pb.Trust_TRUST_B {
		t.Errorf("%v", r)
	}
	for name, spoil := range map[string]func(*check.Question){
		"a fraction for INT": func(q *check.Question) {
			q.Facts = []check.Fact{{Key: "int", Kind: standard.Int, Value: decimal("1.5")}}
		},
		"no value":     func(q *check.Question) { q.Facts = []check.Fact{{Key: "int"}} },
		"a fact twice": func(q *check.Question) { q.Facts = append(slices.Clone(q.Facts), q.Facts...) },
		"more than a message holds": func(q *check.Question) {
			q.Facts = nil
			for i := range 4000 {
				q.Materials = append(q.Materials, check.Material{Code: "plan", Name: strings.Repeat("x", 1000), Type: fmt.Sprint(i)})
			}
		},
	} {
		bad := q
		spoil(&bad)
		if _, _, err := host.RequestOf("odd", bad, []manifest.Check{c}); err == nil {
			t.Errorf("%s is asked", name)
		}
	}
}

// TestEveryFieldOfAFindingIsRead fails when a field of the contract does not reach
// the core.
func TestEveryFieldOfAFindingIsRead(t *testing.T) {
	t.Parallel()
	f := &pb.Finding{}
	pbtest.Fill(f)
	m := &manifest.Manifest{Messages: map[string]check.Text{}}
	for _, message := range []*pb.Message{f.Message, f.Remedy} {
		text := message.Key
		for name := range message.Params {
			text += " {" + strings.ReplaceAll(strings.ReplaceAll(name, "-", "_"), ".", "_") + "}"
			message.Params = map[string]string{strings.ReplaceAll(name, "-", "_"): message.Params[name]}
		}
		m.Messages[message.Key] = check.Text{ZH: text, EN: text}
	}
	got, err := host.FindingOf(m, f)
	if err != nil {
		t.Fatal(err)
	}
	read := fmt.Sprintf("%+v", got)
	for _, text := range texts(f.ProtoReflect()) {
		if !strings.Contains(read, text) {
			t.Errorf("%q got lost in %s", text, read)
		}
	}
	for i := range reflect.TypeFor[check.Finding]().NumField() {
		if reflect.ValueOf(got).Field(i).IsZero() {
			t.Errorf("%s is never filled", reflect.TypeFor[check.Finding]().Field(i).Name)
		}
	}
	if got.Verdict != check.Pass {
		t.Errorf("verdict %s", got.Verdict)
	}
}

// texts are those of a message and of what it holds, but for names of gaps.
func texts(m protoreflect.Message) (out []string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		add := func(v protoreflect.Value, f protoreflect.FieldDescriptor) {
			if f.Message() != nil {
				out = append(out, texts(v.Message())...)
			} else if f.Kind() == protoreflect.StringKind {
				out = append(out, v.String())
			}
		}
		switch {
		case f.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				add(v, f.MapValue())
				return true
			})
		case f.IsList():
			for i := range v.List().Len() {
				add(v.List().Get(i), f)
			}
		default:
			add(v, f)
		}
		return true
	})
	return out
}

// TestEveryVerdictAndErrorIsRead walks over the enums of the contract.
func TestEveryVerdictAndErrorIsRead(t *testing.T) {
	t.Parallel()
	m := &manifest.Manifest{}
	for n := range pb.Verdict_name {
		got, err := host.FindingOf(m, &pb.Finding{Verdict: pb.Verdict(n)})
		if err != nil || got.Verdict == "" {
			t.Errorf("%s: %+v, %v", pb.Verdict(n), got, err)
		}
	}
	if got, _ := host.FindingOf(m, &pb.Finding{Verdict: 99}); got.Verdict != check.Human {
		t.Errorf("%+v", got)
	}
	for n := range pb.CheckErrorCode_name {
		_, fault := host.FindingsOf(m, &pb.CheckSpec{}, &pb.CheckResult{Error: &pb.CheckError{Code: pb.CheckErrorCode(n), Message: "why"}})
		if fault == nil || fault.Code == "" || fault.Detail != "why" {
			t.Errorf("%s: %+v", pb.CheckErrorCode(n), fault)
		}
	}
}

// TestWhatIsAskedIsWhatIsSigned: what the host holds an answer against agrees with
// the manifest, all of it.
func TestWhatIsAskedIsWhatIsSigned(t *testing.T) {
	t.Parallel()
	c := manifest.Check{
		ID: "all", Clauses: []string{"C-1"}, Facts: []string{"a"}, OptionalFacts: []string{"b"}, Materials: []string{"m"}, Contents: []string{"n"},
		OnFailure: check.Reject, Pure: true,
	}
	m := &manifest.Manifest{Name: "odd", Version: "1.0.0", Department: "fire", Checks: []manifest.Check{c}}
	d := &pb.DescribeResponse{Name: "odd", Version: "1.0.0", Department: "fire", Checks: []*pb.CheckSpec{host.SpecOf(c)}}
	if err := m.Agrees(d); err != nil {
		t.Error(err)
	}
	if a, b := host.Bytes(d), host.Bytes(proto.CloneOf(d)); string(a) != string(b) {
		t.Error("the same message is written in two ways")
	}
}
