"""A profile's device over a real socket: how it asks, and how it reads on where something is refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from modbus_connection import ModbusTcpParams
from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU

from custom_components.energy_suite.gateways.base import CannotConnect, Found, NotSupported
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.profiles.device import ProfileDevice, make
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import Profile, parse
from demo import faults
from demo.modbus import ModbusServer, read_response, write_response

HEAD = "profile: 1\nid: tried\nmanufacturer: S\nmodels: [A]\nkind: electricity_meter\nsource: a test\n"


class Inverter(ModbusServer):
    """Answers every register with its address, except those that are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[int] = set()
        self.words: dict[int, int] = {}
        self.functions = {3, 4, 6, 16}

    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes:
        asked = range(request.address, request.address + (request.count or len(request.registers)))
        if request.function_code not in self.functions:
            return ExcCodes.ILLEGAL_FUNCTION
        if self.refused & set(asked):
            return ExcCodes.ILLEGAL_ADDRESS
        if request.function_code in (3, 4):
            return read_response(request, [self.words.get(address, address % 65536) for address in asked])
        self.words.update(zip(asked, request.registers, strict=True))
        return write_response(request)

    def asked(self) -> list[tuple[int, int, int]]:
        """The requests since last asked: (function, address, count)."""
        requests = [(request.function, request.address, request.count) for request in self.requests]
        self.requests.clear()
        return requests


@pytest.fixture
async def inverter(socket_enabled) -> AsyncIterator[Inverter]:
    async with Inverter() as server:
        yield server


@pytest.fixture
async def device_of(inverter) -> AsyncIterator[Any]:
    pool = Pool()
    leases = []

    def device_of(profile: Profile | str, **options: Any) -> ProfileDevice:
        if isinstance(profile, str):
            profile = parse(HEAD + profile, "tried.yaml")
        leases.append(pool.acquire(ModbusTcpParams(host=inverter.host, port=inverter.port), timeout=5.0))
        found = Found(key="1", kind=profile.kind, unit_id=1)
        return make(profile, found, leases[-1].unit(1), 10.0, **options)

    yield device_of
    for lease in leases:
        await lease.release()


def rows(addresses, more=""):
    return "registers:\n" + "".join(
        f"  - {{key: r{address}, name: {{en: R}}, address: {address}, speed: live, enabled: false{more}}}\n"
        for address in addresses
    )


def values(device):
    return {key: device.value(key) for key in device.profile.keys}


async def test_registers_near_each_other_are_read_in_one_request(inverter, device_of):
    device = device_of("max_gap: 4\n" + rows([10, 11, 14, 30]))
    await device.parts["live"].async_read(0)
    assert inverter.asked() == [(3, 10, 5), (3, 30, 1)]
    assert values(device) == {"r10": 10, "r11": 11, "r14": 14, "r30": 30}


async def test_no_request_is_wider_than_the_profile_allows(inverter, device_of):
    device = device_of("max_words: 10\n" + rows(range(25)))
    await device.parts["live"].async_read(0)
    assert inverter.asked() == [(3, 0, 10), (3, 10, 10), (3, 20, 5)]


async def test_no_request_leaves_a_range_that_may_be_read(inverter, device_of):
    ranges = "ranges: [{function: 3, first: 0, last: 9}, {function: 3, first: 10, last: 90}]\n"
    device = device_of(ranges + rows([5, 8, 12, 80]))
    await device.parts["live"].async_read(0)
    assert inverter.asked() == [(3, 5, 4), (3, 12, 69)]


async def test_each_function_and_speed_is_a_part_of_its_own(inverter, device_of):
    device = device_of(
        rows([1]) + "  - {key: power, function: 4, address: 1, unit: W}\n  - {key: energy, address: 5, unit: kWh}\n"
    )
    assert list(device.parts) == ["live", "live_input_registers", "slow"]
    for part in device.parts.values():
        await part.async_read(0)
    assert inverter.asked() == [(3, 1, 1), (4, 1, 1), (3, 5, 1)]


async def test_a_block_with_a_refused_register_is_taken_apart_once_and_read_on(inverter, device_of):
    inverter.refused = {5}
    device = device_of(rows(range(16)))
    part = device.parts["live"]
    await part.async_read(0)
    assert len(inverter.asked()) <= 16
    assert values(device) == {f"r{address}": None if address == 5 else address for address in range(16)}
    assert "r5" not in part.fields
    assert not device.has("r5")
    assert device.has("r4")
    await part.async_read(1)
    assert inverter.asked() == [(3, 0, 5), (3, 6, 10)]


async def test_a_hole_between_registers_is_left_out(inverter, device_of):
    inverter.refused = {7}
    device = device_of(rows([0, 1, 2, 10, 11]))
    part = device.parts["live"]
    await part.async_read(0)
    inverter.asked()
    await part.async_read(1)
    assert inverter.asked() == [(3, 0, 3), (3, 10, 2)]
    assert values(device) == {"r0": 0, "r1": 1, "r2": 2, "r10": 10, "r11": 11}


async def test_a_value_of_two_words_is_left_out_as_a_whole(inverter, device_of):
    inverter.refused = {4}
    device = device_of(rows([0, 6]) + "  - {key: power, address: 3, type: uint32, unit: W}\n")
    await device.parts["live"].async_read(0)
    assert values(device) == {"r0": 0, "r6": 6, "power": None}


async def test_two_readings_of_one_place_are_left_out_together(inverter, device_of):
    inverter.refused = {4}
    more = (
        "  - {key: power, address: 3, type: uint32, unit: W}\n  - {key: low, address: 4, entity: false, speed: live}\n"
    )
    device = device_of(rows([0, 6]) + more)
    await device.parts["live"].async_read(0)
    assert values(device) == {"r0": 0, "r6": 6, "power": None, "low": None}


async def test_what_the_profile_keeps_apart_stays_apart_when_taken_apart(inverter, device_of):
    inverter.refused = {2}
    ranges = "ranges: [{function: 3, first: 0, last: 3}, {function: 3, first: 4, last: 9}]\n"
    device = device_of(ranges + rows([0, 1, 2, 4, 5]))
    await device.parts["live"].async_read(0)
    inverter.asked()
    await device.parts["live"].async_read(1)
    assert inverter.asked() == [(3, 0, 2), (3, 4, 2)]


async def test_a_device_that_came_back_is_asked_for_everything_again(inverter, device_of):
    inverter.refused = {5}
    device = device_of(rows(range(8)))
    part = device.parts["live"]
    await part.async_read(0)
    inverter.refused = set()
    part.forget()
    assert device.value("r4") == 4
    inverter.asked()
    await part.async_read(1)
    assert inverter.asked() == [(3, 0, 8)]
    assert device.value("r5") == 5


async def test_a_refusal_of_what_was_given_before_is_asked_about_once_more_before_it_is_believed(inverter, device_of):
    device = device_of(rows(range(8)))
    part = device.parts["live"]
    await part.async_read(0)
    inverter.refused = {5}
    with pytest.raises(NotSupported):
        await part.async_read(1)
    assert device.value("r5") == 5
    inverter.refused = set()
    inverter.asked()
    await part.async_read(2)
    assert inverter.asked() == [(3, 0, 8)]


async def test_a_part_of_which_nothing_answers_is_absent_and_may_appear(inverter, device_of):
    inverter.refused = set(range(8))
    device = device_of(rows(range(8)))
    part = device.parts["live"]
    for now in range(2):
        with pytest.raises(NotSupported):
            await part.async_read(now)
        assert part.present is False
        assert not device.has("r0")
    inverter.refused = set()
    await part.async_read(2)
    assert device.value("r7") == 7


async def test_a_function_that_the_device_does_not_know_makes_its_part_absent(inverter, device_of):
    inverter.functions = {3}
    device = device_of(rows([1]) + "  - {key: power, function: 4, address: 1, unit: W}\n")
    await device.parts["live"].async_read(0)
    with pytest.raises(NotSupported):
        await device.parts["live_input_registers"].async_read(0)
    assert device.parts["live_input_registers"].present is False
    assert inverter.asked() == [(3, 1, 1), (4, 1, 1)]


async def test_a_link_that_drops_while_a_block_is_taken_apart_leaves_everything_to_the_next_look(inverter, device_of):
    inverter.refused = {5}
    device = device_of(rows(range(8)))
    part = device.parts["live"]
    with (
        inverter.inject(faults.disconnect(), only=lambda request: request.count < 8),
        pytest.raises(CannotConnect),
    ):
        await part.async_read(0)
    await part.async_read(1)
    assert device.value("r6") == 6


@pytest.mark.parametrize("name", ["aura_megarevo", "aura_afore"])
async def test_a_round_of_a_shipped_profile_takes_few_requests(inverter, device_of, name):
    device = device_of(Library.load().profiles[name])
    counted: dict[str, int] = {}
    for part in device.parts.values():
        await part.async_read(0)
        counted[part.speed.value] = counted.get(part.speed.value, 0) + len(inverter.asked())
    assert (
        counted
        == {
            "aura_megarevo": {"live": 4, "slow": 2, "once": 1},
            "aura_afore": {"live": 7, "slow": 10, "once": 1},
        }[name]
    )
    assert not [fn for fn, _, _ in inverter.asked() if fn in (6, 16)]


async def test_a_shipped_profile_lives_with_registers_that_are_not_there(inverter, device_of):
    inverter.refused = {0x3113, 0x3139, 0x1690}
    inverter.words = {0x3145: 905, 0x3130: 3605}
    device = device_of(Library.load().profiles["aura_megarevo"])
    for part in device.parts.values():
        await part.async_read(0)
    assert device.value("voltage_l2") is None
    assert device.value("state_of_charge") == 90.5
    assert device.value("tracker_1_voltage") == 360.5
