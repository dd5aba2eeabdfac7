package limit

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Doorkeeper limits requests of HTTP, and the streams that are open at once.
type Doorkeeper struct {
	Limiter *Limiter
	Address Rate           // of one network address, whoever signs in from there
	Subject Rate           // of one who has signed in
	Guess   Rate           // of one address, at what takes a number and a code
	Wrong   Rate           // of wrong codes for one number, by anybody
	Proxies []netip.Prefix // whose X-Forwarded-For is believed

	// How many streams an address and a subject may have open at this process; 0 is
	// no limit.
	AddressStreams, SubjectStreams int
}

// visit is what the doorkeeper knows of a request.
type visit struct {
	address    string
	retryAfter time.Duration // of a guess that was refused
}

type visitKey struct{}

// ByAddress limits the requests of each address. It stands before whoever reads
// tokens: those could be guessed too.
func (d *Doorkeeper) ByAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{address: d.address(r)}
		if !d.let(w, r, "address "+v.address, d.Address) {
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		if r.Header.Get("Upgrade") == "" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			w = &answer{ResponseWriter: w, visit: v} // streams have begun long before
		}
		next.ServeHTTP(w, r)
	})
}

// BySubject limits the requests of each who has signed in.
func (d *Doorkeeper) BySubject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := viewer.From(r.Context())
		if !v.Anonymous() && !d.let(w, r, subject(v), d.Subject) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// subject names who has signed in.
func subject(v viewer.Viewer) string { return fmt.Sprintf("subject %q %s", v.Subject, v.Role) }

// let lets a request in, or answers it. The headers are those of
// draft-ietf-httpapi-ratelimit-headers-06, which gateways and clients know.
func (d *Doorkeeper) let(w http.ResponseWriter, r *http.Request, key string, rate Rate) bool {
	if rate.Off() {
		return true
	}
	v := d.Limiter.Take(r.Context(), key, rate)
	h := w.Header()
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", rate.Count, seconds(rate.Per)))
	h.Set("RateLimit-Limit", strconv.Itoa(v.Limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(v.Remaining))
	h.Set("RateLimit-Reset", strconv.Itoa(seconds(v.Reset)))
	if !v.Allowed {
		refuse(w, r, v.RetryAfter)
	}
	return v.Allowed
}

// seconds rounds up: who comes back then is let in.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func limited(op string, retryAfter time.Duration) *fault.Error {
	n := seconds(retryAfter)
	return fault.New(fault.Limited, op, fmt.Sprintf("请求过于频繁，请 %d 秒后再试", n), fmt.Sprintf("too many requests; try again in %d seconds", n))
}

// refuse answers 429 in the form of a GraphQL error. It speaks to users itself,
// as graph/present.go does, because the request does not get that far.
func refuse(w http.ResponseWriter, r *http.Request, retryAfter time.Duration) {
	f := limited("limit.request", retryAfter)
	message := f.ZH
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "en") {
		message = f.EN
	}
	h := w.Header()
	h.Set("Retry-After", strconv.Itoa(seconds(retryAfter)))
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusTooManyRequests)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
		"message": message, "extensions": map[string]any{"code": f.Code, "op": f.Op, "problems": []any{}},
	}}}) // a client that is gone needs no answer
}

// answer is a response that tells by its status when a guess was refused.
type answer struct {
	http.ResponseWriter
	visit *visit
	begun bool
}

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if !a.begun && status == http.StatusOK && a.visit.retryAfter > 0 {
		a.Header().Set("Retry-After", strconv.Itoa(seconds(a.visit.retryAfter)))
		status = http.StatusTooManyRequests
	}
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

// Write goes on with the answer.
func (a *answer) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends what is there: some answers come in parts.
func (a *answer) Flush() {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // or it goes later
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// address names the network that a request comes from: an IPv4 address, or the 64
// bits that an IPv6 customer has. What a proxy says is believed only of trusted
// ones, from the nearest on.
func (d *Doorkeeper) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		at = at.Unmap().WithZone("")
		if !slices.ContainsFunc(d.Proxies, func(p netip.Prefix) bool { return p.Contains(at) }) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		at = before
	}
	if at = at.Unmap().WithZone(""); at.Is6() {
		p, _ := at.Prefix(64) // of an IPv6 address there is one
		return p.String()
	}
	return at.String()
}

// May says whether the request of ctx may try a code for a number: LIMITED when
// its address has tried too often, or anybody the number. Also a right code is
// refused then: the answer tells nothing.
func (d *Doorkeeper) May(ctx context.Context, number string) error {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		v = &visit{address: "unknown"}
	}
	for _, verdict := range []Verdict{d.Limiter.Take(ctx, "guess "+v.address, d.Guess), d.Limiter.Look(ctx, "number "+number, d.Wrong)} {
		if !verdict.Allowed {
			v.retryAfter = max(v.retryAfter, verdict.RetryAfter)
			return limited("limit.guess", verdict.RetryAfter)
		}
	}
	return nil
}

// Missed says that a code was wrong for a number.
func (d *Doorkeeper) Missed(ctx context.Context, number string) {
	d.Limiter.Take(ctx, "number "+number, d.Wrong)
}
