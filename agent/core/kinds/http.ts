import type { KindOf } from './kind.js';

export interface HttpWords {
  readonly facts: { readonly kind: 'http' };
  readonly trouble: { readonly kind: 'http-status'; readonly status: number };
  readonly obstacle: never;
  readonly warning: never;
}

export const http: KindOf<HttpWords, { readonly path: string }> = {
  troubles: { 'http-status': ({ status }) => `it answers with HTTP status ${status}` },
  obstacles: {},
  warnings: {},
  // A web app stalls at times, and taking it out of a balancer costs a reload there.
  policy: { missesToBelieve: 2, confirmingShare: 1 },
  passingText: ({ path }) => `GET ${path} is answered with success`,
  figures: () => ({}),
};
