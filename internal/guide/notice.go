package guide

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/workday"
)

// Notice is a guide frozen, numbered and hashed (一次性告知书): what the applicant
// was told, once, and may rely on.
type Notice struct {
	Number   string
	IssuedAt time.Time
	Digest   string // SHA-256 of Document, in hex
	Document []byte // the guide as canonical JSON
}

// DigestOf gives the SHA-256 of a canonical answer, in hex.
func DigestOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// Read reads a frozen guide back.
func Read(document []byte) (*Guide, error) {
	g := &Guide{}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(g); err != nil {
		return nil, fmt.Errorf("guide.Read: %w", err)
	}
	return g, nil
}

// Issue freezes a guide. The number carries the day and 50 random bits, so that
// nobody can list other people's notices by counting.
func Issue(g *Guide, now time.Time, random io.Reader) (Notice, error) {
	document, err := g.Canonical()
	if err != nil {
		return Notice{}, err
	}
	number, err := ref.NewNumber("GZ", workday.DateOf(now).String(), random)
	if err != nil {
		return Notice{}, fmt.Errorf("guide.Issue: %w", err)
	}
	return Notice{
		Number:   number,
		IssuedAt: now.UTC().Truncate(time.Millisecond),
		Digest:   DigestOf(document),
		Document: document,
	}, nil
}
