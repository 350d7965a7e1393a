"""Which department a free text may be for: a small linear model over its characters, that shows what spoke for what it says.

Character n-grams of 2 to 4 (no dictionary, so Japanese needs none), TF-IDF, and one logistic regression a department, trained with
scikit-learn (`pip install "madoguchi[learn]"`). Only training needs that: a trained model is JSON, and suggests in plain Python.

The texts are personal data, and the model must not keep any: digits are all one, and an n-gram enters only when enough different
texts have it. Nothing here logs a text, and no `repr` shows one. What is suggested is shown to a person, never applied alone.
"""

import heapq
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

LENGTHS = (2, 3, 4)
LEAST_TEXTS = 5
"""In so many different texts an n-gram must occur: what fewer people write is theirs, as a name is."""
MOST_NGRAMS = 50_000
MOST_SUGGESTIONS = 3
MOST_PIECES = 3
WARM = 0.25
"""What share of the warmest character's weight shows a character."""
FORMAT = "madoguchi.free-text.1"
_WORD = re.compile(r"[^\W\d_\u3000-\uffff]+")
"""Written with spaces between words: shown whole."""


class CannotLearn(RuntimeError):
    """No model can be trained: scikit-learn is not installed, or the texts do not suffice."""


class InvalidModel(ValueError):
    """A file that is no model of this format."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text, as written, that spoke for a department, and how much: its share of the score before the logistic curve."""

    text: str = field(repr=False)
    weight: float


@dataclass(frozen=True, slots=True)
class TextSuggestion:
    """A department; `score` is from 0 to 1, over all departments 1. `pieces` are those that spoke most for it, first the strongest."""

    department: str
    score: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Ngram:
    """How rare an n-gram is (inverse document frequency), and what it says of each department."""

    rarity: float
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeTextModel:
    """Weights by n-gram, in the order of `departments`."""

    departments: tuple[str, ...]
    bias: tuple[float, ...]
    ngrams: Mapping[str, Ngram] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text as the model sees it, padded by a space on both sides, and where in the original each character comes from."""

    text: str
    spans: tuple[tuple[int, int], ...]


def suggest(model: FreeTextModel, text: str) -> tuple[TextSuggestion, ...]:
    """At most three departments, the likeliest first; none when the model knows nothing in the text."""
    plain = _plain(text)
    vector = _vector(model.ngrams, plain.text)
    if not vector:
        return ()
    scores = [_logistic(bias + _speaks(model, vector, at)) for at, bias in enumerate(model.bias)]
    best = heapq.nsmallest(MOST_SUGGESTIONS, range(len(scores)), key=lambda at: (-scores[at], at))
    total = sum(scores) or 1.0
    return tuple(
        TextSuggestion(model.departments[at], scores[at] / total, _pieces(model, vector, plain, text, at))
        for at in best
    )


def _speaks(model: FreeTextModel, vector: Mapping[str, float], at: int) -> float:
    return sum(value * model.ngrams[ngram].weights[at] for ngram, value in vector.items())


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, value))))


def _vector(ngrams: Mapping[str, Ngram], plain: str) -> dict[str, float]:
    """TF-IDF of the n-grams that the model knows: 1 + ln of the count, times the rarity, of length 1 together."""
    counts = Counter(ngram for _, ngram in _ngrams(plain) if ngram in ngrams)
    found = {ngram: (1 + math.log(count)) * ngrams[ngram].rarity for ngram, count in counts.items()}
    length = math.sqrt(sum(value * value for value in found.values()))
    return {ngram: value / length for ngram, value in found.items()}


def _ngrams(plain: str) -> Iterator[tuple[int, str]]:
    for length in LENGTHS:
        for at in range(len(plain) - length + 1):
            yield at, plain[at : at + length]


def _plain(text: str) -> _Plain:
    """NFKC, without case, any digit as 0, any space as one. A base character and its marks (ｶﾞ) are one."""
    found: list[tuple[str, tuple[int, int]]] = [(" ", (0, 0))]
    for start, end in _clusters(text):
        folded = unicodedata.normalize("NFKC", text[start:end]).casefold()
        for character in unicodedata.normalize("NFKC", folded):
            seen = "0" if character.isdigit() else " " if character.isspace() else character
            if seen != " " or found[-1][0] != " ":
                found.append((seen, (start, end)))
    if found[-1][0] != " ":
        found.append((" ", (len(text), len(text))))
    return _Plain("".join(seen for seen, _ in found), tuple(span for _, span in found))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(unicodedata.normalize("NFKD", text[at])[0]):
            yield start, at
            start = at


def _pieces(
    model: FreeTextModel, vector: Mapping[str, float], plain: _Plain, text: str, department: int
) -> tuple[Piece, ...]:
    """The n-grams' weights, laid on the characters that they cover; neighbours that are warm enough are a piece, the same words one."""
    heat = _heat(model, vector, plain.text, department)
    weights: dict[str, float] = {}
    for start, end in _warm(plain.text, heat):
        said = text[plain.spans[start][0] : plain.spans[end - 1][1]].strip()
        weights[said] = weights.get(said, 0.0) + sum(heat[start:end])
    found = [Piece(said, weight) for said, weight in weights.items() if said and weight > 0]
    return tuple(sorted(found, key=lambda piece: -piece.weight)[:MOST_PIECES])


def _heat(model: FreeTextModel, vector: Mapping[str, float], plain: str, department: int) -> list[float]:
    known = [(at, ngram) for at, ngram in _ngrams(plain) if ngram in vector]
    counts = Counter(ngram for _, ngram in known)
    heat = [0.0] * len(plain)
    for at, ngram in known:
        said = vector[ngram] * model.ngrams[ngram].weights[department] / counts[ngram] / len(ngram)
        for place in range(at, at + len(ngram)):
            heat[place] += said
    return heat


def _warm(plain: str, heat: Sequence[float]) -> Iterator[tuple[int, int]]:
    """From where to where characters are warm, words whole."""
    least = WARM * max(heat)
    warm = [value > 0 and value >= least and seen != " " for value, seen in zip(heat, plain, strict=True)]
    for word in _WORD.finditer(plain):
        if sum(heat[word.start() : word.end()]) > 0 and any(warm[word.start() : word.end()]):
            warm[word.start() : word.end()] = [True] * (word.end() - word.start())
    marks = "".join("w" if is_warm else " " for is_warm in warm)
    yield from (run.span() for run in re.finditer("w+", marks))


def train(pairs: Iterable[tuple[str, str]], *, least_texts: int = LEAST_TEXTS) -> FreeTextModel:
    """A model from (text, department). Raises CannotLearn."""
    classifier, csr_matrix = _learning()
    known = [(_plain(text).text, department) for text, department in pairs]
    departments = tuple(sorted({department for _, department in known}))
    ngrams = _worth_knowing({text for text, _ in known}, least_texts)
    if len(departments) < 2 or not ngrams:
        raise CannotLearn(
            f"expected texts of at least two departments, with something in common in {least_texts} of them, "
            f"found {len(known)} texts of {len(departments)}"
        )
    columns = {ngram: at for at, ngram in enumerate(ngrams)}
    rows = [_vector(ngrams, text) for text, _ in known]
    matrix = csr_matrix(_sparse(rows, columns), shape=(len(rows), len(columns)))
    fitted = classifier.fit(matrix, [departments.index(department) for _, department in known])
    return _model(departments, ngrams, fitted.coef_.tolist(), fitted.intercept_.tolist())


def _learning() -> tuple[Any, Any]:
    """The classifier, untrained, and scipy's matrix. The seed makes the same texts the same model."""
    try:
        linear, sparse = import_module("sklearn.linear_model"), import_module("scipy.sparse")
    except ImportError:
        raise CannotLearn('scikit-learn is not installed: pip install "madoguchi[learn]"') from None
    classifier = linear.SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=20, tol=None, random_state=0)
    return classifier, sparse.csr_matrix


def _worth_knowing(texts: set[str], least_texts: int) -> dict[str, Ngram]:
    """The n-grams of enough different texts, the commonest if there are too many; one sent again and again counts once."""
    counts = Counter(ngram for text in texts for ngram in {ngram for _, ngram in _ngrams(text)})
    common = [(ngram, count) for ngram, count in counts.items() if count >= least_texts]
    kept = heapq.nsmallest(MOST_NGRAMS, common, key=lambda found: (-found[1], found[0]))
    return {ngram: Ngram(math.log((1 + len(texts)) / (1 + count)) + 1) for ngram, count in sorted(kept)}


def _sparse(
    rows: Sequence[Mapping[str, float]], columns: Mapping[str, int]
) -> tuple[list[float], tuple[list[int], list[int]]]:
    """(values, (rows, columns)), as scipy's coordinates are."""
    cells = [(value, at, columns[ngram]) for at, row in enumerate(rows) for ngram, value in row.items()]
    return [value for value, _, _ in cells], ([row for _, row, _ in cells], [column for _, _, column in cells])


def _model(
    departments: tuple[str, ...], ngrams: Mapping[str, Ngram], weights: list[list[float]], bias: list[float]
) -> FreeTextModel:
    if len(departments) == 2:  # one line divides two
        weights, bias = [[-weight for weight in weights[0]], weights[0]], [-bias[0], bias[0]]
    by_ngram = zip(ngrams.items(), zip(*weights, strict=True), strict=True)
    known = {
        ngram: Ngram(round(found.rarity, 4), tuple(round(weight, 3) for weight in said))
        for (ngram, found), said in by_ngram
    }
    return FreeTextModel(departments, tuple(round(value, 4) for value in bias), known)


def dump(model: FreeTextModel) -> bytes:
    """The model as JSON."""
    ngrams = {ngram: [found.rarity, *found.weights] for ngram, found in model.ngrams.items()}
    said = {"format": FORMAT, "departments": model.departments, "bias": model.bias, "ngrams": ngrams}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def load(content: bytes, *, file: str) -> FreeTextModel:
    """The model that `dump` wrote. Raises InvalidModel."""
    try:
        said = json.loads(content)
        found, departments = said["format"], tuple(map(str, said["departments"]))
        bias = tuple(map(float, said["bias"]))
        ngrams = {str(ngram): _read_ngram(numbers) for ngram, numbers in said["ngrams"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidModel(f"{file}: expected a model of the format {FORMAT}, found: {error!r}") from None
    if found != FORMAT:
        raise InvalidModel(f"{file}: expected the format {FORMAT}, found {found!r}")
    sizes = {len(bias), *(len(found.weights) for found in ngrams.values())}
    if sizes != {len(departments)}:
        raise InvalidModel(
            f"{file}: expected {len(departments)} weights an n-gram, one a department, found {sorted(sizes)}"
        )
    return FreeTextModel(departments, bias, ngrams)


def _read_ngram(numbers: Sequence[float]) -> Ngram:
    rarity, *weights = map(float, numbers)
    return Ngram(rarity, tuple(weights))
