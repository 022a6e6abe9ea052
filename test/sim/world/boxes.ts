import type { Deed } from './deeds.js';
import type { World } from './world.js';

type Later = (afterMs: number, what: () => void) => void;

/** What befalls a whole box, one at a time: it is switched off, stands still, or is cut off from all others. */
export class Boxes {
  private readonly off = new Set<string>();
  private readonly frozen = new Set<string>();
  private readonly cut = new Set<string>();

  constructor(private readonly world: World) {}

  isOff = (name: string) => this.off.has(name);
  isFrozen = (name: string) => this.frozen.has(name);
  isCut = (name: string) => this.cut.has(name);
  isBusy = (name: string) => this.isOff(name) || this.isFrozen(name) || this.isCut(name);
  private readonly isAnyBusy = () => this.world.members.some((name) => this.isBusy(name));

  switchOff(deed: Deed, later: Later): void {
    const { world } = this;
    const { member: name, forMs } = deed;
    if (this.isAnyBusy()) return;
    world.tell('fault', `the box of ${name} is switched off`);
    this.off.add(name);
    world.server(name).crash();
    world.agent(name).die();
    world.killKeeper(name);
    this.notice(deed, later);
    later(forMs, () => {
      world.tell('box', `${name} is switched on`);
      this.off.delete(name);
      world.keeperDown.delete(name);
      world.server(name).start();
      world.agent(name).start();
    });
  }

  /** Whatever it was at goes on later as if no time had passed. */
  freeze(deed: Deed, later: Later): void {
    const { world } = this;
    const { member: name, forMs } = deed;
    if (this.isAnyBusy()) return;
    world.tell('fault', `the box of ${name} is frozen`);
    this.frozen.add(name);
    this.notice(deed, later);
    later(forMs, () => {
      world.tell('box', `${name} thaws`);
      this.frozen.delete(name);
    });
  }

  isolate(deed: Deed, later: Later): void {
    const { world } = this;
    const { member: name, forMs } = deed;
    if (this.isAnyBusy()) return;
    world.tell('fault', `the box of ${name} is cut off from all others`);
    this.cut.add(name);
    world.cutOff.add(name);
    const untilMs = world.nowMs + forMs;
    for (const pg of world.members.map((member) => world.server(member)))
      if (pg.name === name || pg.source === name) pg.cutUntilMs = Math.max(pg.cutUntilMs, untilMs);
    this.notice(deed, later);
    later(forMs, () => {
      world.tell('box', `${name} is back on the network`);
      this.cut.delete(name);
      world.cutOff.delete(name);
    });
  }

  /** Consul ends the sessions of a box that is away. */
  private notice({ member: name, noticedMs }: Deed, later: Later): void {
    later(noticedMs, () => {
      if (this.isBusy(name)) this.world.consul.endSessionsOf(name);
    });
  }
}
