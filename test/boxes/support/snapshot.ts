import { boxes } from './vagrant-boxes.js';

/**
 * Everything provisioning may touch: with content where it is settings, by time and size where it is programs. The agent's memory of
 * the last state is its own: on a busy machine a probe that is late changes it.
 */
const listFiles = `
cd /
find etc usr/local opt lib/systemd var/lib/hotspare var/lib/hotspare-provision -xdev \\( -type f -o -type l \\) -not -name last-state.json \
  -printf 'file %p %T@ %C@ %s %m %u %g %l\\n'
find etc usr/local/bin var/lib/hotspare-provision -xdev -type f -exec sha256sum {} +
`;

/** Started anew with every log-in, or on demand: not what provisioning drives. */
const passing = /^(user@|user-runtime-dir@|session-|systemd-hostnamed|systemd-timedated|polkit\.service)/;

const listUnits = `systemctl show '*.service' -p Id -p InvocationID -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic`;

/** Lines that say how the files and the services of every box are. */
export async function snapshot(): Promise<string[]> {
  const lines = await Promise.all(
    boxes.names().map(async (box) => {
      const [files, units] = await Promise.all([boxes.shell(box, listFiles), boxes.shell(box, listUnits)]);
      const services = units
        .split('\n\n')
        .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split('=', 2))))
        .filter(({ Id, InvocationID }) => Id && InvocationID && !passing.test(Id))
        .map((unit) => `unit ${Object.values(unit).sort().join(' ')}`);
      return [...files.split('\n'), ...services].map((line) => `${box} ${line}`);
    }),
  );
  return lines.flat().sort();
}

/** What one list has and the other has not. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}
