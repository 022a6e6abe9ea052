import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { messageOf, UserError } from '../common/errors.js';
import { bugExitCode, endOnBug } from '../common/runtime/bug.js';
import { systemClock, systemRandom } from '../common/runtime/clock.js';
import { runCommand } from '../common/runtime/machine/command.js';
import { createLog, type Log } from '../common/runtime/log.js';
import { stopSignal } from '../common/runtime/run.js';
import { unitsIn } from '../common/runtime/processes/folder.js';
import { hotspareVersion } from '../common/runtime/version.js';
import type { ServiceManager } from '../common/service-manager.js';
import { defaults, loadAgentConfig, secretShape, type AgentConfig, type ServiceConfig } from './config.js';
import { ConsulAdapter } from './consul/adapter.js';
import { createDriver, type Surroundings } from './drivers/index.js';
import { leadPartsFor } from './lead-parts.js';
import { serveAgent } from './http/server.js';
import { instanceId } from './memory/instance.js';
import { MemoryFile } from './memory/file.js';
import type { ServeStatus } from './ports.js';
import { keptSecret, keptTls } from './secrets/files.js';
import { SystemdManager } from './systemd/units.js';
import { runAgent } from './shell/agent.js';
import { UnitControl } from './shell/unit-control.js';
import { SystemdNotifier } from './systemd/notifier.js';
import { notifySettings, notifyVariables } from './systemd/settings.js';
import { TemplateRunner } from './templates/runner.js';
import { Watches } from './templates/watches.js';

/** Every call to Consul is given up after so many ms. */
const consulDeadlineMs = 2_000;
const usage = 'usage: hotspare agent --config FILE\n';

/** `hotspare agent --config FILE`: runs until SIGTERM or SIGINT. Resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const file = configFile(argv);
    if (file === undefined) {
      process.stdout.write(usage);
      return 0;
    }
    await run(loadAgentConfig(file), stopSignal());
    return 0;
  } catch (error) {
    const isBug = !(error instanceof UserError);
    process.stderr.write(`hotspare agent: ${isBug ? inspect(error) : messageOf(error)}\n`);
    return isBug ? bugExitCode : error.exitCode;
  }
}

function configFile(argv: readonly string[]): string | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return undefined;
    if (values.config) return values.config;
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n${usage.trim()}`, { exitCode: 2 });
  }
  throw new UserError(`--config is missing\n${usage.trim()}`, { exitCode: 2 });
}

async function run(config: AgentConfig, signal: AbortSignal): Promise<void> {
  const log = createLog('agent', config.log.level);
  endOnBug('agent', log);
  const clock = systemClock;
  const random = systemRandom;
  const notifier = await systemdNotifier(log);
  const token = keptSecret(config.consul.tokenFile, config.consul.token, { clock, log });
  const consul = new ConsulAdapter({ ...config.consul, token, deadlineMs: consulDeadlineMs, clock, random });
  const templates = templateRunners(config, consul, log, signal);
  for (const template of templates) template.start();
  try {
    const driverFor = (service: ServiceConfig) => createDriver(service, surroundings(config.box, log));
    const memory = new MemoryFile(join(config.stateDir, 'last-state.json'), clock, log);
    const manager = managerOf(config);
    const control = new UnitControl({ services: config.services, manager, clock, log });
    const leadFor = (service: ServiceConfig) =>
      leadPartsFor(service, { config, token, manager, clock, random });
    const secret = keptSecret(config.http.secretFile, config.http.secret, { clock, log, shape: secretShape });
    const serve: ServeStatus = (served) => serveAgent(config.http, { ...served, control, secret });
    const files = () => templates.map((template) => template.status());
    const version = hotspareVersion();
    const instance = await instanceId(join(config.stateDir, 'instance'), clock, log);
    await runAgent(
      {
        config,
        consul,
        driverFor,
        memory,
        serve,
        leadFor,
        templates: files,
        notifier,
        clock,
        random,
        log,
        version,
        instance,
      },
      signal,
    );
  } finally {
    await notifier?.close();
    for (const template of templates) template.stop();
    consul.close();
  }
  log.info('agent stopped');
}

/** What systemd set for this process is taken out of the environment: templates' commands must not speak for the agent. */
async function systemdNotifier(log: Log): Promise<SystemdNotifier | undefined> {
  const settings = notifySettings(process.env, process.pid);
  for (const name of notifyVariables) delete process.env[name];
  if (!settings) return undefined;
  if (settings.remark !== undefined) log.warn(settings.remark);
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  return SystemdNotifier.start({ settings, clock: systemClock, random: systemRandom, log, path });
}

/** Whatever starts and stops the programs of this box; it touches only the units of the configuration. */
function managerOf({ services, supervisor }: AgentConfig): ServiceManager {
  const units = services.flatMap(({ unit }) => unit ?? []);
  if (supervisor.kind === 'processes') return unitsIn(supervisor.directory, units);
  return new SystemdManager({ units, run: runCommand, clock: systemClock });
}

function surroundings(box: string, log: Log): Surroundings {
  const around = { clock: systemClock, log };
  return {
    box,
    clock: systemClock,
    random: systemRandom,
    keptPassword: (file, first) => keptSecret(file, first, around),
    keptTls: (tls) => keptTls(tls, around),
  };
}

function templateRunners(
  config: AgentConfig,
  consul: ConsulAdapter,
  log: Log,
  signal: AbortSignal,
): TemplateRunner[] {
  const watches = new Watches({ consul, clock: systemClock, log, signal });
  return config.templates.map((template) => {
    try {
      return new TemplateRunner({
        template,
        source: readFileSync(template.source, 'utf8'),
        context: { box: config.box, address: config.address },
        stateDir: config.stateDir,
        commandTimeoutMs: defaults.template.commandTimeoutMs,
        watches,
        clock: systemClock,
        random: systemRandom,
        log,
        signal,
      });
    } catch (error) {
      throw new UserError(`${template.source}: not a usable template: ${messageOf(error)}`, { cause: error });
    }
  });
}

function isProgram(): boolean {
  try {
    return realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}

if (isProgram()) process.exit(await main(process.argv.slice(2)));
