package protocol

import (
	"cmp"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The forms of an answer.
const (
	plainJSON   = "application/json"
	graphJSON   = "application/graphql-response+json"
	eventStream = "text/event-stream"
)

// form is how an answer is written.
type form struct {
	media  string // plainJSON, graphJSON or eventStream; empty: plainJSON
	events bool   // a stream would do as well
}

// accepted is one media range of an Accept header.
type accepted struct {
	media string
	q     float64
	place int // in the header
}

type acceptList []accepted

// readAccept reads what a client accepts. A range that cannot be read, or wants
// another encoding than UTF-8, accepts nothing.
func readAccept(h http.Header) acceptList {
	var list acceptList
	for i, text := range splitList(strings.Join(h.Values("Accept"), ",")) {
		media, parameters, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		if charset, ok := parameters["charset"]; ok && !isUTF8(charset) {
			continue
		}
		q := 1.0
		if text, ok := parameters["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(q) || q < 0 || q > 1 {
				continue
			}
		}
		list = append(list, accepted{media, q, i})
	}
	return list
}

// splitList splits a header at its commas, but not within quotes.
func splitList(s string) []string {
	var parts []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return slices.DeleteFunc(append(parts, s[start:]), func(p string) bool { return strings.TrimSpace(p) == "" })
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// of gives how well a type is accepted: by the most exact range that names it. A
// stream has to be named.
func (l acceptList) of(media string) accepted {
	kind, _, _ := strings.Cut(media, "/")
	ranges := []string{media, kind + "/*", "*/*"}
	if media == eventStream {
		ranges = ranges[:1]
	}
	for _, by := range ranges {
		if i := slices.IndexFunc(l, func(a accepted) bool { return a.media == by }); i >= 0 {
			return l[i]
		}
	}
	return accepted{media: media}
}

// negotiate chooses the form of the answer that the client likes best; of those
// that it likes equally, the one that it names first.
func negotiate(r *http.Request, draft bool) (form, *refusal) {
	usual := []string{plainJSON, graphJSON, eventStream}
	if draft {
		usual = []string{graphJSON, plainJSON, eventStream}
	}
	if strings.TrimSpace(strings.Join(r.Header.Values("Accept"), "")) == "" { // an empty list says nothing
		return form{media: usual[0]}, nil
	}
	list := readAccept(r.Header)
	best := slices.MaxFunc(usual, func(a, b string) int {
		x, y := list.of(a), list.of(b)
		return cmp.Or(cmp.Compare(x.q, y.q), cmp.Compare(y.place, x.place))
	})
	if list.of(best).q == 0 {
		return form{}, &refusal{status: http.StatusNotAcceptable, err: invalid("NOT_ACCEPTABLE",
			"只能以 application/graphql-response+json、application/json 或 text/event-stream 答复",
			"answers come as application/graphql-response+json, application/json or text/event-stream")}
	}
	return form{media: best, events: list.of(eventStream).q > 0}, nil
}
