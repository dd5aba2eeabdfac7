package courier_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/courier"
	"github.com/onedoor/onedoor/internal/webhook"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

var quick = courier.Limits{Connect: 2 * time.Second, Whole: 500 * time.Millisecond, Body: 1 << 10, Header: 4 << 10}

func message(url string) webhook.Message {
	return webhook.Message{URL: url, ID: "dlv_1_1", Timestamp: time.Unix(1_800_000_000, 0), Signature: "v1,abc", Body: []byte(`{"type":"openCase"}`)}
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func TestSend(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the courier has left
		<-r.Context().Done()
	}
	status := func(code int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for name, c := range map[string]struct {
		handler    http.HandlerFunc
		want       webhook.Outcome
		status     int
		retryAfter time.Duration
	}{
		"taken":                   {status(204), webhook.Taken, 204, 0},
		"gone":                    {status(410), webhook.Gone, 410, 0},
		"refused":                 {status(400), webhook.Rejected, 400, 0},
		"throttled":               {status(429, "Retry-After", "120"), webhook.Throttled, 429, 2 * time.Minute},
		"overloaded":              {status(503, "Retry-After", "7"), webhook.Throttled, 503, 7 * time.Second},
		"down":                    {status(503), webhook.Erred, 503, 0},
		"slow request":            {status(408), webhook.Erred, 408, 0},
		"redirecting":             {status(302, "Location", "http://127.0.0.1:1/"), webhook.Rejected, 302, 0},
		"nonsense in Retry-After": {status(429, "Retry-After", "soon"), webhook.Throttled, 429, 0},
		"hanging":                 {hang, webhook.Late, 0, 0},
		"hanging in its body": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			hang(w, r)
		}, webhook.Taken, 200, 0},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, webhook.Taken, 200, 0},
		"huge header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("x", 1<<20))
		}, webhook.Unreachable, 0, 0},
		"dripping": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil { // a byte now and then, for ever
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, webhook.Taken, 200, 0},
		"dripping its header": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			for text := "HTTP/1.1 200 OK\r\nX-Slow: "; err == nil; text = "x" {
				_, err = io.WriteString(conn, text)
				time.Sleep(10 * time.Millisecond)
			}
		}, webhook.Late, 0, 0},
		"early hints without end": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			for err == nil {
				_, err = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			}
		}, webhook.Unreachable, 0, 0},
		"a Retry-After of years":   {status(429, "Retry-After", "99999999999"), webhook.Throttled, 429, 0},
		"a Retry-After before now": {status(429, "Retry-After", "-5"), webhook.Throttled, 429, 0},
		"breaking": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, webhook.Unreachable, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := courier.New(loopback, quick).Send(t.Context(), message(serve(t, c.handler)))
			if a.Outcome != c.want || a.Status != c.status || a.RetryAfter != c.retryAfter {
				t.Errorf("%+v, want %s %d %s", a, c.want, c.status, c.retryAfter)
			}
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	var text []byte
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		text, _ = io.ReadAll(r.Body)
		got <- r
	})
	if a := courier.New(loopback, quick).Send(t.Context(), message(url)); a.Outcome != webhook.Taken {
		t.Fatalf("%+v", a)
	}
	r := <-got
	h := r.Header
	if r.Method != http.MethodPost || string(text) != `{"type":"openCase"}` || h.Get("webhook-id") != "dlv_1_1" || h.Get("webhook-timestamp") != "1800000000" || h.Get("webhook-signature") != "v1,abc" || h.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%s %s %v", r.Method, text, h)
	}
}

// A redirect inside, a private address, and a name that leads there now are all
// not reached; nothing hears of the message.
func TestNothingInsideIsReached(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(secure.Close)
	c := courier.New(nil, quick)
	for _, url := range []string{inside, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, secure.URL, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)} {
		if p := c.Check(t.Context(), url); len(p) != 1 || p[0].Code != "FORBIDDEN_TARGET" {
			t.Errorf("%s: %v", url, p)
		}
		if a := c.Send(t.Context(), message(url)); a.Outcome != webhook.Forbidden {
			t.Errorf("%s: %+v", url, a)
		}
	}
	redirecting := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside, http.StatusTemporaryRedirect)
	})
	if a := courier.New(loopback, quick).Send(t.Context(), message(redirecting)); a.Outcome != webhook.Rejected {
		t.Errorf("a redirect: %+v", a)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests arrived inside", n)
	}
}

// In clear a message goes only where the operator has allowed it, whatever the
// name meant when the webhook was made.
func TestNothingPublicIsReachedInClear(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]webhook.Outcome{"http://192.88.99.1/": webhook.Forbidden, "http://93.184.215.14/": webhook.Forbidden} {
		if a := courier.New(loopback, quick).Send(t.Context(), message(url)); a.Outcome != want {
			t.Errorf("%s: %+v", url, a)
		}
	}
}

// No proxy of the environment is used: it would reach what the courier may not.
func TestNoProxy(t *testing.T) {
	var asked atomic.Int32
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy)
	}
	courier.New(nil, quick).Send(t.Context(), message("https://192.0.2.1/"))
	if asked.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestAWrongCertificateIsNoEndpoint(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	if a := courier.New(loopback, quick).Send(t.Context(), message(s.URL)); a.Outcome != webhook.Unreachable || a.Error != "the certificate is not valid" {
		t.Errorf("%+v", a)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	allowed, err := courier.ParseAllowed("127.0.0.1, 10.2.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	c := courier.New(allowed, quick)
	for url, want := range map[string]string{
		"https://93.184.215.14/hook": "", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/": "", "http://127.0.0.1:9/x?y=1": "", "https://10.2.3.4": "",
		"http://93.184.215.14/": "NO_TLS", "https://10.3.0.1/": "FORBIDDEN_TARGET", "https://127.0.0.2/": "FORBIDDEN_TARGET", "https://192.168.1.1/": "FORBIDDEN_TARGET",
		"https://169.254.169.254/latest": "FORBIDDEN_TARGET", "https://100.64.0.1/": "FORBIDDEN_TARGET", "https://0.0.0.0/": "FORBIDDEN_TARGET",
		"https://[::1]/": "FORBIDDEN_TARGET", "https://[fd00::1]/": "FORBIDDEN_TARGET", "https://[fe80::1]/": "FORBIDDEN_TARGET", "https://[::]/": "FORBIDDEN_TARGET",
		"https://[64:ff9b::7f00:1]/": "FORBIDDEN_TARGET", "https://[2002:7f00:1::]/": "FORBIDDEN_TARGET", "https://224.0.0.1/": "FORBIDDEN_TARGET", "https://255.255.255.255/": "FORBIDDEN_TARGET",
		"ftp://93.184.215.14/": "BAD_URL", "https://u:p@93.184.215.14/": "BAD_URL", "https://93.184.215.14/#a": "BAD_URL", "/hook": "BAD_URL", "https://": "BAD_URL",
		"https://93.184.215.14/\r\nX-Injected: 1": "BAD_URL", "https://93.184.215.14\r\nX-Injected: 1/": "BAD_URL", "https://93.184.215.14/\x00": "BAD_URL", "https://a b/": "BAD_URL",
		"https:93.184.215.14": "BAD_URL", "https://93.184.215.14:99999/": "BAD_URL", "https://93.184.215.14:0/": "BAD_URL", "%": "BAD_URL",
		"https://nobody.invalid/": "UNRESOLVED", "https://0x7f.1/": "UNRESOLVED", "https://2130706433/": "UNRESOLVED",
	} {
		got := ""
		for _, p := range c.Check(t.Context(), url) {
			got += p.Code
		}
		if got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func TestStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	limits := quick
	limits.Whole = time.Hour
	if a := courier.New(loopback, limits).Send(ctx, message(url)); a.Status != 0 || a.Outcome == webhook.Taken {
		t.Errorf("%+v", a)
	}
}

func TestParseAllowed(t *testing.T) {
	t.Parallel()
	if got, err := courier.ParseAllowed("10.1.2.3/16,::1"); err != nil || fmt.Sprint(got) != "[10.1.0.0/16 ::1/128]" {
		t.Errorf("%v %v", got, err)
	}
	if _, err := courier.ParseAllowed("10.1.0.0/99"); err == nil {
		t.Error("nonsense was taken")
	}
}

// A name that is public when the webhook is made, and leads inside when the message
// is sent, reaches nothing.
func TestRebinding(t *testing.T) { // not parallel: the resolver is everybody's
	var reached, asked atomic.Int32
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() })
	var inward atomic.Bool
	go answerNames(names, func() [4]byte {
		asked.Add(1)
		if inward.Load() {
			return [4]byte{127, 0, 0, 1}
		}
		return [4]byte{93, 184, 215, 14}
	})
	usual := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = usual })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", names.LocalAddr().String())
	}}
	c, url := courier.New(nil, quick), "https://rebinding.example:"+port+"/"
	if p := c.Check(t.Context(), url); len(p) != 0 {
		t.Fatalf("%v", p)
	}
	inward.Store(true)
	before := asked.Load()
	if a := c.Send(t.Context(), message(url)); a.Outcome != webhook.Forbidden {
		t.Errorf("%+v", a)
	}
	if asked.Load() == before || reached.Load() != 0 {
		t.Errorf("asked %d times for the name, %d requests arrived inside", asked.Load()-before, reached.Load())
	}
}

// answerNames answers each question for an address (RFC 1035) with one, and other
// questions with nothing.
func answerNames(conn net.PacketConn, address func() [4]byte) {
	buffer := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		end := 12
		for buffer[end] != 0 {
			end += int(buffer[end]) + 1
		}
		question := buffer[12 : end+5]
		answer := append([]byte{buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
		if kind := buffer[end+2]; n > end+2 && kind == 1 { // A
			a := address()
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, a[0], a[1], a[2], a[3])
		}
		if _, err := conn.WriteTo(answer, from); err != nil {
			return
		}
	}
}
