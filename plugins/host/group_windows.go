package host

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func endedBy(*os.ProcessState) (words string, killed bool) { return "", false }

func lockFile(*os.File) error { return nil }

func unlockFile(f *os.File) error { return f.Close() }
