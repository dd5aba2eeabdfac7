package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/pluginpb"
)

// Where the contract with plugins is written, and the module's name, which the
// generators take off their paths.
const (
	protoFolder = "plugins/proto"
	module      = "github.com/onedoor/onedoor"
)

// protoGenerators are tools of go.mod, each with what it is told.
var protoGenerators = map[string]string{
	"protoc-gen-go":      "module=" + module,
	"protoc-gen-go-grpc": "module=" + module,
}

// generateProto compiles the contract with plugins and writes its Go. It does
// what protoc does, without protoc: the version of every part is in go.mod.
func generateProto(ctx context.Context) error {
	var names []string
	err := fs.WalkDir(os.DirFS(protoFolder), "onedoor", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".proto" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{protoFolder}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: names}
	for _, file := range files {
		request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(file))
	}
	for generator, parameter := range protoGenerators {
		if err := runGenerator(ctx, generator, parameter, request); err != nil {
			return fmt.Errorf("%s: %w", generator, err)
		}
	}
	return nil
}

// runGenerator asks a generator over its standard input, as protoc does, and
// writes the files that it answers with.
func runGenerator(ctx context.Context, generator, parameter string, request *pluginpb.CodeGeneratorRequest) error {
	request.Parameter = proto.String(parameter)
	question, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	var complaint bytes.Buffer
	tool := exec.CommandContext(ctx, "go", "tool", generator)
	tool.Stdin, tool.Stderr = bytes.NewReader(question), &complaint
	answer, err := tool.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(answer, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, file := range response.File {
		name := filepath.FromSlash(file.GetName())
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(file.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
