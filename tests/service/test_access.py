"""Who may call: real servers with TLS, mutual TLS and tokens, whose files are replaced while they serve."""

import hmac
import json
import os
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.access import Access
from service.server import serve
from service.settings import Security, ServerSettings
from slugline.cli.options import Credentials
from slugline.cli.remote import check_health, connect
from slugline.documents import Document
from slugline.errors import CannotServe, InputError, ServerUnavailable, Unauthenticated
from slugline.v1 import classification_pb2 as pb
from tests.authority import Authority, Pair, put
from tests.conftest import Server, Slugline, exposition, metrics_of, start_server, wait_until

OLD, NEW, STRANGE = "the-old-token-of-ours", "the-new-token-of-ours", "a-token-of-nobody-here"
SERVICE = "slugline.v1.ClassificationService"
CLASSIFY = f"{SERVICE}/Classify"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
REQUEST = pb.ClassifyRequest(document=pb.Document(text="Envoys signed the treaty at the summit")).SerializeToString()
UNAUTHENTICATED, UNAVAILABLE = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE


# One server for each configuration is enough.
pytestmark = pytest.mark.xdist_group("access")


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@dataclass
class Guarded:
    """A server that asks for a token over TLS, and what its callers need."""

    server: Server
    authority: Authority
    shown: Pair
    caller: Pair | None
    tokens: Path

    def channel(self, authority: Authority | None = None, caller: Pair | None = None) -> grpc.Channel:
        """A new connection; with the caller's certificate unless another is given."""
        pair = caller or self.caller
        roots = (authority or self.authority).path.read_bytes()
        credentials = (
            grpc.ssl_channel_credentials(roots, pair.key.read_bytes(), pair.cert.read_bytes())
            if pair
            else grpc.ssl_channel_credentials(roots)
        )
        return grpc.secure_channel(self.server.address, credentials, [("grpc.use_local_subchannel_pool", 1)])

    def code(self, token: str) -> grpc.StatusCode:
        with self.channel() as channel:
            return code_of(channel, CLASSIFY, REQUEST, bearer(token))

    def serial(self) -> int:
        """The serial number of the certificate that a new connection is shown."""
        context = ssl.create_default_context(cafile=self.authority.path)
        context.set_alpn_protocols(["h2"])
        if self.caller:
            context.load_cert_chain(self.caller.cert, self.caller.key)
        host, _, port = self.server.address.rpartition(":")
        with (
            socket.create_connection((host, int(port)), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="slugline.test") as wrapped,
        ):
            certificate: Any = wrapped.getpeercert()
            return int(certificate["serialNumber"], 16)


def health_address(server: Server) -> str:
    """Where a server that logs JSON says that it serves health alone."""
    found = re.search(r'"address": "([^"]+)", "event": "serving health"', server.log.read_text())
    assert found
    return found[1]


def start_guarded(models: Path, folder: Path, *options: str, mutual: bool) -> Guarded:
    authority = Authority(folder)
    shown, tokens = authority.issue("server"), folder / "tokens"
    tokens.write_text(f"# the old\nsha256:{sha256(OLD.encode()).hexdigest()}\n")
    given = ["--tls-cert", str(shown.cert), "--tls-key", str(shown.key), "--tokens", str(tokens)]
    if mutual:
        given += ["--tls-client-ca", str(authority.path)]
    given += [
        "--metrics-address",
        "127.0.0.1:0",
        "--health-address",
        "127.0.0.1:0",
        "--reload-seconds",
        "0.1",
        "--log-format",
        "json",
        *options,
    ]
    server = start_server(models, folder, *given)
    return Guarded(server, authority, shown, authority.issue("caller") if mutual else None, tokens)


@pytest.fixture(scope="module")
def mutual(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = start_guarded(models, tmp_path_factory.mktemp("mutual"), mutual=True)
    yield guarded
    assert guarded.server.stop() == 0


@pytest.fixture(scope="module")
def workers(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = start_guarded(models, tmp_path_factory.mktemp("workers"), "--workers", "2", mutual=False)
    yield guarded
    assert guarded.server.stop() == 0


@pytest.fixture(params=["mutual", "workers"])
def guarded(request: pytest.FixtureRequest) -> Guarded:
    found: Guarded = request.getfixturevalue(request.param)
    return found


def code_of(channel: grpc.Channel, method: str, request: bytes, metadata: Any = ()) -> grpc.StatusCode:
    streams = method.endswith(("StreamClassify", "Info"))
    call: Any = channel.stream_stream(f"/{method}") if streams else channel.unary_unary(f"/{method}")
    try:
        answer = call(iter([request]) if streams else request, metadata=metadata, timeout=20)
        list(answer)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


METHODS = {
    CLASSIFY: REQUEST,
    f"{SERVICE}/BatchClassify": pb.BatchClassifyRequest(documents=[pb.Document(id="1", text="x")]).SerializeToString(),
    f"{SERVICE}/StreamClassify": b"",
    f"{SERVICE}/GetModel": b"",
    REFLECTION: b"\x3a\x00",
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_but_health_asks_for_a_token_before_it_reads(mutual: Guarded, method: str) -> None:
    with mutual.channel() as channel:
        assert code_of(channel, method, METHODS[method], bearer(OLD)) == grpc.StatusCode.OK
        for metadata in ((), bearer(STRANGE)):
            assert code_of(channel, method, METHODS[method], metadata) == UNAUTHENTICATED
            assert code_of(channel, method, b"\xff", metadata) == UNAUTHENTICATED


def test_health_is_free(guarded: Guarded) -> None:
    with guarded.channel() as channel, grpc.insecure_channel(health_address(guarded.server)) as plain:
        for stub in (health_pb2_grpc.HealthStub(channel), health_pb2_grpc.HealthStub(plain)):
            assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
            watch = stub.Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            watch.cancel()
        for method, request in METHODS.items():
            assert code_of(plain, method, request, bearer(OLD)) == grpc.StatusCode.UNIMPLEMENTED


def test_only_tls_with_the_right_certificates_gets_in(mutual: Guarded, workers: Guarded, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    credentials = grpc.ssl_channel_credentials(mutual.authority.path.read_bytes())
    refused = [
        grpc.insecure_channel(mutual.server.address),
        grpc.insecure_channel(workers.server.address),
        grpc.secure_channel(mutual.server.address, credentials),
        mutual.channel(authority=other),
        mutual.channel(caller=other.issue("caller")),
        workers.channel(authority=other),
    ]
    for channel in refused:
        with channel:
            assert code_of(channel, CLASSIFY, REQUEST, bearer(OLD)) == UNAVAILABLE
    assert mutual.code(OLD) == workers.code(OLD) == grpc.StatusCode.OK


def test_certificates_are_replaced_under_load_and_no_call_is_lost(guarded: Guarded) -> None:
    ended = threading.Event()
    codes: list[grpc.StatusCode] = []

    def call_on(new_connections: bool) -> None:
        with guarded.channel() as lasting:
            while not ended.is_set():
                codes.append(guarded.code(OLD) if new_connections else code_of(lasting, CLASSIFY, REQUEST, bearer(OLD)))

    callers = [threading.Thread(target=call_on, args=(number % 2 == 0,)) for number in range(4)]
    for caller in callers:
        caller.start()
    try:
        for number in range(3):
            guarded.shown.become(guarded.authority.issue(f"next-{number}"))
            # Each worker looks for itself; twenty connections reach both.
            wait_until(lambda: {guarded.serial() for _ in range(20)} == {guarded.shown.serial})
            before = len(codes)
            wait_until(lambda before=before: len(codes) > before + 40)  # type: ignore[misc]
    finally:
        ended.set()
        for caller in callers:
            caller.join(30)
    assert set(codes) == {grpc.StatusCode.OK}


def test_faulty_certificates_change_nothing_and_are_said_once(mutual: Guarded, tmp_path: Path) -> None:
    good = mutual.shown.cert.read_bytes()
    # Certificates that were replaced before did not fit for a moment, until their key came.
    start = len(mutual.server.log.read_text())

    def complaints() -> str:
        return mutual.server.log.read_text()[start:]

    for content, complaint in (
        (mutual.authority.issue("other").cert.read_bytes(), "does not fit"),
        (mutual.authority.issue("expired", days=-1).cert.read_bytes(), "expired on"),
        (good[:100], "holds no certificate"),
    ):
        serial = mutual.serial()
        put(mutual.shown.cert, content)
        wait_until(lambda complaint=complaint: complaint in complaints())  # type: ignore[misc]
        time.sleep(0.5)
        assert complaints().count(complaint) == 1
        assert mutual.serial() == serial
        assert mutual.code(OLD) == grpc.StatusCode.OK
    put(mutual.shown.cert, good)


def test_a_new_authority_for_clients_lets_its_own_in_and_not_those_before(mutual: Guarded, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    newcomer = other.issue("newcomer")
    before = mutual.authority.path.read_bytes()
    with mutual.channel() as lasting:
        assert code_of(lasting, CLASSIFY, REQUEST, bearer(OLD)) == grpc.StatusCode.OK
        (tmp_path / "ours.pem").write_bytes(before)
        put(mutual.authority.path, other.path.read_bytes())

        def code(caller: Pair | None) -> grpc.StatusCode:
            roots = (tmp_path / "ours.pem").read_bytes()
            assert caller
            pair = (caller.key.read_bytes(), caller.cert.read_bytes())
            credentials = grpc.ssl_channel_credentials(roots, *pair)
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.secure_channel(mutual.server.address, credentials, options) as channel:
                return code_of(channel, CLASSIFY, REQUEST, bearer(OLD))

        wait_until(lambda: code(newcomer) == grpc.StatusCode.OK)
        assert code(mutual.caller) == UNAVAILABLE
        # A connection that was let in stays.
        assert code_of(lasting, CLASSIFY, REQUEST, bearer(OLD)) == grpc.StatusCode.OK
        put(mutual.authority.path, before)
        wait_until(lambda: code(mutual.caller) == grpc.StatusCode.OK)


def test_tokens_are_added_and_revoked_while_calls_go_on(guarded: Guarded) -> None:
    ok = grpc.StatusCode.OK
    before = guarded.tokens.read_text()
    with guarded.channel() as lasting:

        def codes(token: str) -> set[grpc.StatusCode]:
            return {guarded.code(token) for _ in range(10)} | {code_of(lasting, CLASSIFY, REQUEST, bearer(token))}

        put(guarded.tokens, f"{before}{NEW}\n".encode())
        wait_until(lambda: codes(NEW) == {ok})
        assert codes(OLD) == {ok}
        put(guarded.tokens, f"{NEW}\n".encode())
        wait_until(lambda: codes(OLD) == {UNAUTHENTICATED})
        assert codes(NEW) == {ok}
        for content, complaint in (("", "holds no token"), (f"{OLD}\nshort\n", "tokens:2: ")):
            put(guarded.tokens, content.encode())
            wait_until(lambda complaint=complaint: complaint in guarded.server.log.read_text())  # type: ignore[misc]
            assert codes(NEW) == {ok}
            assert codes(OLD) == {UNAUTHENTICATED}
        put(guarded.tokens, before.encode())
        wait_until(lambda: codes(OLD) == {ok})
        assert codes(NEW) == {UNAUTHENTICATED}


def test_a_worker_that_is_started_again_asks_for_the_newest_tokens(workers: Guarded) -> None:
    before = workers.tokens.read_text()
    put(workers.tokens, f"{NEW}\n".encode())
    children = Path(f"/proc/{workers.server.process.pid}/task/{workers.server.process.pid}/children")
    for worker in children.read_text().split():
        os.kill(int(worker), signal.SIGKILL)
    wait_until(lambda: workers.code(NEW) == grpc.StatusCode.OK)
    wait_until(lambda: {workers.code(OLD) for _ in range(10)} == {UNAUTHENTICATED})
    put(workers.tokens, before.encode())
    wait_until(lambda: {workers.code(OLD) for _ in range(10)} == {grpc.StatusCode.OK})


def test_no_secret_is_in_the_log_nor_a_line_that_is_not_ours(guarded: Guarded, tmp_path: Path) -> None:
    assert guarded.code(STRANGE) == UNAUTHENTICATED
    trusting_nobody = grpc.ssl_channel_credentials(Authority(tmp_path, "other").path.read_bytes())
    for channel in (
        grpc.insecure_channel(guarded.server.address),
        grpc.secure_channel(guarded.server.address, trusting_nobody),
    ):
        with channel:
            assert code_of(channel, CLASSIFY, REQUEST, bearer(OLD)) == UNAVAILABLE
    log = guarded.server.log.read_text()
    secrets = [OLD, NEW, STRANGE, sha256(OLD.encode()).hexdigest(), *guarded.shown.key.read_text().splitlines()[1:-1]]
    assert not [secret for secret in secrets if secret in log]
    starting = next(line for line in map(json.loads, log.splitlines()) if line["event"] == "starting")
    assert starting["security"]["tokens"] == str(guarded.tokens)


def test_metrics_tell_when_the_certificate_ends_and_no_secret(guarded: Guarded) -> None:
    assert guarded.code(OLD) == grpc.StatusCode.OK
    assert guarded.code(STRANGE) == UNAUTHENTICATED
    wait_until(
        lambda: all(text in exposition(guarded.server) for text in ("UNAUTHENTICATED", "_ends_timestamp_seconds 1"))
    )
    assert metrics_of(guarded.server)["slugline_certificate_ends_timestamp_seconds"] == pytest.approx(
        guarded.shown.ends.timestamp()
    )
    shown = exposition(guarded.server)
    assert not [secret for secret in (OLD, NEW, STRANGE, sha256(OLD.encode()).hexdigest()) if secret in shown]


def test_callers_are_told_what_they_lack(mutual: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mutual.caller
    token = mutual.tokens.with_name("token")
    token.write_text(f"{OLD}\n")
    full = Credentials(False, mutual.authority.path, mutual.caller.cert, mutual.caller.key, None, token)
    faults: list[tuple[Credentials, type[Exception], str]] = [
        (full._replace(tls_cert=None, tls_key=None), ServerUnavailable, "(--tls-cert, --tls-key)"),
        (Credentials(token_file=token), ServerUnavailable, "it may want TLS (--tls-ca)"),
        (full._replace(tls_ca=None), ServerUnavailable, "name the authority of its certificate with --tls-ca"),
        (full._replace(tls_server_name="other.test"), ServerUnavailable, "call it by a name in its certificate"),
        (full._replace(tls_key=None), InputError, "give both --tls-cert and --tls-key"),
        (full._replace(tls_ca=token), InputError, "holds no certificate"),
        (full._replace(tls_key=mutual.shown.key), InputError, "does not fit the first certificate"),
        (full._replace(tls_ca=token.with_name("none")), InputError, "cannot be read (No such file or directory)"),
        (full._replace(token_file=mutual.tokens), InputError, "holds the digest of a token"),
    ]
    for credentials, kind, message in faults:
        with pytest.raises(kind, match=re.escape(message)), connect(mutual.server.address, credentials):
            pass
    for credentials in (full, full._replace(tls_server_name="localhost")):
        with connect(mutual.server.address, credentials) as remote:
            assert remote.classify(Document("Envoys met")).scores
        assert check_health(mutual.server.address, 20, credentials) == "SERVING"
    with pytest.raises(ServerUnavailable, match="it speaks no TLS"):
        check_health(health_address(mutual.server), 20, full)


def test_the_command_line_calls_with_certificates_and_tokens(mutual: Guarded, slugline: Slugline) -> None:
    assert mutual.caller
    options = ["--tls-ca", mutual.authority.path, "--tls-cert", mutual.caller.cert, "--tls-key", mutual.caller.key]
    token = mutual.tokens.with_name("token")
    token.write_text(f"{OLD}\n")
    cases = [
        ({"SLUGLINE_TOKEN_FILE": str(token)}, 0, ""),
        ({"SLUGLINE_TOKEN": OLD}, 0, ""),
        ({}, 5, "lets nobody in without a token (no token came; "),
        ({"SLUGLINE_TOKEN": STRANGE}, 5, "(the token that came is not known, or no longer; "),
    ]
    for environment, code, message in cases:
        done = slugline("classify", "--server", mutual.server.address, *options, "Envoys met", **environment)
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
        assert not code or len(done.stderr.splitlines()) == 1
        assert not [secret for secret in (OLD, STRANGE) if secret in done.stderr + done.stdout]
    assert slugline("health", "--address", mutual.server.address, *options).stdout == "SERVING\n"
    mistrust = slugline("health", "--address", mutual.server.address, "--tls")
    assert mistrust.returncode == 4
    assert len(mistrust.stderr.splitlines()) == 1


def test_a_token_is_not_sent_in_the_clear(slugline: Slugline) -> None:
    done = slugline("classify", "--server", "192.0.2.1:50051", "x", SLUGLINE_TOKEN=OLD)
    assert done.returncode == 2
    assert "192.0.2.1:50051 unencrypted; give --tls or --tls-ca" in done.stderr


@pytest.mark.parametrize("command", ["serve", "classify", "health"])
def test_help_names_the_variables_and_not_what_is_in_them(slugline: Slugline, command: str) -> None:
    names = ("TOKEN", "TOKENS", "TOKEN_FILE", "TLS_CERT", "TLS_KEY", "CLIENT_KEY", "TLS_CA")
    done = slugline(command, "--help", **{f"SLUGLINE_{name}": "hunter2" for name in names})
    assert done.returncode == 0
    assert "SLUGLINE_TOKEN" in done.stdout
    assert "hunter2" not in done.stdout


CERT, KEY, TOKENS = Path("server.pem"), Path("server.key"), Path("tokens")


@pytest.mark.parametrize(
    ("address", "security", "message"),
    [
        ("0.0.0.0:0", Security(), "0.0.0.0:0 can be reached from other machines"),
        ("0.0.0.0:0", Security(insecure=True, tokens=TOKENS), "tokens would cross the network unencrypted"),
        ("127.0.0.1:0", Security(CERT), "give both --tls-cert and --tls-key"),
        ("127.0.0.1:0", Security(tls_client_ca=CERT), "give both --tls-cert and --tls-key"),
        ("127.0.0.1:0", Security(CERT, TOKENS), "tokens: holds no key in PEM form"),
        ("127.0.0.1:0", Security(CERT, KEY, TOKENS), "tokens: holds no certificate"),
        ("127.0.0.1:0", Security(tokens=CERT), "server.pem:1: has a token"),
        ("127.0.0.1:0", Security(tokens=Path("none")), "none: cannot be read (No such file or directory)"),
    ],
)
def test_what_is_unsafe_or_faulty_is_refused_at_the_start(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, security: Security, message: str
) -> None:
    Authority(tmp_path).issue("server")
    (tmp_path / TOKENS).write_text(f"{OLD}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotServe, match=re.escape(message)):
        serve(ServerSettings(address, models, security=security), lambda *_: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--address", "0.0.0.0:0"], "say --insecure where the network is safe"),
        (["--address", "127.0.0.1:0", "--tokens", "none"], "none: cannot be read"),
        (["--address", "127.0.0.1:0", "--health-address", "nowhere"], "choose --health-address"),
    ],
)
def test_workers_refuse_to_start_as_one_server_does(
    models: Path, slugline: Slugline, options: list[str], message: str
) -> None:
    done = slugline("serve", "--models", models, "--workers", "2", *options)
    assert done.returncode == 6
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_server_on_all_interfaces_serves_with_tls_or_if_told_to(models: Path, tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("server")
    for options in (["--tls-cert", str(pair.cert), "--tls-key", str(pair.key)], ["--insecure"]):
        assert start_server(models, tmp_path, "--address", "0.0.0.0:0", *options).stop() == 0


def test_a_unix_socket_needs_no_tls_and_sighup_rereads_its_tokens(models: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{OLD}\n")
    address, options = f"unix:{tmp_path}/socket", ["--reload-seconds", "0", "--health-address", "127.0.0.1:0"]
    server = start_server(
        models, tmp_path, "--address", address, "--tokens", str(tokens), "--log-format", "json", *options
    )
    assert server.address == address
    with grpc.insecure_channel(address) as channel, grpc.insecure_channel(health_address(server)) as plain:
        put(tokens, f"{NEW}\n".encode())
        assert code_of(channel, CLASSIFY, REQUEST, bearer(OLD)) == grpc.StatusCode.OK
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: code_of(channel, CLASSIFY, REQUEST, bearer(OLD)) == UNAUTHENTICATED)
        assert code_of(channel, CLASSIFY, REQUEST, bearer(NEW)) == grpc.StatusCode.OK
        watch = health_pb2_grpc.HealthStub(plain).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        assert server.stop() == 0
        assert [answer.status for answer in watch] == [health_pb2.HealthCheckResponse.NOT_SERVING]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_token_is_compared_with_all_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    path = tmp_path / "tokens"
    tokens = [OLD, NEW, "a-third-token-of-ours"]
    path.write_text("\n".join(tokens))
    compared: list[tuple[Any, Any]] = []
    compare = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    Access(path).check(bearer(tokens[place]))
    given = sha256(tokens[place].encode()).digest()
    assert compared == [(given, sha256(token.encode()).digest()) for token in tokens]


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("x-authorization", f"Bearer {OLD}"),),
        (("authorization", OLD),),
        (("authorization", f"Basic {OLD}"),),
        (("authorization", "Bearer "),),
        (("authorization", f"Bearer {OLD} {OLD}"),),
        (("authorization", f"Bearer {OLD[:-1]}"),),
        (("authorization", f"Bearer {OLD.upper()}"),),
        (("authorization", f"Bearer {OLD}"), ("authorization", f"Bearer {OLD}")),
        (("authorization", b"Bearer \xff"),),
        (("authorization", "Bearer \u00fc\u2019"),),
    ],
)
def test_what_is_no_token_of_ours_is_refused_and_not_repeated(tmp_path: Path, metadata: Any) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"{OLD}\n")
    Access(path).check((("authorization", f"bearer {OLD}"), ("other", "x")))
    with pytest.raises(Unauthenticated) as caught:
        Access(path).check(metadata)
    assert OLD[:8] not in str(caught.value)
