"""A Home Assistant of its own: its folder, its process."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

HOST: Final = "127.0.0.1"
RESTART: Final = 100

# Longer than Home Assistant gives itself for its stages of stopping.
_LONGEST_STOP: Final = 90

_LAUNCH: Final = Path(__file__).with_name("launch.py")

_CONFIGURATION: Final = """\
# Written by the demo at every start. It has no default_config: nothing looks for devices or leaves this machine.
config:
energy:
frontend:
history:
logbook:
my:
system_health:

automation: !include automations.yaml
scene: !include scenes.yaml
script: !include scripts.yaml

logger:
  default: warning
  logs:
    # Imported with the list of actions, it complains of a library of the system that the demo never uses.
    homeassistant.components.camera: fatal
"""


class HomeError(Exception):
    """Home Assistant did not start, or ended by itself; the text says why as far as it told."""


def stored(key: str, data: dict[str, Any], version: int, minor_version: int = 1) -> str:
    """A file of Home Assistant's storage."""
    return json.dumps({"version": version, "minor_version": minor_version, "key": key, "data": data}, indent=2)


def http_settings(port: int) -> dict[str, Any]:
    """The web server on loopback; settings in YAML would be a trial that Home Assistant ends after five minutes."""
    return {
        "stable": {
            "server_host": [HOST],
            "server_port": port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": datetime.now(UTC).isoformat(),
            "error": None,
            "error_message": None,
        },
        "pending": None,
        "yaml_migration_done": True,
    }


class Home:
    """One configuration folder and the Home Assistant that runs on it."""

    def __init__(self, folder: Path, port: int, integration: Path, place: dict[str, Any]) -> None:
        """`integration` is the folder of the custom integration, which is linked and not copied.

        `place` holds what Home Assistant knows of the house at first, as its storage does.
        """
        self.config = folder / "config"
        self.output = folder / "home-assistant.log"
        self.temporary = folder / "tmp"
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self._integration = integration
        self._place = place
        self._process: asyncio.subprocess.Process | None = None

    def prepare(self) -> None:
        """Write what the demo decides; what a user made is kept."""
        storage = self.config / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        (self.config / "configuration.yaml").write_text(_CONFIGURATION, encoding="utf-8")
        for name in ("automations", "scenes", "scripts"):
            (self.config / f"{name}.yaml").touch()
        link = self.config / "custom_components" / self._integration.name
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink() or link.resolve() != self._integration.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(self._integration.resolve(), target_is_directory=True)
        (storage / "http").write_text(stored("http", http_settings(self.port), 2, 2), encoding="utf-8")
        # The first user is made over the interface; the other steps would ask for services in the internet.
        onboarded = {"done": ["core_config", "analytics", "integration"]}
        for key, data, version, minor_version in (
            ("onboarding", onboarded, 4, 1),
            ("core.config", self._place, 1, 4),
        ):
            if not (storage / key).exists():
                (storage / key).write_text(stored(key, data, version, minor_version), encoding="utf-8")

    async def start(self) -> None:
        """Start the process, in a session of its own so that a Ctrl-C reaches it through `stop` alone."""
        with self.output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(_LAUNCH),
                "--config",
                str(self.config.resolve()),
                "--skip-pip",
                "--log-no-color",
                cwd=self.config,
                # Home Assistant empties a folder of a fixed name for its uploads, be it that of another one.
                env={**os.environ, "TMPDIR": str(self.temporary.resolve())},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def run(self) -> None:
        """Return never: a restart that the user asked for is done, any other end raises HomeError."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            if code != RESTART:
                raise HomeError(f"Home Assistant ended with exit code {code}\n{self.last_words()}")
            await self.start()

    async def stop(self) -> None:
        """Stop the process properly, and make sure that it and its children are gone."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_STOP):
                    await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        self._process = None

    def last_words(self, lines: int = 30) -> str:
        """The end of what Home Assistant said."""
        with suppress(FileNotFoundError):
            return "\n".join(self.output.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""
