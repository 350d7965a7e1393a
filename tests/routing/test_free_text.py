"""Departments suggested from free text. Training needs scikit-learn and is skipped without it; a trained model does not."""

import json
import math
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.free_text import (
    FORMAT,
    CannotLearn,
    FreeTextModel,
    InvalidModel,
    Ngram,
    dump,
    load,
    suggest,
    train,
)

ROADS, WASTE, PESTS = "doro-iji", "kankyo-jigyo", "kankyo-hozen"
MODEL = FreeTextModel(
    (WASTE, ROADS, PESTS),
    (-2.0, -2.0, -2.5),
    {
        "ごみ": Ngram(1.5, (6.0, -2.0, -1.0)),
        "除雪": Ngram(1.8, (-2.0, 7.0, -2.0)),
        "雪車": Ngram(2.5, (-1.0, 3.0, -1.0)),
        "ガス": Ngram(2.0, (-1.0, 2.0, 1.0)),
        "hole": Ngram(2.2, (-1.0, 5.0, 0.0)),
        "00": Ngram(1.1, (0.1, 0.1, 0.1)),
    },
)


class TestASuggestion:
    def test_shows_the_words_of_the_text_that_spoke_for_it(self) -> None:
        first, second, third = suggest(MODEL, "除雪車、うちの前に除雪車が来ません")

        assert first.department == ROADS
        assert [piece.text for piece in first.pieces] == ["除雪車"]
        assert second.pieces == third.pieces == ()

    def test_weighs_by_tf_idf_and_the_logistic_curve(self) -> None:
        first, *_ = suggest(MODEL, "ごみ、ごみ、除雪")

        rubbish, snow = (1 + math.log(2)) * 1.5, 1.8
        length = math.hypot(rubbish, snow)
        values = [
            bias
            + rubbish / length * MODEL.ngrams["ごみ"].weights[at]
            + snow / length * MODEL.ngrams["除雪"].weights[at]
            for at, bias in enumerate(MODEL.bias)
        ]
        scores = [1 / (1 + math.exp(-value)) for value in values]
        assert first.department == WASTE
        assert first.score == pytest.approx(scores[0] / sum(scores))
        assert sum(piece.weight for piece in first.pieces) == pytest.approx(rubbish / length * 6.0)

    @pytest.mark.parametrize(
        "text, piece",
        [
            ("Big POTHOLE, Main St.", "POTHOLE"),
            ("ｶﾞｽのにおい", "ｶﾞｽ"),
            ("か\u3099す カ\u3099ス", "カ\u3099ス"),
            ("ﾎﾟｯﾄﾎｰﾙ ｈｏｌｅ です", "ｈｏｌｅ"),
        ],
    )
    def test_reads_the_text_however_it_is_written_and_shows_it_as_it_was(self, text: str, piece: str) -> None:
        first, *_ = suggest(MODEL, text)

        assert first.department == ROADS
        assert [found.text for found in first.pieces] == [piece]

    @pytest.mark.parametrize("text", ["", " ", "何も知らない文", "\u3099"])
    def test_is_not_made_where_the_model_knows_nothing(self, text: str) -> None:
        assert suggest(MODEL, text) == ()

    def test_does_not_show_the_text_when_it_is_printed(self) -> None:
        assert "除雪" not in repr(suggest(MODEL, "除雪車の山田です")) + repr(MODEL)

    @given(
        st.lists(
            st.sampled_from([*MODEL.ngrams, "ｶﾞｽ", "ｺﾞﾐ", "か\u3099", "ß", "①", " ", "\n", "Ｈole", "🦌"])
            | st.text(max_size=4),
            max_size=8,
        )
    )
    def test_shows_pieces_that_stand_in_the_text_and_scores_that_are_shares(self, parts: list[str]) -> None:
        text = "".join(parts)

        found = suggest(MODEL, text)

        assert all(piece.text and piece.text in text for one in found for piece in one.pieces)
        assert not found or sum(one.score for one in found) == pytest.approx(1)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


class TestAFile:
    def test_is_json_and_read_back_the_same(self) -> None:
        assert load(dump(MODEL), file="model.json") == MODEL
        assert json.loads(dump(MODEL))["format"] == FORMAT

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff",
            b"[]",
            b"{}",
            dump(MODEL).replace(FORMAT.encode(), b"madoguchi.free-text.0"),
            dump(MODEL).replace(b"[-2.0,-2.0,-2.5]", b"[-2.0,-2.0]"),
            dump(MODEL).replace(b"[1.5,6.0,", b"["),
            dump(MODEL).replace(b"[1.5,6.0,", b'["a",6.0,'),
        ],
        ids=["empty", "no text", "a list", "nothing", "another format", "a bias less", "a weight less", "no number"],
    )
    def test_that_is_no_model_is_refused_by_name(self, content: bytes) -> None:
        with pytest.raises(InvalidModel, match=r"^model\.json: expected"):
            load(content, file="model.json")


def letters(count: int, seed: int) -> list[tuple[str, str]]:
    """Invented letters, each with a name and a telephone number of its own."""
    chance = Random(seed)
    said = {
        ROADS: ("除雪が来ません", "道路に穴があいています", "雪山をどかしてください"),
        WASTE: ("ごみが回収されていません", "粗大ごみを出したい", "ごみ袋が破れています"),
        PESTS: ("エゾシカが出ました", "ハチの巣があります", "カラスが多くて困ります"),
    }
    found: list[tuple[str, str]] = []
    for _ in range(count):
        department = chance.choice(list(said))
        name = "".join(chance.choices("山川田中村木林森野原", k=2))
        number = f"0154-{chance.randrange(100):02}-{chance.randrange(10_000):04}"
        found.append((f"{name}です。{chance.choice(said[department])}。電話 {number}", department))
    return found


class TestTraining:
    def test_without_scikit_learn_says_how_to_install_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sklearn", None)
        monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)

        with pytest.raises(CannotLearn, match=r'pip install "madoguchi\[learn\]"'):
            train(letters(50, 1))

    def test_finds_the_departments_of_letters_it_has_not_seen(self) -> None:
        pytest.importorskip("sklearn")
        model = train(letters(400, 1))

        found = [(suggest(model, text)[0], department) for text, department in letters(100, 2)]

        assert all(first.department == department for first, department in found)
        assert load(dump(model), file="model.json") == model
        assert train(letters(400, 1)) == model

    @pytest.mark.parametrize("departments", [2, 3])
    def test_weighs_as_scikit_learn_does(self, departments: int) -> None:
        linear = pytest.importorskip("sklearn.linear_model")
        texts = pytest.importorskip("sklearn.feature_extraction.text")
        kept = (WASTE, ROADS, PESTS)[:departments]
        known = [letter for letter in letters(600, 1) if letter[1] in kept]
        model = train(known)
        theirs = texts.TfidfVectorizer(
            analyzer="char", ngram_range=(2, 4), sublinear_tf=True, vocabulary=sorted(model.ngrams), lowercase=False
        )
        seen = [" " + "".join("0" if one.isdigit() else one for one in text) + " " for text, _ in known]
        classifier = linear.SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=20, tol=None, random_state=0)
        classifier.fit(theirs.fit_transform(seen), [department for _, department in known])

        for (text, _), scores in zip(known[:50], classifier.predict_proba(theirs.transform(seen[:50])), strict=True):
            ours = {one.department: one.score for one in suggest(model, text)}
            assert ours == pytest.approx(dict(zip(classifier.classes_, scores, strict=True)), abs=0.01)

    def test_keeps_nothing_that_few_texts_have_however_often_they_come(self) -> None:
        pytest.importorskip("sklearn")
        secret = [("霧島ゼウス彦と申します。除雪が来ません", ROADS)] * 20
        three = [(f"霧島ゼウス彦です{mark}", ROADS) for mark in "。！？"]

        model = train([*letters(400, 1), *secret, *three])

        assert not [ngram for ngram in model.ngrams if "ゼウ" in ngram or "霧" in ngram]
        assert not [ngram for ngram in model.ngrams for one in ngram if one.isdigit() and one != "0"]
        assert [ngram for ngram in model.ngrams if "除雪" in ngram]

    def test_needs_two_departments(self) -> None:
        pytest.importorskip("sklearn")
        with pytest.raises(CannotLearn, match="at least two departments"):
            train([(text, ROADS) for text, _ in letters(50, 1)])
