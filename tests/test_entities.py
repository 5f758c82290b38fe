"""Which entities a site has, what they show, and what device they are of."""

from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from homeassistant.const import Platform
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import snapshot_platform
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_suite.const import DOMAIN, PLATFORMS
from custom_components.energy_suite.site.health import CHECKS
from demo.registers import Value
from demo.victron_house import INSTANCES
from tests.conftest import EVERY_CONTROL

# One round only, so that nothing measured of the rounds themselves shows.
STILL = {"interval": 3600}
EVERYTHING = {**EVERY_CONTROL, "delay_before_sending": 5}


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    with patch("custom_components.energy_suite.PLATFORMS", [request.param]):
        yield request.param


def entries_of(suite) -> list[er.RegistryEntry]:
    return er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)


def key_of(suite, entity: er.RegistryEntry) -> tuple[str, str]:
    """The kind of an entity's device, and its own key."""
    rest = entity.unique_id.removeprefix(f"{suite.entry.data['uid']}_")
    device = next(each for each in suite.entry.data["devices"] if rest.startswith(f"{each['key']}_"))
    return device["kind"], rest.removeprefix(f"{device['key']}_")


# --- all of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{**EVERYTHING, **STILL}], ids=[""])
@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each != Platform.DEVICE_TRACKER], indirect=True)
@pytest.mark.usefixtures("all_enabled", "platform")
async def test_every_entity_of_the_house(hass, suite, snapshot):
    await snapshot_platform(hass, suite.entities, snapshot, suite.entry.entry_id)


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["read only", "every control"])
@pytest.mark.parametrize("phases", [1, 3])
async def test_entities_enabled_from_the_start_are_few(suite, phases):
    enabled = [entity for entity in entries_of(suite) if not entity.disabled]
    per_device = Counter(entity.device_id for entity in enabled)

    assert len(per_device) == len(suite.entry.data["devices"]) == 8
    assert max(per_device.values()) <= 25
    assert len(enabled) <= 130


@pytest.mark.parametrize("options", [EVERYTHING])
async def test_every_entity_is_named_after_its_device_and_known_by_uid_device_and_key(suite):
    entities = entries_of(suite)

    assert all(entity.has_entity_name for entity in entities)
    assert {entity.unique_id.split("_", 1)[0] for entity in entities} == {suite.entry.data["uid"]}
    assert all(
        suite.devices.async_get(entity.device_id).identifiers
        == {(DOMAIN, entity.unique_id.removesuffix(f"_{key_of(suite, entity)[1]}"))}
        for entity in entities
    )


@pytest.fixture
def lived_in(house) -> None:
    """The meters have counted something: one at 0 might as well be none."""
    house.advance(3600)


@pytest.mark.usefixtures("lived_in")
async def test_every_enabled_entity_of_a_working_house_shows_something(hass, suite):
    shown = {
        key_of(suite, entity): hass.states.get(entity.entity_id).state
        for entity in entries_of(suite)
        if not entity.disabled
    }
    unknown = {key for key, state in shown.items() if state == "unknown" and key[1] not in ("alarm", "search_again")}

    assert "unavailable" not in shown.values()
    assert not unknown


# --- what they show -----------------------------------------------------------------------------------------------

# Kind of device, key of the entity -> service and path on the D-Bus, the value there, what the entity shows of it: as
# fine as the register and in the unit that the entity is shown in.
SHOWN: dict[tuple[str, str], tuple[str, str, Value, float | str]] = {
    ("gx", "battery_voltage"): ("system", "/Dc/Battery/Voltage", 51.38, 51.4),
    ("gx", "battery_current"): ("system", "/Dc/Battery/Current", -23.46, -23.5),
    ("gx", "battery_power"): ("system", "/Dc/Battery/Power", -1205.0, -1205),
    ("gx", "state_of_charge"): ("system", "/Dc/Battery/Soc", 63.0, 63),
    ("gx", "battery_state"): ("system", "/Dc/Battery/State", 2, "discharging"),
    ("gx", "consumed_amphours"): ("system", "/Dc/Battery/ConsumedAmphours", -101.2, -101.2),
    ("gx", "time_to_go"): ("system", "/Dc/Battery/TimeToGo", 36_000, 10),
    ("gx", "pv_dc_power"): ("system", "/Dc/Pv/Power", 1731.0, 1731),
    ("gx", "pv_ac_power"): ("system", "/Ac/PvOnOutput/L1/Power", 942.0, 942),
    ("gx", "consumption_power"): ("system", "/Ac/Consumption/L1/Power", 4017.0, 4017),
    ("gx", "grid_power"): ("system", "/Ac/Grid/L1/Power", -322.0, -322),
    ("gx", "genset_power"): ("system", "/Ac/Genset/L1/Power", 813.0, 813),
    ("gx", "dc_system_power"): ("system", "/Dc/System/Power", 77.0, 77),
    ("gx", "inverter_charger_power"): ("system", "/Dc/InverterCharger/Power", -2209.0, -2209),
    ("gx", "ac_source"): ("system", "/Ac/ActiveIn/Source", 2, "generator"),
    ("gx", "relay_1"): ("system", "/Relay/0/State", 1, "on"),
    ("gx", "relay_2"): ("system", "/Relay/1/State", 0, "off"),
    ("gx", "minimum_state_of_charge"): ("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit", 35.5, 35.5),
    ("gx", "batterylife_state"): ("settings", "/Settings/CGwacs/BatteryLife/State", 4, "self_consumption_95"),
    ("gx", "active_state_of_charge_limit"): ("settings", "/Settings/CGwacs/BatteryLife/SocLimit", 45.0, 45),
    ("gx", "grid_setpoint"): ("settings", "/Settings/CGwacs/AcPowerSetPoint", -150.0, -150),
    ("gx", "maximum_charge_current"): ("settings", "/Settings/SystemSetup/MaxChargeCurrent", 71.0, 71),
    ("gx", "maximum_discharge_power"): ("settings", "/Settings/CGwacs/MaxDischargePower", 2345.0, 2345),
    ("gx", "maximum_feed_in_power"): ("settings", "/Settings/CGwacs/MaxFeedInPower", 3456.0, 3456),
    ("gx", "feed_in_dc_coupled_pv"): ("settings", "/Settings/CGwacs/OvervoltageFeedIn", 1, "on"),
    ("gx", "feed_in_ac_coupled_pv"): ("settings", "/Settings/CGwacs/PreventFeedback", 1, "off"),
    ("gx", "maximum_charge_voltage"): ("settings", "/Settings/SystemSetup/MaxChargeVoltage", 55.2, 55.2),
    ("gx", "ac_input_1_type"): ("settings", "/Settings/SystemSetup/AcInput1", 3, "shore"),
    ("gx", "ac_input_2_type"): ("settings", "/Settings/SystemSetup/AcInput2", 2, "generator"),
    ("gx", "import_current_limit"): ("settings", "/Settings/CGwacs/AcInputLimit", 25.0, 25),
    ("gx", "export_current_limit"): ("settings", "/Settings/CGwacs/AcExportLimit", 16.0, 16),
    ("gx", "feed_in_limiting"): ("hub4", "/PvPowerLimiterActive", 1, "on"),
    ("gx", "dynamic_ess_active"): ("system", "/DynamicEss/Active", 1, "on"),
    ("gx", "dynamic_ess_target_soc"): ("system", "/DynamicEss/TargetSoc", 82.0, 82),
    ("inverter_charger", "state"): ("vebus", "/State", 10, "power_assist"),
    ("inverter_charger", "active_input"): ("vebus", "/Ac/ActiveIn/ActiveInput", 1, "ac_in_2"),
    ("inverter_charger", "inverter_mode"): ("vebus", "/Mode", 1, "charger_only"),
    ("inverter_charger", "input_current_limit"): ("vebus", "/Ac/ActiveIn/CurrentLimit", 24.6, 24.6),
    ("inverter_charger", "input_power"): ("vebus", "/Ac/ActiveIn/L1/P", 1530, 1530),
    ("inverter_charger", "input_voltage"): ("vebus", "/Ac/ActiveIn/L1/V", 231.27, 231.3),
    ("inverter_charger", "input_current"): ("vebus", "/Ac/ActiveIn/L1/I", 6.62, 6.6),
    ("inverter_charger", "input_frequency"): ("vebus", "/Ac/ActiveIn/L1/F", 50.13, 50.13),
    ("inverter_charger", "output_power"): ("vebus", "/Ac/Out/L1/P", 2740, 2740),
    ("inverter_charger", "output_voltage"): ("vebus", "/Ac/Out/L1/V", 229.84, 229.8),
    ("inverter_charger", "output_current"): ("vebus", "/Ac/Out/L1/I", 11.92, 11.9),
    ("inverter_charger", "output_frequency"): ("vebus", "/Ac/Out/L1/F", 50.11, 50.11),
    ("inverter_charger", "dc_voltage"): ("vebus", "/Dc/0/Voltage", 52.17, 52.17),
    ("inverter_charger", "dc_current"): ("vebus", "/Dc/0/Current", -20.0, -20),
    ("inverter_charger", "dc_temperature"): ("vebus", "/Dc/0/Temperature", 23.4, 23.4),
    ("inverter_charger", "state_of_charge"): ("vebus", "/Soc", 61.3, 61.3),
    ("inverter_charger", "charge_state"): ("vebus", "/VebusChargeState", 3, "float"),
    ("inverter_charger", "error_code"): ("vebus", "/VebusError", 17, 17),
    ("inverter_charger", "nominal_power"): ("vebus", "/Ac/Out/NominalInverterPower", 4300, 4300),
    ("inverter_charger", "prefer_renewable_energy"): ("vebus", "/Dc/0/PreferRenewableEnergy", 1, "on"),
    ("inverter_charger", "charge_allowed"): ("vebus", "/Bms/AllowToCharge", 0, "off"),
    ("inverter_charger", "discharge_allowed"): ("vebus", "/Bms/AllowToDischarge", 1, "on"),
    ("inverter_charger", "energy_ac_in_1_to_ac_out"): ("vebus", "/Energy/AcIn1ToAcOut", 101.01, 101.01),
    ("inverter_charger", "energy_ac_in_1_to_inverter"): ("vebus", "/Energy/AcIn1ToInverter", 102.02, 102.02),
    ("inverter_charger", "energy_ac_in_2_to_ac_out"): ("vebus", "/Energy/AcIn2ToAcOut", 103.03, 103.03),
    ("inverter_charger", "energy_ac_in_2_to_inverter"): ("vebus", "/Energy/AcIn2ToInverter", 104.04, 104.04),
    ("inverter_charger", "energy_ac_out_to_ac_in_1"): ("vebus", "/Energy/AcOutToAcIn1", 105.05, 105.05),
    ("inverter_charger", "energy_ac_out_to_ac_in_2"): ("vebus", "/Energy/AcOutToAcIn2", 106.06, 106.06),
    ("inverter_charger", "energy_inverter_to_ac_in_1"): ("vebus", "/Energy/InverterToAcIn1", 107.07, 107.07),
    ("inverter_charger", "energy_inverter_to_ac_in_2"): ("vebus", "/Energy/InverterToAcIn2", 108.08, 108.08),
    ("inverter_charger", "energy_inverter_to_ac_out"): ("vebus", "/Energy/InverterToAcOut", 109.09, 109.09),
    ("inverter_charger", "energy_ac_out_to_inverter"): ("vebus", "/Energy/OutToInverter", 110.11, 110.11),
    ("battery", "state_of_charge"): ("battery", "/Soc", 62.4, 62.4),
    ("battery", "battery_power"): ("battery", "/Dc/0/Power", -1310, -1310),
    ("battery", "voltage"): ("battery", "/Dc/0/Voltage", 52.31, 52.31),
    ("battery", "current"): ("battery", "/Dc/0/Current", -25.1, -25.1),
    ("battery", "temperature"): ("battery", "/Dc/0/Temperature", 21.7, 21.7),
    ("battery", "time_to_go"): ("battery", "/TimeToGo", 54_000, 15),
    ("battery", "charged_energy"): ("battery", "/History/ChargedEnergy", 1234.5, 1234.5),
    ("battery", "discharged_energy"): ("battery", "/History/DischargedEnergy", 1111.2, 1111.2),
    ("battery", "state_of_health"): ("battery", "/Soh", 97.5, 97.5),
    ("battery", "charge_cycles"): ("battery", "/History/ChargeCycles", 87, 87),
    ("battery", "maximum_charge_voltage"): ("battery", "/Info/MaxChargeVoltage", 56.4, 56.4),
    ("battery", "maximum_charge_current"): ("battery", "/Info/MaxChargeCurrent", 138.0, 138),
    ("battery", "maximum_discharge_current"): ("battery", "/Info/MaxDischargeCurrent", 199.0, 199),
    ("battery", "minimum_cell_temperature"): ("battery", "/System/MinCellTemperature", 18.3, 18.3),
    ("battery", "maximum_cell_temperature"): ("battery", "/System/MaxCellTemperature", 19.6, 19.6),
    ("inverter_charger", "bms_expected"): ("vebus", "/Bms/BmsExpected", 1, "on"),
    ("inverter_charger", "bms_error"): ("vebus", "/Bms/Error", 1, "on"),
    ("inverter_charger", "bms_pre_alarm"): ("vebus", "/Alarms/BmsPreAlarm", 1, "on"),
    ("battery", "minimum_cell_voltage"): ("battery", "/System/MinCellVoltage", 3.21, 3.21),
    ("battery", "maximum_cell_voltage"): ("battery", "/System/MaxCellVoltage", 3.34, 3.34),
    ("battery", "charge_allowed"): ("battery", "/Io/AllowToCharge", 1, "on"),
    ("battery", "discharge_allowed"): ("battery", "/Io/AllowToDischarge", 0, "off"),
    ("battery", "consumed_amphours"): ("battery", "/ConsumedAmphours", -98.7, -98.7),
    ("battery", "starter_voltage"): ("battery", "/Dc/1/Voltage", 12.61, 12.61),
    ("battery", "mid_voltage"): ("battery", "/Dc/0/MidVoltage", 26.13, 26.13),
    ("battery", "mid_voltage_deviation"): ("battery", "/Dc/0/MidVoltageDeviation", 1.25, 1.2),
    ("battery", "low_voltage_limit"): ("battery", "/Info/BatteryLowVoltage", 46.1, 46.1),
    ("battery", "capacity"): ("battery", "/Capacity", 273.4, 273.4),
    ("battery", "deepest_discharge"): ("battery", "/History/DeepestDischarge", -201.3, -201.3),
    ("battery", "state"): ("battery", "/State", 14, "standby"),
    ("battery", "error_code"): ("battery", "/ErrorCode", 24, 24),
    ("battery", "balancing"): ("battery", "/Balancing", 1, "on"),
    ("battery", "balancer_status"): ("battery", "/Balancer/Status", 3, "imbalance"),
    ("battery", "modules_online"): ("battery", "/System/NrOfModulesOnline", 5, 5),
    ("battery", "modules_offline"): ("battery", "/System/NrOfModulesOffline", 2, 2),
    ("battery", "modules_blocking_charge"): ("battery", "/System/NrOfModulesBlockingCharge", 3, 3),
    ("battery", "modules_blocking_discharge"): ("battery", "/System/NrOfModulesBlockingDischarge", 4, 4),
    ("solar_charger", "power"): ("solarcharger", "/Yield/Power", 1717.0, 1717),
    ("solar_charger", "state"): ("solarcharger", "/State", 252, "external_control"),
    ("solar_charger", "mpp_operation_mode"): ("solarcharger", "/MppOperationMode", 1, "limited"),
    ("solar_charger", "yield_total"): ("solarcharger", "/Yield/User", 8123.4, 8123.4),
    ("solar_charger", "yield_today"): ("solarcharger", "/History/Daily/0/Yield", 7.3, 7.3),
    ("solar_charger", "maximum_power_today"): ("solarcharger", "/History/Daily/0/MaxPower", 2905, 2905),
    ("solar_charger", "yield_yesterday"): ("solarcharger", "/History/Daily/1/Yield", 11.9, 11.9),
    ("solar_charger", "maximum_power_yesterday"): ("solarcharger", "/History/Daily/1/MaxPower", 3102, 3102),
    ("solar_charger", "battery_voltage"): ("solarcharger", "/Dc/0/Voltage", 52.44, 52.44),
    ("solar_charger", "current"): ("solarcharger", "/Dc/0/Current", 32.7, 32.7),
    ("solar_charger", "temperature"): ("solarcharger", "/Dc/0/Temperature", 35.2, 35.2),
    ("solar_charger", "tracker_1_power"): ("solarcharger", "/Pv/0/P", 1001, 1001),
    ("solar_charger", "tracker_2_power"): ("solarcharger", "/Pv/1/P", 716, 716),
    ("solar_charger", "tracker_1_voltage"): ("solarcharger", "/Pv/0/V", 151.23, 151.23),
    ("solar_charger", "tracker_2_voltage"): ("solarcharger", "/Pv/1/V", 98.76, 98.76),
    ("solar_charger", "tracker_1_yield_today"): ("solarcharger", "/History/Daily/0/Pv/0/Yield", 4.4, 4.4),
    ("solar_charger", "tracker_2_yield_today"): ("solarcharger", "/History/Daily/0/Pv/1/Yield", 2.9, 2.9),
    ("solar_charger", "error_code"): ("solarcharger", "/ErrorCode", 26, 26),
    ("solar_charger", "equalization_pending"): ("solarcharger", "/Equalization/Pending", 1, "on"),
    ("solar_charger", "relay"): ("solarcharger", "/Relay/0/State", 1, "on"),
    ("grid_meter", "power"): ("grid", "/Ac/L1/Power", -305.0, -305),
    ("grid_meter", "voltage"): ("grid", "/Ac/L1/Voltage", 232.14, 232.1),
    ("grid_meter", "current"): ("grid", "/Ac/L1/Current", -1.32, -1.3),
    ("grid_meter", "frequency"): ("grid", "/Ac/Frequency", 49.97, 49.97),
    ("grid_meter", "power_factor"): ("grid", "/Ac/PowerFactor", -0.912, -0.912),
    ("grid_meter", "energy_imported"): ("grid", "/Ac/Energy/Forward", 5123.45, 5123.45),
    ("grid_meter", "energy_exported"): ("grid", "/Ac/Energy/Reverse", 6234.56, 6234.56),
    ("pv_inverter", "power"): ("pvinverter", "/Ac/L1/Power", 921.0, 921),
    ("pv_inverter", "voltage"): ("pvinverter", "/Ac/L1/Voltage", 233.34, 233.3),
    ("pv_inverter", "current"): ("pvinverter", "/Ac/L1/Current", 3.94, 3.9),
    ("pv_inverter", "energy"): ("pvinverter", "/Ac/L1/Energy/Forward", 7345.67, 7345.67),
    ("pv_inverter", "frequency"): ("pvinverter", "/Ac/Frequency", 50.21, 50.21),
    ("pv_inverter", "position"): ("pvinverter", "/Position", 2, "ac_input_2"),
    ("pv_inverter", "maximum_power"): ("pvinverter", "/Ac/MaxPower", 3680, 3680),
    ("pv_inverter", "power_limit"): ("pvinverter", "/Ac/PowerLimit", 2500, 2500),
    ("ev_charger", "power"): ("evcharger", "/Ac/Power", 2530.0, 2530),
    ("ev_charger", "current"): ("evcharger", "/Current", 11.0, 11),
    ("ev_charger", "status"): ("evcharger", "/Status", 22, "switching_to_3_phase"),
    ("ev_charger", "energy"): ("evcharger", "/Ac/Energy/Forward", 843.21, 843.21),
    ("ev_charger", "session_energy"): ("evcharger", "/Session/Energy", 12.34, 12.34),
    ("ev_charger", "session_time"): ("evcharger", "/Session/Time", 5400, 90),
    ("ev_charger", "charging_time"): ("evcharger", "/ChargingTime", 4800, 80),
    ("ev_charger", "maximum_current"): ("evcharger", "/MaxCurrent", 20, 20),
    ("ev_charger", "charging_mode"): ("evcharger", "/Mode", 2, "scheduled"),
    ("ev_charger", "charging_current"): ("evcharger", "/SetCurrent", 13, 13),
    ("ev_charger", "charging"): ("evcharger", "/StartStop", 1, "on"),
    ("ev_charger", "position"): ("evcharger", "/Position", 1, "ac_output"),
    ("generator", "state"): ("generator", "/State", 3, "cool_down"),
    ("generator", "running_by"): ("generator", "/RunningByConditionCode", 7, "battery_voltage"),
    ("generator", "runtime"): ("generator", "/Runtime", 1200, 20),
    ("generator", "generator_auto_start"): ("generator", "/AutoStartEnabled", 1, "on"),
    ("generator", "quiet_hours"): ("generator", "/QuietHours", 1, "on"),
    ("generator", "service_countdown"): ("generator", "/ServiceCounter", 7200, 2),
    ("generator", "error"): ("generator", "/Error", 2, "remote_fault"),
}
# What follows from several of these.
DERIVED: dict[tuple[str, str], float | str] = {
    ("battery", "cell_voltage_spread"): 0.13,
    ("inverter_charger", "load_disconnect"): "off",
    ("inverter_charger", "charge_disconnect"): "on",
    ("gx", "solar_power"): 1731 + 942,
    ("gx", "energy_source"): "solar",
    ("gx", "ess_mode"): "optimized_with_batterylife",
    ("inverter_charger", "dc_power"): round(52.17 * -20, 1),
    ("generator", "running"): "on",
}
# Of the integration itself, or computed over time; and what can be pressed.
OWN = {
    *(("gx", f"{what}_energy") for what in ("solar", "consumption", "battery_charged", "battery_discharged")),
    *(("gx", check.key) for check in CHECKS),
    *(("gx", key) for key in ("connection", "achieved_interval", "search_again")),
    ("generator", "reset_service_counter"),
    *((kind, key) for kind in dict(SHOWN) for key in ("alarm", "problem")),
}


@pytest.fixture
def spoken(house) -> None:
    """Every path of the table has its value."""
    house.gx.set("vebus", INSTANCES["vebus"], "/Bms/BmsExpected", 1)
    for service, path, value, _ in SHOWN.values():
        house.gx.set(service, INSTANCES[service], path, value)


def as_shown(state: str) -> float | str:
    try:
        return float(state)
    except ValueError:
        return state


@pytest.mark.usefixtures("all_enabled", "spoken")
async def test_every_entity_shows_what_its_service_says(hass, suite):
    states = {key_of(suite, entity): hass.states.get(entity.entity_id).state for entity in entries_of(suite)}
    expected = {**{key: shown for key, (_, _, _, shown) in SHOWN.items()}, **DERIVED}
    own = {key for key in states if key in OWN or key[1] in ("alarm", "problem")}

    assert {key: as_shown(state) for key, state in states.items() if key not in own} == expected


async def test_the_ess_mode_is_put_together_from_two_settings(suite, subtests):
    for state, hub4_mode, shown in (
        (9, 2, "keep_batteries_charged"),
        (1, 1, "optimized_with_batterylife"),
        (10, 2, "optimized_without_batterylife"),
        (5, 3, "external_control"),
        (8, 2, "optimized_with_batterylife"),
        (12, 1, "optimized_without_batterylife"),
        (0, 1, "unknown"),
    ):
        with subtests.test(state=state, hub4_mode=hub4_mode):
            suite.house.set("settings", "/Settings/CGwacs/BatteryLife/State", state)
            suite.house.set("settings", "/Settings/CGwacs/Hub4Mode", hub4_mode)
            suite.entry.runtime_data.lease.runner.expedite(suite.entry.runtime_data.main.reading_name)
            await suite.shows("gx", "ess_mode", shown)


async def test_a_value_that_the_gx_does_not_know_is_unknown(suite):
    for path in ("/Dc/Battery/Voltage", "/Dc/Battery/Soc", "/Dc/Battery/Power"):
        suite.house.set("system", path, None)

    await suite.shows("gx", "state_of_charge", "unknown")
    await suite.shows("gx", "battery_power", "unknown")


# --- three phases -------------------------------------------------------------------------------------------------

ON_EVERY_PHASE = {
    "gx": ("consumption", "grid_power"),
    "inverter_charger": (
        *(f"input_{what}" for what in ("power", "voltage", "current")),
        *(f"output_{what}" for what in ("power", "voltage", "current")),
    ),
    "grid_meter": ("power", "voltage", "current", "energy_imported", "energy_exported"),
    "pv_inverter": ("power", "voltage", "current"),
    "ev_charger": ("power",),
}


def phase_keys(phases: int) -> set[tuple[str, str]]:
    return {
        (kind, f"{key}_l{phase}")
        for kind, keys in ON_EVERY_PHASE.items()
        for key in keys
        for phase in range(1, phases + 1)
    }


@pytest.mark.parametrize("phases", [3])
async def test_a_three_phase_site_has_entities_for_every_phase(suite, phases):
    keys = {key_of(suite, entity) for entity in entries_of(suite)}

    assert {key for key in keys if key[1][-3:-1] == "_l"} == phase_keys(3)
    assert not keys & {(kind, key) for kind in ("grid_meter", "pv_inverter") for key in ("voltage", "current")}


async def test_a_single_phase_site_has_no_entities_for_a_phase(suite):
    assert not [entity for entity in entries_of(suite) if entity.unique_id[-3:-1] == "_l"]


@pytest.mark.parametrize("phases", [3])
@pytest.mark.usefixtures("all_enabled")
async def test_each_phase_shows_its_own_values(suite, phases):
    for phase in (1, 2, 3):
        for service, path, value in (
            ("grid", "/Ac/L{}/Power", 100.0 * phase),
            ("grid", "/Ac/L{}/Voltage", 230.0 + phase),
            ("vebus", "/Ac/Out/L{}/P", 1000 + 10 * phase),
            ("vebus", "/Ac/ActiveIn/L{}/I", 1.5 * phase),
            ("pvinverter", "/Ac/L{}/Power", 50.0 * phase),
            ("evcharger", "/Ac/L{}/Power", 700.0 + phase),
            ("system", "/Ac/Consumption/L{}/Power", 500.0 + phase),
        ):
            suite.gx.set(service, INSTANCES[service], path.format(phase), value)

    for phase in (1, 2, 3):
        await suite.shows("grid_meter", f"power_l{phase}", str(100 * phase))
        await suite.shows("grid_meter", f"voltage_l{phase}", str(230.0 + phase))
        await suite.shows("inverter_charger", f"output_power_l{phase}", str(1000 + 10 * phase))
        await suite.shows("inverter_charger", f"input_current_l{phase}", str(1.5 * phase))
        await suite.shows("pv_inverter", f"power_l{phase}", str(50 * phase))
        await suite.shows("ev_charger", f"power_l{phase}", str(700 + phase))
        await suite.shows("gx", f"consumption_l{phase}", str(500 + phase))
    await suite.shows("grid_meter", "power", "600")
    await suite.shows("inverter_charger", "output_power", "3060")
    await suite.shows("pv_inverter", "power", "300")
    await suite.shows("gx", "consumption_power", "1506")


# --- devices ------------------------------------------------------------------------------------------------------


async def test_the_gx_is_the_main_device_and_the_others_hang_on_it(suite):
    gx = suite.devices.async_get(suite.device_id("gx"))
    others = [each for each in dr.async_entries_for_config_entry(suite.devices, suite.entry.entry_id) if each != gx]

    assert gx.configuration_url == f"http://{suite.gx.host}"
    assert gx.via_device_id is None
    assert (gx.name, gx.manufacturer, gx.model) == ("Victron GX", "Victron Energy", "GX")
    assert (gx.serial_number, gx.sw_version) == ("be300d83ff04", "v3.75")
    assert len(others) == 7
    assert {each.via_device_id for each in others} == {gx.id}
    assert {each.configuration_url for each in others} == {None}
    assert {each.manufacturer for each in others} == {"Victron Energy"}


async def test_devices_have_the_names_that_their_owner_gave_them(suite):
    names = {
        found["kind"]: suite.devices.async_get(suite.device_id(found["kind"])).name
        for found in suite.entry.data["devices"]
        if found["kind"] != "gx"
    }

    assert names == {
        "inverter_charger": "Onduleur étage",
        "battery": "Batterie",
        "solar_charger": "Toit côté jardin",
        "grid_meter": "Compteur réseau",
        "pv_inverter": "PV garage",
        "ev_charger": "Borne du garage",
        "generator": "Generator",  # it has no name on the GX, so this is the kind's
    }


async def test_a_station_says_its_model_serial_number_and_firmware(suite):
    station = suite.devices.async_get(suite.device_id("ev_charger"))
    meter = suite.devices.async_get(suite.device_id("grid_meter"))

    assert (station.model, station.serial_number) == ("AC22NS", "HQ2304T2XYZ")
    assert station.sw_version is not None
    assert meter.serial_number == "HQ2231ZLTP4"


async def test_a_name_changed_on_the_gx_changes_the_device_but_not_what_the_user_called_it(suite):
    device_id = suite.device_id("ev_charger")
    suite.devices.async_update_device(device_id, name_by_user="Voiture")
    suite.house.set("evcharger", "/CustomName", "Borne du jardin")

    await suite.until(lambda: suite.devices.async_get(device_id).name == "Borne du jardin")

    assert suite.devices.async_get(device_id).name_by_user == "Voiture"
