package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/department"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/viewer"
)

// evaluateTime is how long one event may take to be answered.
const evaluateTime = 10 * time.Second

// live executes subscriptions. The generated executor would resolve each event for
// each client; here an event is resolved once for all who ask the same and may
// see the same.
type live struct {
	graphql.ExecutableSchema
	r *Resolver
}

// Exec implements graphql.ExecutableSchema.
func (l live) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Subscription || occurring(ctx) != nil {
		return l.ExecutableSchema.Exec(ctx)
	}
	s, err := l.r.follow(ctx, op)
	if err != nil {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, err)}})
	}
	context.AfterFunc(ctx, s.Close)
	s.answer = l.evaluate
	return protocol.Streams(ctx, s)
}

type occurringKey struct{}

// occurring is the event that a subscription is resolved for.
func occurring(ctx context.Context) *casework.Delivery {
	d, _ := ctx.Value(occurringKey{}).(*casework.Delivery)
	return d
}

// evaluate resolves an operation for one event. The first who asks may leave
// meanwhile; the others wait for the answer.
func (l live) evaluate(ctx context.Context, d *casework.Delivery) (answer any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evaluateTime)
	defer cancel()
	ctx = context.WithValue(ctx, occurringKey{}, d)
	ctx = batches{l.r}.begin(ctx)
	op := graphql.GetOperationContext(ctx)
	ctx = graphql.WithResponseContext(ctx, present, op.RecoverFunc)
	defer func() {
		if v := recover(); v != nil {
			graphql.AddError(ctx, op.RecoverFunc(ctx, v))
			answer = &graphql.Response{Data: []byte("null"), Errors: graphql.GetErrors(ctx)}
		}
	}()
	resolve := l.ExecutableSchema.Exec(ctx)
	if errs := graphql.GetErrors(ctx); len(errs) > 0 { // the event could not be read
		return &graphql.Response{Data: []byte("null"), Errors: errs}
	}
	resolved := resolve(ctx)
	return &graphql.Response{Data: slices.Clone(resolved.Data), Errors: append(resolved.Errors, graphql.GetErrors(ctx)...)} // the data is the executor's buffer
}

// subscription is one client's.
type subscription struct {
	casework.Following
	viewer     viewer.Viewer
	department string // code; whose inbox
	question   string // what is asked by whom: those with the same one get the same answer
	answer     func(context.Context, *casework.Delivery) any
}

// Next implements protocol.Stream.
func (s *subscription) Next(ctx context.Context) (*graphql.Response, error) {
	d, err := s.Following.Next(ctx)
	if err != nil {
		return nil, err
	}
	if wanted, err := s.wants(ctx, d); !wanted || err != nil {
		return nil, err
	}
	return d.Once(ctx, s.question, s.answer).(*graphql.Response), nil
}

// wants says whether an event is the subscription's and its viewer may see it, as
// the case is now.
func (s *subscription) wants(ctx context.Context, d *casework.Delivery) (bool, error) {
	if d.Case == "" { // of the catalogue
		return true, nil
	}
	c, err := d.Of(ctx)
	if err != nil || c == nil {
		return false, err
	}
	return c.Sees(s.viewer) && (s.department == "" || c.Concerns(d.Placed, s.department)), nil
}

// follow begins what a subscription asks for.
func (r *Resolver) follow(ctx context.Context, op *graphql.OperationContext) (*subscription, error) {
	fields := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 || fields[0].Name == "__typename" {
		return nil, fault.InvalidInput("graph.follow", fault.Problem{Code: "NO_FIELD", ZH: "订阅须恰有一个字段", EN: "a subscription has one field"})
	}
	field := fields[0]
	given := field.ArgumentMap(op.Variables)
	after, err := placeOf(given["after"])
	if err != nil {
		return nil, err
	}
	own := ownFields(op, field)
	s := &subscription{viewer: viewer.From(ctx), question: questionOf(ctx, op, own)}
	feed, of := r.Events, ""
	switch field.Name {
	case "caseEvents":
		of, err = r.caseToFollow(ctx, fmt.Sprint(given["number"]))
	case "departmentEvents":
		s.department = fmt.Sprint(given["department"])
		err = r.departmentToFollow(ctx, s.department)
	case "catalogEvents":
		feed = r.Published
		if !own {
			err = fault.InvalidInput("graph.follow", fault.Problem{Path: "catalogEvents", Code: "NO_CASE", ZH: "目录事件没有办件", EN: "an event of the catalogue is of no case"})
		}
	}
	if err == nil && feed == nil {
		err = fault.New(fault.Unavailable, "graph.follow", "事件暂不可用，请稍后再试", "events are not there; try again later")
	}
	if err != nil {
		return nil, err
	}
	s.Following, err = feed.Follow(ctx, of, after)
	return s, err
}

func signedIn(ctx context.Context) error {
	if viewer.From(ctx).Anonymous() {
		return fault.New(fault.Unauthenticated, "graph.follow", "请先登录", "sign in first")
	}
	return nil
}

// caseToFollow gives the identity of a case that the viewer may see.
func (r *Resolver) caseToFollow(ctx context.Context, number string) (string, error) {
	if err := signedIn(ctx); err != nil {
		return "", err
	}
	id, err := r.Client.CaseFile.Query().Where(called(number)).OnlyID(ctx)
	if ent.IsNotFound(err) {
		return "", fault.New(fault.NotFound, "graph.follow", "没有这个办件", "there is no such case")
	}
	return id, err
}

func (r *Resolver) departmentToFollow(ctx context.Context, code string) error {
	if err := signedIn(ctx); err != nil {
		return err
	}
	known, err := r.Client.Department.Query().Where(department.Code(code)).Exist(ctx)
	if err == nil && !known {
		return fault.New(fault.NotFound, "graph.follow", "没有这个部门", "there is no such department")
	}
	return err
}

// placeOf reads the cursor of an event; nil for none.
func placeOf(given any) (*int64, error) {
	if given == nil {
		return nil, nil
	}
	var cursor entgql.Cursor[string]
	text, _ := given.(string)
	if cursor.UnmarshalGQL(text) == nil {
		if seq, err := strconv.ParseInt(cursor.ID, 10, 64); err == nil && seq >= 0 {
			return &seq, nil
		}
	}
	return nil, fault.InvalidInput("graph.follow", fault.Problem{Path: "after", Code: "BAD_CURSOR", ZH: "须为事件的 cursor", EN: "is the cursor of an event"})
}

// ownFields says whether only what an event itself holds is asked for, which is
// the same for all who may see it.
func ownFields(op *graphql.OperationContext, field graphql.CollectedField) bool {
	return !slices.ContainsFunc(graphql.CollectFields(op, field.Selections, []string{"Event", "Node"}), func(f graphql.CollectedField) bool {
		return len(f.Selections) > 0
	})
}

// questionOf names what is asked, and by whom where the answer depends on it.
func questionOf(ctx context.Context, op *graphql.OperationContext, own bool) string {
	var audience any = "who may see it"
	if !own {
		audience = viewer.From(ctx)
	}
	text, err := json.Marshal([]any{op.RawQuery, op.OperationName, op.Variables, inLanguage(ctx, "zh", "en"), audience})
	if err != nil {
		panic(err) // it came as JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// event gives the event that a subscription is resolved for.
func (r *Resolver) event(ctx context.Context) (<-chan *ent.Event, error) {
	row, err := r.readEvent(ctx, occurring(ctx))
	if err != nil {
		return nil, err
	}
	one := make(chan *ent.Event, 1)
	one <- row
	close(one)
	return one, nil
}

func (r *Resolver) readEvent(ctx context.Context, d *casework.Delivery) (*ent.Event, error) {
	if d.Case == "" {
		row, err := r.Client.Revision.Get(ctx, int(d.Seq))
		if err != nil {
			return nil, err
		}
		return &ent.Event{
			ID: "revision_" + d.ID, Seq: &d.Seq, Position: int(d.Seq), Kind: d.Kind, OccurredAt: row.ImportedAt, RecordedAt: row.ImportedAt,
			Actor: "onedoor", Role: string(viewer.Admin), Data: map[string]any{"revision": row.ID, "digest": row.Digest, "effectiveFrom": row.EffectiveFrom},
		}, nil
	}
	q, err := r.Client.Event.Query().Where(event.ID(d.ID)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	row, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, fault.New(fault.NotFound, "graph.event", "没有这个事件", "there is no such event")
	}
	if err == nil {
		expectNode(ctx, row)
	}
	return row, err
}
