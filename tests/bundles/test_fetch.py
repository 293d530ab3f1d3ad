"""A bundle comes whole and verified, from a zoo, a mirror or a zip, or it is not there; and nothing of it is run."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.bundles.zoo_server import ARCHIVE, NAME, VERSION, WEIGHTS, files, listing, serving, zipped
from tests.data.fetch.server import Answer, Mirror
from voxloop.bundles.fetching import SOURCES, Addresses, Fetched, fetch, large_files
from voxloop.bundles.fetching.zoo import numbers
from voxloop.cli.main import app
from voxloop.data.fetch.download import Patience
from voxloop.errors import VoxloopError

AT_ONCE = Patience(silence_s=5.0, pauses_s=(0.0, 0.0))
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy_and_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "VOXLOOP_BUNDLE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A hospital's folder of bundles."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / ARCHIVE).write_bytes(zipped(files()))
    (folder / f"{NAME}_v0.9.0.zip").write_bytes(b"older")
    return folder


def there(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != ".fetched.json"}


def refused(tmp_path: Path, *parts: str, **asked: Any) -> None:
    """Nothing of it is there, and one sentence says why."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    with pytest.raises(VoxloopError) as caught:
        fetch(NAME, out=out, patience=AT_ONCE, **asked)
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (out / NAME).exists()


# -- a folder


def test_a_folder_is_a_zoo_without_a_network(mirror: Path, tmp_path: Path) -> None:
    done = fetch(NAME, out=tmp_path, mirror=str(mirror))
    assert there(done.folder) == files()
    assert (done.version, done.verified, done.already) == (VERSION, (), False)
    assert done.sha256 == hashlib.sha256((mirror / ARCHIVE).read_bytes()).hexdigest()
    assert done.licence == (
        "Apache License 2.0 (LICENSE); the data that it learned from have their own (docs/data_license.txt)"
    )
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_comes_out_is_what_monais_own_downloader_makes_of_the_archive(mirror: Path, tmp_path: Path) -> None:
    from monai.apps.utils import extractall

    extractall(mirror / ARCHIVE, tmp_path / "monai", has_base=False)
    assert there(fetch(NAME, out=tmp_path, mirror=str(mirror)).folder) == there(tmp_path / "monai" / NAME)


def test_a_second_call_needs_nothing_and_a_spoiled_folder_is_told(mirror: Path, tmp_path: Path) -> None:
    first = fetch(NAME, out=tmp_path, mirror=str(mirror))
    again = fetch(NAME, out=tmp_path, mirror="/nowhere")
    assert again.already
    assert (again.version, again.sha256, again.files) == (first.version, first.sha256, first.files)
    with pytest.raises(VoxloopError, match=r"is version 0\.10\.0, not 0\.9\.0"):
        fetch(NAME, "0.9.0", out=tmp_path, mirror=str(mirror))
    (first.folder / "models" / "model.pt").unlink()
    with pytest.raises(VoxloopError, match=r"lost 1 of its 7 files, models/model\.pt"):
        fetch(NAME, out=tmp_path, mirror=str(mirror))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(VoxloopError, match="did not come from this command"):
        fetch("mine", out=tmp_path, mirror=str(mirror))


def test_every_checksum_that_lies_with_an_archive_is_held_against_it(mirror: Path, tmp_path: Path) -> None:
    archive = (mirror / ARCHIVE).read_bytes()
    right = hashlib.sha256(archive).hexdigest()
    (mirror / f"{ARCHIVE}.sha256").write_text(f"{right}  {ARCHIVE}\n")
    (mirror / "model_info.json").write_bytes(listing(archive))
    done = fetch(NAME, out=tmp_path, mirror=str(mirror), sha256=right.upper())
    assert done.verified == (f"sha1 {hashlib.sha1(archive).hexdigest()}", f"sha256 {right}")
    (mirror / f"{ARCHIVE}.sha256").write_text(f"{'0' * 64}  {ARCHIVE}\n")
    refused(tmp_path, right, "0" * 64, mirror=str(mirror))
    (mirror / f"{ARCHIVE}.sha256").write_text("none\n")
    refused(tmp_path, "no checksum", mirror=str(mirror))
    (mirror / f"{ARCHIVE}.sha256").unlink()
    refused(tmp_path, right, "1" * 64, mirror=str(mirror), sha256="1" * 64)
    (mirror / "model_info.json").write_bytes(listing(b"another"))
    refused(tmp_path, "sha1", mirror=str(mirror))


def test_a_zip_that_somebody_brought_is_taken_as_it_is(mirror: Path, tmp_path: Path) -> None:
    brought = tmp_path / "download (1).zip"
    (mirror / ARCHIVE).rename(brought)
    done = fetch(NAME, out=tmp_path, archive=brought)
    assert (done.version, there(done.folder)) == (VERSION, files())
    assert brought.exists()


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ({"version": "0.8.0"}, (f"{NAME}_v0.8.0.zip", "it has version 0.10.0, 0.9.0")),
        ({"version": "../../x"}, ("cannot be a version's name",)),
        ({"mirror": "/nowhere"}, ("No folder is at /nowhere",)),
        ({"mirror": "s3://bucket"}, ("no folder and no http",)),
        ({"mirror": ""}, ("has no address",)),
        ({"source": "floppy"}, ("monaihosting, github",)),
        ({"sha256": "abc"}, ("--sha256", "no checksum")),
        ({"archive": Path("nowhere.zip")}, ("No archive is at nowhere.zip",)),
    ],
)
def test_what_is_asked_wrongly_is_told(
    asked: dict[str, Any], parts: tuple[str, ...], mirror: Path, tmp_path: Path
) -> None:
    refused(tmp_path, *parts, **{"mirror": str(mirror), **asked})


def test_a_misspelled_name_gets_the_nearest(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match='did you mean "small_spleen"'):
        fetch("smal_spleen", out=tmp_path, mirror=str(mirror))
    with pytest.raises(VoxloopError, match="cannot be a bundle's name"):
        fetch("../x", out=tmp_path, mirror=str(mirror))


# -- archives that mean harm


def linked() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        info = zipfile.ZipInfo(f"{NAME}/configs/train.json")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, "/etc/passwd")
    return packed.getvalue()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "outside": (lambda: zipped({"../../evil.py": b"x", **files()}), "outside its folder"),
    "absolute": (lambda: zipped({"/etc/evil": b"x"}, ""), "outside its folder"),
    "a link": (linked, "a link"),
    "a bomb": (lambda: zipped(files(**{"models/model.pt": bytes(80 << 20)})), "unpacks to more"),
    "cut off": (lambda: zipped(files())[:-200], "damaged or cut off"),
    "no bundle": (lambda: zipped({"notes.txt": b"x"}), "no bundle"),
    "two bundles": (lambda: zipped({f"{name}/{key}": data for name in "ab" for key, data in files().items()}, ""), "no bundle"),
    "no metadata": (lambda: zipped(files(**{"configs/metadata.json": None})), "no configs/metadata.json"),
    "broken metadata": (lambda: zipped(files(**{"configs/metadata.json": b"{"})), "metadata.json cannot be read"),
    "a way out": (
        lambda: zipped(files(**{"large_files.json": b'{"large_files": [{"path": "../../x", "url": ""}]}'})),
        "outside of the bundle",
    ),
}  # fmt: skip


@pytest.mark.parametrize("harm", HOSTILE)
def test_an_archive_that_means_harm_leaves_nothing(harm: str, mirror: Path, tmp_path: Path) -> None:
    make, part = HOSTILE[harm]
    (mirror / ARCHIVE).write_bytes(make())
    before = set(tmp_path.rglob("*"))
    refused(tmp_path, part, mirror=str(mirror))
    assert {path for path in set(tmp_path.rglob("*")) - before if path.is_file()} == set()


# -- a server


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path) -> None:
    archive = zipped(files())
    bad = Mirror(archive, answers=[Answer(drop_after=100_000), Answer(status=503, body=b""), Answer(drop_after=50_000)])
    said: list[str] = []
    with serving({f"b/{ARCHIVE}": bad, "b/model_info.json": listing(archive)}) as (url, _):
        done = fetch(NAME, out=tmp_path, mirror=f"{url}/b/", patience=AT_ONCE, say=said.append)
    assert there(done.folder) == files()
    assert done.verified == (f"sha1 {hashlib.sha1(archive).hexdigest()}",)
    assert [one.get("Range") for one in bad.asked] == [None, "bytes=100000-", "bytes=100000-", "bytes=150000-"]
    assert any("broke off" in sentence for sentence in said)


def test_a_later_call_goes_on_from_the_part_of_an_earlier_one(tmp_path: Path) -> None:
    archive = zipped(files())
    bad = Mirror(archive, answers=[Answer(drop_after=100_000), *[Answer(status=503, body=b"")] * 3])
    with serving({f"b/{ARCHIVE}": bad}) as (url, _):
        refused(tmp_path, "breaks off again and again", mirror=f"{url}/b", version=VERSION)
        done = fetch(NAME, VERSION, tmp_path / "out", mirror=f"{url}/b", patience=AT_ONCE)
    assert bad.asked[-1]["Range"] == "bytes=100000-"
    assert there(done.folder) == files()


@pytest.mark.parametrize(
    ("answers", "parts"),
    [
        ([Answer(body=b"<!DOCTYPE html><p>Sign in")], ("no zip", "web page")),
        ([Answer(claim=1 << 50)], ("claims to be",)),
        ([Answer(status=403, body=b"")], ("refused (403",)),
        ([Answer(status=404, body=b"")], ("not there (404)",)),
        ([Answer(body=b"PK\x03\x04" + b"x" * 9000)], ("not the file that was published", "sha1")),
        ([Answer(status=302, headers={"Location": "file:///etc/passwd"}, body=b"")], ("refused (302",)),
    ],
    ids=["a page", "a lie", "no", "nothing", "other bytes", "elsewhere"],
)
def test_a_server_that_lies_is_refused(answers: list[Answer], parts: tuple[str, ...], tmp_path: Path) -> None:
    archive = zipped(files())
    with serving({f"b/{ARCHIVE}": Mirror(archive, answers=answers), "b/model_info.json": listing(archive)}) as (url, _):
        refused(tmp_path, *parts, mirror=f"{url}/b")


def test_bytes_that_changed_on_the_way_are_fetched_anew_once(tmp_path: Path) -> None:
    archive = zipped(files())
    other = bytes(byte ^ 1 for byte in archive[:80_000])
    bad = Mirror(archive, answers=[Answer(body=b"PK\x03\x04" + other, claim=len(archive), drop_after=80_000)])
    with serving({f"b/{ARCHIVE}": bad, "b/model_info.json": listing(archive)}) as (url, _):
        done = fetch(NAME, out=tmp_path, mirror=f"{url}/b", patience=AT_ONCE)
    assert there(done.folder) == files()
    assert [one.get("Range") for one in bad.asked] == [None, "bytes=80000-", None]


def test_without_a_network_one_sentence_names_the_mirror(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:9"
    nowhere = Addresses(f"{closed}/model_info.json", closed, closed, closed, closed)
    for source in SOURCES:
        refused(tmp_path, "cannot be reached", "--mirror", addresses=nowhere, source=source)
        refused(tmp_path, "cannot be reached", "--mirror", addresses=nowhere, source=source, version="1.0")


# -- the four sources


def from_zoo(
    source: str, paths: Callable[[str], dict[str, bytes]], tmp_path: Path, version: str | None = None
) -> Fetched:
    served: dict[str, bytes | Mirror] = {}
    with serving(served) as (url, _):
        served |= paths(url)
        zoo = Addresses(f"{url}/model_info.json", f"{url}/hosting", f"{url}/ngc", f"{url}/github", f"{url}/hf")
        return fetch(NAME, version, tmp_path, source, addresses=zoo, patience=AT_ONCE)


def test_monaihosting_gives_the_newest_version_by_number(tmp_path: Path) -> None:
    archive = zipped(files())
    paths = {
        "model_info.json": listing(archive),
        f"hosting/{NAME}/versions/{VERSION}/files/{ARCHIVE}": archive,
    }
    done = from_zoo("monaihosting", lambda url: {**paths}, tmp_path)
    assert (done.version, there(done.folder)) == (VERSION, files())
    assert done.verified == (f"sha1 {hashlib.sha1(archive).hexdigest()}",)


def test_monaihosting_is_asked_where_the_list_sends_to_and_then_where_it_usually_is(tmp_path: Path) -> None:
    archive = zipped(files())
    for place in ("elsewhere/small.zip", f"hosting/{NAME}/versions/{VERSION}/files/{ARCHIVE}"):

        def paths(url: str, place: str = place) -> dict[str, bytes]:
            return {"model_info.json": listing(archive, f"{url}/elsewhere/small.zip"), place: archive}

        out = tmp_path / str(len(place))
        out.mkdir()
        assert from_zoo("monaihosting", paths, out).source.endswith(place)


def test_github_gives_a_release(tmp_path: Path) -> None:
    archive = zipped(files())
    done = from_zoo("github", lambda url: {f"github/{ARCHIVE}": archive}, tmp_path, VERSION)
    # Its list could not be had, so nobody vouches for it.
    assert (done.verified, there(done.folder)) == ((), files())


def test_ngc_gives_file_by_file(tmp_path: Path) -> None:
    base = f"ngc/monai_{NAME}/versions"
    named = {"modelVersions": [{"versionId": "0.9.0", "createdDate": "2"}, {"versionId": VERSION, "createdDate": "1"}]}
    listed = {"modelFiles": [{"path": path, "sizeInBytes": len(data)} for path, data in files().items()]}
    paths = {f"{base}/{VERSION}/files/{path}": data for path, data in files().items()}
    paths |= {f"{base}/": json.dumps(named).encode(), f"{base}/{VERSION}/files": json.dumps(listed).encode()}
    done = from_zoo("ngc", lambda url: paths, tmp_path)
    assert (done.version, done.verified, there(done.folder)) == (VERSION, (), files())


def hugging_face(content: dict[str, bytes], shown: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """What the hub answers: `content` is what its list describes, `shown` what it sends."""
    tree: list[dict[str, Any]] = [{"type": "directory", "path": "configs", "oid": "0" * 40}]
    for path, data in {**content, ".gitattributes": b"*.pt lfs"}.items():
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        large = {"lfs": {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}} if path.endswith(".pt") else {}
        tree.append({"type": "file", "path": path, "oid": blob, "size": len(data), **large})
    paths = {f"hf/MONAI/{NAME}/resolve/{VERSION}/{path}": data for path, data in (shown or content).items()}
    refs = {"tags": [{"name": "0.9.0"}, {"name": VERSION}], "branches": [{"name": "main"}]}
    paths[f"hf/api/models/MONAI/{NAME}/refs"] = json.dumps(refs).encode()
    paths[f"hf/api/models/MONAI/{NAME}/tree/{VERSION}?recursive=true"] = json.dumps(tree).encode()
    return paths


def test_hugging_face_gives_file_by_file_each_verified(tmp_path: Path) -> None:
    done = from_zoo("huggingface_hub", lambda url: hugging_face(files()), tmp_path)
    assert (done.version, there(done.folder)) == (VERSION, files())
    assert done.verified == ("git of each file", "sha256 of each file")


@pytest.mark.parametrize("path", ["models/model.pt", "configs/train.json"])
def test_one_changed_byte_in_one_file_of_hugging_face_is_refused(path: str, tmp_path: Path) -> None:
    changed = {**files(), path: bytes([files()[path][0] ^ 1]) + files()[path][1:]}
    with pytest.raises(VoxloopError, match="not the file that was published"):
        from_zoo("huggingface_hub", lambda url: hugging_face(files(), changed), tmp_path)
    assert not (tmp_path / NAME).exists()


def test_the_addresses_are_those_of_monais_own_downloader() -> None:
    from monai.bundle import scripts

    ours = Addresses()
    hosted = scripts._get_monaihosting_bundle_url("Name", "1.0")
    assert hosted == f"{ours.monaihosting}/name/versions/1.0/files/Name_v1.0.zip"
    assert scripts._get_ngc_bundle_url("monai_name", "1.0") == f"{ours.ngc}/monai_name/versions/1.0/files"
    release = scripts._get_git_release_url("Project-MONAI", "model-zoo", "hosting_storage_v1", "name_v1.0.zip")
    assert release == f"{ours.github}/name_v1.0.zip"


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=1))
def test_versions_are_numbers(versions: list[tuple[int, ...]]) -> None:
    said = [".".join(map(str, one)) for one in versions]
    assert max(said, key=numbers) == ".".join(map(str, max(versions)))
    assert numbers(said[0]) > numbers(f"{said[0]}rc1")


# -- large files


def large(url: str, checksum: str = SHA256, kind: str = "sha256") -> bytes:
    item = {"path": "models/model.pt", "url": url, "hash_val": checksum, "hash_type": kind}
    return json.dumps({"large_files": [item]}).encode()


def with_large(said: bytes, name: str = "large_files.json") -> bytes:
    return zipped(files(**{"models/model.pt": None, name: said}))


def test_large_files_are_fetched_and_verified(tmp_path: Path) -> None:
    served: dict[str, bytes | Mirror] = {"w.pt": Mirror(WEIGHTS, answers=[Answer(drop_after=1000)])}
    with serving(served) as (url, _):
        yml = f'large_files:\n  - path: "models/model.pt"\n    url: "{url}/w.pt"\n    hash_val: "{SHA256}"\n    hash_type: "sha256"\n'
        archive = with_large(yml.encode(), "large_files.yml")
        served |= {"model_info.json": listing(archive), f"github/{ARCHIVE}": archive}
        zoo = Addresses(f"{url}/model_info.json", github=f"{url}/github")
        done = fetch(NAME, out=tmp_path, source="github", addresses=zoo, patience=AT_ONCE)
    assert (done.folder / "models" / "model.pt").read_bytes() == WEIGHTS
    assert "sha256 of models/model.pt" in done.verified


def test_a_mirror_holds_large_files_beside_its_archive(mirror: Path, tmp_path: Path) -> None:
    (mirror / ARCHIVE).write_bytes(with_large(large("https://example.invalid/w.pt")))
    refused(tmp_path, "models/model.pt", f"{NAME}_v{VERSION}/models/model.pt", "example.invalid", mirror=str(mirror))
    kept = mirror / f"{NAME}_v{VERSION}" / "models"
    kept.mkdir(parents=True)
    (kept / "model.pt").write_bytes(WEIGHTS)
    assert (fetch(NAME, out=tmp_path, mirror=str(mirror)).folder / "models" / "model.pt").read_bytes() == WEIGHTS


def test_large_files_that_are_others_or_cannot_be_had_are_refused(mirror: Path, tmp_path: Path) -> None:
    (mirror / ARCHIVE).write_bytes(zipped(files(**{"large_files.json": large("", "0" * 64)})))
    refused(tmp_path, "models/model.pt is not the file", mirror=str(mirror))
    (mirror / ARCHIVE).write_bytes(zipped(files(**{"large_files.json": large("", "0", "crc")})))
    refused(tmp_path, "no checksum", mirror=str(mirror))
    archive = with_large(large("https://drive.google.com/file/d/1/view"))
    with serving({"model_info.json": listing(archive), f"github/{ARCHIVE}": archive}) as (url, _):
        zoo = Addresses(f"{url}/model_info.json", github=f"{url}/github")
        refused(tmp_path, "answers people only", "--mirror", addresses=zoo, source="github")


WORDS = st.text(st.characters(codec="ascii", exclude_characters="\"'#{}[]&*|>\\\x7f", min_codepoint=33), min_size=1)


@given(st.lists(st.fixed_dictionaries({"path": WORDS, "url": WORDS}, optional={"hash_val": WORDS}), min_size=1))
def test_the_flat_yaml_of_large_files_reads_as_it_was_written(items: list[dict[str, str]]) -> None:
    lines = ["# written by hand", "large_files:"]
    for item in items:
        lines += [
            f'  {"-" if number == 0 else " "} {key}: "{value}"' for number, (key, value) in enumerate(item.items())
        ]
    assert large_files._flat_yaml("\n".join(lines)) == {"large_files": items}


# -- the command


def run(*words: str) -> Result:
    done = CliRunner().invoke(app, ["bundle", "fetch", *words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done


def test_a_person_reads_what_came_its_licence_and_what_is_next(mirror: Path, tmp_path: Path) -> None:
    said = run(NAME, "--mirror", str(mirror), "--out", str(tmp_path)).stdout
    folder = tmp_path / NAME
    assert f"{folder}: {NAME} {VERSION}, 7 files" in said
    assert "nobody vouches for it. It has --sha256" in said
    assert "Licence: Apache License 2.0" in said
    assert "It is a program: 3 config files that hold Python expressions and 1 Python files." in said
    for command in ("bundle check", "bundle run", "predict"):
        assert f"voxloop {command} {folder}" in said
    assert "there already, whole" in run(NAME, "--out", str(tmp_path)).stdout


def test_a_program_reads_json(mirror: Path, tmp_path: Path) -> None:
    said = json.loads(run(NAME, "--mirror", str(mirror), "--out", str(tmp_path), "--json").stdout)
    assert (said["name"], said["version"], said["already"]) == (NAME, VERSION, False)
    assert said["folder"] == str(tmp_path / NAME)
    listed = json.loads(run("--list", "--mirror", str(mirror), "--json").stdout)
    assert listed == [{"name": NAME, "versions": [VERSION, "0.9.0"]}]
    assert VERSION in run("--list", "--mirror", str(mirror)).stdout
    with pytest.raises(VoxloopError, match="Name a bundle"):
        run("--json")


def test_a_bundle_that_was_fetched_can_be_checked(mirror: Path, tmp_path: Path) -> None:
    run(NAME, "--mirror", str(mirror), "--out", str(tmp_path))
    checked = CliRunner().invoke(app, ["bundle", "check", str(tmp_path / NAME), "--strict"])
    assert checked.exit_code == 0, checked.stdout
