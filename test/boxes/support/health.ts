import { get } from '../../support/lab.js';
import { waitFor } from '../../support/wait.js';
import { boxes } from './vagrant-boxes.js';

interface Entry {
  Node: { Node: string };
  Service: { Service: string; Tags: string[] | null };
}

/** What Consul holds for healthy, as `todomvc on nginx1` and `pg on pg1 primary`, sorted. */
export async function catalogue(): Promise<string[]> {
  const services = await Promise.all(
    ['pg', 'nginx', 'todomvc'].map(async (name) => {
      const { body } = await get(`${boxes.consul}/v1/health/service/${name}?passing`, 3_000);
      return (JSON.parse(body) as Entry[]).map(({ Node, Service }) =>
        `${name} on ${Node.Node} ${(Service.Tags ?? []).join()}`.trim(),
      );
    }),
  );
  return services.flat().sort();
}

/** The catalogue as it is when all is well and that member leads. */
export function whole(primary = 'pg1'): string[] {
  return [
    ...boxes.names('pg').map((box) => `pg on ${box} ${box === primary ? 'primary' : 'replica'}`),
    ...boxes.names('nginx').flatMap((box) => [`nginx on ${box}`, `todomvc on ${box}`]),
  ].sort();
}

export const streaming = (primary = 'pg1') =>
  boxes.shell(
    primary,
    `runuser -u postgres -- psql -X -A -t -c "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"`,
  );

async function missing(primary: string): Promise<string | undefined> {
  for (const box of boxes.names()) {
    const state = await boxes.shell(box, 'systemctl is-system-running || true');
    if (state !== 'running') return `${box} is ${state}`;
  }
  const found = (await catalogue()).join();
  if (found !== whole(primary).join()) return `Consul has ${found}`;
  for (const url of boxes.urls()) {
    const { status, mode } = await get(`${url}todos`, 5_000);
    if (status !== 200 || mode !== 'read-write') return `${url} answers ${status}, ${mode}`;
  }
  const replicas = boxes.names('pg').length - 1;
  return Number(await streaming(primary)) === replicas ? undefined : 'a replica does not stream';
}

/** Resolves with the milliseconds it took until nothing was missing, without anybody's help. */
export async function untilWell(timeoutMs = 120_000, primary = 'pg1'): Promise<number> {
  const started = performance.now();
  const lacked = new Map<string, number>();
  await waitFor(
    'all boxes to be well',
    timeoutMs,
    async () => {
      const what = await missing(primary);
      if (what === undefined) return true;
      lacked.set(what, performance.now() - started);
      throw new Error(what);
    },
    100,
  );
  const tookMs = performance.now() - started;
  if (tookMs > 10_000) {
    for (const [what, ms] of lacked) console.log(`not well until ${ms.toFixed(0)} ms: ${what}`);
  }
  return tookMs;
}

/** After a row that failed: undoes the faults, so that the next one finds the boxes as it expects them. */
export async function mend(): Promise<void> {
  let isWhole = true;
  await boxes.bridgeUp();
  for (const box of boxes.names()) {
    const state = await boxes.stateOf(box);
    if (state === 'STOPPED') await boxes.powerOn(box);
    if (state === 'FROZEN') await boxes.thaw(box);
    if (state === 'ABSENT') isWhole = false;
    else await boxes.link(box, 'up');
  }
  if (!isWhole) await boxes.must('up');
  for (const box of boxes.names()) {
    const units = [
      'consul.service',
      'hotspare-agent.service',
      ...(box.startsWith('pg') ? ['postgresql@15-main.service'] : []),
      ...(box.startsWith('nginx') ? ['nginx.service', 'todomvc.service'] : []),
    ];
    await boxes.untilBooted(box).catch(() => undefined);
    await boxes.shell(box, `systemctl reset-failed; systemctl start ${units.join(' ')}`);
  }
  await untilWell();
}
