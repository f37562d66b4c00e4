"""What is installed against what should be."""

from __future__ import annotations

from google.cloud.monitoring_dashboard_v1 import Dashboard, MosaicLayout
from google.cloud.monitoring_v3 import AlertPolicy

from streaming.monitoring.installed import Action, Change, Item, Kind, changes, differences, is_ours


def policy(rule: str, name: str = "", title: str = "Title", query: str = "up", **fields: object) -> Item:
    condition = AlertPolicy.Condition(
        name=name and f"{name}/conditions/1", condition_prometheus_query_language={"query": query}
    )
    return Item(Kind.ALERT, rule, AlertPolicy(name=name, display_name=title, conditions=[condition], **fields))


def board(name: str = "", *, left: int = 0, etag: str = "") -> Item:
    tile = MosaicLayout.Tile(x_pos=left, width=16, height=14)
    layout = MosaicLayout(columns=48, tiles=[tile])
    return Item(Kind.DASHBOARD, "", Dashboard(name=name, etag=etag, display_name="Board", mosaic_layout=layout))


def test_what_is_not_there_is_created() -> None:
    assert changes([board(), policy("a")], []) == [
        Change(Action.CREATE, board()),
        Change(Action.CREATE, policy("a")),
    ]


def test_what_is_equal_but_for_what_the_service_sets_is_left_alone() -> None:
    there = [
        board("projects/p/dashboards/1", etag="e"),
        policy("a", "projects/p/alertPolicies/1", creation_record={"mutated_by": "me"}),
    ]
    assert changes([board(), policy("a")], there) == []


def test_what_differs_is_changed_and_the_difference_told() -> None:
    there = [policy("a", "projects/p/alertPolicies/1", query="up == 0")]
    (change,) = changes([policy("a", query="x" * 60)], there)
    assert (change.action, change.name) == (Action.CHANGE, "projects/p/alertPolicies/1")
    assert list(change.lines()) == [
        "~ alert 'Title'",
        f"    conditions[0].condition_prometheus_query_language.query: 'up == 0' -> '{'x' * 39}...",
    ]


def test_a_tile_at_the_edge_that_was_moved_is_a_difference() -> None:
    assert list(differences(board().message, board(left=3).message)) == ["mosaic_layout.tiles[0].x_pos: 3 -> 0"]


def test_a_condition_that_somebody_added_is_a_difference() -> None:
    there = policy("a").message
    there.conditions.append(AlertPolicy.Condition())
    assert list(differences(policy("a").message, there)) == ["conditions: 2 of them -> 1 of them"]


def test_channels_count_only_where_some_are_wanted() -> None:
    added = policy("a", notification_channels=["theirs"]).message
    assert list(differences(policy("a").message, added)) == []
    wanted = policy("a", notification_channels=["ours"]).message
    assert list(differences(wanted, added)) == ["notification_channels[0]: 'theirs' -> 'ours'"]


def test_what_is_no_more_wanted_and_what_is_there_twice_is_removed() -> None:
    first, second = policy("a", "alertPolicies/1"), policy("a", "alertPolicies/2")
    gone = policy("gone", "alertPolicies/3")
    assert changes([policy("a")], [first, second, gone]) == [
        Change(Action.REMOVE, second, "alertPolicies/2"),
        Change(Action.REMOVE, gone, "alertPolicies/3"),
    ]


def test_ours_is_what_bears_all_marks() -> None:
    marks = {"managed-by": "pubsub-inference", "job": "readings"}
    assert is_ours({**marks, "rule": "freshness"}, marks)
    assert not is_ours({**marks, "job": "other"}, marks)
    assert not is_ours({"job": "readings"}, marks)


def test_of_long_values_the_place_is_told_where_they_differ() -> None:
    there, wanted = ("y" * 100 + each + "z" * 100 for each in ("one", "another"))
    start = "..." + "y" * 10
    assert list(differences(policy("a", query=wanted).message, policy("a", query=there).message)) == [
        "conditions[0].condition_prometheus_query_language.query: "
        f"{start}one{'z' * 27}... -> {start}another{'z' * 23}..."
    ]
