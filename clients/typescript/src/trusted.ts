// Registered operations only: trusted.mjs URL TOKEN, where the server has been
// started with -trusted-documents src/gql/persisted-documents.json.
import assert from 'node:assert/strict';
import { run, signedIn, siteOf } from './kit';
import { Guide } from './operations';

const site = siteOf(process.argv);
const send = signedIn(site, []);
const ask = async (operation: object) => {
  const answer = await send(site.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(operation) });
  return (await answer.json()) as { data?: { guide: { complete: boolean } }; errors?: { extensions: { code: string } }[] };
};

await run({
  async 'by its identifier'() {
    const { hash } = (Guide as unknown as { __meta__: { hash: string } }).__meta__;
    const { data, errors } = await ask({ documentId: hash, variables: { facts: {} } });
    assert.equal(data?.guide.complete, false, JSON.stringify(errors));
  },
  async 'no other'() {
    const { errors } = await ask({ query: '{ guide(input: { scheme: "catering", facts: {} }) { complete } }' });
    assert.equal(errors?.[0]?.extensions.code, 'DENIED');
  },
});
