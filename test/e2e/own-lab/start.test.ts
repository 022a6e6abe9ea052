import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { TestLab, hotspare } from '../../support/lab.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { fetchAnew } from '../../support/fetch-anew.js';

/** A lab of its own for every test: other ports, other folder. */
let environment: Record<string, string> = {};
let folder = '';
let offset = 4_000;
function ownLab(): Record<string, string> {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-start-'));
  execFileSync('chmod', ['755', folder]);
  environment = { HOTSPARE_PORT_OFFSET: String((offset += 10)), HOTSPARE_LAB_DIR: join(folder, 'lab') };
  return environment;
}
afterEach(async () => {
  if (folder === '') return;
  await hotspare(['lab', 'nuke', '--yes'], environment);
  rmSync(folder, { recursive: true, force: true });
});

/** Live processes that have this lab's folder in their command line, but for the commands themselves. */
function leftOver(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return /^\d+$/.test(pid) && line.includes(folder) ? [`${pid} ${line}`] : [];
    } catch {
      return [];
    }
  });
}

class Running {
  output = '';
  readonly ended: Promise<number | null>;
  private constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (data: Buffer) => (this.output += data.toString()));
    child.stderr?.on('data', (data: Buffer) => (this.output += data.toString()));
    this.ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }
  static start(args: string[]): Running {
    return new Running(
      spawn(process.execPath, ['bin/hotspare.mjs', ...args], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }
  said(text: string, timeoutMs = 60_000): Promise<unknown> {
    return waitFor(`"${text}" from hotspare start`, timeoutMs, () => {
      if (this.output.includes(text)) return true;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.output}`);
      return false;
    });
  }
}

const noStackTrace = /\n\s+at .*\(?.*:\d+:\d+\)?/;

describe('npm start', () => {
  test('Ctrl-C stops everything and keeps the data; the second start is the same lab', async () => {
    ownLab();
    const first = Running.start(['start', '--yes']);
    await first.said('Ctrl-C stops everything');
    const url = new TestLab(environment).status().urls.todo[0] as string;
    const made = await fetchAnew(`${url}todos`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"title":"kept"}',
    });
    expect(made.status).toBe(201);
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    expect(leftOver()).toEqual([]);
    const again = await hotspare(['start', '--detach'], environment);
    expect(again.exitCode).toBe(0);
    expect(await (await fetchAnew(`${url}todos`)).text()).toContain('kept');
    const pids = new TestLab(environment).status();
    const twice = await hotspare(['start', '--detach'], environment);
    expect([twice.exitCode, new TestLab(environment).status()]).toEqual([0, pids]);
    const down = await hotspare(['lab', 'down'], environment);
    expect([down.exitCode, leftOver()]).toEqual([0, []]);
  });

  test('Ctrl-C while starting stops what was started', async () => {
    ownLab();
    const start = Running.start(['start', '--yes']);
    await start.said('✓');
    start.child.kill('SIGINT');
    await start.ended;
    expect(start.output).not.toMatch(noStackTrace);
    expect(leftOver()).toEqual([]);
  });

  test('files that a power cut emptied: mended and said, or named with the command', async () => {
    ownLab();
    const { HOTSPARE_LAB_DIR: lab = '' } = environment;
    const emptied = [
      'adm1/consul/node-id',
      'pg1/consul/serf/local.keyring',
      'nginx2/consul/serf/local.keyring',
      'nginx1/nginx/upstreams.conf',
      'nginx1/etc/app.password',
    ].map((name) => join(lab, name));
    expect((await hotspare(['start', '--yes', '--detach'], environment)).exitCode).toBe(0);
    await hotspare(['lab', 'down'], environment);
    for (const file of emptied) {
      expect(readFileSync(file, 'utf8'), file).not.toBe('');
      writeFileSync(file, '');
    }
    const mended = await hotspare(['lab', 'up'], environment);
    expect(mended.exitCode, mended.stderr).toBe(0);
    for (const file of emptied) {
      if (file.includes('consul')) expect(mended.stdout + mended.stderr).toContain(`${file} was empty`);
      expect(readFileSync(file, 'utf8'), file).not.toBe('');
    }
    await hotspare(['lab', 'down'], environment);

    const data = join(lab, 'pg2', 'postgres', 'data');
    writeFileSync(join(data, 'global', 'pg_control'), '');
    const refused = await hotspare(['lab', 'up'], environment);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`Empty, as after a power cut: ${join(data, 'global', 'pg_control')}.`),
    ]);
    const command = /: (rm -r \S+), then "hotspare lab up"/.exec(refused.stderr)?.[1];
    expect(command).toBe(`rm -r ${data}`);
    rmSync(data, { recursive: true });
    expect((await hotspare(['lab', 'up'], environment)).exitCode).toBe(0);
  });

  test('killed half-way and started again: it finishes the work', async () => {
    ownLab();
    const first = Running.start(['start', '--yes']);
    await first.said('make a database');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await hotspare(['lab', 'up'], environment);
    expect(second.stderr).not.toMatch(noStackTrace);
    expect(second.exitCode).toBe(0);
  });

  test('two at once: the second says who is at work', async () => {
    ownLab();
    const first = Running.start(['start', '--yes', '--detach']);
    await first.said('✓');
    const second = await hotspare(['lab', 'up'], environment);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/is at work on this lab \(pid \d+\): wait/);
    expect(await first.ended).toBe(0);
  });

  test('a taken port is named with the process that holds it, and nothing is left running', async () => {
    ownLab();
    const port = 5432 + offset;
    const server: Server = createServer().listen(port, '127.0.11.11');
    await waitFor('the port to be taken', eventuallyMs, () => server.listening);
    const { exitCode, stderr } = await hotspare(['start', '--yes'], environment);
    server.close();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`127.0.11.11:${port} (for pg@pg1) is held by`);
    expect(stderr).toContain(`pid ${process.pid}`);
    expect(stderr).toContain('HOTSPARE_PORT_OFFSET');
    expect(leftOver()).toEqual([]);
  });

  test('a taken UDP port is named too, and a folder made for nothing is removed', async () => {
    ownLab();
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(8600 + offset, '127.0.11.5', resolve));
    const { exitCode, stderr } = await hotspare(['start', '--yes'], environment);
    socket.close();
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining(`127.0.11.5:${8600 + offset} (UDP) (for consul@adm1) is held by`) as unknown,
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('when one program cannot start, its last words are shown and the others are stopped again', async () => {
    ownLab();
    expect((await hotspare(['lab', 'up'], environment)).exitCode).toBe(0);
    await hotspare(['lab', 'down'], environment);
    const version = join(folder, 'lab', 'pg1', 'postgres', 'data', 'PG_VERSION');
    writeFileSync(version, '9.1\n');
    const { exitCode, stderr } = await hotspare(['lab', 'up'], environment);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/pg@pg1 (has ended|ended right after its start)/);
    expect(stderr).not.toMatch(noStackTrace);
    expect(leftOver()).toEqual([]);
  });

  test('frozen and killed, killed and stopped: the primary can be started again, and nothing is left of it', async () => {
    ownLab();
    expect((await hotspare(['lab', 'up'], environment)).exitCode).toBe(0);
    const say = async (...args: string[]) => {
      const { exitCode, stderr } = await hotspare(['lab', ...args, 'pg@pg1'], environment);
      return `${exitCode} ${stderr.trim()}`;
    };
    expect(await say('freeze')).toBe('0 pg@pg1 frozen');
    expect(await say('start')).toMatch(/^1 .*pg@pg1 is frozen; let it go on with: lab thaw pg@pg1$/);
    expect(await say('kill')).toBe('0 pg@pg1 killed');
    expect(leftOver().filter((line) => line.includes('postgres: pg1'))).toEqual([]);
    expect(await say('kill')).toBe('0 pg@pg1 is failed: nothing to do');
    expect(await say('start')).toBe('0 pg@pg1 started');
    expect(await say('kill')).toBe('0 pg@pg1 killed');
    expect(await say('stop')).toBe('0 pg@pg1 stopped');
    expect(await say('start')).toBe('0 pg@pg1 started');
    await new TestLab(environment).waitForMode('read-write', eventuallyMs);
  });

  test.each([
    ['HOTSPARE_PORT_OFFSET', 'many', /HOTSPARE_PORT_OFFSET is "many"; expected a whole number/],
    ['HOTSPARE_LAB_DIR', 'here', /HOTSPARE_LAB_DIR is "here"; expected an absolute path/],
    ['HOTSPARE_LAB_DIR', '/proc/lab', /\/proc\/lab cannot be used|cannot be written/],
    ['HOTSPARE_LAB_DIR', '/etc', /\/etc is not empty and no lab/],
    [
      'HOTSPARE_LAB_DIR',
      join(tmpdir(), 'long'.repeat(25)),
      /is \d+ characters too long for the sockets of Postgres/,
    ],
  ])('%s=%s is refused with a sentence', async (name, value, message) => {
    const { exitCode, stderr } = await hotspare(['lab', 'up'], { [name]: value });
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(noStackTrace);
  });

  test('nuke removes only what a lab made', async () => {
    folder = '';
    const { exitCode, stderr } = await hotspare(['lab', 'nuke', '--yes'], { HOTSPARE_LAB_DIR: '/etc' });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('was not made by hotspare') as unknown]);
  });

  test('without --yes and without a terminal nuke refuses', async () => {
    ownLab();
    execFileSync('mkdir', [join(folder, 'lab')]);
    const { exitCode, stderr } = await hotspare(['lab', 'nuke'], environment);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--yes') as unknown]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('npm start, as root', () => {
  test('a full disk: a sentence, and nothing is left', async () => {
    ownLab();
    const mount = join(folder, 'small');
    execFileSync('mkdir', [mount]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', mount]);
    try {
      const { exitCode, stderr } = await hotspare(['start', '--yes'], {
        ...environment,
        HOTSPARE_LAB_DIR: join(mount, 'lab'),
      });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/the disk of .* has \d+ MB free and the lab needs \d+ MB/);
      execFileSync('sh', ['-c', `head -c 30M /dev/zero > ${mount}/fill || true`], { stdio: 'ignore' });
      const full = await hotspare(['start', '--yes'], {
        ...environment,
        HOTSPARE_LAB_DIR: join(mount, 'lab2'),
      });
      expect(full.exitCode).toBe(1);
      expect(full.stderr).not.toMatch(noStackTrace);
      expect(leftOver()).toEqual([]);
    } finally {
      execFileSync('umount', [mount]);
    }
  });

  test('a folder the Postgres user cannot enter is named', async () => {
    ownLab();
    execFileSync('chmod', ['700', folder]);
    const { exitCode, stderr } = await hotspare(['lab', 'up'], environment);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`the user postgres cannot enter ${folder}`);
  });

  test('an ordinary user can run the boxes too', async () => {
    ownLab();
    execFileSync('chown', ['nobody', folder]);
    const asNobody = (...args: string[]) =>
      execFileSync(
        'setpriv',
        [
          '--reuid=nobody',
          '--regid=nogroup',
          '--clear-groups',
          process.execPath,
          'bin/hotspare.mjs',
          ...args,
        ],
        {
          env: { ...process.env, ...environment, HOME: folder },
          encoding: 'utf8',
        },
      );
    expect(asNobody('lab', 'up')).toContain('todo list');
    const { pid } = new TestLab(environment).service('pg@pg1');
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534/m);
    asNobody('lab', 'nuke', '--yes');
    expect(leftOver()).toEqual([]);
  });

  test('without Consul an ordinary user is given the exact command', () => {
    ownLab();
    const hidden =
      'mount --bind /dev/null "$(command -v consul)" && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"';
    const run = () =>
      execFileSync(
        'unshare',
        ['-m', 'sh', '-c', hidden, 'sh', process.execPath, 'bin/hotspare.mjs', 'start'],
        {
          env: { ...process.env, ...environment, HOME: folder },
          encoding: 'utf8',
          stdio: 'pipe',
        },
      );
    expect(run).toThrow(/Consul\s+package consul[\s\S]*sudo npx hotspare setup --yes/);
  });
});
