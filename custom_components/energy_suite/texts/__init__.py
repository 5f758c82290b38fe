"""Texts of alarms in every language: what is wrong, why, what helps."""

import json
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


@cache
def alarm_texts(language: str, alarm: Alarm) -> dict[str, str]:
    """``text`` and, where known, ``cause`` and ``remedy`` of an alarm.

    A numbered error without a text of its own takes that of its family, which shows the number.
    """
    if alarm.texts:
        return dict(alarm.texts.get(language.split("-", maxsplit=1)[0]) or alarm.texts[FALLBACK])
    texts = _texts(language)
    found = texts.get(alarm.key)
    if found is None and alarm.code is not None:
        found = texts.get(alarm.key.removesuffix(f"_{alarm.code}"))
    if found is None:
        return {"text": alarm.key}
    return {kind: text.format(code=alarm.code) for kind, text in found.items()}
