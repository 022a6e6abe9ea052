import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { boxes } from '../../boxes/support/vagrant-boxes.js';

const run = promisify(execFile);
const cable = (box: string) => `ve-${boxes.container(box)}`;
const prefix = 'hst_chaos_';
let tables = 0;

/** Drops what goes from one box to another, for each pair of them. Returns what heals it. */
export async function cut(ways: readonly (readonly [string, string])[]): Promise<() => Promise<unknown>> {
  const table = `${prefix}${++tables}`;
  const rules = ways.map(([from, to]) => `iifname "${cable(from)}" oifname "${cable(to)}" drop`);
  const chain = ['type filter hook forward priority 0', ...rules].join('\n');
  await run('nft', [`table bridge ${table} {\nchain between {\n${chain}\n}\n}`]);
  return () => run('nft', ['delete', 'table', 'bridge', table]);
}

/** Heals what a run that was killed has cut. */
export async function healLinks(): Promise<void> {
  const { stdout } = await run('nft', ['list', 'tables', 'bridge']);
  for (const [, table] of stdout.matchAll(/table bridge (\w+)/g))
    if (table?.startsWith(prefix)) await run('nft', ['delete', 'table', 'bridge', table]);
}
