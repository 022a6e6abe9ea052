import { Option, type Command } from 'commander';
import { serviceActions, type ActionAnswer, type ServiceAction } from '../../common/agent/control.js';
import type { Io } from '../io.js';
import {
  consulHelp,
  consulNamed,
  labExists,
  labSecretFile,
  placesInLab,
  tokenFrom,
  withScheme,
} from '../places.js';
import { readSecret, secretDefault, secretHelp } from '../secret.js';
import { giveOrder, parseOrder, type Order } from '../service/order.js';

/** For each question; for the action, in ms: the agent itself gives up after less. */
const waits = { askMs: 2_000, actMs: 120_000 };

interface Options {
  readonly secretFile?: string;
  readonly consul?: string;
  readonly agent?: string;
  readonly output: 'text' | 'json';
}

export function serviceCommand(program: Command, io: Io, end: (code: number) => void): void {
  const service = program
    .command('service')
    .description('Start, stop or restart a service of a box, by way of that box’s agent');
  for (const action of serviceActions) {
    service
      .command(action)
      .description(`${action[0]!.toUpperCase()}${action.slice(1)} it, and say what it is then`)
      .argument('<service@box>', 'for example todomvc@nginx1')
      .option('--secret-file <file>', secretHelp)
      .option('--consul <url>', consulHelp)
      .option('--agent <url>', "the box's agent itself, when Consul cannot tell where it is")
      .addOption(
        new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'),
      )
      .action(async (name: string, options: Options) => {
        const order = parseOrder(action, name);
        const answer = await carryOut(order, options, io);
        io.out(
          options.output === 'json'
            ? `${JSON.stringify({ box: order.box, ...answer })}\n`
            : `${answer.service} on ${order.box}: ${answer.state} (${answer.unit})\n`,
        );
        const complaint = complaintOf(order, answer);
        if (complaint !== undefined) io.err(`hotspare: ${complaint}\n`);
        end(complaint === undefined ? 0 : 1);
      });
  }
}

async function carryOut(order: Order, options: Options, io: Io): Promise<ActionAnswer> {
  const consulUrl = consulNamed(io, options.consul);
  // Nothing named: the lab of this machine, where there is one.
  const isLab = consulUrl === undefined && options.agent === undefined && labExists(io);
  const places = isLab ? await placesInLab(io) : {};
  const token = tokenFrom(io.environment);
  const secretFile =
    options.secretFile ??
    (io.environment['HOTSPARE_SECRET_FILE'] || (isLab ? labSecretFile(io, order.box) : secretDefault));
  return giveOrder(order, {
    ...waits,
    secret: readSecret(secretFile),
    secretFile,
    consulUrl: (consulUrl ?? places.consulUrl ?? 'http://127.0.0.1:8500').replace(/\/+$/, ''),
    ...(options.agent === undefined ? {} : { agentUrl: withScheme(options.agent).replace(/\/+$/, '') }),
    ...(token === undefined ? {} : { token }),
  });
}

const wanted: Readonly<Record<ServiceAction, readonly ActionAnswer['state'][]>> = {
  start: ['running'],
  restart: ['running'],
  // One that had to be killed after its time limit is down, too.
  stop: ['stopped', 'failed'],
};

/** A sentence when the unit is not what it was to be. */
function complaintOf({ action, box }: Order, { state, unit }: ActionAnswer): string | undefined {
  if (wanted[action].includes(state)) return undefined;
  const tells = unit.endsWith('.service')
    ? `"journalctl -u ${unit}" on ${box} tells why`
    : `"hotspare lab logs ${unit}" tells why`;
  return `${unit} was told to ${action} and is ${state}: ${tells}`;
}
