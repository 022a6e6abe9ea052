import ts from 'typescript';
import type { Source } from './sources.js';

/**
 * Type casts: `value as Type` and `<Type>value`. `as unknown as Type` is one; `as const` is none, for it claims nothing; nor
 * are `satisfies` and a type predicate, whose body is a check.
 */
export function castsIn({ file, text }: Source): string[] {
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const isCast = (node: ts.Node): node is ts.AssertionExpression =>
    ts.isTypeAssertionExpression(node) || (ts.isAsExpression(node) && node.type.getText() !== 'const');
  const visit = (node: ts.Node): void => {
    if (isCast(node) && !isCast(node.parent)) {
      const { line } = parsed.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${file}:${line + 1}: ${node.getText().replace(/\s+/g, ' ')}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}
