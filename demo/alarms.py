"""The alarms of the demo's site: who is told, a rule of the user's, and the view that shows them."""

from typing import Any, Final

from .client import Client
from .gateway import OPTIONS, SUBENTRIES, Entities, Gateway, add_gateway

RECIPIENT: Final = "notify.persistent_notification"
"""The bell of Home Assistant itself, which needs nobody's telephone."""

_RULES: Final = {"en": "Battery below 20 %", "fr": "Batterie sous 20 %"}
_LOW: Final = 20
_LOW_NO_MORE: Final = 25


async def add_site(client: Client, entities: Entities, language: str) -> None:
    """Add the site with somebody who is told, and a rule about the battery."""
    site = await add_gateway(client, Gateway("site", {"target": RECIPIENT}))
    flow = await client.post(OPTIONS, handler=site)
    # So that what the UPS and the AURA say is told too.
    everything = {"level": "warnings_and_alarms", "grid": True, "limits": {}}
    await client.post(f"{OPTIONS}/{flow['flow_id']}", **everything)
    flow = await client.post(SUBENTRIES, handler=[site, "alarm_rule"])
    flow = await client.post(f"{SUBENTRIES}/{flow['flow_id']}", entity=entities.find("battery", "state_of_charge"))
    rule = {"name": _RULES[language], "low": _LOW, "low_hysteresis": _LOW_NO_MORE, "delay": 0, "severity": "warning"}
    await client.post(f"{SUBENTRIES}/{flow['flow_id']}", **rule, grid=False)


def alarms_view(language: str) -> dict[str, Any]:
    """The view that the integration brings along."""
    return {
        "title": {"en": "Alarms", "fr": "Alarmes"}[language],
        "path": "alarms",
        "strategy": {"type": "custom:energy-suite-alarms"},
    }
