import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../common/runtime/clock.js';
import { filesOf } from '../provision/files/files.js';
import { programsOn } from '../provision/services/index.js';
import { makeFolder, writeFiles } from '../provision/files/write.js';
import { openLab, templateFolder, writeLabUnits, type Lab } from './lab.js';
import type { LabSettings } from './layout.js';
import { withLock } from './lock.js';
import { stopUnits } from './down.js';
import { checkDisk, checkPostgresAccount, checkSocketPaths, prepareDirectory } from './preflight/checks.js';
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
    const { lab, changed } = await preflight(settings, isNew);
    const before = await runningUnits(lab);
    try {
      const startedMs = systemClock.nowMs();
      await allOrNone(
        [(own) => consulUp(lab, progress, own), (own) => postgresUp(lab, progress, own)],
        signal,
      );
      await progress.step('agents, load balancers and web apps', async () => {
        await restartAgents(lab, changed, before);
        await startRest(lab, signal);
      });
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
async function preflight(
  settings: LabSettings,
  isNew: boolean,
): Promise<{ readonly lab: Lab; readonly changed: readonly string[] }> {
  try {
    checkDisk(settings);
    const lab = openLab(settings);
    checkPostgresAccount(lab);
    checkSocketPaths(lab);
    await checkPorts(lab);
    const changed = writeBoxFiles(lab);
    // Opened again: the units read some of the files just written.
    const written = openLab(settings);
    writeLabUnits(written);
    return { lab: written, changed };
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

/** Returns the paths whose content changed. */
function writeBoxFiles(lab: Lab): string[] {
  const { site } = lab;
  return site.topology.boxes.flatMap((box) => {
    const paths = site.pathsOf(box);
    for (const { path, mode, owner } of programsOn(site, box).flatMap(
      ({ folders }) => folders?.(paths) ?? [],
    ))
      makeFolder(path, owner === 'postgres' ? site.postgresAccount : undefined, mode);
    return writeFiles(filesOf(site, box, templateFolder), site.postgresAccount);
  });
}

/** Agents that run by settings of before, such as those that do not know a new member: a restart changes no role. */
async function restartAgents(
  lab: Lab,
  changed: readonly string[],
  running: ReadonlySet<string>,
): Promise<void> {
  const stale = lab.site.topology.boxes
    .filter((box) => changed.includes(join(lab.site.pathsOf(box).config, 'agent.yaml')))
    .map(({ name }) => `agent@${name}`)
    .filter((unit) => running.has(unit));
  await Promise.all(stale.map((unit) => lab.services.restart(unit)));
}

async function startRest(lab: Lab, signal: AbortSignal): Promise<void> {
  const rest = instancesOf(lab.site).filter(({ program }) => !['consul', 'keeper', 'pg'].includes(program));
  await Promise.all(
    rest.map(async ({ unit }) => {
      signal.throwIfAborted();
      await startUnit(lab, unit);
    }),
  );
}
