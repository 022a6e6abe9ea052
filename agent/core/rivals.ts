import { serviceMeta } from '../../common/names.js';
import { plainText } from '../../common/text/plain-text.js';

/** One run of an agent. */
export interface Run {
  readonly box: string;
  /** Kept in the agent's folder, so that it survives a crash. */
  readonly instance: string;
  /** Base URL of its status. */
  readonly url: string;
  /** Wall clock, ms since 1970. */
  readonly startedMs: number;
}

/** What an agent writes of itself with each service. */
export function metaOf({ box, instance, startedMs, url }: Run): Record<string, string> {
  return {
    [serviceMeta.box]: box,
    [serviceMeta.agent]: url,
    [serviceMeta.instance]: instance,
    [serviceMeta.started]: new Date(startedMs).toISOString(),
  };
}

export interface Rival {
  readonly run: Run;
  /** Who goes on writing: the last to start keeps the box. */
  readonly keeps: 'we' | 'they';
}

type Written = { readonly meta: Readonly<Record<string, string>> };

/**
 * Another agent that registers services under this box's name. Only to be asked once this agent has written itself: before,
 * what it finds may be of a run that is over.
 */
export function rivalOf(entries: readonly Written[], self: Run): Rival | undefined {
  const runs = entries.flatMap(({ meta }) => runIn(meta) ?? []).filter(({ box }) => box === self.box);
  const others = runs.filter(({ instance, url }) => instance !== self.instance || url !== self.url);
  const newest = others.sort((a, b) => a.startedMs - b.startedMs).at(-1);
  if (!newest) return undefined;
  // Whoever has nothing registered is not seen by the other, which could not yield.
  const isSeen = runs.length > others.length;
  const isLater =
    self.startedMs > newest.startedMs ||
    (self.startedMs === newest.startedMs && self.instance > newest.instance);
  return { run: newest, keeps: isSeen && isLater ? 'we' : 'they' };
}

export function rivalText({ run, keeps }: Rival): string {
  const { box, instance, startedMs, url } = run;
  const other = plainText(
    `another agent, at ${url} (instance ${instance}, started ${new Date(startedMs).toISOString()}), also registers services as box ${box}`,
  );
  const outcome = {
    we: 'this agent started later and keeps the box; the other one stops writing',
    they: 'this agent no longer changes anything in Consul until you restart it',
  }[keeps];
  return `${other}; ${outcome}; give each box its own name (box: in agent.yaml), then restart both agents`;
}

function runIn(meta: Readonly<Record<string, string>>): Run | undefined {
  const { [serviceMeta.box]: box, [serviceMeta.instance]: instance, [serviceMeta.agent]: url } = meta;
  const startedMs = Date.parse(meta[serviceMeta.started] ?? '');
  if (box === undefined || instance === undefined || url === undefined || Number.isNaN(startedMs))
    return undefined;
  return { box, instance, url, startedMs };
}
