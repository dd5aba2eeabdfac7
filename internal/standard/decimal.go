package standard

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decimal is an exact decimal number in millionths: 1.2 is 1_200_000. Law
// compares 0.1 with 0.1, so no number here ever passes through a float.
type Decimal int64

// one is the Decimal 1.
const one Decimal = 1_000_000

// Why a text is no Decimal.
var (
	ErrTooFine  = errors.New("finer than a millionth")
	ErrOverflow = errors.New("too large")
	ErrSyntax   = errors.New("not a decimal number")
)

// ParseDecimal reads a decimal number such as "-1.25" or "1e3" exactly. The
// error wraps ErrTooFine, ErrOverflow or ErrSyntax.
func ParseDecimal(s string) (Decimal, error) {
	fail := func(why error) (Decimal, error) {
		return 0, fmt.Errorf("standard: %q: %w", clip(s), why)
	}
	rest, negative := strings.CutPrefix(s, "-")
	mantissa, exponentText, hasExponent := rest, "", false
	if at := strings.IndexAny(rest, "eE"); at >= 0 {
		mantissa, exponentText, hasExponent = rest[:at], rest[at+1:], true
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	if !isDigits(whole) || (hasPoint && !isDigits(fraction)) {
		return fail(ErrSyntax)
	}
	exponent := 0
	if hasExponent {
		unsigned := strings.TrimLeft(exponentText, "+-")
		if !isDigits(unsigned) || len(exponentText)-len(unsigned) > 1 {
			return fail(ErrSyntax)
		}
		n, err := strconv.Atoi(exponentText)
		if err != nil || n > 1_000_000 || n < -1_000_000 {
			n = 1_000_000 // Atoi fails on a huge exponent only: it is judged below as any large one.
			if strings.HasPrefix(exponentText, "-") {
				n = -n
			}
		}
		exponent = n
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	significant := strings.TrimRight(digits, "0")
	if significant == "" {
		return 0, nil
	}
	// The number is significant × 10^zeros millionths.
	zeros := exponent - len(fraction) + len(digits) - len(significant) + 6
	if zeros < 0 {
		return fail(ErrTooFine)
	}
	if len(significant)+zeros > 19 {
		return fail(ErrOverflow)
	}
	n, err := strconv.ParseInt(significant+strings.Repeat("0", zeros), 10, 64)
	if err != nil {
		return fail(ErrOverflow)
	}
	if negative {
		n = -n
	}
	return Decimal(n), nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String gives the shortest text: "1.2", "180", "-0.5".
func (d Decimal) String() string {
	magnitude, sign := uint64(d), ""
	if d < 0 {
		magnitude, sign = -uint64(d), "-"
	}
	text := sign + strconv.FormatUint(magnitude/uint64(one), 10)
	if fraction := magnitude % uint64(one); fraction != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%06d", fraction), "0")
	}
	return text
}

// IsInteger says whether nothing follows the decimal point.
func (d Decimal) IsInteger() bool { return d%one == 0 }

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number.
func (d *Decimal) UnmarshalJSON(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalYAML writes a YAML number.
func (d Decimal) MarshalYAML() (any, error) {
	tag := "!!float"
	if d.IsInteger() {
		tag = "!!int"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: d.String()}, nil
}

// UnmarshalYAML reads the text of a YAML scalar.
func (d *Decimal) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("standard: line %d: %w", n.Line, ErrSyntax)
	}
	parsed, err := ParseDecimal(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*d = parsed
	return nil
}

// decimalOf gives the number that v stands for. It is false when v is no
// number at all; the error says why a number is no Decimal.
func decimalOf(v any) (d Decimal, isNumber bool, err error) {
	switch v := v.(type) {
	case Decimal:
		return v, true, nil
	case json.Number:
		d, err = ParseDecimal(string(v))
		return d, !errors.Is(err, ErrSyntax), err
	case int:
		d, err = ParseDecimal(strconv.Itoa(v))
		return d, true, err
	case int64:
		d, err = ParseDecimal(strconv.FormatInt(v, 10))
		return d, true, err
	case float64:
		d, err = decimalOfFloat(v)
		return d, !errors.Is(err, ErrSyntax), err
	}
	return 0, false, nil
}

// decimalOfFloat reads the shortest decimal form, which is what was written.
func decimalOfFloat(v float64) (Decimal, error) {
	return ParseDecimal(strconv.FormatFloat(v, 'g', -1, 64))
}

// add is exact or false.
func (d Decimal) add(e Decimal) (Decimal, bool) {
	sum := d + e
	if (e > 0 && sum < d) || (e < 0 && sum > d) || sum == math.MinInt64 {
		return 0, false
	}
	return sum, true
}

// mul is exact, or says ErrOverflow or ErrTooFine.
func (d Decimal) mul(e Decimal) (Decimal, error) {
	high, low := bits.Mul64(magnitude(d), magnitude(e))
	if high >= uint64(one) {
		return 0, ErrOverflow
	}
	product, rest := bits.Div64(high, low, uint64(one))
	if product > math.MaxInt64 {
		return 0, ErrOverflow
	}
	if rest != 0 {
		return 0, ErrTooFine
	}
	if (d < 0) != (e < 0) {
		return -Decimal(product), nil
	}
	return Decimal(product), nil
}

func magnitude(d Decimal) uint64 {
	if d < 0 {
		return -uint64(d)
	}
	return uint64(d)
}
