/** Whom a file belongs to: an account of a real box. In the lab all but `postgres` are the caller. */
export type Owner = string;

/** The step of provisioning (box/STEP.sh) that installs a file, and restarts or reloads its program when the file changed. */
export type Concern = string;

/** A file that must be on a box, whole. */
export interface BoxFile {
  /** Absolute; of a staged file only the name. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: Owner;
  readonly concern: Concern;
  /** Written only when absent: somebody else (the agent) keeps it afterwards. */
  readonly initialOnly?: true;
  /** Used while a real box is provisioned, and not installed. */
  readonly staged?: true;
}
