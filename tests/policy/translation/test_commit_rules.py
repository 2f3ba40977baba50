"""When target text is committed: golden cases of each policy, and invariants."""

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
from dragoman.policy.translation.flicker import DisplayThrottle, DraftStability
from dragoman.speech import Hypothesis, PaceName, Word
from dragoman.text.continuation import tokens
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
        self.requests: list[WantedTranslation] = []
        self.steps: list[CommitStep] = []
        self.committed = ""

    def recognise(
        self, text: str, tail: str = "", *, at_s: float, paused: bool = False, final: bool = False
    ) -> str:
        """Give the policy its committed source words; returns the committed target."""
        self.policy.update(words(text), words(tail), paused=paused, final=final, now_s=at_s)
        return self.work(at_s)

    def work(self, at_s: float) -> str:
        while (wanted := self.policy.due(at_s)) is not None:
            self.answer(wanted, self.translate(wanted.source))
        return self.policy.text

    def answer(self, wanted: WantedTranslation, translation: str) -> None:
        self.requests.append(wanted)
        step = self.policy.answer(wanted, translation)
        self.steps.append(step)
        self.committed += step.addition
        assert self.committed == self.policy.text

    def translate(self, source: str) -> str:
        return marked(source)


# ---------------------------------------------------------------- agree
def test_agree_commits_what_two_translations_share_but_not_their_last_words() -> None:
    turn = Turn("agree")
    assert turn.recognise("the old", at_s=1) == ""
    assert turn.recognise("the old man", at_s=2) == "the-"
    assert turn.policy.stash == " old-"
    assert turn.recognise("the old man and", at_s=3) == "the- old-"
    assert turn.recognise("the old man and the sea.", at_s=4) == "the- old- man- and- the- sea-."
    assert turn.policy.stash == ""
    assert [wanted.commits for wanted in turn.requests] == [False, False, False, True]


def test_agree_commits_sooner_what_a_free_translator_repeats_but_no_article_alone() -> None:
    unsteady = DraftStability()
    for _ in range(60):
        unsteady.learn("one two three four", "one 2 3 4 5")
    policy = TargetPolicy("agree", "en", "es", stability=unsteady)

    def draft(source: str, translation: str, at_s: float) -> str:
        policy.update(words(source), now_s=at_s)
        wanted = policy.due(at_s)
        assert wanted is not None
        policy.answer(wanted, translation)
        return policy.text

    assert draft("we saw", "hemos visto", 1) == ""
    assert draft("we saw the", "hemos visto el", 2) == "hemos visto"
    assert draft("we saw the old", "hemos visto el viejo", 3) == "hemos visto"
    assert draft("we saw the old church", "hemos visto la iglesia vieja", 4) == "hemos visto"
    assert draft("we saw the old church of", "hemos visto la iglesia vieja de", 5) == (
        "hemos visto la iglesia vieja"
    )


def test_agree_never_commits_half_a_korean_word() -> None:
    turn = Turn("agree", target="ko", pace="eager")
    drafts = ["안녕하세요 여러분", "안녕하세요 여러분들", "안녕하세요 여러분들 환영합니다"]
    answers = iter([*drafts, drafts[-1] + "."])
    turn.translate = lambda _source: next(answers)  # type: ignore[method-assign]
    turn.recognise("hello", at_s=1)
    assert turn.recognise("hello every", at_s=2) == "안녕하세요"
    assert turn.policy.stash == " 여러분들"
    assert turn.recognise("hello everyone welcome", at_s=3) == "안녕하세요 여러분들"
    assert turn.recognise("hello everyone welcome.", at_s=4) == "안녕하세요 여러분들 환영합니다."


def test_agree_keeps_committed_text_when_the_translation_changes_its_order() -> None:
    turn = Turn("agree", pace="eager")
    answers = iter(
        ["el gato", "el gato blanco", "un gato blanco duerme", "un gato blanco duerme aquí."]
    )
    turn.translate = lambda _source: next(answers)  # type: ignore[method-assign]
    turn.recognise("the cat", at_s=1)
    assert turn.recognise("the cat white", at_s=2) == "el gato"
    assert turn.recognise("the cat white sleeps", at_s=3) == "el gato"
    assert turn.policy.stash == " blanco"
    assert turn.recognise("the cat white sleeps here.", at_s=4) == "el gato blanco duerme aquí."


def test_agree_commits_everything_at_a_pause() -> None:
    turn = Turn("agree")
    turn.recognise("the old man", at_s=1)
    assert turn.recognise("the old man slept", at_s=2, paused=True) == "the- old- man- slept-"
    assert turn.steps[-1].ends
    count = len(turn.requests)
    assert turn.recognise("the old man slept", at_s=3, paused=True)  # nothing new: no call
    assert len(turn.requests) == count


def test_agree_commits_in_time_where_word_order_never_agrees() -> None:
    turn = Turn("agree", "en", "es")
    turn.translate = lambda source: " ".join(reversed(source.split()))  # type: ignore[method-assign]
    turn.recognise("a b c d e f g and h", at_s=1)
    assert turn.recognise("a b c d e f g and h i", at_s=2) == ""
    due_s = turn.policy.next_s()
    assert due_s is not None
    assert due_s <= 1 + 2.5
    assert turn.work(3.4) == ""
    assert turn.work(3.5) == "g f e d c b a"
    assert [wanted.source for wanted in turn.requests if wanted.commits] == ["a b c d e f g"]


def test_the_same_source_is_not_translated_twice() -> None:
    turn = Turn("agree")
    turn.recognise("the old man", at_s=1)
    for at_s in (2, 3, 4):
        assert turn.recognise("the old man", at_s=at_s) == ""
    assert len(turn.requests) == 1


@pytest.mark.parametrize(("pace", "said"), [("eager", 3), ("even", 2), ("careful", 1)])
def test_the_pace_says_how_much_of_the_older_translation_is_held_back(
    pace: PaceName, said: int
) -> None:
    turn = Turn("agree", pace=pace)
    turn.recognise("the old man", at_s=1)
    assert turn.recognise("the old man and", at_s=2) == " ".join(["the-", "old-", "man-"][:said])


def test_agree_commits_a_clause_that_a_mark_ends() -> None:
    turn = Turn("agree")
    assert turn.recognise("the very old man, and", at_s=1) == "the- very- old- man-,"
    assert [step.ends for step in turn.steps] == [True, False]  # then a draft of "and"


# ---------------------------------------------------------------- units and turn
def test_units_commit_clauses_and_show_drafts_in_between() -> None:
    turn = Turn("units")
    assert turn.recognise("when the rain", at_s=1) == ""
    assert turn.policy.stash == "when- the-"  # without the last word, which changes most
    assert turn.recognise("when the rain stopped, they", at_s=2) == "when- the- rain- stopped-,"
    assert turn.policy.stash == " they-"
    assert [wanted.source for wanted in turn.requests if wanted.commits] == [
        "when the rain stopped,"
    ]
    end = turn.recognise("when the rain stopped, they left. Then", at_s=3)
    assert end == "when- the- rain- stopped-, they- left-."
    assert turn.steps[-2].pair == ("when the rain stopped, they left.", end)
    assert turn.policy.stash == " Then-"
    assert turn.recognise("when the rain stopped, they left. Then it", at_s=4, final=True).endswith(
        " it-"
    )
    assert turn.policy.finished


def test_turn_waits_for_the_sentence() -> None:
    turn = Turn("turn")
    assert turn.recognise("when the rain stopped, they left", at_s=1, paused=True) == ""
    assert turn.policy.stash
    assert turn.recognise("when the rain stopped, they left. And", at_s=2).endswith("left-.")


def test_a_commit_keeps_showing_a_draft_that_goes_further() -> None:
    turn = Turn("units")
    text = "it is of the first importance today and"
    turn.recognise(text, at_s=1)
    seen = turn.policy.text + turn.policy.stash
    turn.policy.update(words(text + " tomorrow"), words("because"), now_s=1.1)
    turn.policy.update(words(text + " tomorrow too;"), now_s=1.2)
    wanted = turn.policy.due(1.2)
    assert wanted is not None
    turn.answer(wanted, marked(wanted.source))
    assert (turn.policy.text + turn.policy.stash).startswith(seen)


def test_a_draft_that_became_stale_in_flight_is_not_shown() -> None:
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
    assert len([wanted for wanted in turn.requests if wanted.commits]) == 1


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


def test_drafts_can_be_shed() -> None:
    policy = TargetPolicy("agree", "en", "es")
    policy.update(words("the old man"), now_s=1)
    assert policy.due(2.0, 0.01, float("inf")) is None
    assert policy.next_s(0.01, float("inf")) is None  # and no time that no clock can wait for
    assert policy.due(2.0, 0.01, 1.0) is not None
    policy.update(words("the old man and"), now_s=2.5)
    assert policy.next_s(0.01, 1.0) == pytest.approx(3.0)


def test_a_slow_engine_makes_no_drafts_not_even_the_first() -> None:
    policy = TargetPolicy("agree", "en", "es")
    policy.update(words("the old man"), now_s=1)
    assert policy.next_s(9.0) is None


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


def test_the_choice_of_the_rule_has_hysteresis() -> None:
    def rule(cost_s: float, now: Rule) -> Rule:
        return chosen("auto", "en", "es", cost_s, forces_prefix=False, now=now)

    assert rule(0.3, "agree") == "agree"
    assert rule(0.3, "units") == "units"
    assert rule(0.4, "agree") == "units"


def test_a_turn_may_change_its_rule_and_loses_nothing() -> None:
    turn = Turn("agree")
    text = "a b c d, e f g because of h i j k l"
    for count, _ in enumerate(text.split(), 1):
        turn.recognise(" ".join(text.split()[:count]), at_s=count * 0.3)
        turn.policy.switch("units" if count % 5 == 0 else "agree")
    turn.recognise(text, at_s=10, final=True)
    assert turn.policy.text == marked(text)
    stalled = Turn("agree")
    stalled.recognise("a b c d e f g and", at_s=1)
    assert stalled.policy.text == ""
    stalled.policy.switch("units")
    assert stalled.work(1.0) == "a- b- c- d- e- f- g-"


def test_the_same_language_is_passed_on_word_by_word() -> None:
    turn = Turn("through", "en", "en")
    turn.translate = lambda source: source  # type: ignore[method-assign]
    assert turn.recognise("so", at_s=1) == "so"
    assert turn.recognise("so be", at_s=1.1) == "so be"
    assert turn.recognise("so be it. And", at_s=1.2) == "so be it. And"
    assert turn.recognise("so be it. And, then", at_s=1.3, final=True) == "so be it. And, then"


def test_without_spaces_sentences_join_without_one() -> None:
    turn = Turn("units", "en", "zh")
    answers = {"One is here.": "一在这里。", "Two is there.": "二在那里。"}
    turn.translate = lambda source: answers.get(source, "")  # type: ignore[method-assign]
    assert turn.recognise("One is here. Two is there.", at_s=1) == "一在这里。二在那里。"


# ---------------------------------------------------------------- the screen
def test_committed_text_is_shown_at_once_and_a_stash_alone_is_throttled() -> None:
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
def test_streams_of_random_revisions(steps, rule, passed, rng) -> None:
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
            if (wanted := turn.policy.due(now_s)) is not None:
                turn.answer(wanted, turn.translate(wanted.source))
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
def test_with_any_translation_text_only_grows_and_the_last_word_is_not_agreed(
    source: list[str], answers: list[list[str]], rule: Rule
) -> None:
    turn = Turn(rule)
    texts = iter(answers)
    for count in range(1, len(source) + 1):
        final = count == len(source)
        turn.policy.update([Word(w) for w in source[:count]], final=final, now_s=count * 0.4)
        while (wanted := turn.policy.due(count * 0.4)) is not None:
            before, translation = turn.policy.text, " ".join(next(texts, ["z"]))
            turn.answer(wanted, translation)
            grown = tokens(turn.policy.text[len(before) :])
            assert len(grown) <= len(tokens(translation)) - (
                0 if wanted.commits else bool(translation)
            )
    assert turn.policy.finished


def test_a_draft_that_was_given_up_may_be_wanted_again() -> None:
    policy = TargetPolicy("units", "en", "es")
    policy.update(words("the old"), now_s=0.0)
    assert policy.due(0.0) == WantedTranslation(0, "the old", 2)
    policy.give_up(again=True)
    assert policy.due(0.1) is None, "not sooner than another draft"
    assert policy.due(1.0) == WantedTranslation(0, "the old", 2)
    policy.give_up(again=False)
    assert policy.due(2.0) is None
    assert not policy.must_commit
    policy.update(words("the old man."), final=True, now_s=1.1)
    assert policy.must_commit
    wanted = policy.due(1.1)
    assert wanted is not None
    assert wanted.commits
    policy.answer(wanted, "el viejo.")
    assert policy.finished
