"""The first user and the sample library."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchsite import config as configuration
from searchsite.accounts.models import Membership, User
from searchsite.library.models import Item
from searchsite.ops import first_run, samples

pytestmark = pytest.mark.django_db


def test_the_first_user_is_admin_of_a_team_called_home() -> None:
    user = first_run.ensure_first_user("correct horse")
    assert user.is_superuser and user.check_password("correct horse")
    assert Membership.objects.get(user=user).team.name == "home"


def test_a_first_start_that_was_cut_off_gives_a_new_password() -> None:
    first_run.ensure_first_user("never shown")
    first_run.ensure_first_user("shown")
    assert User.objects.get().check_password("shown")


def test_it_is_the_first_run_until_the_password_was_shown(tmp_path: Path) -> None:
    config = configuration.load().model_copy(update={"data_dir": tmp_path})
    assert first_run.is_first(config)
    first_run.ensure_first_user("not yet shown")
    assert first_run.is_first(config)
    (tmp_path / "first-run").unlink()
    assert not first_run.is_first(config)


def test_the_samples_are_put_in_once() -> None:
    user = first_run.ensure_first_user("correct horse")
    assert samples.add_sample_library(user) == samples.add_sample_library(user) == len(samples.files())
    assert Item.objects.count() == len(samples.files()) >= 40
