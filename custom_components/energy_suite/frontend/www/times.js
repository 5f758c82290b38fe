// Times in words, as the user's profile wants them.

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export class Times {
  #clock;
  #date;
  #both;
  #ago;
  #parts;

  /** `locale` as in `hass.locale`; `serverZone` is the time zone of Home Assistant. */
  constructor(locale, serverZone) {
    const { language, time_format: clock, time_zone: zone } = locale;
    const common = {
      hourCycle: { 12: "h12", 24: "h23" }[clock],
      timeZone: zone === "server" ? serverZone : undefined,
    };
    const format = (options) => new Intl.DateTimeFormat(language, { ...common, ...options });
    this.#clock = format({ timeStyle: "short" });
    this.#date = format({ dateStyle: "medium" });
    this.#both = format({ dateStyle: "medium", timeStyle: "short" });
    this.#ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    this.#parts = UNITS.map(([unit]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }));
  }

  /** The time, with its date unless that is today's. All in ms since 1970. */
  absolute(at, now) {
    const today = this.#date.format(at) === this.#date.format(now);
    return (today ? this.#clock : this.#both).format(at);
  }

  /** How long ago or ahead that is, in its largest unit. */
  relative(at, now) {
    const seconds = (at - now) / 1000;
    const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length && length > 1) ?? ["second", Infinity];
    return this.#ago.format(Math.trunc(seconds / length) || 0, unit);
  }

  /** A length of time in ms, in its two largest units. */
  span(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    const first = UNITS.findIndex(([, length]) => seconds >= length || length === 1);
    let left = seconds;
    return UNITS.slice(first, first + 2)
      .map(([, length], index) => {
        const count = Math.floor(left / length);
        left %= length;
        return index && !count ? "" : this.#parts[first + index].format(count);
      })
      .join(" ")
      .trim();
  }
}
