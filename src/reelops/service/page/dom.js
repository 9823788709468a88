// Elements made and kept in order: what the rest of the page draws with.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "checked" || name === "value" || name === "muted") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// h("button", { class: "link", onclick: press }, "Words"): what is null or false is left out.
export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

// The children of a container become those of the items, in their order; an item that stays keeps its element, so that
// focus, players and what is being dragged are not lost. `make` gives an element, whose `update` gets the item.
export function keyed(container, items, keyOf, make) {
  const there = new Map([...container.children].map((element) => [element.dataset.key, element]));
  let place = container.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = there.get(key);
    if (element) there.delete(key);
    else {
      element = make(item);
      element.dataset.key = key;
    }
    element.update?.(item);
    if (element === place) place = place.nextElementSibling;
    else container.insertBefore(element, place);
  }
  for (const element of there.values()) element.remove();
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Whether nothing should move by itself.
export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let last = 0;

// Said by a screen reader, without a change to be seen.
export function say(text) {
  const said = byId("said");
  last += 1;
  said.textContent = last % 2 ? text : `${text}\u00a0`; // the same words again are said again
}

// A button that asks once more before it does what cannot be undone.
export function twice(words, again, act, attributes = {}) {
  let timer = 0;
  const calm = () => {
    clearTimeout(timer);
    timer = 0;
    setText(button, words);
    button.classList.remove("sure");
  };
  const press = () => {
    if (timer) {
      calm();
      act();
      return;
    }
    setText(button, again);
    button.classList.add("sure");
    timer = setTimeout(calm, 4000);
  };
  const button = h("button", { type: "button", ...attributes, onclick: press, onblur: calm }, words);
  return button;
}
