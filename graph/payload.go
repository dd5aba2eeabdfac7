package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/webhook"
)

const (
	// payloadCost bounds what one message of a webhook may tell, in list elements:
	// less than a query may ask for, since nobody waits for its size to be chosen.
	payloadCost = 2000
	// payloadTokens bounds the text of a selection.
	payloadTokens = 2000
)

// Payloads answers the selections of webhooks: an operation of the public API on
// one event, by the rules that hold for its viewer.
type Payloads struct{ executor *executor.Executor }

var _ webhook.Payloads = (*Payloads)(nil)

// NewPayloads makes payloads of the API.
func NewPayloads(r *Resolver) *Payloads {
	e := executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: r}))
	e.SetQueryCache(lru.New[*ast.QueryDocument](200))
	e.SetParserTokenLimit(payloadTokens)
	e.SetErrorPresenter(present)
	e.SetRecoverFunc(recovered)
	e.Use(limits{})
	e.Use(batches{r})
	return &Payloads{e}
}

// recovered makes a fault of a panic.
func recovered(_ context.Context, v any) error {
	return &fault.Error{Code: fault.Internal, Op: "graphql", ZH: "内部错误，请稍后再试", EN: "internal error; please try again later", Err: fmt.Errorf("panic: %v", v)}
}

const payloadName = "WebhookMessage"

// messageOf makes an operation of a selection. The first field tells what every
// message tells, and whether the viewer may see the event at all.
func messageOf(selection string) string {
	return "query " + payloadName + "($id: ID!) { about: node(id: $id) { ... on Event { kind recordedAt cursor } } event: node(id: $id) { ..." + payloadName + " } } fragment " +
		payloadName + " on Event " + selection
}

// Check gives what is wrong with a selection.
func (p *Payloads) Check(ctx context.Context, selection string) []fault.Problem {
	bad := func(code, zh, en string) []fault.Problem { return []fault.Problem{{Code: code, ZH: zh, EN: en}} }
	if !strings.HasPrefix(strings.TrimSpace(selection), "{") {
		return bad("BAD_SELECTION", "须为对 Event 的选择集，例如 { kind case { number } }", "is a selection on Event, such as { kind case { number } }")
	}
	var refused *fault.Error
	if err := protocol.Measure(ctx, messageOf(selection)); errors.As(err, &refused) { // before validation, which some documents make costly
		return refused.Problems
	}
	op, errs := p.prepare(ctx, selection, "evt_0_1")
	if len(errs) > 0 {
		var found []fault.Problem
		for _, e := range errs {
			p := fault.Problem{Code: "BAD_SELECTION", ZH: e.Message, EN: e.Message}
			var refused *fault.Error
			if errors.As(e, &refused) && len(refused.Problems) > 0 {
				p = refused.Problems[0]
			}
			if len(found) < 20 && !slices.Contains(found, p) { // a fragment is validated where it stands and where it is used
				found = append(found, p)
			}
		}
		return found
	}
	if len(op.Doc.Operations) != 1 {
		return bad("BAD_SELECTION", "选择集之后只能有片段", "after the selection there are fragments only")
	}
	w := weigher{variables: op.Variables, fragments: map[string]int{}}
	if cost := w.set(op.Operation.SelectionSet); cost > payloadCost {
		return bad("TOO_COSTLY", fmt.Sprintf("消息可能含 %d 个元素，上限 %d：请减小 first", cost, payloadCost), fmt.Sprintf("a message may hold %d elements, at most %d: ask for smaller pages", cost, payloadCost))
	}
	return nil
}

func (p *Payloads) prepare(ctx context.Context, selection, event string) (*graphql.OperationContext, gqlerror.List) {
	return p.executor.CreateOperationContext(graphql.StartOperationTrace(ctx), &graphql.RawParams{
		Query: messageOf(selection), OperationName: payloadName, Variables: map[string]any{"id": event},
		ReadTime: graphql.TraceTiming{Start: graphql.Now(), End: graphql.Now()},
	})
}

// Answer answers a selection on an event.
func (p *Payloads) Answer(ctx context.Context, selection, event string) (webhook.Payload, bool, error) {
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := p.prepare(ctx, selection, event)
	if len(errs) > 0 { // the schema has changed since
		return webhook.Payload{Errors: marshalErrors(errs)}, true, nil
	}
	handler, ctx := p.executor.DispatchOperation(ctx, op)
	response := handler(ctx)
	if err := ctx.Err(); err != nil {
		return webhook.Payload{}, false, fmt.Errorf("graph.Payloads: %w", err)
	}
	for _, e := range response.Errors {
		if e.Extensions["code"] == string(fault.Unavailable) {
			return webhook.Payload{}, false, fault.New(fault.Unavailable, "graph.Payloads", "数据暂不可用", e.Message)
		}
	}
	var data struct {
		About *struct {
			Kind       string
			RecordedAt time.Time
			Cursor     string
		}
		Event json.RawMessage
	}
	if len(response.Data) > 0 {
		if err := json.Unmarshal(response.Data, &data); err != nil {
			return webhook.Payload{}, false, fmt.Errorf("graph.Payloads: %w", err)
		}
	}
	if data.About == nil {
		if len(response.Errors) == 0 {
			return webhook.Payload{}, false, nil
		}
		return webhook.Payload{Errors: marshalErrors(response.Errors)}, true, nil
	}
	return webhook.Payload{Kind: data.About.Kind, RecordedAt: data.About.RecordedAt, Cursor: data.About.Cursor, Data: data.Event, Errors: marshalErrors(response.Errors)}, true, nil
}

func marshalErrors(errs gqlerror.List) json.RawMessage {
	if len(errs) == 0 {
		return nil
	}
	text, err := json.Marshal(errs)
	if err != nil {
		return json.RawMessage(`[{"message":"the errors cannot be written"}]`)
	}
	return text
}
