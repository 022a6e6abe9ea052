import type { Instance } from '../core/catalogue/instances.js';
import { shown } from '../core/catalogue/entries.js';
import { addressFor, admits, type TextFormat } from '../core/catalogue/text-format.js';

/** An entry whose text may not stand in the file, found out while the template uses it. */
export class RefusedText extends Error {
  constructor(
    readonly instance: Instance,
    readonly why: string,
  ) {
    super(why);
    this.name = 'RefusedText';
  }
}

/** Consul's agents take no other keys; its catalogue does, and `{{@key}}` would print them. */
const keyShape = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * An instance as a template sees it. Its node, address and port were checked; every other text is checked when, and only
 * when, the template reads it: a tag that no template uses does no harm. Reading one that is refused throws RefusedText.
 */
export function viewOf(instance: Instance, format: TextFormat): object {
  const { node, address, port, id, tags, meta } = instance;
  const checked = (what: string, text: string) => ({
    enumerable: true,
    get: () => {
      if (admits(format, text)) return text;
      throw new RefusedText(
        instance,
        `its ${what} is ${shown(text)}, which may not stand in a file of format ${format}`,
      );
    },
  });
  const named = Object.entries(meta)
    .filter(([key]) => keyShape.test(key))
    .map(([key, text]) => [key, checked(`meta ${key}`, text)] as const);
  return Object.defineProperties(
    {
      node,
      address: addressFor(format, address),
      port,
      tags: Object.defineProperties([], indexed(tags.map((tag) => checked('tag', tag)))) as unknown,
      meta: Object.defineProperties({}, Object.fromEntries(named)) as unknown,
    },
    { id: checked('id', id) },
  );
}

function indexed(properties: readonly PropertyDescriptor[]): PropertyDescriptorMap {
  return Object.fromEntries(properties.map((property, index) => [String(index), property]));
}
