// Files: the GraphQL multipart request specification, and what may be done to it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GRAPH_TYPE, JSON_TYPE, ask, boundary, compose, exchange, executed, form, multipart, preflight, refused, spends, suite } from '../kit.mjs';

const { must, should } = suite('upload');
const usual = { mode: 'usual' };
const pdf = Buffer.from('%PDF-1.4\n% a paper\n%%EOF\n');
const file = (name, content = pdf, filename = 'paper.pdf') => [name, content, `; filename="${filename}"`, ['Content-Type: application/pdf']];
const send = (site, body, headers = {}) => ask(site, { headers: { 'content-type': multipart, accept: GRAPH_TYPE, ...preflight, ...site.signedIn, ...headers }, body });
const operations = (site) => ({ query: site.ops.upload, variables: site.ops.uploadVariables });
const whole = (site, map = { 0: ['variables.file'] }, parts = [file('0')], op = operations(site)) => form([['operations', op], ['map', map], ...parts]);
const withoutFiles = (query) =>
  form([
    ['operations', { query }],
    ['map', {}],
  ]);
const taken = (answer, content = pdf, name) => {
  const got = Object.values(executed(answer))[0].material.file;
  assert.equal(got.size, content.length);
  if (got.sha256) assert.equal(got.sha256, createHash('sha256').update(content).digest('hex'));
  if (name !== undefined) assert.equal(got.name, name);
};

must('a file', 'multipart', async (site) => taken(await send(site, whole(site)), pdf, 'paper.pdf'), usual);
must('a file, for older clients', 'multipart', async (site) => taken(await send(site, whole(site), { accept: JSON_TYPE })), usual);
must(
  'a file within an input',
  'multipart',
  async (site) => {
    const { case: c, material } = site.ops.uploadVariables;
    taken(await send(site, whole(site, { 0: ['variables.input.file'] }, [file('0')], { query: site.ops.uploadInput, variables: { input: { case: c, material, file: null } } })));
  },
  usual,
);
must('another name of the part', 'multipart', async (site) => taken(await send(site, whole(site, { 'a part': ['variables.file'] }, [file('a part')]))), usual);
must(
  'two files',
  'multipart',
  async (site) => {
    const two =
      'mutation($case: String!, $material: String!, $a: Upload!, $b: Upload!) { a: attachMaterial(input: { case: $case, material: $material, file: $a }) { material { file { size } } } b: attachMaterial(input: { case: $case, material: $material, file: $b }) { material { file { size } } } }';
    const { case: c, material } = site.ops.uploadVariables;
    const other = Buffer.concat([pdf, Buffer.from('% more\n')]);
    const data = executed(await send(site, whole(site, { 0: ['variables.a'], 1: ['variables.b'] }, [file('0'), file('1', other)], { query: two, variables: { case: c, material, a: null, b: null } })));
    assert.deepEqual([data.a.material.file.size, data.b.material.file.size], [pdf.length, other.length]);
  },
  usual,
);
must(
  'one file in two places',
  'multipart (deduplication)',
  async (site) => {
    const two =
      'mutation($case: String!, $material: String!, $a: Upload!, $b: Upload!) { a: attachMaterial(input: { case: $case, material: $material, file: $a }) { material { file { size } } } b: attachMaterial(input: { case: $case, material: $material, file: $b }) { material { file { size } } } }';
    const { case: c, material } = site.ops.uploadVariables;
    const data = executed(await send(site, whole(site, { 0: ['variables.a', 'variables.b'] }, [file('0')], { query: two, variables: { case: c, material, a: null, b: null } })));
    assert.deepEqual([data.a.material.file.size, data.b.material.file.size], [pdf.length, pdf.length]);
  },
  usual,
);
must(
  'a file of 2 MiB',
  'multipart',
  async (site) => {
    const content = Buffer.concat([pdf, Buffer.alloc(2 << 20, 0x20)]);
    taken(await send(site, whole(site, undefined, [file('0', content)])), content);
  },
  usual,
);
must(
  'a file in chunks',
  'RFC 9112 7.1',
  async (site) => {
    const body = whole(site);
    const text = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
    const answer = await exchange(
      site,
      Buffer.concat([compose(site, { headers: { 'content-type': multipart, accept: GRAPH_TYPE, 'transfer-encoding': 'chunked', ...preflight, ...site.signedIn } }), text]),
    );
    answer.json = JSON.parse(answer.text);
    taken(answer);
  },
  usual,
);
must('no file at all', 'multipart', async (site) => executed(await send(site, withoutFiles('{ __typename }')), { __typename: 'Query' }));
must('variables of other kinds stay', 'multipart', async (site) =>
  executed(
    await send(
      site,
      form([
        ['operations', { query: 'query($b: Boolean!) { __typename @skip(if: $b) }', variables: { b: true } }],
        ['map', {}],
      ]),
    ),
    {},
  ),
);
must('a boundary in quotes', 'RFC 2046 5.1.1', async (site) => executed(await send(site, withoutFiles('{ __typename }'), { 'content-type': `multipart/form-data; boundary="${boundary}"` })));
for (const [filename, want] of [
  ['../../etc/passwd.pdf', 'passwd.pdf'],
  ['..\\\\..\\\\boot.pdf', 'boot.pdf'],
  ['/abs/a.pdf', 'a.pdf'],
  ['餐饮.pdf', '餐饮.pdf'],
  ['..', ''],
  ['a\tb.pdf', 'ab.pdf'],
]) {
  must(
    `the name of a file has no folders: ${JSON.stringify(filename)}`,
    'OWASP',
    async (site) => {
      const answer = await send(site, whole(site, undefined, [file('0', pdf, filename)]));
      if (answer.json?.errors) return refusedField(answer);
      const { name } = Object.values(executed(answer))[0].material.file;
      assert.ok(!/[\\/\t\n]/.test(name) && name !== '..', name);
      if (want !== '') assert.equal(name, want);
    },
    usual,
  );
}
const refusedField = (answer) =>
  assert.ok(
    answer.json.errors.every((e) => e.extensions?.code === 'INVALID'),
    answer.text,
  );
must(
  'what is no paper is refused by its content',
  'OWASP',
  async (site) => {
    const answer = await send(site, whole(site, undefined, [file('0', Buffer.from('MZ\x90\0not a paper'))]));
    assert.equal(answer.status, 200);
    refusedField(answer);
  },
  usual,
);
must(
  'an empty file is refused or taken, never a failure',
  'multipart',
  async (site) => {
    const answer = await send(site, whole(site, undefined, [file('0', Buffer.alloc(0))]));
    assert.ok(answer.status < 500, answer.text);
  },
  usual,
);

// What is malformed. Each is 400 before anything is executed.
for (const [name, body] of Object.entries({
  nothing: () => Buffer.alloc(0),
  nonsense: () => Buffer.from('nonsense'),
  'no parts': () => form([]),
  'only operations': (site) => form([['operations', operations(site)]]),
  'only map': () => form([['map', { 0: ['variables.file'] }]]),
  'map before operations': (site) => form([['map', { 0: ['variables.file'] }], ['operations', operations(site)], file('0')]),
  'files first': (site) => form([file('0'), ['operations', operations(site)], ['map', { 0: ['variables.file'] }]]),
  'a file before map': (site) => form([['operations', operations(site)], file('0'), ['map', { 0: ['variables.file'] }]]),
  'operations that are no JSON': () =>
    form([
      ['operations', '{'],
      ['map', {}],
    ]),
  'operations that are a list': (site) => form([['operations', [operations(site)]], ['map', { 0: ['0.variables.file'] }], file('0')]),
  'operations that are null': () =>
    form([
      ['operations', 'null'],
      ['map', {}],
    ]),
  'operations that are a text': () =>
    form([
      ['operations', '"x"'],
      ['map', {}],
    ]),
  'operations with half a pair of surrogates': () =>
    form([
      ['operations', '{"query":"{ __typename } #\\ud83d"}'],
      ['map', {}],
    ]),
  'operations in latin1': () =>
    form([
      ['operations', Buffer.from('{"query":"{ __typename } #é"}', 'latin1')],
      ['map', {}],
    ]),
  'operations without a query': () =>
    form([
      ['operations', {}],
      ['map', {}],
    ]),
  'variables that are a list': () =>
    form([
      ['operations', { query: '{ __typename }', variables: [] }],
      ['map', {}],
    ]),
  'a map that is no JSON': (site) => form([['operations', operations(site)], ['map', '{'], file('0')]),
  'a map that is a list': (site) => form([['operations', operations(site)], ['map', [['variables.file']]], file('0')]),
  'a map that is null': (site) => form([['operations', operations(site)], ['map', 'null'], file('0')]),
  'a map that is a text': (site) => form([['operations', operations(site)], ['map', '"variables.file"'], file('0')]),
  'a map of texts': (site) => whole(site, { 0: 'variables.file' }),
  'a map of numbers': (site) => whole(site, { 0: 7 }),
  'a map of null': (site) => whole(site, { 0: null }),
  'a map of objects': (site) => whole(site, { 0: { a: 'variables.file' } }),
  'paths that are numbers': (site) => whole(site, { 0: [7] }),
  'paths that are null': (site) => whole(site, { 0: [null] }),
  'a file without a path': (site) => whole(site, { 0: [] }),
  'a path of nothing': (site) => whole(site, { 0: [''] }),
  'a path of a dot': (site) => whole(site, { 0: ['.'] }),
  'the path variables': (site) => whole(site, { 0: ['variables'] }),
  'the path variables.': (site) => whole(site, { 0: ['variables.'] }),
  'the path variables..file': (site) => whole(site, { 0: ['variables..file'] }),
  'a path into query': (site) => whole(site, { 0: ['query'] }),
  'a path into operationName': (site) => whole(site, { 0: ['operationName'] }),
  'a path into extensions': (site) => whole(site, { 0: ['extensions.x'] }, [file('0')], { ...operations(site), extensions: { x: null } }),
  'a path without variables': (site) => whole(site, { 0: ['file'] }),
  'a path of a batch': (site) => whole(site, { 0: ['0.variables.file'] }),
  'a path to nothing': (site) => whole(site, { 0: ['variables.nope'] }),
  'a path to a text': (site) => whole(site, { 0: ['variables.case'] }),
  'a path below a text': (site) => whole(site, { 0: ['variables.case.length'] }),
  'a path below a null': (site) => whole(site, { 0: ['variables.file.x'] }),
  'a path to a name of another case': (site) => whole(site, { 0: ['variables.File'] }),
  'a path to __proto__': (site) => whole(site, { 0: ['variables.__proto__'] }),
  'a path below __proto__': (site) => whole(site, { 0: ['variables.__proto__.polluted'] }),
  'a path below constructor': (site) => whole(site, { 0: ['variables.constructor.prototype.polluted'] }),
  'a place below zero': (site) => whole(site, { 0: ['variables.list.-1'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place beyond the end': (site) => whole(site, { 0: ['variables.list.1'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place of a billion': (site) => whole(site, { 0: ['variables.list.1000000000'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place that is a fraction': (site) => whole(site, { 0: ['variables.list.0.5'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place that is a name': (site) => whole(site, { 0: ['variables.list.length'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place in hexadecimal': (site) => whole(site, { 0: ['variables.list.0x0'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a place with a sign': (site) => whole(site, { 0: ['variables.list.+0'] }, [file('0')], { ...operations(site), variables: { list: [null] } }),
  'a path of 10,000 steps': (site) => whole(site, { 0: ['variables' + '.a'.repeat(10_000)] }),
  'one place twice': (site) => whole(site, { 0: ['variables.file', 'variables.file'] }),
  'one place for two files': (site) => whole(site, { 0: ['variables.file'], 1: ['variables.file'] }, [file('0'), file('1')]),
  'a file that is missing': (site) => whole(site, { 0: ['variables.file'] }, []),
  'a file of another name': (site) => whole(site, { 0: ['variables.file'] }, [file('1')]),
  'a file too many': (site) => whole(site, { 0: ['variables.file'] }, [file('0'), file('1')]),
  'a file twice': (site) => whole(site, { 0: ['variables.file'] }, [file('0'), file('0')]),
  'operations twice': (site) =>
    form([
      ['operations', operations(site)],
      ['operations', { query: '{ __typename }' }],
      ['map', {}],
    ]),
  'map twice': (site) => form([['operations', operations(site)], ['map', { 0: ['variables.file'] }], ['map', {}], file('0')]),
  'a part without a name': (site) =>
    form([
      ['operations', operations(site)],
      ['map', { 0: ['variables.file'] }],
      [null, pdf, '; filename="x"'],
    ]),
  'no end': (site) => form([['operations', operations(site)], ['map', { 0: ['variables.file'] }], file('0')], { close: false }),
  'half a part': (site) => whole(site).subarray(0, -60),
  'a part with 20,000 headers': (site) => whole(site, undefined, [['0', pdf, '; filename="x"', Array.from({ length: 20_000 }, (_, i) => `x-${i}: y`)]]),
})) {
  must(
    `${name} is 400`,
    'multipart; graphql-upload',
    async (site) => refused(await send(site, body(site)), 400, ...(/^(operations without|variables that)/.test(name) && site.mode === 'draft' ? [422] : [])),
    usual,
  );
}
for (const [name, kind] of [
  ['no boundary', 'multipart/form-data'],
  ['another boundary', 'multipart/form-data; boundary=other'],
  ['an empty boundary', 'multipart/form-data; boundary='],
]) {
  must(`${name} is 400 or 415`, 'RFC 7578', async (site) => refused(await send(site, whole(site), { 'content-type': kind }), 400, 415), usual);
}
must('multipart/mixed is 415', 'multipart', async (site) => refused(await send(site, whole(site), { 'content-type': multipart.replace('form-data', 'mixed') }), 415), usual);
must(
  'PUT of a form is 405',
  'RFC 9110',
  async (site) => refused(await ask(site, { method: 'PUT', headers: { 'content-type': multipart, accept: GRAPH_TYPE, ...preflight }, body: whole(site) }), 405),
  usual,
);
must(
  'a file where a text belongs',
  'SPEC 6.1.2',
  async (site) => {
    const answer = await send(site, whole(site, { 0: ['variables.case'] }, [file('0')], { query: site.ops.upload, variables: { ...site.ops.uploadVariables, case: null, file: 'x' } }));
    assert.ok(answer.status < 500 && answer.json.errors && !answer.json.data, answer.text);
  },
  usual,
);
must(
  'a text where a file belongs',
  'SPEC 6.1.2',
  async (site) => {
    const answer = await ask(site, {
      headers: { 'content-type': JSON_TYPE, accept: GRAPH_TYPE, ...site.signedIn },
      body: { query: site.ops.upload, variables: { ...site.ops.uploadVariables, file: { filename: '/etc/passwd', path: '/etc/passwd' } } },
    });
    assert.ok(answer.status < 500 && answer.json.errors && !answer.json.data, answer.text);
  },
  usual,
);

// What is too much.
const many = (n) => ({ query: 'query($l: [String]) { __typename @skip(if: false) }', variables: { l: Array(n).fill(null) } });
must(
  'one part in 20,000 places',
  'the memory of places',
  async (site) => refused(await send(site, form([['operations', many(20_000)], ['map', { 0: Array.from({ length: 20_000 }, (_, i) => `variables.l.${i}`) }], file('0')])), 400, 413),
  usual,
);
must(
  '20,000 parts',
  'file descriptors',
  async (site) =>
    refused(
      await send(
        site,
        form([
          ['operations', many(20_000)],
          ['map', Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [i, [`variables.l.${i}`]]))],
          ...Array.from({ length: 20_000 }, (_, i) => file(i, 'x')),
        ]),
      ),
      400,
      413,
    ),
  usual,
);
must(
  '100 parts',
  'file descriptors',
  async (site) =>
    refused(
      await send(
        site,
        form([['operations', many(100)], ['map', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, [`variables.l.${i}`]]))], ...Array.from({ length: 100 }, (_, i) => file(i, 'x'))]),
      ),
      400,
      413,
    ),
  usual,
);
must(
  'operations of 2 MiB',
  'memory',
  async (site) =>
    refused(
      await send(
        site,
        form([
          ['operations', { query: '{ __typename }', extensions: { x: 'x'.repeat(2 << 20) } }],
          ['map', {}],
        ]),
      ),
      413,
    ),
  usual,
);
must('a map of 2 MiB', 'memory', async (site) => refused(await send(site, whole(site, { 0: ['variables.file'], x: ['x'.repeat(2 << 20)] })), 400, 413), usual);
must(
  'a length of 10 GB is 413 before it comes',
  'GOH Status Codes',
  async (site) => {
    const answer = await exchange(site, compose(site, { headers: { 'content-type': multipart, 'content-length': '10000000000', ...preflight, ...site.signedIn } }), {
      more: (socket) => setTimeout(() => socket.end(), 3000),
    });
    assert.equal(answer.status, 413, answer.raw);
  },
  usual,
);
must(
  '60 MiB is 413',
  'GOH Status Codes',
  async (site) => {
    const answer = await send(site, whole(site, undefined, [file('0', Buffer.concat([pdf, Buffer.alloc(60 << 20)]))]));
    assert.equal(answer.status, 413, answer.text);
  },
  usual,
);
must(
  '60 MiB in chunks is 413',
  'GOH Status Codes',
  async (site) => {
    const body = whole(site, undefined, [file('0', Buffer.concat([pdf, Buffer.alloc(60 << 20)]))]);
    const answer = await exchange(
      site,
      Buffer.concat([
        compose(site, { headers: { 'content-type': multipart, 'transfer-encoding': 'chunked', ...preflight, ...site.signedIn } }),
        Buffer.from(`${body.length.toString(16)}\r\n`),
        body,
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
    );
    assert.equal(answer.status, 413, answer.text);
  },
  usual,
);
should(
  'three files of 40 MiB are not held in memory',
  'memory',
  async (site) => {
    const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${site.pid}/status`, 'utf8'))[1]);
    const body = whole(site, undefined, [file('0', Buffer.concat([pdf, Buffer.alloc(40 << 20, 0x20)]))]);
    await send(site, whole(site));
    const before = peak();
    for (const answer of await Promise.all([1, 2, 3].map(() => send(site, body)))) assert.equal(answer.status, 200, answer.text);
    assert.ok(peak() - before < 60 << 10, `${peak() - before} kB more`);
  },
  { ...usual, cpu: true },
);
must(
  'a malformed map of 1 MB costs little',
  'processor time',
  async (site) =>
    spends(site, 400, async () =>
      refused(
        await send(
          site,
          form([
            ['operations', many(10)],
            ['map', Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [i, [`variables.l.${i}`]]))],
          ]),
        ),
        400,
        413,
      ),
    ),
  { ...usual, cpu: true },
);

// A page of another site can send a form without asking first.
const csrf = (title, headers, ...statuses) =>
  must(
    title,
    'OWASP CSRF; Apollo csrfPrevention',
    async (site) => {
      for (const body of [whole(site), withoutFiles(site.ops.change), withoutFiles('{ __typename }')]) {
        for (const own of [{}, site.signedIn]) {
          const answer = await ask(site, { headers: { 'content-type': multipart, accept: '*/*', ...own, ...headers }, body });
          refused(answer, ...statuses);
        }
      }
    },
    usual,
  );
csrf('a form without a header that asks first', {}, 400, 403);
csrf('a form with an empty one', { 'graphql-require-preflight': '' }, 400, 403);
csrf('a form of another origin', { origin: 'https://evil.example', ...preflight }, 403);
csrf('a form of no origin', { origin: 'null', ...preflight }, 403);
csrf('a form of another site, by what the browser says', { 'sec-fetch-site': 'cross-site' }, 400, 403);
for (const name of ['GraphQL-Require-Preflight', 'Apollo-Require-Preflight', 'X-Apollo-Operation-Name', 'Idempotency-Key']) {
  must(
    `a form with ${name}`,
    'Apollo csrfPrevention',
    async (site) => executed(await send(site, withoutFiles('{ __typename }'), { 'graphql-require-preflight': null, [name.toLowerCase()]: 'true' })),
    usual,
  );
}
must('a form of the same origin', 'OWASP CSRF', async (site) => executed(await send(site, withoutFiles('{ __typename }'), { origin: `http://${site.host}` })), usual);
should(
  'files for a stream',
  'graphql-sse',
  async (site) => {
    const answer = await send(site, withoutFiles('{ __typename }'), { accept: 'text/event-stream' });
    assert.match(answer.text, /event: next\ndata: \{"data":\{"__typename":"Query"\}\}/);
  },
  usual,
);

// Files take their time.
const uploading = (site, body) => compose(site, { headers: { 'content-type': multipart, accept: GRAPH_TYPE, ...preflight, ...site.signedIn }, body });
must(
  'a form that goes on slowly is taken',
  'multipart; slow networks',
  async (site) => {
    const bytes = uploading(site, whole(site));
    const [first, ...rest] = [0, 1, 2, 3].map((i) => bytes.subarray(bytes.length - 16 * (4 - i), i < 3 ? bytes.length - 16 * (3 - i) : undefined));
    const answer = await exchange(site, Buffer.concat([bytes.subarray(0, bytes.length - 64), first]), {
      more: (socket) => rest.forEach((part, i) => setTimeout(() => socket.write(part), 4_000 * (i + 1))),
    });
    assert.ok(answer.ms > 11_000, `${answer.ms}`);
    taken({ ...answer, json: JSON.parse(answer.text) });
  },
  { ...usual, slow: true },
);
must(
  'a form that stops is cut off within 14 s',
  'OWASP; GOH Status Codes (408)',
  async (site) => {
    const bytes = uploading(site, whole(site));
    const answer = await exchange(site, bytes.subarray(0, bytes.length - 16));
    assert.ok(answer.ms < 14_000, `${answer.ms}`);
    assert.ok([0, 408].includes(answer.status), answer.raw);
  },
  { ...usual, slow: true },
);
