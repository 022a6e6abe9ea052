import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../common/errors.js';
import { becomeAccount } from '../common/runtime/machine/accounts.js';
import { endOnBug } from '../common/runtime/bug.js';
import { systemClock } from '../common/runtime/clock.js';
import { runGroup } from '../common/runtime/group.js';
import { lockAddress, tryLock } from '../common/runtime/files/lock.js';
import { createLog } from '../common/runtime/log.js';
import { stopSignal } from '../common/runtime/run.js';
import { Box } from './box.js';
import { loadKeeperConfig, type KeeperConfig } from './config.js';
import { Keeper } from './keeper.js';
import { removeLeftovers } from './leftovers.js';
import { prepareStart } from './prepare-start.js';
import { listen, untilStopped } from './server.js';
import { watch } from './watch.js';

const usage = `usage: hotspare keeper --config FILE                 run the keeper until SIGTERM
       hotspare keeper prepare-start --config FILE   make the next start of Postgres safe
       --user NAME   started by root: become that account first
`;

/** `hotspare keeper --config FILE`: runs until SIGTERM or SIGINT. With `prepare-start`: makes a start of Postgres safe (D2). */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(argv);
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    if (!values.config) throw new UserError(`--config is missing\n${usage.trim()}`, { exitCode: 2 });
    const config = loadKeeperConfig(values.config);
    if (values.user !== undefined) becomeAccount(values.user);
    if (positionals[0] === 'prepare-start') {
      const log = createLog('keeper', 'silent');
      process.stdout.write(`hotspare keeper: ${await prepareStart(new Box(config, systemClock, log))}\n`);
    } else await run(config, stopSignal());
    return 0;
  } catch (error) {
    process.stderr.write(`hotspare keeper: ${messageOf(error)}\n`);
    return error instanceof UserError ? error.exitCode : 1;
  }
}

function parse(argv: readonly string[]) {
  try {
    const parsed = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string', short: 'c' },
        user: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    });
    if (parsed.positionals.length > 1 || !['prepare-start', undefined].includes(parsed.positionals[0]))
      throw new UserError(`unknown argument "${parsed.positionals.join(' ')}"; only prepare-start is known`);
    return parsed;
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n${usage.trim()}`, { exitCode: 2 });
  }
}

async function run(config: KeeperConfig, stop: AbortSignal): Promise<void> {
  const log = createLog('keeper', config.log.level);
  endOnBug('keeper', log);
  const lock = await tryLock(lockAddress('hotspare-keeper', config.stateDir), String(process.pid));
  if (lock.state === 'held')
    throw new UserError(`another keeper runs for ${config.stateDir} (pid ${lock.says ?? 'unknown'})`);
  const box = new Box(config, systemClock, log);
  removeLeftovers(box);
  const keeper = new Keeper(box);
  const server = await listen(keeper, config.socket, config.group);
  log.info({ socket: config.socket }, 'keeper listens');
  try {
    await runGroup([(signal) => watch(box, keeper, signal), (signal) => untilStopped(server, signal)], stop);
  } finally {
    server.close();
    box.reserved.close();
    lock.release();
  }
  log.info('keeper stopped');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
