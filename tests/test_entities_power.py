"""The entities of inverters without VE.Bus, of chargers and of gensets."""

from collections import Counter
from typing import Any

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er

from custom_components.energy_suite.entities.victron.power import POWER_DEVICES
from custom_components.energy_suite.gateways.victron.gateway import DEVICES
from demo.registers import Value
from tests.conftest import EVERY_CONTROL

STILL: dict[str, float] = {"interval": 3600}
EVERYTHING: dict[str, Any] = {**EVERY_CONTROL, **STILL}
INVERTER_MODE: dict[str, Any] = {"enabled_controls": ["inverter_mode"], **STILL}

PHASES: dict[str, dict[str, Value]] = {
    "multi": {
        "/Ac/NumberOfPhases": 3,
        **{f"/Ac/In/1/L{phase}/{what}": 230.0 + phase for phase in (1, 2, 3) for what in "VIP"},
        **{f"/Ac/Out/L{phase}/{what}": 230.0 + phase for phase in (1, 2, 3) for what in "VIP"},
    },
    "acsystem": {f"/Ac/Out/L{phase}/V": 230.0 + phase for phase in (1, 2, 3)},
    "genset": {
        f"/Ac/L{phase}/{what}": 230.0 + phase for phase in (1, 2, 3) for what in ("Voltage", "Current", "Power")
    },
}

# Service -> path on the D-Bus, the value there, key of the entity, what it shows of it.
SHOWN: dict[str, list[tuple[str, Value, str, float | str]]] = {
    "inverter": [
        ("/State", 9, "state", "inverting"),
        ("/Mode", 5, "inverter_mode", "eco"),
        ("/Ac/Out/L1/P", 1230.0, "output_power", 1230),
        ("/Ac/Out/L1/V", 229.9, "output_voltage", 229.9),
        ("/Ac/Out/L1/I", 5.3, "output_current", 5.3),
        ("/Dc/0/Voltage", 51.23, "dc_voltage", 51.23),
        ("/Dc/0/Current", -24.1, "dc_current", -24.1),
        ("/Energy/InverterToAcOut", 101.01, "energy_inverter_to_ac_out", 101.01),
        ("/Energy/OutToInverter", 2.02, "energy_ac_out_to_inverter", 2.02),
        ("/Energy/SolarToAcOut", 303.03, "energy_solar_to_ac_out", 303.03),
        ("/Energy/SolarToBattery", 404.04, "energy_solar_to_battery", 404.04),
        ("/Pv/V", 301.5, "pv_voltage", 301.5),
        ("/Pv/0/P", 1717.0, "solar_power", 1717),
        ("/History/Daily/0/Pv/0/Yield", 7.3, "yield_today", 7.3),
    ],
    "multi": [
        ("/State", 252, "state", "external_control"),
        ("/Ac/ActiveIn/ActiveInput", 1, "active_input", "ac_in_2"),
        ("/Mode", 251, "inverter_mode", "pass_through"),
        ("/Ac/In/1/L1/P", -740.0, "input_power", -740),
        ("/Ac/In/1/L1/V", 231.3, "input_voltage", 231.3),
        ("/Ac/In/1/L1/I", -3.2, "input_current", -3.2),
        ("/Ac/In/1/L1/F", 50.02, "input_frequency", 50.02),
        ("/Ac/Out/L1/P", 940.0, "output_power", 940),
        ("/Ac/Out/L1/V", 229.8, "output_voltage", 229.8),
        ("/Ac/Out/L1/I", 4.1, "output_current", 4.1),
        ("/Ac/Out/L1/F", 50.01, "output_frequency", 50.01),
        ("/Dc/0/Voltage", 52.4, "dc_voltage", 52.4),
        ("/Dc/0/Current", 20.0, "dc_current", 20),
        ("/Dc/0/Temperature", 24.5, "dc_temperature", 24.5),
        ("/Soc", 71.5, "state_of_charge", 71.5),
        ("/Yield/Power", 2717.0, "solar_power", 2717),
        ("/Yield/User", 812.3, "yield_total", 812.3),
        ("/History/Daily/0/Yield", 7.3, "yield_today", 7.3),
        ("/History/Daily/1/Yield", 11.9, "yield_yesterday", 11.9),
        ("/History/Daily/0/MaxPower", 3905.0, "maximum_power_today", 3905),
        ("/History/Daily/1/MaxPower", 4102.0, "maximum_power_yesterday", 4102),
        ("/MppOperationMode", 1, "mpp_operation_mode", "limited"),
        ("/Pv/V", 312.5, "pv_voltage", 312.5),
        ("/ErrorCode", 26, "error_code", 26),
        ("/Ac/In/1/Type", 1, "ac_input_1_type", "grid"),
        ("/Ac/In/2/Type", 3, "ac_input_2_type", "shore"),
        ("/Ac/In/1/CurrentLimit", 25.0, "input_1_current_limit", 25),
        ("/Ac/In/2/CurrentLimit", 16.0, "input_2_current_limit", 16),
        ("/Settings/Ess/Mode", 1, "ess_mode", "optimized_without_batterylife"),
        ("/Settings/Ess/MinimumSocLimit", 25.0, "minimum_state_of_charge", 25),
        ("/Ess/AcPowerSetpoint", -150.0, "grid_setpoint", -150),
        ("/Energy/AcIn1ToAcOut", 100.01, "energy_ac_in_1_to_ac_out", 100.01),
        ("/Energy/AcIn1ToInverter", 100.02, "energy_ac_in_1_to_inverter", 100.02),
        ("/Energy/AcIn2ToAcOut", 100.03, "energy_ac_in_2_to_ac_out", 100.03),
        ("/Energy/AcIn2ToInverter", 100.04, "energy_ac_in_2_to_inverter", 100.04),
        ("/Energy/AcOutToAcIn1", 100.05, "energy_ac_out_to_ac_in_1", 100.05),
        ("/Energy/AcOutToAcIn2", 100.06, "energy_ac_out_to_ac_in_2", 100.06),
        ("/Energy/InverterToAcIn1", 100.07, "energy_inverter_to_ac_in_1", 100.07),
        ("/Energy/InverterToAcIn2", 100.08, "energy_inverter_to_ac_in_2", 100.08),
        ("/Energy/InverterToAcOut", 100.09, "energy_inverter_to_ac_out", 100.09),
        ("/Energy/OutToInverter", 100.11, "energy_ac_out_to_inverter", 100.11),
        ("/Energy/SolarToAcIn1", 100.12, "energy_solar_to_ac_in_1", 100.12),
        ("/Energy/SolarToAcIn2", 100.13, "energy_solar_to_ac_in_2", 100.13),
        ("/Energy/SolarToAcOut", 100.14, "energy_solar_to_ac_out", 100.14),
        ("/Energy/SolarToBattery", 100.15, "energy_solar_to_battery", 100.15),
    ],
    "acsystem": [
        ("/State", 10, "state", "power_assist"),
        ("/Ac/In/1/L1/P", -500.0, "input_power", -500),
        ("/Ac/In/1/L1/V", 231.1, "input_voltage", 231.1),
        ("/Ac/In/1/L1/I", -2.5, "input_current", -2.5),
        ("/Ac/In/1/L1/F", 49.98, "input_frequency", 49.98),
        ("/Ac/Out/L1/P", 300.0, "output_power", 300),
        ("/Ac/Out/L1/V", 230.1, "output_voltage", 230.1),
        ("/Ac/Out/L1/I", 1.5, "output_current", 1.5),
        ("/Ac/Out/L1/F", 50.03, "output_frequency", 50.03),
        ("/Settings/Ess/Mode", 2, "ess_mode", "keep_batteries_charged"),
        ("/Ess/AcPowerSetpoint", 50.0, "grid_setpoint", 50),
        ("/Ess/ActiveSocLimit", 30.0, "active_state_of_charge_limit", 30),
        ("/Ac/In/1/CurrentLimit", 63.0, "input_1_current_limit", 63),
        ("/Ac/In/2/CurrentLimit", 32.0, "input_2_current_limit", 32),
        ("/Settings/Ac/In/CurrentLimitEnergyMeter", 40.0, "energy_meter_current_limit", 40),
    ],
    "charger": [
        ("/State", 5, "state", "float"),
        ("/Ac/In/L1/P", 1230.0, "power", 1230),
        ("/Ac/In/L1/I", 5.4, "input_current", 5.4),
        ("/Ac/In/CurrentLimit", 16.0, "input_current_limit", 16),
        ("/Dc/0/Voltage", 26.54, "output_1_voltage", 26.54),
        ("/Dc/0/Current", 41.2, "output_1_current", 41.2),
        ("/Dc/1/Voltage", 26.31, "output_2_voltage", 26.31),
        ("/Dc/1/Current", 3.4, "output_2_current", 3.4),
        ("/Dc/2/Voltage", 12.85, "output_3_voltage", 12.85),
        ("/Dc/2/Current", 0.6, "output_3_current", 0.6),
        ("/Dc/0/Temperature", 19.5, "dc_temperature", 19.5),
        ("/ErrorCode", 17, "error_code", 17),
        ("/Relay/0/State", 1, "relay", "on"),
    ],
    "dcdc": [
        ("/State", 3, "state", "bulk"),
        ("/Dc/In/P", 671.0, "power", 671),
        ("/Dc/In/V", 14.02, "input_voltage", 14.02),
        ("/Dc/0/Voltage", 13.41, "battery_voltage", 13.41),
        ("/Dc/0/Current", 48.5, "current", 48.5),
        ("/Dc/0/Temperature", 31.0, "dc_temperature", 31),
        ("/History/Cumulative/User/ChargedAh", 1234.5, "charged_amphours", 1234.5),
        ("/ErrorCode", 26, "error_code", 26),
    ],
    "alternator": [
        ("/State", 4, "state", "absorption"),
        ("/Dc/0/Voltage", 14.2, "battery_voltage", 14.2),
        ("/Dc/0/Current", 80.0, "current", 80),
        ("/Dc/1/Voltage", 12.7, "auxiliary_voltage", 12.7),
        ("/Dc/0/Temperature", 41.5, "temperature", 41.5),
        ("/History/EnergyOut", 321.09, "energy", 321.09),
        ("/Engine/Speed", 1850.0, "engine_speed", 1850),
        ("/Speed", 5550.0, "alternator_speed", 5550),
        ("/FieldDrive", 63, "field_drive", 63),
        ("/Dc/In/V", 14.42, "input_voltage", 14.42),
        ("/Dc/In/P", 1200.0, "input_power", 1200),
        ("/History/Cumulative/User/ChargedAh", 7001.5, "charged_amphours", 7001.5),
        ("/ErrorCode", 22, "error_code", 22),
    ],
    "genset": [
        ("/StatusCode", 8, "status", "running"),
        ("/ErrorCode", 132, "error_code", 132),
        ("/RemoteStartModeEnabled", 1, "remote_start_enabled", "on"),
        ("/Engine/Load", 42.0, "engine_load", 42),
        ("/Engine/Speed", 1503.0, "engine_speed", 1503),
        ("/Engine/OperatingHours", 360_000.0, "operating_hours", 100),
        ("/Engine/CoolantTemperature", 81.5, "coolant_temperature", 81.5),
        ("/Engine/WindingTemperature", 62.5, "winding_temperature", 62.5),
        ("/Engine/ExaustTemperature", 355.5, "exhaust_temperature", 355.5),
        ("/Engine/OilTemperature", 92.0, "oil_temperature", 92),
        ("/Engine/OilPressure", 310.0, "oil_pressure", 310),
        ("/StarterVoltage", 13.62, "starter_voltage", 13.62),
        ("/Ac/L1/Voltage", 230.4, "voltage", 230.4),
        ("/Ac/L1/Current", 9.1, "current", 9.1),
        ("/Ac/L1/Power", 2090.0, "power", 2090),
        ("/Ac/Frequency", 50.11, "frequency", 50.11),
        ("/Ac/PowerFactor", 0.97, "power_factor", 0.97),
        ("/Error/0/Id", "#5", "reported_errors", "#5"),
    ],
    "dcgenset": [
        ("/StatusCode", 9, "status", "stopping"),
        ("/ErrorCode", 137, "error_code", 137),
        ("/RemoteStartModeEnabled", 1, "remote_start_enabled", "on"),
        ("/Dc/0/Voltage", 54.0, "voltage", 54),
        ("/Dc/0/Current", 101.0, "current", 101),
        ("/Engine/Load", 61.0, "engine_load", 61),
        ("/Engine/Speed", 2203.0, "engine_speed", 2203),
        ("/Engine/OperatingHours", 720_000.0, "operating_hours", 200),
        ("/Engine/CoolantTemperature", 71.5, "coolant_temperature", 71.5),
        ("/Engine/WindingTemperature", 52.5, "winding_temperature", 52.5),
        ("/Engine/ExaustTemperature", 255.5, "exhaust_temperature", 255.5),
        ("/Engine/OilTemperature", 82.0, "oil_temperature", 82),
        ("/Engine/OilPressure", 290.0, "oil_pressure", 290),
        ("/StarterVoltage", 12.62, "starter_voltage", 12.62),
        ("/HeatsinkTemperature", 44.5, "heatsink_temperature", 44.5),
        ("/Error/2/Id", "#7", "reported_errors", "#7"),
    ],
}
KINDS = {
    "inverter": "inverter",
    "multi": "multi_rs",
    "acsystem": "ac_system",
    "charger": "ac_charger",
    "dcdc": "dc_dc_converter",
    "alternator": "alternator",
    "genset": "ac_genset",
    "dcgenset": "dc_genset",
}
# What follows from several of these.
DERIVED: dict[str, dict[str, float | str]] = {
    "inverter": {"yield_total": 707.07},
    "multi": {"dc_power": 1048},
    "alternator": {"power": 1136},
    "genset": {"running": "on"},
    "dcgenset": {"running": "off", "power": 5454},
}


@pytest.fixture
def more() -> dict[str, dict[str, Value]]:
    """What the services say beside the table; tests override it by parametrising."""
    return {}


@pytest.fixture
def connected() -> tuple[str, ...]:
    """What is connected to the GX, at instance 0; tests override it by parametrising."""
    return tuple(SHOWN)


@pytest.fixture
def furnished(house, connected, more) -> None:
    """Put it there."""
    for service in connected:
        values: dict[str, Value] = {path: value for path, value, _, _ in SHOWN[service]}
        house.gx.add_service(service, 0, values | more.get(service, {}))


@pytest.fixture
def options() -> dict[str, float]:
    """All is read once: nothing is stale however slow the machine."""
    return STILL


pytestmark = pytest.mark.usefixtures("furnished")


def entries_of(suite, kind: str) -> dict[str, er.RegistryEntry]:
    prefix = f"{suite.entry.data['uid']}_{suite.key(kind)}_"
    return {
        entity.unique_id.removeprefix(prefix): entity
        for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)
        if entity.unique_id.startswith(prefix)
    }


def as_shown(state: str) -> float | str:
    try:
        return float(state)
    except ValueError:
        return state


def test_the_tables_are_of_every_kind_of_the_group():
    assert set(KINDS) == set(SHOWN)
    assert set(KINDS.values()) == set(POWER_DEVICES) <= set(DEVICES)


@pytest.mark.parametrize("service", SHOWN)
@pytest.mark.usefixtures("all_enabled")
async def test_every_entity_shows_what_its_service_says(hass, suite, service):
    kind = KINDS[service]
    states = {key: hass.states.get(entity.entity_id).state for key, entity in entries_of(suite, kind).items()}
    expected = {key: shown for _, _, key, shown in SHOWN[service]} | DERIVED.get(service, {})

    assert {key: as_shown(state) for key, state in states.items() if key not in ("alarm", "problem")} == expected


FOUR_TRACKERS: dict[str, Value] = {
    **{f"/Pv/{number}/P": 100.0 + number for number in range(4)},
    **{f"/Pv/{number}/V": 200.0 + number for number in range(4)},
}


@pytest.mark.parametrize("options", [STILL, EVERYTHING], ids=["read only", "every control"])
@pytest.mark.parametrize(
    "more",
    [{}, {**PHASES, "multi": PHASES["multi"] | FOUR_TRACKERS, "inverter": FOUR_TRACKERS}],
    ids=["small", "three phases and four trackers"],
)
async def test_entities_enabled_from_the_start_are_few(suite):
    enabled = Counter(
        {
            kind: len([entity for entity in entries_of(suite, kind).values() if not entity.disabled])
            for kind in KINDS.values()
        }
    )

    assert min(enabled.values()) > 3
    assert max(enabled.values()) <= 25, enabled


@pytest.mark.parametrize("more", [{"multi": FOUR_TRACKERS, "inverter": FOUR_TRACKERS}])
@pytest.mark.usefixtures("all_enabled")
async def test_each_of_several_trackers_has_its_own_entities(suite):
    for kind in ("multi_rs", "inverter"):
        for number in (1, 2, 3, 4):
            assert suite.state(kind, f"tracker_{number}_power") == str(99 + number)
            assert as_shown(suite.state(kind, f"tracker_{number}_voltage")) == 199 + number
        assert not suite.has(kind, "pv_voltage")


@pytest.mark.parametrize("more", [PHASES])
@pytest.mark.usefixtures("all_enabled")
async def test_each_of_several_phases_has_its_own_entities(suite):
    for phase in (1, 2, 3):
        assert as_shown(suite.state("multi_rs", f"input_voltage_l{phase}")) == 230 + phase
        assert as_shown(suite.state("ac_system", f"output_voltage_l{phase}")) == 230 + phase
        assert as_shown(suite.state("ac_genset", f"power_l{phase}")) == 230 + phase
    assert not suite.has("ac_genset", "voltage")
    assert not suite.has("multi_rs", "input_voltage")


# --- the batteries of a boat --------------------------------------------------------------------------------------


async def test_the_voltage_of_every_output_of_a_charger_is_there_and_the_first_is_shown(suite):
    outputs = [entries_of(suite, "ac_charger")[f"output_{output}_voltage"] for output in (1, 2, 3)]

    assert not any(entity.disabled for entity in outputs)
    assert [entity.hidden for entity in outputs] == [False, True, True]
    assert [suite.hass.states.get(entity.entity_id).name for entity in outputs] == [
        f"AC charger Output {output} voltage" for output in (1, 2, 3)
    ]


@pytest.mark.parametrize("more", [{"charger": {"/Dc/1/Voltage": None, "/Dc/2/Voltage": None}}])
async def test_a_charger_with_one_output_has_one_voltage(suite):
    keys = set(entries_of(suite, "ac_charger"))

    assert {key for key in keys if key.startswith("output")} == {"output_1_voltage", "output_1_current"}


@pytest.mark.parametrize(("options", "connected"), [({"interval": 0.1}, ())], ids=[""])
async def test_a_starter_battery_is_shown_as_soon_as_its_voltage_is_known(suite):
    assert not suite.has("battery", "starter_voltage")

    suite.house.set("battery", "/Dc/1/Voltage", 12.61)
    await suite.until(lambda: suite.has("battery", "starter_voltage"))
    await suite.hass.async_block_till_done()

    assert as_shown(suite.state("battery", "starter_voltage")) == 12.61


async def test_the_second_batteries_of_engines_are_shown(suite):
    for kind, key in (("alternator", "auxiliary_voltage"), ("ac_genset", "starter_voltage")):
        entity = entries_of(suite, kind)[key]
        assert not entity.disabled
        assert not entity.hidden


# --- controls -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["inverter", "multi_rs"])
async def test_the_mode_is_a_reading_until_its_control_is_enabled(suite, kind):
    assert suite.entity_id(kind, "inverter_mode").startswith("sensor.")


@pytest.mark.parametrize("options", [INVERTER_MODE], ids=[""])
@pytest.mark.parametrize(
    ("kind", "service", "connected"), [("inverter", "inverter", ("inverter",)), ("multi_rs", "multi", ("multi",))]
)
async def test_the_mode_is_chosen_once_its_control_is_enabled(suite, kind, service):
    await suite.call("select", "select_option", kind, "inverter_mode", option="off")

    assert suite.gx.get(service, 0, "/Mode") == 4
    await suite.shows(kind, "inverter_mode", "off")


@pytest.mark.parametrize(
    ("kind", "service", "connected"), [("multi_rs", "multi", ("multi",)), ("ac_system", "acsystem", ("acsystem",))]
)
async def test_the_ess_of_rs_is_set(suite, kind, service):
    await suite.call("select", "select_option", kind, "ess_mode", option="optimized_with_batterylife")
    await suite.call("number", "set_value", kind, "grid_setpoint", value=-1500)

    assert suite.gx.get(service, 0, "/Settings/Ess/Mode") == 0
    assert suite.gx.get(service, 0, "/Ess/AcPowerSetpoint") == -1500


@pytest.mark.parametrize("connected", [("multi",)], ids=[""])
async def test_the_minimum_state_of_charge_of_a_multi_rs_is_set(suite):
    await suite.call("number", "set_value", "multi_rs", "minimum_state_of_charge", value=40)

    assert suite.gx.get("multi", 0, "/Settings/Ess/MinimumSocLimit") == 40


@pytest.mark.parametrize(("kind", "connected"), [("multi_rs", ("multi",)), ("ac_system", ("acsystem",))])
async def test_external_control_of_rs_needs_its_control_enabled(suite, kind):
    with pytest.raises(ServiceValidationError) as caught:
        await suite.call("select", "select_option", kind, "ess_mode", option="external_control")

    assert caught.value.translation_key == "control_not_enabled"
    assert not suite.gx.writes


@pytest.mark.parametrize("connected", [("multi",)], ids=[""])
async def test_the_action_sets_the_ess_mode_of_a_multi_rs(hass, suite):
    await hass.services.async_call(
        "energy_suite",
        "set_ess_mode",
        {
            "device_id": suite.device_id("multi_rs"),
            "mode": "optimized_with_batterylife",
            "minimum_state_of_charge": 30,
        },
        blocking=True,
    )

    assert suite.gx.get("multi", 0, "/Settings/Ess/Mode") == 0
    assert suite.gx.get("multi", 0, "/Settings/Ess/MinimumSocLimit") == 30


async def test_a_genset_is_not_started_but_by_the_generator_service(hass, suite):
    for kind in ("ac_genset", "dc_genset"):
        domains = {entity.domain for entity in entries_of(suite, kind).values()}
        assert domains == {"binary_sensor", "event", "sensor"}
        with pytest.raises(ServiceValidationError) as caught:
            await hass.services.async_call(
                "energy_suite", "start_generator", {"device_id": suite.device_id(kind)}, blocking=True
            )
        assert caught.value.translation_key == "wrong_device_kind"
