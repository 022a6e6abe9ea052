import { statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../common/errors.js';
import { removeDurably } from '../common/runtime/files/durable.js';
import type { Box } from './box.js';
import { differences, stripAutoConfFile } from './postgres/auto-conf.js';
import { readControlData } from './postgres/control.js';
import { familyOf } from './postgres/processes.js';
import { installedVersion } from './postgres/versions.js';
import { writeClosedGate } from './verbs/gate.js';
import { withOwnName } from './verbs/parts/conninfo.js';

/**
 * D2: what must be so before Postgres starts. The gate is closed, the signal file is there, nothing else has a say, and no rejoin
 * is half done. Throws a UserError, and Postgres is not started. Gives a sentence.
 */
export async function prepareStart(box: Box): Promise<string> {
  const { state, config, dataDir } = box;
  if (!state.managed) return 'this member is not managed: nothing to prepare';
  const { rewinding } = state;
  if (rewinding)
    throw new UserError(
      `a rejoin by ${rewinding.method} did not end, so ${dataDir} is in no state to be started; "hotspare keeper call rejoin" with method basebackup makes it anew`,
    );
  const { postmaster } = familyOf(dataDir);
  if (postmaster) throw new UserError(`Postgres runs already (pid ${postmaster.pid})`);
  const control = await readControlData(config.postgres.binDir, dataDir);
  if (control.state !== 'present') throw new UserError(`${dataDir} holds no database that can be started`);
  mustOwn(dataDir);
  state.noticeReplacedData();
  state.drain = undefined;
  const { primary_conninfo } = box.settings.read();
  box.settings.change({
    default_transaction_read_only: 'off',
    primary_conninfo: withOwnName(primary_conninfo, box.applicationName),
  });
  writeClosedGate(box);
  box.putSignal();
  // Left by an order that was cut off, it would promote at the next SIGUSR1 of any child.
  removeDurably(join(dataDir, 'promote'));
  const stripped = stripAutoConfFile(dataDir);
  const major = Number((await installedVersion(config.postgres.binDir)).split('.')[0]);
  const wrong = await differences(config.postgres, box.settings.read(), major);
  if (wrong.length > 0)
    throw new UserError(
      `Postgres would not be what the keeper wants: ${wrong.join('; ')}. ${config.postgres.configFile} must include ${config.postgres.settingsFile} as its last line`,
    );
  return stripped.length === 0
    ? 'the gate is closed'
    : `the gate is closed; taken out of postgresql.auto.conf: ${stripped.join(', ')}`;
}

function mustOwn(dataDir: string): void {
  const { uid } = statSync(dataDir);
  if (process.getuid?.() !== uid)
    throw new UserError(
      `this must run as the owner of ${dataDir} (uid ${uid}), not as uid ${process.getuid?.()}; in the unit of Postgres put "/usr/sbin/runuser -u" with that account's name and "--" before "hotspare keeper prepare-start"`,
    );
}
