import { describe, expect, test } from 'vitest';
import { targetKey, type Mode } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import { seededRandom } from '../support/random.js';
import { eligible } from '../../sidecar/core/eligible.js';
import type { Effect, Event, Lookup, RouteConfig, State, Trouble } from '../../sidecar/core/model.js';
import { initialState, route } from '../../sidecar/core/route.js';

/**
 * Three servers, a catalogue that may lie, be late, be empty or be silent, and monitors that tell the truth about what
 * they see. HOTSPARE_SEED=n replays one run.
 */
const config: RouteConfig = { maxReplicaLagBytes: Infinity, forgetAfterMs: 5_000 };
const hosts = ['a', 'b', 'c'] as const;
type Host = (typeof hosts)[number];
interface Server {
  up: 'up' | 'killed' | 'frozen';
  role: 'primary' | 'replica';
  timeline: number;
}

class World {
  nowMs = 0;
  state: State = initialState;
  readonly servers: Record<Host, Server> = {
    a: { up: 'up', role: 'primary', timeline: 1 },
    b: { up: 'up', role: 'replica', timeline: 1 },
    c: { up: 'up', role: 'replica', timeline: 1 },
  };
  catalogue: 'true' | 'late' | 'empty' | 'silent' | 'lying' = 'true';
  /** Members with a monitor, and whether it is connected. */
  readonly monitors = new Map<string, boolean>();
  /** Servers whose sessions have all ended since their monitors last looked. */
  readonly restarted = new Set<Host>();
  readonly sockets = new Set<string>();
  announced: Mode = 'down';
  readonly log: string[] = [];

  constructor(readonly random: Random) {}

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  feed(event: Event): void {
    const before = this.state;
    const { state, effects } = route(before, event, this.nowMs, config);
    this.state = state;
    this.log.push(
      `${this.nowMs} ${JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} -> ${state.mode} ${state.writer?.host ?? ''}`,
    );
    for (const effect of effects) this.perform(effect);
    this.check(before, event);
  }

  perform(effect: Effect): void {
    switch (effect.do) {
      case 'watch':
        this.monitors.set(effect.target.host, false);
        break;
      case 'unwatch':
        this.monitors.delete(effect.target.host);
        break;
      case 'destroy':
        this.sockets.delete(effect.target.host);
        break;
      case 'retire':
        for (const host of [...this.sockets]) {
          const fits = (['main', 'read'] as const).some((use) =>
            eligible(this.state, use, config).some((target) => target.host === host),
          );
          if (!fits) this.sockets.delete(host);
        }
        break;
      case 'mode':
        expect(effect.previous).toBe(this.announced);
        expect(effect.mode).not.toBe(effect.previous);
        this.announced = effect.mode;
        break;
      case 'probe':
      case 'lookup':
        break;
    }
  }

  /** What must hold after every single event. */
  check(before: State, event: Event): void {
    const { state } = this;
    expect(this.announced).toBe(state.mode);
    expect(state.mode === 'read-write').toBe(state.writer !== null);
    if (state.writer) {
      const member = state.members.get(targetKey(state.writer))!;
      expect(member.standing).toMatchObject({ kind: 'proven', role: 'primary' });
      // Never below the highest epoch seen.
      if (state.highest) expect(member.epoch?.timeline).toBe(state.highest.timeline);
    }
    if (state.mode === 'down') expect(eligible(state, 'read', config)).toEqual([]);
    if (before.highest) expect(state.highest!.timeline).toBeGreaterThanOrEqual(before.highest.timeline);
    // The catalogue alone never changes the mode, whatever it says.
    if (event.type === 'proposal') expect(state.mode).toBe(before.mode);
    if (before.members.size > 0) expect(state.members.size).toBeGreaterThan(0);
    // Sockets only to members that may serve something.
    for (const use of ['main', 'read'] as const)
      for (const target of eligible(state, use, config)) this.sockets.add(target.host);
    expect([...this.monitors.keys()].sort()).toEqual(
      [...state.members.values()].map((m) => m.target.host).sort(),
    );
  }

  /** A monitor's turn: the truth about its server as it is now. */
  look(host: Host): void {
    const target = { host, port: 5432 };
    const server = this.servers[host];
    if (!this.monitors.has(host)) return;
    if (this.monitors.get(host) && this.restarted.has(host)) {
      this.monitors.set(host, false);
      this.feed({ type: 'lost', target, by: 'monitor' });
    }
    if (server.up === 'up') {
      this.restarted.delete(host);
      this.monitors.set(host, true);
      this.says(host, server.role);
      return;
    }
    const trouble: Trouble = { kind: server.up === 'frozen' ? 'timed-out' : 'refused' };
    this.feed({ type: 'failed', target, trouble, by: 'monitor', sessionsLive: this.sockets.has(host) });
  }

  says(host: Host, role: 'primary' | 'replica'): void {
    const primary = role === 'primary';
    this.feed({
      type: 'heartbeat',
      target: { host, port: 5432 },
      role,
      epoch: primary ? { systemId: 'sys', timeline: this.servers[host].timeline } : null,
      lsn: BigInt(this.nowMs),
      receivedLsn: primary ? null : BigInt(this.nowMs),
      replayAgeMs: 0,
    });
  }

  /** A word from before the promotion of a server that has proved itself since, which is asked again. */
  late(): void {
    const { writer, mode } = this.state;
    const host = hosts.find((one) => one === writer?.host);
    if (!host || this.servers[host].up !== 'up' || this.restarted.has(host)) return;
    if (this.servers[host].role !== 'primary') return;
    if (this.random() < 0.5) this.says(host, 'replica');
    else this.feed({ type: 'proved', target: { host, port: 5432 }, role: 'replica' });
    expect([this.state.writer, this.state.mode]).toEqual([writer, mode]);
    this.look(host);
  }

  become(host: Host, change: Partial<Server>): void {
    const server = this.servers[host];
    const demoted = change.role === 'replica' && server.role === 'primary';
    // Its sessions end: a server that runs does not become a replica.
    if (change.up === 'killed' || demoted) this.restarted.add(host);
    Object.assign(server, change);
  }

  answer(role: 'primary' | 'replica'): Lookup {
    const truth = hosts.filter((host) => this.servers[host].up === 'up' && this.servers[host].role === role);
    const named = {
      true: truth,
      late: role === 'primary' ? ['a' as const] : (['b', 'c'] as const),
      empty: [],
      silent: null,
      lying: [this.pick(hosts)],
    }[this.catalogue];
    if (named === null) return { kind: 'unavailable', why: 'silent' };
    return named.length === 0
      ? { kind: 'empty' }
      : { kind: 'found', targets: named.map((host) => ({ host, port: 5432 })) };
  }

  step(): void {
    this.nowMs += 1 + Math.floor(this.random() * 200);
    const host = this.pick(hosts);
    const roll = this.random();
    if (roll < 0.45) this.look(host);
    else if (roll < 0.6) {
      const role = this.pick(['primary', 'replica'] as const);
      const source = this.random() < 0.8 ? 'dns' : 'cache';
      this.feed({ type: 'proposal', role, lookup: this.answer(role), source });
    } else if (roll < 0.65) this.catalogue = this.pick(['true', 'late', 'empty', 'silent', 'lying'] as const);
    else if (roll < 0.72) this.become(host, { up: this.pick(['up', 'killed', 'frozen'] as const) });
    else if (roll < 0.75) this.promote(host);
    else if (roll < 0.77) this.late();
    else if (roll < 0.8) this.feed({ type: 'lost', target: { host, port: 5432 }, by: 'session' });
    else if (roll < 0.85)
      this.feed({ type: 'proved', target: { host, port: 5432 }, role: this.servers[host].role });
    else if (roll < 0.9)
      this.feed({
        type: 'failed',
        target: { host, port: 5432 },
        trouble: this.pick<Trouble>([
          { kind: 'refused' },
          { kind: 'timed-out' },
          { kind: 'rejected', code: '53300' },
          { kind: 'rejected', code: '28P01' },
        ]),
        by: 'session',
        sessionsLive: this.sockets.has(host),
      });
    else this.feed({ type: 'tick' });
  }

  /** Somebody promotes this one; the others follow, unless they do not hear of it. */
  promote(host: Host): void {
    const server = this.servers[host];
    if (server.up !== 'up' || server.role === 'primary') return;
    const timeline = Math.max(...hosts.map((other) => this.servers[other].timeline)) + 1;
    Object.assign(server, { role: 'primary', timeline });
    for (const other of hosts)
      if (other !== host && this.servers[other].up === 'up' && this.random() < 0.7)
        this.become(other, { role: 'replica' });
  }

  /** All faults end: one primary of the highest timeline, all else follows, the catalogue tells the truth. */
  heal(): void {
    this.catalogue = 'true';
    const first = hosts.reduce((a, b) => (this.servers[b].timeline > this.servers[a].timeline ? b : a));
    for (const host of hosts) this.become(host, { up: 'up', role: host === first ? 'primary' : 'replica' });
    for (const role of ['primary', 'replica'] as const)
      this.feed({ type: 'proposal', role, lookup: this.answer(role), source: 'dns' });
    // Twice: a word that contradicts a proof is asked for again.
    for (const host of [...hosts, ...hosts]) this.look(host);
    expect(this.state.mode).toBe('read-write');
    expect(this.state.writer?.host).toBe(first);
    expect(eligible(this.state, 'read', config)).toHaveLength(2);
  }
}

describe('route under faults', () => {
  const own = Number(process.env['HOTSPARE_SEED']);
  const first = Math.floor(Math.random() * 1e6);
  const seeds = own ? [own] : [1, 2, 3, ...Array.from({ length: 57 }, (_, i) => first + i)];

  test.each(seeds)('seed %i', (seed) => {
    const world = new World(seededRandom(seed));
    try {
      world.heal();
      for (let era = 0; era < 6; era++) {
        for (let i = 0; i < 80; i++) world.step();
        world.heal();
      }
    } catch (error) {
      console.error(`HOTSPARE_SEED=${seed}\n${world.log.slice(-25).join('\n')}`);
      throw error;
    }
  });
});
