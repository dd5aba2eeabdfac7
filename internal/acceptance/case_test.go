package acceptance_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRestaurant plays the demo: the real command against the running server.
func TestRestaurant(t *testing.T) { onBoth(t, playRestaurant) }

var caseNumber = regexp.MustCompile(`BJ\d{8}-\w+`)

func playRestaurant(t *testing.T, in instance) {
	said := in.command(t, "demo", "-url", in.url)
	number := caseNumber.FindString(said)
	if number == "" || !strings.Contains(said, number+" is DELIVERED") {
		t.Fatalf("the demo says:\n%s", said)
	}
	c := in.as(t, clerk).show(t, number)
	if c.State != "DELIVERED" {
		t.Errorf("%s is %s", number, c.State)
	}
	for i, e := range c.Events.Edges { // one line for each, and a last one
		line := strings.Split(said, "\n")[i]
		if e.Node.Position != i+1 || !strings.Contains(line, " "+e.Node.Kind+" ") {
			t.Errorf("line %d of the timeline is %q, event %d is %s", i+1, line, e.Node.Position, e.Node.Kind)
		}
	}
	if lines, want := strings.Count(said, "\n"), len(c.Events.Edges)+1; lines != want {
		t.Errorf("the timeline has %d lines, want %d", lines, want)
	}
	for _, kind := range []string{"openCase", "submitCase", "acceptCase", "requestSupplement", "supplyCase", "startSpecialProcedure", "endSpecialProcedure", "decideCase", "deliverResult"} {
		if n := c.count(kind); n != 1 {
			t.Errorf("%s happened %d times", kind, n)
		}
	}
}

// TestSandbox: a sandbox comes up with a case at each stage, and the demo plays
// there with time passing.
func TestSandbox(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		awaitSeeds(t, in)
		var data struct {
			Cases struct {
				Edges []struct{ Node struct{ State string } }
			}
		}
		in.as(t, clerk).ask(t, `{ cases(first: 50, orderBy: [{field: OPENED_AT, direction: ASC}]) { edges { node { state } } } }`, nil, &data)
		var states []string
		for _, e := range data.Cases.Edges {
			states = append(states, e.Node.State)
		}
		want := []string{"DRAFT", "SUBMITTED", "IN_REVIEW", "SUPPLEMENTING", "GRANTED", "DELIVERED"}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		playRestaurant(t, in)
	}, "--sandbox")
}

// awaitSeeds waits until a sandbox has its demo data.
func awaitSeeds(t *testing.T, in instance) {
	t.Helper()
	eventually(t, "seeded", func() bool {
		var data struct{ Cases struct{ TotalCount int } }
		in.as(t, clerk).ask(t, `{ cases(where: {state: DELIVERED}) { totalCount } }`, nil, &data)
		return data.Cases.TotalCount > 0
	})
}
