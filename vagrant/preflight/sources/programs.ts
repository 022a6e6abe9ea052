import { delimiter, join } from 'node:path';
import { codeOf, messageOf } from '../../../common/errors.js';
import { isExecutable } from '../../../common/runtime/machine/binaries.js';
import { runCommand, type CommandResult } from '../../../common/runtime/machine/command.js';
import type { Program } from '../model.js';
import { versionIn } from '../version.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Longer than any of the programs takes on a busy machine; they are asked side by side. */
const deadlineMs = 5_000;

/** PATH with the folders an ordinary user's lacks. */
export function searchPath(environment: Environment): string {
  const own = environment['PATH'] ?? environment['Path'] ?? '';
  const virtualBox = environment['VBOX_MSI_INSTALL_PATH'];
  return [own, virtualBox, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter);
}

export function isInPath(program: string, environment: Environment): boolean {
  const names = process.platform === 'win32' ? [`${program}.exe`] : [program];
  return searchPath(environment)
    .split(delimiter)
    .some((folder) => names.some((name) => isExecutable(join(folder, name))));
}

/** Runs a program that only reads. Undefined: there is none of that name. */
export async function ask(
  program: string,
  args: readonly string[],
  environment: Environment,
  timeoutMs = deadlineMs,
): Promise<CommandResult | undefined> {
  try {
    return await runCommand(program, args, { timeoutMs, environment: { PATH: searchPath(environment) } });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    return { exitCode: undefined, stdout: '', stderr: messageOf(error), timedOut: false };
  }
}

/** Asks a program for its version, which is looked for in the last line of what it says. */
export async function askVersion(
  program: string,
  args: readonly string[],
  environment: Environment,
): Promise<Program> {
  const result = await ask(program, args, environment);
  return result ? programOf(result) : { state: 'absent' };
}

export function programOf(result: CommandResult): Program {
  if (result.timedOut) return { state: 'failed', said: 'it did not end in time' };
  const lines = result.stdout.trim().split('\n');
  const version = result.exitCode === 0 ? versionIn(lines.at(-1) ?? '') : undefined;
  if (version !== undefined) return { state: 'found', version, warning: warningIn(lines.slice(0, -1)) };
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n')[0];
  return { state: 'failed', said: said || `it ended with ${result.exitCode ?? 'a signal'}` };
}

/** VBoxManage puts "WARNING: The character device /dev/vboxdrv does not exist." and advice before the version. */
function warningIn(lines: readonly string[]): string | undefined {
  const first = lines.find((line) => /^WARNING: .*vboxdrv/i.test(line));
  return first?.replace(/^WARNING: /i, '').replace(/\.$/, '');
}
