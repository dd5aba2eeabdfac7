package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/plugins/internal/packtest"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	plugintest.Golden(t, plugin(), "testdata")
}

func TestConform(t *testing.T) {
	t.Parallel()
	packtest.Conform(t, plugin())
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	pack := packtest.Read(t)
	pack.Agrees(t, plugin(), "site-check", "video-filing")
	for _, id := range []string{"video", "venue-guards", "hotel-persons"} { // what needs a form to pass or to fail is in the golden cases
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			pack.NeverLaxer(t, plugin(), id, 2000, nil)
		})
	}
}

// TestSamples breaks no more of the sample projects than it should.
func TestSamples(t *testing.T) {
	t.Parallel()
	var want []string
	if diff := cmp.Diff(want, packtest.Read(t).Samples(t, plugin())); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
