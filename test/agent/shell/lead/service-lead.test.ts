import { afterEach, expect, test } from 'vitest';
import { emptyLedger, type Self } from '../../../../agent/core/lead/model.js';
import { ServiceLead } from '../../../../agent/shell/lead/service-lead.js';
import type { Policy } from '../../../../common/failover/shapes.js';
import { createLog } from '../../../../common/runtime/log.js';
import { ManualClock, settled } from '../../../fakes/manual-clock.js';
import { configOf, emptySnapshot, policy, running } from '../../core/lead/builders.js';

let stop = new AbortController();
afterEach(() => stop.abort());

const unmanaged: Self = { ...running(true), managed: false };

/** The lead of a member at which nothing goes on; `seen`: how often its keeper was asked. */
async function atRest(own: Partial<Policy>, answer: () => Promise<Self> = async () => unmanaged) {
  stop = new AbortController();
  const clock = new ManualClock();
  const looks = { seen: 0 };
  const failed = { kind: 'failed', why: 'not in this test' } as const;
  const lead = new ServiceLead({
    parts: {
      service: 'pg',
      config: configOf('pg1', { firstPolicy: { ...policy, roles: 'observe', ...own } }),
      eligible: { ok: true },
      keeper: {
        look: () => {
          looks.seen += 1;
          return answer();
        },
        perform: async (action) => ({ ...failed, action }),
      },
      lease: {
        read: async () => failed,
        watch: (given) => {
          given.onSnapshot(emptySnapshot);
          return new Promise(() => {});
        },
        askAnew: () => {},
        openSession: async () => failed,
        signOfLife: async () => ({ kind: 'done' }),
        lookUpSession: async () => failed,
        destroySession: async () => failed,
        write: async () => failed,
      },
      events: {
        append: () => {
          throw new Error('not in this test');
        },
        pending: 0,
        follow: async () => {},
        list: async () => failed,
        flushed: async () => {},
        close: () => {},
      },
      ledger: {
        read: async () => emptyLedger,
        write: async () => {},
      },
      peers: { ask: async () => ({ kind: 'unknown', why: 'not in this test' }) },
      startProcess: async () => {},
      close: () => {},
    },
    published: () => 'none',
    isServing: () => true,
    isStreaming: () => true,
    onWord: () => {},
    clock,
    log: createLog('test', 'silent'),
  });
  void lead.run(stop.signal).catch(() => {});
  await clock.advance(100);
  return { lead, clock, looks };
}

test('looked at every 3 s, and whoever asks in between is told of a look that is a second old at most', async () => {
  const { lead, clock, looks } = await atRest({});
  expect(lead.report().row).toBe('observe');
  const before = looks.seen;
  await clock.advance(500);
  await lead.fresh();
  expect(looks.seen).toBe(before);
  await clock.advance(1_500);
  expect(looks.seen).toBe(before);
  await lead.fresh();
  expect(looks.seen).toBe(before + 1);
});

test('a look that takes its time is not waited for', async () => {
  let hangs = false;
  const { lead, clock, looks } = await atRest({}, () =>
    hangs ? new Promise(() => {}) : Promise.resolve(unmanaged),
  );
  await clock.advance(2_000);
  hangs = true;
  const before = looks.seen;
  let told = false;
  void lead.fresh().then(() => (told = true));
  await settled();
  expect([looks.seen, told]).toEqual([before + 1, false]);
  await clock.advance(100);
  expect(told).toBe(true);
});

test('where the agents act by themselves it is looked at every second, and nothing is waited for', async () => {
  const { lead, clock, looks } = await atRest({ durability: 'sync', promotion: 'auto' });
  const before = looks.seen;
  await clock.advance(3_000);
  expect(looks.seen).toBeGreaterThanOrEqual(before + 2);
  const after = looks.seen;
  await lead.fresh();
  expect(looks.seen).toBe(after);
});
