/** DOM helpers: keyed lists that are updated in place, so that focus and selection survive; events. */

/**
 * Make the children of `parent` match `items`; `key`, `make` and `update` take an item. Children are removed first,
 * because moving the others past them would lose the focus.
 */
export function reconcile(parent, items, { key, make, update }) {
  const wanted = new Set(items.map(key));
  const old = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) old.set(child.dataset.key, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let child = old.get(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

export const emit = (element, name, detail) =>
  element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
