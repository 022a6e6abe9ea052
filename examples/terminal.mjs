// What the examples share on a terminal: colours, lines with a time, options, Ctrl-C. Nothing about databases.

const colourful = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : String(text));

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

const modeColours = { 'read-write': green, 'read-only': yellow, down: red };
export const coloured = (mode) => modeColours[mode](mode.padEnd(10));

export function say(...words) {
  const now = new Date();
  const time = `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, '0')}`;
  console.log(dim(time), '', words.join('  '));
}

let lastNews = '';
/** Says something that may be said again and again, but only when it is new. */
export function sayNews(text) {
  if (text !== lastNews) say(dim(text));
  lastNews = text;
}

/** `--name 5` of the command line. */
export function option(name, byDefault) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return byDefault;
  const value = Number(process.argv[at + 1]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} needs a whole number above 0`);
  process.exit(2);
}

/** Aborted by Ctrl-C, or by a supervisor's SIGTERM. A second Ctrl-C ends the process as usual. */
export function stopSignal() {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());
  return stop.signal;
}

/** Resolves after so many milliseconds, or at once when the signal is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
  });
}

/** `127.0.11.11:5432`, or `nobody`. */
export const name = (target) => (target ? `${target.host}:${target.port}` : 'nobody');
