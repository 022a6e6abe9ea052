// A drawing may take away the very control that has focus: its todo was removed, or left the filter's list. Focus then
// goes to what comes next, instead of to the top of the page.

const isShown = (element) => element.checkVisibility();

/** Draws by `work`. Without any row left focus goes to the first of `others` that can be seen. */
export function keepingFocus({ list, others }, work) {
  const had = document.activeElement;
  const rows = [...list.children];
  const at = rows.findIndex((row) => row.contains(had));
  work();
  if (had === null || had === document.body) return;
  if (isShown(had)) {
    // A row that was moved has lost it.
    if (document.activeElement !== had) had.focus();
    return;
  }
  const nearest = at < 0 ? [] : [...rows.slice(at), ...rows.slice(0, at).reverse()];
  const sameInRow = nearest.map((row) => row.querySelector(`.${had.classList[0]}`));
  [...sameInRow, ...others()].find(isShown)?.focus();
}
