"""What S3 takes a request for, and whether rights let it be: as the Service Authorization Reference and IAM have it."""

import base64
import fnmatch
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One action on one resource; of a listing also the prefix."""

    action: str
    resource: str
    prefix: str = ""


@dataclass(frozen=True)
class Right:
    """One action on one pattern of resources, and for listings what a condition says of their prefix."""

    action: str
    pattern: str
    prefix: str = ""

    def allows(self, asked):
        """Evaluate it as IAM does: a condition on the prefix is not met where none is given."""
        fits = self.action == asked.action and fnmatch.fnmatchcase(asked.resource, self.pattern)
        return fits and (not self.prefix or fnmatch.fnmatchcase(asked.prefix, self.prefix))


def asked(request):
    """Say which actions S3 takes a recorded request for, whatever it then finds."""
    url, method = urlsplit(request["url"]), request["method"]
    bucket, _, key = unquote(url.path).lstrip("/").partition("/")
    query, whole = parse_qs(url.query, keep_blank_values=True), f"arn:aws:s3:::{bucket}"
    resource = f"{whole}/{key}"
    if not key and (method == "HEAD" or (method == "GET" and "list-type" in query)):
        return [Asked("s3:ListBucket", whole, query.get("prefix", [""])[0])]
    if not key and method == "GET" and "location" in query:
        return [Asked("s3:GetBucketLocation", whole)]
    if not key and method == "POST" and "delete" in query:
        keys = re.findall(r"<Key>(.*?)</Key>", base64.b64decode(request["body"]).decode())
        assert keys
        return [Asked("s3:DeleteObject", f"{whole}/{each}") for each in keys]
    if key and method in {"GET", "HEAD"}:
        return [Asked("s3:GetObject", resource)]
    if key and method == "PUT":
        source = request["copied"]
        copied_from = [Asked("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")] if source else []
        return [Asked("s3:PutObject", resource), *copied_from]
    assert (bool(key), method, query) == (True, "DELETE", {}), f"{method} {request['url']} is none that tests know"
    return [Asked("s3:DeleteObject", resource)]


def asked_where_nothing_is(request):
    """Say what else S3 wants before it tells that an object is missing: without it the answer is 403, not 404."""
    bucket, _, key = urlsplit(request["url"]).path.lstrip("/").partition("/")
    return [Asked("s3:ListBucket", f"arn:aws:s3:::{bucket}")] if key and request["method"] in {"GET", "HEAD"} else []
