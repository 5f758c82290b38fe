"""What speaks to devices, and what decides for an installation, knows nothing of Home Assistant."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import custom_components.energy_suite

INTEGRATION = Path(custom_components.energy_suite.__file__).parent
LAYERS = [layer for layer in ("gateways", "site") if (INTEGRATION / layer / "__init__.py").exists()]
MODULES = sorted(path for layer in LAYERS for path in (INTEGRATION / layer).rglob("*.py"))

# The folder goes to the end of the path: it also has modules named as ones of the standard library (select, site).
IMPORT_EVERYTHING = """
import importlib.util, pkgutil, sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("homeassistant", "custom_components"):
            raise ImportError(f"{name} is out of reach")

folder = Path(sys.argv[1])
sys.meta_path.insert(0, Blocked())
sys.path.append(str(folder))
for layer in sys.argv[2:]:
    start = folder / layer / "__init__.py"
    spec = importlib.util.spec_from_file_location(layer, start, submodule_search_locations=[str(start.parent)])
    package = sys.modules[layer] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    print(start)
    for found in pkgutil.walk_packages(package.__path__, f"{layer}."):
        print(importlib.import_module(found.name).__file__)
"""


def test_the_layers_are_imported_where_home_assistant_cannot_be():
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, str(INTEGRATION), *LAYERS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert sorted(map(Path, run.stdout.split())) == MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(INTEGRATION)))
def test_no_module_of_the_layers_imports_home_assistant_or_leaves_its_layer(module):
    depth = len(module.relative_to(INTEGRATION).parts) - 1
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= depth, f"line {node.lineno} leaves the layer"
            names = [] if node.level else [node.module or ""]
        else:
            continue
        for name in names:
            assert name.partition(".")[0] not in ("homeassistant", "custom_components"), f"line {node.lineno}"
