import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../common/errors.js';
import { labSettings } from '../../lab/layout.js';

describe('where a lab lies', () => {
  const rows: [string, NodeJS.ProcessEnv, boolean, string, number][] = [
    ['root', {}, true, '/var/lib/hotspare/lab', 0],
    ['root, moved', { HOTSPARE_PORT_OFFSET: '1000' }, true, '/var/lib/hotspare/lab-1000', 1000],
    ['a user', { XDG_STATE_HOME: '/home/a/state' }, false, '/home/a/state/hotspare/lab', 0],
    ['named', { HOTSPARE_LAB_DIR: '/srv/lab', HOTSPARE_PORT_OFFSET: '5' }, false, '/srv/lab', 5],
  ];
  test.each(rows)('%s', (_who, environment, isRoot, directory, portOffset) => {
    expect(labSettings(environment, isRoot)).toEqual({ directory, portOffset });
  });

  test.each(['-1', '1.5', 'x', '', '50001', '2000', '1580'])(
    'HOTSPARE_PORT_OFFSET=%j is refused',
    (value) => {
      expect(() => labSettings({ HOTSPARE_PORT_OFFSET: value }, false)).toThrow(ConfigError);
    },
  );
});
