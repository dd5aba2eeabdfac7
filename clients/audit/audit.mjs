// The audits of graphql-http against a server: audit.mjs URL [AUTHORIZATION]
import { serverAudits } from 'graphql-http';

const [url, authorization] = process.argv.slice(2);
const fetchFn = (to, init = {}) => {
  const headers = { ...init.headers, ...(authorization ? { authorization } : {}) };
  return fetch(to, { ...init, headers });
};
let failed = 0;
let passed = 0;
for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  if (result.status === 'ok') {
    passed++;
    continue;
  }
  failed++;
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason }));
}
console.log(JSON.stringify({ passed, failed }));
process.exit(failed === 0 && passed > 0 ? 0 : 1);
