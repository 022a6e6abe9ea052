import PgBoss from 'pg-boss';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

export function connect(config: PoolConfig, onError: (error: Error) => void) {
  const pool = new Pool(config);
  const boss = new PgBoss({
    db: { executeSql: (text: string, values: unknown[]) => pool.query(text, values) },
  });
  boss.on('error', onError); // it goes on by itself; without a listener the process ends
  const close = async () => {
    await boss.stop({ graceful: true });
    await pool.end(); // the pool is yours: pg-boss leaves it alone
  };
  return { pool, boss, close };
}
