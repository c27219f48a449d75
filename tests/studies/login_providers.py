"""A provider of single sign-on on this machine: OpenID Connect over HTTP, RS256, PKCE, and lies."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "second-look", "a secret of the client"


class _Answers(BaseHTTPRequestHandler):
    server: "Provider"

    def log_message(self, *args: Any) -> None:
        """Say nothing on standard error."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/.well-known/openid-configuration":
            self._json(self.server.configuration())
        elif address.path == "/keys":
            self._json({"keys": [self.server.public_key()]})
        elif address.path == "/authorize":
            self._authorize(query)
        elif address.path == "/userinfo":
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            told = self.server.sessions.get(bearer)
            self._json(told, 200) if told else self._json({"error": "invalid_token"}, 401)
        else:
            self._json({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._json(*self.server.token({k: v[0] for k, v in parse_qs(body).items()}))

    def _authorize(self, query: dict[str, str]) -> None:
        """Whoever `person` is has logged in here and agrees."""
        code = secrets.token_urlsafe(12)
        self.server.codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{back}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, answer: Any, status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Provider(ThreadingHTTPServer):
    """`person`: claims of whoever sits before it. Lies, each by an attribute: see `token`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = rsa.generate_private_key(65537, 2048)
        self.person: dict[str, Any] = {"sub": "1"}
        self.codes: dict[str, dict[str, str]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, Any] = {}  # what the ID token says instead
        self.userinfo: dict[str, Any] = {}  # what userinfo says instead
        self.signed_with: Any = None  # another key, or one of another kind
        self.algorithm = "RS256"
        self.named_issuer = self.issuer  # in the configuration

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.named_issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def public_key(self) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return key | {"kid": "k1", "use": "sig", "alg": "RS256"}

    def token(self, form: dict[str, str]) -> tuple[dict[str, Any], int]:
        """Tokens for a code, once, to the client that asked for it."""
        asked = self.codes.pop(form.get("code", ""), None)
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if (
            asked is None
            or (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET)
            or asked.get("redirect_uri") != form.get("redirect_uri")
            or asked.get("code_challenge") != challenge
        ):
            return {"error": "invalid_grant"}, 400
        access = secrets.token_urlsafe(12)
        self.sessions[access] = self.person | self.userinfo
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"sub": self.person["sub"]} | self.claims
        key = self.key if self.signed_with is None else self.signed_with
        id_token = jwt.encode(claims, key, self.algorithm, headers={"kid": "k1"})
        return {"access_token": access, "token_type": "Bearer", "id_token": id_token}, 200


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, for the duration of the block."""
    with Provider() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
