"""Reading a YAML file without guessing.

Numbers keep the exact value of their text, only `true` and `false` are booleans, a key stands once, and
`${NAME}` or `${NAME:-default}` is replaced by the environment's value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import yaml

from config.mistakes import Mistake

TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, TEXT = (TAG + kind for kind in ("null", "bool", "int", "float", "str"))
REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}")

Path = tuple[str, ...]


class _Loader(yaml.SafeLoader):
    """Knows the plain words that every reader takes for a number, a boolean or nothing; no others."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(NULL, re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(BOOL, re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(INT, re.compile(r"[-+]?[0-9][0-9_]*$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    FLOAT,
    re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(slots=True)
class YamlText:
    """What one file says: values by section, the line of each key, and what was wrong with its text."""

    tree: dict[str, object] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def read_yaml(
    text: str, source: str, environment: Mapping[str, str], is_credential: Callable[[Path], bool]
) -> YamlText:
    """Read `text`; `source` is the name mistakes are told under.

    A credential is always text, and empty where its variable is not set; anywhere else a variable that is not set
    and has no default is a mistake.
    """
    result = YamlText()
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = f"is not YAML: {error.problem or 'unreadable'}"
        result.mistakes.append(Mistake(source + line, "", problem, "check indentation, quotes and colons there"))
        return result
    except yaml.YAMLError:
        remedy = "save it as UTF-8 text without control characters"
        result.mistakes.append(Mistake(source, "", "holds characters YAML does not allow", remedy))
        return result
    if root is None:
        return result
    if not isinstance(root, yaml.MappingNode):
        remedy = "write sections such as `grid:`"
        result.mistakes.append(Mistake(source, "", "holds no sections", remedy))
        return result
    result.tree = _Walk(result, source, environment, is_credential).mapping(root, ())
    return result


def _tag_of_plain(text: str) -> str:
    loader = _Loader("")
    return str(loader.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


class _Dropped(Exception):
    """The value cannot be used; its mistake is noted."""


class _Walk:
    """One pass over a composed document."""

    def __init__(
        self,
        result: YamlText,
        source: str,
        environment: Mapping[str, str],
        is_credential: Callable[[Path], bool],
    ) -> None:
        self._result = result
        self._source = source
        self._environment = environment
        self._is_credential = is_credential
        self._seen: set[int] = set()

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*path, key)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == TAG + "merge":
                self._note(key_node, path, "holds a key that is no plain word", "write each key out")
                continue
            if key in values:
                first = self._result.lines[here]
                self._note(key_node, here, f"stands twice, first in line {first}", "keep one of the two")
                continue
            self._result.lines[here] = key_node.start_mark.line + 1
            try:
                values[key] = self._value(value_node, here)
            except _Dropped:
                continue
        return values

    def _value(self, node: yaml.Node, path: Path) -> object:
        match node:
            case yaml.ScalarNode():
                return self._scalar(node, path)
            case _ if id(node) in self._seen:
                raise self._note(node, path, "refers to a value elsewhere", "write the value out here")
            case yaml.MappingNode():
                self._seen.add(id(node))
                return self.mapping(node, path)
            case _:
                self._seen.add(id(node))
                return [self._value(part, (*path, str(index))) for index, part in enumerate(node.value)]

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        text = REFERENCE.sub(lambda reference: self._replacement(reference, node, path), node.value)
        if "${" in text:
            raise self._note(node, path, "holds a reference that is not closed", "write ${NAME} or ${NAME:-default}")
        plain = node.style is None and node.tag in {NULL, BOOL, INT, FLOAT, TEXT}
        tag = _tag_of_plain(text) if plain else node.tag
        if tag == NULL:
            return None
        if self._is_credential(path) or tag == TEXT:
            return text
        if tag == BOOL:
            return text.lower() == "true"
        if tag == INT:
            return int(text)
        if tag == FLOAT:
            return Decimal(text)
        raise self._note(node, path, f"has the tag {tag}, which is not read", "write a plain value")

    def _replacement(self, reference: re.Match[str], node: yaml.Node, path: Path) -> str:
        name, default = reference["name"], reference["default"]
        value = self._environment.get(name) or default
        if value is None and not self._is_credential(path):
            problem = f"asks for the environment variable {name}, which is not set"
            raise self._note(node, path, problem, f"set it, or write ${{{name}:-a default}}")
        return value or ""

    def _note(self, node: yaml.Node, path: Path, problem: str, remedy: str) -> _Dropped:
        place = f"{self._source}:{node.start_mark.line + 1}"
        self._result.mistakes.append(Mistake(place, ".".join(path), problem, remedy))
        return _Dropped()
