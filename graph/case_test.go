package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
)

// TestVerbs holds the one list of verbs: what people do to a case is a mutation,
// what the platform does is none.
func TestVerbs(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	var mutations []string
	for _, f := range schema.Mutation.Fields {
		if !slices.Contains([]string{"issueNotice", "setClock", "activatePlugin", "createWebhook", "updateWebhook", "rotateWebhookSecret", "deleteWebhook", "redeliver", "replayWebhook", "importCatalog", "startImpactRun", "cancelImpactRun"}, f.Name) { // on no case
			mutations = append(mutations, f.Name)
		}
	}
	verbs := []string{casework.EventOpened}
	for _, a := range casework.Actions {
		if !a.Timers() {
			verbs = append(verbs, string(a))
		}
	}
	for _, a := range slices.Concat(drafting.Actions, []drafting.Action{drafting.ActOpenCoordination}, drafting.CoordinationActions) {
		if a != drafting.ActSettle { // the platform's own
			verbs = append(verbs, string(a))
		}
	}
	slices.Sort(mutations)
	slices.Sort(verbs)
	if diff := cmp.Diff(verbs, mutations); diff != "" {
		t.Errorf("mutations (-actions +mutations):\n%s", diff)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "张": "*", "张三": "张*", "欧阳明": "欧*明", "欧阳明明": "欧**明", " 李雷 ": "李*", "Ann": "A*n", "Bo": "B*",
		"宁波市江北区某餐饮有限公司": "宁***********司",
	} {
		if got := graph.Mask(name); got != want {
			t.Errorf("%q is masked as %q, want %q", name, got, want)
		}
	}
}

func TestRefusedCommandsSayWhereTheCaseStands(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Conflict, "casework.acceptCase", "不行", "no")
	refused.State, refused.Version = "DRAFT", 3
	plain := fault.New(fault.NotFound, "casework.find", "没有", "none")
	for _, c := range []struct {
		err  *fault.Error
		want map[string]any
	}{
		{refused, map[string]any{"code": "CONFLICT", "op": "casework.acceptCase", "state": "DRAFT", "version": 3.0, "allowed": []any{}, "problems": []any{}}},
		{plain, map[string]any{"code": "NOT_FOUND", "op": "casework.find", "problems": []any{}}},
	} {
		text, err := json.Marshal(graph.Present(context.Background(), c.err).Extensions)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.err.Code, diff)
		}
	}
}

// TestCasePagesAreWhole walks lists whose orders have instants and days that may
// be missing: each thing comes once, in both directions.
func TestCasePagesAreWhole(t *testing.T) {
	type page struct {
		Data map[string]struct {
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       string
			}
			Edges []struct{ Node struct{ ID string } }
		}
	}
	onBoth(t, func(t *testing.T, a api) {
		a.office.crowd(4)
		for _, list := range []string{
			`cases(%s)`, `cases(%s, orderBy: [{field: RECEIVED_AT}])`, `cases(%s, orderBy: [{field: RECEIVED_AT, direction: DESC}])`,
			`cases(%s, orderBy: [{field: PROMISED_DUE_ON}, {field: OPENED_AT, direction: DESC}])`,
			`cases(%s, orderBy: [{field: STATUTORY_DUE_ON, direction: DESC}, {field: RECORDED_AT}])`,
			`reviews(%s)`, `reviews(%s, orderBy: [{field: DUE_ON, direction: DESC}])`, `reviews(%s, orderBy: [{field: STATE}, {field: DUE_ON}])`,
		} {
			walk := func(size, from string) []string {
				var ids []string
				at := ""
				for range 20 {
					answer, _ := a.askAs(t, wang, fmt.Sprintf(`{ list: `+list+` { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { id } } } }`, size+at), nil)
					var p page
					if err := json.Unmarshal([]byte(answer), &p); err != nil || strings.Contains(answer, `"errors"`) {
						t.Fatalf("%s: %v %s", list, err, answer)
					}
					l := p.Data["list"]
					var some []string
					for _, e := range l.Edges {
						some = append(some, e.Node.ID)
					}
					next, more := l.PageInfo.EndCursor, l.PageInfo.HasNextPage
					if from == "before" {
						slices.Reverse(some)
						next, more = l.PageInfo.StartCursor, l.PageInfo.HasPreviousPage
					}
					ids = append(ids, some...)
					if !more {
						return ids
					}
					at = fmt.Sprintf(", %s: %q", from, next)
				}
				t.Fatalf("%s has no end", list)
				return nil
			}
			all, on := walk("first: 50", "after"), walk("first: 2", "after")
			if len(all) < 7 {
				t.Fatalf("%s: %d entries", list, len(all))
			}
			if diff := cmp.Diff(all, on); diff != "" {
				t.Errorf("%s in pages (-whole +pages):\n%s", list, diff)
			}
			back := walk("last: 2", "before")
			slices.Reverse(back)
			if diff := cmp.Diff(all, back); diff != "" {
				t.Errorf("%s backwards (-whole +pages):\n%s", list, diff)
			}
		}
	})
}

// upload makes an upload of a text.
func upload(name, text string) graphql.Upload {
	return graphql.Upload{File: strings.NewReader(text), Filename: name, Size: int64(len(text))}
}
