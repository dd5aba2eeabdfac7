//go:build linux && (amd64 || arm64)

package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// verify copies a program into a sealed file that has no name, while it reckons
// the digest: the bytes that were verified are the bytes that run, whatever
// happens to the file that they came from.
func verify(_, name, digest string, from io.Reader) (*program, error) {
	file, err := newMemory(name)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(from, maxProgram+1))
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
	case n > maxProgram:
		err = fmt.Errorf("the program is larger than %d MiB", maxProgram>>20)
	case got != digest:
		err = refusal{fmt.Errorf("the program is not the one that was signed: its digest is %s, not %s", got, digest)}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	sealed, err := seal(file)
	if err != nil {
		return nil, err
	}
	return &program{name: name, digest: digest, file: sealed, dynamic: isDynamic(sealed)}, nil
}

func (p *program) close() { p.file.Close() }
