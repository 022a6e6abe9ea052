const template = document.createElement('template');
template.innerHTML = `
  <li>
    <div class="view">
      <input class="toggle" type="checkbox" aria-label="Done" />
      <label></label>
      <button class="destroy" type="button" aria-label="Remove"></button>
    </div>
    <input class="edit" aria-label="Edit todo" maxlength="500" autocomplete="off" />
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
    this.destroy = find('.destroy');
    this.edit = find('.edit');
    this.actions = actions;

    this.toggle.addEventListener('change', () => actions.toggle(this.#todo.id, this.toggle.checked));
    this.destroy.addEventListener('click', () => actions.remove(this.#todo.id));
    this.label.addEventListener('dblclick', () => this.#startEditing());
    this.edit.addEventListener('keydown', (event) => this.#onKey(event));
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
    this.toggle.checked = todo.completed;
    this.allow(canEdit, todo.unsaved);
  }

  /** The edit field keeps focus and caret; it only takes no more keys. What was never stored can be taken back. */
  allow(canEdit, unsaved = this.#todo.unsaved) {
    this.toggle.disabled = !canEdit;
    this.destroy.disabled = !canEdit && !unsaved;
    this.edit.readOnly = !canEdit;
    this.edit.setAttribute('aria-disabled', String(!canEdit));
  }

  #startEditing() {
    if (!this.actions.canEdit()) return;
    this.#editing = true;
    this.element.classList.add('editing');
    this.edit.value = this.#todo.title;
    this.edit.focus();
    this.edit.setSelectionRange(this.edit.value.length, this.edit.value.length);
  }

  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter') this.#save();
    if (event.key === 'Escape') this.#stopEditing();
  }

  /** Without a writable database the text stays in its field until there is one. */
  #save() {
    if (!this.#editing || !this.actions.canEdit()) return;
    const title = this.edit.value.trim();
    this.#stopEditing();
    if (title === '') this.actions.remove(this.#todo.id);
    else if (title !== this.#todo.title) this.actions.rename(this.#todo.id, title);
  }

  #stopEditing() {
    this.#editing = false;
    this.element.classList.remove('editing');
    this.actions.stoppedEditing();
  }
}
