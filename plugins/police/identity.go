package main

import (
	"errors"
	"strings"
	"time"
)

// What can be wrong with an identity number.
var (
	errIDForm     = errors.New("identity: not 17 digits and a digit or X")
	errIDRegion   = errors.New("identity: no province has the region's first two digits")
	errIDBirthday = errors.New("identity: the birthday is no day, or lies after the day judged")
	errIDCheck    = errors.New("identity: the check character does not fit")
)

// provinces are the first two digits of regions (GB/T 2260), with those of the
// residence permits of Hong Kong, Macao and Taiwan (81, 82, 83).
const provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"

// oldest is the age in years beyond which a birthday is a slip.
const oldest = 130

// identity is a citizen identification number (GB 11643-1999): six digits of the
// region, eight of the birthday, three in order, a check character. It is personal
// data: nothing of it leaves the check.
type identity struct {
	birthday time.Time
}

// parseIdentity reads a number as of a day. That it was given to anybody, and to
// whom, only the police's register can say.
func parseIdentity(s string, day time.Time) (identity, error) {
	if len(s) != 18 || strings.Trim(s[:17], "0123456789") != "" || strings.Trim(s[17:], "0123456789X") != "" {
		return identity{}, errIDForm
	}
	if s[17] != idCheck(s) {
		return identity{}, errIDCheck
	}
	if !strings.Contains(provinces, s[:2]) {
		return identity{}, errIDRegion
	}
	birthday, err := time.Parse("20060102", s[6:14])
	if err != nil || birthday.After(day) || birthday.AddDate(oldest, 0, 0).Before(day) {
		return identity{}, errIDBirthday
	}
	return identity{birthday}, nil
}

// idCheck gives the check character (ISO 7064, MOD 11-2). 11 is a prime and no
// weight is a multiple of it, nor are two neighbouring weights the same: each change
// of one character and each exchange of two neighbours is caught.
func idCheck(s string) byte {
	sum := 0
	for i := range 17 {
		sum = (sum + int(s[i]-'0')) * 2 % 11
	}
	return "0123456789X"[(12-sum)%11]
}

// adult says whether somebody is 18 on a day. Who was born on 29 February is so on
// 1 March in a year without that day: the year of life is not over before.
func (id identity) adult(day time.Time) bool {
	return !id.birthday.AddDate(18, 0, 0).After(day)
}
