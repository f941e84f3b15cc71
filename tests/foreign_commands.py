"""What can be said of commands that no test can run: whether their options are known, and what they name is there.

Each program has a parser of the options that pages use.
"""

import argparse
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
ARGUMENTS = {*re.findall(r"^ARG (\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)}


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


def taking_volumes(words):
    Words().taking("--volume", action="append").parse_args(words)


def mmdebstrap(words):
    parser = Words().taking("--variant").taking("--dpkgopt", action="append").taking("--include")
    parser.taking("suite").taking("target").parse_args(words)


CHECKS = {
    "apt-get install": lambda words: Words().taking("packages", nargs="+").parse_args(words),
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
