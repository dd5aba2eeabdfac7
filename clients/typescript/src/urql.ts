// urql: urql.mjs URL TOKEN
import assert from 'node:assert/strict';
import { Client, CombinedError, fetchExchange, subscriptionExchange, type OperationResult, type TypedDocumentNode } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { each, eventsOf, run, signedIn, siteOf, socketOf, type Api, type Sent, type Site, type Way } from './kit';
import { CaseNow, Guide } from './operations';
import { scenario } from './scenario';

function clientOf(site: Site, way: Way, sent: Sent[], get: 'force' | false = false): { client: Client; close(): void } {
  const follow = way === 'graphql-ws' ? socketOf(site) : eventsOf(site);
  const client = new Client({
    url: site.url,
    fetch: signedIn(site, sent),
    preferGetMethod: get,
    requestPolicy: 'network-only',
    exchanges: [
      persistedExchange({ preferGetForPersistedQueries: get, enableForMutation: true }),
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: follow.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never) }),
        }),
      }),
      fetchExchange,
    ],
  });
  return { client, close: () => void follow.dispose() };
}

function dataOf<R>({ data, error }: OperationResult<R>): R {
  if (error) throw error;
  return data as R;
}

function api(site: Site, way: Way): Api {
  const { client, close } = clientOf(site, way, []);
  return {
    query: async (document, variables) => dataOf(await client.query(document, variables)),
    mutate: async (document, variables) => dataOf(await client.mutation(document, variables)),
    async *subscribe<R, V extends object>(document: TypedDocumentNode<R, V>, variables: V) {
      const results = client.subscription(document, variables as never);
      for await (const result of each<OperationResult<R>>((sink) => results.subscribe((one) => sink.next(one)))) yield dataOf(result);
    },
    codeOf: (error) => (error instanceof CombinedError ? error.graphQLErrors[0]?.extensions.code : error),
    close,
  };
}

const site = siteOf(process.argv);

async function play(way: Way) {
  const client = api(site, way);
  await scenario(client).finally(() => client.close());
}

await run({
  'query, mutation, upload; following over graphql-ws': () => play('graphql-ws'),
  'query, mutation, upload; following over graphql-sse': () => play('graphql-sse'),
  async 'automatic persisted queries'() {
    const sent: Sent[] = [];
    const { client, close } = clientOf(site, 'graphql-ws', sent);
    const text = `query Guide${Date.now()} { guide(input: { scheme: "catering", facts: {} }) { complete } }`; // no server has seen it
    dataOf(await client.query(text, {}));
    dataOf(await client.query(text, { again: true }));
    close();
    const texts = sent.map(({ body }) => typeof (body as { query?: unknown }).query);
    assert.deepEqual(texts, ['undefined', 'string', 'undefined'], 'the hash, the text that was not known, the hash again');
  },
  async 'persisted queries by GET'() {
    const sent: Sent[] = [];
    const { client, close } = clientOf(site, 'graphql-ws', sent, 'force');
    for (const [document, variables] of [[Guide, { facts: { seats: 3 } }], [CaseNow, { number: 'none' }]] as const) {
      dataOf(await client.query(document as never, variables));
    }
    close();
    assert.ok(sent.every(({ method }) => method === 'GET'), JSON.stringify(sent));
  },
});
