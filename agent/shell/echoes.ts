import { stopped } from '../../common/runtime/group.js';
import { echoOf, type HeardEntry } from '../core/catalogue/echo.js';
import type { Echo } from '../core/model.js';
import type { Action, CatalogueView, ServiceModel } from '../core/model.js';
import type { ConsulPort } from '../ports.js';

/**
 * A watch may be deaf for so long, in ms, after the restoring of a snapshot, and then this box's services are missing for
 * everybody: shorter than a watch for a list, whose absences are doubted anyway.
 */
const waitMs = 2_000;

export interface EchoesOptions {
  readonly consul: Pick<ConsulPort, 'watchService'>;
  readonly models: readonly Pick<ServiceModel, 'id' | 'name'>[];
  /** What this box's Consul agent holds. */
  readonly view: (id: string) => CatalogueView;
  /** Every answer, before anything is concluded from it. */
  readonly onHeard: (entries: readonly HeardEntry[]) => void;
  /** Something is not as it was published: time to decide again. */
  readonly onChange: () => void;
}

/** Listens in the servers' catalogue for what this box has published. */
export class Echoes {
  private readonly heard = new Map<string, Echo>();

  constructor(private readonly options: EchoesOptions) {}

  /** Until the signal fires. Rejects only with a fault of ours. */
  async run(signal: AbortSignal): Promise<void> {
    const { consul, models, onChange, onHeard, view } = this.options;
    const watches = models.map(({ id, name }) => {
      const watcher = {
        onEntries: (entries: readonly HeardEntry[]) => {
          onHeard(entries);
          const echo = echoOf(id, view(id), entries);
          this.heard.set(id, echo);
          if (echo === 'missing' || echo === 'different') onChange();
        },
        // The reading of the local agent says so already.
        onUnavailable: () => this.heard.delete(id),
      };
      return consul.watchService(name, watcher, signal, { waitMs });
    });
    // Without a service there is nothing to watch, and yet the agent runs.
    await Promise.all([stopped(signal), ...watches]);
  }

  of(id: string): Echo {
    return this.heard.get(id) ?? 'unknown';
  }

  /** What was heard before a write says nothing of it; what was missing is so until it is registered. */
  performed(id: string, kind: Action['kind']): void {
    if (kind === 'register' || this.heard.get(id) !== 'missing') this.heard.delete(id);
  }
}
