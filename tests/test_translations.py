"""Every text that a user may see exists, in every language, and no text is left over."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from homeassistant.data_entry_flow import section
from homeassistant.util.yaml import load_yaml_dict
from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite import config_flow
from custom_components.energy_suite.alarms.entities import EDGES, LEVELS, NONE, SEVERITIES
from custom_components.energy_suite.const import CONF_CONTROLS, PLATFORMS, SITE
from custom_components.energy_suite.entities import DESCRIPTIONS
from custom_components.energy_suite.entities.descriptions import (
    BinarySensorDescription,
    ButtonDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
    TrackerDescription,
)
from custom_components.energy_suite.entities.profiles import described
from custom_components.energy_suite.flows import (
    common,
    device_fields,
    devices,
    geofences,
    legrand,
    netvision,
    options,
    recipients,
    rules,
    site,
    solarman,
    victron,
)
from custom_components.energy_suite.gateways.base import (
    AuthenticationFailed,
    CannotConnect,
    Danger,
    DeviceGone,
    Found,
    NotThisDevice,
)
from custom_components.energy_suite.gateways.kinds import KINDS
from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE, FAMILIES
from custom_components.energy_suite.gateways.legrand.devices import ModbusGateway
from custom_components.energy_suite.gateways.legrand.equipment import CIRCUITS, FeedDirection
from custom_components.energy_suite.gateways.legrand.gateway import FRAMINGS
from custom_components.energy_suite.gateways.legrand.generic import FUNCTIONS, UNIT_OF
from custom_components.energy_suite.gateways.legrand.generic import WORDS as WORDS_OF_METERS
from custom_components.energy_suite.gateways.netvision.line import Channel
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import parse
from custom_components.energy_suite.gateways.profiles.vocabulary import KINDS as PROFILE_KINDS
from custom_components.energy_suite.gateways.profiles.vocabulary import STATES
from custom_components.energy_suite.gateways.solarman.aura import InverterState
from custom_components.energy_suite.site.alarms.episodes import Change, Severity
from custom_components.energy_suite.site.alarms.geofence import FenceMistake
from custom_components.energy_suite.site.alarms.recipients import Level
from custom_components.energy_suite.site.alarms.rules import Mistake
from custom_components.energy_suite.texts import explanation

PACKAGE = Path(__file__).parents[1] / "custom_components" / "energy_suite"
BUDGET = 150_000
LANGUAGES = ("en", "fr")
SETTINGS = ("priority", "output_")

PLATFORM_OF: dict[type, str] = {
    BinarySensorDescription: "binary_sensor",
    ButtonDescription: "button",
    NumberDescription: "number",
    SelectDescription: "select",
    SensorDescription: "sensor",
    SwitchDescription: "switch",
    TrackerDescription: "device_tracker",
}
BASES = {platform: f"{platform.title().replace('_', '')}Entity" for platform in PLATFORMS}
"""What an entity of a platform is derived from."""


def loaded(name: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"said twice in {name}: {keys}"
        return dict(pairs)

    tree: dict[str, Any] = json.loads((PACKAGE / name).read_text(encoding="utf-8"), object_pairs_hook=once)
    return tree


TEXTS = {language: loaded(f"translations/{language}.json") for language in LANGUAGES}
ENGLISH = TEXTS["en"]
ICONS = loaded("icons.json")


def flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, str):
            yield f"{path}{key}", value
        else:
            yield from flat(value, f"{path}{key}.")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


# --- what the code says ------------------------------------------------------------------------------------------


def modules() -> Iterator[ast.Module]:
    for file in sorted(PACKAGE.rglob("*.py")):
        yield ast.parse(file.read_text(encoding="utf-8"), file.name)


def literals(node: ast.AST | None) -> Iterator[str]:
    """The string that an expression is, or the strings it chooses from."""
    match node:
        case ast.Constant(value=str(value)):
            yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from literals(body)
            yield from literals(orelse)


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


CALLS = [call for module in modules() for call in ast.walk(module) if isinstance(call, ast.Call)]
WORDS = {
    node.value
    for module in modules()
    for node in ast.walk(module)
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


def error_texts() -> Iterator[tuple[str, set[str] | None]]:
    """(key under ``exceptions``, the placeholders that it is given or None where the code does not say)."""
    for call in CALLS:
        if called(call) == "CommandRefused" and call.args:
            for reason in literals(call.args[0]):
                yield reason, {str(keyword.arg) for keyword in call.keywords}
        for reason in literals(argument(call, "refused")):
            yield reason, set()
        if called(call) != "async_create_issue" and argument(call, "translation_domain") is not None:
            given = argument(call, "translation_placeholders")
            names = {key for node in given.keys for key in literals(node)} if isinstance(given, ast.Dict) else None
            for key in literals(argument(call, "translation_key")):
                yield key, set() if given is None else names


def own_entities() -> Iterator[tuple[str, str]]:
    """(platform, translation key) of what every device or gateway has, named in the class itself."""
    for platform in PLATFORMS:
        module = ast.parse((PACKAGE / f"{platform}.py").read_text(encoding="utf-8"))
        for node in ast.walk(module):
            value = None
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [
                "_attr_translation_key"
            ]:
                value = node.value
            elif isinstance(node, ast.Call) and called(node).endswith("EntityDescription"):
                value = argument(node, "translation_key")
            for key in literals(value):
                yield platform, key
    module = ast.parse((PACKAGE / "alarms" / "entities.py").read_text(encoding="utf-8"))
    for of_site in (node for node in ast.walk(module) if isinstance(node, ast.ClassDef)):
        platforms = [platform for platform, base in BASES.items() if base in map(ast.unparse, of_site.bases)]
        for node in ast.walk(of_site):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_attr_translation_key":
                yield from ((platform, key) for platform in platforms for key in literals(node.value))


def issue_texts() -> Iterator[str]:
    for call in CALLS:
        if called(call) == "async_create_issue":
            yield from literals(argument(call, "translation_key"))
    for module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name.removeprefix("_") == "advice":
                tuples = (each for each in ast.walk(node) if isinstance(each, ast.Tuple))
                yield from (text for each in tuples for element in each.elts for text in literals(element))


def of_shipped_profiles() -> Iterator[tuple[str, Description]]:
    """What the maps that come along make: they have translations for what has no name of its own."""
    for profile in Library.load().profiles.values():
        found = Found(key=profile.id, kind=profile.kind, unit_id=1)
        for confirmed in (False, True):
            device = make(profile, found, MockModbusConnection().for_unit(1), 10.0, confirmed=confirmed)
            yield from ((profile.id, description) for description in described(device, "en"))


def of_the_vocabulary() -> Iterator[tuple[str, Description]]:
    """What a profile makes of the keys whose words the translations know: read, and set where it is a setting."""
    rows = "".join(
        f"  - {{key: {key}, address: {address}, map: {{{', '.join(f'{n}: {word}' for n, word in enumerate(words))}}}"
        f"{', access: rw' if key.startswith(SETTINGS) else ''}}}\n"
        for address, (key, words) in enumerate(STATES.items())
    )
    head = "profile: 1\nid: words\nmanufacturer: S\nmodels: [A]\nkind: charger\nsource: a test\nregisters:\n"
    profile = parse(head + rows, "words.yaml")
    for confirmed in (False, True):
        found = Found(key=profile.id, kind=profile.kind, unit_id=1)
        device = make(profile, found, MockModbusConnection().for_unit(1), 10.0, confirmed=confirmed)
        yield from ((profile.id, description) for description in described(device, "en"))


def every_description() -> Iterator[tuple[str, Description]]:
    for kind, table in DESCRIPTIONS.items():
        for description in table:
            yield kind, description


def text_of(description: Description) -> dict[str, Any] | None:
    """The texts of its translation key, if there are any."""
    names = ENGLISH["entity"].get(PLATFORM_OF[type(description)], {})
    texts: dict[str, Any] | None = names.get(description.translation_key)
    return texts


# --- the languages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language):
    assert dict(flat(TEXTS[language])).keys() == dict(flat(ENGLISH)).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_uses_the_same_placeholders(language):
    english = {key: placeholders(text) for key, text in flat(ENGLISH)}
    assert {key: placeholders(text) for key, text in flat(TEXTS[language])} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_a_reference(language):
    assert not {key: text for key, text in flat(TEXTS[language]) if not text.strip() or "[%" in text}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_stays_within_its_budget(language):
    # What is loaded and sent, not how the file is indented.
    content = json.dumps(TEXTS[language], ensure_ascii=False, separators=(",", ":"))
    assert len(content.encode()) <= BUDGET


def test_every_file_of_texts_is_checked_here():
    assert {file.stem for file in (PACKAGE / "translations").glob("*.json")} == set(LANGUAGES)


# --- entities ----------------------------------------------------------------------------------------------------


def test_every_entity_has_a_name():
    nameless = [
        (kind, description.key)
        for kind, description in every_description()
        if description.translation_key is not None
        and "name" not in ENGLISH["entity"].get(PLATFORM_OF[type(description)], {}).get(description.translation_key, {})
    ]
    assert not nameless


def test_only_one_entity_of_a_device_is_named_by_its_device_class():
    for kind, table in DESCRIPTIONS.items():
        for description in table:
            if description.translation_key is not None:
                continue
            assert description.device_class is not None, (kind, description.key)
            twins = [
                other.key
                for other in table
                if type(other) is type(description)
                and other.translation_key is None
                and other.device_class == description.device_class
            ]
            assert twins == [description.key], kind


def test_a_name_is_given_the_placeholders_that_it_has():
    for kind, description in every_description():
        if description.translation_key is not None:
            name = ENGLISH["entity"][PLATFORM_OF[type(description)]][description.translation_key]["name"]
            assert placeholders(name) == set(description.translation_placeholders or {}), (kind, description.key)


def test_every_state_of_an_enumeration_has_a_text_and_no_other():
    # The guide has words of its own for what an inverter does; an owner's map may use them.
    states: dict[tuple[str, str], set[str]] = {
        ("sensor", "inverter_state"): set(InverterState),
        ("sensor", "highest_severity"): set(SEVERITIES),
        ("select", "monitoring_level"): set(LEVELS),
    }
    for _, description in (*every_description(), *of_shipped_profiles(), *of_the_vocabulary()):
        if isinstance(description, SensorDescription | SelectDescription) and description.options:
            assert description.translation_key is not None
            named = (PLATFORM_OF[type(description)], description.translation_key)
            states.setdefault(named, set()).update(description.options)
    for (platform, key), shown in states.items():
        assert key in ENGLISH["entity"][platform], key
        assert set(ENGLISH["entity"][platform][key].get("state", {})) == shown, key
    assert {
        (platform, key)
        for platform in ("sensor", "select")
        for key, texts in ENGLISH["entity"][platform].items()
        if "state" in texts
    } == set(states)


def test_every_name_of_an_entity_is_used():
    described = {
        (PLATFORM_OF[type(description)], description.translation_key)
        for _, description in (*every_description(), *of_shipped_profiles(), *of_the_vocabulary())
        if description.translation_key is not None and text_of(description)
    }
    named = {(platform, key) for platform, names in ENGLISH["entity"].items() for key in names}
    assert named == described | set(own_entities())


def test_every_kind_of_device_has_a_name():
    assert set(ENGLISH["device"]) == set(DESCRIPTIONS) | PROFILE_KINDS | {ModbusGateway.kind, SITE}


def test_every_edge_of_an_alarm_has_a_name_and_a_line_in_the_logbook():
    told = ENGLISH["entity"]["event"]["alarm_edge"]["state_attributes"]
    assert set(told["event_type"]["state"]) == set(EDGES)
    assert set(told["severity"]["state"]) == set(SEVERITIES) - {NONE}
    for language in LANGUAGES:
        for change in Change:
            line = explanation(language, f"logbook_{change}")["meaning"]
            cleared = {"duration"} if change is Change.CLEARED else set()
            assert placeholders(line) == {"text", "severity"} | cleared
        assert all(explanation(language, f"logbook_{severity.word}") for severity in Severity)


def test_icons_are_for_texts_that_exist():
    for platform, icons in ICONS["entity"].items():
        for key, icon in icons.items():
            texts = ENGLISH["entity"].get(platform, {})
            assert key in texts, (platform, key)
            states = set(texts[key].get("state", {}))
            if platform in {"binary_sensor", "switch"}:
                states |= {"on", "off"}
            assert set(icon.get("state", {})) <= states, (platform, key)
    assert set(ICONS["services"]) == set(ENGLISH["services"])


# --- errors and issues -------------------------------------------------------------------------------------------


def test_every_error_has_a_text():
    assert {key for key, _ in error_texts()} <= set(ENGLISH["exceptions"])


def test_every_text_of_an_error_is_used():
    # Some reasons pass through a variable, so that their word alone is looked for.
    assert not set(ENGLISH["exceptions"]) - {key for key, _ in error_texts()} - WORDS


def test_an_error_is_given_the_placeholders_of_its_text():
    missing = {
        (key, name)
        for key, given in error_texts()
        if given is not None
        for name in placeholders(ENGLISH["exceptions"][key]["message"]) - given
    }
    assert not missing


def test_every_issue_has_a_text_and_every_text_an_issue():
    # Told once for all devices of a gateway, by a key that passes through a variable.
    of_subentries = {"maps_missing", "maps_not_confirmed"}
    assert of_subentries <= WORDS
    assert set(issue_texts()) | of_subentries == set(ENGLISH["issues"])


# --- flows and actions -------------------------------------------------------------------------------------------


FLOWS = {
    module: ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for module in (config_flow, common, legrand, netvision, options, site, solarman, victron)
}
DEVICE_FLOW = {
    module: ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")) for module in (devices, device_fields)
}
OF_DEVICES = ENGLISH["config_subentries"]["device"]


def flow_calls(*functions: str, flows: Mapping[Any, ast.Module] = FLOWS) -> Iterator[tuple[Any, ast.Call]]:
    """The calls of these functions in the flows, each with the module that it is in."""
    for module, tree in flows.items():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and called(call) in functions:
                yield module, call


def flow_words(function: str, name: str, flows: Mapping[Any, ast.Module] = FLOWS) -> set[str]:
    """The words that the flows give for ``name``, constants of the module resolved."""
    found: set[str] = set()
    for module, call in flow_calls(function, flows=flows):
        value = argument(call, name)
        if not isinstance(value, ast.Name):
            found |= set(literals(value))
        elif value.id.isupper():
            found.add(getattr(module, value.id))
    return found


def both(*path: str) -> set[str]:
    keys: set[str] = set()
    for flow in ("config", "options"):
        node = ENGLISH[flow]
        for key in path:
            node = node.get(key, {})
        keys |= set(node)
    return keys


def test_every_step_of_a_flow_has_texts_and_every_text_a_step():
    shown = flow_words("async_show_form", "step_id") | flow_words("async_show_menu", "step_id")
    shown |= {
        getattr(module, ast.unparse(call.args[0]), None) or "reconfigure"
        for module, call in flow_calls("_ask", "_form")
    }
    assert shown == both("step")
    assert flow_words("async_show_progress", "progress_action") == both("progress")


def test_the_menu_names_every_kind_of_gateway():
    assert set(ENGLISH["config"]["step"]["user"]["menu_options"]) == {*KINDS, SITE}


def test_every_end_of_a_flow_has_a_text():
    # The first by the flow itself and by Home Assistant, the second by Home Assistant alone.
    by_itself = {"already_configured", "reconfigure_successful", "reauth_successful"}
    assert both("abort") == flow_words("async_abort", "reason") | by_itself


def test_every_reason_for_no_connection_has_a_text():
    reasons = {
        reason for call in CALLS if called(call) == "CannotConnect" for reason in literals(next(iter(call.args), None))
    }
    errors = set(ENGLISH["config"]["error"])
    assert reasons <= errors
    of_channels = {
        netvision._error_of(channel, err)
        for channel in Channel
        for err in (*map(CannotConnect, reasons), AuthenticationFailed(), DeviceGone(), NotThisDevice())
        if not (channel is Channel.MODBUS and isinstance(err, AuthenticationFailed))
    }
    assert both("error") <= reasons | of_channels | WORDS
    assert of_channels <= errors


def test_every_field_of_a_flow_has_a_name():
    markers = [(module, ast.unparse(call.args[0])) for module, call in flow_calls("Required", "Optional")]
    # The limits of the health checks are a table of their own.
    fields = {getattr(module, name) for module, name in markers if name.isupper()} | set(options.HEALTH_LIMITS)
    named = {
        field
        for flow in ("config", "options")
        for texts in ENGLISH[flow]["step"].values()
        for group in (texts, *texts.get("sections", {}).values())
        for field in (*group.get("data", {}), *group.get("sections", {}))
    }
    assert named == fields


# --- the flow of the devices behind a Modbus gateway ---------------------------------------------------------------


def fields_in(schema: Mapping[Any, Any]) -> Iterator[str]:
    """The fields of a form, and those in its sections."""
    for marker, value in schema.items():
        yield str(marker)
        if isinstance(value, section):
            yield from fields_in(value.schema.schema)


def fields_with_texts(step: str) -> set[str]:
    texts = OF_DEVICES["step"][step]
    groups = (texts, *texts.get("sections", {}).values())
    for group in groups:
        assert group.get("data", {}).keys() == group.get("data_description", {}).keys(), step
    return {field for group in groups for field in group.get("data", {})} | set(texts.get("sections", {}))


def test_every_step_of_the_flow_of_devices_has_texts_and_every_text_a_step():
    shown = flow_words("async_show_form", "step_id", DEVICE_FLOW) | flow_words(
        "async_show_menu", "step_id", DEVICE_FLOW
    )
    assert shown == set(OF_DEVICES["step"])
    assert flow_words("async_show_progress", "progress_action", DEVICE_FLOW) == set(OF_DEVICES["progress"])
    assert flow_words("async_abort", "reason", DEVICE_FLOW) == set(OF_DEVICES["abort"])


def test_every_field_of_a_device_has_a_name_and_is_explained():
    library = Library.load()
    described = {field for model in CATALOGUE.values() for field in fields_in(device_fields.fields_of(model, library))}
    assert fields_with_texts("describe") == described
    assert fields_with_texts("meter") == set(fields_in(device_fields.METER))
    asked: set[str] = set()
    for module, call in flow_calls("Required", "Optional", flows=DEVICE_FLOW):
        # The fields of the addresses found are variables: they are called by texts of their own.
        if isinstance(call.args[0], ast.Name) and call.args[0].id.isupper():
            asked.add(getattr(module, call.args[0].id))
        asked |= set(literals(call.args[0]))
    assert asked == {field for step in OF_DEVICES["step"] for field in fields_with_texts(step)} - set(UNIT_OF)


def test_every_error_of_a_device_has_a_text_and_every_text_is_of_an_error():
    reasons = set(OF_DEVICES["error"])
    of_places = {f"{field}_used" for field in ("position", "side", "remote_id")}
    assert of_places <= reasons
    assert reasons - of_places <= WORDS
    named = {
        reason
        for file in ("equipment", "generic", "table")
        for node in ast.walk(ast.parse((PACKAGE / "gateways" / "legrand" / f"{file}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for reason in re.findall(r"^(?:bad|missing|map_without|unknown|file|no|too_many)_\w+$", node.value)
    }
    assert named - {"file_size"} <= reasons


def test_every_choice_of_a_device_has_a_text():
    selectors = ENGLISH["selector"]
    assert set(selectors["family"]["options"]) == set(FAMILIES)
    assert set(selectors["circuit"]["options"]) == set(CIRCUITS)
    assert set(selectors["feed_direction"]["options"]) == set(FeedDirection)
    assert set(selectors["words"]["options"]) == {str(words) for words in WORDS_OF_METERS}
    assert set(selectors["function"]["options"]) == {str(function) for function in FUNCTIONS}
    assert set(selectors["framing"]["options"]) == set(FRAMINGS)


# --- the flows of the site's subentries ------------------------------------------------------------------------------


OF_SITE: dict[str, Any] = {"alarm_rule": rules, "recipient": recipients, "geofence": geofences}


@pytest.mark.parametrize("kind", OF_SITE)
def test_every_step_and_field_of_what_belongs_to_the_site_has_texts_and_every_text_is_used(kind: str):
    texts = ENGLISH["config_subentries"][kind]
    module = OF_SITE[kind]
    flows = {module: ast.parse(Path(module.__file__).read_text(encoding="utf-8"))}
    assert flow_words("async_show_form", "step_id", flows) == set(texts["step"])
    # By Home Assistant itself.
    assert flow_words("async_abort", "reason", flows) | {"reconfigure_successful"} == set(texts["abort"])
    asked = {
        field for _, call in flow_calls("Required", "Optional", flows=flows) for field in literals(call.args[0])
    } | set(getattr(module, "THRESHOLDS", ()))
    named = [(field, step) for step in texts["step"].values() for field in step["data"]]
    assert {field for field, _ in named} == asked
    assert all(step["data"].keys() == step["data_description"].keys() for _, step in named)
    assert set(texts["initiate_flow"]) == {"user", "reconfigure"}


def test_every_error_of_what_belongs_to_the_site_has_a_text_and_every_text_is_of_an_error():
    errors = {kind: set(ENGLISH["config_subentries"][kind]["error"]) for kind in OF_SITE}
    # A form has either thresholds or states, and no negative times.
    mistakes = set(Mistake) - {Mistake.NUMBERS_AND_STATES, Mistake.NEGATIVE_TIME}
    assert errors["alarm_rule"] == mistakes | {"unknown_entity"}
    assert errors["geofence"] == set(FenceMistake) | {"unknown_device", "bad_points"}
    assert errors["recipient"] == {"bad_target", "no_severity", "quiet_incomplete", "quiet_never"}
    assert errors["recipient"] | {"unknown_entity", "unknown_device", "bad_points"} <= WORDS


def test_every_choice_of_what_belongs_to_the_site_has_a_text():
    selectors = ENGLISH["selector"]
    assert set(selectors["alarm_level"]["options"]) == set(Level)
    assert set(selectors["severity"]["options"]) == {severity.word for severity in Severity}
    assert set(selectors["shape"]["options"]) == set(geofences.SHAPES)


def test_every_control_that_can_be_enabled_has_a_text():
    assert set(ENGLISH["selector"][CONF_CONTROLS]["options"]) == set(Danger)


def test_every_field_of_a_flow_is_explained():
    for flow in ("config", "options"):
        for step, texts in ENGLISH[flow]["step"].items():
            for group in (texts, *texts.get("sections", {}).values()):
                assert group.get("data", {}).keys() == group.get("data_description", {}).keys(), (flow, step)


def test_every_line_of_the_system_health_has_a_name():
    module = ast.parse((PACKAGE / "system_health.py").read_text(encoding="utf-8"))
    returned = [node.value for node in ast.walk(module) if isinstance(node, ast.Return)]
    lines = {key for value in returned if isinstance(value, ast.Dict) for node in value.keys for key in literals(node)}
    assert lines == set(ENGLISH["system_health"]["info"])


def actions() -> dict[str, Any]:
    return dict(load_yaml_dict(str(PACKAGE / "services.yaml")))


def fields_of(action: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return (action.get("fields") or {}).items()


def test_every_action_and_field_has_a_name_and_a_description():
    assert actions().keys() == ENGLISH["services"].keys()
    for name, action in actions().items():
        texts = ENGLISH["services"][name]
        assert {key for key, _ in fields_of(action)} == set(texts.get("fields", {})), name
        for text in (texts, *texts.get("fields", {}).values()):
            assert text["name"], name
            assert text["description"], name


def test_every_selector_has_a_text_for_each_of_its_options():
    for name, action in actions().items():
        for key, field in fields_of(action):
            select = (field.get("selector") or {}).get("select") or {}
            if "translation_key" in select:
                texts = ENGLISH["selector"][select["translation_key"]]["options"]
                assert set(texts) == {str(option) for option in select["options"]}, (name, key)
