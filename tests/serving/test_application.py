"""The routes: what they take, and that what they answer is what the library reads."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from services import PLATE_READER, READ, ask, encoded, expected, form, running, without_times

from alpr_app.data.images import decode_picture


@pytest.fixture(scope="module")
def file(picture):
    return encoded(picture(60, 80, 3))


def test_a_picture_as_the_body_is_read_as_the_library_reads_it(address, small_alpr, file):
    answer = ask(address, READ, file, {"Content-Type": "image/png"})
    assert answer.status == 200
    assert answer.json["plates"] and answer.headers["content-type"] == "application/json"
    assert without_times(answer.json) == expected(small_alpr, decode_picture(file, "x"))


def test_many_clients_at_once_get_each_its_own_answer(address, small_alpr, picture):
    images = [picture(48 + number, 64 + 2 * number, number) for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda image: ask(address, READ, encoded(image)), images))
    assert [answer.status for answer in answers] == [200] * len(images)
    assert [without_times(answer.json) for answer in answers] == [expected(small_alpr, image) for image in images]


def test_batches_hold_several_pictures_and_find_the_same_plates(small_alpr, picture):
    from alpr_app.serving.application import Service

    service = Service(small_alpr, workers=1, maximum_batch=8)
    images = [picture(48, 64, number) for number in range(24)]
    with running(service) as address, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda image: ask(address, READ, encoded(image)), images))
        metrics = ask(address, "/metrics").body.decode()
    for answer, image in zip(answers, images, strict=True):
        found, wanted = answer.json["plates"], expected(small_alpr, image)["plates"]
        assert [plate["text"] for plate in found] == [plate["text"] for plate in wanted]
        np.testing.assert_allclose([plate["box"] for plate in found], [plate["box"] for plate in wanted], atol=0.2)
    batches = float(re.search(r"^alpr_batch_pictures_count (\S+)", metrics, re.MULTILINE)[1])
    assert batches < len(images)


@pytest.mark.parametrize("path", [READ, PLATE_READER, PLATE_READER.rstrip("/")])
def test_a_picture_is_taken_in_every_way_that_clients_send_it(address, file, path):
    text = base64.b64encode(file)
    bodies = [
        (file, {}),
        (file, {"Content-Type": "application/octet-stream"}),
        (file, {"Content-Type": "application/x-www-form-urlencoded"}),  # curl --data-binary
        form(("upload", "car.png", file)),
        form(("regions", None, b"cn"), ("image", "car.png", file)),
        form(("upload", None, text)),
        (b"camera_id=1&upload=" + text.replace(b"+", b"%2B"), {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"upload=" + text, {"Content-Type": "application/x-www-form-urlencoded"}),
        (json.dumps({"upload": text.decode()}), {"Content-Type": "application/json"}),
        (json.dumps({"upload": f"data:image/png;base64,{text.decode()}"}), {"Content-Type": "application/json"}),
    ]
    answers = [ask(address, path, *body) for body in bodies]
    assert [(answer.status, answer.body[:80] * (answer.status != 200)) for answer in answers] == [(200, b"")] * 10
    key = "plates" if path == READ else "results"
    assert all(answer.json[key] == answers[0].json[key] for answer in answers)


def test_the_other_shape_has_every_field_that_its_clients_read(address, small_alpr, file):
    sent = form(
        ("upload", "car.png", file),
        ("regions", None, b"cn"),
        ("camera_id", None, "门口".encode()),
        ("timestamp", None, b"2026-01-02T03:04:05"),
        ("mmc", None, b"true"),
        ("config", None, b"{}"),
    )
    answer = ask(address, PLATE_READER, *sent).json
    (plate, *_) = small_alpr.read(decode_picture(file, "x"))
    result = answer["results"][0]
    left, top, right, bottom = (round(side) for side in plate.box)
    assert result["box"] == {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
    assert result["plate"] == plate.text.lower() == result["candidates"][0]["plate"]
    assert result["score"] == round(plate.confidence, 3) and result["dscore"] == round(plate.score, 3)
    assert result["region"]["code"] == "cn" and result["vehicle"]["type"] == "Unknown"
    assert (answer["filename"], answer["camera_id"]) == ("car.png", "门口")
    assert answer["timestamp"] == "2026-01-02T03:04:05" and answer["processing_time"] > 0
    # A Home Assistant integration that talks to a server of one's own reads how many calls are left.
    assert answer["usage"]["max_calls"] > answer["usage"]["calls"] > 0


def test_without_camera_and_time_the_answer_has_the_time_of_now(address, file):
    answer = ask(address, PLATE_READER, *form(("upload", "car.png", file))).json
    assert answer["camera_id"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer["timestamp"])


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (b"", {}, "the request has no body; send a picture"),
        (b"no picture", {}, "the picture: not a picture"),
        (b"no picture", {"Content-Type": "application/x-www-form-urlencoded"}, "the picture: not a picture"),
        (*form(("upload", None, b"%%%")), "'upload' is neither a file nor base64"),
        (*form(("regions", None, b"cn")), "the form has no field 'upload' with a picture"),
        (
            *form(("upload_url", None, b"http://x/1.jpg")),
            "addresses are not fetched; send the picture itself as 'upload'",
        ),
        (*form(("a", "1.png", b"x"), ("b", "2.png", b"x")), "the form has 2 files; send one picture, as 'upload'"),
        (*form(("upload", "1.png", b"")), "the file in the form is empty"),
        (b"x", {"Content-Type": "multipart/form-data"}, "the form has no boundary in its Content-Type"),
        (
            b"[1]",
            {"Content-Type": "application/json"},
            "the JSON must be an object with the picture as 'upload' in base64",
        ),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(address, body, headers, sentence):
    answer = ask(address, READ, body, headers, "POST")
    assert (answer.status, answer.json) == (400, {"error": sentence})


def test_readings_below_the_confidence_are_left_out(small_alpr, file):
    from alpr_app.serving.application import Service

    plates = expected(small_alpr, decode_picture(file, "x"))["plates"]
    threshold = sorted(plate["confidence"] for plate in plates)[-1]
    with running(Service(small_alpr, confidence=threshold - 1e-3)) as address:
        found = ask(address, READ, file).json["plates"]
    assert found == [plate for plate in plates if plate["confidence"] >= threshold - 1e-3]


def test_unknown_paths_and_methods_are_answered_in_json(address):
    missing, wrong = ask(address, "/nothing"), ask(address, READ)
    assert (missing.status, missing.error) == (404, "there is nothing at /nothing; see /docs")
    assert (wrong.status, wrong.error) == (405, "/v1/read does not take GET; see /docs")


def test_health_and_readiness(address, small_alpr):
    from alpr_app.serving.application import Service

    assert [ask(address, path).status for path in ("/healthz", "/readyz")] == [200, 200]
    service = Service(small_alpr)
    with running(service) as ending:
        service.batcher.close()
        assert [ask(ending, path).status for path in ("/healthz", "/readyz")] == [200, 503]


def test_metrics_count_pictures_plates_and_answers(small_alpr, file):
    from alpr_app.serving.application import Service

    with running(Service(small_alpr)) as address:
        plates = sum(len(ask(address, READ, file).json["plates"]) for _ in range(3))
        ask(address, READ, b"no picture")
        ask(address, "/wp-login.php")
        answer = ask(address, "/metrics")
    figures = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
    assert answer.headers["content-type"].startswith("text/plain")
    assert float(figures["alpr_pictures_total"]) == 3 and float(figures["alpr_plates_total"]) == plates
    assert float(figures['alpr_requests_total{path="/v1/read",status="200"}']) == 3
    assert float(figures['alpr_requests_total{path="/v1/read",status="400"}']) == 1
    assert float(figures['alpr_requests_total{path="other",status="404"}']) == 1
    assert float(figures['alpr_request_seconds_count{path="/v1/read"}']) == 4
    assert float(figures["alpr_waiting_pictures"]) == 0


def test_the_description_names_every_route_and_the_answers_fit_it(address, file):
    from alpr_app.serving.schema import PlateReaderAnswer, ReadAnswer

    schema = ask(address, "/openapi.json").json
    assert set(schema["paths"]) == {READ, PLATE_READER, "/healthz", "/readyz", "/metrics"}
    assert set(schema["paths"][READ]["post"]["responses"]) == {"200", "400", "401", "408", "413", "503"}
    answer, other = ask(address, READ, file).json, ask(address, PLATE_READER, file).json
    assert ReadAnswer(**answer).model_dump() == answer
    assert PlateReaderAnswer(**other).model_dump() == other


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_name_no_address_outside(address, path):
    answer = ask(address, path)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    text = answer.body.decode().replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text and "https://" not in text and 'src="' not in text


def test_the_page_for_programs_describes_every_route(address):
    text = ask(address, "/docs").body.decode()
    for name in (
        READ,
        PLATE_READER,
        "/healthz",
        "/readyz",
        "/metrics",
        "PlateAnswer",
        "Retry-After",
        "multipart/form-data",
    ):
        assert name in text


def test_answers_are_not_stored_and_not_guessed(address, file):
    headers = ask(address, READ, file).headers
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"


def test_a_failure_of_the_models_is_an_answer_and_the_service_goes_on(small_alpr, file, monkeypatch, caplog):
    from alpr_app.runtime.engine import EngineError
    from alpr_app.serving.application import Service

    def fails(images):
        raise EngineError("the engine is broken")

    with running(Service(small_alpr)) as address:
        with monkeypatch.context() as patch:
            patch.setattr(small_alpr, "analyse_batch", fails)
            answer = ask(address, READ, file)
        assert (answer.status, answer.error) == (500, "the engine is broken")
        assert "the engine is broken" in caplog.text
        with monkeypatch.context() as patch:
            patch.setattr(small_alpr, "analyse_batch", lambda images: 1 / 0)
            answer = ask(address, READ, file)
        assert (answer.status, answer.error) == (500, "the service failed; its log says why")
        assert ask(address, READ, file).status == 200
