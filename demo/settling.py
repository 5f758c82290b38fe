"""From an empty Home Assistant to one that shows the site: user, place, gateways, history, dashboards."""

from collections.abc import Iterable
from typing import Any, Final

from .alarms import add_site, alarms_view
from .client import Client, until
from .gateway import Entities, Gateway, add_devices, add_gateway, enable_controls, find_entities, loaded
from .history import import_history
from .model import Hour
from .sites import Showcase
from .switchboard import energy_preferences, names

USER: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105  the whole machine may know it: the server listens on loopback

_LONGEST_START: Final = 180
_LONGEST_READING: Final = 60


async def answering(client: Client) -> None:
    """Wait until Home Assistant takes logins."""
    await until(lambda: client.answers("/auth/providers"), seconds=_LONGEST_START, what="Home Assistant")


async def running(client: Client) -> None:
    """Wait until everything that is configured was set up."""

    async def ask() -> bool | None:
        return True if (await client.call("get_config"))["state"] == "RUNNING" else None

    await until(ask, seconds=_LONGEST_START, what="the end of Home Assistant's start")


async def make_user(client: Client, language: str) -> None:
    """Make the user whose login the demo prints."""
    await until(lambda: client.answers("/api/onboarding"), seconds=_LONGEST_START, what="the onboarding")
    await client.create_user("Demo", USER, PASSWORD, language)


async def settle(
    client: Client, showcase: Showcase, language: str, gateways: Iterable[Gateway], hours: list[Hour]
) -> None:
    """Set everything up; the client is logged in, and Home Assistant runs."""
    gateways = list(gateways)
    await client.call("frontend/set_user_data", key="language", value=_locale(language))
    for entry in await client.call("config_entries/get", domain="backup"):
        # Nobody looks for backups of a demo, and their icon would come from the internet.
        await client.call("config_entries/disable", entry_id=entry["entry_id"], disabled_by="user")
    for gateway in gateways:
        entry_id = await add_gateway(client, gateway)
        if gateway.devices:
            await loaded(client, entry_id)
            await add_devices(client, entry_id, gateway.devices)
        if gateway.controls:
            await enable_controls(client, entry_id, gateway.controls)
        await loaded(client, entry_id)
    board = any(gateway.devices for gateway in gateways)
    entities = await (_board_read(client, language) if board else find_entities(client))
    preferences = showcase.energy_preferences(entities)
    if board:
        preferences = energy_preferences(preferences, entities, language)
    await client.call("energy/save_prefs", **preferences)
    await add_site(client, entities, language)
    await import_history(client, entities, hours, showcase.counted, showcase.measured)
    for greeting in await client.call("lovelace/dashboards/list"):
        # Home Assistant greets its first user with a map, whose tiles would come from the internet.
        await client.call("lovelace/dashboards/delete", dashboard_id=greeting["id"])
    path, dashboard = showcase.url_path, showcase.dashboard(entities, language)
    dashboard["views"].append(alarms_view(language))
    await client.call("lovelace/dashboards/create", url_path=path, title=showcase.titles[language], icon=showcase.icon)
    await client.call("lovelace/config/save", url_path=path, config=dashboard)
    await client.call("frontend/set_system_data", key="core", value={"default_panel": path})


async def _board_read(client: Client, language: str) -> Entities:
    """Wait until every device of the board was read once, for before it has no entities."""

    async def ask() -> Entities | None:
        entities = await find_entities(client)
        return entities if all(entities.has(name, "problem") for name in names(language).values()) else None

    return await until(ask, seconds=_LONGEST_READING, what="an answer of every device of the board", pause=1)


async def complete(client: Client, showcase: Showcase, hours: list[Hour]) -> None:
    """Give the statistics the hours that Home Assistant did not see."""
    await import_history(client, await find_entities(client), hours, showcase.counted, showcase.measured)


def _locale(language: str) -> dict[str, str]:
    """How the user's browser writes: as the language does, and with the clock of the site wherever the user is."""
    formats = dict.fromkeys(("number_format", "time_format", "date_format", "first_weekday"), "language")
    return {"language": language, "time_zone": "server", **formats}


def place(showcase: Showcase, language: str) -> dict[str, Any]:
    """Where the site is and which language its people speak, as Home Assistant stores it."""
    return {
        "location_name": showcase.titles[language],
        **showcase.place,
        "radius": 100,
        "time_zone": "Europe/Paris",
        "unit_system_v2": "metric",
        "currency": "EUR",
        "country": "FR",
        "language": language,
        "external_url": None,
        "internal_url": None,
    }
