import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../common/runtime/machine/command.js';

/** What pg_controldata says: true whether the server runs or not, and where it refuses SQL. */
export type ControlData =
  | { readonly state: 'none' }
  | { readonly state: 'unreadable'; readonly why: string }
  | {
      readonly state: 'present';
      /** "in production", "in archive recovery", "shut down in recovery" … */
      readonly cluster: string;
      readonly systemId: string;
      /** The newest it knows of: after a promotion the checkpoint's is still the old one. */
      readonly timeline: number;
      /** Of its latest checkpoint: what pg_rewind goes by. */
      readonly checkpointTimeline: number;
      readonly checkpointLsn: string;
      readonly minRecoveryLsn: string;
      readonly redoLsn: string;
      readonly walSegmentBytes: number;
    };

/** Whether Postgres was stopped in good order, by what the control file calls the cluster. */
export const isClean = (cluster: string) => cluster === 'shut down' || cluster === 'shut down in recovery';

const timeoutMs = 5_000;

/** What was last said of each data directory, and of which bytes: a program is started only once they are others. */
const last = new Map<string, { readonly bytes: Buffer; readonly said: ControlData }>();

export async function readControlData(binDir: string, dataDir: string): Promise<ControlData> {
  if (!existsSync(join(dataDir, 'PG_VERSION'))) return { state: 'none' };
  const bytes = controlFile(dataDir);
  const known = last.get(dataDir);
  if (bytes && known?.bytes.equals(bytes)) return known.said;
  const said = await askProgram(binDir, dataDir);
  // It may have been written meanwhile: then what was said belongs to other bytes.
  if (bytes && said.state === 'present' && controlFile(dataDir)?.equals(bytes))
    last.set(dataDir, { bytes, said });
  else last.delete(dataDir);
  return said;
}

/** What was last said of a data directory, if anything: what never changes of it (system, segments) is still so. */
export function lastSaid(dataDir: string): Extract<ControlData, { state: 'present' }> | undefined {
  const said = last.get(dataDir)?.said;
  return said?.state === 'present' ? said : undefined;
}

function controlFile(dataDir: string): Buffer | undefined {
  try {
    return readFileSync(join(dataDir, 'global/pg_control'));
  } catch {
    return undefined; // The program says what is wrong with it.
  }
}

async function askProgram(binDir: string, dataDir: string): Promise<ControlData> {
  const { exitCode, stdout, stderr } = await runCommand(join(binDir, 'pg_controldata'), ['-D', dataDir], {
    timeoutMs,
  });
  // It warns of a checksum that does not fit, and goes on.
  if (exitCode !== 0 || /^WARNING/m.test(stderr + stdout))
    return { state: 'unreadable', why: oneLine(stderr || stdout) || 'pg_controldata did not answer' };
  const fields = new Map(
    stdout.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    }),
  );
  const field = (name: string) => fields.get(name) ?? '';
  const systemId = field('Database system identifier');
  if (!/^\d+$/.test(systemId)) return { state: 'unreadable', why: 'pg_controldata speaks another language' };
  const checkpointTimeline = Number(field("Latest checkpoint's TimeLineID"));
  return {
    state: 'present',
    cluster: field('Database cluster state'),
    systemId,
    timeline: Math.max(checkpointTimeline, Number(field("Min recovery ending loc's timeline"))),
    checkpointTimeline,
    checkpointLsn: field('Latest checkpoint location'),
    minRecoveryLsn: field('Minimum recovery ending location'),
    redoLsn: field("Latest checkpoint's REDO location"),
    walSegmentBytes: Number(field('Bytes per WAL segment')),
  };
}

export const oneLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .slice(-3)
    .join(' / ')
    .replace(/[^\P{Cc}]/gu, ' ')
    .slice(0, 1_000);

/** Of `enum DBState`, which has stood at this place of pg_control for as long as there has been a hot standby. */
const stateOffset = 16;
const inProduction = 6;

/** A cheap look while waiting; `readControlData` has the last word. */
export function looksInProduction(dataDir: string): boolean {
  const bytes = Buffer.alloc(stateOffset + 4);
  const fd = openSync(join(dataDir, 'global/pg_control'), 'r');
  try {
    readSync(fd, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(fd);
  }
  return bytes.readUInt32LE(stateOffset) === inProduction;
}
