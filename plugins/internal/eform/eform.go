// Package eform reads electronic forms (电子表单): materials whose content is JSON of
// a schema that the plugin documents. Reading is strict, for what is misread is
// misjudged: a form with an unknown, doubled or misspelt key goes to an officer.
package eform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// The limits of a form.
const (
	maxSize  = 256 << 10
	maxDepth = 16
)

// The keys of the messages, which the manifest of a plugin that reads forms has.
const (
	msgPaper      = "form.paper"      // {material}: it is a scan or another file
	msgTooLarge   = "form.too_large"  // {material}
	msgUnreadable = "form.unreadable" // {material} {reason}
)

// Form names a form.
type Form struct {
	Material string // the code of the material in which it comes
	Schema   string // what stands in its field "form": "premises/1"
}

// checked is a form that can say what is wrong with what stands in it: fields
// and reasons, never values.
type checked interface{ Wrong() error }

// Read gives the form of a case. Where there is none to go by it gives the
// finding for each clause instead: NEEDS_FACTS when the material is not there,
// HUMAN when it is paper or not of the schema.
func Read[T any](c *sdk.Case, f Form, clauses ...string) (*T, []sdk.Finding) {
	m, there := c.Material(f.Material)
	if !there {
		return nil, each(clauses, func(clause string) sdk.Finding { return sdk.NeedsMaterials(clause, f.Material) })
	}
	human := func(code, key string, more ...any) (*T, []sdk.Finding) {
		return nil, each(clauses, func(clause string) sdk.Finding {
			return sdk.Human(clause, code).Say(key, append([]any{"material", f.Material}, more...)...)
		})
	}
	if m.Size > maxSize {
		return human("FORM_TOO_LARGE", msgTooLarge)
	}
	text := content(c, f.Material)
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return human("FORM_ON_PAPER", msgPaper)
	}
	form := new(T)
	if err := decode(text, f.Schema, form); err != nil {
		return human("FORM_UNREADABLE", msgUnreadable, "reason", err)
	}
	return form, nil
}

func content(c *sdk.Case, code string) []byte {
	file, err := c.Open(code)
	if err != nil {
		c.Abort(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		c.Abort(err)
	}
	return text
}

func each(clauses []string, finding func(string) sdk.Finding) []sdk.Finding {
	var out []sdk.Finding
	for _, clause := range clauses {
		out = append(out, finding(clause))
	}
	return out
}

// decode reads one JSON object of a schema. Errors name keys and places, never
// what stands there: a form holds personal data, and an error is shown and logged.
func decode(text []byte, schema string, into any) error {
	keys := json.NewDecoder(bytes.NewReader(text))
	if err := walk(keys, 0); err != nil {
		return err
	}
	if _, err := keys.Token(); err != io.EOF {
		return errors.New("something follows after the form")
	}
	var head struct {
		Form string `json:"form"`
	}
	if json.Unmarshal(text, &head) != nil || head.Form != schema {
		return fmt.Errorf("form: is not %s", schema)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return plain(err)
	}
	if form, ok := into.(checked); ok {
		return form.Wrong()
	}
	return nil
}

// plain words an error of the decoder without the value.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	var ours fieldError
	switch {
	case errors.As(err, &wrongType):
		return fmt.Errorf("%s: is not of the schema's type", wrongType.Field)
	case errors.As(err, &ours):
		return ours
	case strings.Contains(err.Error(), "unknown field"):
		return errors.New("a key that the schema does not have")
	}
	return errors.New("not JSON")
}

// walk refuses what the decoder would take in silence: keys that stand twice, and
// keys that are spelt in capitals. It does not name them: anything may stand there.
func walk(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if opening == '{' {
			token, err := d.Token()
			if err != nil {
				return errors.New("not JSON")
			}
			key := token.(string) // the decoder takes nothing else here
			switch {
			case seen[key]:
				return errors.New("a key stands twice")
			case key != strings.ToLower(key):
				return errors.New("a key is in capitals")
			}
			seen[key] = true
		}
		if err := walk(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errors.New("not JSON")
	}
	return nil
}

// fieldError is a value that cannot be read; its text has not the value.
type fieldError string

func (e fieldError) Error() string { return string(e) }

// Head is embedded in every form.
type Head struct {
	Form string `json:"form"`
}

// Number is an exact number of a form, at least 0, with at most six places.
type Number struct{ sdk.Decimal }

// UnmarshalJSON reads digits with an optional point.
func (n *Number) UnmarshalJSON(text []byte) error {
	_, places, _ := strings.Cut(string(text), ".")
	d, err := sdk.ParseDecimal(string(text))
	if err != nil || d.Sign() < 0 || len(places) > 6 || len(text) > 24 {
		return fieldError("a number is not plain digits with at most six places, at least 0")
	}
	n.Decimal = d
	return nil
}

// Day is a day of a form. The zero value is none.
type Day struct{ time.Time }

// UnmarshalJSON reads "2026-03-02".
func (d *Day) UnmarshalJSON(text []byte) error {
	day, err := time.Parse(`"`+time.DateOnly+`"`, string(text))
	if err != nil {
		return fieldError("a day is not YYYY-MM-DD")
	}
	d.Time = day
	return nil
}

// String gives the day as it is written in a form.
func (d Day) String() string { return d.Format(time.DateOnly) }

// Period is the days from the first to the last, both included.
type Period struct {
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Wrong says what is wrong with the period.
func (p Period) Wrong() error {
	switch {
	case p.From.IsZero() || p.To.IsZero():
		return errors.New("from, to: a day is missing")
	case p.To.Before(p.From.Time):
		return errors.New("from, to: it ends before it begins")
	}
	return nil
}

// Has says whether a day is in the period.
func (p Period) Has(day time.Time) bool { return !day.Before(p.From.Time) && !day.After(p.To.Time) }

// Days counts the days, the first and the last included.
func (p Period) Days() int64 { return int64(p.To.Sub(p.From.Time).Hours())/24 + 1 }
