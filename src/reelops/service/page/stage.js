// The one clip that is looked at: nothing yet, in the making with what is left of it, ready with its verdict, or ended.

import { api, pictureOf } from "./api.js";
import { copyCall } from "./copy.js";
import { byId, h, say, setText, twice } from "./dom.js";
import { icon } from "./icons.js";
import { anotherTake, copyOrder } from "./order.js";
import { player } from "./player.js";
import { scoreChart } from "./scores.js";
import { store } from "./store.js";
import { farAlong, untilBegun } from "./time_left.js";
import { STATES, chip, hasClip, hasEnded, lasting, modelOf, moment, seedOf, stage, standing, waits } from "./words.js";

let shown = { id: null, phase: "" };
let update = () => {};
let tell = null;

export function beginStage(show) {
  tell = show;
  setInterval(() => update(), 1000); // what is left goes down without news, too
}

const phaseOf = (job) => (!job ? "none" : hasClip(job) ? `clip ${job.sha256}` : hasEnded(job) ? job.state : "making");

// Draws the clip of that id anew where it is another one than before, or has become one; else what changes of it.
export function drawStage(id) {
  const job = id ? store.job(id) : null;
  const now = { id: job?.id ?? null, phase: phaseOf(job) };
  if (now.id !== shown.id || now.phase !== shown.phase) {
    const isNews = now.id === shown.id && shown.phase === "making";
    shown = now;
    update = () => {};
    byId("stage-body").replaceChildren(...bodyOf(job));
    if (isNews && job) say(`${STATES[job.state]}: ${job.order.prompt}`);
  }
  update();
}

function bodyOf(job) {
  if (!job) return [nothing()];
  if (hasClip(job)) return clipOf(job);
  return hasEnded(job) ? endOf(job) : making(job);
}

function nothing() {
  return h(
    "div",
    { class: "nothing" },
    h("div", { class: "frame", "aria-hidden": "true" }, icon("play")),
    h("p", { class: "lead" }, "Your clip appears here."),
    h("p", { class: "note" }, "A picture and a sentence are all it takes. Every clip is checked, and you see what was found."),
  );
}

function heading(job) {
  const facts = [modelOf(job), job.order.adapter, `seed ${seedOf(job)}`, moment(job.ended_at ?? job.created_at)];
  return h(
    "header",
    { class: "heading" },
    h("p", { class: "prompt" }, job.order.prompt),
    h("p", { class: "note" }, facts.filter(Boolean).join(" · ")),
  );
}

function making(job) {
  const bar = h("div", { class: "fill" });
  const track = h("div", { class: "track", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const what = h("p", { class: "what" });
  const left = h("p", { class: "left" });
  const picture = h("img", { src: pictureOf(job.id), alt: "The picture that the clip starts from" });
  picture.addEventListener("error", () => picture.remove());
  const cancel = h("button", { type: "button", onclick: () => doTo(job.id, "cancel") }, "Cancel");
  const hold = h("button", { type: "button" });
  hold.addEventListener("click", () => doTo(job.id, store.job(job.id)?.state === "paused" ? "resume" : "pause"));
  update = () => {
    const now = store.job(job.id);
    if (!now || hasEnded(now)) return;
    drawMaking(now, { bar, track, what, left, hold, cancel });
  };
  return [
    h("div", { class: "screen making" }, picture, h("div", { class: "over" }, h("div", { class: "row" }, what, left), track)),
    heading(job),
    h("div", { class: "buttons" }, hold, cancel),
    problemPlace(),
  ];
}

function drawMaking(job, { bar, track, what, left, hold, cancel }) {
  const isWaiting = waits(job);
  const { share, seconds } = isWaiting ? { share: 0, seconds: null } : farAlong(job, store.all());
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  track.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  track.classList.toggle("waits", isWaiting || job.state === "unknown");
  hold.hidden = !isWaiting;
  setText(hold, job.state === "paused" ? "Resume" : "Pause");
  cancel.disabled = job.cancel_asked;
  setText(cancel, job.cancel_asked ? "Cancelling…" : "Cancel");
  setText(what, whatOf(job));
  if (isWaiting) setText(left, untilWords(job));
  else if (job.state === "unknown") setText(left, "");
  else setText(left, seconds === null ? "" : seconds < 1.5 ? "nearly done" : `about ${lasting(seconds)} left`);
  track.setAttribute("aria-valuetext", `${what.textContent} ${left.textContent}`.trim());
}

function whatOf(job) {
  if (job.state === "unknown") return "The machine that makes it is not heard of; it is made again if that stays so";
  if (job.state === "paused") return "Paused";
  if (job.state === "waiting") {
    const place = store.line().findIndex((one) => one.id === job.id);
    const again = job.tries ? "Rejected once; waits for another seed. " : "";
    return `${again}${place > 0 ? `Number ${place + 1} in line` : "Next in line"}`;
  }
  if (job.cancel_asked) return "Cancelling";
  const { progress } = job;
  const counted = progress?.unit && progress.total > 1 ? `, ${progress.unit.replace(/s$/, "")} ${Math.min(progress.done + 1, progress.total)} of ${progress.total}` : "";
  return `${stage(progress)}${counted}`;
}

function untilWords(job) {
  if (job.state === "paused") return "";
  const running = store.all().filter((one) => one.state === "running");
  const seconds = untilBegun(job, store.line(), running, store.all());
  return seconds === null ? "" : seconds < 3 ? "begins at once" : `begins in about ${lasting(seconds)}`;
}

function clipOf(job) {
  const screen = player(job, job.order.prompt);
  const found = h("div", { class: "found", "aria-busy": "true" });
  const title = standing(job) === "accept" ? "Good to use" : standing(job) === "review" ? "Look at it before you use it" : "Not good enough";
  const verdict = h("div", { class: `verdict ${standing(job)}` }, chip(job), h("strong", {}, title));
  loadScores(job, screen, found);
  return [
    screen.element,
    verdict,
    heading(job),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "main", onclick: () => again(job) }, "Another take"),
      h("a", { class: "button", href: `${job.mp4_path}?download=true`, download: "" }, "Download"),
      h("button", { type: "button", onclick: () => copyOrder(job) }, "Change it"),
      h("button", { type: "button", onclick: () => compareWith(job) }, "Compare"),
      h("button", { type: "button", onclick: (event) => copyCall(job, event.currentTarget) }, "Copy API call"),
      twice("Delete", "Press again to delete", () => remove(job.id), { class: "quiet" }),
    ),
    problemPlace(),
    found,
  ];
}

async function loadScores(job, screen, found) {
  try {
    const scores = await api.scores(job.id);
    found.replaceChildren(...[reasons(scores, screen), scoreChart(scores), notes(scores)].filter(Boolean));
  } catch (error) {
    const told = job.reasons.map((text) => h("li", {}, h("p", {}, text)));
    found.replaceChildren(...[told.length && h("ul", { class: "reasons" }, told), h("p", { class: "note" }, error.message)].filter(Boolean));
  } finally {
    found.removeAttribute("aria-busy");
  }
}

const isSomewhere = (place) => place && (place.frame !== null || place.since !== null || place.box !== null);

function reasons(scores, screen) {
  if (!scores.reasons.length) return h("p", { class: "note" }, "Nothing speaks against it.");
  const list = scores.reasons.map((reason) => {
    const at = (reason.place?.frame ?? reason.place?.since ?? 0) / scores.fps;
    const show = () => {
      screen.show(reason.place, scores.fps);
      screen.element.scrollIntoView({ block: "nearest" });
    };
    const seek = isSomewhere(reason.place) && h("button", { type: "button", class: "seek", onclick: show }, `Show at ${at.toFixed(1)} s`);
    return h("li", { class: reason.decision }, h("p", {}, reason.text), seek);
  });
  return h("div", {}, h("h3", {}, scores.verdict === "reject" ? "Why it was rejected" : "What to look at"), h("ul", { class: "reasons" }, list));
}

function notes(scores) {
  if (!scores.notes.length) return null;
  return h("details", { class: "notes" }, h("summary", {}, "How it was made"), h("ul", {}, scores.notes.map((one) => h("li", {}, one))));
}

function endOf(job) {
  const words = job.state === "cancelled" ? "You cancelled this clip." : job.reason || "It could not be made.";
  return [
    h("div", { class: "screen ended" }, h("img", { src: pictureOf(job.id), alt: "The picture that the clip would have started from" })),
    h("div", { class: `verdict ${job.state}` }, chip(job), h("span", {}, words)),
    heading(job),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "main", onclick: () => doTo(job.id, "retry") }, "Try again"),
      h("button", { type: "button", onclick: () => copyOrder(job) }, "Change it"),
      twice("Delete", "Press again to delete", () => remove(job.id), { class: "quiet" }),
    ),
    problemPlace(),
  ];
}

const problemPlace = () => h("p", { class: "problem", id: "stage-problem", role: "alert", hidden: true });

function told(error) {
  const place = byId("stage-problem");
  if (!place) return;
  setText(place, error.message);
  place.hidden = false;
}

async function doTo(id, what) {
  try {
    await store.act(api[what](id));
    store.refresh();
  } catch (error) {
    told(error);
  }
}

async function again(job) {
  try {
    tell((await anotherTake(job)).id);
  } catch (error) {
    told(error);
  }
}

async function remove(id) {
  try {
    await api.remove(id);
    store.drop(id);
    say("Deleted.");
    tell(null);
  } catch (error) {
    told(error);
  }
}

// The clip beside another one: of the same sentence where there is one, else the one before it.
function compareWith(job) {
  const others = store.all().filter((other) => other.id !== job.id && hasClip(other));
  const like = others.find((other) => other.order.prompt === job.order.prompt) ?? others[0];
  location.hash = like ? `#/compare/${like.id}/${job.id}` : "#/clips";
}
