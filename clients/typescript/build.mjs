// Generates the types and artifacts, checks the types, and bundles the scripts.
import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';

for (const [tool, ...args] of [['graphql-codegen'], ['relay-compiler'], ['tsc']]) {
  execFileSync(process.execPath, [`node_modules/.bin/${tool}`, ...args], { stdio: 'inherit' });
}
await build({
  entryPoints: ['quickstart', 'apollo', 'urql', 'relay', 'follow', 'trusted'].map((script) => `src/${script}.ts`),
  outdir: 'dist', outExtension: { '.js': '.mjs' },
  bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning',
});
