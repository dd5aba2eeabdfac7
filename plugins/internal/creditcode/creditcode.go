// Package creditcode reads unified social credit codes (统一社会信用代码) as
// GB 32100-2015 makes them: the authority, the category, six digits of the region,
// nine characters of the organisation code (GB 11714-1997), the check character.
package creditcode

import (
	"errors"
	"strings"
)

// What can be wrong with a code.
var (
	ErrLength     = errors.New("creditcode: not 18 characters")
	ErrCharacters = errors.New("creditcode: a character that is not in the standard's set, which has no I, O, S, V, Z and no small letters")
	ErrCategory   = errors.New("creditcode: the authority has no such category")
	ErrRegion     = errors.New("creditcode: the region is not six digits")
	ErrCheck      = errors.New("creditcode: the check character does not fit")
)

// alphabet gives a character its value by its place (GB 32100-2015).
const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

const length = 18

// categories are those of the three authorities that the standard of 2015 tells
// apart. Authorities that amendments have added are not looked into.
var categories = map[byte]string{
	'1': "1239", // bodies of the establishment: organs, institutions, mass organisations, others
	'5': "1239", // civil affairs: associations, private non-enterprises, foundations, others
	'9': "123",  // market regulation: enterprises, individual households, cooperatives
}

// Code is a code that is right in itself. That it was given to anybody only the
// register can say.
type Code string

// Parse reads a code.
func Parse(s string) (Code, error) {
	if len(s) != length {
		return "", ErrLength
	}
	for i := range length {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return "", ErrCharacters
		}
	}
	if of, known := categories[s[0]]; known && strings.IndexByte(of, s[1]) < 0 {
		return "", ErrCategory
	}
	if strings.Trim(s[2:8], "0123456789") != "" {
		return "", ErrRegion
	}
	if s[length-1] != check(s) {
		return "", ErrCheck
	}
	return Code(s), nil
}

// check gives the check character: with the weights 3⁰, 3¹ … modulo 31 the sum of
// all and the check character is a multiple of 31. Since 31 is a prime, each change
// of one character and each exchange of two neighbours is caught.
func check(s string) byte {
	sum, weight := 0, 1
	for i := range length - 1 {
		sum += strings.IndexByte(alphabet, s[i]) * weight
		weight = weight * 3 % len(alphabet)
	}
	return alphabet[(len(alphabet)-sum%len(alphabet))%len(alphabet)]
}

// Enterprise says whether the code is of an enterprise of the market register.
func (c Code) Enterprise() bool { return c[:2] == "91" }

// OrganisationFits says whether the organisation code within has the check
// character of GB 11714-1997. The standard for the whole code does not ask for it,
// and it catches less: characters whose values differ by 11 are the same to it.
func (c Code) OrganisationFits() bool {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" // GB 11714 counts all letters
	sum := 0
	for i, weight := range []int{3, 7, 9, 10, 5, 8, 4, 2} {
		sum += strings.IndexByte(digits, c[8+i]) * weight
	}
	return c[16] == "0123456789X"[(11-sum%11)%11]
}
