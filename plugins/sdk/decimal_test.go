package sdk_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/onedoor/onedoor/plugins/sdk"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		got  any
		want any
	}{
		{"a tenth is a tenth", sdk.Dec("0.1").Add(sdk.Dec("0.2")).Equal(sdk.Dec("0.3")), true},
		{"a third times three is one", sdk.Whole(1).Div(sdk.Whole(3)).Mul(sdk.Whole(3)).String(), "1"},
		{"the zero value", sdk.Decimal{}.String(), "0"},
		{"shortest", sdk.Dec("012.500").String(), "12.5"},
		{"negative nothing", sdk.Dec("-0.0000001").String(), "0"},
		{"six places", sdk.Whole(2).Div(sdk.Whole(3)).String(), "0.666667"},
		{"ceil", sdk.Dec("2.000001").Ceil(), int64(3)},
		{"ceil of a negative", sdk.Dec("-2.5").Ceil(), int64(-2)},
		{"floor of a negative", sdk.Dec("-2.5").Floor(), int64(-3)},
		{"halves go away from nothing", sdk.Dec("2.25").Round(1).String(), "2.3"},
		{"and below it", sdk.Dec("-2.25").Round(1).String(), "-2.3"},
		{"less", sdk.Dec("1.1").Less(sdk.Dec("1.10")), false},
		{"at least", sdk.Dec("1.1").AtLeast(sdk.Dec("1.10")), true},
		{"sub and neg", sdk.Dec("1").Sub(sdk.Dec("1.5")).Neg().String(), "0.5"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	for _, text := range []string{"", "-", ".", "1.", ".5", "1e3", "0x1", "1/2", "+1", "１", "1_000", " 1", "NaN"} {
		if d, err := sdk.ParseDecimal(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}

func TestDecimalComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		millionths := rapid.Int64().Draw(t, "millionths")
		d := sdk.Whole(millionths).Div(sdk.Whole(1_000_000))
		back, err := sdk.ParseDecimal(d.String())
		if err != nil || !back.Equal(d) {
			t.Fatalf("%d millionths are %s and come back as %s, %v", millionths, d, back, err)
		}
		if floor, ceil := sdk.Whole(d.Floor()), sdk.Whole(d.Ceil()); d.Less(floor) || ceil.Less(d) || sdk.Whole(1).Less(ceil.Sub(floor)) {
			t.Fatalf("%s is not between %s and %s", d, floor, ceil)
		}
	})
}
