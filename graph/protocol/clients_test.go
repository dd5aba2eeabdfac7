package protocol_test

import (
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/testservices"
)

// TestClients has other people's clients and audits try the server.
func TestClients(t *testing.T) {
	t.Parallel()
	run := testservices.Node(t, "../../clients/audit")
	s := newSite(t)
	if out := run("audit.mjs", s.url); !strings.Contains(out, `{"passed":61,"failed":0}`) {
		t.Errorf("the audits of graphql-http:\n%s", out)
	}
	t.Log(run("ws.mjs", s.url))
	t.Log(run("sse.mjs", s.url))
}
