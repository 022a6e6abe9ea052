import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../common/runtime/command.js';

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

const timeoutMs = 5_000;

export async function readControlData(binDir: string, dataDir: string): Promise<ControlData> {
  if (!existsSync(join(dataDir, 'PG_VERSION'))) return { state: 'none' };
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
