// Following a case while connections are cut: follow.mjs URL TOKEN RESTART
//
// RESTART is an address that has the server killed and started again.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { print, type GraphQLFormattedError } from 'graphql';
import type { CaseEventsSubscription, CaseEventsSubscriptionVariables } from './gql/graphql';
import { eventsOf, run, signedIn, siteOf, socketOf, type Site, type Way } from './kit';
import { CaseEvents } from './operations';

type Happened = CaseEventsSubscription['caseEvents'];

/**
 * The events of a case after the one whose cursor is `after`, each once and in
 * order. The libraries connect again by themselves, but always after the same
 * cursor: so they are told not to, and it is done here, after the last event.
 */
export async function* follow(site: Site, way: Way, { number, after }: CaseEventsSubscriptionVariables): AsyncIterable<Happened> {
  for (let pause = 100; ; pause = Math.min(2 * pause, 10_000)) {
    const client = way === 'graphql-ws' ? socketOf(site, 0) : eventsOf(site, 0);
    try {
      const results = client.iterate<CaseEventsSubscription>({ query: print(CaseEvents), variables: { number, after } });
      for await (const { data, errors } of results) {
        if (errors) throw errors;
        if (!data) continue;
        after = data.caseEvents.cursor;
        pause = 100;
        yield data.caseEvents;
      }
    } catch (error) {
      // Refusals of the API come as a list; all else is a cut.
      if (Array.isArray(error) && (error as GraphQLFormattedError[])[0]?.extensions?.code !== 'UNAVAILABLE') throw error;
    } finally {
      await client.dispose();
    }
    await wait(pause);
  }
}

const site = siteOf(process.argv);
const restart = process.argv[4] ?? '';

const send = signedIn(site, []);
async function ask(query: string): Promise<any> {
  const answer = await send(site.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
  const { data, errors } = (await answer.json()) as { data: any; errors?: unknown };
  assert.equal(errors, undefined);
  return data;
}

async function play(way: Way) {
  const { openCase } = await ask('mutation { openCase(input: { scheme: "catering", facts: { industry: "catering" } }) { case { number events(last: 1) { edges { node { cursor } } } } } }');
  const { number, events } = openCase.case;
  const change = (seats: number) => ask(`mutation { changeCase(input: { case: "${number}", facts: { industry: "catering", seats: ${seats} } }) { case { version } } }`);

  const seen: string[] = [];
  const following = (async () => {
    for await (const { id, kind } of follow(site, way, { number, after: events.edges[0].node.cursor })) {
      seen.push(id);
      if (kind === 'withdrawCase') return;
    }
  })();
  for (let seats = 1; seats <= 6; seats++) {
    await change(seats);
    if (seats % 2 === 0) assert.ok((await fetch(restart)).ok, 'the server is back');
  }
  await ask(`mutation { withdrawCase(input: { case: "${number}" }) { case { state } } }`);
  await following;
  const all = (await ask(`{ case(number: "${number}") { events(first: 50) { edges { node { id } } } } }`)).case.events.edges.map((e: any) => e.node.id);
  assert.deepEqual(seen, all.slice(1), 'each event after the first, once and in order');
}

await run({
  'nothing lost or doubled over graphql-ws': () => play('graphql-ws'),
  'nothing lost or doubled over graphql-sse': () => play('graphql-sse'),
});
