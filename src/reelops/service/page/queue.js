// The line: what is made at the moment and what waits, moved by hand or by buttons, paused, cancelled.

import { api, pictureOf } from "./api.js";
import { byId, h, keyed, say, setText } from "./dom.js";
import { icon, setIcon } from "./icons.js";
import { store } from "./store.js";
import { farAlong } from "./time_left.js";
import { STATES, hasEnded, lasting, stage, waits } from "./words.js";

let dragged = null;

export function drawQueue() {
  const all = store.all();
  const running = all.filter((job) => !hasEnded(job) && !waits(job)).reverse();
  const line = store.line();
  byId("queue").hidden = running.length + line.length === 0;
  if (dragged) return; // rows do not jump from under a finger
  keyed(byId("line"), [...running, ...line], (job) => job.id, row);
}

function row(job) {
  const { id } = job;
  const state = h("span", { class: "state" });
  const picture = h("img", { src: pictureOf(id), alt: "", loading: "lazy" });
  picture.addEventListener("error", () => picture.removeAttribute("src"));
  const button = (sign, words, press) =>
    h("button", { type: "button", class: "icon", title: words, "aria-label": `${words}: ${job.order.prompt}`, onclick: press }, icon(sign));
  const up = button("up", "Earlier", () => step(id, -1));
  const down = button("down", "Later", () => step(id, 1));
  const hold = h("button", { type: "button", class: "icon", onclick: () => act(id, store.job(id)?.state === "paused" ? "resume" : "pause") });
  const cancel = button("close", "Cancel", () => act(id, "cancel"));
  const grip = h("span", { class: "grip", title: "Drag to another place", "aria-hidden": "true" }, icon("grip"));
  const link = h("a", { href: `#/clip/${id}` }, job.order.prompt);
  const element = h("li", { class: "job" }, grip, picture, h("div", { class: "about" }, link, state), h("div", { class: "icons" }, up, down, hold, cancel));
  grip.addEventListener("pointerdown", (event) => drag(event, element));
  element.update = (given) => {
    const now = store.job(given.id) ?? given;
    const isWaiting = waits(now);
    element.dataset.state = now.state;
    const line = store.line();
    const place = line.findIndex((one) => one.id === id);
    up.hidden = down.hidden = hold.hidden = !isWaiting;
    grip.classList.toggle("gone", !isWaiting || line.length < 2);
    up.disabled = place <= 0;
    down.disabled = place === line.length - 1;
    const words = now.state === "paused" ? "Resume" : "Pause";
    setIcon(hold, now.state === "paused" ? "play" : "pause");
    hold.title = words;
    hold.setAttribute("aria-label", `${words}: ${now.order.prompt}`);
    cancel.disabled = now.cancel_asked;
    setText(state, stateOf(now));
  };
  return element;
}

function stateOf(job) {
  if (job.cancel_asked) return "Cancelling…";
  if (job.state !== "running") return job.tries && job.state === "waiting" ? "Rejected; another seed is tried" : STATES[job.state];
  const { seconds } = farAlong(job, store.all());
  return `${stage(job.progress)}${seconds === null ? "" : ` · about ${lasting(seconds)}`}`;
}

async function act(id, what) {
  try {
    await store.act(api[what](id));
    await store.refresh();
    if (what !== "cancel") return;
    say("Cancelled.");
  } catch (error) {
    say(error.message);
    store.refresh();
  }
}

// Before the one before it, or before the one after the next.
function step(id, by) {
  const line = store.line();
  const at = line.findIndex((job) => job.id === id);
  const before = by < 0 ? line[at - 1] : line[at + 2];
  move(id, before?.id ?? null, at + by);
}

async function move(id, before, place) {
  const focused = document.activeElement;
  try {
    await store.act(api.move(id, before));
    await store.refresh();
    say(`Number ${place + 1} in line.`);
  } catch (error) {
    say(error.message);
    await store.refresh();
  }
  drawQueue();
  const row = focused.closest?.("li");
  if (focused.disabled) row?.querySelector("button:enabled")?.focus();
}

// A row follows the pointer from place to place among those that wait, and the service is told where it was let go.
function drag(event, element) {
  if (event.button !== 0) return;
  event.preventDefault();
  dragged = element;
  element.classList.add("dragged");
  const list = element.parentNode;
  const waiting = () => [...list.children].filter((one) => waits(store.job(one.dataset.key) ?? {}));
  const follow = (moved) => {
    const others = waiting().filter((one) => one !== element);
    const after = others.find((one) => {
      const box = one.getBoundingClientRect();
      return moved.clientY < box.top + box.height / 2;
    });
    if (after) list.insertBefore(element, after);
    else others.at(-1)?.after(element);
  };
  const end = (ended) => {
    for (const [name, act] of heard) removeEventListener(name, act);
    element.classList.remove("dragged");
    dragged = null;
    const rows = waiting();
    const place = rows.indexOf(element);
    const id = element.dataset.key;
    const was = store.line().findIndex((job) => job.id === id);
    if (ended.type === "pointerup" && place !== was) move(id, rows[place + 1]?.dataset.key ?? null, place);
    else drawQueue();
  };
  // By the window: an element that changes its place loses the pointer that it had captured.
  const heard = [["pointermove", follow], ["pointerup", end], ["pointercancel", end]];
  for (const [name, act] of heard) addEventListener(name, act);
}
