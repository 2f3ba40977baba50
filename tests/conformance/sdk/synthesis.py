"""Synthesis through the SDK's ``QwenTtsRealtime``: every flow of both modes."""

from __future__ import annotations

import dashscope
import demos
from dashscope.audio.qwen_tts_realtime import QwenTtsRealtime
from recorder import listen_to_debug_log, main

dashscope.api_key = "sk-any"
TEXT = "The wind rose in the night. In the morning, the sea was white. Nobody went out."


def start(recorder, options, **settings):
    """Connect, and update the session when there are settings."""
    session = QwenTtsRealtime(model=options.model, callback=recorder, url=options.url)
    session.connect()
    recorder.wait("session.created")
    if settings:
        session.update_session(**{"voice": "Cherry", **settings})
        recorder.wait("session.updated")
    return session


def end(recorder, session, times=1, *, is_patient=False):
    """Finish, wait for the last word, hang up, and note what the SDK knows."""
    session.finish()
    recorder.wait("session.finished", times)
    recorder.outcome["session_id"] = session.get_session_id()
    recorder.outcome["response_id"] = session.get_last_response_id()
    recorder.outcome["first_audio_delay"] = session.get_first_audio_delay()
    recorder.outcome["last_type"] = session.get_last_message()["type"]
    hang_up(recorder, session, is_patient=is_patient)


def hang_up(recorder, session, *, is_patient=False):
    """``is_patient`` waits for ``on_close``, which the SDK can put off by ten seconds."""
    session.close()
    if is_patient:
        recorder.outcome["close_came"] = recorder.closed.wait(20)


def server_commit(recorder, options):
    session = start(recorder, options, mode="server_commit", language_type="English")
    session.append_text(TEXT)
    end(recorder, session, is_patient=True)


def streamed(recorder, options):
    """Piece by piece, as a language model would."""
    session = start(recorder, options, mode="server_commit")
    for character in TEXT:
        session.append_text(character)
    end(recorder, session)


def server_commit_with_commit(recorder, options):
    session = start(recorder, options, mode="server_commit")
    session.append_text("No full stop here")
    session.commit()
    recorder.wait("response.done")
    session.append_text("and none there")
    end(recorder, session)


def commit(recorder, options):
    """Three commits, each waited for."""
    session = start(recorder, options, mode="commit")
    for number, sentence in enumerate(TEXT.split(". "), 1):
        session.append_text(sentence)
        session.commit()
        recorder.wait("response.done", number)
    end(recorder, session)


def commits_in_a_row(recorder, options):
    """Three commits without waiting: the responses queue up."""
    session = start(recorder, options, mode="commit")
    for sentence in TEXT.split(". "):
        session.append_text(sentence)
        session.commit()
    end(recorder, session)


def flush(recorder, options):
    """Commit mode, but the text is still in the buffer at the finish."""
    session = start(recorder, options, mode="commit")
    session.append_text(TEXT)
    end(recorder, session)


def nothing(recorder, options):
    end(recorder, start(recorder, options, mode="commit"))


def defaults(recorder, options):
    """No update at all."""
    session = start(recorder, options)
    session.append_text(TEXT)
    end(recorder, session)


def clear(recorder, options):
    session = start(recorder, options, mode="commit")
    session.append_text("This is never spoken.")
    session.clear_appended_text()
    recorder.wait("input_text_buffer.cleared")
    session.append_text("This is.")
    session.commit()
    recorder.wait("response.done")
    end(recorder, session)


def clear_in_server_commit(recorder, options):
    """Refused; the session lives."""
    session = start(recorder, options, mode="server_commit")
    session.clear_appended_text()
    recorder.wait("error")
    session.append_text(TEXT)
    end(recorder, session)


def empty_commit(recorder, options):
    """Refused; the session lives."""
    session = start(recorder, options, mode="commit")
    session.commit()
    recorder.wait("error")
    session.append_text(TEXT)
    session.commit()
    end(recorder, session)


def cancel(recorder, options):
    """Cancel while it speaks; the session is still of use."""
    session = start(recorder, options, mode="commit")
    session.append_text(TEXT * 20)
    session.commit()
    recorder.wait("response.audio.delta")
    session.cancel_response()
    recorder.wait("response.done")
    session.append_text("Something else.")
    session.commit()
    recorder.wait("response.done", 2)
    end(recorder, session)


def cancel_nothing(recorder, options):
    session = start(recorder, options, mode="commit")
    session.cancel_response()
    session.append_text(TEXT)
    end(recorder, session)


def update(recorder, options):
    """Other settings before the first text, twice, and again between two responses."""
    session = start(recorder, options, mode="server_commit")
    session.update_session(voice="Serena", mode="commit", sample_rate=16000)
    recorder.wait("session.updated", 2)
    session.append_text("At sixteen kilohertz.")
    session.commit()
    recorder.wait("response.done")
    session.update_session(voice="Serena", mode="commit", sample_rate=48000)
    recorder.wait("session.updated", 3)
    session.append_text("At forty-eight kilohertz.")
    session.commit()
    end(recorder, session)


def late_update(recorder, options):
    """Refused while it speaks; the session lives."""
    session = start(recorder, options, mode="commit")
    session.append_text(TEXT * 20)
    session.commit()
    recorder.wait("response.created")
    session.update_session(voice="Serena", mode="commit")
    recorder.wait("error")
    session.cancel_response()
    end(recorder, session)


def at_rate(rate):
    def flow(recorder, options):
        session = start(recorder, options, mode="server_commit", sample_rate=rate)
        session.append_text("One sentence at this rate.")
        end(recorder, session)

    return flow


def reuse(recorder, options):
    """New text after the finish starts the session over."""
    session = start(recorder, options, mode="server_commit")
    session.append_text("First.")
    session.finish()
    recorder.wait("session.finished")
    session.append_text("Second.")
    end(recorder, session, times=2)


def close_early(recorder, options):
    """Hang up in the middle of a response."""
    session = start(recorder, options, mode="commit")
    session.append_text(TEXT * 20)
    session.commit()
    recorder.wait("response.audio.delta")
    hang_up(recorder, session, is_patient=True)


FLOWS = {
    flow.__name__: flow
    for flow in (
        server_commit, streamed, server_commit_with_commit, commit, commits_in_a_row, flush,
        nothing, defaults, clear, clear_in_server_commit, empty_commit, cancel, cancel_nothing,
        update, late_update, reuse, close_early,
    )
}  # fmt: skip
FLOWS |= demos.FLOWS
FLOWS |= {f"rate_{rate}": at_rate(rate) for rate in (8000, 16000, 22050, 44100, 48000)}

if __name__ == "__main__":
    listen_to_debug_log()
    main(FLOWS)
