import { afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { request } from '../support/lab.js';
import { mend } from './support/health.js';
import { boxes } from './support/vagrant-boxes.js';
import { whyNoBoxes } from './support/why-not.js';
import { access } from './rows/access.js';
import { database } from './rows/database.js';
import { destroy } from './rows/destroy.js';
import { interrupted, killed, nameTaken, wrongCalls } from './rows/hostile.js';
import { moved } from './rows/moved.js';
import { names } from './rows/names.js';
import { openPorts } from './rows/open-ports.js';
import { page } from './rows/page.js';
import { power } from './rows/power.js';
import { scale } from './rows/scale.js';
import { up } from './rows/up.js';
import { webApp } from './rows/web-app.js';

// One set of boxes for all rows, in this order: each leaves them as it found them.
describe.skipIf(whyNoBoxes() !== undefined)('five real boxes', () => {
  let areUp = true;
  beforeAll(() => boxes.prepare());
  beforeEach((context) => {
    if (!areUp) context.skip('vagrant up has failed');
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    if (task.name.startsWith('vagrant up: five boxes')) areUp = false;
    else await mend();
  });
  // What the loads have added makes every answer longer.
  afterEach(async () => {
    if (areUp && (await boxes.stateOf('pg1')) === 'RUNNING')
      await request(`${boxes.urls()[0]}todos`, { method: 'DELETE' });
  });

  up();
  page();
  webApp();
  database();
  names();
  openPorts();
  access();
  power();
  killed();
  moved();
  wrongCalls();
  interrupted();
  scale();
  destroy();
  nameTaken();
});
