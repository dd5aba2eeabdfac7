// Compares schemas: schema.mjs RELEASED TODAY BREAKS [URL]
//
// Everything that worked with RELEASED has to work with TODAY, but for the changes
// that BREAKS lists, one a line, as they are printed here. With URL, a server has
// to serve TODAY, neither more nor less.
import { readFileSync } from 'node:fs';
import {
  buildClientSchema, buildSchema, findBreakingChanges, findDangerousChanges, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema,
} from 'graphql';

const [releasedFile, todayFile, breaksFile, url] = process.argv.slice(2);
const released = buildSchema(readFileSync(releasedFile, 'utf8'));
const today = buildSchema(readFileSync(todayFile, 'utf8'));
const problems = validateSchema(today).map((e) => `the schema is not valid: ${e.message}`);

const accepted = new Set(readFileSync(breaksFile, 'utf8').split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#')));
for (const change of findBreakingChanges(released, today)) {
  const line = `${change.type}: ${change.description}`;
  if (!accepted.delete(line)) problems.push(`breaks clients: ${line}`);
}
for (const line of accepted) problems.push(`is listed as a break, and is none: ${line}`);
for (const change of findDangerousChanges(released, today)) {
  console.log(`may surprise clients: ${change.type}: ${change.description}`);
}

if (url) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true, schemaDescription: true }) }),
  });
  const { data, errors } = await answer.json();
  if (errors) {
    problems.push(`introspection: ${JSON.stringify(errors)}`);
  } else {
    const lines = (schema) => printSchema(lexicographicSortSchema(schema)).split('\n');
    const [want, got] = [lines(today), lines(buildClientSchema(data))];
    const at = want.findIndex((line, i) => line !== got[i]);
    if (at >= 0 || want.length !== got.length) {
      problems.push(`the server's schema differs from ${todayFile}: ${JSON.stringify(want.slice(at, at + 3))} is ${JSON.stringify(got.slice(at, at + 3))} there`);
    }
  }
}
for (const problem of problems) console.log(problem);
if (problems.length === 0) console.log('the schema is compatible');
process.exit(problems.length === 0 ? 0 : 1);
