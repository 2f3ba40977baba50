"""Refusals as HTTP answers: the documented JSON body, and the bytes where no application answers.

Scope: how a ``Refusal`` looks on the wire. Who is refused, and why, is decided elsewhere.
"""

from __future__ import annotations

import http
import uuid

import msgspec

from dragoman.server.admission import Refusal


def http_answer(refusal: Refusal) -> tuple[dict[str, str], bytes]:
    """Headers and body. The body of a 401 has exactly the cloud's 114 bytes."""
    request_id = str(uuid.uuid4())
    body = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    headers = {"content-type": "application/json", "x-request-id": request_id}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(refusal.retry_after_s)
    return headers, msgspec.json.encode(body)


def http_bytes(refusal: Refusal) -> bytes:
    """A whole answer, after which the connection closes."""
    headers, body = http_answer(refusal)
    headers |= {"content-length": str(len(body)), "connection": "close"}
    lines = [f"HTTP/1.1 {refusal.status} {http.HTTPStatus(refusal.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
