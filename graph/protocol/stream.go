package protocol

import (
	"context"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// Stream is what a subscription is answered from.
type Stream interface {
	// Next waits for the next answer, which others may get too; nil: what has come is
	// not for the client. An error ends the subscription, and its client is told;
	// io.EOF: it is over.
	Next(ctx context.Context) (*graphql.Response, error)
	// Rest is for who does not want to wait in Next: wake is called once, when there
	// is something to ask it for, and asks for it. False: there is something already.
	Rest(ctx context.Context, wake func()) bool
}

type streamKey struct{}

// Streams has a subscription answered from a stream, until ctx ends. It is what the
// executable schema gives for one that is not refused.
func Streams(ctx context.Context, s Stream) graphql.ResponseHandler {
	*ctx.Value(streamKey{}).(*Stream) = s
	return graphql.OneShot(nil)
}

// dispatch begins an operation, which respond answers, or stream, when that is not
// nil.
func (h *Handler) dispatch(ctx context.Context, op *graphql.OperationContext) (respond graphql.ResponseHandler, stream Stream, _ context.Context) {
	respond, ctx = h.Exec.DispatchOperation(context.WithValue(ctx, streamKey{}, &stream), op)
	return respond, stream, ctx
}

// receiver is who gets what a stream gives.
type receiver interface {
	// next sends an answer; false: nothing more is wanted.
	next(response *graphql.Response) bool
	// end says why there is nothing more; io.EOF: it is over.
	end(err error)
	// goOn says whether the receiver's connection is still there. If so, that waits
	// for done before it is given up.
	goOn() bool
	done()
}

// follow sends what a stream gives until it ends, or until it rests: then nothing is
// left of it but what wakes it, and who wakes it goes on.
func follow(ctx context.Context, stream Stream, to receiver) {
	var wake func()
	goOn := func() {
		defer func() {
			if v := recover(); v != nil {
				to.end(panicked(v))
			}
		}()
		for !stream.Rest(ctx, wake) {
			response, err := stream.Next(ctx)
			if err != nil {
				if errors.Is(err, io.EOF) || ctx.Err() == nil {
					to.end(err)
				}
				return
			}
			if response != nil && !to.next(response) {
				return
			}
		}
	}
	wake = func() {
		if to.goOn() {
			defer to.done()
			goOn()
		}
	}
	goOn()
}
