"""Two instances never meet on one account or data folder; the dead hold nothing."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from adapters.locks import lock_account, lock_data_folder, runtime_folders
from domain.errors import Conflict

ACCOUNT = "binance:testnet:0123456789ab"
SOURCE = Path(__file__).parents[2] / "src"
HOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from adapters.locks import lock_account
held = lock_account(sys.argv[2], [Path(sys.argv[3])])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [tmp_path / "run" / "gridhive", tmp_path / "tmp" / "gridhive"]


@pytest.fixture
def holder(folders):
    """A process that holds the account until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(SOURCE), ACCOUNT, str(folders[1])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_holds_the_account(holder, folders):
    with pytest.raises(Conflict) as told:
        lock_account(ACCOUNT, folders)
    assert str(told.value) == (
        f"account {ACCOUNT} is in use by process {holder.pid}; stop it first, or use another key"
    )


def test_a_refusal_keeps_nothing(holder, folders):
    with pytest.raises(Conflict):
        lock_account(ACCOUNT, folders)
    lock_account(ACCOUNT, folders[:1]).release()


def test_a_killed_process_blocks_nobody(holder, folders):
    holder.kill()
    holder.wait()
    with lock_account(ACCOUNT, folders), pytest.raises(Conflict, match=f"process {os.getpid()};"):
        lock_account(ACCOUNT, folders)


def test_a_released_account_is_free_again(folders):
    held = lock_account(ACCOUNT, folders)
    held.release()
    held.release()
    lock_account(ACCOUNT, folders).release()


def test_other_accounts_are_not_in_the_way(folders):
    with lock_account(ACCOUNT, folders), lock_account("binance:testnet-0123456789ab", folders):
        pass


def test_one_folder_in_common_is_enough(folders):
    with lock_account(ACCOUNT, folders[:1]), pytest.raises(Conflict):
        lock_account(ACCOUNT, folders)


def test_a_data_folder_is_made_and_held(tmp_path):
    folder = tmp_path / "new" / "data"
    with lock_data_folder(folder), pytest.raises(Conflict, match=f"data folder {folder} is in use by process"):
        lock_data_folder(folder)
    lock_data_folder(folder).release()


def test_a_note_that_cannot_be_read_still_gives_a_sentence(tmp_path):
    with lock_data_folder(tmp_path):
        (tmp_path / "gridhive.pid").unlink()
        with pytest.raises(Conflict, match="another process"):
            lock_data_folder(tmp_path)


def test_a_full_disk_is_told_to_be_full_and_leaves_nothing_locked(tmp_path):
    (tmp_path / "gridhive.pid").symlink_to("/dev/full")
    with pytest.raises(Conflict, match=f"No space left on device; make room on the disk of {tmp_path}$"):
        lock_data_folder(tmp_path)
    (tmp_path / "gridhive.pid").unlink()
    lock_data_folder(tmp_path).release()


def test_a_data_folder_below_a_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Conflict, match="is a file; remove it, or name another folder"):
        lock_data_folder(tmp_path / "file" / "data")


def test_a_lock_folder_that_others_may_write_to_is_refused(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(Conflict, match="not this user's own"):
        lock_account(ACCOUNT, [tmp_path / "open"])
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "private")
    with pytest.raises(Conflict, match="not this user's own"):
        lock_account(ACCOUNT, [tmp_path / "link"])


def test_the_runtime_folders_belong_to_the_user(tmp_path):
    temp = Path(tempfile.gettempdir()) / f"gridhive-{os.getuid()}"
    assert runtime_folders(str(tmp_path))[0] == tmp_path / "gridhive"
    assert runtime_folders(str(tmp_path))[-1] == temp
    assert runtime_folders(str(tmp_path / "missing"))[-1] == temp
    (tmp_path / "link").symlink_to(tmp_path)
    assert runtime_folders(str(tmp_path / "link"))[0] == tmp_path / "gridhive"
    assert tmp_path / "missing" / "gridhive" not in runtime_folders(str(tmp_path / "missing"))
