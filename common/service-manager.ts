import { UserError } from './errors.js';

/**
 * Starting, stopping and killing programs, as one port: processes of this machine in the lab, systemd units on boxes.
 * A unit is named by the manager's own names; an unknown name is an error. Every call rejects with a ServiceManagerError only.
 */
export interface ServiceManager {
  status(name: string): Promise<UnitStatus>;
  /** Resolves when the program was started, not when it is ready. Starting a running unit does nothing. */
  start(name: string): Promise<void>;
  /** Orderly stop; after the unit's own time limit it is killed. Resolves when no process of it is left. */
  stop(name: string): Promise<void>;
  /** Stop, then start. Starts a unit that does not run, too. */
  restart(name: string): Promise<void>;
  /** SIGKILL. Resolves when no process of it is left. */
  kill(name: string): Promise<void>;
  /** SIGSTOP of every process of the unit. */
  freeze(name: string): Promise<void>;
  thaw(name: string): Promise<void>;
}

export type UnitStatus =
  | { readonly state: 'running'; readonly pid: number }
  | { readonly state: 'frozen'; readonly pid: number }
  /** Ended by itself or was killed. */
  | { readonly state: 'failed' }
  /** Never started, or stopped on purpose. */
  | { readonly state: 'stopped' };

/**
 * Why an order was not carried out. `unknown`: there is no such unit. `refused`: this user may not. `late`: no end within
 * the deadline; the order itself may still be carried out. `failed`: it was tried and did not work. `unclear`: the manager
 * cannot be asked, or its answer is not one of its own.
 */
export type ServiceManagerErrorKind = 'unknown' | 'refused' | 'late' | 'failed' | 'unclear';

export class ServiceManagerError extends UserError {
  constructor(
    readonly kind: ServiceManagerErrorKind,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'ServiceManagerError';
  }
}
