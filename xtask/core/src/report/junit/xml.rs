//! Cases as XML. Only what every reader of JUnit files knows is written: there are schemas that refuse anything else.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Case, Result};
use crate::text::escape::escape_for_terminal;

type Output = Writer<Vec<u8>>;

/// The document of a campaign with these suites.
pub(super) fn document(campaign: &str, suites: &[(&str, Vec<Case>)]) -> anyhow::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = counts(suites.iter().flat_map(|(_, cases)| cases));
    let name = attribute(campaign);
    let [tests, failures, errors, _] = &all;
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", name.as_str()),
            ("tests", tests),
            ("failures", failures),
            ("errors", errors),
        ])
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(name, cases)| suite(writer, name, cases))
        })?;
    Ok(String::from_utf8(writer.into_inner())? + "\n")
}

fn suite(writer: &mut Output, name: &str, cases: &[Case]) -> io::Result<()> {
    let [tests, failures, errors, skipped] = &counts(cases);
    let attributes =
        [("name", name), ("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)];
    let suite = writer.create_element("testsuite").with_attributes(attributes);
    suite.write_inner_content(|writer| cases.iter().try_for_each(|it| case(writer, it)))?;
    Ok(())
}

fn case(writer: &mut Output, case: &Case) -> io::Result<()> {
    let (class, name) = (attribute(&case.class), attribute(&case.name));
    let attributes = [("classname", class.as_str()), ("name", name.as_str())];
    let element = writer.create_element("testcase").with_attributes(attributes);
    let details = printable(&case.details);
    let with = |writer: &mut Output, name: &str, kind: &str, why: &str| -> io::Result<()> {
        let why = attribute(why);
        let element =
            writer.create_element(name).with_attributes([("message", why.as_str()), ("type", kind)]);
        element.write_text_content(BytesText::new(&details))?;
        Ok(())
    };
    element.write_inner_content(|writer| match &case.result {
        Result::Failed(why) => with(writer, "failure", "worse", why),
        Result::CannotTell(why) => with(writer, "error", "cannot-tell", why),
        Result::Skipped(why) => with(writer, "skipped", "not-judged", why),
        Result::Passed if details.is_empty() => Ok(()),
        Result::Passed => {
            writer.create_element("system-out").write_text_content(BytesText::new(&details))?;
            Ok(())
        }
    })?;
    Ok(())
}

/// How many there are, how many failed, of how many nothing can be said, how many are not judged.
fn counts<'a>(cases: impl IntoIterator<Item = &'a Case>) -> [String; 4] {
    let mut counts = [0_usize; 4];
    for case in cases {
        counts[0] += 1;
        match case.result {
            Result::Passed => {}
            Result::Failed(_) => counts[1] += 1,
            Result::CannotTell(_) => counts[2] += 1,
            Result::Skipped(_) => counts[3] += 1,
        }
    }
    counts.map(|count| count.to_string())
}

/// In one line, since readers make spaces of line feeds there.
fn attribute(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// What XML has no place for is shown, as on a terminal.
fn printable(text: &str) -> String {
    escape_for_terminal(text).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}
