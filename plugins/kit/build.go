package kit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/proto"
)

// shipped are the platforms that are built when none is named, beside the one
// where one builds: those of servers.
var shipped = []string{"linux/amd64", "linux/arm64"}

func (k *Kit) build(ctx context.Context, args []string) error {
	var platforms []string
	rest, err := k.parse("build", args, []string{"[DIR]"}, func(flags *flag.FlagSet) {
		flags.Func("platform", "a `OS/ARCH` to build for, once for each (linux/amd64, linux/arm64 and this machine's)", func(s string) error {
			if goos, goarch, ok := strings.Cut(s, "/"); !ok || goos == "" || goarch == "" {
				return errors.New("it is no platform such as linux/amd64")
			}
			platforms = append(platforms, s)
			return nil
		})
	})
	if err != nil {
		return err
	}
	p, err := open(rest)
	if err != nil {
		return err
	}
	if len(platforms) == 0 {
		platforms = append(slices.Clone(shipped), runtime.GOOS+"/"+runtime.GOARCH)
	}
	if p.language != inGo {
		platforms = []string{manifest.Any}
	}
	slices.Sort(platforms)
	programs := map[string]string{}
	for _, platform := range slices.Compact(platforms) {
		name := p.manifest.FileName(platform)
		if err := k.compile(ctx, p, platform, name); err != nil {
			return err
		}
		text, err := os.ReadFile(p.path(name))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		programs[platform] = hex.EncodeToString(sum[:])
		fmt.Fprintf(k.Stdout, "%s  %.1f MiB  sha256 %s\n", p.path(name), float64(len(text))/(1<<20), programs[platform])
	}
	text, err := manifest.SetPrograms(p.text, programs)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, p.text) {
		if err := os.WriteFile(p.path(manifest.File), text, 0o644); err != nil {
			return err
		}
		// A signature of what was there before would only mislead.
		if err := os.Remove(p.path(manifest.SignatureFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	k.next("server plugin conform%s", p.arg())
	return nil
}

// compile makes the program for a platform. The same source gives the same bytes
// on every machine.
func (k *Kit) compile(ctx context.Context, p *project, platform, name string) error {
	switch p.language {
	case inGo:
		goos, goarch, _ := strings.Cut(platform, "/")
		env := []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + goarch}
		if err := k.run(ctx, p, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", name, "."); err != nil {
			return fmt.Errorf("%s: go build for %s: %w: correct what it says and build again", p.dir, platform, err)
		}
		return nil
	case inNode:
		// One file, for the host runs verified bytes and the sandbox lets a plugin read
		// nothing else.
		bundler := filepath.Join("node_modules", ".bin", "esbuild")
		if _, err := os.Stat(p.path(bundler)); err != nil {
			return fmt.Errorf("%s is not there: run npm install in %s, then build again", p.path(bundler), p.dir)
		}
		contract, err := json.Marshal(proto.Contract) // a literal of JavaScript: a bundle has no checker.proto beside it
		if err != nil {
			return err
		}
		if err := k.run(ctx, p, nil, "."+string(filepath.Separator)+bundler, "main.js", "--bundle", "--platform=node", "--target=node20",
			"--define:ONEDOOR_CONTRACT="+string(contract), "--log-level=warning", "--outfile="+name); err != nil {
			return fmt.Errorf("%s: esbuild: %w: correct what it says and build again", p.dir, err)
		}
		return nil
	}
	return fmt.Errorf("%s: server plugin build does not know %s: make one file %s with all that it needs, and write its SHA-256 into %s", p.dir, p.language, name, manifest.File)
}

func (k *Kit) test(ctx context.Context, args []string) error {
	rest, err := k.parse("test", args, []string{"[DIR]"}, nil)
	if err != nil {
		return err
	}
	p, err := open(rest)
	if err != nil {
		return err
	}
	switch p.language {
	case inGo:
		err = k.run(ctx, p, nil, "go", "test", "./...")
	case inNode:
		err = k.run(ctx, p, nil, "node", "--test")
	default:
		return fmt.Errorf("%s: server plugin test does not know %s: run its tests yourself", p.dir, p.language)
	}
	if err != nil {
		return fmt.Errorf("%s: the tests fail (%w): correct the check, or the case in testdata", p.dir, err)
	}
	k.next("server plugin build%s", p.arg())
	return nil
}
