package host

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// What a plugin may say. A line over the limit is cut, lines over the rate are
// dropped and counted: it is read to the end whatever it writes, so that neither
// side ever waits, and no more than this gets into the log.
const (
	maxLine  = 8 << 10 // bytes
	logBurst = 256     // lines at once
	logRate  = 50      // lines a second
)

// journal is where the output of one process goes.
type journal struct {
	log *slog.Logger // names the plugin

	mu      sync.Mutex
	tokens  float64
	filled  time.Time
	dropped int64
	cause   string // the first line that tells of an end
	last    string
}

func newJournal(log *slog.Logger) *journal {
	return &journal{log: log, tokens: logBurst, filled: time.Now()}
}

// lines cuts a stream into lines.
type lines struct {
	journal *journal
	stream  string
	line    []byte
	cut     bool
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		if room := maxLine - len(l.line); len(piece) > room {
			piece, l.cut = piece[:room], true
		}
		l.line = append(l.line, piece...)
		if rest = after; ended {
			l.flush()
		}
	}
	return len(p), nil
}

// flush logs what has no end yet.
func (l *lines) flush() {
	l.journal.say(l.stream, l.line, l.cut)
	l.line, l.cut = l.line[:0], false
}

// drain reads a stream to its end.
func (j *journal) drain(stream string, r io.Reader) {
	l := &lines{journal: j, stream: stream}
	_, _ = io.Copy(l, r)
	l.flush()
}

// say logs a line.
func (j *journal) say(stream string, line []byte, cut bool) {
	text := strings.ToValidUTF8(strings.TrimSpace(string(line)), "�")
	if text == "" {
		return
	}
	j.mu.Lock()
	if j.last = text; j.cause == "" && fatal(text) {
		j.cause = text
	}
	now := time.Now()
	j.tokens = min(logBurst, j.tokens+now.Sub(j.filled).Seconds()*logRate)
	j.filled = now
	if j.tokens < 1 {
		j.dropped++
		j.mu.Unlock()
		return
	}
	j.tokens--
	dropped := j.dropped
	j.dropped = 0
	j.mu.Unlock()
	if dropped > 0 {
		j.log.Warn("the plugin says too much; lines were dropped", "dropped", dropped)
	}
	level, message, attrs := read(text)
	attrs = append(attrs, slog.String("stream", stream))
	if cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	j.log.LogAttrs(context.Background(), level, message, attrs...)
}

// close says what has not been said yet.
func (j *journal) close() {
	j.mu.Lock()
	dropped := j.dropped
	j.dropped = 0
	j.mu.Unlock()
	if dropped > 0 {
		j.log.Warn("the plugin says too much; lines were dropped", "dropped", dropped)
	}
}

// explanation is the line that tells best why a process has ended.
func (j *journal) explanation() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return clip(cmp.Or(j.cause, j.last))
}

// fatal says whether a line tells of an end: what Go, Node and Python print.
func fatal(line string) bool {
	for _, start := range []string{"panic: ", "fatal error: ", "FATAL ERROR: ", "MemoryError"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// read understands lines of go-plugin's JSON logger, which the SDK writes too.
// Its fields stand in a group, so that a plugin cannot write fields of the host.
func read(text string) (slog.Level, string, []slog.Attr) {
	var fields map[string]any
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &fields) != nil {
		level := slog.LevelInfo
		if fatal(text) {
			level = slog.LevelError
		}
		return level, text, nil
	}
	message, _ := fields["@message"].(string)
	if message == "" {
		return slog.LevelInfo, text, nil
	}
	level := slog.LevelInfo
	switch fields["@level"] {
	case "trace", "debug":
		level = slog.LevelDebug
	case "warn":
		level = slog.LevelWarn
	case "error":
		level = slog.LevelError
	}
	var said []any
	for key, value := range fields {
		if !strings.HasPrefix(key, "@") {
			said = append(said, slog.Any(key, value))
		}
	}
	if said == nil {
		return level, message, nil
	}
	return level, message, []slog.Attr{slog.Group("said", said...)}
}
