// The black box: blackbox.mjs URL [--token T] [--pid N] [--mode usual|draft|production] [--suite a,b] [--only TEXT] [--list]
//
// Every rule of the transports, and every hostile request that we know of, against a
// running server: each check has a name, a demand (MUST or SHOULD) and a source. Each
// that fails is printed as JSON, a line each, and then how many have passed of each
// suite. The end is 1 when something failed. --token is an APPLICANT's, with which
// a case is opened; --pid is the server's, for what is judged by processor time.
import { parseArgs } from 'node:util';
import { checks, seen } from './kit.mjs';
import { site as openSite } from './site.mjs';
for (const suite of ['http', 'persisted', 'upload', 'ws', 'sse', 'security']) await import(`./checks/${suite}.mjs`);

const {
  values,
  positionals: [url],
} = parseArgs({ allowPositionals: true, options: Object.fromEntries(['token', 'pid', 'mode', 'suite', 'only'].map((name) => [name, { type: 'string' }]).concat([['list', { type: 'boolean' }]])) });
const mode = values.mode ?? 'usual';
const chosen = checks
  .filter((c) => (values.list && !values.mode) || (c.mode ?? 'usual') === mode || c.mode === 'any')
  .filter((c) => !values.suite || values.suite.split(',').includes(c.suite))
  .filter((c) => !values.only || c.title.includes(values.only));
if (values.list) {
  for (const c of chosen) console.log(`${c.suite}\t${c.demand}\t${c.title}\t${c.source}`);
  process.exit(0);
}

const site = await openSite(url, { token: values.token, pid: values.pid, mode });
const count = {};
let failed = 0;
async function run(check) {
  const of = ((count[check.suite] ??= {})[check.demand] ??= { passed: 0, failed: 0, skipped: 0 });
  if (check.cpu && !site.pid) {
    of.skipped++;
    return;
  }
  try {
    await check.fn(site);
    of.passed++;
  } catch (e) {
    of.failed++;
    failed++;
    console.log(JSON.stringify({ suite: check.suite, demand: check.demand, name: check.title, source: check.source, reason: String(e?.message ?? e).slice(0, 600) }));
  }
}
// What measures runs alone; what waits runs beside the rest.
for (const check of chosen.filter((c) => c.cpu)) await run(check);
const waiting = chosen.filter((c) => c.slow).map(run);
for (const check of chosen.filter((c) => !c.cpu && !c.slow)) await run(check);
await Promise.all(waiting);

// What no answer may tell, whatever was asked.
const inside = /goroutine \d|\.go:\d+|runtime error|SQLSTATE|\bpq:|pgx|sqlite|no such (table|column)|\bent: |graphql\.RawParams|json: cannot unmarshal|interface conversion|\/tmp\/|stack ?trace/i;
const leaks = seen.filter((s) => inside.test(s.text) || (s.status >= 500 && s.status !== 503));
for (const leak of leaks.slice(0, 5))
  console.log(JSON.stringify({ suite: 'security', demand: 'MUST', name: 'no answer tells of the inside', source: 'OWASP', reason: `${leak.status} ${leak.text.slice(0, 300)} to ${leak.request}` }));
if (leaks.length > 0) failed++;
for (const [suite, demands] of Object.entries(count)) {
  const text = Object.entries(demands).map(([demand, of]) => `${demand} ${of.passed}/${of.passed + of.failed}${of.skipped ? ` (${of.skipped} skipped)` : ''}`);
  console.log(`${suite}: ${text.join(' ')}`);
}
console.log(
  JSON.stringify({
    mode,
    passed: Object.values(count)
      .flatMap(Object.values)
      .reduce((sum, of) => sum + of.passed, 0),
    failed,
    answers: seen.length,
  }),
);
process.exit(failed === 0 && seen.length > 0 ? 0 : 1);
