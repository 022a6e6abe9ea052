export interface Lock {
  readonly packages: Readonly<Record<string, object>>;
}

export function packagesToInstall(
  wanted: 'run' | 'all',
  lock: Lock,
  installed: Lock | undefined,
  machine?: { readonly platform: string; readonly arch: string },
): 'run' | 'all' | undefined;
