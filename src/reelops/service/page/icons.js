// Signs that no font need have.

import { svg } from "./dom.js";

const PATHS = {
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.5v13l10.5-6.5z",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  back: "M14.5 6l-6 6 6 6",
  on: "M9.5 6l6 6-6 6",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
};

export const icon = (name) =>
  svg("svg", { class: `sign sign-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] }));

// Draws another sign into an element, where it is another one.
export function setIcon(element, name) {
  if (element.firstElementChild?.classList.contains(`sign-${name}`)) return;
  element.replaceChildren(icon(name));
}
