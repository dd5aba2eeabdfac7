package creditcode_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/plugins/internal/creditcode"
)

const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// standard is the example with which GB 32100-2015 shows the computation.
const standard = "91350100M000100Y43"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code string
		want error
	}{
		{standard, nil},
		{"91350100M000100Y4Z", creditcode.ErrCharacters}, // Z is not in the set
		{"91350100M000100Y44", creditcode.ErrCheck},
		{"91350100M000100Y4", creditcode.ErrLength},
		{"", creditcode.ErrLength},
		{"91350100m000100y43", creditcode.ErrCharacters},
		{"94350100M000100Y43", creditcode.ErrCategory},
		{"913501AAM000100Y43", creditcode.ErrRegion},
		{"９1350100M000100Y43", creditcode.ErrLength}, // a wide digit is three bytes
	} {
		code, err := creditcode.Parse(test.code)
		if err != test.want {
			t.Errorf("Parse(%q) = %v, want %v", test.code, err, test.want)
		}
		if err == nil && string(code) != test.code {
			t.Errorf("Parse(%q) = %q", test.code, code)
		}
	}
}

func TestOrganisationCode(t *testing.T) {
	t.Parallel()
	code, err := creditcode.Parse(standard)
	if err != nil || !code.OrganisationFits() || !code.Enterprise() {
		t.Errorf("%s: %v, organisation fits: %v", code, err, code.OrganisationFits())
	}
	// The whole is right and the organisation code within is not.
	wrong, err := creditcode.Parse(complete("91350100M000100Y5"))
	if err != nil || wrong.OrganisationFits() {
		t.Errorf("%s: %v, organisation fits: %v", wrong, err, wrong.OrganisationFits())
	}
	// GB 11714's own example, D2143569-X.
	example, err := creditcode.Parse(complete("91330200D2143569X"))
	if err != nil || !example.OrganisationFits() {
		t.Errorf("%s: %v, organisation fits: %v", example, err, example.OrganisationFits())
	}
}

// complete finds the one check character by trying them all.
func complete(body string) string {
	found := ""
	for _, c := range alphabet {
		if _, err := creditcode.Parse(body + string(c)); err == nil {
			found += string(c)
		}
	}
	if len(found) != 1 {
		panic(body + " has the check characters " + found)
	}
	return body + found
}

// TestEverySlipIsCaught changes each character to each other one, and exchanges
// each two neighbours, in many codes.
func TestEverySlipIsCaught(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(1, 2))
	slips := 0
	for range 200 {
		body := []byte("91330205")
		for range 9 {
			body = append(body, alphabet[chance.IntN(len(alphabet))])
		}
		code := complete(string(body))
		for i := range code {
			for _, c := range []byte(alphabet) {
				if slip := code[:i] + string(c) + code[i+1:]; c != code[i] {
					refused(t, slip, code)
					slips++
				}
			}
			if i > 0 && code[i] != code[i-1] {
				refused(t, code[:i-1]+string(code[i])+string(code[i-1])+code[i+1:], code)
				slips++
			}
		}
	}
	if slips < 100_000 {
		t.Errorf("only %d slips were tried", slips)
	}
}

func refused(t *testing.T, slip, code string) {
	t.Helper()
	if _, err := creditcode.Parse(slip); err == nil {
		t.Errorf("%s passes, a slip of %s", slip, code)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(standard)
	f.Fuzz(func(t *testing.T, s string) {
		if code, err := creditcode.Parse(s); err == nil && (len(code) != 18 || strings.ToUpper(s) != s) {
			t.Errorf("Parse(%q) = %q", s, code)
		}
	})
}
