package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/onedoor/onedoor/plugins/sdk"
)

func TestParseIdentity(t *testing.T) {
	t.Parallel()
	then := sdk.Date(1999, 7, 1)
	for _, test := range []struct {
		number string
		day    time.Time
		want   error
	}{
		{"11010519491231002X", then, nil}, // both are the examples of GB 11643-1999
		{"440524188001010014", then, nil},
		{"440524188001010014", sdk.Date(2026, 3, 2), errIDBirthday}, // 146 years old
		{"110105194912310020", then, errIDCheck},
		{"X10105194912310029", then, errIDForm},
		{"1101051949123100", then, errIDForm},
		{"110105491231002", then, errIDForm}, // of 15 digits, before 1999
		{"", then, errIDForm},
		{complete("99010519491231002"), then, errIDRegion},
		{complete("11010519490229002"), then, errIDBirthday}, // 1949 had no 29 February
		{complete("11010519480229002"), then, nil},           // 1948 had
		{complete("11010519000229002"), then, errIDBirthday}, // nor had 1900
		{complete("11010519990701002"), then, nil},           // born on the day
		{complete("11010519990702002"), then, errIDBirthday}, // born on the next
	} {
		if _, err := parseIdentity(test.number, test.day); err != test.want {
			t.Errorf("parseIdentity(%q, %s) = %v, want %v", test.number, test.day.Format(time.DateOnly), err, test.want)
		}
	}
}

// complete finds the one check character of 17 digits by the standard's own words:
// weights 2¹⁷ … 2¹ modulo 11, the sum of all a multiple of 11 and 1 more.
func complete(digits string) string {
	sum := 0
	for i, c := range digits {
		weight := 1
		for range 17 - i {
			weight = weight * 2 % 11
		}
		sum += int(c-'0') * weight
	}
	for value, c := range "0123456789X" {
		if (sum+value)%11 == 1 {
			return digits + string(c)
		}
	}
	panic("no check character")
}

// TestEverySlipOfANumberIsCaught changes each character to each other one, and
// exchanges each two neighbours, in many numbers.
func TestEverySlipOfANumberIsCaught(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(5, 6))
	day := sdk.Date(2026, 3, 2)
	slips := 0
	refused := func(slip, number string) {
		slips++
		if _, err := parseIdentity(slip, day); err == nil {
			t.Errorf("%s passes, a slip of %s", slip, number)
		}
	}
	for range 2000 {
		birthday := sdk.Date(1930, 1, 1).AddDate(0, 0, chance.IntN(30_000))
		digits := "330205" + birthday.Format("20060102")
		for range 3 {
			digits += string(rune('0' + chance.IntN(10)))
		}
		number := complete(digits)
		if _, err := parseIdentity(number, day); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		for i := range number {
			for _, c := range "0123456789X" {
				if byte(c) != number[i] {
					refused(number[:i]+string(c)+number[i+1:], number)
				}
			}
			if i > 0 && number[i] != number[i-1] {
				refused(number[:i-1]+string(number[i])+string(number[i-1])+number[i+1:], number)
			}
		}
	}
	if slips < 300_000 {
		t.Errorf("only %d slips were tried", slips)
	}
}

func TestAdult(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		born, day time.Time
		want      bool
	}{
		{sdk.Date(2008, 3, 2), sdk.Date(2026, 3, 1), false},
		{sdk.Date(2008, 3, 2), sdk.Date(2026, 3, 2), true},
		{sdk.Date(2008, 2, 29), sdk.Date(2026, 2, 28), false},
		{sdk.Date(2008, 2, 29), sdk.Date(2026, 3, 1), true},
	} {
		if got := (identity{test.born}).adult(test.day); got != test.want {
			t.Errorf("born on %s, on %s adult: %v", test.born.Format(time.DateOnly), test.day.Format(time.DateOnly), got)
		}
	}
}

// TestNoFindingHoldsANumber looks for identity numbers in what the golden cases
// want, which is what the checks give.
func TestNoFindingHoldsANumber(t *testing.T) {
	t.Parallel()
	number := regexp.MustCompile(`\d{14,}`)
	cases, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatal(cases, err)
	}
	seen := 0
	for _, name := range cases {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		given, found, _ := strings.Cut(string(text), "\nwant:")
		seen += len(number.FindAllString(given, -1))
		if leak := number.FindString(found); leak != "" {
			t.Errorf("%s: a finding holds %s", name, leak)
		}
	}
	if seen == 0 {
		t.Error("no case gives a number")
	}
}
