import type { Kept } from '../../../agent/ports.js';

/** What never changes. */
export function kept<T>(value: T): Kept<T> {
  return { current: () => value, reread: async () => false };
}
