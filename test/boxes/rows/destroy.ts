import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { get, post } from '../../support/lab.js';
import { untilWell } from '../support/health.js';
import { boxes } from '../support/vagrant-boxes.js';

const titles = async () =>
  (JSON.parse((await get(`${boxes.urls()[0]}todos`)).body) as { title: string }[])
    .map(({ title }) => title)
    .sort();

const dumps = () => (existsSync(boxes.backups) ? readdirSync(boxes.backups) : []);

export function destroy(): void {
  test('vagrant destroy and up: a dump is kept and restored, and both say so', async () => {
    for (const title of ['kept', 'bewahrt ✓', `it's "quoted"`]) await post(`${boxes.urls()[0]}todos`, title);
    const before = await titles();
    const keptBefore = dumps();
    const destroyed = await boxes.must('destroy', '-f');
    const [dump = 'no dump', ...others] = dumps().filter((name) => !keptBefore.includes(name));
    expect(others).toEqual([]);
    expect(destroyed.output).toContain(`The database is kept in ${join(boxes.backups, dump)}`);
    expect(statSync(join(boxes.backups, dump)).mode & 0o777).toBe(0o600);
    boxes.scale({ nginx: 2, pg: 2 });
    const made = await boxes.must('up');
    expect(made.output).toContain(`restored ${dump}: ${before.length} todos`);
    await untilWell();
    expect(await titles()).toEqual(before);
    console.log(
      `destroyed in ${destroyed.seconds.toFixed(0)} s with a dump kept, made again in ${made.seconds.toFixed(0)} s: ${before.length} todos still there`,
    );
  });

  test('vagrant destroy of a halted primary is refused; with HOTSPARE_KEEP_DATA=no all goes, and that is said', async () => {
    await boxes.powerOff('pg1');
    const refused = await boxes.vagrant(['destroy', '-f', 'pg1']);
    expect([refused.exitCode, refused.output]).toEqual([
      1,
      expect.stringMatching(/pg1 is .*, so its database cannot be kept; .*HOTSPARE_KEEP_DATA=no/s),
    ]);
    expect(await boxes.stateOf('pg1')).toBe('STOPPED');
    const before = dumps();
    const { exitCode, output, seconds } = await boxes.vagrant(['destroy', '-f'], {
      HOTSPARE_KEEP_DATA: 'no',
    });
    expect([exitCode, output]).toEqual([0, expect.stringContaining('the database of pg1 is not kept')]);
    expect(dumps()).toEqual(before);
    for (const box of boxes.names()) expect([box, await boxes.stateOf(box)]).toEqual([box, 'ABSENT']);
    console.log(`destroyed without a dump, as asked: ${seconds.toFixed(0)} s`);
  });
}
