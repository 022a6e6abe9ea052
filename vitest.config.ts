import { defineConfig } from 'vitest/config';

const node = { environment: 'node' as const, restoreMocks: true };

/**
 * unit: nothing but the code. contract: one port against its real thing and its fake.
 * lab: the five boxes as real processes, one file after the other.
 * boxes: booted boxes of LXC; needs root, and says why where it cannot run.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: [
            'test/{common,agent,keeper,sidecar,todomvc,lab,provision,vagrant,cli,status,rules,sim,bench,soak}/**/*.test.ts',
          ],
          // Some start a program: on a busy machine that alone may take seconds.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...node,
          name: 'contract',
          include: ['test/{contract,orm}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 90_000,
          // Real programs with real deadlines: after the unit tests, not beside them.
          sequence: { groupOrder: 1 },
          // They mostly wait.
          maxWorkers: 4,
        },
      },
      {
        test: {
          ...node,
          name: 'lab',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
        },
      },
      {
        test: {
          ...node,
          name: 'boxes',
          include: ['test/boxes/**/*.test.ts'],
          globalSetup: ['test/boxes/setup.ts'],
          // Destroying and making all boxes anew took five minutes on two cores that were taken.
          testTimeout: 900_000,
          hookTimeout: 900_000,
          sequence: { groupOrder: 3 },
          fileParallelism: false,
        },
      },
    ],
  },
});
