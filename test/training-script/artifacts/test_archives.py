import io
import tarfile

import pytest
from finetuning.artifacts.archives import unpack
from finetuning.artifacts.environment import JobError


@pytest.fixture(params=["filter", "no filter"], autouse=True)
def _python(request, monkeypatch):
    """A Python that can filter members, and one that cannot, as Debian 12's 3.11.2."""
    if request.param == "no filter":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def archive_of(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd"
            member.size = 1 if kind == tarfile.REGTYPE else 0
            member.mode = 0o4777
            tar.addfile(member, io.BytesIO(b"x"))
    return path


def test_files_and_folders_are_unpacked(tmp_path):
    archive = archive_of(tmp_path / "a.tar.gz", ("code", tarfile.DIRTYPE), ("./code/inference.py", tarfile.REGTYPE))
    unpack(archive, tmp_path / "out")
    unpacked = tmp_path / "out" / "code" / "inference.py"
    assert unpacked.read_bytes() == b"x"
    assert unpacked.stat().st_mode & 0o7022 == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("a/../../outside", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("device", tarfile.CHRTYPE),
    ],
)
def test_what_reaches_outside_is_refused(tmp_path, name, kind):
    archive = archive_of(tmp_path / "a.tar.gz", ("fine", tarfile.REGTYPE), (name, kind))
    with pytest.raises(JobError, match=r"a\.tar\.gz cannot be unpacked"):
        unpack(archive, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("outside"))


def test_a_broken_archive_is_named(tmp_path):
    whole = archive_of(tmp_path / "whole.tar.gz", ("file", tarfile.REGTYPE)).read_bytes()
    (tmp_path / "a.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JobError, match=r"a\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")
