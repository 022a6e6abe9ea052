import { hotspare, sharedLab } from '../support/lab.js';

/** One lab for all files of this project: made anew before the first, removed after the last. */
export async function setup(): Promise<void> {
  await hotspare(['lab', 'nuke', '--yes'], sharedLab);
  const { exitCode, stderr } = await hotspare(['lab', 'up', '--yes'], sharedLab);
  if (exitCode !== 0) throw new Error(`the lab did not come up: ${stderr}`);
}

export async function teardown(): Promise<void> {
  const { exitCode, stderr } = await hotspare(['lab', 'nuke', '--yes'], sharedLab);
  if (exitCode !== 0) throw new Error(`the lab was not removed: ${stderr}`);
}
