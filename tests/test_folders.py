"""What is found below a folder, each file once; and what is left out says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from earmark.errors import UnreadableAudio
from earmark.folders import audio_below


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def look(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The files below a folder, and what is left out with the reason, by their paths from there."""
    skipped: list[UnreadableAudio] = []
    found = list(audio_below(folder, skipped.append))
    files = [each.relative_to(folder).as_posix() for each in found if isinstance(each, Path)]
    left_out = [*(each for each in found if isinstance(each, UnreadableAudio)), *skipped]
    return files, {each.path.relative_to(folder).as_posix(): each.reason for each in left_out}


def test_hidden_names_are_left_out_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "._a.wav", ".trash/b.wav", "c/.d/e.wav", ".DS_Store")
    dot = "its name begins with a dot"
    assert look(tmp_path) == (["a.wav"], {"._a.wav": dot, ".trash": dot, "c/.d": dot})


def test_a_linked_folder_is_followed_after_the_others(tmp_path: Path) -> None:
    music = tmp_path / "music"
    touch(tmp_path, "music/z.wav", "music/b/c.wav", "elsewhere/album/1.wav", "elsewhere/album/cd 2/2.wav")
    (music / "a link").symlink_to(tmp_path / "elsewhere/album", target_is_directory=True)
    assert look(music) == (["z.wav", "b/c.wav", "a link/1.wav", "a link/cd 2/2.wav"], {})


def test_a_folder_that_is_linked_twice_is_walked_once(tmp_path: Path) -> None:
    music = tmp_path / "music"
    touch(tmp_path, "music/inside/1.wav", "elsewhere/album/2.wav", "elsewhere/3.wav")
    for name, target in (("x", "elsewhere/album"), ("y", "elsewhere/album"), ("z", "elsewhere"), ("w", "music/inside")):
        (music / name).symlink_to(tmp_path / target, target_is_directory=True)
    again = "a link to a folder that was looked into already"
    assert look(music) == (["inside/1.wav", "x/2.wav", "z/3.wav"], {"w": again, "y": again})


def test_loops_end(tmp_path: Path) -> None:
    music = tmp_path / "music"
    touch(tmp_path, "music/a/1.wav", "other/b/2.wav", "outside.wav")
    (music / "a/root").symlink_to("..", target_is_directory=True)
    (music / "above").symlink_to(tmp_path, target_is_directory=True)
    (music / "other").symlink_to(tmp_path / "other/b", target_is_directory=True)
    (tmp_path / "other/b/back").symlink_to("..", target_is_directory=True)
    (tmp_path / "other/b/itself").symlink_to(".", target_is_directory=True)
    (music / "self").symlink_to("self", target_is_directory=True)
    up, again = "a link to a folder that it lies in: not followed", "a link to a folder that was looked into already"
    assert look(music) == (
        ["a/1.wav", "other/2.wav"],
        {
            "a/root": up,
            "above": up,
            "other/back": up,
            "other/itself": again,
            "self": "a link to nothing",
        },
    )


def test_a_link_to_nothing_is_named_and_one_to_a_file_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "cover.jpg")
    for name, target in (("b.wav", "a.wav"), ("gone.wav", "nothing"), ("album", "nothing"), ("c.jpg", "cover.jpg")):
        (tmp_path / name).symlink_to(target)
    assert look(tmp_path) == (["a.wav", "b.wav", "gone.wav"], {"album": "a link to nothing"})


@pytest.mark.skipif(sys.platform == "win32", reason="no rights of that kind")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.wav", "locked/b.wav", "z/c.wav")
    true_scandir = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "locked":  # the superuser may read everything
            raise PermissionError(13, "Permission denied")
        return true_scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert look(tmp_path) == (["a.wav", "z/c.wav"], {"locked": "this folder cannot be read: Permission denied"})


@pytest.mark.skipif(sys.platform != "linux", reason="the length of paths is that of Linux")
def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    name = "n" * 250
    for _ in range(17):
        os.mkdir(name, dir_fd=handle)
        inner = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    touch(tmp_path, "z.wav")
    files, left_out = look(tmp_path)
    assert files == ["z.wav"]
    assert list(left_out.values()) == ["this folder cannot be read: File name too long"]


@pytest.mark.skipif(sys.platform == "win32", reason="paths are shorter there")
def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    depth = 1200  # more than Python calls itself
    try:
        handle = os.open(tmp_path, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d", dir_fd=handle)
            inner = os.open("d", os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
        os.close(os.open("a.wav", os.O_CREAT, dir_fd=handle))
        os.close(handle)
        assert look(tmp_path) == (["d/" * depth + "a.wav"], {})
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # Python would not come to its end
