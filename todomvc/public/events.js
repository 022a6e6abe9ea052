// The live connection. The browser's own reconnecting gives up after an error status, and never notices a server
// that went silent, so this one does both itself.

const silenceMs = 10_000;
const retryMs = 700;
/** A short gap is nobody's business: tell only one that lasts. */
const tellLossAfterMs = 1_500;

/** handlers: onMode(report), onTodos({ after }), onLive(boolean). */
export function connectEvents(handlers) {
  let source;
  let silence;
  let loss;

  function connect() {
    source = new EventSource('/events');
    source.addEventListener('open', heard);
    source.addEventListener('beat', heard);
    source.addEventListener('mode', ({ data }) => {
      heard();
      live();
      handlers.onMode(JSON.parse(data));
    });
    source.addEventListener('todos', ({ data }) => {
      heard();
      handlers.onTodos(JSON.parse(data));
    });
    source.addEventListener('error', reconnect);
    heard();
  }

  function heard() {
    clearTimeout(silence);
    silence = setTimeout(reconnect, silenceMs);
  }

  function live() {
    clearTimeout(loss);
    loss = undefined;
    handlers.onLive(true);
  }

  function reconnect() {
    source.close();
    clearTimeout(silence);
    loss ??= setTimeout(() => handlers.onLive(false), tellLossAfterMs);
    // Spread a little: every open page lost its stream at the same moment.
    setTimeout(connect, retryMs * (0.5 + Math.random()));
  }

  connect();
}
