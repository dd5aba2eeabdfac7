package main

import (
	"testing"

	"github.com/onedoor/onedoor/plugins/internal/packtest"
)

func TestPlugin(t *testing.T) {
	t.Parallel()
	packtest.Prove(t, plugin())
}
