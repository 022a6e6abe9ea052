import type { Random } from '../../../common/random.js';
import type { Mode } from '../../../common/names.js';
import type { Note, Notes, OpenOrm, OrmUnderTest } from '../../orm/port.js';
import { parseText, textOf, type Ledger } from '../evidence/ledger.js';
import type { Client } from './load.js';
import type { Ended, Watch } from '../evidence/watch.js';

/** One ORM under load, shared by its clients. */
export interface Subject {
  readonly orm: OrmUnderTest;
  readonly open: OpenOrm;
  /** Does again what was not executed, as an app does that holds a client of its own. */
  readonly again?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Whether its reads on `pool.read` promise to show what was written before. */
  readonly readsItsWrites: boolean;
}

interface Known {
  readonly id: number;
  readonly tag: string;
}

/** So that faults find statements in flight, though most take a millisecond. */
const slowly = 'pg_sleep(0.1)';

/**
 * What an app does, over and over: inserts, reads back, changes, reads from the replica, does two things in one
 * transaction, removes. Rows are its own, and every answer is written down in the ledger or compared with it.
 */
export class OrmClient {
  #modeChanges = 0;
  #turn = 0;
  /** A row that is settled, to be read while nothing can be written. */
  #kept: Known | undefined;

  constructor(
    private readonly name: string,
    private readonly subject: Subject,
    private readonly ledger: Ledger,
    private readonly watch: Watch,
    private readonly random: Random,
  ) {
    subject.open.pool.on('mode', () => (this.#modeChanges += 1));
  }

  /** After the table was emptied. */
  forget(): void {
    this.#kept = undefined;
  }

  readonly turn: Client = async () => {
    if (this.#kept) await this.#readEverywhere(this.#kept);
    const tag = `${this.name}.${++this.#turn}`;
    const made = await this.#insert(tag);
    if (!made) return;
    await this.#readEverywhere(made);
    if (!(await this.#rename(made))) return;
    await this.#readEverywhere(made);
    if (this.random() < 0.3) await this.#refusedWrite(tag);
    if (this.random() < 0.5) await this.#transaction(tag);
    if (this.random() < 0.5) await this.#remove(made);
    else this.#kept = made;
  };

  async #insert(tag: string): Promise<Known | undefined> {
    const text = textOf(tag, 0);
    const { open } = this.subject;
    const ended = await this.#run('insert', () =>
      this.random() < 0.1
        ? open
            .raw(`INSERT INTO notes (text) SELECT '${text}' || ${slowly}::text RETURNING id`)
            .then((rows) => ({ id: Number(rows[0]!['id']) }))
        : open.insert({ text, big: 9_007_199_254_740_993n, tags: { a: [1, null, 'ü'] } }),
    );
    this.#note(ended, tag, 0);
    return ended.outcome === 'done' ? { id: ended.value.id, tag } : undefined;
  }

  async #rename({ id, tag }: Known): Promise<boolean> {
    const ended = await this.#run('rename', () => this.subject.open.rename(id, textOf(tag, 1)));
    return this.#changedOne(ended, 'rename', tag, 1);
  }

  async #remove({ id, tag }: Known): Promise<void> {
    const ended = await this.#run('remove', () => this.subject.open.remove(id));
    this.#changedOne(ended, 'remove', tag, null);
  }

  #changedOne(ended: Ended<number>, what: string, tag: string, version: number | null): boolean {
    this.#note(ended, tag, version);
    if (ended.outcome !== 'done') return false;
    if (ended.value !== 1) this.watch.wrong(`${this.name} ${what} of ${tag}: changed ${ended.value} rows`);
    return true;
  }

  /** Two rows, one of them changed again; now and then the app changes its mind. */
  async #transaction(tag: string): Promise<void> {
    const tags = [`${tag}.a`, `${tag}.b`] as const;
    const changesItsMind = this.random() < 0.2;
    const changedMind = 'changed my mind';
    const { open } = this.subject;
    let begun = 0;
    const work = async (tx: Notes) => {
      begun += 1;
      const { id } = await tx.insert({ text: textOf(tags[0], 0) });
      if (this.random() < 0.3) await tx.raw(`SELECT ${slowly}::text AS slept`);
      await tx.insert({ text: textOf(tags[1], 1) });
      await tx.rename(id, textOf(tags[0], 1));
      if (changesItsMind) throw new Error(changedMind);
    };
    const ended = await this.#run(
      'transaction',
      () =>
        open.transaction(work).then(
          () => 'committed' as const,
          (error: unknown) => {
            if ((error as Error).message === changedMind) return 'rolled back' as const;
            throw error;
          },
        ),
      true,
    );
    if (!this.subject.again) this.watch.seen.retries += Math.max(0, begun - 1);
    if (ended.outcome === 'done' && ended.value === 'rolled back') return;
    this.ledger.inserted(tags);
    for (const one of tags) this.#note(ended, one, 1);
  }

  /** A write where only reading is allowed. */
  async #refusedWrite(tag: string): Promise<void> {
    const ended = await this.watch.run(
      `${this.name} insert through pool.read`,
      this.subject.orm.thrown,
      () => this.subject.open.reads.insert({ text: textOf(`${tag}.refused`, 0) }),
      true,
    );
    if (ended.outcome === 'read-only') this.watch.seen.refused += 1;
    if (ended.outcome === 'done') this.watch.wrong(`${this.name}: wrote through pool.read`);
  }

  async #readEverywhere(row: Known): Promise<void> {
    const { open, orm, readsItsWrites } = this.subject;
    await this.#read('find', open, row, true);
    const ended = await this.#read('find through pool.read', open.reads, row, readsItsWrites);
    // The hot spare lives all along; where the pool may repeat a read, nobody notices anything.
    if (orm.usesPoolQuery && ended.outcome !== 'done')
      this.watch.wrong(`${this.name}: pool.read failed (${ended.outcome}) though a replica lives`);
  }

  async #read(
    what: string,
    from: Notes,
    { id, tag }: Known,
    fresh: boolean,
  ): Promise<Ended<Note | undefined>> {
    const mode: Mode = this.subject.open.pool.mode;
    const changes = this.#modeChanges;
    const ended = await this.#run(what, () => from.find(id));
    if (ended.outcome !== 'done') return ended;
    const steady = mode === 'read-write' && changes === this.#modeChanges;
    const [seenTag, version] = ended.value ? parseText(ended.value.text) : [tag, null];
    const complaint =
      seenTag === tag
        ? this.ledger.complaint(tag, version, fresh && steady)
        : `${tag}: read the row of ${seenTag}`;
    if (complaint) this.watch.wrong(`${this.name} ${what}, ${mode}: ${complaint}`);
    return ended;
  }

  /** `holdsClient`: for as long as it takes, whatever the ORM does elsewhere. */
  async #run<T>(what: string, work: () => Promise<T>, holdsClient = false): Promise<Ended<T>> {
    const { again, orm } = this.subject;
    const whole = again && (holdsClient || !orm.usesPoolQuery) ? () => again(work) : work;
    const ended = await this.watch.run(`${this.name} ${what}`, orm.thrown, whole);
    if (ended.outcome === 'down') this.watch.wrong(`${this.name} ${what}: down, though a replica lives`);
    return ended;
  }

  #note(ended: Ended<unknown>, tag: string, version: number | null): void {
    if (ended.outcome === 'done') this.ledger.done(tag, version);
    else if (ended.outcome === 'unknown') this.ledger.unknown(tag, version);
  }
}
