"""Token ids on disk: the same as without the cache, whatever has become of its files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planted import PICKLES, Planted
from trainables.base_models.tokenizer import load_tokenizer
from trainables.data import encoded_rows, token_cache
from trainables.data.encoded_rows import EncodedRows
from trainables.data.spelling import SqlTokens
from trainables.data.tables import Example
from trainables.data.token_cache import Block, Column
from trainables.embedded import corpus
from trainables.families.framing import TokenIds
from trainables.runtime.cache_folder import VARIABLE

EXAMPLES = [
    Example(row["id"], row["sql_prompt"], row["sql_context"], row["sql"])
    for row in corpus.rows("test")[:50]
]
ALL = range(len(EXAMPLES))
Rows = tuple[list[list[int]], list[list[int]]]


@pytest.fixture(scope="module")
def tokens() -> SqlTokens:
    return SqlTokens(load_tokenizer("embedded"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(encoded_rows, "BLOCK", 20)
    return tmp_path / "tokens"


def ids(
    tokens: SqlTokens, count: int = 50, source_limit: int = 99, protocol: str = "standard"
) -> Rows:
    rows = EncodedRows(
        EXAMPLES,
        tokens,
        source_limit=source_limit,
        target_limit=12,
        protocol=protocol,
        count=count,
    )
    wanted = range(count)
    lengths = rows.lengths(wanted)
    found = (
        [row.tolist() for row in rows.sources(wanted)],
        [r.tolist() for r in rows.targets(wanted)],
    )
    assert lengths == [(len(s), len(t)) for s, t in zip(*found, strict=True)]
    return found


def files(home: Path) -> list[Path]:
    return sorted(home.glob("*.arrow"))


@pytest.fixture
def no_tokenising(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        def token_ids(*_: object, **__: object) -> None:
            raise AssertionError("tokenised again")

        monkeypatch.setattr(SqlTokens, "prompt_ids", token_ids)
        monkeypatch.setattr(SqlTokens, "statement_ids", token_ids)

    return forbid


def test_rows_are_tokenised_once(
    tokens: SqlTokens,
    home: Path,
    no_tokenising: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ids(tokens)
    assert len(files(home)) == 3
    monkeypatch.setenv(VARIABLE, "")
    assert ids(tokens) == first
    monkeypatch.setenv(VARIABLE, str(home.parent))
    no_tokenising()
    assert ids(tokens) == first


def test_only_the_blocks_that_are_used_are_made_and_smaller_sizes_share_them(
    tokens: SqlTokens, home: Path, no_tokenising: Callable[[], None]
) -> None:
    larger = ids(tokens, 30)
    assert len(files(home)) == 2
    no_tokenising()
    smaller = ids(tokens, 7)
    assert smaller == (larger[0][:7], larger[1][:7])


def test_other_limits_and_prompts_are_other_files(tokens: SqlTokens, home: Path) -> None:
    plain, cut, asked = ids(tokens), ids(tokens, source_limit=9), ids(tokens, protocol="notebook")
    assert len(files(home)) == 9
    assert max(map(len, cut[0])) == 9
    assert plain[0] != asked[0]


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _change_a_token(file: Path) -> None:
    """As a failing disk would, so that only the checksum tells."""
    content = bytearray(file.read_bytes())
    with pa.memory_map(str(file)) as opened:
        values = pa.ipc.open_file(opened).read_all()["source"].chunks[0].values
        wanted = values.to_numpy()[:8].tobytes()
    place = content.index(wanted)
    content[place] ^= 1
    file.write_bytes(content)


def _put_another_s_in_its_place(file: Path) -> None:
    other = next(path for path in files(file.parent) if path != file)
    file.write_bytes(other.read_bytes())


def _put_a_table_in_its_place(file: Path) -> None:
    table = pa.table({"a": [1, 2]})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _put_a_folder_in_its_place(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "damage",
    [_cut, _empty, _change_a_token, _put_another_s_in_its_place, _put_a_table_in_its_place],
)
def test_a_damaged_file_is_made_again(
    tokens: SqlTokens, home: Path, damage: Callable[[Path], None]
) -> None:
    first = ids(tokens)
    victim = files(home)[0]
    whole = victim.read_bytes()
    damage(victim)
    assert victim.read_bytes() != whole
    assert ids(tokens) == first
    assert victim.read_bytes() == whole


@pytest.mark.parametrize("word", [-1, 2**31 - 1], ids=["negative", "large"])
def test_a_file_that_is_damaged_anywhere_is_none_or_the_same(home: Path, word: int) -> None:
    rows = [np.arange(n % 7, dtype=np.int32) for n in range(20)]
    token_cache.store("k", Block(column(rows), column(rows[::-1])))
    whole = (home / "k.arrow").read_bytes()
    damaged = bytearray(whole)
    for place in range(0, len(whole) // 4 * 4, 4):
        damaged[place : place + 4] = word.to_bytes(4, "little", signed=True)
        (home / "k.arrow").write_bytes(damaged)
        block = token_cache.load("k", 20)
        if block is not None:
            assert [block.source.row(i).tolist() for i in range(20)] == [r.tolist() for r in rows]
        damaged[place : place + 4] = whole[place : place + 4]


def test_pickles_in_the_cache_are_not_read(tokens: SqlTokens, home: Path, tmp_path: Path) -> None:
    planted = Planted(tmp_path / "mark")
    first = ids(tokens)
    whole = {path: path.read_bytes() for path in files(home)}
    for folder in (home.parent, home):
        planted.pickles(folder, *PICKLES, *(f"{path.stem}.pkl" for path in whole))
    planted.pickles(home, *(path.name for path in whole))
    assert ids(tokens) == first
    assert {path: path.read_bytes() for path in files(home)} == whole
    assert planted.asleep()


def test_a_pickle_in_the_metadata_of_a_block_is_not_read(
    tokens: SqlTokens, home: Path, tmp_path: Path
) -> None:
    planted = Planted(tmp_path / "mark")
    first = ids(tokens)
    # How pyarrow once stored extension types that Python defines.
    extension = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": planted.payload(),
    }
    for file in files(home):
        with pa.memory_map(str(file)) as opened:
            table = pa.ipc.open_file(opened).read_all()
        fields = [field.with_metadata(extension) for field in table.schema]
        schema = pa.schema(fields, metadata=table.schema.metadata)
        file.unlink()  # mapped above, and by the first rows
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_table(table.cast(schema))
        assert planted.payload() in file.read_bytes()
    assert ids(tokens) == first
    assert planted.asleep()


def test_what_cannot_be_written_is_done_without(tokens: SqlTokens, home: Path) -> None:
    first = ids(tokens)
    for file in files(home):
        _put_a_folder_in_its_place(file)
    assert ids(tokens) == first
    assert not list(home.glob("*.tmp"))


def test_many_at_once_end_with_the_same_files(tokens: SqlTokens, home: Path) -> None:
    found: list[Rows] = []
    threads = [threading.Thread(target=lambda: found.append(ids(tokens))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(rows == found[0] for rows in found)
    assert len(files(home)) == len(list(home.iterdir())) == 3


def test_what_was_used_longest_ago_goes_first(
    tokens: SqlTokens, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(tokens, 40)
    older, newer = files(home)
    os.utime(older, (1, 1))
    os.utime(newer, (2, 2))
    room = older.stat().st_size + newer.stat().st_size
    monkeypatch.setattr(token_cache, "LARGEST", room)
    ids(tokens, 20, source_limit=50)  # reads neither: what is read counts as used now
    assert older not in files(home)
    assert newer in files(home)


def column(rows: list[TokenIds]) -> Column:
    return Column.of(rows, [10] * len(rows))


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=6), min_size=1, max_size=9))
def test_a_column_is_its_rows(rows: list[list[int]]) -> None:
    found = column([np.asarray(row, dtype=np.int32) for row in rows])
    assert [found.row(i).tolist() for i in range(len(rows))] == rows
    assert [found.length(i) for i in range(len(rows))] == [len(row) for row in rows]


def test_a_block_comes_back_as_it_was(home: Path) -> None:
    rows = [np.arange(n, dtype=np.int32) for n in (3, 0, 5)]
    block = Block(column(rows), column(rows[::-1]))
    token_cache.store("k", block)
    loaded = token_cache.load("k", 3)
    assert loaded is not None
    assert [loaded.target.row(i).tolist() for i in range(3)] == [r.tolist() for r in rows[::-1]]
    assert loaded.target.whole.tolist() == [10, 10, 10]
    assert token_cache.load("k", 4) is None
    assert token_cache.load("j", 3) is None


def test_the_default_folder_follows_the_desktop_s_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert token_cache.folder() == Path("/somewhere/finetune-sweep/tokens")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert token_cache.folder() == Path("/home/someone/.cache/finetune-sweep/tokens")
