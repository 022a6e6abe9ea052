import { Flock, type FlockOptions } from './flock.js';

/** One of the processes that share a herd; told what to do by the one that measures. */
export type Order =
  | { readonly do: 'start'; readonly flock: FlockOptions; readonly withinMs: number }
  | { readonly do: 'watch'; readonly to: number; readonly forMs: number }
  /** The catalogue was changed then, ms on the clock that all processes of a machine share. */
  | { readonly do: 'changed'; readonly sharedMs: number };

let flock: Flock | undefined;
let changed: (atMs: number) => void = () => {};
/** From the shared clock to our own. */
const own = (sharedMs: number) => performance.now() - (Number(process.hrtime.bigint()) / 1e6 - sharedMs);

process.on('message', (order: Order) => {
  void obey(order).catch((error: Error) => process.send?.({ failed: error.message }));
});

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'start':
      flock = await Flock.start(order.flock, order.withinMs);
      process.send?.({ done: true });
      return;
    case 'watch': {
      const change = new Promise<number>((resolve) => (changed = resolve));
      const begun = () => (process.send?.({ watching: true }), change);
      const result = await flock!.changeOver(order.to, begun, order.forMs);
      process.send?.({ result, complaints: flock!.complaints });
      return;
    }
    case 'changed':
      return changed(own(order.sharedMs));
  }
}
