import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FILTER, PAGE, check, model, paged, wanted } from "./alarms.js";

const NOW = Date.parse("2026-06-21T12:00:00Z");
const t = (key, values) => (values ? `${key} ${JSON.stringify(values)}` : key);
const times = {
  absolute: (at) => `at ${at / 1000}`,
  relative: (at, now) => `${(now - at) / 1000} s ago`,
  span: (ms) => `${ms / 1000} s`,
};
const say = { t, times, now: NOW };
const iso = (ago) => new Date(NOW - ago * 1000).toISOString();

const alarm = (changes) => ({
  tag: "automatic/d1/low_battery",
  source: "automatic",
  device: "d1",
  name: "Battery",
  severity: "warning",
  worst: "critical",
  text: "Low battery",
  cause: null,
  remedy: null,
  started: iso(600),
  cleared: null,
  acknowledged: false,
  snoozed_until: null,
  silenced: false,
  suppressed: false,
  ...changes,
});
const state = (changes) => ({
  active: [],
  monitoring: true,
  level: "alarms_only",
  refused: "",
  lost: false,
  log: null,
  filter: NO_FILTER,
  page: 0,
  all: false,
  ...changes,
});
const shown = (changes, config = {}) => model(state(changes), config, say);
const actions = (row) => row.buttons.map(({ action, seconds }) => [action, seconds]);

test("what is shown is chosen by the configuration", () => {
  const parts = (show) => Object.entries(shown({}, { show })).filter(([, part]) => part?.rows).map(([name]) => name);
  assert.deepEqual(parts(undefined), ["active", "log"]);
  assert.deepEqual(parts("active"), ["active"]);
  assert.deepEqual(parts("log"), ["log"]);
  assert.equal(shown({}).title, "title");
  assert.equal(shown({}, { title: "" }).title, "");
});

test("a wrong configuration is refused with what is allowed", () => {
  check({ type: "custom:energy-suite-alarms-card", title: "Mine", show: "log", device: "d1" });
  assert.throws(() => check({ show: "everything" }), /both, active, log/);
  assert.throws(() => check({ device: ["d1"] }), /device/);
});

test("every state that is not the usual one is told", () => {
  assert.deepEqual([shown({ active: null }).notice, shown({ active: null }).active], ["notice.loading", null]);
  const lost = shown({ lost: true });
  assert.deepEqual([lost.notice, lost.active.empty], ["notice.lost", "active.none"]);
  const missing = shown({ active: null, refused: "not_set_up" });
  assert.deepEqual([missing.notice, missing.canAdd, missing.log], ["notice.not_set_up", true, null]);
  const starting = shown({ refused: "unknown_command" });
  assert.deepEqual([starting.notice, starting.canAdd, starting.active], ["notice.not_available", false, null]);
  assert.deepEqual([shown({}).notice, shown({}).hint], ["", ""]);
  assert.equal(shown({ monitoring: false }).hint, "notice.silent");
  assert.equal(shown({ level: "off" }).hint, "notice.silent");
});

test("an active alarm tells since when, and offers to acknowledge and to snooze it", () => {
  const [row] = shown({ active: [alarm()] }).active.rows;
  assert.deepEqual(
    [row.word, row.text, row.device, row.source, row.started, row.then],
    ["severity.warning", "Low battery", "Battery", "source.automatic", `at ${NOW / 1000 - 600}`, "600 s ago"],
  );
  assert.deepEqual(actions(row), [
    ["acknowledge", undefined],
    ["snooze_1", 3600],
    ["snooze_8", 28800],
  ]);
});

test("what became of an alarm is told, and only what can still be done is offered", () => {
  const row = (changes) => shown({ active: [alarm(changes)] }).active.rows[0];
  assert.deepEqual([row({ acknowledged: true }).notes, row({ acknowledged: true }).buttons], [["row.acknowledged"], []]);
  const snoozed = row({ snoozed_until: iso(-60) });
  assert.deepEqual(snoozed.notes, [`row.snoozed {"time":"at ${NOW / 1000 + 60}"}`]);
  assert.deepEqual(actions(snoozed), [
    ["acknowledge", undefined],
    ["wake", 0],
  ]);
  assert.equal(actions(row({ snoozed_until: iso(1) })).length, 3);
  assert.deepEqual(row({ silenced: true }).notes, ["row.silenced"]);
  assert.deepEqual(actions(row({ suppressed: true })), []);
});

test("reports of a failure of the grid come last and are not counted", () => {
  const { count, rows } = shown({ active: [alarm({ tag: "a", suppressed: true }), alarm({ tag: "b" })] }).active;
  assert.deepEqual([count, rows.map(({ tag }) => tag)], [1, ["b", "a"]]);
});

test("cause and remedy are there to unfold where they are known", () => {
  const row = (changes) => shown({ active: [alarm(changes)] }).active.rows[0];
  assert.deepEqual(row({}).advice, []);
  assert.deepEqual(row({ cause: "Old", remedy: "New" }).advice, [
    ["row.cause", "Old"],
    ["row.remedy", "New"],
  ]);
});

test("of two hundred alarms the first are shown until the rest is asked for", () => {
  const active = Array.from({ length: 200 }, (_, index) => alarm({ tag: `t${index}` }));
  const few = shown({ active }).active;
  assert.deepEqual([few.rows.length, few.count, few.more], [PAGE, 200, 'active.more {"count":200}']);
  const all = shown({ active, all: true }).active;
  assert.deepEqual([all.rows.length, all.more], [200, ""]);
});

test("an entry of the log shows how bad it was at its worst and how long it lasted", () => {
  const entries = [alarm({ cleared: iso(540) }), alarm({ tag: "other" })];
  const [over, active] = shown({ log: { entries, devices: {} } }).log.rows;
  assert.deepEqual([over.severity, over.then], ["critical", 'row.cleared_after {"time":"60 s"}']);
  assert.deepEqual([active.severity, active.then], ["warning", "row.active"]);
});

test("what a later version of the integration says is shown as far as it is known", () => {
  const [row] = shown({ active: [alarm({ severity: "fatal", source: "weather", name: undefined })] }).active.rows;
  assert.deepEqual([row.severity, row.source, row.device], ["information", "", ""]);
});

test("the log is asked for what is filtered", () => {
  assert.deepEqual(wanted(NO_FILTER, {}, NOW), {});
  const filter = { severity: "warning", source: "rule", device: "d1", period: "week", active: true };
  const all = { severity: "warning", source: "rule", device: "d1", start: "2026-06-14T12:00:00.000Z", active: true };
  assert.deepEqual(wanted(filter, {}, NOW), all);
  assert.equal(wanted(filter, { device: "d2" }, NOW).device, "d2");
});

test("the log is turned in pages", () => {
  const entries = Array.from({ length: 2 * PAGE + 1 }, (_, index) => index);
  assert.deepEqual([paged(entries, 0).newer, paged(entries, 0).older], [false, true]);
  assert.deepEqual(paged(entries, 1).entries, entries.slice(PAGE, 2 * PAGE));
  assert.deepEqual(paged(entries, 2), { entries: [2 * PAGE], newer: true, older: false });
  assert.deepEqual(paged(entries.slice(0, PAGE), 0).older, false);
});

test("an empty log is told from one that is not there yet", () => {
  assert.equal(shown({}).log.empty, "notice.loading");
  const { empty, page } = shown({ log: { entries: [], devices: {} } }).log;
  assert.deepEqual([empty, page], ["log.none", ""]);
});

test("a card of one device shows nothing of others, and no choice of devices", () => {
  const active = [alarm({ tag: "mine" }), alarm({ tag: "other", device: "d2" })];
  const log = { entries: [], devices: { d2: "Zoe", d1: "Anna" } };
  const one = shown({ active, log }, { device: "d1" });
  assert.deepEqual(one.active.rows.map(({ tag }) => tag), ["mine"]);
  assert.deepEqual(Object.keys(one.log.filters), ["severity", "source", "period"]);
  const { options } = shown({ active, log }).log.filters.device;
  assert.deepEqual(options, [["", "filter.all"], ["d1", "Anna"], ["d2", "Zoe"]]);
});
