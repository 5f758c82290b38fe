"""Devices in a CSV file: one line each, under a line that names the columns. The template is in ``docs``."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..profiles.library import Library
from .catalogue import CATALOGUE, Addressing
from .equipment import (
    SLAVE_ADDRESS,
    Equipment,
    FeedDirection,
    free_name,
    problems,
    reference_of,
    remote_id_of,
    usual_map,
)
from .generic import GENERIC

MOST_CHARACTERS: Final = 200_000
MOST_DEVICES: Final = 255
SEPARATORS: Final = ";,\t"
WHOLE_FILE: Final = 0
"""The line of what is wrong with the file as such."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a line: the column (empty for the line as such) and the reason, the word of a text."""

    line: int
    column: str
    reason: str
    value: str = ""


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    # The server's own files have a comma unless they are told otherwise.
    number = float(text.replace(",", "."))
    # Python would take underscores as well.
    if "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.casefold()]
    except KeyError:
        raise ValueError(text) from None


def _word_order(text: str) -> str:
    if text.casefold() not in ("high_first", "low_first"):
        raise ValueError(text)
    return text.casefold()


_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "x", "yes", "true", "on", "oui", "vrai"), True),
    **dict.fromkeys(("0", "no", "false", "off", "non", "faux"), False),
}

COLUMNS: Final[Mapping[str, Callable[[str], Any]]] = {
    "name": str,
    "reference": reference_of,
    "address": _whole,
    "remote_address": str,
    "position": _whole,
    "concentrator": reference_of,
    "weight": _number,
    "index": _number,
    "side": _whole,
    "phase": _whole,
    "single_phase": _flag,
    "feed_direction": lambda text: FeedDirection(text.casefold()),
    "remote_id": remote_id_of,
    "map": str,
    "circuit": str,
    "exclude_from_totals": _flag,
    "exclude_from_alarms": _flag,
    "enabled": _flag,
}
"""Column -> what makes its value of the text; they are the fields of ``Equipment``."""
METER_COLUMNS: Final[Mapping[str, Callable[[str], Any]]] = {
    "function": _whole,
    "register": str,
    "words": _whole,
    "multiplier": str,
    "unit": str,
    "word_order": _word_order,
    "signed": _flag,
}
"""The same of a generic meter."""
_NEEDED: Final = ("reference", "address")
_ALL: Final = {**COLUMNS, **METER_COLUMNS}


def read_devices(text: str, others: Iterable[Equipment], library: Library) -> tuple[list[Equipment], list[Mistake]]:
    """The devices in a file, and everything that is wrong with it; ``others`` are already there.

    Only a file without mistakes is to be used: nothing of it is added in part.
    """
    if len(text) > MOST_CHARACTERS:
        return [], [Mistake(WHOLE_FILE, "", "file_too_large")]
    lines = text.lstrip("\ufeff").splitlines()
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        return [], [Mistake(WHOLE_FILE, "", "file_empty")]
    separator = max(SEPARATORS, key=lines[head].count)
    rows = csv.reader(io.StringIO("\n".join(lines[head:])), delimiter=separator, strict=True)
    try:
        columns = [cell.strip().casefold() for cell in next(rows)]
        while columns and not columns[-1]:
            columns.pop()  # as spreadsheets end a line
    except csv.Error:
        return [], [Mistake(head + 1, "", "no_csv")]
    if mistakes := list(_heading(columns, head + 1)):
        return [], mistakes
    return _rows(list(_numbered(rows, head)), columns, list(others), library)


def _numbered(rows: Any, head: int) -> Iterator[tuple[int, list[str] | None]]:
    """The rows with the lines in the file where they begin; None for one that is no CSV."""
    while True:
        line = head + rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield line, None
            return
        yield line, row


def _heading(columns: list[str], line: int) -> Iterator[Mistake]:
    for place, column in enumerate(columns):
        if column not in _ALL:
            yield Mistake(line, column, "unknown_column")
        elif column in columns[:place]:
            yield Mistake(line, column, "column_twice")
    for column in _NEEDED:
        if column not in columns:
            yield Mistake(line, column, "missing_column")


def _rows(
    rows: list[tuple[int, list[str] | None]], columns: list[str], others: list[Equipment], library: Library
) -> tuple[list[Equipment], list[Mistake]]:
    devices: list[Equipment] = []
    mistakes: list[Mistake] = []
    named = columns.index("name") if "name" in columns else len(columns)
    chosen = [row[named] for _, row in rows if row is not None and len(row) > named]
    for line, row in rows:
        if row is None:
            mistakes.append(Mistake(line, "", "no_csv"))
        elif not any(cell.strip() for cell in row):
            continue
        elif len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
            mistakes.append(Mistake(line, "", "too_many_cells"))
        elif len(devices) == MOST_DEVICES:
            mistakes.append(Mistake(line, "", "too_many_devices"))
            break
        else:
            cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if cell.strip()}
            device, wrong = _device(cells, [*others, *devices], chosen, library)
            mistakes += [Mistake(line, column, reason, cells.get(column, "")) for column, reason in wrong.items()]
            if device is not None:
                # One that is wrong is compared with those below all the same.
                devices.append(device)
    if not devices and not mistakes:
        mistakes.append(Mistake(WHOLE_FILE, "", "file_empty"))
    return devices, mistakes


def _device(
    cells: Mapping[str, str], others: list[Equipment], chosen: list[str], library: Library
) -> tuple[Equipment | None, dict[str, str]]:
    """The device of a line, and what is wrong with it: column -> reason. ``chosen`` are the names in the file."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for column, cell in cells.items():
        try:
            values[column] = _ALL[column](cell)
        except ValueError:
            wrong[column] = _REASONS.get(column, "bad_value")
    if values.get("reference") not in CATALOGUE:
        return None, {**wrong, "reference": "missing_model"}
    virtual = CATALOGUE[values["reference"]].addressing is Addressing.VIRTUAL
    if virtual and "address" not in cells:
        values["address"] = SLAVE_ADDRESS
    if "address" not in values:
        return None, {**wrong, "address": "bad_address"}
    meter = {column: values.pop(column) for column in METER_COLUMNS if column in values}
    if meter:
        values.setdefault("map", GENERIC)
        meter.setdefault("function", 3)
    equipment = Equipment(**{"name": "", **values, "meter": meter})
    if "map" not in values:
        equipment = replace(equipment, map=usual_map(equipment, library))
    if not equipment.name:
        # As on the web server; a name that nobody chose is never in the way.
        equipment = replace(equipment, name=free_name(equipment.place, [*chosen, *(other.name for other in others)]))
    return equipment, {**problems(equipment, others, library), **wrong}


_REASONS: Final[Mapping[str, str]] = {
    "address": "bad_address",
    "position": "bad_position",
    "weight": "bad_weight",
    "side": "bad_side",
    "phase": "bad_phase",
    "remote_id": "bad_remote_id",
    "function": "bad_function",
    "words": "bad_words",
}
"""The reasons that the fields of the form have too."""
