// Two clips, blind: which is better, and which would be used. Nothing of their names or scores is shown.

import { api } from "./api.js";
import { byId, h, say, setText } from "./dom.js";
import { plural } from "./words.js";

const KEYS = { ArrowLeft: "left", ArrowRight: "right", " ": "same" };
const USABLE = { a: "left", l: "right" };
let pair = null;
let usable = {};
let sending = false;
let isOpen = false;

export function openVote() {
  if (isOpen) return;
  isOpen = true;
  document.addEventListener("keydown", press);
  next();
}

export function closeVote() {
  if (!isOpen) return;
  isOpen = false;
  pair = null;
  document.removeEventListener("keydown", press);
  byId("vote-body").replaceChildren();
}

async function next() {
  try {
    show(await api.pair());
  } catch (error) {
    byId("vote-body").replaceChildren(h("p", { class: "told reject", role: "alert" }, error.message), h("button", { type: "button", onclick: next }, "Try again"));
  }
}

function show(given) {
  if (!isOpen) return;
  pair = given.left ? given : null;
  const said = given.votes ? `${plural(given.votes, "vote")} of yours so far. ` : "";
  if (!pair) {
    const words = given.votes ? `${said}You have seen every pair. Thank you.` : "Voting takes two clips at least. Make another one.";
    byId("vote-body").replaceChildren(h("p", { class: "empty" }, words));
    return;
  }
  const message = h("p", { class: "problem", role: "alert", hidden: true });
  pair.message = message;
  const answers = [["left", "The left one", "←"], ["same", "Neither", "Space"], ["right", "The right one", "→"]];
  byId("vote-body").replaceChildren(
    h("p", { class: "note" }, `${said}You see neither names nor scores. ${plural(given.pairs, "pair")} to go.`),
    h("div", { class: "pair" }, side("left", "A"), side("right", "L")),
    h("div", { class: "answers" }, answers.map(([better, words, key]) => h("button", { type: "button", onclick: () => vote(better) }, `${words} `, h("kbd", {}, key)))),
    message,
  );
}

function side(which, key) {
  const box = h("input", { type: "checkbox" });
  usable[which] = box;
  const video = h("video", { src: pair[which], autoplay: true, loop: true, muted: true, playsinline: true, controls: true, "aria-label": `The ${which} clip` });
  return h("figure", {}, h("div", { class: "screen" }, video), h("label", {}, box, " I would use this one ", h("kbd", {}, key)));
}

async function vote(better) {
  if (!pair || sending) return;
  sending = true;
  try {
    const { left, right } = pair;
    const answer = { left, right, better, left_usable: usable.left.checked, right_usable: usable.right.checked };
    show(await api.vote(answer));
    say("Kept. The next pair.");
  } catch (error) {
    setText(pair.message, `Not kept: ${error.message}`);
    pair.message.hidden = false;
  } finally {
    sending = false;
  }
}

function press(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !pair) return;
  if (event.target.closest?.("video, input[type=text], textarea, select")) return;
  const which = USABLE[event.key.toLowerCase()];
  if (which) usable[which].checked = !usable[which].checked;
  else if (event.key in KEYS && !(event.key === " " && event.target.closest?.("button, input, a"))) {
    event.preventDefault();
    vote(KEYS[event.key]);
  }
}
