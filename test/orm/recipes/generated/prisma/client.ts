import { readFileSync } from 'node:fs';
import type { PrismaPg } from '@prisma/adapter-pg';
import { getPrismaClient } from '@prisma/client/runtime/client';

// What `prisma generate` 7.10 makes of schema.prisma, with types only for what the tests use: the program that generates it
// is ten times as big as all other ORMs of these tests.

interface Note {
  readonly id: number;
  readonly text: string;
  readonly big: bigint | null;
  readonly tags: unknown;
  readonly at: Date;
}

export interface Runner {
  readonly note: {
    create(what: { data: object }): Promise<Note>;
    findUnique(which: { where: { id: number } }): Promise<Note | null>;
    updateMany(what: { where: { id: number }; data: object }): Promise<{ count: number }>;
    deleteMany(which: { where: { id: number } }): Promise<{ count: number }>;
  };
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): Promise<T>;
}

export interface PrismaClient extends Runner {
  $transaction<T>(
    work: (tx: Runner) => Promise<T>,
    options?: { timeout?: number; maxWait?: number },
  ): Promise<T>;
  $disconnect(): Promise<void>;
}

/** Not among the types of Node alone. */
const { Module } = (globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => never } })
  .WebAssembly;

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

export const PrismaClient = getPrismaClient({
  ...(JSON.parse(read('model.json')) as Pick<
    Parameters<typeof getPrismaClient>[0],
    'engineVersion' | 'runtimeDataModel' | 'parameterizationSchema'
  >),
  previewFeatures: [],
  clientVersion: '7.10.1',
  activeProvider: 'postgresql',
  inlineSchema: read('../../schema.prisma'),
  compilerWasm: {
    getRuntime: () => import('@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs' as string),
    async getQueryCompilerWasmModule() {
      const file = '@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs';
      const { wasm } = (await import(file)) as { wasm: string };
      return new Module(Buffer.from(wasm, 'base64'));
    },
    importName: './query_compiler_fast_bg.js',
  },
}) as unknown as new (options: { adapter: PrismaPg }) => PrismaClient;
