// The page: which view is open, and what is drawn when the truth changes.

import { card } from "./cards.js";
import { drawCompare, endCompare } from "./compare.js";
import { byId, h, keyed, setText } from "./dom.js";
import { beginGallery, drawGallery } from "./gallery.js";
import { beginOrder } from "./order.js";
import { drawQueue } from "./queue.js";
import { beginStage, drawStage } from "./stage.js";
import { store } from "./store.js";
import { closeVote, openVote } from "./vote.js";
import { hasEnded, plural, waits } from "./words.js";

const TITLES = { make: "ReelOps", clips: "Clips – ReelOps", compare: "Side by side – ReelOps", vote: "Vote – ReelOps" };
const VIEWS = Object.keys(TITLES);
const STRIP = 8;
const facts = JSON.parse(byId("facts").textContent);
let view = "";
let looked = null; // the clip on the stage, where the address names one
let asked = null;

// "#/clip/ID", "#/compare/ID/ID", "#/clips", "#/vote"; anything else makes clips.
function read() {
  const [name, ...ids] = location.hash.replace(/^#\/?/, "").split("/");
  const opened = name === "clip" || !VIEWS.includes(name) ? "make" : name;
  const before = looked;
  looked = name === "clip" ? ids[0] : null;
  if (opened !== view) open(opened);
  if (looked && !store.job(looked) && asked !== looked) {
    asked = looked;
    store.fetch(looked).catch(() => show(null));
  }
  if (view === "compare") drawCompare(ids.slice(0, 2));
  draw();
  if (looked && looked !== before) bringIntoSight();
}

function open(name) {
  const isFirst = view === "";
  view = name;
  for (const one of VIEWS) byId(one).hidden = one !== view;
  for (const link of document.querySelectorAll("[data-to]")) {
    if (link.dataset.to === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view !== "compare") endCompare();
  if (view === "vote") openVote();
  else closeVote();
  if (isFirst) return;
  scrollTo(0, 0);
  content().focus({ preventScroll: true });
}

const content = () => byId(`${view}-title`) ?? byId("stage");

function show(id) {
  const hash = id ? `#/clip/${id}` : "#/";
  if (location.hash === hash) draw();
  else location.hash = hash;
}

// On a phone the form comes first, and whoever asks for a clip wants to see that.
function bringIntoSight() {
  if (innerWidth <= 900) byId("stage").scrollIntoView({ block: "start" });
}

// Without an address of its own the stage shows what is made, or was made last.
const onStage = () => looked ?? (store.all().find((job) => job.state === "running") ?? store.all()[0])?.id ?? null;

function draw() {
  drawLink();
  drawWork();
  if (view === "make") {
    drawStage(onStage());
    drawQueue();
    const ended = store.all().filter(hasEnded).slice(0, STRIP);
    byId("latest").hidden = !ended.length;
    keyed(byId("strip"), ended, (job) => job.id, (job) => card(job));
    for (const one of byId("strip").children) one.classList.toggle("is-looked-at", one.dataset.key === onStage());
  }
  if (view === "clips") drawGallery();
}

function drawWork() {
  const all = store.all();
  const running = all.filter((job) => job.state === "running").length;
  const waiting = all.filter(waits).length;
  const words = [running && `${running} being made`, waiting && `${waiting} in line`].filter(Boolean);
  setText(byId("work"), words.join(" · "));
  byId("work").classList.toggle("busy", running > 0);
  document.title = running && view === "make" ? `${plural(running, "clip")} in the making – ReelOps` : TITLES[view];
}

function drawLink() {
  const link = store.link();
  const banner = byId("link");
  banner.hidden = link === "live";
  if (link === banner.dataset.link) return;
  banner.dataset.link = link;
  const lost = "The service does not answer. What you wrote is kept, jobs go on; this page comes back by itself.";
  if (link === "signed-out") banner.replaceChildren("You are signed out. ", h("a", { href: "/" }, "Sign in again"));
  else banner.textContent = link === "lost" ? lost : "";
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // addresses behind # are those of views
  content().focus();
});
byId("strip").replaceChildren(); // what the service drew
beginOrder(facts, show);
beginStage(show);
beginGallery();
store.subscribe(draw);
store.begin(facts);
window.addEventListener("hashchange", read);
read();
