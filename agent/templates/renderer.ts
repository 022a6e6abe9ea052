import { compileTemplate, type Template } from '../../common/text/template.js';
import { leftOutText, refusalOf } from '../core/catalogue/entries.js';
import type { Instance, Used } from '../core/catalogue/instances.js';
import type { TextFormat } from '../core/catalogue/text-format.js';
import { RefusedText, viewOf } from './view.js';
import type { Watches } from './watches.js';

export interface Rendering {
  readonly text: string;
  readonly used: Used;
  /** Per service: every instance listed when it was rendered. */
  readonly listed: Used;
  /** A sentence for each entry of the catalogue that could not be used. */
  readonly leftOut: readonly string[];
}

export interface RendererOptions {
  /** The template's text. */
  readonly source: string;
  /** What the template may use besides the helper `service`. */
  readonly context: { readonly box: string; readonly address: string };
  readonly format: TextFormat;
  readonly watches: Watches;
  readonly onChange: () => void;
}

/** Makes the text of one template from what is known of the catalogue. An entry that cannot be used spoils nothing else. */
export class Renderer {
  private readonly compiled: Template;
  // Of the rendering under way.
  private used = new Map<string, readonly Instance[]>();
  private listed = new Map<string, readonly Instance[]>();
  private refused = new Map<Instance, string>();
  private leftOut = new Set<string>();
  private incomplete = false;

  /** Throws when the template does not compile. */
  constructor(private readonly options: RendererOptions) {
    this.compiled = compileTemplate(options.source, {
      service: (name: unknown, call: { hash?: Record<string, unknown> }) => this.ask(name, call?.hash ?? {}),
    });
  }

  /** Undefined while Consul has not answered yet. Throws a sentence when the template cannot be rendered. */
  render(): Rendering | undefined {
    this.refused = new Map();
    for (;;) {
      this.used = new Map();
      this.listed = new Map();
      this.leftOut = new Set();
      this.incomplete = false;
      try {
        const text = this.compiled(this.options.context);
        if (this.incomplete) return undefined;
        return { text, used: this.used, listed: this.listed, leftOut: [...this.leftOut] };
      } catch (error) {
        // Once for each entry at most.
        if (!(error instanceof RefusedText) || this.refused.has(error.instance)) throw error;
        this.refused.set(error.instance, error.why);
      }
    }
  }

  private ask(name: unknown, hash: Record<string, unknown>): readonly object[] {
    if (typeof name !== 'string' || name === '') throw new Error('service needs the name of a service');
    const { tag } = hash;
    if (tag !== undefined && typeof tag !== 'string') throw new Error('tag of service must be a text');
    const { format, onChange, watches } = this.options;
    const all = watches.get(name, onChange);
    if (!all) this.incomplete = true;
    else this.listed.set(name, all);
    const asked = (all ?? []).filter(({ tags }) => tag === undefined || tags.includes(tag));
    const instances = asked.filter((instance) => this.admits(name, instance));
    this.used.set(tag === undefined ? name : `${name} (${tag})`, instances);
    return instances.map((instance) => viewOf(instance, format));
  }

  private admits(service: string, instance: Instance): boolean {
    const why = this.refused.get(instance) ?? refusalOf(instance);
    if (why !== undefined) this.leftOut.add(leftOutText(service, instance, why));
    return why === undefined;
  }
}
