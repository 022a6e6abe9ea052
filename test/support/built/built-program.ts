import { build } from 'esbuild';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** A room's main.ts as one file, made from the sources as they are now. It lies where its packages are found. */
export async function buildProgram(room: 'agent' | 'keeper'): Promise<{ file: string; destroy(): void }> {
  const folder = join(import.meta.dirname, `../../../node_modules/.cache/hotspare-${room}-${process.pid}`);
  const file = join(folder, `${room}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `../../../${room}/main.ts`)],
    outfile: file,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  return { file, destroy: () => rmSync(folder, { recursive: true, force: true }) };
}
