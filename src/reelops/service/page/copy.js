// The call of the API that asks for the same clip, for a terminal.

import { say, setText } from "./dom.js";
import { seedOf } from "./words.js";

// Of -F curl would read "@", "<" and ";" in a sentence as orders of its own.
const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function callOf(job) {
  const { picture, ...fields } = job.order;
  const parts = { ...fields, seed: seedOf(job) };
  const lines = [
    `curl ${location.origin}/generate-video`,
    `-H "Authorization: Bearer $REELOPS_KEY"`,
    `-F ${quoted(`image=@"${(picture.name || "picture.jpg").replaceAll(/["\\]/g, "\\$&")}"`)}`,
    ...Object.entries(parts)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => `--form-string ${quoted(`${name}=${value}`)}`),
  ];
  return lines.join(" \\\n  ");
}

export async function copyCall(job, button) {
  const words = button.textContent;
  const text = callOf(job);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    fallBack(text); // a page that came without https may not write there
  }
  setText(button, "Copied");
  say("The API call is copied.");
  setTimeout(() => setText(button, words), 2000);
}

function fallBack(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
