import { Item } from './item.js';
import { bannerLines, itemsLeft, servedLine } from './sentences.js';
import { counts, visible } from './todos.js';

const find = (selector) => document.querySelector(selector);

/** Draws a state; knows no rules. `actions`: create(title), toggle, rename, remove, toggleAll(completed), clearCompleted(). */
export class View {
  #items = new Map();
  #state;
  #bannerShown = '';
  #caret = null;

  constructor(actions) {
    this.parts = {
      banner: find('.banner'),
      newTodo: find('.new-todo'),
      main: find('.main'),
      toggleAll: find('.toggle-all'),
      list: find('.todo-list'),
      footer: find('.footer'),
      count: find('.todo-count'),
      filters: [...document.querySelectorAll('.filters a')],
      clear: find('.clear-completed'),
      served: find('.served'),
    };
    this.itemActions = {
      ...actions,
      canEdit: () => this.#state.canEdit,
      stoppedEditing: () => this.draw(this.#state),
    };
    const { newTodo, toggleAll, clear } = this.parts;
    newTodo.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing || !this.#state.canEdit) return;
      const title = newTodo.value.trim();
      if (title === '') return;
      newTodo.value = '';
      actions.create(title);
    });
    toggleAll.addEventListener('change', () => actions.toggleAll(toggleAll.checked));
    clear.addEventListener('click', () => actions.clearCompleted());
  }

  /** state: { todos, filter, canEdit, served, mode, since, reason, live, unsaved, notice } */
  draw(state) {
    this.#state = state;
    const { main, toggleAll, footer, count, filters, clear, served } = this.parts;
    const { all, active, completed } = counts(state.todos);
    this.#drawList(visible(state.todos, state.filter), state);
    this.#drawBanner(state);
    this.#allowTyping(state.canEdit);

    main.hidden = all === 0 && this.#items.size === 0;
    footer.hidden = main.hidden;
    toggleAll.checked = all > 0 && active === 0;
    toggleAll.disabled = !state.canEdit;
    const number = document.createElement('strong');
    number.textContent = String(active);
    count.replaceChildren(number, ` ${itemsLeft(active)}`);
    for (const link of filters) {
      const selected =
        link.hash === { all: '#/', active: '#/active', completed: '#/completed' }[state.filter];
      link.classList.toggle('selected', selected);
      if (selected) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    clear.hidden = completed === 0;
    clear.disabled = !state.canEdit;
    served.textContent = servedLine({ ...state.served, mode: state.mode });
  }

  /** Puts a text back that could not be stored, unless something else has been typed since. */
  giveBack(title) {
    const { newTodo } = this.parts;
    if (newTodo.value === '') newTodo.value = title;
  }

  /** Rows are kept and only moved when they must: a moved row would lose focus. */
  #drawList(todos, { canEdit }) {
    const { list } = this.parts;
    const wanted = new Set(todos.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      if (wanted.has(id)) continue;
      item.allow(canEdit);
      if (item.editing) continue;
      item.element.remove();
      this.#items.delete(id);
    }
    let next = list.firstElementChild;
    for (const todo of todos) {
      const item = this.#items.get(todo.id) ?? new Item(todo, this.itemActions);
      this.#items.set(todo.id, item);
      item.update(todo, { canEdit });
      while (next && !wanted.has(next.dataset.id)) next = next.nextElementSibling;
      if (item.element === next) next = next.nextElementSibling;
      else list.insertBefore(item.element, next);
    }
  }

  /** Touched only when its text changes: a screen reader reads it out each time. */
  #drawBanner(state) {
    const lines = bannerLines(state, new Date());
    const shown = JSON.stringify(lines);
    if (shown === this.#bannerShown) return;
    this.#bannerShown = shown;
    this.parts.banner.replaceChildren(
      ...lines.map(({ tone, waiting, title, text, detail }) => {
        const line = document.createElement('p');
        line.className = waiting ? `${tone} waiting` : tone;
        const strong = document.createElement('strong');
        strong.textContent = `${title}. `;
        line.append(strong, text);
        if (detail) {
          const small = document.createElement('small');
          small.textContent = `Why: ${detail}`;
          line.append(small);
        }
        return line;
      }),
    );
  }

  /** A disabled field loses the caret; it gets it back with the right to write, unless the user went elsewhere. */
  #allowTyping(canEdit) {
    const { newTodo } = this.parts;
    if (newTodo.disabled === !canEdit) return;
    if (!canEdit) {
      const hadFocus = document.activeElement === newTodo;
      this.#caret = hadFocus ? [newTodo.selectionStart, newTodo.selectionEnd] : null;
      newTodo.disabled = true;
      return;
    }
    newTodo.disabled = false;
    if (
      this.#caret !== null &&
      (document.activeElement === null || document.activeElement === document.body)
    ) {
      newTodo.focus();
      newTodo.setSelectionRange(...this.#caret);
    }
  }
}
