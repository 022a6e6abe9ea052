import { refuseWhatIsOff, switchOff } from './controls.js';
import { keepingFocus } from './focus.js';
import { Item } from './item.js';
import { backLine, bannerLines, itemsLeft, servedLine } from './sentences.js';
import { counts, visible } from './todos.js';

const find = (selector) => document.querySelector(selector);

/** Draws a state; knows no rules. `actions`: create(title), toggle, rename, remove, toggleAll(completed), clearCompleted(). */
export class View {
  #items = new Map();
  #state;
  #bannerShown = '';

  constructor(actions) {
    this.parts = {
      banner: find('.banner'),
      said: find('.said'),
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
    const { banner, newTodo, toggleAll, clear } = this.parts;
    refuseWhatIsOff(document.body);
    new ResizeObserver(() => keepClearOf(banner)).observe(banner);
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

  /** state: { todos, filter, canEdit, served, mode, since, reason, live, unsaved, notice, nothingRead, readFailures } */
  draw(state) {
    const { list, filters, newTodo } = this.parts;
    const others = () => [...filters.filter((link) => link.classList.contains('selected')), newTodo];
    keepingFocus({ list, others }, () => this.#draw(state));
  }

  #draw(state) {
    const backAgain = backLine(this.#state, state);
    if (backAgain !== null) setText(this.parts.said, backAgain);
    this.#state = state;
    const { main, newTodo, toggleAll, footer, clear, served } = this.parts;
    const { all, active, completed } = counts(state.todos);
    this.#drawList(visible(state.todos, state.filter), state);
    this.#drawBanner(state);
    this.#drawFilters(state.filter);

    main.hidden = all === 0 && this.#items.size === 0;
    footer.hidden = main.hidden;
    toggleAll.checked = all > 0 && active === 0;
    clear.hidden = completed === 0;
    for (const control of [newTodo, toggleAll, clear]) switchOff(control, !state.canEdit);
    this.#drawCount(active);
    setText(served, servedLine({ ...state.served, mode: state.mode }));
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

  #drawFilters(filter) {
    const hash = { all: '#/', active: '#/active', completed: '#/completed' }[filter];
    for (const link of this.parts.filters) {
      const selected = link.hash === hash;
      link.classList.toggle('selected', selected);
      if (selected) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  /** Like the banner: said each time it is touched. */
  #drawCount(active) {
    const { count } = this.parts;
    const number = document.createElement('strong');
    number.textContent = String(active);
    const words = ` ${itemsLeft(active)}`;
    if (count.textContent !== number.textContent + words) count.replaceChildren(number, words);
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What gets focus is scrolled to a place where the banner, which stays in sight, does not cover it. */
function keepClearOf(banner) {
  document.documentElement.style.scrollPaddingTop = `${banner.offsetHeight + 8}px`;
}
