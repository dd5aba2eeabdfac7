// Hostile requests: after the OWASP GraphQL cheat sheet, the probes of graphql-cop,
// what GraphQL Armor guards against, and what servers have been found to fail. What is
// judged by time is judged by the processor time of the server.
import assert from 'node:assert/strict';
import { GRAPH_TYPE, JSON_TYPE, Socket, ask, compose, exchange, executed, get, post, preflight, refused, spends, suite } from '../kit.mjs';

const { must, should } = suite('security');
const hello = '{ __typename }';
const repeat = (n, of) => Array.from({ length: n }, (_, i) => of(i)).join(' ');
const milliseconds = 250;

// Bombs: refused, cheaply, in few words.
const nested = (n) => `{ __schema { types { ${'fields { type { '.repeat(n)}name${' } }'.repeat(n)} } } }`;
const doubling = (n) => `{ ...F0 } ${repeat(n, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F${n} on Query { __typename }`;
const bombs = {
  '8,000 times one field': `{ ${repeat(8000, () => '__typename')} }`,
  '4,900 times one field': `{ ${repeat(4900, () => '__typename')} }`,
  '20,000 inline fragments': `{ ${repeat(20_000, () => '... { __typename }')} }`,
  '10,000 inline fragments in each other': `{ ${'... { '.repeat(10_000)}__typename${' }'.repeat(10_000)} }`,
  '1,000 aliases': `{ ${repeat(1000, (i) => `a${i}: __typename`)} }`,
  '101 aliases (graphql-cop)': `{ ${repeat(101, (i) => `alias${i}: __typename`)} }`,
  '1,000 aliases of a mutation': `mutation { ${repeat(1000, (i) => `a${i}: issueNotice(input: { item: "biz-reg", facts: {} }) { notice { number } }`)} }`,
  '30 changes in one mutation': `mutation { ${repeat(30, (i) => `a${i}: issueNotice(input: { item: "biz-reg", facts: {} }) { notice { number } }`)} }`,
  '1,000 directives': `{ __typename ${repeat(1000, () => '@include(if: true)')} }`,
  '10,000 unknown directives': `{ __typename ${repeat(10_000, () => '@a')} }`,
  '100 directives on 100 fields': `{ ${repeat(100, (i) => `__typename @include(if: true)`)} }`,
  '1,000 directives of a variable': `query($a: Boolean! ${repeat(1000, () => '@a')}) { __typename @skip(if: $a) }`,
  'depth 20': nested(10),
  'depth 1,000': nested(500),
  'depth 10,000': nested(5000),
  'depth by fragments': `{ __schema { types { ...F0 } } } ${repeat(12, (i) => `fragment F${i} on __Type { fields { type { ...F${i + 1} } } }`)} fragment F12 on __Type { name }`,
  'circular introspection (graphql-cop)': nested(20),
  '26 fragments that double': doubling(26),
  '60 fragments that double': doubling(60),
  '199 fragments that double': doubling(199),
  '40 fragments that treble': `{ ...F0 } ${repeat(40, (i) => `fragment F${i} on Query { ...F${i + 1} ... { ...F${i + 1} } ... on Query { ...F${i + 1} } }`)} fragment F40 on Query { __typename }`,
  'circular fragments': '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  'a fragment of itself': '{ ...A } fragment A on Query { __typename ...A }',
  'a circle of 150': `{ ...F0 } ${repeat(150, (i) => `fragment F${i} on Query { ...F${(i + 1) % 150} }`)}`,
  '2,000 fragments': `{ ${repeat(2000, (i) => `...F${i}`)} } ${repeat(2000, (i) => `fragment F${i} on Query { __typename }`)}`,
  '2,000 fragments that nobody uses': `{ __typename } ${repeat(2000, (i) => `fragment F${i} on Query { __typename }`)}`,
  '1,000 operations': repeat(1000, (i) => `query a${i} { __typename }`),
  '1,000 variables': `query(${repeat(1000, (i) => `$a${i}: Boolean`)}) { ${repeat(1000, (i) => `a${i}: __typename @skip(if: $a${i})`)} }`,
  '5,000 variables that nobody uses': `query(${repeat(5000, (i) => `$a${i}: Int`)}) { __typename }`,
  'fields that overlap, of 300 objects': `{ ${repeat(300, () => 'items { edges { node { code } } }')} }`,
  'fields that overlap by fragments': `{ ...A ...B } ${['A', 'B'].map((f) => `fragment ${f} on Query { ${repeat(200, (i) => `x: items(first: ${i + 1}) { totalCount }`)} }`).join(' ')}`,
  'overlapping pairs in each other': `{ ${'items { edges { node { '.repeat(4)}${repeat(400, () => 'code')}${' } } }'.repeat(4)} }`,
  '90 kB of white space': `{ __typename ${' '.repeat(200_000)} }`,
  '90 kB of commas': `{ __typename ${','.repeat(200_000)} }`,
  'a comment of 500 kB': `{ __typename } #${'x'.repeat(500_000)}`,
  'a name of 500 kB': `{ ${'x'.repeat(500_000)} }`,
  'a text of 500 kB': `{ item(code: "${'x'.repeat(500_000)}") { code } }`,
  'a block text of 500 kB': `{ item(code: """${'\n x'.repeat(100_000)}""") { code } }`,
  '5,000 arguments': `{ item(${repeat(5000, (i) => `a${i}: 1`)}) { code } }`,
  '5,000 times one argument': `{ item(${repeat(5000, () => 'code: "a"')}) { code } }`,
  'a list of 9,000': `{ facts(keys: [${repeat(9000, () => '"a"')}]) { key } }`,
  'lists of depth 5,000': `{ facts(keys: ${'['.repeat(5000)}${']'.repeat(5000)}) { key } }`,
  'objects of depth 3,000': `{ guide(input: { item: "biz-reg", facts: ${'{ a: '.repeat(3000)}1${' }'.repeat(3000)} }) { digest } }`,
  'types of depth 5,000': `query($a: ${'['.repeat(5000)}Int${']'.repeat(5000)}) { __typename }`,
  '10,000 unknown fields': `{ ${repeat(10_000, (i) => `nope${i}`)} }`,
  '700 unknown fields': `{ ${repeat(700, (i) => `nope${i}`)} }`,
  '45 unknown fields that are nearly known': `{ ${repeat(45, (i) => `a${i}: itemss`)} }`,
  'braces only': '{'.repeat(100_000),
  'a batch of brackets': '['.repeat(100_000),
};
for (const [name, query] of Object.entries(bombs)) {
  must(
    `${name}`,
    'OWASP; graphql-cop; GraphQL Armor; graphql-php 1906; GHSA-mfj6-6p54-m98c',
    async (site) =>
      spends(site, milliseconds, async () => {
        const answer = await post(site, { query });
        refused(answer, 400, 413, 422);
        assert.ok(answer.bytes.length < 20_000, `${answer.bytes.length} bytes of errors`);
      }),
    { cpu: true },
  );
}
for (const [name, query] of Object.entries({
  '190 times one field': `{ ${repeat(190, () => '__typename')} }`,
  '790 times one field': `{ ${repeat(790, () => '__typename')} }`,
  '190 inline fragments': `{ ${repeat(190, () => '... { __typename }')} }`,
  '8 fragments that double': doubling(8),
  'the introspection of a tool': nested(5),
})) {
  must(`${name} is answered or refused, cheaply`, 'graphql-cop 43', async (site) => spends(site, milliseconds, async () => assert.ok([200, 400].includes((await post(site, { query })).status))), {
    cpu: true,
  });
}
must(
  'a bomb that comes again and again',
  'the memory of documents',
  async (site) =>
    spends(site, 1000, async () => {
      for (let i = 0; i < 20; i++) refused(await post(site, { query: `${bombs['4,900 times one field']} # ${i}` }), 400);
    }),
  { cpu: true },
);
must(
  'a bomb on a socket',
  'graphql-ws',
  async (site) =>
    spends(site, milliseconds, async () => {
      const socket = new Socket(site);
      try {
        await socket.greeted();
        for (const name of ['8,000 times one field', '60 fragments that double', '1,000 aliases', 'depth 1,000']) assert.equal((await socket.result('1', { query: bombs[name] }))[0].type, 'error');
      } finally {
        socket.close();
      }
    }),
  { cpu: true },
);
must('a bomb by GET', 'graphql-cop', async (site) => spends(site, milliseconds, async () => refused(await get(site, { query: doubling(60) }), 400)), { cpu: true });
must(
  'a bomb by its hash',
  'APQ',
  async (site) => spends(site, milliseconds, async () => refused(await post(site, { query: doubling(60), extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }), 400)),
  { cpu: true },
);

// Large and strange values.
for (const [name, variables, query] of [
  ['a list of 100,000', { v: Array(100_000).fill('a') }, 'query($v: [String!]) { facts(keys: $v) { key } }'],
  ['a text of 900 kB', { v: 'x'.repeat(900_000) }, 'query($v: String!) { item(code: $v) { code } }'],
  ['100,000 facts', { v: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a${i}`, i])) }, 'query($v: FactSet!) { guide(input: { item: "biz-reg", facts: $v }) { digest } }'],
  [
    '100,000 pauses',
    { v: Array(10_000).fill({ from: '2026-01-01', to: '2026-01-02', reason: 'x' }) },
    'query($v: [PauseInput!]) { deadline(input: { start: "2026-01-01", amount: 1, unit: DAY, pauses: $v }) { dueOn } }',
  ],
  ['10,000 ids', { v: Array(10_000).fill('x') }, 'query($v: [ID!]!) { nodes(ids: $v) { id } }'],
  ['facts of depth 5,000', undefined, 'query($v: FactSet!) { guide(input: { item: "biz-reg", facts: $v }) { digest } }'],
]) {
  must(
    `variables: ${name}`,
    'OWASP (input validation)',
    async (site) =>
      spends(site, 500, async () => {
        const answer = await post(site, variables ? { query, variables } : Buffer.from(`{"query":${JSON.stringify(query)},"variables":{"v":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}}`));
        assert.ok(answer.json?.errors && answer.status < 500, answer.text.slice(0, 200));
        assert.ok(answer.bytes.length < 20_000, `${answer.bytes.length} bytes of errors`);
      }),
    { cpu: true },
  );
}
for (const value of [
  "' OR 1=1 --",
  "'; DROP TABLE cases; --",
  '%',
  '_%',
  '\\',
  '\u0000',
  'a\u0000b',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '${7*7}',
  '{{7*7}}',
  '\ufeff',
  '\u202e',
  'x'.repeat(5000),
  '',
  ' ',
]) {
  must(`the text ${JSON.stringify(value.slice(0, 30))}`, 'OWASP (injection)', async (site) => {
    for (const query of [
      'query($v: String!) { item(code: $v) { code } }',
      'query($v: String!) { notice(number: $v) { number } }',
      'query($v: String!) { progress(number: $v, code: $v) { number } }',
      'query($v: String!) { items(where: { codeContains: $v, or: [{ name: $v }] }) { totalCount } }',
    ]) {
      const answer = await post(site, { query, variables: { v: value } });
      assert.ok([200, 400].includes(answer.status), answer.text);
      for (const e of answer.json.errors ?? []) assert.ok(!['INTERNAL', 'UNAVAILABLE'].includes(e.extensions.code), answer.text);
    }
  });
}
for (const [name, args] of Object.entries({
  'first 1,000,000': 'first: 1000000',
  'first 2147483647': 'first: 2147483647',
  'first -1': 'first: -1',
  'last 1,000,000': 'last: 1000000',
  'first and last': 'first: 10, last: 10',
  'a cursor that is none': 'first: 1, after: "x"',
  'a cursor of another list': 'first: 1, after: "gqFp2SI"',
  'a cursor of 90 kB': `first: 1, after: "${'A'.repeat(90_000)}"`,
})) {
  must(`pages: ${name}`, 'OWASP (pagination)', async (site) => {
    const answer = await post(site, `{ items(${args}) { totalCount edges { cursor } } }`);
    assert.ok(answer.json.errors && answer.status < 500 && !answer.json.data?.items, answer.text.slice(0, 300));
    for (const e of answer.json.errors) assert.equal(e.extensions.code, 'INVALID', answer.text);
  });
}
must(
  'pages of pages of pages',
  'OWASP (cost)',
  async (site) =>
    spends(site, milliseconds, async () =>
      refused(
        await post(site, '{ items(first: 100) { edges { node { standard { clauses(first: 100) { edges { node { standard { clauses(first: 100) { edges { node { code } } } } } } } } } } } }'),
        400,
      ),
    ),
  { cpu: true },
);
must(
  '40 analyses at once',
  'OWASP (cost)',
  async (site) => spends(site, milliseconds, async () => refused(await post(site, `{ ${repeat(40, (i) => `a${i}: analysis(input: { asOf: "2026-0${1 + (i % 9)}-1${i % 10}" }) { digest }`)} }`), 400)),
  { cpu: true },
);
must(
  'an answer to numbers without end',
  'OWASP (input validation)',
  async (site) =>
    spends(site, milliseconds, async () => {
      for (const number of ['1e999999999', '1e-999999999', '9'.repeat(900_000), `0.${'0'.repeat(900_000)}1`, '-0', '1E400']) {
        const answer = await post(site, Buffer.from(`{"query":"query($v: FactSet!) { guide(input: { item: \\"biz-reg\\", facts: $v }) { digest } }","variables":{"v":{"use_area":${number}}}}`));
        assert.ok([200, 400].includes(answer.status) && answer.bytes.length < 2000, answer.text.slice(0, 300));
      }
    }),
  { cpu: true },
);
must(
  '50 guides at once',
  'OWASP (cost)',
  async (site) =>
    spends(site, 3000, async () => {
      const answer = await post(site, `{ ${repeat(50, (i) => `a${i}: guide(input: { scheme: "catering", facts: {} }) { digest clauses { clause { code } } }`)} }`);
      assert.ok(answer.status < 500, answer.text.slice(0, 200));
    }),
  { cpu: true },
);
for (const filter of ['{ not: '.repeat(100) + '{ code: "a" }' + ' }'.repeat(100), `{ or: [${repeat(500, () => '{ code: "a" }')}] }`]) {
  must(
    `a filter of ${filter.slice(0, 12)} …`,
    'OWASP (cost)',
    async (site) =>
      spends(site, 500, async () => {
        const answer = await post(site, `{ items(where: ${filter}) { totalCount } }`);
        assert.ok(answer.status < 500 && !(answer.json.errors ?? []).some((e) => ['INTERNAL', 'UNAVAILABLE'].includes(e.extensions.code)), answer.text.slice(0, 300));
      }),
    { cpu: true },
  );
}

// Errors.
must('broken JSON does not come back', 'error amplification', async (site) => {
  const answer = await post(site, Buffer.from(`{"query":"${'x'.repeat(900_000)}`));
  refused(answer, 400);
  assert.ok(answer.bytes.length < 2000, `${answer.bytes.length}`);
});
must('a wrong type is told in words of the API', 'gqlgen', async (site) => assert.ok(!/Go (value|struct)|RawParams|unmarshal/i.test((await post(site, { query: 7 })).text)));
must('nothing is traced', 'graphql-cop', async (site) => assert.ok(!('extensions' in (await post(site, hello)).json)));
must('a header does not come back', 'XST', async (site) => assert.ok(!(await post(site, '{ nope }', { 'x-secret': 'do-not-reflect', cookie: 'do-not-reflect' })).raw.includes('do-not-reflect')));
must('nobody says what it is made of', 'OWASP (fingerprinting)', async (site) => {
  const { headers } = await post(site, hello);
  assert.ok(!headers.server && !headers['x-powered-by']);
});

// Other sites, other forms.
for (const [name, kind, body] of [
  ['a form', 'application/x-www-form-urlencoded', 'query=%7B__typename%7D'],
  ['a form of a mutation', 'application/x-www-form-urlencoded', 'query=mutation%7Bx%7D'],
  ['a text', 'text/plain', JSON.stringify({ query: hello })],
  ['a text that says that it is JSON', 'text/plain; application/json', JSON.stringify({ query: hello })],
  ['nothing said', null, JSON.stringify({ query: hello })],
  ['an empty type', '', JSON.stringify({ query: hello })],
  ['application/graphql', 'application/graphql', hello],
]) {
  must(`another site cannot post ${name}`, 'graphql-cop (CSRF)', async (site) =>
    refused(await ask(site, { headers: { 'content-type': kind, accept: '*/*', origin: 'https://evil.example' }, body }), 415),
  );
}
must('another site cannot change anything by GET', 'graphql-cop (CSRF)', async (site) => refused(await get(site, { query: site.ops.change }, { origin: 'https://evil.example' }), 405));
must('another site may not read', 'CORS', async (site) => {
  for (const origin of ['https://evil.example', 'null', `http://${site.host}.evil.example`]) assert.ok(!(await post(site, hello, { origin })).headers['access-control-allow-origin']);
});
must('another site may not ask first', 'CORS', async (site) => {
  const answer = await ask(site, { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
  assert.ok(!answer.headers['access-control-allow-origin'] && !answer.headers['access-control-allow-methods']);
});
must('no credentials of browsers', 'CORS', async (site) => assert.ok(!(await post(site, hello, { origin: `http://${site.host}` })).headers['access-control-allow-credentials']));
for (const n of [2, 10, 1000]) must(`a batch of ${n}`, 'graphql-cop (batching)', async (site) => refused(await post(site, Array(n).fill({ query: hello })), 400));
must('a batch within an object', 'OWASP (batching)', async (site) => refused(await post(site, { 0: { query: hello }, 1: { query: hello } }), 400, 422));
must('Host does not matter', 'OWASP', async (site) => assert.ok(!(await post(site, '{ nope }', { host: 'evil.example' })).text.includes('evil.example')));
for (const path of [
  '/graphql/../graphql',
  '/graphql/',
  '//graphql',
  '/graphql%2f',
  '/GRAPHQL',
  '/graphiql',
  '/playground',
  '/console',
  '/voyager',
  '/debug/pprof/',
  '/metrics',
  '/.git/config',
  '/.env',
  '/server',
  '/api/graphql',
]) {
  must(
    `nothing is at ${path}`,
    'OWASP; graphql-cop',
    async (site) => {
      const answer = await ask(site, { method: 'GET', path, headers: { accept: 'text/html' } });
      assert.ok([301, 307, 400, 404, 405].includes(answer.status), `${answer.status}`);
    },
    { mode: 'any' },
  );
}
for (const authorization of [
  'Bearer nonsense',
  'Bearer',
  'Basic dXNlcjpwYXNz',
  'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZSI6IkFETUlOIn0.',
  `Bearer ${'x'.repeat(30_000)}`,
  'Bearer null',
  'Bearer a.b.c.d',
]) {
  must(`the token ${authorization.slice(0, 40)}`, 'RFC 6750; RFC 8725', async (site) => {
    const answer = await post(site, hello, { authorization });
    assert.equal(answer.status, 401, answer.text);
    assert.ok(answer.headers['www-authenticate'], 'how to sign in');
    assert.ok(answer.json.errors && !answer.json.data);
  });
}
must('a token of another key', 'RFC 8725', async (site) => {
  const [head, claims] = site.token.split('.');
  refusedToken(await post(site, hello, { authorization: `Bearer ${head}.${claims}.${'A'.repeat(86)}` }));
});
must('a token whose claims were changed', 'RFC 8725', async (site) => {
  const [head, claims, signature] = site.token.split('.');
  const other = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('APPLICANT', 'ADMIN')).toString('base64url');
  refusedToken(await post(site, hello, { authorization: `Bearer ${head}.${other}.${signature}` }));
});
const refusedToken = (answer) => assert.equal(answer.status, 401, answer.text);
must('who may not see a case is told of none', 'OWASP (access control)', async (site) => {
  const n = site.ops.uploadVariables.case;
  const nobody = await post(site, { query: 'query($n: String!) { case(number: $n) { number } }', variables: { n } });
  assert.ok(!nobody.json.data?.case, nobody.text);
  const never = await post(site, { query: 'query($n: String!) { case(number: $n) { number } }', variables: { n: 'DRAFT-NOPE' } });
  assert.deepEqual(nobody.json, never.json);
});

// A client that leaves.
must(
  'what nobody waits for stops',
  'denial of service',
  async (site) =>
    spends(site, 3000, async () => {
      const bytes = compose(site, { headers: { 'content-type': JSON_TYPE, accept: GRAPH_TYPE }, body: { query: '{ analysis(input: {}) { findings { kind } } }' } });
      await Promise.all(Array.from({ length: 10 }, () => exchange(site, bytes, { more: (socket) => setTimeout(() => socket.destroy(), 50) })));
    }),
  { cpu: true },
);
must(
  '100 silent connections do not matter',
  'Slowloris',
  async (site) => {
    const silent = Array.from({ length: 100 }, () => exchange(site, Buffer.from('POST '), {}));
    executed(await post(site, hello));
    await Promise.all(silent);
  },
  { slow: true },
);

// What production does not tell.
const closed = { mode: 'production' };
for (const [name, query] of Object.entries({
  __schema: '{ __schema { queryType { name } } }',
  __type: '{ __type(name: "Query") { name } }',
  'an alias': '{ a: __schema { types { name } } }',
  'a fragment': '{ ...A } fragment A on Query { __schema { types { name } } }',
  'an inline fragment': '{ ... on Query { ... { __type(name: "Item") { fields { name } } } }',
  'white space': '{\n\t__schema\n\t{\n\ttypes\n{name}}}',
  'a comma': '{ __typename, __schema,{types{name}} }',
})) {
  must(
    `introspection is off: ${name}`,
    'OWASP; graphql-cop; GraphQL Armor',
    async (site) => {
      const answer = await post(site, { query });
      refused(answer, 400, 403);
    },
    closed,
  );
}
must('introspection is off by GET', 'OWASP', async (site) => refused(await get(site, { query: '{ __schema { queryType { name } } }' }), 400, 403), closed);
must(
  'introspection is off by GET for older clients',
  'OWASP',
  async (site) => {
    const answer = await get(site, { query: '{ __schema { queryType { name } } }' }, { accept: JSON_TYPE });
    assert.ok(answer.json.errors && !answer.json.data);
  },
  closed,
);
must(
  'introspection is off on a socket',
  'OWASP',
  async (site) => {
    const socket = new Socket(site);
    try {
      await socket.greeted();
      assert.equal((await socket.result('1', { query: '{ __schema { queryType { name } } }' }))[0].type, 'error');
    } finally {
      socket.close();
    }
  },
  closed,
);
must('__typename is no introspection', 'SPEC 4.2', async (site) => executed(await post(site, hello), { __typename: 'Query' }), closed);
for (const [name, query] of Object.entries({
  'a field': '{ itemz { totalCount } }',
  'an argument': '{ item(cod: "a") { code } }',
  'a type': '{ ... on Quer { __typename } }',
  'a value': '{ deadline(input: { start: "2026-01-01", amount: 1, unit: DAYS }) { dueOn } }',
  'a field of an input': '{ deadline(input: { star: "2026-01-01", amount: 1, unit: DAY }) { dueOn } }',
  'a leaf': '{ items }',
  'a variable': 'query($v: DeadlineInpu!) { deadline(input: $v) { dueOn } }',
  'an argument of a directive': '{ __typename @skip(iff: true) }',
  'a directive': '{ __typename @includ(if: true) }',
})) {
  must(
    `no suggestion for ${name}`,
    'GraphQL Armor; graphql-cop',
    async (site) => {
      const answer = await post(site, { query });
      refused(answer, 400);
      assert.ok(!/did you mean|perhaps|similar/i.test(answer.text), answer.text);
    },
    closed,
  );
}
must(
  'no suggestion for a value in a variable',
  'GraphQL Armor',
  async (site) => {
    const answer = await post(site, { query: 'query($v: DeadlineInput!) { deadline(input: $v) { dueOn } }', variables: { v: { star: 1 } } });
    refused(answer, 400);
    assert.ok(!/did you mean/i.test(answer.text), answer.text);
  },
  closed,
);
should(
  'there is no page to try the API in',
  'graphql-cop; GraphQL Armor',
  async (site) => assert.equal((await ask(site, { method: 'GET', path: '/', headers: { accept: 'text/html' } })).status, 404),
  closed,
);
must(
  'files without a header that asks first',
  'OWASP CSRF',
  async (site) => refused(await ask(site, { headers: { 'content-type': 'multipart/form-data; boundary=x', accept: GRAPH_TYPE }, body: '--x--\r\n' }), 400, 403),
  { mode: 'any' },
);
must(
  'files with it',
  'OWASP CSRF',
  async (site) => refused(await ask(site, { headers: { 'content-type': 'multipart/form-data; boundary=x', accept: GRAPH_TYPE, ...preflight }, body: '--x--\r\n' }), 400),
  { mode: 'any' },
);
