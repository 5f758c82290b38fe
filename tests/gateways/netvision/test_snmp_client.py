"""The client against the simulated agent: every version, every kind of value, reading and writing."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from itertools import product
from pathlib import Path

import pytest
import pytest_socket
from pysnmp.smi.builder import MibBuilder

import custom_components.energy_suite
from custom_components.energy_suite.gateways.base import AuthenticationFailed, CannotConnect, CommandRefused
from custom_components.energy_suite.gateways.netvision import snmp
from custom_components.energy_suite.gateways.netvision.snmp import AT_ONCE, Credentials, SnmpClient
from demo.snmp_agent import Mib, SnmpAgent, SnmpObject
from demo.snmp_wire import Error, Tag, Value, number, text
from demo.usm import User

TIMEOUT = 20.0
QUICK = 0.1
ROOT = (1, 3, 6, 1, 4, 1, 4555, 1, 1, 7, 1)
COUNT = 120

AUTH = "an auth password"
PRIV = "a priv password"
PROTOCOLS = list(product(("md5", "sha"), ("des", "aes")))
USERS = (
    User("open", level="noAuthNoPriv"),
    User("signed", level="authNoPriv", auth="md5", auth_password=AUTH),
    User("reader", level="noAuthNoPriv", may_write=False),
    *(User(f"{auth} {priv}", auth=auth, auth_password=AUTH, priv=priv, priv_password=PRIV) for auth, priv in PROTOCOLS),
)
CREDENTIALS = {
    "v1": Credentials(version="v1", write_community="private"),
    "v2c": Credentials(version="v2c", write_community="private"),
    "v3": Credentials(version="v3", user="open"),
    "v3 md5": Credentials(version="v3", user="signed", level="authNoPriv", auth_protocol="md5", auth_password=AUTH),
} | {
    f"v3 {auth} {priv}": Credentials(
        version="v3",
        user=f"{auth} {priv}",
        level="authPriv",
        auth_protocol=auth,
        auth_password=AUTH,
        priv_protocol=priv,
        priv_password=PRIV,
    )
    for auth, priv in PROTOCOLS
}
WITHOUT_V1 = {name: credentials for name, credentials in CREDENTIALS.items() if name != "v1"}


def dotted(*suffix):
    return ".".join(map(str, (*ROOT, *suffix)))


DELAY = dotted(7, 2, 0)
MODEL = dotted(1, 1, 0)

VALUES = {
    (2, 1): (number(-1), -1),
    (2, 2): (number(65535), 65535),
    (2, 3): (number(2**31 - 1, Tag.TICKS), 2**31 - 1),
    (2, 4): (number(2**32 - 1, Tag.GAUGE), 2**32 - 1),
    (2, 5): (number(2**32 - 1, Tag.COUNTER), 2**32 - 1),
    (2, 6): (number(2**63, Tag.COUNTER64), 2**63),
    (2, 7): (text("  MASTERYS \0\0"), "MASTERYS"),
    (2, 8): (text("Onduleur secouru été"), "Onduleur secouru été"),
    (2, 9): (text(""), ""),
    (2, 10): (Value(Tag.OCTETS, b"\x00\x40\x9d\x01\x02\x20"), "\x00\x40\x9d\x01\x02\x20"),
    (2, 11): (Value(Tag.OID, (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)), "1.3.6.1.4.1.8072.3.2.10"),
    (2, 12): (Value(Tag.IP_ADDRESS, bytes((192, 0, 2, 7))), "192.0.2.7"),
    (2, 13): (Value(Tag.NULL), None),
}
ALARMS = {dotted(6, 3, row, 0): row for row in range(1, COUNT + 1)}


def constant(value: Value) -> SnmpObject:
    return SnmpObject(lambda: value)


class Card:
    """An agent with one setting; counts how often it was set."""

    def __init__(self) -> None:
        self.delay = 60
        self.taken = 0
        mib = Mib()
        mib.add({(*ROOT, *suffix, 0): constant(value) for suffix, (value, _) in VALUES.items()})
        mib.add({(*ROOT, 6, 3, row, 0): constant(number(row)) for row in range(1, COUNT + 1)})
        mib.add({(*ROOT, 1, 1, 0): constant(text("NETYS"))})
        mib.add({(*ROOT, 7, 2, 0): SnmpObject(lambda: number(self.delay), self._check, self._take)})
        self.agent = SnmpAgent(mib, users=USERS)

    def _check(self, value: Value) -> Error:
        if not isinstance(value.content, int):
            return Error.WRONG_TYPE
        return Error.NO_ERROR if value.content <= 999 else Error.WRONG_VALUE

    def _take(self, value: Value) -> Error:
        assert isinstance(value.content, int)
        self.taken += 1
        self.delay = value.content
        return Error.NO_ERROR


@pytest.fixture
async def card(socket_enabled) -> AsyncIterator[Card]:
    card = Card()
    async with card.agent:
        yield card


@pytest.fixture
async def make(card) -> AsyncIterator[Callable[..., SnmpClient]]:
    clients = []

    def make(credentials, timeout=TIMEOUT):
        clients.append(SnmpClient(card.agent.host, card.agent.port, credentials, timeout=timeout))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture(params=list(CREDENTIALS))
def client(request, make):
    return make(CREDENTIALS[request.param])


# --- every version -----------------------------------------------------------------------------------------------


async def test_values_of_every_type_are_read(client):
    wanted = {dotted(*suffix, 0): expected for suffix, (_, expected) in VALUES.items()}
    if client._credentials.version == "v1":
        del wanted[dotted(2, 6, 0)]  # SNMPv1 has no Counter64
    assert await client.get(list(wanted)) == wanted


async def test_what_the_card_does_not_have_is_absent(client):
    assert await client.get([dotted(99, 0), MODEL, dotted(1, 1, 7)]) == {MODEL: "NETYS"}


async def test_nothing_asked_is_nothing_sent(client):
    assert await client.get([]) == {}
    assert await client.walk() == {}
    assert client.requests == 0


async def test_a_walk_brings_what_is_below_its_roots(client):
    assert await client.walk(dotted(6), dotted(1)) == ALARMS | {MODEL: "NETYS"}


async def test_a_setting_is_written_and_read_back(card, client):
    await client.set({DELAY: 90})
    assert card.delay == 90
    assert await client.get([DELAY]) == {DELAY: 90}
    assert card.taken == 1


async def test_a_value_that_the_card_does_not_take_is_refused(card, client):
    for value in (1000, "60"):
        with pytest.raises(CommandRefused) as caught:
            await client.set({DELAY: value})
        assert caught.value.reason == "not_taken"
    assert card.taken == 0


async def test_an_object_that_is_not_writable_is_refused(client):
    with pytest.raises(CommandRefused) as caught:
        await client.set({MODEL: "other"})
    assert caught.value.reason == "writes_not_allowed"


async def test_closing_frees_the_socket_at_once(client):
    await client.get([MODEL])
    opened = client._session._link.transport.get_extra_info("socket")
    assert opened.fileno() != -1
    await client.close()
    assert opened.fileno() == -1
    await client.close()
    with pytest.raises(CannotConnect) as caught:
        await client.get([MODEL])
    assert caught.value.reason == "lost"
    assert client._session is None


# --- few requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", WITHOUT_V1.values(), ids=WITHOUT_V1)
async def test_a_walk_asks_for_as_much_as_fits(card, make, credentials):
    client = make(credentials)
    await client.get([MODEL])
    before = client.requests
    await client.walk(dotted(6))
    # The last answer must show what comes after.
    assert client.requests - before == COUNT // AT_ONCE + 1
    assert {request.outcome for request in list(card.agent.requests)[-3:]} == {"no_error"}


async def test_many_objects_are_read_in_few_requests(make):
    client = make(CREDENTIALS["v2c"])
    assert await client.get(list(ALARMS)) == ALARMS
    assert client.requests == -(-COUNT // AT_ONCE)


@pytest.mark.parametrize("name", CREDENTIALS)
async def test_a_card_with_small_messages_is_read_whole(card, make, name):
    card.agent.max_size = 484
    client = make(CREDENTIALS[name])
    assert await client.get(list(ALARMS)) == ALARMS
    assert await client.walk(dotted(6)) == ALARMS


async def test_a_card_that_repeats_little_is_read_whole(card, make):
    card.agent.max_repetitions = 3
    assert await make(CREDENTIALS["v2c"]).walk(dotted(6), dotted(1)) == ALARMS | {MODEL: "NETYS"}


async def test_datagrams_are_counted(card, make):
    client = make(CREDENTIALS["v3 sha aes"])
    await client.get([MODEL])
    await client.walk(dotted(6))
    assert client.requests == card.agent.datagrams


# --- what is rejected --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_a_wrong_community_is_silence(make, version):
    client = make(Credentials(version=version, community="wrong"), QUICK)
    with pytest.raises(CannotConnect) as caught:
        await client.get([MODEL])
    assert caught.value.reason == "silent"


async def test_a_wrong_write_community_is_silence_and_sets_nothing(card, make):
    client = make(Credentials(version="v2c", write_community="wrong"), QUICK)
    with pytest.raises(CannotConnect) as caught:
        await client.set({DELAY: 1})
    assert caught.value.reason == "silent"
    assert card.agent.datagrams == 1
    assert card.taken == 0


@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_the_read_community_does_not_write(card, make, version):
    with pytest.raises(CommandRefused) as caught:
        await make(Credentials(version=version, write_community="public")).set({DELAY: 1})
    assert caught.value.reason == "writes_not_allowed"
    assert card.taken == 0


async def test_a_user_who_may_only_read_does_not_write(card, make):
    client = make(Credentials(version="v3", user="reader"))
    assert await client.get([DELAY]) == {DELAY: 60}
    with pytest.raises(CommandRefused) as caught:
        await client.set({DELAY: 1})
    assert caught.value.reason == "writes_not_allowed"
    assert card.taken == 0


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
async def test_a_version_that_is_switched_off_is_silence(card, make, version):
    card.agent.versions -= {version}
    with pytest.raises(CannotConnect) as caught:
        await make(CREDENTIALS[version], QUICK).get([MODEL])
    assert caught.value.reason == "silent"


async def test_snmp_switched_off_is_refused(card, make):
    client = make(CREDENTIALS["v2c"])
    card.agent.stop()
    with pytest.raises(CannotConnect) as caught:
        await client.get([MODEL])
    assert caught.value.reason == "refused"
    await card.agent.start()
    assert await client.get([MODEL]) == {MODEL: "NETYS"}


@pytest.mark.parametrize(("auth", "priv"), PROTOCOLS)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"user": "nobody"}, "unknown_user"),
        ({"auth_password": "a wrong password"}, "wrong_password"),
        ({"auth_protocol": {"md5": "sha", "sha": "md5"}}, "wrong_password"),
        ({"priv_password": "a wrong password"}, "wrong_privacy"),
        ({"priv_protocol": {"des": "aes", "aes": "des"}}, "wrong_privacy"),
        ({"level": "authNoPriv"}, "not_authorized"),
        ({"level": "noAuthNoPriv"}, "not_authorized"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
async def test_what_is_wrong_with_a_user_is_told(make, auth, priv, changed, reason):
    right = {
        "user": f"{auth} {priv}",
        "level": "authPriv",
        "auth_protocol": auth,
        "auth_password": AUTH,
        "priv_protocol": priv,
        "priv_password": PRIV,
    }
    ((name, value),) = changed.items()
    right[name] = value[right[name]] if isinstance(value, dict) else value
    client = make(Credentials(version="v3", **right))
    with pytest.raises(AuthenticationFailed, match=reason):
        await client.get([MODEL])


async def test_a_level_above_the_users_is_told(make):
    credentials = Credentials(version="v3", user="open", level="authNoPriv", auth_password=AUTH)
    with pytest.raises(AuthenticationFailed, match="wrong_level"):
        await make(credentials).get([MODEL])


async def test_a_card_that_booted_is_read_on(card, make):
    client = make(CREDENTIALS["v3 sha aes"])
    await client.get([MODEL])
    card.agent.engine.boot()
    await client.set({DELAY: 30})
    assert card.taken == 1


# --- a good guest ------------------------------------------------------------------------------------------------


async def test_ipv6_is_spoken(socket_enabled):
    pytest_socket.socket_allow_hosts(["::1"])
    agent = Card().agent
    agent.host = "::1"
    async with agent:
        client = SnmpClient("::1", agent.port, CREDENTIALS["v3 sha aes"], timeout=TIMEOUT)
        assert await client.get([MODEL]) == {MODEL: "NETYS"}
        await client.close()


IMPORTED = """
import importlib, sys
sys.path.append(sys.argv[1])
for module in sys.argv[2:]:
    importlib.import_module(module)
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"pysnmp", "pyasn1"}))
"""


def test_pysnmp_is_not_imported_before_it_is_needed():
    folder = Path(custom_components.energy_suite.__file__).parent
    modules = [f"gateways.netvision.{name}" for name in ("snmp", "traps")]
    run = [sys.executable, "-c", IMPORTED, str(folder), *modules]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.split() == []
    run.append("gateways.netvision.session")
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.split() == ["pyasn1", "pysnmp"]


async def test_pysnmp_is_imported_and_passwords_are_hashed_outside_the_event_loop(make, monkeypatch):
    threads = []
    original = snmp._make_session

    def make_session(*args):
        threads.append(threading.current_thread())
        return original(*args)

    monkeypatch.setattr(snmp, "_make_session", make_session)
    client = make(CREDENTIALS["v3 sha aes"])
    await asyncio.gather(client.get([MODEL]), client.get([DELAY]))
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("name", ["v1", "v2c", "v3", "v3 sha aes"])
async def test_mibs_are_loaded_outside_the_event_loop(card, make, monkeypatch, name):
    threads = set()
    original = MibBuilder.load_module

    def load_module(*args, **kwargs):
        threads.add(threading.current_thread())
        return original(*args, **kwargs)

    monkeypatch.setattr(MibBuilder, "load_module", load_module)
    client = make(CREDENTIALS[name])
    await client.walk(dotted(6))
    await client.set({DELAY: 30})
    client._session._link.datagram_received(b"garbage", None)
    card.agent.stop()
    with pytest.raises(CannotConnect):
        await client.get([MODEL])
    assert threads
    assert threading.main_thread() not in threads
