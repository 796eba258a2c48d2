//! The page of a campaign, opened in a browser.

use std::fs;
use std::process::Command;

use lab_core::comparison::compare;
use lab_core::fixtures::{campaign, two_arms, warn};
use lab_core::plan::Clock;
use lab_core::report::Format;
use serde_json::Value;
use tempfile::TempDir;

/// Looks at the page in a frame as wide as a phone. What it finds is written where `--dump-dom` shows it.
const LOOK: &str = r#"
const frame = document.querySelector('iframe');
onload = () => {
  const page = frame.contentDocument;
  const all = (selector) => [...page.querySelectorAll(selector)];
  const scrolls = (element) => element.closest('.scroll, pre') !== null;
  const ids = all('[id]').map((element) => element.id);
  const levels = all('h1, h2, h3, h4').map((heading) => Number(heading.tagName[1]));
  document.querySelector('pre').textContent = JSON.stringify({
    wider: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    sticksOut: all('body *').filter((element) => !scrolls(element) && !element.closest('.skip')
      && element.getBoundingClientRect().right > page.documentElement.clientWidth + 1).map((element) => element.outerHTML.slice(0, 99)),
    sections: all('main > section > h2').map((heading) => heading.textContent),
    heading: page.querySelector('h1').textContent,
    text: page.body.innerText.length,
    dots: all('figure svg .dot').length,
    intervals: all('figure svg .interval').length,
    pictures: all('figure svg').length,
    unnamed: all('figure svg').filter((svg) => svg.getAttribute('role') !== 'img'
      || svg.getAttribute('aria-labelledby').split(' ').some((id) => !page.getElementById(id)?.textContent)).length,
    smallest: Math.min(...all('figure svg text').map((text) => text.getBoundingClientRect().height)),
    skipped: levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1).length,
    unscoped: all('th:not([scope])').length,
    twice: ids.length - new Set(ids).size,
    dead: all('a').filter((link) => !page.querySelector(link.getAttribute('href'))).length,
    unreachable: all('.scroll, pre').filter((box) => box.tabIndex !== 0).length,
    background: getComputedStyle(page.body).backgroundColor,
  });
};
"#;

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(format: &str, campaign: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_patchlab"))
        .args(["compare", campaign, "--format", format])
        .output()
        .expect("the lab starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What the browser prints of a page, and what it says meanwhile.
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn browse(folder: &TempDir, html: &str, arguments: &[&str]) -> (String, String) {
    let path = folder.path().join("page.html");
    fs::write(&path, html).expect("the page");
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=10000",
        "--enable-logging=stderr",
    ];
    let output = Command::new("chromium")
        .args(fixed)
        .args([&profile, "--dump-dom"])
        .args(arguments)
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("chromium is there: cargo xtask ci installs it");
    let [printed, said] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{said}");
    (printed, said)
}

fn look(folder: &TempDir, page: &str, width: u32, arguments: &[&str]) -> Value {
    let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<!DOCTYPE html><meta charset=utf-8><pre></pre><iframe style=\"border:0;width:{width}px;height:800px\" srcdoc=\"{quoted}\">\
         </iframe><script>{LOOK}</script>"
    );
    let (printed, said) = browse(folder, &outer, arguments);
    let found = printed.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>"));
    let found = found
        .expect("the page is looked at")
        .0
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}: {said}"))
}

fn samples(campaign: &str) -> usize {
    let comparison: Value = serde_json::from_str(&lab("json", campaign)).expect("JSON");
    let rows = comparison["rows"].as_array().expect("rows");
    let cells = rows.iter().flat_map(|row| row["cells"].as_array().expect("cells"));
    cells.map(|cell| cell["samples"].as_array().expect("samples").len()).sum()
}

/// What is found on a page as wide as a phone, after a look at what may be on none.
fn looked_at(folder: &TempDir, name: &str, page: &str) -> Value {
    let found = look(folder, page, 400, &[]);
    for none in ["wider", "unnamed", "skipped", "unscoped", "twice", "dead", "unreachable"] {
        assert_eq!(found[none], 0, "{name}, {none}: {found:#}");
    }
    assert_eq!(found["sticksOut"].as_array().map(Vec::len), Some(0), "{name}: {found:#}");
    assert!(found["text"].as_u64() > Some(1000), "{name}: {found:#}");
    found
}

#[test]
#[ignore = "opens a browser; `cargo xtask ci` installs it and runs this"]
fn a_page_is_whole_on_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    for (campaign, sections) in [
        (
            "reference-default",
            &["Figures", "Doubts", "Every sample", "Storage latency and throughput", "Costs"][..],
        ),
        ("reference-timeline", &["Requests in flight over time", "One read or write, request by request"]),
        ("reference-behaviour", &["Behaviour", "What was run", "Patches"]),
        ("reference-self-test", &["Self-test"]),
        ("reference-in-order", &["What the server saw"]),
    ] {
        let found = looked_at(&folder, campaign, &lab("html", campaign));
        for section in sections {
            let all = found["sections"].as_array().expect("headings");
            assert!(all.iter().any(|name| name == section), "{campaign}: {section}: {found:#}");
        }
        assert_eq!(found["dots"].as_u64(), Some(samples(campaign) as u64), "{campaign}: {found:#}");
        if found["dots"] != 0 {
            assert!(
                found["intervals"].as_u64() > Some(0) && found["pictures"].as_u64() > Some(0),
                "{found:#}"
            );
            assert!(found["smallest"].as_f64() > Some(10.0), "text of pictures is too small: {found:#}");
        }
    }
}

/// Long names and long lines of a kernel's report have boxes of their own; what has none is seen.
#[test]
#[ignore = "opens a browser; `cargo xtask ci` installs it and runs this"]
fn a_page_of_what_went_wrong_is_whole_on_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    warn(&mut campaign.boots[2], &"a_function_with_a_long_name_".repeat(9));
    campaign.boots[3].report = None;
    campaign.name = "campaign-with-a-long-name-".repeat(9);
    let page = Format::Html.render(&compare(&campaign).expect("a comparison")).expect("its page");
    let found = looked_at(&folder, "what went wrong", &page);
    assert_eq!(found["heading"], "Worse than the baseline");
    let wide = page.replace("</main>", "<div style=\"width:900px\">wide</div></main>");
    assert!(look(&folder, &wide, 400, &[])["wider"].as_u64() > Some(400), "what is too wide is not seen");
}

#[test]
#[ignore = "opens a browser; `cargo xtask ci` installs it and runs this"]
fn a_page_follows_the_colours_of_its_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = lab("html", "reference-default");
    let background = |scheme: &str| look(&folder, &page, 1280, &[scheme])["background"].clone();
    assert_eq!(background("--blink-settings=preferredColorScheme=1"), "rgb(255, 255, 255)");
    assert_eq!(background("--blink-settings=preferredColorScheme=0"), "rgb(20, 23, 27)");
}

/// Nothing is said on the console, and a script that somebody smuggled in is not run.
#[test]
#[ignore = "opens a browser; `cargo xtask ci` installs it and runs this"]
fn a_page_runs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = lab("html", "reference-default");
    let (printed, said) = browse(&folder, &page, &[]);
    assert!(printed.contains("Nothing speaks against a variant"), "{said}");
    assert!(!said.contains("CONSOLE"), "{said}");
    let smuggled = page.replace("</main>", "<script>document.title = 'run'</script></main>");
    let (printed, said) = browse(&folder, &smuggled, &[]);
    assert!(said.contains("CONSOLE") && said.contains("Content Security Policy"), "{said}");
    assert!(!printed.contains("<title>run"), "{printed}");
    for outside in ["http:", "https:", "//", "url(", "@import"] {
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
        assert!(!style.expect("a style").0.contains(outside), "{outside}");
    }
}
