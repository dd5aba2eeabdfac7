package sdk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Case is what one check sees of one case: the facts and materials that it has
// declared. It is good until Run returns, and safe for use by many goroutines.
//
// Reading what the check has not declared panics, and so does reading a fact as
// what it is not: that is a fault of the plugin, and becomes an error of this
// check alone.
type Case struct {
	check     *Check
	question  *Question
	materials map[string]Material
	dir       string
	log       *slog.Logger

	mu            sync.Mutex
	usedFacts     map[string]bool
	usedMaterials map[string]bool
}

func newCase(check *Check, q *Question, dir string, log *slog.Logger) *Case {
	c := &Case{
		check: check, question: q, dir: dir, log: log,
		materials: map[string]Material{}, usedFacts: map[string]bool{}, usedMaterials: map[string]bool{},
	}
	for _, m := range q.Materials {
		c.materials[m.Code] = m
	}
	return c
}

// Ref names the case in logs. It says nothing about the applicant.
func (c *Case) Ref() string { return c.question.CaseRef }

// Day is the day as which the case is judged, midnight UTC. It stands where a
// program would otherwise ask for the time.
func (c *Case) Day() time.Time { return c.question.Day }

// Rand is the only source of chance: it depends on the question and the check.
func (c *Case) Rand() *rand.Rand {
	h := sha256.New()
	_ = binary.Write(h, binary.LittleEndian, c.question.Seed)
	_, _ = io.WriteString(h, c.check.ID)
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil))))
}

// Log writes to the plugin's log, which people of the platform read: no personal
// data.
func (c *Case) Log() *slog.Logger { return c.log.With("check", c.check.ID, "case", c.Ref()) }

// Known says whether a fact is known.
func (c *Case) Known(key string) bool {
	_, ok := c.fact(key)
	return ok
}

// Number is a needed NUMBER (or INT) fact.
func (c *Case) Number(key string) Decimal { return needed(c, key, c.OptionalNumber) }

// Int is a needed INT fact.
func (c *Case) Int(key string) int64 { return needed(c, key, c.OptionalInt) }

// Bool is a needed BOOL fact.
func (c *Case) Bool(key string) bool { return needed(c, key, c.OptionalBool) }

// Choice is a needed ENUM fact: the code of its value.
func (c *Case) Choice(key string) string { return needed(c, key, c.OptionalChoice) }

// OptionalNumber is a NUMBER (or INT) fact; false when it is unknown.
func (c *Case) OptionalNumber(key string) (Decimal, bool) {
	v, ok := c.fact(key)
	if n, whole := v.(int64); whole {
		return Whole(n), ok
	}
	return read[Decimal](key, v, ok)
}

// OptionalInt is an INT fact; false when it is unknown.
func (c *Case) OptionalInt(key string) (int64, bool) {
	v, ok := c.fact(key)
	return read[int64](key, v, ok)
}

// OptionalBool is a BOOL fact; the second value is false when it is unknown.
func (c *Case) OptionalBool(key string) (value, known bool) {
	v, ok := c.fact(key)
	return read[bool](key, v, ok)
}

// OptionalChoice is an ENUM fact; false when it is unknown.
func (c *Case) OptionalChoice(key string) (string, bool) {
	v, ok := c.fact(key)
	value, ok := read[Choice](key, v, ok)
	return string(value), ok
}

func needed[T any](c *Case, key string, get func(string) (T, bool)) T {
	v, ok := get(key)
	if !ok {
		panic(fmt.Sprintf("sdk: check %q: the fact %q is optional and unknown; read it with Optional…", c.check.ID, key))
	}
	return v
}

func read[T any](key string, v any, known bool) (T, bool) {
	value, is := v.(T)
	if known && !is {
		panic(fmt.Sprintf("sdk: the fact %q is %s, not %s", key, kind(v), kind(value)))
	}
	return value, known
}

// fact reads a declared fact and remembers that it was used.
func (c *Case) fact(key string) (any, bool) {
	if !slices.Contains(c.check.Facts, key) && !slices.Contains(c.check.OptionalFacts, key) {
		panic(fmt.Sprintf("sdk: check %q reads the fact %q without declaring it", c.check.ID, key))
	}
	v, ok := c.question.Facts[key]
	if ok {
		c.mu.Lock()
		c.usedFacts[key] = true
		c.mu.Unlock()
	}
	return v, ok
}

// Material is what is known of a material; false when the case does not have it.
func (c *Case) Material(code string) (Material, bool) {
	if !slices.Contains(c.check.Materials, code) && !slices.Contains(c.check.Contents, code) {
		panic(fmt.Sprintf("sdk: check %q reads the material %q without declaring it", c.check.ID, code))
	}
	m, ok := c.materials[code]
	if ok {
		c.mu.Lock()
		c.usedMaterials[code] = true
		c.mu.Unlock()
	}
	m.SHA256 = bytes.Clone(m.SHA256)
	return m, ok
}

// Open opens a material that the check has declared in Contents. Reading gives an
// error at the end when the file is not the one of which the case tells.
func (c *Case) Open(code string) (io.ReadCloser, error) {
	m, ok := c.Material(code)
	switch {
	case !slices.Contains(c.check.Contents, code):
		panic(fmt.Sprintf("sdk: check %q opens the material %q without declaring it in Contents", c.check.ID, code))
	case !ok:
		return nil, fmt.Errorf("sdk: the case has no material %q", code)
	case m.path == "":
		return nil, fmt.Errorf("sdk: the content of the material %q was not given", code)
	}
	file, err := os.OpenInRoot(c.dir, filepath.FromSlash(m.path))
	if err != nil {
		return nil, fmt.Errorf("sdk: material %q: %w", code, err)
	}
	return &content{file: file, hash: sha256.New(), left: m.Size, want: m.SHA256}, nil
}

var errAltered = errors.New("sdk: the file is not the one of which the case tells")

// content reads a file of a known size and digest.
type content struct {
	file *os.File
	hash hash.Hash
	left int64
	want []byte
}

func (f *content) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	f.hash.Write(p[:n])
	f.left -= int64(n)
	if f.left < 0 || err == io.EOF && (f.left != 0 || len(f.want) > 0 && !bytes.Equal(f.hash.Sum(nil), f.want)) {
		return n, errAltered
	}
	return n, err
}

func (f *content) Close() error { return f.file.Close() }

// unknown lists the needed facts that are not known.
func (c *Case) unknown() []string {
	var keys []string
	for _, key := range c.check.Facts {
		if _, ok := c.question.Facts[key]; !ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// used lists what has been read so far.
func (c *Case) used() (facts, materials []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.usedFacts)), slices.Sorted(maps.Keys(c.usedMaterials))
}
