// What the page calls things: states, stages, verdicts, lengths of time. A producer's words.

import { h } from "./dom.js";

export const STATES = {
  waiting: "In line",
  paused: "Paused",
  running: "Being made",
  done: "Ready",
  rejected: "Rejected",
  failed: "Not made",
  cancelled: "Cancelled",
  unknown: "Not heard of",
};

const STAGES = {
  load: "Warming up",
  denoise: "Generating the motion",
  draw: "Filming the picture",
  decode: "Developing the frames",
  detail: "Bringing back the picture's detail",
  write: "Writing the clip",
  score: "Checking its quality",
  log: "Noting it down",
};

const VERDICTS = { accept: ["✓", "Accepted"], review: ["?", "To be reviewed"], reject: ["✕", "Rejected"] };
const SIGNS = { failed: "!", cancelled: "–", waiting: "…", paused: "‖", running: "●", unknown: "?" };

export const hasEnded = (job) => ["done", "rejected", "failed", "cancelled"].includes(job.state);
export const waits = (job) => job.state === "waiting" || job.state === "paused";
export const hasClip = (job) => hasEnded(job) && Boolean(job.mp4_path);

// How a job stands, for filters and chips: a verdict where there is one, else its state.
export const standing = (job) => (hasClip(job) && job.verdict) || job.state;

export function chip(job) {
  const how = standing(job);
  const [sign, word] = VERDICTS[how] || [SIGNS[how] || "", STATES[how] || how];
  return h("span", { class: `chip ${how}` }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`);
}

export const word = (how) => (VERDICTS[how] ? VERDICTS[how][1] : STATES[how] || how);

// What an order does not name is the service's own choice.
export const modelOf = (job) => job.order.profile ?? document.body.dataset.model;

export const seedOf = (job) => job.seed ?? job.order.seed ?? 0;

export function stage(progress) {
  if (!progress) return "Starting";
  return STAGES[progress.stage] || "Working";
}

// Seconds as people say them: "8 s", "1 min 20 s", "2 h 5 min".
export function lasting(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes < 10 && whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// When something was: "14:05" of today, else with its day.
export function moment(text) {
  const at = new Date(text);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? time : `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

// Four digits that count, at most four decimals, no exponent.
export function number(value) {
  if (value === null || value === undefined) return "not measured";
  const whole = Math.abs(value) >= 1 ? String(Math.trunc(Math.abs(value))).length : 0;
  const decimals = Math.min(3, Math.max(0, 4 - whole));
  return (Number(value.toFixed(decimals)) + 0).toLocaleString("en", { maximumFractionDigits: decimals });
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
