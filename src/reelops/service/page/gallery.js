// All clips: found by words, verdict and model; two of them chosen to be compared.

import { card } from "./cards.js";
import { byId, h, keyed, setText } from "./dom.js";
import { store } from "./store.js";
import { hasClip, hasEnded, modelOf, plural, standing, word } from "./words.js";

const SHOWN = ["accept", "review", "reject", "failed", "cancelled"];
const wanted = { text: "", standings: new Set(), model: "" };
let chosen = [];

export function beginGallery() {
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("find").addEventListener("input", (event) => {
    wanted.text = event.target.value.trim().toLowerCase();
    drawGallery();
  });
  byId("of-model").addEventListener("change", (event) => {
    wanted.model = event.target.value;
    drawGallery();
  });
  byId("more-clips").addEventListener("click", () => store.more().catch((error) => setText(byId("count"), error.message)));
  byId("compare-them").addEventListener("click", () => {
    location.hash = `#/compare/${chosen.join("/")}`;
  });
  byId("choose-none").addEventListener("click", () => {
    chosen = [];
    drawGallery();
  });
}

const fits = (job) =>
  (!wanted.text || job.order.prompt.toLowerCase().includes(wanted.text)) && (!wanted.model || modelOf(job) === wanted.model);

export function drawGallery() {
  const all = store.all().filter(hasEnded);
  const found = all.filter(fits);
  drawStandings(found);
  drawModels(all);
  const shown = found.filter((job) => !wanted.standings.size || wanted.standings.has(standing(job)));
  chosen = chosen.filter((id) => store.job(id));
  keyed(byId("cards"), shown, (job) => job.id, (job) => choosable(job));
  setText(byId("count"), shown.length === all.length ? plural(all.length, "clip") : `${shown.length} of ${plural(all.length, "clip")}`);
  const none = byId("no-cards");
  none.hidden = shown.length > 0;
  setText(none, all.length ? "No clip is like that." : "There is no clip yet. Make the first one.");
  byId("more-clips").hidden = !store.hasMore();
  byId("chosen").hidden = chosen.length === 0;
  byId("compare-them").disabled = chosen.length !== 2;
  setText(byId("chosen-words"), chosen.length === 1 ? "Choose one more to compare" : "2 clips chosen");
}

function choosable(job) {
  const box = h("input", { type: "checkbox" });
  box.addEventListener("change", () => {
    chosen = chosen.filter((id) => id !== job.id);
    if (box.checked) chosen = [...chosen.slice(-1), job.id]; // a third one takes the place of the first
    drawGallery();
  });
  const label = h("label", { class: "choose-it" }, box, " Compare", h("span", { class: "hidden" }, `: ${job.order.prompt}`));
  const element = card(job, () => label);
  element.refresh = (now) => {
    box.checked = chosen.includes(now.id);
    label.hidden = !hasClip(now);
    element.classList.toggle("is-chosen", box.checked);
  };
  return element;
}

function drawStandings(found) {
  const counts = new Map();
  for (const job of found) counts.set(standing(job), (counts.get(standing(job)) ?? 0) + 1);
  const shown = SHOWN.filter((how) => counts.has(how) || wanted.standings.has(how));
  keyed(byId("standings"), shown, (how) => how, (how) => {
    const button = h("button", { type: "button", class: "pill", "aria-pressed": "false" });
    button.addEventListener("click", () => {
      if (!wanted.standings.delete(how)) wanted.standings.add(how);
      drawGallery();
    });
    button.update = () => button.setAttribute("aria-pressed", String(wanted.standings.has(how)));
    return button;
  });
  for (const button of byId("standings").children) {
    setText(button, `${word(button.dataset.key)} ${counts.get(button.dataset.key) ?? 0}`);
  }
}

function drawModels(all) {
  const models = [...new Set(all.map(modelOf))].sort();
  const select = byId("of-model");
  const known = [...select.options].slice(1).map((one) => one.value);
  select.closest("label").hidden = models.length < 2 && !wanted.model;
  if (models.join("\n") === known.join("\n")) return;
  select.replaceChildren(h("option", { value: "" }, "any"), ...models.map((one) => h("option", { value: one }, one)));
  select.value = wanted.model;
}
