package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// page is one page of items.
type page struct {
	Data struct {
		Items struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			Edges []struct{ Node struct{ Code string } }
		}
	}
}

func TestCursorsWalkTheWholeList(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		for _, order := range []string{"", "orderBy: [{field: NAME, direction: DESC}, {field: POSITION}], "} {
			seen := map[string]bool{}
			after := ""
			for range 12 {
				answer, _ := a.ask(t, fmt.Sprintf(`{ items(%sfirst: 10%s) { pageInfo { hasNextPage endCursor } edges { node { code } } } }`, order, after), nil)
				var p page
				if err := json.Unmarshal([]byte(answer), &p); err != nil {
					t.Fatal(err)
				}
				for _, e := range p.Data.Items.Edges {
					if seen[e.Node.Code] {
						t.Errorf("%s%s comes twice", order, e.Node.Code)
					}
					seen[e.Node.Code] = true
				}
				if !p.Data.Items.PageInfo.HasNextPage {
					break
				}
				after = fmt.Sprintf(", after: %q", p.Data.Items.PageInfo.EndCursor)
			}
			if len(seen) != 75 {
				t.Errorf("order %q: %d items, want all 75", order, len(seen))
			}
		}
	})
}

func TestCursorsOfAnotherListAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		answer, _ := a.ask(t, `{ items(first: 1, orderBy: [{field: NAME}]) { pageInfo { hasNextPage endCursor } edges { node { code } } } }`, nil)
		var p page
		if err := json.Unmarshal([]byte(answer), &p); err != nil {
			t.Fatal(err)
		}
		for name, cursor := range map[string]string{
			"of another order": p.Data.Items.PageInfo.EndCursor,
			"garbage":          "garbage",
			"empty":            "",
		} {
			for _, query := range []string{
				`{ items(after: %q) { totalCount } }`,
				`{ items(before: %q, last: 3) { totalCount } }`,
				`{ standard(code: "biz-reg") { clauses(after: %q) { totalCount } } }`,
			} {
				answer, statements := a.ask(t, fmt.Sprintf(query, cursor), nil)
				if !strings.Contains(answer, "BAD_CURSOR") || statements != 0 {
					t.Errorf("%s: %d statements, %s", name, statements, answer)
				}
			}
		}
	})
}
