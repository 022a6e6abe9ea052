/** The process's environment; the one place outside `main.ts` where it is read. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;
