"""What validators of compose files, manifests and templates cannot know: that they fit this onemaster."""

import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from fastapi.testclient import TestClient
from page_commands import blocks
from test_repository import PROJECT, ROOT, canonical, pins, requirement_name

import data_at_urls
import service.settings
from catalog.artefacts import new_version
from command_line import parser
from embeddings.encoder import TORCH_AND_ITS_KIN
from onemaster import COMMANDS
from service import decisions
from service.app import create_app
from service.health import router
from service.keys import READ, new_key
from service.patience import STOP_SECONDS

DEPLOY = ROOT / "deploy"
DATA = "s3://bucket/prefix"
KNOWN = {
    value
    for name, value in inspect.getmembers(service.settings)
    if isinstance(value, str) and value.startswith("ONEMASTER_")
}
USER = 10001
TMP = "/tmp"  # noqa: S108 - all that can be written, beside the data
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


class Template(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as one word."""


Template.add_multi_constructor("!", lambda _, tag, node: f"{tag} {getattr(node, 'value', '')}")


def read(path):
    return list(yaml.load_all((ROOT / path).read_text(encoding="utf-8"), Loader=Template))


COMPOSE = read("compose.yaml")[0]["services"]
OURS = {name: each for name, each in COMPOSE.items() if each["image"].startswith("onemaster")}
MANIFESTS = [each for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for each in read(path)]
RAY_JOB = next(each for each in MANIFESTS if each["kind"] == "RayJob")
TEMPLATE = read("deploy/aws/onemaster.yaml")[0]["Resources"]
TASKS = {name: each["Properties"] for name, each in TEMPLATE.items() if each["Type"] == "AWS::ECS::TaskDefinition"}


def pod_templates(manifest):
    """Find every pod that a manifest makes, however deep."""
    if isinstance(manifest, dict):
        if "containers" in manifest.get("spec", {}):
            yield manifest
        for each in manifest.values():
            yield from pod_templates(each)
    elif isinstance(manifest, list):
        for each in manifest:
            yield from pod_templates(each)


PODS = [pod for manifest in MANIFESTS for pod in pod_templates(manifest)]
CONTAINERS = [container for pod in PODS for container in pod["spec"]["containers"]]


def settings_named():
    for manifest in MANIFESTS:
        yield from manifest.get("data", {}) if manifest["kind"] == "ConfigMap" else ()
    for container in CONTAINERS:
        yield from (each["name"] for each in container.get("env", ()))
    for service_ in OURS.values():
        yield from service_.get("environment", ())
    for task in TASKS.values():
        for container in task["ContainerDefinitions"]:
            yield from (each["Name"] for each in (*container.get("Environment", ()), *container.get("Secrets", ())))
    yield from re.findall(r"\bONEMASTER_[A-Z_]+(?==)", DOCKERFILE)


def commands():
    """Give the arguments of every onemaster that is started somewhere, by where."""
    found = {f"compose {name}": each["command"] for name, each in OURS.items() if "entrypoint" not in each}
    script = OURS["rebuild"]["command"][0].replace("$$", "$")
    found["compose rebuild"] = shlex.split(re.search(r"onemaster (rebuild .*?) &&", script)[1])
    found |= {f"pod {each['name']}": each["args"] for each in CONTAINERS if "args" in each}
    found["RayJob"] = shlex.split(RAY_JOB["spec"]["entrypoint"])[1:]
    found |= {f"task {name}": each["ContainerDefinitions"][0]["Command"] for name, each in TASKS.items()}
    found["Dockerfile"] = json.loads(re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    return found


def parsed(arguments):
    variable = r"\$\{ONEMASTER_DATA:-data\}|\$\(ONEMASTER_DATA\)|\$ONEMASTER_DATA|!?Sub s3://.*"
    return parser(COMMANDS).parse_args([re.sub(variable, DATA, each) for each in arguments])


def test_every_setting_is_one_that_the_service_knows():
    named = set(settings_named())
    assert {"ONEMASTER_DATA", "ONEMASTER_KEYS", "ONEMASTER_READ", "ONEMASTER_WRITE"} <= KNOWN
    assert named - KNOWN == {"HOME"}
    assert {"ONEMASTER_KEYS", "ONEMASTER_READ", "ONEMASTER_WRITE"} <= named


def test_every_command_is_one_that_onemaster_knows():
    given = {where: parsed(arguments) for where, arguments in commands().items()}
    assert len(given) == 8
    assert {each.command for each in given.values()} == {"serve", "rebuild", "dedupe"}
    for where, each in given.items():
        if each.command == "serve":
            assert (each.host, each.port) == ("0.0.0.0", 8002), where  # noqa: S104 - in a container
        if where != "Dockerfile":
            assert str(each.data) == DATA, where


def test_who_serves_others_has_said_who_may_read_and_write():
    told = [
        OURS["onemaster"]["environment"],
        next(each["data"] for each in MANIFESTS if each["kind"] == "ConfigMap"),
        {each["Name"]: each["Value"] for each in TASKS["ServeTask"]["ContainerDefinitions"][0]["Environment"]},
    ]
    for variables in told:
        settings = {name: value for name, value in variables.items() if not value.startswith("${")}
        service.settings.require_safe("0.0.0.0", settings)  # noqa: S104 - in a container
        assert settings["ONEMASTER_WRITE"] == "key"


def test_ports_and_paths_are_those_of_the_service():
    paths = {route.path for route in router.routes} | {"/metrics"}
    deployment = next(each for each in MANIFESTS if each["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    probes = {name: each["httpGet"] for name, each in container.items() if name.endswith("Probe")}
    assert {name: each["path"] for name, each in probes.items()} == {
        "startupProbe": "/live",
        "livenessProbe": "/live",
        "readinessProbe": "/ready",
    }
    assert {ports[each["port"]] for each in probes.values()} == {8002}
    exposed = next(each for each in MANIFESTS if each["kind"] == "Service")["spec"]
    assert ports[exposed["ports"][0]["targetPort"]] == 8002
    assert exposed["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    targets = TEMPLATE["Targets"]["Properties"]
    assert (targets["Port"], targets["HealthCheckPath"]) == (8002, "/ready")
    assert {"/live", "/ready", targets["HealthCheckPath"]} <= paths
    assert TASKS["ServeTask"]["ContainerDefinitions"][0]["PortMappings"] == [{"ContainerPort": 8002}]
    scraped = read("deploy/prometheus/prometheus.yml")[0]["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == ["onemaster:8002"]
    assert COMPOSE["onemaster"]["ports"] == ["127.0.0.1:8002:8002"]


def test_prometheus_is_shown_the_pods_and_how_to_ask_them():
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (shown,) = (yaml.safe_load(each.text) for each in blocks(page) if each.language == "yaml")
    (job,) = shown["scrape_configs"]
    (found,) = job["kubernetes_sd_configs"]
    (only,) = job["relabel_configs"]
    deployment = next(each for each in MANIFESTS if each["kind"] == "Deployment")
    pod = deployment["spec"]["template"]
    label, _, value = found["selectors"][0]["label"].partition("=")
    assert found["namespaces"]["names"] == [deployment["metadata"]["namespace"]]
    assert pod["metadata"]["labels"][label] == value
    assert [port["name"] for port in pod["spec"]["containers"][0]["ports"]] == [only["regex"]]
    assert job["authorization"].keys() == {"credentials_file"}
    assert "annotations" not in pod["metadata"], "by which Prometheus would ask without a key"


def test_prometheus_is_let_in_by_a_key_that_may_read(tiny_data):
    """With the settings of the manifests."""
    told = next(each["data"] for each in MANIFESTS if each["kind"] == "ConfigMap")
    made = new_key("prometheus", READ)
    variables = told | {"ONEMASTER_DATA": str(tiny_data.root), "ONEMASTER_KEYS": made.key.entry}
    with TestClient(create_app(service.settings.Settings.from_environment(variables))) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": f"Bearer {made.secret}"}).status_code == 200


def test_a_service_has_time_to_bring_the_last_verdicts_home():
    """The grace period is for requests under way, then the last decisions, then the last verdicts."""
    at_hand = STOP_SECONDS + decisions._SECONDS_TO_END
    pod = next(each for each in MANIFESTS if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    asleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    at_a_url = at_hand + data_at_urls._SECONDS_TO_FINISH
    assert pod["terminationGracePeriodSeconds"] - asleep > at_a_url
    assert TASKS["ServeTask"]["ContainerDefinitions"][0]["StopTimeout"] > at_a_url
    assert int(COMPOSE["onemaster"]["stop_grace_period"].removesuffix("s")) > at_hand


def test_compose_runs_everything_read_only_without_rights_and_within_limits():
    for name, each in COMPOSE.items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["user"].split(":")[0] not in {"", "0", "root"}, name
        assert each["healthcheck"]["test"], name
        assert each["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", ())), name
    assert {each["user"] for each in OURS.values()} == {f"{USER}:{USER}"}


def test_pods_are_those_of_a_restricted_namespace():
    """The rules of the pod security standard 'restricted' that our pods touch, and a read-only root file system."""
    namespace = next(each for each in MANIFESTS if each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(PODS) == 5
    for pod in PODS:
        context = pod["spec"]["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not pod["spec"].keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert all(volume.keys() == {"name", "emptyDir"} for volume in pod["spec"]["volumes"])
    for container in CONTAINERS:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"].keys() == {"requests", "limits"}
        assert {"name": "HOME", "value": TMP} in container["env"]
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": TMP}]


def test_tasks_of_fargate_are_read_only_and_not_root():
    assert TASKS.keys() == {"ServeTask", "RebuildTask"}
    for task in TASKS.values():
        container = task["ContainerDefinitions"][0]
        assert container["ReadonlyRootFilesystem"] is True
        assert container["User"] == f"{USER}:{USER}"
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert container["MountPoints"] == [{"SourceVolume": "tmp", "ContainerPath": TMP}]
    # What is fetched of a URL lies in the one place that can be written.
    assert re.search(rf"^\s+XDG_CACHE_HOME={TMP}/\S+$", DOCKERFILE, re.MULTILINE)
    # Fargate gives the volume the rights of the folder in the image only if the image declares it.
    assert re.search(r"^VOLUME /tmp$", DOCKERFILE, re.MULTILINE)
    assert re.search(rf"^USER {USER}$", DOCKERFILE, re.MULTILINE)


def test_roles_name_actions_and_what_they_are_for():
    roles = {name: each["Properties"] for name, each in TEMPLATE.items() if each["Type"] == "AWS::IAM::Role"}
    assert roles.keys() == {"ExecutionRole", "ServeRole", "BuildRole", "ScheduleRole"}
    anywhere = []
    for role in roles.values():
        assert not role.keys() & {"ManagedPolicyArns"}
        for statement in (each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not any("*" in action for action in actions)
            anywhere += [actions] if statement["Resource"] == "*" else []
    assert anywhere == [["ecr:GetAuthorizationToken"]]


def test_alarms_and_rules_may_publish_where_somebody_is_told():
    """AWS has documented that EventBridge publishes to no topic whose policy sets it a condition."""
    told = {each["Principal"]["Service"]: each for each in statements_of("AlarmsFrom")}
    assert told.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert {(each["Effect"], each["Action"], each["Resource"]) for each in told.values()} == {
        ("Allow", "sns:Publish", "Ref Alarms")
    }
    assert "Condition" not in told["events.amazonaws.com"]
    assert told["cloudwatch.amazonaws.com"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "Ref AWS::AccountId"}
    }
    rules = [each["Properties"] for each in TEMPLATE.values() if each["Type"] == "AWS::Events::Rule"]
    assert [target["Arn"] for rule in rules for target in rule["Targets"]] == ["Ref Alarms"]
    assert not any("RoleArn" in target for rule in rules for target in rule["Targets"])


def statements_of(policy):
    return TEMPLATE[policy]["Properties"]["PolicyDocument"]["Statement"]


def test_manifests_refer_to_what_there_is():
    kustomization = next(each for each in MANIFESTS if each["kind"] == "Kustomization")
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert {*kustomization["resources"]} == files - {"kustomization.yaml", "dedupe.yaml", "ingress.yaml"}
    accounts = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "ServiceAccount"}
    assert {pod["spec"].get("serviceAccountName", "onemaster-serve") for pod in PODS} == accounts
    assert {each["metadata"]["namespace"] for each in MANIFESTS if "namespace" in each.get("metadata", {})} == {
        "onemaster"
    }
    budget = next(each for each in MANIFESTS if each["kind"] == "PodDisruptionBudget")["spec"]
    deployment = next(each for each in MANIFESTS if each["kind"] == "Deployment")["spec"]
    assert budget["selector"] == deployment["selector"]
    assert budget["minAvailable"] < deployment["replicas"]


def test_the_ingress_leads_to_the_service_and_only_by_tls():
    (ingress,) = (each["spec"] for each in MANIFESTS if each["kind"] == "Ingress")
    exposed = next(each for each in MANIFESTS if each["kind"] == "Service")
    (rule,), (tls,) = ingress["rules"], ingress["tls"]
    assert tls["hosts"] == [rule["host"]]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {
        "name": exposed["metadata"]["name"],
        "port": {"name": exposed["spec"]["ports"][0]["name"]},
    }
    typed = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"kubectl create secret tls {tls['secretName']} --namespace onemaster" in typed


def test_manifests_are_valid_for_the_least_kubernetes_that_the_page_names():
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    least = re.search(r"Kubernetes (1\.\d+) is the least", page)[1]
    ours = [each for each in MANIFESTS if each["kind"] not in {"RayJob", "Kustomization"}]
    for manifest in ours:
        kubernetes_validate.validate(manifest, least, strict=True)
    deployment = next(each for each in ours if each["kind"] == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError, match="sleep"):  # which came with 1.29, switched off
        kubernetes_validate.validate(deployment, "1.28", strict=True)


def test_every_pod_is_let_out_to_the_artefacts_and_only_the_service_is_let_in_from_elsewhere():
    policies = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS if each["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    let_out = policies["artefacts"]["podSelector"]["matchExpressions"][0]
    assert {pod["metadata"]["labels"][let_out["key"]] for pod in PODS} == {*let_out["values"]}
    assert policies["callers"]["podSelector"] == {"matchLabels": {let_out["key"]: "serve"}}
    assert [each["port"] for each in policies["callers"]["ingress"][0]["ports"]] == [8002]
    assert policies["ray"]["podSelector"] == {"matchLabels": {let_out["key"]: "dedupe"}}


def test_the_dashboard_is_provisioned_and_asks_the_prometheus_that_runs():
    mounted = {each.split(":")[0]: each.split(":")[1] for each in COMPOSE["grafana"]["volumes"]}
    for source in (*mounted, *(each.split(":")[0] for each in COMPOSE["prometheus"]["volumes"])):
        assert not source.startswith("./") or (ROOT / source).exists(), source
    folder = read("deploy/grafana/provisioning/dashboards/onemaster.yaml")[0]["providers"][0]["options"]["path"]
    assert Path(mounted["./docs/grafana.json"]).parent == Path(folder)
    assert COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(folder)
    datasource = read("deploy/grafana/provisioning/datasources/prometheus.yaml")[0]["datasources"][0]
    wanted = json.loads((ROOT / "docs" / "grafana.json").read_text(encoding="utf-8"))["templating"]["list"][0]
    assert (datasource["type"], datasource["isDefault"]) == (wanted["query"], True)
    assert datasource["url"].removeprefix("http://").split(":")[0] in COMPOSE


@pytest.mark.parametrize("status", [0, 1])
def test_the_nightly_rebuild_waits_for_the_night_and_says_when_it_fails(tmp_path, status):
    """The loop of compose.yaml in a real shell; `sleep` writes down for how long, and ends the second round."""
    good = tmp_path / "good"
    stubs = {
        "sleep": f'echo "$1" >> {tmp_path}/slept; [ "$(wc -l < {tmp_path}/slept)" -lt 2 ] || kill -TERM "$PPID"',
        "onemaster": f'echo "$@" >> {tmp_path}/called; rm -f {good}; exit {status}',
    }
    for name, script in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    in_charge, others = (
        "20260102T000000000000Z-aaaaaaaa",
        [f"2026010{day}T000000000000Z-bbbbbbbb" for day in (1, *range(3, 7))],
    )
    index = tmp_path / "some folder" / "index"
    for name in (in_charge, *others, others[0] + ".deltas", others[-1] + ".deltas", "mine", ".building"):
        (index / name).mkdir(parents=True)
        (index / name / "file").touch()
    (index / "CURRENT").write_text(f"{in_charge}\n")
    script = OURS["rebuild"]["command"][0].replace("$$", "$").replace(f"{TMP}/good", str(good))
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "ONEMASTER_DATA": "some folder", "TZ": "UTC"}
    words = [*OURS["rebuild"]["entrypoint"], script]
    done = subprocess.run(words, cwd=tmp_path, env=environment, timeout=20, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds = [int(line) for line in (tmp_path / "slept").read_text().split()]
    assert all(3 * 3600 <= each <= 27 * 3600 for each in seconds)
    assert (tmp_path / "called").read_text() == "rebuild --data some folder\n"
    assert good.exists() is (status == 0)
    gone = {name for name in (*others, others[0] + ".deltas") if not (index / name).exists()}
    assert gone == (set() if status else {*others[:2], others[0] + ".deltas"})
    assert (index / in_charge / "file").exists()
    assert {path.name for path in index.iterdir()} >= {"CURRENT", "mine", ".building", others[-1] + ".deltas"}


def test_the_nightly_rebuild_takes_versions_for_what_they_are_named():
    pattern = re.search(r"grep -E '(.+?)'", OURS["rebuild"]["command"][0].replace("$$", "$"))[1]
    assert re.fullmatch(pattern, new_version("0" * 64))


def requirements(*arguments):
    words = [sys.executable, str(DEPLOY / "requirements.py"), *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_slim_image_leaves_out_what_onemaster_can_do_without():
    full = requirements("full").stdout.splitlines()
    slim = requirements("slim", "kuberay,telemetry").stdout.splitlines()
    assert full == PROJECT["dependencies"]
    gone = {requirement_name(each).replace("-", "_") for each in {*full} - {*slim}}
    assert gone == TORCH_AND_ITS_KIN - {"accelerate"}  # which comes with sentence-transformers[train]
    assert {"ray", "fastapi"} <= {requirement_name(each) for each in {*slim} - {*full}}
    for wrong in (["thin"], ["slim", "kubray"]):
        done = requirements(*wrong)
        assert done.returncode == 1
        assert done.stderr.startswith("expected ")


def test_the_bill_of_the_image_lists_what_is_installed(tmp_path):
    """By the command of the Dockerfile, for a small environment with a few of our libraries."""
    names = ("faiss-cpu", "numpy", "rapidfuzz")
    venv.create(tmp_path / "venv", symlinks=True)
    place = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    for name in names:
        installed = Path(str(distribution(name).locate_file("."))).glob(f"{name.replace('-', '_')}-*.dist-info")
        for folder in installed:
            (place / folder.name).symlink_to(folder)
    command = re.search(r"/opt/bill/bin/(cyclonedx-py .*? /opt/venv)\b", DOCKERFILE, re.DOTALL)[1]
    words = shlex.split(command.replace("\\\n", " ").replace("/sbom.cdx.json", str(tmp_path / "bill.json")))
    words = [str(Path(sys.executable).with_name(words[0])), *words[1:-1], str(tmp_path / "venv")]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    bill = json.loads((tmp_path / "bill.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "onemaster"
    versions = {canonical(each["name"]): each["version"] for each in bill["components"]}
    assert versions == {name: pins()[name] for name in names}
    assert {each["purl"].partition("/")[0] for each in bill["components"]} == {"pkg:pypi"}


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this is no Debian")
def test_the_bill_of_the_image_has_the_debian_packages_too(tmp_path):
    command = re.search(r"&& python3 (deploy/debian_packages\.py) /sbom\.cdx\.json$", DOCKERFILE, re.MULTILINE)[1]
    ours = {"type": "library", "name": "numpy", "version": "1", "purl": "pkg:pypi/numpy@1"}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [ours]}
    (tmp_path / "bill.json").write_text(json.dumps(bill), encoding="utf-8")
    subprocess.run([sys.executable, command, tmp_path / "bill.json"], cwd=ROOT, check=True)
    text = (tmp_path / "bill.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    first, *others = json.loads(text)["components"]
    assert first == ours
    listed = subprocess.run(["dpkg-query", "--show", "base-files", "libc6"], capture_output=True, text=True, check=True)
    known = {(each["name"], each["version"]) for each in others}
    for line in listed.stdout.splitlines():
        name, version = line.split("\t")
        assert (name.partition(":")[0], version) in known
    assert all(each["purl"].startswith("pkg:deb/") for each in others)


def test_the_page_about_it_names_what_there_is():
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    typed = re.findall(r"docker compose run .*? onemaster ([^`\n]+)", page)
    assert [parsed(shlex.split(each)).command for each in typed] == ["import", "rebuild", "key"]
    typed = "\n".join(each.text for each in blocks(page) if each.holds_commands)
    named = {*re.findall(r"\bdeploy/[\w./-]+", page), *re.findall(r"(?<=\]\()[\w./-]+", page)}
    assert {"deploy/aws/onemaster.yaml", "deploy/build-image.sh", "decisions/0024-delivery.md"} <= named
    assert [each for each in named if not ((ROOT / each).exists() or (ROOT / "docs" / each).exists())] == []
    given = re.findall(r"\b(\w+)=(?:\.\.\.|10\.)", typed)
    parameters = read("deploy/aws/onemaster.yaml")[0]["Parameters"]
    assert {*given} == {name for name, each in parameters.items() if "Default" not in each}
    arguments = {*re.findall(r"^ARG (\w+)=", DOCKERFILE, re.MULTILINE)}
    assert {*re.findall(r"--build-arg (\w+)=", page)} == arguments - {"BASE"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("script", ["build-image.sh", "check-image.sh"])
def test_scripts_are_whole_and_can_be_run(script):
    path = DEPLOY / script
    assert path.stat().st_mode & 0o111 == 0o111
    subprocess.run(["bash", "-n", path], check=True)


def test_the_image_has_all_that_its_dockerfile_copies():
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(?!\. \.)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    assert {f"!{name}" for line in copied for name in line.split()} <= {*let_in}
