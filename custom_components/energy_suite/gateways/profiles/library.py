"""The profiles there are: those that come with the suite, and the user's own."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from .document import MOST_CHARACTERS, ProfileError
from .schema import Profile, parse

SHIPPED = Path(__file__).parent / "shipped"
SUFFIXES = (".yaml", ".yml", ".json")


class Library:
    """Profiles by id, and what is wrong with those that could not be read."""

    def __init__(self, profiles: Mapping[str, Profile], errors: tuple[ProfileError, ...] = ()) -> None:
        """Hold what was read."""
        self.profiles: Mapping[str, Profile] = MappingProxyType(dict(profiles))
        self.errors = errors

    @classmethod
    def load(cls, *folders: Path) -> Library:
        """Read the shipped profiles and those in ``folders``. Reads files: not for an event loop.

        A file that cannot be read stops none of the others. What a folder does not have, or a folder that is not
        there, is no error.
        """
        profiles: dict[str, Profile] = {}
        errors: list[ProfileError] = []
        for folder in (SHIPPED, *folders):
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                if file.suffix.lower() not in SUFFIXES or not file.is_file():
                    continue
                try:
                    profile = read_file(file, shipped=folder == SHIPPED)
                    require_own_id(profile, profiles.get(profile.id))
                    profiles[profile.id] = profile
                except ProfileError as err:
                    errors.append(err)
        return cls(profiles, tuple(errors))

    def offered_for(
        self, *, gateway: str | None = None, kind: str | None = None, model: str | None = None
    ) -> tuple[Profile, ...]:
        """The profiles that suit a kind of gateway, a kind of device, or a model; all that match what is given."""
        return tuple(
            profile
            for profile in self.profiles.values()
            if (gateway is None or not profile.gateways or gateway in profile.gateways)
            and (kind is None or profile.kind == kind)
            and (model is None or model in profile.models)
        )


def read_file(file: Path, *, shipped: bool = False) -> Profile:
    """The profile in a file. Raises ``ProfileError``."""
    try:
        if file.stat().st_size > 4 * MOST_CHARACTERS:
            raise ProfileError("too_large", file.name, 1, most=MOST_CHARACTERS)
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise ProfileError("not_utf8", file.name, err.object.count(b"\n", 0, err.start) + 1) from err
    except OSError as err:
        raise ProfileError("not_readable", file.name, 1) from err
    return parse(text, file.name, shipped=shipped)


def require_own_id(profile: Profile, other: Profile | None) -> None:
    """Raise ``ProfileError`` if another profile has its id."""
    if other is None:
        return
    reason = "id_shipped" if other.shipped and not profile.shipped else "id_taken"
    raise ProfileError(reason, profile.file, profile.line, id=profile.id, other=other.file)
