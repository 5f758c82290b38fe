"""Texts of alarms in every language: what is wrong, why, what helps."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..gateways.base import Alarm

FOLDER = Path(__file__).parent
FALLBACK = "en"


def _read(language: str) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for file in sorted((FOLDER / language).glob("*.json")):
        texts.update(json.loads(file.read_text(encoding="utf-8")))
    return texts


# Read with the module, which Home Assistant imports outside its event loop.
TEXTS = {language: _read(language) for language in ("en", "fr")}


def _texts(language: str) -> dict[str, dict[str, str]]:
    return TEXTS.get(language.split("-", maxsplit=1)[0], TEXTS[FALLBACK])


def explanation(language: str, key: str) -> dict[str, str]:
    """``meaning`` and, where known, ``cause`` and ``remedy`` of what is no alarm."""
    return {"meaning" if kind == "text" else kind: text for kind, text in _texts(language)[key].items()}


def raw(language: str, key: str) -> dict[str, str]:
    """The texts of a key as they are written, placeholders and all; the key itself where there is none."""
    return _texts(language).get(key) or TEXTS[FALLBACK].get(key) or {"text": key}


def alarm_texts(language: str, alarm: Alarm) -> dict[str, str]:
    """``text`` and, where known, ``cause`` and ``remedy`` of an alarm."""
    return texts_of(language, alarm.key, alarm.code, alarm.texts)


def texts_of(
    language: str, key: str, code: int | None = None, own: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, str]:
    """The texts of an alarm by its key and the number that the device shows, or ``own`` ones where it brings them.

    A numbered error without a text of its own takes that of its family, which shows the number.
    """
    if own:
        return dict(own.get(language.split("-", maxsplit=1)[0]) or own[FALLBACK])
    return dict(_known(language, key, code))


@cache
def _known(language: str, key: str, code: int | None) -> dict[str, str]:
    texts = _texts(language)
    found = texts.get(key)
    if found is None and code is not None:
        found = texts.get(key.removesuffix(f"_{code}"))
    if found is None:
        return {"text": key}
    return {kind: text.format(code=code) for kind, text in found.items()}
