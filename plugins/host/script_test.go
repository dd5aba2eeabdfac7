package host_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// TestAScript runs a plugin in JavaScript in the sandbox, from verified bytes.
func TestAScript(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: plugins that are scripts are not tested")
	}
	const path = "testdata/script/plugin.js"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	release := host.Release{
		Name: "script", Mode: check.Enforce,
		Program: func(context.Context) (io.ReadCloser, error) { return os.Open(path) },
		Manifest: fmt.Appendf(nil, `{name: script, version: 1.0.0, department: fire, interpreter: node, programs: {any: %x},
			checks: [{id: a, clauses: [C-1], on_failure: REFER, pure: true}], messages: {said: {zh: "说 {text}", en: "{text}"}}}`, sha256.Sum256(text)),
	}
	if release.Signature, err = manifest.Sign(release.Manifest, signer); err != nil {
		t.Fatal(err)
	}
	without := newRig(t, nil)
	if err := without.Apply(t.Context(), []host.Release{release}); err == nil || !strings.Contains(err.Error(), "needs node") {
		t.Errorf("%v", err)
	}
	r := newRig(t, func(c *host.Config) { c.Interpreters = map[string]string{"node": node} })
	if err := r.Apply(t.Context(), []host.Release{release}); err != nil {
		t.Fatal(err)
	}
	got, _ := r.Run(t.Context(), question(""), r.asks(t, []string{"a"}, "script"))
	if got[0].Fault != nil {
		t.Fatalf("%+v", *got[0].Fault)
	}
	if said := got[0].Findings[0].Message.EN; r.Level() >= host.L1 && said != "EACCES EACCES EPERM done" {
		t.Error(said)
	}
}
