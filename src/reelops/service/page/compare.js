// Two clips side by side: one transport moves both, frame by frame where that is wanted.

import { api } from "./api.js";
import { byId, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { chip, hasClip, modelOf, moment, number, seedOf } from "./words.js";

const FAR_SECONDS = 0.06;
const SPEEDS = [1, 0.5, 0.25];
let now = null; // what is compared, and how it is ended

export function endCompare() {
  now?.end();
  now = null;
}

export async function drawCompare(ids) {
  const name = ids.join("/");
  if (now?.name === name) return;
  endCompare();
  const here = (now = { name, end: () => {} });
  const body = byId("compare-body");
  try {
    const pair = await Promise.all(ids.map(async (id) => store.job(id) ?? (await store.fetch(id))));
    if (here !== now) return;
    if (!pair.every(hasClip)) throw new Error("One of the two has no clip yet.");
    body.replaceChildren(...bodyOf(pair, here));
    drawDifferences(pair, body.querySelector(".differences"));
  } catch (error) {
    body.replaceChildren(h("p", { class: "told reject" }, error.message), h("p", {}, h("a", { href: "#/clips" }, "Choose two clips")));
  }
}

function bodyOf(pair, here) {
  const videos = pair.map((job) => h("video", { src: job.mp4_path, muted: true, playsinline: true, preload: "auto", "aria-label": job.order.prompt }));
  const figures = pair.map((job, side) => h("figure", {}, h("div", { class: "screen" }, videos[side]), caption(job, side, pair)));
  for (const [side, video] of videos.entries()) {
    video.addEventListener("loadedmetadata", () => figures[side].firstChild.style.setProperty("--shape", String(video.videoWidth / video.videoHeight)));
  }
  return [h("div", { class: "pair" }, figures), transport(videos, here), h("div", { class: "differences" })];
}

function caption(job, side, pair) {
  const others = store.all().filter((one) => hasClip(one) && (one.id === job.id || one.id !== pair[1 - side].id));
  const label = side ? "On the right" : "On the left";
  const select = h("select", { "aria-label": label }, others.map((one) => h("option", { value: one.id }, `${moment(one.created_at)}  ${one.order.prompt.slice(0, 60)}`)));
  select.value = job.id;
  select.addEventListener("change", () => {
    const ids = pair.map((one) => one.id);
    ids[side] = select.value;
    location.hash = `#/compare/${ids.join("/")}`;
  });
  return h(
    "figcaption",
    {},
    h("div", { class: "row" }, chip(job), h("a", { href: `#/clip/${job.id}` }, "Open")),
    select,
    h("p", { class: "prompt" }, job.order.prompt),
    h("p", { class: "note" }, `${modelOf(job)} · seed ${seedOf(job)}`),
  );
}

function transport(videos, here) {
  const play = h("button", { type: "button", class: "main", "aria-keyshortcuts": "Space" }, "Play");
  const scrub = h("input", { type: "range", min: 0, max: 1000, value: 0, step: 1, "aria-label": "Time" });
  const time = h("span", { class: "clock" });
  const speed = h("select", { "aria-label": "Speed" }, SPEEDS.map((one) => h("option", { value: one }, one === 1 ? "as it is" : `${one}×`)));
  const length = () => Math.min(...videos.map((one) => one.duration || Infinity));
  const isKnown = () => Number.isFinite(length());
  const seek = (seconds) => {
    const at = Math.max(0, Math.min(seconds, length() - 0.001));
    for (const one of videos) one.currentTime = at;
  };
  let plays = false;
  const go = (on) => {
    plays = on;
    setText(play, on ? "Pause" : "Play");
    for (const one of videos) on ? one.play().catch(() => {}) : one.pause();
    if (!on && isKnown()) seek(videos[0].currentTime);
  };
  const stepBy = (frames) => {
    go(false);
    seek(videos[0].currentTime + frames / here.fps);
  };
  const drawn = () => {
    if (isKnown()) {
      const at = videos[0].currentTime;
      if (plays && at >= length() - 0.02) {
        seek(0);
        go(true);
      } else if (plays && Math.abs(videos[1].currentTime - at) > FAR_SECONDS) videos[1].currentTime = at;
      if (document.activeElement !== scrub || plays) scrub.value = String(Math.round((1000 * at) / length()));
      const words = `${at.toFixed(2)} of ${length().toFixed(2)} s`;
      setText(time, words);
      scrub.setAttribute("aria-valuetext", words);
    }
    here.frame = requestAnimationFrame(drawn);
  };
  play.addEventListener("click", () => go(!plays));
  scrub.addEventListener("input", () => {
    go(false);
    seek((Number(scrub.value) / 1000) * length());
  });
  speed.addEventListener("change", () => videos.forEach((one) => (one.playbackRate = Number(speed.value))));
  const press = (event) => {
    if (event.target.closest?.("button, select, input, a, textarea, summary") && event.key === " ") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
    const acts = { " ": () => go(!plays), ",": () => stepBy(-1), ".": () => stepBy(1) };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  };
  document.addEventListener("keydown", press);
  here.fps = 8;
  here.frame = requestAnimationFrame(drawn);
  here.end = () => {
    cancelAnimationFrame(here.frame);
    document.removeEventListener("keydown", press);
    byId("compare-body").replaceChildren();
  };
  const button = (sign, label, act) => h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick: act }, icon(sign));
  const keys = h("p", { class: "note keys" }, h("kbd", {}, "Space"), " plays, ", h("kbd", {}, ","), " and ", h("kbd", {}, "."), " go a frame back and on");
  return h("div", { class: "transport" }, play, button("back", "One frame back", () => stepBy(-1)), button("on", "One frame on", () => stepBy(1)), scrub, time, h("label", {}, "Speed ", speed), keys);
}

// Scores of both beside each other, those that differ in what they lead to first.
async function drawDifferences(pair, place) {
  const here = now;
  const both = await Promise.all(pair.map((job) => api.scores(job.id).catch(() => null)));
  if (here !== now || both.includes(null)) return;
  here.fps = both[0].fps;
  const right = new Map(both[1].measures.map((one) => [one.metric, one]));
  const rows = both[0].measures
    .filter((one) => one.limit && right.has(one.metric))
    .map((one) => [one, right.get(one.metric)])
    .sort(([one, other], [third, fourth]) => Number(third.answer !== fourth.answer) - Number(one.answer !== other.answer));
  const cell = (one) => h("td", { class: `n ${one.answer}` }, `${number(one.value)}${one.unit && one.value !== null ? ` ${one.unit}` : ""}`);
  place.replaceChildren(
    h("details", { open: rows.some(([one, other]) => one.answer !== other.answer) },
      h("summary", {}, "Scores of both"),
      h("table", {},
        h("thead", {}, h("tr", {}, ["Score", "Left", "Right"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, rows.map(([one, other]) => h("tr", {}, h("th", { scope: "row" }, one.title), cell(one), cell(other)))))),
  );
}
