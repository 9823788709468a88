// The form: sentence, settings, and the button. Whatever the service refuses is said beside what it speaks of.

import { api, Problem } from "./api.js";
import { byId, h, keyed, say, setText } from "./dom.js";
import { draft, sentences } from "./memory.js";
import { picture } from "./picture.js";
import { askForPlan } from "./plan.js";
import { store } from "./store.js";
import { modelOf, plural } from "./words.js";

const MOST_SEED = 4294967295;
const EMPTY = { adapter: "", recipe: "", size: "", fit: "crop", seconds: "", seed: "", detail: "", quality: "", adapter_strength: "", negative_prompt: "" };
const SENDING = "Sending…";
const form = () => byId("order");
const prompt = () => byId("prompt");
const takes = () => Number(byId("takes").value);
let facts = null;
let sending = false;
let keys = { what: "", made: [] }; // the same order sent again is the same job

export function beginOrder(given, show) {
  facts = given;
  restore(draft.read());
  picture.begin(given.limits, () => {
    setText(byId("go"), words());
    problem("picture", "");
    askForPlan();
  });
  form().addEventListener("input", changed);
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    send(show);
  });
  prompt().addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form().requestSubmit();
  });
  for (const pill of document.querySelectorAll("[data-move]")) pill.addEventListener("click", () => sayMove(pill.dataset.move));
  byId("press").addEventListener("change", wordForPress);
  byId("earlier").addEventListener("click", () => fold(byId("sentences").hidden));
  drawSentences();
  changed();
}

// The form as another clip's order had it, for a change or two.
export async function copyOrder(job) {
  const order = job.order;
  restore({ ...EMPTY, ...order, seed: "", profile: modelOf(job), takes: "1" });
  changed();
  try {
    await picture.take(await pictureFileOf(job));
  } catch (error) {
    problem("picture", error.message);
  }
  form().scrollIntoView({ block: "start" });
  prompt().focus();
}

// The same order with another seed: a further take of a clip.
export async function anotherTake(job) {
  const data = new FormData();
  data.set("image", await pictureFileOf(job));
  const { picture: _shown, ...fields } = job.order;
  for (const [name, value] of Object.entries(fields)) if (value !== null) data.set(name, value);
  data.set("seed", randomSeed());
  return store.act(api.generate(data, newKey()));
}

async function pictureFileOf(job) {
  const blob = await api.picture(job.id);
  return new File([blob], job.order.picture.name || "picture", { type: blob.type });
}

const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
const newKey = () => `page-${Date.now()}-${randomSeed()}`;
const words = () => (sending ? SENDING : takes() > 1 ? `Make ${takes()} clips` : "Make the clip");

function restore(values) {
  for (const element of form().elements) {
    const name = element.name || element.id;
    if (!name || element.type === "file" || element.type === "submit" || !(name in values)) continue;
    const value = values[name] ?? "";
    if (element.type === "radio") element.checked = element.value === value;
    else if (element.tagName !== "SELECT" || [...element.options].some((one) => one.value === String(value))) element.value = value;
  }
}

function changed() {
  const kept = { takes: byId("takes").value };
  for (const element of form().elements) {
    if (element.name && (element.type !== "radio" || element.checked)) kept[element.name] = element.value;
  }
  draft.write(kept);
  setText(byId("go"), words());
  problem("prompt", "");
  problem("order", "");
  for (const pill of document.querySelectorAll("[data-move]")) {
    pill.setAttribute("aria-pressed", String(prompt().value.toLowerCase().includes(pill.dataset.move)));
  }
  askForPlan();
}

// A camera move goes to the end of the sentence, in place of another one; pressed again, it goes.
function sayMove(move) {
  const text = prompt().value;
  const had = text.toLowerCase().includes(move);
  const pattern = new RegExp(`[,;]?\\s*\\b(?:slow |fast )?(?:${facts.moves.join("|")})\\b`, "gi");
  const bare = text.replace(pattern, "").trim();
  const ending = bare.match(/[.!?]$/)?.[0] ?? "";
  const stem = ending ? bare.slice(0, -1) : bare;
  prompt().value = had ? bare : `${stem}${stem ? ", " : ""}${move}${ending}`;
  changed();
}

// The sentence in the words of a press picture's caption; chosen again, in those of another desk.
function wordForPress() {
  const [before, after] = facts.press.split("{subject}: {caption}");
  let text = prompt().value.trim();
  if (text.startsWith(before) && text.includes(": ")) text = text.slice(text.indexOf(": ") + 2);
  if (text.endsWith(after)) text = text.slice(0, -after.length);
  const subject = byId("press").value;
  if (subject) {
    text = text.charAt(0).toUpperCase() + text.slice(1);
    if (text && !/[.!?]$/.test(text)) text += ".";
    text = `${before}${subject}: ${text}${after}`;
  }
  prompt().value = text;
  changed();
}

function drawSentences() {
  const all = sentences.all();
  byId("earlier").hidden = !all.length;
  keyed(byId("sentences"), all, (one) => one, (one) => {
    const use = () => {
      prompt().value = one;
      fold(false);
      changed();
      prompt().focus();
    };
    return h("li", {}, h("button", { type: "button", class: "link", onclick: use }, one));
  });
}

function fold(open) {
  byId("sentences").hidden = !open;
  byId("earlier").setAttribute("aria-expanded", String(open));
}

function problem(which, text) {
  const place = byId(`${which}-problem`);
  setText(place, text);
  place.hidden = !text;
  if (which === "prompt") prompt().setAttribute("aria-invalid", String(Boolean(text)));
}

function isComplete() {
  const lacking = !picture.file() ? byId("image") : !prompt().value.trim() ? prompt() : null;
  if (!picture.file()) problem("picture", "A clip starts from a picture: choose one.");
  if (!prompt().value.trim()) problem("prompt", "Say in a sentence what should happen, such as “slow zoom in”.");
  lacking?.focus();
  return !lacking;
}

// What is sent for each take.
function orders() {
  const fields = new FormData();
  for (const element of form().elements) {
    if (!element.name || element.type === "file" || (element.type === "radio" && !element.checked)) continue;
    if (element.value.trim() !== "") fields.set(element.name, element.value.trim());
  }
  const given = fields.get("seed");
  const first = given === null ? null : Number(given);
  const what = JSON.stringify([...fields, picture.stamp(), takes()]);
  if (keys.what !== what) {
    const seeds = Array.from({ length: takes() }, (_, take) => (first === null ? randomSeed() : (first + take) % (MOST_SEED + 1)));
    keys = { what, made: seeds.map((seed) => ({ seed, key: newKey(), job: null })) };
  }
  return keys.made.map((one) => {
    const data = new FormData();
    data.set("image", picture.file());
    for (const [name, value] of fields) data.set(name, value);
    data.set("seed", one.seed);
    return { ...one, data, note: (job) => (one.job = job) };
  });
}

async function send(show) {
  if (sending || !isComplete()) return;
  sending = true;
  byId("go").disabled = true;
  setText(byId("go"), words());
  const made = [];
  try {
    for (const order of orders()) {
      const job = order.job ?? (await store.act(api.generate(order.data, order.key)));
      order.note(job);
      made.push(job);
    }
    sentences.add(prompt().value.trim());
    keys = { what: "", made: [] };
    drawSentences();
    say(`${plural(made.length, "clip")} in line.`);
    show(made[0].id);
  } catch (error) {
    refused(error);
  } finally {
    sending = false;
    byId("go").disabled = false;
    setText(byId("go"), words());
  }
}

function refused(error) {
  if (!(error instanceof Problem)) {
    problem("order", error.message);
    return;
  }
  const field = error.errors[0]?.field ?? "";
  const ofPicture = ["image", "picture"].includes(field) || error.kind === "too-large";
  const where = ofPicture ? "picture" : field === "prompt" ? "prompt" : "order";
  problem(where, error.message);
  byId(`${where}-problem`).scrollIntoView({ block: "nearest" });
}
