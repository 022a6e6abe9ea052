import { Refused, type Box } from '../../box.js';
import { readControlData, type ControlData } from '../../postgres/control.js';
import { postmasterOf } from '../../postgres/processes.js';
import type { ProcessInfo } from '../../../common/runtime/processes/proc.js';

export function mustBeManaged(box: Box): void {
  if (!box.state.managed)
    throw new Refused(
      'not-managed',
      'this member is not managed; order init with {"managed": true, "gate": "close"} (on the running primary: "gate": "as-is")',
    );
}

export function mustRun(box: Box): ProcessInfo {
  const postmaster = postmasterOf(box.dataDir);
  if (!postmaster) throw new Refused('not-running', 'Postgres does not run');
  return postmaster;
}

export function mustNotRewind(box: Box): void {
  const { rewinding } = box.state;
  if (rewinding)
    throw new Refused(
      'rewinding',
      `a rejoin by ${rewinding.method} did not end; order rejoin with "method": "basebackup", nothing else helps`,
    );
}

export async function mustHaveData(box: Box): Promise<Extract<ControlData, { state: 'present' }>> {
  const data = await readControlData(box.config.postgres.binDir, box.dataDir);
  if (data.state === 'present') return data;
  throw new Refused(
    'no-data',
    data.state === 'none' ? 'there is no database' : `its control file cannot be read: ${data.why}`,
  );
}

export async function inRecovery(box: Box): Promise<boolean> {
  const [row] = await box.reserved.query('SELECT pg_is_in_recovery() AS "inRecovery"');
  return row?.['inRecovery'] === true;
}
