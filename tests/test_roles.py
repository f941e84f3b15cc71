"""The service, a rebuild and a dedupe run with the rights of their roles in the template, and use all of them."""

import itertools
import shutil
from dataclasses import astuple

import boto3
import object_store
import pytest
from botocore.exceptions import ClientError
from s3_rights import Asked, Right, asked
from test_data_at_urls import answers, copied, served
from test_delivery import TEMPLATE

from batch.storage import Storage
from catalog.errors import InputError
from catalog.working_copy import copy_folder
from matching.labels import read_labels
from onemaster import main

ROLES = ("BuildRole", "ServeRole")
BUCKET, PREFIX = "tests", "production"
ARN = f"arn:aws:s3:::{BUCKET}"


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


@pytest.fixture(scope="module")
def all_asked(tiny_data, tmp_path_factory):
    """What each role's commands ask of a real S3 server that gives them no more than their role has."""
    root, url = tmp_path_factory.mktemp("roles"), f"s3://{BUCKET}/{PREFIX}"
    given = {role: [astuple(right) for right in rights(role)] for role in ROLES}
    with pytest.MonkeyPatch.context() as patch, object_store.running(given) as store:
        patch.setenv("XDG_CACHE_HOME", str(root / "caches"))
        store.make_bucket(BUCKET)
        copy = copied(url, copy_folder(url, "commands"))
        shutil.copytree(tiny_data.root, copy.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("copies"))
        copy.push()
        with object_store.acting_as("BuildRole"):
            assert main(["rebuild", "--data", url]) == 0
            assert main(["dedupe", "--workers", "1", "--data", url]) == 0
        with object_store.acting_as("ServeRole"), served(url, root / "serving", root / "log") as port:
            said = {"q_sr_id": "123", "m_sr_id": "789", "tag": "invalid", "reviewer": "ada"}
            assert answers(port, "/labels", said)
        assert [each.verdict.reviewer for each in read_labels(copied(url, root / "look").folder / "labels.db")] == [
            "ada"
        ]
        requests = store.requests()
    return {role: {each for request in requests if request["who"] == role for each in asked(request)} for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_commands_ask_and_no_more(role, all_asked):
    given = [*rights(role)]
    assert [each for each in all_asked[role] if not any(right.allows(each) for right in given)] == []
    unused = [right for right in given if not any(right.allows(each) for each in all_asked[role])]
    assert {*unused} == NOT_USED_HERE[role].keys()


def test_the_server_answers_as_s3_does_where_names_may_not_be_listed():
    """Else the runs above would show nothing: S3 tells who may not list no more than that they are refused."""
    everything = ("s3:GetObject", f"{ARN}/*")
    given = {
        "listing": [everything, ("s3:ListBucket", ARN)],
        "by prefix": [everything, ("s3:ListBucket", ARN, f"{PREFIX}/*")],
    }
    codes = {}
    with object_store.running(given) as store:
        store.make_bucket(BUCKET)
        for role in given:
            client = boto3.client(
                "s3", endpoint_url=store.endpoint, aws_access_key_id=role, aws_secret_access_key="any"
            )
            assert client.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/")["KeyCount"] == 0
            for request in (client.head_object, client.get_object, client.put_object):
                with pytest.raises(ClientError) as refused:
                    request(Bucket=BUCKET, Key=f"{PREFIX}/missing")
                codes.setdefault(role, []).append(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])
        with object_store.acting_as("by prefix"), pytest.raises(InputError, match="without a condition on the prefix"):
            Storage(f"s3://{BUCKET}/{PREFIX}").holds("missing")
        with object_store.acting_as("listing"):
            assert not Storage(f"s3://{BUCKET}/{PREFIX}").holds("missing")
    assert codes == {"listing": [404, 404, 403], "by prefix": [403, 403, 403]}


def test_no_role_of_a_task_may_remove_what_a_state_names_or_write_a_catalogue():
    given = [(role, right) for role in ROLES for right in rights(role)]
    removing = {(role, right.pattern) for role, right in given if right.action.startswith("s3:Delete")}
    assert removing == {("BuildRole", f"{ARN}/{PREFIX}/.onemaster-run/*")}
    for path, writers in {"catalog.db": set(), "labels.db": {"ServeRole"}, "index/CURRENT": {"BuildRole"}}.items():
        put = Asked("s3:PutObject", f"{ARN}/{PREFIX}/objects/{path}/{'0' * 64}")
        assert {role for role, right in given if right.allows(put)} == writers, path
