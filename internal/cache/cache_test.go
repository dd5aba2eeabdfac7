package cache_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/testservices"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"embedded": func(*testing.T) string { return cache.Embedded },
		"redis":    func(t *testing.T) string { return testservices.Redis(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := cache.Open(url(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			d := cache.Documents{Cache: c}
			if _, ok := d.Get(t.Context(), "a"); ok {
				t.Error("something was there before")
			}
			d.Add(t.Context(), "a", "{ viewer }")
			if text, ok := d.Get(t.Context(), "a"); !ok || text != "{ viewer }" {
				t.Errorf("Get gave %q %v", text, ok)
			}
			d.Add(t.Context(), "big", strings.Repeat("x", 1<<20))
			if _, ok := d.Get(t.Context(), "big"); ok {
				t.Error("a document without bound was kept")
			}
		})
	}
}

// TestTheEmbeddedServerIsBounded fills it: what was there stays, and new documents
// are not kept.
func TestTheEmbeddedServerIsBounded(t *testing.T) {
	t.Parallel()
	c, err := cache.Open(cache.Embedded)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := cache.Documents{Cache: c}
	kept := 0
	for i := range 4100 {
		hash := strconv.Itoa(i)
		d.Add(t.Context(), hash, "{ viewer }")
		if _, ok := d.Get(t.Context(), hash); ok {
			kept++
		}
	}
	if kept != 4000 {
		t.Errorf("%d documents are kept", kept)
	}
	if _, ok := d.Get(t.Context(), "0"); !ok {
		t.Error("the first has gone")
	}
}

func TestWithoutRedisNothingFails(t *testing.T) {
	t.Parallel()
	c, err := cache.Open("redis://127.0.0.1:1/0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := cache.Documents{Cache: c}
	d.Add(t.Context(), "a", "{ viewer }")
	if _, ok := d.Get(t.Context(), "a"); ok {
		t.Error("found without a Redis")
	}
	if _, err := cache.Open("http://127.0.0.1"); err == nil {
		t.Error("a URL that is no Redis was taken")
	}
}
