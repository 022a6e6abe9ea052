import { expect, test } from 'vitest';
import { decide } from '../../../agent/core/decide.js';
import type { CatalogueEntry, ProbeResult, ServiceState } from '../../../agent/core/model.js';
import { reasonText, stateText } from '../../../agent/core/sentences.js';
import { down, full, model, passing, unseen } from '../builders.js';

/** A Consul that does what it is told, and the transcript of what it was told. */
class Story {
  readonly lines: string[] = [];
  private state: ServiceState = unseen;
  private entry: CatalogueEntry | undefined;
  private consul: 'up' | 'away' = 'up';
  private nowMs = 0;

  say(text: string): this {
    this.lines.push(`# ${text}`);
    return this;
  }

  consulIs(consul: 'up' | 'away' | 'up, and has lost everything'): this {
    if (consul === 'up, and has lost everything') this.entry = undefined;
    this.consul = consul === 'away' ? 'away' : 'up';
    return this;
  }

  probe(probe: ProbeResult | undefined, options: { stopping?: boolean } = {}): this {
    this.nowMs += 1_000;
    const catalogue =
      this.consul === 'away'
        ? ({ kind: 'unread' } as const)
        : this.entry
          ? ({ kind: 'present', entry: this.entry } as const)
          : ({ kind: 'absent' } as const);
    const { nowMs } = this;
    const decision = decide(
      this.state,
      {
        nowMs,
        wallMs: nowMs,
        probe,
        missesInARow: 0,
        catalogue,
        echo: 'same',
        isSuperseded: false,
        stopping: options.stopping ?? false,
      },
      model,
    );
    this.state = decision.state;
    this.lines.push(`${nowMs / 1_000} s: ${stateText(this.state)} | ${reasonText(decision.reason)}`);
    for (const action of decision.actions) {
      switch (action.kind) {
        case 'register': {
          const { checkTtlMs: _, initialStatus, ...rest } = action.registration;
          this.entry = {
            ...rest,
            check: this.entry?.check ?? { status: initialStatus, text: '', refreshedMs: nowMs },
          };
          this.lines.push(`     register [${rest.tags.join()}], now ${this.entry.check?.status}`);
          break;
        }
        case 'update-check':
          this.entry = {
            ...this.entry!,
            check: { status: action.status, text: action.text, refreshedMs: nowMs },
          };
          this.lines.push(`     check ${action.status}: ${action.text}`);
          break;
        case 'deregister':
          this.entry = undefined;
          this.lines.push('     deregister');
      }
    }
    return this;
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
