import { expect, test } from 'vitest';
import { failoverReport } from '../../../common/failover/report.js';
import { failures, slowest, SteadyLoad } from '../support/steady.js';
import { get } from '../../support/lab.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { untilWell } from '../support/health.js';
import { boxes } from '../support/vagrant-boxes.js';
import { psql, reads } from './database.js';

/** Takes its minutes: only where HOTSPARE_TEST_ALL=1 asks for it. */
const thorough = test.runIf(process.env['HOTSPARE_TEST_ALL'] === '1');

const startedAt = (box: string) => psql(box, 'SELECT pg_postmaster_start_time()');
const timelineOf = (box: string) => psql(box, 'SELECT timeline_id FROM pg_control_checkpoint()');

const stored = async () => (JSON.parse((await get(`${boxes.urls()[0]}todos`)).body) as unknown[]).length;

/** What an operator types on adm1. It ends with 3 where the other one takes longer to follow than it waits. */
async function moveTo(member: string): Promise<void> {
  await boxes.shell('adm1', `hotspare switchover --to ${member} --yes || [ $? -eq 3 ]`, 120_000);
  await untilWell(undefined, member);
}

/** Until the record names these, the primary first. */
const recorded = (names: string) =>
  waitFor(`the record to name ${names}`, 2 * eventuallyMs, async () => {
    const { body } = await get(`http://${boxes.address('pg1')}:8008/v1/services/pg/failover`, 3_000);
    const { shared } = failoverReport.read(JSON.parse(body), 'report');
    return shared.kind === 'read' && shared.record?.members.map(({ name }) => name).join() === names;
  });

export function moved(): void {
  test('the primary is moved to pg2 and back by one command each: no read fails, and no confirmed write is lost', async () => {
    const before = await stored();
    const load = new SteadyLoad(boxes.urls());
    await moveTo('pg2');
    await moveTo('pg1');
    const sent = await load.stop();
    const writes = sent.filter(({ method }) => method === 'POST');
    console.log(
      `the primary moved to pg2 and back: ${sent.length} requests, ${failures(writes).length} of ${writes.length} writes refused, slowest ${slowest(sent).toFixed(0)} ms`,
    );
    expect(failures(reads(sent))).toEqual([]);
    // What was not confirmed may be stored as well.
    const confirmed = writes.filter(({ status }) => status === 201).length;
    expect(confirmed).toBeGreaterThan(0);
    expect((await stored()) - before).toBeGreaterThanOrEqual(confirmed);
  });

  test('promotion=auto: sudo service postgresql restart on the primary, and stop on the next one: no request fails', async () => {
    const set = (policy: string) => boxes.shell('adm1', `hotspare policy set ${policy} --yes`, 60_000);
    await set('durability=sync promotion=auto');
    await recorded('pg1,pg2');
    const load = new SteadyLoad(boxes.urls());
    await boxes.shell('pg1', 'sudo service postgresql restart', 60_000);
    await recorded('pg2,pg1');
    await boxes.shell('pg2', 'sudo service postgresql stop', 60_000);
    await boxes.shell('pg2', 'sudo service postgresql start', 60_000);
    await recorded('pg1,pg2');
    const sent = await load.stop();
    console.log(
      `postgresql restarted on pg1, then stopped on pg2, with promotion=auto: ${sent.length} requests, ${failures(sent).length} failed, slowest ${slowest(sent).toFixed(0)} ms`,
    );
    expect(failures(sent)).toEqual([]);
    await set('durability=async promotion=manual');
    await untilWell();
  });

  thorough(
    'pg2 leads: pg1 is destroyed and made anew under load: pg2 stays primary, nothing restarts, pg1 streams',
    async () => {
      await moveTo('pg2');
      const load = new SteadyLoad(boxes.urls());
      const [started, timeline] = [await startedAt('pg2'), await timelineOf('pg2')];
      await boxes.must('destroy', '-f', 'pg1');
      const { seconds } = await boxes.must('up', 'pg1');
      const wellMs = await untilWell(undefined, 'pg2');
      expect([await startedAt('pg2'), await timelineOf('pg2')]).toEqual([started, timeline]);
      const sent = await load.stop();
      console.log(
        `pg1 destroyed and made anew in ${seconds.toFixed(0)} s while pg2 led, well ${(wellMs / 1000).toFixed(1)} s later; ${sent.length} requests meanwhile, ${failures(sent).length} failed, slowest ${slowest(sent).toFixed(0)} ms`,
      );
      expect(failures(sent)).toEqual([]);
      await moveTo('pg1');
    },
  );

  thorough('pg2 leads: provision twice, halt and up: it stays primary, and nothing restarts', async () => {
    await moveTo('pg2');
    await boxes.must('provision');
    const started = [await startedAt('pg1'), await startedAt('pg2')];
    await boxes.must('provision');
    expect([await startedAt('pg1'), await startedAt('pg2')]).toEqual(started);
    await untilWell(undefined, 'pg2');
    await boxes.must('halt');
    await boxes.must('up');
    await untilWell(undefined, 'pg2');
    await moveTo('pg1');
  });

  thorough('Consul stopped everywhere for four minutes: no role changes, no request fails', async () => {
    const [started, timeline] = [await startedAt('pg1'), await timelineOf('pg1')];
    const names = boxes.names();
    const load = new SteadyLoad(boxes.urls(), 250);
    await Promise.all(names.map((box) => boxes.shell(box, 'systemctl stop consul.service')));
    await new Promise((resolve) => setTimeout(resolve, 240_000));
    await Promise.all(names.map((box) => boxes.shell(box, 'systemctl start consul.service')));
    const wellMs = await untilWell();
    const sent = await load.stop();
    console.log(
      `Consul away for 4 minutes: ${sent.length} requests, ${failures(sent).length} failed, slowest ${slowest(sent).toFixed(0)} ms; all well ${(wellMs / 1000).toFixed(1)} s after it was started`,
    );
    expect(failures(sent)).toEqual([]);
    expect([await startedAt('pg1'), await timelineOf('pg1')]).toEqual([started, timeline]);
  });

  thorough(
    "Consul's agent on the primary's box killed 20 times: no role changes, no request fails",
    async () => {
      const [started, timeline] = [await startedAt('pg1'), await timelineOf('pg1')];
      const load = new SteadyLoad(boxes.urls(), 250);
      for (let i = 0; i < 20; i++) {
        await boxes.shell('pg1', 'systemctl kill -s KILL consul.service');
        await new Promise((resolve) => setTimeout(resolve, 3_000));
      }
      await untilWell();
      const sent = await load.stop();
      console.log(
        `Consul on pg1 killed 20 times: ${sent.length} requests, ${failures(sent).length} failed, slowest ${slowest(sent).toFixed(0)} ms`,
      );
      expect(failures(sent)).toEqual([]);
      expect([await startedAt('pg1'), await timelineOf('pg1')]).toEqual([started, timeline]);
    },
  );

  thorough('agents and keepers restarted one by one under load, as an upgrade does: the same', async () => {
    const [started, timeline] = [await startedAt('pg1'), await timelineOf('pg1')];
    const load = new SteadyLoad(boxes.urls(), 250);
    for (const box of boxes.names('pg'))
      for (const unit of ['hotspare-keeper', 'hotspare-agent'])
        await boxes.shell(box, `systemctl restart ${unit}.service`);
    await untilWell();
    const sent = await load.stop();
    expect(failures(sent)).toEqual([]);
    expect([await startedAt('pg1'), await timelineOf('pg1')]).toEqual([started, timeline]);
  });
}
