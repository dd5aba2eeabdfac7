package sdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// Exit codes of a plugin, beside go-plugin's own.
const (
	exitBadPlugin = 2 // the plugin, or what the host has handed over, is not right
	exitOrphan    = 3 // the host is dead
)

// Serve serves the plugin to the host that has started this process, and does not
// return. It is the only thing that a plugin's main does.
//
// What the plugin prints goes to its log, never into the protocol. When the host
// dies the process ends.
func Serve(p Plugin) {
	if err := serve(p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitBadPlugin)
	}
	os.Exit(0)
}

func serve(p Plugin) error {
	stderr := os.Stderr
	dir := os.Getenv(wire.EnvDir)
	if dir == "" {
		dir = "."
	}
	checker, err := newChecker(p, dir, newLog())
	if err != nil {
		return err
	}
	lifeline, err := inherited(wire.EnvLifeline)
	if err != nil {
		return err
	}
	if lifeline != nil {
		go func() {
			_, _ = io.Copy(io.Discard, lifeline)
			os.Exit(exitOrphan)
		}()
	}
	secrets, err := inherited(wire.EnvTLS)
	if err != nil {
		return err
	}
	config := &plugin.ServeConfig{
		HandshakeConfig: wire.Handshake,
		Plugins:         plugin.PluginSet{wire.PluginName: &served{checker: checker}},
		Logger:          hclog.New(&hclog.LoggerOptions{Name: p.Name, Level: hclog.Warn, Output: stderr, JSONFormat: true}),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(append(options, limits()...), grpc.UnaryInterceptor(keepStdio(stderr)))...)
		},
	}
	if secrets != nil {
		security, err := wire.ReadTLS(secrets)
		_ = secrets.Close()
		if err != nil {
			return err
		}
		config.TLSProvider = func() (*tls.Config, error) { return security, nil }
	}
	if os.Getenv(wire.Handshake.MagicCookieKey) == wire.Handshake.MagicCookieValue {
		handshake, err := divertStdout()
		if err != nil {
			return err
		}
		os.Stdout = handshake // go-plugin writes its line here
	}
	plugin.Serve(config)
	return nil
}

// keepStdio undoes what go-plugin does to the standard streams: it sends what is
// printed to the host in a call of its own, and blocks who prints when nobody
// reads. The first call comes after go-plugin has put its pipes there.
func keepStdio(stderr *os.File) grpc.UnaryServerInterceptor {
	var once sync.Once
	return func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		once.Do(func() { os.Stdout, os.Stderr = stderr, stderr })
		return next(ctx, request)
	}
}

// inherited opens the file whose number stands in the environment, or gives nil
// when there is none.
func inherited(name string) (*os.File, error) {
	text := os.Getenv(name)
	if text == "" {
		return nil, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 3 {
		return nil, fmt.Errorf("sdk: %s=%q is no inherited file", name, text)
	}
	closeOnExec(number)
	file := os.NewFile(uintptr(number), name)
	if file == nil {
		return nil, fmt.Errorf("sdk: %s=%q is no inherited file", name, text)
	}
	if _, err := file.Stat(); err != nil {
		return nil, fmt.Errorf("sdk: %s=%q: %w", name, text, err)
	}
	return file, nil
}

// served is the plugin as go-plugin wants it.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	checker *checker
}

// GRPCServer registers the checks.
func (s *served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	pb.RegisterCheckerServer(server, s.checker)
	return nil
}

// GRPCClient is the host's business.
func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("sdk: a plugin is no host")
}

// newLog writes lines that the host of go-plugin understands.
func newLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.String("@timestamp", a.Value.Time().Format(time.RFC3339Nano))
			case slog.LevelKey:
				level, _ := a.Value.Any().(slog.Level)
				return slog.String("@level", hclogLevel(level))
			case slog.MessageKey:
				return slog.Attr{Key: "@message", Value: a.Value}
			}
			return a
		},
	}))
}

func hclogLevel(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}
