/** Shows a person how far long work has come. */
export interface Progress {
  /** Runs `work` under a line that says what is being done, and then how long it took. */
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  note(text: string): void;
}

/** One line a step, printed when it ends; steps may overlap. On a terminal the running ones are shown below. */
export function terminalProgress(output: NodeJS.WriteStream, nowMs: () => number): Progress {
  const running = new Map<symbol, string>();
  const live = output.isTTY === true;
  const green = (text: string) => (live ? `\u001b[32m${text}\u001b[0m` : text);
  const red = (text: string) => (live ? `\u001b[31m${text}\u001b[0m` : text);
  const clear = () => live && running.size > 0 && output.write('\r\u001b[2K');
  const draw = () => {
    if (!live || running.size === 0) return;
    const text = `  … ${[...running.values()].join(', ')}`;
    output.write(text.slice(0, Math.max(20, (output.columns ?? 80) - 1)));
  };
  const print = (line: string) => {
    clear();
    output.write(`${line}\n`);
  };
  return {
    async step(what, work) {
      const id = Symbol(what);
      clear();
      running.set(id, what);
      draw();
      const startedMs = nowMs();
      const end = (mark: string) => {
        clear();
        running.delete(id);
        output.write(
          `  ${mark} ${what.padEnd(52)} ${((nowMs() - startedMs) / 1000).toFixed(1).padStart(5)} s\n`,
        );
        draw();
      };
      try {
        const result = await work();
        end(green('✓'));
        return result;
      } catch (error) {
        end(red('✗'));
        throw error;
      }
    },
    note(text) {
      print(text);
      draw();
    },
  };
}
