import { expect, test } from 'vitest';
import { streaming, untilWell, whole, catalogue } from '../support/health.js';
import { withStranger } from '../support/stranger.js';
import { boxes } from '../support/vagrant-boxes.js';
import { psql } from './database.js';
import { balancers } from './names.js';
import { untilServedBy } from './web-app.js';

export function scale(): void {
  test('4 nginx and 3 pg boxes by two numbers: all join, stream and are routed to; the primary is not restarted', async () => {
    const started = () => psql('pg1', 'SELECT pg_postmaster_start_time()');
    const before = await started();
    boxes.scale({ nginx: 4, pg: 3 });
    const { seconds } = await boxes.must('up');
    await untilWell();
    expect(await catalogue()).toEqual(whole());
    expect(whole()).toHaveLength(11);
    expect(await streaming()).toBe('2');
    expect(await psql('pg3', 'SELECT pg_is_in_recovery()')).toBe('t');
    await untilServedBy(boxes.names('nginx'));
    await withStranger(async () => expect(await balancers()).toHaveLength(4));
    expect(await started()).toBe(before);
    console.log(
      `scaled out from 5 to 8 boxes: ${seconds.toFixed(0)} s, all join, both replicas stream, four web apps behind each of four balancers, the primary not restarted`,
    );
  });
}
