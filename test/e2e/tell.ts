import { afterEach } from 'vitest';
import { labsOfThisFile, hotspare } from '../support/lab.js';

declare module 'vitest' {
  interface TaskMeta {
    /** What `hotspare status` and `hotspare history` said just after each try that failed. */
    told?: string[];
  }
}

const lastEvents = 12;

// A try that failed on a build server leaves nothing else to look at: its lab is gone by then.
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const { environment } of labsOfThisFile) {
    const [status, history] = await Promise.all([
      hotspare(['status'], environment),
      hotspare(['history'], environment),
    ]);
    const events = history.stdout.trimEnd().split('\n').slice(-lastEvents).join('\n');
    const told = `${new Date().toISOString()}\n${status.stdout}${status.stderr}\n${events}${history.stderr}`;
    (task.meta.told ??= []).push(told);
    console.log(told);
  }
});
