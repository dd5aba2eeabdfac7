package sdk

import (
	"fmt"
	"time"
)

// Question is what is asked about a case.
type Question struct {
	CaseRef   string         // names the case for correlation; it is opaque
	Day       time.Time      // the day as which the case is judged, midnight UTC
	Seed      uint64         // all chance comes from here
	Checks    []string       // ids of the checks to run
	Facts     map[string]any // what is known, by key: Decimal, int64, bool or Choice
	Materials []Material
}

// Choice is the value of an ENUM fact.
type Choice string

// Date is a day: midnight UTC.
func Date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Material is what is known about a file of the case.
type Material struct {
	Code   string
	Name   string // as it was uploaded
	Type   string // the media type that was found in the file
	Size   int64
	SHA256 []byte
	Trust  Trust

	path string // below the plugin's own directory
}

// kind names the kind of a fact's value.
func kind(v any) string {
	switch v.(type) {
	case Decimal:
		return "NUMBER"
	case int64:
		return "INT"
	case bool:
		return "BOOL"
	case Choice:
		return "ENUM"
	}
	return fmt.Sprintf("%T", v)
}
