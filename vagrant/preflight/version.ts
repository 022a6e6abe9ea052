/** The first dotted number in a text: "Vagrant 2.3.4", "7.0.20_Debianr163906", "v20.19.0". */
export function versionIn(text: string): string | undefined {
  return /\d+(\.\d+)+/.exec(text)?.[0];
}

export function atLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, wanted] of (want as number[]).entries()) {
    const part = have?.[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

/** "7.1" of "7.1.10". */
export function series(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
