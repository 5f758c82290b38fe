"""What automations are about: which entities of which kinds of device, and what their states mean."""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import STATE_OFF, STATE_ON, Platform
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec, filter_by_domain_specs

from .const import CONF_DEVICES, CONF_UID, DOMAIN
from .entities.common import words
from .gateways.legrand.catalogue import CATALOGUE
from .gateways.netvision.devices import Source
from .gateways.netvision.status import StsStatus, UpsStatus
from .gateways.victron.enums import AcSource, EnergySource, EvStatus, GeneratorState, GensetStatus

DOMAINS: Final[Mapping[str, DomainSpec]] = {
    domain: DomainSpec() for domain in (Platform.BINARY_SENSOR, Platform.SENSOR, Platform.SWITCH)
}

type Entities = frozenset[tuple[str, str]]
"""(kind of device, key of its entity)."""
type States = Mapping[tuple[str, str], frozenset[str]]
"""The same, each with some of its states."""


@dataclass(frozen=True)
class Fact:
    """What is so in some states of the entities, and is not so in others; what is in neither says nothing."""

    so: States
    not_so: States


@dataclass(frozen=True)
class Level:
    """What is so once a percentage has reached a threshold from one side."""

    entities: Entities
    compare: Callable[[float, float], bool]

    def is_so(self, state: State, threshold: float) -> bool:
        """Whether a state, which is neither unknown nor unavailable, has reached the threshold."""
        return self.compare(float(state.state), threshold)


def _entities(*named: tuple[str, str]) -> Entities:
    return frozenset(named)


def _fact(entities: Entities, so: Iterable[str], not_so: Iterable[str]) -> Fact:
    return Fact(dict.fromkeys(entities, frozenset(so)), dict.fromkeys(entities, frozenset(not_so)))


def _one_of(entities: Entities, members: type[IntEnum], *so: IntEnum) -> Fact:
    named = {member.name.lower() for member in so}
    return _fact(entities, named, set(words(members)) - named)


def _on(*named: tuple[str, str]) -> Fact:
    return _fact(_entities(*named), {STATE_ON}, {STATE_OFF})


def _off(*named: tuple[str, str]) -> Fact:
    return _fact(_entities(*named), {STATE_OFF}, {STATE_ON})


def _either(one: Fact, other: Fact) -> Fact:
    """A fact that different devices tell by different entities."""
    return Fact({**one.so, **other.so}, {**one.not_so, **other.not_so})


_STATUS: Final = _entities(("ev_charger", "status"))
# The GX says which state of charge counts; a battery and a UPS say their own.
_STATE_OF_CHARGE: Final = _entities(*((kind, "state_of_charge") for kind in ("gx", "battery", "ups")))
_TANK: Final = _entities(("tank", "level"))

GRID: Final = _one_of(_entities(("gx", "ac_source")), AcSource, AcSource.GRID, AcSource.SHORE)
GENERATOR_RUNNING: Final = _on(("generator", "running"), ("ac_genset", "running"), ("dc_genset", "running"))
GENERATOR_FAILED: Final = _either(
    _one_of(_entities(("generator", "state")), GeneratorState, GeneratorState.ERROR),
    _one_of(_entities(("ac_genset", "status"), ("dc_genset", "status")), GensetStatus, GensetStatus.ERROR),
)
BATTERY_LOW: Final = Level(_STATE_OF_CHARGE, operator.le)
BATTERY_FULL: Final = Level(_STATE_OF_CHARGE, operator.ge)
DISCHARGE_ALLOWED: Final = _either(_on(("battery", "discharge_allowed")), _off(("inverter_charger", "load_disconnect")))
# With an error, who knows.
_ERRORS: Final = range(EvStatus.GROUND_TEST_ERROR, EvStatus.OVERHEATING + 1)
CAR_CONNECTED: Final = _fact(
    _STATUS,
    {status.name.lower() for status in EvStatus if status and status not in _ERRORS},
    {EvStatus.DISCONNECTED.name.lower()},
)
# While the station switches between one phase and three, the charge goes on.
CAR_CHARGING: Final = _either(
    _one_of(
        _STATUS,
        EvStatus,
        EvStatus.CHARGING,
        EvStatus.CHARGING_LIMIT,
        EvStatus.SWITCHING_TO_1_PHASE,
        EvStatus.SWITCHING_TO_3_PHASE,
    ),
    _fact(_entities(("charger", "status")), {"charging"}, {"available", "waiting", "fault"}),
)
CAR_CHARGED: Final = _one_of(_STATUS, EvStatus, EvStatus.CHARGED)
ENERGY_SOURCE: Final = _entities(("gx", "energy_source"))
ENERGY_SOURCES: Final = words(EnergySource)
TANK_BELOW: Final = Level(_TANK, operator.le)
TANK_ABOVE: Final = Level(_TANK, operator.ge)
RELAY_CLOSED: Final = _on(("gx", "relay_1"), ("gx", "relay_2"), ("solar_charger", "relay"), ("ac_charger", "relay"))
_UPS_STATUS: Final = _entities(("ups", "ups_status"))
# Off, in standby, under test or about to stop, a UPS does not tell whether its mains are there.
UPS_ON_MAINS: Final = _fact(
    _UPS_STATUS,
    {
        status.name.lower()
        for status in (
            UpsStatus.ON_INVERTER,
            UpsStatus.NORMAL,
            UpsStatus.ECO,
            UpsStatus.LINE_INTERACTIVE,
            UpsStatus.FLEX,
            UpsStatus.ON_BYPASS,
        )
    },
    {UpsStatus.ON_BATTERY.name.lower()},
)
# At the end of its battery a UPS is about to stop; one that was switched on or tested has had its mains all along.
UPS_MAINS_MISSED: Final[States] = {
    entity: on_battery | {UpsStatus.IMMINENT_STOP.name.lower()} for entity, on_battery in UPS_ON_MAINS.not_so.items()
}
UPS_BATTERY_LOW: Final = _on(("ups", "battery_low"))
UPS_ON_BYPASS: Final = _on(("ups", "on_bypass"))
STOP_IMMINENT: Final = _on(("ups", "imminent_stop"), ("sts", "imminent_stop"))
OVERLOADED: Final = _on(("ups", "overload"), ("sts", "overload"))
LOAD_SUPPLIED: Final = _on(("ups", "load_supplied"), ("sts", "load_supplied"))
# On a maintenance bypass or about to stop, the STS does not say which of its sources it is on.
ON_PREFERRED_SOURCE: Final = _fact(
    _entities(("sts", "sts_status")),
    {StsStatus.ON_PREFERRED_SOURCE.name.lower()},
    {StsStatus.ON_ALTERNATE_SOURCE.name.lower()},
)
# A module that signals the states of a breaker has one as well as the breaker that tells them itself.
_BREAKER: Final = _entities(
    *((kind, "breaker") for kind in ("breaker", "breaker_meter", "state_module", "state_command_module", "io_module"))
)
BREAKER_TRIPPED: Final = _fact(_BREAKER, {"tripped"}, {"open", "closed"})
# One that tripped is not opened once more when it is reset.
BREAKER_OPEN: Final = _fact(_BREAKER, {"open"}, {"closed", "tripped"})
BREAKER_CLOSED: Final = _fact(_BREAKER, {"closed"}, {"open", "tripped"})
STS_SOURCE: Final = _entities(("sts", "active_source"))
STS_SOURCES: Final = words(Source)


@callback
def async_only(hass: HomeAssistant, entities: Collection[tuple[str, str]], entity_ids: Iterable[str]) -> set[str]:
    """Those of the entities that are ours and meant, whatever their ids and names are now."""
    # A button may have the key of the state that it leads to.
    stateful = filter_by_domain_specs(hass, DOMAINS, set(entity_ids))
    return {entity_id for entity_id in stateful if _kind_and_key(hass, entity_id) in entities}


@callback
def async_is_in(hass: HomeAssistant, state: State, states: States) -> bool:
    """Whether an entity is in one of its states."""
    kind_and_key = _kind_and_key(hass, state.entity_id)
    return kind_and_key is not None and state.state in states.get(kind_and_key, ())


def _kind_and_key(hass: HomeAssistant, entity_id: str) -> tuple[str, str] | None:
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN:
        return None
    # From what is stored, so that it is known also while the gateway is not loaded; None once it is deleted.
    entry = hass.config_entries.async_get_entry(entity.config_entry_id or "")
    if entry is None:
        return None
    prefixes = {f"{entry.data[CONF_UID]}_{key}_": kind for key, kind in _devices(entry, entity.config_subentry_id)}
    return next(
        (
            (kind, entity.unique_id.removeprefix(prefix))
            for prefix, kind in prefixes.items()
            if entity.unique_id.startswith(prefix)
        ),
        None,
    )


def _devices(entry: ConfigEntry, subentry_id: str | None) -> Iterator[tuple[str, str]]:
    """(key, kind) of the device that a subentry describes, or of those that the gateway found."""
    if (subentry := entry.subentries.get(subentry_id or "")) is None:
        yield from ((device["key"], device["kind"]) for device in entry.data[CONF_DEVICES])
    elif (reference := CATALOGUE.get(subentry.data.get("reference", ""))) is not None:
        yield subentry.subentry_id, reference.kind
