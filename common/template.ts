import Handlebars from 'handlebars';

export type Helpers = Readonly<Record<string, (...args: never[]) => unknown>>;
export type Template = (context: object) => string;

/**
 * Compiles a template of a configuration file (Handlebars, no HTML escaping). A name the context lacks is an error,
 * never an empty string: a configuration with a hole is worse than none.
 *
 * Every template may use `(eq a b)`, `(json value)` and `(add a b)` besides the helpers given.
 */
export function compileTemplate(source: string, helpers: Helpers = {}): Template {
  const engine = Handlebars.create();
  engine.registerHelper('eq', (a: unknown, b: unknown) => a === b);
  engine.registerHelper('json', (value: unknown) => JSON.stringify(value));
  engine.registerHelper('add', (a: number, b: number) => a + b);
  for (const [name, helper] of Object.entries(helpers)) {
    engine.registerHelper(name, helper as Handlebars.HelperDelegate);
  }
  return engine.compile(source, { strict: true, noEscape: true });
}
