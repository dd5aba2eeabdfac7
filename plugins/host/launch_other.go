//go:build !linux || !(amd64 || arm64)

package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// On this system there is level 0 without its limits: an environment, directory
// and process group of its own. Whoever wants more runs the host on Linux.

type launcher struct{ diagnosis Diagnosis }

func newLauncher(floor, _ Level) (*launcher, error) {
	none := fmt.Sprintf("%s/%s has no sandbox: use Linux on amd64 or arm64 where plugins are not your own", runtime.GOOS, runtime.GOARCH)
	return &launcher{diagnosis: Diagnosis{Level: L0, Floor: floor, Mechanisms: []Mechanism{
		{Name: "environment", Needed: L0, Works: true, Detail: "bare; own directory"},
		{Name: "sandbox", Needed: L1, Detail: none},
	}}}, nil
}

func (l *launcher) close() {}

func (l *launcher) launch(s *spawn) (*exec.Cmd, error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("plugins do not run on Windows: it has no descriptors to inherit")
	}
	path := s.program.file.Name()
	args := []string{path}
	if s.interpreter != "" {
		path, args = s.interpreter, []string{s.interpreter, path}
	}
	cmd := &exec.Cmd{
		Path: path, Args: args, Env: s.env, Dir: s.tmp, Stdout: s.stdout, Stderr: s.stderr,
		ExtraFiles: []*os.File{s.lifeline, s.secrets}, SysProcAttr: ownGroup(),
	}
	return cmd, cmd.Start()
}

// verify copies a program into the host's own directory, and reckons the digest
// of what it has written.
func verify(dir, name, digest string, from io.Reader) (*program, error) {
	file, err := os.CreateTemp(dir, "program-*")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(from, maxProgram+1))
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
	case n > maxProgram:
		err = fmt.Errorf("the program is larger than %d MiB", maxProgram>>20)
	case got != digest:
		err = refusal{fmt.Errorf("the program is not the one that was signed: its digest is %s, not %s", got, digest)}
	default:
		err = file.Chmod(0o500)
	}
	if err != nil {
		os.Remove(file.Name())
		return nil, err
	}
	readable, err := os.Open(file.Name())
	if err != nil {
		os.Remove(file.Name())
		return nil, err
	}
	return &program{name: name, digest: digest, file: readable}, nil
}

func (p *program) close() {
	p.file.Close()
	os.Remove(p.file.Name())
}

func whatEnded(*os.ProcessState) string { return "" }

// awaitEnd does not wait: here what a dead plugin has started is killed after it
// was reaped.
func awaitEnd(int) {}
