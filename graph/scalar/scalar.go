// Package scalar spells the API's scalars in Go.
package scalar

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/onedoor/onedoor/internal/workday"
)

// MarshalDateTime writes an instant as RFC 3339 in UTC; the zero time as null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(time.RFC3339)))
	})
}

// UnmarshalDateTime reads RFC 3339.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("a DateTime is a string such as 2026-11-23T08:00:00Z")
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err
}

// MarshalDateText writes a day that the database keeps as text.
func MarshalDateText(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalDateText reads a day and refuses impossible ones.
func UnmarshalDateText(v any) (string, error) {
	var d workday.Date
	if err := d.UnmarshalGQL(v); err != nil {
		return "", err
	}
	return d.String(), nil
}

// MarshalFactSet writes a JSON object.
func MarshalFactSet(facts map[string]any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _ = json.NewEncoder(w).Encode(facts) })
}

// UnmarshalFactSet reads a JSON object; its values are judged by the vocabulary.
func UnmarshalFactSet(v any) (map[string]any, error) {
	facts, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a FactSet is an object of fact keys and values")
	}
	return facts, nil
}
