import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../common/errors.js';
import { integer, bool, object, optional, text } from '../../common/keeper/shape.js';
import { readIfPresent } from '../../common/runtime/files/durable.js';
import { replaceFile } from '../../common/runtime/files/replace-file.js';
import { emptyLedger, type Ledger } from '../core/lead/model.js';
import type { LedgerPort } from '../lead-port.js';

const shape = object({
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  seenEpoch: integer(0, Number.MAX_SAFE_INTEGER),
  seenRevision: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  heardEpoch: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  handedOver: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  takenBack: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  held: integer(0, Number.MAX_SAFE_INTEGER),
  session: optional(text),
  holder: bool,
  rejoining: optional(text),
});

/** The ledger as one small file, replaced whole and on disk before anything relies on it (D5). */
export class LedgerFile implements LedgerPort {
  constructor(private readonly file: string) {}

  async read(): Promise<Ledger> {
    const found = readIfPresent(this.file);
    if (found === undefined) return emptyLedger;
    try {
      return { ...emptyLedger, ...shape.read(JSON.parse(found), 'ledger') };
    } catch (error) {
      throw new Error(
        `${this.file} cannot be read (${messageOf(error)}): it says which epochs this member knows, so nothing is decided without it; restore it, or remove it and say "hotspare reinit" for this member`,
        { cause: error },
      );
    }
  }

  async write(ledger: Ledger): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    await replaceFile(this.file, `${JSON.stringify(ledger, undefined, 2)}\n`);
  }
}
