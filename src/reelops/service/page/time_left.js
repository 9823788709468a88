// How far a job is and how long it will take, by what clips like it took.

import { clock } from "./api.js";

const STAGES = ["start", "device", "load", "encode", "denoise", "draw", "decode", "detail", "write", "score", "log", "other"];
// Where each begins and ends, while nothing tells how long it takes.
const SHARES = {
  load: [0, 0.05],
  encode: [0.05, 0.05],
  denoise: [0.05, 0.7],
  draw: [0.05, 0.6],
  decode: [0.7, 0.76],
  detail: [0.76, 0.86],
  write: [0.86, 0.88],
  score: [0.88, 0.98],
  log: [0.98, 1],
};
const MOST_LIKE = 5;

const isLike = (job, other) =>
  ["profile", "size", "seconds", "steps", "num_frames", "quality"].every((name) => job.order[name] === other.order[name]);

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

// Seconds of each stage of clips like this one; null where there was none.
function usual(job, all) {
  const like = all
    .filter((other) => (other.state === "done" || other.state === "rejected") && isLike(job, other))
    .slice(0, MOST_LIKE);
  if (!like.length) return null;
  const names = new Set(like.flatMap((other) => Object.keys(other.seconds)));
  return Object.fromEntries([...names].map((name) => [name, median(like.map((other) => other.seconds[name] ?? 0))]));
}

const shareOf = ({ done, total }) => (total > 0 ? Math.min(1, done / total) : 0);

// { share, seconds }: how much is done, 0 to 1, and how many seconds are left; null where nothing tells.
export function farAlong(job, all, now = Date.now() + clock.ahead) {
  const elapsed = job.begun_at ? Math.max(0, (now - Date.parse(job.begun_at)) / 1000) : 0;
  const took = usual(job, all);
  const progress = job.progress;
  if (!took) {
    const [from, to] = SHARES[progress?.stage] || [0, 0];
    return { share: progress ? from + (to - from) * shareOf(progress) : 0, seconds: null };
  }
  const total = Object.values(took).reduce((sum, one) => sum + one, 0);
  let left = Math.max(0, total - elapsed);
  const at = STAGES.indexOf(progress?.stage);
  if (at >= 0) {
    const later = STAGES.slice(at + 1).reduce((sum, name) => sum + (took[name] ?? 0), 0);
    left = (took[progress.stage] ?? 0) * (1 - shareOf(progress)) + later;
  }
  return { share: elapsed + left > 0 ? Math.min(0.99, elapsed / (elapsed + left)) : 0, seconds: left };
}

// Seconds until a job in line is begun, if one clip is made after the other; null where nothing tells.
export function untilBegun(job, line, running, all) {
  const before = line.slice(0, line.findIndex((one) => one.id === job.id)).filter((one) => one.state === "waiting");
  let seconds = 0;
  for (const one of running) {
    const left = farAlong(one, all).seconds;
    if (left === null) return null;
    seconds = Math.max(seconds, left);
  }
  for (const one of before) {
    const took = usual(one, all);
    if (!took) return null;
    seconds += Object.values(took).reduce((sum, value) => sum + value, 0);
  }
  return seconds;
}
