"""What a card, or what poses as one, can do wrong, over real datagrams."""

import asyncio
import contextlib
import errno
import logging
import random
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import cast

import pytest

from custom_components.energy_suite.gateways.base import AuthenticationFailed, CannotConnect, CommandRefused
from custom_components.energy_suite.gateways.netvision.snmp import AT_ONCE, Credentials, SnmpClient
from demo.snmp_wire import (
    V2C,
    Error,
    Kind,
    Oid,
    Pdu,
    Scoped,
    Tag,
    Value,
    VarBind,
    encode_message,
    encode_scoped,
    encode_v3,
    number,
    octets,
    open_message,
    read_header,
    read_pdu,
    text,
)
from demo.usm import Engine, Refusal, Report, User

PATIENT = 2.0
QUICK = 0.1

ROOT: Oid = (1, 3, 6, 1, 4, 1, 4555)
OBJECTS: dict[Oid, Value] = {(*ROOT, 1, row, 0): number(row) for row in range(1, 31)} | {
    (*ROOT, 2, row, 0): number(100 + row) for row in range(1, 11)
}
NAME = ".".join(map(str, (*ROOT, 1, 1, 0)))
OTHER = ".".join(map(str, (*ROOT, 1, 2, 0)))
MISSING = ".".join(map(str, (*ROOT, 9, 9, 0)))


def dotted(*suffix):
    return ".".join(map(str, (*ROOT, *suffix)))


def below(branch):
    return {".".join(map(str, oid)): value.content for oid, value in OBJECTS.items() if oid[len(ROOT)] == branch}


def answer_to(pdu: Pdu, version: int = V2C) -> Pdu:
    """What an agent with these objects, and with no fault, answers."""
    found: list[VarBind] = []
    match pdu.kind:
        case Kind.GET:
            found = [(oid, OBJECTS.get(oid, Value(Tag.NO_SUCH_INSTANCE))) for oid, _ in pdu.bindings]
        case Kind.SET:
            found = list(pdu.bindings)
        case Kind.GET_NEXT | Kind.GET_BULK:
            at = [oid for oid, _ in pdu.bindings]
            for _ in range(pdu.index if pdu.kind is Kind.GET_BULK else 1):
                row = [following(oid) for oid in at]
                found += row
                at = [oid for oid, _ in row]
    if version == 0:
        for index, (_, value) in enumerate(found, 1):
            if value.tag in (Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB):
                return Pdu(Kind.RESPONSE, pdu.request, Error.NO_SUCH_NAME, index, pdu.bindings)
    return Pdu(Kind.RESPONSE, pdu.request, 0, 0, tuple(found))


def following(oid: Oid) -> VarBind:
    after = min((each for each in OBJECTS if each > oid), default=None)
    return (oid, Value(Tag.END_OF_MIB)) if after is None else (after, OBJECTS[after])


def message(pdu: Pdu, version: int = V2C, community: bytes = b"public") -> bytes:
    return encode_message(version, community, pdu)


# No type of SNMP has this tag.
UNKNOWN = cast("Tag", 0x7F)

type Fault = Callable[[Pdu, Pdu], Sequence[Pdu | bytes]]
"""From what was asked and what would be right to what is sent."""


class Agent(asyncio.DatagramProtocol):
    """Answers rightly once the faults foreseen are through, one for each datagram."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.asked: list[Pdu] = []
        self.communities: list[bytes] = []
        self.clients: list[tuple[str, int]] = []
        self.transport: asyncio.DatagramTransport

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        version, reader = open_message(data)
        self.communities.append(reader.octets())
        pdu = read_pdu(reader)
        self.asked.append(pdu)
        self.clients.append(addr)
        right = answer_to(pdu, version)
        for each in self.faults.popleft()(pdu, right) if self.faults else [right]:
            answer = each if isinstance(each, bytes) else message(each, version, self.communities[-1])
            self.transport.sendto(answer, addr)


def complaints(caplog):
    # That something took long is the machine's fault.
    records = (record for record in caplog.records if record.name != "asyncio" or "took" not in record.getMessage())
    return [record for record in records if record.levelno >= logging.WARNING]


def silence(pdu, right):
    return []


class Held:
    """Keeps the right answers back."""

    def __init__(self) -> None:
        self.answers: list[Pdu] = []
        self.came = asyncio.Event()

    def __call__(self, pdu, right):
        self.answers.append(right)
        self.came.set()
        return []


@pytest.fixture
async def agent(socket_enabled) -> AsyncIterator[Agent]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Agent, local_addr=("127.0.0.1", 0))
    yield protocol
    transport.close()


@pytest.fixture
async def make(agent) -> AsyncIterator[Callable[..., SnmpClient]]:
    clients = []

    def make(version="v2c", timeout=PATIENT, port=None, **credentials):
        credentials = {"write_community": "private"} | credentials
        clients.append(
            SnmpClient("127.0.0.1", port or agent.port, Credentials(version=version, **credentials), timeout=timeout)
        )
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


# --- nobody there ------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port(socket_enabled) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_closed_port_is_refused_without_waiting(make, closed_port):
    client = make(port=closed_port)
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "refused"
    assert client.requests == 1


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
async def test_a_name_that_cannot_be_looked_up_is_unreachable(socket_enabled, monkeypatch, error):
    def getaddrinfo(*args, **kwargs):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = SnmpClient("card.invalid", 161, Credentials(version="v2c"), timeout=PATIENT)
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "unreachable"
    assert client.requests == 0
    assert "card.invalid" not in f"{caught.value!r} {caught.value}"


async def test_an_error_of_the_network_is_unreachable(agent, make):
    client = make()
    await client.get([NAME])

    def no_route(pdu, right):
        client._session._link.error_received(OSError(errno.EHOSTUNREACH, "No route to host"))
        return []

    agent.faults.append(no_route)
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "unreachable"


async def test_silence_is_told_after_the_same_was_asked_twice(agent, make):
    agent.faults.extend([silence, silence])
    client = make(timeout=QUICK)
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "silent"
    assert client.requests == 2
    assert agent.asked[0].bindings == agent.asked[1].bindings
    assert len(agent.asked) == 2


async def test_a_lost_request_is_made_good_by_its_retransmission(agent, make):
    agent.faults.append(silence)
    assert await make(timeout=2).get([NAME]) == {NAME: 1}
    assert len(agent.asked) == 2


async def test_after_silence_the_next_request_comes_from_another_socket(agent, make):
    client = make(timeout=QUICK)
    agent.faults.extend([silence, silence])
    with pytest.raises(CannotConnect):
        await client.get([NAME])
    assert client._session is None
    client._timeout = PATIENT
    assert await client.get([NAME]) == {NAME: 1}
    assert agent.clients[1] != agent.clients[2]


async def test_close_ends_what_is_under_way_as_lost(agent, make):
    client = make()
    held = Held()
    agent.faults.append(held)
    request = asyncio.create_task(client.get([NAME]))
    await held.came.wait()
    await client.close()
    with pytest.raises(CannotConnect) as caught:
        await request
    assert caught.value.reason == "lost"


async def test_close_leaves_no_socket_of_requests_that_were_not_sent_yet(agent, make):
    client = make()
    requests = [asyncio.create_task(client.get([NAME])) for _ in range(3)]
    await asyncio.sleep(0)
    await client.close()
    assert client._session is None
    for request in requests:
        with pytest.raises(CannotConnect) as caught:
            await request
        assert caught.value.reason == "lost"
    assert client.requests == 0
    assert client._session is None


async def test_a_cancelled_request_leaves_the_next_one_alone(agent, make):
    client = make()
    held = Held()
    agent.faults.append(held)
    request = asyncio.create_task(client.get([NAME]))
    await held.came.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    agent.faults.append(lambda pdu, right: [*held.answers, right])
    assert await client.get([OTHER]) == {OTHER: 2}


# --- what is no answer -------------------------------------------------------------------------------------------


def relabelled(right: Pdu) -> bytes:
    """A response of the right number with another value, in a message that is not whole."""
    wrong = message(replace(right, bindings=tuple((oid, number(666)) for oid, _ in right.bindings)))
    return wrong[:-1]


NO_ANSWERS: dict[str, Fault] = {
    "garbage": lambda pdu, right: [random.Random(1).randbytes(200)],
    "nothing": lambda pdu, right: [b""],
    "one byte": lambda pdu, right: [b"\x30"],
    "an endless length": lambda pdu, right: [b"\x30\x84\xff\xff\xff\xff" + message(right)],
    "deeply nested": lambda pdu, right: [b"\x30\x80" * 3000],
    "truncated": lambda pdu, right: [relabelled(right)],
    "every truncation": lambda pdu, right: [message(right)[:size] for size in range(len(message(right)))],
    "of another request": lambda pdu, right: [replace(right, request=right.request + 1)],
    "the request itself": lambda pdu, right: [pdu],
    "a trap": lambda pdu, right: [replace(right, kind=Kind.TRAP)],
    "a value of no type": lambda pdu, right: [replace(right, bindings=((right.bindings[0][0], Value(UNKNOWN, b"x")),))],
    "an address of five bytes": lambda pdu, right: [
        replace(right, bindings=((right.bindings[0][0], Value(Tag.IP_ADDRESS, b"12345")),))
    ],
    "an integer of nine bytes": lambda pdu, right: [
        replace(right, bindings=((right.bindings[0][0], number(1 << 70)),))
    ],
}


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_is_dropped_and_the_answer_after_it_taken(agent, make, caplog, fault):
    agent.faults.append(lambda pdu, right: [*fault(pdu, right), right])
    client = make()
    assert await client.get([NAME]) == {NAME: 1}
    assert client.requests == 1
    assert complaints(caplog) == []


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_counts_as_silence(agent, make, fault):
    agent.faults.extend([fault, fault])
    with pytest.raises(CannotConnect) as caught:
        await make(timeout=QUICK).get([NAME])
    assert caught.value.reason == "silent"


async def test_a_report_is_no_answer(agent, make):
    agent.faults.append(lambda pdu, right: [replace(right, kind=Kind.REPORT), right])
    with pytest.raises(CannotConnect) as caught:
        await make().get([NAME])
    assert caught.value.reason == "silent"


async def test_no_mutilated_answer_makes_an_error(agent, make, caplog):
    """Bytes changed at random: dropped, or read as what they happen to say."""
    rng = random.Random(4)

    def mutilated(right):
        octets = bytearray(message(right))
        for _ in range(rng.randint(1, 4)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        return bytes(octets)

    client = make(timeout=QUICK)
    for _ in range(150):
        agent.faults.append(lambda pdu, right: [mutilated(right), right])
        # The status, too, may happen to become another one, and the answer after that which seemed to be one is late.
        with contextlib.suppress(AuthenticationFailed, CannotConnect):
            await client.get([NAME, OTHER])
        agent.faults.clear()
    assert await client.get([NAME]) == {NAME: 1}
    assert complaints(caplog) == []


async def test_a_late_answer_is_not_taken_for_the_next_requests(agent, make):
    held = Held()
    agent.faults.extend([held, held])
    client = make(timeout=QUICK)
    with pytest.raises(CannotConnect):
        await client.get([NAME])
    client._timeout = PATIENT
    agent.faults.append(lambda pdu, right: [*held.answers, right])
    assert await client.get([OTHER]) == {OTHER: 2}


async def test_an_answer_given_twice_is_not_taken_for_the_next_requests(agent, make):
    client = make()
    agent.faults.append(lambda pdu, right: [right, right])
    assert await client.get([NAME]) == {NAME: 1}
    assert await client.get([OTHER]) == {OTHER: 2}


async def test_an_answer_from_elsewhere_is_not_taken(agent, make):
    def from_elsewhere(pdu, right):
        forged = replace(right, bindings=((right.bindings[0][0], number(666)),))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.sendto(message(forged), agent.clients[-1])
        return [right]

    agent.faults.append(from_elsewhere)
    assert await make().get([NAME]) == {NAME: 1}


async def test_requests_at_the_same_time_are_sent_one_after_the_other(agent, make):
    client = make()
    results = await asyncio.gather(*(client.get([dotted(1, row, 0)]) for row in range(1, 11)))
    assert results == [{dotted(1, row, 0): row} for row in range(1, 11)]
    assert client.requests == 10


# --- answers that hold less than was asked for -------------------------------------------------------------------


async def test_objects_that_are_not_there_are_left_out(make):
    assert await make().get([NAME, MISSING, OTHER]) == {NAME: 1, OTHER: 2}


async def test_v1_asks_the_rest_again_without_what_is_not_there(agent, make):
    assert await make("v1").get([NAME, MISSING, OTHER]) == {NAME: 1, OTHER: 2}
    assert [len(pdu.bindings) for pdu in agent.asked] == [3, 2]


async def test_an_error_that_points_nowhere_leaves_out_all_that_was_asked_with_it(agent, make):
    agent.faults.append(lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, Error.GEN_ERR, 99, pdu.bindings)])
    assert await make().get([NAME, OTHER]) == {}
    assert len(agent.asked) == 1


async def test_half_an_answer_to_a_get_is_completed(agent, make):
    agent.faults.append(lambda pdu, right: [replace(right, bindings=right.bindings[:1])])
    assert await make().get([NAME, OTHER]) == {NAME: 1, OTHER: 2}
    assert [len(pdu.bindings) for pdu in agent.asked] == [2, 1]


async def test_values_of_other_objects_are_not_taken_and_not_waited_for(agent, make):
    agent.faults.append(lambda pdu, right: [replace(right, bindings=(((1, 3, 6, 9), number(9)),))])
    assert await make().get([NAME]) == {}


async def test_an_answer_too_big_is_asked_for_in_halves_from_then_on(agent, make):
    def too_big(pdu, right):
        return [Pdu(Kind.RESPONSE, pdu.request, Error.TOO_BIG, 0, ())]

    agent.faults.extend([too_big, too_big])
    client = make()
    wanted = list(below(1))
    assert await client.get(wanted) == below(1)
    assert [len(pdu.bindings) for pdu in agent.asked] == [30, 15, 7, 7, 7, 7, 2]
    await client.get(wanted)
    assert len(agent.asked[-1].bindings) < 30


@pytest.mark.parametrize("status", [Error.TOO_BIG, Error.NO_ERROR])
async def test_one_object_that_is_too_big_is_left_out(agent, make, status):
    agent.faults.append(lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, status, 0, ())])
    assert await make().get([NAME]) == {}
    assert len(agent.asked) == 1


async def test_an_agent_that_lets_nobody_read_says_so(agent, make):
    agent.faults.append(
        lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, Error.AUTHORIZATION_ERROR, 0, pdu.bindings)]
    )
    with pytest.raises(AuthenticationFailed, match="not_authorized"):
        await make().get([NAME])


# --- walks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_a_walk_finds_everything_below_its_roots_and_nothing_else(make, version):
    client = make(version)
    assert await client.walk(dotted(1)) == below(1)
    assert await client.walk(dotted(2), dotted(1)) == below(1) | below(2)
    assert await client.walk(dotted(3)) == {}
    assert await client.walk() == {}


async def test_a_walk_by_bulk_takes_one_request_where_one_is_enough(agent, make):
    assert await make().walk(dotted(1)) == below(1)
    assert [(pdu.kind, pdu.status, pdu.index) for pdu in agent.asked] == [(Kind.GET_BULK, 0, AT_ONCE)]


async def test_a_walk_by_v1_takes_all_its_roots_in_one_request(agent, make):
    await make("v1").walk(dotted(1), dotted(2))
    assert {pdu.kind for pdu in agent.asked} == {Kind.GET_NEXT}
    # The longer root has 30 objects; the end of the view, an error in v1, costs one more.
    assert len(agent.asked) == 32


async def test_half_a_bulk_is_gone_on_from(agent, make):
    agent.faults.extend([lambda pdu, right: [replace(right, bindings=right.bindings[:7])]] * 3)
    assert await make().walk(dotted(1)) == below(1)
    assert [pdu.bindings[0][0][-2] for pdu in agent.asked[1:]] == [7, 14, 21]


async def test_half_a_row_of_a_bulk_is_gone_on_from(agent, make):
    agent.faults.append(lambda pdu, right: [replace(right, bindings=right.bindings[:3])])
    assert await make().walk(dotted(1), dotted(2)) == below(1) | below(2)
    assert [oid[len(ROOT) :] for oid, _ in agent.asked[1].bindings] == [(1, 2, 0), (2, 1, 0)]


async def test_a_bulk_of_nothing_is_asked_for_in_halves(agent, make):
    agent.faults.append(lambda pdu, right: [replace(right, bindings=())])
    assert await make().walk(dotted(1)) == below(1)
    assert [pdu.index for pdu in agent.asked] == [AT_ONCE, AT_ONCE // 2, AT_ONCE // 2]


async def test_a_walk_through_which_nothing_fits_ends(agent, make):
    agent.faults.extend([lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, Error.TOO_BIG, 0, ())]] * 100)
    assert await make().walk(dotted(1)) == {}


async def test_an_object_that_cannot_be_read_ends_the_walk_of_its_root_alone(agent, make):
    agent.faults.append(lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, Error.GEN_ERR, 2, pdu.bindings)])
    assert await make().walk(dotted(2), dotted(1)) == below(2)


NOT_INCREASING = {
    "the same again": lambda oid: oid,
    "one before": lambda oid: (*oid[:-2], oid[-2] - 1, 0),
    "one root for all": lambda oid: ROOT,
}


@pytest.mark.parametrize("name", NOT_INCREASING.values(), ids=NOT_INCREASING)
@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_an_object_that_does_not_increase_ends_the_walk(agent, make, name, version):
    def stuck(pdu, right):
        (first, value), *others = right.bindings
        return [replace(right, bindings=((first, value), (name(first), value), *others)[: None if others else 1])]

    def back(pdu, right):
        return [replace(right, bindings=((name(pdu.bindings[0][0]), number(1)),))]

    agent.faults.extend([stuck, back])
    assert await make(version).walk(dotted(1)) == {NAME: 1}
    assert len(agent.asked) == (1 if version == "v2c" else 2)


async def test_a_walk_without_end_stops_at_its_limit(agent, make):
    def endless(pdu, right):
        oid = pdu.bindings[0][0]
        return [replace(right, bindings=tuple(((*oid, 1, more), number(more)) for more in range(10)))]

    agent.faults.extend([endless] * 100)
    assert len(await make().walk(dotted(1), limit=64)) == 64
    assert len(agent.asked) == 7


# --- writing -----------------------------------------------------------------------------------------------------


async def test_a_set_names_the_write_community_and_nothing_else_does(agent, make):
    client = make(community="reader", write_community="writer")
    await client.get([NAME])
    await client.set({NAME: 5})
    await client.walk(dotted(2))
    assert agent.communities == [b"reader", b"writer", b"reader"]
    assert agent.asked[1].bindings == (((*ROOT, 1, 1, 0), number(5)),)


async def test_a_text_is_set_as_octets(agent, make):
    await make().set({NAME: "07:30é"})
    assert agent.asked[0].bindings[0][1] == text("07:30é")


@pytest.mark.parametrize("version", ["v1", "v2c"])
@pytest.mark.parametrize("community", [None, ""])
async def test_without_a_write_community_nothing_is_sent(make, version, community):
    client = make(version, write_community=community)
    with pytest.raises(CommandRefused) as caught:
        await client.set({NAME: 1})
    assert caught.value.reason == "no_write_access"
    assert client.requests == 0


@pytest.mark.parametrize("value", ["5 €", 1 << 31])
async def test_a_value_that_no_message_can_carry_is_not_sent(make, value):
    client = make()
    with pytest.raises(CommandRefused) as caught:
        await client.set({NAME: value})
    assert caught.value.reason == "not_taken"
    assert client.requests == 0
    assert await client.get([NAME]) == {NAME: 1}


REFUSALS = dict.fromkeys(
    [Error.NO_SUCH_NAME, Error.READ_ONLY, Error.NO_ACCESS, Error.AUTHORIZATION_ERROR, Error.NOT_WRITABLE],
    "writes_not_allowed",
)


@pytest.mark.parametrize("status", [status for status in Error if status is not Error.NO_ERROR])
@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_a_refused_set_says_whether_writing_or_the_value_was_refused(agent, make, version, status):
    agent.faults.append(lambda pdu, right: [Pdu(Kind.RESPONSE, pdu.request, status, 1, pdu.bindings)])
    client = make(version)
    with pytest.raises(CommandRefused) as caught:
        await client.set({NAME: 1})
    assert caught.value.reason == REFUSALS.get(status, "not_taken")
    assert client.requests == 1


async def test_a_set_without_an_answer_is_silent_and_was_sent_once(agent, make):
    agent.faults.append(silence)
    client = make(timeout=QUICK)
    with pytest.raises(CannotConnect) as caught:
        await client.set({NAME: 1})
    assert caught.value.reason == "silent"
    assert [pdu.kind for pdu in agent.asked] == [Kind.SET]
    assert client.requests == 1


# --- v3 ----------------------------------------------------------------------------------------------------------

USER = User("ups", auth_password="the long password", priv_password="the other password")
SECRETS = {
    "user": "ups",
    "level": "authPriv",
    "auth_password": "the long password",
    "priv_password": "the other password",
}


class UserAgent(asyncio.DatagramProtocol):
    """An agent of v3; ``spoil`` may change what it answers, and sees what would be sealed how."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.engine = Engine(b"\x80\x00\x11\xcb\x03\x00\x40\x9d\x01\x02\x03", lambda: self.now)
        self.engine.add([USER])
        self.asked: list[Kind] = []
        self.reports: list[Report] = []
        self.spoil: Callable[[object, Scoped, User], Sequence[bytes]] | None = None
        self.tell_time = True
        self.deaf = False
        self.transport: asyncio.DatagramTransport

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if self.deaf:
            return
        _, reader = open_message(data)
        header, place = read_header(reader)
        answers: Sequence[bytes]
        try:
            user, scoped = self.engine.open(data, header, place, reader)
        except Refusal as refusal:
            self.reports.append(refusal.report)
            counter = ((1, 3, 6, 1, 6, 3, 15, 1, 1, refusal.report, 0), number(1, Tag.COUNTER))
            report = Scoped(self.engine.id, b"", Pdu(Kind.REPORT, 0, 0, 0, (counter,)))
            header = replace(header, authentication=b"", privacy=b"")
            flags = 1 if refusal.user else 0
            if self.tell_time or refusal.report is not Report.UNKNOWN_ENGINE:
                answers = [self.engine.seal(replace(header, flags=flags), report, refusal.user)]
            else:
                answers = [encode_v3(replace(header, flags=0, engine=self.engine.id), encode_scoped(report))]
        else:
            self.asked.append(scoped.pdu.kind)
            header = replace(header, flags=header.flags & 3)
            right = replace(scoped, pdu=answer_to(scoped.pdu))
            answers = self.spoil(header, right, user) if self.spoil else [self.engine.seal(header, right, user)]
        for each in answers:
            self.transport.sendto(each, addr)


@pytest.fixture
async def user_agent(socket_enabled) -> AsyncIterator[UserAgent]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        UserAgent, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


@pytest.fixture
async def user_client(user_agent, make) -> Callable[..., SnmpClient]:
    return lambda **changed: make("v3", port=user_agent.port, **SECRETS | changed)


async def test_a_card_is_asked_who_it_is_once(user_agent, user_client):
    client = user_client()
    assert await client.get([NAME]) == {NAME: 1}
    assert await client.get([OTHER]) == {OTHER: 2}
    assert user_agent.reports == [Report.UNKNOWN_ENGINE]
    assert client.requests == 3


async def test_a_card_that_tells_its_time_to_known_users_only_is_asked_once_more(user_agent, user_client):
    user_agent.tell_time = False
    client = user_client()
    assert await client.get([NAME]) == {NAME: 1}
    assert user_agent.reports == [Report.UNKNOWN_ENGINE, Report.NOT_IN_TIME_WINDOW]


async def test_a_card_that_booted_is_asked_anew(user_agent, user_client):
    client = user_client()
    await client.get([NAME])
    user_agent.now += 1000
    user_agent.engine.boot()
    assert await client.get([NAME]) == {NAME: 1}
    assert user_agent.reports[1:] == [Report.NOT_IN_TIME_WINDOW]


async def test_a_card_that_was_replaced_is_asked_anew_by_the_request_after(user_agent, user_client):
    client = user_client()
    await client.get([NAME])
    user_agent.engine.id = b"\x80\x00\x11\xcb\x04another"
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "silent"
    assert await client.get([NAME]) == {NAME: 1}


async def test_a_set_that_is_not_in_the_time_window_is_carried_out_once(user_agent, user_client):
    client = user_client()
    await client.get([NAME])
    user_agent.engine.boot()
    await client.set({NAME: 1})
    assert user_agent.asked == [Kind.GET, Kind.SET]


async def test_a_card_whose_time_never_fits_is_given_up(user_agent, user_client):
    class Runaway(Engine):
        @property
        def time(self):
            user_agent.now += 1000
            return super().time

    user_agent.engine = Runaway(user_agent.engine.id, lambda: user_agent.now)
    user_agent.engine.add([USER])
    client = user_client()
    with pytest.raises(AuthenticationFailed, match="not_in_time_window"):
        await client.get([NAME])
    assert client.requests == 3


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"user": "nobody"}, "unknown_user"),
        ({"auth_password": "another password"}, "wrong_password"),
        ({"auth_protocol": "md5"}, "wrong_password"),
        ({"priv_password": "another password"}, "wrong_privacy"),
        ({"priv_protocol": "des"}, "wrong_privacy"),
    ],
)
async def test_a_report_says_what_the_card_rejects(user_agent, user_client, changed, reason):
    client = user_client(**changed)
    with pytest.raises(AuthenticationFailed, match=reason):
        await client.get([NAME])
    assert user_agent.asked == []


async def test_a_level_that_the_user_does_not_have_is_rejected(user_agent, user_client):
    user_agent.engine.add([replace(USER, level="authNoPriv")])
    with pytest.raises(AuthenticationFailed, match="wrong_level"):
        await user_client().get([NAME])
    assert await user_client(level="authNoPriv").get([NAME]) == {NAME: 1}


@pytest.mark.parametrize("changed", [{"auth_password": "7 signs"}, {"priv_password": "7 signs"}])
async def test_a_password_that_is_too_short_is_not_tried(user_client, changed):
    client = user_client(**changed)
    with pytest.raises(AuthenticationFailed, match="short_password"):
        await client.get([NAME])
    assert client.requests == 0


@pytest.mark.parametrize("user", ["", "a" * 33])
async def test_a_user_whom_no_card_can_have_is_not_tried(user_client, user):
    client = user_client(user=user)
    with pytest.raises(AuthenticationFailed, match="unknown_user"):
        await client.get([NAME])
    assert client.requests == 0


async def test_a_card_that_is_silent_when_it_cannot_decrypt_is_understood(user_agent, user_client):
    """RFC 3412 lets an agent drop what makes no sense once decrypted."""
    user_agent.spoil = lambda header, right, user: []
    with pytest.raises(AuthenticationFailed, match="wrong_privacy"):
        await user_client(timeout=QUICK).get([NAME])


async def test_silence_is_not_blamed_on_a_password_when_the_whole_card_is_silent(user_agent, user_client):
    user_agent.spoil = lambda header, right, user: []
    client = user_client(timeout=QUICK)
    with pytest.raises(AuthenticationFailed):
        await client.get([NAME])
    user_agent.deaf = True
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "silent"


async def test_a_card_that_falls_silent_later_is_silent(user_agent, user_client):
    client = user_client(timeout=QUICK)
    await client.get([NAME])
    user_agent.spoil = lambda header, right, user: []
    for _ in range(2):
        with pytest.raises(CannotConnect) as caught:
            await client.get([NAME])
        assert caught.value.reason == "silent"


def forged(right: Scoped) -> Scoped:
    return replace(right, pdu=replace(right.pdu, bindings=tuple((oid, number(666)) for oid, _ in right.pdu.bindings)))


STRANGER = User("ups", auth_password="a guessed password", priv_password="the other password")


FORGERIES = {
    "in the clear": lambda engine, header, right: engine.seal(replace(header, flags=0), right, None),
    "signed with another password": lambda engine, header, right: engine.seal(header, right, STRANGER),
    "encrypted with another password": lambda engine, header, right: engine.seal(
        header, right, replace(USER, priv_password="a guessed password")
    ),
    "encrypted otherwise": lambda engine, header, right: engine.seal(header, right, replace(USER, priv="des")),
    "to another user": lambda engine, header, right: engine.seal(replace(header, user=b"other"), right, USER),
    "of another message": lambda engine, header, right: engine.seal(
        replace(header, message=header.message + 1), right, USER
    ),
    "of another engine": lambda engine, header, right: Engine(b"other", lambda: 0.0).seal(header, right, USER),
    "encrypted without a salt": lambda engine, header, right: unsalted(engine, header),
    "with a short signature": lambda engine, header, right: encode_v3(
        replace(header, engine=engine.id, authentication=b"short"), octets(b"")
    ),
    "changed on its way": lambda engine, header, right: engine.seal(header, right, USER)[:-1] + b"\0",
    "a report of nothing": lambda engine, header, right: engine.seal(
        replace(header, flags=0), replace(right, pdu=Pdu(Kind.REPORT, 0, 0, 0, ())), None
    ),
    "another report": lambda engine, header, right: engine.seal(
        replace(header, flags=0),
        replace(right, pdu=Pdu(Kind.REPORT, 0, 0, 0, (((1, 3, 6, 1, 6, 3, 11, 2, 1, 1, 0), number(1)),))),
        None,
    ),
    "with no parameters": lambda engine, header, right: (
        b"0\x13\x02\x01\x030\x09\x02\x01\x01\x02\x01\x01\x04\x01\x00\x04\x00\x04\x01\x00"
    ),
    "of v2c": lambda engine, header, right: message(right.pdu),
}


BY_WHO_HAS_THE_PASSWORD = {
    "not encrypted": lambda engine, header, right: engine.seal(replace(header, flags=1), right, USER),
    "of another request": lambda engine, header, right: engine.seal(
        header, replace(right, pdu=replace(right.pdu, request=right.pdu.request + 1)), USER
    ),
}


def unsigned(engine, header, right):
    """Signed by its flags alone."""
    header = replace(header, flags=1, engine=engine.id, boots=engine.boots, time=engine.time)
    return encode_v3(replace(header, authentication=b"", privacy=b""), encode_scoped(right))


def unsalted(engine, header):
    """Signed, and without what decryption starts from."""
    header = replace(header, engine=engine.id, boots=engine.boots, time=engine.time, privacy=b"")
    blank = encode_v3(replace(header, authentication=bytes(12)), octets(b"x"))
    return encode_v3(replace(header, authentication=engine._digest(USER, blank)), octets(b"x"))


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_an_answer_that_is_not_secured_as_asked_is_dropped(user_agent, user_client, caplog, forgery):
    user_agent.spoil = lambda header, right, user: [
        forgery(user_agent.engine, header, forged(right)),
        user_agent.engine.seal(header, right, user),
    ]
    client = user_client()
    assert await client.get([NAME]) == {NAME: 1}
    assert client.requests == 2
    assert complaints(caplog) == []


@pytest.mark.parametrize("forgery", BY_WHO_HAS_THE_PASSWORD.values(), ids=BY_WHO_HAS_THE_PASSWORD)
async def test_an_answer_that_is_signed_and_still_not_the_one_is_not_taken(user_agent, user_client, caplog, forgery):
    user_agent.spoil = lambda header, right, user: [
        forgery(user_agent.engine, header, forged(right)),
        user_agent.engine.seal(header, right, user),
    ]
    client = user_client(timeout=QUICK)
    client._known = True
    with pytest.raises(CannotConnect) as caught:
        await client.get([NAME])
    assert caught.value.reason == "silent"
    assert complaints(caplog) == []


@pytest.mark.parametrize("level", ["authNoPriv", "authPriv"])
async def test_an_answer_without_the_signature_that_it_announces_is_dropped(user_agent, user_client, level):
    user_agent.engine.add([replace(USER, level=level)])
    user_agent.spoil = lambda header, right, user: [
        unsigned(user_agent.engine, header, forged(right)),
        user_agent.engine.seal(header, right, user),
    ]
    client = user_client(level=level)
    assert await client.get([NAME]) == {NAME: 1}
    assert client.requests == 2


@pytest.mark.parametrize("changed", [{"engine": b"other"}, {"user": b"other"}, {"message": 1}])
async def test_an_answer_in_the_clear_must_be_of_the_card_and_for_us(user_agent, user_client, changed):
    def spoil(header, right, user):
        header = replace(header, engine=user_agent.engine.id)
        return [
            encode_v3(replace(header, **changed), encode_scoped(forged(right))),
            encode_v3(header, encode_scoped(right)),
        ]

    user_agent.engine.add([User("open", level="noAuthNoPriv")])
    user_agent.spoil = spoil
    assert await user_client(user="open", level="noAuthNoPriv").get([NAME]) == {NAME: 1}


async def test_no_mutilated_answer_gets_through_a_signature(user_agent, user_client, caplog):
    rng = random.Random(5)

    def spoil(header, right, user):
        octets = bytearray(user_agent.engine.seal(header, right, user))
        place = rng.randrange(len(octets))
        octets[place] ^= rng.randrange(1, 256)
        return [bytes(octets), user_agent.engine.seal(header, right, user)]

    user_agent.spoil = spoil
    client = user_client()
    for _ in range(200):
        assert await client.get([NAME]) == {NAME: 1}
    assert complaints(caplog) == []


async def test_two_cards_may_have_a_user_of_the_same_name_with_other_passwords(user_agent, user_client):
    first = user_client()
    assert await first.get([NAME]) == {NAME: 1}
    user_agent.engine.add([replace(USER, auth_password="changed password")])
    second = user_client(auth_password="changed password")
    assert await second.get([NAME]) == {NAME: 1}
    with pytest.raises(AuthenticationFailed, match="wrong_password"):
        await first.get([NAME])


# --- secrets -----------------------------------------------------------------------------------------------------


async def test_no_secret_is_in_what_may_be_logged(agent, make, user_client):
    secrets = {
        "community": "secret one",
        "write_community": "secret two",
        "user": "secret three",
        "auth_password": "secret four",
        "priv_password": "secret \udcff five",
    }
    credentials = Credentials(version="v3", level="authPriv", **secrets)
    shown = [repr(credentials), str(credentials)]
    agent.faults.extend([silence] * 3)
    client = make(timeout=QUICK, **secrets)
    shown += [repr(client), str(client)]
    for refused in (
        client.get([NAME]),
        client.set({NAME: 1}),
        user_client(**secrets).get([NAME]),
        make(community="secret \udcff").get([NAME]),
    ):
        try:
            await refused
        except (CannotConnect, AuthenticationFailed, CommandRefused) as err:
            shown += [repr(err), str(err), repr(err.__cause__)]
    assert len(shown) > 8
    assert "secret" not in " ".join(shown)
