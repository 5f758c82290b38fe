"""A YAML document as nodes that know their line: nothing in it is interpreted before somebody asks for it.

So a file cannot run code, repeat itself into the gigabytes, or surprise with what YAML makes of ``on`` and ``1:30``.
"""

import re
from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import Never

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency for one call

MOST_CHARACTERS = 500_000
MOST_NODES = 20_000
MOST_DEPTH = 12

_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?")
_YES, _NO, _NOTHING = {"true", "yes"}, {"false", "no"}, {"null", "~", ""}

type Content = str | list[Node] | dict[str, Node]


class ProfileError(Exception):
    """A mistake in a profile.

    ``reason`` is the key of a text that says what is wrong (``profile_<reason>``), which ``placeholders`` fill;
    ``file`` is the file's name alone and ``line`` counts from 1.
    """

    def __init__(self, reason: str, file: str, line: int, **placeholders: object) -> None:
        """Keep what the texts are made of."""
        self.reason = reason
        self.file = file
        self.line = line
        self.placeholders = {name: str(value)[:200] for name, value in placeholders.items()}
        told = "".join(f" {name}={value}" for name, value in self.placeholders.items())
        super().__init__(f"{file}:{line}: {reason}{told}")


class Node:
    """A part of the document: a text, a list or a mapping, and the line that it starts on."""

    def __init__(self, file: str, line: int, content: Content, *, quoted: bool = False) -> None:
        """Hold what the file says."""
        self.file = file
        self.line = line
        self.content = content
        self._quoted = quoted

    def fail(self, reason: str, **placeholders: object) -> Never:
        """Raise that something is wrong here."""
        raise ProfileError(reason, self.file, self.line, **placeholders)

    @property
    def is_nothing(self) -> bool:
        """Whether it is left empty, or null."""
        return isinstance(self.content, str) and not self._quoted and self.content.lower() in _NOTHING

    def mapping(self) -> dict[str, Node]:
        """The fields by their names."""
        if not isinstance(self.content, dict):
            self.fail("not_a_mapping")
        return self.content

    def items(self) -> list[Node]:
        """The entries of a list."""
        if not isinstance(self.content, list):
            self.fail("not_a_list")
        return self.content

    def text(self, most: int = 500) -> str:
        """A text that is not empty."""
        if not isinstance(self.content, str) or not self.content.strip():
            self.fail("not_a_text")
        if len(self.content) > most:
            self.fail("text_too_long", most=most)
        return self.content.strip()

    def integer(self, low: int, high: int) -> int:
        """A whole number, decimal or hexadecimal with 0x."""
        if not isinstance(self.content, str) or not _INTEGER.fullmatch(self.content):
            self.fail("not_a_whole_number", value=self._shown)
        number = int(self.content, 16) if "x" in self.content.lower() else int(self.content)
        if not low <= number <= high:
            self.fail("out_of_bounds", value=self._shown, low=low, high=high)
        return number

    def number(self) -> Fraction:
        """A number, exactly as written."""
        if not isinstance(self.content, str) or not _DECIMAL.fullmatch(self.content):
            self.fail("not_a_number", value=self._shown)
        return Fraction(self.content)

    def flag(self) -> bool:
        """Yes or no."""
        word = self.content.lower() if isinstance(self.content, str) else ""
        if word not in _YES | _NO:
            self.fail("not_yes_or_no", value=self._shown)
        return word in _YES

    def one_of[W: str](self, words: Collection[W]) -> W:
        """One of some words."""
        found = next((word for word in words if word == self.content), None)
        if found is None:
            self.fail("not_one_of", value=self._shown, known=", ".join(sorted(words)))
        return found

    def matching(self, pattern: re.Pattern[str], reason: str) -> str:
        """A text of a form; ``reason`` says which."""
        text = self.text()
        if not pattern.fullmatch(text):
            self.fail(reason, value=text)
        return text

    @property
    def _shown(self) -> str:
        return self.content if isinstance(self.content, str) else "[...]" if isinstance(self.content, list) else "{...}"


class Fields:
    """The fields of a mapping as they are taken; what nobody took is a mistake."""

    def __init__(self, node: Node) -> None:
        """Start with all of them."""
        self.node = node
        self._left = dict(node.mapping())

    def take(self, name: str) -> Node | None:
        """The field, None where it is missing or null."""
        node = self._left.pop(name, None)
        return None if node is None or node.is_nothing else node

    def need(self, name: str) -> Node:
        """The field, which must be there."""
        node = self.take(name)
        if node is None:
            self.node.fail("missing_field", field=name)
        return node

    def end(self) -> None:
        """Refuse what is left."""
        for name, node in self._left.items():
            node.fail("unknown_field", field=name)


def read(text: str, file: str) -> Node:
    """The document in a text. Raises ``ProfileError``."""
    if len(text) > MOST_CHARACTERS:
        raise ProfileError("too_large", file, 1, most=MOST_CHARACTERS)
    try:
        return _compose(_events(text, file), file)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        raise ProfileError("not_yaml", file, mark.line + 1 if mark else 1, problem=err.problem or "") from err
    except yaml.reader.ReaderError as err:
        raise ProfileError("not_yaml", file, text.count("\n", 0, err.position) + 1, problem=err.reason) from err


def _events(text: str, file: str) -> Iterator[yaml.Event]:
    for number, event in enumerate(yaml.parse(text, yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ProfileError("anchor", file, event.start_mark.line + 1)
        if number > MOST_NODES:
            raise ProfileError("too_large", file, event.start_mark.line + 1, most=MOST_NODES)
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent | yaml.DocumentStartEvent):
            yield event


def _compose(events: Iterator[yaml.Event], file: str) -> Node:
    """Make the nodes of one document, without recursion: a file may open ten thousand brackets."""
    root: Node | None = None
    open_nodes: list[Node] = []
    names: list[Node | None] = []
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise ProfileError("several_documents", file, line)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
            names.pop()
            continue
        if isinstance(event, yaml.ScalarEvent):
            node = Node(file, line, event.value, quoted=event.style is not None)
        else:
            node = Node(file, line, {} if isinstance(event, yaml.MappingStartEvent) else [])
        root = root or node
        if open_nodes:
            names[-1] = _place(open_nodes[-1], names[-1], node)
        if not isinstance(node.content, str):
            if len(open_nodes) >= MOST_DEPTH:
                node.fail("too_deep", most=MOST_DEPTH)
            open_nodes.append(node)
            names.append(None)
    if root is None:
        raise ProfileError("empty", file, 1)
    return root


def _place(parent: Node, name: Node | None, node: Node) -> Node | None:
    """Put a node where it belongs; returns the name of the field that is still to come."""
    if isinstance(parent.content, list):
        parent.content.append(node)
        return None
    assert isinstance(parent.content, dict)
    if name is None:
        if not isinstance(node.content, str):
            node.fail("not_a_name")
        if node.content in parent.content:
            node.fail("duplicate_field", field=node.content)
        return node
    assert isinstance(name.content, str)
    parent.content[name.content] = node
    return None
