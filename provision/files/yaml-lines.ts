/** What YAML reads as that text without quotes, whatever stands around it. */
const plain = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
const words = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A mapping as lines of YAML, to be indented by whoever uses them. Values: texts, numbers, truths, lists, mappings. */
export function yamlLines(mapping: object): string[] {
  return Object.entries(mapping).flatMap(([key, value]: [string, unknown]) =>
    isMapping(value)
      ? [`${key}:`, ...yamlLines(value).map((line) => `  ${line}`)]
      : [`${key}: ${scalar(value)}`],
  );
}

function scalar(value: unknown): string {
  return typeof value === 'string' && plain.test(value) && !words.test(value) ? value : JSON.stringify(value);
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
