// Apollo Client: apollo.mjs URL TOKEN
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, InMemoryCache, Observable } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { print } from 'graphql';
import { each, eventsOf, run, signedIn, siteOf, socketOf, type Api, type Sent, type Site, type Way } from './kit';
import { Guide } from './operations';
import { scenario } from './scenario';

function followBy(site: Site, way: Way): { link: ApolloLink; close(): void } {
  if (way === 'graphql-ws') {
    const client = socketOf(site);
    return { link: new GraphQLWsLink(client), close: () => void client.dispose() };
  }
  const client = eventsOf(site);
  const link = new ApolloLink(
    ({ query, variables, operationName }) =>
      new Observable((sink) =>
        client.subscribe({ query: print(query), variables, operationName }, {
          next: (result) => sink.next(result as ApolloLink.Result),
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        }),
      ),
  );
  return { link, close: () => client.dispose() };
}

function clientOf(site: Site, way: Way, sent: Sent[]): { client: ApolloClient; close(): void } {
  const follow = followBy(site, way);
  const persisted = new PersistedQueryLink({ sha256: (text: string) => createHash('sha256').update(text).digest('hex') });
  const link = ApolloLink.split(
    ({ query }) => {
      const definition = getMainDefinition(query);
      return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
    },
    follow.link,
    persisted.concat(new UploadHttpLink({ uri: site.url, fetch: signedIn(site, sent) })),
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'network-only' } } });
  return { client, close: () => { client.stop(); follow.close(); } };
}

function api(site: Site, way: Way): Api {
  const { client, close } = clientOf(site, way, []);
  const data = <R>(result: { data?: unknown }) => result.data as R;
  return {
    query: async (query, variables) => data(await client.query({ query, variables } as ApolloClient.QueryOptions)),
    mutate: async (mutation, variables) => data(await client.mutate({ mutation, variables } as ApolloClient.MutateOptions)),
    async *subscribe(query, variables) {
      const results = client.subscribe({ query, variables } as ApolloClient.SubscribeOptions);
      for await (const result of each<ApolloClient.SubscribeResult>((sink) => results.subscribe(sink))) {
        if (result.error) throw result.error;
        yield data(result);
      }
    },
    codeOf: (error) => (CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : error),
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
    // A text that no server has seen.
    const query = { ...Guide, definitions: Guide.definitions.map((d) => ('name' in d && d.name ? { ...d, name: { ...d.name, value: `Guide${Date.now()}` } } : d)) } as typeof Guide;
    await client.query({ query, variables: { facts: {} } });
    await client.query({ query, variables: { facts: { seats: 3 } } });
    close();
    const texts = sent.map(({ body }) => typeof (body as { query?: unknown }).query);
    assert.deepEqual(texts, ['undefined', 'string', 'undefined'], 'the hash, the text that was not known, the hash again');
  },
});
