import pg from 'pg';
import { systemAwake, systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { noListeners } from '../../shell/router-parts.js';
import type { Router } from '../../shell/router.js';
import { assemble, connectBound, linkFor } from './assemble.js';
import { withOptions } from '../session/options.js';
import type { Route } from './route.js';
import { sessionClass } from '../session/session.js';

export type { ClientConfig as PgClientConfig } from 'pg';

const ambient = { clock: systemClock, awake: systemAwake, random: systemRandom };

/** Named, so that the declarations of the package mention it and not pg's default export, which CommonJS users lack. */
export type PrimaryClientClass = new (config?: string | pg.ClientConfig) => pg.Client;

/**
 * A pg.Client class whose instances connect to the proven primary; to the given host when `routeOf` says that there
 * is nothing to discover.
 */
export function primaryClientClass(routeOf: (config: pg.ClientConfig) => Route | null): PrimaryClientClass {
  const routers = new WeakMap<pg.ClientConfig, { router: Router; close: () => void }>();
  const Session = sessionClass(pg.Client, (config) => {
    const route = routeOf(config);
    if (!route) return null;
    const router = assemble(() => config, route, ambient, noListeners);
    routers.set(config, { router, close: route.close });
    return linkFor(router, ambient.clock, 'primary', () =>
      connectBound(config, route.timings, router, ambient.awake),
    );
  });

  return class PrimaryClient extends Session {
    constructor(given?: string | pg.ClientConfig) {
      // A copy: the key of this instance's router, and nobody else's object.
      const config = typeof given === 'string' ? { connectionString: given } : withOptions(given ?? {}, {});
      super(config);
      const own = routers.get(config);
      // Also after a `connect` that failed.
      this.on('end', () => {
        own?.router.stop();
        own?.close();
      });
    }
  };
}
