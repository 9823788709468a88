// The truth about jobs, as the service tells it: asked for whenever the stream of news opens, kept by what it says.

import { api, Problem } from "./api.js";
import { waits } from "./words.js";

const SILENCE_MILLISECONDS = 40000; // the service says something every 15 s
const PAUSE_MILLISECONDS = 2000;

const jobs = new Map();
const listeners = new Set();
const gone = new Set();
const others = "BroadcastChannel" in window ? new BroadcastChannel("reelops") : null;
let line = [];
let further = null;
let link = "live";
let source = null;
let heard = Date.now();
let drawing = false;
let refreshing = null;

export const store = {
  job: (id) => jobs.get(id),
  // Newest first.
  all: () => [...jobs.values()].sort((one, other) => (one.created_at < other.created_at ? 1 : -1)),
  // Those that wait, in the order in which they are begun.
  line: () => line.map((id) => jobs.get(id)).filter((job) => job && waits(job)),
  link: () => link,
  hasMore: () => further !== null,
  subscribe(listener) {
    listeners.add(listener);
  },

  begin(facts) {
    take(facts.jobs, facts.queue);
    further = facts.next;
    open();
    setInterval(watch, 5000);
    window.addEventListener("online", reopen);
    window.addEventListener("offline", () => setLink("lost"));
    window.addEventListener("pagehide", () => source?.close());
    window.addEventListener("pageshow", (event) => event.persisted && reopen());
    document.addEventListener("visibilitychange", () => !document.hidden && watch());
    others?.addEventListener("message", refresh);
  },

  put(job) {
    if (!isOurs(job)) return;
    jobs.set(job.id, job);
    const isThere = line.includes(job.id);
    if (waits(job) && !isThere) line.push(job.id);
    changed();
  },

  drop(id) {
    gone.add(id);
    jobs.delete(id);
    changed();
    others?.postMessage("changed");
  },

  // What the page does to a job: its answer is kept, and other tabs are told.
  async act(asked) {
    const job = await asked;
    if (job) store.put(job);
    others?.postMessage("changed");
    return job;
  },

  async more() {
    if (!further) return;
    const answer = await api.jobs(further);
    further = answer.next;
    for (const job of answer.jobs) jobs.set(job.id, job);
    changed();
  },

  // A job that the page is asked for by its address, however old.
  async fetch(id) {
    const job = await api.job(id);
    store.put(job);
    return job;
  },

  refresh,
};

// What scores clips that others sent has no clip to show.
const isOurs = (job) => job.kind === "generate" && !gone.has(job.id);

function take(found, queue) {
  const oldest = found.length ? found[found.length - 1].created_at : "";
  const there = new Set([...found, ...queue].map((job) => job.id));
  for (const job of jobs.values()) {
    if (!there.has(job.id) && (job.created_at >= oldest || waits(job))) jobs.delete(job.id); // removed elsewhere
  }
  for (const job of [...found, ...queue].filter(isOurs)) jobs.set(job.id, job);
  line = queue.filter(isOurs).map((job) => job.id);
  changed();
}

async function refresh() {
  refreshing ??= (async () => {
    try {
      const [found, queue] = await Promise.all([api.jobs(), api.queue()]);
      take(found.jobs, queue);
      if (jobs.size <= found.jobs.length + queue.length) further = found.next;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) setLink("signed-out");
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

function changed() {
  if (drawing) return;
  drawing = true;
  // A hidden tab draws nothing, but its title may say that a clip is ready.
  const draw = () => {
    drawing = false;
    for (const listener of listeners) listener();
  };
  if (document.hidden) setTimeout(draw, 0);
  else requestAnimationFrame(draw);
}

function setLink(now) {
  if (link === now) return;
  link = now;
  changed();
}

function open() {
  heard = Date.now();
  source = new EventSource("/events");
  const hear = (name, act) =>
    source.addEventListener(name, (event) => {
      heard = Date.now();
      act(JSON.parse(event.data));
    });
  hear("ready", () => {
    setLink("live");
    refresh();
  });
  hear("alive", () => setLink("live"));
  hear("job", (job) => {
    const was = jobs.get(job.id);
    store.put(job);
    if (!was || waits(was) !== waits(job)) refresh(); // places in line are the service's to say
  });
  hear("progress", ({ id, progress }) => {
    const job = jobs.get(id);
    if (job) store.put({ ...job, progress });
  });
  const mine = source;
  source.addEventListener("error", async () => {
    if (mine !== source) return;
    setLink(link === "signed-out" ? link : "lost");
    if (mine.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    await refresh();
    setTimeout(() => mine === source && link !== "signed-out" && reopen(), PAUSE_MILLISECONDS);
  });
}

function reopen() {
  source?.close();
  open();
}

function watch() {
  if (link !== "signed-out" && Date.now() - heard > SILENCE_MILLISECONDS) {
    setLink("lost");
    reopen();
  }
}
