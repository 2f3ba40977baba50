"""What a model is told."""

import base64
import io
import wave
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from dragoman.audio.pcm import from_float
from dragoman.engines.base import Translation
from dragoman.engines.openai_chat.prompts import find_template, messages_for, templates
from dragoman.speech import Hints

PLAIN = Translation("Good morning", "en", "es")
RICH = Translation(
    "The {text} of Dragoman",
    "en-US",
    "pt-BR",
    before=(("Hello.", "Olá."), ("Welcome.", "Bem-vindos.")),
    prefix="O texto",
    hints=Hints(phrases={"Dragoman": "Dragomano", "unused": ""}, context="A talk on servers"),
    onscreen=("Chapter 1", "Load"),
    terse=True,
)


def test_an_instructed_model_is_told_everything() -> None:
    messages = messages_for(find_template("", "qwen3-8b"), RICH, continues=False)
    assert [message["role"] for message in messages] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    system = messages[0]["content"]
    for told in (
        "from English to Portuguese",
        "About the talk: A talk on servers",
        "Chapter 1 / Load",
        "Dragoman = Dragomano",
        "spoken already: O texto",
        "few words",
    ):
        assert told in system
    assert "unused" not in system
    assert messages[1:5:2] == [
        {"role": "user", "content": "Hello."},
        {"role": "user", "content": "Welcome."},
    ]
    assert messages[-1]["content"] == "The {text} of Dragoman", "braces of a text are text"


def test_what_there_is_not_leaves_no_trace() -> None:
    system, user = messages_for(find_template("", ""), PLAIN, continues=False)
    assert user == {"role": "user", "content": "Good morning"}
    assert not {"{", "}"} & set(system["content"])
    assert system["content"].endswith("translate it.")


def test_what_is_said_goes_along_as_audio_with_what_was_recognised_or_alone() -> None:
    samples = np.linspace(-0.5, 0.5, 1_600, dtype=np.float32)
    heard = replace(RICH, speech=samples.tobytes(), image=b"\x89PNG")
    template = find_template("", "Qwen3-Omni")
    messages = messages_for(template, heard, continues=False)
    assert "said in the audio from English to Portuguese" in messages[0]["content"]
    assert "Dragoman = Dragomano" in messages[0]["content"]
    picture, audio, text = messages[-1]["content"]
    assert picture["type"] == "image_url"
    assert audio["type"] == "input_audio"
    assert audio["input_audio"]["format"] == "wav"
    with wave.open(io.BytesIO(base64.b64decode(audio["input_audio"]["data"]))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.readframes(99_999) == from_float(samples)
    assert text["type"] == "text"
    assert text["text"].endswith(": The {text} of Dragoman")
    alone = messages_for(template, heard, continues=False, tells_recognised=False)[-1]["content"]
    assert [part["type"] for part in alone] == ["image_url", "input_audio"]


def test_a_server_that_continues_gets_the_beginning_as_last_message() -> None:
    messages = messages_for(find_template("instruct", ""), RICH, continues=True)
    assert messages[-1] == {"role": "assistant", "content": "O texto"}
    assert "O texto" not in messages[0]["content"]


def test_hy_mt_is_asked_as_its_model_card_says() -> None:
    template = find_template("", "tencent/Hy-MT2-7B")
    (plain,) = messages_for(template, PLAIN, continues=False)
    assert plain["content"] == (
        "Translate the following text into Spanish. Note that you should only output the "
        "translated result without any additional explanation:\n\nGood morning"
    )
    (rich,) = messages_for(template, RICH, continues=False)
    assert rich["content"].startswith(
        "Reference the following translations:\nDragoman translates to Dragomano\n\n"
        "[Background Information]\nA talk on servers\nHello.\nWelcome.\n\nPlease translate "
    )
    assert rich["content"].endswith("[Source Text]\nThe {text} of Dragoman")
    assert "Olá" not in rich["content"], "a small model repeats the translations it finds"


def test_translategemma_is_named_both_languages() -> None:
    (message,) = messages_for(find_template("", "translategemma:4b"), PLAIN, continues=False)
    assert message["content"].startswith("You are a professional English (en) to Spanish (es) ")
    assert message["content"].endswith("\n\n\nGood morning")


def test_a_picture_goes_as_data() -> None:
    request = Translation("This one", "en", "es", image=b"\xff\xd8\xffjpeg")
    content = messages_for(find_template("", ""), request, continues=False)[-1]["content"]
    assert content[0]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    assert content[1] == {"type": "text", "text": "This one"}


def test_an_operator_brings_a_template(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('user = "{source}>{target}: {text}"\nglossary = true\n')
    (message,) = messages_for(find_template(str(path), "x"), PLAIN, continues=False)
    assert message["content"] == "English>Spanish: Good morning"
    path.write_text('usr = "{text}"\n')
    with pytest.raises(ValueError, match="cannot be used"):
        find_template(str(path), "")
    with pytest.raises(ValueError, match="template is one of instruct, hy-mt"):
        find_template("nothing", "")


def test_every_template_carries_the_text_and_says_what_it_is() -> None:
    for name, template in templates().items():
        last = messages_for(template, PLAIN, continues=False)[-1]["content"]
        assert last.endswith("Good morning"), name
        assert template.about, name
