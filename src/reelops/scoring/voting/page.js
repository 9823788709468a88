"use strict";
// One pair at a time: the answer is sent, and the next pair comes.
(() => {
  const byId = (id) => document.getElementById(id);
  const sides = ["left", "right"];
  let now = null;
  let sending = false;

  function show(pair) {
    now = pair;
    byId("place").textContent = pair.done ? "" : `Pair ${pair.number + 1} of ${pair.total}`;
    byId("pair").hidden = byId("answers").hidden = pair.done;
    if (pair.done) byId("message").textContent = "That was the last one. Thank you; you can close this page.";
    for (const side of sides) {
      byId(`${side}-usable`).checked = false;
      if (pair.done) byId(side).removeAttribute("src");
      else byId(side).src = `clip/${pair.number}/${side}`;
    }
  }

  async function vote(better) {
    if (!now || now.done || sending) return;
    sending = true;
    const answer = { number: now.number, better, leftUsable: byId("left-usable").checked, rightUsable: byId("right-usable").checked };
    try {
      const reply = await fetch("vote", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer) });
      if (!reply.ok) throw new Error(await reply.text());
      byId("message").textContent = "";
      show(await reply.json());
    } catch (error) {
      byId("message").textContent = `Not kept: ${error.message || "nobody answers"}. Is the command still running?`;
    } finally {
      sending = false;
    }
  }

  for (const button of document.querySelectorAll("[data-better]")) button.addEventListener("click", () => vote(button.dataset.better));
  for (const side of sides) {
    byId(side).addEventListener("error", () => {
      if (now && !now.done) byId("message").textContent = `The ${side} clip cannot be played here.`;
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { ArrowLeft: "left", ArrowRight: "right", " ": "same" };
    const usable = { a: "left-usable", l: "right-usable" }[event.key.toLowerCase()];
    if (usable) byId(usable).checked = !byId(usable).checked;
    else if (event.key in keys) {
      event.preventDefault();
      vote(keys[event.key]);
    }
  });
  fetch("pair").then((reply) => reply.json()).then(show);
})();
