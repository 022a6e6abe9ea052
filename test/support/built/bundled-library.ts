import { build } from 'esbuild';

/** The library in one CommonJS file, as it is published, for programs in a process of their own. */
export async function bundleLibrary(outfile: string): Promise<void> {
  await build({
    entryPoints: ['sidecar/index.ts'],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
  });
}
