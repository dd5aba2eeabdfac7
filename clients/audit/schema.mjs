// Compares schemas: schema.mjs RELEASED TODAY BREAKS [URL]
//
// Everything that worked with RELEASED has to work with TODAY, but for the changes
// that BREAKS lists, one a line, as they are printed here. With URL, a server has
// to serve TODAY, neither more nor less. And TODAY keeps the conventions that clients
// of Relay, code generators and linters (graphql-eslint, graphql-schema-linter) ask for.
import { readFileSync } from 'node:fs';
import {
  buildClientSchema, buildSchema, findBreakingChanges, findDangerousChanges, getIntrospectionQuery, isEnumType, isInputObjectType, isInterfaceType, isIntrospectionType, isNonNullType, isObjectType, isScalarType,
  isSpecifiedScalarType, lexicographicSortSchema, printSchema, validateSchema,
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

// What linters ask beyond this is left alone, and why: an id in every type (payloads,
// edges and values have no identity), nothing but edges in lists (a short list is no
// page), the alphabet (the order of fields is that in which they are read), a payload
// with a field of type Query (the case that was changed is what clients need).
const conventions = [];
const wants = (what, holds, convention) => holds || conventions.push(`${what} ${convention}`);
const described = (what, thing) => {
  wants(what, /^[^a-z\s]/.test(thing.description ?? ''), 'has no description that begins with a capital');
  wants(what, thing.deprecationReason == null || thing.deprecationReason.length > 20, 'does not say what to use in its place');
};
for (const type of Object.values(today.getTypeMap())) {
  if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
  const { name } = type;
  described(name, type);
  wants(name, /^[A-Z][A-Za-z0-9]*$/.test(name), 'is not written as a type');
  if (isScalarType(type)) wants(name, type.specifiedByURL, 'is specified nowhere');
  if (isInputObjectType(type)) wants(name, name.endsWith('Input') || name.endsWith('Order'), 'is an input and not called one');
  if (isEnumType(type)) {
    for (const value of type.getValues()) {
      described(`${name}.${value.name}`, value);
      wants(`${name}.${value.name}`, /^[A-Z][A-Z0-9_]*$/.test(value.name), 'is not in capitals');
    }
    continue;
  }
  const fields = type.getFields?.() ?? {};
  for (const field of Object.values(fields)) {
    described(`${name}.${field.name}`, field);
    wants(`${name}.${field.name}`, /^[a-z][A-Za-z0-9]*$/.test(field.name), 'is not written as a field');
    for (const argument of field.args ?? []) described(`${name}.${field.name}(${argument.name}:)`, argument);
    if (String(field.type).endsWith('Connection!')) {
      for (const argument of ['first', 'after', 'last', 'before']) wants(`${name}.${field.name}`, field.args.some((a) => a.name === argument), `is a page without ${argument}`);
    }
  }
  if (!isObjectType(type) && !isInterfaceType(type)) continue;
  if (name.endsWith('Connection')) {
    wants(name, String(fields.pageInfo?.type) === 'PageInfo!' && /^\[\w+Edge\]$/.test(fields.edges?.type) && String(fields.totalCount?.type) === 'Int!', 'is no connection of Relay, with a count');
  }
  if (name.endsWith('Edge') && !name.startsWith('Analysis')) wants(name, fields.node && String(fields.cursor?.type) === 'Cursor!', 'is no edge of Relay');
  if (type.getInterfaces?.().some((i) => i.name === 'Node')) wants(name, String(fields.id?.type) === 'ID!', 'is a node without an id');
}
for (const field of Object.values(today.getMutationType().getFields())) {
  const own = field.name[0].toUpperCase() + field.name.slice(1);
  wants(field.name, field.args.length === 1 && field.args[0].name === 'input' && String(field.args[0].type) === `${own}Input!`, 'does not take one input of its own');
  wants(field.name, isNonNullType(field.type) && String(field.type) === `${own}Payload!`, 'does not answer a payload of its own');
}
problems.push(...conventions);

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
