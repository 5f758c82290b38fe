"""What Home Assistant and HACS ask of the files of an integration, checked without their tools."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import homeassistant.components
import pytest
import voluptuous as vol
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import REQUIRED_PYTHON_VER
from homeassistant.const import __version__ as running
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import selector
from homeassistant.util.yaml import load_yaml_dict

from custom_components.energy_suite.actions import ACTIONS, OF_THE_SITE, QUESTIONS
from custom_components.energy_suite.config_flow import EnergySuiteConfigFlow
from custom_components.energy_suite.const import DOMAIN, PLATFORMS
from custom_components.energy_suite.flows.solarman import SolarmanSteps
from custom_components.energy_suite.flows.victron import VictronSteps
from custom_components.energy_suite.gateways.kinds import KINDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "custom_components" / DOMAIN
RULES = {
    "bronze": """
        action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
        dependency-transparency docs-actions docs-conditions docs-high-level-description docs-installation-instructions
        docs-removal-instructions docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data
        test-before-configure test-before-setup unique-config-entry
    """,
    "silver": """
        action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters
        entity-unavailable integration-owner log-when-unavailable parallel-updates reauthentication-flow test-coverage
    """,
    "gold": """
        devices diagnostics discovery discovery-update-info docs-data-update docs-examples docs-known-limitations
        docs-supported-devices docs-supported-functions docs-troubleshooting docs-use-cases dynamic-devices
        entity-category entity-device-class entity-disabled-by-default entity-translations exception-translations
        icon-translations reconfiguration-flow repair-issues stale-devices
    """,
    "platinum": "async-dependency inject-websession strict-typing",
}
HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


MANIFEST: dict[str, Any] = json.loads(read(PACKAGE / "manifest.json"))
HACS: dict[str, Any] = json.loads(read(ROOT / "hacs.json"))
PROJECT: dict[str, Any] = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
TEXTS: dict[str, Any] = json.loads(read(PACKAGE / "translations" / "en.json"))
SERVICES: dict[str, Any] = load_yaml_dict(PACKAGE / "services.yaml")
QUALITY: dict[str, Any] = load_yaml_dict(PACKAGE / "quality_scale.yaml")["rules"]


def pins(requirements: list[str]) -> dict[str, str]:
    return dict(requirement.split("==", 1) for requirement in requirements)


# --- manifest.json -----------------------------------------------------------------------------------------------


def test_the_manifest_begins_with_domain_and_name_and_goes_on_in_alphabetical_order():
    keys = list(MANIFEST)
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


def test_the_manifest_says_what_home_assistant_and_hacs_want_to_know():
    assert MANIFEST["domain"] == PACKAGE.name
    assert MANIFEST["name"] == TEXTS["title"] == HACS["name"]
    assert (MANIFEST["integration_type"], MANIFEST["iot_class"]) == ("hub", "local_polling")
    assert MANIFEST["config_flow"] is True
    assert MANIFEST["codeowners"]
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])
    for address in (MANIFEST["documentation"], MANIFEST["issue_tracker"]):
        assert address.startswith("https://")
    version = AwesomeVersion(MANIFEST["version"], ensure_strategy=[AwesomeVersionStrategy.SEMVER])
    assert str(version) == PROJECT["version"]
    assert f"## {version}" in read(ROOT / "CHANGELOG.md")


def test_every_requirement_is_pinned_and_the_same_everywhere():
    wanted = pins(MANIFEST["requirements"])
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", read(ROOT / "requirements.txt"), re.MULTILINE))
    for name, version in wanted.items():
        assert f"{name}=={version}" in PROJECT["dependencies"]
        assert locked[name.partition("[")[0]] == version


def test_everything_is_pinned_as_home_assistant_pins_it():
    theirs: dict[str, str] = {}
    for integration in ("modbus", "snmp"):
        core = json.loads(read(Path(homeassistant.components.__file__).parent / integration / "manifest.json"))
        theirs |= {name.partition("[")[0]: version for name, version in pins(core["requirements"]).items()}
    for name, version in pins(MANIFEST["requirements"]).items():
        assert theirs[name.partition("[")[0]] == version


def test_every_package_that_is_imported_is_required_or_home_assistants_own():
    imported = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(read(file))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    required = {name.partition("[")[0].replace("-", "_") for name in pins(MANIFEST["requirements"])}
    outside = imported - sys.stdlib_module_names
    theirs = {"homeassistant", "voluptuous", "yaml", "cryptography"}
    of_pysnmp = {"pyasn1"}
    assert outside - theirs - of_pysnmp == required
    assert set(MANIFEST["loggers"]) == required


def test_a_gx_is_discovered_by_its_manufacturer():
    assert MANIFEST["ssdp"] == [{"manufacturer": "Victron Energy"}]
    assert EnergySuiteConfigFlow.async_step_ssdp is VictronSteps.async_step_ssdp


def test_a_stick_is_discovered_by_the_prefix_of_its_address():
    assert MANIFEST["dhcp"] == [{"macaddress": "E8FDF8*"}]
    assert EnergySuiteConfigFlow.async_step_dhcp is SolarmanSteps.async_step_dhcp


def test_every_kind_of_gateway_has_a_step_and_a_text():
    for kind in KINDS:
        assert hasattr(EnergySuiteConfigFlow, f"async_step_{kind}")
        assert TEXTS["config"]["step"]["user"]["menu_options"][kind]
        assert kind in TEXTS["config"]["step"]


# --- hacs.json ---------------------------------------------------------------------------------------------------


def test_hacs_is_told_what_it_knows_and_nothing_else():
    assert set(HACS) <= HACS_KEYS
    assert HACS["zip_release"] is True
    assert HACS["filename"] == f"{DOMAIN}.zip"
    assert f"homeassistant=={HACS['homeassistant']}" in PROJECT["dependencies"]
    assert HACS["homeassistant"] == running


def test_python_is_the_one_that_home_assistant_asks_for():
    assert PROJECT["requires-python"] == f">={'.'.join(map(str, REQUIRED_PYTHON_VER))}"


# --- services.yaml, icons.json -----------------------------------------------------------------------------------


def test_every_action_is_described_and_has_an_icon():
    icons = json.loads(read(PACKAGE / "icons.json"))["services"]
    assert set(SERVICES) == set(SCHEMAS) == set(TEXTS["services"]) == set(icons)
    for icon in icons.values():
        assert set(icon) == {"service"}
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon["service"])


SCHEMAS = {name: schema for name, (*_, schema) in (*ACTIONS.items(), *QUESTIONS.items(), *OF_THE_SITE.items())}
FREE_TEXTS = {"address": "0x3110", "alarm": "F07"}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_an_action_is_described_as_it_is(name):
    schema: Any = SCHEMAS[name]
    plain = isinstance(schema, vol.Schema)
    known = (schema if plain else schema.validators[0]).schema
    of_action = {marker: validate for marker, validate in known.items() if marker not in cv.TARGET_SERVICE_FIELDS}
    described = SERVICES[name] or {}
    for_devices = cv.TARGET_SERVICE_FIELDS.keys() <= known.keys()
    assert described.get("target") == ({"device": [{"integration": DOMAIN}]} if for_devices else None)
    target = {"device_id": "0123"} if for_devices else {}
    fields = described.get("fields", {})
    assert list(fields) == [str(marker) for marker in of_action]
    choices = {}
    for marker in of_action:
        field = fields[str(marker)]
        assert set(field) <= {"required", "selector"}
        assert field.get("required", False) == isinstance(marker, vol.Required)
        choose: Any = selector(field["selector"])
        choices[marker] = [choose(value) for value in samples(str(marker), choose.selector_type, choose.config)]
    # What the frontend lets a user choose is what the action takes.
    least = {str(marker): values[0] for marker, values in choices.items() if isinstance(marker, vol.Required)}
    for marker, values in choices.items():
        for value in values:
            schema({**target, **least, str(marker): value})
    if least or not (for_devices or plain):
        with pytest.raises(vol.Invalid):
            schema(target)


SAMPLES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "datetime": ["2026-06-21 08:30:00"],
    "device": ["0123"],
    "duration": [{"hours": 1, "minutes": 30, "seconds": 0}, {"hours": 0, "minutes": 0, "seconds": 2}],
    "time": ["08:30:00"],
}


def samples(name: str, kind: str, config: dict[str, Any]) -> list[Any]:
    """What a user may choose at the ends of a selector."""
    match kind:
        case "select":
            return list(config["options"])
        case "number":
            return [float(config["min"]), float(config["max"])]
        case "text":
            return [FREE_TEXTS.get(name, "monday")]
    if kind in SAMPLES:
        return SAMPLES[kind]
    pytest.fail(f"no samples for a selector of type {kind}")


def test_every_icon_is_one():
    icons = json.loads(read(PACKAGE / "icons.json"))
    assert set(icons) == {"entity", "services", "triggers", "conditions"}
    for platform, entities in icons["entity"].items():
        assert platform in PLATFORMS
        for icon in entities.values():
            assert set(icon) <= {"default", "state"}
            for name in (icon["default"], *icon.get("state", {}).values()):
                assert re.fullmatch(r"mdi:[a-z0-9-]+", name)


# --- quality_scale.yaml ------------------------------------------------------------------------------------------


def test_every_rule_of_the_quality_scale_has_a_status():
    assert set(QUALITY) == {rule for rules in RULES.values() for rule in rules.split()}
    for rule, status in QUALITY.items():
        if isinstance(status, dict):
            assert set(status) <= {"status", "comment"}, rule
            assert status["status"] in ("done", "todo", "exempt"), rule
            assert status["status"] == "done" or status["comment"], rule
        else:
            assert status in ("done", "todo"), rule


def test_the_scale_that_the_manifest_claims_is_reached():
    tiers = list(RULES)
    for tier in tiers[: tiers.index(MANIFEST["quality_scale"]) + 1]:
        for rule in RULES[tier].split():
            status = QUALITY[rule]
            assert (status["status"] if isinstance(status, dict) else status) in ("done", "exempt"), rule


def test_what_the_quality_scale_names_as_proof_exists():
    named = re.findall(r"(?:\w+/)*\w+\.(?:py|md)\b|\w+/(?:\w+/)*", read(PACKAGE / "quality_scale.yaml"))
    assert len(named) > 20
    missing = {name for name in named if not any((folder / name).exists() for folder in (ROOT, PACKAGE))}
    assert missing == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_says_how_many_updates_it_makes_at_once(platform):
    module = ast.parse(read(PACKAGE / f"{platform}.py"))
    assert "PARALLEL_UPDATES" in {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


# --- brand -------------------------------------------------------------------------------------------------------


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    head = picture.read_bytes()[:33]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert head[12:16] == b"IHDR"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def test_the_brand_has_every_picture_in_its_size():
    brand = PACKAGE / "brand"
    for prefix in ("", "dark_"):
        assert size(brand / f"{prefix}icon.png") == (256, 256)
        assert size(brand / f"{prefix}icon@2x.png") == (512, 512)
        assert 128 <= min(size(brand / f"{prefix}logo.png")) <= 256
        assert 256 <= min(size(brand / f"{prefix}logo@2x.png")) <= 512
    names = {f"{dark}{name}{scale}.png" for dark in ("", "dark_") for name in ("icon", "logo") for scale in ("", "@2x")}
    assert {file.name for file in brand.iterdir()} == names
    assert all((brand / name).stat().st_size < 100_000 for name in names)


def test_a_custom_integration_has_no_strings_json():
    assert not (PACKAGE / "strings.json").exists()
