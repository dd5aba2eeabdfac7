package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// The limits of an electronic form.
const (
	MaxForm   = 1 << 20 // bytes
	formDepth = 32      // objects and lists inside of each other
)

// FormFault is why a section of an electronic form cannot be read.
type FormFault struct {
	Material string
	Kind     FormKind
	Problem  string // where and what, for who has made the form
}

// FormKind is the kind of a FormFault.
type FormKind string

// The kinds.
const (
	FormMissing FormKind = "MATERIALS_MISSING" // the material is not there
	FormNone    FormKind = "NOT_A_FORM"        // the material is there, but a scan, a drawing, or a form without this section
	FormInvalid FormKind = "FORM_INVALID"      // the section does not keep to its schema
)

// Form reads a section of an electronic form (电子表单): a material of JSON, an
// object with a section for each purpose. A section is named by department,
// subject and version of its schema, so that one file serves several departments:
//
//	{"fire.evacuation/1": {"storeys": […]}, "eco.kitchen/1": {…}}
//
// The section is read strictly: a field that into does not have, a field twice, a
// control character, a number with an exponent, or more than MaxForm is a fault.
// Sections of others are not looked at. It aborts the check when the file cannot
// be opened or is not the one of which the case tells.
func (c *Case) Form(code, section string, into any) *FormFault {
	if _, ok := c.Material(code); !ok {
		return &FormFault{Material: code, Kind: FormMissing}
	}
	file, err := c.Open(code)
	if err != nil {
		c.Abort(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxForm+1))
	if err != nil {
		c.Abort(err)
	}
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	if !bytes.HasPrefix(text, []byte("{")) {
		return &FormFault{Material: code, Kind: FormNone, Problem: "the file is no JSON object"}
	}
	if len(text) > MaxForm {
		return InvalidForm(code, fmt.Sprintf("the form is larger than %d KiB", MaxForm>>10))
	}
	if err := formTokens(text); err != nil {
		return InvalidForm(code, err.Error())
	}
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(text, &sections); err != nil {
		return InvalidForm(code, err.Error())
	}
	own, ok := sections[section]
	if !ok {
		return &FormFault{Material: code, Kind: FormNone, Problem: "the form has no section " + section}
	}
	decoder := json.NewDecoder(bytes.NewReader(own))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return InvalidForm(code, section+": "+whatIsWrong(err))
	}
	return nil
}

// whatIsWrong says where a form is wrong, and what is wanted there. It names
// fields and quotes no value: a form holds personal data, and what is said of it
// is read by others.
func whatIsWrong(err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Sprintf("%s: there is a %s where a %s is wanted", wrong.Field, strings.Fields(wrong.Value)[0], wrong.Type.Kind())
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// InvalidForm says what a form that could be read does not say as its schema asks.
func InvalidForm(material, problem string) *FormFault {
	if len(problem) > 256 {
		problem = strings.ToValidUTF8(problem[:256], "") + "…"
	}
	problem = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C) {
			return ' '
		}
		return r
	}, problem)
	return &FormFault{Material: material, Kind: FormInvalid, Problem: problem}
}

// Findings says on each clause what a form that cannot be read leads to: the
// missing material is asked for, what is no form is read by an officer, and a
// faulty form is asked for again. The manifest has the messages "form.none"
// {material} and "form.invalid" {material} {problem}.
func (f *FormFault) Findings(clauses ...string) []Finding {
	var out []Finding
	for _, clause := range clauses {
		var found Finding
		switch f.Kind {
		case FormMissing:
			found = NeedsMaterials(clause, f.Material)
		case FormNone:
			found = Human(clause, string(f.Kind)).Say("form.none", "material", f.Material)
		default:
			found = NeedsMaterials(clause, f.Material).Say("form.invalid", "material", f.Material, "problem", f.Problem)
			found.Code = string(f.Kind)
		}
		out = append(out, found)
	}
	return out
}

// UnmarshalJSON reads a number of a form as it is written, without a binary
// fraction on the way. An exponent is refused.
func (d *Decimal) UnmarshalJSON(text []byte) error {
	read, err := ParseDecimal(string(text))
	if err != nil {
		return errors.New("a number is digits, with at most six more after a point, and no exponent")
	}
	*d = read
	return nil
}

// formTokens refuses what encoding/json reads in silence: a field twice, also in
// other capitals, characters that nobody sees, and endless nesting.
func formTokens(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := formValue(decoder, 0, "the form"); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the form")
	}
	return nil
}

// formValue reads a value; at is its field.
func formValue(decoder *json.Decoder, depth int, at string) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case string:
		if strings.ContainsFunc(t, func(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) }) {
			return fmt.Errorf("%s holds a control character", at)
		}
	case json.Delim:
		if depth == formDepth {
			return fmt.Errorf("the form is nested deeper than %d", formDepth)
		}
		seen := map[string]bool{}
		for decoder.More() {
			inside := at
			if t == '{' {
				name, err := decoder.Token()
				if err != nil {
					return err
				}
				key, _ := name.(string)
				folded := strings.ToLower(key)
				if seen[folded] {
					return fmt.Errorf("%q is there twice", key)
				}
				seen[folded] = true
				inside = key
			}
			if err := formValue(decoder, depth+1, inside); err != nil {
				return err
			}
		}
		_, err = decoder.Token() // the closing bracket
	}
	return err
}
