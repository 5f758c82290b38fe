import assert from "node:assert/strict";
import { test } from "node:test";

const registry = new Map();
const theirs = { type: "somebody-else" };
const offered = [theirs];
const localize = (key) => key.replace("component.energy_suite.config_panel.", "");
const loads = [];
const hass = {
  language: "en",
  loadBackendTranslation: async (...asked) => {
    loads.push(asked);
    return localize;
  },
  entities: {
    "sensor.a": { entity_id: "sensor.a", platform: "energy_suite", device_id: "site", translation_key: "active_alarms" },
    "switch.b": { entity_id: "switch.b", platform: "energy_suite", device_id: "site", translation_key: "monitoring" },
    "select.c": { entity_id: "select.c", platform: "energy_suite", device_id: "site", translation_key: "monitoring_level" },
    "button.d": {
      entity_id: "button.d",
      platform: "energy_suite",
      device_id: "site",
      translation_key: "reset_limits",
      hidden: true,
    },
    "switch.e": { entity_id: "switch.e", platform: "energy_suite", device_id: "other", translation_key: "monitoring" },
    "sensor.f": { entity_id: "sensor.f", platform: "elsewhere", device_id: "x", translation_key: "active_alarms" },
  },
};
Object.assign(globalThis, {
  HTMLElement: class {},
  customElements: { get: (name) => registry.get(name), define: (name, element) => registry.set(name, element) },
  document: { querySelector: () => ({ hass }) },
  window: { customCards: offered },
});
const taken = class {};
registry.set("energy-suite-alarms-card", taken);
await import("./entry.js");
const ours = offered.find(({ type }) => type === "energy-suite-alarms-card");

test("every element is defined, and none twice", () => {
  assert.deepEqual(
    [...registry.keys()],
    ["energy-suite-alarms-card", "ll-strategy-dashboard-energy-suite", "ll-strategy-view-energy-suite-alarms"],
  );
  assert.equal(registry.get("energy-suite-alarms-card"), taken);
});

test("card and dashboard are offered in the lists that are there, by their names in the user's language", () => {
  assert.equal(window.customCards, offered);
  assert.equal(offered[0], theirs);
  assert.deepEqual([ours.name, ours.description], ["card.name", "card.description"]);
  const [dashboard] = window.customStrategies;
  assert.deepEqual(
    [dashboard.type, dashboard.strategyType, dashboard.description],
    ["energy-suite", "dashboard", "dashboard.description"],
  );
  assert.deepEqual(loads, [["config_panel", "energy_suite"]]);
});

test("the card is suggested for the entities that it tells more about, and for nothing else", () => {
  assert.deepEqual(ours.getEntitySuggestion(hass, "sensor.a"), { config: { type: "custom:energy-suite-alarms-card" } });
  for (const entity of ["switch.b", "sensor.f", "sensor.missing"]) {
    assert.equal(ours.getEntitySuggestion(hass, entity), null);
  }
});

test("the dashboard is a list of views, and the view has the card above what is set", async () => {
  const { views } = await registry.get("ll-strategy-dashboard-energy-suite").generate({}, hass);
  assert.deepEqual(views.map(({ path, strategy }) => [path, strategy.type]), [["alarms", "custom:energy-suite-alarms"]]);
  const { sections } = await registry.get("ll-strategy-view-energy-suite-alarms").generate({}, hass);
  const [[card], [heading, ...tiles]] = sections.map(({ cards }) => cards);
  assert.equal(card.type, "custom:energy-suite-alarms-card");
  assert.equal(heading.heading, "dashboard.notifications");
  assert.deepEqual(tiles.map(({ entity }) => entity), ["switch.b", "select.c"]);
});

test("without the site there is the card alone, which says so", async () => {
  const bare = { ...hass, entities: {} };
  const { sections } = await registry.get("ll-strategy-view-energy-suite-alarms").generate({}, bare);
  assert.deepEqual(sections.map(({ cards }) => cards.length), [1]);
});
