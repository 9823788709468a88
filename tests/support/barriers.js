// What would shut somebody out of a page as it is shown, as sentences: what axe-core calls serious, by WCAG 2.2.
() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const barriers = [];

  // 1.4.3: every text has 4.5 to 1 on the nearest ground behind it that is not see-through.
  const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const [r, g, b, a] = numbers(getComputedStyle(one).backgroundColor);
      if (a > 230) return [r, g, b];
    }
    return [255, 255, 255];
  };
  for (const element of shown("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join("").trim();
    if (!text || element.closest("svg, script, .over, option, .hidden, :disabled")) continue; // .over lies on a picture
    const [one, other] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) barriers.push(`"${text.slice(0, 40)}" has a contrast of ${contrast.toFixed(2)}`);
  }

  // 1.3.1, 4.1.2: what refers to another element finds it, and finds one.
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) barriers.push(`two of #${id}`);
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const one of document.querySelectorAll(`[${name}]`)) {
      const missing = one.getAttribute(name).split(" ").filter((id) => !document.getElementById(id));
      if (missing.length) barriers.push(`${name} names no ${missing}`);
    }
  }
  for (const list of document.querySelectorAll("ul, ol")) {
    if ([...list.children].some((one) => one.tagName !== "LI")) barriers.push("a list of other things");
  }

  // 1.1.1, 2.4.1, 2.4.3, 3.1.1: texts for pictures, landmarks, one first heading, the order of the page, its language.
  for (const one of document.querySelectorAll("img:not([alt])")) barriers.push(`no text for ${one.src}`);
  for (const tag of ["main", "h1"]) if (shown(tag).length !== 1) barriers.push(`${shown(tag).length} of ${tag}`);
  for (const one of document.querySelectorAll("[tabindex]")) if (one.tabIndex > 0) barriers.push("an order of its own");
  if (!document.documentElement.lang) barriers.push("no language");

  // 2.5.8: 24 pixels at least for what is pressed, unless it stands in a line of text; 1.4.10: no sideways scroll.
  for (const one of shown("button, a[href], input:not(.hidden), select, textarea, summary")) {
    const { width, height } = one.getBoundingClientRect();
    const inText = one.closest("p, li, label, .row") || one.matches(".link, .like-link");
    if (width && Math.min(width, height) < 24 && !inText) barriers.push(`${one.outerHTML.slice(0, 60)} is ${width}x${height}`);
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) barriers.push(`${wide} pixels wide on ${innerWidth}`);
  return barriers;
}
