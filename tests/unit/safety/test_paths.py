"""Which file names are kept from tools."""

import pytest

from copydesk.domain.errors import PermissionDenied
from copydesk.safety.paths import is_secret, refuse_change, refuse_secret

SECRET = [
    ".env",
    ".env.local",
    "app/.env.production",
    "prod.env",
    ".envrc",
    "server.pem",
    "tls/server.KEY",
    "id_rsa",
    ".ssh/id_ed25519",
    ".ssh/config",
    ".ssh/known_hosts",
    ".aws/credentials",
    "credentials.json",
    "config/secrets.yml",
    "secrets.yaml",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".docker/config.json",
    ".kube/config",
    "terraform.tfstate",
    "prod.tfvars",
    "keys.kdbx",
    ".ENV",
    "C:\\work\\.env",
    "file:///w/.env",
    ".env.",
    ".env::$DATA",
    "root-name/.env",
    ".htpasswd",
    "client_secret_123.json",
]

PLAIN = [
    ".env.example",
    ".env.sample",
    ".env.template",
    "example.env",
    "src/env.py",
    "environment.yml",
    "credentials.py",
    "secrets.py",
    "test_credentials.py",
    "keys.py",
    "key.md",
    "monkey.txt",
    "public.pub",
    "id_rsa.pub",
    "config.json",
    "docker/config.json",
    "src/secrets/mod.rs",
    "README.md",
    ".gitignore",
    ".editorconfig",
    "tokens.ts",
    "package.json",
]


@pytest.mark.parametrize("path", SECRET)
def test_is_secret(path: str):
    assert is_secret(path)


@pytest.mark.parametrize("path", [*PLAIN, "", "/"])
def test_is_not_secret(path: str):
    assert not is_secret(path)


def test_the_refusal_names_the_file_and_what_to_do():
    with pytest.raises(PermissionDenied, match=r"'app/\.env'.*\.env\.example"):
        refuse_secret("app/.env")


def test_another_name_of_the_file_counts_too():
    with pytest.raises(PermissionDenied, match="notes"):
        refuse_secret("notes.txt", "config/.env")
    refuse_secret("notes.txt", "config/notes.txt")


@pytest.mark.parametrize(
    "path", [".git/config", ".git", "a/.git/hooks/pre-commit", ".GIT/x", "GIT~1/x", ".git./x", ".hg/hgrc", "a\\.git\\x"]
)
def test_version_control_is_not_changed(path: str):
    with pytest.raises(PermissionDenied, match="version control"):
        refuse_change("x", path)


@pytest.mark.parametrize(
    "path", [".gitignore", ".github/workflows/ci.yml", "git/config", "my.git.py", ".gitattributes"]
)
def test_files_about_version_control_may_be_changed(path: str):
    refuse_change(path)
