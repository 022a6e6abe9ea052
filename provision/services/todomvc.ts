import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { portOf } from '../site/site.js';
import { service } from './program.js';

/** The sample web app. */
export const todomvc = service({
  name: 'todomvc',
  order: 40,
  accounts: ['todomvc'],
  unit: () => 'todomvc.service',
  plainStep: { verb: 'restart', isOurs: true },
  port: (site) => portOf(site, 'todomvc'),
  openings: [
    { what: 'web app', port: ports.todomvc, protocols: ['tcp'], on: 'todomvc boxes', from: ['nginx boxes'] },
  ],
  registration: () => ({ kind: 'http', settings: { probe: { path: '/healthz' } } }),
  logins: [
    { database: 'todo', user: 'todo_app' },
    { database: 'todo', user: 'todo_migrate' },
  ],
  process: ({ paths }, node) => ({
    command: node('todomvc/main.js'),
    environmentFile: join(paths.config, 'todomvc.env'),
    // Longer than its own longest drain.
    stopTimeoutMs: 40_000,
  }),
  folders: ({ appCache }) => [{ path: appCache, mode: 0o700 }],
  files: ({ site, paths }, { rendered, secret, unit }) => {
    const { tokens, passwords } = site.secrets;
    const inConfig = (name: string) => join(paths.config, name);
    return [
      secret(inConfig('app.token'), tokens.app, 'todomvc'),
      secret(inConfig('app.password'), passwords.app, 'todomvc'),
      secret(inConfig('migration.password'), passwords.migration, 'todomvc'),
      rendered(inConfig('todomvc.env'), 'todomvc.env.hbs'),
      ...unit('todomvc.service', 'todomvc.service.hbs'),
    ];
  },
});
