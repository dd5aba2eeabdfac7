// Operations by their hash: Apollo's automatic persisted queries, and documentId of
// the draft on persisted documents.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { GRAPH_TYPE, JSON_TYPE, ask, executed, get, post, refused, suite } from '../kit.mjs';

const { must, should } = suite('persisted');
const hash = (text) => createHash('sha256').update(text).digest('hex');
const fresh = (text = '__typename') => `{ a${randomBytes(6).toString('hex')}: ${text} }`;
const by = (sha256Hash, more = {}) => ({ persistedQuery: { version: 1, sha256Hash, ...more } });
const unknown = (answer, ...statuses) => {
  const [e] = refused(answer, ...statuses);
  assert.equal(e.message, 'PersistedQueryNotFound');
  assert.equal(e.extensions.code, 'PERSISTED_QUERY_NOT_FOUND');
};
const knows = async (site, text, yes) => {
  const answer = await post(site, { extensions: by(hash(text)) });
  if (yes) executed(answer);
  else unknown(answer, 404);
};
const register = (site, text, more = {}, headers) => post(site, { query: text, extensions: by(hash(text)), ...more }, headers);

must('a hash that is not known', 'APQ', async (site) => unknown(await post(site, { extensions: by(hash(fresh())) }), 404));
must('a hash that is not known, older clients', 'APQ', async (site) => unknown(await post(site, { extensions: by(hash(fresh())) }, { accept: JSON_TYPE }), 200), { mode: 'usual' });
must('a hash that is not known, GET', 'APQ', async (site) => unknown(await get(site, { extensions: JSON.stringify(by(hash(fresh()))) }), 404));
must('a miss is not kept by others', 'RFC 9111', async (site) => assert.match((await get(site, { extensions: JSON.stringify(by(hash(fresh()))) })).headers['cache-control'], /no-store/));
for (const [name, none] of [
  ['an empty query', ''],
  ['query null', null],
])
  must(`a hash with ${name} is a hash alone`, 'APQ', async (site) => unknown(await post(site, { query: none, extensions: by(hash(fresh())) }), 404));
must('both together, then the hash alone', 'APQ', async (site) => {
  const text = fresh();
  executed(await register(site, text));
  await knows(site, text, true);
  executed(await get(site, { extensions: JSON.stringify(by(hash(text))) }));
});
must('both together by GET, then the hash alone by POST', 'APQ', async (site) => {
  const text = fresh();
  executed(await get(site, { query: text, extensions: JSON.stringify(by(hash(text))) }));
  await knows(site, text, true);
});
must('variables go with a hash', 'APQ', async (site) => {
  const text = `query($b: Boolean!) ${fresh('__typename @skip(if: $b)')}`;
  executed(await register(site, text, { variables: { b: true } }), {});
  assert.equal(Object.keys(executed(await post(site, { variables: { b: false }, extensions: by(hash(text)) }))).length, 1);
});
must('operationName goes with a hash', 'APQ', async (site) => {
  const text = `query a ${fresh()} query b { b: __typename }`;
  executed(await register(site, text, { operationName: 'a' }));
  executed(await post(site, { operationName: 'b', extensions: by(hash(text)) }), { b: 'Query' });
});
must('another hash than that of the text', 'APQ', async (site) => {
  const [text, other] = [fresh(), fresh()];
  refused(await post(site, { query: text, extensions: by(hash(other)) }), 400);
  await knows(site, text, false);
  await knows(site, other, false);
});
for (const [name, text] of [
  ['does not parse', '{ a'],
  ['does not validate', '{ nope }'],
  ['is too much', `{ ${'a: __typename '.repeat(900)} }`],
  ['lacks a variable', 'query($a: Boolean!) { __typename @skip(if: $a) }'],
]) {
  must(`what ${name} is not remembered`, 'parse-server, gqlgen; note on caches', async (site) => {
    const own = `${text} # ${randomBytes(6).toString('hex')}`;
    refused(await register(site, own), 400, 422);
    await knows(site, own, false);
  });
}
must('a text of 90 kB is not remembered', 'a cache that strangers fill is small', async (site) => {
  const text = `${fresh()} #${'x'.repeat(90_000)}`;
  executed(await register(site, text));
  await knows(site, text, false);
});
must('a mutation by GET and hash is 405', 'GOH GET', async (site) => {
  const text = `${site.ops.change} # ${randomBytes(6).toString('hex')}`;
  executed(await register(site, text));
  const answer = await get(site, { extensions: JSON.stringify(by(hash(text))) });
  refused(answer, 405);
  assert.match(answer.headers.allow, /POST/);
  refused(await ask(site, { method: 'GET', params: { documentId: `sha256:${hash(text)}` }, headers: { accept: GRAPH_TYPE } }), 405);
});
for (const [name, persistedQuery] of Object.entries({
  'version 2': { version: 2, sha256Hash: hash('{ __typename }') },
  'no version': { sha256Hash: hash('{ __typename }') },
  'no hash': { version: 1 },
  'a hash that is a number': { version: 1, sha256Hash: 7 },
  'a short hash': { version: 1, sha256Hash: 'abc' },
  'an empty hash': { version: 1, sha256Hash: '' },
  'a hash in capitals': { version: 1, sha256Hash: hash('{ __typename }').toUpperCase() },
  'a hash that is a path': { version: 1, sha256Hash: '../../../etc/passwd' },
  'a hash of 1 MB': { version: 1, sha256Hash: 'a'.repeat(900_000) },
  'no object': 7,
  'a list': [1],
})) {
  must(`persistedQuery with ${name}`, 'APQ', async (site) => {
    const answer = await post(site, { query: '{ __typename }', extensions: { persistedQuery } });
    refused(answer, 400, 422);
    assert.ok(answer.text.length < 2000, 'it comes back whole');
  });
}
should('documentId: a miss, both, and the identifier alone', 'Persisted Documents', async (site) => {
  const text = fresh();
  const documentId = `sha256:${hash(text)}`;
  unknown(await post(site, { documentId }), 404);
  executed(await post(site, { documentId, query: text }));
  executed(await post(site, { documentId }));
  executed(await get(site, { documentId }));
});
should('documentId 7', 'Persisted Documents', async (site) => refused(await post(site, { documentId: 7 }), 400, 422));
should('an identifier of another kind', 'Persisted Documents', async (site) => refused(await post(site, { documentId: 'x-mine:1' }), 400, 404, 422));
should('other extensions do not matter', 'APQ', async (site) => executed(await post(site, { query: '{ __typename }', extensions: { clientLibrary: { name: 'x' }, persistedQuery: null } })));
