// The card `energy-suite-alarms-card`: the active alarms, and the log of those that were.

import { NO_FILTER, PAGE, SHOWS, check, model, wanted } from "./alarms.js";
import { Feed, SuiteCard, make, reconcile, say } from "./base.js";
import { loadTexts, text } from "./texts.js";
import { Times } from "./times.js";

const ADD_SITE = "/config/integrations/dashboard/add?domain=energy_suite";
/** ms between two looks at the log while alarms come and go. */
const LOG_EVERY = 2000;

// A shape for each severity: nobody has to tell colours apart.
const SHAPES = {
  critical: "M7.7 1h8.6L23 7.7v8.6L16.3 23H7.7L1 16.3V7.7z",
  warning: "M12 2 23.5 22H.5z",
  information: "M12 1a11 11 0 1 1 0 22 11 11 0 0 1 0-22z",
};
const MARKS = {
  critical: "M11 6h2v8h-2zm0 10h2v2h-2z",
  warning: "M11 9.5h2V16h-2zm0 7.5h2v2h-2z",
  information: "M11 6h2v2h-2zm0 4h2v8h-2z",
};

const STYLE = `
  ha-card { container-type: inline-size; overflow: hidden; }
  .content { padding: 0 16px 16px; }
  .bare { padding-top: 8px; }
  [hidden], .buttons:empty { display: none !important; }
  p { margin: 8px 0; color: var(--secondary-text-color); }
  h3 { margin: 8px 0; font-size: var(--ha-font-size-l, 16px); font-weight: var(--ha-font-weight-medium, 500); }
  .count, .pair, .notes, dt, label { color: var(--secondary-text-color); }
  .bar { display: flex; justify-content: space-between; align-items: center; gap: 8px; margin: 16px 0 8px; }
  ul { list-style: none; margin: 0; padding: 0; }
  li { display: grid; grid-template-columns: 24px minmax(0, 1fr); gap: 2px 12px; padding: 12px 4px;
    border-bottom: 1px solid var(--divider-color); }
  li:last-child { border-bottom: 0; }
  li > * { grid-column: 2; overflow-wrap: anywhere; }
  li > svg { grid-area: 1 / 1 / span 2; width: 24px; height: 24px; }
  .active li { margin-bottom: 8px; padding: 12px; border: 0; border-inline-start: 4px solid var(--tone);
    border-radius: var(--ha-border-radius-md, 8px); background: color-mix(in srgb, var(--tone) 10%, transparent); }
  .critical { --tone: var(--error-color, #db4437); --mark: #fff; }
  .warning { --tone: var(--warning-color, #ffa600); --mark: #000; }
  .information { --tone: var(--info-color, #039be5); --mark: #fff; }
  .shape { fill: var(--tone); }
  .mark { fill: var(--mark); }
  .pair { display: flex; flex-wrap: wrap; gap: 0 8px; }
  .pair > :first-child { color: var(--primary-text-color); }
  .what > :first-child { font-weight: var(--ha-font-weight-medium, 500); }
  .active .what { flex-direction: column-reverse; }
  summary { cursor: pointer; line-height: 40px; width: fit-content; color: var(--primary-color); }
  dl, dd { margin: 0 0 8px; }
  dt, label { font-size: var(--ha-font-size-s, 12px); }
  .buttons { display: flex; flex-wrap: wrap; gap: 8px; grid-column: 1 / -1; padding-top: 8px; }
  button, select { font: inherit; min-height: 40px; padding: 0 8px; cursor: pointer; color: var(--primary-text-color);
    background: var(--card-background-color); border: 1px solid var(--outline-color, var(--divider-color));
    border-radius: var(--ha-border-radius-md, 8px); }
  button:disabled { color: var(--disabled-text-color); cursor: default; }
  button:hover:enabled { border-color: var(--primary-color); }
  :focus-visible { outline: 2px solid var(--primary-color); outline-offset: 2px; }
  a { color: var(--primary-color); display: inline-block; line-height: 40px; }
  .filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 8px 12px;
    align-items: end; margin-bottom: 8px; }
  label { display: grid; gap: 2px; }
  select { font-size: var(--ha-font-size-m, 14px); width: 100%; }
  .check { grid-auto-flow: column; justify-content: start; align-items: center; gap: 8px; min-height: 40px;
    font-size: var(--ha-font-size-m, 14px); color: var(--primary-text-color); cursor: pointer; }
  input { width: 20px; height: 20px; margin: 0; accent-color: var(--primary-color); }
  .pager { display: flex; justify-content: center; align-items: center; gap: 12px; padding-top: 8px; }
  @container (min-width: 620px) {
    li { grid-template-columns: 24px minmax(0, 2.2fr) minmax(0, 1.3fr) minmax(0, 1.3fr); }
    li > .pair { flex-direction: column; grid-row: 1; }
    li > .what { flex-direction: column-reverse; justify-content: flex-end; }
    .who { grid-column: 3; }
    .when { grid-column: 4; }
    .notes, details, .buttons { grid-column: 2 / -1; }
    button { padding: 0 16px; }
  }
  @container (min-width: 800px) {
    .notes, details { grid-column: 2; }
    .buttons { grid-area: 2 / 3 / span 2 / -1; align-self: start; padding-top: 4px; }
  }
`;

function shape() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const name of ["shape", "mark"]) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("class", name);
    svg.append(path);
  }
  return svg;
}

/** A row of either list; `press(row, button)` is called for what is pressed. */
function createRow(press) {
  const [text, word, device, source, then, summary] = Array.from({ length: 6 }, () => make("span"));
  const started = make("time");
  const notes = make("div", { className: "notes" });
  const drawing = shape();
  const advice = make("dl");
  const details = make("details", {}, make("summary", {}, summary), advice);
  const buttons = make("div", { className: "buttons" });
  // Times change all the while: only the alarm itself is read out.
  const when = make("div", { className: "pair when", "aria-live": "off" }, started, then);
  const item = make(
    "li",
    { tabIndex: -1 },
    drawing,
    make("div", { className: "pair what" }, text, word),
    make("div", { className: "pair who" }, device, source),
    when,
    notes,
    details,
    buttons,
  );
  return Object.assign(item, {
    update(row) {
      item.row = row;
      if (item.className !== row.severity) {
        item.className = row.severity;
        drawing.children[0].setAttribute("d", SHAPES[row.severity]);
        drawing.children[1].setAttribute("d", MARKS[row.severity]);
      }
      for (const [node, words] of [
        [text, row.text],
        [word, row.word],
        [device, row.device],
        [source, row.source],
        [started, row.started],
        [then, row.then],
        [notes, row.notes.join(" · ")],
        [summary, row.adviceTitle],
      ]) {
        say(node, words);
      }
      started.dateTime = row.iso;
      details.hidden = !row.advice.length;
      reconcile(advice, row.advice, ([label]) => label, createAdvice);
      const inside = buttons.contains(item.getRootNode().activeElement);
      reconcile(buttons, row.buttons, ({ action }) => action, ({ action }) => {
        const button = make("button", { type: "button" });
        return Object.assign(button, {
          update({ label, seconds }) {
            say(button, label);
            button.setAttribute("aria-label", `${label}: ${item.row.text}, ${item.row.device}`);
            button.onclick = () => press(item.row.tag, action, seconds);
          },
        });
      });
      // The button that was pressed may be gone.
      if (inside && !buttons.contains(item.getRootNode().activeElement)) item.focus();
    },
  });
}

function createAdvice() {
  const [term, words] = [make("dt"), make("dd")];
  const pair = make("div", {}, term, words);
  return Object.assign(pair, {
    update([label, advice]) {
      say(term, label);
      say(words, advice);
    },
  });
}

export class AlarmsCard extends SuiteCard {
  static check = check;

  static getStubConfig() {
    return { show: "both" };
  }

  static async getConfigForm() {
    const hass = document.querySelector("home-assistant")?.hass;
    if (hass) await loadTexts(hass);
    const options = SHOWS.map((value) => ({ value, label: text(`editor.show_${value}`) }));
    return {
      schema: [
        { name: "title", selector: { text: {} } },
        { name: "show", default: "both", selector: { select: { mode: "dropdown", options } } },
        { name: "device", selector: { device: { filter: [{ integration: "energy_suite" }] } } },
      ],
      computeLabel: ({ name }) => text(`editor.${name}`),
      assertConfig: check,
    };
  }

  #state = { active: null, refused: "", lost: false, log: null, filter: NO_FILTER, page: 0, all: false };
  #parts;
  #times;
  #asked = 0;
  #logTimer;

  getCardSize() {
    return 4 + 2 * Math.min(this.#state.active?.length ?? 0, PAGE);
  }

  getGridOptions() {
    return { columns: 12, min_columns: 6 };
  }

  setConfig(config) {
    super.setConfig(config);
    this.#change({ page: 0 }, true);
  }

  feed() {
    const { connection, language } = this.hass;
    return new Feed(connection, { type: "energy_suite/alarms/subscribe", language }, {
      heard: ({ active, monitoring, level }) => {
        if (!active) return false; // the site is removed, or set up anew
        this.#change({ active, monitoring, level, refused: "", lost: false });
        this.#lookSoon();
        return true;
      },
      refused: ({ code }) => this.#change({ refused: code || "failed", lost: false }),
      lost: () => this.#change({ lost: true }),
    });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#logTimer);
    this.#logTimer = undefined;
  }

  #change(changes, again = false) {
    Object.assign(this.#state, changes);
    this.invalidate();
    if (again) this.#look();
  }

  #lookSoon() {
    this.#logTimer ??= setTimeout(() => this.#look(), this.#state.log ? LOG_EVERY : 0);
  }

  async #look() {
    clearTimeout(this.#logTimer);
    this.#logTimer = undefined;
    if (!this.hass || !this.isConnected || (this.config?.show ?? "both") === "active") return;
    const { filter, page } = this.#state;
    const asked = ++this.#asked;
    try {
      const log = await this.hass.callWS({
        type: "energy_suite/alarms/log",
        language: this.hass.language,
        limit: (page + 1) * PAGE + 1,
        ...wanted(filter, this.config, Date.now()),
      });
      if (asked === this.#asked) this.#change({ log });
    } catch {
      // What is wrong is said by the subscription, which also looks again.
    }
  }

  async #press(tag, action, seconds) {
    const command = action === "acknowledge" ? "acknowledge" : "snooze";
    await this.#try({ type: `energy_suite/alarms/${command}`, tag, ...(command === "snooze" && { seconds }) });
  }

  async #download() {
    const answer = await this.#try({
      type: "call_service",
      domain: "energy_suite",
      service: "export_alarm_log",
      service_data: wanted(this.#state.filter, this.config, Date.now()),
      return_response: true,
    });
    if (!answer) return;
    // Spreadsheets take a file without this mark for one in an old encoding.
    const url = URL.createObjectURL(new Blob(["\ufeff", answer.response.csv], { type: "text/csv" }));
    make("a", { href: url, download: "alarms.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** The answer to a command; where it is refused the user is told why. */
  async #try(message) {
    try {
      return await this.hass.callWS(message);
    } catch (error) {
      const { translation_domain: domain, translation_key: key, translation_placeholders: values } = error;
      const localize = key && (await this.hass.loadBackendTranslation("exceptions", domain));
      const reason = localize?.(`component.${domain}.exceptions.${key}.message`, values) || error.message;
      const detail = { message: reason || this.t("notice.lost") };
      this.dispatchEvent(new CustomEvent("hass-notification", { detail, bubbles: true, composed: true }));
      return undefined;
    }
  }

  #build() {
    const { t } = this;
    const part = (tag, className, ...children) => make(tag, { className }, ...children);
    const button = (onclick) => make("button", { type: "button", onclick });
    const p = {
      notice: make("p", { role: "status" }),
      add: make("a", { href: ADD_SITE }),
      hint: make("p"),
      activeTitle: make("span"),
      count: make("span", { className: "count" }),
      activeNone: make("p"),
      activeRows: make("ul", { "aria-live": "polite", "aria-relevant": "additions" }),
      more: button(() => this.#change({ all: true })),
      logTitle: make("h3"),
      csv: button(() => this.#download()),
      selects: make("div"),
      only: make("input", { type: "checkbox" }),
      onlyLabel: make("span"),
      logRows: make("ul"),
      logNone: make("p", { role: "status" }),
      newer: button(() => this.#turn(-1)),
      page: make("span"),
      older: button(() => this.#turn(1)),
    };
    p.selects.style.display = "contents";
    p.filters = part("form", "filters", p.selects, part("label", "check", p.only, p.onlyLabel));
    p.filters.onchange = () => {
      const chosen = [...p.selects.querySelectorAll("select")].map(({ name, value }) => [name, value]);
      this.#change({ filter: { ...NO_FILTER, ...Object.fromEntries(chosen), active: p.only.checked }, page: 0 }, true);
    };
    const heading = make("h3", {}, p.activeTitle, " ", p.count);
    p.active = part("section", "active", heading, p.hint, p.activeNone, p.activeRows, p.more);
    p.pager = part("nav", "pager", p.newer, p.page, p.older);
    p.log = make("section", {}, part("div", "bar", p.logTitle, p.csv), p.filters, p.logRows, p.logNone, p.pager);
    p.content = part("div", "content", p.notice, p.add, p.active, p.log);
    p.card = make("ha-card", {}, p.content);
    this.shadowRoot.replaceChildren(make("style", { textContent: STYLE }), p.card);
    return p;
  }

  #turn(by) {
    this.#change({ page: this.#state.page + by }, true);
  }

  draw() {
    const { t, hass } = this;
    const p = (this.#parts ??= this.#build());
    if (this.#times?.locale !== hass.locale) {
      this.#times = { locale: hass.locale, times: new Times(hass.locale, hass.config.time_zone) };
    }
    const shown = model(this.#state, this.config, { t, times: this.#times.times, now: Date.now() });
    p.card.header = shown.title;
    p.content.classList.toggle("bare", !shown.title);
    say(p.notice, shown.notice);
    say(p.add, t("notice.add"));
    p.add.hidden = !shown.canAdd || !hass.user?.is_admin;
    p.active.hidden = !shown.active;
    if (shown.active) this.#drawActive(shown.active, shown.hint);
    p.log.hidden = !shown.log;
    if (shown.log) this.#drawLog(shown.log);
  }

  #drawActive(active, hint) {
    const p = this.#parts;
    say(p.activeTitle, active.heading);
    say(p.count, String(active.count || ""));
    say(p.hint, hint);
    say(p.activeNone, active.empty);
    say(p.more, active.more);
    const press = (tag, action, seconds) => this.#press(tag, action, seconds);
    reconcile(p.activeRows, active.rows, ({ key }) => key, () => createRow(press));
  }

  #drawLog(log) {
    const { t } = this;
    const p = this.#parts;
    say(p.logTitle, log.heading);
    say(p.csv, t("button.csv"));
    say(p.onlyLabel, t("filter.only_active"));
    reconcile(p.selects, Object.entries(log.filters), ([name]) => name, ([name]) => {
      const caption = make("span");
      const select = make("select", { name });
      return Object.assign(make("label", {}, caption, select), {
        update([, { label, options }]) {
          say(caption, label);
          const drawn = JSON.stringify(options);
          if (select.drawn === drawn) return;
          const { value } = select;
          select.drawn = drawn;
          select.replaceChildren(...options.map(([value, label]) => make("option", { value, textContent: label })));
          select.value = value;
        },
      });
    });
    reconcile(p.logRows, log.rows, ({ key }) => key, () => createRow());
    say(p.logNone, log.empty);
    p.pager.hidden = !log.page;
    say(p.page, log.page);
    say(p.newer, t("button.newer"));
    say(p.older, t("button.older"));
    const focused = this.shadowRoot.activeElement;
    p.newer.disabled = !log.newer;
    p.older.disabled = !log.older;
    if (focused?.disabled) (log.older ? p.older : p.newer).focus();
  }
}
