// Package proto_test keeps what was promised to the departments: a released
// version of the contract never changes, and no newer one breaks it.
package proto_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

const contract = "onedoor/plugin/v1/checker.proto"

// sums reads released.sum: a digest and a name in each line.
func sums(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("released.sum")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("released.sum: %q", lines.Text())
		}
		out[name] = sum
	}
	return out
}

func TestAReleasedFileNeverChanges(t *testing.T) {
	t.Parallel()
	released := sums(t)
	for name, want := range released {
		content, err := os.ReadFile(filepath.Join("released", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != want {
			t.Errorf("released/%s was released and has changed: put it back, and change %s", name, contract)
		}
	}
	files, err := filepath.Glob("released/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if released[filepath.Base(file)] == "" {
			t.Errorf("%s is not in released.sum", file)
		}
	}
	if len(released) == 0 {
		t.Error("nothing was released")
	}
}

// compiled reads a released file as if it were the contract.
func compiled(t *testing.T, name string) protoreflect.FileDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: func(file string) (io.ReadCloser, error) {
			if file != contract {
				return nil, fs.ErrNotExist
			}
			return os.Open(filepath.Join("released", name))
		},
	}}
	files, err := compiler.Compile(t.Context(), contract)
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

func TestNoReleaseIsBroken(t *testing.T) {
	t.Parallel()
	now := pb.File_onedoor_plugin_v1_checker_proto
	for name := range sums(t) {
		if !strings.HasPrefix(name, "v1.") {
			continue
		}
		then := compiled(t, name)
		for _, complaint := range broken(then, now) {
			t.Errorf("since %s: %s", name, complaint)
		}
		same := proto.Equal(plain(then), plain(now))
		if newest := fmt.Sprintf("v1.%d.proto", wire.ContractMinor); name == newest && !same {
			t.Errorf("the contract differs from the released %s: raise wire.ContractMinor", newest)
		}
	}
}

// plain is a description without options and names of files.
func plain(f protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	out := protodesc.ToFileDescriptorProto(f)
	out.Options, out.SourceCodeInfo = nil, nil
	return out
}

// broken says what a message of then, or its sender, would miss in now.
func broken(then, now protoreflect.FileDescriptor) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if then.Package() != now.Package() {
		report("the package is now %s", now.Package())
	}
	for i := range then.Messages().Len() {
		was := then.Messages().Get(i)
		is := now.Messages().ByName(was.Name())
		if is == nil {
			report("message %s is gone", was.Name())
			continue
		}
		for j := range was.Fields().Len() {
			f := was.Fields().Get(j)
			switch g := is.Fields().ByNumber(f.Number()); {
			case g == nil:
				report("field %s.%s is gone", was.Name(), f.Name())
			case f.Name() != g.Name():
				report("field %s.%s is now %s", was.Name(), f.Name(), g.Name())
			case kind(f) != kind(g):
				report("field %s.%s is now %s", was.Name(), f.Name(), kind(g))
			}
		}
	}
	for i := range then.Enums().Len() {
		was := then.Enums().Get(i)
		is := now.Enums().ByName(was.Name())
		if is == nil {
			report("enum %s is gone", was.Name())
			continue
		}
		for j := range was.Values().Len() {
			v := was.Values().Get(j)
			if w := is.Values().ByNumber(v.Number()); w == nil || w.Name() != v.Name() {
				report("value %s is gone", v.Name())
			}
		}
	}
	for i := range then.Services().Len() {
		was := then.Services().Get(i)
		is := now.Services().ByName(was.Name())
		if is == nil {
			report("service %s is gone", was.Name())
			continue
		}
		for j := range was.Methods().Len() {
			m := was.Methods().Get(j)
			if n := is.Methods().ByName(m.Name()); n == nil || call(m) != call(n) {
				report("call %s.%s is gone or different", was.Name(), m.Name())
			}
		}
	}
	return found
}

// kind says everything about a field that is seen on the wire.
func kind(f protoreflect.FieldDescriptor) string {
	out := fmt.Sprintf("%s %s presence=%v", f.Cardinality(), f.Kind(), f.HasPresence())
	switch {
	case f.IsMap():
		out += fmt.Sprintf(" map of %s to %s", f.MapKey().Kind(), f.MapValue().Kind())
	case f.Message() != nil:
		out += " " + string(f.Message().FullName())
	case f.Enum() != nil:
		out += " " + string(f.Enum().FullName())
	}
	if o := f.ContainingOneof(); o != nil {
		out += " of " + string(o.Name())
	}
	return out
}

func call(m protoreflect.MethodDescriptor) string {
	return fmt.Sprint(m.Input().FullName(), m.IsStreamingClient(), m.Output().FullName(), m.IsStreamingServer())
}

// TestBreakingIsFound breaks the contract in every way that is looked for.
func TestBreakingIsFound(t *testing.T) {
	t.Parallel()
	message := func(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
		for _, m := range f.MessageType {
			if m.GetName() == name {
				return m
			}
		}
		t.Fatalf("no message %s", name)
		return nil
	}
	for want, spoil := range map[string]func(*descriptorpb.FileDescriptorProto){
		"": func(f *descriptorpb.FileDescriptorProto) { // adding breaks nothing
			m := message(f, "Finding")
			m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("more"), Number: proto.Int32(99),
				Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		},
		"field Finding.missing_materials is gone": func(f *descriptorpb.FileDescriptorProto) {
			m := message(f, "Finding")
			m.Field = m.Field[:len(m.Field)-1]
		},
		"field CheckRequest.seed is gone": func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CheckRequest").Field[2].Number = proto.Int32(99)
		},
		"field CheckRequest.seed is now chance": func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CheckRequest").Field[2].Name = proto.String("chance")
		},
		"field CheckRequest.seed is now optional uint64 presence=false": func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CheckRequest").Field[2].Type = descriptorpb.FieldDescriptorProto_TYPE_UINT64.Enum()
		},
		"value VERDICT_HUMAN is gone": func(f *descriptorpb.FileDescriptorProto) {
			for _, e := range f.EnumType {
				if e.GetName() == "Verdict" {
					e.Value = e.Value[:len(e.Value)-1]
				}
			}
		},
		"call Checker.Check is gone or different": func(f *descriptorpb.FileDescriptorProto) {
			f.Service[0].Method[1].ServerStreaming = proto.Bool(true)
		},
		"service Checker is gone": func(f *descriptorpb.FileDescriptorProto) { f.Service = nil },
	} {
		was := pb.File_onedoor_plugin_v1_checker_proto
		changed := protodesc.ToFileDescriptorProto(was)
		spoil(changed)
		now, err := protodesc.NewFile(changed, protoregistry.GlobalFiles)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(broken(was, now), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
