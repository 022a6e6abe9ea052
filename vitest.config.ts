import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const node = { environment: 'node' as const, restoreMocks: true };

/**
 * Tests of real programs have a second try on a build server: a shared machine may stand still for seconds.
 * `npm test` names each that took it.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0;

/** Files with a lab of their own run before there is the one that the others share: two labs at once keep two cores busy. */
class OwnLabsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const sorted = await super.sort(files);
    const isOwn = ({ moduleId }: TestSpecification) => moduleId.includes('/e2e/own-lab/');
    return [...sorted.filter(isOwn), ...sorted.filter((file) => !isOwn(file))];
  }
}

/**
 * unit: nothing but the code. contract: one port against its real thing and its fake.
 * lab: the five boxes as real processes, one file after the other.
 * boxes: booted boxes of LXC; needs root, and says why where it cannot run.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: OwnLabsFirst },
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: [
            'test/{common,agent,keeper,sidecar,todomvc,lab,provision,vagrant,cli,status,rules,sim,bench,soak,chaos}/**/*.test.ts',
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
          retry,
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
          retry,
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/setup.ts'],
          setupFiles: ['test/e2e/tell.ts'],
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
          retry,
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
