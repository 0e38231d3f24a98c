"""`vrag doctor` knows every extra there is."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from vrag.planning.doctor import examine

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
EXTRAS = {name: packages for name, packages in PROJECT["optional-dependencies"].items() if name != "test"}


def package_of(requirement):
    return requirement.split(">")[0].split("=")[0].split("<")[0].strip()


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_of_every_extra_is_looked_for(extra):
    checks = {check.name: check for check in examine()}
    for requirement in EXTRAS[extra]:
        assert not checks[package_of(requirement)].needed


def test_the_language_model_is_named_and_its_key_is_not(monkeypatch):
    def found():
        return next(check for check in examine() if check.name == "language model")

    for name in ("URL", "MODEL", "KEY"):
        monkeypatch.delenv(f"VRAG_LLM_{name}", raising=False)
    assert (found().ok, found().needed, found().found) == (False, False, "VRAG_LLM_URL is not set")
    monkeypatch.setenv("VRAG_LLM_URL", "http://localhost:1")
    monkeypatch.setenv("VRAG_LLM_KEY", "s3cret")
    assert (found().ok, found().found) == (True, "http://localhost:1/v1, the first one that it lists")
    monkeypatch.setenv("VRAG_LLM_MODEL", "m")
    assert found().found == "http://localhost:1/v1, m"
    monkeypatch.setenv("VRAG_LLM_URL", "http://me:s3cret@localhost")
    assert not found().ok
    assert "s3cret" not in found().found


def test_what_is_missing_comes_with_the_line_that_installs_it(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    checks = {check.name: check for check in examine()}
    remedies = {extra: {checks[package_of(one)].remedy for one in packages} for extra, packages in EXTRAS.items()}
    for extra, found in remedies.items():
        others = "|".join(sorted(other for other in EXTRAS if other != extra))
        for remedy in found:
            assert 'pip install "vrag-toolkit[' in remedy, others
    assert 'pip install "vrag-toolkit[ray]"' in checks["ray"].remedy
    assert not checks["ray"].ok
