package bench_test

import (
	"os"
	"strconv"
)

// scaled makes a size smaller or larger by ONEDOOR_BENCH_SCALE.
func scaled(n int) int {
	scale, err := strconv.ParseFloat(os.Getenv("ONEDOOR_BENCH_SCALE"), 64)
	if err != nil || scale <= 0 {
		scale = 1
	}
	return max(1, int(float64(n)*scale))
}
