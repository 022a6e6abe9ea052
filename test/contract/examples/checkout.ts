import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleLibrary } from '../../support/built/bundled-library.js';

/**
 * The examples beside the library as it is now, under its own name, as in a checkout that was built; where the packages
 * are found.
 */
export async function checkout(): Promise<{ folder: string; destroy(): void }> {
  const folder = join(process.cwd(), 'node_modules/.cache', `hotspare-examples-${process.pid}`);
  const destroy = () => rmSync(folder, { recursive: true, force: true });
  destroy();
  mkdirSync(join(folder, 'lib'), { recursive: true });
  const exports = { import: './lib/index.mjs', require: './lib/index.cjs' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'hotspare', type: 'module', exports }));
  const cjs = join(folder, 'lib/index.cjs');
  await bundleLibrary(cjs);
  const names = Object.keys(createRequire(cjs)(cjs) as object).filter((name) => name !== 'default');
  writeFileSync(
    join(folder, 'lib/index.mjs'),
    `import library from './index.cjs';\nexport const { ${names.join(', ')} } = library;\n`,
  );
  cpSync('examples', join(folder, 'examples'), { recursive: true });
  return { folder, destroy };
}
