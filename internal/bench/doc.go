// Package bench measures what the product promises about speed, each figure
// beside the limit that it is measured against, in one run: `make bench`. It
// holds benchmarks, and TestGenerate, which fills a database for them when
// ONEDOOR_GENERATE names one.
package bench
