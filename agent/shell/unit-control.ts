import type { ServiceAction } from '../../common/agent/control.js';
import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/runtime/log.js';
import { ServiceManagerError, type ServiceManager } from '../../common/service-manager.js';
import { fullBucket, takeToken, type Bucket } from '../../common/token-bucket.js';
import type { ActionOutcome, ServiceControl, ServiceSlot } from '../ports.js';

/** Strangers can't fill the log: so many refusals at once are told, then one a minute. */
const toldRefusals = { capacity: 5, refillMs: 60_000 };

export interface UnitControlOptions {
  readonly services: readonly { readonly name: string; readonly unit?: string }[];
  readonly manager: ServiceManager;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts and stops the units of this box's services, one action at a time for each, and writes down who asked. */
export class UnitControl implements ServiceControl {
  private readonly underWay = new Map<string, ServiceAction>();
  private refusals: Bucket;

  constructor(private readonly options: UnitControlOptions) {
    this.refusals = fullBucket(toldRefusals, options.clock.nowMs());
  }

  slots(): ReadonlyMap<string, ServiceSlot> {
    return new Map(
      this.options.services.map(({ name, unit }): [string, ServiceSlot] => {
        const action = this.underWay.get(name);
        if (unit === undefined) return [name, { kind: 'no-unit' }];
        return [name, action ? { kind: 'busy', action } : { kind: 'free' }];
      }),
    );
  }

  async perform(service: string, action: ServiceAction, from: string): Promise<ActionOutcome> {
    const unit = this.options.services.find(({ name }) => name === service)?.unit;
    if (unit === undefined || this.underWay.has(service))
      return { kind: 'failed', late: false, why: `${service} has no unit, or one that is busy` };
    const log = this.options.log.child({ service, unit, action, from });
    this.underWay.set(service, action);
    log.info(`${action} of ${unit} asked for by ${from}`);
    try {
      await this.options.manager[action](unit);
    } catch (error) {
      const why = messageOf(error);
      log.error(`${action} of ${unit} failed: ${why}`);
      return { kind: 'failed', late: error instanceof ServiceManagerError && error.kind === 'late', why };
    } finally {
      this.underWay.delete(service);
    }
    const state = await this.stateOf(unit);
    log.info(`${action} of ${unit} done: it is ${state}`);
    return { kind: 'done', unit, state };
  }

  refused(path: string, from: string): void {
    const { clock, log } = this.options;
    const left = takeToken(this.refusals, clock.nowMs(), toldRefusals);
    if (!left) return;
    this.refusals = left;
    log.warn({ from, path: path.slice(0, 200) }, `refused: ${from} asked for a change without the secret`);
  }

  private async stateOf(unit: string) {
    try {
      return (await this.options.manager.status(unit)).state;
    } catch {
      return 'unknown';
    }
  }
}
