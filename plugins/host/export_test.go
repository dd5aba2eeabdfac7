package host

import (
	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/plugins/internal/pb"
)

// The mapping, for its test.
var (
	RequestOf  = requestOf
	FindingOf  = findingOf
	FindingsOf = findingsOf
	SpecOf     = specOf
)

// CrashLimit is how often a plugin may end before it is left alone.
const CrashLimit = crashLimit

// PID gives the process that serves a plugin; 0 when there is none.
func PID(h *Host, name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.active {
		if a.plugin.Name != name {
			continue
		}
		a.instance.mu.Lock()
		defer a.instance.mu.Unlock()
		if s := a.instance.process; s != nil {
			return s.run.cmd.Process.Pid
		}
	}
	return 0
}

// Socket gives the path of a plugin's socket.
func Socket(h *Host, name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.active {
		if a.plugin.Name == name {
			a.instance.mu.Lock()
			defer a.instance.mu.Unlock()
			return a.instance.process.client.ReattachConfig().Addr.String()
		}
	}
	return ""
}

// Checker gives the connection to a plugin, for the benchmark.
func Checker(h *Host, name string) pb.CheckerClient {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.active {
		if a.plugin.Name == name {
			a.instance.mu.Lock()
			defer a.instance.mu.Unlock()
			return a.instance.process.checker
		}
	}
	return nil
}

// Bytes writes a message as receipts have it.
func Bytes(m proto.Message) []byte {
	b, err := bytesOf(m)
	if err != nil {
		panic(err)
	}
	return b
}
