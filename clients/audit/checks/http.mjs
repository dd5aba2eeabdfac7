// GraphQL over HTTP: requests, their parameters, their coercion, answers and their
// forms. GOH is the specification of September 2026 (GraphQL over HTTP), SPEC the
// one of September 2025 (GraphQL), RFC those of HTTP and JSON.
import assert from 'node:assert/strict';
import { JSON_TYPE, GRAPH_TYPE, STREAM_TYPE, ask, errorsOf, exchange, executed, get, post, refused, suite } from '../kit.mjs';

const { must, should } = suite('http');
const hello = '{ __typename }';
const helloData = { __typename: 'Query' };
const legacy = { accept: JSON_TYPE };
const media = (answer) => (answer.headers['content-type'] ?? '').split(';')[0];

// --- Negotiation -------------------------------------------------------------

for (const [accept, want] of [
  [GRAPH_TYPE, GRAPH_TYPE],
  [JSON_TYPE, JSON_TYPE],
  [`${GRAPH_TYPE}; charset=utf-8, ${JSON_TYPE}; charset=utf-8`, GRAPH_TYPE],
  [`${JSON_TYPE}, ${GRAPH_TYPE};q=0.9`, JSON_TYPE],
  [`${GRAPH_TYPE};q=0.5, ${JSON_TYPE}`, JSON_TYPE],
  [`${JSON_TYPE};q=0.9, ${GRAPH_TYPE}`, GRAPH_TYPE],
  [`${JSON_TYPE};q=0, */*`, GRAPH_TYPE],
  [`${GRAPH_TYPE};q=0, */*`, JSON_TYPE],
  [`${GRAPH_TYPE};q=0.001`, GRAPH_TYPE],
  ['APPLICATION/GRAPHQL-RESPONSE+JSON', GRAPH_TYPE],
  [`text/html, ${GRAPH_TYPE}`, GRAPH_TYPE],
  [`text/html, */*;q=0.1`, null],
  ['*/*', null],
  ['application/*', null],
  [`${GRAPH_TYPE};q=0.2, application/*;q=0.1`, GRAPH_TYPE],
  [`${JSON_TYPE} ; q=1.000 , text/plain`, JSON_TYPE],
  [`text/html;x="a,b;q=1", ${GRAPH_TYPE}`, GRAPH_TYPE],
  [`multipart/mixed, ${GRAPH_TYPE}, ${JSON_TYPE}`, GRAPH_TYPE],
]) {
  must(`Accept: ${accept}`, 'GOH Body; RFC 9110 12.5.1', async (site) => {
    const answer = await post(site, hello, { accept });
    executed(answer, helloData);
    assert.match(answer.headers['content-type'], /^application\/(graphql-response\+)?json; charset=utf-8$/);
    if (want) assert.equal(media(answer), want);
  });
}
must('Accept in two lines', 'RFC 9110 5.3', async (site) => {
  const answer = await post(site, hello, { accept: ['text/html', GRAPH_TYPE] });
  executed(answer);
  assert.equal(media(answer), GRAPH_TYPE);
});
for (const accept of [null, '']) must(`Accept: ${accept}`, 'GOH Accept', async (site) => executed(await post(site, hello, { accept }), helloData));
for (const accept of ['text/html', 'image/*', `${JSON_TYPE};q=0`, `${JSON_TYPE};q=0, ${GRAPH_TYPE};q=0`, '*/*;q=0', 'application/graphql+json', 'multipart/mixed', `${JSON_TYPE};charset=utf-16`]) {
  should(`Accept: ${accept} is 406`, 'GOH Body; RFC 9110 15.5.7', async (site) => refused(await post(site, hello, { accept }), 406));
}
must('a change that cannot be answered is not made', 'GOH Body', async (site) => refused(await post(site, site.ops.change, { accept: 'text/html' }), 406));
should('Vary names Accept', 'RFC 9110 12.5.5', async (site) => assert.match((await post(site, hello)).headers.vary ?? '', /\baccept\b(?!-)/i));
should('answers to POST are not kept', 'RFC 9111 5.2', async (site) => assert.match((await post(site, hello)).headers['cache-control'] ?? '', /no-store/));
should('nosniff', 'OWASP', async (site) => assert.equal((await post(site, hello)).headers['x-content-type-options'], 'nosniff'));
should('refusals are not kept', 'RFC 9111 3', async (site) => assert.match((await get(site, { query: '{' })).headers['cache-control'] ?? '', /no-store/));

// --- GET ----------------------------------------------------------------------

must('GET', 'GOH GET', async (site) => executed(await get(site, { query: hello }), helloData));
must('GET with variables', 'GOH GET', async (site) =>
  executed(await get(site, { query: 'query($b: Boolean!) { a: __typename @include(if: $b) b: __typename }', variables: '{"b":false}' }), { b: 'Query' }),
);
must('GET with operationName', 'GOH GET', async (site) => executed(await get(site, { query: 'query a { a: __typename } query b { b: __typename }', operationName: 'b' }), { b: 'Query' }));
must('GET with an operationName of nothing', 'GOH GET', async (site) => executed(await get(site, { query: hello, operationName: '' }), helloData));
must('GET operationName=null is a name', 'GOH GET', async (site) => executed(await get(site, { query: 'query null { __typename }', operationName: 'null' }), helloData));
must('GET with extensions', 'GOH GET', async (site) => executed(await get(site, { query: hello, extensions: '{"a":{"b":1}}' }), helloData));
must('GET with other parameters', 'GOH URL', async (site) => executed(await get(site, { query: hello, utm_source: 'x' }), helloData));
must('GET with + for spaces', 'WHATWG URL', async (site) => executed(await get(site, 'query={+__typename+}'), helloData));
must('GET with %20, and brackets as they are', 'WHATWG URL', async (site) => executed(await get(site, 'query={%20__typename%20}'), helloData));
must('GET of Chinese', 'WHATWG URL', async (site) => {
  const data = executed(await get(site, { query: site.ops.echo, variables: JSON.stringify({ t: '餐饮🏊' }) }));
  assert.ok(JSON.stringify(data).includes('餐饮🏊'));
});
for (const [name, params] of Object.entries({
  nothing: {},
  'bad variables': { query: hello, variables: '{"a":' },
  'variables that are a list': { query: hello, variables: '[]' },
  'variables that are a number': { query: hello, variables: '7' },
  'bad extensions': { query: hello, extensions: 'x' },
  'extensions that are a text': { query: hello, extensions: '"x"' },
  'a bad escape': 'query=%zz',
  'half an escape': 'query={__typename}%2',
  'query twice': 'query={__typename}&query={__typename}',
  'bytes that are not UTF-8': 'query=%7B__typename%7D%23%FF',
})) {
  should(`GET with ${name} is 400`, 'GOH GET', async (site) => refused(await get(site, params), 400));
}
for (const accept of [GRAPH_TYPE, JSON_TYPE]) {
  must(`GET of a mutation is 405, ${accept}`, 'GOH GET', async (site) => {
    const answer = await get(site, { query: site.ops.change }, { accept });
    refused(answer, 405);
    assert.match(answer.headers.allow ?? '', /POST/);
  });
}
must('GET of a mutation that is named is 405', 'GOH GET', async (site) =>
  refused(await get(site, { query: `query q { __typename } ${site.ops.change.replace('mutation', 'mutation m')}`, operationName: 'm' }), 405),
);
must('GET of a query beside a mutation', 'GOH GET', async (site) =>
  executed(await get(site, { query: `query q { __typename } ${site.ops.change.replace('mutation', 'mutation m')}`, operationName: 'q' }), helloData),
);
must('GET with a body of another query', 'RFC 9110 9.3.1', async (site) => {
  const answer = await ask(site, { method: 'GET', params: { query: hello }, headers: { accept: GRAPH_TYPE, 'content-type': JSON_TYPE }, body: { query: site.ops.change } });
  executed(answer, helloData);
});
must('GET of a mutation with X-HTTP-Method-Override', 'OWASP', async (site) => refused(await get(site, { query: site.ops.change }, { 'x-http-method-override': 'POST' }), 405));
must('GET of a subscription is refused', 'GOH; no stream was asked for', async (site) => refused(await get(site, { query: site.ops.subscription }), 400, 405, 406));
must('POST of a subscription is refused', 'GOH; no stream was asked for', async (site) => refused(await post(site, site.ops.subscription), 400, 405, 406));
must('HEAD is GET without a body', 'RFC 9110 9.3.2', async (site) => {
  const [head, like] = [await ask(site, { method: 'HEAD', params: { query: hello }, headers: { accept: GRAPH_TYPE } }), await get(site, { query: hello })];
  assert.equal(head.status, like.status);
  assert.equal(head.headers['content-type'], like.headers['content-type']);
  assert.ok(head.raw.endsWith('\r\n\r\n'), 'a body');
});
must('HEAD of a mutation is 405', 'GOH GET', async (site) => assert.equal((await ask(site, { method: 'HEAD', params: { query: site.ops.change }, headers: { accept: GRAPH_TYPE } })).status, 405));

// --- Methods and forms of the body -------------------------------------------

for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'FOO']) {
  must(`${method} is 405 with Allow`, 'RFC 9110 15.5.6', async (site) => {
    const answer = await ask(site, { method, headers: { 'content-type': JSON_TYPE, accept: GRAPH_TYPE, 'x-secret': 'do-not-reflect' }, body: { query: hello } });
    refused(answer, 405);
    assert.match(answer.headers.allow ?? '', /POST/);
    assert.ok(!answer.text.includes('do-not-reflect'));
  });
}
should('OPTIONS says what may be done', 'RFC 9110 9.3.7', async (site) => {
  const answer = await ask(site, { method: 'OPTIONS' });
  assert.ok([200, 204].includes(answer.status));
  assert.match(answer.headers.allow ?? '', /POST/);
});
for (const kind of [JSON_TYPE, `${JSON_TYPE}; charset=utf-8`, `${JSON_TYPE};charset=UTF-8`, `${JSON_TYPE}; charset="utf-8"`, 'Application/JSON', `${JSON_TYPE}; x=y`]) {
  must(`Content-Type: ${kind}`, 'GOH POST', async (site) => executed(await post(site, hello, { 'content-type': kind }), helloData));
}
for (const [kind, body] of [
  [null, undefined],
  ['', undefined],
  ['text/plain', undefined],
  ['application/x-www-form-urlencoded', 'query=%7B__typename%7D'],
  ['application/graphql', hello],
  ['application/xml', undefined],
  ['text/json', undefined],
  [`${JSON_TYPE}x`, undefined],
  ['nonsense', undefined],
  [`${JSON_TYPE}, text/plain`, undefined],
  [[JSON_TYPE, 'text/plain'], undefined],
  [`${JSON_TYPE}; charset=iso-8859-1`, undefined],
  [`${JSON_TYPE}; charset=utf-16`, undefined],
  [`${JSON_TYPE}; charset`, undefined],
]) {
  should(`Content-Type: ${kind} is 415`, 'GOH POST; RFC 9110 15.5.16', async (site) => {
    const answer = await ask(site, { headers: { 'content-type': kind, accept: GRAPH_TYPE }, body: body ?? { query: hello } });
    refused(answer, 415);
    assert.ok(answer.headers['accept-post'] ?? answer.headers.accept, 'what would be taken');
  });
}
for (const encoding of ['gzip', 'br', 'deflate', 'x', 'gzip, identity']) {
  must(`Content-Encoding: ${encoding} is 415`, 'RFC 9110 8.4', async (site) => refused(await post(site, hello, { 'content-encoding': encoding }), 415));
}
must('Content-Encoding: identity', 'RFC 9110 8.4.1', async (site) => executed(await post(site, hello, { 'content-encoding': 'identity' }), helloData));

// --- Bytes of the body ---------------------------------------------------------

const bytes = (...parts) => Buffer.concat(parts.map((p) => (Buffer.isBuffer(p) ? p : Buffer.from(p))));
for (const accept of [GRAPH_TYPE, JSON_TYPE]) {
  for (const [name, body] of Object.entries({
    nothing: '',
    'white space': ' \n\t',
    nonsense: 'NONSENSE',
    'half an object': '{"query":',
    'half a text': '{"query":"{ __typename }',
    'another object after it': '{"query":"{ __typename }"}{}',
    'a brace after it': '{"query":"{ __typename }"}}',
    'a comma after it': '{"query":"{ __typename }"},',
    'NUL after it': '{"query":"{ __typename }"}\0',
    'a comma at the end': '{"query":"{ __typename }",}',
    'single quotes': "{'query':'{ __typename }'}",
    'a comment': '{"query":"{ __typename }"/* x */}',
    'no quotes': '{query:"{ __typename }"}',
    NaN: '{"query":"{ __typename }","variables":{"a":NaN}}',
    'a leading zero': '{"query":"{ __typename }","variables":{"a":01}}',
    'a raw line end in a text': '{"query":"{\n__typename }"}',
    'a raw control': '{"query":"{ __typename }\u0001"}',
    'a bad escape': '{"query":"{ __typename }\\x"}',
    'depth 100,000': '{"query":"{ __typename }","variables":{"a":' + '['.repeat(100_000) + ']'.repeat(100_000) + '}}',
    latin1: bytes('{"query":"{ __typename } #', Buffer.from([0xe9]), '"}'),
    'an overlong encoding': bytes('{"query":"{ __typename } #', Buffer.from([0xc0, 0xaf]), '"}'),
    'a surrogate in UTF-8': bytes('{"query":"{ __typename } #', Buffer.from([0xed, 0xa0, 0xbd]), '"}'),
    'UTF-16': Buffer.from('{"query":"{ __typename }"}', 'utf16le'),
    'half a pair of surrogates': '{"query":"{ __typename } #\\ud83d"}',
    'the other half': '{"query":"{ __typename } #\\udfca"}',
    'halves the wrong way': '{"query":"{ __typename } #\\udfca\\ud83c"}',
    'a high one before another character': '{"query":"{ __typename } #\\ud83dx"}',
    'a batch': '[{"query":"{ __typename }"}]',
    'an empty batch': '[]',
    'a batch of batches': '[[{"query":"{ __typename }"}]]',
  })) {
    should(`${name} is 400, ${accept}`, 'GOH Status Codes; RFC 8259', async (site) => refused(await post(site, bytes(body), { accept }), 400));
  }
  for (const [name, body] of Object.entries({
    'a text': '"{ __typename }"',
    'a number': '7',
    null: 'null',
    true: 'true',
    'an object with nothing': '{}',
    qeury: '{"qeury":"{ __typename }"}',
    'Query for query': '{"Query":"{ __typename }"}',
    'QUERY for query': '{"QUERY":"{ __typename }"}',
    'query with a space': '{"query ":"{ __typename }"}',
    'query null': '{"query":null}',
    'query 7': '{"query":7}',
    'query true': '{"query":true}',
    'query a list': '{"query":["{ __typename }"]}',
    'query an object': '{"query":{}}',
    'operationName 7': '{"query":"{ __typename }","operationName":7}',
    'operationName false': '{"query":"{ __typename }","operationName":false}',
    'operationName a list': '{"query":"{ __typename }","operationName":[]}',
    'operationName an object': '{"query":"{ __typename }","operationName":{}}',
    'variables 7': '{"query":"{ __typename }","variables":7}',
    'variables a text': '{"query":"{ __typename }","variables":"{}"}',
    'variables a list': '{"query":"{ __typename }","variables":[7]}',
    'variables false': '{"query":"{ __typename }","variables":false}',
    'extensions 7': '{"query":"{ __typename }","extensions":7}',
    'extensions a text': '{"query":"{ __typename }","extensions":"{}"}',
    'extensions a list': '{"query":"{ __typename }","extensions":[]}',
    'extensions true': '{"query":"{ __typename }","extensions":true}',
  })) {
    should(`${name} is no request, ${accept}`, 'GOH Request Parameters', async (site) => refused(await post(site, bytes(body), { accept }), 400), { mode: 'usual' });
  }
}
must('a byte order mark is ignored or 400', 'RFC 8259 8.1', async (site) => {
  const answer = await post(site, bytes(Buffer.from([0xef, 0xbb, 0xbf]), '{"query":"{ __typename }"}'));
  if (answer.status === 200) executed(answer, helloData);
  else refused(answer, 400);
});
must('one of two equal names counts, or 400', 'RFC 8259 4', async (site) => {
  const answer = await post(site, bytes('{"query":"{ a: __typename }","query":"{ b: __typename }"}'));
  if (answer.status === 200) assert.equal(Object.keys(executed(answer)).length, 1);
  else refused(answer, 400);
});
must('names that are not known are ignored', 'GOH JSON Encoding', async (site) =>
  executed(await post(site, bytes('{"query":"{ __typename }","Query":7,"Variables":[],"__proto__":{"a":1},"id":1,"operationname":"x"}')), helloData),
);
must('null is as nothing', 'GOH JSON Encoding', async (site) => executed(await post(site, { query: hello, operationName: null, variables: null, extensions: null }), helloData));
must('an escaped name is the name', 'RFC 8259 7', async (site) => executed(await post(site, bytes('{"\\u0071uery":"{ __typename }"}')), helloData));
must('a pair of surrogates is a character', 'RFC 8259 7', async (site) => {
  const data = executed(await post(site, bytes(`{"query":${JSON.stringify(site.ops.echo)},"variables":{"t":"a\\ud83c\\udfca"}}`)));
  assert.ok(JSON.stringify(data).includes('a🏊'));
});
must('an escaped backslash before u is none', 'RFC 8259 7', async (site) => executed(await post(site, bytes('{"query":"{ __typename } #\\\\ud83d"}')), helloData));
must('answers are UTF-8 without a mark', 'RFC 8259 8.1', async (site) => {
  const answer = await post(site, { query: site.ops.echo, variables: { t: '餐饮 <&> "\\" \u2028' } });
  executed(answer);
  assert.notEqual(answer.bytes[0], 0xef);
  assert.ok(new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes).includes('餐饮'));
});

// --- Connections -----------------------------------------------------------------

const lines = (...all) => Buffer.from(all.join('\r\n'), 'latin1');
const body = JSON.stringify({ query: hello });
const head = (site, ...more) => [`POST ${site.path} HTTP/1.1`, `Host: ${site.host}`, `Content-Type: ${JSON_TYPE}`, `Accept: ${GRAPH_TYPE}`, ...more];
const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
must('chunked bodies', 'RFC 9112 7.1', async (site) => {
  const answer = await exchange(site, lines(...head(site, 'Transfer-Encoding: chunked', 'Connection: close'), '', chunked));
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.text), { data: helloData });
});
must('Expect: 100-continue', 'RFC 9110 10.1.1', async (site) => {
  const answer = await exchange(site, lines(...head(site, `Content-Length: ${body.length}`, 'Expect: 100-continue', 'Connection: close'), '', ''), {
    more: (socket) => setTimeout(() => socket.write(body), 50),
  });
  assert.match(answer.raw, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
});
must('two requests on one connection', 'RFC 9112 9.3', async (site) => {
  const one = (more) => lines(...head(site, `Content-Length: ${body.length}`, ...more), '', body);
  const answer = await exchange(site, bytes(one([]), one(['Connection: close'])));
  assert.equal(answer.raw.match(/HTTP\/1\.1 200/g)?.length, 2);
});
must('Content-Length with Transfer-Encoding ends the connection', 'RFC 9112 6.1', async (site) => {
  const after = lines(`GET /healthz HTTP/1.1`, `Host: ${site.host}`, 'Connection: close', '', '');
  const answer = await exchange(site, bytes(lines(...head(site, `Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'), '', chunked), after));
  assert.equal(answer.raw.match(/HTTP\/1\.1 /g)?.length, 1, answer.raw);
});
for (const [name, more] of Object.entries({
  'two lengths that differ': ['Content-Length: 3', `Content-Length: ${body.length}`],
  'a length below zero': ['Content-Length: -1'],
  'a length that is none': ['Content-Length: 1x'],
  'a length with a plus': [`Content-Length: +${body.length}`],
  'an unknown Transfer-Encoding': ['Transfer-Encoding: gzip, chunked'],
  'Transfer-Encoding twice': ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  'a space before the colon': ['Content-Length : 3'],
  'NUL in a header': ['X: a\0b'],
})) {
  must(`${name} is refused`, 'RFC 9112 5, 6', async (site) => {
    const answer = await exchange(site, lines(...head(site, ...more, 'Connection: close'), '', body));
    assert.ok(answer.status >= 400 && answer.status <= 501, answer.raw);
    assert.ok(!answer.raw.includes('"data"'));
  });
}
must('a chunk whose size is none is refused', 'RFC 9112 7.1', async (site) => {
  const answer = await exchange(site, lines(...head(site, 'Transfer-Encoding: chunked', 'Connection: close'), '', `zz\r\n${body}\r\n0\r\n\r\n`));
  assert.equal(answer.status, 400, answer.raw);
});
must('no Host is 400', 'RFC 9112 3.2', async (site) =>
  assert.equal((await exchange(site, lines(`POST ${site.path} HTTP/1.1`, `Content-Type: ${JSON_TYPE}`, `Content-Length: ${body.length}`, '', body))).status, 400),
);
must('a body that is cut off is not executed', 'RFC 9112 8', async (site) => {
  const answer = await exchange(site, lines(...head(site, `Content-Length: ${body.length + 10}`, 'Connection: close'), '', body), { more: (socket) => socket.end() });
  assert.ok(!answer.raw.includes('"data"'), answer.raw);
});
should('HTTP/1.0', 'RFC 9112 9.3', async (site) => assert.match((await exchange(site, lines(`GET ${site.path}?query={__typename} HTTP/1.0`, '', ''))).raw, /"Query"/));
must('If-None-Match does not hold for POST', 'RFC 9110 13.1.2', async (site) => executed(await post(site, hello, { 'if-none-match': '*' }), helloData));
must('Range is ignored', 'RFC 9110 14.2', async (site) => executed(await get(site, { query: hello }, { range: 'bytes=0-3' }), helloData));

// --- Size and time ----------------------------------------------------------------

const large = JSON.stringify({ query: hello, extensions: { x: 'x'.repeat(3 << 20) } });
must('3 MiB is 413', 'GOH Status Codes', async (site) => {
  const answer = await post(site, bytes(large));
  refused(answer, 413);
});
must('3 MiB in chunks is 413', 'GOH Status Codes', async (site) => {
  const answer = await exchange(site, bytes(lines(...head(site, 'Transfer-Encoding: chunked', 'Connection: close'), '', ''), `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`));
  assert.equal(answer.status, 413, answer.raw.slice(0, 200));
});
must('a length of 10 GB is 413 before it comes', 'GOH Status Codes', async (site) => {
  const answer = await exchange(site, lines(...head(site, 'Content-Length: 10000000000'), '', '{'), { more: (socket) => setTimeout(() => socket.end(), 2000) });
  assert.equal(answer.status, 413, answer.raw);
});
must('who asks first with a length that is too much is not told to go on', 'RFC 9110 10.1.1', async (site) => {
  const answer = await exchange(site, lines(...head(site, 'Content-Length: 10000000', 'Expect: 100-continue'), '', ''));
  assert.match(answer.raw, /^HTTP\/1\.1 413 /);
  assert.ok(!answer.raw.includes('100 Continue') && answer.ms < 5000, `${answer.ms} ms ${answer.raw}`);
});
should('an address of 40 kB is 414', 'GOH Status Codes', async (site) => {
  const answer = await get(site, { query: `${hello} #${'x'.repeat(40_000)}` });
  refused(answer, 414);
});
must('an address of 1 MB is 414 or 431', 'GOH Status Codes', async (site) => {
  const answer = await get(site, { query: `${hello} #${'x'.repeat(1_000_000)}` });
  assert.ok([0, 414, 431].includes(answer.status), String(answer.status));
});
must('headers of 1 MB are 431', 'GOH Status Codes', async (site) => assert.ok([0, 431].includes((await post(site, hello, { x: 'x'.repeat(1_000_000) })).status)));
must('10,000 headers are 431', 'GOH Status Codes', async (site) =>
  assert.ok([0, 431].includes((await post(site, hello, Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x-${i}`, 'x'])))).status)),
);
must(
  'a header that does not end is cut off within 10 s',
  'OWASP; Slowloris',
  async (site) => {
    const timers = [];
    const answer = await exchange(site, lines(`POST ${site.path} HTTP/1.1`, `Host: ${site.host}`, ''), { more: (socket) => timers.push(setInterval(() => socket.write('x: y\r\n'), 500)) });
    timers.forEach(clearInterval);
    assert.ok(answer.ms < 10_000, `${answer.ms}`);
  },
  { slow: true, mode: 'any' },
);
must(
  'a body that does not end is cut off within 14 s',
  'OWASP; GOH Status Codes (408)',
  async (site) => {
    const timers = [];
    const answer = await exchange(site, lines(...head(site, 'Content-Length: 1000'), '', '{'), { more: (socket) => timers.push(setInterval(() => socket.write(' '), 500)) });
    timers.forEach(clearInterval);
    assert.ok(answer.ms < 14_000, `${answer.ms}`);
    assert.ok([0, 408].includes(answer.status), answer.raw);
  },
  { slow: true },
);
must(
  'a connection that asks nothing does not stay for ever',
  'OWASP',
  async (site) => {
    const answer = await exchange(site, lines('POST'));
    assert.ok(answer.ms < 10_000, `${answer.ms}`);
  },
  { slow: true },
);

// --- Documents -----------------------------------------------------------------------

for (const [accept, statuses] of [
  [GRAPH_TYPE, [400]],
  [JSON_TYPE, [200]],
]) {
  for (const [name, query] of Object.entries({
    'a brace': '{',
    nothing: '',
    'a comment': '# nothing',
    'an open text': '{ a(b: "c }',
    'a bad name': '{ 1a }',
    'a character that is none': '{ a ? }',
    'an empty selection': '{ }',
    'a type': 'type A { b: Int }',
  })) {
    should(`a document that does not parse: ${name}, ${accept}`, 'GOH Status Codes', async (site) => refused(await post(site, { query }, { accept }), ...statuses), { mode: 'usual' });
  }
}
must('where it does not parse is told', 'SPEC 7.1.2', async (site) => {
  const [e] = refused(await post(site, '{\n  a(\n}'), 400);
  assert.equal(e.locations?.[0].line, 3, JSON.stringify(e));
});
// One document for each rule of validation.
for (const [rule, query] of Object.entries({
  'Operation Type Existence': 'subscription { nope }',
  'Operation Name Uniqueness': 'query a { __typename } query a { __typename }',
  'Lone Anonymous Operation': '{ __typename } query a { __typename }',
  'Single Root Field': 'subscription { a: catalogEvents { id } b: catalogEvents { id } }',
  'Field Selections': '{ nope }',
  'Field Selections, of a fragment': '{ ...A } fragment A on Query { nope }',
  'Field Selection Merging': '{ a: __typename a: viewer { role } }',
  'Field Selection Merging, of arguments': '{ item(code: "a") { code } item(code: "b") { code } }',
  'Leaf Field Selections': '{ viewer }',
  'Leaf Field Selections, of a leaf': '{ __typename { a } }',
  'Argument Names': '{ item(code: "a", nope: 1) { code } }',
  'Argument Uniqueness': '{ item(code: "a", code: "b") { code } }',
  'Required Arguments': '{ item { code } }',
  'Fragment Name Uniqueness': '{ ...A } fragment A on Query { __typename } fragment A on Query { __typename }',
  'Fragment Spread Type Existence': '{ ...A } fragment A on Nope { __typename }',
  'Fragment Spread Type Existence, inline': '{ ... on Nope { __typename } }',
  'Fragments on Object, Interface or Union Types': '{ ...A } fragment A on String { length }',
  'Fragments Must Be Used': '{ __typename } fragment A on Query { __typename }',
  'Fragment Spread Target Defined': '{ ...A }',
  'Fragment Spreads Must Not Form Cycles': '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  'Fragment Spread Is Possible': '{ ... on Item { code } }',
  'Values of Correct Type': '{ item(code: 1) { code } }',
  'Values of Correct Type, of an Int': '{ items(first: "1") { totalCount } }',
  'Values of Correct Type, of an enum': '{ deadline(input: { start: "2026-01-01", amount: 1, unit: "DAY" }) { dueOn } }',
  'Values of Correct Type, of a value of an enum': '{ deadline(input: { start: "2026-01-01", amount: 1, unit: NOPE }) { dueOn } }',
  'Values of Correct Type, of a list': '{ facts(keys: [1]) { key } }',
  'Values of Correct Type, null': '{ item(code: null) { code } }',
  'Input Object Field Names': '{ deadline(input: { start: "2026-01-01", amount: 1, unit: DAY, nope: 1 }) { dueOn } }',
  'Input Object Field Uniqueness': '{ deadline(input: { start: "2026-01-01", amount: 1, amount: 2, unit: DAY }) { dueOn } }',
  'Input Object Required Fields': '{ deadline(input: { start: "2026-01-01", unit: DAY }) { dueOn } }',
  'Directives Are Defined': '{ __typename @nope }',
  'Directives Are in Valid Locations': 'query @include(if: true) { __typename }',
  'Directives Are Unique per Location': '{ __typename @skip(if: false) @skip(if: false) }',
  'Directive arguments': '{ __typename @skip }',
  'Variable Uniqueness': 'query($a: Boolean!, $a: Boolean!) { __typename @skip(if: $a) }',
  'Variables Are Input Types': 'query($a: Item) { __typename @skip(if: $a) }',
  'Variables Are Input Types, unknown': 'query($a: Nope) { __typename @skip(if: $a) }',
  'All Variable Uses Defined': '{ __typename @skip(if: $a) }',
  'All Variable Uses Defined, in a fragment': '{ ...A } fragment A on Query { __typename @skip(if: $a) }',
  'All Variables Used': 'query($a: Boolean) { __typename }',
  'All Variable Usages Are Allowed': 'query($a: Boolean) { __typename @skip(if: $a) }',
  'All Variable Usages Are Allowed, of another type': 'query($a: Int!) { item(code: $a) { code } }',
})) {
  must(
    `validation: ${rule}`,
    'SPEC 5',
    async (site) => {
      const errors = refused(await post(site, { query }), 400);
      assert.ok(
        errors.every((e) => e.locations?.length > 0),
        `no place: ${JSON.stringify(errors)}`,
      );
    },
    { mode: 'usual' },
  );
}
must('every fault of a document is told', 'SPEC 7.1.2', async (site) => assert.ok(refused(await post(site, '{ nope1 nope2 }'), 400).length >= 2), { mode: 'usual' });
should('validation errors are 200 for older clients', 'GOH 2025, application/json', async (site) => refused(await post(site, '{ nope }', legacy), 200), { mode: 'usual' });
for (const [name, query, data] of [
  ['a byte order mark', '\ufeff{ __typename }', helloData],
  ['commas', '{,__typename,,}', helloData],
  ['ends of lines', '{\r\n__typename\r}', helloData],
  ['a comment', '# 餐饮\n{ __typename # x\n}', helloData],
  ['the order of fields', '{ b: __typename a: __typename c: __typename }', undefined],
  ['merged fields', '{ __typename ... { __typename } ...A } fragment A on Query { __typename }', helloData],
  [
    '@skip and @include',
    '{ a: __typename @skip(if: true) b: __typename @include(if: false) __typename @skip(if: true) @include(if: true) c: __typename @skip(if: false) @include(if: true) }',
    { c: 'Query' },
  ],
  ['__typename in a fragment', '{ ... on Query { __typename } }', helloData],
  ['a block string', '{ item(code: """nope""") { code } }', { item: null }],
  ['escapes of characters', '{ item(code: "\\u0041\\n\\t\\"\\\\\\/") { code } }', { item: null }],
]) {
  must(`language: ${name}`, 'SPEC 2, 6', async (site) => {
    const got = executed(await post(site, { query }), data);
    if (name === 'the order of fields') assert.deepEqual(Object.keys(got), ['b', 'a', 'c']);
  });
}
for (const [name, text, want] of [
  ['\\u{…}', '\\u{1F3CA}', '🏊'],
  ['a pair of surrogates', '\\uD83C\\uDFCA', '🏊'],
  ['\\u0041', '\\u0041', 'A'],
]) {
  must(`language: ${name} in a text`, 'SPEC 2.9.4', async (site) => {
    const data = executed(await post(site, { query: site.ops.echo.replace(/query\([^)]*\)/, 'query').replace('$t', `"${text}"`) }));
    assert.ok(JSON.stringify(data).includes(`：${want}`) || JSON.stringify(data).includes(` ${want}`), JSON.stringify(data).slice(0, 300));
  });
}
for (const text of ['\\uD83D', '\\uDFCA', '\\u{D83D}', '\\u{110000}', '\\u{}', '\\uD83D\\uD83D', '\\x', '\\u12']) {
  should(`language: ${text} in a text does not parse`, 'SPEC 2.9.4', async (site) => refused(await post(site, { query: `{ item(code: "${text}") { code } }` }), 400));
}

// --- Operations and variables ---------------------------------------------------------

const two = 'query a { a: __typename } query b { b: __typename }';
must('the operation that is named', 'SPEC 6.1', async (site) => executed(await post(site, { query: two, operationName: 'b' }), { b: 'Query' }));
must('an operation that is not there', 'SPEC 6.1', async (site) => refused(await post(site, { query: two, operationName: 'c' }), 400));
must('names differ by case', 'SPEC 2.1.9', async (site) => refused(await post(site, { query: two, operationName: 'A' }), 400));
must('two operations and no name', 'SPEC 6.1', async (site) => refused(await post(site, { query: two }), 400));
must('two operations and an empty name', 'SPEC 6.1', async (site) => refused(await post(site, { query: two, operationName: '' }), 400));
must('one operation and an empty name', 'GOH GET', async (site) => executed(await post(site, { query: hello, operationName: '' }), helloData));
must('an anonymous operation by a name', 'SPEC 6.1', async (site) => refused(await post(site, { query: hello, operationName: 'a' }), 400));
must('an operation that is not there is 200 for older clients', 'GOH 2025, application/json', async (site) => refused(await post(site, { query: two, operationName: 'c' }, legacy), 200));

const ints = 'query($v: Int) { items(first: $v) { totalCount } }';
const texts = 'query($v: String!) { item(code: $v) { code } }';
const truths = 'query($v: Boolean!) { __typename @include(if: $v) }';
const ids = 'query($v: ID!) { node(id: $v) { id } }';
const enums = 'query($v: LimitUnit!) { deadline(input: { start: "2026-09-24", amount: 5, unit: $v }) { dueOn } }';
const lists = 'query($v: [String!]) { facts(keys: $v) { key } }';
const inputs = 'query($v: DeadlineInput!) { deadline(input: $v) { dueOn } }';
const fine = { start: '2026-09-24', amount: 5, unit: 'WORKDAY' };
for (const [name, query, v] of [
  ['an Int', ints, '3'],
  ['the largest Int', 'query($v: Int!) { deadline(input: { start: "2026-09-24", amount: $v, unit: DAY }) { dueOn } __typename }', '2147483647'],
  ['null for an Int', ints, 'null'],
  ['an Int as 3.0', ints, '3.0'],
  ['an Int as 3e0', ints, '3e0'],
  ['a String', texts, '"a"'],
  ['a Boolean', truths, 'true'],
  ['an ID as a text', ids, '"x"'],
  ['an ID as a number', ids, '7'],
  ['an enum', enums, '"DAY"'],
  ['a list', lists, '[]'],
  ['one for a list', lists, '"use_area"'],
  ['an object', inputs, JSON.stringify(fine)],
  ['an object with a null', inputs, JSON.stringify({ ...fine, pauses: null })],
]) {
  must(`variables: ${name}`, 'SPEC 3.5, 6.1.2', async (site) => {
    const answer = await post(site, bytes(`{"query":${JSON.stringify(query)},"variables":{"v":${v}}}`));
    assert.equal(answer.status, 200, answer.text.slice(0, 300));
    assert.ok('data' in answer.json);
  });
}
for (const [name, query, v] of [
  ['a text for an Int', ints, '"1"'],
  ['a fraction for an Int', ints, '1.5'],
  ['2147483648 for an Int', ints, '2147483648'],
  ['-2147483649 for an Int', ints, '-2147483649'],
  ['1e400 for an Int', ints, '1e400'],
  ['9007199254740993 for an Int', ints, '9007199254740993'],
  ['a Boolean for an Int', ints, 'true'],
  ['a list for an Int', ints, '[1]'],
  ['an object for an Int', ints, '{}'],
  ['nothing for an Int', ints, '""'],
  ['a number for a String', texts, '1'],
  ['a Boolean for a String', texts, 'true'],
  ['a list for a String', texts, '["a"]'],
  ['null for a String!', texts, 'null'],
  ['a text for a Boolean', truths, '"true"'],
  ['a number for a Boolean', truths, '1'],
  ['a fraction for an ID', ids, '1.5'],
  ['a Boolean for an ID', ids, 'true'],
  ['an object for an ID', ids, '{}'],
  ['no value of an enum', enums, '"NOPE"'],
  ['a value of an enum in lower case', enums, '"day"'],
  ['a number for an enum', enums, '1'],
  ['null in a list', lists, '[null]'],
  ['a number in a list', lists, '[1]'],
  ['a list in a list', lists, '[["a"]]'],
  ['an unknown field', inputs, JSON.stringify({ ...fine, nope: 1 })],
  ['a missing field', inputs, '{"start":"2026-09-24","unit":"DAY"}'],
  ['null for a field', inputs, JSON.stringify({ ...fine, amount: null })],
  ['a text for a field', inputs, JSON.stringify({ ...fine, amount: '5' })],
  ['a fraction for a field', inputs, JSON.stringify({ ...fine, amount: 1.5 })],
  ['2147483648 for a field', inputs, JSON.stringify({ ...fine, amount: 2147483648 })],
  ['a list for an object', inputs, '[]'],
  ['a text for an object', inputs, '"x"'],
  ['a wrong field within', inputs, JSON.stringify({ ...fine, pauses: [{ from: '2026-09-25', to: '2026-09-25' }] })],
  ['a number for a field that is a text', inputs, JSON.stringify({ ...fine, pauses: [{ from: '2026-09-25', to: '2026-09-25', reason: 7 }] })],
]) {
  must(`variables: ${name} is refused`, 'SPEC 3.5, 6.1.2', async (site) => {
    const [e] = refused(await post(site, bytes(`{"query":${JSON.stringify(query)},"variables":{"v":${v}}}`)), 400);
    assert.ok(!/cannot use value \d/.test(e.message), `words about another value: ${e.message}`);
  });
}
must('variables: a missing one is refused', 'SPEC 6.1.2', async (site) => refused(await post(site, { query: texts, variables: {} }), 400));
must('variables: a missing one has its default', 'SPEC 6.1.2', async (site) =>
  executed(await post(site, { query: 'query($v: Boolean = true) { a: __typename @skip(if: $v) b: __typename }' }), { b: 'Query' }),
);
must('variables: others are ignored', 'SPEC 6.1.2', async (site) => executed(await post(site, { query: hello, variables: { a: 1, __proto__: null, constructor: { prototype: 1 } } }), helloData));
must('variables: a wrong one is 200 for older clients', 'GOH 2025, application/json', async (site) => refused(await post(site, { query: texts, variables: {} }, legacy), 200));
for (const [name, literal] of [
  ['2147483648', '2147483648'],
  ['-2147483649', '-2147483649'],
  ['10 with 400 zeroes', '1' + '0'.repeat(400)],
]) {
  must(`the literal ${name} is no Int`, 'SPEC 3.5.1', async (site) => {
    const [e] = refused(await post(site, `{ items(first: ${literal}) { totalCount } }`), 400);
    assert.ok(e.locations?.length > 0, JSON.stringify(e));
  });
}

// --- Execution --------------------------------------------------------------------------

must(
  'an error of a field has its path and place, and a null there',
  'SPEC 7.1.2',
  async (site) => {
    const answer = await post(site, site.ops.partial);
    assert.equal(answer.status, 200);
    const [e] = errorsOf(answer.json);
    assert.equal(answer.json.data[e.path[0]], null);
    assert.equal(answer.json.data.__typename, 'Query');
    assert.ok(e.locations?.length > 0);
    assert.equal(typeof e.extensions?.code, 'string');
  },
  { mode: 'usual' },
);
must(
  'a null that is not allowed goes up to the data',
  'SPEC 6.4.4',
  async (site) => {
    const answer = await post(site, site.ops.broken);
    assert.equal(answer.status, 200, answer.text);
    errorsOf(answer.json);
    assert.equal(answer.json.data, null);
  },
  { mode: 'usual' },
);
must('introspection', 'SPEC 4', async (site) => {
  const data = executed(
    await post(
      site,
      '{ __schema { queryType { name } types { name kind isOneOf specifiedByURL } directives { name isRepeatable args(includeDeprecated: true) { name } } } __type(name: "Query") { kind name } none: __type(name: "Nope") { name } }',
    ),
  );
  assert.equal(data.none, null);
  assert.deepEqual(data.__type, { kind: 'OBJECT', name: 'Query' });
});
must('@defer is not offered', 'it would have to be honoured', async (site) => {
  const data = executed(await post(site, '{ __schema { directives { name } } }'));
  assert.ok(!data.__schema.directives.some((d) => d.name === 'defer' || d.name === 'stream'));
  refused(await post(site, '{ ... @defer { __typename } }'), 400);
});
must('the requests of a connection have names of their own', 'operations', async (site) => {
  const [a, b] = [await post(site, hello), await post(site, hello)];
  assert.ok(a.headers['x-request-id'] && a.headers['x-request-id'] !== b.headers['x-request-id']);
});
should('a name of a request cannot break headers', 'RFC 9110 5.5', async (site) => {
  const { headers } = await post(site, hello, { 'x-request-id': 'a b%0d%0aSet-Cookie: x=y' });
  assert.ok(!headers['set-cookie'] && !/Set-Cookie/.test(headers['x-request-id']));
});
must('a stream that is not named is not given', 'GOH', async (site) => assert.notEqual(media(await post(site, hello, { accept: 'text/*' })), STREAM_TYPE));

// --- The specification of September 2026 -------------------------------------------------

const draft = { mode: 'draft' };
const spec = suite('draft');
for (const [name, status, request] of [
  ['what does not validate', 422, { query: '{ nope }' }],
  ['an unknown operation', 422, { query: two, operationName: 'c' }],
  ['two operations and no name', 422, { query: two }],
  ['a variable of a wrong type', 422, { query: texts, variables: { v: 1 } }],
  ['a missing variable', 422, { query: texts }],
  ['no query', 422, {}],
  ['qeury', 422, { qeury: hello }],
  ['variables that are a list', 422, { query: hello, variables: [7] }],
  ['query 7', 422, { query: 7 }],
  ['extensions that are a text', 422, { query: hello, extensions: 'x' }],
  ['a text', 422, bytes('"x"')],
  ['what does not parse', 400, { query: '{' }],
  ['an empty document', 400, { query: '' }],
  ['what is no JSON', 400, bytes('NONSENSE')],
  ['half an object', 400, bytes('{"query":')],
  ['too deep a document', 422, { query: `{ __schema { types { ${'fields { type { '.repeat(10)}name${' } }'.repeat(10)} } } }` }],
]) {
  for (const accept of [GRAPH_TYPE, JSON_TYPE, null]) {
    spec.should(
      `${name} is ${status}, Accept: ${accept}`,
      'GOH Status Codes',
      async (site) => {
        const answer = await post(site, request, { accept });
        refused(answer, status);
        assert.equal(media(answer), GRAPH_TYPE, 'only what is executed is called otherwise for older clients');
      },
      draft,
    );
  }
}
for (const [accept, type] of [
  [GRAPH_TYPE, GRAPH_TYPE],
  [JSON_TYPE, JSON_TYPE],
]) {
  spec.should(
    `all well is 200, Accept: ${accept}`,
    'GOH Status Codes',
    async (site) => {
      const answer = await post(site, hello, { accept });
      executed(answer, helloData);
      assert.equal(media(answer), type);
    },
    draft,
  );
  for (const what of ['partial', 'broken']) {
    spec.should(
      `data and errors are 294: ${what}, Accept: ${accept}`,
      'GOH Status Codes',
      async (site) => {
        const answer = await post(site, site.ops[what], { accept });
        assert.equal(answer.status, 294, answer.text);
        errorsOf(answer.json);
        assert.equal(media(answer), type);
      },
      draft,
    );
  }
}
spec.should('GET of a mutation is 405', 'GOH Status Codes', async (site) => refused(await get(site, { query: site.ops.change }), 405), draft);
spec.should('PUT is 405', 'GOH Status Codes', async (site) => refused(await ask(site, { method: 'PUT', body: { query: hello } }), 405), draft);
spec.should('text/plain is 415', 'GOH Status Codes', async (site) => refused(await post(site, hello, { 'content-type': 'text/plain' }), 415), draft);
spec.should('Accept: text/html is 406', 'GOH Status Codes', async (site) => refused(await post(site, hello, { accept: 'text/html' }), 406), draft);
spec.should('3 MiB is 413', 'GOH Status Codes', async (site) => refused(await post(site, bytes(large)), 413), draft);
spec.should('an address of 40 kB is 414', 'GOH Status Codes', async (site) => refused(await get(site, { query: `${hello} #${'x'.repeat(40_000)}` }), 414), draft);
spec.should('a token that is no good is 401', 'GOH Status Codes', async (site) => assert.equal((await post(site, hello, { authorization: 'Bearer nonsense' })).status, 401), draft);
spec.must(
  'an answer that is none of GraphQL is not called one',
  'GOH Status Codes',
  async (site) => assert.notEqual(media(await ask(site, { path: '/nowhere', headers: { accept: GRAPH_TYPE, 'content-type': JSON_TYPE }, body: { query: hello } })), GRAPH_TYPE),
  draft,
);
