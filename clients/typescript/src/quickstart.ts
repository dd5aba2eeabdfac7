// The smallest client: fetch, the types of our operations, and one stream of
// events. quickstart.mjs URL TOKEN
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { eventsOf, siteOf } from './kit';
import { CaseEvents, CaseNow, Guide, OpenCase, SubmitCase } from './operations';

const site = siteOf(process.argv);

async function ask<R, V>(operation: TypedDocumentNode<R, V>, variables: V): Promise<R> {
  const answer = await fetch(site.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', authorization: `Bearer ${site.token}` },
    body: JSON.stringify({ query: print(operation), variables }),
  });
  const { data, errors } = (await answer.json()) as { data?: R; errors?: { message: string }[] };
  if (!data || errors) throw new Error(errors?.map((e) => e.message).join('; '));
  return data;
}

const { guide } = await ask(Guide, { facts: { industry: 'catering', use_area: 180 } });
console.log(`next question: ${guide.nextQuestion?.label}`);

const { openCase } = await ask(OpenCase, { input: { scheme: 'catering', facts: { industry: 'catering', use_area: 180 } } });
const { number } = openCase.case;
const now = await ask(CaseNow, { number });
const after = now.case?.events.edges?.[0]?.node?.cursor;

const events = eventsOf(site);
const { submitCase } = await ask(SubmitCase, { input: { case: number } });
console.log(`receipt: ${submitCase.receipt.number}`);
for await (const { data } of events.iterate<{ caseEvents: { kind: string; occurredAt: string } }>({ query: print(CaseEvents), variables: { number, after } })) {
  console.log(`event: ${data?.caseEvents.kind} at ${data?.caseEvents.occurredAt}`);
  break;
}
events.dispose();
