import argparse
import asyncio
import json
import re
import socket
import stat
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from custom_components.energy_suite.entities import DESCRIPTIONS
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.profiles.library import SHIPPED, Library
from custom_components.energy_suite.gateways.solarman import discovery, v5
from custom_components.energy_suite.gateways.solarman.gateway import SolarmanGateway
from demo import hybrid
from demo.__main__ import DemoError, Memory, free_port, gateways, known_scenario, live, parse, ready_text, remembered
from demo.aura import FAULTS, WARNINGS, State
from demo.aura_dashboard import INVERTER, STICK, aura_view
from demo.client import Client, ClientError, until
from demo.dashboard import LANGUAGES
from demo.gateway import DOMAIN, Entities, Gateway, add_devices, add_gateway, enable_controls
from demo.history import counter_rows, import_history, mean_rows
from demo.home import HOST, Home, HomeError, http_settings
from demo.hybrid import AURA_MAPS, OWN_PROFILE, Hybrid, bring_profile, profile_of
from demo.life import HISTORY, LONGEST_SLEEP, known_site, new_site, set_clock, snapshot, to_june
from demo.netvision import NetVisionCard
from demo.rack import Rack
from demo.scenario import Scenario, ScenarioPlayer, parse_scenario
from demo.settling import place
from demo.site import ChargingMode, Mode, Site
from demo.sites import SITES

NOW = datetime(2026, 11, 25, 21, 37, 12, 345678, tzinfo=UTC)
SEASON = to_june(NOW)
WEEKS = {name: new_site(showcase.model, NOW, SEASON) for name, showcase in SITES.items()}
HOUSE = SITES["house"]
GX = Gateway("victron_gx", {"host": HOST, "port": 1502}, ("generator",))


@pytest.fixture(scope="module")
def week():
    return WEEKS["house"]


@pytest.fixture
def hours(week):
    return week[1]


# The house in time


@pytest.mark.parametrize("month", range(1, 13))
def test_the_house_lives_in_june_on_the_same_day_of_the_week(month):
    now = datetime(2027, month, 3, 12, 0, tzinfo=UTC)
    there = now + to_june(now)
    assert there.weekday() == now.weekday()
    assert abs(there - datetime(2027, 6, 15, 12, 0, tzinfo=UTC)) <= timedelta(days=4)


@pytest.mark.parametrize("name", SITES)
def test_a_new_site_has_a_week_of_full_hours_behind_it(name):
    site, hours = WEEKS[name]
    assert site.now == NOW + SEASON
    assert hours[0].start == NOW.replace(minute=0, second=0, microsecond=0) - HISTORY
    assert hours[-1].start == datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    assert {after.start - before.start for before, after in pairwise(hours)} == {timedelta(hours=1)}


@pytest.mark.parametrize(("name", "solar", "least"), [("house", "solar_charger", 50), ("boat", "solar", 10)])
def test_the_counters_go_on_from_the_history(name, solar, least):
    site, hours = WEEKS[name]
    now = site.counters.totals()
    assert all(0 <= now[name] - value < 10 for name, value in hours[-1].counters.items())
    assert sum(hour.energies[solar] for hour in hours) > least


def test_a_house_survives_json():
    site, _ = new_site(Site, NOW, SEASON)
    site.controls.mode, site.controls.charging_mode = Mode.CHARGER_ONLY, ChargingMode.AUTO
    site.controls.max_feed_in = 1500.0
    site.advance(600)
    kept = json.loads(json.dumps(snapshot(site)))
    again, hours = known_site(Site, kept, NOW, NOW, SEASON)
    assert hours == []
    assert snapshot(again) == snapshot(site)
    assert again.controls == site.controls
    assert again.counters == site.counters
    assert type(again.controls.mode) is Mode


def test_a_boat_survives_json():
    boat, _ = WEEKS["boat"]
    # What depends on the hour follows the clock, which was set at last.
    boat.advance(0)
    kept = json.loads(json.dumps(snapshot(boat)))
    again, hours = known_site(SITES["boat"].model, kept, NOW, NOW, SEASON)
    assert hours == []
    assert snapshot(again) == snapshot(boat)


def test_a_house_lives_on_while_nobody_looks(week):
    kept = json.loads(json.dumps(snapshot(week[0])))
    site, hours = known_site(Site, kept, NOW, NOW + timedelta(hours=5), SEASON)
    assert [hour.start for hour in hours] == [
        datetime(2026, 11, 25, 22, tzinfo=UTC) + timedelta(hours=n) for n in range(4)
    ]
    assert site.now == NOW + timedelta(hours=5) + SEASON
    before = week[0].counters.totals()
    assert all(value >= before[name] for name, value in hours[0].counters.items())
    assert hours[0].counters["consumption"] > before["consumption"]


def test_a_long_sleep_is_not_lived_through(week):
    _, hours = known_site(Site, snapshot(week[0]), NOW, NOW + timedelta(days=400), SEASON)
    assert len(hours) == LONGEST_SLEEP // timedelta(hours=1) - 1


def test_a_clock_that_was_set_back_does_no_harm(week):
    site, hours = known_site(Site, snapshot(week[0]), NOW, NOW - timedelta(days=2), SEASON)
    assert hours == []
    assert site.now == NOW - timedelta(days=2) + SEASON


def test_the_clock_of_the_house_can_be_set():
    site, _ = new_site(Site, NOW, SEASON)
    day = site.local.date()
    set_clock(site, time(13, 30))
    assert (site.local.date(), site.local.time()) == (day, time(13, 30))


@pytest.mark.parametrize(
    ("installation", "service", "french", "english"),
    [("house", "evcharger", "Borne du garage", "Garage charger"), ("boat", "fuel", "Gazole", "Diesel")],
    indirect=["installation"],
)
async def test_english_sites_have_english_names(installation, service, french, english):
    installation.name_devices("fr")
    assert installation.get(service, "/CustomName") == french
    installation.name_devices("en")
    assert installation.get(service, "/CustomName") == english


@pytest.mark.parametrize("installation", SITES, indirect=True)
async def test_names_fit_into_their_registers(installation):
    for language in LANGUAGES:
        installation.name_devices(language)
        for service in installation.gx.services:
            name = str(service.values.get("/CustomName") or "")
            assert len(name.encode("latin-1")) <= 16


async def test_the_house_lives_and_is_kept(house, tmp_path, monkeypatch):
    monkeypatch.setattr("demo.__main__._SAVE_EVERY", 0)
    memory = Memory(tmp_path / "demo.json", port=1234, settled=True)
    before = house.site.counters.consumption
    rack = Rack(NetVisionCard("netys"), house.site)
    player = ScenarioPlayer(Scenario("", None, ()), house)
    task = asyncio.create_task(live(player, memory, 1000, asyncio.Event(), rack))

    async def kept():
        return Memory.load(memory.path)

    again = await until(kept, seconds=20, what="the file", pause=0.01)
    task.cancel()
    assert again.state["counters"]["consumption"] > before
    assert again.port == 1234
    assert again.rack["state_of_charge"] == 100


async def test_a_story_begins_when_everything_is_shown(house, tmp_path, published):
    memory, ready = Memory(tmp_path / "demo.json"), asyncio.Event()
    player = ScenarioPlayer(parse_scenario({"events": [{"at": 0, "set": "grid_lost"}]}), house)
    began = house.site.now
    task = asyncio.create_task(live(player, memory, 1000, ready))
    await published.wait()
    assert house.site.now > began
    assert (player.elapsed, house.site.conditions.grid_lost) == (0, False)
    ready.set()

    async def lost():
        return house.site.conditions.grid_lost or None

    assert await until(lost, seconds=20, what="the power cut", pause=0.01)
    task.cancel()


# The rack


@pytest.mark.parametrize("machine", ["netys", "masterys"])
def test_the_ups_is_on_battery_as_long_as_the_grid_is_lost(machine):
    site = Site()
    rack = Rack(NetVisionCard(machine), site)
    ups = rack.card.ups
    rack.advance(60)
    assert (ups.on_battery, ups.state_of_charge) == (False, 100)
    site.conditions.grid_lost = True
    rack.advance(60)
    assert ups.on_battery
    assert ups.supplied
    assert 90 < ups.state_of_charge < 100
    site.conditions.grid_lost = False
    rack.advance(60)
    assert (ups.on_battery, ups.charging) == (False, True)


def test_the_transfer_system_takes_its_other_source_as_long_as_the_grid_is_lost():
    site = Site()
    rack = Rack(NetVisionCard("statys"), site)
    site.conditions.grid_lost = True
    rack.advance(1)
    assert rack.card.sts.active == 2
    site.conditions.grid_lost = False
    rack.advance(10)
    assert rack.card.sts.active == 1
    assert rack.snapshot() == {}


def test_the_servers_draw_a_part_of_what_the_ups_gives():
    site = Site()
    rack = Rack(NetVisionCard("masterys"), site)
    loads = set()
    for _ in range(20):
        site.advance(60)
        rack.advance(60)
        loads.update(rack.card.ups.loads)
    assert len(loads) > 20
    assert 10_800 <= min(loads) < max(loads) <= 16_200


def test_a_rack_survives_json_and_charges_while_nobody_looks():
    site = Site()
    rack = Rack(NetVisionCard("netys"), site)
    rack.card.ups.eco, rack.card.ups.state_of_charge = True, 40.0
    kept = json.loads(json.dumps(rack.snapshot()))
    again = Rack(NetVisionCard("netys"), site)
    again.restore(kept, 3600)
    assert again.card.ups.eco
    assert again.card.ups.state_of_charge == pytest.approx(70)


# The AURA

INTEGRATION = SHIPPED.parent.parent.parent


@pytest.fixture
def library(tmp_path):
    """The profiles as Home Assistant has them once the demo brought the owner's."""
    bring_profile("megarevo", tmp_path, INTEGRATION)
    library = Library.load(tmp_path / "energy_suite" / "profiles")
    assert library.errors == ()
    return library


def test_the_demo_asks_where_sticks_are_asked():
    assert hybrid.DISCOVERY_PORT == discovery.PORT


def test_the_owners_profile_is_the_shipped_one_with_the_words_of_every_alarm(library):
    own, shipped = library.profiles[OWN_PROFILE], library.profiles["aura_megarevo"]
    assert not own.shipped
    assert own.keys.keys() - shipped.keys.keys() == {"inverter_state", "fault_bits", "warning_bits"}
    assert shipped.keys.keys() <= own.keys.keys()
    alarms = {bit.alarm.key for register in own.registers for bit in register.bits if bit.alarm}
    assert alarms == {f"aura_{code.lower()}" for code in FAULTS | WARNINGS}
    assert list(own.keys["inverter_state"].map.values()) == list(State)


def test_a_profile_that_the_owner_changed_is_kept_and_a_candidate_needs_none(tmp_path):
    bring_profile("afore", tmp_path, INTEGRATION)
    assert list(tmp_path.iterdir()) == []
    bring_profile("megarevo", tmp_path, INTEGRATION)
    (file,) = (tmp_path / "energy_suite" / "profiles").iterdir()
    file.write_text("mine")
    bring_profile("megarevo", tmp_path, INTEGRATION)
    assert file.read_text() == "mine"


async def _alarms_behind(stick, library):
    """What the owner's profile makes of what the stick answers: values and alarms."""
    settings = {
        "host": stick.host,
        "port": stick.port,
        "logger_serial": stick.serial,
        "profile": OWN_PROFILE,
        "profiles": library,
    }
    lease = Pool().acquire(SolarmanGateway.endpoint(settings), timeout=5)
    try:
        gateway = SolarmanGateway.from_settings(lease.unit, 10.0, settings)
        found = [it async for it in gateway.discover() if isinstance(it, Found) and it.key == INVERTER]
        inverter = gateway.device(found[0])
        for part in inverter.parts.values():
            await part.async_read(1.0)
        return inverter, {alarm.key for alarm in inverter.alarms}
    finally:
        await lease.release()


async def test_a_power_cut_and_a_fault_are_alarms_of_the_owners_profile(library, socket_enabled, monkeypatch):
    monkeypatch.setattr(v5, "PAUSE", 0.0)
    site = Site()
    aura = Hybrid("megarevo", site, discovery_port=0)
    async with aura.stick as stick:
        inverter, alarms = await _alarms_behind(stick, library)
        assert alarms == set()
        assert inverter.value("state_of_charge") == pytest.approx(aura.aura.battery.soc, abs=0.1)
        assert inverter.value("inverter_state").name.lower() == "generating"
        site.conditions.grid_lost = True
        site.advance(10)
        aura.advance(10)
        aura.aura.raise_alarm("F32")
        inverter, alarms = await _alarms_behind(stick, library)
        assert alarms == {"aura_w00", "aura_w02", "aura_f32"}
        assert inverter.value("inverter_state").name.lower() == "fault"


def test_an_aura_survives_json_and_counts_the_day_anew():
    site = Site()
    aura = Hybrid("afore", site)
    aura.aura.battery.soc = 40.0
    site.advance(600)
    aura.advance(600)
    kept = json.loads(json.dumps(aura.snapshot()))
    assert kept["today"]["load"] > 0
    again = Hybrid("afore", site)
    again.restore(kept, 0)
    assert again.snapshot() == kept
    again.restore(kept, 86400)
    assert (again.aura.now, again.aura.today.load, again.aura.total.load) == (site.now, 0, aura.aura.total.load)


@pytest.mark.parametrize("word", AURA_MAPS)
def test_the_view_of_the_aura_shows_what_its_profile_enables(word, library):
    profile = library.profiles[profile_of(word)]
    shown = {register.key for register in profile.registers if register.has_entity and register.enabled}
    entities = AuraEntities(shown)
    views = {language: aura_view(entities, language) for language in LANGUAGES}
    assert {key for kind, key in entities.asked if kind == INVERTER} <= shown | {"problem", "alarm"}
    of_stick = {description.key for description in DESCRIPTIONS["logger_stick"]} | {"problem", "alarm", "connection"}
    assert {key for kind, key in entities.asked if kind == STICK} <= of_stick
    assert "inverter_state" in shown
    assert (INVERTER, "inverter_state") in entities.asked
    assert views["en"] != views["fr"]
    aura_view(candidate := AuraEntities(shown - {"inverter_state"}), "en")
    assert (INVERTER, "inverter_state") not in candidate.asked


# Statistics


def test_sums_of_a_counter_rise_by_its_energy_and_pass_zero_at_the_first_live_reading(hours):
    zero = hours[-1].counters["grid_import"] + 1.25
    rows = counter_rows(hours, "grid_import", zero)
    assert rows[-1]["sum"] == pytest.approx(-1.25, abs=0.01)
    for (before, after), hour in zip(pairwise(rows), hours[1:], strict=True):
        assert after["sum"] - before["sum"] == pytest.approx(hour.energies["grid_import"], abs=0.011)
    assert rows[0]["start"] == hours[0].start.isoformat()


def test_means_are_added_and_inverted(hours):
    hour = hours[60]
    (row,) = mean_rows([hour], ("solar_charger", "pv_inverter"))
    assert row["mean"] == pytest.approx(hour.mean["solar_charger"] + hour.mean["pv_inverter"], abs=0.1)
    (upside_down,) = mean_rows([hour], ("battery",), inverted=True)
    assert upside_down["mean"] == pytest.approx(-hour.mean["battery"], abs=0.1)
    assert upside_down["min"] == pytest.approx(-hour.high["battery"], abs=0.1)
    assert upside_down["max"] == pytest.approx(-hour.low["battery"], abs=0.1)


@pytest.mark.parametrize("name", SITES)
def test_history_is_taken_from_what_the_site_has(name):
    hour, showcase = WEEKS[name][1][0], SITES[name]
    assert {counted.counter for counted in showcase.counted} <= hour.counters.keys()
    assert {key for measured in showcase.measured for key in measured.names} <= hour.mean.keys()


# Entities and what is made of them


class EveryEntity(Entities):
    """Has whatever it is asked for, and remembers it."""

    def __init__(self):
        super().__init__([], [])
        self.asked = set()

    def find(self, kind, key, domain=None):
        self.asked.add((kind, key))
        return f"{domain or 'sensor'}.{kind}_{key}"

    def every(self, key):
        return [f"binary_sensor.{key}"]

    def device(self, key):
        return f"id_of_{key}" if key in ("ups", "sts") else None


class OnlyTransferSystem(EveryEntity):
    def device(self, key):
        return super().device(key) if key == "sts" else None


class AuraEntities(EveryEntity):
    """Those of an AURA with these readings."""

    def __init__(self, shown):
        super().__init__()
        self.shown = shown

    def has(self, kind, key):
        return key in self.shown

    def device(self, key):
        return f"id_of_{key}" if key == STICK else None


class NoUps(EveryEntity):
    def device(self, key):
        return None


@pytest.mark.parametrize("equipment", [EveryEntity, OnlyTransferSystem])
@pytest.mark.parametrize("showcase", SITES.values(), ids=SITES)
def test_what_the_demo_shows_is_in_the_tables_of_the_integration(showcase, equipment):
    entities = equipment()
    showcase.dashboard(entities, "en")
    showcase.energy_preferences(entities)
    for each in (*showcase.counted, *showcase.measured):
        entities.find(each.kind, each.key)
    assert len(entities.asked) > 30
    # Every device has its alarms.
    known = {(kind, description.key) for kind, descriptions in DESCRIPTIONS.items() for description in descriptions}
    known |= {(kind, key) for kind in DESCRIPTIONS for key in ("problem", "alarm")}
    # There is one card, whose key says no more.
    known |= {("card", key) for kind, key in known if kind == "netvision_card"}
    assert {(re.sub(r"_\d+$", "", device), key) for device, key in entities.asked} <= known


def test_the_dashboard_of_the_house_has_a_view_of_what_is_behind_the_card():
    views = {equipment: HOUSE.dashboard(equipment(), "fr")["views"] for equipment in (EveryEntity, OnlyTransferSystem)}
    assert [[view["title"] for view in shown] for shown in views.values()] == [
        ["Maison", "ASI"],
        ["Maison", "Système de transfert"],
    ]
    cards = [card for section in views[EveryEntity][1]["sections"] for card in section["cards"]]
    buttons = [card for card in cards if card["type"] == "button"]
    assert [button["tap_action"]["data"]["command"] for button in buttons] == ["eco_mode", "normal_mode", "alarm_reset"]
    assert {button["tap_action"]["target"]["device_id"] for button in buttons} == {"id_of_ups"}
    asking = [card["entity"] for card in cards if card.get("tap_action", {}).get("confirmation")]
    assert asking == ["switch.card_turn_off_after_shutdown"]
    assert len(HOUSE.dashboard(NoUps(), "fr")["views"]) == 1


@pytest.mark.parametrize("equipment", [EveryEntity, OnlyTransferSystem])
@pytest.mark.parametrize("showcase", SITES.values(), ids=SITES)
def test_the_dashboard_is_the_same_in_every_language_but_for_its_words(showcase, equipment):
    def shape(node):
        if isinstance(node, dict):
            return {key: shape(value) for key, value in node.items()}
        if isinstance(node, list):
            return [shape(item) for item in node]
        return type(node)

    english, french = (showcase.dashboard(equipment(), language) for language in LANGUAGES)
    assert shape(english) == shape(french)
    assert english != french


def _entity(entity_id, unique_id, device="d1", **more):
    return {
        "entity_id": entity_id,
        "unique_id": unique_id,
        "device_id": device,
        "platform": DOMAIN,
        "disabled_by": None,
    } | more


DEVICES = [
    {"id": "d0", "identifiers": [["sun", "sun"]]},
    {"id": "d1", "identifiers": [[DOMAIN, "ab12_gx"]]},
    {"id": "d2", "identifiers": [[DOMAIN, "ab12_grid_meter_hq22_1"]]},
    {"id": "d3", "identifiers": [[DOMAIN, "cd34_ups_unit_1"]]},
    {"id": "d4", "identifiers": [[DOMAIN, "cd34_ups"]]},
]


def test_entities_are_found_by_unique_id_whatever_they_are_called():
    entities = Entities(
        DEVICES,
        [
            _entity("sensor.power", "ab12_gx_grid_power"),
            _entity("sensor.haus_strom", "ab12_grid_meter_hq22_1_power", "d2"),
            _entity("sensor.power_2", "ab12_gx_power", disabled_by="user"),
            _entity("sensor.other", "ab12_gx_energy", platform="other"),
            _entity("sensor.old_mode", "ab12_gx_mode"),
            _entity("select.mode", "ab12_gx_mode"),
        ],
    )
    assert entities.find("grid_meter", "power") == "sensor.haus_strom"
    assert entities.find("gx", "mode", "select") == "select.mode"
    assert entities.every("mode") == ["sensor.old_mode", "select.mode"]
    for kind, key in (("gx", "power"), ("gx", "energy"), ("meter", "power"), ("battery", "power")):
        with pytest.raises(LookupError, match=key):
            entities.find(kind, key)
        assert not entities.has(kind, key)
    assert entities.has("gx", "mode")


def test_the_whole_comes_before_its_units():
    unit, ups = (
        _entity(f"event.{key}", f"cd34_{key}_alarm", device) for key, device in (("ups_unit_1", "d3"), ("ups", "d4"))
    )
    entities = Entities(DEVICES, [unit, ups])
    assert entities.find("ups", "alarm") == "event.ups"
    assert entities.find("ups_unit", "alarm") == "event.ups_unit_1"
    assert (entities.device("ups"), entities.device("sts")) == ("d4", None)


# A Home Assistant that answers what it is told to


class Answers:
    """A web server with the answers of Home Assistant that the demo asks for."""

    def __init__(self):
        self.url = ""
        self.results = {}
        self.commands = []
        self.posted = []
        self.steps = []

    async def login(self, request):
        return web.json_response({"flow_id": "f"})

    async def password(self, request):
        good = (await request.json())["password"] == "right"
        return web.json_response({"type": "create_entry", "result": "code"} if good else {"type": "form", "errors": {}})

    async def token(self, request):
        return web.json_response({"access_token": "token", "refresh_token": "refresh"})

    async def revoke(self, request):
        self.posted.append(("revoke", dict(await request.post())))
        return web.Response()

    async def flow(self, request):
        if request.headers.get("Authorization") != "Bearer token":
            return web.Response(status=401)
        if request.method == "POST":
            self.posted.append((request.path, await request.json()))
        return web.json_response(self.steps.pop(0))

    async def upload(self, request):
        file = (await request.post())["file"]
        self.posted.append((file.filename, file.file.read().decode()))
        return web.json_response({"file_id": "uploaded"})

    async def socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        assert (await socket.receive_json())["access_token"] == "token"
        await socket.send_json({"type": "auth_ok"})
        async for message in socket:
            command = message.json()
            self.commands.append(command)
            await socket.send_json({"id": command["id"] - 1, "type": "result", "success": True, "result": "of another"})
            result = self.results.get(command["type"])
            answer = {"success": True, "result": result}
            if result is None:
                answer = {"success": False, "error": {"message": "unknown"}}
            await socket.send_json({"id": command["id"], "type": "result", **answer})
        return socket


@pytest.fixture
async def answers(socket_enabled):
    answers = Answers()
    app = web.Application()
    app.router.add_post("/auth/login_flow", answers.login)
    app.router.add_post("/auth/login_flow/f", answers.password)
    app.router.add_post("/auth/token", answers.token)
    app.router.add_post("/auth/revoke", answers.revoke)
    app.router.add_get("/api/websocket", answers.socket)
    app.router.add_post("/api/file_upload", answers.upload)
    app.router.add_route("*", "/api/config/config_entries/{path:.*}", answers.flow)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    answers.url = f"http://{HOST}:{runner.addresses[0][1]}"
    yield answers
    await runner.cleanup()


@pytest.fixture
async def client(answers):
    async with Client(answers.url) as client:
        await client.log_in("demo", "right")
        yield client


async def test_a_wrong_password_is_refused(answers):
    async with Client(answers.url) as client:
        with pytest.raises(ClientError, match="login refused"):
            await client.log_in("demo", "wrong")


async def test_a_login_is_given_back(answers, client):
    await client.log_out()
    assert answers.posted == [("revoke", {"token": "refresh", "action": "revoke"})]


async def test_a_command_gets_its_own_result(answers, client):
    answers.results["get_config"] = {"state": "RUNNING"}
    assert await client.call("get_config") == {"state": "RUNNING"}
    with pytest.raises(ClientError, match="no_such: unknown"):
        await client.call("no_such")


async def test_what_is_not_there_is_no_answer(answers):
    async with Client(answers.url) as client:
        assert await client.answers("/nothing") is None
        with pytest.raises(ClientError, match="404"):
            await client.get("/nothing")
    async with Client(f"http://{HOST}:{free_port(0)}") as client:
        assert await client.answers("/nothing") is None
        with pytest.raises(ClientError):
            await client.get("/nothing")


async def test_waiting_ends_with_what_did_not_come():
    async def nothing():
        return None

    with pytest.raises(TimeoutError, match=r"the sun did not come in 0\.01 s"):
        await until(nothing, seconds=0.01, what="the sun", pause=0)


async def test_the_gateway_goes_through_menu_form_scan_and_list(answers, client):
    answers.steps = [
        {"flow_id": "1", "type": "menu", "step_id": "user"},
        {"flow_id": "1", "type": "form", "step_id": "victron_gx"},
        {"flow_id": "1", "type": "progress", "step_id": "scan"},
        {"flow_id": "1", "type": "progress", "step_id": "scan"},
        {"flow_id": "1", "type": "form", "step_id": "found"},
        {"flow_id": "1", "type": "create_entry", "result": {"entry_id": "e"}},
    ]
    assert await add_gateway(client, GX) == "e"
    assert [data for _, data in answers.posted] == [
        {"handler": DOMAIN},
        {"next_step_id": "victron_gx"},
        {"host": HOST, "port": 1502},
        {},
    ]


async def test_what_the_later_steps_ask_is_said_once(answers, client):
    step = {"flow_id": "1", "type": "form", "step_id": "map"}
    answers.steps = [
        {"flow_id": "1", "type": "menu", "step_id": "user"},
        {"flow_id": "1", "type": "form", "step_id": "stick"},
        step,
        step | {"errors": {"base": "no_such_map"}},
    ]
    with pytest.raises(ClientError, match=r"map: .*no_such_map"):
        await add_gateway(client, Gateway("stick", {"host": HOST}, later={"map": {"profile": "mine"}}))
    assert [data for _, data in answers.posted[-2:]] == [{"host": HOST}, {"profile": "mine"}]


async def test_a_form_that_refuses_is_an_error(answers, client):
    form = {"flow_id": "1", "type": "form", "step_id": "victron_gx", "errors": {"base": "refused"}}
    answers.steps = [form, form, form]
    with pytest.raises(ClientError, match=r"victron_gx: .*refused"):
        await add_gateway(client, GX)


async def test_devices_come_from_a_file_and_are_confirmed(answers, client):
    answers.steps = [
        {"flow_id": "1", "type": "menu", "step_id": "user"},
        {"flow_id": "1", "type": "form", "step_id": "csv_file"},
        {"flow_id": "1", "type": "progress", "step_id": "checking"},
        {"flow_id": "1", "type": "progress", "step_id": "checking"},
        {"flow_id": "1", "type": "form", "step_id": "summary"},
        {"flow_id": "1", "type": "abort", "reason": "devices_added"},
    ]
    await add_devices(client, "e", "name;reference\nÉtage;x\n")
    assert [data for _, data in answers.posted] == [
        {"handler": ["e", "device"]},
        {"next_step_id": "csv_file"},
        "name;reference\nÉtage;x\n",
        {"file": "uploaded"},
        {"confirmed": True},
    ]


@pytest.mark.parametrize(
    "last",
    [
        [{"flow_id": "1", "type": "form", "step_id": "csv_file", "errors": {"base": "csv_mistakes"}}],
        [
            {"flow_id": "1", "type": "form", "step_id": "summary"},
            {"flow_id": "1", "type": "abort", "reason": "csv_mistakes"},
        ],
    ],
)
async def test_a_file_that_is_refused_is_an_error(answers, client, last):
    menu = {"flow_id": "1", "type": "menu", "step_id": "user"}
    answers.steps = [menu, {"flow_id": "1", "type": "form", "step_id": "csv_file"}, *last]
    with pytest.raises(ClientError, match="csv_mistakes"):
        await add_devices(client, "e", "x")


async def test_the_other_options_keep_their_values(answers, client):
    answers.steps = [
        {
            "flow_id": "1",
            "data_schema": [{"name": "interval", "default": 5}, {"name": "enabled_controls", "default": []}],
        },
        {"flow_id": "1", "type": "create_entry"},
    ]
    await enable_controls(client, "e", ("generator",))
    assert answers.posted[-1][1] == {"interval": 5, "enabled_controls": ["generator"]}


async def test_the_first_history_begins_out_of_sight_and_a_later_one_goes_on(answers, client, hours):
    entities = EveryEntity()
    first = f"sensor.{HOUSE.counted[0].kind}_{HOUSE.counted[0].key}"
    live = [f"sensor.{counted.kind}_{counted.key}" for counted in HOUSE.counted]
    answers.results |= {
        "get_states": [{"entity_id": entity_id, "state": "5000"} for entity_id in live],
        "recorder/statistics_during_period": {first: [{"state": 1000.0, "sum": 400.0}]},
        "recorder/import_statistics": {},
        "energy/get_prefs": {
            "energy_sources": [{"stat_rate": "sensor.turned", "power_config": {"stat_rate_inverted": "sensor.battery"}}]
        },
    }
    await import_history(client, entities, hours[-2:], HOUSE.counted, HOUSE.measured)
    imported = {
        command["metadata"]["statistic_id"]: command
        for command in answers.commands
        if command["type"] == "recorder/import_statistics"
    }
    assert len(imported) == len(HOUSE.counted) + len(HOUSE.measured) + 1
    later = imported[first]["stats"]
    assert [row["start"] for row in later] == [hour.start.isoformat() for hour in hours[-2:]]
    assert later[-1]["sum"] == pytest.approx(hours[-1].counters[HOUSE.counted[0].counter] - 600, abs=0.01)
    oldest, *rows = imported[live[1]]["stats"]
    assert oldest["start"].startswith("2000")
    assert rows[0]["sum"] - oldest["sum"] == pytest.approx(hours[-2].energies[HOUSE.counted[1].counter], abs=0.011)
    assert rows[-1]["sum"] == pytest.approx(hours[-1].counters[HOUSE.counted[1].counter] - 5000, abs=0.01)
    for command in imported.values():
        assert command["metadata"].keys() >= {"mean_type", "unit_class"}
    assert imported["sensor.turned"]["stats"][0]["mean"] == pytest.approx(-hours[-2].mean["battery"], abs=0.1)


# The folder and the process


@pytest.fixture
def home(tmp_path):
    integration = tmp_path / "energy_suite"
    integration.mkdir()
    return Home(tmp_path / "demo", 18123, integration, place(HOUSE, "fr"))


def test_the_configuration_is_written_and_what_the_user_made_is_kept(home):
    home.prepare()
    (home.config / "automations.yaml").write_text("- alias: mine\n")
    (home.config / "configuration.yaml").write_text("")
    (home.config / ".storage" / "onboarding").write_text("done")
    home.prepare()
    assert (home.config / "automations.yaml").read_text() == "- alias: mine\n"
    assert (home.config / ".storage" / "onboarding").read_text() == "done"
    settings = {line.partition(":")[0] for line in (home.config / "configuration.yaml").read_text().splitlines()}
    assert {"frontend", "energy", "history"} <= settings
    assert not {"default_config", "ssdp", "zeroconf", "dhcp", "bluetooth", "cloud"} & settings
    assert (home.config / "custom_components" / "energy_suite").is_symlink()
    assert json.loads((home.config / ".storage" / "core.config").read_text())["data"]["language"] == "fr"


def test_home_assistant_listens_on_loopback_alone(home):
    home.prepare()
    kept = json.loads((home.config / ".storage" / "http").read_text())
    assert kept["data"]["stable"]["server_host"] == ["127.0.0.1"]
    assert kept["data"]["stable"]["server_port"] == 18123
    assert http_settings(1)["pending"] is None


@pytest.fixture
def program(home, tmp_path, monkeypatch):
    """Let a shell script take the place of Home Assistant."""

    def write(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr("demo.home.sys.executable", str(path))

    home.prepare()
    return write


async def test_the_last_words_of_a_home_assistant_that_fails_are_told(home, program):
    program("echo it is broken >&2; exit 3")
    await home.start()
    with pytest.raises(HomeError, match=r"exit code 3\nit is broken"):
        await home.run()
    await home.stop()


async def test_its_temporary_files_are_its_own(home, program):
    program('cd "$TMPDIR" && pwd; exit 1')
    await home.start()
    with pytest.raises(HomeError, match=rf"exit code 1\n{re.escape(str(home.temporary.resolve()))}$"):
        await home.run()


async def test_a_restart_that_the_user_asks_for_is_done(home, program, tmp_path):
    program(f"if [ -e {tmp_path}/twice ]; then echo again; exit 1; fi; touch {tmp_path}/twice; exit 100")
    await home.start()
    with pytest.raises(HomeError, match="again"):
        await home.run()
    await home.stop()


def _is_gone(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError, ProcessLookupError:
        return True
    # Killed, and not yet collected by whoever inherited it.
    return state == "Z"


async def test_stopping_leaves_no_process_behind(home, program, tmp_path):
    program(f"cd {tmp_path}\ntrap 'exit 0' TERM\nsleep 600 &\necho $! > child.new\nmv child.new child\nwait")
    await home.start()

    async def child():
        return int((tmp_path / "child").read_text()) if (tmp_path / "child").exists() else None

    number = await until(child, seconds=20, what="the child", pause=0.01)
    await home.stop()

    async def gone():
        return _is_gone(number) or None

    assert await until(gone, seconds=20, what="its end", pause=0.01)
    await home.stop()


# The command line and the memory


def test_a_settled_folder_is_used_again(week, tmp_path):
    memory = remembered(tmp_path / "new", "house", "fr", fresh=False)
    memory.port, memory.settled = 1502, True
    memory.save(week[0])
    again = remembered(tmp_path / "new", "house", None, fresh=False)
    assert (again.port, again.language, again.season) == (1502, "fr", memory.season)
    assert again.state == json.loads(json.dumps(snapshot(week[0])))
    assert again.saved == memory.saved


@pytest.mark.parametrize("fresh", [False, True])
def test_an_unfinished_or_unwanted_folder_is_emptied(week, tmp_path, fresh):
    memory = remembered(tmp_path / "new", "house", None, fresh=False)
    memory.settled = fresh
    memory.save(week[0])
    (tmp_path / "new" / "config").mkdir()
    again = remembered(tmp_path / "new", "house", None, fresh=fresh)
    assert again.state is None
    assert not (tmp_path / "new" / "config").exists()


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path):
    (tmp_path / "letters").touch()
    with pytest.raises(DemoError, match="no folder of the demo"):
        remembered(tmp_path, "house", None, fresh=True)
    assert (tmp_path / "letters").exists()


def test_site_language_ups_and_aura_are_chosen_once(week, tmp_path):
    memory = remembered(tmp_path / "new", "house", "fr", "statys", "afore", fresh=False)
    memory.settled = True
    memory.save(week[0])
    for chosen in (
        ("house", "en", None, None),
        ("boat", None, None, None),
        ("house", None, "none", None),
        ("house", None, None, "none"),
        ("house", None, None, None, True),
    ):
        with pytest.raises(DemoError, match="--fresh"):
            remembered(tmp_path / "new", *chosen, fresh=False)
    again = remembered(tmp_path / "new", "house", None, "statys", "afore", fresh=False)
    assert (again.ups, again.aura) == ("statys", "afore")


@pytest.mark.parametrize(("site", "ups"), [("house", "netys"), ("boat", "none")])
def test_the_house_has_a_ups_and_the_boat_has_none(tmp_path, site, ups):
    assert remembered(tmp_path / "new", site, None, fresh=False).ups == ups


def test_a_folder_without_a_ups_stays_without(week, tmp_path):
    """As one of an earlier version is."""
    memory = Memory(tmp_path / "demo.json", settled=True)
    memory.save(week[0])
    kept = json.loads(memory.path.read_text())
    later = ("ups", "card_ports", "rack", "aura", "stick_port", "hybrid", "board", "board_port", "switchboard")
    for name in later:
        del kept[name]
    memory.path.write_text(json.dumps(kept))
    again = Memory.load(memory.path)
    assert again is not None
    assert (again.ups, again.aura, again.board) == ("none", "none", False)
    assert [gateway.kind for gateway in gateways(again)] == ["victron_gx"]


def test_the_card_is_added_with_both_channels_and_named_in_the_end(tmp_path):
    memory = Memory(tmp_path / "demo.json", port=1502, ups="masterys", card_ports=[1503, 1161])
    gx, card = gateways(memory)
    assert (gx.kind, gx.form) == ("victron_gx", {"host": HOST, "port": 1502})
    assert card.kind == "netvision"
    assert card.form.items() >= {"channels": "both", "port": 1503, "snmp_port": 1161}.items()
    assert re.search(r"MASTERYS.* port 1503.* port 1161", ready_text(memory, "http://here", 1))
    memory.ups = "none"
    assert "NET VISION" not in ready_text(memory, "http://here", 1)


def test_the_stick_is_added_without_its_serial_number_and_with_the_owners_map(tmp_path):
    memory = Memory(tmp_path / "demo.json", port=1502, aura="megarevo", stick_port=8899)
    _, stick = gateways(memory)
    assert stick.kind == "solarman"
    assert stick.form.items() >= {"host": HOST, "port": 8899, "logger_serial": "", "search": False}.items()
    assert stick.later == {"solarman_map": {"profile": OWN_PROFILE, "confirmed": False}}
    assert re.search(r"my_aura.* port 8899", ready_text(memory, "http://here", 1))
    memory.aura = "none"
    assert "SOLARMAN" not in ready_text(memory, "http://here", 1)


def test_a_taken_port_is_told(socket_enabled):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(DemoError, match="--port"):
            free_port(taken.getsockname()[1])


def test_an_unknown_scenario_is_told_with_those_that_there_are():
    assert known_scenario(None, "boat").events == ()
    assert known_scenario("power_cut", "house").events
    with pytest.raises(DemoError, match="power_cut"):
        known_scenario("meteorite", "house")


def test_a_scenario_of_another_site_is_refused_with_the_one_that_it_wants():
    assert known_scenario("cells_empty", "boat").events
    with pytest.raises(DemoError, match="--site boat"):
        known_scenario("cells_empty", "house")


def test_the_command_line_has_its_defaults():
    options = parse([])
    assert (options.site, options.port, options.speed, options.language) == ("house", 8123, 1.0, None)
    assert (options.folder, options.ups, options.aura) == (None, None, None)
    assert parse(["--clock", "13:05"]).clock == time(13, 5)
    assert isinstance(options, argparse.Namespace)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--clock", "noon"],
        ["--site", "castle"],
        ["--ups", "hamster"],
        ["--aura", "gold"],
        ["--language", "tlh"],
        ["--port", "x"],
    ],
)
def test_a_wrong_argument_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        parse(wrong)
    assert wrong[0] in capsys.readouterr().err
