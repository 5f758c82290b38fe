"""Adds the simulated gateways to Home Assistant as a user does: through the config flow and the options flow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .client import Client, ClientError, until

DOMAIN: Final = "energy_suite"

_FLOW: Final = "/api/config/config_entries/flow"
SUBENTRIES: Final = "/api/config/config_entries/subentries/flow"
OPTIONS: Final = "/api/config/config_entries/options/flow"
_LONGEST_SCAN: Final = 60


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as a user adds it.

    Its kind, what its form asks for, controls that can cut power, to be enabled, and what is said in the later steps
    of the flow, by step; the list of what was found is agreed to. `devices`: a CSV file of those behind it.
    """

    kind: str
    form: Mapping[str, Any]
    controls: tuple[str, ...] = ()
    later: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    devices: str = ""


async def add_gateway(client: Client, gateway: Gateway) -> str:
    """Add the gateway and return the id of its config entry. Raises ClientError with what the flow said."""
    flow = await client.post(_FLOW, handler=DOMAIN)
    flow = await client.post(f"{_FLOW}/{flow['flow_id']}", next_step_id=gateway.kind)
    flow = await client.post(f"{_FLOW}/{flow['flow_id']}", **gateway.form)

    left = {"found": {}, **gateway.later}
    while flow["type"] == "progress" or flow.get("step_id") in left:
        if flow["type"] == "progress":
            flow = await _after_progress(client, _FLOW, flow)
        else:
            # Once each: a step that comes back refused what it was told.
            flow = await client.post(f"{_FLOW}/{flow['flow_id']}", **left.pop(flow["step_id"]))
    return str(_finished(flow)["result"]["entry_id"])


async def add_devices(client: Client, entry_id: str, text: str) -> None:
    """Add the devices of a CSV file, whose values were compared. Raises ClientError with what the flow said."""
    flow = await client.post(SUBENTRIES, handler=[entry_id, "device"])
    flow = await client.post(f"{SUBENTRIES}/{flow['flow_id']}", next_step_id="csv_file")
    file_id = await client.upload("devices.csv", text)
    flow = await client.post(f"{SUBENTRIES}/{flow['flow_id']}", file=file_id)
    if flow["type"] == "progress":
        flow = await _after_progress(client, SUBENTRIES, flow)
    if flow.get("step_id") != "summary":
        raise ClientError(f"the file was not taken: {flow.get('errors')} {flow.get('description_placeholders')}")
    flow = await client.post(f"{SUBENTRIES}/{flow['flow_id']}", confirmed=True)
    if flow.get("reason") != "devices_added":
        raise ClientError(f"the devices were not added: {flow.get('errors') or flow.get('reason')}")


async def _after_progress(client: Client, path: str, flow: dict[str, Any]) -> dict[str, Any]:
    """What a flow asks when it has done what it shows the progress of."""

    async def done() -> dict[str, Any] | None:
        now = await client.get(f"{path}/{flow['flow_id']}")
        return None if now["type"] == "progress" else now

    return await until(done, seconds=_LONGEST_SCAN, what="the end of the scan")


async def enable_controls(client: Client, entry_id: str, controls: Iterable[str]) -> None:
    """Enable controls that can cut power; the rest of the options stays as it is."""
    flow = await client.post(OPTIONS, handler=entry_id)
    defaults = {field["name"]: field["default"] for field in flow["data_schema"] if "default" in field}
    _finished(await client.post(f"{OPTIONS}/{flow['flow_id']}", **defaults | {"enabled_controls": list(controls)}))


async def loaded(client: Client, entry_id: str) -> None:
    """Wait until the entry is loaded."""

    async def ask() -> bool | None:
        entry = (await client.call("config_entries/get_single", entry_id=entry_id))["config_entry"]
        return True if entry["state"] == "loaded" else None

    await until(ask, seconds=_LONGEST_SCAN, what="the gateway")


def _finished(flow: dict[str, Any]) -> dict[str, Any]:
    if flow["type"] != "create_entry":
        raise ClientError(f"the flow ended in {flow.get('step_id')}: {flow.get('errors') or flow.get('reason')}")
    return flow


class Entities:
    """The entities of the gateway's devices, found by what they are and never by their names."""

    def __init__(self, devices: Iterable[dict[str, Any]], entities: Iterable[dict[str, Any]]) -> None:
        """Both as the registries list them over the websocket."""
        devices = list(devices)
        keys = {
            device["id"]: identifier.partition("_")[::2]
            for device in devices
            for domain, identifier in device["identifiers"]
            if domain == DOMAIN
        }
        self._devices = {device_key: device_id for device_id, (_, device_key) in keys.items()}
        self._named = {device.get("name"): keys[device["id"]][1] for device in devices if device["id"] in keys}
        self._ids: dict[tuple[str, str], dict[str, str]] = {}
        for entity in entities:
            if entity["platform"] != DOMAIN or entity["disabled_by"] or entity["device_id"] not in keys:
                continue
            uid, device_key = keys[entity["device_id"]]
            key = entity["unique_id"].removeprefix(f"{uid}_{device_key}_")
            self._ids.setdefault((device_key, key), {})[entity["entity_id"].partition(".")[0]] = entity["entity_id"]

    def find(self, kind: str, key: str, domain: str | None = None) -> str:
        """The enabled entity of the first device of that kind, or of the device with that key or that name.

        `domain` where there may be two. Raises LookupError.
        """
        # The key of a device is its kind, alone or followed by its serial number or its unit id.
        devices = [it for it, _ in self._ids if it.startswith(f"{kind}_")]
        for device_key in (kind, self._named.get(kind, kind), *devices):
            for found, entity_id in self._ids.get((device_key, key), {}).items():
                if domain in (None, found):
                    return entity_id
        raise LookupError(f"no entity {key} of a {kind}")

    def has(self, kind: str, key: str) -> bool:
        """Whether `find` finds it."""
        try:
            return bool(self.find(kind, key))
        except LookupError:
            return False

    def device(self, key: str) -> str | None:
        """The id of the device with that key, None if there is no such device."""
        return self._devices.get(key)

    def every(self, key: str) -> list[str]:
        """That entity of each device that has it."""
        return [
            entity_id for (_, entity_key), ids in self._ids.items() if entity_key == key for entity_id in ids.values()
        ]


async def find_entities(client: Client) -> Entities:
    """Read the registries."""
    return Entities(await client.call("config/device_registry/list"), await client.call("config/entity_registry/list"))
