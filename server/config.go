package main

import (
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

	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/courier"
	"github.com/onedoor/onedoor/internal/limit"
)

// config is what the operator sets, by environment or by flag; a flag wins.
type config struct {
	addr        string // ONEDOOR_ADDR
	data        string // ONEDOOR_DATA: folder of the embedded database, of files and of the local issuer
	databaseURL string // DATABASE_URL; empty: SQLite in the data folder
	redisURL    string // REDIS_URL; empty: inside the process
	blobURL     string // BLOB_URL: where uploaded files are kept; empty: in the data folder
	secretKey   string // ONEDOOR_SECRET_KEY: seals the secrets of webhooks; empty: a key in the data folder
	webhookNets string // ONEDOOR_WEBHOOK_ALLOW: addresses that are not public and may get webhooks

	webhookAllowed []netip.Prefix   // webhookNets
	doorkeeper     limit.Doorkeeper // ONEDOOR_LIMIT_…: how often somebody may ask
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
	var bad error
	flags := flag.NewFlagSet("server "+command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run's caller prints the error, once
	flags.StringVar(&c.addr, "addr", env("ONEDOOR_ADDR", "127.0.0.1:8080"), "address to serve on (ONEDOOR_ADDR)")
	flags.StringVar(&c.data, "data", env("ONEDOOR_DATA", "./data"), "folder of the embedded database, of uploaded files and of the local issuer (ONEDOOR_DATA)")
	flags.StringVar(&c.databaseURL, "database-url", getenv("DATABASE_URL"), "postgres://… or sqlite:PATH (DATABASE_URL); SQLite in the data folder when empty")
	flags.StringVar(&c.redisURL, "redis-url", getenv("REDIS_URL"), "redis://… (REDIS_URL); inside the process when empty")
	flags.StringVar(&c.blobURL, "blob-url", getenv("BLOB_URL"), "file:///DIR or s3://BUCKET?… for uploaded files (BLOB_URL); in the data folder when empty")
	c.secretKey = getenv("ONEDOOR_SECRET_KEY") // no flag: other users can read those
	flags.StringVar(&c.webhookNets, "webhook-allow", getenv("ONEDOOR_WEBHOOK_ALLOW"), "addresses inside that may get webhooks, such as 10.1.0.0/16,127.0.0.1 (ONEDOOR_WEBHOOK_ALLOW); none when empty")
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
	proxies := flags.String("trusted-proxies", getenv("ONEDOOR_TRUSTED_PROXIES"), "addresses of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8 (ONEDOOR_TRUSTED_PROXIES); none when empty")
	for _, add := range own {
		add(flags)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return config{}, nil, err
	}
	if bad != nil {
		return config{}, nil, bad
	}
	var err error
	if c.doorkeeper.Proxies, err = courier.ParseAllowed(*proxies); err != nil {
		return config{}, nil, fmt.Errorf("ONEDOOR_TRUSTED_PROXIES: %w", err)
	}
	if err := c.check(); err != nil {
		return config{}, nil, err
	}
	return c, flags.Args(), nil
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
	if c.webhookAllowed, err = courier.ParseAllowed(c.webhookNets); err != nil {
		return fmt.Errorf("ONEDOOR_WEBHOOK_ALLOW: %w", err)
	}
	if c.secretKey != "" {
		if _, err := parseSecretKey(c.secretKey); err != nil {
			return fmt.Errorf("ONEDOOR_SECRET_KEY %w", err)
		}
	}
	return nil
}
