// The picture of the next clip: dropped, pasted or chosen, and which part of it the clip keeps.

import { byId, say, setText } from "./dom.js";
import { keptPicture } from "./memory.js";

let file = null;
let size = null; // [width, height], as people see it
let limits = null;
let changed = () => {};
let clip = null; // [width, height] of the clip, once it is known

const UNSHOWN = /tiff?|heic|heif|avif|bmp/i; // pictures that some browsers cannot show, and the service reads

export const picture = {
  file: () => file,
  size: () => size,
  stamp: () => (file ? [file.name, file.size, file.lastModified] : null),

  begin(given, onChange) {
    limits = given;
    changed = onChange;
    const drop = byId("drop");
    byId("image").addEventListener("change", (event) => {
      if (event.target.files[0]) picture.take(event.target.files[0]);
      event.target.value = "";
    });
    byId("no-picture").addEventListener("click", remove);
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => {
        if (![...event.dataTransfer.types].includes("Files")) return;
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    document.addEventListener("dragleave", (event) => !event.relatedTarget && drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      drop.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      picture.take(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
      if (!pasted) return;
      event.preventDefault();
      picture.take(pasted);
    });
    keptPicture.read().then((kept) => kept && !file && picture.take(kept, true));
  },

  async take(given, quietly = false) {
    const wrong = await wrongWith(given);
    if (wrong) {
      setText(byId("picture-problem"), wrong);
      byId("picture-problem").hidden = false;
      return;
    }
    file = given;
    clip = null;
    keptPicture.write(given);
    show();
    if (!quietly) say(`Picture ${given.name} taken.`);
    changed();
  },

  // Which part of it a clip of that size keeps.
  frame(width, height) {
    clip = [width, height];
    drawFrame();
  },

  unframe() {
    clip = null;
    drawFrame();
  },
};

function measured(given) {
  const address = URL.createObjectURL(given);
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve({ address, size: [image.naturalWidth, image.naturalHeight] });
    image.onerror = () => {
      URL.revokeObjectURL(address);
      resolve(null);
    };
    image.src = address;
  });
}

let seen = null;

// Why a file cannot be taken, as a sentence; "" where it can. Its own bytes decide, not its name.
async function wrongWith(given) {
  if (given.size > limits.most_upload_mb * 1e6) {
    return `${given.name} has ${(given.size / 1e6).toFixed(0)} MB, and ${limits.most_upload_mb} MB is the most. Send a smaller one.`;
  }
  const found = await measured(given);
  if (!found && !UNSHOWN.test(`${given.type} ${given.name}`)) {
    return `${given.name} is no picture that can be read. Choose a photograph: JPEG, PNG, WebP, AVIF, TIFF.`;
  }
  if (found && found.size[0] * found.size[1] > limits.most_megapixels * 1e6) {
    return `${given.name} is ${found.size.join(" × ")} pixels, and ${limits.most_megapixels} million is the most. Make it smaller first.`;
  }
  if (seen) URL.revokeObjectURL(seen.address);
  seen = found;
  return "";
}

function show() {
  size = seen?.size ?? null;
  byId("choose").hidden = Boolean(seen);
  byId("cropped").hidden = !seen;
  byId("picture-actions").hidden = false;
  byId("picture-problem").hidden = true;
  if (seen) {
    byId("shown").src = seen.address;
    byId("shown").alt = `Your picture, ${file.name}`;
  }
  drawFrame();
}

function remove() {
  file = size = seen = clip = null;
  keptPicture.forget();
  byId("cropped").hidden = byId("picture-actions").hidden = byId("fit").hidden = true;
  byId("choose").hidden = false;
  byId("shown").removeAttribute("src");
  setText(byId("picture-note"), `Photographs work best. Up to ${limits.most_upload_mb} MB.`);
  byId("image").focus();
  changed();
}

const fit = () => document.querySelector("[name=fit]:checked").value;

// The frame is drawn over the picture; with bars the picture is drawn into the frame.
function drawFrame() {
  if (!file) return;
  if (!size) {
    setText(byId("picture-note"), `${file.name}. This browser cannot show it; the service reads it.`);
    setText(byId("choose").querySelector("strong"), "Choose another picture");
    return;
  }
  const [width, height] = size;
  const shape = width / height;
  const wanted = clip ? clip[0] / clip[1] : shape;
  const differs = Math.abs(Math.log(wanted / shape)) > 0.012;
  const pads = differs && fit() === "pad";
  const box = byId("cropped");
  box.style.setProperty("--shape", String(pads ? wanted : shape));
  box.classList.toggle("pads", pads);
  const across = differs && !pads ? Math.min(1, wanted / shape) : 1;
  const down = differs && !pads ? Math.min(1, shape / wanted) : 1;
  const kept = byId("kept");
  kept.hidden = !differs || pads;
  Object.assign(kept.style, {
    left: `${50 * (1 - across)}%`,
    top: `${50 * (1 - down)}%`,
    width: `${100 * across}%`,
    height: `${100 * down}%`,
  });
  byId("fit").hidden = !differs;
  const share = Math.round(100 * across * down);
  const what = !differs ? "" : pads ? ", with black bars" : `; the clip keeps ${share} % of it`;
  setText(byId("picture-note"), `${width} × ${height} pixels${what}`);
}
