"""The synthesis session: text in, one response after the other out.

Law of this file: what each client event and each report means, and nothing about how text is
cut (``text_queue``), how a response is written (``response``) or when a session ends (``base``).

    commit mode     append fills a buffer; commit → committed, one response for the whole of it
    server_commit   append → sentences; the first opens a response, which stays open across
                    sentences until a commit or finish is spoken, or, at a sentence border, after
                    some 300 characters; the next text opens the next response

One job speaks one response. A job is fed only a few segments ahead, so no inbox grows with the
text. Choices where the protocol is silent, beside the rulings:

* White space counts as an empty buffer. Text without a letter or digit does not: committed in
  commit mode it is answered by a response without audio; in server_commit it is passed over.
* A commit in server_commit is good while a response is open, even with nothing left to say: it
  asks for the end of that response.
* When an engine fails, what its response still had to say is dropped in commit mode (a commit is
  one response); in server_commit the sentences not yet handed over open the next response.
* Text after ``session.finish`` starts over; the earlier finish, if not answered yet, is taken
  back by it, and the client finishes again.
"""

from __future__ import annotations

from dataclasses import dataclass

from dragoman.families import fields, tts
from dragoman.families.tts import TtsFamily
from dragoman.policy.sentences import is_speakable
from dragoman.session.base import BaseSession, Limits, Phase, Rejected
from dragoman.session.kernel import Abort, End, Ended, Failed, Output, Push, Report, Start
from dragoman.session.response import Response
from dragoman.session.text_queue import Mark, TextQueue
from dragoman.speech import Coverage, Said, Say, Status, Voiced
from dragoman.wire import tts as wire
from dragoman.wire.base import ClientEvent, Ids
from dragoman.wire.texts import HalfKeeper

RESPONSE_CHARS = 300
SEGMENTS_AHEAD = 8
_PIECE_CHARS = 1024

_LATE = "Session update error: session already started or finished or failed."
_NO_CLEAR = "only client commit mode supports clear operation"
_EMPTY = "Error committing input text buffer: the buffer is empty."


@dataclass
class Idle:
    """Nothing is being spoken."""


@dataclass
class Speaking:
    """A response is open and takes more segments. ``ahead``: handed over and not yet voiced."""

    job: int
    response: Response
    ahead: int = 0
    chars: int = 0


@dataclass
class Ending:
    """The job has all it gets; the response closes when it has spoken."""

    job: int
    response: Response


class TtsSession(BaseSession):
    """See the head of this file."""

    def __init__(
        self,
        family: TtsFamily,
        model: str,
        ids: Ids,
        limits: Limits,
        coverage: Coverage,
        *,
        strict: bool = False,
    ) -> None:
        super().__init__(ids, limits, strict=strict)
        self.family, self.model, self.coverage = family, model, coverage
        self.id = ids.new("sess")
        self.settings = family.defaults()
        self.state: Idle | Speaking | Ending = Idle()
        self._buffer: list[str] = []  # commit mode: what was appended since the last commit
        self._buffered_chars = 0
        self._halves = HalfKeeper()
        self._queue = TextQueue()
        self._jobs = 0

    # ------------------------------------------------------------ hooks of the base
    def on_open(self) -> None:
        """Greet; a client may speak with the defaults at once."""
        shown = tts.created(self.settings, self.id, self.model)
        self.send(wire.SessionCreated(session=shown))

    def on_event(self, event: ClientEvent) -> None:
        """One client event."""
        match event:
            case wire.SessionUpdate(session=patch):
                self._update(patch)
            case wire.TextAppend(text=text):
                self._append(text)
            case wire.TextCommit():
                self._commit()
            case wire.TextClear():
                self._clear()
            case wire.ResponseCancel():
                self._cancel()
            case _:
                raise TypeError(f"not an event of this API: {type(event).__name__}")
        self._advance()

    def on_report(self, report: Report) -> None:
        """News of the job; what comes from an earlier one is dropped here, and only here."""
        state = self.state
        if isinstance(state, Idle) or report.job != state.job:
            return
        match report:
            case Output(item=Voiced(pcm=pcm)):
                state.response.audio(pcm)
            case Output(item=Said()):
                if isinstance(state, Speaking):
                    state.ahead -= 1
            case Ended() if isinstance(state, Ending):
                self._close_response("completed")
            case Ended():
                self._fail("the job ended before it was told to")
            case Failed(reason=reason):
                self._fail(reason)
            case _:
                self.note("unexpected_output", type(report).__name__)
        if not self.closed:
            self._advance()

    def on_finish(self) -> None:
        """Speak what is left, in both modes."""
        commit_mode = self.settings.mode == "commit"
        if commit_mode and not is_speakable("".join(self._buffer)):
            self._forget_buffer()  # nothing to speak: no empty response at the end
        self._settle_text()
        if self._queue.has_tail() or (not commit_mode and isinstance(self.state, Speaking)):
            self._queue.border()
        self._advance()

    def is_idle(self) -> bool:
        """Nothing open; whatever can be spoken has been, as ``_advance`` ran before."""
        return isinstance(self.state, Idle)

    # ------------------------------------------------------------ client events
    def _update(self, patch: dict[str, object]) -> None:
        if self._is_late():
            raise Rejected(fields.INVALID_VALUE, _LATE, "session")
        try:
            settings = self.family.merge(self.settings, patch, self.coverage, strict=self.strict)
        except fields.Invalid as invalid:
            raise Rejected(invalid.code, invalid.message, invalid.param) from None
        self._reopen()
        if patch.get("voice") is not None and not self.family.knows(settings.voice):
            self.note("unknown_voice", settings.voice)
        self.settings = settings
        self._queue = TextQueue()  # white space at most, which the other mode should not begin with
        shown = tts.updated(settings, self.id, self.model)
        self.send(wire.SessionUpdated(session=shown))

    def _append(self, text: str) -> None:
        if not text:
            return
        if len(text) > self.limits.text_append_chars:
            raise Rejected(
                fields.INVALID_VALUE,
                f"Invalid value: {len(text)} characters in one append. At most "
                f"{self.limits.text_append_chars} are supported.",
                "text",
            )
        if self._buffered_chars + self._queue.chars + len(text) > self.limits.text_buffer_chars:
            raise Rejected(
                fields.INVALID_VALUE,
                "The input text buffer is full: it holds at most "
                f"{self.limits.text_buffer_chars} characters that were not yet spoken.",
                "text",
            )
        self._reopen()
        self._hold(self._halves.feed(text))

    def _commit(self) -> None:
        self._check_room()
        if not self._has_uncommitted():
            raise Rejected(fields.INVALID_VALUE, _EMPTY)
        self._reopen()
        self._settle_text()
        self.send(wire.TextCommitted())
        self._queue.border()

    def _clear(self) -> None:
        if self.settings.mode != "commit":
            raise Rejected(fields.INVALID_VALUE, _NO_CLEAR)
        self._forget_buffer()
        self.send(wire.TextCleared())

    def _cancel(self) -> None:
        if isinstance(self.state, Idle):
            return
        self.command(Abort(self.state.job))
        self._queue = TextQueue()
        self._forget_buffer()
        self._close_response("incomplete")

    # ------------------------------------------------------------ text
    def _hold(self, text: str) -> None:
        if not text:
            return
        if self.settings.mode == "commit":
            if self._buffer and len(self._buffer[-1]) < _PIECE_CHARS:
                self._buffer[-1] += text  # a million strings of one character are 60 MB
            else:
                self._buffer.append(text)
            self._buffered_chars += len(text)
        else:
            self._queue.feed(text)

    def _settle_text(self) -> None:
        """Everything appended so far goes into the queue."""
        self._hold(self._halves.flush())
        self._queue.feed("".join(self._buffer))
        self._forget_buffer()

    def _forget_buffer(self) -> None:
        self._buffer.clear()
        self._buffered_chars = 0
        self._halves = HalfKeeper()

    def _has_uncommitted(self) -> bool:
        if self._halves.holds or any(text.strip() for text in self._buffer):
            return True
        if self.settings.mode == "commit":
            return False
        return self._queue.has_tail() or (
            isinstance(self.state, Speaking) and not self._queue.borders
        )

    def _is_late(self) -> bool:
        if self.strict and self._jobs:
            return True
        return not isinstance(self.state, Idle) or self._has_uncommitted()

    def _check_room(self) -> None:
        if self._queue.borders >= self.limits.waiting_responses:
            raise Rejected(
                fields.INVALID_VALUE,
                f"Too many responses are waiting: at most {self.limits.waiting_responses}.",
            )

    def _reopen(self) -> None:
        self.reopen()
        if self.phase is not Phase.OPEN:  # it is too old: only what came before is still spoken
            raise Rejected("session_expired", "The session is over: it takes no more input.")

    # ------------------------------------------------------------ responses
    def _advance(self) -> None:
        """Hand over whatever can be handed over now."""
        while not isinstance(self.state, Ending):
            state = self.state
            if isinstance(state, Speaking):
                if self.settings.mode != "commit" and state.chars >= RESPONSE_CHARS:
                    self._end_input(state)
                    return
                if state.ahead >= SEGMENTS_AHEAD:
                    return
            match self._queue.next(), state:
                case None, _:
                    return
                case Mark.BORDER, Speaking():
                    self._end_input(state)
                case Mark.BORDER, Idle():
                    self._answer_nothing()
                case str() as text, Speaking():
                    self._push(state, text)
                case str() as text, Idle():
                    self._push(self._start(), text)

    def _start(self) -> Speaking:
        self._jobs += 1
        response = self._open_response()
        self.state = Speaking(self._jobs, response)
        self.command(Start(self._jobs, self.family.task(self.settings)))
        return self.state

    def _push(self, state: Speaking, text: str) -> None:
        state.ahead += 1
        state.chars += len(text)
        state.response.speaks(text)
        self.command(Push(state.job, Say(text)))

    def _end_input(self, state: Speaking) -> None:
        self.state = Ending(state.job, state.response)
        self.command(End(state.job))

    def _answer_nothing(self) -> None:
        """A border without text: in commit mode a response is owed all the same."""
        if self.settings.mode == "commit":
            self._open_response().close("completed")

    def _open_response(self) -> Response:
        response = Response(self.send, self.ids, self.family, self.settings)
        response.open()
        return response

    def _close_response(self, status: Status) -> None:
        assert not isinstance(self.state, Idle)
        self.state.response.close(status)
        self.state = Idle()

    def _fail(self, reason: str) -> None:
        self.note("engine_failed", reason)
        if self.settings.mode == "commit" and isinstance(self.state, Speaking):
            self._queue.drop_unit()
        self._close_response("failed")
        if self.strict:
            self.die("internal_error", "The speech engine failed.")
