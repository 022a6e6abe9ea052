import { randomBytes } from 'node:crypto';
import { failoverReport, type FailoverReport } from '../../common/failover/report.js';
import { subnet } from '../boxes/support/names.js';
import { boxes } from '../boxes/support/vagrant-boxes.js';
import { waitFor } from '../support/wait.js';
import { healLinks } from './faults/cuts.js';
import { giveOwnDisk } from './faults/own-disk.js';

export const members = ['pg1', 'pg2'] as const;
export type Member = (typeof members)[number];
export const other = (member: Member): Member => (member === 'pg1' ? 'pg2' : 'pg1');
export const isMember = (name: string | undefined): name is Member => members.some((one) => one === name);

/** An account of these tests alone. The host is let in beside the web apps. */
const host = `${subnet}.1`;
export const login = { user: 'chaos', database: 'todo', password: randomBytes(12).toString('hex') };

const sql = (box: string, text: string) =>
  boxes.shell(
    box,
    `runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -d todo <<'SQL'\n${text}\nSQL`,
  );

/** Boxes up, Postgres open to this machine, the policy in force. */
export async function begin(say: (text: string) => void): Promise<void> {
  await boxes.prepare();
  const states = await Promise.all(boxes.names().map((box) => boxes.stateOf(box)));
  if (states.includes('ABSENT')) {
    const { seconds } = await boxes.must('up');
    say(`five boxes after ${seconds.toFixed(0)} s`);
  } else await healAll();
  for (const member of members) if (await giveOwnDisk(member)) await led(member);
  const access = `host ${login.database} ${login.user} ${host}/32 scram-sha-256`;
  const open = `ip saddr ${host} tcp dport 5432 accept`;
  for (const box of members)
    await boxes.shell(
      box,
      `set -e
      grep -q '${access}' /etc/postgresql/15/main/pg_hba.conf || echo '${access}' >> /etc/postgresql/15/main/pg_hba.conf
      grep -q '${open}' /etc/nftables.conf || sed -i 's/^ *ct state established,related accept$/&\\n    ${open}/' /etc/nftables.conf
      nft -f /etc/nftables.conf
      systemctl reload postgresql@15-main`,
    );
  const leads = await waitFor('a primary that can be written', 60_000, writable, 200);
  await sql(
    leads,
    `DROP SCHEMA IF EXISTS chaos CASCADE;
     DO $$ BEGIN CREATE ROLE ${login.user} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
     ALTER ROLE ${login.user} PASSWORD '${login.password}';
     GRANT CONNECT ON DATABASE ${login.database} TO ${login.user};
     CREATE SCHEMA chaos AUTHORIZATION ${login.user};
     CREATE TABLE chaos.numbers (n bigint PRIMARY KEY, by text NOT NULL);
     ALTER TABLE chaos.numbers OWNER TO ${login.user};`,
  );
  const policy = 'hotspare policy set durability=sync promotion=auto maxFailovers=1000 --yes';
  say(await boxes.shell('adm1', policy, 60_000));
  await waitFor(
    'both members to follow one primary',
    60_000,
    async () => (await missing()) === undefined,
    200,
  );
}

/** What its agent says of the lead. */
export async function reportOf(member: Member): Promise<FailoverReport> {
  const url = `http://${boxes.address(member)}:8008/v1/services/pg/failover`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return failoverReport.read(await answer.json(), member);
}

/** What is still missing until every member follows one primary and the record names both. */
export async function missing(): Promise<string | undefined> {
  const reports: FailoverReport[] = [];
  for (const member of members) {
    try {
      reports.push(await reportOf(member));
    } catch (error) {
      return `the agent of ${member}: ${String(error)}`;
    }
  }
  for (const { member, shared } of reports)
    if (shared.kind === 'unread') return `the agent of ${member} cannot read Consul: ${shared.why}`;
  const leaders = reports.filter(({ publish }) => publish === 'primary');
  const [leader] = leaders;
  const said = reports.map(({ member, row, sentence }) => `${member}: ${row}, ${sentence}`).join('; ');
  if (leaders.length !== 1 || !leader) return said;
  const { shared } = leader;
  const named = shared.kind === 'read' ? (shared.record?.members ?? []).map(({ name }) => name) : [];
  if (named.length < members.length) return `the record names ${named.join()}; ${said}`;
  if (reports.some(({ member, publish }) => member !== leader.member && publish !== 'replica')) return said;
  return undefined;
}

/** Who publishes itself as the primary, else who holds the lease; undefined where no agent says. */
export async function primary(): Promise<Member | undefined> {
  const reports = await Promise.all(members.map((member) => reportOf(member).catch(() => undefined)));
  const leaders = reports.map((report) =>
    report?.shared.kind === 'read' ? report.shared.leader?.member : undefined,
  );
  const publishes = reports.find((report) => report?.publish === 'primary')?.member;
  return [publishes, ...leaders].find(isMember);
}

/** The member leads, also where its data is another copy than the one that led. */
async function led(member: Member): Promise<void> {
  if (member !== members[0]) return;
  await waitFor(`${member} to lead`, 60_000, async () => {
    if ((await writable()) === member) return true;
    await boxes.shell('adm1', `hotspare promote ${member} --yes`).catch(() => undefined);
    return false;
  });
}

async function writable(): Promise<Member | undefined> {
  const answers = await Promise.all(
    members.map((member) => sql(member, "SELECT current_setting('transaction_read_only')").catch(() => 'on')),
  );
  return members.find((_, index) => answers[index] === 'off');
}

/** All numbers above `above` that stand on whoever is the primary now. */
export async function numbersOnPrimary(above: number): Promise<number[]> {
  const text = await waitFor('the numbers on the primary', 20_000, async () => {
    const leads = await primary();
    const said =
      leads &&
      (await sql(leads, `SELECT pg_is_in_recovery(); SELECT n FROM chaos.numbers WHERE n > ${above};`));
    return said?.startsWith('f') ? said : undefined;
  });
  return text.split('\n').slice(1).map(Number);
}

/** Undoes whatever is left of faults. */
export async function healAll(): Promise<void> {
  await boxes.bridgeUp();
  await healLinks();
  for (const box of boxes.names()) {
    const state = await boxes.stateOf(box);
    if (state === 'STOPPED') await boxes.powerOn(box);
    if (state === 'FROZEN') await boxes.thaw(box);
    await boxes.link(box, 'up').catch(() => undefined);
    const units = 'consul hotspare-agent hotspare-keeper postgresql@15-main';
    await boxes.shell(box, `systemctl kill -s SIGCONT ${units}`).catch(() => undefined);
  }
}

/** What the boxes have to say of the last minutes. */
export async function logsOf(member: Member, seconds: number): Promise<string> {
  const units = ['hotspare-agent', 'hotspare-keeper', 'postgresql@15-main', 'consul', 'nftables']
    .map((unit) => `-u ${unit}`)
    .join(' ');
  return boxes
    .shell(
      member,
      `journalctl --no-pager -o short-precise --since=-${Math.ceil(seconds)}s ${units}; echo; tail -n 400 /var/log/postgresql/postgresql-15-main.log; hotspare history 2>&1 | tail -n 40`,
      30_000,
    )
    .catch((error: unknown) => `no logs of ${member}: ${String(error)}`);
}
