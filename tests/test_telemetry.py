"""Requests are traced where a collector is named, and only there."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from test_service_process import ask, end, start

from service.settings import Settings


@pytest.fixture
def collector():
    """An OTLP collector that keeps the spans it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    server.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.spans = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_requests_are_traced_for_the_collector_that_is_named(tiny_data, tmp_path, monkeypatch, collector):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    process, port = start(tiny_data, tmp_path / "log")
    assert ask(port, "/?q_sr_id=123&m_sr_id=456")[0] == 200
    assert ask(port, "/candidates?sr_id=nobody")[0] == 404
    end(process)  # what is left is sent
    attributes = [
        {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
        for span in collector.spans
    ]
    answered = {(each["http.route"], each["http.response.status_code"]) for each in attributes if "http.route" in each}
    assert {("/", 200), ("/candidates", 404)} <= answered


def test_nothing_is_traced_without_a_collector(tiny_data):
    assert not Settings.from_environment({}).traced
    assert not Settings.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).traced
