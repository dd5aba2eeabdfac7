import type { CodegenConfig } from '@graphql-codegen/cli';

// Types of our operations (src/operations.ts), from the SDL of this release.
const config: CodegenConfig = {
  schema: '../schema.graphql',
  documents: ['src/operations.ts'],
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false, persistedDocuments: true },
      config: {
        strictScalars: true,
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          Cursor: 'string',
          Date: 'string',
          DateTime: 'string',
          FactSet: 'Record<string, number | string | boolean>',
          JSON: 'Record<string, unknown>',
          Upload: 'File',
        },
      },
    },
  },
};

export default config;
