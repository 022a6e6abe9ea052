import { dirname } from 'node:path';

/** Folders that hold more files than `most`, without what lies in folders below. */
export function fullRooms(files: readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > most)
    .map(([room, count]) => `${room} holds ${count} files`);
}
