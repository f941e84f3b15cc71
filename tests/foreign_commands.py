"""What can be said of commands that no test can run: whether their options are known, and what they name is there.

Each program has a parser of the options that pages use. Those of ``aws`` come from the service models of botocore, of
which its own command line is made.
"""

import argparse
import re
import tomllib
from pathlib import Path

import yaml
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.session import get_session

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
ARGUMENTS = {*re.findall(r"^ARG (\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)}
# What the API takes for optional and the stack does not: nothing of it runs in the default cluster.
WANTED = {("ecs", "update-service"): {"--cluster"}}
_KINDS = {"boolean": {"action": "store_true"}, "list": {"nargs": "+"}}


class Words(argparse.ArgumentParser):
    """Raises what it does not understand."""

    def __init__(self, *flags):
        super().__init__(allow_abbrev=False, add_help=False)
        for flag in flags:
            self.add_argument(flag, action="store_true")

    def taking(self, *names, **how):
        """Have one more argument, which has a value."""
        self.add_argument(*names, **how)
        return self

    def error(self, message):
        raise ValueError(message)


def fault(words):
    """Say what is wrong with a command, or nothing."""
    try:
        program, *rest = words
        for length in (2, 1, 0):
            if (name := " ".join([program, *rest[:length]])) in CHECKS:
                CHECKS[name](rest[length:])
                return ""
        raise ValueError(f"{program} is none that is known with these words")
    except ValueError as error:
        return str(error)


def require(condition, message):
    if not condition:
        raise ValueError(message)


def docker_build(words):
    given = (
        Words()
        .taking("--build-arg", action="append", default=[])
        .taking("-t", "--tag", required=True)
        .taking("context", choices=["."])
        .parse_args(words)
    )
    arguments = dict(each.partition("=")[::2] for each in given.build_arg)
    require(arguments.keys() <= ARGUMENTS, f"the Dockerfile has no {arguments.keys() - ARGUMENTS}")
    require(arguments.get("VARIANT", "full") in {"full", "slim"}, f"no variant {arguments.get('VARIANT')}")
    known_extras(arguments.get("EXTRAS", "s3"))


def known_extras(names):
    unknown = {*names.split(",")} - EXTRAS.keys()
    require(not unknown, f"pyproject.toml has no extras {unknown}")


def docker_run(words):
    parser = Words("--rm", "--read-only").taking("--tmpfs").taking("-p", "--publish").taking("--volume")
    given = parser.taking("image").taking("rest", nargs=argparse.REMAINDER).parse_args(words)
    require(given.image.partition(":")[0] == "onemaster", f"the pages build no image {given.image}")
    require(given.publish in {None, "8002:8002"}, f"the image does not listen where {given.publish} leads")


def compose_run(words):
    given = Words("--rm").taking("--volume").taking("service").taking("rest", nargs="...").parse_args(words)
    require(given.service in SERVICES, f"compose.yaml has no service {given.service}")


def pip_install(words):
    parser = Words().taking("-c", "--constraint").taking("-e", "--editable", required=True)
    given = parser.parse_args(words)
    require(given.constraint and (ROOT / given.constraint).is_file(), f"no file of constraints {given.constraint}")
    known_extras(re.fullmatch(r"\.\[([a-z0-9,]+)\]", given.editable)[1])


def pip_audit(words):
    given = Words().taking("-r", "--requirement", required=True).parse_args(words)
    require((ROOT / given.requirement).is_file(), f"no file {given.requirement}")


def kubectl(words):
    """Apply or create from a file or a folder; of what a file is called it is asked elsewhere whether it is there."""
    given = Words().taking("-f", "--filename").taking("-k", "--kustomize").parse_args(words)
    require(bool(given.filename) != bool(given.kustomize), "a file or a folder is wanted")
    place = ROOT / (given.filename or f"{given.kustomize}/kustomization.yaml")
    require(place.is_file(), f"{place} is not there")


def create_secret(words):
    parser = (
        Words().taking("kind", choices=["generic", "tls"]).taking("name").taking("-n", "--namespace", required=True)
    )
    given = parser.taking("--from-file").taking("--cert").taking("--key").parse_args(words)
    whole = given.from_file if given.kind == "generic" else given.cert and given.key
    require(whole, f"a secret of the kind {given.kind} is made of other files")


def aws(words):
    service, operation, *rest = words
    session = get_session()
    try:
        model = session.get_service_model(service)
    except UnknownServiceError as error:
        raise ValueError(str(error)) from error
    names = {option(each): each for each in model.operation_names}
    require(operation in names, f"{service} has no {operation}")
    shape = model.operation_model(names[operation]).input_shape
    parser = Words()
    for member, its in shape.members.items():
        wanted = member in shape.required_members or f"--{option(member)}" in WANTED.get((service, operation), ())
        parser.taking(f"--{option(member)}", **_KINDS.get(its.type_name, {"required": wanted}))
    parser.parse_args(rest)


def option(name):
    return xform_name(name, "-")


def cloudformation_deploy(words):
    """A command of the command line alone; that its parameters are those of the template is asked elsewhere."""
    parser = Words().taking("--stack-name", required=True).taking("--template-file", required=True)
    parser.taking("--capabilities", nargs="+", choices=["CAPABILITY_IAM"], required=True)
    parser.taking("--parameter-overrides", nargs="+").parse_args(words)


def taking_volumes(words):
    Words().taking("--volume", action="append").parse_args(words)


def mmdebstrap(words):
    parser = Words().taking("--variant").taking("--dpkgopt", action="append").taking("--include")
    parser.taking("suite").taking("target").parse_args(words)


CHECKS = {
    ".venv/bin/pip install": pip_install,
    "apt-get install": lambda words: Words().taking("packages", nargs="+").parse_args(words),
    "aws": aws,
    "aws cloudformation deploy": cloudformation_deploy,
    "buildah build": Words().parse_args,
    "buildah push": lambda words: Words().taking("image").taking("target").parse_args(words),
    "deploy/build-image.sh": taking_volumes,
    "docker build": docker_build,
    "docker compose run": compose_run,
    "docker compose up": lambda words: Words("--build", "--detach").parse_args(words),
    "docker push": lambda words: Words().taking("image").parse_args(words),
    "docker run": docker_run,
    "kubectl apply": kubectl,
    "kubectl create": kubectl,
    "kubectl create secret": create_secret,
    "mmdebstrap": mmdebstrap,
    "pip-audit": pip_audit,
}
