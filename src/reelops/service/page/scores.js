// Scores as bars: where a value is between its limits. Every number stands there as text, too.

import { h, svg } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 200;
const HEIGHT = 14;
const FIRST = ["temporal_consistency", "motion", "first_frame_fidelity", "sharpness", "flicker", "naturalness"];

// The chart of a clip: what holds it back and what people look at first, then all others, folded.
export function scoreChart(scores) {
  const limited = scores.measures.filter((one) => one.limit);
  const isFirst = (one) => one.answer === "review" || one.answer === "reject" || FIRST.includes(one.metric);
  const first = limited.filter(isFirst);
  const rest = [...limited.filter((one) => !isFirst(one)), ...scores.measures.filter((one) => !one.limit)];
  return h(
    "div",
    { class: "scores" },
    first.length > 0 && table(first, "Scores that matter most"),
    rest.length > 0 && h("details", { open: !first.length }, h("summary", {}, `All ${scores.measures.length} scores`), table(rest, "Further scores")),
  );
}

function table(measures, caption) {
  const head = ["Score", "Between its limits", "Value", "Wanted"];
  return h(
    "table",
    {},
    h("caption", { class: "hidden" }, caption),
    h("thead", { class: "hidden" }, h("tr", {}, head.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, measures.map(row)),
  );
}

function row(one) {
  const unit = one.unit && one.value !== null ? ` ${one.unit}` : "";
  return h(
    "tr",
    { class: one.answer },
    h("th", { scope: "row" }, one.title),
    h("td", { class: "bar" }, one.limit && one.value !== null ? bar(one) : ""),
    h("td", { class: "n", title: one.reason || null }, `${number(one.value)}${unit}`),
    h("td", { class: "wanted" }, one.limit ? wantedOf(one.limit) : "no limit"),
  );
}

const accepted = (limit) => [limit.review_below ?? limit.reject_below, limit.review_above ?? limit.reject_above];

function wantedOf(limit) {
  const [low, high] = accepted(limit);
  if (low !== null && high !== null) return `${number(low)} to ${number(high)}`;
  return low !== null ? `at least ${number(low)}` : `at most ${number(high)}`;
}

// From where to where a bar goes: the value, its limits, and as much again where they are one.
function axis(one) {
  const marks = Object.values(one.limit).filter((value) => value !== null);
  let low = Math.min(one.value, ...marks);
  let high = Math.max(one.value, ...marks);
  const room = (high - low || Math.abs(high) || 1) * 0.25;
  low = one.low !== null ? Math.max(one.low, low - room) : low - room;
  high = one.high !== null ? Math.min(one.high, high + room) : high + room;
  return high > low ? [low, high] : [low - room, high + room];
}

function bar(one) {
  const [low, high] = axis(one);
  const at = (value) => Math.min(WIDTH, Math.max(0, ((value - low) / (high - low)) * WIDTH));
  const { reject_below, review_below, review_above, reject_above } = one.limit;
  const zone = (from, to, kind) => at(to) > at(from) && svg("rect", { class: `zone ${kind}`, x: at(from), y: 4, width: at(to) - at(from), height: 6 });
  const [from, to] = accepted(one.limit);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    zone(low, reject_below ?? low, "reject"),
    zone(reject_below ?? low, review_below ?? reject_below ?? low, "review"),
    zone(from ?? low, to ?? high, "ok"),
    zone(review_above ?? reject_above ?? high, reject_above ?? high, "review"),
    zone(reject_above ?? high, high, "reject"),
    svg("rect", { class: `value ${one.answer}`, x: Math.min(WIDTH - 4, Math.max(0, at(one.value) - 2)), y: 0, width: 4, height: HEIGHT, rx: 1.5 }),
  );
}
