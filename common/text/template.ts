import Handlebars from 'handlebars';

export type Helpers = Readonly<Record<string, (...args: never[]) => unknown>>;
export type Template = (context: object) => string;

/**
 * Compiles a template of a configuration file (Handlebars, no HTML escaping). A name the context lacks is an error,
 * never an empty string: a configuration with a hole is worse than none.
 *
 * Every template may use `(or a b …)` and `(json value)` besides the helpers given.
 */
export function compileTemplate(source: string, helpers: Helpers = {}): Template {
  const engine = Handlebars.create();
  engine.registerHelper('or', (...args: unknown[]) => args.slice(0, -1).some(Boolean));
  engine.registerHelper('json', (value: unknown) => JSON.stringify(value));
  for (const [name, helper] of Object.entries(helpers)) {
    engine.registerHelper(name, helper as Handlebars.HelperDelegate);
  }
  return engine.compile(source, { strict: true, noEscape: true });
}
