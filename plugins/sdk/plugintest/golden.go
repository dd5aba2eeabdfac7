// Package plugintest proves a plugin. Golden runs a department's own cases over a
// real gRPC connection; Conform asks of any plugin, in whatever language, what
// the platform asks of all.
package plugintest

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// updateEnv makes Golden write what it gets into the cases: look at the
// difference before it is committed.
const updateEnv = "UPDATE_GOLDEN"

const goldenTime = 10 * time.Second

// Start serves a plugin in this process and connects to it as a host does.
// Materials are read below dir, which may be empty.
func Start(t testing.TB, p sdk.Plugin, dir string) *grpc.ClientConn {
	t.Helper()
	server, err := sdk.NewServer(p, dir)
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(CallOptions()...),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// CallOptions are the limits with which a host calls.
func CallOptions() []grpc.CallOption {
	return []grpc.CallOption{grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)}
}

// Golden runs every case of a folder (*.yaml, see Case), each as a test of its
// own. With UPDATE_GOLDEN=1 in the environment it writes what it gets instead.
func Golden(t *testing.T, p sdk.Plugin, dir string) {
	t.Helper()
	cases, err := ReadCases(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s holds no case (*.yaml)", dir)
	}
	files := t.TempDir()
	conn := Start(t, p, files)
	description, err := pb.NewCheckerClient(conn).Describe(t.Context(), &pb.DescribeRequest{ContractMinor: wire.ContractMinor})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			question, err := c.request(files, checkIDs(description))
			if err != nil {
				t.Fatal(err)
			}
			response, err := ask(t.Context(), conn, declared(question, description), goldenTime)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv(updateEnv) != "" {
				update(t, filepath.Join(dir, c.Name+".yaml"), got(response))
				return
			}
			if len(c.Want) == 0 {
				t.Fatalf("the case wants nothing; run with %s=1 to write what is found:\n%s", updateEnv, indent(text(got(response))))
			}
			if diff := c.differences(response); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// update replaces the wanted findings of a file and keeps the rest as it is.
func update(t *testing.T, name string, want map[string][]Want) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file, found yaml.Node
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	if err := found.Encode(want); err != nil {
		t.Fatal(err)
	}
	top := file.Content[0]
	at := len(top.Content)
	for i := 0; i < len(top.Content); i += 2 {
		if top.Content[i].Value == "want" {
			at = i
		}
	}
	if at == len(top.Content) {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "want"}, nil)
	}
	top.Content[at+1] = &found
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func checkIDs(d *pb.DescribeResponse) []string {
	var ids []string
	for _, c := range d.GetChecks() {
		ids = append(ids, c.GetId())
	}
	return ids
}
