"""The synthesis session: text in, one response after the other out.

Scope: what each client event and each report means, and nothing about how text is cut
(``text_queue``), how a response is written (``response``) or when a session ends
(``core.session``).

    commit mode     append fills a buffer; commit → committed, one response for the whole of it
    server_commit   append → segments; the first opens a response, which stays open across
                    segments until a commit or finish is spoken, however long it gets: clients
                    take the first ``response.done`` behind either for the end of the speech

One job speaks one response. A job gets only a few segments ahead, so no inbox grows with the text.
Choices where the protocol is silent, beside the rulings:

* White space counts as an empty buffer. Text without a letter or digit does not: committed, it
  is answered by a response without audio, as there are clients that wait for the ``response.done``
  behind each ``committed``; not committed, it is passed over.
* A commit in server_commit is good while a response is open, even with nothing left to say: it
  asks for the end of that response.
* When an engine fails, the rest of its response is dropped in commit mode (a commit is one
  response); in server_commit the segments not yet pushed open the next response. For text that
  cannot be spoken with what is installed (kanji without a Japanese voice) an ``error`` event says
  so before its response ends as failed.
* ``response.cancel`` drops what was not spoken. Without an open response it says nothing, and
  drops the text of server_commit all the same, which nothing else could take back; the buffer of
  commit mode has its ``clear`` and stays.
* Text after ``session.finish`` starts over and cancels an earlier finish that is not answered yet;
  the client finishes again.
* With ``response_chars`` a response ends earlier, at a segment border behind so many characters,
  if more text and no commit waits; the next text opens the next response.
* The usage counts the text as the client sent it, with its markup, once its speech has begun.
"""

from __future__ import annotations

from typing import ClassVar

from dragoman.protocol.core import fields
from dragoman.protocol.core.commands import (
    Abort,
    Command,
    End,
    Ended,
    Failed,
    Output,
    Push,
    Report,
    Start,
)
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.session import Phase, Rejected, SessionContext
from dragoman.protocol.realtime.events import (
    ResponseCancel,
    SessionCreated,
    SessionFinished,
    SessionUpdate,
    SessionUpdated,
)
from dragoman.protocol.realtime.session import RealtimeSession
from dragoman.protocol.synthesis.events import (
    TextAppend,
    TextClear,
    TextCleared,
    TextCommit,
    TextCommitted,
)
from dragoman.protocol.synthesis.family import SynthesisFamily, created, updated
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.protocol.synthesis.response import Response, Spent
from dragoman.protocol.synthesis.states import Draining, Idle, Speaking
from dragoman.protocol.synthesis.text_intake import TextIntake
from dragoman.protocol.synthesis.text_queue import QueueItem, TextQueue
from dragoman.speech import Said, Say, Status, Voiced

SEGMENTS_AHEAD = 8

_LATE = "Session update error: session already started or finished or failed."
_NO_CLEAR = "only client commit mode supports clear operation"
_EMPTY = "Error committing input text buffer: the buffer is empty."


class SynthesisSession(RealtimeSession):
    """Text in, speech out."""

    starts_over = True
    evictions: ClassVar = RealtimeSession.evictions | {
        "throttled": (
            "Throttling.RateQuota",
            "To many requests. Your requests are being throttled.",  # as the cloud spells it
            1011,
        )
    }

    def __init__(self, family: SynthesisFamily, context: SessionContext) -> None:
        super().__init__(context)
        self.family = family
        self.options = context.option(SynthesisOptions)
        self.id = self.ids.new("sess")
        self.settings = family.defaults()
        self.state: Idle | Speaking | Draining = Idle()
        self._text = TextIntake(self.settings.mode, hold_tail=self.options.hold_tail)
        self._jobs = 0
        self._spent = Spent()  # by earlier responses, where the usage is the session's

    # ------------------------------------------------------------ hooks of the base
    @property
    def waiting_bytes(self) -> int:
        """See ``BaseSession``; as characters may take four bytes."""
        return 4 * self._text.chars

    def on_open(self) -> None:
        """Greet; a client may speak with the defaults at once."""
        shown = created(self.settings, self.id, self.context.model)
        self.send(SessionCreated(session=shown))

    def on_event(self, event: ClientEvent) -> None:
        """One client event."""
        match event:
            case SessionUpdate(session=patch):
                self._update(patch)
            case TextAppend(text=text):
                self._append(text)
            case TextCommit():
                self._commit()
            case TextClear():
                self._clear()
            case ResponseCancel():
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
            case Output(item=Voiced() as voiced):
                state.voiced(voiced)
            case Output(item=Said()) if state.pushed_segments:
                state.segment_done()
            case Ended() if isinstance(state, Draining):
                self._close_response("completed")
            case Ended():
                self._fail("the job ended before its input did")
            case Failed(reason=reason, refusal=refusal):
                self._fail(reason, refusal)
            case _:
                self.note("unexpected_output", type(report).__name__)
        if not self.closed:
            self._advance()

    def on_finish(self) -> None:
        """Speak what is left, in both modes."""
        commit_mode = self.settings.mode == "commit"
        if commit_mode and not self._text.is_speakable:
            self._text.drop_buffer()  # nothing to speak: no empty response at the end
        self._text.flush(self.now)
        if self._queue.has_tail() or (not commit_mode and isinstance(self.state, Speaking)):
            self._queue.border()
        self._advance()

    def is_idle(self) -> bool:
        """Nothing open; whatever can be spoken has been, as ``_advance`` ran before."""
        return isinstance(self.state, Idle) and not self._queue.has_more

    # ------------------------------------------------------------ text that waits for its end
    def deadline(self) -> float | None:
        """As in the base; also when unfinished text is to be flushed, and at once while there is
        text not yet examined.
        """
        if self._queue.has_more and not self.closed:
            return self.now
        ends, flush = super().deadline(), self._flush_at()
        return flush if ends is not None and flush is not None and flush < ends else ends

    def tick(self, now: float) -> list[Command]:
        """As in the base; unfinished text is flushed after ``flush_s``."""
        self.now = now
        flush = self._flush_at()
        if self._queue.has_more and not self.closed:
            self._queue.has_more = False  # else a job whose inbox is full would keep us ticking
            self._advance()
        if flush is not None and now >= flush and not self.closed:
            self._text.appended_at = None
            self._queue.break_off()
            self._advance()
        return super().tick(now)

    def _flush_at(self) -> float | None:
        appended_at, flush_s = self._text.appended_at, self.options.flush_s
        if appended_at is None or flush_s <= 0 or self.phase is not Phase.OPEN:
            return None
        return appended_at + flush_s

    # ------------------------------------------------------------ client events
    def _update(self, patch: dict[str, object]) -> None:
        if self._is_late():
            raise Rejected(fields.INVALID_VALUE, _LATE, "session")
        try:
            settings = self.family.merge(
                self.settings, patch, self.context.coverage, strict=self.strict
            )
        except fields.Invalid as invalid:
            raise Rejected(invalid.code, invalid.message, invalid.param) from None
        self._reopen()
        if patch.get("voice") is not None and not self.family.has_voice(settings.voice):
            self.note("unknown_voice", settings.voice)
        self.settings = settings
        self._text.start_queue(settings.mode)  # the old queue holds white space at most
        lower_case = self.options.lower_case_language
        shown = updated(settings, self.id, self.context.model, lower_case=lower_case)
        self.send(SessionUpdated(session=shown))

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
        if self._text.chars + len(text) > self.limits.text_buffer_chars:
            raise Rejected(
                fields.INVALID_VALUE,
                "The input text buffer is full: it holds at most "
                f"{self.limits.text_buffer_chars} characters that were not yet spoken.",
                "text",
            )
        self._reopen()
        self._text.append(text, self.now)

    def _commit(self) -> None:
        self._check_room()
        if not self._has_uncommitted():
            raise Rejected(fields.INVALID_VALUE, _EMPTY)
        self._reopen()
        self._text.flush(self.now)
        self.send(TextCommitted())
        self._queue.border(commit=True)

    def _clear(self) -> None:
        if self.settings.mode != "commit":
            raise Rejected(fields.INVALID_VALUE, _NO_CLEAR)
        self._text.drop_buffer()
        self.send(TextCleared())

    def _cancel(self) -> None:
        if isinstance(self.state, Idle):
            if self.settings.mode != "commit":
                self._drop_text()
            return
        self.command(Abort(self.state.job))
        self._drop_text()
        self._close_response("incomplete")
        if self.options.cancel_finishes and self.phase is Phase.OPEN:
            self.send(SessionFinished())

    # ------------------------------------------------------------ text
    @property
    def _queue(self) -> TextQueue:
        return self._text.queue

    def _drop_text(self) -> None:
        self._text.start_queue(self.settings.mode)
        self._text.drop_buffer()

    def _has_uncommitted(self) -> bool:
        if self._text.has_buffered:
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
        """Push whatever can be pushed now."""
        while not isinstance(self.state, Draining):
            state = self.state
            if isinstance(state, Speaking):
                if self._is_long(state):
                    self._end_input(state)
                    return
                if len(state.pushed_segments) >= SEGMENTS_AHEAD:
                    return
            unit = self._queue.next()
            if unit is None:
                return
            if unit.cut:
                self.note("long_word_cut", str(unit.cut))
            if unit.spoken is not None:
                self._push(self._start() if isinstance(state, Idle) else state, unit)
            elif isinstance(state, Speaking):
                state.response.add_text(unit.cost)
                self._end_input(state)
            else:
                self._answer_empty(unit)

    def _is_long(self, state: Speaking) -> bool:
        """Whether the response is long enough to end and there is text for another. Where a commit
        waits, it gets one response up to there, since clients take the first ``response.done``
        behind their commit for its end; and a commit behind the last word finds an open one to end.
        """
        most = self.options.response_chars
        if not most or self.settings.mode == "commit" or self._queue.commits:
            return False
        return state.chars >= most and self._queue.has_text()

    def _start(self) -> Speaking:
        self._jobs += 1
        response = self._open_response()
        self.state = Speaking(self._jobs, response)
        self.command(Start(self._jobs, self.family.task(self.settings)))
        return self.state

    def _push(self, state: Speaking, unit: QueueItem) -> None:
        assert unit.spoken is not None
        state.pushed_segments.append(unit.cost)
        state.chars += len(unit.spoken)
        self.command(Push(state.job, Say(unit.spoken)))

    def _end_input(self, state: Speaking) -> None:
        self.state = Draining(
            state.job, state.response, state.pushed_segments, state.first_audio_seen
        )
        self.command(End(state.job))

    def _answer_empty(self, unit: QueueItem) -> None:
        """A border without text: a commit gets a response all the same."""
        if unit.commit or self.settings.mode == "commit":
            response = self._open_response()
            response.add_text(unit.cost)
            self._close(response, "completed")

    def _open_response(self) -> Response:
        response = Response(self.send, self.ids, self.family, self.settings, self._spent)
        response.open()
        return response

    def _close_response(self, status: Status) -> None:
        assert not isinstance(self.state, Idle)
        while status == "completed" and self.state.pushed_segments:
            self.state.segment_done()
        self._close(self.state.response, status)
        self.state = Idle()

    def _close(self, response: Response, status: Status) -> None:
        response.close(status)
        self.used(response.used)
        if self.options.usage == "session":
            self._spent = response.spent

    def _fail(self, reason: str, refusal: str = "") -> None:
        self.note("text_refused" if refusal else "engine_failed", reason)
        if refusal:
            self.reject(fields.INVALID_VALUE, refusal, "text")
        if self.settings.mode == "commit" and isinstance(self.state, Speaking):
            self._queue.drop_unit()
        self._close_response("failed")
        if self.strict and not refusal:
            self.die("internal_error", "The speech engine failed.")
