import { Duplex } from 'node:stream';

/** What a monitor asks, told by a word in it, and the one row that a primary answers. */
const questions: readonly (readonly [word: string, row: readonly (string | null)[]])[] = [
  ['pg_control_system', ['7000000000000000001']],
  ['pg_is_in_recovery', ['f', '0/3000000', null, '00000001', null, '', 'f']],
];

const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int16 = (value: number): Buffer => Buffer.from(Uint8Array.of(value >> 8, value & 255));
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const ready = message('Z', Buffer.from('I'));

/** Of type text, named after their places. */
function rowAnswer(row: readonly (string | null)[]): Buffer {
  const columns = row.map((_, at) =>
    Buffer.concat([text(`c${at}`), int32(0), int16(0), int32(25), int16(65535), int32(-1), int16(0)]),
  );
  const values = row.map((value) =>
    value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
  );
  return Buffer.concat([
    message('T', int16(row.length), ...columns),
    message('D', int16(row.length), ...values),
    message('C', text('SELECT 1')),
    ready,
  ]);
}

const welcome = Buffer.concat([
  message('R', int32(0)),
  ...[
    ['in_hot_standby', 'off'],
    ['default_transaction_read_only', 'off'],
    ['server_version', '15.0'],
    ['client_encoding', 'UTF8'],
  ].map(([name, value]) => message('S', text(name!), text(value!))),
  message('K', int32(1), int32(1)),
  ready,
]);
const one = rowAnswer(['1']);
const known = questions.map(([word, row]) => [word, rowAnswer(row)] as const);

/** Of the extended protocol, by the message that is answered: an INSERT. */
const steps: Readonly<Record<string, Buffer>> = {
  P: message('1'),
  B: message('2'),
  D: message('n'),
  E: message('C', text('INSERT 0 1')),
  S: ready,
};
const nothing = Buffer.alloc(0);

/**
 * The stream of a connection whose server is this object: a primary that answers each simple query with one row, and each
 * query of the extended protocol as an INSERT, in the next turn of the loop, without a system call. For the option `stream` of pg.
 */
export class CannedServer extends Duplex {
  #started = false;

  connect(): this {
    setImmediate(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** pg writes whole messages only. */
  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    const answer = this.#started ? answerTo(bytes) : welcome;
    this.#started = true;
    if (answer.length > 0) setImmediate(() => this.push(answer));
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), undefined, done);
  }

  override _read(): void {}

  override _final(done: () => void): void {
    this.push(null);
    done();
  }
}

function answerTo(bytes: Buffer): Buffer {
  const answers: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = String.fromCharCode(bytes[at]!);
    const length = bytes.readInt32BE(at + 1);
    if (type === 'Q') answers.push(answerToQuery(bytes.toString('utf8', at + 5, at + length)));
    else answers.push(steps[type] ?? nothing);
    at += 1 + length;
  }
  return answers.length === 1 ? answers[0]! : Buffer.concat(answers);
}

function answerToQuery(sql: string): Buffer {
  if (sql === 'SELECT 1') return one;
  return known.find(([word]) => sql.includes(word))?.[1] ?? one;
}
