import { rmSync } from 'node:fs';
import { systemClock } from '../common/runtime/clock.js';
import { filesOf } from '../provision/files/files.js';
import { programsOn } from '../provision/services/index.js';
import { makeFolder, writeFiles } from '../provision/files/write.js';
import { openLab, templateFolder, type Lab } from './lab.js';
import type { LabSettings } from './layout.js';
import { withLock } from './lock.js';
import { stopUnits } from './down.js';
import { checkDisk, checkPostgresAccount, prepareDirectory } from './preflight/checks.js';
import { checkPorts } from './preflight/ports.js';
import { allOrNone } from '../common/runtime/group.js';
import type { Progress } from '../common/runtime/progress.js';
import { consulUp } from './steps/consul.js';
import { waitUntilHealthy } from './steps/health.js';
import { postgresUp } from './steps/postgres.js';
import { startUnit } from './steps/start.js';
import { instancesOf } from './units.js';

/**
 * Brings all boxes up and waits until they are healthy. What runs already is left alone, so a second call, or one after
 * a call that was killed half-way, finishes the work. Rejects with a UserError, after stopping what it had started.
 */
export async function up(settings: LabSettings, progress: Progress, signal: AbortSignal): Promise<Lab> {
  const isNew = prepareDirectory(settings);
  return withLock(settings.directory, 'hotspare lab up', async () => {
    const lab = await preflight(settings, isNew);
    const before = await runningUnits(lab);
    try {
      const startedMs = systemClock.nowMs();
      await allOrNone(
        [(own) => consulUp(lab, progress, own), (own) => postgresUp(lab, progress, own)],
        signal,
      );
      await progress.step('agents, load balancers and web apps', () => startRest(lab, signal));
      await progress.step('wait until everything is healthy', () => waitUntilHealthy(lab, signal));
      progress.note(`  all healthy after ${((systemClock.nowMs() - startedMs) / 1000).toFixed(1)} s`);
      return lab;
    } catch (error) {
      await stopUnits(
        lab,
        instancesOf(lab.site).filter(({ unit }) => !before.has(unit)),
        progress,
      );
      throw error;
    }
  });
}

/** All that can be said before anything is started. A folder made for nothing is removed again. */
async function preflight(settings: LabSettings, isNew: boolean): Promise<Lab> {
  try {
    checkDisk(settings);
    const lab = openLab(settings);
    checkPostgresAccount(lab);
    await checkPorts(lab);
    writeBoxFiles(lab);
    // Opened again: the units read some of the files just written.
    return openLab(settings);
  } catch (error) {
    if (isNew) rmSync(settings.directory, { recursive: true, force: true });
    throw error;
  }
}

async function runningUnits(lab: Lab): Promise<Set<string>> {
  const units = instancesOf(lab.site).map(({ unit }) => unit);
  const states = await Promise.all(units.map((unit) => lab.services.status(unit)));
  return new Set(units.filter((_, index) => ['running', 'frozen'].includes(states[index]?.state ?? '')));
}

function writeBoxFiles(lab: Lab): void {
  const { site } = lab;
  for (const box of site.topology.boxes) {
    const paths = site.pathsOf(box);
    for (const { path, mode } of programsOn(site, box).flatMap(({ folders }) => folders?.(paths) ?? []))
      makeFolder(path, undefined, mode);
    writeFiles(filesOf(site, box, templateFolder), site.postgresAccount);
  }
}

async function startRest(lab: Lab, signal: AbortSignal): Promise<void> {
  const rest = instancesOf(lab.site).filter(({ program }) => program !== 'consul' && program !== 'pg');
  await Promise.all(
    rest.map(async ({ unit }) => {
      signal.throwIfAborted();
      await startUnit(lab, unit);
    }),
  );
}
