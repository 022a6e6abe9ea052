/** A slot's name may have no dash, a member's may, and has no underscore. The keeper puts `hotspare_` before it. */
export const slotOf = (member: string): string => member.replaceAll('-', '_');

/** Undefined: a slot of somebody else's. */
export const memberOfSlot = (slot: string): string | undefined =>
  slot.startsWith('hotspare_') ? slot.slice('hotspare_'.length).replaceAll('_', '-') : undefined;
