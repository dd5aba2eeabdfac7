package host

import (
	"fmt"
	"strings"
)

// Level is how well plugins are kept in. Each level has all of the one below.
type Level int

// The levels. The zero value leaves the choice to the host.
const (
	L0 Level = iota + 1 // own directory and process group, bare environment, limits of memory and files
	L1                  // no new privileges; landlock: no file but its own; seccomp: no network, no process, no look at others
	L2                  // namespaces of its own: users, processes, network, IPC
)

// String gives "L0" and so on.
func (l Level) String() string {
	if l < L0 {
		return ""
	}
	return fmt.Sprintf("L%d", l-L0)
}

// ParseLevel reads "L0" and so on.
func ParseLevel(s string) (Level, error) {
	for l := L0; l <= L2; l++ {
		if s == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%q is no level: L0, L1 or L2", s)
}

// Mechanism is one of the things that keep a plugin in.
type Mechanism struct {
	Name   string
	Needed Level // it belongs to this level
	Works  bool
	Detail string // what it does here, or why it cannot
}

// Diagnosis is what this machine allows.
type Diagnosis struct {
	Level      Level // reached
	Floor      Level // below it no plugin is started
	Mechanisms []Mechanism
}

// String is the report of `server plugin doctor`.
func (d Diagnosis) String() string {
	var out strings.Builder
	verdict := "plugins run"
	if d.Level < d.Floor {
		verdict = "plugins are REFUSED"
	}
	fmt.Fprintf(&out, "sandbox %s, floor %s: %s\n", d.Level, d.Floor, verdict)
	for _, m := range d.Mechanisms {
		mark := "ok"
		if !m.Works {
			mark = "--"
		}
		fmt.Fprintf(&out, "  %s  %s  %-18s %s\n", m.Needed, mark, m.Name, m.Detail)
	}
	return out.String()
}

// reached is the highest level of which, and below which, everything works.
func reached(mechanisms []Mechanism, ceiling Level) Level {
	level := L2
	for _, m := range mechanisms {
		if !m.Works && m.Needed <= level {
			level = m.Needed - 1
		}
	}
	return max(L0, min(level, ceiling))
}
