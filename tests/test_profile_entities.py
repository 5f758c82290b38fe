"""The entities of a device that a profile tells, and what the command that checks profiles says of them."""

import sys

import pytest
from homeassistant.components.number.const import DEVICE_CLASS_UNITS as NUMBER_UNITS
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS
from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite.entities.descriptions import (
    BinarySensorDescription,
    ButtonDescription,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
)
from custom_components.energy_suite.entities.profiles import BY_UNIT, described
from custom_components.energy_suite.gateways.base import Danger, Found
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.library import SHIPPED, Library
from custom_components.energy_suite.gateways.profiles.schema import MOST_ENABLED, parse
from custom_components.energy_suite.gateways.profiles.vocabulary import IDENTITY, LANGUAGES, UNITS, VOCABULARY
from scripts import check_profile
from tests.test_translations import TEXTS

PROFILE = """\
profile: 1
id: tried
manufacturer: Somebody
models: [A]
kind: charger
source: a test
registers:
  - {key: serial, address: 0, type: string, words: 2}
  - {key: label, name: {en: Label, fr: Nom}, address: 2, type: string, words: 2}
  - {key: power_l2, address: 10, unit: W}
  - {key: frequency, address: 11, unit: Hz, enabled: false}
  - {key: energy_imported, address: 12, unit: Wh}
  - {key: reactive_power, address: 13, unit: kvar}
  - {key: leakage_current, address: 14, unit: mA}
  - {key: odd, name: {en: Odd}, address: 15}
  - {key: hidden, address: 16, entity: false}
  - {key: battery_state, address: 17, map: {0: idle, 1: charging}}
  - {key: status, address: 18, map: {0: open, 1: closed}}
  - {key: overload, name: {en: Too much}, function: 2, address: 1}
  - {key: charging_current, address: 20, unit: A, scale: 0.1, access: rw, range: [6, 32], step: 1, danger: no_charging}
  - {key: working_mode, address: 21, access: rw, map: {0: slow, 9: fast}}
  - {key: charging, function: 1, address: 3, access: rw}
  - key: word
    address: 22
    type: bits
    bits:
      0: {key: hot, severity: warning, text: {en: Hot}}
      1: {key: eco, name: {en: Eco, fr: Éco}, access: rw, danger: backup_output}
      2: {key: vehicle_connected, enabled: false}
commands:
  - {key: relay_1, on: {function: 5, address: 9, value: 1}, off: {function: 5, address: 9, value: 0}, danger: relay_1}
  - {key: restart, name: {en: Restart, fr: Redémarrer}, press: {function: 6, address: 30, value: 1}, enabled: false}
"""


# What is known of them is no more.
LEAST_SHOWN = {"ems_cx3": 6, "ime_conto_d4_pd": 6, "emdx3_pulse_concentrator": 1}


async def device_of(*, confirmed=False, profile=None):
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update(dict.fromkeys(range(40), 0))
    unit.holding.update({2: 0x4142, 10: 300, 12: 5000, 13: 2, 14: 30, 17: 1, 18: 7, 20: 160, 21: 9, 22: 0b011})
    unit.coil.update({3: True, 9: False})
    unit.discrete[1] = True
    profile = profile or parse(PROFILE, "tried.yaml")
    device = make(profile, Found(key="1", kind=profile.kind, unit_id=1), unit, 10.0, confirmed=confirmed)
    if profile.id == "tried":
        for part in device.parts.values():
            await part.async_read(0)
    return device


async def entities(language="en", **options):
    """(kind of description, key) -> the description, and the device."""
    device = await device_of(**options)
    found = list(described(device, language))
    assert len({(type(each), each.key) for each in found}) == len(found)
    return device, {(type(each), each.key): each for each in found}


async def test_a_key_of_the_vocabulary_is_shown_as_every_device_shows_it():
    device, found = await entities()
    power = found[SensorDescription, "power_l2"]
    assert (power.translation_key, power.translation_placeholders) == ("power_on_phase", {"phase": "L2"})
    assert (power.device_class, power.native_unit_of_measurement) == (SensorDeviceClass.POWER, "W")
    assert (power.value_fn(device), power.part, power.exists_fn(device)) == (300, "live", True)
    frequency = found[SensorDescription, "frequency"]
    assert frequency.translation_key is None
    assert frequency.entity_registry_enabled_default is False


async def test_an_energy_is_a_total_that_only_rises_in_the_unit_of_the_dashboard():
    device, found = await entities()
    energy = found[SensorDescription, "energy_imported"]
    assert energy.state_class is SensorStateClass.TOTAL_INCREASING
    assert (energy.native_unit_of_measurement, energy.value_fn(device), energy.part) == ("kWh", 5.0, "slow")


async def test_what_the_translations_do_not_name_is_named_by_the_vocabulary_or_the_profile():
    device, found = await entities("fr-CA")
    reactive = found[SensorDescription, "reactive_power"]
    assert (reactive.name, reactive.device_class, reactive.value_fn(device)) == (
        "Puissance réactive",
        SensorDeviceClass.REACTIVE_POWER,
        2000,
    )
    label = found[SensorDescription, "label"]
    assert (label.name, label.value_fn(device)) == ("Nom", "AB")
    odd = found[SensorDescription, "odd"]
    assert (odd.name, odd.translation_key) == ("Odd", None)
    leak = found[SensorDescription, "leakage_current"]
    assert (leak.value_fn(device), leak.native_unit_of_measurement, leak.suggested_unit_of_measurement) == (
        0.03,
        "A",
        "mA",
    )


async def test_a_number_that_stands_for_something_is_a_state():
    device, found = await entities()
    battery = found[SensorDescription, "battery_state"]
    assert (battery.translation_key, battery.options, battery.value_fn(device)) == (
        "battery_state",
        ["idle", "charging"],
        "charging",
    )
    status = found[SensorDescription, "status"]
    assert (status.device_class, status.options, status.value_fn(device)) == (
        SensorDeviceClass.ENUM,
        ["open", "closed"],
        None,
    )


async def test_what_is_not_shown_and_what_says_who_it_is_are_no_entities():
    _, found = await entities()
    assert not {key for _, key in found} & {"hidden", "serial", "word", "hot"}


async def test_nothing_of_a_map_that_is_not_confirmed_can_be_written():
    device, found = await entities()
    assert {kind for kind, _ in found} == {SensorDescription, BinarySensorDescription}
    assert found[SensorDescription, "charging_current"].value_fn(device) == 16
    assert found[SensorDescription, "working_mode"].value_fn(device) == "fast"
    assert found[BinarySensorDescription, "charging"].value_fn(device) is True
    assert found[BinarySensorDescription, "eco"].value_fn(device) is True
    assert found[BinarySensorDescription, "overload"].value_fn(device) is True
    assert found[BinarySensorDescription, "vehicle_connected"].entity_registry_enabled_default is False
    assert {each.danger for each in found.values()} == {None}


async def test_a_confirmed_map_has_controls_and_readings_in_place_of_those_not_enabled():
    device, found = await entities(confirmed=True)
    number = found[NumberDescription, "charging_current"]
    assert (number.native_unit_of_measurement, number.native_step, number.range_fn(device)) == ("A", 1, (6, 32))
    assert (number.value_fn(device), number.danger, number.translation_key) == (
        16,
        Danger.NO_CHARGING,
        "charging_current",
    )
    assert found[SensorDescription, "charging_current"].instead_of is Danger.NO_CHARGING
    select = found[SelectDescription, "working_mode"]
    assert (select.options, select.value_fn(device), select.danger) == (["slow", "fast"], "fast", None)
    assert (SensorDescription, "working_mode") not in found
    assert found[SwitchDescription, "eco"].danger is Danger.BACKUP_OUTPUT
    assert found[BinarySensorDescription, "eco"].instead_of is Danger.BACKUP_OUTPUT
    assert found[SwitchDescription, "charging"].value_fn(device) is True
    assert found[SwitchDescription, "relay_1"].danger is Danger.RELAY_1
    assert found[ButtonDescription, "restart"].entity_registry_enabled_default is False


async def test_controls_write_what_they_say(monkeypatch):
    monkeypatch.setattr("custom_components.energy_suite.gateways.commands.READ_BACK", (0.0,))
    device, found = await entities(confirmed=True)
    unit = device._unit
    await found[NumberDescription, "charging_current"].set_fn(device, 10)
    await found[SelectDescription, "working_mode"].set_fn(device, "slow")
    await found[SwitchDescription, "eco"].set_fn(device, False)
    await found[SwitchDescription, "charging"].set_fn(device, False)
    await found[SwitchDescription, "relay_1"].set_fn(device, True)
    await found[ButtonDescription, "restart"].press_fn(device)
    assert [unit.holding[address] for address in (20, 21, 22, 30)] == [100, 0, 0b001, 1]
    assert (unit.coil[3], unit.coil[9]) == (False, True)


async def test_the_settings_of_an_output_are_named_by_its_number():
    rows = (
        "registers:\n  - {key: output_7_mode, address: 0, access: rw, map: {0: impulse, 1: blinking}}\n"
        "  - {key: output_7_on_time, address: 1, access: rw, unit: s, range: [0, 60]}\n"
        "commands:\n  - {key: output_7, on: {function: 5, address: 0, value: 1}, "
        "off: {function: 5, address: 0, value: 0}}\n"
    )
    profile = parse(PROFILE[: PROFILE.index("registers:")] + rows, "outputs.yaml")
    device = await device_of(profile=profile, confirmed=True)
    found = {(type(each), each.key): each for each in described(device, "fr")}
    mode = found[SelectDescription, "output_7_mode"]
    assert (mode.translation_key, mode.translation_placeholders) == ("output_mode", {"number": "7"})
    assert mode.danger is Danger.OUTPUTS
    time = found[NumberDescription, "output_7_on_time"]
    assert isinstance(time, NumberDescription)
    assert (time.name, time.native_unit_of_measurement) == ("ON time de la sortie 7", "s")
    assert found[SwitchDescription, "output_7"].danger is Danger.OUTPUTS


async def test_a_register_that_the_device_refuses_has_no_entity():
    device, found = await entities()
    device.parts["live"]._register_fields = {}
    assert not found[SensorDescription, "power_l2"].exists_fn(device)
    assert found[SensorDescription, "energy_imported"].exists_fn(device)


def everything(language="en"):
    """A profile's rows of every key of the vocabulary that may be an entity."""
    for key, term in VOCABULARY.items():
        if key not in IDENTITY:
            yield f"  - {{key: {key}, address: 1{f', unit: "{term.unit}"' if term.unit else ''}, enabled: false}}"


async def test_every_key_of_the_vocabulary_has_a_name_in_every_language():
    head = PROFILE[: PROFILE.index("registers:")]
    profile = parse(head + "registers:\n" + "\n".join(everything()), "all.yaml")
    device = await device_of(profile=profile)
    for language in LANGUAGES:
        sensors = TEXTS[language]["entity"]["sensor"]
        for each in described(device, language):
            named_by_class = each.translation_key is None and each.device_class is not None
            assert named_by_class or each.name or each.translation_key in sensors, each.key


async def test_home_assistant_knows_every_unit_and_kind_of_reading():
    head = PROFILE[: PROFILE.index("registers:")]
    profiles = (parse(head + "registers:\n" + "\n".join(everything()), "all.yaml"), *Library.load().profiles.values())
    for profile in profiles:
        for each in described(await device_of(profile=profile, confirmed=True), "en"):
            if isinstance(each, SensorDescription) and each.device_class not in (None, SensorDeviceClass.ENUM):
                assert each.native_unit_of_measurement in DEVICE_CLASS_UNITS[each.device_class], each.key
                assert each.state_class in DEVICE_CLASS_STATE_CLASSES[each.device_class], each.key
            if isinstance(each, NumberDescription) and each.device_class is not None:
                assert each.native_unit_of_measurement in NUMBER_UNITS[each.device_class], each.key


def test_every_unit_is_shown_in_the_unit_of_a_quantity():
    for canonical, _ in UNITS.values():
        assert BY_UNIT[canonical].unit == canonical


@pytest.mark.parametrize("profile", Library.load().profiles.values(), ids=lambda profile: profile.id)
async def test_a_shipped_profile_enables_at_most_what_a_person_reads(profile):
    for confirmed in (False, True):
        device = await device_of(profile=profile, confirmed=confirmed)
        found = list(described(device, "fr"))
        shown = {each.key for each in found if each.entity_registry_enabled_default}
        assert LEAST_SHOWN.get(profile.id, 10) <= len(shown) <= MOST_ENABLED
        for each in found:
            assert each.name or each.translation_key or each.device_class, each.key


# --- scripts/check_profile -----------------------------------------------------------------------------------------


def checked(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["check_profile", *map(str, arguments)])
    code = check_profile.main()
    return code, capsys.readouterr().out


def test_the_command_prints_what_a_profile_makes(monkeypatch, capsys, tmp_path):
    file = tmp_path / "tried.yaml"
    file.write_text(PROFILE)
    code, out = checked(monkeypatch, capsys, file)
    assert code == 0
    assert "tried.yaml: Somebody A (charger), id tried" in out
    assert "requests: 2 live, 2 slow, 1 once" in out
    assert "sensor energy_imported: energy_imported [kWh]\n" in out
    assert "number charging_current: charging_current [A], control no_charging\n" in out
    assert "button restart: Restart, not enabled\n" in out
    assert "alarms: 1" in out


def test_the_command_tells_a_mistake_in_words_and_goes_on(monkeypatch, capsys, tmp_path):
    (tmp_path / "a.yaml").write_text(PROFILE.replace("unit: Hz", "unit: rpm"))
    (tmp_path / "b.yaml").write_text(PROFILE.replace("id: tried", "id: aura_afore"))
    (tmp_path / "c.yaml").write_text(PROFILE)
    files = [tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml", "d.yaml")]
    code, out = checked(monkeypatch, capsys, *files, "--language", "fr")
    assert code == 1
    assert "a.yaml:11: L’unité rpm n’est pas connue" in out
    assert "b.yaml:2: L’identifiant aura_afore est celui d’un profil fourni" in out
    assert "c.yaml: Somebody A" in out
    assert "d.yaml:1: Le fichier ne peut pas être lu." in out
    assert "Redémarrer" in out


def test_the_command_takes_the_profiles_that_come_along_as_what_they_are(monkeypatch, capsys):
    code, out = checked(monkeypatch, capsys, *SHIPPED.iterdir())
    assert code == 0
    assert "id aura_afore" in out


def test_the_command_counts_the_alarms_that_follow_from_states(monkeypatch, capsys, tmp_path):
    file = tmp_path / "tried.yaml"
    states = (
        "registers:\n  - {key: breaker, address: '{remote_id}', map: {0: open, 1: closed, 2: tripped}}\n"
        "  - {key: fault_contact, function: 2, address: 1}\n  - {key: status, address: 2, map: {0: available}}\n"
        "  - {key: error_charge, address: 3}\n"
    )
    file.write_text(PROFILE[: PROFILE.index("registers:")] + states)
    out = checked(monkeypatch, capsys, file)[1]
    assert "alarms: 2" in out
    assert "made for a remote id each" in out


def test_the_command_tells_of_several_of_a_kind(monkeypatch, capsys, tmp_path):
    file = tmp_path / "tried.yaml"
    file.write_text(PROFILE.replace("registers:", "positions: {count: 12, stride: 50}\nregisters:"))
    assert "made 12 times" in checked(monkeypatch, capsys, file)[1]
