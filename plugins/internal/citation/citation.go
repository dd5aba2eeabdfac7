// Package citation is a place in the law with how sure we are of it, as the
// catalogue marks its own sources.
package citation

import "github.com/onedoor/onedoor/plugins/sdk"

// Verified says how a citation was checked.
type Verified string

// The marks, as the catalogue has them.
const (
	Text      Verified = "text"      // read in the text of the law
	Web       Verified = "web"       // read on a page that quotes it
	Knowledge Verified = "knowledge" // not checked: a district confirms it before it relies on it
	District  Verified = "district"  // a parameter of the district, illustrative here
)

// Citation is a place in the law.
type Citation struct {
	Law      string
	Article  string
	Verified Verified
}

// Back puts citations below a finding.
func Back(f sdk.Finding, with ...Citation) sdk.Finding {
	for _, c := range with {
		f = f.Under(c.Law, c.Article)
	}
	return f
}
