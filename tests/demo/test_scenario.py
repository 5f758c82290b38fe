"""A scenario tells the same story every time."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import yaml  # type: ignore[import-untyped]  # as in demo.scenario

from demo.netvision import NetVisionCard
from demo.rack import Rack
from demo.scenario import (
    SCENARIOS,
    WORDS,
    ScenarioError,
    ScenarioPlayer,
    load_scenario,
    parse_scenario,
    seconds,
)
from demo.site import GeneratorState, Source


def story(text):
    return parse_scenario(yaml.safe_load(text))


async def test_the_power_cut_happens_as_it_is_told(house, read):
    player = ScenarioPlayer(load_scenario(SCENARIOS / "power_cut.yaml"), house)
    await player.advance(5)
    assert house.site.now == datetime(2026, 6, 15, 16, 30, 5, tzinfo=UTC)
    assert house.site.flows.source is Source.GRID
    await player.advance(10)
    assert (house.site.flows.source, await read(227, 64), await read(30, 2600)) == (Source.NONE, [2], 10)
    await player.advance(100)
    assert house.get("generator", "/State") == GeneratorState.RUNNING
    assert house.site.battery.soc < 12
    await player.advance(240)
    assert house.get("generator", "/State") == GeneratorState.STOPPED
    await player.advance(120)
    assert (house.site.flows.source, await read(227, 64)) == (Source.GRID, [0])
    await player.advance(15)
    assert await read(20, 1026) == 10
    await player.advance(60)
    assert await read(20, 1026) == [1]
    await player.advance(player.scenario.length - player.elapsed)
    assert player.finished
    assert len(house.gx.faults) == 1


async def test_the_ups_of_the_house_lives_through_the_power_cut(house):
    rack = Rack(NetVisionCard("netys"), house.site)
    house.followers.append(rack.advance)
    player = ScenarioPlayer(load_scenario(SCENARIOS / "power_cut.yaml"), house)
    seen = []
    while not player.finished:
        await player.advance(5)
        seen.append((player.elapsed, rack.card.ups.on_battery))
    changes = [after for before, after in pairwise(seen) if before[1] != after[1]]
    assert changes == [(15, True), (365, False)]
    assert 80 < rack.card.ups.state_of_charge < 95


async def test_events_happen_at_their_time_however_long_the_step(house):
    told = story("events: [{at: 30s, site: {soc: 80}}, {at: 10s, set: battery_low}]")
    player = ScenarioPlayer(told, house)
    await player.advance(0)
    before = house.site.battery.soc
    await player.advance(9)
    assert house.site.battery.soc == pytest.approx(before, abs=0.5)
    await player.advance(1)
    assert house.site.battery.soc == 9.0
    await player.advance(3600)
    assert player.elapsed == 3610
    assert house.site.battery.soc > 70


@pytest.mark.parametrize(
    ("installation", "site", "word"),
    [(site, site, word) for site in WORDS for word in WORDS[site].switches],
    indirect=["installation"],
)
async def test_every_switch_does_what_its_word_says(installation, site, word):
    player = ScenarioPlayer(story(f"{{site: {site}, events: [{{at: 0, set: {word}}}]}}"), installation)
    await player.advance(0)
    conditions = installation.site.conditions
    state = {name: getattr(conditions, name) for name in WORDS[site].conditions}
    state["soc"] = installation.site.battery.soc
    assert WORDS[site].switches[word].items() <= state.items()


async def test_a_boat_runs_out_of_cells_and_is_helped(boat, connect, read):
    """The BMS warns at 3.1 V, disconnects below 2.8 V and 30 s later at the earliest, and then shuts down."""
    player = ScenarioPlayer(load_scenario(SCENARIOS / "cells_empty.yaml"), boat)
    port = boat.gx.port
    cells: list[int] = []
    seen: list[tuple[float, ...]] = []
    while player.elapsed < 119:
        await player.advance(1)
        cells.append((await read(225, 1290))[0])
        # Pre-alarm, low cell voltage, discharge allowed, state of the inverter/charger, state of the BMS.
        places = ((227, 94), (225, 326), (227, 58), (227, 31), (225, 1282))
        states = tuple([(await read(*place))[0] for place in places])
        if not seen or seen[-1][1:] != states:
            seen.append((player.elapsed, *states))
    assert seen == [
        (1, 0, 0, 1, 9, 9),
        (41, 1, 1, 1, 9, 9),
        (71, 1, 2, 0, 9, 9),
        (72, 1, 2, 0, 0, 9),
        (101, 1, 2, 0, 0, 12),
    ]
    assert (cells[0], cells[-1]) == (330, 270)
    assert cells == sorted(cells, reverse=True)
    assert boat.site.flows.dc_load == 0
    await player.advance(2)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(boat.gx.host, port)
    await player.advance(130)
    client = await connect(boat.gx)

    async def word(unit, address):
        return (await client.read_holding_registers(address, device_id=unit)).registers[0]

    # The shore charges, and the loads wait until the cells have recovered.
    assert [await word(227, 31), await word(227, 58), await word(225, 1282)] == [3, 0, 9]
    assert boat.site.flows.battery > 1000
    await player.advance(player.scenario.length - player.elapsed + 1)
    assert [await word(227, 94), await word(225, 326), await word(227, 58)] == [0, 0, 1]
    assert player.finished


async def test_values_are_written_and_shown(house, read):
    told = story("""
        events:
          - {at: 1, write: {evcharger/SetCurrent: 8}, show: {vebus/Alarms/HighTemperature: 2}}
          - {at: 5, show: {vebus/Alarms/HighTemperature: null}}
    """)
    player = ScenarioPlayer(told, house)
    await player.advance(4)
    assert [await read(40, 3825), await read(227, 34)] == [[8], [2]]
    await player.advance(4)
    assert [await read(40, 3825), await read(227, 34)] == [[8], [0]]


async def test_services_leave_and_return(house, read):
    player = ScenarioPlayer(story("events: [{at: 1, vanish: [battery, grid]}, {at: 2, reappear: battery}]"), house)
    await player.advance(1)
    assert [await read(225, 266), await read(30, 2600)] == [10, 10]
    await player.advance(1)
    assert await read(225, 266) != 10
    assert await read(30, 2600) == 10


async def test_faults_come_and_go(house, read):
    told = story("""
        events:
          - {at: 1, fault: {name: exception, argument: 11, requests: 1}}
          - {at: 2, fault: zeros}
          - {at: 3, gx: clear_faults}
    """)
    player = ScenarioPlayer(told, house)
    await player.advance(1)
    assert [await read(227, 33), await read(227, 33)] == [11, [3]]
    await player.advance(1)
    assert [await read(227, 33), await read(227, 33)] == [[0], [0]]
    await player.advance(1)
    assert await read(227, 33) == [3]


async def test_the_gx_goes_and_comes_back(house, connect):
    player = ScenarioPlayer(story("events: [{at: 1, gx: stop}, {at: 2, gx: [start, disconnect]}]"), house)
    port = house.gx.port
    await player.advance(1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(house.gx.host, port)
    await player.advance(1)
    client = await connect(house.gx)
    assert (await client.read_holding_registers(33, device_id=227)).registers == [3]


async def test_a_story_may_happen_now(house):
    before = house.site.now
    ScenarioPlayer(load_scenario(SCENARIOS / "power_cut.yaml"), house, set_clock=False)
    assert house.site.now == before


async def test_a_story_is_played_until_it_is_cancelled(house, published):
    player = ScenarioPlayer(story("events: [{at: 20, set: grid_lost}]"), house)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(player.run(20_000, period=0.001))
        await published.wait()
        task.cancel()
    assert house.site.conditions.grid_lost
    assert player.finished


@pytest.mark.parametrize(
    ("text", "expected"), [(10, 10), (1.5, 1.5), ("10s", 10), ("2min", 120), ("1h30min", 5400), ("0.5h", 1800)]
)
def test_times_are_numbers_or_texts(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "10 s", "s", "-5s", -5, True, None, "10s later"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ScenarioError, match="time"):
        seconds(text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{name: nothing}",
        "events: none",
        "events: [soon]",
        "events: [{set: grid_lost}]",
        "events: [{at: 1, set: doomsday}]",
        "events: [{at: 1, set: shore_lost}]",
        "{site: boat, events: [{at: 1, set: grid_lost}]}",
        "{site: boat, events: [{at: 1, write: {evcharger/Mode: 1}}]}",
        "{site: submarine, events: []}",
        "events: [{at: 1, explode: true}]",
        "events: [{at: 1, site: grid_lost}]",
        "events: [{at: 1, site: {mood: bad}}]",
        "events: [{at: 1, vanish: teapot}]",
        "events: [{at: 1, write: {teapot/Mode: 1}}]",
        "events: [{at: 1, fault: gremlin}]",
        "events: [{at: 1, fault: {name: exception}}]",
        "events: [{at: 1, gx: dance}]",
        "{start: noon, events: []}",
        "{start: 2026-06-15T12:00:00, events: []}",
    ],
)
def test_what_a_scenario_cannot_say_is_refused(text):
    with pytest.raises(ScenarioError):
        story(text)


def test_a_file_that_is_no_yaml_is_refused_by_name(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("events: [", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"broken\.yaml"):
        load_scenario(broken)


def test_a_story_without_events_has_no_length():
    assert story("events: []").length == 0
