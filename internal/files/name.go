package files

import (
	"path"
	"strings"
	"unicode"
)

// maxName is how long a name may be, in characters.
const maxName = 200

// maxExtension is the longest extension that a cut leaves in place, in
// characters with its dot.
const maxExtension = 16

// cleanName makes a name that people can be shown out of what a client sent:
// the last part of the path, without characters that are not seen or that turn
// the direction of writing (they can make "fdp.exe" look like "exe.pdf").
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimRight(strings.TrimSpace(name), ". ")

	extension := path.Ext(name)
	stem := strings.TrimSpace(strings.TrimSuffix(name, extension))
	if stem == "" {
		stem = "unnamed"
	}
	if len([]rune(extension)) > maxExtension {
		stem, extension = stem+extension, ""
	}
	runes := []rune(stem)
	stem = string(runes[:min(len(runes), maxName-len([]rune(extension)))])
	return strings.TrimRight(stem+extension, ". ")
}
