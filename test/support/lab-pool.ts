import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labFiles, labSettings } from '../../lab/index.js';
import type { Secrets } from '../../provision/site/secrets.js';
import { Pool } from '../../sidecar/index.js';
import type { TestLab } from './lab.js';

/** The library as an app on nginx1 would use it, in the process of the test. */
export function labPool(lab: TestLab, { writeWaitMs = 0 } = {}): Pool {
  const { address, port } = lab.service('consul@nginx1');
  const secrets = secretsOf(lab);
  return new Pool({
    ...labPool.options(lab),
    writeWaitMs,
    hotspare: {
      service: 'pg',
      dns: { host: address, port: port + 100 },
      http: { url: `http://${address}:${port}`, token: secrets.tokens.app },
      cacheFile: join(settingsOf(lab).directory, 'test-cache.json'),
    },
  });
}

labPool.options = (lab: TestLab) => ({
  user: 'todo_app',
  password: secretsOf(lab).passwords.app,
  database: 'todo',
  max: 5,
  connectionTimeoutMillis: 5_000,
});

function settingsOf(lab: TestLab) {
  return labSettings({ ...process.env, ...lab.environment }, process.getuid?.() === 0);
}

function secretsOf(lab: TestLab): Secrets {
  return JSON.parse(readFileSync(labFiles(settingsOf(lab).directory).secrets, 'utf8')) as Secrets;
}
