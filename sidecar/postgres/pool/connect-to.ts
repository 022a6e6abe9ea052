import type pg from 'pg';
import type { Clock } from '../../../common/clock.js';
import type { Role, Target } from '../../../common/names.js';
import { DownError } from '../../errors.js';
import type { Router } from '../../shell/router.js';
import { linkFor } from './assemble.js';
import { clientClassOf, internalsOf } from '../session/pg-internals/client.js';
import type { ConnectBound } from '../session/session-link.js';
import { sessionClass } from '../session/session.js';

/** As pg-pool says it. */
const releasedTwice = 'Release called on client which has already been released to the pool.';

/** The sessions of `connectTo`: outside any pool, ended by `release`. */
export class DirectClients {
  readonly #open = new Set<Promise<void>>();
  /** Each gives up a session that is still being connected. */
  readonly #opening = new Set<() => void>();
  #ended = false;

  constructor(
    /** What a session of the pool would be made with now. */
    private readonly options: () => pg.PoolConfig,
    private readonly router: Router | null,
    private readonly bound: () => ConnectBound,
    private readonly clock: Clock,
    /** Hears of every session that may come to write. */
    private readonly onOpen: (client: pg.Client) => void,
  ) {}

  async open(wanted: Role | Target): Promise<pg.PoolClient> {
    if (this.#ended) throw poolEnded();
    // The caller may go on with the object while several attempts are made.
    const client = this.#make(typeof wanted === 'string' ? wanted : { ...wanted });
    await this.#connect(client);
    let released = false;
    return Object.assign(client, {
      release: (error?: Error | boolean) => {
        if (released) throw new Error(releasedTwice);
        released = true;
        if (error) cut(client);
        else void client.end();
      },
    });
  }

  /** Gives up those that are being connected; resolves once all others have been released. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const giveUp of [...this.#opening]) giveUp();
    await Promise.all(this.#open);
  }

  #connect(client: pg.Client): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#opening.delete(giveUp);
        reject(poolEnded());
        void client.end();
        // A farewell would wait for a server that may never answer.
        cut(client);
      };
      this.#opening.add(giveUp);
      client.connect().then(
        () => {
          if (!this.#opening.delete(giveUp)) return;
          this.#register(client);
          resolve();
        },
        (error: Error) => {
          this.#opening.delete(giveUp);
          reject(error);
        },
      );
    });
  }

  #register(client: pg.Client): void {
    this.onOpen(client);
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    this.#open.add(ended);
    void ended.then(() => this.#open.delete(ended));
  }

  #make(wanted: Role | Target): pg.Client {
    const options = this.options();
    const Base = clientClassOf(options);
    if (this.router) {
      this.router.start();
      const link = linkFor(this.router, this.clock, wanted, this.bound);
      return new (sessionClass(Base, () => link))(options);
    }
    if (wanted === 'replica')
      throw new DownError(
        'a plain connection knows of no replica: use a service.consul host, or hotspare.hosts',
      );
    const client = new Base(options);
    // Afterwards: a connection string would win over `host`, and all else that it says is meant for this one too.
    if (typeof wanted !== 'string') placeAt(client, wanted);
    client.on('error', () => {});
    return client;
  }
}

function placeAt(client: pg.Client, { host, port }: Target): void {
  Object.assign(client, { host, port });
  // What stored passwords are looked up for.
  Object.assign(internalsOf(client).connectionParameters, { host, port });
}

function cut(client: pg.Client): void {
  // pg's native client has none that could be seen.
  const { connection }: { readonly connection?: pg.Connection } = client;
  connection?.stream.destroy();
}

const poolEnded = () => new DownError('the pool was ended');
