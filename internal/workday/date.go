package workday

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
)

// layout is how a date is written, everywhere.
const layout = "2006-01-02"

// shanghai is the zone of every date. China has had no summer time since 1991.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Date is a civil day in Asia/Shanghai, from 0001-01-01 to 9999-12-31. The
// zero value is "no date". Dates compare with ==.
type Date struct {
	n int32 // 1 is Monday 0001-01-01; 0 is no date
}

// unixDay is the number of 1970-01-01.
const unixDay = 719163

// NewDate makes a date from numbers known to be right. Like time.Date it
// carries over what does not fit (31 April is 1 May); use ParseDate for input.
func NewDate(year int, month time.Month, day int) Date {
	seconds := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	return Date{int32(seconds/86400 + unixDay)}
}

// DateOf gives the day it is in Shanghai at t, and no date for the zero time.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return Date{}
	}
	return NewDate(t.In(shanghai).Date())
}

// ParseDate reads a date written as 2026-11-23 and refuses everything else,
// impossible days such as 2026-02-30 included.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fault.InvalidInput("workday.ParseDate", fault.Problem{
			Path: "date", Code: "BAD_DATE",
			ZH: fmt.Sprintf("%q不是有效日期，应写作 2026-11-23", s),
			EN: fmt.Sprintf("%q is not a date; write it as 2026-11-23", s),
		})
	}
	return NewDate(t.Date()), nil
}

// Start gives the instant at which the day begins in Shanghai.
func (d Date) Start() time.Time { return d.time().Add(-8 * time.Hour) }

// time gives midnight UTC of the day, for the calendar arithmetic of package time.
func (d Date) time() time.Time { return time.Unix((int64(d.n)-unixDay)*86400, 0).UTC() }

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d.n == 0 }

// String writes the date as 2026-11-23, and no date as "".
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.time().Format(layout)
}

// Year gives the year, and 0 for no date.
func (d Date) Year() int {
	if d.IsZero() {
		return 0
	}
	return d.time().Year()
}

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return time.Weekday(d.n % 7) }

// AddDays gives the date n natural days later; no date stays no date.
func (d Date) AddDays(n int) Date {
	if d.IsZero() {
		return d
	}
	return Date{d.n + int32(n)}
}

// Sub gives the number of natural days from other to d.
func (d Date) Sub(other Date) int { return int(d.n - other.n) }

// Before tells whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.n < other.n }

// After tells whether d is later than other.
func (d Date) After(other Date) bool { return d.n > other.n }

// Compare orders dates for slices.SortFunc.
func (d Date) Compare(other Date) int { return cmp.Compare(d.n, other.n) }

// Equal is ==; go-cmp looks for it.
func (d Date) Equal(other Date) bool { return d == other }

// MarshalText writes the date for JSON and YAML.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote; "" is no date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalGQL writes the date for GraphQL, and no date as null.
func (d Date) MarshalGQL(w io.Writer) {
	text := "null"
	if !d.IsZero() {
		text = strconv.Quote(d.String())
	}
	_, _ = io.WriteString(w, text) // gqlgen leaves no way to report it
}

// UnmarshalGQL reads a date given by a client.
func (d *Date) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	parsed, err := ParseDate(s)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Value stores the date as text, and no date as NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

// Scan reads the date from a text or a date column. Drivers give a date column
// as midnight UTC, which is the same day in Shanghai.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	case time.Time:
		*d = DateOf(v)
		return nil
	}
	return fmt.Errorf("workday: cannot read a date from a column of type %T", src)
}
