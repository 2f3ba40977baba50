"""Error rates, chrF and terms of known texts."""

from __future__ import annotations

from dragoman_bench.text_metrics import chrf, error_rate, has_term, plain_words, terms_found


def test_words_as_error_rates_count_them() -> None:
    assert plain_words("It’s the “best”, isn't it – Sir?") == "it's the best isn't it sir"


def test_word_error_rate_and_chrf_of_known_texts() -> None:
    assert error_rate(["One two three four."], ["one too three"]) == 0.5
    assert error_rate(["a b", "c d e f g h"], ["a x", "c d e f g h"]) == 1 / 8
    assert error_rate(["一二三四"], ["一二 四"], characters=True) == 0.25
    assert chrf(["hola mundo"], ["hola mundo"]) == 100.0
    assert chrf(["xyz"], ["hola mundo"]) == 0.0


def test_terms_are_whole_words_in_any_case() -> None:
    assert has_term("Das ist NATO, sagte er.", "nato")
    assert not has_term("a cathedral", "cat")
    assert has_term("the forty-two line Bible", "Forty two")
    assert has_term("我们用飞桨训练", "飞桨")
    assert terms_found("the net and the cat", "la red", {"net": "red", "cat": "gato"}) == (1, 2)
    assert terms_found("nothing", "nada", {"net": "red"}) == (0, 0)
