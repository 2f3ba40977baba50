"""OpenAI's official client, unmodified, against an address: speech, transcriptions, errors.

Prints what it got as JSON, one entry for each flow. Answers are validated strictly by the client's
own models; ``extra`` lists fields that those do not know.
"""

import base64
import io
import json
import sys
import wave

from openai import APIStatusError, OpenAI

TEXT = "Good morning, everyone, and welcome to the meeting."


def client(url, **options):
    return OpenAI(
        base_url=url, api_key="sk-test", _strict_response_validation=True, max_retries=1, **options
    )


def speech(api, **more):
    asked = {"model": "tts-1", "voice": "alloy", "input": TEXT, **more}
    with api.audio.speech.with_streaming_response.create(**asked) as answer:
        pieces = list(answer.iter_bytes())
        return answer.headers["content-type"], pieces


def sound(api, form):
    kind, pieces = speech(api, response_format=form)
    data = b"".join(pieces)
    return {"type": kind, "bytes": len(data), "pieces": len(pieces), "head": data[:4].hex()}


def events(api):
    kind, pieces = speech(api, response_format="pcm", stream_format="sse")
    lines = b"".join(pieces).decode().split("\n\n")
    found = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    audio = b"".join(base64.b64decode(e["audio"]) for e in found if "audio" in e)
    return {"type": kind, "bytes": len(audio), "last": found[-1]["type"]}


def left_early(api):
    asked = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "pcm"}
    with api.audio.speech.with_streaming_response.create(**asked) as answer:
        return {"first": len(next(answer.iter_bytes(1)))}


def upload(pcm):
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(pcm)
    return "speech.wav", file.getvalue(), "audio/wav"


def plain(value):
    found = value if isinstance(value, str) else value.model_dump()
    extra = [] if isinstance(value, str) else list(value.model_extra or ())
    return {"kind": type(value).__name__, "value": found, "extra": extra}


def transcription(api, pcm, **more):
    create = api.audio.transcriptions.create
    return plain(create(model="whisper-1", file=upload(pcm), **more))


def chat(api, pcm):
    audio = base64.b64encode(upload(pcm)[1]).decode()
    part = {"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}}
    messages = [{"role": "user", "content": [part]}]
    return plain(api.chat.completions.create(model="asr", messages=messages, logprobs=True))


def error(call):
    try:
        call()
    except APIStatusError as failed:
        return {"kind": type(failed).__name__, "status": failed.status_code, "param": failed.param,
                "type": failed.type}  # fmt: skip
    return None


def main():
    url, pcm = sys.argv[1], sys.stdin.buffer.read()
    api = client(url)
    words = {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"]}
    out = {
        "models": {"ids": [model.id for model in api.models.list()]},
        "pcm": sound(api, "pcm"),
        "wav": sound(api, "wav"),
        "mp3": sound(api, "mp3"),
        "events": events(api),
        "fast": {"bytes": len(b"".join(speech(api, response_format="pcm", speed=2.0)[1]))},
        "left_early": left_early(api),
        "json": transcription(api, pcm, language="en", prompt="A novel.", temperature=0.2),
        "text": transcription(api, pcm, response_format="text"),
        "verbose_json": transcription(api, pcm, **words),
        "chat": chat(api, pcm),
        "errors": {
            "no_voice": error(lambda: speech(api, voice="")),
            "long": error(lambda: speech(api, input="x" * 5_000)),
            "format": error(lambda: speech(api, response_format="flac")),
            "unknown": error(lambda: speech(api, extra_body={"language": "English"})),
            "short": error(lambda: transcription(api, pcm[:100])),
            "noise": error(lambda: api.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", b"<html>" * 99, "audio/wav"))),
            "busy": error(client(f"{url}/busy").models.list),
            "nowhere": error(client(f"{url}/nowhere").models.list),
        },
    }  # fmt: skip
    print(json.dumps(out))


if __name__ == "__main__":
    main()
