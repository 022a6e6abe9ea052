import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError, messageOf } from '../../common/errors.js';
import { compileTemplate } from '../../common/text/template.js';
import { slotName } from '../postgres/members.js';

const helpers = {
  slotName,
  joinPath: (path: string, name: string) => (path.endsWith('/') ? `${path}${name}` : `${path}/${name}`),
};

/** Renders one template of provision/templates. */
export function render(templateFolder: string, name: string, context: object): string {
  const file = join(templateFolder, name);
  try {
    return compileTemplate(readFileSync(file, 'utf8'), helpers)(context);
  } catch (error) {
    throw new UserError(`${file} could not be rendered: ${messageOf(error)}`, { cause: error });
  }
}
