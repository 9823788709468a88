// What this browser remembers: the sentence and settings of this tab, earlier sentences, and the picture, so that a
// reload loses nothing. Where a browser keeps nothing, the page works without.

const TAB = "reelops-tab";
const PICTURES = "pictures";
const MOST_PICTURES = 4;
const MOST_SENTENCES = 20;

function attempt(act, otherwise = null) {
  try {
    return act();
  } catch {
    return otherwise;
  }
}

const read = (place, name, otherwise) => attempt(() => JSON.parse(place().getItem(name)) ?? otherwise, otherwise);
const write = (place, name, value) => attempt(() => place().setItem(name, JSON.stringify(value)));
const tab = () => sessionStorage;
const browser = () => localStorage;

export const draft = {
  read: () => read(tab, "reelops-draft", {}),
  write: (value) => write(tab, "reelops-draft", value),
};

export const sentences = {
  all: () => read(browser, "reelops-sentences", []),
  add(text) {
    const others = sentences.all().filter((one) => one !== text);
    write(browser, "reelops-sentences", [text, ...others].slice(0, MOST_SENTENCES));
  },
  forget: () => attempt(() => localStorage.removeItem("reelops-sentences")),
};

function nameOfTab() {
  let name = read(tab, TAB, null);
  if (!name) write(tab, TAB, (name = `${Date.now()}-${Math.random()}`));
  return name;
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("reelops", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(PICTURES);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within(mode, act) {
  try {
    const pictures = (await opened()).transaction(PICTURES, mode).objectStore(PICTURES);
    return await new Promise((resolve, reject) => {
      const request = act(pictures);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } catch {
    return null;
  }
}

export const keptPicture = {
  read: async () => (await within("readonly", (all) => all.get(nameOfTab())))?.file ?? null,
  async write(file) {
    await within("readwrite", (all) => all.put({ file, at: Date.now() }, nameOfTab()));
    const keys = (await within("readonly", (all) => all.getAllKeys())) || [];
    const older = keys.filter((key) => key !== nameOfTab()).slice(0, Math.max(0, keys.length - MOST_PICTURES));
    for (const key of older) await within("readwrite", (all) => all.delete(key));
  },
  forget: () => within("readwrite", (all) => all.delete(nameOfTab())),
};
