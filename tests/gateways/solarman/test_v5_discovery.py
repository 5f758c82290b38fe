"""The question to sticks by UDP: what is asked, and what is made of whatever is answered."""

import asyncio
import socket

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from custom_components.energy_suite.gateways.solarman import discovery
from custom_components.energy_suite.gateways.solarman.discovery import FoundStick, ask, parse
from custom_components.energy_suite.gateways.solarman.v5 import LARGEST_SERIAL
from demo.modbus import HOST

SERIAL = 2355553510
ENOUGH = 10.0
QUESTIONS = [b"WIFIKIT-214028-READ", b"HF-A11ASSISTHREAD"]
# All that listen on the loopback.
LOOPBACK = "127.255.255.255"


class Responder(asyncio.DatagramProtocol):
    """Says the same to whatever is asked, and keeps it."""

    def __init__(self, says, port):
        self.says = says
        self.port = port
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.asked.append(data)
        for text in self.says:
            self.transport.sendto(text, addr)


@pytest.fixture
async def respond(socket_enabled):
    """Answer the question with some datagrams, on a port of its own or one shared with others."""
    transports = []

    async def respond(*says, host=HOST, port=0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((host, port))
        transport, responder = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Responder(says, listener.getsockname()[1]), sock=listener
        )
        transports.append(transport)
        return responder

    yield respond
    for transport in transports:
        transport.close()


# --- what is asked -----------------------------------------------------------------------------------------------


async def test_a_stick_is_asked_both_questions_and_nothing_else(stick):
    assert await ask(stick.host, port=stick.discovery_port, within=ENOUGH) == [FoundStick(HOST, SERIAL, "e8fdf8aabbcc")]
    assert list(stick.probes) == QUESTIONS


@pytest.mark.parametrize("broadcast", [False, True])
async def test_whatever_is_answered_nothing_else_is_ever_asked(respond, broadcast):
    responder = await respond(b"+ok=", b"AT+WAP", b"", b"127.0.0.1,E8FDF8AABBCC,name")
    assert await ask(HOST, port=responder.port, within=0.1, broadcast=broadcast) == []
    assert responder.asked == QUESTIONS


async def test_a_stick_may_answer_one_of_the_questions_only(respond):
    for number in range(2):
        responder = await respond()
        responder.datagram_received = lambda data, addr, responder=responder, number=number: (
            responder.transport.sendto(b"127.0.0.1,E8FDF8AABBCC,7", addr) if data == QUESTIONS[number] else None
        )
        assert await ask(HOST, port=responder.port, within=ENOUGH) == [FoundStick(HOST, 7, "e8fdf8aabbcc")]


async def test_one_answer_is_enough_of_one_stick(stick):
    async with asyncio.timeout(ENOUGH):
        assert len(await ask(stick.host, port=stick.discovery_port, within=60)) == 1


async def test_a_name_is_looked_up(stick):
    assert len(await ask("localhost", port=stick.discovery_port, within=ENOUGH)) == 1


@pytest.mark.parametrize("error", [socket.gaierror("no such host"), UnicodeError("label empty or too long")])
async def test_a_host_that_does_not_exist_is_an_error(socket_enabled, monkeypatch, error):
    async def resolve(*_, **__):
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(OSError, match="no such"):
        await ask("nowhere.invalid")


# --- who answers -------------------------------------------------------------------------------------------------


async def test_a_stick_that_answers_again_and_again_is_one(respond):
    one, two = b"192.168.1.50,E8FDF8AABBCC,2355553510", b"192.168.1.51,402A8FAABBCC,17"
    responder = await respond(one, one, two, b"192.168.1.99,E8FDF8AABBCC,2355553510", two)
    assert await ask(HOST, port=responder.port, within=0.1, broadcast=True) == [
        FoundStick("192.168.1.50", SERIAL, "e8fdf8aabbcc"),
        FoundStick("192.168.1.51", 17, "402a8faabbcc"),
    ]


async def test_what_makes_no_sense_does_not_hide_what_does(respond):
    nonsense = (b"", b"\xff" * 2000, b"192.168.1.50,E8FDF8AABBCC", b"1.2.3.4,E8FDF8AABBCC," + b"9" * 5000)
    responder = await respond(*nonsense, b"192.168.1.50,E8FDF8AABBCC,2355553510")
    assert [stick.serial for stick in await ask(HOST, port=responder.port, within=ENOUGH)] == [SERIAL]


async def test_all_that_hear_a_broadcast_are_found(respond):
    port = 0
    responders = []
    for number in range(1, 4):
        text = f"192.168.1.{number},E8FDF8AABB0{number},{number}".encode()
        responders.append(await respond(text, host=LOOPBACK, port=port))
        port = responders[-1].port
    found = await ask(LOOPBACK, port=port, within=0.2, broadcast=True)
    assert sorted(stick.host for stick in found) == ["192.168.1.1", "192.168.1.2", "192.168.1.3"]
    assert [responder.asked for responder in responders] == [QUESTIONS] * 3


async def test_nobody_answers_in_time(stick):
    stick.says = ()
    assert await ask(stick.host, port=stick.discovery_port, within=0.05) == []
    assert list(stick.probes) == QUESTIONS


async def test_nobody_listens(stick):
    stick.stop()
    assert await ask(stick.host, port=stick.discovery_port, within=0.05) == []


async def test_where_nothing_may_be_sent_nobody_is_awaited(socket_enabled):
    """A broadcast address is refused by the system itself to who does not broadcast."""
    async with asyncio.timeout(ENOUGH):
        assert await ask(LOOPBACK, within=60) == []


async def test_asking_may_be_cancelled(stick):
    stick.says = ()
    asking = asyncio.create_task(ask(stick.host, port=stick.discovery_port, within=60))
    async with asyncio.timeout(ENOUGH):
        while len(stick.probes) < 2:  # noqa: ASYNC110 - the other end of a socket has no event
            await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_an_answer_is_awaited_as_long_as_sticks_take():
    assert (discovery.PORT, discovery.WITHIN) == (48899, 1.0)


# --- what an answer says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"192.168.1.50,E8FDF8AABBCC,2355553510", FoundStick("192.168.1.50", SERIAL, "e8fdf8aabbcc")),
        (b"192.168.1.50,E8FDF8AABBCC,2355553510\r\n", FoundStick("192.168.1.50", SERIAL, "e8fdf8aabbcc")),
        (b"192.168.1.50,E8FDF8AABBCC,2355553510\0", FoundStick("192.168.1.50", SERIAL, "e8fdf8aabbcc")),
        (b" 192.168.1.50 , E8FDF8AABBCC , 2355553510 ", FoundStick("192.168.1.50", SERIAL, "e8fdf8aabbcc")),
        (b"192.168.1.50,E8FDF8AABBCC,4294967295", FoundStick("192.168.1.50", LARGEST_SERIAL, "e8fdf8aabbcc")),
        (b"192.168.1.50,E8:FD:F8:AA:BB:CC,1", FoundStick("192.168.1.50", 1, None)),
        (b"192.168.1.50,,1", FoundStick("192.168.1.50", 1, None)),
        (b"192.168.1.50,E8FDF8AABBCG,1", FoundStick("192.168.1.50", 1, None)),
    ],
)
def test_an_answer_says_who_is_where(answer, expected):
    assert parse(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b",,",
        b"+ok",
        b"192.168.1.50,E8FDF8AABBCC",
        b"192.168.1.50,E8FDF8AABBCC,2355553510,1",
        b"192.168.1.50;E8FDF8AABBCC;2355553510",
        b"192.168.1.50,E8FDF8AABBCC,HF-LPB100",
        b"192.168.1.50,E8FDF8AABBCC,",
        b"192.168.1.50,E8FDF8AABBCC,0",
        b"192.168.1.50,E8FDF8AABBCC,-1",
        b"192.168.1.50,E8FDF8AABBCC,+1",
        b"192.168.1.50,E8FDF8AABBCC,1.5",
        b"192.168.1.50,E8FDF8AABBCC,1_000",
        b"192.168.1.50,E8FDF8AABBCC,4294967296",
        b"192.168.1.50,E8FDF8AABBCC,1234567890123456",
        pytest.param(b"192.168.1.50,E8FDF8AABBCC," + b"1" * 5000, id="5000 digits"),
        "192.168.1.50,E8FDF8AABBCC,²³".encode(),
        "192.168.1.50,E8FDF8AABBCC,٣".encode(),
        b"256.168.1.50,E8FDF8AABBCC,1",
        b"192.168.1,E8FDF8AABBCC,1",
        b"stick.local,E8FDF8AABBCC,1",
        b"fe80::1,E8FDF8AABBCC,1",
        b",E8FDF8AABBCC,1",
        b"\xa5\x17\x00\x10",
        *QUESTIONS,
    ],
)
def test_the_answer_of_anything_else_is_none(answer):
    assert parse(answer) is None


@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(st.text(), max_size=4).map(",".join).map(str.encode)))
@example(b"1.2.3.4,E8FDF8AABBCC," + b"0" * 5000 + b"1")
def test_no_answer_is_more_than_nonsense(answer):
    found = parse(answer)
    assert found is None or 0 < found.serial <= LARGEST_SERIAL


def test_a_serial_is_not_shown():
    assert str(SERIAL) not in repr(FoundStick(HOST, SERIAL, "e8fdf8aabbcc"))
    assert "e8fdf8aabbcc" not in repr(FoundStick(HOST, SERIAL, "e8fdf8aabbcc"))
