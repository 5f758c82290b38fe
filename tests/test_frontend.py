"""The cards are served and made known to dashboards, have all their texts, and do what they should in Node."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, UrlManager
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.components.lovelace.resources import ResourceYAMLCollection
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.frontend import PREFIX, WWW, async_serve, async_show, content_hash
from custom_components.energy_suite.site.alarms.episodes import Severity, Source

ROOT = Path(__file__).parents[1]
MODULES = {file.name: file.read_text(encoding="utf-8") for file in sorted(WWW.iterdir())}
TEXTS = {
    language: json.loads((ROOT / f"custom_components/{DOMAIN}/translations/{language}.json").read_text("utf-8"))
    for language in ("en", "fr")
}


# --- the resource ------------------------------------------------------------------------------------------------


def address() -> str:
    return f"{PREFIX}{content_hash()}/entry.js"


async def set_up(hass: HomeAssistant) -> None:
    # As Home Assistant does before whatever may come after dashboards.
    assert await async_setup_component(hass, "lovelace", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


async def resources(hass: HomeAssistant) -> list[tuple[str, str]]:
    collection = hass.data[LOVELACE_DATA].resources
    await collection.async_get_info()
    return [(item["type"], item["url"]) for item in collection.async_items()]


def stored(hass_storage: dict[str, Any], *urls: str) -> None:
    """What an earlier run left."""
    items = [{"id": f"{number}", "type": "module", "url": url} for number, url in enumerate(urls)]
    hass_storage["lovelace_resources"] = {"version": 1, "key": "lovelace_resources", "data": {"items": items}}


def entry(hass: HomeAssistant) -> MockConfigEntry:
    """A gateway that the user has disabled: it is not set up, and there all the same."""
    made = MockConfigEntry(
        domain=DOMAIN,
        data={"gateway": "victron_gx", "uid": "0123456789abcdef", "devices": []},
        disabled_by=ConfigEntryDisabler.USER,
    )
    made.add_to_hass(hass)
    return made


async def test_a_home_assistant_without_dashboards_is_no_fault(hass, caplog):
    assert await async_setup_component(hass, DOMAIN, {})
    made = entry(hass)
    assert await hass.config_entries.async_remove(made.entry_id)
    assert not [record for record in caplog.records if "card" in record.getMessage().lower()]


async def test_the_modules_become_a_resource_of_the_dashboards(hass):
    await set_up(hass)
    assert await resources(hass) == [("module", address())]


async def test_a_new_version_takes_the_place_of_the_old_one_and_leaves_others_alone(hass, hass_storage):
    stored(hass_storage, "/hacsfiles/other.js", f"{PREFIX}000000000000/entry.js", f"{PREFIX}other/entry.js")
    await set_up(hass)
    assert await resources(hass) == [("module", "/hacsfiles/other.js"), ("module", address())]


async def test_what_is_known_already_is_not_written_again(hass, hass_storage):
    stored(hass_storage, address())
    with patch.object(
        type(await collection_of(hass)), "async_update_item", side_effect=AssertionError("it was written")
    ):
        await set_up(hass)
    await async_show(hass)
    assert await resources(hass) == [("module", address())]


async def collection_of(hass: HomeAssistant) -> Any:
    assert await async_setup_component(hass, "lovelace", {})
    return hass.data[LOVELACE_DATA].resources


async def test_entries_that_are_set_up_side_by_side_make_one_resource(hass):
    assert await async_setup_component(hass, "http", {})
    collection = await collection_of(hass)
    await async_serve(hass)
    create = collection.async_create_item

    async def create_slowly(data: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        await create(data)

    with patch.object(collection, "async_create_item", create_slowly):
        await asyncio.gather(async_show(hass), async_show(hass), async_show(hass))
    assert await resources(hass) == [("module", address())]


async def test_the_resource_goes_with_the_last_entry_and_comes_back_with_a_new_one(hass):
    first, last = entry(hass), entry(hass)
    await set_up(hass)
    await hass.config_entries.async_remove(first.entry_id)
    assert await resources(hass) == [("module", address())]
    await hass.config_entries.async_remove(last.entry_id)
    assert await resources(hass) == []
    await async_show(hass)
    assert await resources(hass) == [("module", address())]


async def test_the_resource_goes_also_while_the_integration_is_not_set_up(hass, hass_storage):
    stored(hass_storage, address())
    await collection_of(hass)
    await hass.config_entries.async_remove(entry(hass).entry_id)
    assert await resources(hass) == []


@pytest.fixture
async def yaml_mode(hass: HomeAssistant) -> set[str]:
    """Resources that are written by the user; the addresses that the frontend loads beside them."""
    await collection_of(hass)
    hass.data[LOVELACE_DATA].resources = ResourceYAMLCollection([{"type": "module", "url": "/local/mine.js"}])
    loaded: set[str] = set()

    def note(change: str, url: str) -> None:
        (loaded.add if change == "added" else loaded.remove)(url)

    hass.data[DATA_EXTRA_MODULE_URL] = UrlManager(note, [])
    return loaded


async def test_where_resources_are_in_yaml_the_frontend_loads_the_module_that_waits_for_it(hass, yaml_mode):
    last = entry(hass)
    await set_up(hass)
    await async_show(hass)
    assert yaml_mode == {address().replace("entry.js", "late.js")}
    assert await resources(hass) == [("module", "/local/mine.js")]
    await hass.config_entries.async_remove(last.entry_id)
    assert yaml_mode == set()


async def test_dashboards_that_cannot_be_told_cost_a_warning_and_nothing_else(hass, caplog):
    last = entry(hass)
    collection = await collection_of(hass)
    with patch.object(type(collection), "async_get_info", side_effect=OSError):
        await set_up(hass)
        assert "The cards cannot be made known to the dashboards" in caplog.text
        await hass.config_entries.async_remove(last.entry_id)
        assert "The cards are still known to the dashboards" in caplog.text
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_modules_that_cannot_be_served_cost_a_warning_and_are_not_shown(hass, caplog):
    with patch("custom_components.energy_suite.frontend.content_hash", side_effect=OSError):
        await set_up(hass)
    assert "The cards cannot be served" in caplog.text
    assert await resources(hass) == []


@pytest.mark.usefixtures("socket_enabled")
async def test_every_module_is_served_and_may_be_kept_for_a_month(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
):
    await set_up(hass)
    client = await hass_client_no_auth()
    for name, source in MODULES.items():
        response = await client.get(address().replace("entry.js", name))
        assert (response.status, response.content_type) == (200, "text/javascript"), name
        assert await response.text() == source
        assert response.headers["Cache-Control"] == "public, max-age=2678400"


def test_another_content_is_another_address(tmp_path):
    (tmp_path / "a.js").write_text("1")
    first = content_hash(tmp_path)
    (tmp_path / "a.js").write_text("2")
    changed = content_hash(tmp_path)
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    assert len({first, changed, content_hash(tmp_path)}) == 3
    assert re.fullmatch(r"[0-9a-f]{12}", first)


# --- the texts ---------------------------------------------------------------------------------------------------


def flat(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, str):
            yield f"{path}{key}", value
        else:
            yield from flat(value, f"{path}{key}.")


def words(name: str) -> list[str]:
    """A list that a module exports; of an object its keys."""
    found = re.search(rf"export const {name} = [\[{{](.*?)[\]}}];", MODULES["alarms.js"])
    assert found, name
    return re.findall(r'"(\w+)"', found[1]) or re.findall(r"(\w+):", found[1])


# What a module puts together, and of what.
PUT_TOGETHER = {
    "severity.${severity}": lambda: words("SEVERITIES"),
    "source.${alarm.source}": lambda: words("SOURCES"),
    "notice.${notice}": lambda: ["lost", "not_set_up", "not_available", "loading"],
    "row.${key}": lambda: ["cause", "remedy"],
    "editor.${name}": lambda: ["title", "show", "device"],
    "editor.show_${value}": lambda: words("SHOWS"),
    "${prefix}.${key}": list,  # by the calls of what puts them together, below
}
CHOICES = {
    "at_least": lambda: words("SEVERITIES")[:-1],
    "source": lambda: words("SOURCES"),
    "period": lambda: words("PERIODS"),
}


def asked_for() -> set[str]:
    keys: set[str] = set()
    for source in MODULES.values():
        keys |= set(re.findall(r'\b(?:t|text)\("([^"]+)"', source))
        for template in re.findall(r"\b(?:t|text)\(`([^`]+)`", source):
            keys |= {re.sub(r"\$\{.+\}", word, template) for word in PUT_TOGETHER[template]()}
        for prefix in re.findall(r'\boptions\("(\w+)"', source):
            keys |= {f"{prefix}.{word}" for word in CHOICES[prefix]()}
    return keys


@pytest.mark.parametrize("language", TEXTS)
def test_every_text_that_a_module_asks_for_exists_and_none_is_left_over(language):
    assert set(dict(flat(TEXTS[language]["config_panel"]))) == asked_for()


def test_the_cards_know_every_severity_and_every_source():
    assert words("SEVERITIES") == [severity.word for severity in sorted(Severity, reverse=True)]
    assert words("SOURCES") == [str(source) for source in Source]


# --- the modules -------------------------------------------------------------------------------------------------


def test_the_modules_import_each_other_only_and_none_reaches_another_host():
    for name, source in MODULES.items():
        imported = re.findall(r'(?:\bfrom |\bimport\(|\bimport )"([^"]+)"', source)
        assert {reference.removeprefix("./") for reference in imported} <= set(MODULES), name
        addresses = set(re.findall(r"https?://[^\s\"'`]+", source))
        assert addresses <= {
            "https://github.com/energy-suite/energy_suite/blob/main/docs/alarms.md",
            "http://www.w3.org/2000/svg",
        }, name


def test_what_comes_from_devices_is_never_taken_for_markup():
    for name, source in MODULES.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", source), name


def test_the_modules_stay_within_their_budget():
    sizes = {name: len(source.encode()) for name, source in MODULES.items()}
    assert sizes["entry.js"] <= 4_000
    assert sizes["alarms-card.js"] <= 16_500
    assert sum(sizes.values()) <= 60_000


def test_the_cards_do_what_they_should_in_node(tmp_path):
    if (node := shutil.which("node")) is None:
        pytest.skip("the modules of the cards are tested where Node is installed")
    for folder in (WWW, ROOT / "tests/frontend"):
        for file in folder.glob("*.js"):
            shutil.copy(file, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run = subprocess.run([node, "--test"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"tests (?:[2-9]\d|\d{3})", run.stdout), run.stdout
