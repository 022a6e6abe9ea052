import { switchOff } from './controls.js';

const template = document.createElement('template');
template.innerHTML = `
  <li>
    <div class="view">
      <input class="toggle" type="checkbox" aria-keyshortcuts="Enter F2" />
      <label></label>
      <button class="rename" type="button">Edit</button>
      <button class="destroy" type="button"></button>
    </div>
    <input class="edit" type="text" maxlength="500" autocomplete="off" />
  </li>`;

/**
 * One row. `actions`: toggle(id, completed), rename(id, title), remove(id), canEdit().
 * While it is being edited the typed text stays, whatever arrives from the server.
 */
export class Item {
  #todo;
  #editing = false;

  constructor(todo, actions) {
    this.#todo = todo;
    this.element = template.content.firstElementChild.cloneNode(true);
    const find = (selector) => this.element.querySelector(selector);
    this.toggle = find('.toggle');
    this.label = find('label');
    this.rename = find('.rename');
    this.destroy = find('.destroy');
    this.edit = find('.edit');
    this.actions = actions;
    this.label.id = `todo-${todo.id}`;
    this.toggle.setAttribute('aria-labelledby', this.label.id);

    this.toggle.addEventListener('change', () => actions.toggle(this.#todo.id, this.toggle.checked));
    this.destroy.addEventListener('click', () => actions.remove(this.#todo.id));
    this.rename.addEventListener('click', () => this.#startEditing());
    this.label.addEventListener('dblclick', () => this.#startEditing());
    this.element.addEventListener('keydown', (event) => this.#onRowKey(event));
    this.edit.addEventListener('keydown', (event) => this.#onEditKey(event));
    this.edit.addEventListener('blur', () => this.#save());
  }

  get editing() {
    return this.#editing;
  }

  update(todo, { canEdit }) {
    this.#todo = todo;
    this.element.dataset.id = todo.id;
    this.element.classList.toggle('completed', todo.completed);
    this.element.classList.toggle('unsaved', Boolean(todo.unsaved));
    this.label.textContent = todo.title;
    this.rename.setAttribute('aria-label', `Edit ${todo.title}`);
    this.destroy.setAttribute('aria-label', `Remove ${todo.title}`);
    this.edit.setAttribute('aria-label', `Edit ${todo.title}`);
    this.toggle.checked = todo.completed;
    this.allow(canEdit, todo.unsaved);
  }

  /** What was never stored can be taken back at any time. */
  allow(canEdit, unsaved = this.#todo.unsaved) {
    switchOff(this.toggle, !canEdit);
    switchOff(this.rename, !canEdit);
    switchOff(this.destroy, !canEdit && !unsaved);
    switchOff(this.edit, !canEdit);
  }

  #startEditing() {
    if (!this.actions.canEdit()) return;
    this.#editing = true;
    this.element.classList.add('editing');
    this.edit.value = this.#todo.title;
    this.edit.focus();
    this.edit.setSelectionRange(this.edit.value.length, this.edit.value.length);
  }

  /** Enter on a button does what the button does. */
  #onRowKey(event) {
    const wanted = event.key === 'F2' || (event.key === 'Enter' && event.target === this.toggle);
    if (!wanted || event.repeat || this.#editing) return;
    event.preventDefault();
    this.#startEditing();
  }

  #onEditKey(event) {
    if (event.isComposing || event.repeat) return;
    if (event.key === 'Enter') this.#save();
    if (event.key === 'Escape') this.#stopEditing();
    // The row would take it as the start of another edit.
    event.stopPropagation();
  }

  /** Without a writable database the text stays in its field until there is one. */
  #save() {
    if (!this.#editing || !this.actions.canEdit()) return;
    const title = this.edit.value.trim();
    this.#stopEditing();
    if (title === '') this.actions.remove(this.#todo.id);
    else if (title !== this.#todo.title) this.actions.rename(this.#todo.id, title);
  }

  /** Focus goes back to the row, unless it is the user who took it elsewhere. */
  #stopEditing() {
    const hadFocus = document.activeElement === this.edit;
    this.#editing = false;
    this.element.classList.remove('editing');
    if (hadFocus) this.toggle.focus();
    this.actions.stoppedEditing();
  }
}
