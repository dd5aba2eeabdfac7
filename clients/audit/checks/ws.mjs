// Sockets: the protocol graphql-transport-ws, and what may be done to it.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Socket, exchange, post, suite, withSocket } from '../kit.mjs';

const { must, should } = suite('ws');
const hello = { query: '{ __typename }' };
const helloNext = (id) => [
  { id, type: 'next', payload: { data: { __typename: 'Query' } } },
  { id, type: 'complete' },
];
const subscription = (site) => ({ query: site.ops.subscription });

// The handshake.
for (const [name, protocols] of Object.entries({
  'the subprotocol': ['graphql-transport-ws'],
  'the older one first': ['graphql-ws', 'graphql-transport-ws'],
  'the older one last': ['graphql-transport-ws', 'graphql-ws'],
  'an unknown one first': ['x', 'graphql-transport-ws'],
})) {
  must(`${name} is agreed on`, 'Communication', async (site) =>
    withSocket(site, { protocols }, async (s) => {
      await s.greeted();
      assert.equal(s.ws.protocol, 'graphql-transport-ws');
      assert.deepEqual(await s.result('1', hello), helloNext('1'));
    }),
  );
}
for (const [name, protocols] of Object.entries({
  'no subprotocol': [],
  'the older subprotocol': ['graphql-ws'],
  'an unknown subprotocol': ['x', 'y'],
  'the name in capitals': ['GRAPHQL-TRANSPORT-WS'],
})) {
  must(`${name} is 4406 or refused`, 'graphql-ws (4406)', async (site) =>
    withSocket(site, { protocols }, async (s) => {
      const event = await s.event();
      assert.ok([4406, 1002, 1006].includes(event.closed) || event.status >= 400, JSON.stringify(event));
    }),
  );
}
for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'nonsense']) {
  must(`a page of ${origin} is refused`, 'OWASP; cross-site WebSocket hijacking', async (site) => withSocket(site, { origin }, async (s) => assert.equal((await s.event()).status, 403)));
}
must('a page of the same origin', 'RFC 6455 4.2.2', async (site) =>
  withSocket(site, { origin: `http://${site.host}` }, async (s) => {
    await s.greeted();
  }),
);
const upgrade = (site, lines, method = 'GET') =>
  exchange(site, Buffer.from([`${method} ${site.path} HTTP/1.1`, `Host: ${site.host}`, ...lines, '', ''].join('\r\n')), { end: (text) => text.includes('\r\n\r\n') });
const shake = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'graphql-transport-ws' };
for (const [name, change, statuses, method] of [
  ['another version is 426', { 'Sec-WebSocket-Version': '8' }, [426, 400]],
  ['no key', { 'Sec-WebSocket-Key': null }, [400]],
  ['a key that is none', { 'Sec-WebSocket-Key': 'x' }, [400]],
  ['an unknown upgrade', { Upgrade: 'h2c' }, [400, 426, 200]],
  ['no Connection: Upgrade', { Connection: 'keep-alive' }, [400, 426]],
  ['POST', {}, [405, 400], 'POST'],
]) {
  must(`handshake: ${name}`, 'RFC 6455 4.2.1', async (site) => {
    const lines = Object.entries({ ...shake, ...change })
      .filter(([, v]) => v !== null)
      .map(([k, v]) => `${k}: ${v}`);
    const answer = await upgrade(site, lines, method);
    assert.ok(statuses.includes(answer.status), answer.raw);
  });
}
must('handshake: the answer to the nonce', 'RFC 6455 4.2.2', async (site) => {
  const answer = await upgrade(
    site,
    Object.entries(shake).map(([k, v]) => `${k}: ${v}`),
  );
  assert.equal(answer.status, 101, answer.raw);
  assert.equal(answer.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.ok(!answer.headers['sec-websocket-extensions'], 'compression that nobody asked for');
});
must('compressed messages do not grow without bound', 'RFC 7692', async (site) =>
  withSocket(site, { perMessageDeflate: true }, async (s) => {
    await s.greeted();
    s.ws.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { ...hello, extensions: { x: 'x'.repeat(50 << 20) } } }), { compress: true });
    await s.closedWith(1009);
  }),
);

// The introduction.
for (const [name, payload] of Object.entries({ nothing: undefined, null: null, 'an object': {}, 'an object with anything': { a: { b: [1] }, __proto__: null } })) {
  must(`connection_init with ${name}`, 'ConnectionInit', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.opened;
      s.send({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) });
      assert.deepEqual(await s.next(), { type: 'connection_ack' });
    }),
  );
}
for (const [name, payload] of Object.entries({ 'a text': 'x', 'a number': 7, 'a list': [], true: true })) {
  must(`connection_init with ${name} is 4400`, 'ConnectionInit; Invalid message', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.opened;
      s.send({ type: 'connection_init', payload });
      await s.closedWith(4400);
    }),
  );
}
must('a second connection_init is 4429', 'ConnectionInit', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ type: 'connection_init' });
    await s.closedWith(4429, /Too many initialisation requests/);
  }),
);
must('two at once are 4429', 'ConnectionInit', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.opened;
    s.send({ type: 'connection_init' }).send({ type: 'connection_init' });
    await s.closedWith(4429);
  }),
);
must(
  'no connection_init is 4408',
  'ConnectionInit',
  async (site) =>
    withSocket(site, {}, async (s) => {
      await s.opened;
      await s.closedWith(4408, /Connection initialisation timeout/);
    }),
  { slow: true },
);
must(
  'pings do not put it off',
  'ConnectionInit',
  async (site) =>
    withSocket(site, {}, async (s) => {
      await s.opened;
      const timer = setInterval(() => s.send({ type: 'ping' }), 500);
      try {
        await s.closedWith(4408);
      } finally {
        clearInterval(timer);
      }
    }),
  { slow: true },
);
must('an operation before it is 4401', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.opened;
    s.send({ id: '1', type: 'subscribe', payload: hello });
    await s.closedWith(4401, /Unauthorized/);
  }),
);
for (const Authorization of ['Bearer nonsense', 'nonsense', '', 7, null, { a: 1 }]) {
  must(`a token that is none: ${JSON.stringify(Authorization)}`, 'graphql-ws (4403)', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.opened;
      s.send({ type: 'connection_init', payload: { Authorization } });
      await s.closedWith(4403, /Forbidden/);
    }),
  );
}
must('a token in the introduction', 'ConnectionInit', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted({ Authorization: site.signedIn.authorization });
    const [{ payload }] = await s.result('1', { query: '{ viewer { role } }' });
    assert.equal(payload.data.viewer.role, 'APPLICANT');
  }),
);
must('a token in the handshake', 'RFC 6455', async (site) =>
  withSocket(site, { headers: site.signedIn }, async (s) => {
    await s.greeted();
    const [{ payload }] = await s.result('1', { query: '{ viewer { role } }' });
    assert.equal(payload.data.viewer.role, 'APPLICANT');
  }),
);

// Messages that are none.
const wrong = (title, message, greet = true) =>
  must(title, 'Invalid message', async (site) =>
    withSocket(site, {}, async (s) => {
      if (greet) await s.greeted();
      else await s.opened;
      s.send(message);
      const { reason } = await s.closedWith(4400);
      assert.ok(reason.length > 0 && Buffer.byteLength(reason) <= 123);
    }),
  );
for (const [name, text] of Object.entries({
  nothing: '',
  nonsense: 'x',
  'half an object': '{"type":"ping"',
  'more after it': '{"type":"ping"}{}',
  'a list': '[]',
  'a list of messages': '[{"type":"ping"}]',
  null: 'null',
  'a number': '7',
  'a text': '"ping"',
  'an object with nothing': '{}',
  'a type that is a number': '{"type":7}',
  'a type that is null': '{"type":null}',
  'an empty type': '{"type":""}',
  'an unknown type': '{"type":"nope"}',
  'Type for type': '{"Type":"ping"}',
  PING: '{"type":"PING"}',
  'next from a client': '{"type":"next","id":"1","payload":{}}',
  'error from a client': '{"type":"error","id":"1","payload":[]}',
  'connection_ack from a client': '{"type":"connection_ack"}',
  'start, of the older protocol': '{"type":"start","id":"1","payload":{"query":"{ __typename }"}}',
  'connection_terminate, of the older protocol': '{"type":"connection_terminate"}',
  'half a pair of surrogates': '{"type":"ping","payload":{"a":"\\ud83d"}}',
}))
  wrong(`${name} is 4400`, text);
wrong('nonsense before the introduction is 4400', 'x', false);
must('bytes are 4400', 'Communication', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
    await s.closedWith(4400);
  }),
);
must('a text that is not UTF-8 is 1007 or 4400', 'RFC 6455 8.1', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.ws.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false });
    const event = await s.event();
    assert.ok([1007, 4400].includes(event.closed), JSON.stringify(event));
  }),
);
for (const [name, message] of Object.entries({
  'no id': { type: 'subscribe', payload: hello },
  'an empty id': { id: '', type: 'subscribe', payload: hello },
  'an id that is a number': { id: 7, type: 'subscribe', payload: hello },
  'an id that is null': { id: null, type: 'subscribe', payload: hello },
  'ID for id': { ID: '1', type: 'subscribe', payload: hello },
  'no payload': { id: '1', type: 'subscribe' },
  'a payload that is null': { id: '1', type: 'subscribe', payload: null },
  'a payload that is a text': { id: '1', type: 'subscribe', payload: '{ __typename }' },
  'a payload that is a list': { id: '1', type: 'subscribe', payload: [hello] },
  'no query': { id: '1', type: 'subscribe', payload: {} },
  'a query that is a number': { id: '1', type: 'subscribe', payload: { query: 7 } },
  'a query that is null': { id: '1', type: 'subscribe', payload: { query: null } },
  'operationName 7': { id: '1', type: 'subscribe', payload: { ...hello, operationName: 7 } },
  'variables that are a list': { id: '1', type: 'subscribe', payload: { ...hello, variables: [] } },
  'variables that are a text': { id: '1', type: 'subscribe', payload: { ...hello, variables: '{}' } },
  'extensions that are a text': { id: '1', type: 'subscribe', payload: { ...hello, extensions: 'x' } },
  'complete without an id': { type: 'complete' },
  'complete with an id that is a number': { id: 7, type: 'complete' },
  'ping with a text': { type: 'ping', payload: 'x' },
  'pong with a list': { type: 'pong', payload: [] },
}))
  wrong(`${name} is 4400`, message);

// Pings, and what does not matter.
must('ping is answered by pong with its payload', 'Ping', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ type: 'ping', payload: { a: [1, '餐'] } });
    assert.deepEqual(await s.next(), { type: 'pong', payload: { a: [1, '餐'] } });
    s.send({ type: 'ping' });
    assert.deepEqual(await s.next(), { type: 'pong' });
  }),
);
must('ping before the introduction', 'Ping', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.opened;
    await s.silent();
    await s.greeted();
  }),
);
must('pong that nobody asked for', 'Pong', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ type: 'pong' }).send({ type: 'pong', payload: { a: 1 } });
    await s.silent();
  }),
);
must('complete of an id that is not known', 'Complete', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: 'nope', type: 'complete' });
    await s.silent();
  }),
);
must('other members are ignored', 'Communication', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: '1', type: 'subscribe', payload: { ...hello, x: 1 }, x: 1 });
    assert.deepEqual(await s.next(), helloNext('1')[0]);
  }),
);
must('a message in pieces', 'RFC 6455 5.4', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    const text = JSON.stringify({ id: '1', type: 'subscribe', payload: hello });
    s.ws.send(text.slice(0, 20), { fin: false });
    s.ws.send(text.slice(20), { fin: true });
    assert.deepEqual(await s.next(), helloNext('1')[0]);
  }),
);
must('a ping of the socket', 'RFC 6455 5.5.2', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.ws.ping('x');
    await s.silent();
    assert.ok(s.ponged);
  }),
);
should(
  'the server looks after a silent socket',
  'RFC 6455 5.5.2',
  async (site) =>
    withSocket(site, {}, async (s) => {
      const pinged = new Promise((resolve) => s.ws.on('ping', resolve));
      await s.greeted();
      await Promise.race([pinged, new Promise((_, reject) => setTimeout(() => reject(new Error('no ping in 30 s')), 30_000).unref())]);
    }),
  { slow: true },
);
must('the client closes', 'RFC 6455 7', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: '1', type: 'subscribe', payload: subscription(site) });
    s.ws.close(1000, 'done');
    await s.closedWith(1000);
  }),
);

// Operations.
must('a query', 'Single result operation', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    assert.deepEqual(await s.result('1', hello), helloNext('1'));
  }),
);
must('a mutation', 'Single result operation', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    const [next, complete] = await s.result('1', { query: site.ops.change });
    assert.ok(next.payload.data && !next.payload.errors);
    assert.deepEqual(complete, { id: '1', type: 'complete' });
  }),
);
must('null for what may be left out', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    assert.deepEqual(await s.result('1', { ...hello, operationName: null, variables: null, extensions: null }), helloNext('1'));
  }),
);
must('variables and operationName', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    assert.deepEqual(
      (await s.result('1', { query: 'query a { a: __typename } query b($v: Boolean!) { b: __typename c: __typename @skip(if: $v) }', operationName: 'b', variables: { v: true } }))[0].payload,
      { data: { b: 'Query' } },
    );
  }),
);
must('a subscription brings its events', 'Streaming operation', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted({ Authorization: site.signedIn.authorization });
    s.send({ id: '1', type: 'subscribe', payload: site.ops.events });
    const message = await s.next();
    assert.equal(message.type, 'next');
    assert.equal(message.payload.data.caseEvents.kind, site.ops.eventKind);
    s.send({ id: '1', type: 'complete' });
    await s.silent();
  }),
);
for (const [name, payload] of Object.entries({
  'does not parse': { query: '{' },
  'is empty': { query: '' },
  'does not validate': { query: '{ nope }' },
  'lacks a variable': { query: 'query($a: Boolean!) { __typename @skip(if: $a) }' },
  'has a wrong variable': { query: 'query($a: Boolean!) { __typename @skip(if: $a) }', variables: { a: 'x' } },
  'names no operation': { query: 'query a { __typename }', operationName: 'b' },
  'is too deep': { query: '{'.repeat(1) + '__schema { types '.repeat(1) + '{ fields { type '.repeat(9) + '{ name }' + '} }'.repeat(9) + '} }' },
  'is too much': { query: `{ ${'a: __typename '.repeat(900)} }` },
  'has a hash that is not known': { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
  'subscribes to two fields': { query: 'subscription { a: catalogEvents { id } b: catalogEvents { id } }' },
})) {
  must(`what ${name} is an error, and the socket lives on`, 'Error', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.greeted();
      const messages = await s.result('1', payload);
      assert.equal(messages.length, 1);
      assert.equal(messages[0].type, 'error');
      assert.ok(Array.isArray(messages[0].payload) && messages[0].payload.length > 0 && messages[0].payload.every((e) => typeof e.message === 'string'));
      await s.silent(); // no complete
      assert.deepEqual(await s.result('1', hello), helloNext('1')); // the id is free
    }),
  );
}
must('an error of a field is in next', 'Next', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    const [{ type, payload }, last] = await s.result('1', site.ops.partial);
    assert.equal(type, 'next');
    assert.ok(payload.errors[0].path && payload.data.__typename);
    assert.equal(last.type, 'complete');
  }),
);
must('who may not follow is told', 'Error', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { departmentEvents(department: "samr") { id } }' } });
    const { type, payload } = await s.next();
    assert.ok(type === 'error' ? payload[0].extensions.code : payload.errors[0].extensions.code);
  }),
);
must('an operation by its hash', 'APQ', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    const query = `{ a${randomBytes(6).toString('hex')}: __typename }`;
    const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };
    assert.equal((await s.result('1', { extensions }))[0].payload[0].message, 'PersistedQueryNotFound');
    assert.equal((await s.result('2', { query, extensions }))[0].type, 'next');
    assert.equal((await s.result('3', { extensions }))[0].type, 'next');
  }),
);
must('a mutation with a key has its effect once, also by POST', 'docs/api.md', async (site) => {
  const key = randomBytes(8).toString('hex');
  const once = () =>
    withSocket(site, {}, async (s) => {
      await s.greeted({ Authorization: site.signedIn.authorization });
      return (await s.result('1', { query: site.ops.change, extensions: { idempotencyKey: key } }))[0].payload;
    });
  const first = await once();
  assert.ok(first.data && !first.errors, JSON.stringify(first));
  assert.deepEqual(await once(), first);
  assert.deepEqual((await post(site, site.ops.change, { ...site.signedIn, 'idempotency-key': key })).json, first);
});
for (const idempotencyKey of ['', 'a b', 7, null])
  must(`the key ${JSON.stringify(idempotencyKey)} is refused`, 'docs/api.md', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.greeted();
      assert.match(JSON.stringify(await s.result('1', { query: site.ops.change, extensions: { idempotencyKey } })), /BAD_IDEMPOTENCY_KEY/);
    }),
  );
must('an id that is in use is 4409', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: 'a', type: 'subscribe', payload: subscription(site) }).send({ id: 'a', type: 'subscribe', payload: subscription(site) });
    await s.closedWith(4409, /Subscriber for a already exists/);
  }),
);
must('a long id that is in use is 4409', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    const id = '餐'.repeat(1000);
    await s.greeted();
    s.send({ id, type: 'subscribe', payload: subscription(site) }).send({ id, type: 'subscribe', payload: subscription(site) });
    await s.closedWith(4409);
  }),
);
for (const id of ['__proto__', 'constructor', '餐饮🏊', '"', 'x'.repeat(10_000), ' ', '\0'])
  must(`the id ${JSON.stringify(id.slice(0, 20))}`, 'Subscribe', async (site) =>
    withSocket(site, {}, async (s) => {
      await s.greeted();
      assert.deepEqual(await s.result(id, hello), helloNext(id));
    }),
  );
must('an id may be used again', 'Subscribe', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    for (let i = 0; i < 5; i++) assert.deepEqual(await s.result('1', hello), helloNext('1'));
  }),
);
must('an id that the client has completed may be used again at once', 'Complete', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    for (let i = 0; i < 20; i++) s.send({ id: '1', type: 'subscribe', payload: subscription(site) }).send({ id: '1', type: 'complete' });
    assert.deepEqual(await s.result('1', hello), helloNext('1'));
    await s.silent();
  }),
);
must('nothing comes after the client has completed', 'Complete', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ id: '1', type: 'subscribe', payload: subscription(site) }).send({ id: '1', type: 'complete' });
    await s.silent();
    await s.silent();
  }),
);
must('100 operations at once', 'Communication', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    for (let i = 0; i < 100; i++) s.send({ id: `${i}`, type: 'subscribe', payload: hello });
    const ended = {};
    while (Object.keys(ended).length < 100) {
      const m = await s.next();
      if (m.type === 'complete') ended[m.id] = true;
      else assert.equal(m.type, 'next');
    }
  }),
);
must('10,000 operations are bounded', 'denial of service', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    for (let i = 0; i < 10_000; i++) s.send({ id: `${i}`, type: 'subscribe', payload: subscription(site) });
    const event = await s.event();
    assert.ok(event.closed || event.message.type === 'error', JSON.stringify(event));
  }),
);
must('a frame of 2 MiB is 1009', 'RFC 6455 7.4.1', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send({ type: 'ping', payload: { x: 'x'.repeat(2 << 20) } });
    await s.closedWith(1009);
  }),
);
must('a frame of 2 MiB in pieces is 1009', 'RFC 6455 7.4.1', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.ws.send('{"type":"ping","payload":{"x":"', { fin: false });
    for (let i = 0; i < 32; i++) s.ws.send('x'.repeat(1 << 16), { fin: false });
    await s.closedWith(1009);
  }),
);
must('JSON of depth 100,000', 'RFC 8259 9', async (site) =>
  withSocket(site, {}, async (s) => {
    await s.greeted();
    s.send(`{"type":"ping","payload":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`);
    await s.closedWith(4400);
  }),
);
must('one bad socket does not matter to others', 'operations', async (site) => {
  const good = new Socket(site);
  try {
    await good.greeted();
    await withSocket(site, {}, async (bad) => {
      await bad.greeted();
      bad.send('x');
      await bad.closedWith(4400);
    });
    assert.deepEqual(await good.result('1', hello), helloNext('1'));
  } finally {
    good.close();
  }
});
