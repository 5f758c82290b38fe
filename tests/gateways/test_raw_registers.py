"""Registers by their addresses: what a map makes of words that somebody read."""

import pytest
from modbus_connection import GatewayTargetError, IllegalFunctionError, ModbusTimeoutError, ServerDeviceBusyError
from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite.gateways import raw
from custom_components.energy_suite.gateways.base import CannotConnect, CommandRefused, DeviceGone, Found
from custom_components.energy_suite.gateways.commands import Effect
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.schema import parse

PROFILE = """\
profile: 1
id: tried
manufacturer: Somebody
models: [A]
kind: electricity_meter
source: a test
ratios: {energy: {of: [ratio], steps: [{below: 10, scale: 10}, {scale: 100}]}}
registers:
  - {key: ratio, name: {en: Ratio}, address: 0, entity: false}
  - {key: energy_imported, address: 1, unit: Wh, scale: "ratio:energy", speed: live}
  - {key: sign, name: {en: Sign}, address: 2, entity: false}
  - {key: power, address: 3, unit: W, sign_key: sign}
  - {key: status, address: 4, map: {0: open, 1: closed}}
  - {key: breaker, function: 1, address: 3, map: {0: open, 1: closed}}
  - {key: input_1, function: 2, address: 3}
  - {key: frequency, function: 4, address: 3, unit: Hz, scale: 0.1}
"""


@pytest.fixture
def unit():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 40, 1: 3, 2: 1, 3: 250, 4: 1})
    unit.coil[3] = True
    unit.discrete[3] = False
    unit.input[3] = 500
    return unit


@pytest.fixture
async def device(unit):
    profile = parse(PROFILE, "tried.yaml")
    device = make(profile, Found(key="1", kind=profile.kind, unit_id=1), unit, 10.0)
    for part in device.parts.values():
        await part.async_read(0)
    return device


def told(device, function, address, values):
    return {each["key"]: each["value"] for each in raw.decoded(device, function, address, values)}


async def test_what_a_value_owes_to_others_counts(device):
    assert told(device, 3, 0, [40, 3, 1, 250, 1]) == {
        "ratio": 40,
        "energy_imported": 0.3,
        "sign": 1,
        "power": -250,
        "status": "closed",
    }


async def test_what_was_read_before_stands_in_for_what_is_not_asked(device):
    assert told(device, 3, 3, [100]) == {"power": -100}
    assert told(device, 3, 1, [5]) == {"energy_imported": 0.5}


async def test_only_what_was_read_with_this_function_is_told(device):
    assert told(device, 1, 3, [True]) == {"breaker": "closed"}
    assert told(device, 2, 3, [False]) == {"input_1": False}
    assert told(device, 4, 3, [499]) == {"frequency": 49.9}


async def test_looking_changes_nothing_of_the_device(device):
    before = {name: dict(part.values) for name, part in device.parts.items()}
    told(device, 3, 0, [1, 1, 0, 1, 0])
    told(device, 1, 3, [False])
    assert {name: dict(part.values) for name, part in device.parts.items()} == before


@pytest.mark.parametrize(
    ("function", "address", "expected"), [(1, 3, [True]), (2, 3, [False]), (3, 0, [40]), (4, 3, [500])]
)
async def test_each_function_reads_its_own_space(unit, function, address, expected):
    assert await raw.read(unit, function, address, 1) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (IllegalFunctionError(1), CommandRefused),
        (ServerDeviceBusyError(6), CommandRefused),
        (GatewayTargetError(11), DeviceGone),
        (ModbusTimeoutError(), CannotConnect),
    ],
)
async def test_a_refusal_is_told_from_silence(unit, error, expected):
    unit.fail_read(0, error)
    with pytest.raises(expected):
        await raw.read(unit, 3, 0, 1)


async def test_a_register_that_cannot_be_read_is_taken_at_the_word_of_its_device(unit, monkeypatch):
    monkeypatch.setattr("custom_components.energy_suite.gateways.commands.READ_BACK", (0.0,))
    unit.fail_read(9, IllegalFunctionError(1))
    assert await raw.value_at(unit, 9) is None
    assert await raw.write(unit, 6, 9, 5, before=None) is Effect.APPLIED
    assert unit.holding[9] == 5
