import { boxes } from '../../boxes/support/vagrant-boxes.js';
import { dataFolder } from './own-disk.js';
import { LeftOut, type Inflict } from './strike.js';

async function mustRun(box: string): Promise<void> {
  const state = await boxes.stateOf(box);
  if (state !== 'RUNNING') throw new LeftOut(`${box} is ${state}`);
}

export const off: Inflict = async ({ box, over }) => {
  await mustRun(box);
  await boxes.powerOff(box);
  await over();
  await boxes.powerOn(box);
};

export const frozen: Inflict = async ({ box, over }) => {
  await mustRun(box);
  await boxes.freeze(box);
  await over();
  // One that lost its power meanwhile has been started, and is not frozen.
  await boxes.thaw(box).catch(() => undefined);
};

/** In good order. */
export const reboot: Inflict = async ({ box }) => {
  await mustRun(box);
  // Its shell ends with it.
  await boxes.shell(box, 'systemctl reboot', 30_000).catch(() => undefined);
};

export const diskFull: Inflict = async ({ box, over }) => {
  await mustRun(box);
  const file = `${dataFolder}/chaos-full`;
  await boxes.shell(
    box,
    `fallocate -l "$(($(df --output=avail -B1 ${dataFolder} | tail -n 1) - 1048576))" ${file}; dd if=/dev/zero of=${file}.2 bs=4k 2>/dev/null; true`,
    120_000,
  );
  await over();
  await boxes.shell(box, `rm -f ${file} ${file}.2`);
};
