// What the examples have in common.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createClient as overEvents } from 'graphql-sse';
import { createClient as overSocket } from 'graphql-ws';
import WebSocket from 'ws';

// Browsers, and Node from 22 on, have it; Apollo's link asks for it by this name.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

/** Where the server is, and who we are. */
export interface Site {
  url: string;
  token: string;
}

/** A client library, as the scenario uses it. */
export interface Api {
  query<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;
  mutate<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;
  /** Goes on until the reader stops. */
  subscribe<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V): AsyncIterable<R>;
  /** The code of an error that this library has thrown. */
  codeOf(error: unknown): unknown;
  close(): void;
}

/** A request as it went out, so that we can look at what a library sends. */
export interface Sent {
  method: string;
  url: string;
  contentType: string | null;
  body: unknown;
  status: number;
}

/** A fetch that signs in, and keeps what it has sent. */
export function signedIn(site: Site, sent: Sent[]): typeof fetch {
  return async (to, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${site.token}`);
    headers.set('graphql-require-preflight', '1'); // uploads need it: a form of another site could not send it
    const answer = await fetch(to, { ...init, headers });
    sent.push({
      method: init?.method ?? 'GET',
      url: String(to),
      contentType: headers.get('content-type'),
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : init?.body,
      status: answer.status,
    });
    return answer;
  };
}

/** Both ways to follow events take an operation and a sink. */
export type Way = 'graphql-ws' | 'graphql-sse';

export function socketOf(site: Site, retryAttempts = 5) {
  return overSocket({
    retryAttempts,
    url: site.url.replace(/^http/, 'ws'),
    connectionParams: { Authorization: `Bearer ${site.token}` },
  });
}

export function eventsOf(site: Site, retryAttempts = 5) {
  return overEvents({ url: site.url, retryAttempts, headers: { authorization: `Bearer ${site.token}` } });
}

/** What an observable brings, one after the other. */
export async function* each<T>(observe: (sink: { next(value: T): void; error(error: unknown): void; complete(): void }) => { unsubscribe(): void }): AsyncIterable<T> {
  const waiting: T[] = [];
  let over = false;
  let failure: unknown;
  let wake = () => {};
  const subscription = observe({
    next(value) { waiting.push(value); wake(); },
    error(error) { failure = error; over = true; wake(); },
    complete() { over = true; wake(); },
  });
  try {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift() as T;
      if (failure) throw failure;
      if (over) return;
      await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    subscription.unsubscribe();
  }
}

/** The first that comes. */
export async function first<T>(all: AsyncIterable<T>): Promise<T> {
  for await (const one of all) return one;
  throw new Error('it ended before anything came');
}

/** Runs the checks of a script one after the other and says how each went. */
export async function run(checks: Record<string, () => Promise<void>>): Promise<void> {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}: ${error instanceof Error ? error.stack : JSON.stringify(error)}`);
    }
  }
  process.exit(failed === 0 ? 0 : 1);
}

/** The arguments of every script: URL TOKEN. */
export function siteOf(args: string[]): Site {
  const [url, token] = args.slice(2);
  if (!url || !token) throw new Error('usage: node dist/SCRIPT.mjs URL TOKEN, the token of an APPLICANT');
  return { url, token };
}
