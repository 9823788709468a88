// A clip's player, over which a place in the clip can be marked.

import { h, isCalm } from "./dom.js";

// { element, video, show(place, fps) }: `show` stops at a moment and frames a region, until the clip goes on.
export function player(job, label) {
  const video = h("video", {
    src: job.mp4_path,
    controls: true,
    loop: true,
    muted: true,
    playsinline: true,
    preload: "auto",
    "aria-label": label,
  });
  const mark = h("div", { class: "region", hidden: true, "aria-hidden": "true" });
  const screen = h("div", { class: "screen" }, video, mark);
  video.addEventListener("loadedmetadata", () => {
    screen.style.setProperty("--shape", String(video.videoWidth / video.videoHeight));
    screen.classList.toggle("upright", video.videoHeight > video.videoWidth);
  });
  video.addEventListener("play", () => (mark.hidden = true));
  video.addEventListener("error", () => {
    screen.replaceChildren(h("p", { class: "told reject" }, "The clip cannot be played here. Download it to see it."));
  });
  if (!isCalm()) video.autoplay = true;
  return { element: screen, video, show: (place, fps) => show(video, mark, place, fps) };
}

function show(video, mark, place, fps) {
  video.pause();
  const frame = place.frame ?? place.since ?? 0;
  video.currentTime = Math.min((frame + 0.5) / fps, Math.max(0, (video.duration || 1e9) - 0.01));
  const [left, top, right, bottom] = place.box ?? [0, 0, 1, 1];
  Object.assign(mark.style, {
    left: `${100 * left}%`,
    top: `${100 * top}%`,
    width: `${100 * (right - left)}%`,
    height: `${100 * (bottom - top)}%`,
  });
  mark.hidden = false;
}
