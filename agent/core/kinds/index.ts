import type { ServiceStatus } from '../../../common/agent/status.js';
import { anyObstacles, anyTroubles, type AnyObstacle, type AnyTrouble } from './any.js';
import { http, type HttpWords } from './http.js';
import type { KindOf, Policy, Words } from './kind.js';
import { postgres, type PostgresWords } from './postgres.js';

/** Every kind of service. */
interface Kinds {
  http: HttpWords;
  postgres: PostgresWords;
}
// prettier-ignore
export const kinds: { readonly [K in keyof Kinds]: KindOf<Kinds[K], never> } = {
  http,
  postgres,
};

export type Kind = keyof Kinds;
export type Facts = Kinds[Kind]['facts'];
export type Trouble = AnyTrouble | Kinds[Kind]['trouble'];
export type Obstacle = AnyObstacle | Kinds[Kind]['obstacle'];
export type Warning = Kinds[Kind]['warning'];

/** As the registry looks to what asks by a name. */
type Asked = KindOf<Words, never>;
const all = Object.values(kinds) as unknown as Asked[];
const asked = (kind: Kind) => kinds[kind] as unknown as Asked;

type Text = (member: { readonly kind: string }) => string;
const troubles = Object.assign({}, anyTroubles, ...all.map((kind) => kind.troubles)) as Record<string, Text>;
const warnings = Object.assign({}, ...all.map((kind) => kind.warnings)) as Record<string, Text>;
const obstacles = Object.assign({}, anyObstacles, ...all.map((kind) => kind.obstacles)) as Record<
  string,
  { text: Text; hasAnswered: boolean }
>;

export const troubleText = (trouble: Trouble): string => troubles[trouble.kind]!(trouble);
export const warningText = (warning: Warning): string => warnings[warning.kind]!(warning);
export const obstacleText = (obstacle: Obstacle): string => obstacles[obstacle.kind]!.text(obstacle);
/** Whether the member itself answered, if only to say no: then it runs. */
export const hasAnswered = (obstacle: Obstacle): boolean => obstacles[obstacle.kind]!.hasAnswered;

export const policyOf = (kind: Kind): Policy => asked(kind).policy;
export const figuresOf = (facts: Facts): Partial<ServiceStatus> => asked(facts.kind).figures(facts);

export function passingTextOf({ kind, probe }: { readonly kind: Kind; readonly probe: object }): string {
  return asked(kind).passingText(probe as never);
}
