import { sleep } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';
import type { Io } from '../io.js';
import { statusCommand, type StatusOptions } from './status.js';

/** Between two looks, in ms. */
const paceMs = 1_000;

/** Prints the status whenever it is another one, until Ctrl-C; the exit code is that of the last. */
export async function watchStatus(options: StatusOptions, io: Io): Promise<number> {
  let shown = '';
  let code = 0;
  for (;;) {
    let text = '';
    const collected = {
      out: (more: string) => void (text += more),
      err: (more: string) => void (text += more),
    };
    code = await statusCommand(options, collected);
    // How long the mode has lasted is not a change.
    const constant = text.replace(/ \(\d+ (s|min|h|days)\)/, '');
    if (constant !== shown) io.out(io.isTerminal ? `\x1b[H\x1b[2J${text}` : text);
    shown = constant;
    try {
      await sleep(systemClock, paceMs, { signal: io.stop });
    } catch {
      return code;
    }
  }
}
