/**
 * How a file and the command that makes its reader take it up are brought to what is wanted. A text is proven by the
 * command that succeeds with it. One that fails must not stay: its reader might not start with it. So the last proven
 * text is put back, the command is run with that, and the new one is tried again later.
 */
export interface FileState {
  readonly wanted: string;
  /** What is in the file; undefined: there is none. */
  readonly disk: string | undefined;
  /** The command has succeeded with what is in the file. */
  readonly proven: boolean;
  /** The last text with which it succeeded, as far as is known. */
  readonly good: string | undefined;
  readonly failure: Failure | undefined;
}

/** Of the newest text with which the command failed. */
export interface Failure {
  readonly text: string;
  /** A sentence. */
  readonly why: string;
  /** How often in a row with this text. */
  readonly count: number;
  /** `due`: the good text is to be put back and the command run with it. `failed`: the text is not to blame. */
  readonly goodText: 'due' | 'works' | 'failed' | 'unknown';
  /** When this text is tried again, monotonic ms. */
  readonly retryAtMs: number;
}

export type Step =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'write'; readonly text: string }
  | { readonly kind: 'run' };

export function nextStep(state: FileState, nowMs: number): Step {
  const { wanted, disk, proven, good, failure } = state;
  if (disk === wanted && proven) return { kind: 'nothing' };
  if (failure?.text !== wanted) return disk === wanted ? { kind: 'run' } : { kind: 'write', text: wanted };
  if (failure.goodText === 'due' && good !== undefined)
    return disk === good ? { kind: 'run' } : { kind: 'write', text: good };
  if (nowMs < failure.retryAtMs) return { kind: 'wait', untilMs: failure.retryAtMs };
  return disk === wanted ? { kind: 'run' } : { kind: 'write', text: wanted };
}

export function afterWrite(state: FileState, text: string): FileState {
  return { ...state, disk: text, proven: false };
}

/** `pauseMs`: how long to wait after the failure number `count`; `readerDown`: it fails with the good text as well. */
export type Pause = (count: number, readerDown: boolean) => number;

/** `why`: a sentence, undefined when the command succeeded. */
export function afterRun(
  state: FileState,
  why: string | undefined,
  nowMs: number,
  pauseMs: Pause,
): FileState {
  const { disk, good, failure, wanted } = state;
  const ofGood = failure?.goodText === 'due' && disk === good && disk !== failure.text;
  if (why === undefined) {
    const left = ofGood && failure.text === wanted ? { ...failure, goodText: 'works' as const } : undefined;
    return { ...state, proven: true, good: disk, failure: left };
  }
  if (ofGood) {
    const retryAtMs = nowMs + pauseMs(failure.count, true);
    return { ...state, failure: { ...failure, goodText: 'failed', retryAtMs } };
  }
  const count = failure !== undefined && failure.text === disk ? failure.count + 1 : 1;
  const hasOther = good !== undefined && good !== disk;
  return {
    ...state,
    failure: {
      text: disk ?? '',
      why,
      count,
      goodText: hasOther ? 'due' : 'unknown',
      retryAtMs: nowMs + pauseMs(count, false),
    },
  };
}

/** What an operator is told while a text fails; the same as long as it is the same trouble. */
export function failureText({ why, goodText }: Failure): string {
  switch (goodText) {
    case 'works':
      return `${why}; the last text that worked was put back, and the new one is tried again`;
    case 'failed':
      return `${why}; the last text that worked was put back, and the command fails with it too, so the program is probably down; look at its log. The agent tries again within 5 s`;
    case 'due':
    case 'unknown':
      return `${why}; trying again`;
  }
}
