package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// Package is a plugin as it is handed over: a folder with plugin.yaml, its
// signature plugin.yaml.minisig, and a program for each platform, named by
// Manifest.FileName.
type Package struct {
	Manifest  *Manifest
	Bytes     []byte // of plugin.yaml: these are signed
	Signature []byte // nil when nobody has signed
	Digest    string // SHA-256, hex, of the program for this platform

	dir     fs.FS
	program string
}

// Open opens the program for this platform. Its bytes may have changed since they
// were looked at: who runs it compares what it has read with Digest.
func (p *Package) Open() (fs.File, error) { return p.dir.Open(p.program) }

// ReadPackage reads a folder. It says everything that is wrong: faults of the
// manifest, a program for this platform that is not there, and each program whose
// bytes are not those of its digest. Programs for other platforms may be left out.
// Whether the signature is good is asked of Keys.
func ReadPackage(dir fs.FS) (*Package, error) {
	text, err := readSmall(dir, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder is no package, it has no %s: server plugin new makes a plugin, server plugin build its package", File)
	}
	if err != nil {
		return nil, err
	}
	var found []error
	signature, err := readSmall(dir, SignatureFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		found = append(found, err)
	}
	m, err := Parse(text)
	if err != nil {
		return nil, errors.Join(append(found, err)...)
	}
	p := &Package{Manifest: m, Bytes: text, Signature: signature, dir: dir}
	platform, digest, ok := m.program()
	switch {
	case len(m.Programs) == 0:
		found = append(found, fmt.Errorf("%s names no program: build the plugin: server plugin build", File))
	case !ok:
		found = append(found, fmt.Errorf("%s has no program for %s/%s, only for %s: build it for this platform too: server plugin build --platform %[2]s/%[3]s",
			File, runtime.GOOS, runtime.GOARCH, strings.Join(slices.Sorted(maps.Keys(m.Programs)), ", ")))
	default:
		p.Digest, p.program = digest, m.FileName(platform)
	}
	for _, platform := range slices.Sorted(maps.Keys(m.Programs)) {
		name := m.FileName(platform)
		sum, err := digestOf(dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != p.program:
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, fmt.Errorf("%s is missing, the program for this platform", name))
		case err != nil:
			found = append(found, err)
		case sum != m.Programs[platform]:
			found = append(found, fmt.Errorf("%s is not the program of %s: its digest is %s, not %s: build and sign again", name, File, sum, m.Programs[platform]))
		}
	}
	if len(found) > 0 {
		return nil, errors.Join(found...)
	}
	return p, nil
}

// readSmall reads a file that is not larger than a manifest may be.
func readSmall(dir fs.FS, name string) ([]byte, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d KiB", name, maxFile>>10)
	}
	return text, err
}

// digestOf gives the SHA-256 of a regular file, in hex.
func digestOf(dir fs.FS, name string) (string, error) {
	file, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", name)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// SetPrograms writes the digests of programs into the text of a manifest and
// keeps the rest of it, comments too: the field programs is replaced where it
// stands, or added at the end.
func SetPrograms(text []byte, programs map[string]string) ([]byte, error) {
	before, err := Parse(text)
	if err != nil {
		return nil, err
	}
	block := []string{"programs:"}
	for _, platform := range slices.Sorted(maps.Keys(programs)) {
		block = append(block, "  "+platform+": "+programs[platform])
	}
	var out []string
	inside, set := false, false
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "programs:") {
			out, inside, set = append(out, block...), true, true
			continue
		}
		inside = inside && strings.HasPrefix(line, " ")
		if !inside {
			out = append(out, line)
		}
	}
	if !set {
		out = append(out, block...)
	}
	changed := []byte(strings.Join(out, "\n") + "\n")
	after, err := Parse(changed)
	if err == nil {
		want := *before
		want.Programs = programs
		if reflect.DeepEqual(*after, want) {
			return changed, nil
		}
	}
	return nil, fmt.Errorf("%s is written in a way that does not let its programs be replaced; write there yourself:\n%s", File, strings.Join(block, "\n"))
}
