import type pg from 'pg';
import type { ClientClass, ClientInternals, Told } from './client.js';

/** Steps of a client that a subclass may stand between. Symbols: an app's own Client may have methods of any name. */
export const held = Symbol('held');
export const sendNext = Symbol('send next');
export const connectStep = Symbol('connect');
export const passwordStep = Symbol('password');
export const proofStep = Symbol('proof of the password');
export const errorMessageStep = Symbol('error message');
export const errorEventStep = Symbol('error event');
export const endStep = Symbol('end');

type Overloaded = 'connect' | 'query' | 'end' | 'emit';

/**
 * A client of which the steps can be overridden. Its public methods are typed as the one function that each of them is, not as
 * pg's overloads.
 */
export interface OpenClient extends Omit<pg.Client, Overloaded | keyof ClientInternals>, ClientInternals {
  connect(callback?: (error: Error | null, client?: OpenClient) => void): unknown;
  query(...given: unknown[]): unknown;
  end(callback?: unknown): unknown;
  emit(event: string | symbol, ...args: unknown[]): boolean;
  /** While this is true, it sends no statement. */
  readonly [held]: boolean;
  /** Sends the next statement, held or not. */
  [sendNext](): void;
  [connectStep](callback: Told): void;
  [passwordStep](use: () => unknown): void;
  [proofStep](message: unknown): Promise<void>;
  /** The server has answered a statement with an error. */
  [errorMessageStep](error: Error): void;
  /** The connection has failed. */
  [errorEventStep](error: Error): void;
  /** The connection has ended: all statements that are left fail. */
  [endStep](error: Error): void;
}

export function openUp(Base: ClientClass): new (config?: pg.ClientConfig) => OpenClient {
  class Open extends (Base as unknown as new (config?: pg.ClientConfig) => OpenClient) {
    override get [held](): boolean {
      return false;
    }
    override [sendNext](): void {
      super._pulseQueryQueue();
    }
    override _pulseQueryQueue(): void {
      if (!this[held]) super._pulseQueryQueue();
    }
    override _connect(callback: Told): void {
      this[connectStep](callback);
    }
    override [connectStep](callback: Told): void {
      super._connect(callback);
    }
    override _getPassword(use: () => unknown): void {
      this[passwordStep](use);
    }
    override [passwordStep](use: () => unknown): void {
      super._getPassword(use);
    }
    override _handleAuthSASLContinue(message: unknown): Promise<void> {
      return this[proofStep](message);
    }
    override [proofStep](message: unknown): Promise<void> {
      return super._handleAuthSASLContinue(message);
    }
    override _handleErrorMessage(error: Error): void {
      this[errorMessageStep](error);
    }
    override [errorMessageStep](error: Error): void {
      super._handleErrorMessage(error);
    }
    override _handleErrorEvent(error: Error): void {
      this[errorEventStep](error);
    }
    override [errorEventStep](error: Error): void {
      super._handleErrorEvent(error);
    }
    override _errorAllQueries(error: Error): void {
      this[endStep](error);
    }
    override [endStep](error: Error): void {
      super._errorAllQueries(error);
    }
  }
  return Open;
}
