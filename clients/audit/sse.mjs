// The client of graphql-sse, and a browser's way of reading events, against the
// schema of graph/protocol's tests.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';

const url = process.argv[2];
const open = (more = {}) => createClient({ url, retryAttempts: 0, ...more });

async function collect(client, payload) {
  const results = [];
  for await (const result of client.iterate(payload)) results.push(result);
  return results;
}

const checks = {
  async query() {
    assert.deepEqual(await collect(open(), { query: '{ hello }' }), [{ data: { hello: 'world' } }]);
  },
  async mutation() {
    const [{ data }] = await collect(open(), { query: 'mutation { bump }' });
    assert.equal(typeof data.bump, 'number');
  },
  async subscription() {
    const results = await collect(open(), { query: 'subscription { count(to: 100) }' });
    assert.deepEqual(results.map((r) => r.data.count), Array.from({ length: 100 }, (_, i) => i + 1));
  },
  async 'validation error'() {
    const [result] = await collect(open(), { query: '{ nothing }' });
    assert.equal(result.errors[0].extensions.code, 'INVALID');
    assert.ok(!('data' in result));
  },
  async 'the client ends'() {
    const events = open().iterate({ query: 'subscription { count(to: 100000) }' });
    assert.equal((await events.next()).value.data.count, 1);
    await events.return();
  },
  async 'malformed'() {
    await assert.rejects(collect(open(), { query: 7 }), (e) => /400/.test(e.message) || e.response?.status === 400);
  },
  async 'by GET, as EventSource does'() {
    const to = `${url}?query=${encodeURIComponent('subscription { count(to: 2) }')}`;
    const answer = await fetch(to, { headers: { accept: 'text/event-stream' } });
    assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
    // Events as browsers dispatch them: a block without data is none.
    const events = (await answer.text()).split('\n\n').flatMap((block) => {
      const lines = block.split('\n');
      const data = lines.filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim());
      const type = lines.find((l) => l.startsWith('event:'))?.slice(6).trim();
      return data.length ? [[type, data.join('\n')]] : [];
    });
    assert.deepEqual(events, [['next', '{"data":{"count":1}}'], ['next', '{"data":{"count":2}}'], ['complete', '']]);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(JSON.stringify({ name, status: 'ok' }));
  } catch (e) {
    failed++;
    console.log(JSON.stringify({ name, status: 'failed', reason: String(e?.stack ?? JSON.stringify(e)) }));
  }
}
process.exit(failed === 0 ? 0 : 1);
