"""Traps, over real datagrams."""

import asyncio
import errno
import random
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from custom_components.energy_suite.gateways.netvision.traps import TrapReceiver
from demo.snmp_wire import V1, V2C, Kind, Oid, Pdu, Tag, Trap, Value, encode_message, number, text

ENTERPRISE: Oid = (1, 3, 6, 1, 4, 1, 4555, 1, 1, 7)
BINDINGS = (((*ENTERPRISE, 1, 2, 4, 0), number(100)), ((*ENTERPRISE, 1, 1, 1, 0), text("NETYS")))
HEAD = (
    ((1, 3, 6, 1, 2, 1, 1, 3, 0), Value(Tag.TICKS, 4711)),
    ((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value(Tag.OID, (*ENTERPRISE, 0, 1))),
)
TRAPS = {
    "v1": encode_message(V1, b"public", Trap(ENTERPRISE, bytes((127, 0, 0, 1)), 1, 4711, BINDINGS)),
    "v1, without bindings": encode_message(V1, b"", Trap(ENTERPRISE, bytes((127, 0, 0, 1)), 1, 0)),
    "v2c": encode_message(V2C, b"public", Pdu(Kind.TRAP, 1, 0, 0, HEAD + BINDINGS)),
    "v2c, of another community": encode_message(V2C, b"other", Pdu(Kind.TRAP, 1, 0, 0, HEAD)),
}
V1_TRAP, V2C_TRAP = TRAPS["v1"], TRAPS["v2c"]
NO_TRAPS = {
    "nothing": b"",
    "garbage": random.Random(7).randbytes(120),
    "text": b"<14>a line for a log",
    "v1, truncated": V1_TRAP[:-1],
    "v2c, truncated": V2C_TRAP[:-1],
    "the head of v2c": V2C_TRAP[:20],
    "deeply nested": b"\x30\x80" * 3000,
    "a request": encode_message(V2C, b"public", Pdu(Kind.GET, 1, 0, 0, BINDINGS)),
    "a response": encode_message(V2C, b"public", Pdu(Kind.RESPONSE, 1, 0, 0, BINDINGS)),
    "a response of v1": encode_message(V1, b"public", Pdu(Kind.RESPONSE, 1, 0, 0, BINDINGS)),
    "the trap of v1 in v2c": encode_message(V2C, b"public", Trap(ENTERPRISE, bytes(4), 1, 0)),
    "the trap of v2c in v1": encode_message(V1, b"public", Pdu(Kind.TRAP, 1, 0, 0, HEAD)),
    "of no version": encode_message(5, b"public", Pdu(Kind.TRAP, 1, 0, 0, HEAD)),
}


@pytest.fixture
async def receiver(socket_enabled) -> AsyncIterator[TrapReceiver]:
    receiver = TrapReceiver()
    await receiver.start(0, "127.0.0.1")
    yield receiver
    await receiver.close()


type Send = Callable[..., None]


@pytest.fixture
def send(receiver) -> Send:
    def send(*datagrams, source="127.0.0.1", to="127.0.0.1"):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as card:
            card.bind((source, 0))
            for datagram in datagrams:
                card.sendto(datagram, (to, receiver.port))

    return send


class Heard:
    """Counts traps; ``times`` waits for as many."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._changed.set()

    async def times(self, count: int) -> None:
        while self.count < count:
            self._changed.clear()
            await self._changed.wait()


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
async def test_a_trap_calls_back(receiver, send, trap):
    heard = Heard()
    receiver.on_trap("127.0.0.1", heard)
    send(trap)
    await heard.times(1)
    send(trap, trap)
    await heard.times(3)


@pytest.mark.parametrize("datagram", NO_TRAPS.values(), ids=NO_TRAPS)
async def test_what_is_no_trap_does_nothing(receiver, send, caplog, datagram):
    heard, last = Heard(), Heard()
    receiver.on_trap("127.0.0.1", heard)
    receiver.on_trap("127.0.0.2", last)
    send(datagram)
    send(V2C_TRAP, source="127.0.0.2")
    await last.times(1)
    assert heard.count == 0
    assert "Exception" not in caplog.text


async def test_every_truncation_of_a_trap_is_no_trap(receiver, send, caplog):
    heard, last = Heard(), Heard()
    receiver.on_trap("127.0.0.1", heard)
    receiver.on_trap("127.0.0.2", last)
    for trap in (V1_TRAP, V2C_TRAP):
        send(*(trap[:size] for size in range(len(trap))))
    send(V2C_TRAP, source="127.0.0.2")
    await last.times(1)
    assert heard.count == 0
    assert "Exception" not in caplog.text


async def test_mutilated_traps_make_no_error(receiver, send, caplog):
    rng = random.Random(3)
    receiver.on_trap("127.0.0.1", Heard())
    last = Heard()
    for _ in range(100):
        octets = bytearray(rng.choice((V1_TRAP, V2C_TRAP)))
        octets[rng.randrange(len(octets))] = rng.randrange(256)
        send(bytes(octets))
    receiver.on_trap("127.0.0.2", last)
    send(V1_TRAP, source="127.0.0.2")
    await last.times(1)
    assert "Exception" not in caplog.text


async def test_a_trap_calls_back_who_asked_for_its_sender(receiver, send):
    mine, other, last = Heard(), Heard(), Heard()
    receiver.on_trap("127.0.0.2", mine)
    receiver.on_trap("127.0.0.3", other)
    receiver.on_trap("127.0.0.1", last)
    send(V1_TRAP, source="127.0.0.2")
    send(V1_TRAP, source="127.0.0.4")
    send(V1_TRAP)
    await last.times(1)
    assert (mine.count, other.count) == (1, 0)


async def test_a_trap_calls_back_everyone_who_asked_even_after_an_error_of_one(receiver, send, caplog):
    def failing():
        raise RuntimeError("in a callback")

    first, second = Heard(), Heard()
    for callback in (first, failing, second):
        receiver.on_trap("127.0.0.1", callback)
    caught = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: caught.append(context["exception"]))
    send(V1_TRAP)
    await second.times(1)
    assert first.count == 1
    assert [str(error) for error in caught] == ["in a callback"]


async def test_removing_one_callback_leaves_the_others(receiver, send):
    heard = Heard()
    removed = Heard()
    remove = receiver.on_trap("127.0.0.1", removed)
    receiver.on_trap("127.0.0.1", removed)
    receiver.on_trap("127.0.0.1", heard)
    remove()
    remove()
    send(V1_TRAP)
    await heard.times(1)
    assert removed.count == 1


async def test_a_callback_removed_by_another_is_not_called(receiver, send, caplog):
    heard, last = Heard(), Heard()

    def remove_the_next():
        remove()

    receiver.on_trap("127.0.0.1", remove_the_next)
    remove = receiver.on_trap("127.0.0.1", heard)
    receiver.on_trap("127.0.0.1", last)
    send(V1_TRAP)
    await last.times(1)
    assert heard.count == 0
    assert "Exception" not in caplog.text


@pytest.mark.parametrize("address", ["card.local", "", "127.0.0.1.2"])
async def test_a_name_is_no_sender(receiver, address):
    with pytest.raises(ValueError, match="IP"):
        receiver.on_trap(address, Heard())


async def test_a_port_that_is_taken_is_an_error_of_the_caller(receiver):
    second = TrapReceiver()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the message is the system's; its number says what it is
        await second.start(receiver.port, "127.0.0.1")
    assert caught.value.errno == errno.EADDRINUSE
    assert second.port is None
    await second.close()


async def test_closing_gives_the_port_free_and_keeps_the_callbacks(receiver, send):
    heard = Heard()
    receiver.on_trap("127.0.0.1", heard)
    port = receiver.port
    await receiver.close()
    assert receiver.port is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
    await receiver.start(port, "127.0.0.1")
    send(V1_TRAP)
    await heard.times(1)


async def test_starting_again_moves_to_the_new_port(receiver, send):
    before = receiver.port
    await receiver.start(0, "127.0.0.2")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", before))
    heard = Heard()
    receiver.on_trap("127.0.0.1", heard)
    send(V1_TRAP, to="127.0.0.2")
    await heard.times(1)


async def test_the_host_given_is_the_one_bound(receiver):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", receiver.port))


async def test_every_interface_is_the_default(receiver, send):
    await receiver.start(0)
    heard = Heard()
    receiver.on_trap("127.0.0.1", heard)
    send(V1_TRAP, to="127.0.0.5")
    await heard.times(1)


async def test_ipv6_senders_are_known_by_their_address(receiver, send):
    await receiver.start(0, "::1")
    heard = Heard()
    receiver.on_trap("0:0:0:0:0:0:0:1", heard)
    send(V2C_TRAP, source="::1", to="::1")
    await heard.times(1)


async def test_ipv4_senders_are_known_by_their_address_on_a_port_of_both(receiver, send):
    await receiver.start(0, "::ffff:127.0.0.1")
    heard = Heard()
    receiver.on_trap("127.0.0.1", heard)
    send(V2C_TRAP)
    await heard.times(1)
