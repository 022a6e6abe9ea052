import { describe, expect, test } from 'vitest';
import type { Role, Target } from '../../../common/names.js';
import type { Lookup } from '../../../sidecar/core/model.js';
import type { Known, Proposal } from '../../../sidecar/ports.js';
import { Discovery } from '../../../sidecar/shell/discovery.js';
import { ManualClock, settled } from '../../fakes/manual-clock.js';
import { empty, found, member, unavailable } from '../core/story.js';

/** A directory and a file that answer when the test says so. */
class World {
  readonly clock = new ManualClock();
  readonly saved: Known[] = [];
  readonly heard: string[] = [];
  readonly answer: Record<Role, (lookup: Lookup) => Promise<void>> = { primary: later, replica: later };
  restore: (known: Known | null) => Promise<void> = later;
  readonly discovery = new Discovery({
    directory: {
      lookup: (role) =>
        new Promise((resolve) => {
          this.answer[role] = (lookup) => (resolve(lookup), settled());
        }),
    },
    wakeUps: null,
    cache: {
      load: () =>
        new Promise((resolve) => {
          this.restore = (known) => (resolve(known), settled());
        }),
      save: async (known) => void this.saved.push(known),
    },
    source: 'dns',
    clock: this.clock,
    random: () => 0,
    timings: { refreshMs: 15_000, afterWakeMs: [], minGapMs: 20 },
  });

  constructor() {
    this.discovery.subscribe((proposal) => this.heard.push(told(proposal)));
  }

  async again(role: Role, lookup: Lookup): Promise<void> {
    await this.clock.advance(1_000);
    this.discovery.refresh();
    await this.answer[role](lookup);
  }
}

const later = () => Promise.reject(new Error('nobody has asked yet'));

const told = ({ role, lookup, source }: Proposal) =>
  `${source}: ${role} ${lookup.kind === 'found' ? lookup.targets.map(({ host }) => host).join(' ') : lookup.kind}`;

const known = (primary: string | null, ...replicas: string[]): Known => ({
  primary: primary === null ? null : member(primary),
  replicas: replicas.map(member),
});
const last = <T>(list: readonly T[]): T | undefined => list.at(-1);

describe('the file', () => {
  test('is not written before it was read, and then with what it knew', async () => {
    const world = new World();
    await world.answer.primary(empty);
    await world.answer.replica(found('c'));
    expect(world.saved).toEqual([]);
    await world.restore(known('a', 'b'));
    expect(world.saved).toEqual([known('a', 'c')]);
    expect(world.discovery.known).toEqual(known('a', 'c'));
  });

  test('keeps the primary when the replica is found first and no primary is', async () => {
    for (const lookup of [empty, unavailable]) {
      const world = new World();
      await world.answer.replica(found('b'));
      await world.restore(known('a', 'b'));
      await world.answer.primary(lookup);
      expect(world.discovery.known).toEqual(known('a', 'b'));
      expect(world.saved).toEqual([]);
    }
  });

  test('keeps it whatever the order, and however often nobody is listed', async () => {
    const world = new World();
    await world.restore(known('a', 'b'));
    await world.answer.primary(empty);
    await world.answer.replica(empty);
    await world.again('primary', empty);
    await world.again('replica', found('c'));
    expect(last(world.saved)).toEqual(known('a', 'c'));
  });

  test('follows a new primary', async () => {
    const world = new World();
    await world.answer.primary(found('b'));
    await world.restore(known('a', 'b'));
    expect(last(world.saved)).toEqual(known('b', 'b'));
    await world.again('primary', found('c'));
    expect(last(world.saved)).toEqual(known('c', 'b'));
  });

  test('is written when there was none, and only when something is new', async () => {
    const world = new World();
    await world.answer.primary(found('a'));
    await world.restore(null);
    await world.answer.replica(found('b'));
    await world.again('primary', found('a'));
    expect(world.saved).toEqual([known('a'), known('a', 'b')]);
  });
});

describe('whom it remembers', () => {
  test('is proposed although the catalogue lists nobody', async () => {
    const world = new World();
    await world.answer.primary(empty);
    await world.restore(known('a', 'b'));
    await world.answer.replica(empty);
    expect(world.heard).toEqual([
      'dns: primary empty',
      'cache: primary a',
      'cache: replica b',
      'dns: replica empty',
    ]);
  });

  test('is not, where the catalogue found somebody', async () => {
    const world = new World();
    await world.answer.primary(found('b'));
    await world.restore(known('a', 'b'));
    expect(world.heard).toEqual(['dns: primary b', 'cache: replica b']);
  });

  test('is told to those who come later, before the last answer', async () => {
    const world = new World();
    await world.restore(known('a', 'b'));
    await world.answer.primary(empty);
    await world.answer.replica(found('c'));
    const heard: string[] = [];
    world.discovery.subscribe((proposal) => heard.push(told(proposal)));
    expect(heard).toEqual(['cache: primary a', 'dns: primary empty', 'dns: replica c']);
    const target: Target | null = world.discovery.known.primary;
    expect(target).toEqual(member('a'));
  });
});
