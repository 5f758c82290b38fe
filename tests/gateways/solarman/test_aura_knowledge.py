"""What the guide of the AURA says, code by code and light by light."""

import itertools
import re
from pathlib import Path

import pytest

from custom_components.energy_suite.gateways.base import Found, Severity
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.schema import ProfileError, parse
from custom_components.energy_suite.gateways.solarman import aura
from custom_components.energy_suite.gateways.solarman.gateway import Trouble
from custom_components.energy_suite.texts import TEXTS, alarm_texts, explanation
from demo.aura import FAULTS, WARNINGS, AuraConfig, State

# Code, English, and the French of the guide (section 5-b), which prints W26 twice.
GUIDE = (
    ("F00", "Soft timeout (start-up waiting time exceeded)", "Délai d'attente toléré"),
    ("F01", "Inverter voltage short circuit", "Court-circuit tension onduleur (OND)"),
    ("F02", "Leakage-current (GFCI) sensor fault", "Défaut capteur GFCI"),
    ("F04", "DC bus voltage low", "Tension bus basse"),
    ("F05", "DC bus voltage high", "Tension bus haute"),
    ("F06", "DC bus short circuit", "Court-circuit bus"),
    ("F07", "PV insulation fault", "Défaut isolement PV"),
    ("F08", "PV input short circuit", "Court-circuit entrée PV"),
    ("F09", "Bypass relay fault", "Défaut relais by-pass"),
    ("F10", "Inverter over-current", "Surtension courant onduleur (OND)"),
    ("F11", "Inverter DC component too high", "Surtension continue onduleur (DC)"),
    ("F12", "Ambient temperature too high", "Température ambiante élevée"),
    ("F13", "Heatsink temperature too high", "Température élevée dissipateur"),
    ("F14", "Grid relay fault", "Défaut relais réseau"),
    ("F15", "Discharge over-current", "Surtension courant de décharge"),
    ("F16", "Charge over-current", "Surtension courant de charge"),
    ("F17", "Current sensor fault", "Défaut capteur de courant"),
    ("F18", "Inverter abnormal", "Anomalie onduleur (OND)"),
    ("F19", "EPS (backup) relay fault", "Défaut relais EPS"),
    ("F20", "Continuous overload", "Surcharge permanente"),
    ("F32", "SCI fault (internal serial link)", "Défaut SCI"),
    ("W00", "Grid voltage too low", "Tension réseau trop basse"),
    ("W01", "Grid voltage too high", "Tension réseau trop élevée"),
    ("W02", "Grid frequency too low", "Fréquence réseau trop basse"),
    ("W03", "Grid frequency too high", "Fréquence réseau trop élevée"),
    ("W04", "No PV input (solar loss)", "Perte de production solaire"),
    ("W05", "Battery lost", "Perte de batterie"),
    ("W06", "Battery under-voltage", "Batterie en sous-tension"),
    ("W07", "Battery voltage low", "Tension batterie basse"),
    ("W08", "Battery voltage high", "Tension batterie élevée"),
    ("W09", "Overload", "Surcharge"),
    ("W10", "Earth leakage (GFCI) over threshold", "Défaut GFCI (détection de fuite à la terre)"),
    ("W11", "Phase and neutral swapped", "Inversion phase/neutre"),
    ("W12", "Fan fault", "Défaut ventilateur"),
    ("W13", "Battery powered down / no usable capacity", "Batterie hors tension"),
    ("W14", "BMS: discharge over-current", "Surcharge de décharge côté BMS"),
    ("W15", "BMS: charge over-current", "Surcharge de charge côté BMS"),
    ("W16", "BMS: over-voltage", "Surtension côté BMS"),
    ("W17", "BMS: over-temperature", "Surchauffe côté BMS"),
    ("W18", "BMS: temperature too low to discharge", "Température de décharge trop basse (BMS)"),
    ("W19", "BMS: cell voltage imbalance", "Déséquilibre de tension entre cellules (BMS)"),
    ("W20", "BMS communication fault", "Défaut de communication BMS"),
    ("W21", "BMS: under-voltage", "Sous-tension côté BMS"),
    ("W22", "BMS: temperature too low to charge", "Température de charge trop basse (BMS)"),
    ("W23", "BMS: critical over-voltage", "Surtension critique côté BMS"),
    ("W24", "BMS: critical over-temperature", "Surchauffe critique côté BMS"),
    ("W25", "BMS update in progress", "Mise à jour du BMS"),
    ("W26", "BMS program version error", "Erreur de version du programme BMS"),
    ("W27", "BMS program update failed", "Échec de la mise à jour du programme BMS"),
    ("W28", "Current transformer reversed", "Transformateur de courant (TC) inversé"),
    ("W26", "Clock initialisation failed", "Echec de l'initialisation de l'horloge"),
)

# The lights of the stick (section 5-c): NET, COM, READY; None is any state, "on" what is not off.
STICK = (
    (None, "off", "slow", "inverter"),
    ("off", "on", "slow", "router"),
    ("slow", "on", "slow", "cloud"),
    ("off", "off", "off", "power"),
    ("fast", None, None, "smartlink"),
    (None, None, "fast", "factory_reset"),
)
LIGHTS = {
    ("net", "off"): ("router", "connection", "failed"),
    ("net", "slow"): ("connected", "router"),
    ("net", "steady"): ("connected", "server"),
    ("net", "fast"): ("SMARTLINK",),
    ("com", "off"): ("inverter", "connection", "failed"),
    ("com", "slow"): ("talking", "inverter"),
    ("com", "steady"): ("connected", "inverter"),
    ("ready", "off"): ("stick", "not", "work"),
    ("ready", "slow"): ("normally",),
    ("ready", "fast"): ("factory",),
}
N, F, X = "on", "double_flash", "off"
BATTERY = {
    (F, X, X, X): (0, 25, True),
    (N, F, X, X): (26, 50, True),
    (N, N, F, X): (51, 75, True),
    (N, N, N, F): (76, 100, True),
    (N, X, X, X): (0, 25, False),
    (N, N, X, X): (26, 50, False),
    (N, N, N, X): (51, 75, False),
    (N, N, N, N): (76, 100, False),
}

WORDS = """\
profile: 1
id: mine
manufacturer: Bourgeois Global
models: [AURA 10KM-BG]
kind: hybrid_inverter
source: found on my inverter
registers:
  - {key: warnings, address: 4, type: bits, words: 2, bits: {4: {alarm: aura_w04}, 20: {alarm: aura_w20}}}
"""


def key_of(code):
    return f"aura_{code.lower()}"


def plain(text):
    """Without what typography may change."""
    return text.replace("’", "'").replace("É", "E").replace("é", "e").lower()


# --- alarms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "english", "french"), GUIDE)
def test_a_code_is_told_in_both_languages_with_the_words_of_the_guide(code, english, french):
    alarm = aura.ALARMS[key_of(code)]
    assert (alarm.code, alarm_texts("fr", alarm)["text"][:6]) == (int(code[1:]), f"{code} : ")
    assert plain(french) in plain(alarm_texts("fr", alarm)["text"])
    told = alarm_texts("en", alarm)["text"]
    assert told.startswith(f"{code}: ")
    first_words = re.findall(r"[a-z]+", english.lower())[:2]
    assert all(word in told.lower() for word in first_words), told


def test_there_is_an_alarm_for_each_code_and_for_no_other():
    assert {key_of(code) for code, _, _ in GUIDE} == aura.ALARMS.keys()
    assert {f"F{number:02}" for number in aura.FAULTS} == FAULTS
    assert {f"W{number:02}" for number in aura.WARNINGS} == WARNINGS


def test_the_code_that_is_printed_twice_says_both():
    both = [french for code, _, french in GUIDE if code == "W26"]
    assert len(both) == 2
    assert all(plain(text) in plain(TEXTS["fr"]["aura_w26"]["text"]) for text in both)


def test_every_fault_stops_the_inverter_and_is_worth_a_message():
    assert {(alarm.severity, alarm.notify_by_default) for alarm in aura.FAULTS.values()} == {(Severity.CRITICAL, True)}


@pytest.mark.parametrize(
    ("number", "severity", "notified"),
    [
        (0, Severity.WARNING, False),
        (5, Severity.CRITICAL, True),
        (7, Severity.WARNING, False),
        (14, Severity.WARNING, True),
        (20, Severity.CRITICAL, True),
        (23, Severity.CRITICAL, True),
        (24, Severity.CRITICAL, True),
        (25, Severity.INFORMATION, False),
        (28, Severity.WARNING, True),
    ],
)
def test_a_warning_weighs_what_it_does_to_the_battery(number, severity, notified):
    alarm = aura.WARNINGS[number]
    assert (alarm.severity, alarm.notify_by_default) == (severity, notified)


def test_each_bit_of_the_two_words_is_its_own_alarm():
    for number, alarm in aura.FAULTS.items():
        assert aura.alarms_of(1 << number, 0) == (alarm,)
    for number, alarm in aura.WARNINGS.items():
        assert aura.alarms_of(0, 1 << number) == (alarm,)


def test_bits_that_no_code_has_raise_nothing():
    assert aura.alarms_of(1 << 3 | 1 << 21 | 1 << 31 | 1 << 40, 1 << 29 | 1 << 31) == ()


@pytest.mark.parametrize("coupling", [*aura.COUPLINGS, None])
def test_no_sun_is_lost_where_no_panels_are(coupling):
    has_panels = coupling not in ("ac", "ac_backup")
    raised = [alarm.key for alarm in aura.alarms_of(0, 1 << 4 | 1 << 5, coupling)]
    assert raised == ["aura_w04", "aura_w05"] if has_panels else raised == ["aura_w05"]


async def test_a_bit_of_an_owners_map_raises_an_alarm_that_the_suite_knows(unit):
    profile = parse(WORDS, "mine.yaml")
    device = make(profile, Found(key="inverter", kind=profile.kind, unit_id=1), unit, 10.0)
    unit.holding.update({4: 1 << 4, 5: 1 << 4})
    await device.parts["live"].async_read(0.0)
    assert list(device.alarms) == [aura.ALARMS["aura_w04"], aura.ALARMS["aura_w20"]]
    device.expected_alarms = aura.expected_alarms("ac")
    assert list(device.alarms) == [aura.ALARMS["aura_w20"]]


@pytest.mark.parametrize(
    ("bit", "reason"),
    [
        ("alarm: aura_f03", "no_such_alarm"),
        ("alarm: aura_w04, severity: warning", "unknown_field"),
        ("alarm: aura_w04, key: mine", "unknown_field"),
    ],
)
def test_a_bit_that_names_an_alarm_says_nothing_else(bit, reason):
    with pytest.raises(ProfileError) as caught:
        parse(WORDS.replace("alarm: aura_w04", bit), "mine.yaml")
    assert (caught.value.reason, caught.value.line) == (reason, 8)


def test_one_alarm_has_one_bit():
    with pytest.raises(ProfileError) as caught:
        parse(WORDS.replace("aura_w20", "aura_w04"), "mine.yaml")
    assert caught.value.reason == "duplicate_key"


def test_the_words_that_the_documentation_shows_are_a_map():
    document = Path(__file__).parents[3] / "docs" / "profiles.md"
    (shown,) = [
        block for block in re.findall(r"```yaml\n(.*?)```", document.read_text(), re.DOTALL) if "aura_" in block
    ]
    profile = parse(f"{WORDS.partition('  - ')[0]}{shown}", "profiles.md")
    bits = {bit.key: bit.number for register in profile.registers for bit in register.bits}
    assert bits == {key: aura.ALARMS[key].code for key in bits}
    assert {"aura_f00", "aura_w04"} <= bits.keys()


# --- installations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "panels", "ac_couple", "backup"),
    [
        ("dc", True, False, False),
        ("dc_backup", True, False, True),
        ("dc_ac", True, True, False),
        ("dc_ac_backup", True, True, True),
        ("ac", False, True, False),
        ("ac_backup", False, True, True),
    ],
)
def test_a_coupling_says_what_there_is(word, panels, ac_couple, backup):
    assert aura.COUPLINGS[word] == aura.Coupling(panels, ac_couple, backup)


def test_the_models_and_states_are_those_of_the_simulated_aura():
    assert set(aura.InverterState) == {state.value for state in State}
    config = AuraConfig()
    assert aura.MODELS[config.model] == config.modules


# --- lights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("light", "shows"), LIGHTS)
def test_a_light_of_the_stick_is_explained(light, shows):
    told = explanation("en", f"stick_{light}_{shows}")["meaning"]
    assert all(word in told for word in LIGHTS[light, shows]), told


def test_each_light_shows_what_the_guide_lists_and_nothing_else():
    assert {(light, shows) for light, all_ in aura.STICK_LIGHTS.items() for shows in all_} == LIGHTS.keys()


def is_row(row, *shown):
    return all(
        wanted in (None, shows) or (wanted == "on" and shows in ("slow", "steady"))
        for wanted, shows in zip(row[:3], shown, strict=True)
    )


@pytest.mark.parametrize("shown", list(itertools.product(*aura.STICK_LIGHTS.values())), ids="-".join)
def test_the_three_lights_together_tell_the_fault_of_their_row(shown):
    faults = tuple(f"stick_fault_{row[3]}" for row in STICK if is_row(row, *shown))
    well = shown[0] == "steady" and shown[1] != "off" and shown[2] == "slow"
    assert aura.stick_faults(dict(zip(aura.STICK_LIGHTS, shown, strict=True))) == (("stick_well",) if well else faults)


@pytest.mark.parametrize(
    ("shown", "faults"),
    [
        ({"com": "off"}, ("stick_fault_inverter", "stick_fault_power")),
        ({"net": "off"}, ("stick_fault_router", "stick_fault_power")),
        ({"net": "fast"}, ("stick_fault_smartlink",)),
        ({"net": "steady"}, ()),
        ({}, ()),
    ],
)
def test_one_light_alone_leaves_open_what_it_may_be(shown, faults):
    assert aura.stick_faults(shown) == faults


@pytest.mark.parametrize("lights", list(itertools.product((X, N, F), repeat=4)), ids="-".join)
def test_the_lights_of_the_battery_tell_its_charge(lights):
    if lights in BATTERY:
        low, high, charging = BATTERY[lights]
        told = explanation("en", aura.battery_key(*lights))["meaning"]
        assert f"{low} to {high} %" in told
        assert ("discharges" not in told) is charging
        assert aura.BATTERY_LEVELS[lights] == aura.BatteryLights(low, high, charging)
    else:
        assert aura.battery_key(*lights) == aura.BATTERY_OTHER


# --- texts ---------------------------------------------------------------------------------------------------------


def every_key():
    yield from aura.ALARMS
    yield from (f"aura_state_{state}" for state in aura.InverterState)
    yield from (f"stick_{light}_{shows}" for light, all_ in aura.STICK_LIGHTS.items() for shows in all_)
    yield from (fault.key for fault in aura.STICK_FAULTS)
    yield aura.STICK_WELL
    yield from aura.RESET_BUTTON.values()
    yield from (f"aura_light_{light}" for light in aura.INVERTER_LIGHTS)
    yield from (level.key for level in aura.BATTERY_LEVELS.values())
    yield aura.BATTERY_OTHER
    yield from (f"aura_procedure_{name}" for name in aura.PROCEDURES)
    yield from (f"stick_trouble_{trouble}" for trouble in Trouble)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_there_is_a_text_for_all_of_it_and_none_too_many(language):
    keys = set(every_key())
    assert {key for key in TEXTS[language] if key.startswith(("aura_", "stick_"))} == keys
    assert all(text.strip() for key in keys for text in TEXTS[language][key].values())


def test_both_languages_say_as_much():
    for key in every_key():
        assert TEXTS["en"][key].keys() == TEXTS["fr"][key].keys(), key
        for kind, text in TEXTS["en"][key].items():
            assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", TEXTS["fr"][key][kind]), key


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", aura.PROCEDURES)
def test_a_procedure_is_told_step_by_step(name, language):
    steps = [kind for kind in explanation(language, f"aura_procedure_{name}") if kind != "meaning"]
    assert steps == [f"step_{number}" for number in range(1, aura.PROCEDURES[name] + 1)]


def test_the_waits_of_the_guide_are_told():
    for language in ("en", "fr"):
        assert "30 second" in TEXTS[language]["aura_procedure_stop"]["step_2"]
        assert "60 second" in TEXTS[language]["aura_procedure_start"]["step_8"]
        assert "3 minutes" in TEXTS[language]["aura_procedure_restart_after_settings"]["step_3"]
        assert "CONTRÔLE À DISTANCE" in TEXTS[language]["aura_procedure_enable_remote_control"]["step_1"]


def test_the_button_of_the_stick_does_what_its_length_says():
    assert list(aura.RESET_BUTTON) == [1, 5, 10]
    for seconds, key in aura.RESET_BUTTON.items():
        assert all(f"{seconds} s" in TEXTS[language][key]["text"] for language in ("en", "fr"))
