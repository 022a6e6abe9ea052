import type { Clock } from '../../../../common/clock.js';
import type { Target } from '../../../../common/names.js';
import {
  best,
  learnt,
  needOf,
  noWork,
  oneMore,
  verdict,
  type Need,
  type Verdict,
} from '../../../core/history/freshness.js';
import type { Position } from '../../../core/history/position.js';
import { Fresh } from '../../../shell/fresh.js';
import { Replay } from '../../../shell/replay.js';
import type { Router } from '../../../shell/router.js';

/** Knows what reads need to see, and who shows it. Holds no session: its questions go over the monitors'. */
export class ReadGuard {
  #work = noWork;
  readonly #primaryAt: Fresh<Position | null>;
  readonly #replay: Replay;

  constructor(
    private readonly router: Router,
    private readonly clock: Clock,
  ) {
    this.#primaryAt = new Fresh(() => this.#askPrimary());
    const askPosition = async (target: Target) => (await router.askWhereabouts(target))?.position ?? null;
    this.#replay = new Replay({ askPosition, clock });
  }

  /** Something has ended on the primary, or somewhere that may be it. */
  readonly onWork = (): void => {
    this.#work = oneMore(this.#work);
  };

  /** Where the primary is: everything it has acknowledged before this call is included. Null: not known by `deadlineMs`. */
  primaryAt(deadlineMs: number): Promise<Position | null> {
    const { clock } = this;
    return new Promise((resolve) => {
      // Keeps the process alive: monitors do not.
      const timer = clock.after(Math.max(0, deadlineMs - clock.nowMs()), () => resolve(null));
      void this.#primaryAt.ask().then((position) => {
        timer.cancel();
        resolve(position);
      });
    });
  }

  /** What a read must see that comes after everything this process has done. At once, unless the primary has to be asked. */
  ownNeed(deadlineMs: number): Need | Promise<Need> {
    const need = needOf(this.#work, this.router.state);
    return need.kind === 'ask' ? this.#askOwnNeed(deadlineMs) : need;
  }

  async #askOwnNeed(deadlineMs: number): Promise<Need> {
    const position = await this.primaryAt(deadlineMs);
    // Work that ended meanwhile is not this read's.
    if (position !== null) return { kind: 'position', position };
    const need = needOf(this.#work, this.router.state);
    return need.kind === 'ask' ? { kind: 'newest' } : need;
  }

  async #askPrimary(): Promise<Position | null> {
    const { router } = this;
    const { writer } = router.state;
    const covers = this.#work.ended;
    const answer = writer && (await router.askWhereabouts(writer));
    const position = answer?.role === 'primary' ? answer.position : null;
    this.#work = learnt(this.#work, position, covers);
    return position;
  }

  /** By what `target` said last. */
  verdict(target: Target, need: Need): Verdict {
    const { router } = this;
    return verdict(router.state, target, router.whereabouts(target)?.position ?? null, need);
  }

  /** Whether any of `targets` may serve, as far as is known without asking. One that was of another history may not be now. */
  outlook(targets: readonly Target[], need: Need): Verdict {
    const { router } = this;
    return best(
      targets.map((target) => {
        const known = this.verdict(target, need);
        return known === 'never' ? verdict(router.state, target, null, need) : known;
      }),
    );
  }

  /** Until it is clear whether one of `targets` may serve; `later` when `deadlineMs` is over. */
  async wait(targets: readonly Target[], need: Need, deadlineMs: number): Promise<Verdict> {
    const now = () => best(targets.map((target) => this.verdict(target, need)));
    await this.#replay.first(targets, () => now() !== 'later', deadlineMs);
    return now();
  }

  readers(): readonly Target[] {
    return this.router.eligible('read');
  }

  get hasPrimary(): boolean {
    return this.router.state.writer !== null;
  }
}
