/* eslint-disable @typescript-eslint/no-require-imports */
// A short script in CommonJS, as cron or a serverless function runs it: starts, asks a replica, ends at once.
//
//   node examples/report.cjs
//
// Try it after `npx hotspare lab kill pg@pg1` as well: it does not need the primary. With both stopped it says so after
// two seconds (exit code 1).
require('./lab.cjs');
const { HotspareError, Pool } = require('hotspare');

// One short-lived process: few sessions, and none kept warm for a failover that it will not live to see.
const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: 'example-report',
  max: 2,
  warmSpare: false,
});

async function main() {
  const { rows: tables } = await pool.read.query(
    `SELECT c.oid::regclass::text AS name, (pg_total_relation_size(c.oid) / 1024)::int AS "kB"
     FROM pg_class c WHERE relkind = 'r' ORDER BY 2 DESC LIMIT 5`,
  );
  const { rows: answered } = await pool.read.query(
    `SELECT host(inet_server_addr()) || ':' || inet_server_port() AS "by", pg_is_in_recovery() AS replica`,
  );
  console.table(tables);
  console.log(`answered by ${answered[0].by}, ${answered[0].replica ? 'a replica' : 'the primary'}`);
}

main()
  .catch((error) => {
    if (!(error instanceof HotspareError)) throw error;
    console.error(`${error.name}: ${error.message}`);
    process.exitCode = 1;
  })
  .finally(() => pool.end());
