// The dashboard `energy-suite` and its views; each view is made when it is opened.

import { loadTexts } from "./texts.js";

/** What is set beside the alarms, by translation key. */
const SETTINGS = ["monitoring", "monitoring_level", "test_notification", "reset_limits"];

export class SuiteDashboard extends HTMLElement {
  static registryDependencies = [];

  static async generate(config, hass) {
    const t = await loadTexts(hass);
    return {
      views: [
        {
          title: t("title"),
          path: "alarms",
          icon: "mdi:alarm-light",
          strategy: { type: "custom:energy-suite-alarms" },
        },
      ],
    };
  }

  static getCreateSuggestions() {
    return { title: "Energy Suite", icon: "mdi:home-lightning-bolt" };
  }
}

export class AlarmsView extends HTMLElement {
  static registryDependencies = ["entities"];

  static async generate(config, hass) {
    const t = await loadTexts(hass);
    const card = { type: "custom:energy-suite-alarms-card", title: "", grid_options: { columns: "full" } };
    const settings = settingsOf(hass);
    return {
      type: "sections",
      max_columns: 3,
      sections: [
        { type: "grid", column_span: 3, cards: [card] },
        ...(settings.length
          ? [
              {
                type: "grid",
                column_span: 3,
                cards: [
                  { type: "heading", heading: t("dashboard.notifications"), icon: "mdi:bell-cog" },
                  ...settings.map(tile),
                ],
              },
            ]
          : []),
      ],
    };
  }
}

/** How each kind of entity is used on its tile. */
const TILES = {
  button: { hide_state: true, tap_action: { action: "toggle" } },
  select: { hide_state: true, features: [{ type: "select-options" }], features_position: "inline" },
};

const tile = (entity) => ({ type: "tile", entity, name: { type: "entity" }, ...TILES[entity.split(".")[0]] });

/** The entities of the site's device that are settings, found by what they are: users rename them. */
export function settingsOf(hass) {
  const ours = Object.values(hass.entities).filter(({ platform }) => platform === "energy_suite");
  const site = ours.find(({ translation_key: key }) => key === "active_alarms")?.device_id;
  if (!site) return [];
  return SETTINGS.map(
    (wanted) => ours.find((entity) => entity.device_id === site && entity.translation_key === wanted && !entity.hidden),
  )
    .filter(Boolean)
    .map(({ entity_id: entityId }) => entityId);
}
