"""The RayJob: its own fields by a schema of ours, its pods by that of Kubernetes, its Ray by the version pinned.

KubeRay's schema comes with no package. Ours was compared by hand with the types of its API ``ray.io/v1``: it has the
fields that we use, and no others, so that a misspelt one is found. Each is at least as strict as there.
"""

import copy

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator
from test_delivery import RAY_JOB, commands, parsed, pod_templates
from test_repository import ROOT, pins

POD = {"type": "object", "required": ["metadata", "spec"]}  # all of it is validated below
COUNT = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
TEXT = {"type": "string", "minLength": 1}
START_PARAMETERS = {"type": "object", "additionalProperties": {"type": "string"}}  # numbers have to be in quotes


def exactly(**fields):
    """Have an object with these fields, all of them and no others."""
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


SCHEMA = exactly(
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=exactly(
        generateName={"type": "string", "pattern": "^[a-z][a-z0-9-]{1,29}-$"},  # names of services are made of it
        namespace={"const": "onemaster"},
        labels={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    spec=exactly(
        entrypoint=TEXT,
        backoffLimit=COUNT,
        shutdownAfterJobFinishes={"const": True},  # else the seconds below mean nothing
        ttlSecondsAfterFinished=COUNT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]},
        submitterPodTemplate=POD,
        rayClusterSpec=exactly(
            rayVersion=TEXT,
            headGroupSpec=exactly(rayStartParams=START_PARAMETERS, template=POD),
            workerGroupSpecs={
                "type": "array",
                "minItems": 1,
                "items": exactly(
                    groupName=TEXT,
                    replicas=COUNT,
                    minReplicas=COUNT,
                    maxReplicas=COUNT,
                    rayStartParams=START_PARAMETERS,
                    template=POD,
                ),
            },
        ),
    ),
)


def faults(manifest):
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(manifest)]


def test_the_fields_of_the_ray_job_are_those_that_kuberay_knows():
    Draft202012Validator.check_schema(SCHEMA)
    assert faults(RAY_JOB) == []
    for group in RAY_JOB["spec"]["rayClusterSpec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def paths(value, path=()):
    """Name every field above the pods, from the outermost on."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(inner, (dict, list)) and key not in {"template", "submitterPodTemplate", "labels"}:
            yield from paths(inner, (*path, key))


@pytest.mark.parametrize("path", list(paths(RAY_JOB)), ids=lambda path: ".".join(map(str, path)))
def test_a_field_that_is_misspelt_or_of_another_type_is_found(path):
    *before, last = path
    for harm in ("another type", "misspelt"):
        manifest = copy.deepcopy(RAY_JOB)
        place = manifest
        for key in before:
            place = place[key]
        if harm == "another type":
            place[last] = 1.5
        elif isinstance(last, str) and before[-1:] != ["rayStartParams"]:
            place[last + "s"] = place.pop(last)
        else:
            continue
        assert faults(manifest), harm


@pytest.mark.parametrize("pod", list(pod_templates(RAY_JOB)), ids=lambda pod: pod["spec"]["containers"][0]["name"])
def test_pods_of_the_ray_job_are_valid(pod):
    whole = {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": {"name": "pod", **pod["metadata"]}}
    kubernetes_validate.validate(whole, "1.37", strict=True)
    wrong = {**whole, "spec": {**whole["spec"], "containers": [{"nmae": "pod"}]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_the_ray_job_is_for_the_ray_that_is_pinned_and_has_one_image():
    assert RAY_JOB["spec"]["rayClusterSpec"]["rayVersion"] == pins()["ray"]
    given = parsed(commands()["RayJob"])
    assert (given.engine, given.address, given.storage) == ("ray", "auto", "")  # which is below the URL
    assert len({each["image"] for pod in pod_templates(RAY_JOB) for each in pod["spec"]["containers"]}) == 1
    text = (ROOT / "deploy" / "kubernetes" / "dedupe.yaml").read_text(encoding="utf-8")
    assert text.count("registry.example/") == 1, "one place to be edited"
