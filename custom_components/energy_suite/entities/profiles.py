"""The entities of a device that a profile tells: from its keys, units and kinds, in the words of the suite."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from functools import cache
from typing import Any, Final

from homeassistant.components.number import NumberDeviceClass, NumberMode
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfElectricCurrent, UnitOfReactiveEnergy, UnitOfReactivePower

from ..gateways.profiles.device import ProfileDevice
from ..gateways.profiles.schema import Bit, Command, Register, Type
from ..gateways.profiles.vocabulary import VOCABULARY, in_language, names_of
from .common import (
    APPARENT_POWER,
    CHARGE,
    CODE,
    COUNT,
    CURRENT,
    ENERGY,
    FREQUENCY,
    METERED_VOLUME,
    MINUTES,
    PERCENT,
    PHASE_SHIFT,
    POWER,
    POWER_FACTOR,
    TEMPERATURE,
    TOTAL_COUNT,
    VOLTAGE,
    Quantity,
)
from .descriptions import (
    BinarySensorDescription,
    ButtonDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
)
from .netvision import NETVISION
from .victron import VICTRON

REACTIVE_POWER: Final = Quantity(
    unit=UnitOfReactivePower.VOLT_AMPERE_REACTIVE, device_class=SensorDeviceClass.REACTIVE_POWER, precision=0
)
REACTIVE_ENERGY: Final = Quantity(
    unit=UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR,
    device_class=SensorDeviceClass.REACTIVE_ENERGY,
    state_class=SensorStateClass.TOTAL_INCREASING,
    precision=2,
)
RESISTANCE: Final = Quantity(unit="kΩ", precision=0)
SMALL_CURRENT: Final = replace(CURRENT, precision=3, shown_in=UnitOfElectricCurrent.MILLIAMPERE, step=0.001)

BY_UNIT: Final[Mapping[str | None, Quantity]] = {
    "W": POWER,
    "VA": APPARENT_POWER,
    "var": REACTIVE_POWER,
    "V": VOLTAGE,
    "A": CURRENT,
    "Hz": FREQUENCY,
    "kWh": ENERGY,
    "kvarh": REACTIVE_ENERGY,
    "Ah": CHARGE,
    "%": PERCENT,
    "°C": TEMPERATURE,
    "s": replace(MINUTES, shown_in=None),
    "m³": METERED_VOLUME,
    "kΩ": RESISTANCE,
    "°": PHASE_SHIFT,
    None: COUNT,
}
BY_KEY: Final[Mapping[str, Quantity]] = {
    **{f"power_factor_l{phase}": POWER_FACTOR for phase in (1, 2, 3)},
    "leakage_current": SMALL_CURRENT,
    "pulse_total": TOTAL_COUNT,
}


@cache
def _known() -> dict[str, SensorDescription[Any]]:
    """The readings of the devices written by hand, by key: there a key has its name, and how it is shown."""
    known: dict[str, SensorDescription[Any]] = {}
    for descriptions in (*VICTRON.values(), *NETVISION.values()):
        for description in descriptions:
            if isinstance(description, SensorDescription):
                known.setdefault(description.key, description)
    return known


def described(device: ProfileDevice, language: str) -> Iterator[Description]:
    """The entities of a device. What has no name in the vocabulary is called as the profile says in ``language``.

    Nothing that writes is among them as long as the map is not confirmed.
    """
    for register in device.profile.registers:
        if register.has_entity:
            yield from _of_register(device, register, language)
        for bit in register.bits:
            if bit.alarm is None:
                yield from _of_bit(device, bit, language)
    for command in device.profile.commands:
        yield from _of_command(device, command, language)


# --- one at a time -------------------------------------------------------------------------------------------------


def _value(key: str) -> Callable[[Any], Any]:
    return lambda device: device.value(key)


def _word(key: str) -> Callable[[Any], str | None]:
    def word(device: Any) -> str | None:
        member: IntEnum | None = device.value(key)
        return None if member is None else member.name.lower()

    return word


def _is_on(key: str) -> Callable[[Any], bool | None]:
    def is_on(device: Any) -> bool | None:
        value = device.value(key)
        return None if value is None else bool(value)

    return is_on


def _has(key: str) -> Callable[[Any], bool]:
    return lambda device: device.has(key)


def _common(device: ProfileDevice, key: str, own: Mapping[str, str], language: str, *, enabled: bool) -> Any:
    """What every description says; ``own`` are the names that the profile gives."""
    name = in_language(names_of(key, own), language)
    return {
        "key": key,
        "part": device.part_of(key),
        "exists_fn": _has(key),
        "entity_registry_enabled_default": enabled,
        **({"name": name} if name else {}),
        # A translation, where there is one, goes before the vocabulary's name, and knows the words of a state.
        **({} if own else _translation(key)),
    }


def _translation(key: str) -> dict[str, Any]:
    term = VOCABULARY.get(key)
    if term is None or term.translation is None:
        return {"translation_key": key}
    return {"translation_key": term.translation, "translation_placeholders": {"number": str(term.number)}}


def _of_register(device: ProfileDevice, register: Register, language: str) -> Iterator[Description]:
    common = _common(device, register.key, register.names, language, enabled=register.enabled)
    reading = _reading(register, common)
    if register.write is None or not device.confirmed:
        yield reading
        return
    common["danger"] = danger = device.danger_of(register.key)
    if register.is_bit and not register.map:
        yield SwitchDescription[Any](
            **common, value_fn=_is_on(register.key), set_fn=_switches(register.key), entity_category=None
        )
    elif register.map:
        yield _choice(register, common)
    else:
        yield _number(register, common)
    if danger is not None:
        yield replace(reading, instead_of=danger)


def _reading(register: Register, common: dict[str, Any]) -> Description:
    if register.map:
        words = list(register.map.values())
        known = _known().get(register.key)
        if not register.names and known is not None and set(words) <= set(known.options or ()):
            common = _translated(common, known)
        return SensorDescription[Any](
            **common, device_class=SensorDeviceClass.ENUM, options=words, value_fn=_word(register.key)
        )
    if register.is_bit:
        return BinarySensorDescription[Any](**common, value_fn=_is_on(register.key))
    if register.type is Type.STRING:
        return SensorDescription[Any](
            **common, value_fn=_value(register.key), entity_category=EntityCategory.DIAGNOSTIC
        )
    return _measured(register, common)


def _translated(common: dict[str, Any], known: Description) -> dict[str, Any]:
    """A description named as the suite names it."""
    named = {name: value for name, value in common.items() if name != "name"}
    return {
        **named,
        "translation_key": known.translation_key,
        "translation_placeholders": known.translation_placeholders,
    }


def _measured(register: Register, common: dict[str, Any]) -> SensorDescription[Any]:
    known = _known().get(register.key)
    if known is not None and "name" not in common and known.native_unit_of_measurement == register.unit:
        return replace(known, **{**_translated(common, known), "value_fn": _value(register.key)})
    quantity = BY_KEY.get(register.key, BY_UNIT.get(register.unit, CODE))
    return SensorDescription[Any](
        **common,
        device_class=quantity.device_class,
        state_class=quantity.state_class,
        native_unit_of_measurement=quantity.unit,
        suggested_unit_of_measurement=quantity.shown_in,
        suggested_display_precision=quantity.precision,
        step=quantity.step,
        value_fn=_value(register.key),
    )


# --- controls ------------------------------------------------------------------------------------------------------


def _switches(key: str) -> Callable[[Any, bool], Awaitable[Any]]:
    return lambda device, on: device.set_switch(key, on)


def _choice(register: Register, common: dict[str, Any]) -> SelectDescription[Any]:
    numbers = {word: number for number, word in register.map.items()}
    return SelectDescription[Any](
        **common,
        options=list(numbers),
        value_fn=_word(register.key),
        set_fn=lambda device, word: device.set_value(register.key, numbers[word]),
        entity_category=EntityCategory.CONFIG,
    )


def _number(register: Register, common: dict[str, Any]) -> NumberDescription[Any]:
    assert register.range is not None
    limits = register.range
    quantity = BY_UNIT.get(register.unit, CODE)
    return NumberDescription[Any](
        **common,
        device_class=NumberDeviceClass(quantity.device_class) if quantity.device_class else None,
        native_unit_of_measurement=quantity.unit,
        native_step=register.step or abs(float(register.scale)),
        mode=NumberMode.BOX,
        value_fn=_value(register.key),
        set_fn=lambda device, value: device.set_value(register.key, value),
        range_fn=lambda _: limits,
        entity_category=EntityCategory.CONFIG,
    )


def _of_bit(device: ProfileDevice, bit: Bit, language: str) -> Iterator[Description]:
    common = _common(device, bit.key, bit.names, language, enabled=bit.enabled)
    reading = BinarySensorDescription[Any](**common, value_fn=_is_on(bit.key))
    if not bit.writable or not device.confirmed:
        yield reading
        return
    danger = device.danger_of(bit.key)
    yield SwitchDescription[Any](
        **common,
        danger=danger,
        value_fn=_is_on(bit.key),
        set_fn=_switches(bit.key),
        entity_category=EntityCategory.CONFIG,
    )
    if danger is not None:
        yield replace(reading, instead_of=danger)


def _of_command(device: ProfileDevice, command: Command, language: str) -> Iterator[Description]:
    if not device.confirmed:
        return
    key = command.key
    common = _common(device, key, command.names, language, enabled=command.enabled) | {"danger": device.danger_of(key)}
    if command.press is not None:
        yield ButtonDescription[Any](**common, press_fn=lambda device: device.press(key))
    else:
        yield SwitchDescription[Any](**common, value_fn=_is_on(key), set_fn=_switches(key))
