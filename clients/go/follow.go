package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// answerOf is an answer of the API.
type answerOf[T any] struct {
	Data   *T
	Errors gqlerror.List
}

func (a answerOf[T]) data() (*T, error) {
	if len(a.Errors) > 0 {
		return nil, a.Errors
	}
	return a.Data, nil
}

// follow gives the events of a case after one whose cursor is known, each once and
// in order, until the reader stops, the context ends or the API refuses. A stream
// that is cut off is taken up again after the last event.
func follow(ctx context.Context, signed *http.Client, url, number, after string) iter.Seq2[*CaseEventsCaseEventsEvent, error] {
	return func(yield func(*CaseEventsCaseEventsEvent, error) bool) {
		for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
			for event, err := range stream(ctx, signed, url, number, after) {
				if !yield(event, err) || err != nil {
					return
				}
				after, pause = event.Cursor, 100*time.Millisecond
			}
			select {
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			case <-time.After(pause):
			}
		}
	}
}

// stream gives what one connection brings: server-sent events, each with an answer.
// It just ends where the connection does; an error is the API's.
func stream(ctx context.Context, signed *http.Client, url, number, after string) iter.Seq2[*CaseEventsCaseEventsEvent, error] {
	return func(yield func(*CaseEventsCaseEventsEvent, error) bool) {
		operation, err := json.Marshal(map[string]any{"query": CaseEvents_Operation, "variables": map[string]any{"number": number, "after": after}})
		if err != nil {
			yield(nil, err)
			return
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(operation))
		if err != nil {
			yield(nil, err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "text/event-stream")
		resp, err := signed.Do(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 && resp.StatusCode < 500 {
			yield(nil, fmt.Errorf("the API refuses: %s", resp.Status))
			return
		}
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			text, ok := strings.CutPrefix(lines.Text(), "data:")
			if text = strings.TrimSpace(text); !ok || text == "" {
				continue
			}
			var answer answerOf[CaseEventsResponse]
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				yield(nil, err)
				return
			}
			data, err := answer.data()
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(data.CaseEvents, nil) {
				return
			}
		}
	}
}
