package graph

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// publicFields are the root fields whose answers depend on the catalogue, on the
// day in the district, on the language and on what is asked, and on nothing else:
// neither on who asks nor on any case.
var publicFields = map[string]bool{
	"departments": true, "regions": true, "zones": true, "facts": true, "items": true, "item": true, "schemes": true, "scheme": true,
	"standards": true, "standard": true, "laws": true, "policyRules": true, "guide": true, "deadline": true, "__typename": true,
}

// Pages keeps texts by keys that name all that they depend on.
type Pages interface {
	// Near gives a text that this process keeps.
	Near(key string) ([]byte, bool)
	// KeepNear keeps one in this process.
	KeepNear(key string, text []byte)
	// Get gives the text of a key, or has it made: once, however many ask at the same
	// time. It gives nothing when ctx ends first or the text is not for others.
	Get(ctx context.Context, key string, life time.Duration, work func(ctx context.Context) (text []byte, keep bool)) ([]byte, bool)
}

// Caching is how answers are kept that everybody gets.
type Caching struct {
	Pages Pages // nil: none is kept
	// Build names the program: another one may answer otherwise.
	Build string
	// Doubted says that there is news of an import that this server has not read yet.
	// Until it has, nothing that was kept is given. Nil: there is no news.
	Doubted func() bool
	// Age is how long others, such as browsers, may keep an answer without asking
	// again; never beyond the day in the district.
	Age time.Duration
}

// public gives answers that everybody gets from where they are kept.
type public struct {
	r *Resolver
	Caching
}

var _ protocol.Public = public{}

// moment is what an answer to everybody depends on, beside the question.
type moment struct {
	key  string
	left time.Duration // of the day
}

// moment gives that of now. Nothing is kept for who has signed in, nor while the
// catalogue is in doubt.
func (p public) moment(ctx context.Context) (moment, bool) {
	if p.Pages == nil || !viewer.From(ctx).Anonymous() || p.Doubted != nil && p.Doubted() {
		return moment{}, false
	}
	now := p.r.Desk.Now()
	day := workday.DateOf(now)
	key := p.Build + " " + p.r.book().Edition + " " + day.String() + inLanguage(ctx, " zh ", " en ")
	return moment{key, day.AddDays(1).Start().Sub(now)}, true
}

// isPublic says whether everybody gets the same answer to an operation.
func isPublic(op *ast.OperationDefinition) bool {
	return op.Operation == ast.Query && onlyPublic(op.SelectionSet)
}

func onlyPublic(set ast.SelectionSet) bool {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if !publicFields[s.Name] {
				return false
			}
		case *ast.InlineFragment:
			if !onlyPublic(s.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if !onlyPublic(s.Definition.SelectionSet) {
				return false
			}
		}
	}
	return true
}

// ExtensionName names the extension.
func (public) ExtensionName() string { return "Public" }

// Validate accepts every schema.
func (public) Validate(graphql.ExecutableSchema) error { return nil }

// publicIn is where an operation's Stats say when its answer is of.
const publicIn = "public"

// InterceptOperation gives an answer that is kept, or has it made and kept. What
// was begun at one moment and ended at another is not kept: nobody could say
// which of the two it is of.
func (p public) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if !isPublic(op.Operation) {
		return next(ctx)
	}
	begun, ok := p.moment(ctx)
	if !ok {
		return next(ctx)
	}
	asked, err := fingerprint(op)
	if err != nil {
		return next(ctx)
	}
	answered := false
	return func(ctx context.Context) *graphql.Response {
		if answered {
			return nil
		}
		answered = true
		var own *graphql.Response
		text, ok := p.Pages.Get(ctx, begun.key+asked, begun.left, func(ctx context.Context) ([]byte, bool) {
			own = next(ctx)(ctx)
			ended, same := p.moment(ctx)
			if same = same && ended.key == begun.key; !same || own == nil || len(own.Errors) > 0 || len(own.Extensions) > 0 || len(own.Data) == 0 {
				return nil, false
			}
			return own.Data, true
		})
		switch {
		case ok:
			op.Stats.SetExtension(publicIn, begun)
			return &graphql.Response{Data: text}
		case ctx.Err() != nil:
			return nil
		case own != nil:
			return own
		}
		return next(ctx)(ctx)
	}
}

// tagSize is the length of a text's tag.
const tagSize = 22

// Find gives the answer to words that have been answered before.
func (p public) Find(ctx context.Context, words string) (protocol.Page, bool) {
	now, ok := p.moment(ctx)
	if !ok {
		return protocol.Page{}, false
	}
	kept, ok := p.Pages.Near(now.key + words)
	if !ok {
		return protocol.Page{}, false
	}
	return p.page(now, kept), true
}

// Keep makes a page of the answer to an operation that everybody gets.
func (p public) Keep(_ context.Context, op *graphql.OperationContext, words string, text []byte) (protocol.Page, bool) {
	of, ok := op.Stats.GetExtension(publicIn).(moment)
	if !ok {
		return protocol.Page{}, false
	}
	sum := sha256.Sum256(text)
	kept := append([]byte(base64.RawURLEncoding.EncodeToString(sum[:])[:tagSize]), text...)
	p.Pages.KeepNear(of.key+words, kept)
	return p.page(of, kept), true
}

// page reads what Keep has kept. Where anybody may set the clock, a day has no
// end that others could know.
func (p public) page(m moment, kept []byte) protocol.Page {
	page := protocol.Page{Text: kept[tagSize:], Tag: string(kept[:tagSize]), Age: min(p.Age, m.left)}
	if p.r.SetClock != nil {
		page.Age = 0
	}
	return page
}
