"""The queue of text: order, borders, counting."""

from dragoman.protocol.synthesis.text_queue import QueueMark, TextQueue


def drain(queue: TextQueue) -> list:
    found = []
    while (unit := queue.next()) is not None:
        found.append(QueueMark.BORDER if unit.spoken is None else unit.spoken)
    return found


def test_a_border_flushes_the_text_before_it():
    queue = TextQueue()
    queue.feed("One. Tw")
    assert drain(queue) == ["One."]
    assert queue.chars == 3
    queue.border()
    queue.feed("Three")
    assert drain(queue) == ["Tw", QueueMark.BORDER]
    assert queue.has_tail()
    assert (queue.chars, queue.borders) == (5, 0)


def test_text_across_slices_is_whole():
    text = "word " * 2000
    queue = TextQueue()
    queue.feed(text)
    queue.border()
    assert queue.chars == len(text)
    units = drain(queue)
    assert units[-1] is QueueMark.BORDER
    # The white space behind the last word is nothing to speak.
    assert " ".join(units[:-1]) == text.strip()
    assert queue.chars == 0


def test_what_cannot_be_spoken_is_left_out():
    queue = TextQueue()
    queue.feed(" ... ")
    assert queue.has_tail()
    queue.border()
    assert not queue.has_tail()
    assert drain(queue) == [QueueMark.BORDER]
    queue.feed("  \n")
    assert not queue.has_tail()


def test_dropping_goes_up_to_the_next_border():
    queue = TextQueue()
    queue.feed("One. Two.")
    queue.border()
    queue.feed("Three.")
    queue.border()
    assert queue.next().spoken == "One."
    queue.drop_unit()
    assert drain(queue) == ["Three.", QueueMark.BORDER]
    assert (queue.chars, queue.borders) == (0, 0)


def test_long_text_without_words_is_skipped_and_no_word_is_lost():
    queue = TextQueue()
    queue.feed("Well" + " " * 5000 + "then." + "-" * 5000 + "So" + "." * 3000)
    queue.border()
    units = drain(queue)
    assert units[-1] is QueueMark.BORDER
    spoken = "".join(units[:-1])
    assert [word.strip(" .-") for word in units[:-1]] == ["Well", "then", "So"]
    assert len(spoken) < 3500, "what says nothing is not handed over"
    assert (queue.chars, queue.borders) == (0, 0)


def test_small_pieces_are_joined():
    queue = TextQueue()
    for _ in range(10):
        queue.feed("word. ")
    queue.border()
    queue.feed("Next")
    assert len(queue._raw) == 3
    assert queue.next().spoken == "word."
    assert drain(queue) == ["word."] * 9 + [QueueMark.BORDER]
    assert queue.has_tail()


def test_an_endless_word_is_cut_at_a_limit_and_what_follows_is_spoken():
    queue = TextQueue()
    queue.feed("Look: " + "x" * 5000 + " is long. " + "y" * 300)
    queue.border()
    units = []
    while (unit := queue.next()) is not None:
        units.append(unit)
    spoken = "".join(unit.spoken or "" for unit in units)
    assert spoken.replace(" ", "") == "Look:" + "x" * 200 + "islong." + "y" * 200
    assert sum(unit.cut for unit in units) == 4800 + 100
    assert sum(unit.cost.characters for unit in units) == 5000 + 300 + len("Look:  is long. ")


def test_a_megabyte_without_words_is_examined_in_parts():
    queue = TextQueue()
    queue.feed("```\n" + "x = 1\n" * 10_000 + "```\nThe end.")
    queue.border()
    calls, found = 0, []
    while unit := queue.next() or queue.has_more:
        calls += 1
        if unit is not True:
            found.append(unit)
    assert calls > 5, "no call goes on for long"
    assert [unit.spoken for unit in found] == ["The end.", None]
    assert sum(unit.cost.characters for unit in found) == 4 + 60_000 + 4 + 8
    assert (queue.chars, queue.borders, queue.commits) == (0, 0, 0)


def test_dropping_does_not_read_what_it_drops():
    queue = TextQueue()
    queue.feed("One. Two" + " and two" * 1000)
    queue.border(commit=True)
    queue.feed("Three.")
    queue.border()
    assert queue.next().spoken == "One."
    queue.drop_unit()
    assert queue.commits == 0
    assert drain(queue) == ["Three.", QueueMark.BORDER]
    assert (queue.chars, queue.borders) == (0, 0)
