/** How one program is run as a process of this machine. */
export interface ProcessUnit {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Whom it runs as; default the caller. Only root may set it. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /**
   * What runs to its end before each start while that file is there, as the caller and not as `account`. Unless it ends with 0 within
   * 60 s the program is not started.
   */
  readonly before?: { readonly ifThere: string; readonly command: readonly [string, ...string[]] };
  /** What runs to its end before an orderly stop of a program that runs while that file is there, for 15 s at most; how it ends is of no account. */
  readonly beforeStop?: { readonly ifThere: string; readonly command: readonly [string, ...string[]] };
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  /** After this many ms an orderly stop becomes a SIGKILL. */
  readonly stopTimeoutMs: number;
  /**
   * What SIGKILL hits: the main process and whatever it leaves behind (`control-group`), or only the main process,
   * the others being known to notice and end by themselves (`process`: Postgres).
   */
  readonly killMode: 'control-group' | 'process';
}
