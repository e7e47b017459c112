"""How a call ends: exit codes, one line instead of a traceback, no secret, quiet pipes and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from perennial import __version__
from perennial.cli.ending import Verbs
from perennial.cli.mishap import log_mishap
from perennial.core.codes import Code
from perennial.core.errors import RejectedError

Call = Callable[..., Result]
Start = Callable[..., "subprocess.CompletedProcess[str]"]
HEAVY = {"airflow", "alembic", "boto3", "croniter", "numpy", "pandas", "psycopg", "pyarrow", "sklearn", "sqlalchemy", "yaml"}


def test_the_version_is_told(call: Call) -> None:
    """It is the package's."""
    assert call("--version").stdout == f"perennial {__version__}\n"


def test_without_a_verb_the_help_is_shown(call: Call) -> None:
    """That is an error of the call: nothing was done."""
    result = call()

    assert result.exit_code == 2
    assert "Usage: perennial" in result.output


def test_help_imports_nothing_heavy() -> None:
    """It is there at once."""
    code = f"import sys, perennial.cli; print(sorted({HEAVY!r} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_process_ends_with_the_code_of_what_happened(start: Start) -> None:
    """Done, found faults, words off, cannot be done, may be tried again; each of the last two is one line."""
    unreachable = {"PERENNIAL_DATABASE_URL": "postgresql://ada:hunter2@127.0.0.1:1/ledger"}
    done, off, terminal, transient = (
        start("check", "--shallow"),
        start("chek"),
        start("score", "nobody"),
        start("models", "list", **unreachable),
    )

    assert [item.returncode for item in (done, off, terminal, transient)] == [0, 2, 3, 4]
    assert [len(item.stderr.splitlines()) for item in (terminal, transient)] == [1, 1]
    assert "[STORE_UNAVAILABLE]" in transient.stderr
    assert "hunter2" not in transient.stderr + transient.stdout


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@127.0.0.1:1/x",
        "postgresql://ada:hunter2@@h/x",
        "postgresql://ada:hunter2@[::1/x",
        "mysql://ada:hunter2@h/x",
        "hunter2",
    ],
)
@pytest.mark.parametrize("words", [["models", "list"], ["migrate"], ["doctor"], ["doctor", "--json"]])
def test_a_password_is_never_printed(call: Call, url: str, words: list[str]) -> None:
    """Not of a server that does not answer, and not of a URL that cannot be read."""
    result = call(*words, PERENNIAL_DATABASE_URL=url, PERENNIAL_CONN_BIKES=url)

    assert result.exit_code in {1, 3, 4}
    assert "hunter2" not in result.output


def test_a_fault_of_our_own_is_a_line_and_a_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where it happened goes into a file of the owner's, without the error's message, which may quote a row."""
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "postgresql://ada:hunter2@h/x")
    monkeypatch.setenv("PERENNIAL_SIGNING_KEY", "abcdef" * 20)
    result = CliRunner().invoke(_failing(KeyError("-197.25")), ["fail"])

    log = tmp_path / "home" / "perennial.log"
    said = f"perennial: a fault of its own, KeyError; where it happened is in {log}\n"
    assert (result.exit_code, result.stdout, result.stderr) == (5, "", said)
    assert oct(log.stat().st_mode & 0o777) == "0o600"
    first, *told = log.read_text().splitlines()
    assert first.endswith(f" perennial {__version__}")
    assert re.fullmatch(r"KeyError\n  cli/ending\.py:\d+ invoke\n\n", "".join(f"{line}\n" for line in told))


def test_promise_15_the_log_of_a_fault_tells_no_value_and_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither of the error nor of what it came from; our own messages quote none, and secrets are blotted out all the same."""
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path))
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "postgresql://ada:hunter2@h/x")
    monkeypatch.setenv("PERENNIAL_SIGNING_KEY", "abcdef" * 20)
    ours = RejectedError(Code.STORE_REJECTED, "hunter2 and " + "abcdef" * 20, where="test")
    ours.__cause__ = ValueError("could not convert '-197.25' of 2024-03-01")
    error = TypeError("-197.25")
    error.__context__ = ours
    log = log_mishap(error).read_text().splitlines()[1:]

    ours_told = "perennial.core.errors.RejectedError: test: *** and *** [STORE_REJECTED]"
    assert log == ["TypeError", "which came from", ours_told, "which came from", "ValueError", ""]


def test_a_log_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line is there all the same."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "file" / "home"))
    result = CliRunner().invoke(_failing(ValueError("x")), ["fail"])

    said = "perennial: a fault of its own, ValueError; where it happened could not be written anywhere\n"
    assert (result.exit_code, result.stderr) == (5, said)


def test_a_home_that_is_a_file_is_one_line(call: Call, tmp_path: Path) -> None:
    """The operating system's word is told with the place."""
    (tmp_path / "file").touch()
    result = call("models", "list", PERENNIAL_HOME=str(tmp_path / "file"))

    said = f"{tmp_path / 'file'}: could not be used (File exists) [STORE_REJECTED]\n"
    assert (result.exit_code, result.stderr) == (3, said)


def test_a_reader_who_goes_away_is_no_noise(command: tuple[Path, dict[str, str]]) -> None:
    """The command ends as a signal of a broken pipe would end it, and says nothing."""
    script, environment = command
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [script, "models", "list"], env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=180, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_with_130_and_no_traceback(command: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """The command is interrupted while it reads a log that somebody else still holds open."""
    script, environment = command
    os.mkfifo(tmp_path / "up.log")
    with subprocess.Popen(
        [script, "logs"], env={**environment, "PERENNIAL_HOME": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        writer = _open_when_read(tmp_path / "up.log")
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=180)
        os.close(writer)

    assert (process.returncode, said, complained) == (130, b"", b"")


def _failing(error: Exception) -> typer.Typer:
    """A command line like ours, with a verb that fails in a way that nobody foresaw."""
    app = typer.Typer(cls=Verbs, pretty_exceptions_enable=False)

    @app.callback()
    def root() -> None: ...

    @app.command()
    def fail() -> None:
        raise error

    return app


def _open_when_read(fifo: Path) -> int:
    """Return the writing end of *fifo*, which can be opened only when somebody reads it."""
    deadline = time.monotonic() + 180
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline, "nobody reads it"
            time.sleep(0.05)
