import { boxes } from '../../boxes/support/vagrant-boxes.js';
import { LeftOut, type Inflict } from './strike.js';

const timeoutMs = 30_000;

/** What to kill or freeze, as a line of the shell that prints process ids. */
const main = (unit: string) => `systemctl show -p MainPID --value ${unit}.service`;
const pids = {
  postmaster: 'head -n 1 /var/lib/postgresql/15/main/postmaster.pid',
  // A client's: of one that writes.
  backend: `runuser -u postgres -- psql -X -q -A -t -d todo -c "SELECT pid FROM pg_stat_activity WHERE usename = 'chaos' ORDER BY random() LIMIT 1"`,
  keeper: main('hotspare-keeper'),
  agent: main('hotspare-agent'),
  consul: main('consul'),
};
export type Program = keyof typeof pids;

const units: Partial<Record<Program, string>> = {
  postmaster: 'postgresql@15-main',
  keeper: 'hotspare-keeper',
  agent: 'hotspare-agent',
  consul: 'consul',
};

async function found(box: string, program: Program): Promise<string> {
  const pid = await boxes.shell(box, pids[program], timeoutMs).catch(() => '');
  if (!/^[1-9]\d*$/.test(pid)) throw new LeftOut(`no ${program} runs on ${box}`);
  return pid;
}

export const kill =
  (program: Program): Inflict =>
  async ({ box }) => {
    const pid = await found(box, program);
    await boxes.shell(box, `kill -9 ${pid}`, timeoutMs);
  };

export const freeze =
  (program: Program): Inflict =>
  async ({ box, over }) => {
    const pid = await found(box, program);
    await boxes.shell(box, `kill -STOP ${pid}`, timeoutMs);
    await over();
    // Whoever was killed meanwhile, or whose box was lost, goes on without this.
    await boxes.shell(box, `kill -CONT ${pid}`, timeoutMs).catch(() => undefined);
  };

/** In good order. */
export const restart =
  (program: Program): Inflict =>
  async ({ box }) => {
    await boxes.shell(box, `systemctl restart ${units[program]}.service`, 120_000);
  };
