"""Every field of every file in JSON, edited: by hand, and by somebody who makes the checksum fit again."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import STUDY, Ground

KIND = "edits"
GONE = object()
VALUES: tuple[Any, ...] = (GONE, None, "abc", -1, 10**30, 1e308, True, [], {}, [[[]]], {"a": {"b": {}}}, "\x1b[31m")


def attacks(ground: Ground) -> Iterator[Attack]:
    for name in ("s/study.json", "s/certificates.json"):
        content = json.loads((ground.at / name).read_bytes())
        for path in _paths(content):
            for value in (v for v in VALUES if json.dumps(_at(content, path)) != repr(v) and v != _at(content, path)):
                for how, save in (("by hand", json.dumps), ("sealed again", _sealed)):
                    if how == "sealed again" and path[-1] == "sha256":
                        continue
                    shown = "gone" if value is GONE else repr(value)[:12]
                    where = ".".join(map(str, path))[-40:]
                    yield Attack(
                        KIND, f"{name}: {where} {shown}, {how}", ("ablate", "--status", "s", "--json", "a.json"),
                        _editor(name, path, value, save), status=(2,) if "study" in name and how == "by hand" else (0, 2),
                        said=(Path(name).name, "s:", "expected"), silent=("\x1b[31m",), writes=("a.json",),
                        answer="a.json" if how == "by hand" else None,
                    )  # fmt: skip
    arm = next(iter(json.loads((ground.at / "s" / "certificates.json").read_bytes())))
    for name, path in (("s/study.json", ("study", "epochs")), ("s/certificates.json", (arm, "verdict"))):
        yield Attack(
            KIND, f"{name}: edited, and the study gone on with", (*STUDY, "--out", "s"), _editor(name, path, 21, json.dumps),
            status=(0, 2), said=(Path(name).name,), writes=("s/*",),
        )  # fmt: skip
    yield from _models(ground)


def _models(ground: Ground) -> Iterator[Attack]:
    data = (ground.at / "net.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    described = json.loads(header["__metadata__"]["network"])
    for field in described:
        for value in (v for v in VALUES if v is GONE or json.dumps(v) != json.dumps(described[field])):

            def edit(folder: Path, field=field, value=value) -> None:
                changed = {k: v for k, v in {**described, field: value}.items() if v is not GONE}
                text = json.dumps(
                    {**header, "__metadata__": {**header["__metadata__"], "network": json.dumps(changed)}}
                ).encode()
                (folder / "net.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])

            yield Attack(
                KIND, f"model: {field} {'gone' if value is GONE else repr(value)[:12]}", ("predict", "net.safetensors", "d.txt"),
                edit, said=("net.safetensors",), silent=("\x1b[31m",),
            )  # fmt: skip
    for what, text in (
        ("a header of 2^60", (2**60).to_bytes(8, "little") + data[8:]),
        ("a nested header", b"\x40\x0d\x03" + bytes(5) + b"[" * 200000),
    ):
        yield Attack(
            KIND, f"model: {what}", ("predict", "net.safetensors", "d.txt"),
            lambda folder, text=text: (folder / "net.safetensors").write_bytes(text), said=("net.safetensors",),
        )  # fmt: skip


def _paths(value: Any, at: tuple = ()) -> Iterator[tuple]:
    """Every place in a JSON value; of a list, and of a mapping from names, its first item alone."""
    if at:
        yield at
    if isinstance(value, dict):
        long = len(at) and any(", " in name or "=" in name for name in value)
        for name in list(value)[: 1 if long else None]:
            yield from _paths(value[name], (*at, name))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*at, 0))


def _at(content: Any, path: tuple) -> Any:
    for step in path:
        content = content[step]
    return content


def _editor(name: str, path: tuple, value: Any, save: Callable[[Any], str]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = json.loads((folder / name).read_bytes())
        inner = _at(content, path[:-1])
        if value is not GONE:
            inner[path[-1]] = value
        elif isinstance(inner, list):
            del inner[path[-1]]
        else:
            inner.pop(path[-1], None)
        (folder / name).write_text(save(content))

    return edit


def _sealed(content: Any) -> str:
    """JSON with the checksums that a forger would put there: of a study, or of each certificate."""
    if "study" in content or "sha256" in content:
        rest = _without(content)
        return json.dumps({**rest, "sha256": _digest(rest)})
    certificates = {arm: one if not isinstance(one, dict) else _without(one) for arm, one in content.items()}
    return json.dumps(
        {
            arm: {**one, "sha256": _digest([arm, one])} if isinstance(one, dict) else one
            for arm, one in certificates.items()
        }
    )


def _without(content: dict) -> dict:
    return {name: value for name, value in content.items() if name != "sha256"}


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
