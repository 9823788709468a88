// A clip as a card: its first frame, which moves while it is pointed at or focused, and its verdict.

import { pictureOf } from "./api.js";
import { h, isCalm } from "./dom.js";
import { chip, hasClip, moment, number } from "./words.js";

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target.preload = "metadata";
      target.src = target.dataset.src;
    }
  },
  { rootMargin: "200px" },
);

function thumbnail(job) {
  if (!hasClip(job)) return h("img", { src: pictureOf(job.id), alt: "", loading: "lazy", onerror: (event) => event.target.remove() });
  const video = h("video", { "data-src": job.mp4_path, poster: pictureOf(job.id), muted: true, loop: true, playsinline: true, preload: "none", tabindex: "-1", "aria-hidden": "true" });
  seen.observe(video);
  return video;
}

// Plays the clip in a card while it is looked at.
function enliven(card) {
  const play = () => !isCalm() && card.querySelector("video")?.play().catch(() => {});
  const rest = () => {
    const video = card.querySelector("video");
    if (!video) return;
    video.pause();
    if (video.currentTime) video.currentTime = 0;
  };
  for (const name of ["pointerenter", "focusin"]) card.addEventListener(name, play);
  for (const name of ["pointerleave", "focusout"]) card.addEventListener(name, rest);
  return card;
}

// A card that is drawn anew when the job's state changes.
export function card(job, more = () => null) {
  const element = enliven(h("li", { class: "card" }));
  let drawn = "";
  element.update = (now) => {
    const how = `${now.state} ${now.sha256} ${now.verdict}`;
    if (how !== drawn) {
      drawn = how;
      const score = now.temporal_score === null ? "" : `steady ${number(now.temporal_score)}`;
      element.replaceChildren(
        h("a", { class: "to", href: `#/clip/${now.id}` }, h("span", { class: "thumb" }, thumbnail(now)), h("span", { class: "prompt" }, now.order.prompt)),
        h("div", { class: "row" }, chip(now), h("span", { class: "note" }, [score, moment(now.created_at)].filter(Boolean).join(" · "))),
        more(now) ?? "",
      );
    }
    element.refresh?.(now);
  };
  return element;
}
