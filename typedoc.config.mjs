// The API reference: `npx typedoc` writes docs/api from the docstrings of what `hotspare` exports.
// test/rules/api.test.ts fails when what is committed differs, or when typedoc has something to complain about.
import { Comment, Converter, DeclarationReflection, ReflectionGroup, ReflectionKind } from 'typedoc';

const nodePostgres = 'https://node-postgres.com/apis';

/** After links were resolved and everything was sorted into groups and categories, in that order. */
const last = -1_000;

/**
 * Classes that our own are made of, but nobody can import, are not mentioned: what they bring is the class's own. Of what
 * comes from pg and from Node, nothing is listed.
 */
function asSeenFromOutside(app) {
  app.converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => {
      const exported = new Set(project.children.map(({ name }) => name));
      for (const one of Object.values(project.reflections)) {
        delete one.inheritedFrom;
        delete one.overwrites;
        delete one.implementedTypes;
        if (one.kind !== ReflectionKind.Class) continue;
        delete one.typeHierarchy;
        one.extendedTypes = one.extendedTypes?.filter(({ name }) => exported.has(name) && name !== one.name);
        if (one.extendedTypes?.length === 0) delete one.extendedTypes;
      }
    },
    last,
  );
}

/** One page for each category. */
function onePagePerCategory(app) {
  app.converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => {
      const group = (title, owner, children) => {
        owner.groups = [new ReflectionGroup(title, owner)];
        owner.groups[0].children = children;
      };
      const pages = project.categories.map(({ title, children }) => {
        const page = new DeclarationReflection(title, ReflectionKind.Module, project);
        project.registerReflection(page, undefined, undefined);
        const classesFirst = [...children].sort((a, b) => a.kind - b.kind);
        for (const child of classesFirst) {
          project.removeChild(child);
          child.parent = page;
          page.addChild(child);
        }
        const names = classesFirst.map(({ name }) => `\`${name}\``);
        page.comment = new Comment([{ kind: 'text', text: names.join(', ') }]);
        group('Exports', page, classesFirst);
        return page;
      });
      for (const page of pages) project.addChild(page);
      delete project.categories;
      group('Pages', project, pages);
    },
    last - 1,
  );
}

/** In an editor `docs/LIBRARY.md` is a path; on a page it is a link. */
function linkedPages(app) {
  app.converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => {
      for (const { comment } of Object.values(project.reflections).concat(project))
        for (const part of comment?.summary ?? [])
          if (part.kind === 'text')
            part.text = part.text.replace(/(?<![[(\w/])docs\/(\w+\.md)/g, '[docs/$1](../$1)');
    },
    last - 2,
  );
}

export default {
  // The library's own files only: the order in which a union shows its members must not depend on other rooms.
  tsconfig: 'tsconfig.lib.json',
  entryPoints: ['sidecar/index.ts'],
  tsconfig: 'tsconfig.lib.json',
  plugin: ['typedoc-plugin-markdown', asSeenFromOutside, onePagePerCategory, linkedPages],
  name: 'API reference',
  readme: 'none',
  out: 'docs/api',
  router: 'module',

  excludeExternals: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  externalSymbolLinkMappings: {
    '@types/pg': {
      Pool: `${nodePostgres}/pool`,
      PoolClient: `${nodePostgres}/pool`,
      PoolConfig: `${nodePostgres}/pool#new-pool`,
      ClientConfig: `${nodePostgres}/client#new-client`,
    },
  },

  // No machine's paths, no commits: the same sources give the same pages.
  disableSources: true,
  disableGit: true,

  categoryOrder: ['Pool', 'Client', 'Resolver', 'Options', 'Errors', 'Types'],
  categorizeByGroup: false,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  indexFormat: 'table',
  pageTitleTemplates: { module: ({ name }) => name },

  validation: { notExported: true, invalidLink: true, rewrittenLink: true, notDocumented: true },
  requiredToBeDocumented: [
    'Class',
    'Interface',
    'TypeAlias',
    'Constructor',
    'Method',
    'Accessor',
    'Property',
    'Function',
    'Variable',
  ],
  treatWarningsAsErrors: true,
};
