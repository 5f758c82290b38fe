"""The fields of a device behind a Modbus gateway: what is asked of a reference, and what the typed becomes."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from textwrap import shorten
from typing import Any, Final

import voluptuous as vol
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)

from ..const import CONF_PROFILE
from ..gateways.legrand.catalogue import CATALOGUE, CONCENTRATORS, Addressing, Reference
from ..gateways.legrand.equipment import (
    ALL_DEVICES,
    CIRCUITS,
    PHASES,
    Equipment,
    FeedDirection,
    maps_for,
    remote_id_of,
    usual_map,
)
from ..gateways.legrand.gateway import ADDRESSES
from ..gateways.legrand.generic import ENERGY_UNITS, FUNCTIONS, UNIT_OF, WORDS
from ..gateways.profiles.library import Library
from .fields import integer, number

AUTOMATIC: Final = "auto"
"""The map that suits the reference best."""
CONF_MORE: Final = "more"
CONF_LABELS: Final = "labels"

_MOST_LABEL: Final = 140
_WITH_ALARMS: Final = ("ems_cx3", "dx3", "dpx3", "dmx3", "greenup_premium", "greenup")
"""Families whose devices raise alarms."""
_MULTILINE = TextSelector(TextSelectorConfig(multiline=True))

SCANNED: Final = [
    model
    for model in CATALOGUE.values()
    if model.addressing in (Addressing.MODBUS, Addressing.REMOTE, Addressing.SIDE) and "generic" not in model.needs
]
"""What can be assigned to an address by its reference alone; the rest of it is as usual."""


def _words(key: str, options: Iterable[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=list(options), translation_key=key, mode=SelectSelectorMode.DROPDOWN)
    )


PHASE = SelectSelector(
    SelectSelectorConfig(options=[SelectOptionDict(value=str(phase), label=f"L{phase}") for phase in PHASES])
)
_SIDE = SelectSelector(SelectSelectorConfig(options=["1", "2"]))


def references(models: Iterable[Reference], language: str) -> SelectSelector:
    """One of these references."""
    options = [SelectOptionDict(value=model.reference, label=told_as(model, language)) for model in models]
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))


def told_as(model: Reference, language: str) -> str:
    """A reference, and what it is."""
    return f"{model.name(language)} – {model.description(language)}"


def _map_field(model: Reference, library: Library) -> SelectSelector:
    """What a device may be read with."""
    offered = {AUTOMATIC: AUTOMATIC}
    concentrators = CONCENTRATORS if model.addressing is Addressing.POSITION else (None,)
    for concentrator in concentrators:
        about = Equipment(name="", reference=model.reference, address=0, concentrator=concentrator)
        for each in maps_for(about, library):
            profile = library.profiles.get(each)
            told = each if profile is None else f"{each}: {profile.source}"
            offered[each] = shorten(told, _MOST_LABEL, placeholder=" …")
    options = [SelectOptionDict(value=value, label=label) for value, label in offered.items()]
    return SelectSelector(SelectSelectorConfig(options=options, translation_key=CONF_PROFILE))


def fields_of(model: Reference, library: Library) -> dict[vol.Marker, Any]:
    """What is asked of a device of this reference."""
    asked: dict[vol.Marker, Any] = {vol.Optional(CONF_NAME, default=""): TextSelector()}
    if model.addressing is not Addressing.VIRTUAL:
        asked[vol.Required("address")] = integer(0, 65535)
    if model.addressing is Addressing.REMOTE:
        asked[vol.Optional("remote_address", default="")] = TextSelector()
    if model.addressing is Addressing.VIRTUAL:
        asked[vol.Required("remote_id")] = TextSelector()
    if model.addressing is Addressing.POSITION:
        concentrators = [SelectOptionDict(value=each, label=each) for each in CONCENTRATORS]
        asked |= {
            # A list that has to be chosen from would begin with its first.
            vol.Optional("concentrator"): SelectSelector(SelectSelectorConfig(options=concentrators)),
            vol.Required("position", default=1): integer(0, 1000),
            vol.Required("weight", default=1): number(0, 1_000_000, step=0.001),
            vol.Optional("index"): number(0, 1_000_000_000, step=0.001),
        }
    if model.addressing is Addressing.SIDE:
        asked[vol.Required("side", default="1")] = _SIDE
    if "phase" in model.needs:
        asked[vol.Required("phase", default="1")] = PHASE
    if len(model.phases) > 1:
        asked[vol.Required("single_phase", default=False)] = BooleanSelector()
    if "feed_direction" in model.needs:
        asked[vol.Required("feed_direction", default=FeedDirection.UPSTREAM)] = _words("feed_direction", FeedDirection)
    asked[vol.Required("map", default=AUTOMATIC)] = _map_field(model, library)
    asked[vol.Optional(CONF_MORE)] = section(vol.Schema(_more(model)), {"collapsed": True})
    return asked


def _more(model: Reference) -> dict[vol.Marker, Any]:
    """What few want to say."""
    more: dict[vol.Marker, Any] = {vol.Required("enabled", default=True): BooleanSelector()}
    if "circuit" in model.optional or model.addressing is Addressing.POSITION:
        more[vol.Optional("circuit")] = SelectSelector(
            SelectSelectorConfig(options=list(CIRCUITS), custom_value=True, translation_key="circuit")
        )
    more[vol.Required("exclude_from_totals", default=False)] = BooleanSelector()
    if model.family in _WITH_ALARMS:
        more[vol.Required("exclude_from_alarms", default=False)] = BooleanSelector()
    if "labels" in model.optional:
        more[vol.Optional(CONF_LABELS, default="")] = _MULTILINE
    return more


_PLACE: Mapping[vol.Marker, Any] = {
    vol.Optional("register", default=""): TextSelector(),
    vol.Required("words", default="2"): _words("words", map(str, WORDS)),
    vol.Required("multiplier", default="1"): TextSelector(),
    vol.Required("signed", default=False): BooleanSelector(),
}
METER: Mapping[vol.Marker, Any] = {
    vol.Required("function", default=str(FUNCTIONS[0])): _words("function", map(str, FUNCTIONS)),
    vol.Required("register"): TextSelector(),
    vol.Required("words", default="2"): _words("words", map(str, WORDS)),
    vol.Required("multiplier", default="1"): TextSelector(),
    vol.Required("unit", default=ENERGY_UNITS[0]): SelectSelector(
        SelectSelectorConfig(options=[SelectOptionDict(value=unit, label=unit) for unit in ENERGY_UNITS])
    ),
    vol.Required("signed", default=False): BooleanSelector(),
    vol.Required("word_order", default="high_first"): _words("word_order", ("high_first", "low_first")),
    **{vol.Optional(key): section(vol.Schema(dict(_PLACE)), {"collapsed": True}) for key in UNIT_OF},
}

# --- what was typed, and what is kept -------------------------------------------------------------------------------


def described(known: Equipment, user_input: Mapping[str, Any], library: Library) -> tuple[Equipment, dict[str, str]]:
    """The device of the form, and what could not be understood."""
    errors: dict[str, str] = {}
    typed = {**user_input, **user_input.get(CONF_MORE, {})}
    own = {each.name for each in fields(Equipment)} - {"confirmed", "reference", "meter"}
    values: dict[str, Any] = {name: typed.get(name) for name in own & typed.keys()}
    values["name"] = typed.get(CONF_NAME, "").strip()
    for name in ("phase", "side"):
        if values.get(name) is not None:
            values[name] = int(values[name])
    values["remote_address"] = typed.get("remote_address", "").strip() or None
    values["circuit"] = (typed.get("circuit") or "").strip() or None
    if "index" not in typed:
        values["index"] = None
    if "feed_direction" in values:
        values["feed_direction"] = FeedDirection(values["feed_direction"])
    if "remote_id" in values:
        try:
            values["remote_id"] = remote_id_of(values["remote_id"])
        except ValueError:
            values["remote_id"], errors = None, {"remote_id": "bad_remote_id"}
        values["address"] = ADDRESSES[-1]
    try:
        values[CONF_LABELS] = _labels(typed.get(CONF_LABELS) or "")
    except ValueError:
        values.pop(CONF_LABELS, None)
        errors["base"] = "bad_label"
    equipment = replace(known, **values)
    if equipment.map == AUTOMATIC:
        equipment = replace(equipment, map=maps_for(equipment, library)[0])
    if equipment.map != known.map:
        equipment = replace(equipment, confirmed=False)
    return equipment, errors


def _labels(text: str) -> dict[str, str]:
    """The labels in ``input_1: Door``, a line each. Raises ``ValueError``."""
    labels: dict[str, str] = {}
    for each in filter(str.strip, text.splitlines()):
        key, colon, label = each.partition(":")
        if not colon or not label.strip() or not key.strip().replace("_", "").isalnum():
            raise ValueError(each)
        labels[key.strip().lower()] = label.strip()
    return labels


def suggested(equipment: Equipment) -> dict[str, Any]:
    """A device as the form shows it."""
    shown: dict[str, Any] = {name: value for name, value in equipment.settings.items() if value is not None}
    for name in ("phase", "side"):
        if name in shown:
            shown[name] = str(shown[name])
    if equipment.remote_id is not None:
        shown["remote_id"] = "all" if equipment.remote_id == ALL_DEVICES else str(equipment.remote_id)
    if equipment.address == 0:
        shown.pop("address", None)
    labels = "\n".join(f"{key}: {label}" for key, label in equipment.labels.items())
    shown["map"] = equipment.map
    shown[CONF_MORE] = {
        "enabled": equipment.enabled,
        "exclude_from_totals": equipment.exclude_from_totals,
        "exclude_from_alarms": equipment.exclude_from_alarms,
        CONF_LABELS: labels,
        **({"circuit": equipment.circuit} if equipment.circuit else {}),
    }
    return shown


def meter_of(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a generic meter; of other quantities those that have a register."""
    meter = {**user_input, "function": int(user_input["function"]), "words": int(user_input["words"])}
    for key in UNIT_OF:
        place = meter.pop(key, None)
        if place and place.get("register", "").strip():
            meter[key] = {**place, "words": int(place["words"])}
    return meter


def meter_as_typed(meter: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a generic meter as the form shows them."""
    shown: dict[str, Any] = {
        name: str(value) if name in ("function", "words") else value for name, value in meter.items()
    }
    for key in UNIT_OF:
        if key in shown:
            shown[key] = {**shown[key], "words": str(shown[key]["words"])}
    return shown


def stored(equipment: Equipment) -> tuple[str, dict[str, Any]]:
    """The title and the data of the subentry."""
    return equipment.name, {name: value for name, value in equipment.settings.items() if name != "name"}


def usual(reference: str, address: int, library: Library) -> Equipment:
    """A device of which only the reference and the address are known."""
    model = CATALOGUE[reference]
    equipment = Equipment(
        name="",
        reference=reference,
        address=address,
        phase=PHASES[0] if "phase" in model.needs else None,
        side=1 if model.addressing is Addressing.SIDE else None,
    )
    return replace(equipment, map=usual_map(equipment, library))
