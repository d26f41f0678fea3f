import subprocess
import sys

import pytest

from slugline import __version__, errors
from slugline.cli.exit_codes import exit_code_of
from slugline.cli.main import COMMANDS
from tests.conftest import Slugline


def test_help_lists_every_command(slugline: Slugline) -> None:
    done = slugline("--help")
    assert done.returncode == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(slugline: Slugline, command: str) -> None:
    done = slugline(command, "--help")
    assert done.returncode == 0
    assert f"slugline {command}" in done.stdout


def test_the_version_is_told(slugline: Slugline) -> None:
    assert slugline("--version").stdout.strip() == f"slugline, version {__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["serve", "--help"],
        ["models", "prune", "--help"],
        ["compare", "--help"],
        ["promote", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from slugline.cli.main import slugline\n"
        f"try: slugline({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = {'sklearn', 'numpy', 'scipy', 'grpc', 'rich', 'joblib'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_serve_shows_the_variable_of_every_option(slugline: Slugline) -> None:
    text = slugline("serve", "--help").stdout
    unwrapped = " ".join(text.split())
    options = [line.split()[0] for line in text.splitlines() if line.strip().startswith("--")]
    assert len(options) == unwrapped.count("env var: SLUGLINE_") >= 10


def test_errors_have_the_code_of_their_nearest_ancestor() -> None:
    assert exit_code_of(errors.BlankText()) == 2
    assert exit_code_of(errors.ModelCorrupt("x")) == 3
    assert exit_code_of(errors.ServerUnavailable("x")) == 4
    assert exit_code_of(errors.PromotionRefused("b", "a", ["worse"])) == 7
    assert exit_code_of(errors.SluglineError("x")) == 1


def test_calling_a_server_imports_no_scikit_learn() -> None:
    code = "import sys, slugline.cli.remote, slugline.cli.archives; print({'sklearn', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
