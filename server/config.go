package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/courier"
	"github.com/onedoor/onedoor/internal/limit"
	"github.com/onedoor/onedoor/internal/webhook"
	"github.com/onedoor/onedoor/plugins/host"
)

// config is what the operator sets, by environment or by flag; a flag wins.
type config struct {
	addr        string // ONEDOOR_ADDR
	data        string // ONEDOOR_DATA: folder of the embedded database, of files and of the local issuer
	databaseURL string // DATABASE_URL; empty: SQLite in the data folder
	redisURL    string // REDIS_URL; empty: inside the process
	blobURL     string // BLOB_URL: where uploaded files are kept; empty: in the data folder

	run          string            // ONEDOOR_RUN: where sockets of plugins are, a short path
	pluginKeys   string            // ONEDOOR_PLUGIN_KEYS: folder of the departments' public keys; empty: in the data folder
	pluginFloor  host.Level        // ONEDOOR_PLUGIN_FLOOR: below this level of the sandbox no plugin runs
	pluginDev    bool              // ONEDOOR_PLUGIN_DEV: takes unsigned plugins
	interpreters map[string]string // ONEDOOR_PLUGIN_INTERPRETERS: node=/usr/bin/node,…

	production bool              // ONEDOOR_PRODUCTION: nobody is shown the schema by introspection or suggestions
	draft      bool              // ONEDOOR_HTTP_DRAFT: the status codes of the newer draft of GraphQL over HTTP
	origins    []string          // ONEDOOR_ORIGINS: other sites whose pages may use the API
	trusted    map[string]string // ONEDOOR_TRUSTED_DOCUMENTS: all operations that are served; nil: any
	publicAge  time.Duration     // ONEDOOR_PUBLIC_AGE: how long browsers and proxies may keep public answers
	stopDelay  time.Duration     // ONEDOOR_STOP_DELAY: how long to go on serving when told to stop, not ready

	secretKeys     webhook.Keys     // ONEDOOR_SECRET_KEY: the first seals the secrets of webhooks, all open them; none: those in the data folder
	webhookAllowed []netip.Prefix   // ONEDOOR_WEBHOOK_ALLOW: addresses that are not public and may get webhooks
	doorkeeper     limit.Doorkeeper // ONEDOOR_LIMIT_…: how often somebody may ask, and how many streams he may have open
}

// parseConfig reads the settings for a command and gives the arguments that are
// left. A bad value is refused here, in one line. A command adds the flags that
// are its own.
func parseConfig(command string, args []string, getenv func(string) string, stderr io.Writer, own ...func(*flag.FlagSet)) (config, []string, error) {
	env := func(key, otherwise string) string {
		if v := getenv(key); v != "" {
			return v
		}
		return otherwise
	}
	var c config
	flags := flag.NewFlagSet("server "+command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run's caller prints the error, once
	flags.StringVar(&c.addr, "addr", env("ONEDOOR_ADDR", "127.0.0.1:8080"), "address to serve on (ONEDOOR_ADDR)")
	flags.StringVar(&c.data, "data", env("ONEDOOR_DATA", "./data"), "folder of the embedded database, of uploaded files and of the local issuer (ONEDOOR_DATA)")
	flags.StringVar(&c.databaseURL, "database-url", getenv("DATABASE_URL"), "postgres://… or sqlite:PATH (DATABASE_URL); SQLite in the data folder when empty")
	flags.StringVar(&c.redisURL, "redis-url", getenv("REDIS_URL"), "redis://… (REDIS_URL); inside the process when empty")
	flags.StringVar(&c.blobURL, "blob-url", getenv("BLOB_URL"), "file:///DIR or s3://BUCKET?… for uploaded files (BLOB_URL); in the data folder when empty")
	groups := []func() error{c.check, c.pluginSettings(flags, getenv), c.apiSettings(flags, getenv), c.timeSettings(flags, env), c.webhookSettings(flags, getenv), c.limitSettings(flags, env)}
	for _, add := range own {
		add(flags)
	}
	var rest []string // flags may stand behind arguments too
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				flags.SetOutput(stderr)
				flags.PrintDefaults()
			}
			return config{}, nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
	var bad []error
	for _, read := range groups {
		bad = append(bad, read())
	}
	if err := errors.Join(bad...); err != nil {
		return config{}, nil, err
	}
	return c, rest, nil
}

// pluginSettings are those of departments' plugins. Like the groups below it
// gives what reads them, to be called when all flags are known.
func (c *config) pluginSettings(flags *flag.FlagSet, getenv func(string) string) func() error {
	flags.StringVar(&c.run, "run", cmp.Or(getenv("ONEDOOR_RUN"), runFolder(getenv)), "`FOLDER` of the sockets of plugins, best in memory and with a short path (ONEDOOR_RUN)")
	flags.StringVar(&c.pluginKeys, "plugin-keys", getenv("ONEDOOR_PLUGIN_KEYS"), "`FOLDER` of the departments' public keys, such as fire.pub (ONEDOOR_PLUGIN_KEYS); plugin-keys in the data folder when empty")
	flags.BoolVar(&c.pluginDev, "dev", getenv("ONEDOOR_PLUGIN_DEV") == "1", "take plugins that nobody has signed, and say so on each finding (ONEDOOR_PLUGIN_DEV=1)")
	floor := flags.String("plugin-floor", getenv("ONEDOOR_PLUGIN_FLOOR"), "`LEVEL` of the sandbox below which no plugin runs: L0, L1 or L2 (ONEDOOR_PLUGIN_FLOOR); L1 on Linux when empty")
	interpreters := flags.String("interpreters", getenv("ONEDOOR_PLUGIN_INTERPRETERS"), "`NAME=PATH,…` of the programs that run scripts, such as node=/usr/bin/node (ONEDOOR_PLUGIN_INTERPRETERS)")
	return func() error {
		if c.pluginKeys == "" {
			c.pluginKeys = filepath.Join(c.data, "plugin-keys")
		}
		if *floor != "" {
			level, err := host.ParseLevel(*floor)
			if err != nil {
				return fmt.Errorf("ONEDOOR_PLUGIN_FLOOR: %w", err)
			}
			c.pluginFloor = level
		}
		c.interpreters = map[string]string{}
		for entry := range strings.SplitSeq(*interpreters, ",") {
			name, path, ok := strings.Cut(strings.TrimSpace(entry), "=")
			switch {
			case entry == "":
			case !ok || !filepath.IsAbs(path):
				return fmt.Errorf("ONEDOOR_PLUGIN_INTERPRETERS: %q is not NAME=/PATH", entry)
			default:
				c.interpreters[name] = path
			}
		}
		return nil
	}
}

// apiSettings are those of the API.
func (c *config) apiSettings(flags *flag.FlagSet, getenv func(string) string) func() error {
	flags.BoolVar(&c.production, "production", getenv("ONEDOOR_PRODUCTION") == "1", "no introspection, and no suggestions in errors (ONEDOOR_PRODUCTION=1)")
	flags.BoolVar(&c.draft, "http-draft", getenv("ONEDOOR_HTTP_DRAFT") == "1", "status codes of the newer draft of GraphQL over HTTP (ONEDOOR_HTTP_DRAFT=1)")
	origins := flags.String("origins", getenv("ONEDOOR_ORIGINS"), "origins of other sites whose pages may use the API, such as https://example.org, with commas between (ONEDOOR_ORIGINS)")
	trusted := flags.String("trusted-documents", getenv("ONEDOOR_TRUSTED_DOCUMENTS"), "file of the operations that are served, and no others: JSON of hashes and texts (ONEDOOR_TRUSTED_DOCUMENTS)")
	return func() error { return errors.Join(c.readOrigins(*origins), c.readTrusted(*trusted)) }
}

// timeSettings say how long public answers may be kept by others, and how long
// stopping is delayed.
func (c *config) timeSettings(flags *flag.FlagSet, env func(key, otherwise string) string) func() error {
	age := flags.String("public-age", env("ONEDOOR_PUBLIC_AGE", "60s"), "`TIME` for which browsers and proxies may keep a public answer without asking again (ONEDOOR_PUBLIC_AGE)")
	delay := flags.String("stop-delay", env("ONEDOOR_STOP_DELAY", "0s"), "`TIME` to go on serving when told to stop, so that a balancer sees that it is no longer ready (ONEDOOR_STOP_DELAY)")
	return func() error {
		return errors.Join(readDuration(&c.publicAge, "ONEDOOR_PUBLIC_AGE", *age, 24*time.Hour), readDuration(&c.stopDelay, "ONEDOOR_STOP_DELAY", *delay, time.Minute))
	}
}

// webhookSettings are those of webhooks. The keys have no flag: other users of the
// machine can read those.
func (c *config) webhookSettings(flags *flag.FlagSet, getenv func(string) string) func() error {
	allowed := flags.String("webhook-allow", getenv("ONEDOOR_WEBHOOK_ALLOW"), "addresses inside that may get webhooks, such as 10.1.0.0/16,127.0.0.1 (ONEDOOR_WEBHOOK_ALLOW); none when empty")
	return func() (err error) {
		if c.webhookAllowed, err = courier.ParseAllowed(*allowed); err != nil {
			return fmt.Errorf("ONEDOOR_WEBHOOK_ALLOW: %w", err)
		}
		if c.secretKeys, err = parseSecretKeys(getenv("ONEDOOR_SECRET_KEY")); err != nil {
			return fmt.Errorf("ONEDOOR_SECRET_KEY %w", err)
		}
		return nil
	}
}

// limitSettings say how often somebody may ask, and how many streams he may have
// open.
func (c *config) limitSettings(flags *flag.FlagSet, env func(key, otherwise string) string) func() error {
	var bad error
	rate := func(into *limit.Rate, name, key, otherwise, what string) {
		flags.Func(name, fmt.Sprintf("%s, such as 300/m, or off (%s); %s when empty", what, key, otherwise), func(text string) (err error) {
			*into, err = limit.ParseRate(text)
			return err
		})
		var err error
		if *into, err = limit.ParseRate(env(key, otherwise)); err != nil {
			bad = errors.Join(bad, fmt.Errorf("%s: %w", key, err))
		}
	}
	rate(&c.doorkeeper.Address, "limit-address", "ONEDOOR_LIMIT_ADDRESS", "12000/m", "requests of one network address")
	rate(&c.doorkeeper.Subject, "limit-subject", "ONEDOOR_LIMIT_SUBJECT", "6000/m", "requests of one who has signed in")
	rate(&c.doorkeeper.Guess, "limit-guess", "ONEDOOR_LIMIT_GUESS", "30/m", "asking of one address for the progress of a number")
	rate(&c.doorkeeper.Wrong, "limit-wrong", "ONEDOOR_LIMIT_WRONG", "20/h", "wrong codes for one number")
	count := func(into *int, name, key, otherwise, what string) {
		flags.Func(name, fmt.Sprintf("%s, or off (%s); %s when empty", what, key, otherwise), func(text string) (err error) {
			*into, err = limit.ParseCount(text)
			return err
		})
		var err error
		if *into, err = limit.ParseCount(env(key, otherwise)); err != nil {
			bad = errors.Join(bad, fmt.Errorf("%s: %w", key, err))
		}
	}
	count(&c.doorkeeper.AddressStreams, "limit-address-streams", "ONEDOOR_LIMIT_ADDRESS_STREAMS", "1000", "WebSockets and streams of events of one network address, open at once")
	count(&c.doorkeeper.SubjectStreams, "limit-subject-streams", "ONEDOOR_LIMIT_SUBJECT_STREAMS", "200", "the same of one who has signed in")
	proxies := flags.String("trusted-proxies", env("ONEDOOR_TRUSTED_PROXIES", ""), "addresses of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8 (ONEDOOR_TRUSTED_PROXIES); none when empty")
	return func() (err error) {
		if c.doorkeeper.Proxies, err = courier.ParseAllowed(*proxies); err != nil {
			err = fmt.Errorf("ONEDOOR_TRUSTED_PROXIES: %w", err)
		}
		return errors.Join(bad, err)
	}
}

func (c *config) check() error {
	_, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("ONEDOOR_ADDR: %q is not host:port", c.addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("ONEDOOR_ADDR: %q is no port", port)
	}
	if c.databaseURL == "" {
		if info, err := os.Stat(c.data); err == nil && !info.IsDir() {
			return fmt.Errorf("ONEDOOR_DATA: %s is not a folder", c.data)
		}
		c.databaseURL = "sqlite:" + filepath.ToSlash(filepath.Join(c.data, "onedoor.db"))
	}
	u, err := url.Parse(c.databaseURL)
	if err != nil || u.Scheme != "sqlite" && u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("DATABASE_URL: must begin with sqlite: or postgres://")
	}
	if u.Scheme == "sqlite" && strings.Trim(strings.TrimPrefix(c.databaseURL, "sqlite:"), "/") == "" {
		return fmt.Errorf("DATABASE_URL: sqlite: needs a path, such as sqlite:./data/onedoor.db")
	}
	if c.blobURL == "" {
		c.blobURL = "file:" + filepath.ToSlash(filepath.Join(c.data, "files"))
	}
	if c.redisURL == "" {
		c.redisURL = cache.Embedded
	}
	if u, err = url.Parse(c.redisURL); err != nil || u.Scheme != "redis" && u.Scheme != "rediss" && c.redisURL != cache.Embedded {
		return fmt.Errorf("REDIS_URL: must begin with redis:// or rediss://")
	}
	return nil
}

func (c *config) readOrigins(list string) error {
	for origin := range strings.SplitSeq(list, ",") {
		if origin = strings.TrimSpace(origin); origin == "" {
			continue
		}
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			return fmt.Errorf("ONEDOOR_ORIGINS: %q is no origin, such as https://example.org", origin)
		}
		c.origins = append(c.origins, origin)
	}
	return nil
}

// readDuration reads a setting that is a time from nothing up to a longest one.
func readDuration(to *time.Duration, name, text string, longest time.Duration) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > longest {
		return fmt.Errorf("%s: %q is no time from 0s to %v", name, text, longest)
	}
	*to = d
	return nil
}

func (c *config) readTrusted(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("ONEDOOR_TRUSTED_DOCUMENTS: %w", err)
	}
	defer file.Close()
	if c.trusted, err = protocol.ReadTrusted(file); err != nil {
		return fmt.Errorf("ONEDOOR_TRUSTED_DOCUMENTS: %s: %w", name, err)
	}
	return nil
}
