// A short script in CommonJS, as cron or a serverless function runs it: starts, asks a replica, ends at once. It reports
// which applications hold how many sessions there (the monitors of hotspare among them).
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
  const { rows: sessions } = await pool.read.query(
    `SELECT application_name AS application, count(*)::int AS sessions FROM pg_stat_activity
     WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC, 1`,
  );
  const { rows: answered } = await pool.read.query(
    `SELECT host(inet_server_addr()) || ':' || inet_server_port() AS "by", pg_is_in_recovery() AS replica`,
  );
  console.table(sessions);
  console.log(`answered by ${answered[0].by}, ${answered[0].replica ? 'a replica' : 'the primary'}`);
}

main()
  .catch((error) => {
    if (!(error instanceof HotspareError)) throw error;
    console.error(`${error.name}: ${error.message}`);
    process.exitCode = 1;
  })
  .finally(() => pool.end());
