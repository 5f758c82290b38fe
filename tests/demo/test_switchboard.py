"""The board hangs below the house, and its owner tells Home Assistant of it in words that the integration takes."""

import json
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # as in demo.scenario

from custom_components.energy_suite.entities import DESCRIPTIONS
from custom_components.energy_suite.gateways.base import Danger
from custom_components.energy_suite.gateways.legrand.equipment import FeedDirection
from custom_components.energy_suite.gateways.legrand.gateway import GATEWAY_KEY
from custom_components.energy_suite.gateways.legrand.generic import GENERIC
from custom_components.energy_suite.gateways.legrand.table import read_devices
from custom_components.energy_suite.gateways.profiles.library import Library
from demo import switchboard
from demo.__main__ import DemoError, Memory, gateways, parse, ready_text, remembered
from demo.board import BreakerState, SideStatus
from demo.board_dashboard import GATEWAY, board_view
from demo.board_units import board_units
from demo.dashboard import LANGUAGES
from demo.gateway import Entities
from demo.home import HOST
from demo.scenario import SCENARIOS, ScenarioError, ScenarioPlayer, load_scenario, parse_scenario
from demo.site import Mode, Site
from demo.switchboard import DANGEROUS, Switchboard, bring_profiles, devices_file, energy_preferences, names

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "energy_suite"


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def board(site):
    return Switchboard(site).board


@pytest.fixture
def live(site):
    """Let the house and its board live."""
    binding = Switchboard(site)

    def live(seconds):
        site.advance(seconds)
        binding.advance(seconds)
        return binding.board

    return live


@pytest.fixture
def library(tmp_path):
    bring_profiles(tmp_path, INTEGRATION)
    library = Library.load(tmp_path / "energy_suite" / "profiles")
    assert library.errors == ()
    return library


# Below the house


def test_the_main_meter_agrees_with_the_gx(site, live):
    for _ in range(30):
        board = live(60)
        assert board.meters["main"].power == pytest.approx(sum(site.flows.load))
        assert board.now == site.now
    assert board.sides[1].status is SideStatus.CHARGING
    assert sum(site.flows.load) > 2300


def test_the_house_draws_less_when_a_breaker_trips(site, live):
    site.conditions.load = 3000.0
    board = live(1)
    assert board.power == pytest.approx(3000 + 2300)
    carried = board.meters["heating"].power
    assert carried > 100
    board.circuits["heating"].breaker.trip()
    live(1)
    assert sum(site.flows.load) == pytest.approx(3000 + 2300 - carried, abs=5)


@pytest.mark.parametrize("mode", [None, Mode.INVERTER_ONLY])
def test_no_car_charges_from_the_battery(site, live, mode):
    live(10)
    if mode:
        site.controls.mode = mode
    else:
        site.conditions.grid_lost = True
    board = live(10)
    assert board.sides[1].status is SideStatus.WAITING
    assert site.flows.output_live
    assert board.meters["main"].power == pytest.approx(sum(site.flows.load))
    assert board.meters["main"].power > 0


def test_a_dark_house_has_a_dark_board(site, live):
    site.conditions.grid_lost = True
    site.generator.service_counter, site.controls.generator_auto = 0, False
    site.battery.soc, site.battery.empty = 0.0, True
    main = live(10).meters["main"]
    assert (main.power, main.now["voltage_l1"]) == (0, 0)
    site.conditions.grid_lost = False
    assert live(10).meters["main"].power > 0


def test_a_board_stood_still_while_nobody_looked(site, live):
    kept = json.loads(json.dumps(live(3600).snapshot()))
    assert kept["meters"]["main"]["imported"] > 3_880_000
    again = Switchboard(site)
    again.restore(kept)
    assert again.snapshot() == kept
    again.restore({})
    assert again.snapshot() == kept


async def test_a_house_tells_its_story_with_the_board(house):
    binding = Switchboard(house.site)
    house.followers.append(binding.advance)
    house.board = board = binding.board
    story = load_scenario(SCENARIOS / "breaker_trips.yaml")
    assert story.board
    player = ScenarioPlayer(story, house)
    water, charging = board.circuits["hot_water"].breaker, board.circuits["charging"].breaker
    await player.advance(25)
    assert (water.state, water.cause, board.meters["hot_water"].power) == ("tripped", "residual_current", 0)
    await player.advance(120)
    assert water.closed
    await player.advance(60)
    assert (charging.state, board.sides[1].status) == (BreakerState.TRIPPED, SideStatus.WAITING)
    await player.advance(120)
    assert (charging.state, board.sides[1].status) == ("closed", "charging")
    await player.advance(60)
    assert player.finished
    assert board.meters["heating"].imported < 1000


@pytest.mark.parametrize(
    "event",
    [
        "board: {explode: heating}",
        "board: {trip: sauna}",
        "board: {trip: main}",
        "board: {trip: {heating: mice}}",
        "board: heating",
    ],
)
def test_a_board_does_what_boards_do(event):
    with pytest.raises(ScenarioError):
        parse_scenario(yaml.safe_load(f"events: [{{at: 0s, {event}}}]"))


def test_a_boat_has_no_board():
    with pytest.raises(ScenarioError, match="house"):
        parse_scenario(yaml.safe_load("{site: boat, events: [{at: 0s, board: {trip: heating}}]}"))


async def test_a_house_without_a_board_cannot_tell_of_it(house):
    player = ScenarioPlayer(parse_scenario(yaml.safe_load("events: [{at: 0s, board: {replace: main}}]")), house)
    with pytest.raises(ScenarioError, match="no board"):
        await player.advance(1)


# What its owner tells Home Assistant


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_of_devices_has_no_mistakes(library, language, board):
    devices, mistakes = read_devices(devices_file(language), [], library)
    assert mistakes == []
    assert [device.name for device in devices] == list(names(language).values())
    assert {device.address for device in devices} == set(board_units(board))
    called = dict(zip(names(language), devices, strict=True))
    assert called["main"].map == "emdx3_multifunction"
    assert called["technical"].map == GENERIC
    assert called["charging"].feed_direction is FeedDirection.DOWNSTREAM
    assert [board.meters[part].turned for part in ("charging", "hot_water")] == [True, False]


def test_the_controls_of_the_board_are_dangers_of_the_integration():
    assert {Danger(word) for word in DANGEROUS} == {Danger.BREAKER, Danger.OUTPUTS}


def test_profiles_of_the_owner_are_kept(tmp_path):
    bring_profiles(tmp_path, INTEGRATION)
    mine = tmp_path / "energy_suite" / "profiles" / "fictitious_breaker.yaml"
    mine.write_text("mine", encoding="utf-8")
    bring_profiles(tmp_path, INTEGRATION)
    assert mine.read_text(encoding="utf-8") == "mine"


class BoardEntities(Entities):
    """Has whatever it is asked for, and remembers it."""

    def __init__(self):
        super().__init__([], [])
        self.asked = set()

    def find(self, kind, key, domain=None):
        self.asked.add((kind, key))
        return f"{domain or 'sensor'}.{kind}_{key}"

    def device(self, key):
        return "id" if key == GATEWAY else None


def test_what_is_shown_is_what_the_maps_give(library):
    assert GATEWAY == GATEWAY_KEY
    devices, _ = read_devices(devices_file("en"), [], library)
    shown = {(device.name, key) for device in devices for key in _enabled(device, library)}
    entities = BoardEntities()
    board_view(entities, "en")
    energy_preferences({"energy_sources": [], "device_consumption": []}, entities, "en")
    asked = {(name, key) for name, key in entities.asked if key not in ("problem", "alarm")}
    # A generic meter and a pulse meter may tell a power, or not.
    assert {pair for pair in asked - shown if pair[1] != "power"} == set()
    assert len(asked) > 30


def _enabled(device, library):
    """The keys that a device shows."""
    if device.map == GENERIC:
        return {"energy_imported"}
    if device.position is not None:
        return {description.key for description in DESCRIPTIONS[device.model.kind]}
    profile = library.profiles[device.map]
    keys = {register.key for register in profile.registers if register.has_entity and register.enabled}
    return keys | {command.key for command in profile.commands if command.enabled}


def test_the_view_is_the_same_in_every_language_but_for_its_words():
    views = [board_view(BoardEntities(), language) for language in LANGUAGES]
    assert all(views)
    assert views[0] != views[1]
    cards = [[len(section["cards"]) for section in view["sections"]] for view in views if view]
    assert cards[0] == cards[1]


def test_a_house_without_a_board_has_no_view_of_it():
    assert board_view(Entities([], []), "en") is None


def test_circuits_stand_below_the_main_meter():
    entities = BoardEntities()
    known = {"energy_sources": [{"type": "grid"}], "device_consumption": [{"stat_consumption": "sensor.car"}]}
    told = energy_preferences(known, entities, "en")
    assert [source["type"] for source in told["energy_sources"]] == ["grid", "gas", "water"]
    above = {device["stat_consumption"]: device.get("included_in_stat") for device in told["device_consumption"]}
    main = "sensor.Main meter_energy_imported"
    assert (above["sensor.car"], above[main]) == (None, None)
    assert above["sensor.Heating_energy_imported"] == main
    assert above["sensor.Charging station left_energy_imported"] == "sensor.Charging breaker_energy_imported"


# The demo


async def test_the_gateway_answers_for_every_device(site, socket_enabled, connect):
    binding = Switchboard(site)
    binding.restore({})
    async with binding.gateway as gateway:
        client = await connect(gateway)
        for unit in gateway.units:
            assert (await client.read_holding_registers(0, device_id=unit)).exception_code in (1, 2)
        assert len(gateway.requests) == len(gateway.units) == 13


def test_the_board_is_added_with_its_devices_and_named_in_the_end(tmp_path):
    memory = Memory(tmp_path / "demo.json", port=1502, ups="none", board=True, board_port=1504, language="fr")
    _, gateway = gateways(memory)
    assert (gateway.kind, gateway.controls) == ("legrand", DANGEROUS)
    assert gateway.form == {"host": HOST, "port": 1504, "framing": "tcp", "name": "Tableau électrique"}
    assert gateway.devices == devices_file("fr")
    assert "16 devices" in ready_text(memory, "http://here", 1)
    assert "port 1504" in ready_text(memory, "http://here", 1)
    memory.board = False
    assert len(gateways(memory)) == 1
    assert "RS485" not in ready_text(memory, "http://here", 1)


def test_a_board_is_chosen_once_and_kept(site, tmp_path):
    memory = remembered(tmp_path / "new", "house", "en", board=True, fresh=False)
    memory.settled, memory.board_port = True, 1504
    binding = Switchboard(site)
    memory.save(site, switchboard=binding)
    with pytest.raises(DemoError, match="with a board"):
        remembered(tmp_path / "new", "house", "en", board=False, fresh=False)
    again = remembered(tmp_path / "new", "house", "en", fresh=False)
    assert (again.board, again.board_port) == (True, 1504)
    assert again.switchboard == json.loads(json.dumps(binding.snapshot()))


@pytest.mark.parametrize(("arguments", "board"), [([], None), (["--board"], True), (["--no-board"], False)])
def test_the_command_line_asks_for_a_board(arguments, board):
    assert parse(arguments).board is board


def test_every_part_of_the_board_has_a_name_in_every_language():
    called = {language: names(language) for language in LANGUAGES}
    assert called["en"].keys() == called["fr"].keys() >= set(switchboard._BELOW)
    for of_language in called.values():
        assert len(set(of_language.values())) == len(of_language)
