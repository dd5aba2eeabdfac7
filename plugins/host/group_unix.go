//go:build unix

package host

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ownGroup puts a process into a group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends a process and all that it has started. The process must not
// have been reaped yet: its number is its group's.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// endedBy says in words which signal ended a process; killed is signal 9.
func endedBy(state *os.ProcessState) (words string, killed bool) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "", false
	}
	switch signal := status.Signal(); signal {
	case syscall.SIGKILL:
		return "it was killed (signal 9) from outside: by the kernel for want of memory, or by hand", true
	case syscall.SIGSYS:
		return "it made a system call that the sandbox does not know (signal 31)", false
	default:
		return fmt.Sprintf("it was ended by signal %d (%s)", signal, signal), false
	}
}

// lockFile makes sure that no other process has the file.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// unlockFile lets go of it. Closing is not enough: a process that is just being
// started has the file too until it becomes its program.
func unlockFile(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
