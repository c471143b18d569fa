"""The compile cache: where it is, what it leaves alone, and that a broken entry costs nothing but a compilation.

No test uses the user's own cache: conftest.py switches it off, and these tests name folders of their own.
"""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from bpnn_jax._runtime import cache

ROOT = Path(__file__).resolve().parents[3]
TRAIN = ("train", "xor", "--epochs", "3")
OURS = ("BPNN_COMPILE_CACHE", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", *cache.SETTINGS)


def start(*arguments, **environment) -> subprocess.Popen:
    """A command in a process of its own, with nothing of this one's cache settings."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS} | environment
    command = [sys.executable, "-m", "bpnn_jax", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process: subprocess.Popen) -> str:
    """What it printed; nothing on standard error."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert err == ""
    return out


def programs(folder: Path) -> dict[str, float]:
    """Every entry below the folder, and when it was written."""
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*-cache")}


def without_times(out: str) -> str:
    return "\n".join(line for line in out.splitlines() if " s" not in line)


@pytest.fixture
def fresh(monkeypatch):
    """As a user has it: nothing set, and JAX not imported."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "modules", {name: m for name, m in sys.modules.items() if name != "jax"})
    return monkeypatch


# --- as a command uses it ---


def test_processes_share_a_folder_and_mend_it_in_silence(tmp_path):
    """Two at once fill it, a third compiles nothing, a fourth finds entries that are cut short, and a fifth what it mended."""
    together = [start(*TRAIN, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2)]
    one, two = (without_times(finish(process)) for process in together)
    written = programs(tmp_path / "bpnn-jax")
    assert any("_run-" in name for name in written)
    third = without_times(finish(start(*TRAIN, XDG_CACHE_HOME=str(tmp_path))))
    assert programs(tmp_path) == written
    assert one == two == third
    for i, name in enumerate(written):
        os.truncate(name, 0 if i % 2 else os.path.getsize(name) // 2)
    finish(start(*TRAIN, BPNN_COMPILE_CACHE=str(tmp_path / "bpnn-jax")))  # the same folder by its name
    mended = programs(tmp_path)
    assert mended.keys() == written.keys()
    finish(start(*TRAIN, XDG_CACHE_HOME=str(tmp_path)))
    assert programs(tmp_path) == mended


@pytest.mark.parametrize("setting", [cache.SWITCH, "JAX_COMPILATION_CACHE_DIR", "in the way"])
def test_without_a_cache_of_ours_nothing_is_set_and_nothing_written(setting, tmp_path, fresh):
    """Switched off, or JAX's own setting is there, or the folder cannot be made, which is no error."""
    (tmp_path / "file").write_text("in the way")
    fresh.setenv("XDG_CACHE_HOME", str(tmp_path / ("file" if setting == "in the way" else "ours")))
    if setting != "in the way":
        fresh.setenv(setting, "off" if setting == cache.SWITCH else str(tmp_path / "theirs"))
    before = dict(os.environ)
    with cache.compile_cache() as folder:
        assert folder is None
        assert dict(os.environ) == before
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# --- politeness ---


def test_importing_the_library_changes_no_setting():
    code = "import os; before = dict(os.environ); import bpnn_jax, bpnn_jax.training, jax\n"
    code += "print([n for n in os.environ if 'CACHE' in n and n not in before], jax.config.jax_compilation_cache_dir)"
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "None"]


def test_a_process_that_has_imported_jax_keeps_its_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("BPNN_COMPILE_CACHE", str(tmp_path))
    before = dict(os.environ)
    with cache.compile_cache() as folder:
        assert folder is None
        assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []


def test_a_threshold_of_the_user_s_own_is_kept(tmp_path, fresh):
    fresh.setenv("BPNN_COMPILE_CACHE", str(tmp_path))
    fresh.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "5")
    fresh.setattr(os, "environ", dict(os.environ))
    with cache.compile_cache() as folder:
        assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(folder)
        assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "5"
        assert os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] == "-1"


def test_other_warnings_are_shown_as_before(tmp_path, fresh):
    fresh.setenv("BPNN_COMPILE_CACHE", str(tmp_path))
    fresh.setattr(os, "environ", dict(os.environ))
    shown = []
    fresh.setattr(warnings, "showwarning", lambda message, *rest, **named: shown.append(str(message)))
    before = warnings.showwarning
    with cache.compile_cache() as folder:
        other, broken = folder / "jit_other-1-cache", folder / "jit_run-1-cache"
        for entry in (other, broken):
            entry.write_text("half")
        warnings.showwarning(
            "Error reading persistent compilation cache entry for 'jit_run': error", UserWarning, "x.py", 1
        )
        warnings.showwarning(
            "Error writing persistent compilation cache entry for 'jit_other': full", UserWarning, "x.py", 1
        )
        warnings.showwarning("something else", UserWarning, "x.py", 1)
        assert shown == ["something else"]
        assert other.exists()
        assert not broken.exists()
    assert warnings.showwarning is before


# --- where it is ---


def test_the_folder_is_the_platform_s(fresh):
    fresh.setattr(os.path, "expanduser", lambda path: path.replace("~", "/home/me"))
    fresh.setattr(sys, "platform", "linux")
    assert cache._user_folder() == Path("/home/me/.cache/bpnn-jax")
    fresh.setenv("XDG_CACHE_HOME", "/var/me")
    assert cache._user_folder() == Path("/var/me/bpnn-jax")
    fresh.setenv("XDG_CACHE_HOME", "relative")
    assert cache._user_folder() == Path("/home/me/.cache/bpnn-jax")
    fresh.setattr(sys, "platform", "darwin")
    assert cache._user_folder() == Path("/home/me/Library/Caches/bpnn-jax")
    fresh.setattr(sys, "platform", "win32")
    fresh.setenv("LOCALAPPDATA", "/local")
    assert cache._user_folder() == Path("/local/bpnn-jax")


def test_another_cpu_has_another_folder(fresh):
    def named(cpuinfo: str) -> str:
        fresh.setattr(Path, "read_text", lambda *_, **__: cpuinfo)
        return str(cache.folder())

    plain = named("processor: 0\nmodel name: A\nflags: sse avx2\ncpu MHz: 2000\n")
    assert named("processor: 0\nmodel name: A\nflags: sse avx2\ncpu MHz: 3000\n") == plain
    assert named("processor: 0\nmodel name: A\nflags: sse avx2 avx512f\ncpu MHz: 2000\n") != plain


def test_another_jaxlib_has_another_folder(fresh):
    import jaxlib.version

    before = cache.folder()
    fresh.setattr(jaxlib.version, "__version__", "99.0")
    assert cache.folder() != before
    assert "jaxlib-99.0-" in str(cache.folder())


def test_a_full_folder_loses_its_oldest_half(tmp_path, fresh):
    fresh.setattr(cache, "LIMIT", 4)
    for age in range(6):
        entry = tmp_path / f"jit_{age}-cache"
        entry.touch()
        os.utime(entry, (age, age))
    assert cache._ready(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["jit_3-cache", "jit_4-cache", "jit_5-cache"]
