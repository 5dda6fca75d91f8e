"""The guards by name: where each stands, what takes it out, and the tests that stand for it.

A guard is a piece of text in a module, and what stands in its place when it is gone.
"""

from typing import NamedTuple

_RULES = "tests/rules"
_JOURNEYS = "tests/journeys"
_PURGE = f"{_JOURNEYS}/test_purge.py"
_DELETE = f"{_JOURNEYS}/test_delete.py"
_DOUBT = f"{_JOURNEYS}/test_no_delete_in_doubt.py"
_MIRROR = f"{_JOURNEYS}/test_the_mirror_is_true.py"
_CANARIES = "tests/cases/test_canaries.py"
_CLIENT = "tests/upstream/test_client.py"
_LOCK = "tests/store/test_lock.py"
_SQL = "tests/query/test_sql.py"


class Guard(NamedTuple):
    """What is taken out of a module, and the tests of which each has to fail then."""

    module: str
    text: str
    without: str
    tests: tuple[str, ...]


GUARDS = {
    "vanish guard: a listing that lost too much": Guard(
        "sync/plan.py",
        "return emptied or (missing > 10 and missing * 10 > known)",
        "return emptied",
        (
            f"{_RULES}/test_plan.py::test_a_listing_that_lost_too_much_is_not_believed",
            f"{_JOURNEYS}/test_the_guard.py::test_half_a_listing_is_not_believed",
        ),
    ),
    "vanish guard: an empty listing": Guard(
        "sync/plan.py",
        "emptied = listed == 0 and known >= 2 and missing > 0",
        "emptied = False",
        (
            f"{_RULES}/test_plan.py::test_a_listing_that_lost_too_much_is_not_believed",
            f"{_JOURNEYS}/test_the_guard.py::test_a_loss_is_believed_or_withheld_by_its_size",
        ),
    ),
    "vanish guard: the ceiling of what is accepted": Guard(
        "sync/plan.py",
        "doubted and len(missing) > accept_vanished",
        "doubted and not accept_vanished",
        (f"{_JOURNEYS}/test_the_guard.py::test_accept_vanished_is_a_ceiling",),
    ),
    "D1: the seal of a plan": Guard(
        "purge/plan.py",
        'if not hmac.compare_digest(told.encode(errors="replace"), seal(body, key).encode()):',
        "if False:",
        (f"{_PURGE}::test_only_a_plan_as_it_was_made_is_applied",),
    ),
    "D1: a plan expires": Guard(
        "purge/plan.py",
        "if now >= self.expires_at:",
        "if False:",
        (
            f"{_PURGE}::test_a_plan_that_is_expired_is_refused",
            f"{_DOUBT}::test_a_plan_that_expires_while_it_is_confirmed_is_refused",
        ),
    ),
    "D1: it is the environment that was mirrored": Guard(
        "purge/run.py",
        "if moved or not known == plan.upstream_id == found:",
        "if False:",
        (
            f"{_DOUBT}::test_an_environment_that_does_not_tell_its_id_any_more_is_another_one_perhaps",
            f"{_DOUBT}::test_an_environment_that_tells_no_id_is_known_by_its_address",
        ),
    ),
    "D2: what is held is as it was planned": Guard(
        "purge/proof.py",
        "if held.content_sha256 != item.content_sha256:",
        "if False:",
        (f"{_PURGE}::test_what_is_no_longer_held_whole_is_kept",),
    ),
    "D2: the stored bytes are whole": Guard(
        "purge/proof.py",
        "for part in held.damaged:",
        "for part in ():",
        (f"{_PURGE}::test_what_is_no_longer_held_whole_is_kept",),
    ),
    "D2: upstream shows what is held": Guard(
        "purge/proof.py",
        "for part in shown.differs:",
        "for part in ():",
        (f"{_PURGE}::test_what_changed_upstream_is_kept_and_named",),
    ),
    "D2: upstream shows the same incarnation": Guard(
        "purge/proof.py",
        "if not shown.is_same:",
        "if False:",
        (f"{_DELETE}::test_one_made_again_since_the_sync_is_not_hit",),
    ),
    "D2: what was proved a while ago is proved anew": Guard(
        "purge/conveyor.py",
        "return time.monotonic() - GOOD_FOR_S",
        "return 0.0",
        (f"{_DOUBT}::test_what_was_proved_a_while_ago_is_proved_once_more",),
    ),
    "D2: what grew old while its intent was written is proved anew": Guard(
        "purge/conveyor.py",
        "if one.at < oldest:  # the store was busy",
        "if False:",
        (f"{_DOUBT}::test_an_intent_whose_proof_grew_old_while_it_was_written_is_no_delete",),
    ),
    "D2: what took long to prove is asked for once more": Guard(
        "purge/evidence.py",
        "if not aged or fetcher.is_still(whole):",
        "if True:",
        (f"{_DOUBT}::test_what_took_long_to_prove_is_asked_for_once_more",),
    ),
    "D2: no DELETE is sent after a renewal that took long": Guard(
        "upstream/deletes.py",
        "if self._monotonic() - began > _LATE_S:",
        "if False:",
        ("tests/upstream/test_deletes.py::test_no_delete_is_sent_after_a_renewal_that_took_long",),
    ),
    "D2: metrics that nobody asked for": Guard(
        "purge/evidence.py",
        "candidate.metrics or self._may_record(candidate)",
        "candidate.metrics",
        (f"{_DOUBT}::test_metrics_that_nobody_ever_asked_for_keep_their_execution",),
    ),
    "D3: the intent comes before the call": Guard(
        "purge/conveyor.py",
        "self._write([what for _, what in tries])\n        oldest =",
        "for turn, what in tries:\n"
        "            self._erasing.add(self._submit(self._erase, turn, what, to=self._erasers))\n"
        "        __import__('time').sleep(0.3)\n"
        "        self._write([what for _, what in tries])\n"
        "        tries = proved = []\n"
        "        oldest =",
        (f"{_PURGE}::test_an_intent_is_on_the_disk_before_its_call",),
    ),
    "D3: the intent comes before the call for a deployment": Guard(
        "purge/run.py",
        "self.book.write(intents=[what])",
        "pass",
        (f"{_DELETE}::test_a_lost_answer_about_a_deployment_is_looked_for",),
    ),
    "D3: the audit is a chain": Guard(
        "store/audit.py",
        "        if row.chain_sha256 != chain:\n",
        "        if False:\n",
        (f"{_PURGE}::test_an_audit_that_was_changed_is_found_and_told_before_more_is_deleted",),
    ),
    "D4: gone is what a listing of its parent does not have": Guard(
        "purge/look.py",
        "return _none_listed(job, pipeline_name, {key})",
        "return GONE",
        (f"{_PURGE}::test_rights_that_are_lost_half_way_leave_a_doubt",),
    ),
    "D4: a listing that shows nothing of what is known is not believed": Guard(
        "purge/look.py",
        "if is_doubted:",
        "if False:",
        (f"{_PURGE}::test_rights_that_are_lost_without_a_word_leave_a_doubt",),
    ),
    "D5: after no clear answer it is looked for": Guard(
        "purge/asking.py",
        "        seen = closely()\n",
        '        seen = Seen(Sight.THERE, "")\n',
        (f"{_PURGE}::test_a_lost_answer_is_looked_for_and_not_asked_for_again",),
    ),
    "D6: a listing that lacks what is there is not complete": Guard(
        "purge/proof.py",
        "if listed is not None and proof.holds and one.key not in listed",
        "if False",
        (f"{_DELETE}::test_an_empty_listing_does_not_say_that_there_is_nothing_else",),
    ),
    "D6: a deployment is as it was mirrored": Guard(
        "purge/evidence.py",
        "differs=self._settings_that_differ(name) if is_same else (),",
        "differs=(),",
        (f"{_DELETE}::test_settings_that_changed_since_the_sync_keep_it",),
    ),
    "D6: every execution of a deployment is proved": Guard(
        "purge/proof.py",
        "        for flaw in proof.flaws\n",
        "        for flaw in ()\n",
        (
            f"{_RULES}/test_proof.py::test_one_of_its_executions_that_may_not_keeps_it_and_is_named",
            f"{_DELETE}::test_whatever_differs_upstream_keeps_it",
        ),
    ),
    "D6: no execution of a deployment is unknown": Guard(
        "purge/proof.py",
        "for key in sorted((listed or set()) - {one.key for one in item.executions})",
        "for key in ()",
        (f"{_DELETE}::test_one_execution_that_was_never_fetched_keeps_it_and_is_named",),
    ),
    "D6: it is the deployment that was planned": Guard(
        "purge/look.py",
        "payloads.birth_of(found) or _listed_birth(platform, deployment.name)",
        "payloads.birth_of(found) or deployment.created_at",
        (f"{_DOUBT}::test_a_deployment_that_does_not_tell_its_birth_is_another_one_perhaps",),
    ),
    "D6: no execution of a deployment goes on": Guard(
        "purge/proof.py",
        "for key in sorted(going_on)",
        "for key in ()",
        (f"{_DOUBT}::test_one_that_began_again_while_the_others_were_proved_keeps_its_deployment",),
    ),
    "D6: the number of executions is told": Guard(
        "cli/delete.py",
        "if expect_executions not in (None, len(its)):",
        "if False:",
        (f"{_DELETE}::test_without_a_terminal_the_number_of_its_executions_has_to_be_right",),
    ),
    "D7: what is not over": Guard(
        "purge/policy.py",
        "if not is_over(execution.status, named):",
        "if False:",
        (f"{_RULES}/test_policy.py::test_every_doubt_keeps",),
    ),
    "D7: what goes on whatever the user says": Guard(
        "purge/policy.py",
        "(TERMINAL | named) - GOES_ON",
        "(TERMINAL | named)",
        (f"{_RULES}/test_policy.py::test_no_word_of_the_user_ends_what_goes_on",),
    ),
    "D7: what goes on upstream by now": Guard(
        "purge/proof.py",
        "if not shown.is_over:",
        "if False:",
        (f"{_RULES}/test_proof.py::test_one_flaw_is_enough",),
    ),
    "D7: what is not settled": Guard(
        "purge/policy.py",
        "if not execution.settled:",
        "if False:",
        (f"{_RULES}/test_policy.py::test_every_doubt_keeps",),
    ),
    "D7: what is not held": Guard(
        "purge/policy.py",
        "if execution.states - HELD - allow:",
        "if False:",
        (f"{_DELETE}::test_what_may_not_go_is_named_and_kept",),
    ),
    "D8: the share of a pipeline": Guard(
        "purge/policy.py",
        "verdicts += _within(sorted(judged, key=by_end), most=share)",
        "verdicts += judged",
        (
            f"{_RULES}/test_policy.py"
            "::test_what_is_over_the_share_of_its_pipeline_stays_the_oldest_go_first",
        ),
    ),
    "D8: the last ones and the last success": Guard(
        "purge/policy.py",
        "reason = reason or kept.get(one.key)",
        "reason = reason",
        (
            f"{_RULES}/test_policy.py::test_the_last_ones_of_a_pipeline_stay",
            f"{_RULES}/test_policy.py::test_the_last_success_stays_however_old",
        ),
    ),
    "D8: no pipeline is emptied": Guard(
        "purge/policy.py",
        "len(judged) == len(mine):",
        "False:",
        (f"{_RULES}/test_policy.py::test_no_pipeline_is_emptied",),
    ),
    "D8: no more than may go at once": Guard(
        "purge/planning.py",
        "if plan.count > limits.max_deletes:",
        "if False:",
        (f"{_PURGE}::test_more_than_may_go_at_once_is_refused_as_a_whole",),
    ),
    "D8: the last sync can be believed": Guard(
        "purge/footing.py",
        "if now - last.at >= FRESH:",
        "if False:",
        (f"{_PURGE}::test_a_sync_of_a_day_ago_is_too_old_by_the_millisecond",),
    ),
    "D8: a pipeline that could not be listed since": Guard(
        "purge/footing.py",
        "if last.error is not None:",
        "if False:",
        (
            f"{_PURGE}::test_a_pipeline_that_could_not_be_listed_since_is_no_base",
            f"{_PURGE}::test_a_pipeline_that_is_missed_while_none_can_be_listed_is_no_base",
        ),
    ),
    "D8: a later sync that did not get to its end": Guard(
        "purge/footing.py",
        "if last.cut_short is not None and not (last.cut_short == RUNNING and at_work()):",
        "if False:",
        (
            f"{_PURGE}::test_a_sync_that_did_not_get_to_its_end_since_leaves_no_base",
            f"{_PURGE}::test_of_one_that_was_cut_short_nobody_knows_what_it_was_to_cover",
        ),
    ),
    "D8: under the lock a run without an end has died": Guard(
        "purge/footing.py",
        "    return False\n",
        "    return True\n",
        (f"{_PURGE}::test_a_sync_that_did_not_get_to_its_end_since_leaves_no_base",),
    ),
    "D8: a pipeline that a later sync passed over": Guard(
        "purge/footing.py",
        "if last.passed_over:",
        "if False:",
        (f"{_PURGE}::test_a_pipeline_that_a_complete_sync_passed_over_is_no_base",),
    ),
    "D8: three failures in a row end a run": Guard(
        "purge/conveyor.py",
        "self._failures, self._went_well = self._failures + 1, False",
        "pass",
        (f"{_PURGE}::test_three_failures_in_a_row_stop_the_run",),
    ),
    "D8: protected names, whatever their case": Guard(
        "purge/policy.py",
        "return frozenset(name.casefold() for name in names)",
        "return frozenset(names)",
        (
            f"{_RULES}/test_policy.py::test_protected_names_are_compared_without_case",
            f"{_DELETE}::test_a_protected_deployment_stays",
        ),
    ),
    "D8: protected names that can be none": Guard(
        "settings/lists.py",
        "if not word or word != word.strip() or not _IN_NO_NAME.isdisjoint(word):",
        "if False:",
        (f"{_RULES}/test_settings.py::test_a_protected_name_that_can_be_none_is_refused",),
    ),
    "D8: a plan is applied to the environment that is named": Guard(
        "cli/purge.py",
        "if environment not in (None, made.environment):",
        "if False:",
        (f"{_PURGE}::test_a_plan_of_another_environment_than_is_named_is_refused",),
    ),
    "D9: a name is quoted": Guard(
        "upstream/paths.py",
        'return urllib.parse.quote(name, safe="")',
        "return name",
        (
            f"{_CLIENT}::test_a_name_is_one_quoted_segment_of_the_path",
            "tests/upstream/test_deletes.py"
            "::test_a_name_comes_out_as_the_last_segment_and_nothing_else",
        ),
    ),
    "D9: a name that is no segment": Guard(
        "upstream/paths.py",
        ' and name not in {".", ".."}',
        "",
        (f"{_CLIENT}::test_a_name_that_no_path_can_carry_is_refused_before_any_request",),
    ),
    "D9: control characters in a name": Guard(
        "upstream/paths.py",
        " or any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in name)",
        "",
        (f"{_CLIENT}::test_a_name_that_no_path_can_carry_is_refused_before_any_request",),
    ),
    "D10: what was deleted is known to be gone": Guard(
        "purge/book.py",
        "self._leave_tombstones(conn, [*ends, *untried])",
        "pass",
        (f"{_PURGE}::test_the_same_sync_afterwards_is_complete_and_marks_nothing",),
    ),
    "D11: deleting is enabled": Guard(
        "app/plans.py",
        "if not self.settings.purge.enabled:",
        "if False:",
        (f"{_PURGE}::test_what_is_not_enabled_is_refused_with_the_line_to_type",),
    ),
    "D11: no execution of the platform deletes": Guard(
        "app/plans.py",
        "if self.environ.get(INSIDE_AN_EXECUTION):",
        "if False:",
        (f"{_PURGE}::test_what_is_not_enabled_is_refused_with_the_line_to_type",),
    ),
    "D11: somebody consents": Guard(
        "cli/consent.py",
        "if consent is None and not is_attended():",
        "if consent is None:\n        return\n    if False:",
        (
            f"{_PURGE}::test_without_a_terminal_and_without_a_name_nothing_goes",
            f"{_DELETE}::test_without_a_terminal_and_without_a_name_it_stays",
        ),
    ),
    "D11: the right environment is named": Guard(
        "cli/consent.py",
        "if consent != environment:",
        "if False:",
        (f"{_DELETE}::test_on_a_terminal_the_name_of_the_environment_is_typed",),
    ),
    "D11: only purge reaches what deletes": Guard(
        "sync/run.py",
        "from craftsync.upstream.recognition import recognise\n",
        "from craftsync.upstream.recognition import recognise\n"
        "from craftsync.upstream import deletes\n",
        ("tests/house/test_layout.py::test_every_import_contract_is_kept",),
    ),
    "redaction: the value of a variable": Guard(
        "upstream/redact.py",
        "        self._learn(value, secrets)\n"
        "        return self.fingerprint(value if type(value) is str else exact.dumps(value))\n",
        "        return value\n",
        (f"{_MIRROR}::test_a_value_from_an_environment_variable_is_never_written", _CANARIES),
    ),
    "redaction: echoes": Guard(
        "upstream/redact.py",
        "text = self._without_tokens(echoes.replaced(text, secrets))",
        "text = self._without_tokens(text)",
        (f"{_MIRROR}::test_a_secret_is_replaced_wherever_its_execution_says_it_again", _CANARIES),
    ),
    "redaction: a token of ours": Guard(
        "upstream/redact.py",
        "self._own = self.secrets(tokens)",
        "self._own = self.secrets([])",
        (
            f"{_RULES}/test_redact.py::test_our_own_tokens_are_found_wherever_they_are_said",
            _CANARIES,
        ),
    ),
    "redaction: a printed token of an endpoint": Guard(
        "upstream/redact.py",
        "return echoes.without_tokens(text, known, self._hash_of) if known else text",
        "return text",
        (
            f"{_RULES}/test_redact.py::test_a_token_of_an_endpoint_is_known_by_its_fingerprint_alone",
            f"{_JOURNEYS}/test_printed_tokens.py",
            _CANARIES,
        ),
    ),
    "redaction: the user's own patterns": Guard(
        "upstream/redact.py",
        "return self._without_patterns(text) if self._patterns else text",
        "return text",
        (f"{_RULES}/test_redact.py::test_patterns_are_replaced_in_values_and_log_lines", _CANARIES),
    ),
    "redaction: credentials by their names, and in URLs": Guard(
        "upstream/redact.py",
        "if words.may_hold_credentials(body):",
        "if False:",
        (
            f"{_MIRROR}::test_the_user_of_a_repository_and_unknown_credentials_are_not_kept",
            _CANARIES,
        ),
    ),
    "secrets: a traceback without tokens": Guard(
        "cli/safe_text.py",
        '        text = text.replace(secret, "****")\n    return _SECRET.sub("****", text)',
        "        pass\n    return text",
        ("tests/cases/test_secrets.py::test_a_bug_shows_its_traceback_without_the_tokens",),
    ),
    "redirects are not followed": Guard(
        "upstream/transport.py",
        "        if answer.status == _TOO_MANY:\n",
        "        if 300 <= answer.status < 400:\n"
        "            requests.get(answer.headers['location'], headers=self._headers(token, None))\n"
        "        if answer.status == _TOO_MANY:\n",
        (f"{_CLIENT}::test_no_redirect_is_followed_and_no_bearer_goes_along",),
    ),
    "SQL: one statement alone": Guard(
        "query/sandbox.py",
        "if len(statements) > 1:",
        "if False:",
        (f"{_SQL}::test_what_could_do_harm_is_refused",),
    ),
    "SQL: it only reads": Guard(
        "query/sandbox.py",
        'if kind != "SELECT":',
        "if False:",
        (f"{_SQL}::test_what_could_do_harm_is_refused",),
    ),
    "SQL: no files and no network": Guard(
        "query/duck.py",
        'self.connection.execute("set enable_external_access = false")',
        "pass",
        (f"{_SQL}::test_what_could_do_harm_is_refused",),
    ),
    "files: no database is overwritten": Guard(
        "cli/sinks.py",
        "    if any(map(_is_database, mains)):\n",
        "    if False:\n",
        (
            f"{_JOURNEYS}/test_no_store_overwritten.py::test_the_store_is_no_place_to_write_to",
            f"{_JOURNEYS}/test_no_store_overwritten.py::test_nor_is_a_store_that_the_same_command_makes",
        ),
    ),
    "D2: columns that follow from others": Guard(
        "store/compare.py",
        "for name in _DETAIL if drifts else _DETAIL + _OF_THE_STEPS:",
        "for name in _DETAIL:",
        (f"{_PURGE}::test_what_was_changed_here_is_kept_though_the_plan_was_made_after_it",),
    ),
    "D2: values beside a file": Guard(
        "store/compare_values.py",
        "        if not _same_content(mine, theirs):\n            yield",
        "        if False:\n            yield",
        (f"{_PURGE}::test_what_was_changed_here_is_kept_though_the_plan_was_made_after_it",),
    ),
    "the lock of a file": Guard(
        "store/lock.py",
        "        held.acquire()\n",
        "        pass\n",
        (
            f"{_LOCK}::test_a_second_holder_is_refused_at_once",
            f"{_LOCK}::test_the_lock_of_a_killed_process_is_not_stale",
        ),
    ),
}
