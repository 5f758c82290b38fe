"""Which MIB a card serves, what is behind it and what the card says of itself, over a real socket."""

from collections.abc import Callable
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.base import CannotConnect, NotSupported, NotThisDevice, Speed
from custom_components.energy_suite.gateways.netvision.line import Line, Objects
from custom_components.energy_suite.gateways.netvision.machine import CardState, Machine
from custom_components.energy_suite.gateways.netvision.mib import SnmpChannel, card_state, numbers
from custom_components.energy_suite.gateways.netvision.quantities import ROOTS, Table
from demo.netvision import Emd
from demo.netvision_machines import MACHINES
from demo.snmp_agent import Mib, SnmpObject
from demo.snmp_wire import number, oid, text
from demo.ups import UpsConfig

UPS = oid(ROOTS[Table.UPS_MIB])
ROOM = {"10.1.0": 225, "10.2.0": 410, "10.3.0": 2, "10.4.0": 3}


@pytest.fixture
def channel_of(gateway_of) -> Callable[..., SnmpChannel]:
    def channel_of(card, **settings) -> SnmpChannel:
        channel: SnmpChannel = gateway_of(card, "snmp", **settings).line.snmp
        return channel

    return channel_of


@pytest.fixture
def identify(make_card, channel_of):
    async def identify(machine, **options):
        return await channel_of(await make_card(machine, **options)).identify()

    return identify


# --- what is behind it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2c"])
@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (
            "netys",
            Machine(
                table=Table.UPS_MIB,
                model="NETYS PR 3000",
                serial="P235A01742",
                card_firmware="v8.3",
                name="NET VISION",
                input_phases=1,
                output_phases=1,
                rated={"rated_apparent_power": 3000.0},
            ),
        ),
        (
            "masterys",
            Machine(
                table=Table.UPS_MIB,
                model="MASTERYS GP4 3x60",
                serial="V441B07315",
                card_firmware="v8.3",
                name="NET VISION",
                input_phases=3,
                output_phases=3,
                units=(1, 2, 3),
                rated={"rated_apparent_power": 180_000.0},
            ),
        ),
        (
            "statys",
            Machine(
                table=Table.STS_MIB,
                model="STATYS 100A 3P",
                serial="S100F00417",
                firmware="1.30",
                card_firmware="v8.3",
                name="NET VISION",
                input_phases=3,
                output_phases=3,
                has_battery=False,
            ),
        ),
    ],
)
async def test_the_mib_is_found_by_reading(make_card, channel_of, machine, told, version):
    assert await channel_of(await make_card(machine), snmp_version=version).identify() == told


async def test_an_agent_without_either_mib_is_not_this_device(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    card.agent.mib.replace([oid(root) for root in ROOTS.values()], {})
    with pytest.raises(NotThisDevice):
        await channel.identify()


async def test_a_card_of_the_older_mib_is_not_this_device(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    card.agent.mib = Mib()
    card.agent.mib.add({oid("1.3.6.1.4.1.4555.1.1.1.1.1.5.0"): SnmpObject(lambda: text("v6.20"))})
    with pytest.raises(NotThisDevice):
        await channel.identify()


@pytest.mark.parametrize(("told", "version"), [("NV8 v8.30.1 (b2)", "v8.30.1"), ("8.3 beta", "8.3 beta"), (" ", None)])
async def test_the_version_is_taken_out_of_what_the_card_says(make_card, channel_of, told, version):
    channel = channel_of(card := await make_card("netys"))
    card.agent.mib.add({oid(f"{ROOTS[Table.UPS_MIB]}.1.5.0"): SnmpObject(lambda: text(told))})
    assert (await channel.identify()).card_firmware == version


async def test_at_most_twelve_modules_are_told(identify):
    many = replace(MACHINES["modulys"], ups=UpsConfig(phases=3, units=20))
    assert (await identify(many)).units == tuple(range(1, 13))


async def test_nobody_answers(make_card, channel_of):
    channel = channel_of(await make_card("netys", snmp_enabled=False))
    with pytest.raises(CannotConnect, match="refused"):
        await channel.identify()
    silent = channel_of(await make_card("netys"), community="wrong", timeout=0.1)
    with pytest.raises(CannotConnect, match="silent"):
        await silent.identify()


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("machine", "most"), [("netys", 3), ("masterys", 4), ("statys", 3)])
async def test_a_round_takes_few_requests(make_card, channel_of, machine, most):
    channel = channel_of(card := await make_card(machine))
    await channel.identify()
    card.agent.requests.clear()
    await channel.read()
    assert len(card.agent.requests) <= most
    assert {request.kind for request in card.agent.requests} == {"get_bulk"}


async def test_reading_identifies_first(make_card, channel_of):
    channel = channel_of(await make_card("statys"))
    assert repr(channel) == "<SnmpChannel None>"
    assert (await channel.read()).table is Table.STS_MIB
    assert repr(channel) == "<SnmpChannel sts_mib>"


async def test_alarms_go_by_their_numbers_and_states_by_their_values(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    assert (await channel.read()).bits == {"2.1=2", "4.1=3"}
    card.ups.lose_mains()
    assert {"6.3.15", "6.3.22", "2.1=5"} <= (await channel.read()).bits
    channel = channel_of(await make_card("statys"))
    assert (await channel.read()).bits == {"2.1=2", "2.2=2", "3.1=2", "3.2=1", "4.1=2", "5.1=2", "5.2=2"}


async def test_a_small_answer_is_read_whole(make_card, channel_of):
    channel = channel_of(card := await make_card("masterys"))
    whole = await channel.read()
    card.agent.max_repetitions = 2
    assert await channel.read() == whole
    card.agent.max_size = 484
    assert await channel.read() == whole


async def test_a_card_behind_which_another_machine_was_put_is_identified_anew(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    await channel.read()
    other = await make_card("statys")
    card.agent.mib, card.agent.before = other.agent.mib, other.agent.before
    with pytest.raises(NotThisDevice):
        await channel.read()
    assert (await channel.read()).table is Table.STS_MIB


async def test_values_that_are_all_zero_are_believed_the_second_time(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    first = await channel.read()
    card.agent.mib.replace([UPS], {name: SnmpObject(lambda: number(0)) for name in card.agent.mib.objects})
    assert (await channel.read()).values == first.values
    assert (await channel.read()).values["output_voltage_l1"] == 0.0


# --- what the card says of itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["netys", "masterys", "delphys"])
async def test_beside_modbus_one_request_tells_all(make_card, channel_of, machine):
    channel = channel_of(card := await make_card(machine, emd=Emd()))
    await channel.identify()
    card.agent.requests.clear()
    card.card_alarms.add("upsAlarmShutdownPending")
    state, beside = await channel.read_beside(Table(card.machine.maps[0]))
    assert len(card.agent.requests) == 1
    assert {request.outcome for request in card.agent.requests} == {"no_error"}
    assert state == CardState(
        bits=frozenset({"6.3.59"}),
        remote_control=True,
        emd={"temperature": 22.5, "humidity": 41.0, "input_1": False, "input_2": None},
    )
    assert ("apparent_power" in beside) is (machine != "masterys")


async def test_a_transfer_system_s_card_says_nothing_of_itself(make_card, channel_of):
    channel = channel_of(card := await make_card("statys"))
    await channel.identify()
    card.agent.requests.clear()
    assert await channel.read_beside(Table.STS) == (CardState(), {})
    assert not card.agent.requests


@pytest.mark.parametrize(
    ("objects", "emd"),
    [
        (ROOM, {"temperature": 22.5, "humidity": 41.0, "input_1": False, "input_2": True}),
        (
            {"10.1.0": 225, "10.2.0": -1, "10.3.0": 1, "10.4.0": None},
            {"temperature": 22.5, "humidity": None, "input_1": None, "input_2": None},
        ),
        ({"10.1.0": -55}, {"temperature": -5.5, "humidity": None, "input_1": None, "input_2": None}),
        ({"10.1.0": 0, "10.2.0": 410}, {"temperature": 0.0, "humidity": 41.0, "input_1": None, "input_2": None}),
        ({}, None),
        (dict.fromkeys(ROOM, 0), None),
        (dict.fromkeys(ROOM, -1), None),
        (dict.fromkeys(ROOM, 65535), None),
        (dict.fromkeys(ROOM, None), None),
        (dict.fromkeys(ROOM, ""), None),
        ({"10.1.0": 2550, "10.2.0": 2550}, None),
    ],
)
def test_an_environment_device_is_there_where_its_values_look_real(objects, emd):
    assert card_state(objects).emd == emd


@pytest.mark.parametrize(("value", "told"), [(1, True), (2, False), (0, False), (None, None)])
def test_the_gate_is_open_where_the_card_says_one(value, told):
    assert card_state({"8.4.0": value}).remote_control is told
    assert card_state({}).remote_control is None


@given(
    st.dictionaries(
        st.sampled_from([*ROOM, "8.4.0", *(f"6.3.{number}.0" for number in range(1, 63))]),
        st.one_of(st.integers(), st.text(max_size=4), st.none()),
    )
)
def test_any_objects_make_a_state_of_the_card(objects):
    state = card_state(objects)
    assert state.bits <= {"6.3.58", "6.3.59", "6.3.60", "6.3.61", "6.3.62"}
    assert state.emd is None or set(state.emd) == {"temperature", "humidity", "input_1", "input_2"}
    assert all(isinstance(number, int) for number in numbers(objects).values())


# --- settings ----------------------------------------------------------------------------------------------------


async def test_branches_are_read_as_a_part(make_card, channel_of):
    part = Objects(Line(None, channel := channel_of(await make_card("netys"))), channel, ("7.2", "8.5.1"), Speed.SLOW)
    assert (part.present, part.read_at, part.speed, part.dropped) == (None, None, Speed.SLOW, 0)
    await part.async_read(7.0)
    assert (part.present, part.read_at) == (True, 7.0)
    assert part.values["7.2.0"] == 180
    assert part.values["8.5.1.3.1"] == "server-1"
    assert "8.5.1.3.1" not in part.shown["registers"]["objects"]
    part.forget()
    assert part.present is None


async def test_branches_that_the_card_does_not_have_are_not_supported(make_card, channel_of):
    part = Objects(Line(None, channel := channel_of(await make_card("statys"))), channel, ("7.2",), Speed.SLOW)
    with pytest.raises(NotSupported):
        await part.async_read(7.0)
    assert (part.present, part.read_at, part.values) == (False, None, {})
