// What the checks know of this server: operations that do what a check needs. For
// another schema, this file is what changes.
import { post } from './kit.mjs';

const facts = '{ industry: "catering", ent_kind: "none" }';

export async function site(url, { token, pid, mode }) {
  const { hostname, port, host, pathname } = new URL(url);
  const it = {
    url,
    hostname,
    port: Number(port),
    host,
    path: pathname,
    token,
    pid,
    mode,
    signedIn: token ? { authorization: `Bearer ${token}` } : {},
    ops: {
      // Gives the text $t back, somewhere in the answer.
      echo: 'query($t: String!) { deadline(input: { start: "2026-09-24", amount: 2, unit: WORKDAY, pauses: [{ from: "2026-09-28", to: "2026-09-28", reason: $t }] }) { days { reason reasonEn } } }',
      change: `mutation { issueNotice(input: { item: "biz-reg", facts: ${facts} }) { notice { number } } }`,
      subscription: 'subscription { catalogEvents { id cursor } }',
      // One of two fields fails, and may be null.
      partial: { query: '{ __typename scheme(code: "catering", asOf: "no day") { name } }' },
      // The only field fails, and may not be null.
      broken: { query: 'query($n: Int!) { deadline(input: { start: "2026-09-24", amount: $n, unit: DAY }) { dueOn } }', variables: { n: -1 } },
    },
  };
  if (token) await openCases(it);
  return it;
}

// openCases makes a case with two events, the second of which can be followed from
// the first, and another one with a paper that takes a file.
async function openCases(it) {
  const run = async (query, variables) => {
    const { text, json } = await post(it, { query, variables }, it.signedIn);
    if (!json?.data || json.errors) throw new Error(`the site could not be set up: ${text}`);
    return json.data;
  };
  const open = async () =>
    (await run(`mutation { openCase(input: { item: "biz-reg", facts: ${facts} }) { case { number materials(first: 1) { edges { node { code } } } events(last: 1) { edges { node { cursor } } } } } }`))
      .openCase.case;
  const [followed, attached] = [await open(), await open()];
  await run(`mutation($c: String!) { changeCase(input: { case: $c, facts: ${facts} }) { case { version } } }`, { c: followed.number });
  // Gives one event at once, and then waits.
  it.ops.events = {
    query: 'subscription($n: String!, $after: Cursor) { caseEvents(number: $n, after: $after) { kind cursor } }',
    variables: { n: followed.number, after: followed.events.edges[0].node.cursor },
  };
  it.ops.eventKind = 'changeCase';
  it.ops.upload =
    'mutation($case: String!, $material: String!, $file: Upload!) { attachMaterial(input: { case: $case, material: $material, file: $file }) { material { file { name size sha256 type } } } }';
  it.ops.uploadVariables = { case: attached.number, material: attached.materials.edges[0].node.code, file: null };
  it.ops.uploadInput = 'mutation($input: AttachMaterialInput!) { attachMaterial(input: $input) { material { file { name size } } } }';
}
