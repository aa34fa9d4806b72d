"""Each promise of `SECURITY.md` beside the tests that show it; a promise without one fails here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
ORCHESTRATOR, TRAINABLES = "tests/orchestrator", "tests/trainables"
DOCUMENT = f"{ORCHESTRATOR}/search_space/test_document.py"
BASE = f"{TRAINABLES}/base_models/test_hostile_base.py"
STORE = f"{ORCHESTRATOR}/outcomes/test_hostile_store.py"
OWN = f"{ORCHESTRATOR}/store/test_own_files.py"
ACCESS = f"{ORCHESTRATOR}/ray_tune/test_access.py"
EXPOSURE = f"{ORCHESTRATOR}/ray_tune/test_exposure.py"
ATTACKS = f"{TRAINABLES}/sql/sandbox/test_attacks.py"
PREDICT = f"{ORCHESTRATOR}/predict/test_cli.py"
RESULTS = f"{ORCHESTRATOR}/results/test_hostile_text.py"
REPORT = f"{ORCHESTRATOR}/results/report"
CONSOLE = f"{ORCHESTRATOR}/terminal/test_plain_console.py"

PROMISES: dict[str, tuple[str, ...]] = {
    "YAML is read event by event and nothing that it names is constructed: tags, anchors, aliases"
    " and repeated keys are errors.": (
        f"{DOCUMENT}::test_every_tag_is_refused",
        f"{DOCUMENT}::test_an_alias_bomb_is_refused_unexpanded",
        f"{DOCUMENT}::test_merge_keys_do_not_merge",
        f"{ORCHESTRATOR}/search_space/test_load.py::test_duplicates_and_anchors_are_reported_together",
    ),
    "Size and depth of a file are bounded.": (
        f"{DOCUMENT}::test_deep_nesting_is_refused",
        f"{DOCUMENT}::test_a_huge_file_is_refused_unread",
        f"{DOCUMENT}::test_a_huge_number_is_refused_in_short",
    ),
    "Weights are read from safetensors only, everything else is JSON, CSV, Parquet or Arrow; a"
    " model or checkpoint that has only `.bin` files is refused.": (
        f"{BASE}::test_pickles_beside_the_weights_are_not_read",
        f"{BASE}::test_pickles_instead_of_the_weights_are_refused",
        f"{BASE}::test_an_index_of_safetensors_that_names_a_pickle_is_refused",
        f"{BASE}::test_an_adapter_in_the_folder_is_not_unpickled",
        f"{TRAINABLES}/training/test_checkpoint.py::test_nothing_is_pickled",
        f"{TRAINABLES}/data/test_token_cache.py::test_pickles_in_the_cache_are_not_read",
        f"{TRAINABLES}/data/test_token_cache.py::test_a_pickle_in_the_metadata_of_a_block_is_not_read",
        f"{TRAINABLES}/data/test_hostile_data.py::test_a_pickle_is_no_table",
        f"{ORCHESTRATOR}/results/test_planted.py::test_pickles_in_the_store_are_not_read",
        f"{ORCHESTRATOR}/results/test_planted.py::test_a_pickle_in_the_metadata_of_a_table_is_not_read",
        f"{PREDICT}::test_pickles_instead_of_the_weights_are_refused",
    ),
    "Exports are copied file by file, by name.": (
        f"{PREDICT}::test_pickles_beside_the_weights_are_neither_read_nor_exported",
    ),
    "A sweep that is continued is read from the store, never from what Ray left: Ray Tune's own"
    " record, in part pickles, lies in a temporary folder of your user's.": (
        f"{EXPOSURE}::test_no_planted_pickle_is_loaded_when_a_sweep_is_continued",
    ),
    "`trust_remote_code` is off everywhere; Python files in a model's folder are never imported.": (
        f"{BASE}::test_code_in_the_folder_is_not_run",
        f"{BASE}::test_a_tokenizer_class_in_the_folder_is_not_imported",
    ),
    "Those of a data set are never run.": (
        f"{TRAINABLES}/data/test_hostile_data.py::test_scripts_and_pickles_beside_the_tables_are_left_alone",
        f"{TRAINABLES}/data/test_hostile_data.py::test_a_script_is_no_data_set",
    ),
    "An id, a path or a checkpoint in a row or in a file under `state/` that is not its own sweep's"
    " is refused where it is read, by a message that names the file.": (
        f"{STORE}::test_a_row_that_names_what_is_not_its_own_is_refused_by_name",
        f"{STORE}::test_a_damaged_record_is_one_line_with_its_remedy",
        f"{STORE}::test_whatever_a_state_file_holds_it_is_refused_or_harmless",
    ),
    "Links, pipes and devices below `--root` are refused by name before anything is read or written"
    " through them, and those in a checkpoint where they lead out of it.": (
        f"{OWN}::test_what_is_no_file_of_the_stores_is_named_and_not_opened",
        f"{OWN}::test_a_folder_is_not_followed_elsewhere",
        f"{OWN}::test_nothing_is_published_elsewhere",
        f"{STORE}::test_a_pipe_among_the_sweeps_files_holds_nothing_up",
        f"{STORE}::test_a_link_out_of_the_store_is_neither_followed_nor_emptied",
        f"{STORE}::test_a_linked_file_in_a_checkpoint_is_not_read",
    ),
    "Nothing outside `--root` is removed or written over, and no checkpoint outside it is loaded or"
    " linked, whatever stands in the store.": (
        f"{OWN}::test_nothing_is_staged_or_removed_elsewhere",
        f"{OWN}::test_an_index_elsewhere_loses_nothing",
        f"{STORE}::test_a_link_among_the_sweeps_files_has_nothing_written_over",
        f"{STORE}::test_no_checkpoint_is_put_elsewhere",
        f"{STORE}::test_whatever_a_row_says_nothing_outside_is_touched",
        f"{STORE}::test_a_link_out_of_the_store_is_neither_followed_nor_emptied",
        f"{ORCHESTRATOR}/state/test_checkpoint_objects.py"
        "::test_a_commit_object_of_somebody_elses_is_refused",
    ),
    "The base model that a row names, a folder or an identifier of the hub, is read as data, as one"
    " that you name.": (
        f"{BASE}::test_code_in_the_folder_is_not_run",
        f"{BASE}::test_pickles_instead_of_the_weights_are_refused",
    ),
    "What a model, data set, database, store or file says is never read as markup.": (
        f"{CONSOLE}::test_a_text_is_shown_as_it_is",
        f"{CONSOLE}::test_only_the_terminal_writes",
        f"{RESULTS}::test_a_table_shows_the_text_whole",
        f"{ORCHESTRATOR}/sweep/test_hostile_text.py::test_a_plan_shows_the_question_as_it_is",
        f"{ORCHESTRATOR}/sweep/test_hostile_text.py::test_progress_shows_names_and_errors_as_they_are",
        f"{PREDICT}::test_what_a_model_says_is_shown_as_text",
    ),
    r"Control characters and those that turn the direction of writing are shown as `\x1b` or"
    r" `\u202e`, also in the traceback of a fault and in JSON, whose value stays.": (
        f"{ORCHESTRATOR}/test_errors.py::test_a_traceback_acts_on_no_terminal",
        f"{TRAINABLES}/contract/test_visible.py::test_what_acts_is_shown_by_its_escape",
        f"{CONSOLE}::test_every_text_is_printed_visibly_and_whole",
        f"{RESULTS}::test_no_text_acts_on_the_terminal",
        f"{RESULTS}::test_a_mistake_is_told_as_text",
        f"{ORCHESTRATOR}/terminal/test_json_text.py::test_it_reads_back_as_it_was",
        f"{PREDICT}::test_what_a_model_says_is_shown_as_text",
    ),
    "In a CSV they are too, and a text that a spreadsheet would take for a formula has `'` before"
    " it, unless you ask for `--raw`.": (
        f"{ORCHESTRATOR}/terminal/test_csv_cells.py::test_a_formula_is_shown_as_text",
        f"{ORCHESTRATOR}/terminal/test_csv_cells.py::test_what_acts_on_a_terminal_is_written_out",
        f"{RESULTS}::test_a_spreadsheet_runs_no_cell_of_a_csv",
        f"{RESULTS}::test_an_exported_csv_is_harmless_unless_it_is_raw",
    ),
    "The card of an exported model escapes Markdown and HTML.": (
        f"{TRAINABLES}/inference/test_markdown.py::test_a_paragraph_shows_the_text_and_nothing_else",
        f"{TRAINABLES}/inference/test_markdown.py::test_no_html_no_link_and_no_picture",
        f"{TRAINABLES}/inference/test_model_card.py::test_nothing_from_outside_is_markup_in_the_card",
    ),
    "So does a report, whose page fetches nothing and runs its own two scripts alone, by their"
    " digests.": (
        f"{REPORT}/test_hostile_report.py::test_no_text_becomes_an_element_or_a_script",
        f"{REPORT}/test_hostile_report.py::test_markdown_shows_the_text_and_has_no_element_of_it",
        f"{REPORT}/test_page.py::test_its_policy_allows_its_own_scripts_and_style_and_nothing_else",
        f"{REPORT}/test_page.py::test_it_asks_no_host_for_anything",
        f"{REPORT}/test_browser.py::test_it_draws_every_plot_and_asks_for_nothing",
    ),
    "Commands that are printed are quoted for a shell.": (
        f"{ORCHESTRATOR}/terminal/test_commands.py::test_a_shell_reads_the_words_as_they_were",
        f"{ORCHESTRATOR}/sweep/test_result.py::test_the_commands_at_the_end_work_when_they_are_pasted",
        f"{TRAINABLES}/base_models/test_availability.py::test_the_command_that_downloads_is_quoted",
        f"{TRAINABLES}/data/test_availability.py::test_the_command_that_downloads_is_quoted",
    ),
    "`environment_json` records what is on a list (versions, machine, commit); no environment"
    " variable is on it.": (
        f"{ORCHESTRATOR}/outcomes/test_environment.py::test_no_secret_of_the_environment_is_recorded",
        f"{EXPOSURE}::test_no_secret_is_in_any_answer_log_or_file",
    ),
    "Tokens such as `HF_TOKEN` reach the trials' processes through the environment and are not put"
    " into Ray's runtime environments, which its API shows and its logs keep; Ray Tune's copying of"
    " AWS credentials into them is turned off.": (
        f"{EXPOSURE}::test_no_secret_is_in_any_answer_log_or_file",
    ),
    "Without `--address`, Ray and the trials listen on 127.0.0.1 only.": (
        f"{EXPOSURE}::test_every_socket_listens_on_loopback_only",
        f"{ACCESS}::test_ray_keeps_to_loopback_whichever_module_imports_it_first",
    ),
    "Ray's API and dashboard ask for its token (`ray get-auth-token`), whose file,"
    " `~/.ray/auth_token`, is made readable for you alone.": (
        f"{EXPOSURE}::test_rays_api_asks_for_the_token",
        f"{ACCESS}::test_only_the_owner_can_read_the_token",
    ),
    "`--dashboard-host 0.0.0.0` opens the dashboard, nothing else, to other machines, and is"
    " refused where `RAY_AUTH_MODE` turns the token off.": (
        f"{ACCESS}::test_any_other_address_needs_the_token",
        f"{ACCESS}::test_a_refused_dashboard_is_one_clear_message",
        f"{EXPOSURE}::test_every_socket_listens_on_loopback_only",
    ),
    "Each prediction runs in a child process with limits on instructions, processor time, memory"
    " and output, without files, with SQLite's authorizer permitting a list of actions.": (
        f"{ATTACKS}::test_forbidden",
        f"{ATTACKS}::test_costly",
        f"{ATTACKS}::test_only_listed_actions_are_permitted",
        f"{ATTACKS}::test_the_child_has_no_way_out",
        f"{ATTACKS}::test_a_child_that_answers_nothing_is_killed_at_the_wall_clock_limit",
    ),
    "`predict --execute` runs single SELECTs on a copy in memory; your database file is not written"
    " to.": (
        f"{PREDICT}::test_no_prediction_changes_the_database",
        f"{TRAINABLES}/sql/test_database_file.py::test_nothing_changes_on_the_disk",
        f"{TRAINABLES}/sql/test_query.py::test_what_is_refused",
    ),
    "Scores of rows about `databases` run on such copies too.": (
        f"{TRAINABLES}/data/test_databases.py::test_no_statement_changes_a_file",
    ),
    "`results query` runs one statement that reads: DuckDB is kept from every file but the store's"
    " and from the network.": (
        f"{ORCHESTRATOR}/results/test_cli.py::test_query_reads_the_store_and_does_nothing_else",
    ),
}

NO_PROMISES = (
    "On other nodes of a cluster a trial has the tokens of that node.",
    "It is plain HTTP: on a network that you do not trust, leave it out and use `ssh -L"
    " 8265:127.0.0.1:8265 HOST`.",
    "Each sentence of this list stands in `tests/test_security_promises.py` beside the tests that"
    " show it.",
)
"""What a user is to know or to do."""


def _sentences() -> list[str]:
    text = (TOP / "SECURITY.md").read_text(encoding="utf-8")
    section = text.partition("## What is protected how\n")[2].partition("\n## ")[0]
    section = re.sub(r"^- \*\*[^*]+\.\*\*", "", section, flags=re.MULTILINE)
    return re.split(r"(?<=\.) (?=[A-Z`])", " ".join(section.split()))


def test_each_sentence_has_its_tests() -> None:
    assert sorted(_sentences()) == sorted([*PROMISES, *NO_PROMISES])


@pytest.mark.parametrize("node", sorted({node for nodes in PROMISES.values() for node in nodes}))
def test_the_tests_are_there(node: str) -> None:
    file, _, name = node.partition("::")
    tree = ast.parse((TOP / file).read_text(encoding="utf-8"))
    (found,) = [each for each in tree.body if getattr(each, "name", None) == name]
    assert isinstance(found, ast.FunctionDef)
    assert "skip" not in "".join(map(ast.unparse, found.decorator_list))
