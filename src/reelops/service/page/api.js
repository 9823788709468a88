// The service's API, as the page asks it.

export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || "The service gave no reason.");
    this.status = status;
    this.kind = (told.type || "").split("/").pop();
    this.errors = told.errors || [];
  }
}

export class Unreachable extends Error {
  constructor() {
    super("The service does not answer. What you have is kept; try again in a moment.");
  }
}

export const clock = { ahead: 0 }; // of the server's clock, in milliseconds

async function fetched(path, options = {}) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Unreachable();
  }
}

const toldBy = (reply) => reply.json().catch(() => ({}));

async function ask(method, path, options = {}) {
  const reply = await fetched(path, { method, cache: "no-store", ...options });
  const date = Date.parse(reply.headers.get("date") || "");
  if (date && Math.abs(date - Date.now()) > 5000) clock.ahead = date - Date.now();
  if (reply.status === 204) return null;
  const isJson = (reply.headers.get("content-type") || "").includes("json");
  const told = isJson ? await toldBy(reply) : {};
  if (!reply.ok) throw new Problem(reply.status, told);
  return told;
}

const json = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });
const of = (id) => `/jobs/${encodeURIComponent(id)}`;

export const api = {
  jobs: (path = "/jobs?kind=generate&limit=100") => ask("GET", path),
  queue: () => ask("GET", "/queue"),
  job: (id) => ask("GET", of(id)),
  scores: (id) => ask("GET", `${of(id)}/scores`),
  plan: (wanted, signal) => ask("GET", `/plan?${new URLSearchParams(wanted)}`, { signal }),
  cancel: (id) => ask("DELETE", of(id)),
  remove: (id) => ask("DELETE", `${of(id)}/clip`),
  pause: (id) => ask("POST", `${of(id)}/pause`),
  resume: (id) => ask("POST", `${of(id)}/resume`),
  retry: (id) => ask("POST", `${of(id)}/retry`),
  move: (id, before) => ask("POST", `${of(id)}/move`, json({ before })),
  generate: (form, key) => ask("POST", "/generate-video", { body: form, headers: { "Idempotency-Key": key } }),
  pair: () => ask("GET", "/votes/pair"),
  vote: (answer) => ask("POST", "/votes", json(answer)),
  async picture(id) {
    const reply = await fetched(pictureOf(id));
    if (!reply.ok) throw new Problem(reply.status, await toldBy(reply));
    return reply.blob();
  },
};

export const pictureOf = (id) => `${of(id)}/picture`;
