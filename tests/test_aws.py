"""The commands for AWS that pages print, run by AWS's own command line against moto, where all is allowed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import object_store
import pytest
from page_commands import BASH, ROOT, commands, pages
from test_delivery import TEMPLATE, read

STACK, SECRET, ENTRIES = "onemaster", "onemaster-keys", "ada:write:0"
# What moto makes nothing of.
UNKNOWN = {"AWS::CloudWatch::Alarm", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"} | {
    f"AWS::Scheduler::{kind}" for kind in ("Schedule", "ScheduleGroup")
}
TYPED = [
    typed
    for page in pages()
    for command in commands(page.read_text(encoding="utf-8"))
    for typed in re.findall(r"^aws (?:.*\\\n)*.*$", command.script, re.MULTILINE)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where commands are typed while moto runs: with the template, and the entries of the keys."""
    root = tmp_path_factory.mktemp("typed")
    (root / "deploy").symlink_to(ROOT / "deploy")
    (root / "entries").write_text(ENTRIES)
    with object_store.running():
        yield root


def run(script, folder):
    environment = {name: value for name, value in os.environ.items() if name != "AWS_PROFILE"} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = [BASH, "-c", script]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def network():
    """Give the parameters of the stack that an account has already, or that its owner knows."""
    ec2, acm = boto3.client("ec2"), boto3.client("acm")
    subnets = ",".join(each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2])
    return {
        "VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        "LoadBalancerSubnets": subnets,
        "TaskSubnets": subnets,
        "CertificateArn": acm.request_certificate(DomainName="onemaster.example")["CertificateArn"],
        "AlarmEmail": "ada@onemaster.example",
    }


def filled(typed):
    """Put values in the place of three dots: what is there when the command is typed."""
    if "..." not in typed:
        return typed
    if "--stack-name" in typed:
        values = network() | {"KeysSecretArn": boto3.client("secretsmanager").describe_secret(SecretId=SECRET)["ARN"]}
        return re.sub(r"(\w+)=\.\.\.(,\.\.\.)?", lambda dots: f"{dots[1]}={values[dots[1]]}", typed)
    values = outputs()
    return re.sub(r"--(\w+) \.\.\.", lambda dots: f"--{dots[1]} {values[dots[1].capitalize()]}", typed)


def outputs():
    """Work out two outputs of the stack, which moto gives for none that a change set made, as the template has them."""
    wanted = read("deploy/aws/onemaster.yaml")[0]["Outputs"]
    assert (wanted["Cluster"]["Value"], wanted["Service"]["Value"]) == ("Ref Cluster", "GetAtt Service.Name")
    made = resources()
    return {"Cluster": made["Cluster"], "Service": made["Service"].rpartition("/")[2]}


def resources():
    """Name what the stack made, and under which identifier."""
    made = boto3.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in made if "LogicalResourceId" in each}


def test_every_command_for_aws_runs_one_after_the_other(folder):
    answers = []
    for typed in TYPED:
        done = run(filled(typed), folder)
        assert done.returncode == 0, f"{typed}\n{done.stderr}"
        answers.append(done.stdout)
    assert [typed.split()[1] for typed in TYPED] == ["ecr", "secretsmanager", "cloudformation", "cloudformation", "ecs"]
    assert boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"] == ENTRIES
    assert resources().keys() >= {name for name, each in TEMPLATE.items() if each["Type"] not in UNKNOWN}
    service = json.loads(answers[-1])["service"]
    assert service["desiredCount"] == 2
    assert f"/{STACK}-serve:" in service["taskDefinition"]
    assert service["clusterArn"].endswith(f"/{outputs()['Cluster']}")
    assert service["serviceName"] == outputs()["Service"]


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("aws ecs renew-service --cluster A", "renew-service"),
        ("aws ecz update-service", "usage"),
        ("aws ecs update-service --cluster A --service B --force-deployment", "--force-deployment"),
        ("aws ecs update-service --cluster A --service B", "Cluster not found"),
        ("aws secretsmanager create-secret --name other --secret-string file://absent", "absent"),
        ("aws cloudformation deploy --stack-name other --template-file deploy/absent.yaml", "absent.yaml"),
        ("aws cloudformation deploy --stack-name other --template-file deploy/aws/onemaster.yaml", "VpcId"),
    ],
)
def test_a_wrong_command_for_aws_fails(typed, wrong, folder):
    done = run(typed, folder)
    assert done.returncode != 0
    assert wrong in done.stderr
