"""A card as a gateway: who it is, what is behind it, and why a channel does not work."""

from dataclasses import asdict
from functools import partial

import pytest
from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways import schedule
from custom_components.energy_suite.gateways.base import (
    AuthenticationFailed,
    CannotConnect,
    Device,
    DeviceGone,
    Found,
    Gateway,
    Identity,
    NotThisDevice,
    Progress,
    Report,
)
from custom_components.energy_suite.gateways.connections import Datagrams, Runner
from custom_components.energy_suite.gateways.netvision.devices import DEVICES, UpsUnit
from custom_components.energy_suite.gateways.netvision.gateway import NetVisionGateway, credentials_of
from custom_components.energy_suite.gateways.netvision.line import Channel
from custom_components.energy_suite.gateways.netvision.quantities import Table
from custom_components.energy_suite.gateways.netvision.snmp import Credentials
from custom_components.energy_suite.gateways.schedule import Schedule
from demo.netvision import Emd
from demo.netvision_machines import MACHINES
from demo.usm import User
from tests.gateways.netvision.conftest import eventually

QUICK = 0.15
SECRETS = {
    "community": "read-secret",
    "write_community": "write-secret",
    "user": "operator",
    "auth_password": "auth-secret",
    "priv_password": "priv-secret",
}


async def found(gateway):
    return [step async for step in gateway.discover() if isinstance(step, Found)]


# --- who it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize("machine", MACHINES)
async def test_a_card_is_known_by_the_serial_number_of_what_it_is_in(make_card, gateway_of, machine, channels):
    gateway: Gateway = gateway_of(await make_card(machine), channels)
    identity = await gateway.probe()
    assert identity.serial == MACHINES[machine].serial
    assert identity.manufacturer == "Socomec"


async def test_a_card_says_its_name_and_firmware_by_snmp(make_card, gateway_of):
    assert await gateway_of(await make_card("netys"), "both").probe() == Identity(
        manufacturer="Socomec",
        model="NETYS PR",
        serial="P235A01742",
        firmware="v8.3",
        name="NET VISION",
    )
    identity = await gateway_of(await make_card("netys"), "modbus").probe()
    assert (identity.firmware, identity.name) == (None, "NETYS PR")


async def test_a_card_that_lost_a_ups_that_it_never_knew_is_gone(make_card, gateway_of):
    card = await make_card("netys")
    card.lose_ups()
    with pytest.raises(DeviceGone):
        await gateway_of(card, "modbus").probe()
    assert (await gateway_of(card, "both").probe()).serial == "P235A01742"


# --- why a channel does not work ---------------------------------------------------------------------------------


async def test_channels_that_work_have_no_errors(make_card, gateway_of):
    assert await gateway_of(await make_card("netys")).check() == {}


@pytest.mark.parametrize(
    ("options", "settings", "errors"),
    [
        ({"snmp_enabled": False}, {}, {Channel.SNMP: "refused"}),
        ({"modbus_enabled": False}, {}, {Channel.MODBUS: "lost"}),
        ({"read_community": "other", "write_community": "other"}, {}, {Channel.SNMP: "silent"}),
        ({"unit_id": 7}, {}, {Channel.MODBUS: "silent"}),
        (
            {"modbus_enabled": False, "snmp_enabled": False},
            {},
            {Channel.MODBUS: "lost", Channel.SNMP: "refused"},
        ),
    ],
)
async def test_every_channel_is_tried_and_says_what_is_wrong(make_card, gateway_of, options, settings, errors):
    gateway = gateway_of(await make_card("netys", **options), timeout=QUICK, **settings)
    told = await gateway.check()
    assert {name: getattr(error, "reason", None) for name, error in told.items()} == errors
    assert all(isinstance(error, CannotConnect) for error in told.values())


async def test_a_check_that_goes_well_forgets_what_was_wrong(make_card, gateway_of):
    gateway = gateway_of(card := await make_card("netys", modbus_enabled=False))
    assert set(await gateway.check()) == {Channel.MODBUS}
    await card.modbus.start()
    assert await gateway.check() == {}


async def test_a_rejected_user_is_told_apart_from_silence(make_card, gateway_of):
    card = await make_card("netys", users=[User("reader", level="noAuthNoPriv")])
    gateway = gateway_of(card, snmp_version="v3", user="stranger")
    assert {name: type(error) for name, error in (await gateway.check()).items()} == {
        Channel.SNMP: AuthenticationFailed
    }
    assert not gateway.rejected
    await gateway.line.look(0)
    assert gateway.rejected
    alone = gateway_of(card, "snmp", snmp_version="v3", user="stranger")
    with pytest.raises(AuthenticationFailed):
        await alone.probe()


async def test_another_master_on_the_one_connection_leaves_snmp(make_card, gateway_of):
    card = await make_card("netys")
    first = gateway_of(card, "modbus")
    await first.probe()
    card.modbus.most = 1
    # The pool gives one connection to all who read the same card, so the other master is another client.
    second = gateway_of(card, "both", host="localhost")
    errors = await second.check()
    assert set(errors) == {Channel.MODBUS}
    assert second.identity.serial == "P235A01742"


async def test_something_else_on_a_channel_is_not_this_device(make_card, gateway_of):
    card = await make_card("netys")
    card.forced_words[0x1000] = 0
    card.agent.mib.objects.clear()
    card.agent.mib.replace([], {})
    gateway = gateway_of(card)
    assert {type(error) for error in (await gateway.check()).values()} == {NotThisDevice}


# --- what is behind it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize(
    ("machine", "devices"),
    [
        ("netys", ["card", "ups"]),
        ("delphys", ["card", "ups"]),
        ("masterys", ["card", "ups", "ups_unit_1", "ups_unit_2", "ups_unit_3"]),
        ("statys", ["card", "sts"]),
    ],
)
async def test_the_same_devices_are_found_by_every_channel(make_card, gateway_of, machine, devices, channels):
    gateway = gateway_of(await make_card(machine), channels)
    told = await found(gateway)
    assert [each.key for each in told] == devices
    assert told[1].serial == MACHINES[machine].serial
    assert [each.number for each in told[2:]] == list(range(1, len(told) - 1))
    for each in told:
        assert Found(**asdict(each)) == each
        device = gateway.device(each)
        assert type(device) is DEVICES[each.kind]
        assert (device.key, device.unit_id) == (each.key, 1)


@pytest.mark.parametrize(("channels", "there"), [("modbus", False), ("snmp", True), ("both", True)])
async def test_an_environment_device_is_found_by_snmp(make_card, gateway_of, channels, there):
    gateway = gateway_of(await make_card("netys", emd=Emd()), channels)
    assert ("emd" in [each.key for each in await found(gateway)]) is there


async def test_a_search_says_how_far_it_is(make_card, gateway_of):
    gateway = gateway_of(await make_card("netys"))
    steps = [step async for step in gateway.discover(full=True) if isinstance(step, Progress)]
    assert steps == [Progress(0, 2), Progress(1, 2), Progress(2, 2)]


async def test_a_search_without_snmp_goes_on_by_modbus(make_card, gateway_of):
    gateway = gateway_of(card := await make_card("netys", emd=Emd()))
    await gateway.probe()
    card.agent.stop()
    assert [each.key for each in await found(gateway)] == ["card", "ups"]


async def test_a_search_that_snmp_alone_could_do_fails_with_it(make_card, gateway_of):
    gateway = gateway_of(card := await make_card("netys", emd=Emd()), "snmp")
    await gateway.probe()
    card.agent.stop()
    with pytest.raises(CannotConnect, match="refused"):
        await found(gateway)


async def test_a_unit_keeps_its_number(make_card, gateway_of):
    gateway = gateway_of(await make_card("masterys"))
    device = gateway.device(Found(key="ups_unit_2", kind="ups_unit", unit_id=1, number=2))
    assert isinstance(device, UpsUnit)
    assert device.number == 2


# --- from settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit_id", [1, 9])
async def test_the_unit_id_is_what_the_user_says(make_card, gateway_of, unit_id):
    gateway = gateway_of(card := await make_card("netys", unit_id=unit_id), "modbus", unit_id=unit_id)
    assert (await gateway.probe()).model == "NETYS PR"
    assert {request.unit for request in card.modbus.requests} == {unit_id}
    assert {each.unit_id for each in await found(gateway)} == {unit_id}


@pytest.mark.parametrize(("table", "told"), [("vumap", Table.VUMAP), (None, Table.VUMAP), ("auto", Table.VUMAP)])
async def test_the_table_is_what_the_user_says_or_is_found(make_card, gateway_of, table, told):
    gateway = gateway_of(await make_card("masterys"), "modbus", table=table)
    await gateway.probe()
    assert gateway.line.machine.table is told


def test_a_card_is_reached_by_its_channels():
    settings = {"host": "192.0.2.1", "port": 1502, "snmp_port": 1161}
    modbus = ModbusTcpParams(host="192.0.2.1", port=1502)
    assert NetVisionGateway.endpoint({**settings, "channels": "modbus"}) == modbus
    assert NetVisionGateway.endpoint({**settings, "channels": "both"}) == modbus
    assert NetVisionGateway.endpoint({**settings, "channels": "snmp"}) == Datagrams("192.0.2.1", 1161)


def test_credentials_are_those_of_the_settings_and_stay_secret():
    settings = {
        "snmp_version": "v3",
        "level": "authPriv",
        "auth_protocol": "md5",
        "priv_protocol": "des",
        "host": "192.0.2.1",
        **SECRETS,
    }
    credentials = credentials_of(settings)
    assert credentials == Credentials(
        version="v3", level="authPriv", auth_protocol="md5", priv_protocol="des", **SECRETS
    )
    assert not [secret for secret in SECRETS.values() if secret in repr(credentials)]
    assert credentials_of({"snmp_version": "v2c", "community": None, "user": None}) == Credentials(version="v2c")


async def test_a_closed_gateway_answers_no_more(make_card, gateway_of):
    gateway = gateway_of(await make_card("netys"), "snmp")
    await gateway.probe()
    await gateway.close()
    with pytest.raises(CannotConnect, match="lost"):
        await gateway.probe()
    await gateway_of(await make_card("netys"), "modbus").close()


# --- read by the schedule ----------------------------------------------------------------------------------------


class Reader:
    """The schedule that reads a gateway's devices, as an entry has it."""

    def __init__(self, gateway: NetVisionGateway) -> None:
        self.runner = Runner(Schedule(0.05))
        self.gateway = gateway
        self.reports: dict[str, Report] = {}
        self.devices: dict[str, Device] = {}

    async def start(self):
        for each in await found(self.gateway):
            device = self.devices[each.key] = self.gateway.device(each)
            self.runner.attach(each.key, device, partial(self.reports.__setitem__, each.key))
        for key in self.devices:
            await self.runner.reported(key)

    def up(self):
        return {key for key, report in self.reports.items() if report.available}


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
async def test_a_card_that_restarts_as_another_machine_is_read_as_that(make_card, gateway_of, channels, monkeypatch):
    monkeypatch.setattr(schedule, "FIRST_BACK_OFF", 0.05)
    card = await make_card("netys")
    reader = Reader(gateway_of(card, channels))
    await reader.start()
    assert reader.up() == {"card", "ups"}
    card.stop()
    await eventually(lambda: reader.up() == set())
    await make_card("masterys", modbus_port=card.modbus.port, snmp_port=card.agent.port)
    await eventually(lambda: reader.devices["ups"].identity.serial == "V441B07315" and reader.up() == {"card", "ups"})
    await reader.runner.close()


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
async def test_a_card_that_loses_its_ups_is_up_without_it(make_card, gateway_of, channels):
    card = await make_card("masterys")
    reader = Reader(gateway_of(card, channels))
    await reader.start()
    units = {"ups", "ups_unit_1", "ups_unit_2", "ups_unit_3"}
    assert reader.up() == {"card", *units}
    card.lose_ups()
    await eventually(lambda: reader.up() == {"card"})
    card.find_ups()
    await eventually(lambda: reader.up() == {"card", *units})
    await reader.runner.close()


async def test_a_connection_that_the_card_closed_is_opened_again(make_card, gateway_of):
    card = await make_card("netys", idle_close=0.05)
    gateway = gateway_of(card, "modbus")
    await gateway.probe()
    await eventually(lambda: not gateway.line.modbus._unit.connected)
    await gateway.line.look(0)
    assert gateway.line.readings is not None
    assert card.modbus.connections_ever == 2
