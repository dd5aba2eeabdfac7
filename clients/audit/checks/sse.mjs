// Server-sent events: GraphQL over SSE, distinct connections.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { GRAPH_TYPE, JSON_TYPE, STREAM_TYPE, ask, compose, events, exchange, refused, suite } from '../kit.mjs';

const { must, should } = suite('sse');
const hello = '{ __typename }';
const whole = [
  { event: 'next', data: '{"data":{"__typename":"Query"}}' },
  { event: 'complete', data: '' },
];
const post = (site, body, headers = {}) => ask(site, { headers: { 'content-type': JSON_TYPE, accept: STREAM_TYPE, ...headers }, body });
const get = (site, params, headers = {}) => ask(site, { method: 'GET', params, headers: { accept: STREAM_TYPE, ...headers } });
const stream = (answer) => {
  assert.equal(answer.status, 200, answer.raw.slice(0, 500));
  assert.match(answer.headers['content-type'], /^text\/event-stream/);
  return events(answer.text);
};
// begun follows a stream that has no end until something is in it.
const begun = (site, request, until) => exchange(site, compose(site, request), { end: (text) => text.includes(until) });

for (const [name, send] of [
  ['POST', (site, query) => post(site, { query })],
  ['GET', (site, query) => get(site, { query })],
]) {
  must(`a query by ${name}`, 'Distinct connections mode', async (site) => assert.deepEqual(stream(await send(site, hello)), whole));
  must(`a subscription by ${name}`, 'Distinct connections mode', async (site) => {
    const answer = await begun(
      site,
      name === 'GET'
        ? { method: 'GET', params: { query: site.ops.events.query, variables: JSON.stringify(site.ops.events.variables) }, headers: { accept: STREAM_TYPE, ...site.signedIn } }
        : { headers: { 'content-type': JSON_TYPE, accept: STREAM_TYPE, ...site.signedIn }, body: site.ops.events },
      'event: next',
    );
    const [first] = events(answer.text);
    assert.equal(first.event, 'next');
    assert.equal(JSON.parse(first.data).data.caseEvents.kind, site.ops.eventKind);
  });
  for (const [what, query] of Object.entries({
    'does not parse': '{',
    'does not validate': '{ nope }',
    'lacks a variable': 'query($a: Boolean!) { __typename @skip(if: $a) }',
    'is too much': `{ ${'__typename '.repeat(900)} }`,
    'subscribes to two fields': 'subscription { a: catalogEvents { id } b: catalogEvents { id } }',
    'does not validate as a subscription': 'subscription { nope }',
  })) {
    must(`what ${what} is told in next, by ${name}`, 'Distinct connections mode', async (site) => {
      const [next, complete, ...more] = stream(await send(site, query));
      assert.equal(next.event, 'next');
      const body = JSON.parse(next.data);
      assert.ok(body.errors.length > 0 && !('data' in body));
      assert.deepEqual([complete, ...more], [whole[1]]);
    });
  }
}
must('a mutation by POST', 'Distinct connections mode', async (site) => {
  const [next, complete] = stream(await post(site, { query: site.ops.change }));
  assert.ok(JSON.parse(next.data).data && complete.event === 'complete');
});
must('a mutation by GET is not executed', 'GOH GET', async (site) => {
  const answer = await get(site, { query: site.ops.change });
  assert.ok(answer.status === 405 || (answer.status === 200 && !answer.text.includes('"data"')), answer.text);
});
must('an error of a field', 'next event', async (site) => {
  const [next, complete] = stream(await post(site, site.ops.partial));
  const body = JSON.parse(next.data);
  assert.ok(body.data.__typename && body.errors[0].path);
  assert.equal(complete.event, 'complete');
});
must('who may not follow is told', 'next event', async (site) => {
  const [next, complete] = stream(await post(site, { query: 'subscription { departmentEvents(department: "samr") { id } }' }));
  assert.ok(JSON.parse(next.data).errors[0].extensions.code);
  assert.equal(complete.event, 'complete');
});
for (const [name, body] of Object.entries({ 'no JSON': Buffer.from('x'), 'a batch': [{ query: hello }], 'no query': {}, 'query 7': { query: 7 } })) {
  must(`${name} is 400`, 'Distinct connections mode; GOH', async (site) => refused(await post(site, body), 400, 422));
}
must('text/plain is 415', 'GOH POST', async (site) => refused(await post(site, { query: hello }, { 'content-type': 'text/plain' }), 415));
must('PUT, which is of single connections, is 405', 'Single connection mode is not offered', async (site) => refused(await ask(site, { method: 'PUT', headers: { accept: STREAM_TYPE } }), 405));
for (const accept of [STREAM_TYPE, `${STREAM_TYPE}; charset=utf-8`, 'TEXT/EVENT-STREAM', `${STREAM_TYPE}, ${JSON_TYPE};q=0.5`, `text/html, ${STREAM_TYPE}`]) {
  must(`Accept: ${accept}`, 'Distinct connections mode', async (site) => assert.deepEqual(stream(await post(site, { query: hello }, { accept })), whole));
}
for (const accept of [`${STREAM_TYPE};q=0, ${JSON_TYPE}`, `${STREAM_TYPE};q=0.1, ${JSON_TYPE}`, '*/*', 'text/*, */*;q=0.1', JSON_TYPE]) {
  must(`no stream for a query, Accept: ${accept}`, 'RFC 9110 12.5.1', async (site) => assert.match((await post(site, { query: hello }, { accept })).headers['content-type'], /json/));
}
must('a stream for a subscription that accepts everything (urql)', 'RFC 9110 12.5.1', async (site) => {
  const accept = `${GRAPH_TYPE}, application/graphql+json, ${JSON_TYPE}, ${STREAM_TYPE}, multipart/mixed`;
  const answer = await begun(site, { headers: { 'content-type': JSON_TYPE, accept, ...site.signedIn }, body: site.ops.events }, 'event: next');
  assert.match(answer.headers['content-type'], /^text\/event-stream/);
});
must('complete has a data line, or browsers drop it', 'WHATWG HTML 9.2.6', async (site) => assert.match((await post(site, { query: hello })).text, /event: complete\ndata:? ?\n\n$/));
must('each event is of one line', 'WHATWG HTML 9.2.6', async (site) => {
  const [next] = stream(await post(site, { query: site.ops.echo, variables: { t: 'a\nb\r\nc\u2028d\n\nevent: complete\ndata: x' } }));
  assert.ok(JSON.parse(next.data).data);
});
must('nothing keeps a stream', 'RFC 9111', async (site) => assert.match((await post(site, { query: hello })).headers['cache-control'], /no-(store|cache)/));
should('proxies do not hold a stream back', 'nginx', async (site) => assert.equal((await post(site, { query: hello })).headers['x-accel-buffering'], 'no'));
must('a stream says at once that it has begun', 'EventSource', async (site) =>
  assert.match((await begun(site, { headers: { 'content-type': JSON_TYPE, accept: STREAM_TYPE }, body: { query: site.ops.subscription } }, '\r\n\r\n')).raw, /200 OK/),
);
should(
  'a silent stream is kept alive',
  'WHATWG HTML 9.2.7',
  async (site) => {
    const answer = await begun(site, { headers: { 'content-type': JSON_TYPE, accept: STREAM_TYPE }, body: { query: site.ops.subscription } }, ':\n\n\r\n3\r\n:\n\n');
    assert.ok(answer.ms < 30_000, `${answer.ms}`);
  },
  { slow: true },
);
must('Last-Event-ID does not matter', 'WHATWG HTML 9.2.4', async (site) => assert.deepEqual(stream(await get(site, { query: hello }, { 'last-event-id': 'x' })), whole));
must('an operation by its hash', 'APQ', async (site) => {
  const query = '{ sse: __typename }';
  const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };
  stream(await post(site, { query, extensions }));
  assert.ok(JSON.parse(stream(await get(site, { extensions: JSON.stringify(extensions) }))[0].data).data);
});
must('a token that is no good', 'GOH', async (site) => assert.equal((await post(site, { query: hello }, { authorization: 'Bearer nonsense' })).status, 401));
must('a stream of a page of another site cannot be read', 'OWASP', async (site) =>
  assert.ok(!(await post(site, { query: hello }, { origin: 'https://evil.example' })).headers['access-control-allow-origin']),
);
must(
  'what the server holds for a stream ends with its client',
  'Distinct connections mode',
  async (site) => {
    const open = () => readdirSync(`/proc/${site.pid}/fd`).length;
    const follow = () => Promise.all(Array.from({ length: 50 }, () => begun(site, { headers: { 'content-type': JSON_TYPE, accept: STREAM_TYPE }, body: { query: site.ops.subscription } }, ':\n')));
    await follow(); // what it opens for itself, it has open afterwards
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const before = open();
    await follow();
    for (const until = Date.now() + 10_000; open() > before + 5;) {
      assert.ok(Date.now() < until, `${open()} files are open, ${before} were`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  { cpu: true },
);
