"""A simulated house or boat and a real Home Assistant that shows it: `python -m demo --help`."""

import argparse
import asyncio
import json
import shutil
import signal
import socket
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Final, Self

from .client import Client, ClientError
from .dashboard import LANGUAGES
from .gateway import Gateway
from .gx import GxSimulator
from .home import HOST, Home, HomeError
from .hybrid import AURA_MAPS, NO_AURA, Hybrid, bring_profile, profile_of
from .life import known_site, new_site, set_clock, snapshot, to_june
from .model import Hour, Model
from .netvision import NetVisionCard
from .netvision_machines import MACHINES
from .rack import Rack
from .scenario import SCENARIOS, Scenario, ScenarioError, ScenarioPlayer, load_scenario
from .settling import PASSWORD, USER, answering, complete, make_user, place, running, settle
from .site import Site
from .sites import NO_UPS, SITES
from .switchboard import DANGEROUS, TITLES, Switchboard, bring_profiles, devices_file
from .victron_site import VictronSite

_INTEGRATION: Final = Path(__file__).parent.parent / "custom_components" / "energy_suite"
_SAVE_EVERY: Final = 60.0
_FOLDERS: Final = {"house": Path(".demo"), "boat": Path(".demo-boat")}

_READY: Final = """
Energy Suite demo, ready after {seconds:.0f} s

  Home Assistant   {url}
  User / password  {user} / {password}
  Dashboard        {url}/{dashboard}
  Simulated GX     Modbus TCP, {host} port {port}
{others}
Ctrl-C stops it.
"""
_READY_CARD: Final = """\
  Simulated card   NET VISION ({machine}): Modbus TCP, {host} port {modbus}; SNMP, port {snmp}
"""
_READY_STICK: Final = """\
  Simulated stick  SOLARMAN with an AURA (profile {profile}): V5, {host} port {port}
"""


_READY_BOARD: Final = """\
  Simulated board  Legrand web server with {count} devices on RS485: Modbus TCP, {host} port {port}
"""


class DemoError(Exception):
    """The demo cannot start; the text says why."""


@dataclass(slots=True)
class Memory:
    """What one start leaves for the next, in a file of the folder."""

    path: Path
    site: str = "house"
    language: str = LANGUAGES[0]
    port: int = 0
    ups: str = NO_UPS
    card_ports: list[int] = field(default_factory=lambda: [0, 0])
    """Of Modbus TCP and of SNMP."""
    aura: str = NO_AURA
    stick_port: int = 0
    board: bool = False
    board_port: int = 0
    season: timedelta = timedelta()
    saved: datetime | None = None
    state: dict[str, Any] | None = None
    rack: dict[str, Any] = field(default_factory=dict)
    hybrid: dict[str, Any] = field(default_factory=dict)
    switchboard: dict[str, Any] = field(default_factory=dict)
    settled: bool = False

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What is kept in the file, None if there is nothing of use."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            season, saved = timedelta(weeks=kept.pop("season")), datetime.fromisoformat(kept.pop("saved"))
            return cls(path, season=season, saved=saved, **kept)
        except OSError, ValueError, TypeError, KeyError:
            return None

    def save(
        self,
        site: Model,
        rack: Rack | None = None,
        hybrid: Hybrid | None = None,
        switchboard: Switchboard | None = None,
    ) -> None:
        """Keep what there is now."""
        self.saved = datetime.now(UTC)
        self.state = snapshot(site)
        self.rack = rack.snapshot() if rack else {}
        self.hybrid = hybrid.snapshot() if hybrid else {}
        self.switchboard = switchboard.snapshot() if switchboard else {}
        kept = {
            "site": self.site,
            "language": self.language,
            "port": self.port,
            "ups": self.ups,
            "card_ports": self.card_ports,
            "aura": self.aura,
            "stick_port": self.stick_port,
            "board": self.board,
            "board_port": self.board_port,
            "season": self.season // timedelta(weeks=1),
            "saved": self.saved.isoformat(),
            "state": self.state,
            "rack": self.rack,
            "hybrid": self.hybrid,
            "switchboard": self.switchboard,
            "settled": self.settled,
        }
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(kept), encoding="utf-8")
        new.replace(self.path)


def remembered(
    folder: Path,
    site: str,
    language: str | None,
    ups: str | None = None,
    aura: str | None = None,
    board: bool | None = None,
    *,
    fresh: bool,
) -> Memory:
    """What the folder knows; a folder whose set-up was not finished, or is not wanted, is emptied.

    Raises DemoError if the folder holds another site, UPS, AURA or board or speaks another language, or is not ours to
    empty.
    """
    path = folder / "demo.json"
    memory = Memory.load(path)
    if memory and memory.settled and not fresh:
        if site != memory.site:
            raise DemoError(f"{folder} was set up for another site ({memory.site}); start once with --fresh")
        if language not in (None, memory.language):
            raise DemoError(f"{folder} was set up in another language ({memory.language}); start once with --fresh")
        if ups not in (None, memory.ups):
            raise DemoError(f"{folder} was set up with another UPS ({memory.ups}); start once with --fresh")
        if aura not in (None, memory.aura):
            raise DemoError(f"{folder} was set up with another AURA ({memory.aura}); start once with --fresh")
        if board not in (None, memory.board):
            raise DemoError(
                f"{folder} was set up {'with' if memory.board else 'without'} a board; start once with --fresh"
            )
        return memory
    if folder.exists() and any(folder.iterdir()):
        if not path.exists():
            raise DemoError(f"{folder} is no folder of the demo; name another one with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Memory(
        path,
        site=site,
        language=language or LANGUAGES[0],
        ups=ups or SITES[site].ups,
        aura=aura or NO_AURA,
        board=bool(board),
        season=to_june(datetime.now(UTC)),
    )


def known_scenario(name: str | None, site: str) -> Scenario:
    """The scenario of that name, or an uneventful one. Raises DemoError, also for one that happens to another site."""
    if name is None:
        return Scenario("", None, (), site)
    try:
        scenario = load_scenario(SCENARIOS / f"{name}.yaml")
    except (OSError, ScenarioError) as error:
        names = ", ".join(sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
        raise DemoError(f"{error}\nScenarios: {names}") from error
    if scenario.site != site:
        raise DemoError(f"{name} happens to another site; start it with --site {scenario.site}")
    return scenario


def free_port(port: int) -> int:
    """The port, or a free one for 0. Raises DemoError if it is taken."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise DemoError(f"port {port} is taken; name another one with --port") from error
        return int(trial.getsockname()[1])


async def live(
    player: ScenarioPlayer,
    memory: Memory,
    speed: float,
    ready: asyncio.Event,
    rack: Rack | None = None,
    hybrid: Hybrid | None = None,
    switchboard: Switchboard | None = None,
) -> None:
    """Let the site live until cancelled, and keep its state and that of its rack, its AURA and its board now and then.

    The story begins when `ready` is set: what it takes away must be there to be found and shown before.
    """
    loop = asyncio.get_running_loop()
    now = saved = loop.time()
    while True:
        await asyncio.sleep(1)
        before, now = now, loop.time()
        if ready.is_set():
            await player.advance((now - before) * speed)
        else:
            player.installation.advance((now - before) * speed)
        if now - saved >= _SAVE_EVERY:
            saved = now
            memory.save(player.installation.site, rack, hybrid, switchboard)


def gateways(memory: Memory) -> list[Gateway]:
    """What a user adds to Home Assistant to see the site."""
    found = [Gateway("victron_gx", {"host": HOST, "port": memory.port}, SITES[memory.site].controls)]
    if memory.ups != NO_UPS:
        modbus, snmp = memory.card_ports
        form = {
            "host": HOST,
            "channels": "both",
            "port": modbus,
            "unit_id": 1,
            "snmp_version": "v2c",
            "snmp_port": snmp,
            "community": "public",
            "write_community": "private",
        }
        found.append(Gateway("netvision", form, ("ups_standby", "ups_bypass", "ups_shutdown", "ups_schedules")))
    if memory.aura != NO_AURA:
        form = {
            "host": HOST,
            # The stick says it.
            "logger_serial": "",
            "port": memory.stick_port,
            "unit_id": 1,
            "profile": "auto",
            "coupling": "dc_ac_backup",
            "metering": "ct",
            "search": False,
        }
        # Not confirmed: that is for whoever compared the values with a screen.
        chosen = {"profile": profile_of(memory.aura), "confirmed": False}
        found.append(Gateway("solarman", form, later={"solarman_map": chosen}))
    if memory.board:
        title = TITLES[memory.language]
        form = {"host": HOST, "port": memory.board_port, "framing": "tcp", "name": title}
        found.append(Gateway("legrand", form, DANGEROUS, devices=devices_file(memory.language)))
    return found


async def furnish(home: Home, memory: Memory, hours: list[Hour]) -> None:
    """Bring Home Assistant to where a user can look at the site."""
    showcase = SITES[memory.site]
    async with Client(home.url) as client:
        if not memory.settled:
            await make_user(client, memory.language)
        await answering(client)
        await client.log_in(USER, PASSWORD)
        await running(client)
        if memory.settled:
            try:
                await complete(client, showcase, hours)
            except (LookupError, TimeoutError) as missing:
                # The user may well have taken the site apart; the rest of it is still worth a look.
                print(f"The history is not completed: {missing}")
        else:
            print("Home Assistant runs; adding the gateways, the history and the dashboards ...", flush=True)
            await settle(client, showcase, memory.language, gateways(memory), hours)
        await client.log_out()


async def demonstrate(options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Run everything until `stop` is set. Raises DemoError, HomeError, ClientError, TimeoutError, OSError."""
    began = time.monotonic()
    scenario = known_scenario(options.scenario, options.site)
    for name, chosen, nothing in (
        ("a UPS", options.ups, NO_UPS),
        ("an AURA", options.aura, NO_AURA),
        ("a board", options.board, False),
    ):
        if options.site != "house" and chosen not in (None, nothing):
            raise DemoError(f"only the house has {name}")
    port = free_port(options.port)
    folder = options.folder or _FOLDERS[options.site]
    memory = remembered(
        folder, options.site, options.language, options.ups, options.aura, options.board, fresh=options.fresh
    )
    if scenario.board and not memory.board:
        raise DemoError(f"{options.scenario} happens to a board; start it with --board --fresh")
    showcase = SITES[memory.site]
    home = Home(folder, port, _INTEGRATION, place(showcase, memory.language))
    print(f"Starting a simulated {memory.site} and Home Assistant ...", flush=True)
    now = datetime.now(UTC)
    if memory.state and memory.saved:
        site, hours = known_site(showcase.model, memory.state, memory.saved, now, memory.season)
    else:
        site, hours = new_site(showcase.model, now, memory.season)
    if options.clock:
        set_clock(site, options.clock)
    async with AsyncExitStack() as simulators:
        gx = await simulators.enter_async_context(GxSimulator(memory.port))
        memory.port = gx.port
        installation = showcase.installation(gx, site)
        installation.name_devices(memory.language)
        away = max(0.0, (now - (memory.saved or now)).total_seconds())
        rack = await _rack(simulators, memory, installation, away)
        hybrid = await _hybrid(simulators, memory, installation, away)
        switchboard = await _switchboard(simulators, memory, installation)
        player = ScenarioPlayer(scenario, installation)
        ready = asyncio.Event()
        home.prepare()
        if memory.aura != NO_AURA:
            bring_profile(memory.aura, home.config, _INTEGRATION)
        if memory.board:
            bring_profiles(home.config, _INTEGRATION)
        try:
            await home.start()
            async with asyncio.TaskGroup() as tasks:
                living = live(player, memory, options.speed, ready, rack, hybrid, switchboard)
                welcoming = _welcome(home, memory, hours, began, ready)
                work = [tasks.create_task(it) for it in (living, home.run(), welcoming)]
                await stop.wait()
                print("Stopping ...", flush=True)
                for task in work:
                    task.cancel()
        finally:
            await home.stop()
            if memory.settled:
                memory.save(site, rack, hybrid, switchboard)


async def _rack(simulators: AsyncExitStack, memory: Memory, installation: VictronSite[Any], away: float) -> Rack | None:
    """Start what the NET VISION card of the site is, if it has one. Raises OSError."""
    if memory.ups == NO_UPS or not isinstance(installation.site, Site):
        return None
    modbus, snmp = memory.card_ports
    card = await simulators.enter_async_context(NetVisionCard(memory.ups, modbus_port=modbus, snmp_port=snmp))
    memory.card_ports = [card.modbus.port, card.agent.port]
    rack = Rack(card, installation.site)
    rack.restore(memory.rack, away)
    installation.followers.append(rack.advance)
    return rack


async def _hybrid(
    simulators: AsyncExitStack, memory: Memory, installation: VictronSite[Any], away: float
) -> Hybrid | None:
    """Start the AURA of the site and its stick, if it has one. Raises DemoError, OSError."""
    if memory.aura == NO_AURA or not isinstance(installation.site, Site):
        return None
    hybrid = Hybrid(memory.aura, installation.site, port=memory.stick_port)
    try:
        await simulators.enter_async_context(hybrid.stick)
    except OSError as error:
        raise DemoError(f"the stick cannot listen ({error}); one demo at a time can have an AURA") from error
    memory.stick_port = hybrid.stick.port
    hybrid.restore(memory.hybrid, away)
    installation.followers.append(hybrid.advance)
    return hybrid


async def _switchboard(
    simulators: AsyncExitStack, memory: Memory, installation: VictronSite[Any]
) -> Switchboard | None:
    """Start the board of the site and the gateway before it, if it has one. Raises OSError."""
    if not memory.board or not isinstance(installation.site, Site):
        return None
    switchboard = Switchboard(installation.site, port=memory.board_port)
    await simulators.enter_async_context(switchboard.gateway)
    memory.board_port = switchboard.gateway.port
    switchboard.restore(memory.switchboard)
    installation.followers.append(switchboard.advance)
    installation.board = switchboard.board
    return switchboard


async def _welcome(home: Home, memory: Memory, hours: list[Hour], began: float, ready: asyncio.Event) -> None:
    await furnish(home, memory, hours)
    memory.settled = True
    ready.set()
    print(ready_text(memory, home.url, time.monotonic() - began), flush=True)


def ready_text(memory: Memory, url: str, seconds: float) -> str:
    """What a user has to know."""
    others = ""
    if memory.ups != NO_UPS:
        modbus, snmp = memory.card_ports
        others += _READY_CARD.format(machine=MACHINES[memory.ups].model, host=HOST, modbus=modbus, snmp=snmp)
    if memory.aura != NO_AURA:
        others += _READY_STICK.format(profile=profile_of(memory.aura), host=HOST, port=memory.stick_port)
    if memory.board:
        count = len(devices_file(memory.language).splitlines()) - 1
        others += _READY_BOARD.format(count=count, host=HOST, port=memory.board_port)
    return _READY.format(
        seconds=seconds,
        url=url,
        user=USER,
        password=PASSWORD,
        dashboard=SITES[memory.site].url_path,
        host=HOST,
        port=memory.port,
        others=others,
    )


def clock(text: str) -> time_of_day:
    """A time of the day. Raises ValueError."""
    return time_of_day.fromisoformat(text)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="demo", description="A simulated site in a real Home Assistant.")
    parser.add_argument("--site", choices=SITES, default="house", help="what is simulated (house)")
    parser.add_argument("--ups", choices=[*MACHINES, NO_UPS], help="what its NET VISION card looks after (netys)")
    parser.add_argument("--aura", choices=[*AURA_MAPS, NO_AURA], help="the map of its AURA behind a stick (none)")
    parser.add_argument(
        "--board", action=argparse.BooleanOptionalAction, help="a Legrand board with meters, breakers, stations (no)"
    )
    parser.add_argument("--port", type=int, default=8123, help="where Home Assistant listens (8123), 0 for a free port")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than the clock the site lives")
    parser.add_argument("--clock", type=clock, metavar="HH:MM", help="what time it is at the site when it starts (now)")
    parser.add_argument("--scenario", metavar="NAME", help="a story that happens to the site, such as power_cut")
    parser.add_argument("--folder", type=Path, help="where everything is kept (.demo, .demo-boat)")
    parser.add_argument("--fresh", action="store_true", help="forget what is kept and set up again")
    parser.add_argument("--language", choices=LANGUAGES, help="of Home Assistant, chosen at the first start (en)")
    return parser.parse_args(arguments)


async def _main(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    errors: list[str] = []
    try:
        await demonstrate(options, stop)
    except* (DemoError, HomeError, ClientError, TimeoutError, OSError) as group:
        errors = [str(error) for error in group.exceptions]
    for error in errors:
        print(f"demo: {error}", file=sys.stderr)
    return 1 if errors else 0


def main() -> int:
    """Run the demo; the exit code."""
    return asyncio.run(_main(parse()))


if __name__ == "__main__":
    sys.exit(main())
