import ts from 'typescript';
import type { Source } from './sources.js';

/** pg's fields and methods that begin with no underscore, and are private all the same. */
const others = ['activeQuery', 'queryQueue', 'hasExecuted', 'connectionTimeoutHandle'];

/** Where a name that pg keeps to itself is used: as a property, a method, or a key that is taken apart. */
export function privateNamesIn({ file, text }: Source): string[] {
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const isPrivate = (name: string) => /^_[a-zA-Z]/.test(name) || others.includes(name);
  const namesProperty = ({ parent }: ts.Node): boolean =>
    ts.isPropertyAccessExpression(parent) ||
    ts.isElementAccessExpression(parent) ||
    ts.isBindingElement(parent) ||
    ts.isClassElement(parent) ||
    ts.isTypeElement(parent) ||
    ts.isObjectLiteralElement(parent);
  const visit = (node: ts.Node): void => {
    if ((ts.isIdentifier(node) || ts.isStringLiteral(node)) && isPrivate(node.text) && namesProperty(node)) {
      const { line } = parsed.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${file}:${line + 1}: ${node.text}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return found;
}
