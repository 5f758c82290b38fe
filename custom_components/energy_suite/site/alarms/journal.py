"""A file of JSON lines that a kill in the middle of a write cannot harm.

What ``append`` and ``rewrite`` returned from is on the disk. Everything here blocks: it is called from an executor.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

type Record = Mapping[str, Any]


class Journal:
    """Lines that are only ever added to, or all replaced at once."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened before ``open``."""
        self.path = path
        self.lines = 0
        self.damaged = 0
        """Lines that could not be read."""
        self._size = 0
        self._torn = False
        """Whether there may be something behind the last line that is whole."""
        self._file: int | None = None

    def open(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand over what is there, and be ready to add to it. Raises ``OSError``.

        A record of which ``take`` raises ``TypeError``, ``ValueError`` or ``KeyError`` counts as damaged.
        """
        self.close()
        self._new.unlink(missing_ok=True)
        existed = self.path.exists()
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if not existed:
            _sync_folder(self.path.parent)
        content = self.path.read_bytes()
        # A line without its end was never confirmed.
        self._size = content.rfind(b"\n") + 1
        if self._size != len(content):
            self._cut()
        self._torn = False
        lines = content[: self._size].split(b"\n")[:-1]
        self.lines, self.damaged = len(lines), 0
        for line in lines:
            try:
                take(_record(line))
            except TypeError, ValueError, KeyError:
                self.damaged += 1

    def append(self, records: Iterable[Record]) -> None:
        """Add lines; they are on the disk when this returns, or none is. Raises ``OSError``."""
        lines = [_line(record) for record in records]
        if not lines:
            return
        content = b"".join(lines)
        if self._torn:
            self._cut()
        self._torn = True
        try:
            _write(self._opened, content)
            os.fsync(self._opened)
        except OSError:
            self._cut()
            raise
        self._torn = False
        self._size += len(content)
        self.lines += len(lines)

    def rewrite(self, records: Iterable[Record]) -> None:
        """Put these in place of all lines, at once. Raises ``OSError``; the old ones are there still."""
        lines = [_line(record) for record in records]
        content = b"".join(lines)
        file = os.open(self._new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            _write(file, content)
            os.fsync(file)
            self._new.replace(self.path)
        except OSError:
            os.close(file)
            raise
        self.close()
        self._file, self._size, self._torn = file, len(content), False
        self.lines, self.damaged = len(lines), 0
        _sync_folder(self.path.parent)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _opened(self) -> int:
        if self._file is None:
            raise OSError("the journal is not open")
        return self._file

    @property
    def _new(self) -> Path:
        return self.path.with_name(f"{self.path.name}.new")

    def _cut(self) -> None:
        """Take away what follows the last line that is whole."""
        os.ftruncate(self._opened, self._size)
        os.fsync(self._opened)
        self._torn = False


def _record(line: bytes) -> dict[str, Any]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError(line)  # noqa: TRY004 - what a file holds is a value
    return record


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode(errors="surrogatepass") + b"\n"


def _write(file: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(file, memoryview(content)[written:])


def _sync_folder(folder: Path) -> None:
    """Make sure that the folder itself knows a file that was made or renamed."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
