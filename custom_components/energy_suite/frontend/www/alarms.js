// What the alarms card shows, without a browser: websocket data in, words and flags out.

export const SHOWS = ["both", "active", "log"];
/** The worst first; a filter lets through what was at least as bad. */
export const SEVERITIES = ["critical", "warning", "information"];
export const SOURCES = ["automatic", "rule", "communication", "geofence", "grid"];
/** How far back the log is shown, in days. */
export const PERIODS = { day: 1, week: 7, month: 30, year: 365 };
/** For how long messages of an alarm can be put off, in hours. */
export const SNOOZES = [1, 8];
/** Entries on a page of the log, and active alarms before the user asks for the rest. */
export const PAGE = 20;
export const NO_FILTER = { severity: "", source: "", device: "", period: "", active: false };

/** Throws what is wrong with a configuration. */
export function check(config) {
  if (config.show !== undefined && !SHOWS.includes(config.show)) {
    throw new Error(`show: ${SHOWS.join(", ")}`);
  }
  for (const key of ["title", "device"]) {
    if (config[key] !== undefined && typeof config[key] !== "string") throw new Error(`${key}: "…"`);
  }
}

/** What of the log is asked for, as the websocket commands and the actions take it. */
export function wanted(filter, config, now) {
  const { severity, source, period, active } = filter;
  const device = config.device || filter.device;
  const days = PERIODS[period];
  return {
    ...(severity && { severity }),
    ...(source && { source }),
    ...(device && { device }),
    ...(days && { start: new Date(now - days * 86_400_000).toISOString() }),
    ...(active && { active }),
  };
}

/** The entries of a page, and whether there are more on either side. `entries` are the latest, at least up to it. */
export function paged(entries, page) {
  const begin = page * PAGE;
  return { entries: entries.slice(begin, begin + PAGE), newer: page > 0, older: entries.length > begin + PAGE };
}

/**
 * Everything that is shown. `state`: what was heard; `say`: the words (`t`), the times (`times`), ms (`now`).
 * `active` and `log` are null where they are not shown.
 */
export function model(state, config, say) {
  const { t } = say;
  const show = config.show ?? "both";
  const refused = state.refused === "not_set_up" ? "not_set_up" : "not_available";
  const notice = state.lost ? "lost" : state.refused ? refused : state.active ? "" : "loading";
  const active = (state.active ?? [])
    .filter((alarm) => !config.device || alarm.device === config.device)
    .sort((a, b) => Number(a.suppressed ?? false) - Number(b.suppressed ?? false));
  const silent = state.monitoring === false || state.level === "off";
  const ready = state.active && !state.refused;
  return {
    title: config.title ?? t("title"),
    notice: notice && t(`notice.${notice}`),
    canAdd: notice === "not_set_up",
    hint: ready && silent ? t("notice.silent") : "",
    active: show !== "log" && ready ? activeModel(active, state, say) : null,
    log: show !== "active" && ready ? logModel(state, config, say) : null,
  };
}

function activeModel(active, state, say) {
  const { t } = say;
  const rows = (state.all ? active : active.slice(0, PAGE)).map((alarm) => activeRow(alarm, say));
  return {
    heading: t("active.title"),
    count: active.filter((alarm) => !alarm.suppressed).length,
    empty: active.length ? "" : t("active.none"),
    rows,
    more: rows.length < active.length ? t("active.more", { count: active.length }) : "",
  };
}

function logModel(state, config, say) {
  const { t } = say;
  const { entries, newer, older } = paged(state.log?.entries ?? [], state.page);
  return {
    heading: t("log.title"),
    rows: entries.map((alarm) => row(alarm, say)),
    empty: !state.log ? t("notice.loading") : entries.length ? "" : t("log.none"),
    page: newer || older ? t("log.page", { page: state.page + 1 }) : "",
    newer,
    older,
    filters: filters(state, config, t),
  };
}

/** Per filter its label and its options, as [value, label]; without that of the device where the card has one. */
function filters(state, config, t) {
  const options = (prefix, keys) => [["", t("filter.all")], ...keys.map((key) => [key, t(`${prefix}.${key}`)])];
  const devices = Object.entries(state.log?.devices ?? {}).sort(([, a], [, b]) => a.localeCompare(b));
  return {
    severity: { label: t("filter.severity"), options: options("at_least", SEVERITIES.slice(0, -1)) },
    source: { label: t("filter.source"), options: options("source", SOURCES) },
    ...(!config.device && { device: { label: t("filter.device"), options: [["", t("filter.all")], ...devices] } }),
    period: { label: t("filter.period"), options: options("period", Object.keys(PERIODS)) },
  };
}

/** An entry of the log. */
function row(alarm, { t, times, now }) {
  const started = Date.parse(alarm.started);
  const said = alarm.cleared ? alarm.worst : alarm.severity;
  const severity = SEVERITIES.includes(said) ? said : "information";
  return {
    key: `${alarm.tag} ${alarm.started}`,
    tag: alarm.tag,
    severity,
    word: t(`severity.${severity}`),
    text: alarm.text,
    device: alarm.name ?? "",
    source: SOURCES.includes(alarm.source) ? t(`source.${alarm.source}`) : "",
    iso: alarm.started,
    started: times.absolute(started, now),
    then: alarm.cleared
      ? t("row.cleared_after", { time: times.span(Date.parse(alarm.cleared) - started) })
      : t("row.active"),
    adviceTitle: t("row.advice"),
    advice: ["cause", "remedy"].filter((key) => alarm[key]).map((key) => [t(`row.${key}`), alarm[key]]),
    notes: [],
    buttons: [],
  };
}

/** An alarm that is active: what became of it, and what can be done. */
function activeRow(alarm, say) {
  const { t, times, now } = say;
  const until = alarm.snoozed_until ? Date.parse(alarm.snoozed_until) : 0;
  const snoozed = until > now;
  return {
    ...row(alarm, say),
    then: times.relative(Date.parse(alarm.started), now),
    notes: [
      alarm.acknowledged && t("row.acknowledged"),
      snoozed && t("row.snoozed", { time: times.absolute(until, now) }),
      alarm.silenced && t("row.silenced"),
      alarm.suppressed && t("row.suppressed"),
    ].filter(Boolean),
    // What only reports the failure of the grid is not told of.
    buttons: (alarm.suppressed ? [] : [
      !alarm.acknowledged && { action: "acknowledge", label: t("button.acknowledge") },
      ...SNOOZES.map(
        (hours) =>
          !alarm.acknowledged &&
          !snoozed && { action: `snooze_${hours}`, label: t("button.snooze", { hours }), seconds: hours * 3600 },
      ),
      snoozed && { action: "wake", label: t("button.wake"), seconds: 0 },
    ]).filter(Boolean),
  };
}
