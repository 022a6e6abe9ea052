/* Takes all the time of a core that it gets. Ends with its parent, and after half an hour whatever happens. */
const mostMs = 1_800_000;
const sliceMs = 20;

process.once('disconnect', () => process.exit());

function turn() {
  for (const startMs = performance.now(); performance.now() - startMs < sliceMs;);
  if (performance.now() > mostMs) process.exit();
  setImmediate(turn);
}
turn();
