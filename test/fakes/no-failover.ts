import type { FailoverControl } from '../../agent/ports.js';

const never = async () => ({ kind: 'refused', code: 'unavailable', why: 'nothing is led here' }) as const;

/** An agent that leads no service. */
export const noFailover: FailoverControl = {
  services: new Set(),
  report: () => {
    throw new Error('nothing is led here');
  },
  history: never,
  order: never,
  setPolicy: never,
};
