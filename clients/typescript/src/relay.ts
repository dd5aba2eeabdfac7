// Relay, without React: relay.mjs URL TOKEN
import assert from 'node:assert/strict';
import {
  commitMutation, createOperationDescriptor, Environment, fetchQuery, getRequest, getSelector, Network, Observable, RecordSource, requestSubscription, Store,
  type FetchFunction, type GraphQLResponse, type GraphQLTaggedNode, type MutationParameters, type OperationType, type SingularReaderSelector, type SubscribeFunction,
} from 'relay-runtime';
import { first, each, run, signedIn, siteOf, socketOf } from './kit';
import caseFragment, { type Casework_case$data } from './relay/__generated__/Casework_case.graphql';
import casesFragment, { type Casework_cases$data } from './relay/__generated__/Casework_cases.graphql';
import attachMutation, { type CaseworkAttachMutation } from './relay/__generated__/CaseworkAttachMutation.graphql';
import eventsSubscription, { type CaseworkEventsSubscription } from './relay/__generated__/CaseworkEventsSubscription.graphql';
import listQuery, { type CaseworkListQuery } from './relay/__generated__/CaseworkListQuery.graphql';
import nodeQuery, { type CaseworkNodeQuery } from './relay/__generated__/CaseworkNodeQuery.graphql';
import openMutation, { type CaseworkOpenMutation } from './relay/__generated__/CaseworkOpenMutation.graphql';
import paginationQuery, { type CaseworkPaginationQuery } from './relay/__generated__/CaseworkPaginationQuery.graphql';
import refetchQuery, { type CaseworkRefetchQuery } from './relay/__generated__/CaseworkRefetchQuery.graphql';
import withdrawMutation, { type CaseworkWithdrawMutation } from './relay/__generated__/CaseworkWithdrawMutation.graphql';

const site = siteOf(process.argv);
const send = signedIn(site, []);
const socket = socketOf(site);

const fetchOperation: FetchFunction = async ({ text, name }, variables, _cache, uploadables) => {
  const operation = { query: text, operationName: name, variables };
  const headers: Record<string, string> = { accept: 'application/graphql-response+json' };
  let body: string | FormData;
  if (uploadables) { // a GraphQL multipart request; the files' places in the variables are null
    const names = Object.keys(uploadables);
    body = new FormData();
    body.set('operations', JSON.stringify(operation));
    body.set('map', JSON.stringify(Object.fromEntries(names.map((n) => [n, [`variables.${n}`]]))));
    for (const n of names) body.set(n, uploadables[n] as Blob);
  } else {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(operation);
  }
  return (await (await send(site.url, { method: 'POST', headers, body })).json()) as GraphQLResponse;
};

const follow: SubscribeFunction = ({ text, name }, variables) =>
  Observable.create<GraphQLResponse>((sink) =>
    socket.subscribe({ query: text ?? '', operationName: name, variables }, { next: (v) => sink.next(v as GraphQLResponse), error: (e) => sink.error(e as Error), complete: () => sink.complete() }),
  );

const environment = new Environment({ network: Network.create(fetchOperation, follow), store: new Store(new RecordSource()) });

async function query<T extends OperationType>(node: GraphQLTaggedNode, variables: T['variables']): Promise<T['response']> {
  const data = await fetchQuery<T>(environment, node, variables, { fetchPolicy: 'network-only' }).toPromise();
  // As a component would, so that the store keeps it.
  environment.retain(createOperationDescriptor(getRequest(node), variables));
  return data as T['response'];
}

function mutate<T extends MutationParameters>(mutation: GraphQLTaggedNode, variables: T['variables'], uploadables?: Record<string, File>): Promise<T['response']> {
  return new Promise((resolve, reject) => {
    commitMutation<T>(environment, {
      mutation, variables, uploadables,
      onCompleted: (data, errors) => (errors?.length ? reject(new Error(JSON.stringify(errors))) : resolve(data)),
      onError: reject,
    });
  });
}

/** A fragment's data, out of the store. */
function read<D>(fragment: unknown, reference: unknown): D {
  const selector = getSelector(fragment as never, reference as never) as SingularReaderSelector;
  const { data, isMissingData } = environment.lookup(selector);
  assert.equal(isMissingData, false, 'the store has all of the fragment');
  return data as D;
}

const open = async (): Promise<Casework_case$data> => {
  const { openCase } = await mutate<CaseworkOpenMutation>(openMutation, { input: { scheme: 'catering', facts: { industry: 'catering' } } });
  return read<Casework_case$data>(caseFragment, openCase.case);
};

await run({
  async 'connection: pages add up'() {
    const own: string[] = [];
    for (let i = 0; i < 3; i++) own.push((await open()).id);
    const variables = { count: 2, cursor: null };
    const root = await query<CaseworkListQuery>(listQuery, variables);
    let all = read<Casework_cases$data>(casesFragment, root);
    assert.equal(all.cases.edges?.length, 2);
    while (all.cases.pageInfo.hasNextPage) {
      const size = all.cases.edges?.length ?? 0;
      await query<CaseworkPaginationQuery>(paginationQuery, { count: 2, cursor: all.cases.pageInfo.endCursor });
      all = read<Casework_cases$data>(casesFragment, root);
      assert.ok((all.cases.edges?.length ?? 0) > size, 'the next page has brought something');
    }
    const ids = all.cases.edges?.map((e) => e?.node?.id) ?? [];
    assert.equal(ids.length, all.cases.totalCount);
    assert.equal(new Set(ids).size, ids.length, 'no case comes twice');
    assert.ok(own.every((id) => ids.includes(id)));
    assert.ok(all.cases.edges?.every((e) => e?.node && read<Casework_case$data>(caseFragment, e.node).number));
  },
  async 'node: by its id, with a connection below'() {
    const { id, number } = await open();
    const { node } = await query<CaseworkNodeQuery>(nodeQuery, { id });
    assert.equal(node?.__typename, 'Case');
    assert.equal(node.number, number);
    assert.deepEqual(node.events?.edges?.map((e) => e?.node?.kind), ['openCase']);
    const absent = await query<CaseworkNodeQuery>(nodeQuery, { id: 'case_00000000000000000000000000' });
    assert.equal(absent.node, null);
  },
  async 'refetchable fragment'() {
    const { id, number } = await open();
    const { node } = await query<CaseworkRefetchQuery>(refetchQuery, { id });
    assert.equal(read<Casework_case$data>(caseFragment, node).number, number);
  },
  async 'mutation: the store follows'() {
    const { id, state } = await open();
    assert.equal(state, 'DRAFT');
    const { withdrawCase } = await mutate<CaseworkWithdrawMutation>(withdrawMutation, { input: { case: id } });
    assert.equal(read<Casework_case$data>(caseFragment, withdrawCase.case).state, 'WITHDRAWN');
  },
  async upload() {
    const { id } = await open();
    const file = new File(['%PDF-1.4\n%%EOF\n'], 'paper.pdf', { type: 'application/pdf' });
    const material = await send(site.url, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query($id: ID!) { node(id: $id) { ... on Case { materials(first: 50) { edges { node { code source } } } } } }', variables: { id } }),
    }).then((answer) => answer.json() as Promise<{ data: { node: { materials: { edges: { node: { code: string; source: string } }[] } } } }>);
    const code = material.data.node.materials.edges.find((e) => e.node.source === 'APPLICANT')?.node.code ?? '';
    const { attachMaterial } = await mutate<CaseworkAttachMutation>(attachMutation, { input: { case: id, material: code, file: null as never } }, { 'input.file': file });
    assert.match(attachMaterial.material.file?.sha256 ?? '', /^[0-9a-f]{64}$/);
  },
  async 'subscription: the store follows'() {
    const { id, number } = await open();
    const { node } = await query<CaseworkNodeQuery>(nodeQuery, { id });
    const after = node?.events?.edges?.at(-1)?.node?.cursor;
    const next = first(each<CaseworkEventsSubscription['response']>((sink) => {
      const { dispose } = requestSubscription<CaseworkEventsSubscription>(environment, {
        subscription: eventsSubscription, variables: { number, after },
        onNext: (data) => data && sink.next(data), onError: sink.error, onCompleted: sink.complete,
      });
      return { unsubscribe: dispose };
    }));
    await mutate<CaseworkWithdrawMutation>(withdrawMutation, { input: { case: id } });
    const { caseEvents } = await next;
    assert.equal(caseEvents.kind, 'withdrawCase');
    assert.equal(read<Casework_case$data>(caseFragment, caseEvents.case).state, 'WITHDRAWN');
  },
});
