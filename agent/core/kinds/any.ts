import type { ObstacleTexts, Texts } from './kind.js';

/** What any member behind a socket can suffer. */
export type AnyTrouble =
  | { readonly kind: 'refused' }
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'no-answer'; readonly deadlineMs: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'garbage' };

export const anyTroubles: Texts<AnyTrouble> = {
  refused: () => 'connection refused: nothing listens there',
  unreachable: ({ code }) => `not reachable (${code})`,
  'no-answer': ({ deadlineMs }) => `no answer within ${deadlineMs} ms`,
  closed: () => 'it closed the connection before it answered',
  garbage: () => 'what answers there speaks another protocol',
};

/** What may keep the agent itself from finding out. */
export type AnyObstacle =
  /** This agent did not get the processor in time to judge. */
  | { readonly kind: 'agent-late' }
  /** Something on the agent's own side, like no file handles left. */
  | { readonly kind: 'agent-side'; readonly text: string };

export const anyObstacles: ObstacleTexts<AnyObstacle> = {
  'agent-late': {
    text: () => 'the agent itself did not get the processor in time to judge',
    hasAnswered: false,
  },
  'agent-side': { text: ({ text }) => `the agent could not probe: ${text}`, hasAnswered: false },
};
