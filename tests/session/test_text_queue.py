"""The line of text: order, borders, counting."""

from dragoman.session.text_queue import Mark, TextQueue


def drain(queue: TextQueue) -> list:
    found = []
    while (unit := queue.next()) is not None:
        found.append(unit)
    return found


def test_a_border_sends_off_what_came_before_it():
    queue = TextQueue()
    queue.feed("One. Tw")
    assert drain(queue) == ["One."]
    assert queue.chars == 3
    queue.border()
    queue.feed("Three")
    assert drain(queue) == [" Tw", Mark.BORDER]
    assert queue.has_tail()
    assert (queue.chars, queue.borders) == (5, 0)


def test_text_across_slices_is_whole():
    text = "word " * 2000
    queue = TextQueue()
    queue.feed(text)
    queue.border()
    assert queue.chars == len(text)
    units = drain(queue)
    assert units[-1] is Mark.BORDER
    # The white space behind the last word is nothing to speak.
    assert "".join(units[:-1]).strip() == text.strip()
    assert queue.chars == 0


def test_what_cannot_be_spoken_is_left_out():
    queue = TextQueue()
    queue.feed(" ... ")
    assert queue.has_tail()
    queue.border()
    assert not queue.has_tail()
    assert drain(queue) == [Mark.BORDER]
    queue.feed("  \n")
    assert not queue.has_tail()


def test_dropping_goes_up_to_the_next_border():
    queue = TextQueue()
    queue.feed("One. Two.")
    queue.border()
    queue.feed("Three.")
    queue.border()
    assert queue.next() == "One."
    queue.drop_unit()
    assert drain(queue) == ["Three.", Mark.BORDER]
    assert (queue.chars, queue.borders) == (0, 0)
