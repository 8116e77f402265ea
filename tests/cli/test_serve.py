"""The command `alpr serve`."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from importlib import util

import pytest
from reading import NAMES, lines
from services import READ, ask, started, without_times

from alpr_app.cli.main import main
from tests.places import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="ends services with signals")


def test_it_answers_as_the_command_reads_and_ends_in_an_orderly_way(folder, models, tmp_path):
    out = tmp_path / "out.jsonl"
    assert main(["read", str(folder), "--out", str(out), *models]) == 0
    read = {os.path.basename(record.pop("file")): without_times(record) for record in lines(out)}
    with started(*models, "--workers", 2) as service:
        assert service.address.startswith("http://127.0.0.1:")
        for name in NAMES:
            answer = without_times(ask(service.address, READ, (folder / name).read_bytes()).json)
            answer.pop("file")
            assert answer == read[name]
        assert service.end() == (0, "")


def test_ctrl_c_ends_it_without_a_traceback(models):
    with started(*models) as service:
        service.process.send_signal(signal.SIGINT)
        output, errors = service.process.communicate(timeout=60)
        assert (service.process.returncode, output, errors) == (0, "", "")


def test_it_does_not_listen_for_others_without_a_token(models, capsys):
    for host in ("0.0.0.0", "::", "192.168.1.2"):
        assert main(["serve", "--host", host, *models]) == 2
        remedy = "set a token with --token-file or ALPR_TOKEN, or allow all --without-token"
        assert capsys.readouterr().err == f"alpr: others can reach {host}: {remedy}\n"


def test_it_listens_for_others_with_a_token_or_if_told_to(models, tmp_path, folder):
    file, token = (folder / NAMES[0]).read_bytes(), tmp_path / "token"
    token.write_text("from-a-file\n")
    for options, environment, given in (
        (["--token-file", token], {}, "from-a-file"),
        ([], {"ALPR_TOKEN": "from-outside"}, "from-outside"),
        (["--token", "from-an-option"], {"ALPR_TOKEN": "from-outside"}, "from-an-option"),
        (["--without-token"], {}, None),
    ):
        with started("--host", "0.0.0.0", *options, *models, environment=environment) as service:
            address = service.address.replace("0.0.0.0", "127.0.0.1")
            headers = {} if given is None else {"Authorization": f"Token {given}"}
            assert ask(address, READ, file).status == (200 if given is None else 401)
            assert ask(address, READ, file, headers).status == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--token", ""], "--token: a token is one word of ASCII letters, digits and signs"),
        (["--token", "two words"], "--token: a token is one word of ASCII letters, digits and signs"),
        (["--token", "ä"], "--token: a token is one word of ASCII letters, digits and signs"),
        (["--token-file", "gone"], "gone: the token cannot be read: No such file or directory"),
        (["--token", "a", "--token-file", "b"], "the token comes from --token or from --token-file, not from both"),
        (["--certificate", "c.pem"], "TLS needs both --certificate and --key"),
        (["--certificate", "c.pem", "--key", "k.pem"], "c.pem: cannot be read: No such file or directory"),
        (["--host", "192.0.2.1", "--without-token"], "cannot listen on 192.0.2.1, port 8000: "),
        (["--port", "0", "--detector_model", "gone.safetensors"], "gone.safetensors: "),
    ],
)
def test_what_is_wrong_is_one_line(options, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALPR_TOKEN", raising=False)
    assert main(["serve", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"alpr: {sentence}") and error.count("\n") == 1


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart", "prometheus_client"])
def test_a_package_that_is_missing_is_named_with_the_remedy(package, monkeypatch, capsys):
    find = util.find_spec
    monkeypatch.setattr("alpr_app.cli.serve.find_spec", lambda name: None if name == package else find(name))
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == f"alpr: the service needs the package {package}: pip install 'alpr-app[serve]'\n"


def test_the_packages_that_are_looked_for_are_those_of_the_extra():
    import tomllib

    from alpr_app.cli.serve import _PACKAGES

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["serve"]
    assert {name.partition(">")[0].replace("-", "_") for name in extra} == set(_PACKAGES)
    slim = (ROOT / "requirements-serve.txt").read_text(encoding="utf-8").splitlines()
    assert set(extra) <= set(slim) and "-r requirements-slim.txt" in slim


def test_the_shipped_models_read_in_batches_what_they_read_alone(tmp_path):
    """At its defaults, with many clients at once."""
    from alpr_app.data.assets import SAMPLES

    if not SAMPLES.is_dir():
        pytest.skip("assets/samples holds no pictures")
    out = tmp_path / "out.jsonl"
    paths = sorted(SAMPLES.glob("*.jpg")) * 4
    assert main(["read", *map(str, paths), "--out", str(out)]) == 0
    read = [without_times(record) | {"file": ""} for record in lines(out)]
    with started() as service, ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda path: ask(service.address, READ, path.read_bytes()), paths))
        assert [without_times(answer.json) for answer in answers] == read


def test_the_page_is_part_of_the_package():
    from alpr_app.serving.application import PAGE

    assert PAGE.is_relative_to(ROOT / "alpr_app") and PAGE.suffix == ".html"
