// What an order would give, asked of the service while it is written: the clip's size, and what the camera will do.

import { api, Problem } from "./api.js";
import { byId, setText } from "./dom.js";
import { picture } from "./picture.js";

const PAUSE_MILLISECONDS = 250;
const FIELDS = ["prompt", "profile", "size", "seconds", "fit", "detail"];
let timer = 0;
let asking = null;

export function askForPlan() {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE_MILLISECONDS);
}

function wanted() {
  const given = new FormData(byId("order"));
  const fields = FIELDS.map((name) => [name, String(given.get(name) ?? "").trim()]).filter(([, value]) => value);
  const size = picture.size();
  return size ? [...fields, ["picture_width", size[0]], ["picture_height", size[1]]] : fields;
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  try {
    show(await api.plan(wanted(), asking.signal));
  } catch (error) {
    if (!(error instanceof Problem)) return; // it is said elsewhere that nobody answers
    if (picture.file()) picture.unframe();
    setText(byId("plan"), error.message);
  }
}

function show(plan) {
  const text = byId("prompt").value.trim();
  setText(byId("understood"), text && plan.camera ? `The camera: ${plan.camera}.` : "");
  const format = plan.width ? `${plan.width} × ${plan.height}, ${plan.seconds.toFixed(1)} s` : "";
  setText(byId("plan"), [format, ...plan.notes].filter(Boolean).join(". "));
  if (plan.width && picture.file()) picture.frame(plan.width, plan.height);
}
