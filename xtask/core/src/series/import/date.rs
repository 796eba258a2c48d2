//! When a patch was written: the forms of dates that mails, git and quilt have, as that of RFC 5322.

use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Those with a zone, without the day of the week: what git prints, and ISO 8601.
const WITH_ZONE: [&str; 5] = [
    "%b %d %H:%M:%S %Y %z",
    "%b %d %H:%M:%S %z %Y",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
];

/// Those without one, which are read as UTC.
const WITHOUT_ZONE: [&str; 6] = [
    "%b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
];

/// The date as `Sat, 5 Jan 2013 01:08:09 -0130`; none if it is none of the forms.
pub(super) fn parse(text: &str) -> Option<String> {
    let text = text.split(" (").next().unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match text.strip_suffix(" UTC").or(text.strip_suffix('Z')) {
        Some(before) => format!("{} +0000", before.trim_end()),
        None => text,
    };
    // A wrong day of the week is no reason to lose a date.
    let text = without_weekday(&text);
    let rfc = DateTimeParser::new().parse_zoned(text).ok();
    let zoned = rfc.or_else(|| with_zone(text)).or_else(|| without_zone(text)).or_else(|| seconds(text))?;
    Some(zoned.strftime("%a, %-d %b %Y %H:%M:%S %z").to_string())
}

fn without_weekday(text: &str) -> &str {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    match text.split_once([',', ' ']) {
        Some((word, rest)) if days.iter().any(|day| word.starts_with(day)) => rest.trim_start(),
        Some(_) | None => text,
    }
}

fn with_zone(text: &str) -> Option<Zoned> {
    let read = |form: &&str| BrokenDownTime::parse(form, text).and_then(|time| time.to_zoned()).ok();
    WITH_ZONE.iter().find_map(read)
}

fn without_zone(text: &str) -> Option<Zoned> {
    let read = |form: &&str| {
        let time = BrokenDownTime::parse(form, text).ok()?;
        let date = time.to_date().ok()?;
        // A day alone has no time.
        Some(time.to_datetime().unwrap_or_else(|_| DateTime::from_parts(date, jiff::civil::Time::midnight())))
    };
    WITHOUT_ZONE.iter().find_map(read)?.to_zoned(TimeZone::UTC).ok()
}

/// `1357353489 -0130`, as git stores it; without a zone in UTC.
fn seconds(text: &str) -> Option<Zoned> {
    let (seconds, zone) = text.trim_start_matches('@').split_once(' ').unwrap_or((text, "+0000"));
    let is_time = seconds.len() >= 9 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = Some(seconds).filter(|_| is_time)?;
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = zone[1..].parse::<i32>().ok().filter(|_| zone.len() == 5)?;
    let offset = Offset::from_seconds(sign * (digits / 100 * 3600 + digits % 100 * 60)).ok()?;
    let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    Some(time.to_zoned(TimeZone::fixed(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parse(text).as_deref(), expected, "{text}");
        };
        let same = Some("Sat, 5 Jan 2013 01:08:09 -0130");
        check("Sat, 5 Jan 2013 01:08:09 -0130", same);
        check("Sat, 05 Jan 2013  01:08:09 -0130 (NST)", same);
        check("5 Jan 2013 01:08:09 -0130", same);
        check("Mon, 5 Jan 2013 01:08:09 -0130", same);
        check("Sat Jan 5 01:08:09 2013 -0130", same);
        check("Sat Jan  5 01:08:09 2013 -0130", same);
        check("2013-01-05 01:08:09 -0130", same);
        check("2013-01-05T01:08:09-01:30", same);
        check("1357353489 -0130", same);
        check("@1357353489 -0130", same);
        check("1357353489", Some("Sat, 5 Jan 2013 02:38:09 +0000"));
        let utc = Some("Fri, 5 Jan 2024 10:00:00 +0000");
        check("Fri, 5 Jan 2024 10:00:00 GMT", utc);
        check("Fri Jan 5 10:00:00 2024 UTC", utc);
        check("2024-01-05T10:00:00Z", utc);
        check("2024-01-05 10:00:00", utc);
        check("Fri Jan  5 10:00:00 2024", utc);
        check("2024-01-05", Some("Fri, 5 Jan 2024 00:00:00 +0000"));
        check("Fri, 5 Jan 2024 10:00:00 EST", Some("Fri, 5 Jan 2024 10:00:00 -0500"));
        check("yesterday", None);
        check("Sat, 35 Jan 2013 01:08:09 -0130", None);
        check("", None);
    }
}
