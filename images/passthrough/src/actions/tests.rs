//! When actions are due. What they do is tried on real mounts.

use lab_protocol::{Deed, FaultOperation};

use super::*;

fn at_request(operation: &str, after: u64) -> Action {
    let operation: FaultOperation = operation.parse().unwrap();
    Action { at: Moment::Request { operation, after }, deed: Deed::Resend }
}

fn at_time(us: u64) -> Action {
    Action { at: Moment::Time { us }, deed: Deed::IncEpoch }
}

/// The places of what is due now.
fn due(actions: &Actions) -> Vec<usize> {
    let places: Vec<usize> = actions.lock().due.iter().copied().collect();
    places
}

#[test]
fn the_request_that_was_named_makes_it_due_once_in_each_turn() {
    use Operation::{Getattr, Read, Write};
    let actions =
        Actions::new(&[at_request("read", 2), at_request("data", 2), at_request("read", 9)]).unwrap();
    // Nothing counts before the turn begins.
    [Read; 5].into_iter().for_each(|operation| actions.notice(operation));
    assert_eq!((due(&actions), actions.end_turn()), (vec![], vec![]));
    for turn in ["one", "two"] {
        actions.begin_turn(turn.to_owned());
        let steps = [Read, Getattr, Write, Read, Write, Read, Read].map(|operation| {
            actions.notice(operation);
            due(&actions)
        });
        let steps = steps.map(|places| places.iter().map(usize::to_string).collect::<String>());
        assert_eq!(steps, ["", "", "", "1", "1", "10", "10"], "{turn}");
        for place in [1, 0] {
            let order = actions.next();
            assert_eq!((order.place, order.file.as_str()), (place, turn));
            actions.note(&order, order.turn, order.turn + 1, 7, ActionResult::Done);
        }
        let reports = actions.end_turn();
        assert_eq!(
            reports.iter().map(|report| report.result.clone()).collect::<Vec<_>>(),
            [ActionResult::Done, ActionResult::Done, ActionResult::NeverDue]
        );
        assert_eq!((reports[0].in_flight, reports[2].begin_ns), (7, None));
    }
}

#[test]
fn times_count_from_where_it_is_said() {
    let actions = Actions::new(&[at_time(1000), at_time(0), at_time(3_600_000_000)]).unwrap();
    let begin_ns = clock::now_ns();
    actions.count_from(begin_ns);
    actions.begin_turn(String::new());
    for (place, earliest_ns) in [(1, 0), (0, 1_000_000)] {
        let order = actions.next();
        let at_ns = clock::now_ns();
        assert!(order.place == place && at_ns >= begin_ns + earliest_ns, "{order:?}");
        actions.note(&order, at_ns, at_ns + 5, 0, ActionResult::Done);
    }
    let reports = actions.end_turn();
    assert!(reports[0].begin_ns >= Some(1_000_000), "{reports:?}");
    assert_eq!(reports[0].end_ns, reports[0].begin_ns.map(|ns| ns + 5));
    assert_eq!(reports[2], ActionReport::default());
}

#[test]
fn what_does_not_end_is_not_waited_for() {
    let mut actions = Actions::new(&[at_request("read", 0), at_request("read", 0)]).unwrap();
    Arc::get_mut(&mut actions).unwrap().patience = Duration::from_millis(1);
    actions.begin_turn("first".to_owned());
    actions.notice(Operation::Read);
    let late = actions.next();
    let results = |reports: Vec<ActionReport>| reports.into_iter().map(|it| it.result).collect::<Vec<_>>();
    assert_eq!(results(actions.end_turn()), [ActionResult::Unfinished, ActionResult::Unfinished]);
    // What ends in the next turn is none of that turn.
    actions.begin_turn("second".to_owned());
    actions.note(&late, 1, 2, 3, ActionResult::Done);
    assert_eq!(results(actions.end_turn()), [ActionResult::NeverDue, ActionResult::NeverDue]);
}

#[test]
fn data_goes_to_whoever_waits() {
    let actions = Actions::new(&[at_time(0)]).unwrap();
    actions.receive(1, 0, b"nobody");
    let replies = actions.await_replies();
    actions.receive(2, 4096, b"data");
    let Reply { number, offset, data } = replies.try_recv().unwrap();
    assert_eq!((number, offset, &data[..]), (2, 4096, &b"data"[..]));
    assert!(replies.try_recv().is_err());
}
