"use strict";
// The page's behaviour: sorting and filtering the table, and a viewer whose player and timelines share one cursor.
(() => {
  const byId = (id) => document.getElementById(id);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const draw = (tag, attributes = {}) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  // As people write it: four digits that count, at most four decimals, no exponent.
  function number(value) {
    if (value === null || value === undefined) return "not measured";
    const whole = Math.abs(value) >= 1 ? String(Math.trunc(Math.abs(value))).length : 0;
    const decimals = Math.min(4, Math.max(0, 4 - whole));
    const rounded = Number(value.toFixed(decimals)) + 0; // no "-0"
    return rounded.toLocaleString("en", { maximumFractionDigits: decimals, useGrouping: Math.abs(rounded) >= 10000 });
  }
  const withUnit = (value, unit) => (value === null || !unit ? number(value) : `${number(value)} ${unit}`);
  const answers = { accept: "✓ accepted", review: "? to be reviewed", reject: "✕ rejected", unreadable: "! not scored" };
  const chip = (answer) => make("span", { className: `chip ${answer}`, textContent: answers[answer] });
  const factsOf = (clip) => JSON.parse(byId(`clip-${clip}`).textContent);

  // ---- the table ----

  const table = byId("table");
  const body = table.tBodies[0];
  const rows = () => [...body.rows];
  const shownRows = () => rows().filter((row) => !row.hidden);
  const everything = () => ({ text: "", cause: "", answers: new Set(), decided: "", metric: "", low: null, high: null });
  const wanted = everything();

  const wantedColumn = () => wanted.metric && table.querySelector(`th[data-metric="${wanted.metric}"]`);

  // Whether a row's value of the metric that was chosen lies between the bounds that were given.
  function inRange(row) {
    const header = wantedColumn();
    if (!header || (wanted.low === null && wanted.high === null)) return true;
    const value = row.cells[header.cellIndex].dataset.v;
    return value !== "" && Number(value) >= (wanted.low ?? -Infinity) && Number(value) <= (wanted.high ?? Infinity);
  }

  function filter() {
    for (const row of rows()) {
      const text = `${row.dataset.text} ${row.querySelector(".why").textContent.toLowerCase()}`;
      row.hidden = !(
        text.includes(wanted.text) &&
        (!wanted.cause || row.dataset.causes.split(" ").includes(wanted.cause)) &&
        (!wanted.answers.size || wanted.answers.has(row.dataset.answer)) &&
        (!wanted.decided || (decisions.of(row.dataset.clip)?.decision ?? "none") === wanted.decided) &&
        inRange(row)
      );
    }
    const shown = shownRows().length;
    byId("all").hidden = shown === rows().length;
    const all = `${rows().length} clip${rows().length === 1 ? "" : "s"}`;
    byId("count").textContent = shown === rows().length ? all : `${shown} of ${all}`;
    byId("nothing").hidden = shown > 0;
    for (const tile of document.querySelectorAll(".tile")) {
      tile.setAttribute("aria-pressed", String(wanted.answers.has(tile.dataset.answer)));
    }
    byId("cause").value = wanted.cause;
    byId("decided").value = wanted.decided;
    byId("metric").value = wanted.metric;
    for (const side of ["low", "high"]) {
      byId(side).disabled = byId(side).parentNode.hidden = !wanted.metric;
      if (document.activeElement !== byId(side)) byId(side).value = wanted[side] ?? "";
    }
  }

  // A bar of a histogram stands for the clips between its ends.
  function chooseBar(event) {
    const { spread, low, high, bins } = event.currentTarget.dataset;
    const box = event.currentTarget.getBoundingClientRect();
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * bins)));
    const at = (edge) => Number((Number(low) + (edge / bins) * (high - low)).toPrecision(6));
    Object.assign(wanted, { metric: spread, low: at(bin), high: at(bin + 1) });
    filter();
    byId("clips").scrollIntoView();
    showColumn();
  }

  function showColumn() {
    const header = wantedColumn();
    if (header) header.scrollIntoView({ block: "nearest", inline: "center" });
  }

  function sortBy(header) {
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sign = ascending ? 1 : -1;
    const valueOf = (row) => row.cells[header.cellIndex].dataset.v;
    const compare =
      header.dataset.sort === "number" ? (a, b) => a - b : (a, b) => a.localeCompare(b, undefined, { numeric: true });
    body.append(
      ...rows().sort((one, other) => {
        const [a, b] = [valueOf(one), valueOf(other)];
        if (a === "" || b === "") return (a === "") - (b === ""); // what was not measured comes last
        return sign * compare(a, b);
      }),
    );
  }

  function prepareTable() {
    byId("toolbar").hidden = false;
    byId("toolbar").addEventListener("submit", (event) => event.preventDefault());
    for (const header of table.querySelectorAll("th[data-sort]")) {
      const button = make("button", { type: "button" });
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(header));
      header.append(button);
    }
    byId("find").addEventListener("input", (event) => {
      wanted.text = event.target.value.trim().toLowerCase();
      filter();
    });
    byId("cause").addEventListener("change", (event) => {
      wanted.cause = event.target.value;
      filter();
    });
    byId("decided").addEventListener("change", (event) => {
      wanted.decided = event.target.value;
      filter();
    });
    byId("metric").addEventListener("change", (event) => {
      Object.assign(wanted, { metric: event.target.value, low: null, high: null });
      filter();
      showColumn();
    });
    for (const side of ["low", "high"]) {
      byId(side).addEventListener("input", (event) => {
        wanted[side] = event.target.value === "" ? null : event.target.valueAsNumber;
        filter();
      });
    }
    for (const figure of document.querySelectorAll("[data-spread]")) figure.addEventListener("click", chooseBar);
    for (const button of [byId("all"), byId("clear")]) {
      button.addEventListener("click", () => {
        Object.assign(wanted, everything());
        byId("find").value = "";
        filter();
      });
    }
    for (const tile of document.querySelectorAll(".tile")) {
      tile.addEventListener("click", () => {
        const { answer } = tile.dataset;
        if (!wanted.answers.delete(answer)) wanted.answers.add(answer);
        filter();
      });
    }
    for (const button of document.querySelectorAll("[data-cause]")) {
      button.addEventListener("click", () => {
        wanted.cause = button.dataset.cause;
        filter();
        byId("clips").scrollIntoView();
      });
    }
    body.addEventListener("click", (event) => {
      if (String(getSelection()) || event.target.closest(".decide")) return; // somebody is copying text, or decides
      const row = event.target.closest("tr");
      if (row) openClip(Number(row.dataset.clip));
    });
    filter();
  }

  // Into view from above or below; a wide table stays where it is from side to side.
  function focusRow(row) {
    const box = table.parentNode;
    const { scrollLeft } = box;
    row.querySelector(".open").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    box.scrollLeft = scrollLeft;
  }

  // ---- what a person decides ----

  // Kept in this browser under the clip's own digest: the same clip in another report is decided, too.
  const decisions = {
    held: {}, // of this page, where the browser keeps nothing
    keptHere: true,
    keys: {}, // by clip: its facts are long, with all their pictures
    key(clip) {
      if (!this.keys[clip]) {
        const { sha256, path } = factsOf(clip);
        this.keys[clip] = `reelops-decision:${sha256 || path}`;
      }
      return this.keys[clip];
    },
    of(clip) {
      const key = this.key(clip);
      if (key in this.held) return this.held[key];
      try {
        const told = JSON.parse(localStorage.getItem(key));
        return ["accept", "reject"].includes(told?.decision) ? told : null;
      } catch {
        return null;
      }
    },
    set(clip, decision) {
      const key = this.key(clip);
      const told = decision && { decision, decided: new Date().toISOString() };
      this.held[key] = told;
      try {
        if (told) localStorage.setItem(key, JSON.stringify(told));
        else localStorage.removeItem(key);
      } catch {
        this.keptHere = false;
      }
    },
  };

  let placeLost = 0; // in the table, of the row that was decided on and is shown no more

  function decide(clip, decision) {
    decisions.set(clip, decision);
    showDecision(clip);
    countDecided();
    if (wanted.decided && !open) {
      placeLost = shownRows().findIndex((row) => row.dataset.clip === String(clip));
      filter();
    }
  }

  function forgetDecisions() {
    const known = rows().filter((row) => decisions.of(row.dataset.clip));
    if (!confirm(`Forget what you decided on ${known.length === 1 ? "this clip" : `these ${known.length} clips`}?`)) return;
    for (const row of known) {
      decisions.set(row.dataset.clip, null);
      showDecision(row.dataset.clip);
    }
    countDecided();
    filter();
  }

  function decideButtons(clip) {
    const button = (decision, text, title) => {
      const one = make("button", { type: "button", className: decision, textContent: text, title });
      one.dataset.decision = decision;
      one.setAttribute("aria-label", `${text} ${factsOf(clip).name}`);
      one.addEventListener("click", () => decide(clip, decisions.of(clip)?.decision === decision ? null : decision));
      return one;
    };
    const group = make("span", { className: "decide" }, button("accept", "Accept", "You accept it (a)"), button("reject", "Reject", "You reject it (r)"));
    group.dataset.of = clip;
    return group;
  }

  function showDecision(clip) {
    const told = decisions.of(clip)?.decision;
    for (const button of document.querySelectorAll(`.decide[data-of="${clip}"] button`)) {
      button.setAttribute("aria-pressed", String(button.dataset.decision === told));
    }
  }

  function countDecided() {
    const number = rows().filter((row) => decisions.of(row.dataset.clip)).length;
    byId("num-decided").textContent = number ? `You have decided ${number} of ${rows().length}.` : "Nothing decided yet.";
    for (const id of ["save-csv", "save-json", "forget"]) byId(id).hidden = !number;
    byId("not-kept").hidden = decisions.keptHere;
  }

  function decided() {
    return rows()
      .map((row) => [row.dataset.clip, decisions.of(row.dataset.clip)])
      .filter(([, told]) => told)
      .map(([clip, told]) => [factsOf(clip), told])
      .map(([facts, told]) => ({
        path: facts.path,
        sha256: facts.sha256,
        verdict: facts.answer,
        reasons: facts.reasons.map((reason) => reason.text),
        ...told,
      }));
  }

  // A text that a spreadsheet would take for a formula has an apostrophe before it, as `reelops.system.csv_cells` has it.
  function csvCell(value) {
    const text = String(value ?? "");
    const bare = text.replace(/^'+/, "");
    const safe = /^([\t\r\n]|\s*[=+\-@＝＋－＠])/.test(bare) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function asCsv(list) {
    const lines = list.map((one) => [one.path, one.sha256, one.verdict, one.decision, one.decided, one.reasons.join("; ")]);
    return [["path", "sha256", "verdict", "decision", "decided", "reasons"], ...lines].map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
  }

  function save(name, mime, text) {
    const address = URL.createObjectURL(new Blob([text], { type: mime }));
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  function prepareDecisions() {
    byId("deciding").hidden = false;
    for (const row of rows()) {
      const clip = Number(row.dataset.clip);
      row.querySelector(".verdict").append(decideButtons(clip));
      showDecision(clip);
    }
    byId("save-csv").addEventListener("click", () => save("decisions.csv", "text/csv;charset=utf-8", asCsv(decided())));
    byId("save-json").addEventListener("click", () => save("decisions.json", "application/json", `${JSON.stringify(decided(), null, 1)}\n`));
    byId("forget").addEventListener("click", forgetDecisions);
    countDecided();
  }

  // ---- a clip on a screen ----

  // Shows a clip's video, or where there is none its pictures, at a frame of the cursor's choosing.
  class Screen {
    constructor(clip, facts, title, old) {
      this.clip = clip;
      this.facts = facts;
      this.video = null;
      this.picture = null;
      this.address = null;
      this.element = make("figure", { className: old ? "screen old" : "screen" });
      if (title) this.element.append(make("figcaption", {}, make("span", { className: "key" }), title, " ", chip(facts.answer)));
      const source = this.source();
      if (source) {
        this.video = make("video", { src: source, muted: true, playsInline: true, preload: "auto" });
        this.video.setAttribute("aria-label", `Video ${facts.name}`);
        this.element.append(this.video);
      } else {
        this.picture = make("img", { alt: `A frame of ${facts.name}` });
        this.element.append(this.picture);
      }
    }

    source() {
      const held = byId(`video-${this.clip}`);
      if (!held) return this.facts.media.link;
      const bytes = Uint8Array.from(atob(held.textContent), (letter) => letter.charCodeAt(0));
      this.address = URL.createObjectURL(new Blob([bytes], { type: this.facts.media.mime }));
      return this.address;
    }

    get frames() {
      return this.facts.numFrames || 1;
    }

    get frame() {
      return Math.min(this.frames - 1, Math.max(0, Math.floor(this.video.currentTime * this.facts.fps + 0.01)));
    }

    show(frame) {
      const nearest = Math.min(frame, this.frames - 1);
      if (this.video) {
        // Into the middle of the frame, where no rounding can lead to its neighbour.
        this.video.currentTime = (nearest + 0.5) / this.facts.fps;
      } else {
        const known = Object.keys(this.facts.frames).map(Number);
        const best = known.sort((a, b) => Math.abs(a - nearest) - Math.abs(b - nearest))[0];
        const thumbnail = document.querySelector(`tr[data-clip="${this.clip}"] .first`);
        this.picture.src = best === undefined ? thumbnail?.src || "data:," : this.facts.frames[best];
      }
    }

    leave() {
      if (this.video) {
        this.video.pause();
        this.video.removeAttribute("src");
        this.video.load();
      }
      if (this.address) URL.revokeObjectURL(this.address);
    }
  }

  // ---- timelines ----

  const WIDTH = 1000;
  const HEIGHT = 64;
  const EDGE = 4; // so that the cursor is seen at the first and last frame
  const SQUEEZE = 4; // a limit is drawn as long as the curve keeps a quarter of the height

  // One metric over the frames of a clip, and of the one it is compared with.
  class Course {
    constructor(measure, other, pictures, frames, seek) {
      this.measure = measure;
      this.pictures = pictures;
      this.frames = frames;
      this.element = make("section", { className: `course ${measure.answer}`, id: `course-${measure.metric}`, tabIndex: -1 });
      this.now = make("span", { className: "now small" });
      this.element.append(this.header(other), ...(measure.series ? [this.plot(other, seek)] : []));
      this.element.title = measure.how;
    }

    header(other) {
      const { title, value, unit, answer, reason, series, courseTitle, courseUnit } = this.measure;
      const limit = limitWords(this.measure.limit);
      const header = make("header", {}, make("h3", { textContent: title }), make("span", { className: "value", textContent: withUnit(value, unit) }));
      if (other) header.append(make("span", { className: "small", textContent: `before ${withUnit(other.value, unit)}` }));
      if (answer === "reject" || answer === "review") header.append(chip(answer));
      if (limit) header.append(make("span", { className: "small", textContent: limit }));
      if (reason) header.append(make("span", { className: "small", textContent: reason }));
      if (series && courseTitle !== title) {
        header.append(make("span", { className: "small", textContent: `drawn: ${courseTitle.toLowerCase()}${courseUnit ? `, ${courseUnit}` : ""}` }));
      }
      header.append(this.now);
      return header;
    }

    plot(other, seek) {
      const { measure } = this;
      const scale = this.scaleFor([...measure.series, ...(other?.series || [])]);
      const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
      svg.setAttribute("aria-label", this.description());
      if (measure.limitsDrawn) svg.append(...this.limits(scale));
      if (other?.series) svg.append(draw("path", { class: "curve old", d: this.path(other, scale) }));
      svg.append(draw("path", { class: "curve", d: this.path(measure, scale) }));
      this.cursor = draw("line", { class: "cursor", y1: 0, y2: HEIGHT });
      svg.append(this.cursor);
      const seekTo = (event) => {
        const box = svg.getBoundingClientRect();
        const share = ((event.clientX - box.left) / box.width - EDGE / WIDTH) / (1 - (2 * EDGE) / WIDTH);
        seek(Math.round(share * (this.frames - 1)));
      };
      svg.addEventListener("pointerdown", (event) => {
        svg.setPointerCapture(event.pointerId);
        seekTo(event);
      });
      svg.addEventListener("pointermove", (event) => event.buttons && seekTo(event));
      const end = (value, name) => make("span", { className: `end ${name}`, textContent: number(value), ariaHidden: "true" });
      const figure = make("div", { className: "figure" }, svg, end(scale.greatest, "high"), end(scale.least, "low"));
      return make("div", { className: "plot" }, figure, this.worst(seek));
    }

    worst(seek) {
      const list = make("div", { className: "worst" });
      for (const frame of this.measure.worst) {
        const button = make("button", { type: "button", title: `Frame ${frame}, one of the worst` });
        const picture = this.pictures[frame];
        if (picture) button.append(make("img", { src: picture, alt: "" }));
        button.append(make("span", { textContent: `frame ${frame}` }));
        button.addEventListener("click", () => seek(frame));
        list.append(button);
      }
      return list;
    }

    // The lowest and highest value shown, with near limits inside.
    scaleFor(values) {
      const known = values.filter((value) => value !== null);
      let [low, high] = [Math.min(...known), Math.max(...known)];
      const span = high - low || Math.abs(high) || 1;
      if (this.measure.limitsDrawn) {
        for (const limit of Object.values(this.measure.limit)) {
          if (limit !== null && Math.max(high, limit) - Math.min(low, limit) <= SQUEEZE * span) {
            [low, high] = [Math.min(low, limit), Math.max(high, limit)];
          }
        }
      }
      const margin = (high - low || span) * 0.08;
      return { low: low - margin, high: high + margin, least: low, greatest: high };
    }

    y(value, { low, high }) {
      return HEIGHT - ((value - low) / (high - low)) * HEIGHT;
    }

    x(frame) {
      return this.frames > 1 ? EDGE + (frame / (this.frames - 1)) * (WIDTH - 2 * EDGE) : WIDTH / 2;
    }

    path(measure, scale) {
      let pen = "M";
      return measure.series
        .map((value, index) => {
          if (value === null) {
            pen = "M";
            return "";
          }
          const point = `${pen}${this.x(measure.first + index * measure.step).toFixed(1)} ${this.y(value, scale).toFixed(2)}`;
          pen = "L";
          return point;
        })
        .join("");
    }

    limits(scale) {
      const { limit } = this.measure;
      const clamp = (value) => Math.min(scale.high, Math.max(scale.low, value));
      const zone = (from, to, decision) => {
        const [top, bottom] = [this.y(clamp(to), scale), this.y(clamp(from), scale)];
        return bottom > top ? draw("rect", { class: `zone ${decision}`, x: 0, y: top, width: WIDTH, height: bottom - top }) : null;
      };
      const line = (value, decision) =>
        value !== null && value >= scale.low && value <= scale.high
          ? draw("line", { class: `limit ${decision}`, x1: 0, x2: WIDTH, y1: this.y(value, scale), y2: this.y(value, scale) })
          : null;
      const rejectLow = limit.reject_below ?? -Infinity;
      const rejectHigh = limit.reject_above ?? Infinity;
      return [
        zone(-Infinity, rejectLow, "reject"),
        zone(rejectLow, limit.review_below ?? rejectLow, "review"),
        zone(limit.review_above ?? rejectHigh, rejectHigh, "review"),
        zone(rejectHigh, Infinity, "reject"),
        line(limit.reject_below, "reject"),
        line(limit.review_below, "review"),
        line(limit.review_above, "review"),
        line(limit.reject_above, "reject"),
      ].filter(Boolean);
    }

    description() {
      const { courseTitle, courseUnit, series, worst } = this.measure;
      const known = series.filter((value) => value !== null);
      const range = `from ${number(Math.min(...known))} to ${withUnit(Math.max(...known), courseUnit)}`;
      return `${courseTitle} over the clip, ${range}${worst.length ? `; look at frame ${worst.join(", ")}` : ""}`;
    }

    show(frame) {
      const { series, first, step, courseUnit } = this.measure;
      if (!series) return;
      const x = this.x(frame);
      this.cursor.setAttribute("x1", x);
      this.cursor.setAttribute("x2", x);
      const value = series[Math.floor((frame - first) / step)];
      this.now.textContent = value === undefined || value === null ? "" : `here ${withUnit(value, courseUnit)}`;
    }
  }

  function limitWords(limit) {
    const side = (review, reject, word) => {
      if (review !== null && reject !== null && review !== reject) return `review ${word} ${review}, reject ${word} ${reject}`;
      return review !== null ? `review ${word} ${review}` : reject !== null ? `reject ${word} ${reject}` : "";
    };
    const sides = [side(limit.review_below, limit.reject_below, "below"), side(limit.review_above, limit.reject_above, "above")];
    return sides.filter(Boolean).join("; ");
  }

  // ---- the viewer ----

  const viewer = byId("viewer");
  const scrubber = byId("scrubber");
  let open = null; // { clip, screens, courses, frame, frames }

  async function openClip(clip) {
    if (!byId(`video-${clip}`) && document.readyState === "loading") {
      await new Promise((ready) => document.addEventListener("DOMContentLoaded", ready, { once: true }));
    }
    leaveClip();
    const before = byId(`clip-${clip}`).dataset.before;
    const facts = factsOf(clip);
    const old = before === undefined ? null : factsOf(before);
    const screens = old ? [new Screen(clip, facts, "Now", false), new Screen(before, old, "Before", true)] : [new Screen(clip, facts, "", false)];
    const frames = Math.max(...screens.map((screen) => screen.frames));
    open = { clip, screens, frames, frame: 0, courses: [] };
    open.courses = facts.measures.map((measure) => {
      const other = old?.measures.find((one) => one.metric === measure.metric);
      return new Course(measure, other, facts.frames, frames, seek);
    });
    describe(facts, screens);
    scrubber.max = frames - 1;
    scrubber.disabled = byId("play").disabled = !screens[0].video;
    byId("screens").replaceChildren(...screens.map((screen) => screen.element));
    byId("courses").replaceChildren(...open.courses.map((course) => course.element));
    byId("courses").scrollTop = 0;
    for (const screen of screens) watch(screen);
    if (!viewer.open) viewer.showModal();
    byId("play").focus();
    history.replaceState(null, "", `#clip-${clip}`);
    screens[0].video?.addEventListener("loadeddata", () => seek(0), { once: true });
    seek(0);
  }

  function describe(facts, screens) {
    byId("viewer-name").textContent = facts.name;
    byId("viewer-verdict").replaceChildren(chip(facts.answer));
    const list = shownRows().map((row) => Number(row.dataset.clip));
    const place = list.indexOf(open.clip);
    byId("viewer-place").textContent = place < 0 ? "" : `${place + 1} of ${list.length}`;
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place === list.length - 1;
    byId("deciding-here").replaceChildren(decideButtons(open.clip));
    showDecision(open.clip);
    const first = body.querySelector(`tr[data-clip="${open.clip}"] .first`);
    const beside = (src, caption) => make("figure", {}, make("img", { src, alt: "" }), make("figcaption", { textContent: caption }));
    byId("pictures").replaceChildren(...(facts.picture && first ? [beside(facts.picture, "the picture"), beside(first.src, "its first frame")] : []));
    const words = screens.map((screen) => screen.facts.media.note).filter(Boolean);
    if (facts.size) words.push(`${facts.size[0]}×${facts.size[1]}, ${facts.numFrames} frames at ${number(facts.fps)} per second; limits of ${facts.limits}.`);
    if (facts.camera) words.push(cameraWords(facts.camera));
    byId("media-note").textContent = [...words, ...facts.notes].join(" ");
    const reasons = facts.reasons.map((reason) => {
      const link = make("button", { type: "button", className: "link", textContent: reason.text });
      link.addEventListener("click", () => find(reason.metric));
      return make("li", { className: reason.decision }, link, marked(reason));
    });
    byId("reasons").replaceChildren(
      facts.error ? make("p", { textContent: facts.error }) : reasons.length ? make("ul", {}, ...reasons) : make("p", { className: "small", textContent: "Nothing speaks against it." }),
    );
    const lineage = [["file", facts.path], ["sha256", facts.sha256 || "unknown"], ...facts.lineage];
    byId("lineage").querySelector("tbody").replaceChildren(
      ...lineage.map(([name, value]) => make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", { textContent: value }))),
    );
  }

  // The frame that a reason points to, with the region marked; a click goes there.
  function marked({ marked: src, place }) {
    if (!src) return null;
    const words = place.frame === null ? "All along" : `Frame ${place.frame}`;
    const button = make("button", { type: "button", className: "marked", title: words, ariaLabel: `${words}, marked` }, make("img", { src, alt: "" }));
    button.addEventListener("click", () => place.frame === null || seek(place.frame));
    return button;
  }

  function cameraWords({ asked, measured, extent, reason }) {
    const did = measured ? `Camera measured: ${measured}${extent === null ? "" : ` (${extent} of a normal move)`}.` : `The camera's move could not be told: ${reason}.`;
    return asked ? `${did} Camera asked for: ${asked}.` : did;
  }

  function find(metric) {
    const course = byId(`course-${metric}`);
    if (!course) return;
    for (const other of document.querySelectorAll(".course.found")) other.classList.remove("found");
    course.classList.add("found");
    course.scrollIntoView({ block: "nearest" });
    const worst = open.courses.find((one) => one.measure.metric === metric)?.measure.worst;
    if (worst?.length) seek(worst[0]);
  }

  function leaveClip() {
    if (open) for (const screen of open.screens) screen.leave();
    open = null;
  }

  // The cursor follows the first screen while it plays; the second follows the first.
  function watch(screen) {
    const { video } = screen;
    if (!video) return;
    const mine = open;
    video.addEventListener("error", () => {
      if (open === mine) byId("media-note").textContent = `This browser cannot play ${screen.facts.name}. ${screen.facts.media.note}`;
    });
    if (screen !== open.screens[0]) return;
    const follow = () => {
      if (open !== mine) return;
      if (!video.paused) {
        moveCursor(screen.frame);
        for (const other of open.screens.slice(1)) {
          if (other.video && Math.abs(other.video.currentTime - video.currentTime) > 0.75 / screen.facts.fps) {
            other.video.currentTime = video.currentTime;
          }
        }
      }
      video.requestVideoFrameCallback ? video.requestVideoFrameCallback(follow) : requestAnimationFrame(follow);
    };
    follow();
    for (const happening of ["play", "pause", "ended"]) {
      video.addEventListener(happening, () => {
        if (open !== mine) return;
        byId("play").textContent = video.paused ? "Play" : "Pause";
        for (const other of open.screens.slice(1)) video.paused ? other.video?.pause() : other.video?.play();
        if (happening === "ended") moveCursor(open.frames - 1);
      });
    }
  }

  function seek(frame) {
    if (!open) return;
    const target = Math.min(open.frames - 1, Math.max(0, frame));
    for (const screen of open.screens) screen.show(target);
    moveCursor(target);
  }

  function moveCursor(frame) {
    open.frame = frame;
    scrubber.value = frame;
    const { fps } = open.screens[0].facts;
    byId("clock").textContent = fps ? `frame ${frame} of ${open.frames - 1} · ${(frame / fps).toFixed(2)} s` : "";
    for (const course of open.courses) course.show(frame);
  }

  function step(by) {
    for (const screen of open.screens) screen.video?.pause();
    seek(open.frame + by);
  }

  function playOrPause() {
    const [{ video }] = open.screens;
    if (!video) return;
    if (!video.paused) return video.pause();
    if (open.frame >= open.frames - 1) seek(0);
    for (const screen of open.screens) if (screen.video) screen.video.playbackRate = Number(byId("speed").value);
    video.play().catch(() => {});
  }

  function goTo(by) {
    const list = shownRows().map((row) => Number(row.dataset.clip));
    const next = list[list.indexOf(open.clip) + by];
    if (next !== undefined) openClip(next);
  }

  function prepareViewer() {
    byId("play").addEventListener("click", playOrPause);
    byId("back").addEventListener("click", () => step(-1));
    byId("forth").addEventListener("click", () => step(1));
    byId("previous").addEventListener("click", () => goTo(-1));
    byId("next").addEventListener("click", () => goTo(1));
    byId("close").addEventListener("click", () => viewer.close());
    byId("speed").addEventListener("change", (event) => {
      for (const screen of open.screens) if (screen.video) screen.video.playbackRate = Number(event.target.value);
    });
    scrubber.addEventListener("input", () => {
      for (const screen of open.screens) screen.video?.pause();
      seek(Number(scrubber.value));
    });
    viewer.addEventListener("close", () => {
      const row = body.querySelector(`tr[data-clip="${open?.clip}"] .open`);
      leaveClip();
      filter();
      history.replaceState(null, "", location.pathname + location.search);
      row?.focus();
    });
  }

  // ---- the keyboard ----

  const isTyping = (element) => element.matches("input[type=search], input[type=number], select, textarea");

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const key = event.key;
    const row = document.activeElement?.closest("tr[data-clip]");
    const clip = open ? open.clip : row && Number(row.dataset.clip);
    const decision = { a: "accept", r: "reject", u: null }[key];
    if (decision !== undefined && typeof clip === "number") {
      event.preventDefault();
      return decide(clip, decision);
    }
    if (!open) {
      if (key !== "j" && key !== "k") return;
      const shown = shownRows();
      const place = shown.indexOf(row);
      const wish = place < 0 ? placeLost - (key === "k") : place + (key === "j" ? 1 : -1);
      const next = shown[Math.min(shown.length - 1, Math.max(0, wish))];
      if (next) focusRow(next);
      return;
    }
    const actions = {
      ArrowLeft: () => step(event.shiftKey ? -10 : -1),
      ArrowRight: () => step(event.shiftKey ? 10 : 1),
      Home: () => step(-open.frames),
      End: () => step(open.frames),
      j: () => goTo(1),
      k: () => goTo(-1),
    };
    const onButton = event.target.matches("button, summary");
    if (key === " " && !onButton) actions[" "] = playOrPause;
    if (!actions[key]) return;
    event.preventDefault();
    actions[key]();
  }

  prepareDecisions();
  prepareTable();
  prepareViewer();
  document.addEventListener("keydown", onKey);
  const linked = /^#clip-(\d+)$/.exec(location.hash);
  if (linked && body.querySelector(`tr[data-clip="${linked[1]}"]`)) openClip(Number(linked[1]));
  else if (rows().length === 1) openClip(Number(rows()[0].dataset.clip));
})();
