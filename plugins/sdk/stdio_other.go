//go:build !unix

package sdk

import "os"

// divertStdout leaves descriptor 1 as it is: a plugin for this system must not
// print below Go.
func divertStdout() (*os.File, error) { return os.Stdout, nil }

func closeOnExec(int) {}
