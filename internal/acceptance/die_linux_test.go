package acceptance_test

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when this one ends in whatever
// way.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
