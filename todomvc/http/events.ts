import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../common/clock.js';
import type { ModeReport } from '../database.js';

export interface EventSettings {
  /** How often a stream says that it is alive, in ms. The page takes silence for a loss. */
  readonly beatMs: number;
  /** More open streams than this are refused. */
  readonly maxStreams: number;
  /** A reader that lets this many bytes pile up is dropped; it reconnects. */
  readonly maxBacklogBytes: number;
  /** Changes within this time are told once, in ms. */
  readonly gatherMs: number;
}

export const defaultEventSettings: EventSettings = {
  beatMs: 3_000,
  maxStreams: 1_000,
  maxBacklogBytes: 64 * 1024,
  gatherMs: 20,
};

/**
 * Server-sent events to every open page: `mode` (at once, and on every change), `todos` (something changed, ask
 * again, with the token `after` if it is not null) and `beat` (alive; also a comment, which keeps balancers from closing a silent stream).
 */
export class EventStreams {
  readonly #streams = new Set<ServerResponse>();
  #beat: Timer | undefined;
  #gathering: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly settings: EventSettings,
    private readonly box: string,
    /** Never rejects. */
    private readonly readToken: () => Promise<string | null>,
  ) {}

  get count(): number {
    return this.#streams.size;
  }

  get full(): boolean {
    return this.#streams.size >= this.settings.maxStreams;
  }

  /** Takes the response over until the client goes or `end`. */
  open(response: ServerResponse, mode: ModeReport): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      // The balancer must not give this connection to another request afterwards.
      Connection: 'close',
    });
    this.#streams.add(response);
    response.on('close', () => {
      this.#streams.delete(response);
      if (this.#streams.size === 0) this.#stopBeat();
    });
    response.on('error', () => response.destroy());
    response.write(`retry: 1000\n\n${modeEvent(mode, this.box)}`);
    this.#startBeat();
  }

  tellMode(mode: ModeReport): void {
    this.#write(modeEvent(mode, this.box));
  }

  /** Gathered for a moment: a burst of changes makes the pages ask once. */
  tellChange(): void {
    this.#gathering ??= this.clock.after(this.settings.gatherMs, () => {
      this.#gathering = undefined;
      if (this.#streams.size > 0)
        void this.readToken().then((after) => this.#write(event('todos', { after })));
    });
  }

  /** Ends every stream; pages reconnect, to another app by then. */
  end(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    for (const stream of this.#streams) stream.end();
  }

  #write(text: string): void {
    for (const stream of this.#streams) {
      if (stream.writableEnded) continue;
      if (stream.writableLength > this.settings.maxBacklogBytes) stream.destroy();
      else stream.write(text);
    }
  }

  #startBeat(): void {
    this.#beat ??= this.clock.after(this.settings.beatMs, () => {
      this.#beat = undefined;
      this.#write(`: alive\n${event('beat', {})}`);
      if (this.#streams.size > 0) this.#startBeat();
    });
  }

  #stopBeat(): void {
    this.#beat?.cancel();
    this.#beat = undefined;
  }
}

function modeEvent({ mode, since, reason }: ModeReport, box: string): string {
  return event('mode', { mode, since: since.toISOString(), reason, servedBy: box });
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
