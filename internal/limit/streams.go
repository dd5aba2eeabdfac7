package limit

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// ParseCount reads how many there may be, or off, which is 0.
func ParseCount(text string) (int, error) {
	if text == "off" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, fmt.Errorf("%q is neither off nor a number from 1 to 1000000", text)
	}
	return n, nil
}

// Enter counts a stream, for as long as it is open, for the address of the request
// of ctx and for who is signed in. It is LIMITED when one of them has as many as
// they may. leave says that the stream has ended; it may be called again.
func (d *Doorkeeper) Enter(ctx context.Context) (leave func(), _ error) {
	var counts []count
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		counts = append(counts, count{"address " + v.address, d.AddressStreams})
	}
	if v := viewer.From(ctx); !v.Anonymous() {
		counts = append(counts, count{subject(v), d.SubjectStreams})
	}
	if !d.Limiter.enter(counts) {
		return nil, &fault.Error{Code: fault.Limited, Op: "limit.stream", ZH: "同时打开的实时连接过多，请关闭一些，或稍后再试", EN: "too many streams are open at once; close some, or try again later",
			Problems: []fault.Problem{{Code: "TOO_MANY_STREAMS", ZH: "实时连接过多", EN: "too many streams"}}}
	}
	return sync.OnceFunc(func() { d.Limiter.leave(counts) }), nil
}

// count is of whom streams are counted, and how many there may be; 0 is any.
type count struct {
	key  string
	most int
}

// enter counts one more for all, or for none when one of them has enough.
func (l *Limiter) enter(counts []count) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range counts {
		if c.most > 0 && l.open[c.key] >= c.most {
			return false
		}
	}
	for _, c := range counts {
		l.open[c.key]++
	}
	return true
}

func (l *Limiter) leave(counts []count) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range counts {
		if l.open[c.key]--; l.open[c.key] <= 0 {
			delete(l.open, c.key)
		}
	}
}
