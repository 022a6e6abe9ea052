import pg from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Role, Target } from '../../common/names.js';
import { DownError } from '../errors.js';
import type { Router } from '../shell/router.js';
import { linkFor } from './assemble.js';
import { withOptions } from './options.js';
import { sessionClass } from './session.js';

/** As pg-pool says it. */
const releasedTwice = 'Release called on client which has already been released to the pool.';

/** The sessions of `connectTo`: outside any pool, ended by `release`. */
export class DirectClients {
  readonly #open = new Set<Promise<void>>();

  constructor(
    private readonly config: pg.PoolConfig,
    private readonly router: Router | null,
    private readonly deadlineMs: number,
    private readonly clock: Clock,
    /** Hears of every session that may come to write. */
    private readonly onOpen: (client: pg.Client) => void,
  ) {}

  async open(wanted: Role | Target): Promise<pg.PoolClient> {
    const client = this.#make(wanted);
    await client.connect();
    this.onOpen(client);
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    this.#open.add(ended);
    void ended.then(() => this.#open.delete(ended));
    let released = false;
    return Object.assign(client, {
      release: (error?: Error | boolean) => {
        if (released) throw new Error(releasedTwice);
        released = true;
        if (error) client.connection.stream.destroy();
        else void client.end();
      },
    });
  }

  /** Resolves once all have been released. */
  async end(): Promise<void> {
    await Promise.all(this.#open);
  }

  #make(wanted: Role | Target): pg.Client {
    const Base = (this.config.Client ?? pg.Client) as typeof pg.Client;
    if (this.router) {
      this.router.start();
      const link = linkFor(this.router, this.clock, wanted, this.deadlineMs);
      return new (sessionClass(Base, () => link))(this.config);
    }
    if (wanted === 'replica')
      throw new DownError(
        'a plain connection knows of no replica: use a service.consul host, or hotspare.hosts',
      );
    const place = typeof wanted === 'string' ? {} : { ...wanted, connectionString: undefined };
    const client = new Base(withOptions(this.config, place));
    client.on('error', () => {});
    return client;
  }
}
