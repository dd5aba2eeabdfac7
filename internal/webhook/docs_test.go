package webhook_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/webhook"
)

// block gives the code of a language in docs/webhooks.md.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, ok := strings.Cut(string(text), "```"+language+"\n")
	code, _, closed := strings.Cut(code, "\n```")
	if !ok || !closed {
		t.Fatalf("docs/webhooks.md has no %s", language)
	}
	return code
}

const goMain = `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	var in struct {
		Secret, Body string
		Header       map[string]string
		Now          int64
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	h := http.Header{}
	for k, v := range in.Header {
		h.Set(k, v)
	}
	fmt.Print(Verify(in.Secret, h, []byte(in.Body), time.Unix(in.Now, 0)))
}

`

const nodeMain = `
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(String(verify(input.Secret, input.Header, Buffer.from(input.Body), input.Now * 1000)));
`

// TestDocs runs what docs/webhooks.md tells integrators against what we sign.
func TestDocs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := filepath.Join(dir, "verify")
	build := exec.Command("go", "build", "-o", program, write("main.go", goMain+block(t, "go")))
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	commands := map[string][]string{"go": {program}, "node": {"node", write("verify.cjs", block(t, "js")+nodeMain)}}

	keys, chance := webhook.Keys{{1}}, rand.NewChaCha8([32]byte{5})
	w := webhook.Webhook{ID: "whk_1"}
	var secrets []string
	for range 2 {
		s, err := keys.NewSecret(w.ID, now, chance)
		if err != nil {
			t.Fatal(err)
		}
		w.Rotate(s, time.Hour, now)
		text, err := keys.Reveal(w)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, text)
	}
	const body = `{"type":"acceptCase","data":{"名称":"甲"}}`
	signature, err := keys.Sign(w, "dlv_1_1", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	type input struct {
		Secret, Body string
		Header       map[string]string
		Now          int64
	}
	header := func(id, signature string) map[string]string {
		return map[string]string{"webhook-id": id, "webhook-timestamp": strconv.FormatInt(now.Unix(), 10), "webhook-signature": signature}
	}
	for name, c := range map[string]struct {
		in   input
		want string
	}{
		"new secret":      {input{secrets[1], body, header("dlv_1_1", signature), now.Unix() + 200}, "true"},
		"old secret":      {input{secrets[0], body, header("dlv_1_1", signature), now.Unix()}, "true"},
		"another secret":  {input{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body, header("dlv_1_1", signature), now.Unix()}, "false"},
		"another body":    {input{secrets[1], body + " ", header("dlv_1_1", signature), now.Unix()}, "false"},
		"another message": {input{secrets[1], body, header("dlv_1_2", signature), now.Unix()}, "false"},
		"too old":         {input{secrets[1], body, header("dlv_1_1", signature), now.Unix() + 301}, "false"},
		"no signature":    {input{secrets[1], body, header("dlv_1_1", ""), now.Unix()}, "false"},
		// The test vector of Standard Webhooks' own libraries.
		"their vector": {input{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`, map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
			"webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, 1614265330}, "true"},
	} {
		text, err := json.Marshal(c.in)
		if err != nil {
			t.Fatal(err)
		}
		for language, command := range commands {
			run := exec.Command(command[0], command[1:]...)
			run.Stdin = strings.NewReader(string(text))
			out, err := run.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("%s, %s: %s %v, want %s", name, language, out, err, c.want)
			}
		}
	}
}
