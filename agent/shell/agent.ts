import type { AgentStatus, TemplateStatus } from '../../common/agent-status.js';
import { withDeadline, type Clock } from '../../common/clock.js';
import { targetKey } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { AgentConfig, ServiceConfig } from '../config.js';
import { ghosts } from '../core/ghosts.js';
import type { ConsulPort, Driver, Memory, MemoryContent, Notifier, ServeStatus } from '../ports.js';
import { roleOf } from '../core/state.js';
import { Catalogue } from './catalogue.js';
import { Echoes } from './echoes.js';
import { LifeSigns } from './life-signs.js';
import { Prober } from './prober.js';
import { Rivals } from './rivals.js';
import { ServiceLoop } from './service-loop.js';
import { modelOf } from './service-model.js';
import { agentStatus } from './status.js';

/** An orderly stop waits so long for Consul, in ms. */
const stopMs = 4_000;

export interface AgentParts {
  readonly config: AgentConfig;
  readonly consul: ConsulPort;
  readonly driverFor: (service: ServiceConfig) => Driver;
  readonly memory: Memory;
  readonly serve: ServeStatus;
  /** How the files are that are kept from the catalogue. */
  readonly templates: () => readonly TemplateStatus[];
  /** Absent: nobody started the agent who wants to be told. */
  readonly notifier?: Notifier | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly version: string;
  /** The id of this agent. */
  readonly instance: string;
}

/** Runs until the signal fires, then retracts its services. Rejects with a sentence when it cannot start. */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const { config, consul, memory, clock, random, log, version } = parts;
  const startedMs = clock.wallMs();
  const remembered = await memory.read();
  const catalogue = new Catalogue({ consul, clock, random, log, onChange: () => wakeAll() });

  const self = {
    box: config.box,
    instance: parts.instance,
    url: `http://${targetKey(config.http)}`,
    startedMs,
  };
  const rivals = new Rivals({ self, clock, log });
  const models = new Map(config.services.map((service) => [service, modelOf(service, self)]));
  const echoes = new Echoes({
    consul,
    models: [...models.values()],
    view: (id) => catalogue.view(id),
    log,
    onHeard: (entries) => rivals.look(entries),
    onChange: () => wakeAll(),
  });

  const members = config.services.map((service) => {
    const prober: Prober = new Prober({
      driver: parts.driverFor(service),
      clock,
      intervalMs: service.probe.intervalMs,
      onResult: (result) => loop.observe(result),
    });
    const loop = new ServiceLoop({
      model: models.get(service)!,
      catalogue,
      echoes,
      rivals,
      clock,
      log: log.child({ service: service.name }),
      remembered: remembered[service.name],
      onChange: () => {
        memory.write(content());
        lifeSigns?.changed();
      },
      onProbeDue: (deadlineShare) => prober.hurry(deadlineShare),
    });
    return { service, prober, loop };
  });

  function content(): MemoryContent {
    return Object.fromEntries(
      members.flatMap(({ service, loop: { state } }) =>
        state.kind === 'unseen'
          ? []
          : [[service.name, { kind: state.kind, role: roleOf(state), sinceMs: state.sinceMs }]],
      ),
    );
  }

  const ids = new Set(members.map(({ loop }) => loop.model.id));
  function wakeAll(): void {
    rivals.look(catalogue.all());
    for (const { loop } of members) loop.wake();
    if (signal.aborted || rivals.isSuperseded) return;
    for (const ghost of ghosts(catalogue.all(), config.box, ids)) {
      log.info(ghost, 'removing a registration of this box that is no longer configured');
      void catalogue.perform(ghost).then((isDone) => isDone && rivals.wrote());
    }
  }

  const status = (): AgentStatus =>
    agentStatus({
      box: config.box,
      version,
      startedMs,
      services: members.map(({ service, loop }) => ({ ...service, state: loop.state })),
      link: catalogue.link,
      complaint: rivals.complaint ?? catalogue.complaint,
      templates: parts.templates(),
    });

  const loops = () => [
    { name: 'Consul', ...catalogue.progress },
    ...members.map(({ service: { name, probe }, loop }) => ({
      name,
      progressMs: loop.progressMs,
      everyMs: probe.intervalMs,
    })),
  ];
  const lifeSigns = parts.notifier && new LifeSigns({ notifier: parts.notifier, clock, log, loops, status });

  const server = await parts.serve(status);
  log.info({ box: config.box, services: config.services.map(({ name }) => name), version }, 'agent started');
  catalogue.start();
  echoes.start(signal);
  for (const { prober } of members) prober.start();
  lifeSigns?.start();

  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  lifeSigns?.stop();
  log.info('stopping: taking this box out of the catalogue');
  await Promise.all(members.map(({ prober }) => prober.stop()));
  await withDeadline(clock, stopMs, 'deregistering', () =>
    Promise.all(members.map(({ loop }) => loop.stop())),
  ).catch((error: Error) =>
    log.warn(`${error.message}; Consul will call this box's services critical by itself`),
  );
  catalogue.stop();
  await server.close();
}
