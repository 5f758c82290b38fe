"""The shared vocabulary: one quantity, one key, one name, whichever device brings it.

The key of a description is the device's attribute that it shows, and the key of its name in the translations.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from operator import attrgetter
from typing import Any, Final, TypedDict, Unpack

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberMode
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    DEGREE,
    LIGHT_LUX,
    REVOLUTIONS_PER_MINUTE,
    EntityCategory,
    UnitOfApparentPower,
    UnitOfDensity,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfIrradiance,
    UnitOfLength,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
)

from ..gateways.base import Danger, Device
from .descriptions import (
    BinarySensorDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
    TrackerDescription,
)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How Home Assistant shows a kind of reading."""

    unit: str | None = None
    device_class: SensorDeviceClass | None = None
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT
    precision: int | None = None
    shown_in: str | None = None
    """The unit it is shown in, where nobody thinks in the one it is measured in."""
    step: float | None = None
    """The change that matters, where it is another than usual for the unit."""


POWER: Final = Quantity(unit=UnitOfPower.WATT, device_class=SensorDeviceClass.POWER, precision=0)
CURRENT: Final = Quantity(unit=UnitOfElectricCurrent.AMPERE, device_class=SensorDeviceClass.CURRENT, precision=1)
VOLTAGE: Final = Quantity(unit=UnitOfElectricPotential.VOLT, device_class=SensorDeviceClass.VOLTAGE, precision=1)
DC_VOLTAGE: Final = replace(VOLTAGE, precision=2)
CELL_VOLTAGE: Final = replace(DC_VOLTAGE, step=0.02)
FREQUENCY: Final = Quantity(unit=UnitOfFrequency.HERTZ, device_class=SensorDeviceClass.FREQUENCY, precision=2)
POWER_FACTOR: Final = Quantity(device_class=SensorDeviceClass.POWER_FACTOR, precision=2)
TEMPERATURE: Final = Quantity(unit=UnitOfTemperature.CELSIUS, device_class=SensorDeviceClass.TEMPERATURE, precision=1)
ENERGY: Final = Quantity(
    unit=UnitOfEnergy.KILO_WATT_HOUR,
    device_class=SensorDeviceClass.ENERGY,
    state_class=SensorStateClass.TOTAL_INCREASING,
    precision=2,
)
STATE_OF_CHARGE: Final = Quantity(unit=UnitOfRatio.PERCENTAGE, device_class=SensorDeviceClass.BATTERY, precision=0)
PERCENT: Final = Quantity(unit=UnitOfRatio.PERCENTAGE, precision=0)
CHARGE: Final = Quantity(unit="Ah", precision=1)
TOTAL_CHARGE: Final = replace(CHARGE, state_class=SensorStateClass.TOTAL_INCREASING, precision=0)
HOURS: Final = Quantity(
    unit=UnitOfTime.SECONDS, device_class=SensorDeviceClass.DURATION, precision=1, shown_in=UnitOfTime.HOURS
)
MINUTES: Final = replace(HOURS, precision=0, shown_in=UnitOfTime.MINUTES)
TOTAL_HOURS: Final = replace(HOURS, state_class=SensorStateClass.TOTAL_INCREASING)
COUNT: Final = Quantity(precision=0)
TOTAL_COUNT: Final = Quantity(state_class=SensorStateClass.TOTAL_INCREASING, precision=0)
CODE: Final = Quantity(state_class=None)
STORED_VOLUME: Final = Quantity(
    unit=UnitOfVolume.CUBIC_METERS,
    device_class=SensorDeviceClass.VOLUME_STORAGE,
    precision=3,
    shown_in=UnitOfVolume.LITERS,
)
METERED_VOLUME: Final = Quantity(
    unit=UnitOfVolume.CUBIC_METERS,
    device_class=SensorDeviceClass.VOLUME,
    state_class=SensorStateClass.TOTAL_INCREASING,
    precision=0,
)
HUMIDITY: Final = Quantity(unit=UnitOfRatio.PERCENTAGE, device_class=SensorDeviceClass.HUMIDITY, precision=0)
AIR_PRESSURE: Final = Quantity(
    unit=UnitOfPressure.HPA, device_class=SensorDeviceClass.ATMOSPHERIC_PRESSURE, precision=0
)
PRESSURE: Final = Quantity(unit=UnitOfPressure.KPA, device_class=SensorDeviceClass.PRESSURE, precision=0)
CARBON_DIOXIDE: Final = Quantity(unit=UnitOfRatio.PARTS_PER_MILLION, device_class=SensorDeviceClass.CO2, precision=0)
PARTICLES: Final = Quantity(
    unit=UnitOfDensity.MICROGRAMS_PER_CUBIC_METER, device_class=SensorDeviceClass.PM25, precision=0
)
ILLUMINANCE: Final = Quantity(unit=LIGHT_LUX, device_class=SensorDeviceClass.ILLUMINANCE, precision=0)
IRRADIANCE: Final = Quantity(
    unit=UnitOfIrradiance.WATTS_PER_SQUARE_METER, device_class=SensorDeviceClass.IRRADIANCE, precision=0
)
WIND_SPEED: Final = Quantity(unit=UnitOfSpeed.METERS_PER_SECOND, device_class=SensorDeviceClass.WIND_SPEED, precision=1)
SPEED: Final = Quantity(
    unit=UnitOfSpeed.METERS_PER_SECOND,
    device_class=SensorDeviceClass.SPEED,
    precision=1,
    shown_in=UnitOfSpeed.KILOMETERS_PER_HOUR,
)
APPARENT_POWER: Final = Quantity(
    unit=UnitOfApparentPower.VOLT_AMPERE, device_class=SensorDeviceClass.APPARENT_POWER, precision=0
)
PHASE_SHIFT: Final = Quantity(unit=DEGREE, precision=0)
ANGLE: Final = Quantity(unit=DEGREE, state_class=SensorStateClass.MEASUREMENT_ANGLE, precision=0)
HEIGHT: Final = Quantity(unit=UnitOfLength.METERS, device_class=SensorDeviceClass.DISTANCE, precision=0)
ROTATION: Final = Quantity(unit=REVOLUTIONS_PER_MINUTE, precision=0)


class Options(TypedDict, total=False):
    """What a description may say beside its key: fields of Home Assistant's and of our own descriptions."""

    exists_fn: Callable[[Any], bool]
    danger: Danger | None
    instead_of: Danger | None
    entity_category: EntityCategory | None
    translation_placeholders: dict[str, str]


# --- groups: what several descriptions have in common ------------------------------------------------------------


def disabled(*descriptions: Description) -> Iterator[Description]:
    """Not enabled until the user wants them."""
    for description in descriptions:
        yield replace(description, entity_registry_enabled_default=False)


def hidden(*descriptions: Description) -> Iterator[Description]:
    """Measured and kept, but shown only where the user says so."""
    for description in descriptions:
        yield replace(description, entity_registry_visible_default=False)


def installer(*descriptions: Description) -> Iterator[Description]:
    """Readings for whoever commissions or looks for a fault."""
    for description in descriptions:
        yield replace(description, entity_category=EntityCategory.DIAGNOSTIC, entity_registry_enabled_default=False)


def of_part(part: str, *descriptions: Description) -> Iterator[Description]:
    """Fresh with this part of the device."""
    for description in descriptions:
        yield replace(description, part=part)


def where(exists_fn: Callable[[Any], bool], *descriptions: Description) -> Iterator[Description]:
    """Exist on devices of which this is true."""
    for description in descriptions:
        yield replace(description, exists_fn=exists_fn)


def if_known(*descriptions: Description) -> Iterator[Description]:
    """Exist each where the device gives its value, which many of its kind do not."""
    for description in descriptions:
        yield replace(description, exists_fn=_gives(description.key))


def _gives(key: str) -> Callable[[Device], bool]:
    return lambda device: getattr(device, key) is not None


# --- makers: one for each way of showing a value -----------------------------------------------------------------


def _name(key: str, name: str | None, device_class: str | None) -> str | None:
    """The translation key, unless Home Assistant names what is called as its device class by itself."""
    name = name or key
    return None if name == device_class else name


def reading(
    key: str,
    quantity: Quantity,
    value_fn: Callable[[Any], Any] | None = None,
    *,
    name: str | None = None,
    **options: Unpack[Options],
) -> SensorDescription[Any]:
    """A number that is measured or counted."""
    return SensorDescription(
        key=key,
        translation_key=_name(key, name, quantity.device_class),
        device_class=quantity.device_class,
        state_class=quantity.state_class,
        native_unit_of_measurement=quantity.unit,
        suggested_unit_of_measurement=quantity.shown_in,
        suggested_display_precision=quantity.precision,
        step=quantity.step,
        value_fn=value_fn or attrgetter(key),
        **options,
    )


def words(members: type[IntEnum]) -> list[str]:
    """An enumeration's members as states and options spell them."""
    return [member.name.lower() for member in members]


def word_of(key: str) -> Callable[[Any], str | None]:
    """Spell the enumeration member that an attribute holds, None where it is unknown."""

    def word(device: Device) -> str | None:
        member: IntEnum | None = getattr(device, key)
        return None if member is None else member.name.lower()

    return word


def mode(key: str, members: type[IntEnum], **options: Unpack[Options]) -> SensorDescription[Any]:
    """A state out of an enumeration."""
    return SensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENUM,
        options=words(members),
        value_fn=word_of(key),
        **options,
    )


def flag(
    key: str,
    value_fn: Callable[[Any], bool | None] | None = None,
    *,
    device_class: BinarySensorDeviceClass | None = None,
    **options: Unpack[Options],
) -> BinarySensorDescription[Any]:
    """A state that is on or off."""
    return BinarySensorDescription(
        key=key,
        translation_key=_name(key, None, device_class),
        device_class=device_class,
        value_fn=value_fn or attrgetter(key),
        **options,
    )


def setting[D: Device](
    key: str,
    quantity: Quantity,
    set_fn: Callable[[D, float], Awaitable[Any]],
    range_fn: Callable[[D], tuple[float, float]],
    *,
    step: float,
    danger_fn: Callable[[float], Danger | None] | None = None,
    **options: Unpack[Options],
) -> NumberDescription[D]:
    """A number to set."""
    description = NumberDescription(
        key=key,
        translation_key=key,
        device_class=NumberDeviceClass(quantity.device_class) if quantity.device_class else None,
        native_unit_of_measurement=quantity.unit,
        native_step=step,
        mode=NumberMode.BOX,
        value_fn=attrgetter(key),
        set_fn=set_fn,
        range_fn=range_fn,
        **options,
    )
    return replace(description, danger_fn=danger_fn) if danger_fn else description


def choice[D: Device, M: IntEnum](
    key: str,
    members: type[M],
    set_fn: Callable[[D, M], Awaitable[Any]],
    *,
    danger_fn: Callable[[M], Danger | None] | None = None,
    **options: Unpack[Options],
) -> SelectDescription[D]:
    """A choice out of an enumeration; unknown while the device is in a state that cannot be chosen."""
    read, choices = word_of(key), words(members)

    def member(option: str) -> M:
        return members[option.upper()]

    def chosen(device: D) -> str | None:
        word = read(device)
        return word if word in choices else None

    description = SelectDescription[D](
        key=key,
        translation_key=key,
        options=choices,
        value_fn=chosen,
        set_fn=lambda device, option: set_fn(device, member(option)),
        **options,
    )
    return replace(description, danger_fn=lambda option: danger_fn(member(option))) if danger_fn else description


def toggle[D: Device](
    key: str,
    set_fn: Callable[[D, bool], Awaitable[Any]],
    value_fn: Callable[[Any], bool | None] | None = None,
    **options: Unpack[Options],
) -> SwitchDescription[D]:
    """Something to switch on and off."""
    return SwitchDescription(
        key=key, translation_key=key, value_fn=value_fn or attrgetter(key), set_fn=set_fn, **options
    )


def tracker(key: str, **options: Unpack[Options]) -> TrackerDescription[Any]:
    """A position on the map."""
    return TrackerDescription(
        key=key,
        translation_key=key,
        latitude_fn=attrgetter("latitude"),
        longitude_fn=attrgetter("longitude"),
        **options,
    )


# --- what several kinds of device have ---------------------------------------------------------------------------


def _has_one_phase(device: Any) -> bool:
    return bool(device.phases == 1)


def _has_phase(phase: int) -> Callable[[Any], bool]:
    return lambda device: bool(device.phases > 1 and device.phases >= phase)


def only_phase(key: str, quantity: Quantity) -> SensorDescription[Any]:
    """``<key>`` of a single-phase device, for what has no total over the phases."""
    return reading(key, quantity, attrgetter(f"{key}_l1"), exists_fn=_has_one_phase)


def per_phase(key: str, quantity: Quantity) -> Iterator[SensorDescription[Any]]:
    """``<key>_l1`` to ``<key>_l3`` of a device with several phases."""
    for phase in (1, 2, 3):
        yield reading(
            f"{key}_l{phase}",
            quantity,
            name=f"{key}_on_phase",
            translation_placeholders={"phase": f"L{phase}"},
            exists_fn=_has_phase(phase),
        )


def meter() -> Iterator[Description]:
    """What an AC meter measures (capability ``PowerMeter``)."""
    yield reading("power", POWER)
    yield only_phase("voltage", VOLTAGE)
    yield only_phase("current", CURRENT)
    yield from per_phase("power", POWER)
    yield from per_phase("voltage", VOLTAGE)
    yield from per_phase("current", CURRENT)


def storage() -> Iterator[Description]:
    """What a battery says of itself (capability ``Storage``)."""
    yield reading("state_of_charge", STATE_OF_CHARGE)
    yield reading("battery_power", POWER, name="power")
    yield reading("voltage", DC_VOLTAGE)
    yield reading("current", CURRENT)
    yield reading("temperature", TEMPERATURE)


def charger[D: Device, M: IntEnum](
    modes: type[M],
    *,
    set_mode: Callable[[D, M], Awaitable[Any]],
    set_current: Callable[[D, float], Awaitable[Any]],
    current_range: Callable[[D], tuple[float, float]],
    set_charging: Callable[[D, bool], Awaitable[Any]],
) -> Iterator[Description]:
    """What is set on an EV charging station (capability ``Evse``)."""
    yield choice("charging_mode", modes, set_mode)
    yield setting("charging_current", CURRENT, set_current, current_range, step=1)
    yield toggle("charging", set_charging)


def relay(number: int, danger: Danger) -> Iterator[Description]:
    """A relay (capability ``Relay``): a switch once the user enabled it, else its state."""
    key = f"relay_{number}"
    yield toggle(key, lambda device, closed: device.set_relay(number, closed), danger=danger)
    state = flag(key, instead_of=danger)
    # Many a device has one relay only, and one that is missing reads as open.
    yield from (state,) if number == 1 else disabled(state)


async def _start_or_stop(device: Any, on: bool) -> Any:
    return await (device.start() if on else device.stop())


def generator(danger: Danger) -> Iterator[Description]:
    """Whether a generator runs, and starting and stopping it by hand (capability ``Generator``)."""
    yield flag("running", device_class=BinarySensorDeviceClass.RUNNING)
    yield toggle("generator_manual_start", _start_or_stop, attrgetter("manual_start"), danger=danger)
