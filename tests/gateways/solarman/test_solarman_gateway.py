"""The gateway over real sockets: what it finds, which map it prefers, and what it says when there is no answer."""

import asyncio
import contextlib
import json
import socket
from dataclasses import asdict, replace

import pytest
from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, Found, Progress
from custom_components.energy_suite.gateways.profiles.device import ProfileDevice
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.missing import DeviceWithoutMap
from custom_components.energy_suite.gateways.profiles.schema import parse
from custom_components.energy_suite.gateways.profiles.trial import Verdict
from custom_components.energy_suite.gateways.solarman.gateway import (
    FIRMWARES_WITHOUT_ACCESS,
    MODBUS_TCP,
    SolarmanGateway,
    Stick,
    Trouble,
)
from custom_components.energy_suite.gateways.solarman.v5 import V5Endpoint
from custom_components.energy_suite.texts import explanation
from demo import faults, solarman
from demo.aura import Aura
from demo.aura_registers import AFORE, MEGAREVO, AuraUnit
from demo.modbus import HOST
from demo.solarman import Access, SolarmanStick

SERIAL = 2355553510
OTHER = 2700000001
TIMEOUT = 0.2
PATIENT = 5.0
"""s, where an answer is sure to come."""
IDS = {MEGAREVO: "aura_megarevo", AFORE: "aura_afore"}
LIBRARY = Library.load()

MINE = """\
profile: 1
id: mine
manufacturer: Bourgeois Global
models: [AURA 10KM-BG]
kind: hybrid_inverter
gateways: [solarman]
source: found on my inverter
registers:
  - {key: battery_voltage, address: 0x3140, scale: 0.1, unit: V}
  - {key: limit, name: {en: Limit}, address: 0x3144, unit: W, sign_key: sign}
  - {key: sign, address: 0x3143, entity: false}
"""

pytestmark = pytest.mark.usefixtures("complaints", "no_pause")


@pytest.fixture
def aura():
    return Aura.lived_in()


@pytest.fixture
async def stick(aura, socket_enabled):
    async with SolarmanStick(AuraUnit(aura), serial=SERIAL) as stick:
        yield stick


@pytest.fixture
async def gateway_of(pool):
    """A gateway as it is set up, at a stick; ``timeout`` in s."""
    leases = []

    def gateway_of(stick, *, timeout=PATIENT, **settings):
        settings = {"host": stick.host, "port": stick.port, "logger_serial": SERIAL, "profiles": LIBRARY} | settings
        leases.append(pool.acquire(SolarmanGateway.endpoint(settings), timeout=timeout))
        return SolarmanGateway.from_settings(leases[-1].unit, 10.0, settings)

    yield gateway_of
    for lease in leases:
        await lease.release()


async def found(gateway):
    return [step async for step in gateway.discover() if isinstance(step, Found)]


# --- who it is -----------------------------------------------------------------------------------------------------


async def test_a_stick_says_that_it_is_there(gateway_of, stick):
    gateway = gateway_of(stick)
    identity = await gateway.probe()
    assert (identity.manufacturer, identity.model, identity.serial, identity.name) == (
        "SOLARMAN",
        None,
        "2355553510",
        None,
    )
    assert not gateway.rejected
    await gateway.close()


async def test_a_stick_whose_inverter_sleeps_is_there(gateway_of, stick, aura):
    aura.switch_off()
    assert (await gateway_of(stick).probe()).serial == "2355553510"


@pytest.mark.parametrize("code", [2, 4, 6])
async def test_a_stick_whose_inverter_refuses_is_there(gateway_of, stick, code):
    stick.inject(solarman.exception(code))
    assert (await gateway_of(stick).probe()).serial == "2355553510"


async def test_a_stick_of_plain_modbus_is_there(gateway_of, aura, socket_enabled):
    async with SolarmanStick(AuraUnit(aura), serial=SERIAL, access=Access.MODBUS_TCP) as stick:
        assert (await gateway_of(stick, protocol=MODBUS_TCP).probe()).serial == "2355553510"
        aura.switch_off()
        assert (await gateway_of(stick, protocol=MODBUS_TCP).probe()).serial == "2355553510"


def test_where_it_is_read_follows_from_the_protocol():
    settings = {"host": "stick.local", "logger_serial": SERIAL}
    assert SolarmanGateway.endpoint(settings) == V5Endpoint("stick.local", SERIAL, 8899)
    assert SolarmanGateway.endpoint(settings | {"port": 502, "protocol": MODBUS_TCP}) == ModbusTcpParams(
        host="stick.local", port=502
    )


# --- devices -------------------------------------------------------------------------------------------------------


async def test_the_stick_and_the_inverter_are_found(gateway_of, stick):
    gateway = gateway_of(stick, profile="aura_megarevo", confirmed=True)
    there = await found(gateway)
    assert there == [
        Found(key="stick", kind="logger_stick", unit_id=1, serial="2355553510"),
        Found(key="inverter", kind="hybrid_inverter", unit_id=1, profile="aura_megarevo", confirmed=True),
    ]
    assert [step async for step in gateway.discover()][-1] == Progress(1, 1)
    # As after a restart.
    devices = [gateway.device(Found(**json.loads(json.dumps(asdict(each))))) for each in there]
    assert isinstance(devices[0], Stick)
    assert devices[0].advice == ()
    assert isinstance(devices[1], ProfileDevice)
    assert (devices[1].confirmed, devices[1].advice) == (True, ())
    for device in devices:
        for part in device.parts.values():
            await part.async_read(1.0)
    assert devices[1].value("state_of_charge") == pytest.approx(stick.unit.aura.battery.soc, abs=0.05)
    assert devices[0].inverter_connected is True


async def test_a_map_is_not_confirmed_unless_its_owner_did(gateway_of, stick):
    gateway = gateway_of(stick, profile="aura_afore")
    _, inverter = await found(gateway)
    assert not inverter.confirmed
    assert gateway.device(inverter).advice == ("map_not_confirmed",)


async def test_without_a_map_there_is_only_the_stick_and_it_says_so(gateway_of, stick):
    gateway = gateway_of(stick)
    (there,) = await found(gateway)
    assert gateway.device(there).advice == ("unknown_inverter_map",)


async def test_an_inverter_whose_map_is_gone_leaves_the_stick_alone(gateway_of, stick):
    gateway = gateway_of(stick, profile="mine")
    (there,) = await found(gateway)
    device = gateway.device(there)
    assert device.advice == ("profile_missing",)
    await device.parts["live"].async_read(1.0)
    asked = len(stick.requests)
    inverter = gateway.device(Found(key="inverter", kind="hybrid_inverter", unit_id=1, profile="mine", confirmed=True))
    assert isinstance(inverter, DeviceWithoutMap)
    assert (inverter.key, inverter.kind, inverter.alarms) == ("inverter", "hybrid_inverter", ())
    (part,) = inverter.parts.values()
    with pytest.raises(DeviceGone):
        await part.async_read(1.0)
    part.forget()
    assert (part.shown, len(stick.requests)) == ({}, asked)


@pytest.mark.parametrize(("coupling", "raised"), [("ac", []), ("dc_backup", ["aura_w04"]), (None, ["aura_w04"])])
async def test_the_coupling_decides_whether_lost_sun_is_a_problem(gateway_of, stick, coupling, raised):
    row = "  - {key: warnings, address: 0x3145, type: bits, bits: {4: {alarm: aura_w04}}}\n"
    library = Library({"mine": parse(MINE + row, "mine.yaml")})
    gateway = gateway_of(stick, profile="mine", coupling=coupling, profiles=library)
    _, inverter = await found(gateway)
    device = gateway.device(inverter)
    stick.unit.forced["battery_soc"] = 1.6
    await device.parts["live"].async_read(1.0)
    assert [alarm.key for alarm in device.alarms] == raised


async def test_at_night_the_stick_answers_and_the_inverter_does_not(gateway_of, stick, aura):
    gateway = gateway_of(stick, profile="aura_megarevo")
    logger, inverter = [gateway.device(each) for each in await found(gateway)]
    aura.switch_off()
    with pytest.raises(DeviceGone):
        await inverter.parts["live"].async_read(1.0)
    await logger.parts["live"].async_read(1.0)
    assert (logger.presence.present, logger.inverter_connected) == (True, False)
    aura.switch_on()
    await inverter.parts["live"].async_read(2.0)
    assert logger.inverter_connected is True


# --- which map -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("map_name", [MEGAREVO, AFORE])
@pytest.mark.parametrize("holes_read_zero", [False, True])
async def test_the_map_of_the_inverter_comes_first(gateway_of, stick, aura, map_name, holes_read_zero):
    stick.unit = AuraUnit(aura, map_name)
    stick.unit.holes_read_zero = holes_read_zero
    trials = await gateway_of(stick).try_maps(LIBRARY.offered_for(gateway="solarman"))
    assert [trial.profile.id for trial in trials] == [
        IDS[map_name],
        *(name for name in IDS.values() if name != IDS[map_name]),
    ]
    best, other = trials
    assert (best.verdict, best.serial) == (Verdict.FITS, aura.config.serial)
    assert best.evidence == {"state_of_charge": True, "voltage_l1": True, "frequency": True}
    assert other.verdict > Verdict.FITS
    assert other.serial is None
    assert {request.function for request in stick.requests} <= {3, 4}
    assert not stick.unit.writes


@pytest.mark.parametrize("map_name", [MEGAREVO, AFORE])
async def test_the_values_can_be_compared_with_the_screen(gateway_of, stick, aura, map_name):
    stick.unit = AuraUnit(aura, map_name)
    best, _ = await gateway_of(stick).try_maps(LIBRARY.offered_for(gateway="solarman"))
    assert 6 <= len(best.values) <= 12
    assert list(best.values)[:3] == ["state_of_charge", "voltage_l1", "frequency"]
    shown = {key: (each.value, each.unit) for key, each in best.values.items()}
    assert shown["state_of_charge"] == (pytest.approx(aura.battery.soc, abs=0.6), "%")
    assert shown["voltage_l1"] == (pytest.approx(aura.grid_voltage, abs=0.06), "V")
    assert shown["solar_power"] == (pytest.approx(aura.flows.pv, abs=3), "W")
    if map_name == AFORE:
        assert shown["inverter_state"] == ("grid", None)


@pytest.mark.parametrize("map_name", [MEGAREVO, AFORE])
async def test_little_is_asked_to_judge_a_map_and_less_of_one_that_does_not_fit(gateway_of, stick, aura, map_name):
    stick.unit = AuraUnit(aura, map_name)
    for name, profile in IDS.items():
        stick.requests.clear()
        await gateway_of(stick).try_maps([LIBRARY.profiles[profile]])
        assert len(stick.requests) <= (30 if name == map_name else 6)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [("battery_soc", 130.0, "state_of_charge"), ("grid_l1_voltage", 110.0, "voltage_l1")],
)
async def test_one_value_that_cannot_be_speaks_against_a_map(gateway_of, stick, name, value, key):
    stick.unit.forced[name] = value
    (trial,) = await gateway_of(stick).try_maps([LIBRARY.profiles["aura_megarevo"]])
    assert trial.verdict is Verdict.CONTRADICTED
    assert trial.evidence[key] is False
    # What was read is shown as it is: the user decides.
    assert trial.values[key].value == pytest.approx(value)


async def test_at_night_no_map_is_judged_and_each_is_given_up_at_once(gateway_of, stick, aura):
    aura.switch_off()
    offered = LIBRARY.offered_for(gateway="solarman")
    trials = await gateway_of(stick).try_maps(offered)
    assert {trial.verdict for trial in trials} == {Verdict.DEVICE_SILENT}
    assert all(trial.evidence == {} and trial.values == {} for trial in trials)
    assert len(stick.requests) == len(offered)


async def test_a_stick_that_falls_silent_leaves_a_map_unjudged(gateway_of, stick):
    stick.access = Access.MUTE
    (trial,) = await gateway_of(stick, timeout=TIMEOUT).try_maps([LIBRARY.profiles["aura_megarevo"]])
    assert trial.verdict is Verdict.NO_ANSWER


async def test_an_inverter_that_falls_asleep_meanwhile_leaves_what_was_read(gateway_of, stick, aura):
    stick.unit = AuraUnit(aura, AFORE)
    # Its serial number is read last.
    stick.inject(solarman.short_error(), only=lambda request: request.address < 100)
    (trial,) = await gateway_of(stick).try_maps([LIBRARY.profiles["aura_afore"]])
    assert (trial.verdict, trial.serial) == (Verdict.FITS, None)
    assert "state_of_charge" in trial.values


async def test_an_owners_map_without_evidence_is_unsure_and_shows_what_it_has(gateway_of, stick):
    profile = parse(MINE, "mine.yaml")
    (trial,) = await gateway_of(stick).try_maps([profile])
    assert (trial.verdict, trial.evidence) == (Verdict.UNSURE, {})
    assert trial.values["battery_voltage"].unit == "V"
    assert trial.values["battery_voltage"].names == {}
    assert "sign" not in trial.values


async def test_an_owners_map_with_a_known_key_is_judged_by_it(gateway_of, stick):
    row = "  - {key: state_of_charge, address: 0x3145, scale: 0.1, unit: '%'}\n"
    (trial,) = await gateway_of(stick).try_maps([parse(MINE + row, "mine.yaml")])
    assert (trial.verdict, trial.evidence) == (Verdict.FITS, {"state_of_charge": True})


async def test_a_name_of_the_owners_own_comes_along(gateway_of, stick):
    row = "  - {key: mine, name: {en: Mine, fr: Mien}, address: 0x3141, speed: once}\n"
    (trial,) = await gateway_of(stick).try_maps([parse(MINE + row, "mine.yaml")])
    assert trial.values["mine"].names == {"en": "Mine", "fr": "Mien"}


async def test_what_a_value_depends_on_is_read_along(gateway_of, stick):
    ratios = "ratios: {steps: {of: [ratio], steps: [{below: 1000, scale: 2}, {scale: 3}]}}\nregisters:"
    rows = """\
  - {key: ratio, address: 0x3145, entity: false}
  - {key: scaled, name: {en: Scaled}, address: 0x3140, unit: W, scale: "ratio:steps"}
"""
    profile = parse(MINE.replace("registers:", ratios) + rows, "mine.yaml")
    stick.unit.forced |= {"battery_soc": 50.0, "battery_voltage": 51.2}
    (trial,) = await gateway_of(stick).try_maps([profile])
    assert trial.values["scaled"].value == 1024
    assert "ratio" not in trial.values


async def test_of_maps_that_fit_alike_the_proven_and_then_the_owners_comes_first(gateway_of, stick):
    shipped = LIBRARY.profiles["aura_megarevo"]
    maps = [
        replace(shipped, id="b_candidate"),
        replace(shipped, id="c_mine", shipped=False),
        replace(shipped, id="d_proven", proven=True),
        replace(shipped, id="a_candidate"),
    ]
    trials = await gateway_of(stick).try_maps(maps)
    assert [trial.profile.id for trial in trials] == ["d_proven", "c_mine", "a_candidate", "b_candidate"]
    assert trials[0].verdict.word == "fits"


# --- what is wrong -------------------------------------------------------------------------------------------------


async def diagnosis(gateway, stick, **settings):
    """What the gateway says once its probe failed."""
    with pytest.raises(CannotConnect):
        await gateway.probe()
    settings = {"discovery_port": stick.discovery_port, "within": 0.5} | settings
    return await gateway.diagnose(**settings)


@contextlib.contextmanager
def nobody():
    """A UDP port on which nothing answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


async def test_a_port_that_is_closed_is_refused(gateway_of, stick):
    stick.stop()
    assert (await diagnosis(gateway_of(stick), stick)).trouble is Trouble.REFUSED


async def test_a_host_that_is_not_known_is_unreachable(gateway_of, stick, monkeypatch):
    async def nowhere(*_, **__):
        raise socket.gaierror

    gateway = gateway_of(stick, host="stick.invalid")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    assert (await diagnosis(gateway, stick)).trouble is Trouble.UNREACHABLE


async def test_the_stick_itself_says_which_serial_number_is_right(gateway_of, stick):
    gateway = gateway_of(stick, timeout=TIMEOUT, logger_serial=OTHER)
    told = await diagnosis(gateway, stick)
    assert (told.trouble, told.serial) == (Trouble.WRONG_SERIAL, SERIAL)
    assert told.placeholders["serial"] == str(SERIAL)
    assert str(SERIAL) not in repr(told)


async def test_the_serial_number_of_what_is_heard_is_told_where_nobody_answers_the_question(gateway_of, stick):
    stick.says = ()
    stick.inject(solarman.wrong_serial(offset=OTHER - SERIAL))
    told = await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)
    assert (told.trouble, told.serial) == (Trouble.WRONG_SERIAL, OTHER)


async def test_a_stick_that_answers_to_zero_tells_its_serial_number(gateway_of, stick):
    stick.answers_zero = True
    with nobody() as port:
        gateway = gateway_of(stick, timeout=TIMEOUT, logger_serial=OTHER)
        told = await diagnosis(gateway, stick, discovery_port=port)
    assert (told.trouble, told.serial) == (Trouble.WRONG_SERIAL, SERIAL)


@pytest.mark.parametrize("access", [Access.MUTE, Access.CLOSING])
async def test_a_stick_that_takes_the_connection_and_no_more_has_no_local_access(gateway_of, stick, access):
    stick.access = access
    told = await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)
    assert (told.trouble, told.serial) == (Trouble.NO_LOCAL_ACCESS, None)
    assert all(firmware in told.placeholders["firmwares"] for firmware in FIRMWARES_WITHOUT_ACCESS)


async def test_a_stick_that_sends_the_question_back_is_too_old(gateway_of, stick):
    stick.inject(solarman.old_stick())
    assert (await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)).trouble is Trouble.NOT_V5


async def test_a_stick_of_plain_modbus_is_known_by_its_answer(gateway_of, aura, socket_enabled):
    async with SolarmanStick(AuraUnit(aura), serial=SERIAL, access=Access.MODBUS_TCP) as stick:
        assert (await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)).trouble is Trouble.PLAIN_MODBUS
        aura.switch_off()
        assert (await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)).trouble is Trouble.PLAIN_MODBUS


async def test_a_stick_whose_answers_are_of_no_use_is_silent(gateway_of, stick):
    stick.inject(solarman.bad_checksum())
    assert (await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)).trouble is Trouble.SILENT


async def test_a_stick_of_v5_is_known_where_plain_modbus_was_chosen(gateway_of, stick):
    gateway = gateway_of(stick, timeout=TIMEOUT, protocol=MODBUS_TCP)
    assert (await diagnosis(gateway, stick)).trouble is Trouble.SPEAKS_V5


async def test_a_stick_of_plain_modbus_that_does_not_answer_is_silent(gateway_of, aura, socket_enabled):
    async with SolarmanStick(AuraUnit(aura), serial=SERIAL, access=Access.MODBUS_TCP) as stick:
        stick.inject(faults.silence())
        gateway = gateway_of(stick, timeout=TIMEOUT, protocol=MODBUS_TCP)
        assert (await diagnosis(gateway, stick)).trouble is Trouble.SILENT


async def test_the_diagnosis_asks_and_never_writes_nor_commands(gateway_of, stick):
    stick.inject(solarman.bad_checksum())
    await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick)
    assert {request.function for request in stick.requests} == {3}
    assert set(stick.probes) == set(solarman.PROBES)


async def test_the_question_goes_to_where_it_is_told(gateway_of, stick, aura):
    async with SolarmanStick(AuraUnit(aura), serial=OTHER) as other:
        stick.access = Access.MUTE
        told = await diagnosis(
            gateway_of(stick, timeout=TIMEOUT), stick, discovery_host="localhost", discovery_port=other.discovery_port
        )
        assert (told.trouble, told.serial) == (Trouble.WRONG_SERIAL, OTHER)
        assert not stick.probes


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_each_trouble_is_told_in_words(gateway_of, stick, trouble, language):
    stick.says = ()
    stick.access = Access.MUTE
    placeholders = (await diagnosis(gateway_of(stick, timeout=TIMEOUT), stick, within=0.05)).placeholders
    for text in explanation(language, f"stick_trouble_{trouble}").values():
        assert text.format_map(placeholders).strip()
