"""The page at /docs: the OpenAPI description as plain HTML. The usual viewers load their scripts from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); margin-top: 1.5rem; }
code, .method { font-family: ui-monospace, monospace; }
.method { font-weight: 700; margin-right: .5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
tr + tr td { border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent); }
"""


def reference_page(schema: dict[str, Any]) -> str:
    """Return the page for an OpenAPI description."""
    info = schema["info"]
    operations = [
        _operation(path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    models = [_model(name, model) for name, model in schema.get("components", {}).get("schemas", {}).items()]
    title = escape(f"{info['title']} {info['version']}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>{escape(info.get('description', ''))}</p>"
        '<p><a href="/openapi.json">openapi.json</a> is this text for programs. <a href="/">Try a picture</a>.</p>'
        f"{''.join(operations)}<h2>Answers</h2>{''.join(models)}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    requested = operation.get("requestBody", {}).get("content", {})
    rows = [(f"<code>{escape(kind)}</code>", escape(_described(body))) for kind, body in requested.items()]
    answers = [
        (f"<code>{escape(status)}</code>", f"{escape(answer.get('description', ''))} {_links(answer)}")
        for status, answer in operation.get("responses", {}).items()
    ]
    taken = f"<h4>Body</h4>{_table(rows)}" if rows else ""
    return (
        f'<section><h3><span class="method">{method.upper()}</span><code>{escape(path)}</code></h3>'
        f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>{taken}"
        f"<h4>Answers</h4>{_table(answers)}</section>"
    )


def _described(body: dict[str, Any]) -> str:
    schema = body.get("schema", {})
    fields = [f"{name}: {field.get('description', '')}" for name, field in schema.get("properties", {}).items()]
    return ". ".join([schema.get("description", ""), *fields]).strip(". ")


def _links(answer: dict[str, Any]) -> str:
    found = [body["schema"]["$ref"] for body in answer.get("content", {}).values() if "$ref" in body.get("schema", {})]
    names = [escape(reference.rpartition("/")[2]) for reference in found]
    return " ".join(f'<a href="#{name}">{name}</a>' for name in names)


def _model(name: str, model: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", f"{_kind(described)} {escape(described.get('description', ''))}")
        for field, described in model.get("properties", {}).items()
    ]
    heading = f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{escape(model.get("description", ""))}</p>'
    return f"{heading}{_table(rows)}</section>"


def _kind(described: dict[str, Any]) -> str:
    """Return the type of a field, with a link where it is another model."""
    if "$ref" in described:
        name = escape(described["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in described:
        return " or ".join(_kind(one) for one in described["anyOf"])
    if described.get("type") == "array":
        return f"list of {_kind(described.get('items', {}))}"
    return f"<i>{escape(described.get('type', 'any'))}</i>"


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{name}</td><td>{text}</td></tr>" for name, text in rows)
    return f"<table>{cells}</table>"
