// Before any command: is Node new enough, and, in a checkout, is everything there that it needs?
// An installed package has no sources beside it, so nothing is left to do there.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const minimum = [20, 19];

/** @param {'run' | 'all'} wanted  'run': what a command needs; 'all': what the tests need as well */
export async function prepare(wanted = 'run') {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    process.stderr.write(
      `hotspare: Node.js ${minimum.join('.')} or newer is needed; this is ${process.versions.node} (${process.execPath}).\n`,
    );
    process.exit(1);
  }
  if (!existsSync(join(root, 'tsconfig.json'))) return;
  const { prepareCheckout } = await import('./checkout.mjs');
  prepareCheckout(wanted);
}
