//go:build linux && (amd64 || arm64)

package host

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Descriptors of a plugin as it is launched. Those from programFD on are gone when
// its own code runs.
const (
	scriptFD   = 5 // of a native program: nothing
	programFD  = 6
	rulesFD    = 7
	launcherFD = 8
)

// Codes with which the launcher ends when a step fails.
const (
	badDescriptor = 180 + iota
	badLimit
	badPrivileges
	badCapabilities
	badLandlock
	badSeccomp
	badProgram
)

var launchFaults = map[int]string{
	badDescriptor: "its descriptors could not be prepared", badLimit: "its limits could not be set",
	badPrivileges: "no_new_privs could not be set", badCapabilities: "its capabilities could not be dropped",
	badLandlock: "landlock could not be entered", badSeccomp: "the filter of system calls could not be set",
	badProgram: "the program could not be executed: is it one for this machine?",
}

// launcher starts processes, all from one thread: the kernel ends them when the
// thread that started them ends, which is when the host ends.
type launcher struct {
	work      chan func()
	null      *os.File
	abi       int
	diagnosis Diagnosis
}

func newLauncher(floor, ceiling Level) (*launcher, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	l := &launcher{work: make(chan func()), null: null}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no use to others, and ends with this function
		for job := range l.work {
			job()
		}
	}()
	l.diagnose(floor, ceiling)
	return l, nil
}

// close ends the thread. Processes that still run die.
func (l *launcher) close() {
	close(l.work)
	l.null.Close()
}

func (l *launcher) start(cmd *exec.Cmd) error {
	started := make(chan error)
	l.work <- func() { started <- cmd.Start() }
	return <-started
}

// launch starts a plugin. What of the files is its own has been duplicated when
// it returns.
func (l *launcher) launch(s *spawn) (*exec.Cmd, error) {
	level := l.diagnosis.Level
	files := [launcherFD + 1]*os.File{}
	for i := range files {
		files[i] = l.null
	}
	files[1], files[2], files[lifelineFD], files[secretsFD] = s.stdout, s.stderr, s.lifeline, s.secrets
	files[programFD] = s.program.file
	args := []string{s.program.name}
	readable := []place{{os.DevNull, toWrite}, {"/dev/urandom", toRead}, {filepath.Dir(s.tmp), unix.LANDLOCK_ACCESS_FS_READ_DIR}, {s.materials, toRead}, {s.tmp, toWrite}, {s.sockets, toWrite}}
	if s.interpreter != "" {
		interpreter, err := os.Open(s.interpreter)
		if err != nil {
			return nil, fmt.Errorf("the interpreter: %w", err)
		}
		defer interpreter.Close()
		files[scriptFD], files[programFD] = s.program.file, interpreter
		args = append([]string{s.interpreter}, scriptArgs(s.interpreter, fmt.Sprintf("/proc/self/fd/%d", scriptFD))...)
		readable = append(readable, interpreterPlaces(s.interpreter)...)
	}
	if s.interpreter != "" || s.program.dynamic {
		readable = append(readable, libraryPlaces...)
	}

	var script steps
	script.confine(level, s.limits)
	if level >= L1 {
		rules, err := ruleset(l.abi, readable)
		if err != nil {
			return nil, err
		}
		defer rules.Close()
		files[rulesFD] = rules
		script.lock()
	}
	script.become(badProgram, programFD)
	image, err := memory("launcher", script.program())
	if err != nil {
		return nil, err
	}
	defer image.Close()
	files[launcherFD] = image

	cmd := &exec.Cmd{
		Path: fmt.Sprintf("/proc/self/fd/%d", launcherFD), Args: args, Env: s.env, Dir: s.tmp,
		Stdin: l.null, Stdout: files[1], Stderr: files[2], ExtraFiles: files[3:],
		SysProcAttr: attributes(level),
	}
	return cmd, l.start(cmd)
}

// scriptArgs are an interpreter's arguments. Node wants to know where a program
// lies to find its modules; a verified one lies nowhere.
func scriptArgs(interpreter, script string) []string {
	if strings.HasPrefix(filepath.Base(interpreter), "node") {
		return []string{"--preserve-symlinks-main", script}
	}
	return []string{script}
}

// libraryPlaces are where the libraries of this machine are.
var libraryPlaces = []place{
	{"/lib", toExecute}, {"/lib64", toExecute}, {"/usr/lib", toExecute}, {"/usr/lib64", toExecute},
	{"/usr/local/lib", toExecute}, {"/etc/ld.so.cache", toRead},
}

// interpreterPlaces are an interpreter and what was installed with it: of
// /opt/node/bin/node that is /opt/node/lib.
func interpreterPlaces(interpreter string) []place {
	places := []place{{interpreter, toExecute}, {"/etc/ssl/openssl.cnf", toRead}} // Node does not start without it
	prefix := filepath.Dir(filepath.Dir(interpreter))
	if prefix != "/" && prefix != "/usr" {
		places = append(places, place{filepath.Join(prefix, "lib"), toExecute})
	}
	return places
}

func attributes(level Level) *syscall.SysProcAttr {
	a := ownGroup()
	a.Pdeathsig = syscall.SIGKILL
	if level >= L2 {
		a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// confine sets limits, which every level has.
func (s *steps) confine(level Level, l limits) {
	for fd := programFD; fd <= launcherFD; fd++ {
		s.must(badDescriptor, unix.SYS_FCNTL, uint64(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	}
	if raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil { // the kernel counts from 20 down
		s.must(0, unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uint64(min(19, 20-raw+niceness)))
	}
	limit := func(resource int, value uint64) {
		var pair [16]byte
		binary.NativeEndian.PutUint64(pair[0:], value)
		binary.NativeEndian.PutUint64(pair[8:], value)
		s.must(badLimit, unix.SYS_PRLIMIT64, 0, uint64(resource), s.put(pair[:]), 0)
	}
	limit(unix.RLIMIT_CORE, 0)
	limit(unix.RLIMIT_DATA, uint64(l.memory))
	limit(unix.RLIMIT_FSIZE, maxFile)
	limit(unix.RLIMIT_MSGQUEUE, 0)
	if level >= L2 {
		limit(unix.RLIMIT_NPROC, maxThreads) // it counts by user: elsewhere it would count others
	}
	limit(unix.RLIMIT_NOFILE, maxOpen)
}

// lock leaves the plugin without privileges, landlocked, and behind the filter.
func (s *steps) lock() {
	s.must(badPrivileges, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	if os.Geteuid() == 0 { // nobody else has any
		const noRoot, noRootLocked = 1, 2
		s.must(0, unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, noRoot|noRootLocked)
		var header [8]byte
		binary.NativeEndian.PutUint32(header[:], unix.LINUX_CAPABILITY_VERSION_3)
		s.must(badCapabilities, unix.SYS_CAPSET, s.put(header[:]), s.put(make([]byte, 24)))
	}
	s.must(badLandlock, unix.SYS_LANDLOCK_RESTRICT_SELF, rulesFD, 0)
	s.must(badSeccomp, unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, putFilter(s, filter(programFD)))
}

// diagnose tries each mechanism once, with a launcher that only ends.
func (l *launcher) diagnose(floor, ceiling Level) {
	try := func(attributes *syscall.SysProcAttr, rules *os.File, prepare func(*steps)) error {
		var script steps
		prepare(&script)
		script.exit(0)
		image, err := memory("launcher", script.program())
		if err != nil {
			return err
		}
		defer image.Close()
		files := slices.Repeat([]*os.File{l.null}, launcherFD-2)
		files[rulesFD-3], files[launcherFD-3] = rules, image
		cmd := &exec.Cmd{Path: fmt.Sprintf("/proc/self/fd/%d", launcherFD), Stdin: l.null, ExtraFiles: files, SysProcAttr: attributes}
		if err := l.start(cmd); err != nil {
			return err
		}
		err = cmd.Wait()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && launchFaults[exit.ExitCode()] != "" {
			return errors.New(launchFaults[exit.ExitCode()])
		}
		return err
	}
	report := func(name string, needed Level, good string, err error) {
		m := Mechanism{Name: name, Needed: needed, Works: err == nil, Detail: good}
		if err != nil {
			m.Detail = err.Error()
		}
		l.diagnosis.Mechanisms = append(l.diagnosis.Mechanisms, m)
	}
	plain := attributes(L0)
	report("limits", L0, "memory, files, descriptors, priority", try(plain, l.null, func(s *steps) { s.confine(L0, limits{memory: 64 << 20}) }))
	report("no_new_privs", L1, "nothing that it could execute gives it more", try(plain, l.null, func(s *steps) {
		s.must(badPrivileges, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	}))
	abi, err := landlockABI()
	detail := ""
	var rules *os.File
	if l.abi = abi; err == nil {
		rules, err = ruleset(abi, nil)
	}
	if err == nil {
		defer rules.Close()
		detail = fmt.Sprintf("ABI %d: files", abi)
		if abi >= 4 {
			detail += ", TCP"
		}
		if abi >= 6 {
			detail += ", signals, abstract sockets"
		}
		err = try(plain, rules, func(s *steps) {
			s.must(badPrivileges, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
			s.must(badLandlock, unix.SYS_LANDLOCK_RESTRICT_SELF, rulesFD, 0)
		})
	}
	report("landlock", L1, detail, err)
	report("seccomp", L1, fmt.Sprintf("%d calls denied; sockets only AF_UNIX and never connected, processes none", len(denied)), try(plain, l.null, func(s *steps) {
		s.must(badPrivileges, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
		s.must(badSeccomp, unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, putFilter(s, filter(programFD)))
	}))
	report("namespaces", L2, "user, pid, net, ipc", try(attributes(L2), l.null, func(s *steps) { s.confine(L2, limits{memory: 64 << 20}) }))
	l.diagnosis.Floor = floor
	l.diagnosis.Level = reached(l.diagnosis.Mechanisms, ceiling)
}

// whatEnded says how the launcher itself failed; "" when it did not.
func whatEnded(state *os.ProcessState) string { return launchFaults[state.ExitCode()] }

// isDynamic says whether a program needs the machine's libraries.
func isDynamic(program io.ReaderAt) bool {
	file, err := elf.NewFile(program)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// awaitEnd waits until a process has ended, and leaves it to be reaped: until
// then its number belongs to nobody else.
func awaitEnd(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}
