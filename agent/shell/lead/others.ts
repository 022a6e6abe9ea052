import { sleep, type Clock } from '../../../common/clock.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import type { LeadConfig, Ledger, Peer } from '../../core/lead/model.js';
import { isQuiet, type Seen } from '../../core/lead/quiet.js';
import type { PeersPort } from '../../lead-port.js';
import { sharedOf } from './shared.js';

/** One that did not answer is waited for so long, in ms, when it is asked again. */
const againMs = 20;
/** For so long, in ms, it counts as one that did not answer. */
const silentForMs = 1_000;

export interface OthersOptions {
  readonly config: Pick<LeadConfig, 'member' | 'members' | 'firstPolicy'>;
  readonly peers: PeersPort;
  readonly clock: Clock;
  /** Called when one says something else than the look was told that did not wait for it. */
  readonly onNews: () => void;
}

/**
 * The agents of the other members. A box that is gone answers nothing, and each step of a promotion would wait for that: so one that did
 * not answer is asked again beside the looks, which take it for silent until it does.
 */
export class Others {
  private readonly each: readonly (readonly [string, Other])[];

  constructor(private readonly options: OthersOptions) {
    const { config } = options;
    this.each = [...config.members.keys()]
      .filter((name) => name !== config.member)
      .map((name) => [name, new Other(name, options)] as const);
  }

  /** Asked only where a row looks at them: without a record or a holder, and while there is an order. Else empty. */
  async look(
    snapshot: Snapshot | undefined,
    ledger: Ledger,
    seen: Omit<Seen, 'firstPolicy'>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Peer>> {
    const { firstPolicy } = this.options.config;
    const shared = snapshot && sharedOf(snapshot);
    if (shared?.kind !== 'read' || isQuiet(shared, ledger, { ...seen, firstPolicy })) return new Map();
    return new Map(
      await Promise.all(this.each.map(async ([name, other]) => [name, await other.ask(signal)] as const)),
    );
  }
}

class Other {
  private asking: Promise<Peer> | undefined;
  private silent: { readonly peer: Peer; readonly atMs: number } | undefined;
  /** A look went on without its answer. */
  private isLeftBehind = false;

  constructor(
    private readonly name: string,
    private readonly options: OthersOptions,
  ) {}

  async ask(signal: AbortSignal): Promise<Peer> {
    const { clock } = this.options;
    const { silent } = this;
    const asking = (this.asking ??= this.begin(signal));
    if (!silent || clock.nowMs() - silent.atMs > silentForMs) return asking;
    const wait = new AbortController();
    const goOn = sleep(clock, againMs, { signal: wait.signal }).then(
      () => {
        this.isLeftBehind = true;
        return silent.peer;
      },
      () => silent.peer,
    );
    const heard = await Promise.race([asking, goOn]);
    wait.abort();
    return heard;
  }

  private async begin(signal: AbortSignal): Promise<Peer> {
    const { peers, clock, onNews } = this.options;
    const before = this.silent?.peer;
    const peer = await peers.ask(this.name, signal).finally(() => (this.asking = undefined));
    this.silent = peer.kind === 'unknown' ? { peer, atMs: clock.nowMs() } : undefined;
    if (this.isLeftBehind && !isSame(peer, before)) onNews();
    this.isLeftBehind = false;
    return peer;
  }
}

const isSame = (peer: Peer, before: Peer | undefined) =>
  peer.kind === 'unknown' && before?.kind === 'unknown' && peer.isUnreachable === before.isUnreachable;
