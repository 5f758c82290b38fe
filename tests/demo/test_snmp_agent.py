"""The simulated SNMP agent speaks SNMP."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    Integer32,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    bulk_cmd,
    get_cmd,
    set_cmd,
    usmAesCfb128Protocol,
    usmDESPrivProtocol,
    usmHMACMD5AuthProtocol,
    usmHMACSHAAuthProtocol,
)

from demo.faults import cut, delay, silence
from demo.snmp_agent import Mib, SnmpAgent, SnmpObject, garbage
from demo.snmp_wire import (
    V1,
    V2C,
    Error,
    Header,
    Kind,
    Pdu,
    Reader,
    Scoped,
    Tag,
    Trap,
    Value,
    WireError,
    encode_message,
    encode_scoped,
    encode_v3,
    encode_value,
    open_message,
    read_header,
    read_pdu,
    read_scoped,
    read_trap,
    text,
)
from demo.usm import User, localized_key

NAME = "1.3.6.1.2.1.1.5.0"
CONTACT = "1.3.6.1.2.1.1.4.0"
MIB = {
    (1, 3, 6, 1, 2, 1, 1, 2, 0): Value(Tag.OID, (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)),
    (1, 3, 6, 1, 2, 1, 1, 3, 0): Value(Tag.TICKS, 2**32 - 1),
    (1, 3, 6, 1, 2, 1, 1, 5, 0): text("card"),
    (1, 3, 6, 1, 2, 1, 2, 1, 0): Value(Tag.INTEGER, -1),
    (1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 1): Value(Tag.INTEGER, 230),
    (1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 2): Value(Tag.INTEGER, 231),
    (1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 1): Value(Tag.COUNTER, 7),
    (1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 2): Value(Tag.GAUGE, 8),
    (1, 3, 6, 1, 2, 1, 4, 1, 0): Value(Tag.IP_ADDRESS, bytes((192, 0, 2, 18))),
}
MINUTES = "1.3.6.1.2.1.5.1.0"
USERS = (
    User("plain", "noAuthNoPriv"),
    User("signs", "authNoPriv", "sha", "signature"),
    User("old", "authPriv", "md5", "old-signature", "des", "old-secret"),
    User("new", "authPriv", "sha", "new-signature", "aes", "new-secret"),
    User("reads", "authPriv", "sha", "new-signature", "aes", "new-secret", may_write=False),
)


@pytest.fixture
def kept():
    """The minutes that the agent keeps, alone in a list."""
    return [5]


@pytest.fixture
async def agent(kept, socket_enabled):
    mib = Mib()
    mib.add({name: constant(value) for name, value in MIB.items()})
    mib.types |= {name[:-1] for name in MIB if name[-1] == 0} | {(1, 3, 6, 1, 2, 1, 1, 4)}
    mib.add({(1, 3, 6, 1, 2, 1, 5, 1, 0): minutes(kept)})
    async with SnmpAgent(mib, users=USERS) as agent:
        yield agent


def constant(value):
    return SnmpObject(lambda: value)


def minutes(kept):
    """An object that takes up to ten minutes."""

    def check(value):
        if value.tag is not Tag.INTEGER:
            return Error.WRONG_TYPE
        return Error.NO_ERROR if 0 <= value.content <= 10 else Error.WRONG_VALUE

    def take(value):
        kept[0] = value.content
        return Error.NO_ERROR

    return SnmpObject(lambda: Value(Tag.INTEGER, kept[0]), check, take)


@pytest.fixture
async def client(agent, snmp):
    return await snmp(agent)


# Reading


async def test_every_type_is_read(client):
    assert await client.get(*(".".join(map(str, name)) for name in MIB)) == {
        "1.3.6.1.2.1.1.2.0": (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10),
        "1.3.6.1.2.1.1.3.0": 2**32 - 1,
        NAME: b"card",
        "1.3.6.1.2.1.2.1.0": -1,
        "1.3.6.1.2.1.2.2.1.1.1": 230,
        "1.3.6.1.2.1.2.2.1.1.2": 231,
        "1.3.6.1.2.1.2.2.1.2.1": 7,
        "1.3.6.1.2.1.2.2.1.2.2": 8,
        "1.3.6.1.2.1.4.1.0": bytes((192, 0, 2, 18)),
    }


async def test_what_is_not_there_is_told_apart(client):
    assert await client.get(NAME, CONTACT, "1.3.6.1.2.1.99.0") == {
        NAME: b"card",
        CONTACT: Tag.NO_SUCH_INSTANCE,
        "1.3.6.1.2.1.99.0": Tag.NO_SUCH_OBJECT,
    }


async def test_version_1_names_the_first_that_is_not_there(client):
    assert await client.error(NAME, CONTACT, kind=Kind.GET, version=V1) == (Error.NO_SUCH_NAME, 2)
    assert await client.get(NAME, version=V1) == {NAME: b"card"}


async def test_get_next_goes_from_one_instance_to_the_next(client):
    assert await client.get("1.3.6.1.2.1.1", "1.3.6.1.2.1.2.1.0", kind=Kind.GET_NEXT) == {
        "1.3.6.1.2.1.1.2.0": (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10),
        "1.3.6.1.2.1.2.2.1.1.1": 230,
    }


async def test_the_end_of_the_mib(client):
    assert await client.get(MINUTES, kind=Kind.GET_NEXT) == {MINUTES: Tag.END_OF_MIB}
    assert await client.error(MINUTES, kind=Kind.GET_NEXT, version=V1) == (Error.NO_SUCH_NAME, 1)


async def test_get_bulk_asks_once_and_then_repeatedly(client):
    columns = "1.3.6.1.2.1.2.2.1.1", "1.3.6.1.2.1.2.2.1.2"
    client.ask(Kind.GET_BULK, "1.3.6.1.2.1.1.3", *columns, status=1, index=2)
    assert [value.content for _, value in (await client.answer()).bindings] == [2**32 - 1, 230, 7, 231, 8]


async def test_get_bulk_stops_at_the_end(client):
    client.ask(Kind.GET_BULK, "1.3.6.1.2.1.4", index=50)
    tags = [value.tag for _, value in (await client.answer()).bindings]
    assert tags == [Tag.IP_ADDRESS, Tag.INTEGER, Tag.END_OF_MIB]


async def test_version_1_knows_no_get_bulk(client):
    client.ask(Kind.GET_BULK, NAME, version=V1, index=2)
    assert await client.get(NAME) == {NAME: b"card"}


async def test_half_of_a_bulk(agent, client):
    agent.max_repetitions = 2
    assert len(await client.get("1.3.6.1.2.1", kind=Kind.GET_BULK, index=20)) == 2


async def test_an_answer_holds_as_many_rows_as_fit(agent, client):
    agent.max_size = 120
    client.ask(Kind.GET_BULK, "1.3.6.1.2.1", index=20)
    message = await client.receive()
    _, reader = open_message(message)
    reader.octets()
    assert 1 <= len(read_pdu(reader).bindings) < len(MIB)
    assert len(message) <= 120


async def test_an_answer_that_does_not_fit_is_too_big(agent, client):
    agent.max_size = 60
    assert await client.error(NAME, CONTACT, MINUTES, kind=Kind.GET) == (Error.TOO_BIG, 0)
    assert await client.error(NAME, kind=Kind.GET_BULK, index=1) == (Error.TOO_BIG, 0)


async def test_rows_come_and_go(agent, client):
    table = (1, 3, 6, 1, 2, 1, 6)
    agent.mib.replace([table], {(*table, 1): constant(text("on battery"))})
    assert await client.get("1.3.6.1.2.1.6", kind=Kind.GET_NEXT) == {"1.3.6.1.2.1.6.1": b"on battery"}
    agent.mib.replace([table], {})
    assert await client.get("1.3.6.1.2.1.6", kind=Kind.GET_NEXT) == {"1.3.6.1.2.1.6": Tag.END_OF_MIB}


# Access


async def test_a_wrong_community_is_met_with_silence(agent, client):
    client.ask(Kind.GET, NAME, community="wrong")
    assert await client.get(NAME) == {NAME: b"card"}
    assert [request.outcome for request in agent.requests] == ["silence", "no_error"]


async def test_a_version_that_is_off_is_met_with_silence(agent, client):
    agent.versions.discard("v1")
    client.ask(Kind.GET, NAME, version=V1)
    assert await client.get(NAME) == {NAME: b"card"}
    assert [request.version for request in agent.requests] == ["v2c"]


async def test_the_write_community_reads_too(client):
    assert await client.get(NAME, community="private") == {NAME: b"card"}


async def test_a_set_with_the_write_community_is_taken(agent, client, kept):
    assert await client.error((MINUTES, Value(Tag.INTEGER, 7))) is None
    assert kept == [7]
    assert await client.get(MINUTES) == {MINUTES: 7}


@pytest.mark.parametrize(
    ("name", "value", "modern", "old"),
    [
        (MINUTES, Value(Tag.INTEGER, 11), Error.WRONG_VALUE, Error.BAD_VALUE),
        (MINUTES, text("7"), Error.WRONG_TYPE, Error.BAD_VALUE),
        (NAME, text("mine"), Error.NOT_WRITABLE, Error.NO_SUCH_NAME),
        (CONTACT, text("me"), Error.NO_CREATION, Error.NO_SUCH_NAME),
        ("1.3.6.1.2.1.99.0", text("me"), Error.NOT_WRITABLE, Error.NO_SUCH_NAME),
    ],
)
async def test_a_set_is_refused_for_its_reason(agent, client, name, value, modern, old, kept):
    good = (MINUTES, Value(Tag.INTEGER, 7))
    assert await client.error(good, (name, value)) == (modern, 2)
    assert await client.error(good, (name, value), version=V1) == (old, 2)
    assert kept == [5]


async def test_the_read_community_sets_nothing(agent, client, kept):
    value = (MINUTES, Value(Tag.INTEGER, 7))
    assert await client.error(value, community="public") == (Error.NO_ACCESS, 1)
    assert await client.error(value, community="public", version=V1) == (Error.NO_SUCH_NAME, 1)
    agent.write_community = None
    client.ask(Kind.SET, value, community="private")
    assert await client.get(NAME) == {NAME: b"card"}
    assert kept == [5]


async def test_sets_can_be_refused(agent, client, kept):
    agent.refuse_sets = Error.RESOURCE_UNAVAILABLE
    value = (MINUTES, Value(Tag.INTEGER, 7))
    assert await client.error(value) == (Error.RESOURCE_UNAVAILABLE, 1)
    assert await client.error(value, version=V1) == (Error.GEN_ERR, 1)
    assert kept == [5]


async def test_sets_can_be_acknowledged_and_not_taken(agent, client):
    agent.ignore_sets = True
    assert await client.error((MINUTES, Value(Tag.INTEGER, 7))) is None
    assert await client.get(MINUTES) == {MINUTES: 5}


# The log and the faults


async def test_the_log_tells_what_was_asked(agent, client):
    await client.get(NAME, CONTACT)
    await client.error((MINUTES, Value(Tag.INTEGER, 99)))
    first, second = agent.requests
    assert (first.version, first.kind, first.oids, first.count, first.outcome) == (
        "v2c",
        "get",
        (NAME, CONTACT),
        2,
        "no_error",
    )
    assert (second.kind, second.outcome) == ("set", "wrong_value")


async def test_a_fault_spoils_the_answers_it_is_meant_for(agent, client):
    agent.inject(silence(), requests=1, only=lambda request: request.kind == "set")
    client.ask(Kind.SET, (MINUTES, Value(Tag.INTEGER, 7)), community="private")
    assert await client.get(MINUTES) == {MINUTES: 7}
    assert agent.faults == []


async def test_a_late_answer_comes_after_the_next(agent, client):
    agent.inject(delay(0.05), requests=1)
    client.ask(Kind.GET, NAME)
    client.ask(Kind.GET, CONTACT)
    assert [(await client.answer()).request for _ in range(2)] == [2, 1]


async def test_a_late_answer_does_not_outlive_the_agent(agent, client):
    asked = asyncio.Event()
    agent.before = asked.set
    with agent.inject(delay(0.02)):
        client.ask(Kind.GET, NAME)
        await asked.wait()
    agent.stop()
    await agent.start()
    assert await client.get(CONTACT) == {CONTACT: Tag.NO_SUCH_INSTANCE}


@pytest.mark.parametrize("fault", [cut(), garbage()])
async def test_spoilt_answers_do_not_decode(agent, client, fault):
    with agent.inject(fault):
        client.ask(Kind.GET, NAME)
        with pytest.raises(WireError):
            await client.answer()
    assert await client.get(NAME) == {NAME: b"card"}


async def test_garbage_is_dropped(agent, client):
    good = encode_message(V2C, b"public", Pdu(Kind.GET, 1, 0, 0, (((1, 3, 6, 1), Value(Tag.NULL)),)))
    spoilt = [b"", b"\x30", b"\x30\x80", bytes(60), good[:-1], good[:10], good.replace(b"\xa0", b"\xa9")]
    spoilt += [
        encode_message(V2C, b"public", Pdu(Kind.RESPONSE, 1, 0, 0)),
        good.replace(b"\x02\x01\x01", b"\x02\x01\x07"),
    ]
    for data in spoilt:
        client.send(data)
    assert await client.get(NAME) == {NAME: b"card"}
    assert agent.datagrams == len(spoilt) + 1


async def test_an_agent_comes_back_on_its_port(agent, client):
    port, boots = agent.port, agent.engine.boots
    agent.stop()
    assert not agent.listening
    await agent.start()
    assert (agent.port, agent.engine.boots) == (port, boots + 1)
    assert await client.get(NAME) == {NAME: b"card"}


# Version 3


@pytest.fixture
async def ask(agent):
    """Ask the agent with an independent client: what it brings, or what it complains about."""
    engine = SnmpEngine()

    async def ask(auth, *bindings, command=get_cmd, options=(), name=NAME):
        target = await UdpTransportTarget.create((agent.host, agent.port), timeout=2, retries=0)
        wanted = bindings or (ObjectType(ObjectIdentity(name)),)
        indication, status, _, found = await command(
            engine, auth, target, ContextData(), *options, *wanted, lookupMib=False
        )
        if indication or status:
            return str(indication or status.prettyPrint())
        return [value.prettyPrint() for _, value in found]

    yield ask
    engine.close_dispatcher()


@pytest.mark.parametrize("model", [0, 1])
async def test_another_client_reads_and_sets_by_community(agent, ask, model, kept):
    assert await ask(CommunityData("public", mpModel=model)) == ["card"]
    minute = ObjectType(ObjectIdentity(MINUTES), Integer32(3))
    assert await ask(CommunityData("private", mpModel=model), minute, command=set_cmd) == ["3"]
    assert kept == [3]


async def test_another_client_reads_in_bulk(ask):
    rows = ObjectType(ObjectIdentity("1.3.6.1.2.1.2.2.1.1"))
    assert await ask(CommunityData("public"), rows, command=bulk_cmd, options=(0, 3)) == ["230", "231", "7"]


MD5_DES = {"authProtocol": usmHMACMD5AuthProtocol, "privProtocol": usmDESPrivProtocol}
SHA_AES = {"authProtocol": usmHMACSHAAuthProtocol, "privProtocol": usmAesCfb128Protocol}
SHA = {"authProtocol": usmHMACSHAAuthProtocol}


@pytest.mark.parametrize(
    "auth",
    [
        UsmUserData("plain"),
        UsmUserData("signs", "signature", **SHA),
        UsmUserData("old", "old-signature", "old-secret", **MD5_DES),
        UsmUserData("new", "new-signature", "new-secret", **SHA_AES),
    ],
    ids=lambda auth: str(auth.userName),
)
async def test_a_user_reads_and_sets(agent, ask, auth, kept):
    assert await ask(auth) == ["card"]
    minute = ObjectType(ObjectIdentity(MINUTES), Integer32(3))
    assert await ask(auth, minute, command=set_cmd) == ["3"]
    assert kept == [3]


@pytest.mark.parametrize(
    ("auth", "outcome"),
    [
        (UsmUserData("nobody"), "unknown_user"),
        (UsmUserData("new", "bad-signature", "new-secret", **SHA_AES), "wrong_digest"),
        (UsmUserData("new", "new-signature", "bad-secret", **SHA_AES), "decryption_error"),
        (UsmUserData("old", "old-signature", "bad-secret", **MD5_DES), "decryption_error"),
        (UsmUserData("signs", "signature", "any-secret", **SHA_AES), "unsupported_level"),
        (UsmUserData("new", "new-signature", **SHA), "authorization_error"),
        (UsmUserData("new"), "authorization_error"),
    ],
)
async def test_a_user_is_refused_for_the_reason(agent, ask, auth, outcome):
    assert isinstance(await ask(auth), str)
    assert agent.requests[-1].outcome == outcome


async def test_a_user_may_be_one_who_only_reads(agent, ask, kept):
    auth = UsmUserData("reads", "new-signature", "new-secret", **SHA_AES)
    minute = ObjectType(ObjectIdentity(MINUTES), Integer32(3))
    assert await ask(auth) == ["card"]
    assert await ask(auth, minute, command=set_cmd) == "noAccess"
    assert kept == [5]


async def test_after_a_restart_the_time_is_asked_for_anew(agent, ask):
    auth = UsmUserData("new", "new-signature", "new-secret", **SHA_AES)
    assert await ask(auth) == ["card"]
    agent.stop()
    await agent.start()
    assert await ask(auth) == ["card"]
    assert "not_in_time_window" in [request.outcome for request in agent.requests]


async def test_a_message_that_wants_no_report_gets_none(agent, client):
    pdu = Pdu(Kind.GET, 1, 0, 0, ())
    message = encode_v3(Header(1, 1472, 0), encode_scoped(Scoped(b"", b"", pdu)))
    client.send(message)
    assert await client.get(NAME) == {NAME: b"card"}
    assert [request.version for request in agent.requests] == ["v2c"]


def test_the_keys_of_the_standard():
    # RFC 3414, A.3
    engine = bytes.fromhex("000000000000000000000002")
    assert localized_key("md5", "maplesyrup", engine).hex() == "526f5eed9fcce26f8964c2930787d82b"
    assert localized_key("sha", "maplesyrup", engine).hex() == "6695febc9288e36282235fc7151f128497b38f3f"


def test_a_user_keeps_the_passwords_to_itself():
    assert not {"new-signature", "new-secret"} & set(repr(USERS[3]).replace("'", " ").split())
    assert "new-s" not in repr(USERS[3])


# Traps


async def test_a_trap_of_version_2c(agent, snmp):
    receiver = await snmp()
    agent.send_trap(("127.0.0.1", receiver.port), "v2c", (1, 3, 6, 1, 4, 1, 9), 15, (((1, 3, 6, 1, 7, 0), text("on")),))
    up_time, what, binding = (await receiver.answer()).bindings
    assert up_time[0] == (1, 3, 6, 1, 2, 1, 1, 3, 0)
    assert what == ((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value(Tag.OID, (1, 3, 6, 1, 4, 1, 9, 0, 15)))
    assert binding == ((1, 3, 6, 1, 7, 0), text("on"))


async def test_a_trap_of_version_1(agent, snmp):
    receiver = await snmp()
    agent.send_trap(("127.0.0.1", receiver.port), "v1", (1, 3, 6, 1, 4, 1, 9), 15)
    version, reader = open_message(await receiver.receive())
    assert (version, reader.octets()) == (V1, b"public")
    trap = read_trap(reader)
    assert (trap.enterprise, trap.specific, trap.address) == ((1, 3, 6, 1, 4, 1, 9), 15, bytes((127, 0, 0, 1)))


async def test_a_stopped_agent_sends_no_trap(agent, snmp):
    receiver = await snmp()
    to = "127.0.0.1", receiver.port
    agent.stop()
    agent.send_trap(to, "v2c", (1, 3, 6, 1, 4, 1, 9), 1)
    await agent.start()
    agent.send_trap(to, "v2c", (1, 3, 6, 1, 4, 1, 9), 2)
    assert (await receiver.trap())[0] == 2


# The wire

oids = st.tuples(st.integers(0, 2), st.integers(0, 39)).flatmap(
    lambda head: st.lists(st.integers(0, 2**32 - 1), max_size=12).map(lambda rest: (*head, *rest))
)
values = st.one_of(
    st.builds(Value, st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Value, st.sampled_from([Tag.COUNTER, Tag.GAUGE, Tag.TICKS]), st.integers(0, 2**32 - 1)),
    st.builds(Value, st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(Value, st.just(Tag.OCTETS), st.binary(max_size=300)),
    st.builds(Value, st.just(Tag.OID), oids),
    st.sampled_from([Value(tag) for tag in (Tag.NULL, Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB)]),
)
bindings = st.lists(st.tuples(oids, values), max_size=5).map(tuple)
numbers = st.integers(0, 2**31 - 1)
pdus = st.builds(
    Pdu, st.sampled_from([Kind.GET, Kind.SET, Kind.GET_BULK, Kind.TRAP]), numbers, numbers, numbers, bindings
)


@given(pdus)
def test_a_message_says_what_was_put_into_it(pdu):
    version, reader = open_message(encode_message(V2C, b"public", pdu))
    assert (version, reader.octets(), read_pdu(reader)) == (V2C, b"public", pdu)


@given(oids, numbers, numbers, bindings)
def test_a_trap_says_what_was_put_into_it(enterprise, specific, time, content):
    trap = Trap(enterprise, bytes(4), specific, time, content)
    _, reader = open_message(encode_message(V1, b"public", trap))
    reader.octets()
    assert read_trap(reader) == trap


@given(pdus, st.binary(max_size=20), st.integers(0, 2**31 - 1))
def test_a_version_3_message_says_what_was_put_into_it(pdu, engine, time):
    header = Header(5, 1472, 4, engine, 2, time, b"user", bytes(12), bytes(8))
    message = encode_v3(header, encode_scoped(Scoped(engine, b"", pdu)))
    version, reader = open_message(message)
    found, place = read_header(reader)
    assert (version, found) == (3, header)
    assert message[place : place + 12] == bytes(12)
    assert read_scoped(reader) == Scoped(engine, b"", pdu)


@given(st.one_of(st.binary(max_size=80), st.tuples(pdus, st.integers(0, 400), st.integers(0, 255)).map(
    lambda it: spoilt(encode_message(V2C, b"public", it[0]), it[1], it[2])
)))  # fmt: skip
def test_nothing_but_a_wire_error_comes_of_any_bytes(data):
    for read in (read_pdu, read_trap, read_header, read_scoped):
        try:
            _, reader = open_message(data)
            reader.octets()
            read(reader)
        except WireError:
            continue


def spoilt(message, place, octet):
    place %= len(message)
    return message[:place] + bytes((octet,)) + message[place + 1 :]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (Value(Tag.INTEGER, 0), "020100"),
        (Value(Tag.INTEGER, 128), "02020080"),
        (Value(Tag.INTEGER, -1), "0201ff"),
        (Value(Tag.INTEGER, -128), "020180"),
        (Value(Tag.GAUGE, 2**32 - 1), "420500ffffffff"),
        (Value(Tag.OID, (1, 3, 6, 1, 4, 1, 4555)), "06072b06010401a34b"),
        (Value(Tag.NULL), "0500"),
    ],
)
def test_values_as_bytes(value, encoded):
    assert encode_value(value).hex() == encoded


def test_long_contents_have_long_lengths():
    assert encode_value(Value(Tag.OCTETS, bytes(200)))[:3].hex() == "0481c8"
    assert Reader(encode_value(Value(Tag.OCTETS, bytes(300)))).octets() == bytes(300)
