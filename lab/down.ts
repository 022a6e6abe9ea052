import { existsSync, rmSync } from 'node:fs';
import { UserError } from '../common/errors.js';
import { openLab, type Lab } from './lab.js';
import { labFiles, type LabSettings } from './layout.js';
import { withLock } from './lock.js';
import type { Progress } from '../common/runtime/progress.js';
import { instancesOf, type Instance } from './units.js';

/** Stops everything and keeps all data. A lab that is not there is already down. */
export async function down(settings: LabSettings, progress: Progress): Promise<void> {
  const { marker } = labFiles(settings.directory);
  if (!existsSync(marker)) return;
  await withLock(settings.directory, 'hotspare lab down', () => {
    const lab = openLab(settings);
    return stopUnits(lab, instancesOf(lab.site), progress);
  });
}

/** Stops the given programs in good order: apps first, so that they drain while everything they need still runs; Consul last. */
export async function stopUnits(lab: Lab, instances: readonly Instance[], progress: Progress): Promise<void> {
  const orders = [...new Set(instances.map(({ order }) => order))].sort((a, b) => b - a);
  for (const turn of orders) {
    const some = instances.filter(({ order }) => order === turn);
    const programs = [...new Set(some.map(({ program }) => program))];
    const states = await Promise.all(some.map(({ unit }) => lab.services.status(unit)));
    if (states.every(({ state }) => state === 'stopped')) continue;
    await progress.step(`stop ${programs.join(', ')}`, async () => {
      await Promise.all(some.map(({ unit }) => lab.services.stop(unit, { isAll: true })));
    });
  }
}

/** Stops everything and removes the lab's folder with all data. Only ever removes a folder that a lab made. */
export async function nuke(settings: LabSettings, progress: Progress): Promise<void> {
  const { directory } = settings;
  if (!existsSync(directory)) return;
  if (!existsSync(labFiles(directory).marker)) {
    throw new UserError(`${directory} was not made by hotspare (it has no lab.json), so it is not removed`);
  }
  await down(settings, progress);
  await progress.step(`remove ${directory}`, async () => rmSync(directory, { recursive: true, force: true }));
}
