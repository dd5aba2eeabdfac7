package sdk

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// places is how fine a fact can be.
const places = 6

// Decimal is an exact number. Law compares 0.1 with 0.1, so nothing here passes
// through a binary fraction, and a quotient stays exact until it is rounded. The
// zero value is 0. A Decimal never changes.
type Decimal struct{ rat *big.Rat }

func (d Decimal) value() *big.Rat {
	if d.rat == nil {
		return new(big.Rat)
	}
	return d.rat
}

// Dec is the number that a constant of the law writes: Dec("0.65"). It panics on
// what is no decimal number; use ParseDecimal for texts of others.
func Dec(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Whole is a whole number.
func Whole(n int64) Decimal { return Decimal{new(big.Rat).SetInt64(n)} }

// ParseDecimal reads digits with an optional sign and point: "-12.50".
func ParseDecimal(s string) (Decimal, error) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !isDigits(whole) || point && !isDigits(fraction) || len(s) > 64 {
		return Decimal{}, fmt.Errorf("sdk: %.64q is no decimal number", s)
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return Decimal{}, fmt.Errorf("sdk: %.64q is no decimal number", s)
	}
	return Decimal{r}, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Add gives d + e.
func (d Decimal) Add(e Decimal) Decimal { return Decimal{new(big.Rat).Add(d.value(), e.value())} }

// Sub gives d − e.
func (d Decimal) Sub(e Decimal) Decimal { return Decimal{new(big.Rat).Sub(d.value(), e.value())} }

// Mul gives d × e.
func (d Decimal) Mul(e Decimal) Decimal { return Decimal{new(big.Rat).Mul(d.value(), e.value())} }

// Div gives d ÷ e, exactly. It panics when e is 0.
func (d Decimal) Div(e Decimal) Decimal { return Decimal{new(big.Rat).Quo(d.value(), e.value())} }

// Neg gives −d.
func (d Decimal) Neg() Decimal { return Decimal{new(big.Rat).Neg(d.value())} }

// Cmp is negative when d < e, 0 when they are equal, positive when d > e.
func (d Decimal) Cmp(e Decimal) int { return d.value().Cmp(e.value()) }

// Less says whether d < e.
func (d Decimal) Less(e Decimal) bool { return d.Cmp(e) < 0 }

// AtLeast says whether d ≥ e.
func (d Decimal) AtLeast(e Decimal) bool { return d.Cmp(e) >= 0 }

// Equal says whether d = e.
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign is −1, 0 or 1.
func (d Decimal) Sign() int { return d.value().Sign() }

// Floor is the greatest whole number that is not above d. It panics when that is
// no int64.
func (d Decimal) Floor() int64 {
	quotient := new(big.Int)
	quotient.Div(d.value().Num(), d.value().Denom()) // Euclid's: downwards, for the denominator is positive
	if !quotient.IsInt64() {
		panic(fmt.Sprintf("sdk: %s is too large for a whole number", d))
	}
	return quotient.Int64()
}

// Ceil is the least whole number that is not below d. It panics when that is no
// int64.
func (d Decimal) Ceil() int64 { return -d.Neg().Floor() }

// Round rounds to a number of places after the point, halves away from 0.
func (d Decimal) Round(places int) Decimal {
	r, _ := new(big.Rat).SetString(d.value().FloatString(places))
	return Decimal{r}
}

// String gives the shortest text, rounded to six places: "1.2", "-0.5", "180".
func (d Decimal) String() string {
	text := d.value().FloatString(places)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" || text == "" {
		return "0"
	}
	return text
}

// number gives the text that goes over the wire.
func (d Decimal) number() string {
	text := d.String()
	if !wire.IsNumber(text) {
		panic("sdk: " + text + " is no number")
	}
	return text
}
