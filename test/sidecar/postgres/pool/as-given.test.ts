import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { queryAsGiven, valuesAsGiven } from '../../../../sidecar/postgres/pool/as-given.js';

describe('what a query was given', () => {
  test('a list of parameters, shallow', () => {
    const nested = { n: 1 };
    const values = ['first', nested];
    const copy = valuesAsGiven(values) as unknown[];
    values[0] = 'second';
    expect(copy).toEqual(['first', { n: 1 }]);
    expect(copy[1]).toBe(nested);
    expect(valuesAsGiven(undefined)).toBeUndefined();
  });

  test('a config and the parameters in it', () => {
    const types = { getTypeParser: () => String };
    const config = { text: 'SELECT $1', values: ['first'], name: 'a', types, tag: 'of a tracer' };
    const copy = queryAsGiven(config);
    config.text = 'SELECT 2';
    config.values[0] = 'second';
    config.name = 'b';
    expect(copy).toEqual({ text: 'SELECT $1', values: ['first'], name: 'a', types, tag: 'of a tracer' });
    expect((copy as typeof config).types).toBe(types);
  });

  test('an object of a class whose text is computed', () => {
    class Sql {
      #parts = ['SELECT', '$1'];
      readonly values = ['first'];
      get text() {
        return this.#parts.join(' ');
      }
      append(part: string) {
        this.#parts.push(part);
        this.values.push(part);
      }
    }
    const sql = new Sql();
    const copy = queryAsGiven(sql) as Sql;
    sql.append('more');
    expect(copy).toBeInstanceOf(Sql);
    expect([copy.text, copy.values]).toEqual(['SELECT $1', ['first']]);
  });

  test('texts and Submittables are what they are', () => {
    const query = new pg.Query('SELECT 1');
    expect(queryAsGiven(query)).toBe(query);
    expect(queryAsGiven('SELECT 1')).toBe('SELECT 1');
    expect(queryAsGiven(null)).toBeNull();
  });

  test('frozen ones are taken', () => {
    const config = Object.freeze({ text: 'SELECT $1', values: Object.freeze(['first']) });
    expect(queryAsGiven(config)).toEqual(config);
  });
});
