// The texts of the cards: category `config_panel` of the integration's translations.

const ROOT = "component.energy_suite.config_panel.";
const loads = new Map();
let latest = () => "";

/** The text of a key in the language that was loaded last; empty before. For what is shown without a card. */
export const text = (key, values) => latest(ROOT + key, values);

/**
 * Load the texts in the user's language.
 * Only the function that the load returns knows them: a `hass` from before it does not.
 */
export function loadTexts(hass) {
  const { language } = hass;
  if (!loads.has(language)) {
    const load = hass.loadBackendTranslation("config_panel", "energy_suite").then((localize) => {
      latest = localize;
      return (key, values) => localize(ROOT + key, values);
    });
    load.catch(() => loads.delete(language));
    loads.set(language, load);
  }
  return loads.get(language);
}
