//! A series of commits in all its forms.

use expect_test::expect;

use super::*;
use crate::campaign::WatchedCommit;
use crate::comparison::history::tests::point;
use crate::comparison::history::{HistoryLink, difference, figures};
use crate::report::html;

fn commit(place: usize, subject: &str) -> WatchedCommit {
    WatchedCommit {
        commit: place.to_string().repeat(40),
        tree: String::new(),
        committed: format!("2026-11-1{place}T10:00:00+00:00"),
        author: "A Maintainer".to_owned(),
        subject: subject.to_owned(),
        campaigns: Vec::new(),
        does_not_build: None,
    }
}

/// Four commits: the second was not measured, the third is slower and does not follow the first at once, the fourth is the
/// third without a difference; and one that was rewritten away.
fn history(subject: &str) -> History {
    let campaigns = [Some(point("1", 0.6)), None, Some(point("3", 0.64)), Some(point("4", 0.64))];
    let mut points: Vec<Point> = campaigns
        .iter()
        .enumerate()
        .map(|(place, campaign)| Point {
            commit: commit(place, if place == 2 { subject } else { "fuse: do it" }),
            figures: campaign.as_ref().map(|of| figures(of).unwrap()).unwrap_or_default(),
        })
        .collect();
    points[1].commit.does_not_build = Some("fs/fuse/file.c:1: error: no".to_owned());
    let between = |before: usize, after: usize| {
        let named =
            |place: usize| (points[place].commit.commit[..4].to_owned(), campaigns[place].clone().unwrap());
        let ((left, a), (right, b)) = (named(before), named(after));
        difference((&left, &a), (&right, &b)).unwrap()
    };
    let link = |before, after| HistoryLink { before, after, difference: Ok(between(before, after)) };
    History {
        tree: "/src/linux".to_owned(),
        branch: "master".to_owned(),
        plan: "ci".to_owned(),
        threshold: "1 %".to_owned(),
        rows: points[0].figures.iter().map(|figure| figure.row.clone()).collect(),
        links: vec![link(0, 2), link(2, 3)],
        whole: Some((0, 3, between(0, 3))),
        gone: vec![commit(9, "fuse: was here")],
        points,
    }
}

#[test]
fn a_series_for_a_terminal() {
    expect![[r#"
        master of /src/linux, plan ci: 3 of 4 commits measured. A step is a change of a mean that exceeds 1
        % and whose 95 % interval excludes 1; each change is against the commit measured before.

        |      | commit       | date       | subject                              |   dd-read MB/s | aio-read MiB/s |
        |------|--------------|------------|--------------------------------------|----------------|----------------|
        |      | 000000000000 | 2026-11-10 | fuse: do it                          |  111.8         |  55.01         |
        |      | 111111111111 | 2026-11-11 | fuse: do it                          | does not build | does not build |
        | step | 222222222222 | 2026-11-12 | fuse: bound what one direct reque... |  104.9  -6.2 % |  55.01       = |
        |      | 333333333333 | 2026-11-13 | fuse: do it                          |  104.9       = |  55.01       = |

        Step: 222222222222 fuse: bound what one direct request pins, however large it is (A Maintainer,
              2026-11-12), or one of those before it that have no kernel: 111111111111
          slow dd-read: 111.8 -> 104.9 MB/s, -6.2 % worse (95 % interval -6.3 % to -6.2 %)

        Notes:
        - 999999999999 fuse: was here was measured and is no longer in master: the branch was rewritten; its
          campaigns are kept

        Conclusion: 1 step; the newest commit is worse than the oldest one (exit code 1).
        3333 against 0000: SLOWER in 1 of 2 rows (x0.938); no difference in 1 of 2 rows (equal aio-read).
    "#]].assert_eq(&render(&history("fuse: bound what one direct request pins, however large it is")));
}

#[test]
fn a_series_for_programs() {
    let history = history("=1+1, \"fuse\"");
    expect![[r#"
        order,commit,time,author,subject,scenario,workload,metric,unit,mean,low,high,n,ratio,ratio_low,ratio_high,verdict,step
        0,0000000000000000000000000000000000000000,2026-11-10T10:00:00+00:00,A Maintainer,fuse: do it,slow,dd-read,throughput,MB/s,111.84810666666667,111.7092683197107,111.98711756946223,3,,,,,
        0,0000000000000000000000000000000000000000,2026-11-10T10:00:00+00:00,A Maintainer,fuse: do it,slow,aio-read,throughput,MiB/s,55.00999878809912,54.98516274651098,55.03484604778557,3,,,,,
        2,2222222222222222222222222222222222222222,2026-11-12T10:00:00+00:00,A Maintainer,"'=1+1, ""fuse""",slow,dd-read,throughput,MB/s,104.8576,104.7274390497288,104.98792272137084,3,0.9375,0.9374999999999997,0.9375000000000002,worse,yes
        2,2222222222222222222222222222222222222222,2026-11-12T10:00:00+00:00,A Maintainer,"'=1+1, ""fuse""",slow,aio-read,throughput,MiB/s,55.00999878809912,54.98516274651098,55.03484604778557,3,1,1,1,same,no
        3,3333333333333333333333333333333333333333,2026-11-13T10:00:00+00:00,A Maintainer,fuse: do it,slow,dd-read,throughput,MB/s,104.8576,104.7274390497288,104.98792272137084,3,1,1,1,same,no
        3,3333333333333333333333333333333333333333,2026-11-13T10:00:00+00:00,A Maintainer,fuse: do it,slow,aio-read,throughput,MiB/s,55.00999878809912,54.98516274651098,55.03484604778557,3,1,1,1,same,no
    "#]].assert_eq(&long(&history).unwrap());
    expect![[r#"
        time,commit,subject,slow/dd-read,slow/aio-read
        2026-11-10T10:00:00+00:00,0000000000000000000000000000000000000000,fuse: do it,111.84810666666667,55.00999878809912
        2026-11-12T10:00:00+00:00,2222222222222222222222222222222222222222,"'=1+1, ""fuse""",104.8576,55.00999878809912
        2026-11-13T10:00:00+00:00,3333333333333333333333333333333333333333,fuse: do it,104.8576,55.00999878809912
    "#]].assert_eq(&wide(&history).unwrap());
    expect![[r#"
        tests:
          linux:
            type: csv
            file: points.csv
            time_column: time
            attributes: [commit, subject]
            metrics:
              slow/dd-read:
                column: slow/dd-read
                direction: 1
                scale: 1
              slow/aio-read:
                column: slow/aio-read
                direction: 1
                scale: 1
    "#]]
    .assert_eq(&otava(&history, "linux", "points.csv"));
}

/// What a commit says is text on the page, and every commit that was measured is drawn.
#[test]
fn a_series_as_a_page() {
    let page = html::history::render(&history("<script>alert(1)</script>"));
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(page.matches("<figure>").count(), 2);
    assert_eq!(page.matches("<circle").count(), 6);
    assert_eq!(page.matches("does not build").count(), 2);
}
