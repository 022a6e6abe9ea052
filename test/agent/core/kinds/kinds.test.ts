import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { anyObstacles, anyTroubles } from '../../../../agent/core/kinds/any.js';
import {
  hasAnswered,
  kinds,
  obstacleText,
  troubleText,
  warningText,
} from '../../../../agent/core/kinds/index.js';
import { kindNames } from '../../../../agent/drivers/index.js';

const all = Object.values(kinds);

describe('kinds of service', () => {
  test('each has its words in the core and its driver beside the others', () => {
    const names = Object.keys(kinds).sort();
    expect([...kindNames].sort()).toEqual(names);
    const folders = readdirSync('agent/drivers', { withFileTypes: true }).filter((one) => one.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(names);
    for (const name of names) expect(readdirSync('agent/core/kinds')).toContain(`${name}.ts`);
  });

  test('no two of them use one word for two things', () => {
    for (const tables of [
      [anyTroubles, ...all.map(({ troubles }) => troubles)],
      [anyObstacles, ...all.map(({ obstacles }) => obstacles)],
      all.map(({ warnings }) => warnings),
    ]) {
      const words = tables.flatMap((table) => Object.keys(table));
      expect(words).toEqual([...new Set(words)]);
    }
  });

  test('a word is said by whoever knows it', () => {
    expect(troubleText({ kind: 'refused' })).toBe('connection refused: nothing listens there');
    expect(troubleText({ kind: 'http-status', status: 503 })).toBe('it answers with HTTP status 503');
    expect(obstacleText({ kind: 'agent-side', text: 'EMFILE' })).toBe('the agent could not probe: EMFILE');
    expect(hasAnswered({ kind: 'agent-late' })).toBe(false);
    expect(hasAnswered({ kind: 'slots-full' })).toBe(true);
    expect(warningText({ kind: 'disk-low', minFreeBytes: 104_857_600 })).toMatch(/^less than 100 MB free/);
  });
});
