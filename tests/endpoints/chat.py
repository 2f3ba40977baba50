"""A chat endpoint on the loopback interface: ``POST /v1/chat/completions`` as OpenAI specifies it,
streamed or whole, and the list of models.

Scope: routes for ``LoopbackServer``. The model is a function from the request's body to the answer;
``tagged`` is one whose translations can be told: every word gets the target language as a tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.endpoints.http_server import Call, LoopbackServer, Route

PATH = "POST /v1/chat/completions"
Model = Callable[[dict[str, Any]], str]


def serve_chat(server: LoopbackServer, model: Model, names: Sequence[str] = ("tagger",)) -> None:
    """Have the server answer as this model."""
    listed = [{"id": name, "object": "model", "owned_by": "test"} for name in names]
    server.routes["GET /v1/models"] = lambda call: call.json({"object": "list", "data": listed})
    server.routes[PATH] = chat(model)


def chat(model: Model) -> Route:
    """The route of a model."""

    def route(call: Call) -> None:
        body = call.request.json()
        answer = model(body)
        if not body.get("stream"):
            message = {"role": "assistant", "content": answer}
            call.json({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            return
        begin(call)
        for word in re.findall(r"\S+\s*|\s+", answer):
            call.event(delta(word))
        finish(call)

    return route


def says(answer: str) -> Route:
    """A model that always answers so."""
    return chat(lambda _body: answer)


def delta(text: str, reason: str | None = None) -> dict[str, Any]:
    """A chunk with more of the answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}


def begin(call: Call) -> None:
    """The head of a streamed answer and its first chunk, which names the role."""
    call.start()
    call.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})


def finish(call: Call, reason: str = "stop") -> None:
    """The end of a streamed answer."""
    call.event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    call.event({"choices": [], "usage": {"completion_tokens": 1}})
    call.event("[DONE]")
    call.end()


def tagged(body: dict[str, Any]) -> str:
    """``Hello, you`` is ``Hello-Spanish, you-Spanish``; the last message's own words, if the answer
    goes on behind them, are left out.
    """
    messages = body["messages"]
    target = re.search(r"to (\w+)\.", messages[0]["content"])
    assert target is not None, "the prompt names the target language"
    asked = next(message for message in reversed(messages) if message["role"] == "user")
    answer = re.sub(r"\w+", lambda word: f"{word.group()}-{target[1]}", asked["content"])
    begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    return str(answer.removeprefix(begun))
