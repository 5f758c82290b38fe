"""The alarm log and the event log: nothing that was confirmed is lost, whatever happens in the middle of a write."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.energy_suite.site.alarms.episodes import Change, Edge, Episode, Severity, Source
from custom_components.energy_suite.site.alarms.events import Event, EventLog, Happening
from custom_components.energy_suite.site.alarms.export import ALARM_COLUMNS, alarms_as_csv, events_as_csv
from custom_components.energy_suite.site.alarms.journal import Journal
from custom_components.energy_suite.site.alarms.log import KEPT, MOST, AlarmLog, Filter
from tests.site import alarm_site
from tests.site.alarm_site import DAY, HOUR

START = alarm_site.START


def episode(number: int, *, key: str = "hot", at: float = START, cleared: float | None = None, **more: Any) -> Episode:
    known = {"source": Source.AUTOMATIC, "subject": "battery", "device": "battery", "severity": Severity.WARNING}
    fields = {**known, "worst": Severity.WARNING, **more}
    return Episode(number=number, key=key, started=at, cleared=cleared, **fields)


def edge(of: Episode, number: int = 0) -> Edge:
    change = Change.RAISED if of.active else Change.CLEARED
    return Edge(number=number, change=change, at=of.started if of.cleared is None else of.cleared, episode=of)


def a_log(folder: Path, **chosen: Any) -> AlarmLog:
    log = AlarmLog(folder / "alarms.jsonl", **chosen)
    log.open()
    return log


def reopened(log: AlarmLog) -> list[Episode]:
    log.close()
    return log.open()


# --- entries ---------------------------------------------------------------------------------------------------------


def test_an_entry_is_one_line_in_the_log_from_its_beginning_to_its_end(tmp_path):
    log = a_log(tmp_path)
    raised = episode(1, details={"temperature": 51.5}, texts={"fr": {"text": "Surchauffe é"}}, name="Batterie", code=3)
    log.write([edge(raised)], START)
    assert reopened(log) == log.query() == [raised]
    cleared = replace(raised, cleared=START + 60)
    log.write([edge(cleared)], START + 60)
    assert reopened(log) == log.query() == [cleared]


def test_edges_that_are_written_again_after_a_kill_change_nothing(tmp_path):
    log = a_log(tmp_path)
    raised, cleared = episode(1), episode(1, cleared=START + 60)
    log.write([edge(raised), edge(cleared)], START)
    size = log.path.stat().st_size
    log.write([edge(raised), edge(cleared)], START)
    assert log.query() == [cleared]
    assert log.path.stat().st_size == size


def test_everything_is_kept_for_two_years_and_what_is_active_for_good(tmp_path):
    log = a_log(tmp_path)
    old, active, young = (
        episode(1, cleared=START + 1),
        episode(2, key="fuse"),
        episode(3, at=START + DAY, cleared=START + DAY),
    )
    log.write([edge(old), edge(active), edge(young)], START)
    log.write([], START + KEPT)
    assert len(log.query()) == 3
    log.write([], START + KEPT + 1)
    assert log.query() == [young, active]


def test_no_more_than_ten_thousand_entries_are_kept(tmp_path):
    log = a_log(tmp_path)
    log.write([edge(episode(number, at=START + number, cleared=START + number)) for number in range(MOST + 7)], START)
    entries = log.query()
    assert len(entries) == MOST == 10_000
    assert entries[-1].number == 7


def test_an_alarm_that_comes_all_the_time_does_not_push_out_the_others(tmp_path):
    log = a_log(tmp_path, most=20)
    rare = [episode(number, key=f"rare {number}", cleared=START) for number in range(5)]
    log.write(map(edge, rare), START)
    log.write([edge(episode(number, at=START + number, cleared=START + number)) for number in range(5, 500)], START)
    assert {each.number for each in log.query()} == {*range(5), *range(485, 500)}


def test_what_is_active_is_kept_even_if_it_is_too_much(tmp_path):
    log = a_log(tmp_path, most=3)
    log.write([edge(episode(number, key=f"{number}")) for number in range(5)], START)
    assert len(log.query()) == 5
    log.write([edge(episode(5, cleared=START)), edge(episode(4, key="4", cleared=START))], START)
    assert [each.number for each in log.query()] == [3, 2, 1, 0]


def test_the_file_is_written_anew_before_it_is_much_longer_than_the_log(tmp_path):
    log = a_log(tmp_path, most=10, slack=20)
    for number in range(200):
        log.write([edge(episode(number, at=START + number))], START)
        log.write([edge(episode(number, at=START + number, cleared=START + number + 1))], START)
        assert len(log.path.read_bytes().splitlines()) <= 40
    entries = log.query()
    assert [each.number for each in entries] == [*range(199, 189, -1)]
    assert sorted(reopened(log), key=lambda each: -each.number) == entries


# --- questions -------------------------------------------------------------------------------------------------------

ONE = episode(1, at=START, cleared=START + HOUR)
TWO = episode(2, key="fuse", at=START + HOUR, severity=Severity.INFORMATION, worst=Severity.CRITICAL)
THREE = episode(3, at=START + 2 * HOUR, subject="r", device="ups", source=Source.RULE, cleared=START + 3 * HOUR)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [THREE, TWO, ONE]),
        (Filter(device="battery"), [TWO, ONE]),
        (Filter(device="ups"), [THREE]),
        (Filter(device="r"), [THREE]),
        (Filter(source=Source.RULE), [THREE]),
        (Filter(severity=Severity.WARNING), [THREE, TWO, ONE]),
        (Filter(severity=Severity.CRITICAL), [TWO]),
        (Filter(active=True), [TWO]),
        (Filter(active=False), [THREE, ONE]),
        (Filter(start=START + HOUR), [THREE, TWO, ONE]),
        (Filter(start=START + HOUR + 1), [THREE, TWO]),
        (Filter(start=START + DAY), [TWO]),
        (Filter(end=START + HOUR), [ONE]),
        (Filter(start=START + HOUR + 1, end=START + 2 * HOUR), [TWO]),
        (Filter(device="battery", active=False), [ONE]),
    ],
)
def test_the_log_is_asked_by_device_source_severity_period_and_activity(tmp_path, wanted, found):
    log = a_log(tmp_path)
    log.write(map(edge, (ONE, TWO, THREE)), START)
    assert log.query(wanted) == found
    assert log.query(wanted, limit=1) == found[:1]


def test_the_csv_has_a_line_for_each_entry_and_no_formula(tmp_path):
    entries = [replace(ONE, name='=HYPERLINK("x")'), replace(TWO, name="Batterie, cave")]
    text = alarms_as_csv(entries, lambda each: f"-{each.key}", ZoneInfo("Europe/Paris"))
    header, one, two = csv.reader(io.StringIO(text))
    assert tuple(header) == ALARM_COLUMNS
    times = ["2027-01-15 09:00:00+01:00", "2027-01-15 10:00:00+01:00"]
    assert one == ['\'=HYPERLINK("x")', "automatic", "'-hot", "warning", *times, "3600"]
    assert two == ["Batterie, cave", "automatic", "'-fuse", "critical", times[1], "", ""]


# --- events ----------------------------------------------------------------------------------------------------------

COMMAND = Event(
    at=START,
    kind=Happening.COMMAND,
    device="gx",
    name="Cerbo",
    what="grid_setpoint",
    before=50.0,
    to=-200.0,
    result="applied",
    who="user",
)
LOST = Event(at=START + HOUR, kind=Happening.CONNECTION_LOST, device="ups")


def test_events_are_kept_as_they_happened_and_asked_by_device_kind_and_period(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.open()
    log.write([COMMAND, LOST], START)
    log.close()
    log.open()
    assert log.query() == [LOST, COMMAND]
    assert log.query(limit=1) == [LOST]
    assert log.query(device="gx") == log.query(kind=Happening.COMMAND) == log.query(end=START + HOUR) == [COMMAND]
    assert log.query(start=START + HOUR) == [LOST]


def test_old_events_and_too_many_are_dropped(tmp_path):
    log = EventLog(tmp_path / "events.jsonl", most=5, slack=10)
    log.open()
    for number in range(100):
        log.write([replace(LOST, at=START + number)], START)
    assert [event.at - START for event in log.query()] == [99, 98, 97, 96, 95]
    assert len(log.path.read_bytes().splitlines()) <= 20
    log.write([], START + 97.5 + KEPT)
    assert [event.at - START for event in log.query()] == [99, 98]


def test_what_happens_all_day_does_not_push_out_what_happens_once_a_year(tmp_path):
    log = EventLog(tmp_path / "events.jsonl", most=50, slack=10)
    log.open()
    firmware = replace(COMMAND, kind=Happening.FIRMWARE, what="firmware")
    log.write([firmware, LOST], START)
    for number in range(200):
        log.write([replace(COMMAND, at=START + number)], START)
    log.write([replace(COMMAND, what="charging")], START)
    assert log.query(kind=Happening.FIRMWARE) == [firmware]
    assert log.query(kind=Happening.CONNECTION_LOST) == [LOST]
    setpoints = [event.at - START for event in log.query() if event.what == "grid_setpoint"][:47]
    assert setpoints == [199 - number for number in range(47)]
    assert len(log.query()) == 50
    log.close()
    log.open()
    assert len(log.query()) == 50
    assert log.query(kind=Happening.FIRMWARE) == [firmware]
    log.close()


@pytest.mark.parametrize("wrong", [{"at": None}, {"at": "now"}, {"at": 1e300}, {"what": []}])
def test_an_event_of_no_time_or_name_is_passed_over(tmp_path, wrong):
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_text("".join(f"{json.dumps(each)}\n" for each in (LOST.as_json() | wrong, LOST.as_json())))
    log.open()
    assert (log.query(), log.damaged) == ([LOST], 1)


def test_an_event_that_cannot_be_read_is_passed_over(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_text(f'{{"kind": "something else"}}\n{json.dumps(LOST.as_json())}\n')
    log.open()
    assert log.query() == [LOST]


def test_the_csv_of_events_keeps_negative_numbers():
    text = events_as_csv([COMMAND, LOST], ZoneInfo("UTC"))
    _, one, two = csv.reader(io.StringIO(text))
    assert one == [
        "2027-01-15 08:00:00+00:00",
        "command",
        "Cerbo",
        "grid_setpoint",
        "50.0",
        "-200.0",
        "applied",
        "user",
    ]
    assert two == ["2027-01-15 09:00:00+00:00", "connection_lost", "ups", "", "", "", "", ""]


# --- what may go wrong with a file -----------------------------------------------------------------------------------


def test_a_torn_last_line_is_cut_off_wherever_it_is_torn(tmp_path):
    log = a_log(tmp_path)
    log.write([edge(ONE)], START)
    whole = log.path.stat().st_size
    log.write([edge(TWO)], START)
    content = log.path.read_bytes()
    for size in range(whole, len(content)):
        log.close()
        log.path.write_bytes(content[:size])
        assert log.open() == [ONE]
        assert log.damaged == 0
        assert log.path.stat().st_size == whole
    log.write([edge(THREE)], START)
    assert reopened(log) == [ONE, THREE]


@pytest.mark.parametrize("garbage", [b"\0" * 100, b"{", b"[]", b"\xff\xfe", b'{"number": 1}', b""])
def test_a_damaged_line_costs_that_line_alone(tmp_path, garbage):
    log = a_log(tmp_path)
    log.write([edge(ONE)], START)
    with log.path.open("ab") as file:
        file.write(garbage + b"\n")
    log.close()
    log.open()
    log.write([edge(TWO)], START)
    assert reopened(log) == [ONE, TWO]
    assert log.damaged == 1


def failing(name: str, monkeypatch: pytest.MonkeyPatch, failure: Callable[..., Any]) -> None:
    monkeypatch.setattr(os, name, failure)


def test_a_full_disk_keeps_nothing_of_what_was_not_confirmed(tmp_path, monkeypatch):
    log = a_log(tmp_path)
    log.write([edge(ONE)], START)
    write = os.write

    def half(file: int, content: Any) -> int:
        if len(content) < 50:
            raise OSError(28, "No space left on device")
        return write(file, content[: len(content) // 2])

    with monkeypatch.context() as full:
        failing("write", full, half)
        with pytest.raises(OSError, match="No space"):
            log.write([edge(TWO)], START)
    assert log.query() == [ONE]
    log.write([edge(TWO)], START)
    assert reopened(log) == [ONE, TWO]


def test_what_could_not_even_be_cut_off_is_cut_off_before_the_next_line(tmp_path, monkeypatch):
    log = a_log(tmp_path)
    log.write([edge(ONE)], START)

    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as bad:
        failing("fsync", bad, broken)
        failing("ftruncate", bad, broken)
        with pytest.raises(OSError, match="Input/output"):
            log.write([edge(TWO)], START)
    log.write([edge(THREE)], START)
    assert reopened(log) == [ONE, THREE]


@pytest.mark.parametrize("step", ["open", "write", "fsync"])
def test_a_log_that_cannot_be_written_anew_goes_on_in_the_old_file(tmp_path, monkeypatch, step):
    log = a_log(tmp_path, most=2, slack=0)
    numbers = count(1)

    def one_more() -> None:
        number = next(numbers)
        log.write([edge(episode(number, at=START + number, cleared=START + number))], START)

    for _ in range(4):
        one_more()
    original, calls = getattr(os, step), count()

    def broken(*arguments: Any) -> Any:
        # The line itself is written and synchronised first.
        if step == "open" or next(calls) > 0:
            raise OSError(28, "No space left on device")
        return original(*arguments)

    with monkeypatch.context() as full:
        failing(step, full, broken)
        one_more()
    assert [each.number for each in log.query()] == [5, 4]
    one_more()
    assert [each.number for each in reopened(log)] == [5, 6]
    assert not log.path.with_name("alarms.jsonl.new").exists()


def test_what_a_kill_left_of_a_new_file_is_removed(tmp_path):
    log = a_log(tmp_path)
    log.write([edge(ONE)], START)
    new = log.path.with_name("alarms.jsonl.new")
    new.write_bytes(b'{"number":')
    assert reopened(log) == [ONE]
    assert not new.exists()


def test_a_journal_that_is_not_open_writes_nothing(tmp_path):
    with pytest.raises(OSError, match="not open"):
        Journal(tmp_path / "file").append([{}])


def test_nothing_that_was_confirmed_is_lost_by_a_hundred_kills(tmp_path):
    script = Path(__file__).with_name("alarm_writer.py")
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "alarms.jsonl"), "100"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["lost"], result["damaged"]) == (0, 0)
    assert result["confirmed"] > 250
