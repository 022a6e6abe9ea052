import { hotspare, sharedLab } from '../support/lab.js';

/** One lab for all files of this project but those in own-lab/: made by the first that needs it, removed after the last. */
export async function setup(): Promise<void> {
  await hotspare(['lab', 'nuke', '--yes'], sharedLab);
}

export async function teardown(): Promise<void> {
  const { exitCode, stderr } = await hotspare(['lab', 'nuke', '--yes'], sharedLab);
  if (exitCode !== 0) throw new Error(`the lab was not removed: ${stderr}`);
}
