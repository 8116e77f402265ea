"""Finds the picture in the body of a request: the body itself, a form with a file, or base64 text in a form or JSON."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from alpr_app.data.bounded_parsing import ContentError, parse_json
from alpr_app.serving.limits import Refused

# More than any client sends; each costs time.
MAXIMUM_PARTS = 50
PICTURE_FIELD, ADDRESS_FIELD = "upload", "upload_url"


@dataclass(frozen=True)
class Upload:
    """A picture as sent. content: the bytes of its file. name: the client's name of the file, if it gave one.
    fields: other fields of the form, the last value of each."""

    content: bytes
    name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class _Part:
    """One part of a multipart form."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    def option(self, name: str) -> str | None:
        """Return an option of its Content-Disposition, such as `name` and `filename`."""
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self.headers.get("content-disposition", ""))
        value = options.get(name.encode())
        return None if value is None else value.decode("utf-8", errors="replace")


def parse_upload(body: bytes, content_type: str) -> Upload:
    """Find the picture in a body of this Content-Type. Raises Refused."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        fields = _form_fields(body)
        # `curl --data-binary` calls everything a form.
        return Upload(body) if fields is None else _of_fields(fields)
    if kind == "multipart/form-data":
        return _of_parts(_parts(body, content_type))
    if kind == "application/json":
        return _of_fields(_json_fields(body))
    return Upload(body)


def _parts(body: bytes, content_type: str) -> list[_Part]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    parts: list[_Part] = []
    header = [b"", b""]
    complete = False

    def begin() -> None:
        if len(parts) >= MAXIMUM_PARTS:
            raise Refused(400, f"the form has more than {MAXIMUM_PARTS} parts; send the picture as '{PICTURE_FIELD}'")
        parts.append(_Part())

    def name(data: bytes, start: int, end: int) -> None:
        header[0] += data[start:end]

    def value(data: bytes, start: int, end: int) -> None:
        header[1] += data[start:end]

    def header_end() -> None:
        parts[-1].headers[header[0].decode("latin-1").lower()] = header[1].decode("latin-1")
        header[:] = b"", b""

    def content(data: bytes, start: int, end: int) -> None:
        parts[-1].data += memoryview(data)[start:end]

    def end() -> None:
        nonlocal complete
        complete = True

    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Refused(400, "the form has no boundary in its Content-Type")
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": name,
                "on_header_value": value,
                "on_header_end": header_end,
                "on_part_data": content,
                "on_end": end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Refused(400, f"the form is malformed ({error})") from error
    if not complete:
        raise Refused(400, "the form is cut short; its last boundary is missing")
    return parts


def _of_parts(parts: list[_Part]) -> Upload:
    fields: dict[str, str] = {}
    files: list[tuple[str, _Part]] = []
    for part in parts:
        name = part.option("name") or ""
        if part.option("filename") is None:
            fields[name] = part.data.decode("utf-8", errors="replace")
        else:
            files.append((name, part))
    chosen = [part for name, part in files if name == PICTURE_FIELD] or [part for _, part in files]
    if len(chosen) > 1:
        raise Refused(400, f"the form has {len(chosen)} files; send one picture, as '{PICTURE_FIELD}'")
    if not chosen:
        return _of_fields(fields)
    if not chosen[0].data:
        raise Refused(400, "the file in the form is empty")
    fields.pop(PICTURE_FIELD, None)
    return Upload(bytes(chosen[0].data), chosen[0].option("filename") or None, fields)


def _form_fields(body: bytes) -> dict[str, str] | None:
    """Return the fields of a form in which a picture can be; None for anything else."""
    try:
        fields = dict(parse_qsl(body.decode("utf-8"), max_num_fields=MAXIMUM_PARTS))
    except ValueError:
        return None
    return fields if PICTURE_FIELD in fields or ADDRESS_FIELD in fields else None


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        content = parse_json(body.decode("utf-8"))
    except (ContentError, UnicodeDecodeError) as error:
        raise Refused(400, f"the body is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise Refused(400, f"the JSON must be an object with the picture as '{PICTURE_FIELD}' in base64")
    return {name: value for name, value in content.items() if isinstance(value, str)}


def _of_fields(fields: dict[str, str]) -> Upload:
    """Return the upload of a form without a file: base64 text in the field `upload`."""
    if PICTURE_FIELD not in fields:
        if ADDRESS_FIELD in fields:
            raise Refused(400, f"addresses are not fetched; send the picture itself as '{PICTURE_FIELD}'")
        raise Refused(400, f"the form has no field '{PICTURE_FIELD}' with a picture")
    text = re.sub(r"^data:[^,]{0,100},", "", fields.pop(PICTURE_FIELD))
    # A form that was not percent-encoded has spaces for its plus signs, and mails break base64 into lines.
    text = re.sub(r"[\r\n\t]", "", text).replace(" ", "+")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"'{PICTURE_FIELD}' is neither a file nor base64") from error
    if not content:
        raise Refused(400, f"'{PICTURE_FIELD}' is empty")
    return Upload(content, None, fields)
