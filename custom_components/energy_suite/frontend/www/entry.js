// What dashboards load: makes the cards and the dashboard of Energy Suite known to Home Assistant's frontend.

import { AlarmsCard } from "./alarms-card.js";
import { AlarmsView, SuiteDashboard } from "./dashboard.js";
import { loadTexts, text } from "./texts.js";

const DOCUMENTATION = "https://github.com/energy-suite/energy_suite/blob/main/docs/alarms.md";

for (const [name, element] of [
  ["energy-suite-alarms-card", AlarmsCard],
  ["ll-strategy-dashboard-energy-suite", SuiteDashboard],
  ["ll-strategy-view-energy-suite-alarms", AlarmsView],
]) {
  if (!customElements.get(name)) customElements.define(name, element);
}

/** Offer something in one of the frontend's lists, which are kept as they were found: push, never assign. */
function offer(list, item) {
  window[list] ??= [];
  if (!window[list].some(({ type }) => type === item.type)) window[list].push(item);
}

// The names are asked for when a dialog shows them; by then the texts are loaded.
offer("customCards", {
  type: "energy-suite-alarms-card",
  get name() {
    return text("card.name") || "Energy Suite";
  },
  get description() {
    return text("card.description");
  },
  preview: true,
  documentationURL: DOCUMENTATION,
  getEntitySuggestion(hass, entityId) {
    const { platform, translation_key: key } = hass.entities[entityId] ?? {};
    if (platform !== "energy_suite" || !["active_alarms", "highest_severity"].includes(key)) return null;
    return { config: { type: "custom:energy-suite-alarms-card" } };
  },
});
offer("customStrategies", {
  type: "energy-suite",
  strategyType: "dashboard",
  name: "Energy Suite",
  get description() {
    return text("dashboard.description");
  },
  documentationURL: DOCUMENTATION,
});

const { hass } = document.querySelector("home-assistant") ?? {};
if (hass) loadTexts(hass).catch(() => undefined);
