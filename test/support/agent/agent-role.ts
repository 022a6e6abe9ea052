import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RealPostgres } from '../postgres.js';

export const agentRole = { user: 'hotspare_agent', password: 'agent-secret', database: 'postgres' } as const;

/** What provisioning gives the agent in the database: a role with pg_monitor, and the table of the write probe. */
export async function createAgentRole(primary: RealPostgres): Promise<void> {
  const { user, password, database } = agentRole;
  await primary.administer(
    [
      `CREATE USER ${user} PASSWORD '${password}' IN ROLE pg_monitor`,
      `CREATE SCHEMA hotspare AUTHORIZATION ${user}`,
      `CREATE TABLE hotspare.heartbeat (box text PRIMARY KEY, beat bigint NOT NULL)`,
      `ALTER TABLE hotspare.heartbeat OWNER TO ${user}`,
    ],
    database,
  );
}

/** A folder for configuration and state of agents under test. */
export function agentFolder(): { folder: string; passwordFile: string; destroy(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-agent-'));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${agentRole.password}\n`);
  return { folder, passwordFile, destroy: () => rmSync(folder, { recursive: true, force: true }) };
}
