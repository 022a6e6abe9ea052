/** What YAML reads as that text without quotes, whatever stands around it. */
const plain = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
const words = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A mapping as lines of YAML, to be indented by whoever uses them. Values: texts, numbers, truths, lists, mappings. */
export function yamlLines(mapping: object): string[] {
  return Object.entries(mapping).flatMap(([key, value]: [string, unknown]) => {
    if (isMapping(value)) return [`${key}:`, ...indented(yamlLines(value))];
    if (Array.isArray(value) && value.length > 0 && value.every(isMapping))
      return [`${key}:`, ...value.flatMap((item) => itemLines(item))];
    return [`${key}: ${scalar(value)}`];
  });
}

const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

function itemLines(item: object): string[] {
  const [first = '', ...rest] = yamlLines(item);
  return [`  - ${first}`, ...indented(indented(rest))];
}

function scalar(value: unknown): string {
  return typeof value === 'string' && plain.test(value) && !words.test(value) ? value : JSON.stringify(value);
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
