import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Clock } from '../common/clock.js';
import type { Refusal } from '../common/keeper/protocol.js';
import type { Log } from '../common/runtime/log.js';
import { writeDurably } from '../common/runtime/files/replace-file.js';
import type { KeeperConfig } from './config.js';
import { stripAutoConfFile } from './postgres/auto-conf.js';
import { postmasterOf, signal } from './postgres/processes.js';
import { ReservedSession, Session } from './postgres/sql.js';
import { SettingsFile } from './state/settings.js';
import { StateFiles } from './state/files.js';

/** Nothing was begun, and why. */
export class Refused extends Error {
  constructor(
    readonly reason: Refusal,
    sentence: string,
  ) {
    super(sentence);
  }
}
/** It was begun and not seen to come true in time. */
export class TimedOut extends Error {}

/** What one order is carried out with. */
export interface Order {
  readonly signal: AbortSignal;
  /** Of the clock, in ms. */
  readonly deadlineAtMs: number;
  progress(text: string): void;
}

/** This box's Postgres and the keeper's files, as every verb uses them. */
export class Box {
  readonly state: StateFiles;
  readonly settings: SettingsFile;
  readonly reserved: ReservedSession;
  /** The hold behind which this keeper has seen a commit wait; a keeper that was started anew has to see it again. */
  heldGate: string | undefined;
  /** Settings that wait for a restart of Postgres, and when that was asked, by the clock. */
  pendingRestart: { readonly atMs: number; readonly names: readonly string[] } | undefined;

  constructor(
    readonly config: KeeperConfig,
    readonly clock: Clock,
    readonly log: Log,
  ) {
    this.state = new StateFiles(config.stateDir, config.postgres.dataDir);
    this.settings = new SettingsFile(config.postgres.settingsFile);
    this.reserved = new ReservedSession(config.postgres, clock, 2_000);
  }

  get dataDir(): string {
    return this.config.postgres.dataDir;
  }

  get signalFile(): string {
    return join(this.dataDir, 'standby.signal');
  }
  get hasSignal(): boolean {
    return existsSync(this.signalFile);
  }
  putSignal(): void {
    writeDurably(this.signalFile, '');
  }

  /** R5: at most 63 bytes, of which Postgres would cut more. */
  get applicationName(): string {
    return `${this.config.member}.${this.state.incarnation}`;
  }

  /** What somebody set by ALTER SYSTEM in place of the keeper is taken out (D2); in force after a reload. False: nothing was. */
  takeBack(): boolean {
    const removed = stripAutoConfFile(this.dataDir);
    if (removed.length === 0) return false;
    this.log.warn(
      { removed },
      `taken out of postgresql.auto.conf, since the keeper sets it: ${removed.join(', ')}`,
    );
    return true;
  }

  /** SIGHUP to the postmaster; no SQL, so it works behind a full connection table and in recovery. False: none runs. */
  reload(): boolean {
    if (this.state.managed) this.takeBack();
    const postmaster = postmasterOf(this.dataDir);
    if (postmaster) signal(postmaster, 'SIGHUP');
    return postmaster !== undefined;
  }

  session(order: Order, name = 'hotspare keeper'): Promise<Session> {
    return Session.open(this.config.postgres, name, this.clock, this.leftMs(order));
  }

  /** At least 1. */
  leftMs(order: Order): number {
    return Math.max(1, order.deadlineAtMs - this.clock.nowMs());
  }
}
