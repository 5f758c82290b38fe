"""A simulated house or boat and a real Home Assistant that shows it: `python -m demo --help`."""

import argparse
import asyncio
import json
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Final, Self

from .client import Client, ClientError
from .dashboard import LANGUAGES
from .gx import GxSimulator
from .home import HOST, Home, HomeError
from .life import known_site, new_site, set_clock, snapshot, to_june
from .model import Hour, Model
from .scenario import SCENARIOS, Scenario, ScenarioError, ScenarioPlayer, load_scenario
from .settling import PASSWORD, USER, answering, complete, make_user, place, running, settle
from .sites import SITES

_INTEGRATION: Final = Path(__file__).parent.parent / "custom_components" / "energy_suite"
_SAVE_EVERY: Final = 60.0
_FOLDERS: Final = {"house": Path(".demo"), "boat": Path(".demo-boat")}

_READY: Final = """
Energy Suite demo, ready after {seconds:.0f} s

  Home Assistant   {url}
  User / password  {user} / {password}
  Dashboard        {url}/{dashboard}
  Simulated GX     Modbus TCP, {host} port {port}

Ctrl-C stops it.
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
    season: timedelta = timedelta()
    saved: datetime | None = None
    state: dict[str, Any] | None = None
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

    def save(self, site: Model) -> None:
        """Keep what there is now."""
        self.saved = datetime.now(UTC)
        self.state = snapshot(site)
        kept = {
            "site": self.site,
            "language": self.language,
            "port": self.port,
            "season": self.season // timedelta(weeks=1),
            "saved": self.saved.isoformat(),
            "state": self.state,
            "settled": self.settled,
        }
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(kept), encoding="utf-8")
        new.replace(self.path)


def remembered(folder: Path, site: str, language: str | None, *, fresh: bool) -> Memory:
    """What the folder knows; a folder whose set-up was not finished, or is not wanted, is emptied.

    Raises DemoError if the folder holds another site or speaks another language, or is not ours to empty.
    """
    path = folder / "demo.json"
    memory = Memory.load(path)
    if memory and memory.settled and not fresh:
        if site != memory.site:
            raise DemoError(f"{folder} was set up for another site ({memory.site}); start once with --fresh")
        if language not in (None, memory.language):
            raise DemoError(f"{folder} was set up in another language ({memory.language}); start once with --fresh")
        return memory
    if folder.exists() and any(folder.iterdir()):
        if not path.exists():
            raise DemoError(f"{folder} is no folder of the demo; name another one with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Memory(path, site=site, language=language or LANGUAGES[0], season=to_june(datetime.now(UTC)))


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


async def live(player: ScenarioPlayer, memory: Memory, speed: float) -> None:
    """Let the site live until cancelled, and keep its state now and then."""
    loop = asyncio.get_running_loop()
    now = saved = loop.time()
    await player.advance(0)
    while True:
        await asyncio.sleep(1)
        before, now = now, loop.time()
        await player.advance((now - before) * speed)
        if now - saved >= _SAVE_EVERY:
            saved = now
            memory.save(player.installation.site)


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
            print("Home Assistant runs; adding the gateway, the history and the dashboards ...", flush=True)
            await settle(client, showcase, memory.language, (HOST, memory.port), hours)
        await client.log_out()


async def demonstrate(options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Run everything until `stop` is set. Raises DemoError, HomeError, ClientError, TimeoutError, OSError."""
    began = time.monotonic()
    scenario = known_scenario(options.scenario, options.site)
    port = free_port(options.port)
    folder = options.folder or _FOLDERS[options.site]
    memory = remembered(folder, options.site, options.language, fresh=options.fresh)
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
    async with GxSimulator(memory.port) as gx:
        memory.port = gx.port
        installation = showcase.installation(gx, site)
        installation.name_devices(memory.language)
        player = ScenarioPlayer(scenario, installation)
        home.prepare()
        try:
            await home.start()
            async with asyncio.TaskGroup() as tasks:
                work = [tasks.create_task(live(player, memory, options.speed)), tasks.create_task(home.run())]
                work.append(tasks.create_task(_welcome(home, memory, hours, began)))
                await stop.wait()
                print("Stopping ...", flush=True)
                for task in work:
                    task.cancel()
        finally:
            await home.stop()
            if memory.settled:
                memory.save(site)


async def _welcome(home: Home, memory: Memory, hours: list[Hour], began: float) -> None:
    await furnish(home, memory, hours)
    memory.settled = True
    print(
        _READY.format(
            seconds=time.monotonic() - began,
            url=home.url,
            user=USER,
            password=PASSWORD,
            dashboard=SITES[memory.site].url_path,
            host=HOST,
            port=memory.port,
        ),
        flush=True,
    )


def clock(text: str) -> time_of_day:
    """A time of the day. Raises ValueError."""
    return time_of_day.fromisoformat(text)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="demo", description="A simulated site in a real Home Assistant.")
    parser.add_argument("--site", choices=SITES, default="house", help="what is simulated (house)")
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
