package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/onedoor/onedoor/graph"
)

const (
	shutdownTime = 10 * time.Second // how long streams, requests and own work together may take to end
	closeTime    = 10 * time.Second // and then plugins and connections
)

var errStopping = errors.New("the server is stopping")

// stoppingBy gives errStopping when the server has been told to stop.
func stoppingBy(ctx context.Context) error {
	if ctx.Err() != nil {
		return errStopping
	}
	return nil
}

// serveUntil waits until the server ends by itself or is told to by ctx, and then
// stops in order. It is no longer ready, and goes on for the delay, so that no
// balancer sends anything more; streams are told to come again, and end; requests
// finish; own work ends. What the caller closes then has closeTime: a program
// that hangs is ended, for everything that counts is in the database.
func serveUntil(ctx context.Context, delay time.Duration, server *http.Server, api graph.Handler, stopped <-chan error, endWork func(context.Context) error) error {
	var err error
	select {
	case err = <-stopped:
	case <-ctx.Done():
		slog.InfoContext(ctx, "stopping")
		time.AfterFunc(delay+shutdownTime+closeTime, func() {
			slog.ErrorContext(ctx, "not stopped in time; ending anyhow")
			os.Exit(1)
		})
		select {
		case err = <-stopped:
		case <-time.After(delay):
		}
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	api.Close(finish)
	if cut := server.Shutdown(finish); cut != nil {
		err = errors.Join(err, fmt.Errorf("requests were cut off: %w", cut))
		_ = server.Close()
	}
	return errors.Join(err, endWork(finish))
}

// waitFor waits for own work to end.
func waitFor(ctx context.Context, working *sync.WaitGroup) error {
	ended := make(chan struct{})
	go func() { working.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("own work was cut off; it is done again")
	}
}
