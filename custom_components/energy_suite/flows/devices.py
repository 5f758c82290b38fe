"""The devices behind a Modbus gateway: one by one, as a copy, by a scan of the line, or from a CSV file."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import voluptuous as vol
from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    BooleanSelector,
    FileSelector,
    FileSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations

from ..const import CONF_CONFIRMED, CONF_PROFILE, DOMAIN, SUBENTRY_DEVICE
from ..gateways.base import GatewayError, Progress
from ..gateways.legrand.catalogue import CATALOGUE, FAMILIES, Addressing
from ..gateways.legrand.equipment import Equipment, free_name, problems, web_server_exceeded
from ..gateways.legrand.gateway import ADDRESSES, LegrandGateway
from ..gateways.legrand.generic import GENERIC
from ..gateways.legrand.table import WHOLE_FILE, Mistake, read_devices
from ..gateways.profiles.library import Library
from ..gateways.profiles.trial import Trial, Verdict
from ..profiles import async_get_library
from ..subentries import devices_of, equipment_of
from .common import GatewaySearch, reason_of
from .device_fields import (
    AUTOMATIC,
    METER,
    PHASE,
    SCANNED,
    described,
    fields_of,
    meter_as_typed,
    meter_of,
    references,
    stored,
    suggested,
    told_as,
    usual,
)
from .fields import choice, integer
from .legrand import LEGRAND
from .values import async_get_texts, colon_of, lines

CONF_FAMILY: Final = "family"
CONF_REFERENCE: Final = "reference"
CONF_DEVICE: Final = "device"
CONF_FIRST: Final = "first_address"
CONF_LAST: Final = "last_address"
CONF_ADDRESSES: Final = "addresses"
CONF_FILE: Final = "file"
CONF_ADD_OTHER: Final = "add_other_side"

_LAST_SCANNED: Final = 32
_MANY_ANSWER: Final = 16
"""From so many on a line without a gap is suspicious."""
_LONGEST_LIST: Final = 20
_MOST_TOLD: Final = 4
_TEMPLATE: Final = "https://github.com/energy-suite/energy_suite/blob/main/docs/legrand_devices.csv"


@dataclass(frozen=True)
class Found:
    """An address that answered, and the reference whose map fits."""

    address: int
    guess: str | None


class DeviceFlow(ConfigSubentryFlow):
    """Add devices, or change one."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._library = Library({})
        self._family = ""
        self._equipment = Equipment(name="", reference="", address=0)
        """The device that is described."""
        self._other_side: Equipment | None = None
        self._trial: Trial | None = None
        self._many: list[Equipment] = []
        """The devices that are added together."""
        self._told: list[str] = []
        """What each of them answered."""
        self._task: asyncio.Task[None] | None = None
        self._range = (ADDRESSES[0], _LAST_SCANNED)
        self._common_reference: str | None = None
        self._answered: list[Found] = []
        self._error: str | None = None

    # --- which way ---------------------------------------------------------------------------------------------------

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how devices are added."""
        ways = ["one", "copy", "scan", "csv_file"] if self._others else ["one", "scan", "csv_file"]
        return self.async_show_menu(step_id="user", menu_options=ways)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin with the reference of the device: it may have been the wrong one."""
        subentry = self._get_reconfigure_subentry()
        self._equipment = equipment_of(subentry)
        return await self.async_step_reference(user_input)

    async def async_step_one(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the family."""
        if user_input is None:
            schema = vol.Schema({vol.Required(CONF_FAMILY, default=FAMILIES[0]): choice(CONF_FAMILY, list(FAMILIES))})
            return self.async_show_form(step_id="one", data_schema=schema)
        self._family = user_input[CONF_FAMILY]
        offered = [reference for reference, model in CATALOGUE.items() if model.family == self._family]
        if len(offered) == 1:
            return await self.async_step_reference({CONF_REFERENCE: offered[0]})
        return await self.async_step_reference()

    async def async_step_copy(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which device the new one is like."""
        others = devices_of(self._get_entry())
        if user_input is None:
            options = [SelectOptionDict(value=key, label=each.name) for key, each in others.items()]
            select = SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))
            return self.async_show_form(step_id="copy", data_schema=vol.Schema({vol.Required(CONF_DEVICE): select}))
        pattern = others[user_input[CONF_DEVICE]]
        self._equipment = replace(pattern, name=free_name(pattern.name, self._names), confirmed=False, index=None)
        return await self.async_step_describe()

    async def async_step_reference(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the reference."""
        reference = (user_input or {}).get(CONF_REFERENCE)
        if reference is None:
            offered = [model for model in CATALOGUE.values() if self._family in ("", model.family)]
            known = self._equipment.reference
            # A list that has to be chosen from would begin with its first.
            marker = vol.Optional(CONF_REFERENCE, default=known) if known else vol.Optional(CONF_REFERENCE)
            schema = vol.Schema({marker: references(offered, self.hass.config.language)})
            errors = {} if user_input is None else {CONF_REFERENCE: "missing_model"}
            return self.async_show_form(step_id="reference", data_schema=schema, errors=errors)
        if reference != self._equipment.reference:
            self._equipment = replace(self._equipment, reference=reference, map=AUTOMATIC, confirmed=False)
        return await self.async_step_describe()

    # --- one device --------------------------------------------------------------------------------------------------

    async def async_step_describe(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for what a device of this reference needs."""
        self._library = await async_get_library(self.hass)
        errors: dict[str, str] = {}
        if user_input is not None:
            self._equipment, errors = described(self._equipment, user_input, self._library)
            if not self._equipment.name:
                self._equipment = replace(self._equipment, name=free_name(self._equipment.place, self._names))
            asked = {str(marker) for marker in self._asked}
            errors |= {
                field: reason
                for field, reason in problems(self._equipment, self._others, self._library).items()
                if field in asked
            }
            if not errors:
                return await (self.async_step_meter() if self._equipment.map == GENERIC else self.async_step_values())
        return self.async_show_form(
            step_id="describe",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(self._asked), user_input or suggested(self._equipment)
            ),
            errors=errors,
            description_placeholders={"reference": told_as(self._equipment.model, self.hass.config.language)},
        )

    @property
    def _asked(self) -> dict[vol.Marker, Any]:
        return fields_of(self._equipment.model, self._library)

    async def async_step_meter(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask in which registers a generic meter has its values."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._equipment = replace(self._equipment, meter=meter_of(user_input))
            wrong = problems(self._equipment, self._others, self._library)
            # A form shows no error inside a section.
            errors = {(field if "." not in field else "base"): reason for field, reason in wrong.items()}
            if not errors:
                return await self.async_step_values()
        return self.async_show_form(
            step_id="meter",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(METER), user_input or meter_as_typed(self._equipment.meter)
            ),
            errors=errors,
        )

    async def async_step_values(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Read the device once, show what it says, and ask whether that is right."""
        errors: dict[str, str] = {}
        if user_input is None:
            self._trial, errors = await self._test(self._equipment)
        else:
            confirmed = user_input.get(CONF_CONFIRMED, self._equipment.confirmed)
            if not confirmed or self._is_proven or (self._trial is not None and self._trial.values):
                self._equipment = replace(self._equipment, confirmed=confirmed)
                return await self._offer_other_side()
            errors = {CONF_CONFIRMED: "nothing_to_compare"}
        schema: dict[vol.Marker, Any] = {}
        if not self._is_proven:
            schema[vol.Required(CONF_CONFIRMED, default=self._equipment.confirmed)] = BooleanSelector()
        return self.async_show_form(
            step_id="values",
            data_schema=vol.Schema(schema),
            errors=errors,
            description_placeholders={
                "name": self._equipment.name,
                "map": await self._map_name(),
                "values": await self._tell_values(),
                "hint": await self._hint([*self._others, self._equipment]),
            },
        )

    @property
    def _is_proven(self) -> bool:
        """Whether there is no map to confirm."""
        profile = self._library.profiles.get(self._equipment.map)
        return profile is None or profile.is_proven_for(self._equipment.reference)

    async def _test(self, equipment: Equipment) -> tuple[Trial | None, dict[str, str]]:
        """What the device answers; the errors of the form."""
        async with self._gateway() as gateway:
            try:
                trial = await gateway.test(equipment)
            except GatewayError as err:
                reason = reason_of(err)
                return None, {"base": reason if reason in ("refused", "unreachable") else "device_silent"}
        if trial is not None and trial.verdict > Verdict.UNSURE:
            return trial, {"base": "answers_otherwise"}
        return trial, {}

    async def _map_name(self) -> str:
        """The map as the form for it calls it."""
        texts = await async_get_texts(self.hass)
        word = self._equipment.map
        return texts.get(f"component.{DOMAIN}.selector.{CONF_PROFILE}.options.{word}", word)

    async def _tell_values(self) -> str:
        if self._trial is None:
            return "-"
        async with self._gateway() as gateway:
            device = gateway.device(self._equipment.found("test"))
        texts = await async_get_texts(self.hass)
        told = lines(self._trial.values, device, texts, self.hass.config.language)
        return "\n".join(f"- {each}" for each in told) or "-"

    async def _offer_other_side(self) -> SubentryFlowResult:
        """Of a station with two sides at one address, offer the other one."""
        one = self._equipment
        if one.model.addressing is Addressing.SIDE and self.source != SOURCE_RECONFIGURE:
            other = replace(one, side=3 - (one.side or 1), name=free_name(one.name, [*self._names, one.name]))
            if not problems(other, [*self._others, one], self._library):
                self._other_side = other
                return await self.async_step_other_side()
        return self._save()

    async def async_step_other_side(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whether the other side is added too: only its name and its phase are its own."""
        assert self._other_side is not None
        errors: dict[str, str] = {}
        if user_input is not None:
            if not user_input[CONF_ADD_OTHER]:
                return self._save()
            changes = {"name": user_input[CONF_NAME].strip()}
            phase = user_input.get("phase")
            other = replace(self._other_side, **changes, phase=int(phase) if phase else None)
            errors = problems(other, [*self._others, self._equipment], self._library)
            if not errors:
                self._add(other)
                return self._save()
        schema: dict[vol.Marker, Any] = {
            vol.Required(CONF_ADD_OTHER, default=True): BooleanSelector(),
            vol.Required(CONF_NAME, default=self._other_side.name): TextSelector(),
        }
        if "phase" in self._other_side.model.needs:
            schema[vol.Required("phase", default=str(self._other_side.phase))] = PHASE
        return self.async_show_form(
            step_id="other_side",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(schema), user_input or {}),
            errors=errors,
        )

    def _save(self) -> SubentryFlowResult:
        title, data = stored(self._equipment)
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), title=title, data=data
            )
        return self.async_create_entry(title=title, data=data)

    def _add(self, equipment: Equipment) -> None:
        title, data = stored(equipment)
        self.hass.config_entries.async_add_subentry(
            self._get_entry(),
            ConfigSubentry(data=MappingProxyType(data), subentry_type=SUBENTRY_DEVICE, title=title, unique_id=None),
        )

    # --- many devices: a scan ----------------------------------------------------------------------------------------

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which addresses are asked."""
        errors = {} if self._error is None else {"base": self._error}
        self._error = None
        if user_input is not None:
            first, last = user_input[CONF_FIRST], user_input[CONF_LAST]
            self._range = first, last
            self._common_reference = user_input.get(CONF_REFERENCE)
            if first not in ADDRESSES or last not in ADDRESSES or last < first:
                errors = {CONF_LAST: "bad_address"}
            else:
                self._task = None
                return await self.async_step_scanning()
        schema = {
            vol.Required(CONF_FIRST, default=self._range[0]): integer(0, 65535),
            vol.Required(CONF_LAST, default=self._range[1]): integer(0, 65535),
            vol.Optional(CONF_REFERENCE): references(SCANNED, self.hass.config.language),
        }
        return self.async_show_form(step_id="scan", data_schema=vol.Schema(schema), errors=errors)

    async def async_step_scanning(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show how far the scan is; closing the dialogue ends it."""
        if self._task is None:
            self._task = self.hass.async_create_task(self._scan())
        if not self._task.done():
            return self.async_show_progress(step_id="scanning", progress_action="line", progress_task=self._task)
        try:
            self._task.result()
        except GatewayError as err:
            self._error = reason_of(err)
        else:
            self._error = None if self._answered else "nothing_answers"
        return self.async_show_progress_done(next_step_id="scan" if self._error else "assign")

    async def _scan(self) -> None:
        self._answered = []
        self._library = await async_get_library(self.hass)
        used = {each.address for each in self._others}
        addresses = [address for address in range(self._range[0], self._range[1] + 1) if address not in used]
        async with self._gateway() as gateway:
            async for step in gateway.scan(addresses, guess=self._common_reference is None):
                if isinstance(step, Progress):
                    self.async_update_progress(step.done / max(step.total, 1))
                else:
                    self._answered.append(Found(*step))

    async def async_step_assign(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask in one form which of the devices that answered are added, and what they are."""
        errors: dict[str, str] = {}
        labels = await self._labels()
        if user_input is not None:
            self._many, errors = self._assigned(user_input, labels)
            if not errors:
                self._task = None
                return await self.async_step_checking()
        elif len(self._answered) >= _MANY_ANSWER and len(self._answered) == self._range[1] - self._range[0] + 1:
            errors = {"base": "all_answer"}
        addresses = [str(found.address) for found in self._answered]
        schema: dict[vol.Marker, Any] = {
            vol.Required(CONF_ADDRESSES, default=addresses): SelectSelector(
                SelectSelectorConfig(options=addresses, multiple=True, mode=SelectSelectorMode.LIST)
            )
        }
        offered = references(SCANNED, self.hass.config.language)
        for found in self._answered:
            reference, name = labels[found.address]
            guess = self._common_reference or found.guess
            schema[vol.Optional(reference, default=guess) if guess else vol.Optional(reference)] = offered
            schema[vol.Optional(name, default="")] = TextSelector()
        return self.async_show_form(
            step_id="assign",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(schema), user_input or {}),
            errors=errors,
            description_placeholders={"count": str(len(self._answered))},
        )

    async def _labels(self) -> dict[int, tuple[str, str]]:
        """By address, how the fields for its reference and its name are called: there are as many as addresses."""
        texts = await async_get_translations(self.hass, self.hass.config.language, "selector", [DOMAIN])

        def label(what: str, address: int) -> str:
            return texts.get(f"component.{DOMAIN}.selector.assign.options.{what}", what).format(address=address)

        return {
            found.address: (label("reference", found.address), label("name", found.address)) for found in self._answered
        }

    def _assigned(
        self, user_input: Mapping[str, Any], labels: Mapping[int, tuple[str, str]]
    ) -> tuple[list[Equipment], dict[str, str]]:
        """The devices of the form, and its errors."""
        devices: list[Equipment] = []
        errors: dict[str, str] = {}
        for address in map(int, user_input[CONF_ADDRESSES]):
            reference_label, name_label = labels[address]
            reference = user_input.get(reference_label)
            if reference is None:
                errors[reference_label] = "missing_model"
                continue
            others = [*self._others, *devices]
            device = usual(reference, address, self._library)
            name = user_input.get(name_label, "").strip()
            device = replace(device, name=name or free_name(device.place, (other.name for other in others)))
            wrong = problems(device, others, self._library)
            if wrong:
                errors[name_label if "name" in wrong else reference_label] = next(iter(wrong.values()))
            devices.append(device)
        if not devices and not errors:
            errors[CONF_ADDRESSES] = "nothing_chosen"
        return devices, errors

    # --- many devices: a file ----------------------------------------------------------------------------------------

    async def async_step_csv_file(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the file, and tell every mistake in it."""
        errors: dict[str, str] = {}
        mistakes: list[Mistake] = []
        if user_input is not None:
            self._library = await async_get_library(self.hass)
            try:
                text = await self.hass.async_add_executor_job(_read_upload, self.hass, user_input[CONF_FILE])
            except ValueError, OSError:
                errors = {"base": "file_not_readable"}
            else:
                self._many, mistakes = read_devices(text, self._others, self._library)
                if not mistakes:
                    self._task = None
                    return await self.async_step_checking()
                errors = {"base": "csv_mistakes"}
        schema = vol.Schema({vol.Required(CONF_FILE): FileSelector(FileSelectorConfig(accept=".csv,text/csv"))})
        return self.async_show_form(
            step_id="csv_file",
            data_schema=schema,
            errors=errors,
            description_placeholders={"mistakes": await self._tell_mistakes(mistakes), "template": _TEMPLATE},
        )

    async def _tell_mistakes(self, mistakes: list[Mistake]) -> str:
        texts = await async_get_texts(self.hass)
        texts |= await async_get_translations(self.hass, self.hass.config.language, "config_subentries", [DOMAIN])
        errors = f"component.{DOMAIN}.config_subentries.{SUBENTRY_DEVICE}.error"
        line, cell = (
            texts.get(f"component.{DOMAIN}.selector.csv.options.{what}", f"{{{what}}}") for what in ("line", "cell")
        )
        colon = colon_of(self.hass.config.language)

        def told(mistake: Mistake) -> str:
            reason = texts.get(f"{errors}.{mistake.reason}", mistake.reason)
            where = [] if mistake.line == WHOLE_FILE else [line.format(line=mistake.line)]
            what = [cell.format(column=mistake.column, value=mistake.value)] if mistake.value else [mistake.column]
            place = ", ".join(filter(None, [*where, *what]))
            return f"- {place}{colon} {reason}" if place else f"- {reason}"

        shown = [told(mistake) for mistake in mistakes[:_LONGEST_LIST]]
        return "\n".join(shown + (["…"] if len(mistakes) > _LONGEST_LIST else []))

    # --- many devices: together --------------------------------------------------------------------------------------

    async def async_step_checking(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Read each of them once while the dialogue shows how far that is."""
        if self._task is None:
            self._task = self.hass.async_create_task(self._check())
        if not self._task.done():
            return self.async_show_progress(step_id="checking", progress_action="check", progress_task=self._task)
        self._task.result()
        return self.async_show_progress_done(next_step_id="summary")

    async def _check(self) -> None:
        self._told = []
        texts = await async_get_texts(self.hass)
        language = self.hass.config.language
        async with self._gateway() as gateway:
            for done, device in enumerate(self._many):
                self.async_update_progress(done / len(self._many))
                said = await self._say(gateway, device, texts, language)
                self._told.append(f"- {device.name} ({device.model.name(language)}){colon_of(language)} {said}")

    async def _say(self, gateway: LegrandGateway, equipment: Equipment, texts: Mapping[str, str], language: str) -> str:
        """What a device answered, in a few words."""

        def said(word: str) -> str:
            return texts.get(f"component.{DOMAIN}.selector.check.options.{word}", word)

        if not equipment.enabled:
            return said("off")
        try:
            trial = await gateway.test(equipment)
        except GatewayError:
            return said("silent")
        if trial is None:
            return said("present")
        if trial.verdict > Verdict.UNSURE:
            return said("otherwise")
        told = lines(trial.values, gateway.device(equipment.found("test")), texts, language)
        return ", ".join(list(told)[:_MOST_TOLD]) or said("present")

    async def async_step_summary(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show what is added, and add all of it at once."""
        candidates = any(self._wants_confirmation(device) for device in self._many)
        if user_input is not None:
            confirmed = user_input.get(CONF_CONFIRMED, False)
            for device in self._many:
                self._add(replace(device, confirmed=confirmed and self._wants_confirmation(device)))
            return self.async_abort(reason="devices_added", description_placeholders={"count": str(len(self._many))})
        schema: dict[vol.Marker, Any] = {}
        if candidates:
            schema[vol.Required(CONF_CONFIRMED, default=False)] = BooleanSelector()
        return self.async_show_form(
            step_id="summary",
            data_schema=vol.Schema(schema),
            description_placeholders={
                "count": str(len(self._many)),
                "devices": "\n".join(self._told),
                "hint": await self._hint([*self._others, *self._many]),
            },
        )

    def _wants_confirmation(self, equipment: Equipment) -> bool:
        profile = self._library.profiles.get(equipment.map)
        return profile is not None and not profile.is_proven_for(equipment.reference)

    # --- what all of that needs --------------------------------------------------------------------------------------

    @property
    def _others(self) -> list[Equipment]:
        """The devices of this gateway, without the one that is changed."""
        changed = self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None
        return [each for key, each in devices_of(self._get_entry()).items() if key != changed]

    @property
    def _names(self) -> list[str]:
        return [each.name for each in self._others]

    @asynccontextmanager
    async def _gateway(self) -> AsyncIterator[LegrandGateway]:
        entry = self._get_entry()
        async with GatewaySearch(self, LEGRAND, entry.data, entry.options).gateway() as gateway:
            assert isinstance(gateway, LegrandGateway)
            yield gateway

    async def _hint(self, devices: Iterable[Equipment]) -> str:
        """Say when the web server would not take so many: other gateways may."""
        devices = list(devices)
        if (exceeded := web_server_exceeded(devices)) is None:
            return ""
        texts = await async_get_translations(self.hass, self.hass.config.language, "selector", [DOMAIN])
        most, reference = exceeded
        hint = texts.get(f"component.{DOMAIN}.selector.check.options.web_server", "")
        return hint.format(count=len(devices), most=most, reference=reference)


def _read_upload(hass: HomeAssistant, file_id: str) -> str:
    """The text of an uploaded file, as spreadsheets write it. Raises ``ValueError`` and ``OSError``."""
    with process_uploaded_file(hass, file_id) as file:
        content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")
