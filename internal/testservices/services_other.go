//go:build !linux

package testservices

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent does nothing here: only Main stops the servers.
func dieWithParent(*exec.Cmd, os.Signal) {}

// notRoot does nothing here: run the tests as a plain user.
func notRoot(string) (*syscall.SysProcAttr, error) { return nil, nil }
