package host

import (
	"os"
)

// Descriptors that a plugin inherits beside the standard three.
const (
	lifelineFD = 3
	secretsFD  = 4
)

// The limits of every plugin's process.
const (
	maxProgram = 512 << 20
	maxFile    = 16 << 20 // bytes of a file that it writes
	maxWritten = 64 << 20 // bytes of all files in its directory
	maxOpen    = 256      // descriptors
	maxThreads = 256
	niceness   = 10 // more than the host's own: the host and the database go first
)

// spawn is one start of a plugin.
type spawn struct {
	program     *program
	interpreter string // "" for a native program
	env         []string
	limits      limits

	tmp       string // its only place to write, its working directory
	sockets   string // where it listens
	materials string // what it may read

	stdout, stderr    *os.File // its ends
	lifeline, secrets *os.File
}

// limits are those that a manifest asks for.
type limits struct{ memory int64 } // bytes

// program is a plugin's program after it was verified. Nobody can change it.
type program struct {
	name    string
	digest  string   // SHA-256, hex
	file    *os.File // on Linux sealed and in memory; elsewhere in the host's own directory
	dynamic bool     // it needs the machine's libraries

	users int // plugins that have it; under the host's mutex
}
