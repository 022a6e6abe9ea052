import { sleep, type Clock } from '../../common/clock.js';
import type { FailoverReport } from '../../common/failover/report.js';
import type { FailoverEvent } from '../../common/failover/shapes.js';
import { readFailover, readHistory } from '../../status/index.js';
import type { Team } from './team.js';

/** Between two looks at a member, in ms; and the longest wait for what it says. */
const paceMs = 100;
const askMs = 2_000;
/** Between two reads of the history, in ms: each reads Consul, and costs the agents time while an app waits for them. */
const historyEveryMs = 500;

export interface Seen {
  readonly reports: readonly FailoverReport[];
  readonly events: readonly FailoverEvent[];
}

/** Looks at all members, each at its own pace, so that one that hangs holds up none of the others. */
export class Watch {
  private readonly newest = new Map<string, FailoverReport>();
  private readonly events = new Map<string, FailoverEvent>();
  private readonly said = new Map<string, string>();
  private readonly stopped = new AbortController();

  /** `tell`: each sentence of a member that it has not said before. */
  constructor(
    private readonly team: Team,
    before: readonly FailoverReport[],
    private readonly clock: Clock,
    private readonly tell: (member: string, sentence: string) => void,
  ) {
    for (const { member, sentence } of before) this.said.set(member, sentence);
    for (const url of team.urls) void this.follow(url);
  }

  get seen(): Seen {
    return { reports: [...this.newest.values()], events: [...this.events.values()] };
  }

  /** Until `enough` gives a value, looked at after each round, or `untilMs` of the clock; undefined: that came first. */
  async until<T>(
    untilMs: number,
    signal: AbortSignal,
    enough: (seen: Seen) => T | undefined,
  ): Promise<T | undefined> {
    for (;;) {
      const found = enough(this.seen);
      if (found !== undefined) return found;
      if (this.clock.nowMs() >= untilMs) return undefined;
      await sleep(this.clock, paceMs, { signal });
    }
  }

  close(): void {
    this.stopped.abort();
  }

  private async follow(url: string): Promise<void> {
    const { service } = this.team;
    let historyAtMs = -Infinity;
    while (!this.stopped.signal.aborted) {
      const isDue = this.clock.nowMs() >= historyAtMs;
      if (isDue) historyAtMs = this.clock.nowMs() + historyEveryMs;
      const [reading, history] = await Promise.all([
        readFailover(url, service, askMs),
        isDue ? readHistory(url, service, askMs) : undefined,
      ]);
      if (this.stopped.signal.aborted) return;
      if (reading.kind === 'read') this.heard(url, reading.report);
      else this.newest.delete(url);
      if (history?.kind === 'read') for (const event of history.events) this.events.set(event.id, event);
      await sleep(this.clock, paceMs, { ref: false });
    }
  }

  private heard(url: string, report: FailoverReport): void {
    this.newest.set(url, report);
    const { member, sentence } = report;
    if (this.said.get(member) === sentence) return;
    this.said.set(member, sentence);
    this.tell(member, sentence);
  }
}
