import { expect, test } from 'vitest';
import { labSettings } from '../../lab/index.js';
import { soakEnvironment } from './boxes.js';

test.each([
  ['root', {}, true, '/var/lib/hotspare/soak'],
  ['a user', { XDG_STATE_HOME: '/home/u/.state' }, false, '/home/u/.state/hotspare/soak'],
  ['a lab of another folder', { HOTSPARE_LAB_DIR: '/srv/lab' }, true, '/srv/lab-soak'],
  ['a lab of other ports', { HOTSPARE_PORT_OFFSET: '7000' }, true, '/var/lib/hotspare/soak'],
])('the soak test removes no lab but its own: %s', (_name, own, isRoot, directory) => {
  const environment = soakEnvironment(own, isRoot);
  expect(labSettings(environment, isRoot)).toMatchObject({ directory, portOffset: 3500 });
  for (const HOTSPARE_PORT_OFFSET of ['0', '2500', '3500'])
    expect(labSettings({ ...own, HOTSPARE_PORT_OFFSET }, isRoot).directory).not.toBe(directory);
  expect(soakEnvironment(own, isRoot, 6000)).toEqual({
    HOTSPARE_PORT_OFFSET: '6000',
    HOTSPARE_LAB_DIR: directory,
  });
});
