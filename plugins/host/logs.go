package host

import (
	"bytes"
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
	maxLine   = 8 << 10 // bytes
	logBurst  = 256     // lines at once
	logRate   = 50      // lines a second
	tailLines = 20      // kept to explain an end
)

// journal is where the output of one process goes.
type journal struct {
	log *slog.Logger // names the plugin

	mu      sync.Mutex
	tokens  float64
	filled  time.Time
	dropped int64
	tail    []string
}

func newJournal(log *slog.Logger) *journal {
	return &journal{log: log, tokens: logBurst, filled: time.Now()}
}

// drain reads a stream to its end.
func (j *journal) drain(stream string, r io.Reader) {
	buffer := make([]byte, 32<<10)
	var line []byte
	cut := false
	for {
		n, err := r.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			piece, after, ended := bytes.Cut(rest, []byte{'\n'})
			if room := maxLine - len(line); len(piece) > room {
				piece, cut = piece[:room], true
			}
			line = append(line, piece...)
			if rest = after; ended {
				j.say(stream, line, cut)
				line, cut = line[:0], false
			}
		}
		if err != nil {
			if len(line) > 0 {
				j.say(stream, line, cut)
			}
			return
		}
	}
}

// say logs a line.
func (j *journal) say(stream string, line []byte, cut bool) {
	text := strings.ToValidUTF8(strings.TrimSpace(string(line)), "�")
	if text == "" {
		return
	}
	j.mu.Lock()
	j.tail = append(j.tail, text)
	if len(j.tail) > tailLines {
		j.tail = j.tail[1:]
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

// last gives the last lines.
func (j *journal) last() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tail
}

// read understands lines of go-plugin's JSON logger, which the SDK writes too.
// Its fields stand in a group, so that a plugin cannot write fields of the host.
func read(text string) (slog.Level, string, []slog.Attr) {
	var fields map[string]any
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &fields) != nil {
		level := slog.LevelInfo
		if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
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
