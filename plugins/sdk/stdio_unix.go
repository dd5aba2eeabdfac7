//go:build unix

package sdk

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// divertStdout makes descriptor 1 the log, so that nothing that is printed, in Go
// or below it, gets into the protocol or fills a pipe that nobody reads. It gives
// what descriptor 1 was, for the handshake.
func divertStdout() (*os.File, error) {
	handshake, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("sdk: stdout: %w", err)
	}
	if err := unix.Dup2(2, 1); err != nil {
		return nil, fmt.Errorf("sdk: stdout: %w", err)
	}
	return os.NewFile(uintptr(handshake), "handshake"), nil
}

// closeOnExec keeps an inherited file from the plugin's own children.
func closeOnExec(number int) { unix.CloseOnExec(number) }
