// A reporter for vitest: what went wrong in a run, as text in the file that HOTSPARE_FAILURES names.
// Vitest's own JSON leaves out an error outside every test, which fails a run all the same.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const shownLines = 40;

const textOf = (error) =>
  error.stack || [error.name, error.message].filter(Boolean).join(': ') || String(error);

const indented = (text) =>
  stripVTControlCharacters(text)
    .split('\n')
    .slice(0, shownLines)
    .map((line) => `\n    ${line}`)
    .join('');

function ofTest(test) {
  const { state, errors = [] } = test.result();
  if (errors.length === 0) return [];
  const how = state === 'passed' ? 'passed at the second try' : 'failed';
  const told = [...errors.map(textOf), ...(test.meta().told ?? [])];
  return [`${how}: ${pathOf(test.module)}: ${test.fullName}${told.map(indented).join('')}`];
}

/** Errors of a file or a group: an import that failed, a hook that threw. */
const ofGroup = (group, name) => group.errors().map((error) => `failed: ${name}${indented(textOf(error))}`);

const pathOf = (module) => relative(process.cwd(), module.moduleId);

function ofModule(module) {
  return [
    ...ofGroup(module, pathOf(module)),
    ...[...module.children.allSuites()].flatMap((suite) =>
      ofGroup(suite, `${pathOf(module)}: ${suite.fullName}`),
    ),
    ...[...module.children.allTests()].flatMap(ofTest),
  ];
}

export default class Failures {
  onTestRunEnd(modules, unhandled, reason) {
    const told = [
      ...modules.flatMap(ofModule),
      ...unhandled.map((error) => `failed: an error outside every test${indented(textOf(error))}`),
    ];
    if (told.length === 0 && reason !== 'passed')
      told.push(`failed: the run ended as ${reason}, and does not say why`);
    if (process.env.HOTSPARE_FAILURES) writeFileSync(process.env.HOTSPARE_FAILURES, told.join('\n\n'));
  }
}
