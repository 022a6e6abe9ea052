import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { removeDurably } from '../../common/runtime/files/durable.js';
import { Refused, type Box, type Order } from '../box.js';
import { differences, includes, stripAutoConfFile } from '../postgres/auto-conf.js';
import { readControlData } from '../postgres/control.js';
import { familyOf, identityOf } from '../postgres/processes.js';
import { installedVersion } from '../postgres/versions.js';
import { close, openTo, writeClosedGate } from './gate.js';
import { gateFactsOf } from './parts/gate-facts.js';
import { inRecovery, mustNotRewind } from './parts/conditions.js';
import { withOwnName } from './parts/conninfo.js';

/** D1, D2, R6: takes a member into management, without a restart, or lets it go. */
export async function init(box: Box, request: RequestOf<'init'>, order: Order): Promise<ResultOf<'init'>> {
  mustNotRewind(box);
  const stripped = request.managed
    ? await takeOver(box, request.gate, order)
    : await letGo(box, request.gate, order);
  const { postmaster } = familyOf(box.dataDir);
  return { managed: box.state.managed, gate: gateFactsOf(box, postmaster), strippedSettings: stripped };
}

async function takeOver(box: Box, gate: 'close' | 'as-is', order: Order): Promise<string[]> {
  const { postgres } = box.config;
  const { postmaster } = familyOf(box.dataDir);
  const hasData = (await readControlData(postgres.binDir, box.dataDir)).state !== 'none';
  if (hasData && !box.state.managed) await mustBeIncluded(box);
  if (hasData) box.state.noticeReplacedData();
  if (gate === 'as-is' && postmaster) {
    const [row] = await box.reserved.query(
      'SELECT pg_is_in_recovery() AS "inRecovery", current_setting(\'synchronous_standby_names\') AS names',
    );
    if (row?.['inRecovery'] === true)
      throw new Refused(
        'in-recovery',
        'only the holder keeps its gate as it is; a member in recovery closes it',
      );
    const standbys = String(row?.['names']);
    box.state.gate = {
      kind: 'open',
      standbys,
      proven: false,
      settled: false,
      postmaster: identityOf(postmaster),
    };
    box.settings.change({ synchronous_standby_names: standbys });
  } else {
    // Provisioning knows no incarnation: under its plain name a standby could not be told from another copy (R5).
    const { primary_conninfo } = box.settings.read();
    box.settings.change({ primary_conninfo: withOwnName(primary_conninfo, box.applicationName) });
    writeClosedGate(box);
  }
  // The flag goes before the signal file: where that lies, whoever starts Postgres must find D2 in force.
  box.state.managed = true;
  if (!hasData) return [];
  box.putSignal();
  const stripped = stripAutoConfFile(box.dataDir);
  await mustBeEffective(box);
  if (!postmaster) return stripped;
  if (gate === 'as-is') await openTo(box, box.settings.read().synchronous_standby_names, order);
  else await close(box, order);
  return stripped;
}

/** `as-is`: the running primary stays one. Restarted meanwhile, it is in recovery: let go so, nothing would make it writable again. */
async function letGo(box: Box, gate: 'close' | 'as-is', order: Order): Promise<string[]> {
  const isPrimary = familyOf(box.dataDir).postmaster !== undefined && !(await inRecovery(box));
  if (gate === 'as-is' && !isPrimary)
    throw new Refused('in-recovery', 'this is not a running primary: let go as it is, none would be left');
  if (isPrimary) {
    await openTo(box, '', order);
    removeDurably(box.signalFile);
  } else {
    box.settings.change({ synchronous_standby_names: '' });
    box.reload();
  }
  box.state.managed = false;
  box.state.gate = undefined;
  return [];
}

/** Before anything is changed: a file that Postgres does not read would close no gate. */
async function mustBeIncluded(box: Box): Promise<void> {
  const { postgres } = box.config;
  box.settings.change({});
  if (await includes(postgres, box.settings.revision)) return;
  throw new Refused(
    'settings-not-included',
    `${postgres.configFile} must include ${postgres.settingsFile} as its last line`,
  );
}

/** D2, with the names that were in the way: the agent can do nothing about them. */
async function mustBeEffective(box: Box): Promise<void> {
  const { postgres } = box.config;
  const major = Number((await installedVersion(postgres.binDir)).split('.')[0]);
  const wrong = await differences(postgres, box.settings.read(), major);
  if (wrong.length > 0)
    throw new Error(`something else than ${postgres.settingsFile} decides: ${wrong.join('; ')}`);
}
