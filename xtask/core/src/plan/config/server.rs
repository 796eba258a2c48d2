//! The scenarios of `lab.toml` with a FUSE server that is not the lab's own.

use lab_protocol::{ForeignServer, LibfuseExample, ServerProgram};

use super::error::ConfigError;
use super::reader::{Field, Table};
use crate::text::suggest::quoted;

/// The longest path and the longest argument, bytes.
const LONGEST: usize = 4000;

/// What the arguments have to name: what is served, and where.
const FOLDERS: [&str; 2] = ["{storage}", "{mount}"];

/// Reads the table of such a scenario; none if its server is the lab's own, or it has none. `own` are the keys that only the lab's own
/// server has.
pub(super) fn parse<'k>(
    table: &Table<'_>,
    own: impl Iterator<Item = &'k str>,
) -> Result<Option<ForeignServer>, ConfigError> {
    let Some(field) = table.optional("server") else { return Ok(None) };
    if let Some(field) = own.filter_map(|key| table.optional(key)).next() {
        return Err(field.error(
            "is a setting of the lab's own FUSE server or of a file system, and the scenario has another server; remove it, or \
             `like` if it comes from there",
        ));
    }
    table.clone().only(&["like", "server"])?;
    let server = field
        .table("{ program = \"/usr/bin/sshfs\", arguments = [\"-f\", \"{storage}\", \"{mount}\"] }")?
        .only(&["program", "libfuse", "arguments"])?;
    let program = program(&server)?;
    let arguments = arguments(&server.field("arguments"))?;
    Ok(Some(ForeignServer { program, arguments }))
}

fn program(server: &Table<'_>) -> Result<ServerProgram, ConfigError> {
    match (server.optional("program"), server.optional("libfuse")) {
        (Some(_), Some(libfuse)) => {
            Err(libfuse.error("a scenario has one server; name a program or an example of libfuse"))
        }
        (None, Some(libfuse)) => {
            let examples = LibfuseExample::ALL.map(|example| (example.name(), example));
            Ok(ServerProgram::Libfuse(libfuse.choice(&examples)?))
        }
        (_, None) => {
            let path = server.field("program").text()?;
            let is_plain = path.text.starts_with('/')
                && path.text.len() <= LONGEST
                && path.text[1..].split('/').all(|part| !matches!(part, "" | "." | ".."));
            match is_plain {
                true => Ok(ServerProgram::Host(path.text.to_owned())),
                false => Err(path.error(format!(
                    "{} is no path of a program; use one from the root on, such as /usr/bin/sshfs, without `.` and `..`",
                    quoted(path.text)
                ))),
            }
        }
    }
}

fn arguments(field: &Field<'_>) -> Result<Vec<String>, ConfigError> {
    let texts = field.texts()?;
    field.check_count(texts.len())?;
    if let Some(long) = texts.iter().find(|text| text.text.len() > LONGEST) {
        return Err(long.error(format!("is longer than {LONGEST} bytes; make it shorter")));
    }
    let lacks = FOLDERS.into_iter().find(|folder| !texts.iter().any(|text| text.text.contains(folder)));
    match lacks {
        None => Ok(texts.iter().map(|text| text.text.to_owned()).collect()),
        Some(folder) => Err(field.error(format!(
            "no argument has {folder}, so that the server does not know {}; add it where the server wants it",
            if folder == "{mount}" { "where to mount" } else { "which files to serve" }
        ))),
    }
}
