import { describe, expect, test } from 'vitest';
import type { ProcessInfo } from '../../../common/runtime/processes/proc.js';
import {
  ServiceManagerError,
  type ServiceManager,
  type ServiceManagerErrorKind,
} from '../../../common/service-manager.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/**
 * The units every implementation has, as scripts of /bin/sh: `good` ends at its stop signal, `stubborn` does not, `brief`
 * ends at once; `server` has children in sessions of their own that end when they notice its death, like Postgres.
 */
export const suiteUnits = {
  good: 'sleep 600 & sleep 601 & wait',
  stubborn: 'trap "" TERM; sleep 602 & while :; do sleep 1; done',
  brief: 'exit 3',
  server: 'for i in 1 2 3; do setsid sh -c "while kill -0 $$ 2>/dev/null; do sleep 0.05; done" & done; wait',
} as const;

/** Time limit of an orderly stop of each unit, in ms. */
export const suiteStopMs = 300;

/** One process of a unit, as its box numbers it. */
export type Member = Pick<ProcessInfo, 'pid' | 'session' | 'state' | 'startTicks'>;

export interface Subject {
  readonly name: string;
  /** The unit's name as the manager has it. */
  unit(name: keyof typeof suiteUnits | 'nobody'): string;
  /** Units none of which runs or has failed; `again` is another manager of the same. */
  make(): Promise<{ manager: ServiceManager; again(): ServiceManager }>;
  /** The live processes of a unit whose main process has, or had, this pid. */
  family(unit: string, pid: number): Promise<readonly Member[]>;
  /** Every process of the box. */
  all(): Promise<readonly Member[]>;
}

export function serviceManagerSuite(subject: Subject): void {
  const { family, make, unit } = subject;
  const good = unit('good');

  describe(`ServiceManager: ${subject.name}`, () => {
    const runningPid = async (manager: ServiceManager, name: string) => {
      const status = await manager.status(name);
      if (status.state !== 'running') throw new Error(`${name} is ${status.state}`);
      return status.pid;
    };

    const rejects = async (order: Promise<unknown>, kind: ServiceManagerErrorKind, message: string) => {
      const error = await order.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServiceManagerError);
      expect(error).toMatchObject({ kind, message });
    };

    test('starts, stops, and leaves no process behind', async () => {
      const { manager } = await make();
      expect(await manager.status(good)).toEqual({ state: 'stopped' });
      await manager.start(good);
      const pid = await runningPid(manager, good);
      await waitFor('its children', eventuallyMs, async () => (await family(good, pid)).length === 3);
      await manager.stop(good);
      expect(await manager.status(good)).toEqual({ state: 'stopped' });
      expect(await family(good, pid)).toEqual([]);
    });

    test('starting twice starts one', async () => {
      const { manager } = await make();
      await manager.start(good);
      const pid = await runningPid(manager, good);
      await manager.start(good);
      expect(await runningPid(manager, good)).toBe(pid);
      await manager.stop(good);
    });

    test('a restart is another process, and starts what does not run', async () => {
      const { manager } = await make();
      await manager.restart(good);
      const pid = await runningPid(manager, good);
      await manager.restart(good);
      expect(await runningPid(manager, good)).not.toBe(pid);
      await manager.stop(good);
    });

    test('another instance finds what this one started', async () => {
      const { manager, again } = await make();
      await manager.start(good);
      expect(await again().status(good)).toEqual(await manager.status(good));
      await again().stop(good);
      expect(await manager.status(good)).toEqual({ state: 'stopped' });
    });

    test('what does not end in time is killed', async () => {
      const stubborn = unit('stubborn');
      const { manager } = await make();
      await manager.start(stubborn);
      const pid = await runningPid(manager, stubborn);
      await manager.stop(stubborn);
      expect(await family(stubborn, pid)).toEqual([]);
    });

    test('kill leaves nothing and is seen as failed; it can be started again', async () => {
      const { manager } = await make();
      await manager.start(good);
      const pid = await runningPid(manager, good);
      await manager.kill(good);
      expect(await family(good, pid)).toEqual([]);
      expect(await manager.status(good)).toEqual({ state: 'failed' });
      await manager.start(good);
      expect(await runningPid(manager, good)).not.toBe(pid);
      await manager.stop(good);
    });

    test('a program that ends by itself is failed', async () => {
      const brief = unit('brief');
      const { manager } = await make();
      await manager.start(brief);
      await waitFor(
        'brief to end',
        eventuallyMs,
        async () => (await manager.status(brief)).state === 'failed',
      );
    });

    test('freeze stops every process, thaw continues them, a frozen unit can be stopped', async () => {
      const { manager } = await make();
      await manager.start(good);
      const pid = await runningPid(manager, good);
      const states = async () => (await family(good, pid)).map(({ state }) => state).join('');
      await waitFor('its children', eventuallyMs, async () => (await states()).length === 3);
      await manager.freeze(good);
      await waitFor('all to be stopped', eventuallyMs, async () => (await states()) === 'TTT');
      expect(await manager.status(good)).toEqual({ state: 'frozen', pid });
      await manager.thaw(good);
      await waitFor('it to go on', eventuallyMs, async () => !(await states()).includes('T'));
      expect(await runningPid(manager, good)).toBe(pid);
      await manager.freeze(good);
      await manager.stop(good);
      expect(await family(good, pid)).toEqual([]);
    });

    test('children in sessions of their own: none is left by freeze and kill, or by freeze and stop', async () => {
      const server = unit('server');
      const { manager } = await make();
      for (const end of [(name: string) => manager.kill(name), (name: string) => manager.stop(name)]) {
        await manager.start(server);
        const pid = await runningPid(manager, server);
        const before = await waitFor('its children', eventuallyMs, async () => {
          const members = await family(server, pid);
          return members.filter(({ session }) => session !== pid).length >= 3 && members;
        });
        await manager.freeze(server);
        await end(server);
        const now = await subject.all();
        const left = before.filter(({ pid: one, startTicks }) =>
          now.some((other) => other.pid === one && other.startTicks === startTicks && other.state !== 'Z'),
        );
        expect(left).toEqual([]);
      }
    });

    test('an unknown name is refused with the known ones', async () => {
      const { manager } = await make();
      const known = (['good', 'stubborn', 'brief', 'server'] as const).map(unit).join(', ');
      const nobody = unit('nobody');
      await rejects(manager.start(nobody), 'unknown', `there is no ${nobody}; known are ${known}`);
      await rejects(manager.status(nobody), 'unknown', `there is no ${nobody}; known are ${known}`);
    });

    test('stopping what does not run does nothing; freezing it is refused', async () => {
      const { manager } = await make();
      await manager.stop(good);
      await manager.kill(good);
      await rejects(manager.freeze(good), 'failed', `${good} is not running`);
      await rejects(manager.thaw(good), 'failed', `${good} is not running`);
    });
  });
}
