import { expect, test } from 'vitest';
import { decide, initialState } from '../../../agent/core/decide.js';
import type {
  Action,
  CatalogueEntry,
  Decision,
  ProbeResult,
  ServiceState,
} from '../../../agent/core/model.js';
import { reasonText, stateText } from '../../../agent/core/sentences.js';
import { down, entryAfter, full, model, observation, passing, type Observed } from '../builders.js';

/** A Consul that does what it is told, and the transcript of what it was told. */
class Story {
  readonly lines: string[] = [];
  private state: ServiceState = initialState(undefined);
  private entry: CatalogueEntry | undefined;
  private consul: 'up' | 'away' = 'up';
  private nowMs = 0;
  private stoppingSinceMs: number | undefined;

  say(text: string): this {
    this.lines.push(`# ${text}`);
    return this;
  }

  consulIs(consul: 'up' | 'away' | 'up, and has lost everything'): this {
    if (consul === 'up, and has lost everything') this.entry = undefined;
    this.consul = consul === 'away' ? 'away' : 'up';
    return this;
  }

  /** A second passes, in which a probe ends. */
  probe(probe: ProbeResult | undefined, options: { stopping?: boolean } = {}): this {
    this.nowMs += 1_000;
    if (options.stopping) this.stoppingSinceMs ??= this.nowMs;
    const { nowMs } = this;
    let decision = this.decide({ probe });
    this.lines.push(
      `${nowMs / 1_000} s: ${stateText(this.state.health)} | ${reasonText(decision.reasons.publish)}`,
    );
    for (let [action] = decision.actions; action; [action] = decision.actions) {
      this.perform(action);
      decision = this.decide({
        probe: undefined,
        attempt: { action, askedMs: nowMs, outcome: { kind: 'done' } },
      });
    }
    return this;
  }

  private decide(seen: Observed): Decision {
    const { nowMs, stoppingSinceMs } = this;
    const catalogue =
      this.consul === 'away'
        ? ({ kind: 'unread', why: 'unreachable' } as const)
        : this.entry
          ? ({ kind: 'present', entry: this.entry } as const)
          : ({ kind: 'absent' } as const);
    const seenNow = observation({ nowMs, wallMs: nowMs, catalogue, stoppingSinceMs, ...seen });
    const decision = decide(this.state, seenNow, model);
    this.state = decision.state;
    return decision;
  }

  private perform(action: Action): void {
    this.entry = entryAfter(this.entry, action, this.nowMs);
    switch (action.kind) {
      case 'register':
        this.lines.push(
          `     register [${action.registration.tags.join()}], now ${this.entry?.check?.status}`,
        );
        break;
      case 'update-check':
        this.lines.push(`     check ${action.status}: ${action.text}`);
        break;
      case 'deregister':
        this.lines.push('     deregister');
    }
  }
}

test('a primary starts, is killed, returns, survives Consul and stops', async () => {
  const story = new Story()
    .say('the agent starts')
    .probe(undefined)
    .probe(passing('primary'))
    .probe(passing('primary'))
    .say('the primary is killed')
    .probe(down)
    .probe({
      kind: 'critical',
      trouble: { kind: 'not-accepting', text: 'the database system is starting up' },
    })
    .say('it returns')
    .probe(passing('primary'))
    .probe(full)
    .probe(passing('primary'))
    .say('Consul goes away; meanwhile the primary restarts as a replica')
    .consulIs('away')
    .probe(passing('primary'))
    .probe(down)
    .probe(passing('replica'))
    .say('Consul is back')
    .consulIs('up')
    .probe(passing('replica'))
    .probe(passing('replica'))
    .say('Consul restarts and has lost everything')
    .consulIs('up, and has lost everything')
    .probe(passing('replica'))
    .say('the agent stops')
    .probe(passing('replica'), { stopping: true })
    .probe(passing('replica'), { stopping: true });
  await expect(`${story.lines.join('\n')}\n`).toMatchFileSnapshot('story.golden.txt');
});
