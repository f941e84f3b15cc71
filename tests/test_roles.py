"""What the service, a rebuild and a dedupe ask of S3, compared with what their roles in the template let them do."""

import base64
import fnmatch
import itertools
import json
import re
import shutil
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import object_store
import pytest
from test_data_at_urls import answers, copied, served
from test_delivery import TEMPLATE

from catalog.working_copy import copy_folder
from onemaster import main

BUCKET, PREFIX = "tests", "production"
ARN = f"arn:aws:s3:::{BUCKET}"


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


# Rights that the runs below do not use, and why they are given.
NOT_USED_HERE = {
    "ServeRole": {},
    "BuildRole": {
        Right("s3:PutObject", f"{ARN}/{PREFIX}/objects/models/*"): "a rebuild publishes a model where there is none",
        **{
            Right("s3:AbortMultipartUpload", f"{ARN}/{PREFIX}/{place}/*"): "only what is large is sent in parts"
            for place in ("objects/models", "objects/index", "objects/dedupe", ".onemaster-run", "states")
        },
    },
}


def listed(value):
    """Read one text or several of the template, with our bucket and prefix filled in."""
    names = {"GetAtt Artefacts.Arn": ARN, "${Artefacts.Arn}": ARN, "Ref Prefix": PREFIX, "${Prefix}": PREFIX}
    texts = [each.removeprefix("Sub ") for each in (value if isinstance(value, list) else [value])]
    for name, filled in names.items():
        texts = [text.replace(name, filled) for text in texts]
    return texts


def rights(role):
    """Take the statements of a role apart."""
    for policy in TEMPLATE[role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            conditions = statement.get("Condition", {"StringLike": {"s3:prefix": ""}})
            assert (statement["Effect"], [*conditions], [*conditions["StringLike"]]) == (
                "Allow",
                ["StringLike"],
                ["s3:prefix"],
            ), "this is all that the test can evaluate"
            named = statement["Action"], statement["Resource"], conditions["StringLike"]["s3:prefix"]
            yield from itertools.starmap(Right, itertools.product(*map(listed, named)))


def asked(request):
    """Say which actions S3 takes a recorded request for (Service Authorization Reference, Amazon S3)."""
    url, method = urlsplit(request["url"]), request["method"]
    bucket, _, key = unquote(url.path).lstrip("/").partition("/")
    query, resource = parse_qs(url.query, keep_blank_values=True), f"{ARN}/{key}"
    assert bucket == BUCKET
    if not key and method == "GET" and "list-type" in query:
        return [Asked("s3:ListBucket", ARN, query.get("prefix", [""])[0])]
    if not key and (method == "HEAD" or "location" in query):
        # HEAD wants to list without a prefix. Where that is refused, s3fs asks for the location instead.
        return [Asked("s3:GetBucketLocation", ARN)]
    if not key and method == "POST" and "delete" in query:
        keys = re.findall(r"<Key>(.*?)</Key>", base64.b64decode(request["body"]).decode())
        assert keys
        return [Asked("s3:DeleteObject", f"{ARN}/{each}") for each in keys]
    if method in {"GET", "HEAD"}:
        return [Asked("s3:GetObject", resource)]
    if method == "PUT":
        source = request["headers"].get("X-Amz-Copy-Source")
        copied_from = [Asked("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")] if source else []
        return [Asked("s3:PutObject", resource), *copied_from]
    assert (method, query) == ("DELETE", {}), f"{method} {request['url']} is none that this test knows"
    return [Asked("s3:DeleteObject", resource)]


@pytest.fixture(scope="module")
def all_asked(tiny_data, tmp_path_factory):
    """What each role's commands ask of a real S3 server, run one after the other on the tiny data folder."""
    root, url = tmp_path_factory.mktemp("roles"), f"s3://{BUCKET}/{PREFIX}"
    with pytest.MonkeyPatch.context() as patch, object_store.running(root / "recording") as endpoint:
        patch.setenv("XDG_CACHE_HOME", str(root / "caches"))
        object_store.make_bucket(endpoint, BUCKET)
        copy = copied(url, copy_folder(url, "commands"))
        shutil.copytree(tiny_data.root, copy.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("copies"))
        copy.push()
        starts = [len((root / "recording").read_text().splitlines())]
        assert main(["rebuild", "--data", url]) == 0
        assert main(["dedupe", "--workers", "1", "--data", url]) == 0
        starts.append(len((root / "recording").read_text().splitlines()))
        with served(url, root / "serving", root / "log") as port:
            said = {"q_sr_id": "123", "m_sr_id": "789", "tag": "invalid", "reviewer": "ada"}
            assert answers(port, "/labels", said)
        requests = [json.loads(line) for line in (root / "recording").read_text().splitlines()]
    return {
        "BuildRole": {each for request in requests[starts[0] : starts[1]] for each in asked(request)},
        "ServeRole": {each for request in requests[starts[1] :] for each in asked(request)},
    }


@pytest.mark.parametrize("role", ["BuildRole", "ServeRole"])
def test_a_role_may_do_what_its_commands_ask_and_no_more(role, all_asked):
    given = [*rights(role)]
    assert [each for each in all_asked[role] if not any(right.allows(each) for right in given)] == []
    unused = [right for right in given if not any(right.allows(each) for each in all_asked[role])]
    assert {*unused} == NOT_USED_HERE[role].keys()


def test_no_role_of_a_task_may_remove_what_a_state_names_or_write_a_catalogue():
    given = [(role, right) for role in ("BuildRole", "ServeRole") for right in rights(role)]
    removing = {(role, right.pattern) for role, right in given if right.action.startswith("s3:Delete")}
    assert removing == {("BuildRole", f"{ARN}/{PREFIX}/.onemaster-run/*")}
    for path, writers in {"catalog.db": set(), "labels.db": {"ServeRole"}, "index/CURRENT": {"BuildRole"}}.items():
        put = Asked("s3:PutObject", f"{ARN}/{PREFIX}/objects/{path}/{'0' * 64}")
        assert {role for role, right in given if right.allows(put)} == writers, path
