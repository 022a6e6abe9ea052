/** pg keeps the callback of `connect` for as long as the connection lasts, and with it the context of whoever connected. */
export function letGo(callback: (error: Error | null) => void): (error: Error | null) => void {
  let held: typeof callback | undefined = callback;
  return (error) => {
    const once = held;
    held = undefined;
    once?.(error);
  };
}
