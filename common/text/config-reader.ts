import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { ConfigError, UserError } from '../errors.js';

/**
 * Reads a YAML configuration strictly: every value is asked for by kind, every key must be known, and whatever is
 * wrong becomes a ConfigError naming file and line, key path, value and expectation.
 */
export function readYaml(text: string, file: string): ConfigReader {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new UserError(`${file}:${line}:${col}: not valid YAML: ${problem.message}`, { exitCode: 2 });
  }
  const value: unknown = document.toJS();
  if (value === null || value === undefined)
    throw new UserError(`${file}: the file is empty; expected a YAML mapping`, { exitCode: 2 });
  return new ConfigReader({ file, document, lines }, [], value);
}

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

type Path = readonly (string | number)[];

export class ConfigReader {
  constructor(
    private readonly source: Source,
    private readonly path: Path,
    readonly value: unknown,
  ) {}

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** Like `services[0].probe.intervalMs`. */
  get key(): string {
    const text = this.path.reduce<string>(
      (before, part) =>
        typeof part === 'number' ? `${before}[${part}]` : before ? `${before}.${part}` : part,
      '',
    );
    return text || 'the whole file';
  }

  refuse(expected: string, value: unknown = this.value): never {
    throw new ConfigError(this.where(), this.key, value === null ? undefined : value, expected);
  }

  /** A mapping with no other keys than these. */
  mapping(known: readonly string[]): (key: string) => ConfigReader {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.refuse(`a mapping with ${known.join(', ')}`);
    for (const key of Object.keys(value)) {
      if (!known.includes(key))
        this.child(key, (value as Record<string, unknown>)[key]).refuse(
          `no such key here; known are ${known.join(', ')}`,
        );
    }
    return (key) => this.entry(key);
  }

  /** One entry of a mapping, whether it is there or not. */
  entry(key: string): ConfigReader {
    return this.child(key, (this.value as Record<string, unknown>)[key]);
  }

  list(what: string): ConfigReader[] {
    if (!Array.isArray(this.value)) this.refuse(`a list of ${what}`);
    return (this.value as unknown[]).map((item, index) => this.child(index, item));
  }

  text(what: string, pattern?: RegExp): string {
    const { value } = this;
    if (typeof value !== 'string' || value === '' || (pattern && !pattern.test(value))) this.refuse(what);
    return value;
  }

  integer(what: string, min: number, max: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      this.refuse(`${what}, a whole number from ${min} to ${max}`);
    return value;
  }

  boolean(): boolean {
    const { value } = this;
    if (typeof value !== 'boolean') this.refuse('true or false');
    return value;
  }

  oneOf<T extends string>(values: readonly T[]): T {
    const { value } = this;
    if (!values.includes(value as T)) this.refuse(`one of ${values.join(', ')}`);
    return value as T;
  }

  /** `read` when the key is there, else the default. */
  or<T>(fallback: T, read: (reader: ConfigReader) => T): T {
    return this.present ? read(this) : fallback;
  }

  private child(key: string | number, value: unknown): ConfigReader {
    return new ConfigReader(this.source, [...this.path, key], value);
  }

  private where(): string {
    const { file, document, lines } = this.source;
    for (let depth = this.path.length; depth > 0; depth--) {
      const node = document.getIn(this.path.slice(0, depth), true);
      if (isNode(node) && node.range) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return file;
  }
}
