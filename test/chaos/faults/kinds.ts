/** Where a fault strikes. `none`: not at one member. */
export type At = 'primary' | 'standby';

export interface Kind {
  readonly at: At | 'either' | 'none';
  /** How long until it is healed, ms: shortest and longest. */
  readonly forMs: readonly [number, number];
  /** Whether the primary is hurt where it strikes the primary: if not, its role must stay. */
  readonly hurts: boolean;
}

const either = (hurts: boolean, ...forMs: [number, number]): Kind => ({ at: 'either', forMs, hurts });
const none = (hurts: boolean, ...forMs: [number, number]): Kind => ({ at: 'none', forMs, hurts });

export const kinds = {
  'postmaster-kill': either(true, 0, 0),
  'postmaster-freeze': either(true, 1_000, 8_000),
  'postmaster-restart': either(true, 0, 0),
  'backend-kill': either(true, 0, 0),
  'backend-freeze': either(false, 1_000, 6_000),
  'keeper-kill': either(false, 0, 0),
  'keeper-freeze': either(false, 1_000, 8_000),
  'keeper-restart': either(false, 0, 0),
  'agent-kill': either(false, 0, 0),
  'agent-freeze': either(false, 1_000, 8_000),
  'agent-restart': either(false, 0, 0),
  'consul-kill': either(false, 0, 0),
  'consul-freeze': either(false, 1_000, 8_000),
  'consul-restart': either(false, 0, 0),
  'box-off': either(true, 1_000, 8_000),
  'box-freeze': either(true, 1_000, 20_000),
  'box-reboot': either(true, 0, 0),
  /** From this member to the other, only that way. */
  'link-from': either(false, 2_000, 8_000),
  /** From the other member to this one, only that way. */
  'link-to': either(false, 2_000, 8_000),
  /** Between the two members, both ways. */
  'link-between': either(false, 2_000, 8_000),
  /** Between this member and one other Consul server. */
  'link-server': either(false, 2_000, 8_000),
  /** Between this member and every other box: clients elsewhere still reach it. */
  'link-boxes': either(true, 2_000, 10_000),
  /** The member's only cable. */
  'link-down': either(true, 2_000, 10_000),
  'link-flap': either(true, 3_000, 8_000),
  /** Consul's leader is brought to the primary's box, and the box is lost. */
  'leader-and-primary': { at: 'primary', forMs: [3_000, 8_000], hurts: true },
  'quorum-lost': none(false, 3_000, 10_000),
  'disk-full': either(true, 2_000, 6_000),
  /** Under load, and for longer than the record waits for it. */
  'standby-dead': { at: 'standby', forMs: [6_000, 14_000], hurts: true },
  /** Nothing is hurt, and the role is to move. */
  switchover: none(true, 0, 0),
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

export interface Fault {
  readonly kind: KindName;
  readonly at: At;
  /** From its beginning until it is healed. */
  readonly forMs: number;
  /** After the one before it in the same round. */
  readonly afterMs: number;
  /** Decides where a kind has a choice, such as of a Consul server. */
  readonly pick: number;
}

/** Faults that overlap, then healing. */
export interface Round {
  readonly pauseMs: number;
  readonly faults: readonly Fault[];
}
