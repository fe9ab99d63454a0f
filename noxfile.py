"""Every task of the project. `nox -l` lists them; `nox -s demo` and `nox -s tests` are the two to start with."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv, where it is installed, is faster
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]


def _found() -> list[str]:
    """The supported interpreters that this machine has.

    pyenv has a command for every installed version, which works only for active versions. All of them are made active.
    """
    if shutil.which("pyenv"):
        listed = subprocess.run(
            ["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False
        ).stdout.split()
        if listed:
            active = (
                os.environ.get("PYENV_VERSION")
                or subprocess.run(["pyenv", "version-name"], capture_output=True, text=True, check=False).stdout.strip()
            )
            os.environ["PYENV_VERSION"] = ":".join(dict.fromkeys([*active.split(":"), *listed]))
    return [version for version in SUPPORTED if _works(version)]


def _works(version: str) -> bool:
    interpreter = shutil.which(f"python{version}")
    if interpreter is None:
        return version == ".".join(map(str, sys.version_info[:2]))
    asked = subprocess.run(
        [interpreter, "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() == version


FOUND = _found()
EVERYTHING = "cli,sandbox,generate,inbox,fastapi,django,flask,redis,filestore"
# Each process starts with a run of neighbouring tests, which share servers; one that is done takes over from another.
PARALLEL = ("-n", "auto", "--dist", "worksteal")


def _install(session: nox.Session, *groups: str, extras: str = "", editable: bool = True) -> None:
    """Install the project and groups of development packages, once: again only when pyproject.toml has changed."""
    wanted = [requirement for group in groups for requirement in nox.project.dependency_groups(PYPROJECT, group)]
    project = [*(["-e"] if editable else []), f".[{extras}]" if extras else "."]
    key = hashlib.sha256(repr((wanted, project, (ROOT / "pyproject.toml").read_bytes())).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed"
    if not stamp.is_file() or stamp.read_text() != key:
        session.install(*wanted, *project)
        stamp.write_text(key)


@nox.session(python=FOUND[0])
def demo(session: nox.Session) -> None:
    """Take a payment, against the embedded sandbox gateway: no credentials, no network."""
    _install(session, extras="sandbox")
    session.run("python", "-m", "commercepay", "demo")


@nox.session(python=FOUND)
def tests(session: nox.Session) -> None:
    """The whole test suite, on every supported interpreter found. Arguments go to pytest."""
    _install(session, "test", extras=EVERYTHING)
    session.run("pytest", *PARALLEL, "-q", *session.posargs)


@nox.session(python=FOUND[0])
def coverage(session: nox.Session) -> None:
    """The test suite under branch coverage, with a gate. Arguments go to pytest."""
    _install(session, "test", "coverage", extras=EVERYTHING)
    # Not by pytest-cov: pytest imports the plugin commercepay.testing before pytest-cov starts to measure.
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, "-q", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report", "--omit=commercepay/sandbox/*", "--fail-under=98")
    session.run("coverage", "report", "--include=commercepay/sandbox/*", "--fail-under=97")


@nox.session(python=SUPPORTED[0], reuse_venv=False)  # a new one: uv keeps installed versions that satisfy the bounds
def lowest(session: nox.Session) -> None:
    """The test suite on the oldest Python, with the lowest versions that pyproject.toml admits. Arguments go to pytest."""
    session.install("uv")
    groups = nox.project.dependency_groups(PYPROJECT, "test")
    lowest_versions = ["--resolution", "lowest-direct", "-e", f".[{EVERYTHING}]", *groups]
    session.run("uv", "pip", "install", "--python", str(Path(session.bin) / "python"), *lowest_versions)
    session.run("pytest", *PARALLEL, "-q", *session.posargs)


@nox.session(python=FOUND[0])
def httpx2(session: nox.Session) -> None:
    """Tests on httpx2 in place of httpx, in a copy: those nearest to HTTP. `-- tests` for all, `-- bench` for the speed."""
    session.install("-r", "openapi/requirements.txt")
    copy = Path(session.create_tmp()).resolve() / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    session.run("python", "tests/on_httpx2.py", str(copy))
    with session.chdir(copy):
        session.install("-e", f".[{EVERYTHING}]", *nox.project.dependency_groups(PYPROJECT, "test"))
        if session.posargs == ["bench"]:
            session.run("python", "bench/reconcile.py")
        else:
            parts = session.posargs or ["tests/facade", "tests/faults", "tests/generated"]
            session.run("pytest", "-n", "auto", "-q", *parts)


@nox.session(python=FOUND[0])
def mutation(session: nox.Session) -> None:
    """Change the code of the rules that money depends on, in small ways: a change that no test detects fails. Minutes."""
    _install(session, "test", "mutation", extras=EVERYTHING)
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    session.run("mutmut", "run", *session.posargs)
    session.run("python", "tests/mutation/check.py")


@nox.session(python=FOUND[0])
def lint(session: nox.Session) -> None:
    """Ruff, the import contract of the levels, and retired words. `nox -s lint -- --fix` fixes what Ruff can fix."""
    _install(session, "lint", extras=EVERYTHING)
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")
    session.run("lint-imports", "--no-cache")
    session.run("python", "docs/words.py")


@nox.session(python=FOUND[0])
def types(session: nox.Session) -> None:
    """`mypy --strict` and pyright strict, on the package and on programs that use it; every public name has a known type."""
    _install(session, "types", extras=EVERYTHING)
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))
    session.run("pyright", "--verifytypes", "commercepay", "--ignoreexternal")
    session.run("pytest", "-q", "--noconftest", "tests/typing/check_programs.py", "tests/typing/check_guide.py")


@nox.session(python=FOUND[0])
def generate(session: nox.Session) -> None:
    """Rebuild generated/ from openapi/commercepay.yaml. `-- --check` fails if that would change anything."""
    session.install("-r", "openapi/requirements.txt")
    session.run("python", "openapi/build.py", *session.posargs)


@nox.session(name="upgrade-generator", python=FOUND[0])
def upgrade_generator(session: nox.Session) -> None:
    """Try the patches against the newest generator and its newest pre-release, and print what moved. Changes nothing."""
    session.install("-r", "openapi/requirements.txt")
    for pre_releases in ([], ["--pre"]):
        session.install("--upgrade", *pre_releases, "openapi-python-client")
        session.run("python", "openapi/upgrade_generator.py", success_codes=[0, 1])


@nox.session(name="lint-api", python=FOUND[0])
def lint_api(session: nox.Session) -> None:
    """Lint the description with redocly and spectral, of the versions in openapi/lint, on the Node of a Python package."""
    _install(session, "lint-api")
    tools = Path(session.create_tmp()).resolve()
    lock = ROOT / "openapi" / "lint" / "package-lock.json"
    installed = tools / "node_modules" / ".package-lock.json"
    if not installed.is_file() or (tools / lock.name).read_bytes() != lock.read_bytes():
        for name in ("package.json", lock.name):
            shutil.copy(lock.with_name(name), tools)
        session.run("npm", "ci", "--prefix", str(tools), "--no-audit", "--no-fund", "--ignore-scripts")
    redocly, spectral = (str(tools / "node_modules" / ".bin" / name) for name in ("redocly", "spectral"))
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}  # it makes no connection
    description, rules = "openapi/commercepay.yaml", "openapi/lint"
    session.run(redocly, "lint", description, "--config", f"{rules}/redocly.yaml", env=quiet, external=True)
    session.run(spectral, "lint", description, "--ruleset", f"{rules}/spectral.yaml", "-F", "warn", external=True)
    session.run("pytest", "-q", "--noconftest", "tests/description/check_lint.py", env={"SPECTRAL": spectral})


@nox.session(name="api-diff", python=False)
def api_diff(session: nox.Session) -> None:
    """Compare the description with the one of a revision (`-- REV`), as Markdown for the changelog: breaking, compatible."""
    session.run(sys.executable, "openapi/api_diff.py", *session.posargs)


@nox.session(python=FOUND[0])
def rehearse(session: nox.Session) -> None:
    """Make each change of docs/changing-the-api.md in a copy: the document lists every place. Arguments go to pytest."""
    _install(session, "test", "lint", "types", extras=EVERYTHING)
    session.install("-r", "openapi/requirements.txt")
    session.run("python", "tests/rehearsal/rehearse.py", "-n", "auto", *session.posargs)


@nox.session(python=FOUND[0])
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel in a clean environment, and run the demo and `commercepay generate` from it."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "package"))
    dist = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    # From the sdist: it must hold all that the wheel is built from.
    session.run("python", "-m", "build", "--outdir", str(dist), str(ROOT))
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    (wheel,) = dist.glob("*.whl")
    clean = dist.parent / "clean"
    session.run("python", "-m", "virtualenv", "--quiet", "--clear", str(clean))
    python = str(next(path for path in (clean / "bin" / "python", clean / "Scripts" / "python.exe") if path.exists()))
    session.run(python, "-m", "pip", "install", "-q", f"{wheel}[sandbox,generate]", external=True)
    with session.chdir(dist):  # not here, where the source tree would be imported
        session.run(python, "-m", "commercepay", "demo", external=True)
        session.run(python, str(ROOT / "tests" / "own_endpoints" / "guide.py"), external=True)


@nox.session(python=FOUND[0])
def postgresql(session: nox.Session) -> None:
    """The inbox on a throwaway PostgreSQL. Needs Debian's package postgresql, and fails without it."""
    _install(session, "test", "postgresql", extras="sandbox,inbox,django")
    session.run("python", "tests/inbox/postgresql.py", "pytest", "-q", "tests/inbox", *session.posargs)


@nox.session(python=FOUND[0])
def browser(session: nox.Session) -> None:
    """The pages in Chromium. Needs Debian's package chromium, and fails without it."""
    _install(session, "test", "browser", extras=EVERYTHING)
    for tests_of in ("tests/browser", "tests/examples/test_browser.py"):  # one by one: each drives a browser of its own
        session.run("pytest", "-q", tests_of, *session.posargs, env={"COMMERCEPAY_TEST_BROWSER": "1"})


@nox.session(python=FOUND[0])
def reconcile(session: nox.Session) -> None:
    """Reconcile many open sessions; the process is killed midway and run again. `-- --sessions 100000` for a full run."""
    _install(session, extras="sandbox")
    session.run("python", "tests/certainty/reconcile.py", *session.posargs)


@nox.session(python=FOUND[0])
def faults(session: nox.Session) -> None:
    """Interrupted calls, and every way of responding badly, through every way of calling. `-- --every-byte` for more."""
    _install(session, "test")
    session.run("python", "tests/faults/interrupts.py", "--interrupts", "20000")
    session.run("python", "tests/faults/matrix.py", *session.posargs)


@nox.session(python=FOUND[0])
def schemathesis(session: nox.Session) -> None:
    """The sandbox against the description: generated requests, valid and not, signed rightly and not."""
    _install(session, "test", "schemathesis", extras="sandbox")
    session.run("pytest", "-q", "tests/sandbox/fuzz.py", *session.posargs)


@nox.session(python=FOUND[0])
def examples(session: nox.Session) -> None:
    """Each example by the one command of its README, in an environment with nothing in it. Installs packages."""
    _install(session, "test", extras="sandbox")
    session.run(
        "pytest",
        "-q",
        "tests/examples/test_clean_environment.py",
        *session.posargs,
        env={"COMMERCEPAY_TEST_CLEAN": "1"},
    )


@nox.session(python=FOUND[0])
def secrets(session: nox.Session) -> None:
    """Search for planted secrets in every repr, log, traceback with locals, pickle, warning and file. Part of `tests`."""
    _install(session, "test", extras=EVERYTHING)
    session.run("pytest", "-q", "tests/secrets", *session.posargs)


@nox.session(python=FOUND[0])
def fuzz(session: nox.Session) -> None:
    """Fuzz the verification of callbacks, for 20 seconds each way or as the arguments say (`-- --runs 1000000`)."""
    _install(session, "fuzz")
    for mode in ("coverage", "random"):
        session.run("python", "tests/fuzz/fuzz_callbacks.py", "--mode", mode, *(session.posargs or ["--seconds", "20"]))


@nox.session(python=FOUND[0])
def bench(session: nox.Session) -> None:
    """Speed, side by side in one run: calls, callbacks, imports, reconcile, inbox, sandbox. Arguments choose parts."""
    _install(session, "bench", "postgresql", extras="sandbox,inbox")
    session.run("python", "bench/run.py", *session.posargs)
