// What all cards of the suite are made of.

import { loadTexts } from "./texts.js";

/** An element with properties, attributes (`aria-…`, `data-…`, `for`), listeners (`onclick`) and children. */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Set the text of a node only if it differs: what did not change is neither laid out nor read out again. */
export function say(node, text) {
  if (node.firstChild?.data !== text) node.textContent = text;
  node.hidden = !text;
}

/**
 * Make the children of a list those of `models`, in that order, without touching what stays.
 * `create(model)` gives a node whose `update(model)` draws it. The focus stays where it was.
 */
export function reconcile(list, models, keyOf, create) {
  const root = list.getRootNode();
  const focused = root.activeElement;
  const before = new Map([...list.children].map((node) => [node.key, node]));
  models.forEach((model, index) => {
    const key = keyOf(model);
    const node = before.get(key) ?? Object.assign(create(model), { key });
    before.delete(key);
    node.update(model);
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  for (const node of before.values()) node.remove();
  // A node that is moved loses the focus.
  if (focused && focused !== root.activeElement && list.contains(focused)) focused.focus();
}

const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60_000;

/**
 * A subscription that comes back: with the connection, after a refusal, and after a restart of Home Assistant.
 * `heard(event)` returns whether there is more to come, `refused(error)` and `lost()` tell why nothing is heard.
 */
export class Feed {
  #turn = 0;
  #stop;
  #timer;
  #wait = FIRST_WAIT;

  constructor(connection, message, { heard, refused, lost }) {
    Object.assign(this, { connection, message, heard, refused, lost });
    connection.addEventListener("ready", this.#start);
    connection.addEventListener("disconnected", this.#lost);
    this.#start();
  }

  close() {
    this.connection.removeEventListener("ready", this.#start);
    this.connection.removeEventListener("disconnected", this.#lost);
    this.#end();
  }

  #end() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    // The other side may be gone already.
    this.#stop?.().catch(() => undefined);
    this.#stop = undefined;
  }

  #lost = () => {
    this.#end();
    this.#wait = FIRST_WAIT;
    this.lost();
  };

  #start = async () => {
    this.#end();
    const turn = this.#turn;
    const mine = () => turn === this.#turn;
    try {
      // Not the library's own way: what is refused while Home Assistant starts, it would not try again.
      const hear = (event) => mine() && (this.heard(event) || this.#start());
      const stop = await this.connection.subscribeMessage(hear, this.message, { resubscribe: false });
      if (!mine()) return stop().catch(() => undefined);
      this.#stop = stop;
      this.#wait = FIRST_WAIT;
    } catch (error) {
      if (!mine()) return;
      this.refused(error);
      this.#timer = setTimeout(this.#start, this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    }
  };
}

/**
 * A card: `check(config)` throws what is wrong; `feed()` gives a Feed, opened while the card is shown; `draw()` draws.
 * Drawn at most once per frame, and only after `invalidate()`.
 */
export class SuiteCard extends HTMLElement {
  #frame = 0;
  #hass;
  #feed;
  #minute;

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  setConfig(config) {
    this.constructor.check(config);
    this.config = config;
    this.invalidate();
  }

  get hass() {
    return this.#hass;
  }

  set hass(hass) {
    const before = this.#hass;
    this.#hass = hass;
    if (before?.language !== hass.language || !this.t) this.#speak(hass);
    if (before?.language !== hass.language || before?.connection !== hass.connection) this.#open();
    if (before?.locale !== hass.locale || before?.config?.time_zone !== hass.config?.time_zone) this.invalidate();
  }

  connectedCallback() {
    // "5 minutes ago" is not so for long.
    this.#minute = setInterval(() => document.hidden || this.invalidate(), 30_000);
    this.#open();
    this.invalidate();
  }

  disconnectedCallback() {
    clearInterval(this.#minute);
    this.#feed?.close();
    this.#feed = undefined;
  }

  invalidate() {
    if (this.#frame || !this.isConnected) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.t && this.config && this.#hass && this.isConnected) this.draw();
    });
  }

  #open() {
    this.#feed?.close();
    this.#feed = this.isConnected && this.#hass ? this.feed() : undefined;
  }

  async #speak(hass) {
    try {
      const t = await loadTexts(hass);
      if (hass.language !== this.#hass.language) return;
      this.t = t;
      this.invalidate();
    } catch {
      // The next hass brings another try.
    }
  }
}
