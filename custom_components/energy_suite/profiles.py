"""Device profiles in Home Assistant: where the user's own are, and the issues of those that cannot be read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .gateways.kinds import Kind
from .gateways.profiles.document import ProfileError
from .gateways.profiles.library import Library, read_file, require_own_id
from .gateways.profiles.schema import Profile
from .texts import explanation

_ISSUE = "profile_error_"


def folder(hass: HomeAssistant) -> Path:
    """Where the user's own profiles are."""
    return Path(hass.config.path(DOMAIN, "profiles"))


async def async_get_library(hass: HomeAssistant) -> Library:
    """The profiles that there are now, read anew each time: the user may have mended one."""
    library = await hass.async_add_executor_job(Library.load, folder(hass))
    _async_tell_errors(hass, library.errors)
    return library


async def async_get_settings(hass: HomeAssistant, kind: Kind, *stored: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a gateway is made of, the later before the earlier; with the profiles where it uses them."""
    settings = {name: value for each in stored for name, value in each.items()}
    if kind.uses_profiles:
        settings["profiles"] = await async_get_library(hass)
    return settings


async def async_take_upload(hass: HomeAssistant, file_id: str) -> Profile:
    """Put an uploaded profile to the user's own. Raises ``ProfileError`` where it is none, and ``OSError``."""
    own = folder(hass)

    def take() -> Profile:
        with process_uploaded_file(hass, file_id) as file:
            profile = read_file(file)
            # One that others may be read by is not written over.
            require_own_id(profile, Library.load(own).profiles.get(profile.id))
            own.mkdir(parents=True, exist_ok=True)
            with (own / f"{profile.id}.yaml").open("xb") as kept:
                kept.write(file.read_bytes())
            return profile

    return await hass.async_add_executor_job(take)


def problem(hass: HomeAssistant, err: ProfileError) -> str:
    """What is wrong with a profile, in the user's language."""
    return explanation(hass.config.language, f"profile_{err.reason}")["meaning"].format(**err.placeholders)


@callback
def _async_tell_errors(hass: HomeAssistant, errors: tuple[ProfileError, ...]) -> None:
    """Raise an issue for each file that is wrong, and delete those of files that were mended."""
    wrong = {f"{_ISSUE}{err.file}": err for err in errors}
    known = [issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN]
    for issue_id in known:
        if issue_id.startswith(_ISSUE) and issue_id not in wrong:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
    for issue_id, err in wrong.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="profile_error",
            translation_placeholders={"file": err.file, "line": str(err.line), "problem": problem(hass, err)},
        )
