import type { AgentStatus, TemplateStatus } from '../../common/agent/status.js';
import { DeadlineError, withDeadline, type Clock } from '../../common/clock.js';
import { targetKey } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import { runGroup, stopped, type Actor } from '../../common/runtime/group.js';
import type { Log } from '../../common/runtime/log.js';
import type { AgentConfig, ServiceConfig } from '../config.js';
import { ghosts } from '../core/ghosts.js';
import type { ConsulPort, Driver, Leave, Memory, MemoryContent, Notifier, ServeStatus } from '../ports.js';
import { isServing, roleOf, streamingOf } from '../core/health.js';
import { Catalogue } from './catalogue.js';
import { Echoes } from './echoes.js';
import { LeadControl } from './lead/control.js';
import { roleShown } from './lead/role-shown.js';
import { ServiceLead, type LeadParts } from './lead/service-lead.js';
import { LifeSigns } from './life-signs.js';
import { Prober } from './prober.js';
import { Rivals } from './rivals.js';
import { ControlLoop } from './control-loop.js';
import { modelOf } from './service-model.js';
import { agentStatus } from './status.js';

/** An orderly stop waits so long for its services and for Consul, in ms. */
const stopMs = 4_000;

/** What a probe found longer ago, in ms, gives no primary away: several in a row have to agree on that. */
const believedMs = 2_500;

/** Whoever tells the box to leave waits so long at most, in ms. */
const leaveMs = 8_000;
const leftText =
  'this box was told to leave the catalogue (hotspare agent leave); restart the agent to register its services again';

export interface AgentParts {
  readonly config: AgentConfig;
  readonly consul: ConsulPort;
  readonly driverFor: (service: ServiceConfig) => Driver;
  readonly memory: Memory;
  readonly serve: ServeStatus;
  /** What the lead of a service is made of; undefined: its roles are only observed. */
  readonly leadFor: (service: ServiceConfig) => LeadParts | undefined;
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

/**
 * Runs until the signal fires, then leaves its services in the catalogue as they are: whoever starts the agent again within
 * the time to live of a check finds that nothing has changed. Rejects with a sentence when it cannot start.
 */
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
    onHeard: (entries) => rivals.look(entries),
    onChange: () => wakeAll(),
  });

  const members = config.services.map((service) => {
    const model = models.get(service)!;
    const lead = leadOf(service, model.id);
    const prober: Prober = new Prober({
      driver: parts.driverFor(service),
      clock,
      intervalMs: service.probe.intervalMs,
      onResult: (reading) => {
        loop.observe(reading);
        lead?.hear();
      },
      ...(lead && { mayWrite: () => lead.mayWrite }),
    });
    const loop = new ControlLoop({
      model,
      ...(lead && { lead: () => lead.word }),
      catalogue,
      echoes,
      rivals,
      clock,
      log: log.child({ service: service.name }),
      remembered: remembered[service.name],
      onChange: () => {
        memory.write(content());
        lifeSigns?.changed();
        lead?.wake();
      },
      onProbeDue: (deadlineShare) => prober.hurry(deadlineShare),
      onPerformed: () => lead?.hear(),
    });
    return { service, prober, loop, lead };
  });

  function leadOf(service: ServiceConfig, id: string): ServiceLead | undefined {
    const made = parts.leadFor(service);
    return (
      made &&
      new ServiceLead({
        parts: made,
        published: () => roleShown(catalogue.view(id)),
        isServing: () => {
          const loop = members.find((member) => member.service === service)?.loop;
          return clock.nowMs() - (loop?.probedMs ?? -Infinity) < believedMs
            ? isServing(loop?.health)
            : undefined;
        },
        isStreaming: () => streamingOf(members.find((member) => member.service === service)?.loop.health),
        onWord: () => members.find((member) => member.service === service)?.loop.wake(),
        clock,
        log: log.child({ service: service.name }),
      })
    );
  }

  function content(): MemoryContent {
    return Object.fromEntries(
      members.flatMap(({ service, loop: { health } }) =>
        health.kind === 'unseen'
          ? []
          : [[service.name, { kind: health.kind, role: roleOf(health), sinceMs: health.sinceMs }]],
      ),
    );
  }

  const ids = new Set(members.map(({ loop }) => loop.model.id));
  function wakeAll(): void {
    rivals.look(catalogue.all());
    for (const { loop, lead } of members) {
      loop.wake();
      lead?.hear();
    }
    if (signal.aborted || rivals.isSuperseded) return;
    for (const ghost of ghosts(catalogue.all(), config.box, ids)) {
      log.info(ghost, 'removing a registration of this box that is no longer configured');
      void catalogue.perform(ghost).then(({ outcome }) => outcome.kind === 'done' && rivals.wrote());
    }
  }

  let hasLeft = false;
  const complaint = () =>
    rivals.complaint ??
    catalogue.complaint ??
    members.map(({ loop, lead }) => loop.complaint ?? lead?.complaint).find((one) => one !== undefined) ??
    (hasLeft ? leftText : undefined);

  const status = (): AgentStatus =>
    agentStatus({
      box: config.box,
      version,
      startedMs,
      services: members.map(({ service, loop }) => ({ ...service, health: loop.health })),
      link: catalogue.link,
      complaint: complaint(),
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
  consul.onNewToken(() => members.forEach(({ loop }) => loop.tokenReplaced()));
  const lifeSigns = parts.notifier && new LifeSigns({ notifier: parts.notifier, clock, log, loops, status });

  /** What stops together with the agent may have gone a moment ago: what stays in Consul is to be true. */
  async function lastWord(): Promise<void> {
    try {
      await withDeadline(clock, stopMs, 'the last look at the services and the last word to Consul', () =>
        Promise.all(members.map(({ prober, loop }) => prober.lastLook().then(() => loop.stop()))),
      );
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      log.warn(`${error.message}; Consul calls this box's services critical when their checks run out`);
    }
  }

  const leave: Leave = async (from) => {
    log.info({ from }, `${from} told this box to leave the catalogue`);
    hasLeft = true;
    try {
      await withDeadline(clock, leaveMs, 'leaving the catalogue', () =>
        Promise.all(members.map(({ loop }) => loop.leave())),
      );
      return { kind: 'done', left: members.map(({ service }) => service.name) };
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      const why = complaint();
      return {
        kind: 'failed',
        why: `not all services are out of the catalogue within ${leaveMs} ms${why === undefined ? '' : `: ${why}`}; the agent goes on trying`,
      };
    }
  };

  const leads = new Map(
    members.flatMap(({ service, lead }) => (lead ? [[service.name, lead] as const] : [])),
  );
  const failover = new LeadControl({ leads, clock, random, log });
  const server = await parts.serve({ status, leave, failover });
  log.info({ box: config.box, services: config.services.map(({ name }) => name), version }, 'agent started');
  catalogue.start();
  for (const { prober } of members) prober.start();
  lifeSigns?.start();

  const untilTold: Actor = async (stop) => {
    await stopped(stop);
    lifeSigns?.stop();
    // A part that failed by a fault of ours has stopped the rest: of what is known then nothing is said to anybody.
    if (!signal.aborted) return;
    log.info('stopping: this box stays in the catalogue as it is until its checks run out');
    await lastWord();
  };
  const leading = [...leads.values()].map(
    (lead): Actor =>
      (stop) =>
        lead.run(stop),
  );
  try {
    await runGroup([untilTold, (stop) => echoes.run(stop), ...leading], signal);
  } finally {
    await Promise.all(members.map(({ prober }) => prober.stop()));
    catalogue.stop();
    await server.close();
  }
}
