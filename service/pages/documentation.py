"""``/docs``: the page of FastAPI that lists the routes; its policy lets a browser run nothing but its own scripts."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

router = APIRouter(include_in_schema=False)

STATIC = "/static-offline-docs"
# Its drawings are written into its style, and its script writes styles into the page.
_POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


@router.get("/docs")
async def documentation(request: Request) -> Response:
    """Show what the service answers."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title=f"{request.app.title} - Swagger UI",
        swagger_js_url=f"{root}{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{root}{STATIC}/favicon.png",
    )
    (script,) = _SCRIPT.findall(bytes(page.body))
    digest = b64encode(sha256(script).digest()).decode()
    page.headers["Content-Security-Policy"] = _POLICY.format(digest=digest)
    return page
