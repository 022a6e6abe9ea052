import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the boxes of these tests go by, so that a person's boxes on this machine are left alone. */
export const prefix = 'hst-';
export const subnet = '192.168.91';
export const bridge = 'hst0';
/** Vagrant's notes, the topology and the dumps of one run. */
export const folder = join(tmpdir(), 'hotspare-boxes-test');
