"""The alerts for Prometheus: on what the service counts, and, where promtool is installed, when they fire."""

import re
import shutil
import subprocess

import pytest
import yaml
from fastapi.testclient import TestClient
from test_repository import ROOT

from service import metrics
from service.app import create_app
from service.settings import Settings

FOLDER = ROOT / "deploy" / "prometheus"
CONFIGURATION = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
(GROUP,) = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
RULES = {rule["alert"]: rule for rule in GROUP["rules"]}
PROMTOOL = shutil.which("promtool")
HOUR = 60
INDEX = 'onemaster_in_charge{job="onemaster", kind="index", version="%s"}'
# Of each alert what is counted, minute by minute in promtool's notation (from + step x times), a minute at which it
# fires, and one at which it does not.
CASES = {
    "OnemasterDown": ({'up{job="onemaster"}': "1x10 0x60"}, 20, 10),
    "OnemasterErrors": (
        {
            'onemaster_requests_total{job="onemaster", status="200"}': "0+100x120",
            'onemaster_requests_total{job="onemaster", status="503"}': "0x30 0+5x60",
        },
        80,
        30,
    ),
    "OnemasterSlow": (
        {
            'onemaster_request_seconds_bucket{job="onemaster", method="GET", le="1.0"}': "0+100x30 3000x90",
            'onemaster_request_seconds_bucket{job="onemaster", method="GET", le="2.0"}': "0+100x120",
            'onemaster_request_seconds_bucket{job="onemaster", method="GET", le="+Inf"}': "0+100x120",
            'onemaster_request_seconds_bucket{job="onemaster", method="POST", le="+Inf"}': "0+100x120",
        },
        100,
        30,
    ),
    "OnemasterRefused": ({'onemaster_refused{job="onemaster"}': "0x30 1x60"}, 60, 30),
    "OnemasterDrift": ({'onemaster_probability_drift{job="onemaster"}': "0.2x60 0.3x600"}, 500, 300),
    "OnemasterIndexIsOld": (
        {INDEX % "first": f"1x{24 * HOUR} 0x{80 * HOUR}", INDEX % "next": f"_x{24 * HOUR} 1x{80 * HOUR}"},
        62 * HOUR,
        50 * HOUR,
    ),
}


def test_alerts_ask_for_what_is_counted(tiny_data):
    assert CONFIGURATION["rule_files"] == ["alerts.yml"]
    (job,) = CONFIGURATION["scrape_configs"]
    asked = {(name, found) for name, rule in RULES.items() for found in re.findall(r"\bonemaster_\w+", rule["expr"])}
    with TestClient(create_app(Settings.from_environment({"ONEMASTER_DATA": str(tiny_data.root)}))) as client:
        client.get("/?q_sr_id=123&m_sr_id=456")
        counted = client.get("/metrics").text
    assert asked
    for alert, name in asked:
        assert re.search(rf"^{name}[{{ ]", counted, re.MULTILINE), f"{alert}: {name}"
    for rule in RULES.values():
        selectors = re.findall(r"\{([^}]*)\}", rule["expr"])
        assert selectors
        assert all(f'job="{job["job_name"]}"' in each for each in selectors)
        labels = {label for each in selectors for label in re.findall(r"(\w+)=", each)} - {"job"}
        assert all(re.search(rf"\b{label}=", counted) for label in labels)
    assert 'kind="index"' in counted
    assert 1.0 in metrics._SECONDS, "the bound of OnemasterSlow lies between two buckets else"


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_the_configuration_is_one_that_prometheus_takes():
    subprocess.run([PROMTOOL, "check", "config", FOLDER / "prometheus.yml"], check=True, capture_output=True)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize("alert", RULES)
def test_alerts_fire_when_they_should_and_not_before(alert, tmp_path):
    counted, fires, quiet = CASES[alert]
    said = {"exp_labels": RULES[alert]["labels"], "exp_annotations": RULES[alert]["annotations"]}
    if alert == "OnemasterIndexIsOld":
        said["exp_labels"] = said["exp_labels"] | {"version": "next"}
        said["exp_annotations"] = {
            "summary": said["exp_annotations"]["summary"].replace("{{ $labels.version }}", "next")
        }
    if alert == "OnemasterDown":
        said["exp_labels"] = said["exp_labels"] | {"job": "onemaster"}
    cases = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in counted.items()],
                "alert_rule_test": [
                    {"eval_time": f"{fires}m", "alertname": alert, "exp_alerts": [said]},
                    {"eval_time": f"{quiet}m", "alertname": alert, "exp_alerts": []},
                ],
            }
        ],
    }
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    words = [PROMTOOL, "test", "rules", tmp_path / "cases.yml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
