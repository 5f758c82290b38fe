"""Whatever a GX sends, devices make sense of it or say that they do not know."""

import asyncio
import json
import logging
import math
import random
from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modbus_connection import (
    ModbusConnectionError,
    ModbusExceptionError,
    ModbusProtocolError,
    ModbusTimeoutError,
)
from modbus_connection.mock import MockModbusConnection, MockModbusUnit

from custom_components.energy_suite.gateways.base import Alarm, Device, Found, GatewayError
from custom_components.energy_suite.gateways.victron import alarms
from custom_components.energy_suite.gateways.victron.device import VictronDevice, firmware
from custom_components.energy_suite.gateways.victron.fields import text
from custom_components.energy_suite.gateways.victron.gateway import DEVICES

TEXTS = Path(__file__).parents[3] / "custom_components" / "energy_suite" / "texts"
# Words that mean something special somewhere, besides any other.
EDGES = (0, 1, 2, 3, 8, 9, 10, 240, 252, 255, 32766, 32767, 32768, 65534, 65535)
# The numbers of the reference.
VEBUS_ERRORS = (*range(1, 9), 10, 11, 12, 14, 15, 16, 17, 18, 19, 22, 24, 25, 26, 128)
CHARGER_ERRORS = (
    *range(1, 30),
    *range(31, 44),
    *range(50, 61),
    *range(65, 78),
    *range(80, 88),
    *range(113, 124),
)
BMS_ERRORS = (*range(1, 42), 116, 119)
GENERATOR_ERRORS = (1, 2, 3, 4)
ALTERNATOR_ERRORS = (
    *range(12, 16),
    21,
    22,
    24,
    *range(41, 46),
    *range(51, 57),
    *range(58, 62),
    91,
    92,
    *range(201, 208),
)
GENSET_ERRORS = (
    *range(1, 11),
    *range(13, 23),
    25,
    26,
    *range(28, 38),
    62,
    63,
    *range(65, 69),
    *range(70, 75),
    *range(77, 86),
    89,
    90,
    *range(92, 102),
    126,
    127,
    *range(130, 136),
    137,
    *range(139, 143),
    *range(148, 167),
    65280,
)

words = st.integers(0, 2**32).map(random.Random)
devices = pytest.mark.parametrize("cls", DEVICES.values(), ids=DEVICES)


def filled(rng: random.Random) -> MockModbusUnit:
    unit = MockModbusConnection().for_unit(1)
    for low, high in ((3, 250), (256, 335), (771, 920), (1026, 1080), (1282, 1345), (2600, 2910)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    for low, high in ((2048, 2054), (3000, 3020), (3300, 3330), (3400, 3440), (3600, 3620), (3900, 3950)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    for low, high in ((4000, 4012), (4200, 4230), (4300, 4330), (4400, 4430), (5500, 5520)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    for low, high in ((3500, 3520), (3700, 3850), (4700, 4705), (5400, 5431), (5700, 5710), (5800, 5820)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    for low, high in ((2307, 2340), (3100, 3260), (4100, 4140), (4500, 4640), (4800, 4830), (4900, 4960)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    for low, high in ((5000, 5130), (5200, 5360)):
        unit.holding[low] = [rng.choice(EDGES) if rng.random() < 0.4 else rng.getrandbits(16) for _ in range(low, high)]
    return unit


def make(cls: type[VictronDevice], unit: MockModbusUnit) -> VictronDevice:
    return cls(Found(key="x", kind=cls.kind, unit_id=1), unit, 5)


def attributes(device: Device) -> Iterator[tuple[str, Any]]:
    for name in dir(type(device)):
        if not name.startswith("_"):
            value = getattr(device, name)
            if not callable(value):
                yield name, value


# What is not read from the device: its identity and commands' choices, or tested on its own below.
UNREAD = {"identity", "alarms", "counters", "charging_current_range", "ess_modes", "charging_modes"}


def is_sound(value: Any) -> bool:
    if isinstance(value, float | int):
        return math.isfinite(value)
    return value in (None, ()) or isinstance(value, str | bool | IntEnum | datetime)


async def read_all(device: VictronDevice, now: float) -> None:
    for part in device.parts.values():
        await part.async_read(now)
    device.settle(now)


@devices
@settings(deadline=None, max_examples=40)
@given(first=words, second=words)
def test_any_words_give_sound_values(cls: type[VictronDevice], first: random.Random, second: random.Random) -> None:
    async def check() -> None:
        unit = filled(first)
        device = make(cls, unit)
        for now, rng in enumerate((first, second, second)):
            unit.holding = filled(rng).holding
            await read_all(device, now * 5.0)
            for part in device.parts.values():
                assert all(is_sound(value) for value in part.values.values())  # type: ignore[attr-defined]  # registers
            for name, value in attributes(device):
                if name not in UNREAD and not name.endswith("_RANGE"):
                    assert is_sound(value), (name, value)
            assert all(isinstance(alarm, Alarm) for alarm in device.alarms)
            low, high = getattr(device, "charging_current_range", None) or (0, 0)
            assert low <= high < math.inf
            assert device.identity.manufacturer == "Victron Energy"
            json.dumps(device.counters)

    asyncio.run(check())


@devices
def test_nothing_is_logged_about_unknown_codes(cls: type[VictronDevice], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        device = make(cls, filled(random.Random(7)))
        asyncio.run(read_all(device, 0.0))
        dict(attributes(device))
    assert [record for record in caplog.records if record.name != "asyncio"] == []


@devices
def test_a_device_not_read_yet_knows_nothing(cls: type[VictronDevice]) -> None:
    device = make(cls, MockModbusConnection().for_unit(1))
    known = {name: value for name, value in attributes(device) if value not in (None, (), {}, False)}
    fixed = UNREAD | {"kind", "manufacturer", "phases", "model", "tracker_count", "reachable"}
    assert {name for name in known if not name.endswith("_RANGE")} <= fixed
    with pytest.raises(AttributeError):
        _ = device.parts["live" if "live" in device.parts else "system"].nonsense  # type: ignore[attr-defined]  # so it is


@devices
def test_zeros_are_no_measurements_of_temperature_or_voltage(cls: type[VictronDevice]) -> None:
    device = make(cls, MockModbusConnection().for_unit(1))
    asyncio.run(read_all(device, 0.0))
    for name, value in attributes(device):
        if "temperature" in name or name.endswith("frequency") or name in ("dc_voltage", "battery_voltage", "serial"):
            assert value is None, name
    assert device.alarms == ()


def test_texts_are_latin_1_and_padded_with_zeros() -> None:
    field = text(0, 4)
    assert field.decode(field.encode("Büro")) == "Büro"
    assert field.decode(field.encode("much too long")) == "much too"
    assert field.decode([0, 0, 0, 0]) is None
    assert field.decode([0x4F6B, 0x00FF, 0xFFFF, 0xFFFF]) == "Ok"


@pytest.mark.parametrize(
    ("number", "version"),
    [(0x35700, "v3.57"), (0x37502, "v3.75~2"), (0x280FF, "v2.80"), (0x100000, "v10.00"), (None, None)],
)
def test_firmware_is_printed_as_victron_does(number: int | None, version: str | None) -> None:
    assert firmware(number) == version


def every_alarm_key() -> set[str]:
    tables = (
        alarms.VEBUS,
        alarms.BATTERY,
        alarms.SOLAR_CHARGER,
        alarms.GENERATOR,
        alarms.DC_METER,
        alarms.SENSOR,
        alarms.RS,
        alarms.RS_LOW_SOC,
        alarms.RS_SHORT_CIRCUIT,
        alarms.AC_SYSTEM,
        alarms.AC_CHARGER,
        alarms.ALTERNATOR,
    )
    families = {
        "vebus": VEBUS_ERRORS,
        "charger": CHARGER_ERRORS,
        "bms": BMS_ERRORS,
        "generator": GENERATOR_ERRORS,
        "alternator": ALTERNATOR_ERRORS,
        "genset": GENSET_ERRORS,
    }
    return (
        {row.key for table in tables for row in table}
        | {f"{family}_{word}" for family in families for word in ("fault", "error")}
        | {f"{family}_error_{number}" for family, numbers in families.items() for number in numbers}
        | {
            f"ev_{word}"
            for word in (
                "ground_test_error",
                "welded_contacts",
                "cp_input_error",
                "residual_current",
                "undervoltage",
                "overvoltage",
                "overheating",
            )
        }
        | {"heat_pump_fault", "inverter_fault", "digital_input"}
        | {
            f"digital_input_{word}"
            for word in (
                "door",
                "bilge_pump",
                "bilge_alarm",
                "burglar_alarm",
                "smoke_alarm",
                "fire_alarm",
                "co2_alarm",
                "generator",
            )
        }
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_alarm_has_a_text(language: str) -> None:
    texts = json.loads((TEXTS / language / "victron.json").read_text(encoding="utf-8"))
    assert set(texts) == every_alarm_key()
    for entry in texts.values():
        assert entry["text"]
        assert set(entry) <= {"text", "cause", "remedy"}


def test_languages_say_the_same() -> None:
    english, french = (
        json.loads((TEXTS / language / "victron.json").read_text(encoding="utf-8")) for language in ("en", "fr")
    )
    assert {key: set(entry) for key, entry in english.items()} == {key: set(entry) for key, entry in french.items()}


@pytest.mark.parametrize(
    "error",
    [
        ModbusConnectionError("gone"),
        ModbusTimeoutError("late"),
        ModbusProtocolError("garbled"),
        ModbusExceptionError.from_code(2, "refused"),
        ModbusExceptionError.from_code(4, "failed"),
        ModbusExceptionError.from_code(10, "absent"),
    ],
    ids=lambda error: type(error).__name__,
)
@devices
def test_only_the_packages_errors_come_out(cls: type[VictronDevice], error: Exception) -> None:
    unit = MockModbusConnection().for_unit(1)
    unit.fail_requests(error)
    with pytest.raises(GatewayError):
        asyncio.run(read_all(make(cls, unit), 0.0))
