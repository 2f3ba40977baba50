"""When target text is committed: golden cases of each policy, and laws that always hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.policy.translation.commit_rules import (
    CommitStep,
    Rule,
    TargetPolicy,
    WantedTranslation,
    chosen,
)
from dragoman.policy.translation.continuation import tokens
from dragoman.policy.translation.flicker import DisplayThrottle
from dragoman.speech import Hypothesis, PaceName, Word
from dragoman.text.words import fold


def words(text: str) -> list[Word]:
    return [Word(word) for word in text.split()]


def marked(source: str) -> str:
    """A translator that keeps the order: every word gets a dash in front of its marks."""
    return " ".join(
        f"{word.rstrip(',.;')}-{word[len(word.rstrip(',.;')) :]}" for word in source.split()
    )


class Turn:
    """A policy with a translator behind it, and everything it committed."""

    def __init__(
        self, rule: Rule, source: str = "en", target: str = "es", pace: PaceName = "even"
    ) -> None:
        self.policy = TargetPolicy(rule, source, target, pace=pace)
        self.asked: list[WantedTranslation] = []
        self.steps: list[CommitStep] = []
        self.said = ""

    def hear(
        self, text: str, tail: str = "", *, at_s: float, paused: bool = False, final: bool = False
    ) -> str:
        """Committed words so far; what is committed of the target then."""
        self.policy.update(words(text), words(tail), paused=paused, final=final, now_s=at_s)
        return self.work(at_s)

    def work(self, at_s: float) -> str:
        while (ask := self.policy.due(at_s)) is not None:
            self.answer(ask, self.translate(ask.source))
        return self.policy.text

    def answer(self, ask: WantedTranslation, translation: str) -> None:
        self.asked.append(ask)
        step = self.policy.answer(ask, translation)
        self.steps.append(step)
        self.said += step.addition
        assert self.said == self.policy.text

    def translate(self, source: str) -> str:
        return marked(source)


# ---------------------------------------------------------------- agree
def test_agree_commits_what_two_translations_share_but_not_their_last_words() -> None:
    turn = Turn("agree")
    assert turn.hear("the old", at_s=1) == ""
    assert turn.hear("the old man", at_s=2) == "the-"
    assert turn.policy.stash == " old-"
    assert turn.hear("the old man and", at_s=3) == "the- old-"
    assert turn.hear("the old man and the sea.", at_s=4) == "the- old- man- and- the- sea-."
    assert turn.policy.stash == ""
    assert [ask.commits for ask in turn.asked] == [False, False, False, True]


def test_agree_never_commits_half_a_korean_word() -> None:
    turn = Turn("agree", target="ko", pace="eager")
    drafts = ["안녕하세요 여러분", "안녕하세요 여러분들", "안녕하세요 여러분들 환영합니다"]
    answers = iter([*drafts, drafts[-1] + "."])
    turn.translate = lambda _source: next(answers)  # type: ignore[method-assign]
    turn.hear("hello", at_s=1)
    assert turn.hear("hello every", at_s=2) == "안녕하세요"
    assert turn.policy.stash == " 여러분들"
    assert turn.hear("hello everyone welcome", at_s=3) == "안녕하세요 여러분들"
    assert turn.hear("hello everyone welcome.", at_s=4) == "안녕하세요 여러분들 환영합니다."


def test_agree_keeps_what_it_committed_when_the_translation_turns_round() -> None:
    turn = Turn("agree", pace="eager")
    answers = iter(
        ["el gato", "el gato blanco", "un gato blanco duerme", "un gato blanco duerme aquí."]
    )
    turn.translate = lambda _source: next(answers)  # type: ignore[method-assign]
    turn.hear("the cat", at_s=1)
    assert turn.hear("the cat white", at_s=2) == "el gato"
    assert turn.hear("the cat white sleeps", at_s=3) == "el gato"
    assert turn.policy.stash == " blanco"
    assert turn.hear("the cat white sleeps here.", at_s=4) == "el gato blanco duerme aquí."


def test_agree_commits_everything_at_a_pause() -> None:
    turn = Turn("agree")
    turn.hear("the old man", at_s=1)
    assert turn.hear("the old man slept", at_s=2, paused=True) == "the- old- man- slept-"
    assert turn.steps[-1].ends
    count = len(turn.asked)
    assert turn.hear("the old man slept", at_s=3, paused=True)  # nothing new: no call
    assert len(turn.asked) == count


def test_agree_does_not_freeze_where_word_order_never_agrees() -> None:
    turn = Turn("agree", "en", "es")
    turn.translate = lambda source: " ".join(reversed(source.split()))  # type: ignore[method-assign]
    turn.hear("a b c d e f g and h", at_s=1)
    assert turn.hear("a b c d e f g and h i", at_s=2) == ""
    due_s = turn.policy.next_s()
    assert due_s is not None
    assert due_s <= 1 + 2.5
    assert turn.work(3.4) == ""
    assert turn.work(3.5) == "g f e d c b a"
    assert [ask.source for ask in turn.asked if ask.commits] == ["a b c d e f g"]


def test_one_source_is_not_two_hypotheses() -> None:
    turn = Turn("agree")
    turn.hear("the old man", at_s=1)
    for at_s in (2, 3, 4):
        assert turn.hear("the old man", at_s=at_s) == ""
    assert len(turn.asked) == 1


@pytest.mark.parametrize(("pace", "said"), [("eager", 3), ("even", 2), ("careful", 1)])
def test_the_pace_says_how_much_of_the_older_translation_is_held_back(
    pace: PaceName, said: int
) -> None:
    turn = Turn("agree", pace=pace)
    turn.hear("the old man", at_s=1)
    assert turn.hear("the old man and", at_s=2) == " ".join(["the-", "old-", "man-"][:said])


def test_agree_commits_a_clause_that_a_mark_ends() -> None:
    turn = Turn("agree")
    assert turn.hear("the very old man, and", at_s=1) == "the- very- old- man-,"
    assert [step.ends for step in turn.steps] == [True, False]  # then a draft of "and"


# ---------------------------------------------------------------- units and turn
def test_units_commit_clauses_and_show_drafts_in_between() -> None:
    turn = Turn("units")
    assert turn.hear("when the rain", at_s=1) == ""
    assert turn.policy.stash == "when- the-"  # without the last word, which changes most
    assert turn.hear("when the rain stopped, they", at_s=2) == "when- the- rain- stopped-,"
    assert turn.policy.stash == " they-"
    assert [ask.source for ask in turn.asked if ask.commits] == ["when the rain stopped,"]
    end = turn.hear("when the rain stopped, they left. Then", at_s=3)
    assert end == "when- the- rain- stopped-, they- left-."
    assert turn.steps[-2].pair == ("when the rain stopped, they left.", end)
    assert turn.policy.stash == " Then-"
    assert turn.hear("when the rain stopped, they left. Then it", at_s=4, final=True).endswith(
        " it-"
    )
    assert turn.policy.finished


def test_turn_waits_for_the_sentence() -> None:
    turn = Turn("turn")
    assert turn.hear("when the rain stopped, they left", at_s=1, paused=True) == ""
    assert turn.policy.stash
    assert turn.hear("when the rain stopped, they left. And", at_s=2).endswith("left-.")


def test_a_commit_keeps_showing_what_the_draft_said_beyond_it() -> None:
    turn = Turn("units")
    text = "it is of the first importance today and"
    turn.hear(text, at_s=1)
    seen = turn.policy.text + turn.policy.stash
    turn.policy.update(words(text + " tomorrow"), words("because"), now_s=1.1)
    turn.policy.update(words(text + " tomorrow too;"), now_s=1.2)
    ask = turn.policy.due(1.2)
    assert ask is not None
    turn.answer(ask, marked(ask.source))
    assert (turn.policy.text + turn.policy.stash).startswith(seen)


def test_a_draft_that_became_stale_under_way_is_not_shown() -> None:
    turn = Turn("units")
    turn.policy.update(words("when the rain"), now_s=1)
    draft = turn.policy.due(1)
    assert draft is not None
    assert not draft.commits
    turn.policy.update(words("when the rain stopped."), now_s=1.2)
    turn.answer(draft, "cuando la lluvia")
    assert turn.policy.stash == ""
    assert turn.work(1.2) == "when- the- rain- stopped-."


def test_a_slow_engine_gets_one_call_for_all_clauses_of_a_sentence() -> None:
    turn = Turn("units")
    for count in range(1, 30):
        turn.policy.update([Word(f"w{n}") for n in range(count)], now_s=count / 3)
    turn.work(10)
    assert len([ask for ask in turn.asked if ask.commits]) == 1


# ---------------------------------------------------------------- drafts cost
def test_drafts_are_throttled_by_time_and_cost() -> None:
    policy = TargetPolicy("units", "en", "es")
    policy.update(words("a"), now_s=1.0)
    first = policy.due(1.0, 0.01)
    assert first is not None
    policy.answer(first, "a")
    policy.update(words("a b"), now_s=1.1)
    assert policy.due(1.29, 0.01) is None
    assert policy.next_s(0.01) == pytest.approx(1.3)
    assert policy.next_s(0.4) == pytest.approx(1.8)
    assert policy.due(1.5, 0.4) is None
    assert policy.due(1e9, 1.1) is None  # so slow that drafts would only be in the way
    assert policy.due(1.3, 0.01) is not None


def test_the_rule_is_chosen_by_order_of_words_and_cost() -> None:
    def rule(wanted: str, source: str, target: str, cost_s: float | None, forces: bool) -> Rule:
        return chosen(wanted, source, target, cost_s, forces_prefix=forces)  # type: ignore[arg-type]

    assert rule("auto", "en", "es", 0.01, False) == "agree"
    assert rule("auto", "en", "es", 0.3, False) == "units"
    assert rule("auto", "en", "es", None, False) == "units"
    assert rule("auto", "en", "es", 0.3, True) == "agree"
    assert rule("auto", "en", "ja", 0.01, True) == "units"
    assert rule("auto", "de", "en", 0.01, False) == "units"
    assert rule("auto", "ja", "ko", 0.01, False) == "agree"
    assert rule("turn", "en", "es", 0.01, False) == "turn"
    assert rule("agree", "en", "ja", 9, False) == "agree"
    assert rule("turn", "en", "en", None, False) == "through"


def test_a_rule_is_not_left_for_a_small_difference() -> None:
    def rule(cost_s: float, now: Rule) -> Rule:
        return chosen("auto", "en", "es", cost_s, forces_prefix=False, now=now)

    assert rule(0.3, "agree") == "agree"
    assert rule(0.3, "units") == "units"
    assert rule(0.4, "agree") == "units"


def test_a_turn_may_change_its_rule_under_way_and_loses_nothing() -> None:
    turn = Turn("agree")
    text = "a b c d, e f g because of h i j k l"
    for count, _ in enumerate(text.split(), 1):
        turn.hear(" ".join(text.split()[:count]), at_s=count * 0.3)
        turn.policy.switch("units" if count % 5 == 0 else "agree")
    turn.hear(text, at_s=10, final=True)
    assert turn.policy.text == marked(text)
    stalled = Turn("agree")
    stalled.hear("a b c d e f g and", at_s=1)
    assert stalled.policy.text == ""
    stalled.policy.switch("units")
    assert stalled.work(1.0) == "a- b- c- d- e- f- g-"


def test_the_same_language_is_said_word_by_word() -> None:
    turn = Turn("through", "en", "en")
    turn.translate = lambda source: source  # type: ignore[method-assign]
    assert turn.hear("so", at_s=1) == "so"
    assert turn.hear("so be", at_s=1.1) == "so be"
    assert turn.hear("so be it. And", at_s=1.2) == "so be it. And"
    assert turn.hear("so be it. And, then", at_s=1.3, final=True) == "so be it. And, then"


def test_without_spaces_sentences_join_without_one() -> None:
    turn = Turn("units", "en", "zh")
    answers = {"One is here.": "一在这里。", "Two is there.": "二在那里。"}
    turn.translate = lambda source: answers.get(source, "")  # type: ignore[method-assign]
    assert turn.hear("One is here. Two is there.", at_s=1) == "一在这里。二在那里。"


# ---------------------------------------------------------------- the screen
def test_committed_text_is_shown_at_once_and_a_stash_alone_seldom() -> None:
    screen = DisplayThrottle()
    assert screen.show("", "uno", 1.0) == ("", "uno")
    assert screen.show("", "uno dos", 1.1) is None
    assert screen.due_s == pytest.approx(1.15)
    assert screen.show("uno", " dos", 1.12) == ("uno", " dos")
    assert screen.show("uno", " dos", 5.0) is None
    assert screen.due_s is None


# ---------------------------------------------------------------- laws
VOCABULARY = ["the", "old", "man,", "and", "because", "sea.", "who;", "Mr.", "w1", "w2", "w3"]
hypotheses = st.lists(
    st.tuples(st.lists(st.sampled_from(VOCABULARY), max_size=4), st.integers(0, 4), st.booleans()),
    min_size=1,
    max_size=14,
)


@settings(deadline=None, max_examples=150)
@given(
    hypotheses,
    st.sampled_from(["agree", "units", "turn", "through"]),
    st.lists(st.floats(0, 3), min_size=14, max_size=14),
    st.randoms(use_true_random=False),
)
def test_streams_that_revise_at_will(steps, rule, passed, rng) -> None:
    """Hypotheses take words back and change them, the translator turns sentences round: committed
    target never changes, every word is translated in the end, in its own turn.
    """
    turn = Turn(rule)
    straight = rule == "through"
    turn.translate = (lambda s: s) if straight else marked  # type: ignore[method-assign]
    agreement, hypothesis, now_s = LocalAgreement(), [], 0.0
    for (new, back, paused), seconds in zip(steps, passed, strict=False):
        now_s += seconds
        hypothesis = hypothesis[: max(len(agreement.window), len(hypothesis) - back)] + new
        at = DecodePosition.PAUSE if paused else DecodePosition.STEP
        agreement.update(Hypothesis(tuple(Word(w) for w in hypothesis)), at)
        before = turn.policy.text
        if rule in ("agree", "units"):
            turn.policy.switch(rng.choice(["agree", "units"]))
        turn.policy.update(agreement.committed, agreement.tail, paused=paused, now_s=now_s)
        for _ in range(rng.randrange(3)):  # a slow engine answers some of what is asked
            if (ask := turn.policy.due(now_s)) is not None:
                turn.answer(ask, turn.translate(ask.source))
        assert turn.policy.text.startswith(before)
    agreement.update(Hypothesis(tuple(Word(w) for w in hypothesis)), DecodePosition.END)
    committed = agreement.committed
    turn.policy.update(committed, final=True, now_s=now_s)
    turn.work(now_s)
    assert turn.policy.finished
    assert turn.policy.stash == ""
    wanted = " ".join(word.text for word in committed)
    said = turn.policy.text if straight else marked_bare(turn.policy.text)
    assert [fold(w) for w in said.split()] == [fold(w) for w in wanted.split()]


def marked_bare(text: str) -> str:
    return text.replace("-", "")


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=40),
    st.lists(
        st.lists(st.sampled_from(["a", "b", "c", "d."]), max_size=8), min_size=80, max_size=80
    ),
    st.sampled_from(["agree", "units", "turn"]),
)
def test_whatever_the_translator_says_text_only_grows_and_the_last_word_is_not_agreed(
    source: list[str], answers: list[list[str]], rule: Rule
) -> None:
    turn = Turn(rule)
    texts = iter(answers)
    for count in range(1, len(source) + 1):
        final = count == len(source)
        turn.policy.update([Word(w) for w in source[:count]], final=final, now_s=count * 0.4)
        while (ask := turn.policy.due(count * 0.4)) is not None:
            before, translation = turn.policy.text, " ".join(next(texts, ["z"]))
            turn.answer(ask, translation)
            grown = tokens(turn.policy.text[len(before) :])
            assert len(grown) <= len(tokens(translation)) - (
                0 if ask.commits else bool(translation)
            )
    assert turn.policy.finished
