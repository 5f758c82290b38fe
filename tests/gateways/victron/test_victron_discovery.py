"""Who a GX is and what is behind it."""

import pytest

from custom_components.energy_suite.gateways.base import CannotConnect, Found, NotThisDevice, Progress
from custom_components.energy_suite.gateways.victron import gateway as module
from custom_components.energy_suite.gateways.victron.gateway import DEVICES, VictronGateway
from custom_components.energy_suite.gateways.victron.gx import GxDevice
from custom_components.energy_suite.gateways.victron.vebus import InverterCharger
from demo.faults import disconnect, exception, silence
from demo.gx import GxSimulator
from demo.modbus import PlainModbusServer, SilentServer
from demo.registers import load_unit_map

SYSTEM: dict[str, float | str | None] = {"/Serial": "be300d83ff04", "/FirmwareVersion": 0x37500}


async def found_in(steps) -> list[Found]:
    return [step async for step in steps if isinstance(step, Found)]


def furnish(gx: GxSimulator) -> None:
    gx.add_service("system", 0, SYSTEM)
    gx.add_service("settings", 0, {"/Settings/SystemSetup/SystemName": "Maison"})
    gx.add_service("vebus", 276, {"/CustomName": "Quattro"})
    gx.add_service("battery", 512, {})
    gx.add_service("battery", 0, {})
    gx.add_service("solarcharger", 279, {})
    gx.add_service("grid", 30, {"/Serial": "HQ2231ZLTP4"})
    gx.add_service("pvinverter", 20, {})
    gx.add_service("evcharger", 40, {"/Serial": "EV123"})
    gx.add_service("generator", 0, {})
    gx.add_service("generator", 1, {})


EVERYTHING = [
    Found(key="gx", kind="gx", unit_id=100, name="Maison"),
    Found(key="inverter_charger_227", kind="inverter_charger", unit_id=227, name="Quattro"),
    Found(key="battery_225", kind="battery", unit_id=225),
    Found(key="battery_100", kind="battery", unit_id=100),
    Found(key="solar_charger_226", kind="solar_charger", unit_id=226),
    Found(key="grid_meter_hq2231zltp4", kind="grid_meter", unit_id=30, serial="HQ2231ZLTP4"),
    Found(key="pv_inverter_20", kind="pv_inverter", unit_id=20),
    Found(key="ev_charger_ev123", kind="ev_charger", unit_id=40, serial="EV123"),
    Found(key="generator_100", kind="generator", unit_id=100),
    Found(key="generator_1", kind="generator", unit_id=1),
]


def by_key(found: list[Found]) -> list[Found]:
    return sorted(found, key=lambda one: one.key)


async def test_probe_tells_who_it_is(gx, gateway) -> None:
    furnish(gx)
    identity = await gateway.probe()
    assert (identity.serial, identity.firmware, identity.name) == ("be300d83ff04", "v3.75", "Maison")
    assert (identity.manufacturer, identity.model) == ("Victron Energy", "GX")


@pytest.mark.parametrize("version", ["v1.0.60", "v1.0.92"])
async def test_probe_of_an_older_gx(socket_enabled, gateway_of, version) -> None:
    async with GxSimulator(version=version) as old:
        old.add_service("system", 0, SYSTEM)
        identity = await gateway_of(old).probe()
        assert (identity.serial, identity.name) == ("be300d83ff04", None)


async def test_a_gx_that_does_not_say_its_firmware_is_one_all_the_same(gx, gateway) -> None:
    furnish(gx)
    gx.inject(exception(2), only=lambda request: request.address == 834)
    identity = await gateway.probe()
    assert (identity.serial, identity.firmware) == ("be300d83ff04", None)


@pytest.mark.parametrize("zeros", [True, False])
async def test_another_modbus_device_is_no_gx(socket_enabled, gateway_of, zeros) -> None:
    async with PlainModbusServer(zeros=zeros) as other:
        with pytest.raises(NotThisDevice):
            await gateway_of(other).probe()


@pytest.mark.parametrize("serial", ["be300d83ff0", "be300d83fg04", ""])
async def test_a_serial_of_another_form_is_no_gx(gx, gateway, serial) -> None:
    gx.add_service("system", 0, {"/Serial": serial})
    with pytest.raises(NotThisDevice):
        await gateway.probe()


async def test_a_port_that_says_nothing_is_silent(socket_enabled, gateway_of) -> None:
    async with SilentServer() as silent:
        with pytest.raises(CannotConnect) as caught:
            await gateway_of(silent).probe()
        assert caught.value.reason == "silent"


async def test_nobody_at_the_port_is_no_connection(socket_enabled, gx, gateway) -> None:
    gx.stop()
    with pytest.raises(CannotConnect):
        await gateway.probe()


async def test_every_device_is_found(gx, gateway) -> None:
    furnish(gx)
    assert by_key(await found_in(gateway.discover())) == by_key(EVERYTHING)


async def test_a_search_takes_few_requests_one_at_a_time(gx, gateway) -> None:
    furnish(gx)
    steps = [step async for step in gateway.discover()]
    assert len(gx.requests) < 600
    assert all(request.count <= 8 for request in gx.requests)
    progress = [step for step in steps if isinstance(step, Progress)]
    assert progress[0].done == 0
    assert progress[-1].done == progress[-1].total
    assert [step.done for step in progress] == sorted(step.done for step in progress)


@pytest.mark.parametrize("version", ["v1.0.60", "v1.0.92"])
async def test_devices_of_an_older_server_have_no_names(socket_enabled, gateway_of, version) -> None:
    async with GxSimulator(version=version) as old:
        furnish(old)
        found = await found_in(gateway_of(old).discover())
        assert {one.key for one in found} == {one.key for one in EVERYTHING}
        assert {one.name for one in found} == {None}
        # A register that this firmware lacks is asked for once: every refusal is shown on the GX.
        refused = [request.address for request in old.requests if request.exception == 2]
        assert 5700 in refused
        assert len(refused) == len(set(refused))


async def test_units_unheard_of_are_found_where_the_user_says(gx, gateway, lease_of) -> None:
    furnish(gx)
    gx.add_service("solarcharger", 150, {})
    assert "solar_charger_150" not in {one.key for one in await found_in(gateway.discover())}
    assert "solar_charger_150" in {one.key for one in await found_in(gateway.discover((150,)))}
    options = {"unit_ids": [150, 0], "maximum_input_current": 32}
    wide = VictronGateway.from_settings(lease_of(gx).unit, 5, options)
    found = {one.key: one for one in await found_in(wide.discover())}
    assert "solar_charger_150" in found
    # 0 is another way to say 100.
    assert "battery_0" not in found
    multi = wide.device(found["inverter_charger_227"])
    assert isinstance(multi, InverterCharger)
    assert multi.maximum_input_current == 32


async def test_a_full_search_asks_every_unit(gx, gateway) -> None:
    gx.add_service("system", 0, SYSTEM)
    gx.add_service("solarcharger", 150, {})
    found = await found_in(gateway.discover(full=True))
    assert "solar_charger_150" in {one.key for one in found}
    assert {request.unit for request in gx.requests} == set(range(1, 248))


async def test_a_device_at_two_units_is_one_with_its_direct_instance(gx, gateway) -> None:
    gx.add_service("grid", 0, {"/Serial": "TWICE"})
    gx.add_service("grid", 31, {"/Serial": "TWICE"})
    found = await found_in(gateway.discover((100,)))
    assert [one for one in found if one.kind == "grid_meter"] == [
        Found(key="grid_meter_twice", kind="grid_meter", unit_id=31, serial="TWICE")
    ]


def test_mapped_units_are_those_of_the_server() -> None:
    assert set(load_unit_map()) == module.MAPPED_UNITS


async def test_one_silent_answer_is_asked_for_again(gx, gateway) -> None:
    furnish(gx)
    gx.inject(silence(), requests=1, only=lambda request: request.unit == 227)
    assert len(await found_in(gateway.discover())) == len(EVERYTHING)


async def test_a_gx_that_falls_silent_ends_the_search(gx, gateway) -> None:
    furnish(gx)
    gx.inject(silence(), only=lambda request: request.unit == 242)
    with pytest.raises(CannotConnect) as caught:
        await found_in(gateway.discover())
    assert caught.value.reason == "silent"


async def test_a_device_gone_before_it_said_its_serial_is_not_found(gx, gateway) -> None:
    furnish(gx)
    gx.inject(exception(10), only=lambda request: request.address == 2609)
    assert "grid_meter" not in {one.kind for one in await found_in(gateway.discover())}


async def test_a_server_without_serials_gives_devices_by_unit(gx, gateway) -> None:
    furnish(gx)
    gx.inject(exception(2), only=lambda request: request.address == 2609)
    assert "grid_meter_30" in {one.key for one in await found_in(gateway.discover())}


async def test_a_lost_link_ends_the_search(gx, gateway) -> None:
    furnish(gx)
    gx.inject(disconnect(), only=lambda request: request.unit == 242)
    with pytest.raises(CannotConnect):
        await found_in(gateway.discover())


async def test_a_found_device_is_made_again(gx, gateway) -> None:
    furnish(gx)
    for found in await found_in(gateway.discover()):
        device = gateway.device(found)
        assert isinstance(device, DEVICES[found.kind])
        assert (device.key, device.unit_id, device.kind) == (found.key, found.unit_id, found.kind)
        assert device.identity.name == found.name
        if isinstance(device, GxDevice):
            assert (device.relay_generator, device.relay_pump) == (True, False)


async def test_the_interval_reaches_the_parts(gx, lease_of) -> None:
    device = VictronGateway(lease_of(gx).unit, 7).device(EVERYTHING[0])
    assert isinstance(device, GxDevice)
    assert (device.system.interval, device.ess.interval) == (7, 30)
