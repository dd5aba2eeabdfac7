package conflict_test

import (
	"context"
	"sync"
	"testing"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
)

var shipped = sync.OnceValues(func() (*guide.Catalogue, error) {
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		return nil, err
	}
	return guide.Compile(sourceOf(pack, nil))
})

// sourceOf makes a source of a pack; change may edit it.
func sourceOf(pack *catalog.Pack, change func(*guide.Source)) guide.Source {
	src := guide.Source{Revision: 1}
	for _, d := range pack.Departments {
		src.Departments = append(src.Departments, d.Value)
	}
	for _, f := range pack.Facts {
		src.Facts = append(src.Facts, f.Value)
	}
	for _, it := range pack.Items {
		s := guide.ItemStandard{Version: 1, Item: it.Value}
		for _, c := range pack.Clauses {
			if c.Value.Item == it.Value.Code {
				s.Clauses = append(s.Clauses, c.Value)
			}
		}
		src.Items = append(src.Items, s)
	}
	for _, s := range pack.Schemes {
		src.Schemes = append(src.Schemes, guide.JointStandard{Version: 1, Scheme: s.Value})
	}
	for _, r := range pack.Rules {
		src.Rules = append(src.Rules, law.Rule{Section: r.Value.Section, Code: r.Value.Code, Body: r.Value.Body})
	}
	if change != nil {
		change(&src)
	}
	return src
}

const today = "2026-11-23"

func packSubject(t testing.TB, day string) *conflict.Subject {
	t.Helper()
	c, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	s, err := conflict.From(c, day)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func analyse(t testing.TB, s *conflict.Subject, o conflict.Options) *conflict.Report {
	t.Helper()
	r, err := conflict.Analyse(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
