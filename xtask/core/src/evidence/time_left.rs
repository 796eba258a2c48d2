//! How long a whole build of a kernel still takes, by an earlier one of the same source.

use std::fmt;
use std::time::Duration;

/// A whole build that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierBuild {
    /// Digest of its resolved configuration.
    pub config_sha256: String,
    /// The objects that it is made of, as its Makefiles list them.
    pub objects: usize,
    /// Files that were compiled.
    pub files: usize,
}

/// How many files a whole build compiles whose Makefiles list `objects`: as many as one with the same configuration did, or as
/// many for each object as that of the most similar number. None if there is no earlier one.
pub fn expected_files(config_sha256: &str, objects: usize, earlier: &[EarlierBuild]) -> Option<usize> {
    let earlier = || earlier.iter().filter(|build| build.files > 0 && build.objects > 0);
    if let Some(same) = earlier().find(|build| build.config_sha256 == config_sha256) {
        return Some(same.files);
    }
    let nearest = earlier().min_by_key(|build| build.objects.abs_diff(objects))?;
    Some(nearest.files * objects / nearest.objects)
}

/// How long the rest takes at the speed so far. None if that is not known, or where more was done than expected.
pub fn left(done: u64, expected: u64, time: Duration) -> Option<Duration> {
    let left = expected.checked_sub(done).filter(|left| *left > 0)?;
    (done > 0).then(|| time.mul_f64(left as f64 / done as f64))
}

/// In words, as exactly as such a thing can be known; none for no time at all.
pub fn left_text(left: Duration) -> Option<String> {
    const MOST_SECONDS: u64 = 90;
    match left.as_secs() {
        0 => None,
        seconds if seconds <= MOST_SECONDS => Some(format!("about {} s left", seconds.next_multiple_of(5))),
        seconds => Some(format!("about {} min left", (seconds + 30) / 60)),
    }
}

/// What a build has done so far, and what there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Files that are compiled.
    pub files: usize,
    /// All that have to be; none if that is not known.
    pub expected: Option<usize>,
    /// Since the build began.
    pub time: Duration,
}

impl Progress {
    /// The rest at the speed of this build so far.
    pub fn left(&self) -> Option<Duration> {
        left(self.files as u64, self.expected? as u64, self.time)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { files, expected, time } = self;
        let seconds = time.as_secs();
        match (self.left(), expected) {
            (Some(left), Some(expected)) => {
                write!(f, "{files} of about {expected} files compiled after {seconds} s, ")?;
                match (left.as_secs() + 30) / 60 {
                    0 => write!(f, "less than a minute left"),
                    minutes => write!(f, "about {minutes} min left"),
                }
            }
            (Some(_) | None, _) => write!(f, "{files} files compiled after {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_as_an_earlier_build_had() {
        let build =
            |config: &str, objects, files| EarlierBuild { config_sha256: config.to_owned(), objects, files };
        let earlier = [build("a", 500, 1000), build("b", 800, 2000), build("c", 900, 0)];
        let check = |config: &str, objects, expected| {
            assert_eq!(expected_files(config, objects, &earlier), expected, "{config}");
        };
        check("a", 500, Some(1000));
        check("b", 800, Some(2000));
        check("other", 550, Some(1100));
        check("other", 880, Some(2200));
        // That one has compiled nothing.
        check("c", 900, Some(2250));
        assert_eq!(expected_files("a", 500, &[]), None);
    }

    #[test]
    fn time_left_in_words() {
        let said = |seconds| left_text(Duration::from_secs(seconds)).unwrap_or_default();
        assert_eq!(
            [0, 1, 5, 6, 90, 91, 200].map(said),
            [
                "",
                "about 5 s left",
                "about 5 s left",
                "about 10 s left",
                "about 90 s left",
                "about 2 min left",
                "about 3 min left",
            ]
        );
    }

    #[test]
    fn what_is_said() {
        let check = |files, expected, seconds, said: &str| {
            let progress = Progress { files, expected, time: Duration::from_secs(seconds) };
            assert_eq!(progress.to_string(), said);
        };
        check(300, Some(1200), 60, "300 of about 1200 files compiled after 60 s, about 3 min left");
        check(
            1000,
            Some(1200),
            120,
            "1000 of about 1200 files compiled after 120 s, less than a minute left",
        );
        check(600, Some(1200), 45, "600 of about 1200 files compiled after 45 s, about 1 min left");
        check(300, None, 60, "300 files compiled after 60 s");
        check(0, Some(1200), 60, "0 files compiled after 60 s");
        check(1200, Some(1200), 180, "1200 files compiled after 180 s");
        check(1300, Some(1200), 180, "1300 files compiled after 180 s");
    }
}
