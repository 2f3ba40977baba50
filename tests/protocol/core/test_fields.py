"""Field checks: what passes, and how a refusal reads."""

import math

import pytest

from dragoman.protocol.core import fields
from dragoman.protocol.core.fields import Invalid


@pytest.mark.parametrize(
    ("check", "value", "result"),
    [
        (lambda v: fields.text(v, "p"), "x", "x"),
        (lambda v: fields.enum(v, ("a", "B"), "p"), "a", "a"),
        (lambda v: fields.enum(v, ("a", "B"), "p", casefold=True), "b", "B"),
        (lambda v: fields.number(v, 0, 2, "p"), 1, 1.0),
        (lambda v: fields.integer(v, 0, 2, "p"), 2.0, 2),
        (lambda v: fields.choice(v, (8, 16), "p"), 16.0, 16),
        (lambda v: fields.boolean(v, "p"), False, False),
        (lambda v: fields.mapping(v, "p"), {"a": 1}, {"a": 1}),
        (lambda v: fields.sequence(v, "p", max_items=1), [1], [1]),
    ],
)
def test_good_values(check, value, result):
    found = check(value)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("check", "value", "part"),
    [
        (lambda v: fields.text(v, "p"), 1, "'1'"),
        (lambda v: fields.text(v, "p", max_chars=2), "abc", "At most 2"),
        (lambda v: fields.enum(v, ("a", "b"), "p"), "A", "are: 'a', 'b'."),
        (lambda v: fields.enum(v, ("a",), "p", casefold=True), ["a"], "'[...]'"),
        (lambda v: fields.number(v, 0.5, 2, "p"), 3, "numbers from 0.5 to 2."),
        (lambda v: fields.number(v, 0.5, 2, "p"), True, "'true'"),
        (lambda v: fields.number(v, 0, 2, "p"), math.nan, "'nan'"),
        (lambda v: fields.number(v, 0, math.inf, "p"), math.inf, "'inf'"),
        (lambda v: fields.integer(v, 0, 2, "p"), 1.5, "whole numbers from 0 to 2."),
        (lambda v: fields.integer(v, 0, 2, "p"), True, "'true'"),
        (lambda v: fields.integer(v, 0, 2, "p"), "1", "'1'"),
        (lambda v: fields.integer(v, 0, 2, "p"), math.inf, "'inf'"),
        (lambda v: fields.choice(v, (8, 16), "p"), 9, "are: '8', '16'."),
        (lambda v: fields.choice(v, (1,), "p"), True, "'true'"),
        (lambda v: fields.choice(v, (8,), "p"), [], "'[...]'"),
        (lambda v: fields.boolean(v, "p"), 1, "'true', 'false'"),
        (lambda v: fields.mapping(v, "p"), [], "a JSON object"),
        (lambda v: fields.sequence(v, "p"), {}, "a JSON array"),
        (lambda v: fields.sequence(v, "p", max_items=1), [1, 2], "At most 1"),
    ],
)
def test_bad_values(check, value, part: str):
    with pytest.raises(Invalid) as refusal:
        check(value)
    assert refusal.value.code == "invalid_value"
    assert refusal.value.param == "p"
    assert part in refusal.value.message


def test_null_says_nothing():
    assert not fields.given({"a": None}, "a")
    assert not fields.given({}, "a")
    assert fields.given({"a": 0}, "a")
