//! Which commit of a series is measured next: first those that are wanted, then those in the middle of a step.

/// What is known of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is to be measured.
    Wanted,
    /// It is measured only if a step lies around it.
    Between,
    /// It was measured.
    Measured,
    /// It has no kernel.
    DoesNotBuild,
}

/// What is between two commits that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing differs.
    Same,
    /// Something does.
    Step,
    /// They were measured in different ways, and this one, by place, is to be measured again.
    Again(usize),
}

/// Whether steps are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bisection {
    /// Until two neighbours are left.
    Bisect,
    /// Not at all.
    Leave,
}

/// What is to be measured next, by place, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A commit that is wanted.
    Wanted(usize),
    /// One that was measured in another way than its neighbour.
    Again(usize),
    /// One between two commits with a step.
    Inside {
        /// Which.
        place: usize,
        /// The last one before it that was measured.
        before: usize,
        /// The first one after it that was measured.
        after: usize,
    },
}

impl Due {
    /// Which commit.
    pub fn place(self) -> usize {
        match self {
            Due::Wanted(place) | Due::Again(place) | Due::Inside { place, .. } => place,
        }
    }
}

/// What is to be measured next; none if nothing is. `link` is asked of commits that were measured with none between them that
/// was.
///
/// # Errors
/// As `link`.
pub fn due(
    states: &[State],
    bisection: Bisection,
    mut link: impl FnMut(usize, usize) -> anyhow::Result<Link>,
) -> anyhow::Result<Option<Due>> {
    if let Some(place) = states.iter().position(|state| *state == State::Wanted) {
        return Ok(Some(Due::Wanted(place)));
    }
    for (before, after) in links(states) {
        match link(before, after)? {
            Link::Same => {}
            Link::Again(place) => return Ok(Some(Due::Again(place))),
            Link::Step if bisection == Bisection::Bisect => {
                if let Some(place) = middle(states, before, after) {
                    return Ok(Some(Due::Inside { place, before, after }));
                }
            }
            Link::Step => {}
        }
    }
    Ok(None)
}

/// Commits that were measured, each with the next one that was.
pub(super) fn links(states: &[State]) -> Vec<(usize, usize)> {
    let is_measured = |place: &usize| states[*place] == State::Measured;
    let measured: Vec<usize> = (0..states.len()).filter(is_measured).collect();
    measured.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The commit nearest to the middle that can still be measured, of two the older one.
fn middle(states: &[State], before: usize, after: usize) -> Option<usize> {
    let inside = (before + 1..after).filter(|place| states[*place] == State::Between);
    inside.min_by_key(|place| (2 * place).abs_diff(before + after))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Measures what is due until nothing is, in a series whose levels are these; a commit without one does not build. Only
    /// each `every`th is wanted.
    fn check(levels: &[Option<u32>], every: usize, bisection: Bisection, expected: Expect) {
        let wanted = |place: usize| place.is_multiple_of(every) || place + 1 == levels.len();
        let mut states: Vec<State> = (0..levels.len())
            .map(|place| if wanted(place) { State::Wanted } else { State::Between })
            .collect();
        let mut order = Vec::new();
        loop {
            let link = |before: usize, after: usize| {
                Ok(if levels[before] == levels[after] { Link::Same } else { Link::Step })
            };
            let Some(due) = due(&states, bisection, link).unwrap() else { break };
            order.push(match due {
                Due::Wanted(place) | Due::Again(place) => place.to_string(),
                Due::Inside { place, before, after } => format!("{before}<{place}<{after}"),
            });
            states[due.place()] =
                if levels[due.place()].is_some() { State::Measured } else { State::DoesNotBuild };
        }
        let is_step = |(before, after): &(usize, usize)| levels[*before] != levels[*after];
        let steps = links(&states).into_iter().filter(is_step);
        let steps: Vec<String> = steps.map(|(before, after)| format!("{before}-{after}")).collect();
        expected.assert_eq(&format!("{}; steps {}", order.join(" "), steps.join(" ")));
    }

    fn levels(text: &str) -> Vec<Option<u32>> {
        text.chars().map(|level| level.to_digit(10)).collect()
    }

    #[test]
    fn what_is_wanted_comes_first_and_then_each_step_is_halved() {
        let bisect = Bisection::Bisect;
        check(&levels("1111111"), 3, bisect, expect!["0 3 6; steps "]);
        check(&levels("11222211"), 3, bisect, expect!["0 3 6 7 0<1<3 1<2<3 3<4<6 4<5<6; steps 1-2 5-6"]);
        check(
            &levels("1111111112222222"),
            15,
            bisect,
            expect!["0 15 0<7<15 7<11<15 7<9<11 7<8<9; steps 8-9"],
        );
        // Both halves have a step, and both are gone into.
        check(&levels("112223333"), 8, bisect, expect!["0 8 0<4<8 0<2<4 0<1<2 4<6<8 4<5<6; steps 1-2 4-5"]);
        check(&levels("11222211"), 3, Bisection::Leave, expect!["0 3 6 7; steps 0-3 3-6"]);
        check(&levels("1"), 3, bisect, expect!["0; steps "]);
        check(&[], 3, bisect, expect!["; steps "]);
    }

    #[test]
    fn what_does_not_build_is_left_out() {
        let bisect = Bisection::Bisect;
        check(&levels("11x22"), 4, bisect, expect!["0 4 0<2<4 0<1<4 1<3<4; steps 1-3"]);
        check(&levels("1xxx2"), 4, bisect, expect!["0 4 0<2<4 0<1<4 0<3<4; steps 0-4"]);
        // One that is wanted, too: its neighbours are measured if something differs around it.
        check(&levels("11x2222"), 2, bisect, expect!["0 2 4 6 0<1<4 1<3<4; steps 1-3"]);
    }

    /// After a change of the lab the neighbour of a new commit is measured once more, and nothing else is.
    #[test]
    fn what_was_measured_in_another_way_is_measured_again() {
        let states = [State::Measured; 3];
        let link = |_, after| Ok(if after == 2 { Link::Again(1) } else { Link::Same });
        assert_eq!(due(&states, Bisection::Leave, link).unwrap(), Some(Due::Again(1)));
    }
}
