"""The checker on made-up histories: what breaks a rule is found, what only looks like it is not.

`python3 -m unittest discover Tests/Cluster` runs them alone."""
import os, sys, tempfile, unittest
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checker, outcome, report
from faults import Fault, sequence
from history import LATEST, History, Operation


def did(start, end, kind="write", status=200, person="p", machine="one", **facts):
    return Operation(kind, person, start, end, machine, status, **facts)


def write(start, end, value, status=200):
    return did(start, end, status=status, writes={"p/bio": value})


def read(start, end, value):
    return did(start, end, "read", machine="two", reads={"p/bio": value})


def broken(*operations):
    """The names of the rules that these break."""
    return [it.partition(":")[0] for it in checker.check(list(operations))]


class Reads(unittest.TestCase):
    def test_what_an_acknowledged_write_replaced_is_not_read(self):
        self.assertEqual(broken(write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")), ["stale read"])

    def test_the_finding_names_the_operations_with_time_and_machine(self):
        found, = checker.check([write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")])
        self.assertIn("4.000 …     5.000 s  two    read of p: 200", found)
        self.assertIn("2.000 …     3.000 s  one    write of p: 200", found)

    def test_the_last_acknowledged_write_is_read(self):
        self.assertEqual(broken(write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "b")), [])

    def test_a_write_that_overlaps_may_be_read_or_not(self):
        for value in "ab":
            self.assertEqual(broken(write(0, 1, "a"), write(2, 5, "b"), read(3, 4, value)), [])

    def test_of_writes_that_overlap_either_may_be_the_last(self):
        for value in "ab":
            self.assertEqual(broken(write(0, 2, "a"), write(1, 3, "b"), read(4, 5, value)), [])

    def test_a_write_that_was_not_acknowledged_may_be_read_or_not(self):
        for value in "ab":
            for status in (0, 503):
                self.assertEqual(broken(write(0, 1, "a"), write(2, 3, "b", status), read(4, 5, value)), [])

    def test_a_write_that_was_not_acknowledged_may_come_late_but_not_for_ever(self):
        late = [write(0, 1, "a", 503), write(2, 3, "b")]
        self.assertEqual(broken(*late, read(10, 11, "a")), [])
        end = LATEST + 10
        self.assertEqual(broken(*late, write(end, end + 1, "c"), read(end + 2, end + 3, "a")), ["stale read"])

    def test_a_write_that_was_refused_is_not_read(self):
        self.assertEqual(broken(write(0, 1, "a"), write(2, 3, "b", 400), read(4, 5, "b")), ["unwritten value"])

    def test_a_value_is_not_read_before_it_is_written(self):
        self.assertEqual(broken(write(0, 1, "a"), read(2, 3, "b"), write(4, 5, "b")), ["unwritten value"])

    def test_a_lost_write_is_found_by_the_next_read(self):
        self.assertEqual(broken(write(0, 1, None), write(2, 3, "b"), read(9, 10, None)), ["stale read"])

    def test_what_one_read_has_seen_the_next_one_sees(self):
        self.assertEqual(broken(write(0, 1, "a"), write(2, 9, "b"), read(3, 4, "b"), read(5, 6, "a")), ["stale read"])

    def test_a_write_that_takes_effect_twice_is_found(self):
        seen = [write(0, 1, "a", 503), read(2, 3, "a"), write(4, 5, "b"), read(6, 7, "b")]
        self.assertEqual(broken(*seen), [])
        self.assertEqual(broken(*seen, read(8, 9, "a")), ["stale read"])

    def test_registers_of_others_say_nothing(self):
        other = did(2, 3, writes={"q/bio": "b"}, person="q")
        self.assertEqual(broken(write(0, 1, "a"), other, read(4, 5, "a")), [])

    def test_a_value_that_was_written_twice_is_read(self):
        self.assertEqual(broken(write(0, 1, "a"), write(2, 3, "b"), write(4, 5, "a"), read(6, 7, "a")), [])


class Avatars(unittest.TestCase):
    def upload(self, start, end, path, status=200):
        return did(start, end, "upload", status, writes={"p/avatar": path})

    def look(self, start, end, path):
        return did(start, end, "read", reads={"p/avatar": path})

    def test_the_path_of_an_upload_that_was_not_answered_is_known_when_it_is_read(self):
        lost = [self.upload(0, 1, "a.png"), self.upload(2, 3, "? 1", 503)]
        self.assertEqual(broken(*lost, self.look(4, 5, "b.png")), [])
        self.assertEqual(broken(*lost, self.look(4, 5, "a.png")), [])

    def test_one_such_upload_explains_one_path(self):
        lost = [self.upload(0, 1, "a.png"), self.upload(2, 3, "? 1", 503)]
        self.assertEqual(broken(*lost, self.look(4, 5, "b.png"), self.look(6, 7, "c.png")), ["unwritten value"])

    def test_the_picture_before_is_not_shown_again(self):
        self.assertEqual(broken(self.upload(0, 1, "a.png"), self.upload(2, 3, "b.png"), self.look(4, 5, "a.png")),
                         ["stale read"])


class Passwords(unittest.TestCase):
    def setUp(self):
        self.account = did(0, 1, "register", 201, writes={"p/password": "a", "p/status": "active"})

    def login(self, start, end, password, status=200):
        fact = "denies" if status == 401 else "reads"
        return did(start, end, "login", status, **{fact: {"p/password": password}})

    def test_the_right_password_is_not_refused(self):
        self.assertEqual(broken(self.account, self.login(2, 3, "a", 401)), ["right value refused"])

    def test_a_wrong_password_is_refused(self):
        self.assertEqual(broken(self.account, self.login(2, 3, "b", 401)), [])

    def test_an_old_password_opens_nothing(self):
        change = did(2, 3, "change password", writes={"p/password": "b"})
        self.assertEqual(broken(self.account, change, self.login(4, 5, "a", 401), self.login(6, 7, "b")), [])
        self.assertEqual(broken(self.account, change, self.login(4, 5, "a")), ["stale read"])

    def test_after_a_change_that_was_not_answered_either_may_be_refused(self):
        change = did(2, 3, "change password", 503, writes={"p/password": "b"})
        for password in "ab":
            self.assertEqual(broken(self.account, change, self.login(4, 5, password, 401)), [])

    def test_a_disabled_account_refuses_the_right_password_and_never_takes_it(self):
        disabled = did(2, 3, "set-status", writes={"p/status": "disabled"})
        self.assertEqual(broken(self.account, disabled, self.login(4, 5, "a", 401)), [])
        taken = did(4, 5, "login", reads={"p/status": "active"})
        self.assertEqual(broken(self.account, disabled, taken), ["stale read"])


class Sessions(unittest.TestCase):
    def setUp(self):
        self.begin = did(0, 1, "login", begins="s")

    def use(self, start, end, status):
        return did(start, end, "read", status, session="s")

    def end(self, start, end, status=200, ends="own", session="s"):
        return did(start, end, "logout", status, ends=ends, session=session)

    def test_a_fresh_session_is_accepted(self):
        self.assertEqual(broken(self.begin, self.use(2, 3, 200)), [])
        self.assertEqual(broken(self.begin, self.use(2, 3, 401)), ["living session refused"])

    def test_an_ended_session_is_refused(self):
        self.assertEqual(broken(self.begin, self.end(2, 3), self.use(4, 5, 401)), [])
        self.assertEqual(broken(self.begin, self.end(2, 3), self.use(4, 5, 200)), ["ended session accepted"])

    def test_while_it_ends_it_may_be_either(self):
        for status in (200, 401):
            self.assertEqual(broken(self.begin, self.end(2, 5), self.use(3, 4, status)), [])

    def test_after_an_end_that_was_not_answered_it_may_be_either(self):
        for status in (200, 401):
            self.assertEqual(broken(self.begin, self.end(2, 3, 503), self.use(4, 5, status)), [])

    def test_an_end_that_was_refused_ends_nothing(self):
        self.assertEqual(broken(self.begin, self.end(2, 3, 400), self.use(4, 5, 401)), ["living session refused"])

    def test_a_new_password_ends_the_other_sessions_and_not_its_own(self):
        other = did(0, 1, "login", begins="t")
        change = self.end(2, 3, ends="others", session="t")
        self.assertEqual(broken(self.begin, other, change, self.use(4, 5, 200)), ["ended session accepted"])
        own = did(4, 5, "read", 401, session="t")
        self.assertEqual(broken(self.begin, other, change, own), ["living session refused"])

    def test_an_operator_ends_all_that_had_begun(self):
        everything = did(2, 3, "set-role", ends="all")
        self.assertEqual(broken(self.begin, everything, self.use(4, 5, 200)), ["ended session accepted"])
        later = did(4, 5, "login", begins="t")
        self.assertEqual(broken(everything, later, did(6, 7, "read", 200, session="t")), [])
        self.assertEqual(broken(everything, later, did(6, 7, "read", 401, session="t")), ["living session refused"])


class Names(unittest.TestCase):
    def claim(self, start, end, status):
        return did(start, end, "register", status, claims="x")

    def test_of_several_at_once_one_gets_it(self):
        self.assertEqual(broken(self.claim(0, 2, 201), self.claim(1, 3, 400)), [])
        self.assertEqual(broken(self.claim(0, 2, 201), self.claim(1, 3, 201)), ["name given twice"])

    def test_a_name_that_nobody_has_is_not_taken(self):
        self.assertEqual(broken(self.claim(0, 2, 400), self.claim(1, 3, 400)), ["free name refused"] * 2)

    def test_who_was_not_answered_may_have_it(self):
        self.assertEqual(broken(self.claim(0, 2, 503), self.claim(3, 4, 400)), [])


class Others(unittest.TestCase):
    def test_a_token_of_a_mail_works_once(self):
        uses = [did(0, 1, "reset password", spends="t"), did(2, 3, "reset password", 400, spends="t")]
        self.assertEqual(broken(*uses), [])
        self.assertEqual(broken(*uses, did(4, 5, "reset password", spends="t")), ["token worked twice"])

    def guesses(self, count):
        return [did(it, it + 0.5, "guess", 401, denies={"p/password": "x"}) for it in range(count)]

    def test_ten_wrong_passwords_lock_until_somebody_unlocks(self):
        locked = self.guesses(10)
        self.assertEqual(broken(*locked, did(20, 21, "knock", 429)), [])
        self.assertEqual(broken(*locked, did(20, 21, "knock", 200)), ["not locked"])
        self.assertEqual(broken(*locked, did(20, 21, "unlock"), did(22, 23, "knock", 200)), [])
        self.assertEqual(broken(*locked, did(20, 21, "unlock"), did(22, 23, "knock", 429)), ["locked too early"])

    def test_after_an_unlock_that_was_not_answered_it_may_be_either(self):
        perhaps = [*self.guesses(10), did(20, 21, "knock", 423), did(22, 23, "unlock", 503)]
        for status in (200, 429):
            self.assertEqual(broken(*perhaps, did(24, 25, "knock", status)), [])

    def test_nine_lock_nothing(self):
        self.assertEqual(broken(*self.guesses(9), did(20, 21, "knock", 200)), [])
        self.assertEqual(broken(*self.guesses(9), did(20, 21, "knock", 429)), ["locked too early"])

    def test_each_login_is_counted_once(self):
        logins = [did(0, 1, "login"), did(2, 3, "login", 503), did(4, 5, "login", 401)]
        for count, rules in [(0, 1), (1, 0), (2, 0), (3, 1)]:
            self.assertEqual(broken(*logins, did(6, 7, "read", logins=count)), ["logins miscounted"] * rules)

    def test_an_answer_that_can_only_be_wrong_is_found(self):
        self.assertEqual(broken(did(0, 1, "read", 500, wrong="must not be answered so")), ["wrong answer"])


class Outcome(unittest.TestCase):
    mail = ("p@example.org", "reset-password")

    def rules(self, findings):
        return [it.partition(":")[0] for it in findings]

    def test_one_mail_comes_for_one_request(self):
        asked = [did(0, 1, "forgot password", mail=self.mail)]
        for count, rules in [(0, ["mail lost"]), (1, []), (2, ["mail sent twice"])]:
            self.assertEqual(self.rules(outcome.mails(asked, [self.mail] * count)), rules)

    def test_one_that_was_not_answered_has_one_mail_or_none(self):
        asked = [did(0, 1, "forgot password", 503, mail=self.mail)]
        for count, rules in [(0, []), (1, []), (2, ["mail sent twice"])]:
            self.assertEqual(self.rules(outcome.mails(asked, [self.mail] * count)), rules)

    def test_nobody_gets_a_mail_that_nobody_asked_for(self):
        self.assertEqual(self.rules(outcome.mails([], [self.mail])), ["mail sent twice"])

    def test_each_registration_is_one_row(self):
        made = [did(0, 1, "register", 201, claims="x")]
        for rows, rules in [([], ["account lost"]), (["x"], []), (["x", "x"], ["account there twice"]),
                            (["x", "y"], ["account that nobody registered"])]:
            self.assertEqual(self.rules(outcome.rows(made, rows)), rules)

    def test_all_files_of_a_row_are_there(self):
        with tempfile.TemporaryDirectory() as media:
            os.mkdir(media + "/avatars")
            for name in ("a.png", "a-256.png", "a-64.png", "b.png", "b-64.png"):
                open(f"{media}/avatars/{name}", "w").close()
            self.assertEqual(outcome.files(["avatars/a.png"], media), [])
            self.assertEqual(outcome.files(["avatars/b.png"], media), ["row without a file: avatars/b-256.png"])

    def test_nodes_have_the_same_rows(self):
        class Node:
            def __init__(self, name, rows):
                self.name, self.rows, self.node = name, rows, self

            def sql(self, *_):
                return self.rows
        same = [Node("one", [["1", "x"]]), Node("two", [["1", "x"]])]
        self.assertEqual(outcome.same_rows(same), [])
        other = same[:1] + [Node("two", [["1", "y"]])]
        self.assertEqual(set(self.rules(outcome.same_rows(other))), {"nodes differ"})


class Outages(unittest.TestCase):
    def missed(self, kind, *spans):
        history = History()
        history.faults = [Fault(kind, 0, 5, "one", start=10, whole=20)]
        history.operations = [did(start, end, status=status) for start, end, status in spans]
        return len(report.table(history)[1])

    def test_what_fails_for_longer_than_it_may_is_told(self):
        self.assertEqual(self.missed("kill database", (11, 12.9, 503)), 0)
        self.assertEqual(self.missed("kill database", (11, 13.1, 0)), 1)

    def test_what_fails_counts_for_the_fault_in_which_it_does(self):
        self.assertEqual(self.missed("rolling restart", (9, 9.5, 503)), 0)
        self.assertEqual(self.missed("rolling restart", (9, 10.5, 503)), 1)

    def test_failures_one_after_the_other_are_one_outage(self):
        self.assertEqual(self.missed("kill nginx", (11, 11.5, 502), (12.2, 12.3, 200), (12.4, 13.2, 503)), 1)
        self.assertEqual(self.missed("kill nginx", (11, 11.5, 502), (15, 15.5, 503)), 0)

    def test_not_one_request_may_fail_in_a_rolling_restart(self):
        self.assertEqual(self.missed("rolling restart", (11, 11.1, 200)), 0)
        self.assertEqual(self.missed("rolling restart", (11, 11.1, 502)), 1)

    def test_one_seed_makes_one_sequence_of_faults(self):
        def first(seed):
            faults = sequence(seed)
            return [(it.kind, it.machine, it.seconds) for it, _ in zip(faults, range(20))]
        self.assertEqual(first(1), first(1))
        self.assertNotEqual(first(1), first(2))


if __name__ == "__main__":
    unittest.main()
