"""DMN XML, 1.2 to 1.5, read: the decisions whose logic is a decision table.

Of DMN's language this takes what a sheet can hold: input expressions that are names or paths, input entries in S-FEEL, output
entries that are literals. A rule is named by its description, else its id, else its number. The values of an output that are
no plain list have no order and are left out, unless the hit policy needs one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.routing.formats.drafts import Clause, Draft, Entry, Line, Problems, build, read_values
from services.routing.formats.item_definitions import ItemDefinitions
from services.routing.formats.names import is_plain, normal, split_path
from services.routing.rules.sfeel import Unreadable
from services.routing.rules.tables import DecisionTable, HitPolicy, InvalidTable

VERSIONS: Mapping[str, str] = {
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
POLICIES: Mapping[tuple[str, str], HitPolicy] = {
    ("UNIQUE", ""): "U",
    ("ANY", ""): "A",
    ("FIRST", ""): "F",
    ("PRIORITY", ""): "P",
    ("RULE ORDER", ""): "R",
    ("OUTPUT ORDER", ""): "O",
    ("COLLECT", ""): "C",
    ("COLLECT", "SUM"): "C+",
    ("COLLECT", "MIN"): "C<",
    ("COLLECT", "MAX"): "C>",
    ("COLLECT", "COUNT"): "C#",
}
"""Hit policies by DMN's `hitPolicy` and `aggregation`."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a file declares, by name."""

    file: str
    inputs: frozenset[str]
    decisions: Mapping[str, Element]
    types: ItemDefinitions

    @property
    def names(self) -> frozenset[str]:
        """All that an expression can name."""
        return self.inputs | self.decisions.keys()


def read_dmn(content: bytes, *, file: str) -> tuple[DecisionTable, ...]:
    """The decision tables of a file, in its order, each named as its decision. Raises InvalidTable."""
    model = read_model(content, file)
    found = [(name, table_of(decision)) for name, decision in model.decisions.items()]
    tables = tuple(read_table(model, name) for name, table in found if table is not None)
    if not tables:
        raise InvalidTable(f"{file}: expected a decision whose logic is a decisionTable, found none")
    return tables


def read_model(content: bytes, file: str) -> Model:
    """The names that a file declares. Raises InvalidTable."""
    root = _root(content, file)
    decisions: dict[str, Element] = {}
    for decision in root.findall("{*}decision"):
        name = normal(decision.get("name", ""))
        if not name or name in decisions:
            raise InvalidTable(f"{file}: expected decisions with a name of their own, found {name!r} twice or no name")
        decisions[name] = decision
    inputs = frozenset(normal(data.get("name", "")) for data in root.findall("{*}inputData"))
    return Model(file, inputs, decisions, ItemDefinitions(root))


def _root(content: bytes, file: str) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise InvalidTable(f"{file}: expected XML without a document type and entities, which DMN has not") from None
    except (ParseError, ValueError) as error:
        raise InvalidTable(f"{file}: expected XML, found: {error}") from None
    namespace, _, tag = root.tag.removeprefix("{").rpartition("}")
    if tag != "definitions" or namespace not in VERSIONS:
        versions = ", ".join(VERSIONS.values())
        raise InvalidTable(f"{file}: expected DMN {versions}, found <{tag}> of the namespace {namespace or 'none'!r}")
    return root


def table_of(decision: Element) -> Element | None:
    """The decision table that is a decision's logic."""
    return decision.find("{*}decisionTable")


def read_table(model: Model, name: str) -> DecisionTable:
    """The table of the decision of that name, which has one. Raises InvalidTable."""
    return _Reader(model, name).read()


class _Reader:
    """One decision table of a file."""

    def __init__(self, model: Model, name: str) -> None:
        decision = model.decisions[name]
        table = table_of(decision)
        self._model, self._name, self._decision = model, name, decision
        self._table = decision if table is None else table
        self._place = f"{model.file}, decision {name!r}"
        self._problems = Problems()

    def read(self) -> DecisionTable:
        policy = self._policy()
        inputs = [self._input(clause) for clause in self._table.findall("{*}input")]
        outputs = [self._output(clause, policy) for clause in self._table.findall("{*}output")]
        lines = list(self._lines(inputs, outputs))
        return build(Draft(self._name, self._place, policy, inputs, outputs, lines), self._problems)

    def _policy(self) -> HitPolicy:
        said = (self._table.get("hitPolicy", "UNIQUE"), self._table.get("aggregation", ""))
        if said not in POLICIES:
            self._problems.add(self._place, f"expected a hit policy of DMN, found {' '.join(said)!r}")
        return POLICIES.get(said, "U")

    def _input(self, clause: Element) -> Clause:
        expression = clause.find("{*}inputExpression")
        name = normal(_text(expression))
        place = f"{self._place}, input {name!r}"
        if split_path(name, self._model.names) is None and not is_plain(name):
            self._problems.add(place, "expected the name of an input, found an expression")
        type_ = self._model.types.find("" if expression is None else expression.get("typeRef", ""))
        allowed = _text(clause.find("{*}inputValues")) or type_.allowed
        return Clause(name, type_.kind, place, Entry(allowed, f"{place}, inputValues"))

    def _output(self, clause: Element, policy: HitPolicy) -> Clause:
        name = normal(clause.get("name") or clause.get("label") or self._table.get("outputLabel") or self._name)
        place = f"{self._place}, output {name!r}"
        type_ = self._model.types.find(clause.get("typeRef") or self._result_type(policy))
        allowed = _text(clause.find("{*}outputValues")) or type_.allowed
        default = Entry(_text(clause.find("{*}defaultOutputEntry")), f"{place}, defaultOutputEntry")
        if policy not in {"P", "O"} and not _is_list(allowed):
            return Clause(name, type_.kind, place, None, default)
        return Clause(name, type_.kind, place, Entry(allowed, f"{place}, outputValues"), default)

    def _result_type(self, policy: HitPolicy) -> str:
        """A single output is of the decision's type, unless that counts outputs."""
        if policy == "C#" or len(self._table.findall("{*}output")) > 1:
            return ""
        variable = self._decision.find("{*}variable")
        return self._table.get("typeRef") or ("" if variable is None else variable.get("typeRef", ""))

    def _lines(self, inputs: Sequence[Clause], outputs: Sequence[Clause]) -> Iterator[Line]:
        rules = self._table.findall("{*}rule")
        notes = [normal(clause.get("name", "")) for clause in self._table.findall("{*}annotation")]
        for number, (rule, name) in enumerate(zip(rules, _rule_names(rules), strict=True), 1):
            place = f"{self._place}, rule {number}"
            yield Line(
                Entry(name, place),
                self._entries(rule, "input", place, inputs),
                self._entries(rule, "output", place, outputs),
                _notes(rule, name, notes, place),
            )

    def _entries(self, rule: Element, what: str, place: str, clauses: Sequence[Clause]) -> Sequence[Entry]:
        found = rule.findall(f"{{*}}{what}Entry")
        if len(found) != len(clauses):
            self._problems.add(place, f"expected {len(clauses)} {what} entries, found {len(found)}")
            return [Entry("", place) for _ in clauses]
        return [
            Entry(_text(entry), f"{place}, {what} {clause.name!r}")
            for entry, clause in zip(found, clauses, strict=True)
        ]


def _text(element: Element | None) -> str:
    return "" if element is None else element.findtext("{*}text") or ""


def _is_list(text: str) -> bool:
    try:
        read_values(text)
    except Unreadable:
        return False
    return True


def _notes(rule: Element, rule_name: str, names: Sequence[str], place: str) -> dict[str, Entry]:
    """Annotations by name, `annotation 2` for one without; and the description when it is not the rule's name."""
    texts = [_text(entry).strip() for entry in rule.findall("{*}annotationEntry")]
    found = {
        name or f"annotation {number}": Entry(text, place)
        for number, (name, text) in enumerate(zip_longest(names[: len(texts)], texts, fillvalue=""), 1)
    }
    description = (rule.findtext("{*}description") or "").strip()
    return found if normal(description) in ("", rule_name) else {"description": Entry(description, place), **found}


def _rule_names(rules: Sequence[Element]) -> Sequence[str]:
    """The first of description, id and number that names every rule, and each another."""
    described = [normal(rule.findtext("{*}description") or "") for rule in rules]
    for names in (described, [rule.get("id", "") for rule in rules]):
        if all(names) and len(set(names)) == len(names):
            return names
    return [str(number) for number in range(1, len(rules) + 1)]
