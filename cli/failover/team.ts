import { UserError } from '../../common/errors.js';
import type { FailoverReport } from '../../common/failover/report.js';
import type { Secret } from '../../common/secret.js';
import { readConsul, readFailover, readHistory, type FailoverReading } from '../../status/index.js';
import type { Io } from '../io.js';
import { consulNamed, labExists, labSecretFile, placesInLab, tokenFrom, withScheme } from '../places.js';
import { readSecret, secretDefault } from '../secret.js';
import type { ChangeOptions, ReachOptions } from './options.js';

/** For each question, in ms. */
const askMs = 2_000;

/** The agents of a service's members. */
export interface Team {
  readonly service: string;
  /** Base URLs. */
  readonly urls: readonly string[];
  /** Where Consul could not say who the members are: why. */
  readonly consulWhy?: string;
  readonly isLab: boolean;
}

/** Who can be asked. Throws UserError when not one agent is known. */
export async function findTeam(options: ReachOptions, io: Io): Promise<Team> {
  const { service } = options;
  const named = options.agent?.map(withScheme).map(trimmed) ?? [];
  const consulUrl = consulNamed(io, options.consul);
  const isLab = consulUrl === undefined && named.length === 0 && labExists(io);
  const places = consulUrl === undefined && named.length === 0 ? await placesInLab(io) : {};
  // An agent that was named is the answer to a Consul that cannot be asked.
  if (named.length > 0) return { service, urls: named, isLab };
  const token = tokenFrom(io.environment);
  const consul = await readConsul({
    service,
    consulUrl: trimmed(consulUrl ?? places.consulUrl ?? 'http://127.0.0.1:8500'),
    timeoutMs: askMs,
    ...(token === undefined ? {} : { token }),
  });
  const listed = consul.kind === 'read' ? consul.entries.flatMap(({ agentUrl }) => agentUrl ?? []) : [];
  const urls = [...new Set([...listed, ...(places.agents ?? [])])];
  if (urls.length > 0)
    return { service, urls, isLab, ...(consul.kind === 'read' ? {} : { consulWhy: consul.why }) };
  throw new UserError(
    consul.kind === 'read'
      ? `Consul names no agent of ${service}: is that its name, and does an agent run that has it?`
      : `${consul.why}. Name a member's agent: --agent http://ADDRESS:8008, or another Consul: --consul URL`,
  );
}

const trimmed = (url: string) => url.replace(/\/+$/, '');

/** What each agent says now. */
export const look = ({ service, urls }: Team): Promise<FailoverReading[]> =>
  Promise.all(urls.map((url) => readFailover(url, service, askMs)));

export const reportsIn = (readings: readonly FailoverReading[]): FailoverReport[] =>
  readings.flatMap((reading) => (reading.kind === 'read' ? reading.report : []));

/** The same, where at least one must answer. Throws UserError. */
export async function mustLook(team: Team): Promise<FailoverReading[]> {
  const readings = await look(team);
  if (reportsIn(readings).length > 0) return readings;
  if (readings.some(({ kind }) => kind === 'not-managed') && !readings.some(({ kind }) => kind === 'failed'))
    throw new UserError(
      `the roles of ${team.service} are only observed: no agent moves them. They are once the agents' configuration has "failover" and the policy says roles=managed`,
      { exitCode: 4 },
    );
  const whys = readings.flatMap((reading) => (reading.kind === 'failed' ? reading.why : []));
  throw new UserError(
    [...(team.consulWhy === undefined ? [] : [team.consulWhy]), ...whys].join('. ') ||
      `no member of ${team.service} answers`,
  );
}

/** The history, by the first agent that can read it. Throws UserError. */
export async function historyBy(team: Team) {
  const whys: string[] = [];
  for (const url of team.urls) {
    const reading = await readHistory(url, team.service, askMs);
    if (reading.kind === 'read') return reading;
    whys.push(reading.why);
  }
  throw new UserError([...new Set(whys)].join('. '));
}

/** The secret that the agents want to see. Throws UserError, exit code 2. */
export function secretFor(
  { isLab }: Team,
  { secretFile }: ChangeOptions,
  member: string,
  io: Io,
): { readonly file: string; readonly secret: Secret } {
  const file =
    secretFile ??
    (io.environment['HOTSPARE_SECRET_FILE'] || (isLab ? labSecretFile(io, member) : secretDefault));
  return { file, secret: readSecret(file) };
}
