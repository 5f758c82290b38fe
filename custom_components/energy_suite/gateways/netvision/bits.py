"""What the bits of a card say: conditions over their names, and the alarms that they raise.

A bit goes by its acronym in the manual's annexes (``S05``, ``A31`` of the JBUSP, ``S002``, ``A019`` of the VU-MAP, the
same for the STS counted from 0x0140 and 0x0148), an SNMP object by its number (``6.3.15``: it is 1; ``2.1=5``: it is
5). A condition joins them by ``!``, ``&`` and ``|``, which bind in that order: ``S002&!S006``, ``S16|A49``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from ..base import Alarm, Severity
from .quantities import Table


@dataclass(frozen=True)
class _Term:
    """What has to be set, and what must not be."""

    wanted: frozenset[str]
    unwanted: frozenset[str]


@cache
def _terms(condition: str) -> tuple[_Term, ...]:
    alternatives = (alternative.split("&") for alternative in condition.split("|")) if condition else ()
    return tuple(
        _Term(
            wanted=frozenset(name for name in names if not name.startswith("!")),
            unwanted=frozenset(name[1:] for name in names if name.startswith("!")),
        )
        for names in alternatives
    )


def holds(condition: str, bits: Collection[str]) -> bool:
    """Whether the condition holds while these bits, and no others, are set; an empty one never does."""
    return any(term.wanted.issubset(bits) and term.unwanted.isdisjoint(bits) for term in _terms(condition))


def names(condition: str) -> frozenset[str]:
    """The bits that a condition asks for, set or not."""
    return frozenset[str]().union(*(term.wanted | term.unwanted for term in _terms(condition)))


@dataclass(frozen=True, kw_only=True)
class CardAlarm:
    """An alarm, and the condition that raises it in each table; empty where the table has none."""

    key: str
    severity: Severity
    notify_by_default: bool = False
    jbusp: str = ""
    vumap: str = ""
    sts: str = ""
    ups_mib: str = ""
    sts_mib: str = ""

    def condition(self, table: Table) -> str:
        """The condition that raises it in that table."""
        condition: str = getattr(self, table.value)
        return condition


def _information(key: str, **tables: str) -> CardAlarm:
    return CardAlarm(key=key, severity=Severity.INFORMATION, notify_by_default=False, **tables)


def _warning(key: str, *, notify: bool = False, **tables: str) -> CardAlarm:
    return CardAlarm(key=key, severity=Severity.WARNING, notify_by_default=notify, **tables)


def _critical(key: str, *, notify: bool = False, **tables: str) -> CardAlarm:
    return CardAlarm(key=key, severity=Severity.CRITICAL, notify_by_default=notify, **tables)


# The severities are the levels of the annexes, the highest where the tables differ: a bit without one is information.
# The alarms of a parallel system's units are the units' own (``status``); A068 to A071 mean what the site says.
ALARMS: tuple[CardAlarm, ...] = (
    # --- the supply of the load
    _critical("imminent_stop", notify=True, jbusp="A31", vumap="A000", sts="A000", ups_mib="6.3.1", sts_mib="6.1.1"),
    _critical(
        "load_not_supplied",
        notify=True,
        # The annex looks at inverter and bypass alone: eco mode and the maintenance bypass feed the load as well.
        jbusp="!S03&!S04&!S07&!A08",
        vumap="S004",
        sts="S019",
        ups_mib="6.3.56&!4.1=2&!4.1=5",
        sts_mib="5.1=4",
    ),
    _warning("overload", notify=True, jbusp="A02", vumap="A001", ups_mib="6.3.2"),
    # A warning in the log of events, critical as a trap.
    _critical("sts_overload", notify=True, sts="A003", sts_mib="6.1.4"),
    # A UPS may set it while it tests its battery: no power cut. One during a test is told when the test ends.
    _warning("on_battery", notify=True, jbusp="S05&!S10", vumap="A019&!S034", ups_mib="6.3.15&!2.1=4"),
    # Eco mode lives on the bypass too. The annex has the card leave out Energy Saver (S007) instead, so that its object
    # may be 1 all the time that a UPS is in eco mode.
    _warning("on_bypass", notify=True, jbusp="S04&!S07", vumap="S002&!S006", ups_mib="6.3.55&!4.1=5"),
    _warning("on_maintenance_bypass", jbusp="A08", vumap="S003", ups_mib="4.1=2"),
    _warning("standby", jbusp="S08", vumap="S013", ups_mib="4.1=7"),
    # Rectifier, inverter and bypass are off.
    _information("ups_off", jbusp="!S02&!S01&!S04", vumap="!S049&!S052&!S057", ups_mib="6.3.57"),
    _critical("emergency_power_off", jbusp="A58", vumap="A059", ups_mib="6.3.34"),
    # A09 has no label; the MIB raises its object by it.
    _warning("short_circuit", jbusp="A09", vumap="A007", sts="A001", ups_mib="6.3.8"),
    _information("output_voltage_out_of_tolerance", jbusp="A03|A27"),
    _information("installation_overload", vumap="A080"),
    _information("ups_stopped_by_overload", jbusp="A30"),
    _information("inverter_stopped_by_overload", jbusp="A18"),
    # --- the whole
    _warning("general_alarm", jbusp="A00", vumap="A015", sts="A031", ups_mib="6.3.11", sts_mib="6.1.8"),
    _warning("high_ambient_temperature", jbusp="A07", vumap="A002", sts="A018", ups_mib="6.3.3"),
    _warning("transfer_locked", jbusp="A45", vumap="A003", ups_mib="6.3.4"),
    _warning("transfer_impossible", jbusp="A46", vumap="A004", sts="A007", ups_mib="6.3.5", sts_mib="6.1.2"),
    _warning("insufficient_resources", jbusp="A50", vumap="A005", ups_mib="6.3.6"),
    _warning("redundancy_lost", jbusp="A43", vumap="A006", ups_mib="6.3.7"),
    _information("redundancy_loss_imminent", vumap="A043"),
    _information("unit_redundancy_lost", vumap="A045"),
    _warning("fan_failure", jbusp="A60", vumap="A054", ups_mib="6.3.32"),
    _warning("wrong_configuration", jbusp="A20", vumap="A060", sts="A026", ups_mib="6.3.35"),
    _warning("ups_internal_failure", jbusp="A19", vumap="A061", ups_mib="6.3.36"),
    _warning("option_board_alarm", jbusp="A51", vumap="A062", ups_mib="6.3.37"),
    _information("controller_fault", jbusp="A04"),
    _information("parallel_fault", jbusp="A55"),
    _information("parallel_board_critical_alarm", vumap="A046"),
    _information("parallel_board_preventive_alarm", vumap="A047"),
    _information("improper_conditions_of_use", jbusp="A17"),
    _information("pll_fault", jbusp="A21"),
    _information("acs_alarm", vumap="A055"),
    _information("transformer_alarm", vumap="A053"),
    _information("consumables_alarm", vumap="A044"),
    _information("spare_part_not_compatible", vumap="A063"),
    _information("locator", vumap="A026"),
    _information("eco_mode_disabled", vumap="A008"),
    _information("energy_saver_disabled", vumap="A009"),
    _information("line_interactive_disabled", vumap="A072"),
    # --- service
    _warning("maintenance_alarm", jbusp="A44", vumap="A012", sts="A030", ups_mib="6.3.9", sts_mib="6.1.7"),
    _warning("maintenance_alert", vumap="S015", sts="S046"),
    _warning("maintenance_period_ended", jbusp="S49"),
    _warning("service_mode", jbusp="S48", vumap="S009"),
    _warning("stop_in_progress", vumap="S028"),
    _warning("remote_service_alarm", jbusp="A42", vumap="A013", ups_mib="6.3.10"),
    _information("remote_service_preventive_alarm", vumap="A014"),
    # --- battery
    _critical("battery_disconnected", jbusp="A59", vumap="A016", ups_mib="6.3.12"),
    _critical("battery_discharged", jbusp="S16|A49", vumap="A017", ups_mib="6.3.13"),
    # A018 is a warning in its table, but critical as a trap, as is S15 in its own.
    _critical("low_battery", notify=True, jbusp="S15", vumap="A018", ups_mib="6.3.14"),
    _warning("battery_temperature_alarm", vumap="A020", ups_mib="6.3.16"),
    _warning("battery_room_alarm", jbusp="A47", vumap="A021", ups_mib="6.3.17"),
    _warning("battery_test_failed", jbusp="S14", vumap="A022", ups_mib="6.3.18"),
    _warning("battery_test_interrupted", vumap="S037"),
    _warning("battery_alarm", jbusp="A01", vumap="A027", ups_mib="6.3.19"),
    _information("battery_preventive_alarm", vumap="A028"),
    _information("battery_not_ok", vumap="A031"),
    _information("battery_string_faulty", vumap="A023"),
    _information("battery_string_open", vumap="A024"),
    _information("battery_management_alarm", vumap="A058"),
    _information("battery_recharge_interrupted", vumap="A039"),
    _information("on_battery_despite_mains", vumap="A025"),
    _information("battery_functions_unavailable", vumap="A073"),
    _information("backup_battery_critical_alarm", vumap="A029"),
    _information("backup_battery_preventive_alarm", vumap="A030"),
    # --- rectifier, charger, inverter
    _critical("rectifier_critical_alarm", jbusp="A52", vumap="A032", ups_mib="6.3.20"),
    _warning("rectifier_preventive_alarm", jbusp="A23", vumap="A033", ups_mib="6.3.21"),
    _information("rectifier_redundancy_alarm", vumap="A034"),
    # A05 speaks of the frequency; NUT and the MIB take it for the supply as a whole.
    _warning("rectifier_input_not_ok", jbusp="A05", vumap="A035", ups_mib="6.3.22"),
    _information("rectifier_input_fault", jbusp="A22"),
    _warning("genset_alarm", jbusp="A56", vumap="A036", ups_mib="6.3.23"),
    _information("genset_fault", jbusp="A57"),
    _critical("charger_critical_alarm", jbusp="A10", vumap="A037", ups_mib="6.3.24"),
    _warning("charger_preventive_alarm", jbusp="A26", vumap="A038", ups_mib="6.3.25"),
    _information("precharge_out_of_tolerance", jbusp="A13"),
    _information("boost_too_low", jbusp="A14"),
    _information("boost_too_high", jbusp="A15"),
    _information("dc_voltage_too_high", jbusp="A16"),
    _critical("inverter_critical_alarm", jbusp="A54", vumap="A040", ups_mib="6.3.26"),
    _warning("inverter_preventive_alarm", jbusp="A25", vumap="A041", ups_mib="6.3.27"),
    _information("inverter_redundancy_alarm", vumap="A042"),
    # --- bypass
    _critical("bypass_critical_alarm", jbusp="A62", vumap="A048", ups_mib="6.3.28"),
    _warning("bypass_preventive_alarm", jbusp="A29", vumap="A049", ups_mib="6.3.29"),
    _warning("bypass_input_not_ok", jbusp="A06", vumap="A050", ups_mib="6.3.30"),
    _warning("phase_rotation", jbusp="A61", vumap="A051", ups_mib="6.3.31"),
    _warning("maintenance_bypass_alarm", jbusp="A48", vumap="A056", ups_mib="6.3.33"),
    _warning("maintenance_bypass_in_progress", vumap="S027"),
    _information("on_bypass_for_an_hour", vumap="A010"),
    _information("bypass_output_breaker_closed", vumap="A011"),
    _information("bypass_backfeed", vumap="A052"),
    _information("internal_backfeed", vumap="A057"),
    # --- inputs for other equipment: one of them has a level, and the MIB an object for each
    *(
        _warning(f"external_alarm_{n}", jbusp=f"A{37 + n}", vumap=f"A{63 + n:03}", ups_mib=f"6.3.{37 + n}")
        for n in (1, 2, 3, 4)
    ),
    # --- static transfer switch
    *(
        alarm
        for n in (1, 2)
        for alarm in (
            _critical(f"source_{n}_critical", sts=f"S{6 * n - 5:03}", sts_mib=f"{n + 1}.1=3"),
            _warning(f"source_{n}_out_of_tolerance", sts=f"S{6 * n - 4:03}", sts_mib=f"{n + 1}.1=4"),
            _warning(f"source_{n}_absent", sts=f"S{6 * n - 3:03}", sts_mib=f"{n + 1}.1=5"),
            _warning(f"supply_path_{n}_degraded", sts=f"A{4 * n + 5:03}"),
            _warning(f"supply_path_{n}_short_circuit", sts=f"A{4 * n + 6:03}"),
            _critical(f"supply_path_{n}_fault", sts=f"A{4 * n + 7:03}"),
            # The MIB does not tell which of the three it is.
            _critical(f"supply_path_{n}_alarm", sts_mib=f"6.1.{n + 4}"),
            _warning(f"on_manual_bypass_{n}", sts=f"S{n + 19:03}", sts_mib=f"5.1={n + 4}"),
            _warning(f"backfeed_protection_{n}_open", sts=f"A{n + 15:03}"),
        )
    ),
    _warning("sources_sliding", sts="S013", sts_mib="4.1=3"),
    _warning("sources_not_synchronised", sts="S014", sts_mib="4.1=4"),
    _warning("on_alternate_source", sts="S018", sts_mib="5.1=3"),
    _warning("transfer_locked_externally", sts="S026"),
    _warning("output_out_of_tolerance", sts="S029"),
    _warning("output_absent", sts="S030"),
    _warning("esd_input_active", sts="S032"),
    _warning("manual_bypass_alarm", sts="A002"),
    _critical("solink_alarm", sts="A004"),
    _warning("consecutive_detections", sts="A005", sts_mib="6.1.3"),
    _warning("return_transfer_impossible", sts="A006"),
    _warning("preventive_alarm", sts="A025"),
    _warning("hmi_alarm", sts="A027"),
    _warning("electronics_alarm", sts="A028"),
    _warning("customer_input_alarm", sts="A029", sts_mib="6.1.9"),
)

# The card sets these itself; their severities are those of its traps, where there is one.
CARD_ALARMS: tuple[CardAlarm, ...] = (
    _critical("communication_lost", notify=True, ups_mib="6.3.58"),
    _warning("shutdown_pending", ups_mib="6.3.59"),
    _warning("shutdown_requested", ups_mib="6.3.60"),
    _warning("shutdown_imminent", ups_mib="6.3.61"),
    _information("awaiting_power", ups_mib="6.3.62"),
)


def raised(table: Table, bits: Collection[str], alarms: Iterable[CardAlarm] = ALARMS) -> tuple[Alarm, ...]:
    """The alarms that these bits raise."""
    return tuple(
        Alarm(alarm.key, alarm.severity, alarm.notify_by_default)
        for alarm in alarms
        if holds(alarm.condition(table), bits)
    )
