package guide

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/onedoor/onedoor/internal/standard"
)

// Canonical gives the guide as JSON, the same bytes for the same answer: what
// encoding/json writes, without HTML escapes. It is written by hand where the
// bulk is, items and clauses, whose content never changes and is encoded once
// when the catalogue is compiled; everything small goes through encoding/json.
func (g *Guide) Canonical() ([]byte, error) { return g.appendCanonical(nil) }

// buffers hold documents that are only hashed.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Digest gives the SHA-256 of the canonical answer, in hex.
func (g *Guide) Digest() (string, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	document, err := g.appendCanonical((*buffer)[:0])
	if err != nil {
		return "", err
	}
	*buffer = document
	return DigestOf(document), nil
}

func (g *Guide) appendCanonical(to []byte) ([]byte, error) {
	e := encoder{b: to}
	e.raw(`{`)
	if g.Scheme != nil {
		e.field(`"scheme":`, g.Scheme)
		e.raw(`,`)
	}
	if g.Item != "" {
		e.field(`"item":`, g.Item)
		e.raw(`,`)
	}
	if g.Region != "" {
		e.field(`"region":`, g.Region)
		e.raw(`,`)
	}
	e.field(`"as_of":`, g.AsOf)
	e.facts(g.Facts)
	e.field(`,"missing_facts":`, g.Missing)
	e.raw(`,"items":`)
	e.items(g.Items)
	e.raw(`,"outside":`)
	e.items(g.Outside)
	e.raw(`,"clauses":[`)
	for i := range g.Clauses {
		e.comma(i)
		e.clause(&g.Clauses[i])
	}
	e.field(`],"materials":`, g.Materials)
	e.field(`,"obligations":`, g.Obligations)
	if g.Zoning != nil {
		e.field(`,"zoning":`, g.Zoning)
	}
	e.field(`,"schedule":`, g.Schedule)
	e.field(`,"fee_yuan":`, g.FeeYuan)
	e.field(`,"departments":`, g.Departments)
	e.raw(`,"vocabulary":[`)
	for i := range g.Vocabulary {
		e.comma(i)
		e.content("", g.encodedFact(i), g.Vocabulary[i])
	}
	e.raw(`]}`)
	if e.err != nil {
		return nil, fmt.Errorf("guide.Canonical: %w", e.err)
	}
	return e.b, nil
}

type encoder struct {
	b   []byte
	err error
}

func (e *encoder) raw(s string) { e.b = append(e.b, s...) }

func (e *encoder) comma(i int) {
	if i > 0 {
		e.b = append(e.b, ',')
	}
}

// field writes a name and a value through encoding/json.
func (e *encoder) field(name string, v any) {
	e.raw(name)
	text, err := plainJSON(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = append(e.b, text...)
}

// plainJSON is json.Marshal without HTML escapes.
func plainJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// encodedFact gives a fact of the vocabulary as it was encoded with the
// catalogue, or nil.
func (g *Guide) encodedFact(i int) []byte {
	if g.encodedFacts == nil {
		return nil
	}
	return g.encodedFacts[i]
}

// facts writes the project's facts in the order of their keys.
func (e *encoder) facts(facts map[string]any) {
	e.raw(`,"facts":{`)
	for i, key := range slices.Sorted(maps.Keys(facts)) {
		e.comma(i)
		e.text("", key)
		e.raw(`:`)
		switch v := facts[key].(type) {
		case bool:
			e.b = strconv.AppendBool(e.b, v)
		case string:
			e.text("", v)
		case standard.Decimal:
			e.raw(v.String())
		default:
			e.field("", v)
		}
	}
	e.raw(`}`)
}

func (e *encoder) items(items []ItemResult) {
	e.raw(`[`)
	for i := range items {
		r := &items[i]
		e.comma(i)
		e.content(`{"item":`, r.encoded, r.Item)
		e.raw(`,"version":`)
		e.b = strconv.AppendInt(e.b, int64(r.Version), 10)
		e.text(`,"needed":`, r.Needed.String())
		if r.Stage != "" {
			e.text(`,"stage":`, r.Stage)
		}
		e.texts(`,"after":`, r.After)
		e.texts(`,"after_or_promised":`, r.AfterOrPromised)
		e.reasons(`,"because":`, r.Because)
		e.raw(`}`)
	}
	e.raw(`]`)
}

func (e *encoder) clause(r *ClauseResult) {
	e.content(`{"clause":`, r.encoded, r.Clause)
	e.raw(`,"version":`)
	e.b = strconv.AppendInt(e.b, int64(r.Version), 10)
	e.text(`,"applies":`, r.Applies.String())
	e.text(`,"met":`, r.Met.String())
	e.raw(`,"manual":`)
	e.b = strconv.AppendBool(e.b, r.Manual)
	e.text(`,"judged_in":`, r.JudgedIn)
	e.reasons(`,"because":`, r.Because)
	e.reasons(`,"reasons":`, r.Reasons)
	e.texts(`,"missing_facts":`, r.Missing)
	e.raw(`}`)
}

// content writes what was encoded with the catalogue, or encodes it now.
func (e *encoder) content(name string, encoded []byte, v any) {
	if encoded == nil {
		e.field(name, v)
		return
	}
	e.raw(name)
	e.b = append(e.b, encoded...)
}

func (e *encoder) reasons(name string, reasons []Reason) {
	e.raw(name)
	e.raw(`[`)
	for i := range reasons {
		r := &reasons[i]
		e.comma(i)
		e.raw(`{`)
		for _, f := range [...]struct{ name, text string }{
			{`"fact":`, r.Fact}, {`"operator":`, r.Operator}, {`"needed":`, r.Needed}, {`"actual":`, r.Actual},
		} {
			if f.text != "" {
				e.text(f.name, f.text)
				e.raw(`,`)
			}
		}
		e.text(`"zh":`, r.ZH)
		e.text(`,"en":`, r.EN)
		e.raw(`}`)
	}
	e.raw(`]`)
}

func (e *encoder) texts(name string, list []string) {
	e.raw(name)
	if list == nil {
		e.raw(`null`)
		return
	}
	e.raw(`[`)
	for i, s := range list {
		e.comma(i)
		e.text("", s)
	}
	e.raw(`]`)
}

// text writes a string; what needs escapes goes through encoding/json.
func (e *encoder) text(name, s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		// U+2028 and U+2029, which JSON in a script must escape, begin with 0xE2 0x80.
		if c < 0x20 || c == '"' || c == '\\' || c == 0xE2 && i+1 < len(s) && s[i+1] == 0x80 {
			e.field(name, s)
			return
		}
	}
	if !utf8.ValidString(s) {
		e.field(name, s)
		return
	}
	e.raw(name)
	e.b = append(e.b, '"')
	e.b = append(e.b, s...)
	e.b = append(e.b, '"')
}
