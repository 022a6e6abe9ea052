// Removes whatever the examples have left in the database: their schemas, all called hotspare_example_…
//
//   node examples/clean.mjs
import './lab.cjs';
import { Client } from 'hotspare';

const client = new Client({ connectionString: process.env.DATABASE_URL, application_name: 'example-clean' });
try {
  await client.connect();
  const { rows } = await client.query(
    String.raw`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'hotspare\_example\_%' ORDER BY 1`,
  );
  for (const { name } of rows) {
    await client.query(`DROP SCHEMA ${client.escapeIdentifier(name)} CASCADE`);
    console.log(`removed ${name}`);
  }
  if (rows.length === 0) console.log('nothing there');
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await client.end();
}
