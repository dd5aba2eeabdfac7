// The client of graphql-ws against the schema of graph/protocol's tests.
import assert from 'node:assert/strict';
import { createClient, CloseCode } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2].replace(/^http/, 'ws');
const open = (more = {}) => createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, lazy: true, ...more });

async function collect(client, payload) {
  const results = [];
  for await (const result of client.iterate(payload)) results.push(result);
  return results;
}

const checks = {
  async query() {
    const client = open();
    assert.deepEqual(await collect(client, { query: '{ hello }' }), [{ data: { hello: 'world' } }]);
    await client.dispose();
  },
  async variables() {
    const client = open();
    const query = 'query q($t: String!) { echo(text: $t) }';
    assert.deepEqual(await collect(client, { query, variables: { t: '餐饮' }, operationName: 'q' }), [{ data: { echo: '餐饮' } }]);
    await client.dispose();
  },
  async mutation() {
    const client = open();
    const [{ data }] = await collect(client, { query: 'mutation { bump }' });
    assert.equal(typeof data.bump, 'number');
    await client.dispose();
  },
  async subscription() {
    const client = open();
    const results = await collect(client, { query: 'subscription { count(to: 100) }' });
    assert.deepEqual(results.map((r) => r.data.count), Array.from({ length: 100 }, (_, i) => i + 1));
    await client.dispose();
  },
  async 'many at once'() {
    const client = open({ lazy: false });
    const all = await Promise.all(Array.from({ length: 50 }, () => collect(client, { query: 'subscription { count(to: 20) }' })));
    assert.ok(all.every((results) => results.length === 20));
    await client.dispose();
  },
  async 'field error'() {
    const client = open();
    const [result] = await collect(client, { query: '{ hello fails }' });
    assert.equal(result.data.hello, 'world');
    assert.equal(result.errors[0].path[0], 'fails');
    await client.dispose();
  },
  async 'validation error'() {
    const client = open();
    await assert.rejects(collect(client, { query: '{ nothing }' }), (errors) => Array.isArray(errors) && errors[0].extensions.code === 'INVALID');
    assert.deepEqual(await collect(client, { query: '{ hello }' }), [{ data: { hello: 'world' } }]); // the socket lives on
    await client.dispose();
  },
  async 'a source that breaks'() {
    const client = open();
    await assert.rejects(collect(client, { query: 'subscription { breaks }' }), (errors) => errors[0].extensions.code === 'UNAVAILABLE');
    await client.dispose();
  },
  async 'the client ends'() {
    const client = open();
    const events = client.iterate({ query: 'subscription { count(to: 100000) }' });
    assert.equal((await events.next()).value.data.count, 1);
    await events.return();
    assert.deepEqual(await collect(client, { query: '{ hello }' }), [{ data: { hello: 'world' } }]);
    await client.dispose();
  },
  async 'ping and pong'() {
    let ponged;
    const pong = new Promise((resolve) => (ponged = resolve));
    const client = open({ lazy: false, keepAlive: 10, on: { pong: (received) => received && ponged() } });
    await pong;
    await client.dispose();
  },
  async 'another subprotocol'() {
    const socket = new WebSocket(url, 'graphql-ws');
    socket.on('error', () => {});
    const code = await new Promise((resolve) => socket.on('close', resolve));
    assert.ok(code === CloseCode.SubprotocolNotAcceptable || code === 1006, `${code}`); // ws fails a handshake without its subprotocol
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
