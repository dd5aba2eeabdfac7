package kit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

func (k *Kit) conform(ctx context.Context, args []string) error {
	var asJSON, asJUnit bool
	var pack string
	rest, err := k.parse("conform", args, []string{"[DIR]"}, func(flags *flag.FlagSet) {
		flags.BoolVar(&asJSON, "json", false, "write the report as JSON")
		flags.BoolVar(&asJUnit, "junit", false, "write the report as JUnit's XML")
		flags.StringVar(&pack, "catalog", "", "the `FOLDER` of the district's catalogue pack, for its vocabulary of facts; the shipped one when empty")
	})
	if err != nil {
		return err
	}
	p, err := open(rest)
	if err != nil {
		return err
	}
	if len(p.manifest.Programs) == 0 {
		quiet := *k
		quiet.Stdout = io.Discard // the report alone is written there
		if err := quiet.build(ctx, []string{p.dir, "--platform", runtime.GOOS + "/" + runtime.GOARCH}); err != nil {
			return err
		}
		if p, err = open(rest); err != nil {
			return err
		}
	}
	built, err := manifest.ReadPackage(os.DirFS(p.dir))
	if err != nil {
		return fmt.Errorf("%s: %w", p.dir, err)
	}
	facts, err := vocabulary(pack)
	if err != nil {
		return err
	}
	cases, err := plugintest.ReadCases(p.path("testdata"))
	if err != nil {
		return fmt.Errorf("%w: correct the case and try again", err)
	}
	start := k.Launch
	if start == nil {
		start = launch
	}
	var log logged
	conn, dir, stop, err := start(ctx, built, &log)
	if err != nil {
		return fmt.Errorf("%s does not start: %w\n%s", p.manifest.Name, err, log.tail())
	}
	report := plugintest.Conform(ctx, conn, plugintest.Options{
		Facts: facts, Cases: cases, Dir: dir, Deadline: p.manifest.Resources.CallTimeout,
		Words: func(key string, params map[string]string) error {
			_, err := p.manifest.Render(key, params)
			return err
		},
	})
	report.Results = slices.Insert(report.Results, min(1, len(report.Results)), agreement(ctx, conn, p.manifest))
	stop()
	switch {
	case asJSON:
		err = report.WriteJSON(k.Stdout)
	case asJUnit:
		err = report.WriteJUnit(k.Stdout)
	default:
		err = report.WriteText(k.Stdout)
	}
	if err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("%s does not conform: do what stands behind each →, then build and try again\n%s", p.manifest.Name, log.tail())
	}
	if !asJSON && !asJUnit {
		k.next("server plugin sign%s --key FILE (server plugin keygen %s makes one)", p.arg(), p.manifest.Department)
	}
	return nil
}

// agreement is the rule that only who has the manifest can ask.
func agreement(ctx context.Context, conn grpc.ClientConnInterface, m *manifest.Manifest) plugintest.Result {
	result := plugintest.Result{Rule: "manifest.agrees", Title: "the program says about itself what plugin.yaml says", Verdict: plugintest.Pass}
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	description, err := pb.NewCheckerClient(conn).Describe(within, &pb.DescribeRequest{ContractMinor: wire.ContractMinor})
	if err == nil {
		err = m.Agrees(description)
	}
	if err != nil {
		result.Verdict, result.Detail, result.Do = plugintest.Fail, err.Error(), "Say the same in the program and in plugin.yaml."
	}
	result.Took = time.Since(began)
	return result
}

// vocabulary reads the district's facts.
func vocabulary(folder string) ([]plugintest.Fact, error) {
	files := catalog.Jiangbei()
	if folder != "" {
		files = os.DirFS(folder)
	}
	pack, err := catalog.Read(files)
	if err != nil {
		return nil, fmt.Errorf("--catalog: %w\n%s: server catalog validate says the same", err, folder)
	}
	var facts []plugintest.Fact
	for _, entry := range pack.Facts {
		fact := plugintest.Fact{Key: entry.Value.Key, Kind: string(entry.Value.Kind)}
		for _, value := range entry.Value.Values {
			fact.Choices = append(fact.Choices, value.Code)
		}
		facts = append(facts, fact)
	}
	if len(facts) == 0 {
		return nil, errors.New("--catalog: the pack has no facts")
	}
	return facts, nil
}

// logged keeps the end of what a plugin logs.
type logged struct {
	mu  sync.Mutex
	end []byte
}

const mostLogged = 4096

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = append(l.end, p...)
	if over := len(l.end) - mostLogged; over > 0 {
		l.end = append(l.end[:0], l.end[over:]...)
	}
	return len(p), nil
}

func (l *logged) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.ToValidUTF8(string(l.end), "")
}
