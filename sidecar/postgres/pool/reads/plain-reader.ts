import type pg from 'pg';
import { clientClassOf, internalsOf } from '../../session/pg-internals/client.js';
import { asPgPool } from '../../session/pg-internals/open-pool.js';
import { withOptions, withNewest } from '../../session/options.js';
import { readingOnly } from '../../session/reading.js';
import { SessionPool } from '../session-pool.js';
import { readStanding, standingQuestion, wouldWrite } from '../../proof/standing.js';

type Verify = NonNullable<pg.PoolConfig['verify']>;

/** `pool.read` of a plain connection. */
export function plainReader(options: () => pg.PoolConfig): pg.Pool {
  const asMade = options();
  const Base = clientClassOf(asMade);
  /** Set here, for options in the URL would come before those of the config. */
  class OnlyReading extends Base {
    constructor(own?: pg.ClientConfig) {
      super(own);
      const { connectionParameters } = internalsOf(this);
      connectionParameters.options = readingOnly(connectionParameters.options);
    }
  }
  const verify = onlyIfReading(asMade.verify);
  const own = withOptions(asMade, { Client: withNewest(OnlyReading, options), verify });
  return asPgPool(new SessionPool(own, null));
}

/** A new session of the pool is used only where it cannot write, by its server's own word; then the app may look at it, too. */
function onlyIfReading(own: Verify | undefined): Verify {
  return (client, done) =>
    client.query(standingQuestion, (error: Error | undefined, result) => {
      if (error) return done(error);
      const { role, reads } = readStanding(result.rows[0]);
      if (role === 'primary' && !reads) return done(wouldWrite(`${client.host}:${client.port}`));
      if (own) own(client, done);
      else done();
    });
}
