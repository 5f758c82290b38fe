"""Registers by their addresses: what is read of any device, and who may write one; what an AURA's lights mean."""

from contextlib import contextmanager
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import translation
from homeassistant.setup import async_setup_component
from pymodbus.constants import ExcCodes

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.solarman.aura import BATTERY_LEVELS, PROCEDURES, STICK_LIGHTS
from custom_components.energy_suite.texts import TEXTS
from demo.aura import WorkMode
from demo.aura_registers import AFORE, MEGAREVO
from demo.faults import silence
from tests.conftest import GatewaySuite, StickSuite
from tests.test_card_commands import user_of
from tests.test_commands import records, refused  # noqa: F401 - a fixture

SLOW = {"interval": 3600}
still = pytest.mark.parametrize("options", [SLOW], ids=["still"])
allowed = pytest.mark.parametrize("options", [{**SLOW, "write_register": True}], ids=["allowed"])
afore = pytest.mark.parametrize("aura_map", [AFORE])

WORK_MODE = 0x3400


async def ask(hass, action: str, **data: Any) -> Any:
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def read(suite: GatewaySuite, device: str, **data: Any) -> Any:
    (answer,) = (await ask(suite.hass, "read_registers", device_id=[suite.device_id(device)], **data))["answers"]
    return answer


async def write(suite: GatewaySuite, device: str = "inverter", context: Context | None = None, **data: Any) -> None:
    data = {"device_id": [suite.device_id(device)], "function": 16, "address": "0x3400", "confirm": True, **data}
    await suite.hass.services.async_call(DOMAIN, "write_register", data, blocking=True, context=context)


@contextmanager
def asked(suite: StickSuite, address: int, *expected: tuple[int, int]):
    """Just these requests for holding registers begin at this address meanwhile: function and count."""
    before = len(suite.stick.requests)
    yield
    requests = list(suite.stick.requests)[before:]
    there = [each for each in requests if each.address == address and each.function != 4]
    assert [(each.function, each.count) for each in there] == list(expected)


# --- reading -------------------------------------------------------------------------------------------------------


@still
async def test_registers_are_read_in_one_request_with_what_the_map_makes_of_them(stick_suite):
    with asked(stick_suite, 0x3110, (3, 3)):
        answer = await read(stick_suite, "inverter", function=3, address="0x3110", count=3)
    assert answer["device"] == "Hybrid inverter"
    assert answer["unit_id"] == 1
    assert list(answer["raw"]) == ["12560", "12561", "12562"]
    assert answer["raw"]["12560"] == round(stick_suite.aura.grid_voltage * 10)
    voltage, current, power = answer["decoded"]
    assert voltage == {
        "key": "grid_voltage_three_phase",
        "address": 0x3110,
        "value": pytest.approx(stick_suite.aura.grid_voltage),
        "unit": "V",
    }
    assert (current["key"], current["unit"]) == ("current_l1", "A")
    assert power["value"] == pytest.approx(stick_suite.aura.flows.grid, abs=1)


@still
async def test_an_address_is_told_as_the_documents_spell_it(hass, stick_suite):
    for address in ("0x3110", "0X3110", "12560", 12560, " 12560 "):
        assert list((await read(stick_suite, "inverter", function="3", address=address))["raw"]) == ["12560"]
    for address in ("0x", "x3110", "-1", "65536", "0x10000", "", "12560.5", "3110h"):
        with pytest.raises(vol.Invalid):
            await read(stick_suite, "inverter", function=3, address=address)
    for data in ({"function": 5}, {"function": 0}, {"count": 0}, {"count": 126}, {"unit_id": 256}):
        with pytest.raises(vol.Invalid):
            await read(stick_suite, "inverter", **{"function": 3, "address": 1, **data})


@still
async def test_a_number_that_stands_for_a_word_is_told_as_the_word(stick_suite):
    (mode,) = (await read(stick_suite, "inverter", function=3, address=WORK_MODE))["decoded"]
    assert (mode["key"], mode["value"]) == ("working_mode", "self_use")


@still
async def test_half_a_value_is_not_decoded(stick_suite):
    answer = await read(stick_suite, "inverter", function=3, address=0x3165)
    assert answer["decoded"] == []
    (energy,) = (await read(stick_suite, "inverter", function=3, address=0x3165, count=2))["decoded"]
    assert energy["value"] == pytest.approx(stick_suite.aura.total.pv, abs=0.1)


@still
@afore
async def test_one_address_means_another_thing_with_another_function(stick_suite):
    (inputs,) = (await read(stick_suite, "inverter", function=4, address=2500))["decoded"]
    (holding,) = (await read(stick_suite, "inverter", function=3, address=2500))["decoded"]
    assert (inputs["key"], inputs["value"]) == ("inverter_state", "grid")
    assert (holding["key"], holding["value"]) == ("working_mode", "self_use")


@still
async def test_what_the_device_refuses_is_told(stick_suite, subtests):
    for case in ({"function": 3, "address": 1}, {"function": 1, "address": 1}, {"function": 2, "address": 9}):
        with subtests.test(str(case)), refused("registers_refused"):
            await read(stick_suite, "inverter", **case)


@still
async def test_a_silent_inverter_and_a_silent_stick_are_told_apart(stick_suite):
    stick_suite.aura.switch_off()
    with refused("device_gone", HomeAssistantError):
        await read(stick_suite, "inverter", function=3, address=WORK_MODE)
    stick_suite.aura.switch_on()
    with stick_suite.stick.inject(silence()), refused("no_answer", HomeAssistantError):
        await read(stick_suite, "inverter", function=3, address=WORK_MODE)


@still
@pytest.mark.parametrize("settings", [{"profile": None}], ids=["no map"])
async def test_the_stick_alone_is_enough_to_explore(stick_suite):
    answer = await read(stick_suite, "stick", function=3, address=WORK_MODE)
    assert (answer["raw"], answer["decoded"]) == ({str(WORK_MODE): 0}, [])


@pytest.mark.parametrize(("aura_map", "settings"), [(MEGAREVO, {"profile": "aura_afore"})], ids=["wrong map"])
async def test_an_inverter_whose_map_is_wrong_can_be_explored(stick_suite):
    assert not stick_suite.entry.runtime_data.coordinators["inverter"].data.available
    answer = await read(stick_suite, "inverter", function=3, address=0x3110)
    assert answer["raw"] == {"12560": round(stick_suite.aura.grid_voltage * 10)}


@still
async def test_another_unit_is_read_without_the_map_of_the_device(suite):
    battery = await read(suite, "battery", function=3, address=259)
    assert battery["decoded"] == [
        {
            "key": "voltage",
            "address": 259,
            "value": pytest.approx(suite.house.site.battery.voltage, abs=0.01),
            "unit": "V",
        }
    ]
    by_gx = await read(suite, "gx", function=3, address=259, unit_id=battery["unit_id"])
    assert (by_gx["raw"], by_gx["decoded"]) == (battery["raw"], [])


@still
@pytest.mark.parametrize(("channels", "machine"), [("both", "masterys")])
async def test_a_card_is_read_by_modbus(card_suite):
    answer = await read(card_suite, "ups", function=3, address=0x000F)
    assert answer["raw"]["15"] > 0


@still
@pytest.mark.parametrize("channels", ["snmp"])
async def test_a_card_that_is_read_by_snmp_alone_has_no_registers(card_suite):
    with refused("no_modbus"):
        await read(card_suite, "ups", function=3, address=0x1000)


async def test_reading_for_somebody_does_not_delay_the_schedule(stick_suite):
    schedule = stick_suite.entry.runtime_data.lease.runner.schedule
    rounds, achieved = schedule.rounds, []
    for _ in range(5):
        await read(stick_suite, "inverter", function=3, address=0x3110, count=3)
        await stick_suite.reports(1)
        achieved.append(stick_suite.entry.runtime_data.coordinators["inverter"].data.available)
    assert schedule.rounds >= rounds + 5
    assert all(achieved)


# --- writing -------------------------------------------------------------------------------------------------------


@still
async def test_nothing_is_written_as_long_as_the_option_is_off(stick_suite):
    with asked(stick_suite, WORK_MODE), refused("register_writes_not_enabled") as info:
        await write(stick_suite, value=2)
    assert "SOLARMAN" in str(info.value)


@allowed
async def test_nothing_is_written_without_a_confirmation(hass, stick_suite):
    for data in ({"confirm": False}, {}):
        with asked(stick_suite, 1), refused("register_confirmation_needed"):
            await hass.services.async_call(
                DOMAIN,
                "write_register",
                {"device_id": stick_suite.device_id("inverter"), "function": 6, "address": 1, "value": 1, **data},
                blocking=True,
            )


@allowed
async def test_only_an_administrator_writes(hass, stick_suite):
    with asked(stick_suite, WORK_MODE), pytest.raises(Unauthorized):
        await write(stick_suite, value=2, context=await user_of(hass, "system-users"))
    assert not stick_suite.stick.unit.writes
    await write(stick_suite, value=2, context=await user_of(hass, "system-admin"))
    assert stick_suite.aura.settings.work_mode is WorkMode.BATTERY_PRIORITY


@allowed
async def test_one_register_is_written_read_back_and_recorded_though_the_map_is_not_confirmed(stick_suite, records):  # noqa: F811 - the fixture
    with asked(stick_suite, WORK_MODE, (3, 1), (16, 1), (3, 1)):
        await write(stick_suite, "stick", value=2)
    assert stick_suite.aura.settings.work_mode is WorkMode.BATTERY_PRIORITY
    (record,) = records
    assert record["device_id"] == stick_suite.device_id("stick")
    assert (record["control"], record["before"], record["to"], record["result"]) == ("register_13312", 0, 2, "applied")


@allowed
@afore
async def test_a_register_is_written_with_the_function_that_is_asked_for(stick_suite):
    with asked(stick_suite, 2500, (3, 1), (6, 1), (3, 1)):
        await write(stick_suite, "stick", function="6", address="2500", value=2)
    assert stick_suite.aura.settings.work_mode is WorkMode.SELL_FIRST


@allowed
async def test_a_write_that_the_inverter_refuses_says_so(stick_suite, records):  # noqa: F811 - the fixture
    cases: tuple[dict[str, Any], ...] = ({"value": 7}, {"value": 1, "function": 6}, {"value": 1, "address": 1})
    for case in cases:
        with refused("write_refused", HomeAssistantError):
            await write(stick_suite, "stick", **case)
    stick_suite.aura.remote_control = 1
    with refused("write_refused", HomeAssistantError) as info:
        await write(stick_suite, "stick", value=2)
    assert "2 = enabled" in str(info.value)
    assert {record["result"] for record in records} == {"write_refused"}
    assert not stick_suite.stick.unit.writes


@allowed
async def test_a_register_that_keeps_its_value_was_not_taken(stick_suite, records):  # noqa: F811 - the fixture
    stick_suite.stick.unit.forced["work_mode"] = 0
    with refused("not_taken", HomeAssistantError):
        await write(stick_suite, "stick", value=2)
    stick_suite.stick.unit.forced["work_mode"] = 0
    assert records[-1]["result"] == "not_taken"


@allowed
async def test_a_write_whose_answer_is_lost_is_looked_for_and_not_repeated(stick_suite, records):  # noqa: F811 - the fixture
    def writes(request) -> bool:
        return bool(request.function == 16)

    with stick_suite.stick.inject(silence(), only=writes):
        await write(stick_suite, "stick", value=2)
    assert records[-1]["result"] == "applied"
    assert len(stick_suite.stick.unit.writes) == 1


@allowed
async def test_a_write_that_never_arrived_has_no_answer(stick_suite, records, monkeypatch):  # noqa: F811 - the fixture
    monkeypatch.setattr(stick_suite.stick.unit, "write", lambda *_: None)
    with (
        stick_suite.stick.inject(silence(), only=lambda request: request.function == 16),
        refused("no_answer", HomeAssistantError),
    ):
        await write(stick_suite, "stick", value=2)
    assert records[-1]["result"] == "no_answer"


@allowed
async def test_a_register_that_makes_another_value_is_adjusted(stick_suite, records, monkeypatch):  # noqa: F811 - the fixture
    unit = stick_suite.stick.unit

    def take(function: int, address: int, words: list[int]) -> ExcCodes | None:
        unit.forced["work_mode"] = 1
        return None

    monkeypatch.setattr(unit, "write", take)
    await write(stick_suite, "stick", value=2)
    assert records[-1]["result"] == "adjusted"


@allowed
@pytest.mark.parametrize("machine", ["masterys"])
async def test_a_card_is_not_written_to(card_suite, machine):
    with refused("no_register_writes"):
        await write(card_suite, "ups", address=0x1000, value=1)
    assert {request.function for request in card_suite.card.modbus.requests} == {3}


# --- what an AURA shows --------------------------------------------------------------------------------------------


@pytest.fixture(params=["en", "fr"])
async def language(hass, request):
    hass.config.language = request.param
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    return str(request.param)


def told(language: str, key: str) -> dict[str, str]:
    return {"meaning" if kind == "text" else kind: text for kind, text in TEXTS[language][key].items()}


async def test_each_light_of_the_stick_is_explained(hass, language):
    for light, shown in STICK_LIGHTS.items():
        for what in shown:
            answer = await ask(hass, "explain_aura", **{light: what})
            assert answer[light] == told(language, f"stick_{light}_{what}")


async def test_the_lights_of_the_stick_are_understood_together(hass, language):
    lost = await ask(hass, "explain_aura", net="slow", com="off", ready="slow")
    assert lost["stick"] == [told(language, "stick_fault_inverter")]
    well = await ask(hass, "explain_aura", net="steady", com="steady", ready="slow")
    assert well["stick"] == [told(language, "stick_well")]


async def test_the_lights_of_the_battery_tell_its_charge(hass, language):
    for lights, meaning in BATTERY_LEVELS.items():
        shown = {f"battery_{place}": what for place, what in enumerate(lights, 1)}
        assert (await ask(hass, "explain_aura", **shown))["battery"] == told(language, meaning.key)
    left_out = await ask(hass, "explain_aura", battery_1="on", battery_2="double_flash")
    assert left_out["battery"] == told(language, "aura_battery_charging_50")
    other = await ask(hass, "explain_aura", battery_4="on")
    assert other["battery"] == told(language, "aura_battery_other")


async def test_the_lights_of_the_inverter_are_explained(hass, language):
    for letter in "abc":
        answer = await ask(hass, "explain_aura", inverter_light=letter)
        assert answer == {"inverter_light": told(language, f"aura_light_{letter}")}


async def test_an_alarm_code_is_explained_as_the_inverter_shows_it(hass, language):
    for code, key, severity in (
        ("F07", "aura_f07", "critical"),
        ("w04", "aura_w04", "warning"),
        (" W4 ", "aura_w04", "warning"),
        ("F32", "aura_f32", "critical"),
        ("W25", "aura_w25", "information"),
    ):
        answer = await ask(hass, "explain_aura", alarm=code)
        assert answer == {"alarm": {**told(language, key), "severity": severity}}
    for code in ("F03", "F33", "W29", "X01", "F", "", "07", "F-1", "F²"):
        with pytest.raises(ServiceValidationError) as info:
            await ask(hass, "explain_aura", alarm=code)
        assert info.value.translation_key == "unknown_alarm_code"


async def test_a_procedure_is_told_step_by_step(hass, language):
    for name, steps in PROCEDURES.items():
        answer = (await ask(hass, "explain_aura", procedure=name))["procedure"]
        assert list(answer) == ["meaning", *(f"step_{number}" for number in range(1, steps + 1))]
        assert answer == told(language, f"aura_procedure_{name}")


async def test_something_has_to_be_asked_that_there_is(hass, language):
    for data in ({}, {"com": "fast"}, {"ready": "steady"}, {"procedure": "fly"}, {"inverter_light": "d"}):
        with pytest.raises(vol.Invalid):
            await ask(hass, "explain_aura", **data)


async def test_the_refusals_are_in_the_language_of_home_assistant(hass, language):
    texts = await translation.async_get_translations(hass, language, "exceptions", {DOMAIN})
    with pytest.raises(ServiceValidationError) as info:
        await ask(hass, "explain_aura", alarm="Z9")
    assert texts[f"component.{DOMAIN}.exceptions.unknown_alarm_code.message"].format(code="Z9")
    assert info.value.translation_placeholders == {"code": "Z9"}
