// Command go is an example of a client: an applicant asks what a restaurant needs,
// takes the notice, opens a case, hands in a paper and the application, and
// follows what happens. The types and functions of the operations are generated
// from the schema (operations.graphql, generated.go).
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

//go:generate go tool genqlient

func main() {
	url := flag.String("url", "http://127.0.0.1:8080/graphql", "where the API is")
	token := flag.String("token", os.Getenv("ONEDOOR_TOKEN"), "token of an APPLICANT")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, *url, *token, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// signedIn adds the token to every request.
type signedIn struct{ token string }

func (s signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Accept-Language", "en")
	return http.DefaultTransport.RoundTrip(r)
}

func run(ctx context.Context, url, token string, out io.Writer) error {
	signed := &http.Client{Transport: signedIn{token}}
	api := graphql.NewClient(url, signed)

	facts := map[string]any{"industry": "catering", "use_area": 180, "seats": 80}
	asked, err := Guide(ctx, api, facts)
	if err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	if next := asked.Guide.NextQuestion; next != nil {
		fmt.Fprintf(out, "next question: %s (%s)\n", next.Label, next.Key)
	}

	scheme := "catering"
	issued, err := IssueNotice(ctx, api, &IssueNoticeInput{Scheme: &scheme, Facts: facts})
	if err != nil {
		return fmt.Errorf("issueNotice: %w", err)
	}
	notice := issued.IssueNotice.Notice
	if sum := sha256.Sum256([]byte(notice.Document)); hex.EncodeToString(sum[:]) != notice.Digest {
		return errors.New("the notice is not what its digest says")
	}
	fmt.Fprintf(out, "notice %s, verified\n", notice.Number)

	opened, err := OpenCase(ctx, api, &OpenCaseInput{Notice: &notice.Number})
	if err != nil {
		return fmt.Errorf("openCase: %w", err)
	}
	draft := opened.OpenCase.Case.Number
	for _, material := range notice.Guide.Materials {
		if material.Source != MaterialSourceApplicant {
			continue
		}
		paper := file{name: material.Name + ".pdf", content: []byte("%PDF-1.4\n% " + material.Name + "\n%%EOF\n")}
		attached, err := attach(ctx, signed, url, AttachMaterialInput{Case: draft, Material: material.Code}, paper)
		if err != nil {
			return fmt.Errorf("attachMaterial: %w", err)
		}
		fmt.Fprintf(out, "attached %s\n", attached.AttachMaterial.Material.File.Name)
		break
	}

	// To follow without losing anything: read, and go on after what was read.
	now, err := CaseNow(ctx, api, draft)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	after := now.Case.Events.Edges[0].Node.Cursor
	submitted, err := SubmitCase(ctx, api, &SubmitCaseInput{Case: draft, ExpectedVersion: &now.Case.Version})
	if err != nil {
		return fmt.Errorf("submitCase: %w", err)
	}
	fmt.Fprintf(out, "receipt %s\n", submitted.SubmitCase.Receipt.Number)
	for event, err := range follow(ctx, signed, url, draft, after) {
		if err != nil {
			return fmt.Errorf("caseEvents: %w", err)
		}
		fmt.Fprintf(out, "event %s at %s\n", event.Kind, event.OccurredAt.Format(time.RFC3339))
		break
	}

	// What the state does not allow is refused with a code.
	_, err = SubmitCase(ctx, api, &SubmitCaseInput{Case: draft})
	var refused gqlerror.List
	if !errors.As(err, &refused) || refused[0].Extensions["code"] != "CONFLICT" {
		return fmt.Errorf("a case can be submitted twice: %w", err)
	}
	fmt.Fprintf(out, "refused: %s\n", refused[0].Message)
	return nil
}
