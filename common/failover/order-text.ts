import type { FailoverOrder } from './shapes.js';

/** An order in words, such as `switchover from pg1 to pg2`. */
export function orderText(order: FailoverOrder): string {
  switch (order.kind) {
    case 'switchover':
      return `switchover from ${order.from} to ${order.to}`;
    case 'promote':
      return `promote ${order.to}`;
    case 'rejoin':
      return `${order.method === 'basebackup' ? 'reinit' : 'rejoin'} ${order.member}`;
  }
}
