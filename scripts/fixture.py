"""Turns a downloaded diagnostics file into a test fixture that holds the devices' raw registers and nothing else."""

import argparse
import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "diagnostics"
KEPT = ("kind", "profile", "unit_id", "registers")


def fixture(diagnostics: dict[str, Any]) -> dict[str, Any]:
    """Return what a test needs of a diagnostics file: per device its kind, its map, its unit and its registers."""
    devices: dict[str, dict[str, Any]] = diagnostics["data"]["devices"]
    return {
        "devices": {
            key: {name: device[name] for name in KEPT if device.get(name) is not None}
            for key, device in devices.items()
            # What is read of a unit of a UPS is among the registers of the UPS.
            if device.get("registers") or device.get("available")
        }
    }


def main() -> None:
    """Read the file named on the command line and write the fixture."""
    parser = argparse.ArgumentParser(prog="scripts/fixture", description=__doc__)
    parser.add_argument("diagnostics", type=Path, help="the file that Home Assistant's Download diagnostics saved")
    parser.add_argument("name", help="what the fixture is called, such as cerbo_gx_3_60")
    arguments = parser.parse_args()
    try:
        made = fixture(json.loads(arguments.diagnostics.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        parser.error(f"{arguments.diagnostics} is no diagnostics file of Energy Suite: {error!r}")
    target = FIXTURES / f"{arguments.name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(made['devices'])} devices")


if __name__ == "__main__":
    main()
