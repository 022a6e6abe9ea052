// Controls that are off: still focusable and named, so that focus stays where it was and a screen reader finds them. A
// `disabled` one would do neither.

/** Nothing happens when it is used; a text field keeps caret and text, and takes no keys. */
export function switchOff(control, off) {
  control.setAttribute('aria-disabled', String(off));
  if (control.type === 'text') control.readOnly = off;
}

/** Clicks, and what counts as one (the space bar, a label), do nothing on what is off within `element`. */
export function refuseWhatIsOff(element) {
  const refuse = (event) => {
    if (event.target.closest('[aria-disabled="true"]') === null) return;
    event.preventDefault();
    event.stopPropagation();
  };
  element.addEventListener('click', refuse, true);
}
