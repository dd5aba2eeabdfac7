// Package courier carries messages of webhooks to their endpoints over HTTP. An
// endpoint is a stranger: it may be slow, hang, answer without end, redirect, or
// be a name for a machine inside. None of that holds the platform up or reaches
// what the operator has not allowed.
package courier

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/webhook"
)

// Limits bound one message.
type Limits struct {
	Connect time.Duration // name, connection and TLS
	Whole   time.Duration // until the end of the answer
	Body    int64         // bytes of the answer that are read, and thrown away
	Header  int64         // bytes of the answer's header
}

// Usual are the limits of the product. Standard Webhooks asks for 15 to 30
// seconds.
var Usual = Limits{Connect: 5 * time.Second, Whole: 20 * time.Second, Body: 64 << 10, Header: 16 << 10}

// Courier sends messages. It follows no redirect and uses no proxy.
type Courier struct {
	allowed []netip.Prefix
	limits  Limits
	client  *http.Client
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	now     func() time.Time
}

// New makes a courier. Allowed are the addresses that are no public ones and may
// be reached all the same, also without TLS.
func New(allowed []netip.Prefix, limits Limits) *Courier {
	c := &Courier{allowed: allowed, limits: limits, now: time.Now}
	c.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	// Control sees the address to which the connection is about to be made, whatever
	// the name was when it was checked (DNS rebinding).
	dialer := &net.Dialer{Timeout: limits.Connect, KeepAlive: 30 * time.Second, ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		_, clear := ctx.Value(clearKey{}).(bool)
		if err != nil || !c.mayReach(at.Addr(), clear) {
			return &forbiddenError{address}
		}
		return nil
	}}
	c.client = &http.Client{
		Timeout: limits.Whole,
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    limits.Connect,
			ResponseHeaderTimeout:  limits.Whole,
			MaxResponseHeaderBytes: limits.Header,
			MaxIdleConns:           512, // however many endpoints there are
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true, // a small answer could become a large one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// clearKey marks the context of a request without TLS.
type clearKey struct{}

type forbiddenError struct{ address string }

func (e *forbiddenError) Error() string { return "the address " + e.address + " is not allowed" }

// reserved are addresses that lead to no public machine, although they look like
// global ones (RFC 6890 and its registries).
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(a netip.Addr, in []netip.Prefix) bool {
	return slices.ContainsFunc(in, func(p netip.Prefix) bool { return p.Contains(a) })
}

// public says that an address is one of the public network.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !within(a, reserved)
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// mayReach says whether a message may go to an address; in clear only where the
// operator has allowed it.
func (c *Courier) mayReach(a netip.Addr, clear bool) bool {
	a = plain(a)
	return within(a, c.allowed) || public(a) && !clear
}

// Check says what is wrong with a target: its form, and where its name leads now.
func (c *Courier) Check(ctx context.Context, target string) []fault.Problem {
	bad := func(code, zh, en string) []fault.Problem { return []fault.Problem{{Code: code, ZH: zh, EN: en}} }
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" || u.Opaque != "" || badPort(u) {
		return bad("BAD_URL", "须为不含用户名和片段的 https 地址", "is an https URL without a user and a fragment")
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Connect)
	defer cancel()
	addresses, err := c.addresses(ctx, u.Hostname())
	if err != nil || len(addresses) == 0 {
		return bad("UNRESOLVED", "无法解析主机 "+u.Hostname(), "the host "+u.Hostname()+" has no address")
	}
	for _, a := range addresses {
		if !c.mayReach(a, false) {
			return bad("FORBIDDEN_TARGET", "目标不是公网地址，须由运营方允许", "the target is no public address; the operator has to allow it")
		}
		if !c.mayReach(a, u.Scheme == "http") {
			return bad("NO_TLS", "公网地址须使用 https", "a public address needs https")
		}
	}
	return nil
}

func badPort(u *url.URL) bool {
	if u.Port() == "" {
		return strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err != nil || n == 0
}

func (c *Courier) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	return c.resolve(ctx, host)
}

// Send sends a message and tells what came of it. The words of the answer stay
// outside: its status is all that counts.
func (c *Courier) Send(ctx context.Context, m webhook.Message) webhook.Answer {
	began := c.now()
	a := webhook.Answer{Attempt: webhook.Attempt{At: began.UTC()}}
	status, retryAfter, err := c.post(ctx, m)
	a.Took = c.now().Sub(began)
	if err != nil {
		a.Outcome, a.Error = failure(err)
		return a
	}
	a.Status, a.RetryAfter = status, retryAfter
	a.Outcome = webhook.Classify(status, retryAfter)
	if status >= 300 && status < 400 {
		a.Error = "redirects are not followed"
	}
	return a
}

func (c *Courier) post(ctx context.Context, m webhook.Message) (status int, retryAfter time.Duration, err error) {
	if !strings.HasPrefix(strings.ToLower(m.URL), "https:") {
		ctx = context.WithValue(ctx, clearKey{}, true)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return 0, 0, err
	}
	h := request.Header
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "onedoor-webhooks")
	h.Set("webhook-id", m.ID)
	h.Set("webhook-timestamp", strconv.FormatInt(m.Timestamp.Unix(), 10))
	h.Set("webhook-signature", m.Signature)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	// What comes in time and is short lets the connection be used again; the status
	// is known already.
	_, _ = io.CopyN(io.Discard, response.Body, c.limits.Body)
	return response.StatusCode, c.retryAfter(response.Header.Get("Retry-After")), nil
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); 0: neither.
func (c *Courier) retryAfter(text string) time.Duration {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(c.now()))
	}
	return 0
}

// failure names what kept an answer from coming. The address is not told: a name
// that leads inside would tell the inside.
func failure(err error) (webhook.Outcome, string) {
	var forbidden *forbiddenError
	var wire net.Error
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &forbidden):
		return webhook.Forbidden, "the name leads to an address that is not allowed"
	case errors.As(err, &certificate):
		return webhook.Unreachable, "the certificate is not valid"
	case errors.As(err, &name):
		return webhook.Unreachable, "the host has no address"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wire) && wire.Timeout():
		return webhook.Late, "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return webhook.Unreachable, "the connection was refused"
	}
	return webhook.Unreachable, "the connection broke"
}

// ParseAllowed reads a list of addresses and prefixes, such as
// 10.1.0.0/16,127.0.0.1.
func ParseAllowed(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(text)
		if a, aerr := netip.ParseAddr(text); aerr == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no address and no prefix, such as 10.1.0.0/16", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
